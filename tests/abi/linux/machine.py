# SPDX-License-Identifier: MIT
"""Machines with an emulated IOMMU that boot a kernel and run the tables.

QEMU with TCG: no KVM, no privilege. X86 has Intel's IOMMU, as the profile
intel of ioas; each device of ADDRESS is alone in its group. Others are POWER:
hosts (PowerNV), and a guest that is given its windows by firmware (pSeries),
each with three host bridges, and a device that does DMA behind each.
"""

import os
import pathlib
import stat
import subprocess
import time

HERE = pathlib.Path(__file__).resolve().parent
# A device that sleeps while it is closed takes its time to wake.
VFIO_PCI = "vfio-pci disable_idle_d3=1"
# Time passes by instructions, and at once when all wait: resets sleep for most
# of a second, and the device "edu" for a tenth in every transfer.
BY_INSTRUCTIONS = ["-icount", "shift=auto,sleep=off"]

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
    options = []
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


def initramfs(kernel, busybox, program, modules, passes):
    files = {"init": (HERE / "init").read_bytes(),
             "bin/busybox": busybox.read_bytes(),
             f"bin/{program.name}": program.read_bytes(),
             "modules/order": "".join(f"{x}\n" for x in modules).encode(),
             "passes": passes.encode()}
    for module in modules:
        name = f"{module.split()[0]}.ko"
        files[f"modules/{name}"] = (kernel / name).read_bytes()
    return archive(files)


# A machine with nothing but what is asked for; and PowerNV, whose host bridges
# are something that it has by default.
BARE = ["-nodefaults"]
NO_MORE = ["-net", "none", "-vga", "none"]


class Kind:
    """What is not the same of all machines."""

    def __init__(self, program, options, console, modules, append):
        self.program = program
        self.options = options  # of QEMU, by the file of a pattern
        self.modules = modules
        self.append = f"console={console} loglevel=1 panic=-1 {append}"


def x86(remapping):
    """Intel's IOMMU, that remaps interrupts or does not."""
    iommu = (f"intel-iommu,intremap={remapping},caching-mode=off,aw-bits=48,"
             "snoop-control=on")
    return Kind("qemu-system-x86_64",
                lambda pattern: [*BARE, "-M", "q35", "-cpu", "max",
                                 "-m", "512", *BY_INSTRUCTIONS,
                                 "-device", iommu, *device_options(pattern)],
                "ttyS0",
                ["irqbypass", "vfio", "vfio_iommu_type1", "vfio-pci-core",
                 VFIO_PCI], "intel_iommu=on")


def arm(interrupts):
    """Arm's SMMUv3, and an interrupt controller of this version: 3 has an ITS,
    which knows what device a message is from, 2 has not."""
    return Kind("qemu-system-aarch64",
                lambda pattern: [*BARE, "-M", "virt,iommu=smmuv3,"
                                 f"gic-version={interrupts}",
                                 "-cpu", "cortex-a57", "-m", "512",
                                 *BY_INSTRUCTIONS, *device_options(pattern)],
                "ttyAMA0",
                ["vfio", "vfio_iommu_type1", "vfio-pci-core", VFIO_PCI], "")


X86 = x86("on")
X86_SHARED = x86("off")
ARM = arm(3)
ARM_SHARED = arm(2)


def power(board, buses, more):
    """Buses that devices are on; the rest of the machine is its firmware's."""
    devices = [x for bus in buses
               for x in ("-device", f"edu,dma_mask={(1 << 64) - 1},bus={bus}")]
    return Kind("qemu-system-ppc64",
                lambda pattern: ["-M", *board, "-m", "1G", *more, *devices],
                "hvc0",
                ["vfio", "vfio_iommu_spapr_tce", "vfio-pci-core", VFIO_PCI],
                "resets=no oops=panic")


HOST_BUSES = ["pcie.0", "pcie.1", "pcie.2"]
POWERNV9 = power(["powernv9"], HOST_BUSES, NO_MORE)
POWERNV8 = power(["powernv8"], HOST_BUSES, NO_MORE)
PSERIES = power(["pseries,x-vof=on,usb=off,cap-cfpc=broken,cap-sbbc=broken,"
                 "cap-ibs=broken,cap-ccf-assist=off", "-cpu", "power9"],
                ["pci.0", "pb1.0", "pb2.0"],
                [*BARE, *(x for n in (1, 2) for x in (
                    "-device", f"spapr-pci-host-bridge,index={n},id=pb{n}"))])


class Machine:
    """Boots the kernel in a folder of tools/fetch-kernels."""

    def __init__(self, qemu, kernels, work, kind=X86):
        self.qemu = qemu
        self.kernels = kernels
        self.work = work
        self.kind = kind

    def environment(self):
        libraries = self.qemu / "usr/lib/x86_64-linux-gnu"
        return dict(os.environ, LD_LIBRARY_PATH=str(libraries),
                    QEMU_MODULE_DIR=str(libraries / "qemu"))

    def command(self, kernel, initrd, pattern):
        return [str(self.qemu / "usr/bin" / self.kind.program),
                "-L", str(self.qemu / "usr/share/qemu"),
                "-L", str(self.qemu / "usr/share/seabios"),
                "-accel", "tcg", "-nographic", "-no-reboot",
                "-serial", "stdio", "-monitor", "none",
                "-kernel", str(kernel / "vmlinuz"), "-initrd", str(initrd),
                "-append", self.kind.append, *self.kind.options(pattern)]

    @staticmethod
    def watch(process, console, seconds, stuck):
        """Until it has ended, or `seconds` have passed, or so many of `stuck`
        since its rows began. Return: why it has not ended."""
        begin = rows = time.monotonic()
        while process.poll() is None:
            time.sleep(0.1)
            now = time.monotonic()
            if now > begin + seconds:
                return "it took too long"
            if stuck and b"\nPASS " not in console.read_bytes():
                rows = now
            if stuck and now > rows + stuck:
                return "stopped in its rows"
        return None

    def run(self, name, program, passes, seconds, *, log=None, more=(),
            stuck=None):
        """Boot kernel `name`, with these options more; its rows are to be
        done within `stuck` seconds. Return: the lines of its console."""
        kernel = self.kernels / name
        log = log or name
        initrd = self.work / f"{log}.initrd"
        initrd.write_bytes(initramfs(kernel, self.kernels / "busybox", program,
                                     self.kind.modules, passes))
        pattern = self.work / f"{log}.pattern"
        pattern.write_bytes(PATTERN)
        console = self.work / f"{log}.log"
        with open(console, "wb") as out:
            with subprocess.Popen(
                    [*self.command(kernel, initrd, pattern), *more],
                    env=self.environment(), stdin=subprocess.DEVNULL,
                    stdout=out, stderr=subprocess.STDOUT) as process:
                try:
                    why = self.watch(process, console, seconds, stuck)
                finally:
                    process.kill()
            if why:
                out.write(f"\nended: {why}\n".encode())
        initrd.unlink()
        text = console.read_text(errors="replace").replace("\r", "")
        return text.split("\n")
