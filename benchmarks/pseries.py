# SPDX-License-Identifier: MIT
"""A guest of POWER that maps all its memory for a device and reads and writes
its disk, beside the same boot without the device. What is measured is the
processor's time of QEMU and ioas together. The guest's driver and what it does
with the disk are emulated code as well: what that costs is shown by the same
boot with QEMU's own controller on the same file."""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
CLIENTS = os.path.join(TOP, "tests/clients")
PACKAGES = os.path.join(TOP, "build/packages")
KERNEL = "linux-6.12"
MEMORY = "1G,slots=2,maxmem=2G"
KIB = 1 << 20  # all memory is mapped, in a window of 2 GiB
RUNS = 5


def fetched():
    """The guest's kernel and QEMU 10, unpacked in the build folder."""
    for command in (["tools/fetch-qemu10", f"{PACKAGES}/qemu10"],
                    ["tools/fetch-kernels", f"{PACKAGES}/kernels-ppc64el",
                     "ppc64el"]):
        subprocess.run(command, cwd=TOP, check=True,
                       stdout=subprocess.DEVNULL)
    os.environ["IOAS_KERNELS"] = f"{PACKAGES}/kernels-ppc64el"


def seconds(command, env, mapped=0):
    """Of the processor, for it and all that it waited for."""
    before = os.times()
    out = subprocess.run(command, env=os.environ | env, check=True, text=True,
                         stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, timeout=300)
    after = os.times()
    if "guest: end" not in out.stdout:
        sys.exit(f"bench: the guest came to no end:\n{out.stdout}{out.stderr}")
    said = re.search(r"leak-at-exit \((\d+) KiB\)$", out.stderr, re.M)
    if mapped and (not said or int(said[1]) < mapped):
        sys.exit(f"bench: the guest did not map its memory:\n{out.stderr}")
    return (after.children_user - before.children_user +
            after.children_system - before.children_system)


class Boots:
    """The same guest in three ways."""

    def __init__(self, folder):
        sys.path += [CLIENTS, os.path.join(CLIENTS, "guest")]
        # What needs a test's machinery is loaded when it is there.
        # pylint: disable=import-outside-toplevel,import-error
        import boot
        import conftest
        self.tool = conftest.Ioas()
        qemu = conftest.Qemu(self.tool, f"{PACKAGES}/qemu10/root", None)
        self.env = qemu.env
        self.guest = boot.Guest(qemu, boot.POWER, KERNEL, folder)

    def qemu(self, append, *more):
        command = self.guest.command(append, [], ["-no-reboot", *more],
                                     MEMORY)
        return seconds(list(map(str, command)), self.env)

    def alone(self):
        # Of the kernel's command line the last word counts.
        return self.qemu("disks=0")

    def with_qemus(self):
        return self.qemu("", "-drive", "if=none,id=disk,format=raw,file="
                         f"{self.guest.disks[0].path}", "-device",
                         "nvme,serial=1,drive=disk")

    def with_device(self):
        options = ["--profile", "power9,dma32=1G"]
        command, how = self.guest.ready(options=options, memory=MEMORY)
        command = self.tool.command(*command, devices=how["devices"],
                                    options=how["options"])
        return seconds(command, self.env, KIB)


def times(runs):
    """Milliseconds with our device, without, and with QEMU's: interleaved."""
    took = [], [], []
    fetched()
    with tempfile.TemporaryDirectory(prefix="ioas-bench-") as folder:
        boots = Boots(pathlib.Path(folder))
        boots.guest.disk(512)
        for _ in range(runs):
            for way, values in zip((boots.with_device, boots.alone,
                                    boots.with_qemus), took):
                values.append(way() * 1e3)
    return took
