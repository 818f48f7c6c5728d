# SPDX-License-Identifier: MIT
"""Linux as a guest of QEMU, whose devices are ours by vfio-pci.

A guest is a kernel of tools/fetch-kernels and `init` beside this file. Nothing
of it is kept: disks are files of the test.
"""

import hashlib
import os
import pathlib
import re
import subprocess
import sys

import pytest

from conftest import BDF, MIB, TOP

sys.path.append(os.path.join(TOP, "tests/abi/linux"))
from machine import archive  # noqa: E402  pylint: disable=wrong-import-position

HERE = pathlib.Path(__file__).resolve().parent
KERNELS = ["linux-6.12", "linux-7.3"]
SIZE = 16 * MIB         # of a disk
READ = 8 * MIB          # what a guest reads first
CHURNED = range(9, 16)  # MiBs that `churn` writes
SECONDS = 240           # the machine has no KVM
FOUND = 9               # exit status of ioas when there was a finding


def checksum(data):
    return hashlib.md5(data).hexdigest()


class Board:
    """A kind of machine; everything that is not about a test."""

    def __init__(self, group, program, options, append, modules):
        self.group = group
        self.program = program
        self.options = options
        self.append = append
        self.modules = modules

    def kernels(self):
        folder = os.environ.get("IOAS_KERNELS")
        if not folder:
            pytest.skip(f"no kernel: run ./check --only {self.group}")
        return pathlib.Path(folder)

    def initrd(self, kernel):
        """What a kernel begins with: our init, busybox and modules."""
        folder = self.kernels()
        order = "".join(f"{name}\n" for name in self.modules)
        files = {"init": (HERE / "init").read_bytes(),
                 "bin/busybox": (folder / "busybox").read_bytes(),
                 "modules/order": order.encode()}
        for name in self.modules:
            files[f"modules/{name}.ko"] = \
                (folder / kernel / f"{name}.ko").read_bytes()
        return archive(files)


X86 = Board("clients-qemu-x86", "qemu-system-x86_64",
            # Its clock ticks too late for the kernel's test of it where
            # processors have more to do than to emulate.
            ["-M", "q35,accel=tcg"], "console=ttyS0 no_timer_check",
            ["virtio-iommu", "nvme-keyring", "nvme-auth", "nvme-core", "nvme",
             "dca", "ioatdma"])
POWER = Board("clients-qemu-pseries", "qemu-system-ppc64",
              # Emulated processors have no such side channels.
              ["-M", "pseries,x-vof=on,usb=off,cap-cfpc=broken,"
               "cap-sbbc=broken,cap-ibs=broken,cap-ccf-assist=off",
               "-cpu", "power9"], "console=hvc0",
              ["nvme-keyring", "nvme-auth", "nvme-core", "nvme"])
ARM = Board("clients-qemu-arm", "qemu-system-aarch64",
            ["-M", "virt,gic-version=3", "-cpu", "cortex-a57"],
            "console=ttyAMA0", ["virtio-iommu"])


class Disk:
    """A file of random data behind a namespace, and what was in it."""

    def __init__(self, path, block):
        self.path = path
        self.block = block
        self.before = os.urandom(SIZE)
        path.write_bytes(self.before)

    def now(self, first, size=MIB):
        with open(self.path, "rb") as f:
            f.seek(first)
            return f.read(size)


class Ended:
    """What a guest said, and what ioas and QEMU said about it."""

    def __init__(self, result):
        self.status = result.returncode
        self.said = result.stdout.replace("\r", "")
        self.stderr = result.stderr

    def words(self, word):
        """The rest of each line "guest: WORD ..."."""
        return [tuple(line.split()[2:]) for line in self.said.splitlines()
                if line.startswith(f"guest: {word} ")]

    def number(self, word):
        return int(self.words(word)[-1][-1])

    def stats(self, device, word):
        """A figure of --stats: of a device, or of all ("maps")."""
        line = re.search(rf"^ioas: {device}.*$", self.stderr, re.M)[0]
        return int(re.search(rf"\b{word} (\d+)", line)[1])

    def group_of(self, driver):
        """Number of the guest's own IOMMU group."""
        return [x[0] for x in self.words("group") if driver in x[1:]][0]

    def reserved(self, driver):
        """The guest's /sys/kernel/iommu_groups/N/reserved_regions."""
        group = self.group_of(driver)
        return [(int(first, 16), int(last, 16), kind)
                for number, first, last, kind in self.words("reserved")
                if number == group]

    def vectors(self, name):
        return [line for line in self.said.splitlines()
                if re.match(rf"\s*\d+:.*\b{name}", line)]


class Guest:
    """A kernel on a board under QEMU."""

    def __init__(self, qemu, board, kernel, folder):
        self.qemu = qemu
        self.board = board
        self.folder = folder
        self.initrd = folder / "initrd"
        self.initrd.write_bytes(board.initrd(kernel))
        self.kernel = board.kernels() / kernel / "vmlinuz"
        self.disks = []

    def disk(self, block):
        nsid = len(self.disks) + 1
        self.disks.append(Disk(self.folder / f"{nsid}.img", block))
        return self.disks[-1]

    def controller(self):
        """The controller with all disks, as ioas wants to be told."""
        keys = [f"file{n if n > 1 else ''}={disk.path},"
                f"blocks{n if n > 1 else ''}={disk.block}"
                for n, disk in enumerate(self.disks, 1)]
        return "nvme," + ",".join(keys)

    def command(self, append, functions, iommu, memory):
        return [self.qemu.program(self.board.program), *self.board.options,
                "-m", memory, "-nodefaults", "-display", "none",
                "-serial", "stdio", "-kernel", self.kernel,
                "-initrd", self.initrd, "-append",
                f"{self.board.append} panic=-1 quiet "
                f"disks={len(self.disks)} {append}", *iommu,
                *(x for function in functions
                  for x in ("-device", f"vfio-pci,host={function}"))]

    def ready(self, append="", *, iommu=("-no-reboot",), more=(), places=(),
              options=(), memory="256", before=()):
        """How boot() and start() run it. The controller is the first function,
        each model of `more` the next, with its part of `places` behind it;
        `before` is a command in front of QEMU's."""
        functions = [BDF] + [f"0000:{n:02x}:00.0"
                             for n in range(2, 2 + len(more))]
        for n, place in enumerate(places):
            functions[n] += place
        return ([*before, *self.command(append, functions, iommu, memory)],
                {"env": self.qemu.env, "devices": [self.controller(), *more],
                 "options": ["--stats", "--error-exitcode", FOUND, *options]})

    def boot(self, append="", *, iommu=(), **more):
        """Run until the guest is off, or restarts."""
        command, how = self.ready(append, iommu=["-no-reboot", *iommu], **more)
        return Ended(self.qemu.ioas.run(*command, timeout=SECONDS, **how))

    def start(self, append="", **more):
        """As a process, with QEMU's monitor at the second result."""
        monitor = self.folder / "monitor"
        iommu = ["-qmp", f"unix:{monitor},server=on,wait=off",
                 *more.pop("iommu", ())]
        command, how = self.ready(append, iommu=iommu, **more)
        return self.qemu.ioas.start(*command, **how), monitor

    def end(self, process, said=""):
        """Of what start() made, when the guest is off; `said` was read
        before."""
        try:
            out, err = process.communicate(timeout=SECONDS)
        finally:
            process.kill()
        return Ended(subprocess.CompletedProcess(
            process.args, process.returncode, said + out, err))


def hear(process, word):
    """What a guest says until a line has the word."""
    said = ""
    while word not in said:
        line = process.stdout.readline()
        assert line, said + process.stderr.read()
        said += line
    return said


def watched(library, log, fail=""):
    """A command in front of QEMU's, so that `calls.c` sees its calls, and
    lets one of them fail."""
    return ["/usr/bin/env", f"GUEST_CALLS={log}", f"GUEST_FAIL={fail}",
            "/bin/sh", "-c", f'LD_PRELOAD="{library} $LD_PRELOAD" exec "$@"',
            "sh"]


# QEMU before 8.2 asks for pages that its own IOMMU takes, and not whether
# those are the ones here.
KNOWN = re.compile(r"qemu-\S+: warning: virtio-iommu page mask")


def assert_clean(ended):
    """The guest came to its end; nobody has anything to complain of."""
    assert "guest: end" in ended.said, ended.said + ended.stderr
    assert ended.status == 0, ended.stderr
    assert "faults 0" in ended.stderr, ended.stderr
    for wrong in ("I/O error", "timeout", "Call Trace"):
        assert wrong not in ended.said, ended.said
    others = [line for line in ended.stderr.splitlines()
              if not line.startswith(("ioas: ", "  "))
              and not KNOWN.match(line)]
    assert not others, ended.stderr


def assert_data(ended, disks):
    """Both sides of each disk have the same in them."""
    for nsid, disk in enumerate(disks, 1):
        wrote = checksum(disk.now(READ))
        name = str(nsid)
        assert (name, str(disk.block)) in ended.words("blocks")
        assert (name, checksum(disk.before[:READ])) in ended.words("read")
        assert (name, wrote) in ended.words("wrote")
        assert (name, wrote) in ended.words("back")
        assert disk.now(0, READ) == disk.before[:READ]


def assert_untouched(disks):
    """What no guest was asked to write is what it was."""
    for disk in disks:
        first = READ + MIB
        assert disk.now(first, SIZE - first) == disk.before[first:]


def assert_churned(ended, disks, rounds):
    """Each place of each round was read back right, and the last is there."""
    said = ended.words("churn")
    assert len(said) == rounds * len(disks), ended.said
    for nsid, disk in enumerate(disks, 1):
        mine = [x for x in said if x[0] == str(nsid)]
        assert all(count == str(len(CHURNED)) for _, _, count in mine), mine
        for place in CHURNED:
            assert checksum(disk.now(place * MIB)) == mine[-1][1]


def calls(path):
    """Of what `calls.c` wrote: (name of the call, then the numbers)."""
    lines = path.read_text().splitlines()
    return [(name, *(int(x, 0) for x in numbers))
            for name, *numbers in map(str.split, lines)]
