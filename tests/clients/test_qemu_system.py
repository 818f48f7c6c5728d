# SPDX-License-Identifier: MIT
"""qemu-system-x86_64 takes the device as vfio-pci: stopped, and with its own
firmware driving the device."""

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
        x for x in shown.stderr.splitlines()
        if not x.startswith(("ioas: ", "  ")))


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


# Real mode at 0x7c00: read block 1 to 0x7e00 by the firmware (int 0x13, 0x42),
# print it to port 0xe9, end the machine by port 0xf4.
BOOT = bytes.fromhex(
    "31c0 8ed8 be207c b442 cd13 7210"  # ds = 0, read; fail: halt
    "be007e ac 84c0 7404 e6e9 ebf7"    # print up to a zero byte
    "b010 e6f4 f4 ebfd"                # end; halt
    "1000 0100 007e 0000 0100000000000000")  # what to read, and where to
ENDED = 0x10 << 1 | 1


@pytest.mark.parametrize("options", [[], ["--mmap", "off"]],
                         ids=["mapped", "not-mapped"])
def test_firmware_boots_from_the_device(qemu, options):
    """SeaBIOS finds the controller, reads a boot sector and runs it."""
    with open(qemu.disk, "r+b") as f:
        f.write(BOOT.ljust(510, b"\0") + b"\x55\xaa")
        f.write(b"written to the disk of the machine\n\0".ljust(512, b"\xff"))
    result = qemu.run(
        "qemu-system-x86_64", "-M", "q35,accel=tcg", "-m", "256",
        "-nodefaults", "-display", "none", "-device",
        "isa-debug-exit,iobase=0xf4,iosize=1", "-chardev", "stdio,id=out",
        "-device", "isa-debugcon,iobase=0xe9,chardev=out", "-device",
        f"vfio-pci,host={BDF}", options=["--stats", *options])
    assert result.returncode == ENDED, result.stderr
    assert result.stdout == "written to the disk of the machine\n"
    assert "faults 0" in result.stderr
