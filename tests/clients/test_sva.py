# SPDX-License-Identifier: MIT
"""A device on the program's own addresses: nothing is mapped for it."""

import json
import os
import re

import pytest

from conftest import BDF, TOP, ioas_lines

SOURCES = os.path.join(TOP, "tests/clients/sva")
EDU = ["edu,pasid=20,pri=8"]
PASID = 0x1b
# Where the program has taken away what the device was told to use.
REFUSED = {"it_does_what_the_program_may", "memory_given_back_is_not_touched",
           "a_heap_that_shrinks_is_not_touched",
           "a_segment_that_goes_is_not_touched"}
MAY_BE = {"memory_changes_while_the_device_works"}


def cases(name):
    with open(f"{SOURCES}/{name}.c", encoding="ascii") as f:
        return re.findall(r"^\tCASE\((\w+)\)", f.read(), re.M)


@pytest.mark.parametrize("mode", ["inline", "thread"])
@pytest.mark.parametrize("case", cases("shared"))
def test_shared(ioas, compiled, case, mode):
    result = ioas.run(compiled("sva/shared.c"), case,
                      devices=[f"{EDU[0]},mode={mode}"])
    assert result.returncode == 0, result.stderr
    assert result.stdout.endswith("done\n")
    if result.stdout.startswith("skipped: "):
        pytest.skip(result.stdout.splitlines()[0])
    found = ioas_lines(result.stderr)
    if case not in MAY_BE:
        assert bool(found) == (case in REFUSED), result.stderr
    for line in found:
        assert "process-memory" in line, result.stderr


def test_what_is_not_bound_is_reported(ioas, compiled, tmp_path):
    path = tmp_path / "report"
    ioas.run(compiled("sva/shared.c"), "a_pasid_of_nobodys", devices=EDU,
             options=["--report", "json", "--report-file", path])
    row = json.loads(path.read_text().splitlines()[0])
    assert row["check"] == "unbound-pasid"
    assert row["pasid"] == 77
    assert "iova" not in row and row["address"]


def extended(config):
    """Identifiers of the capabilities from 0x100 on."""
    at, found = 0x100, []
    while at:
        header = int.from_bytes(config[at:at + 4], "little")
        found.append(header & 0xffff)
        at = header >> 20
    return found


def test_vfio_hides_the_capability_and_sys_does_not(ioas, compiled):
    path = f"/sys/bus/pci/devices/{BDF}/config"
    result = ioas.run("sh", "-c", f"od -An -v -tx1 {path}", devices=EDU)
    config = bytes.fromhex("".join(result.stdout.split()))
    assert extended(config) == [0x0f, 0x13, PASID]
    result = ioas.run(compiled("sva/shared.c"), "capabilities_as_vfio_has_them",
                      devices=EDU)
    assert result.returncode == 0, result.stderr
    assert "0xf 0x13\n" in result.stdout
