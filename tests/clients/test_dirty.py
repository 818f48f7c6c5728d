# SPDX-License-Identifier: MIT
"""Pages that devices wrote to: tests/clients/dirty.

Each program knows what its device writes, and is told it by the container
(DIRTY_PAGES, --dirty-pages=written) and by the device (DMA logging): exactly
these pages, each once, and interrupts are none.
"""

import re

import pytest

# A mode with one profile, a profile with one mode.
WAYS = [("mode=inline", "intel"), ("mode=thread", "intel-39bit"),
        ("mode=adaptive", "amd"), ("mode=inline", "arm-smmuv3")]
PROFILES = [profile for mode, profile in WAYS]


@pytest.fixture
def run(ioas, compiled):
    """The number of pages that were told."""
    def one(name, device, *options):
        result = ioas.run(
            compiled(f"dirty/{name}.c"),
            devices=[f"{device},dma-logging=on"], options=options)
        assert result.returncode == 0, result.stderr
        return int(re.fullmatch(r"told (\d+)\n", result.stdout)[1])
    return one


@pytest.mark.parametrize("mode,profile", WAYS)
def test_copies_and_fills(run, mode, profile):
    assert run("ioat", f"ioat,{mode}", "--dirty-pages=written", "--profile",
               profile) > 1000


@pytest.mark.parametrize("mode,profile", WAYS)
def test_reads_of_blocks(run, mode, profile):
    assert run("nvme", f"nvme,size=1M,{mode}", "--dirty-pages=written",
               "--profile", profile) > 500


@pytest.mark.parametrize("profile", PROFILES)
def test_transfers(run, profile):
    assert run("edu", "edu", "--dirty-pages=written", "--profile",
               profile) > 500


def test_scattered_frames(run):
    assert run("ioat", "ioat", "--dirty-pages=written",
               "--frames=scattered:3") > 1000


@pytest.mark.parametrize("contract", ["linux-7.3", "linux-6.12"])
def test_each_contract(run, contract):
    assert run("nvme", "nvme,size=1M", "--dirty-pages=written", "--contract",
               contract) > 500


def test_every_page_that_is_mapped(ioas, compiled):
    """As Linux has it, where nothing else was asked for."""
    result = ioas.run(compiled("dirty/edu.c"), devices=["edu,dma-logging=on"])
    assert result.returncode == 1
    assert re.match(r"the container: page \d+: told 1, written 0\n",
                    result.stderr)
