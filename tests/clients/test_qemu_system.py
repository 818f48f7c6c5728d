# SPDX-License-Identifier: MIT
"""qemu-system-x86_64 takes the device as vfio-pci; no guest runs."""

import json
import subprocess

import pytest

from conftest import BDF

MACHINE = ["-S", "-M", "q35,accel=tcg", "-m", "256", "-nodefaults",
           "-display", "none", "-monitor", "stdio"]


def monitor(qemu, *commands, device=f"vfio-pci,host={BDF},id=d"):
    return qemu.run("qemu-system-x86_64", *MACHINE, "-device", device,
                    input="\n".join([*commands, "quit", ""]))


@pytest.fixture
def shown(qemu):
    result = monitor(qemu, "info pci", "info qtree")
    assert result.returncode == 0, result.stderr
    return result


def test_realize_shows_the_device_to_the_machine(shown, ioas):
    listed = subprocess.run([ioas.tool, "list", "devices", "--json"],
                            check=True, stdout=subprocess.PIPE).stdout
    nvme = [x for x in json.loads(listed) if x["name"] == "nvme"]
    assert f"PCI device {nvme[0]['id']}" in shown.stdout
    assert f'host = "{BDF}"' in shown.stdout


def test_realize_maps_guest_memory_and_faults_nothing(shown):
    assert "DMA fault" not in shown.stderr
    assert "vfio" not in "".join(
        x for x in shown.stderr.splitlines() if not x.startswith("ioas: "))


def test_reset_of_the_machine_resets_the_device(qemu):
    result = monitor(qemu, "system_reset", "system_reset", "info pci")
    assert result.returncode == 0, result.stderr
    assert f"{BDF}" not in result.stderr
    assert "DMA fault" not in result.stderr


def test_guest_memory_is_what_is_mapped(qemu):
    result = qemu.run("qemu-system-x86_64", *MACHINE, "-device",
                      f"vfio-pci,host={BDF}", input="quit\n",
                      options=["--stats"])
    assert result.returncode == 0, result.stderr
    lines = [x for x in result.stderr.splitlines() if x.startswith("ioas: ")]
    assert any("map" in x for x in lines), result.stderr


def test_a_device_that_is_not_there(qemu):
    result = monitor(qemu, device="vfio-pci,host=0000:05:00.0")
    assert result.returncode == 1
    assert "0000:05:00.0" in result.stderr


def test_one_device_cannot_be_taken_twice(qemu):
    result = qemu.run("qemu-system-x86_64", *MACHINE, "-device",
                      f"vfio-pci,host={BDF}", "-device",
                      f"vfio-pci,host={BDF}", input="quit\n")
    assert result.returncode == 1
    assert "already attached" in result.stderr
