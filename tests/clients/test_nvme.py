# SPDX-License-Identifier: MIT
"""The NVMe controller itself: power cuts, namespaces, options.

Sources of small programs that drive it are in tests/clients/nvme.
"""

import array
import os
import random
import signal
import subprocess

import pytest

from conftest import (BDF, MIB, alive, assert_refused, bytes_at, checksum,
                      children, ioas_lines, wait_until)

LANES, MOST = 8, 8          # as in writer.c
FILE = 2 * MIB


@pytest.fixture(scope="session")
def build(compiled):
    """By name: a program of the folder."""
    return lambda name: compiled(f"nvme/{name}.c")


# ---- Power cuts ----

def mix(n):
    n = (n ^ n >> 31) * 0x9e3779b97f4a7c15 % 2**64
    return n ^ n >> 29


def blocks_of(n, blocks):
    """Where write number n of writer.c goes."""
    part = blocks // LANES
    first = n % LANES * part + mix(n) // MOST % (part - MOST)
    return range(first, first + mix(n) % MOST + 1)


class Medium:
    """What must be in the file, write by write."""

    def __init__(self, path, block):
        self.path, self.block = path, block
        self.blocks = FILE // block
        self.holds = [0] * self.blocks      # the last look at each block
        self.next = LANES                   # number of the next write

    def read(self):
        """The number in each block; a torn one has two of them."""
        words = array.array("Q")
        with open(self.path, "rb") as f:
            words.frombytes(f.read())
        step = self.block // 8
        for i in range(self.blocks):
            words_of = set(words[i * step:(i + 1) * step])
            assert len(words_of) == 1, f"block {i} is torn: {words_of}"
            yield words_of.pop()

    def check(self, flushed):
        """All writes up to @flushed are there; then look at what is."""
        wanted, may = list(self.holds), {}
        found = list(self.read())
        last = max(flushed, *found)
        for n in range(self.next, last + 1):
            for b in blocks_of(n, self.blocks):
                may.setdefault(b, {self.holds[b]}).add(n)
                if n <= flushed:
                    wanted[b] = n
        for b, n in enumerate(found):
            assert n >= wanted[b], f"block {b}: {n}, flushed was {wanted[b]}"
            assert n in may.get(b, {self.holds[b]}), f"block {b} holds {n}"
        self.holds = found
        self.next = (last // LANES + 1) * LANES


def cut_power(ioas, writer, medium, whom, seconds):
    """Start it, kill it after a while; the last number that it told."""
    process = ioas.start(writer, medium.block, medium.blocks, medium.next,
                         devices=[f"nvme,file={medium.path},"
                                  f"blocks={medium.block}"])
    try:
        process.wait(seconds)
        assert False, process.stderr.read()
    except subprocess.TimeoutExpired:
        pass
    programs = children(process.pid)
    if whom == "program" and programs:
        os.kill(programs[0], signal.SIGKILL)
    else:
        process.kill()
    out, err = process.communicate(timeout=30)
    wait_until(lambda: not any(alive(p) for p in programs))
    assert not [x for x in ioas_lines(err) if "DMA fault" in x], err
    told = [int(x) for x in out.split("\n")[:-1]]
    return told[-1] if told else 0


@pytest.mark.parametrize("block", [512, 4096])
def test_what_was_flushed_outlives_a_power_cut(ioas, build, tmp_path, block):
    """50 cuts or more, of the program or of the whole run, at any moment."""
    path = tmp_path / "disk.img"
    path.write_bytes(bytes(FILE))
    medium = Medium(path, block)
    choice = random.Random(block)
    cuts = flushed = 0
    # More than 25 in the middle of the writes. A program that has to wait for a
    # processor comes to them later.
    while cuts < 50 or flushed <= 25:
        whom = "run" if cuts % 5 == 0 else "program"
        now = cut_power(ioas, build("writer"), medium, whom,
                        choice.uniform(0.02, 0.3) * (1 + cuts // 50))
        medium.check(now)
        flushed += now > 0
        cuts += 1
        assert cuts < 400
    assert path.stat().st_size == FILE


# ---- Memory that is given back ----

def test_a_transfer_that_stops_midway_goes_where_it_began(ioas, build,
                                                          tmp_path):
    """KEEP-1: the old addresses are not given back while it could go on."""
    path = tmp_path / "disk.img"
    path.write_bytes(b"\xc3" * 4 * MIB)
    result = ioas.run(build("frozen"),
                      devices=[f"nvme,file={path},mode=thread"])
    if result.returncode == 77:
        pytest.skip(result.stdout.strip())
    assert result.returncode == 0, result.stdout + result.stderr
    assert "memory-gone" not in result.stderr


# ---- Namespaces ----

def namespace(number):
    return f"nvme://{BDF}/{number}"


def qemu_io(system_qemu, device, number, *commands):
    given = [x for c in commands for x in ("-c", c)]
    return system_qemu.ioas.run(
        system_qemu.program("qemu-io"), "-f", "raw", *given,
        namespace(number), devices=[device])


def assert_good(result):
    assert result.returncode == 0, result.stderr
    assert "DMA fault" not in result.stderr
    assert "failed" not in result.stdout


@pytest.mark.parametrize("block", [512, 4096])
def test_each_namespace_has_its_file(system_qemu, disk, tmp_path, block):
    second = tmp_path / "second.img"
    second.write_bytes(bytes(8 * MIB))
    device = f"nvme,file={disk},file3={second},blocks3={block}"
    assert_good(qemu_io(system_qemu, device, 3, "write -P 0x33 1M 64k",
                        "read -P 0x33 1M 64k"))
    assert_good(qemu_io(system_qemu, device, 1, "write -P 0x11 2M 4k"))
    assert bytes_at(second, MIB, 65536) == b"\x33" * 65536
    assert bytes_at(second, 2 * MIB, 4096) == bytes(4096)
    assert bytes_at(disk, 2 * MIB, 4096) == b"\x11" * 4096
    assert bytes_at(disk, MIB, 65536) == bytes(65536)


def test_a_namespace_may_be_memory(system_qemu, source, tmp_path):
    """On the way from a file to a file; its path may be relative."""
    img, out = system_qemu.program("qemu-img"), tmp_path / "out.raw"
    script = (f"'{img}' convert -n -f raw -O raw {namespace(1)} "
              f"{namespace(2)} 2>&1; "
              f"'{img}' convert -n -f raw -O raw '{source}' {namespace(2)} "
              f"&& '{img}' convert -f raw -O raw {namespace(2)} '{out}'")
    result = system_qemu.ioas.run(
        "/bin/sh", "-c", script, cwd=tmp_path,
        devices=["nvme,file=source.raw,size2=64M,blocks2=4096"])
    assert result.returncode == 0, result.stderr
    assert checksum(out) == checksum(source)


@pytest.mark.parametrize("device, words", [
    ("nvme,size=1M,blocks=520", ["blocks=520", "512 or 4096"]),
    ("nvme,size=1M,blocks2=512", ["blocks2=", "file2="]),
    ("nvme,size=1M,file2=", ["file2="]),
    ("nvme,size=1M,size2=none", ["size2=none", "64M"]),
    ("nvme,size=1M,size2=1M,file2=x", ["file2=", "size2=", "not both"]),
    ("nvme,size=1M,size5=1M", ["size5"]),
    ("nvme,size2=1M", ["file="]),
])
def test_options_of_namespaces_that_are_wrong(ioas, device, words):
    result = ioas.run("/bin/true", devices=[device])
    assert_refused(result, 125, *words)
