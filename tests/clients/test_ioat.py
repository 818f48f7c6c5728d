# SPDX-License-Identifier: MIT
"""The I/OAT engine, driven by small programs: tests/clients/ioat.

What the suites of others cannot see: ranges that are not all there, storms of
doorbells, resets in the middle, interrupts exactly once.
"""

import json

import pytest

from conftest import BDF, assert_refused

WAYS = ["mode=inline", "mode=thread", "mode=adaptive", "latency=1ms"]
# What the report has to say of each case: check, command, role, first address
# and last one that is refused.
FAULTS = {
    "unmapped-source": ("wild-dma", "COPY", "source", 0, 0x1fff),
    "unmapped-destination": ("wild-dma", "COPY", "destination", 0, 0x1fff),
    "half-source": ("wild-dma", "COPY", "source", 0x1000, 0x1fff),
    "half-destination": ("wild-dma", "COPY", "destination", 0x1000, 0x1fff),
    "read-only-destination":
        ("read-only", "COPY", "destination", 0, 0x1fff),
    "write-only-source": ("write-only", "COPY", "source", 0, 0x1fff),
    "unmapped-again": ("use-after-unmap", "COPY", "source", 0, 0x1fff),
    "unmapped-descriptor": ("wild-dma", "descriptor", "next", 0, 0x3f),
    "unmapped-completion": ("wild-dma", "completion", None, 0, 7),
}
NOWHERE = 0x700000000
OTHERS = ["copies-and-fills", "storm", "reset-by-ioctl", "reset-by-function",
          "reset-by-command", "suspend-and-abort", "signals-arrive",
          "written-by-calls", "exit-while-it-runs"]


@pytest.fixture(scope="session")
def build(compiled):
    """By name: a program of the folder."""
    return lambda name: compiled(f"ioat/{name}.c")


@pytest.fixture
def run(ioas, build, tmp_path):
    """Run a case; it must succeed. Return: the findings that are errors."""
    def one(case, *devices, options=(), program="engine"):
        report = tmp_path / "report"
        result = ioas.run(build(program), case, devices=devices, options=[
            "--report", "json", "--report-file", report, *options])
        assert result.returncode == 0, result.stderr
        rows = [json.loads(x) for x in report.read_text().splitlines()]
        return [x for x in rows if x.get("severity") == "error"]
    return one


@pytest.fixture(params=WAYS)
def way(request):
    return f"ioat,{request.param}"


@pytest.fixture(params=["strict", "linux-7.3"])
def contract(request):
    return ["--contract", request.param]


def check_fault(found, case):
    check, command, role, first, last = FAULTS[case]
    assert len(found) == 1, found
    issuer = found[0]["issued_by"]
    assert found[0]["check"] == check
    assert (issuer["command"], issuer.get("role")) == (command, role)
    assert issuer["command_id"] == 1
    refused = found[0]["refused"]
    assert int(refused[0]["first"], 16) == NOWHERE + first
    assert int(refused[-1]["last"], 16) == NOWHERE + last
    assert found[0]["device"] == BDF


@pytest.mark.parametrize("case", FAULTS)
def test_a_refused_access_is_an_error_and_one_finding(run, way, contract,
                                                      case):
    found = run(case, way, options=contract)
    check_fault(found, case)
    if case == "unmapped-again":
        assert "gone_at" in found[0] and "mapped_at" in found[0]
    if way.endswith("inline"):
        functions = [p["function"] for frame in found[0]["done_at"]
                     for p in frame["places"]]
        assert "put16" in functions and "run" in functions


def test_memory_to_write_is_read_as_well_on_arm(run):
    found = run("write-only-source-is-read", "ioat",
                options=["--profile", "arm-smmuv3"])
    assert [x["check"] for x in found] == ["read-only"]


@pytest.mark.parametrize("case", OTHERS)
def test_what_it_is_asked_for(run, way, case):
    assert not run(case, way)


def test_a_store_is_over_soon_without_views(run, way):
    assert not run("written-by-calls", way, options=["--mmap", "off"])


def test_two_devices_are_rung_often(run, way):
    assert not run("two-devices", way, way)


def test_no_byte_is_written_after_an_unmap(run, way):
    found = run("unmap-while-it-runs", way)
    assert [x["check"] for x in found] == ["use-after-unmap"]


def test_a_device_is_closed_in_the_middle(run, way):
    found = run("close-while-it-runs", way)
    assert [x["check"] for x in found] == ["leak-on-close"]


# How long an engine needs after an error.
RECOVERY = {"recovers": "300ms", "used-in-recovery": "3600s",
            "waits-by-interrupt": "100ms"}


@pytest.mark.parametrize("case", RECOVERY)
def test_after_an_error_it_takes_a_while(run, way, case):
    found = run(case, f"{way},recovery={RECOVERY[case]}",
                program="recovery")
    assert {x["check"] for x in found} == {"wild-dma"}


def test_interrupts_come_once(run, way, contract):
    found = run("interrupts", way, options=contract)
    # The thread of a device has one place where it does everything.
    assert {x["check"] for x in found} == {"wild-dma"}


@pytest.mark.parametrize("id, version", [
    ("8086:2021", None), ("8086:0b00", "3.4"), ("6f20", "3.2")])
def test_sysfs_shows_which_engine_it_is(ioas, id, version):
    device = f"ioat,id={id}" + (f",version={version}" if version else "")
    result = ioas.run("cat", f"/sys/bus/pci/devices/{BDF}/device",
                      f"/sys/bus/pci/devices/{BDF}/vendor", devices=[device])
    assert result.stdout == f"0x{id[-4:]}\n0x8086\n"


@pytest.mark.parametrize("options, words", [
    ("id=1af4:1000", "is no engine that is known here"),
    ("version=9", "write version=3.2"),
    ("xfercap=3M", "a power of two from 4K to 2G"),
    ("mode=inline,latency=1ms", "mode=inline has none"),
])
def test_wrong_options_are_refused(ioas, options, words):
    assert_refused(ioas.run("true", devices=[f"ioat,{options}"]), 125,
                   words)
