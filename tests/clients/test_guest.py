# SPDX-License-Identifier: MIT
"""Linux as a guest of QEMU: its NVMe driver on our controller by vfio-pci.

Two namespaces, of 512 and of 4096 bytes a block; by MSI-X and by the pin.
"""

import hashlib
import os
import pathlib
import sys

import pytest

from conftest import BDF, MIB, TOP, ioas_lines

sys.path.append(os.path.join(TOP, "tests/abi/linux"))
from machine import archive  # noqa: E402  pylint: disable=wrong-import-position

HERE = pathlib.Path(__file__).resolve().parent
MODULES = ["nvme-keyring", "nvme-auth", "nvme-core", "nvme"]
TRIES = 240     # seconds; the machine has no KVM


def checksum(data):
    return hashlib.md5(data).hexdigest()


@pytest.fixture(params=["linux-6.12", "linux-7.3"])
def kernel(request, tmp_path):
    """Options of QEMU for a kernel and what it starts with."""
    folder = os.environ.get("IOAS_KERNELS")
    if not folder:
        pytest.skip("no kernel: run ./check --only clients-guest")
    folder = pathlib.Path(folder)
    files = {"init": (HERE / "guest-init").read_bytes(),
             "bin/busybox": (folder / "busybox").read_bytes()}
    for name in MODULES:
        module = folder / request.param / f"{name}.ko"
        files[f"modules/{name}.ko"] = module.read_bytes()
    initrd = tmp_path / "initrd"
    initrd.write_bytes(archive(files))
    return ["-kernel", folder / request.param / "vmlinuz", "-initrd", initrd]


@pytest.mark.parametrize("more, kind", [("", "PCI-MSI"),
                                        ("pci=nomsi", "IO-APIC")])
def test_a_guest_reads_and_writes_both_namespaces(system_qemu, kernel,
                                                  tmp_path, more, kind):
    images = {1: tmp_path / "1.img", 2: tmp_path / "2.img"}
    before = {}
    for nsid, path in images.items():
        before[nsid] = os.urandom(16 * MIB)
        path.write_bytes(before[nsid])
    result = system_qemu.ioas.run(
        system_qemu.program("qemu-system-x86_64"), "-M", "q35,accel=tcg",
        "-m", "512", "-nodefaults", "-display", "none", "-serial", "stdio",
        "-no-reboot", *kernel, "-append", f"console=ttyS0 panic=-1 {more}",
        "-device", f"vfio-pci,host={BDF}", timeout=TRIES,
        devices=[f"nvme,file={images[1]},file2={images[2]},blocks2=4096"])
    said = result.stdout
    assert result.returncode == 0, said + result.stderr
    assert "guest: end" in said, said
    assert not [x for x in ioas_lines(result.stderr) if "DMA fault" in x]
    assert "I/O error" not in said and "timeout" not in said, said
    for nsid, size in ((1, 512), (2, 4096)):
        now = images[nsid].read_bytes()
        written = checksum(now[8 * MIB:9 * MIB])
        assert f"guest: blocks {nsid} {size}" in said, said
        assert f"guest: read {nsid} {checksum(before[nsid][:8 * MIB])}" in said
        assert f"guest: wrote {nsid} {written}" in said
        assert f"guest: back {nsid} {written}" in said
        assert now[:8 * MIB] == before[nsid][:8 * MIB]
        assert now[9 * MIB:] == before[nsid][9 * MIB:]
    lines = [x for x in said.splitlines() if "nvme0q" in x]
    assert lines and all(kind in x for x in lines), said
