# SPDX-License-Identifier: MIT
"""Linux for x86-64 as a guest: machine q35, without an IOMMU of its own and
with each that QEMU has.

Besides the controller of NVMe there is an engine of I/OAT, whose driver tests
it by a copy that it waits for.
"""

import os
import sys

import pytest

from conftest import HERE, QEMUS, Qemu

sys.path.append(os.path.join(HERE, "guest"))
import boot  # noqa: E402  pylint: disable=wrong-import-position

# The guest's IOMMU: options of QEMU, and of the kernel.
IOMMUS = {
    "plain": ([], ""),
    "intel-iommu": (["-device", "intel-iommu,caching-mode=on"],
                    "intel_iommu=on"),
    "virtio-iommu": (["-device", "virtio-iommu-pci"], ""),
}
ARM = "arm-smmuv3"
MSI = (0xfee00000, 0xfeefffff, "msi")
TOP = (1 << 64) - 1
# What the guest sees of an IOMMU here by virtio-iommu. Its own interrupts go
# where all of x86 go. Memory of the guest has to end below the window of Arm.
RESERVED = {
    "intel": [MSI, (1 << 48, TOP, "reserved")],
    "intel-39bit": [MSI, (1 << 39, TOP, "reserved")],
    ARM: [(0x8000000, 0x80fffff, "reserved"), MSI,
          (1 << 48, TOP, "reserved")],
    "amd": [MSI, (0xfd00000000, 0xffffffffff, "reserved")],
}
# At power-off Linux since 6.15 resets this IOMMU before the controller is quiet.
# QEMU 7.2 then forgets what the guest had mapped, and the controller's last
# completions go where nobody wanted them: an error of those two, and seen here.
LEFT_ALONE = ("", "virtio-iommu", "linux-7.3")


def made(ioas, version, kernel, folder):
    """A guest with two namespaces, of 512 and of 4096 bytes a block."""
    root = None
    if version:
        root = os.environ.get("IOAS_QEMU10")
        if not root:
            pytest.skip("no QEMU 10: run ./check --only clients-qemu-x86")
    guest = boot.Guest(Qemu(ioas, root, None), boot.X86, kernel, folder)
    guest.disk(512)
    guest.disk(4096)
    return guest


def run(guest, iommu, append="", **more):
    options, kernel = IOMMUS[iommu]
    ended = guest.boot(f"{kernel} {append}", iommu=options, more=["ioat"],
                       **more)
    boot.assert_clean(ended)
    boot.assert_data(ended, guest.disks)
    return ended


@pytest.fixture(params=boot.KERNELS)
def guest(request, ioas, tmp_path):
    return made(ioas, "10", request.param, tmp_path)


@pytest.fixture
def newest(ioas, tmp_path):
    """One guest is enough where it is not what is tested."""
    return made(ioas, "10", boot.KERNELS[-1], tmp_path)


@pytest.mark.parametrize("kernel", boot.KERNELS)
@pytest.mark.parametrize("iommu", IOMMUS)
@pytest.mark.parametrize("version", QEMUS)
def test_a_guest_finds_its_data(ioas, version, kernel, iommu, tmp_path):
    guest = made(ioas, version, kernel, tmp_path)
    append = "reads=100"
    if (version, iommu, kernel) == LEFT_ALONE:
        append += " end=restart"
    ended = run(guest, iommu, append)
    boot.assert_untouched(guest.disks)
    assert ended.words("reads") == [("100", "100")]
    # Two queues, and the engine.
    vectors = ended.vectors("(nvme0q|ioat)")
    assert len(vectors) == 3, ended.said
    assert all("PCI-MSIX" in x for x in vectors), vectors
    assert ended.stats("device 0000:02:00.0", "interrupts") > 0
    assert "ioatdma: Self-test" not in ended.said


@pytest.mark.parametrize("iommu", IOMMUS)
def test_a_guest_with_the_interrupt_pin(guest, iommu):
    """Of the controller: the engine has none, and is given up."""
    ended = run(guest, iommu, "pci=nomsi reads=50")
    vectors = ended.vectors("nvme0q")
    assert vectors and all("IO-APIC" in x for x in vectors), ended.said
    assert int(ended.words("reads")[0][1]) >= 50


@pytest.mark.parametrize("profile", RESERVED)
def test_a_guest_sees_what_is_reserved(newest, profile):
    ended = run(newest, "virtio-iommu", memory="128",
                options=["--profile", profile])
    assert ended.reserved("nvme") == RESERVED[profile]
    assert ended.reserved("ioatdma") == RESERVED[profile]


def test_an_older_qemu_tells_the_guest_nothing(ioas, tmp_path):
    """Windows of the IOMMU here are what QEMU passes on only since 8.2."""
    guest = made(ioas, "", boot.KERNELS[0], tmp_path)
    assert run(guest, "virtio-iommu").reserved("nvme") == [MSI]


@pytest.mark.parametrize("iommu", ["intel-iommu", "virtio-iommu"])
def test_a_guest_that_maps_and_unmaps_all_the_time(newest, iommu):
    ended = run(newest, iommu, "iommu.strict=1 churn=1 rebind=2")
    boot.assert_churned(ended, newest.disks, 1)
    first = boot.checksum(newest.disks[0].before[:boot.READ])
    assert ended.words("again") == [("1", first)] * 2
    maps, unmaps = ended.stats("maps", "maps"), ended.stats("maps", "unmaps")
    assert maps - unmaps == ended.stats("maps", "live now")
    assert unmaps > 10000


@pytest.mark.parametrize("version", QEMUS)
@pytest.mark.parametrize("profile", ["intel", ARM])
def test_an_iommu_of_intel_is_emptied_in_pieces(ioas, version, compiled,
                                                profile, tmp_path):
    """When a driver takes the device, and at the end, QEMU unmaps all there
    could be, in pieces of powers of two and to the very top. Where nothing is
    mapped, that succeeds and takes away nothing; and no doorbell goes."""
    guest = made(ioas, version, boot.KERNELS[-1], tmp_path)
    library = compiled("guest/calls.c", "-O1", "-shared", "-fPIC")
    log = tmp_path / "calls"
    ended = run(guest, "intel-iommu", "rebind=1 reads=20", memory="128",
                options=["--profile", profile], before=[
                    "/usr/bin/env", f"GUEST_CALLS={log}", "/bin/sh", "-c",
                    f'LD_PRELOAD="{library} $LD_PRELOAD" exec "$@"', "sh"])
    called = [x for x in boot.calls(log) if x[0] in ("map", "unmap")]
    assert all(result == 0 for _, _, _, result, *_ in called), called
    maps = [x for x in called if x[0] == "map"]
    assert len(maps) == ended.stats("maps", "maps")
    empty = [(iova, size) for name, iova, size, _, *after in called
             if name == "unmap" and after == [0]]
    assert any(iova + size == 1 << 64 for iova, size in empty), empty
    assert len([1 for _, size in empty if size >= 1 << 31]) > 10, empty
    assert len(ended.words("again")) == 1
