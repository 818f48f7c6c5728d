# SPDX-License-Identifier: MIT
"""A machine with an emulated IOMMU that boots a kernel and runs the table.

QEMU with TCG: no KVM, no privilege. Its IOMMU is Intel's, as the profile
intel of ioas; each device of ADDRESS is alone in its group.
"""

import os
import pathlib
import stat
import subprocess

HERE = pathlib.Path(__file__).resolve().parent
MODULES = ["irqbypass", "vfio", "vfio_iommu_type1", "vfio-pci-core",
           "vfio-pci"]

# Root ports come first and in this order, so the buses are 1 to 6.
ADDRESS = {
    "xhci": "0000:01:00.0",
    "nvme": "0000:02:00.0",
    "igb": "0000:03:00.0",
    "e1000e": "0000:04:00.0",
    "testdev": "0000:00:10.0",
    "memory": "0000:05:00.0",
    "edu": "0000:06:00.0",
}
PORTS = ["nec-usb-xhci,intrs=16",
         "nvme,serial=abi,msix_qsize=16,drive=disk",
         "igb,romfile=,netdev=net0",
         "e1000e,romfile=,netdev=net1",
         "ivshmem-plain,memdev=pattern",
         "edu"]

# What reads as the low byte of its offset, as the models of tests/abi do.
PATTERN = bytes(range(256)) * 256


def device_options(pattern):
    options = ["-device", "intel-iommu,intremap=on,caching-mode=off,"
               "aw-bits=48,snoop-control=on"]
    for number, device in enumerate(PORTS, 1):
        options += ["-device", f"pcie-root-port,id=port{number},"
                    f"chassis={number},slot={number},addr={number}",
                    "-device", f"{device},bus=port{number}"]
    return options + [
        "-drive", "if=none,id=disk,driver=null-co,size=64M",
        "-netdev", "hubport,id=net0,hubid=0",
        "-netdev", "hubport,id=net1,hubid=1",
        "-object", "memory-backend-file,id=pattern,size=64K,share=off,"
        f"mem-path={pattern}",
        "-device", "pci-testdev,bus=pcie.0,addr=0x10"]


def cpio_entry(number, name, mode, data):
    name = name.encode() + b"\0"
    fields = [number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name), 0]
    header = b"070701" + b"".join(b"%08x" % field for field in fields)
    head = header + name
    return (head + b"\0" * (-len(head) % 4) + data + b"\0" * (-len(data) % 4))


def archive(files):
    """An initramfs, as cpio's "newc"; files: path -> bytes."""
    folders = sorted({str(parent) for path in files
                      for parent in pathlib.PurePath(path).parents} - {"."})
    entries = [(folder, stat.S_IFDIR | 0o755, b"") for folder in folders]
    entries += [(path, stat.S_IFREG | 0o755, data)
                for path, data in files.items()]
    entries.append(("TRAILER!!!", 0, b""))
    return b"".join(cpio_entry(number, *entry)
                    for number, entry in enumerate(entries, 1))


def initramfs(kernel, busybox, program, passes):
    files = {"init": (HERE / "init").read_bytes(),
             "bin/busybox": busybox.read_bytes(),
             "bin/abi-kernel": program.read_bytes(),
             "passes": passes.encode()}
    for module in MODULES:
        files[f"modules/{module}.ko"] = (kernel / f"{module}.ko").read_bytes()
    return archive(files)


class Machine:
    """Boots the kernel in a folder of tools/fetch-kernels."""

    def __init__(self, qemu, kernels, work):
        self.qemu = qemu
        self.kernels = kernels
        self.work = work

    def environment(self):
        libraries = self.qemu / "usr/lib/x86_64-linux-gnu"
        return dict(os.environ, LD_LIBRARY_PATH=str(libraries),
                    QEMU_MODULE_DIR=str(libraries / "qemu"))

    def command(self, kernel, initrd, pattern):
        return [str(self.qemu / "usr/bin/qemu-system-x86_64"),
                "-L", str(self.qemu / "usr/share/qemu"),
                "-L", str(self.qemu / "usr/share/seabios"),
                "-M", "q35", "-cpu", "max", "-m", "512", "-accel", "tcg",
                # Time passes by instructions, and at once when all wait:
                # resets sleep for most of a second.
                "-icount", "shift=auto,sleep=off",
                "-nodefaults", "-nographic", "-no-reboot",
                "-serial", "stdio", "-monitor", "none",
                "-kernel", str(kernel / "vmlinuz"), "-initrd", str(initrd),
                "-append", "console=ttyS0 loglevel=1 intel_iommu=on panic=-1",
                *device_options(pattern)]

    def run(self, name, program, passes, seconds):
        """Boot kernel `name`. Return: the lines of its console."""
        kernel = self.kernels / name
        initrd = self.work / f"{name}.initrd"
        initrd.write_bytes(initramfs(kernel, self.kernels / "busybox",
                                     program, passes))
        pattern = self.work / f"{name}.pattern"
        pattern.write_bytes(PATTERN)
        log = self.work / f"{name}.log"
        with open(log, "wb") as out:
            try:
                subprocess.run(self.command(kernel, initrd, pattern),
                               env=self.environment(), check=False,
                               stdin=subprocess.DEVNULL, stdout=out,
                               stderr=subprocess.STDOUT, timeout=seconds)
            except subprocess.TimeoutExpired:
                out.write(b"\nended: it took too long\n")
        text = log.read_text(errors="replace").replace("\r", "")
        return text.split("\n")
