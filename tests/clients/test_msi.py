# SPDX-License-Identifier: MIT
"""Messages of interrupts, on each profile: tests/clients/msi.

What arrives, what is lost, and what is another device's.
"""

import json

import pytest

from conftest import BDF

OTHER = "0000:02:00.0"
ARM = "arm-smmuv3"
# What a vector table holds for the first vector.
ADDRESS = {"intel": "0xfee00018", "intel-39bit": "0xfee00018",
           "amd": "0xfee00000", ARM: "0x8000040"}
PROFILES = list(ADDRESS)


@pytest.fixture
def run(ioas, compiled, tmp_path):
    """Run a case; it must succeed. Return: its output, its findings."""
    def one(case, profile, *options, devices=1):
        report = tmp_path / "report"
        result = ioas.run(
            compiled("msi/message.c"), case, devices=["ioat"] * devices,
            options=["--profile", profile, "--report", "json",
                     "--report-file", report, *options])
        assert result.returncode == 0, result.stderr
        rows = [json.loads(x) for x in report.read_text().splitlines()]
        return (result.stdout.split()[0],
                [x for x in rows if x.get("severity") == "error"])
    return one


@pytest.mark.parametrize("profile", PROFILES)
def test_interrupts_arrive_by_the_address_of_the_profile(run, profile):
    assert run("arrives", profile) == (ADDRESS[profile], [])


@pytest.mark.parametrize("profile", PROFILES)
def test_no_unmap_takes_an_interrupt_away(run, profile):
    assert run("arrives_after_unmap_all", profile)[1] == []


def found(findings, check, iova, data):
    """The one finding there is."""
    finding, = findings
    assert finding["check"] == check
    assert finding["device"] == BDF
    assert finding["iova"] == {"first": hex(iova), "last": hex(iova + 3)}
    assert finding["message"]["data"] == data
    return finding


def test_an_address_that_was_not_translated_loses_the_interrupt(run):
    finding = found(run("physical_address", ARM)[1], "lost-interrupt",
                    0x8090040, 0)
    assert finding["message"]["vector"] == 0
    assert finding["refused"][0]["reason"] == "not mapped"
    assert finding["done_at"]


@pytest.mark.parametrize("profile", PROFILES)
def test_an_interrupt_into_memory_is_lost(run, profile):
    finding = found(run("into_memory", profile)[1], "lost-interrupt",
                    0x100011000, 0x12345678)
    assert finding["mapping_here"]["first"] == "0x100000000"


@pytest.mark.parametrize("profile", ["intel", "amd", ARM])
def test_a_number_that_nobody_has_is_lost(run, profile):
    finding = found(run("unknown_number", profile)[1], "lost-interrupt",
                    int(ADDRESS[profile], 0), 99)
    assert "victim" not in finding["message"]


def test_another_devices_interrupt_is_stopped(run):
    raised, findings = run("another_devices", "intel", devices=2)
    finding = found(findings, "msi-spoof", 0xfee00038, 0)
    assert raised == "0"
    assert finding["message"] == {
        "data": 0, "vector": 0,
        "victim": {"device": OTHER, "vector": 0, "raised": False}}
    assert finding["law"] == "MSI-8"


@pytest.mark.parametrize("profile", ["intel", "amd", ARM])
def test_without_isolation_it_is_raised(run, profile):
    raised, findings = run("another_devices", profile, "--interrupts",
                           "shared", "--allow-unsafe-interrupts", devices=2)
    assert raised == "1"
    assert findings[0]["message"]["victim"] == {
        "device": OTHER, "vector": 0, "raised": True}


@pytest.mark.parametrize("profile", ["intel", "amd", ARM])
def test_without_isolation_no_container_has_an_iommu(run, profile):
    run("is_not_permitted", profile, "--interrupts", "shared")


def test_a_device_may_write_its_own_interrupt(run):
    assert run("copied_to_the_doorbell", ARM)[1] == []


def test_another_number_is_told(run):
    finding = found(run("copied_with_another_number", ARM)[1], "msi-spoof",
                    0x8000040, 77)
    assert finding["issued_by"]["command"] == "COPY"
    assert "vector" not in finding["message"]


def test_the_text_names_what_is_wrong(ioas, compiled):
    program = compiled("msi/message.c")
    lost = ioas.run(program, "physical_address", devices=["ioat"],
                    options=["--profile", ARM]).stderr
    assert (f"ioas: ERROR: lost-interrupt: device {BDF} (ioat) cannot raise "
            "vector 0: data 0x0 at IOVA 0x8090040: not mapped\n") in lost
    spoof = ioas.run(program, "another_devices", devices=["ioat"] * 2).stderr
    assert (f"ioas: ERROR: msi-spoof: device {BDF} (ioat), for its vector 0, "
            "writes an interrupt that is not its own: data 0x0 at IOVA "
            f"0xfee00038: vector 0 of device {OTHER}, which was not raised\n"
            ) in spoof
