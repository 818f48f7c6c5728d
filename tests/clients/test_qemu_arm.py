# SPDX-License-Identifier: MIT
"""Linux for Arm as a guest: machine virt, interrupts by GICv3 and its ITS.

The guest's IOMMU is virtio-iommu: what its driver maps, QEMU maps here page by
page, and what the IOMMU here reserves is seen in the guest.
"""

import os
import sys

import pytest

from conftest import HERE, Qemu

sys.path.append(os.path.join(HERE, "guest"))
import boot  # noqa: E402  pylint: disable=wrong-import-position

ARM = "arm-smmuv3"
# The ITS of the machine, where the guest's own interrupts go to.
ITS = (0x8090000, 0x809ffff, "msi")
ABOVE_48 = (1 << 48, (1 << 64) - 1, "reserved")
# What each IOMMU here takes away. The software window of Arm lies over the
# guest's ITS, which stays what it is.
RESERVED = {
    "intel": [ITS, (0xfee00000, 0xfeefffff, "reserved"), ABOVE_48],
    ARM: [(0x8000000, 0x808ffff, "reserved"), ITS,
          (0x80a0000, 0x80fffff, "reserved"), ABOVE_48],
}


@pytest.fixture(params=boot.KERNELS)
def guest(request, ioas, tmp_path):
    """Two namespaces, of 512 and of 4096 bytes a block."""
    root = os.environ.get("IOAS_QEMU10")
    if not root:
        pytest.skip("no QEMU 10: run ./check --only clients-qemu-arm")
    made = boot.Guest(Qemu(ioas, root, None), boot.ARM, request.param,
                      tmp_path)
    made.disk(512)
    made.disk(4096)
    return made


def run(guest, append="", profile=ARM):
    ended = guest.boot(append, iommu=["-device", "virtio-iommu-pci"],
                       options=["--profile", profile])
    boot.assert_clean(ended)
    boot.assert_data(ended, guest.disks)
    return ended


@pytest.mark.parametrize("profile", RESERVED)
def test_a_guest_sees_what_is_reserved_and_finds_its_data(guest, profile):
    ended = run(guest, profile=profile)
    boot.assert_untouched(guest.disks)
    assert ended.reserved("nvme") == RESERVED[profile]
    vectors = ended.vectors("nvme0q")
    assert len(vectors) == 2, ended.said
    assert all("ITS-PCI-MSIX" in x for x in vectors), vectors


def test_a_guest_that_maps_and_unmaps_all_the_time(guest):
    """Direct I/O in many sizes, seven at a time on each disk; then the driver
    leaves the device, whose domain is made anew."""
    ended = run(guest, "churn=1 rebind=2")
    boot.assert_churned(ended, guest.disks, 1)
    first = boot.checksum(guest.disks[0].before[:boot.READ])
    assert ended.words("again") == [("1", first)] * 2
    maps, unmaps = ended.stats("maps", "maps"), ended.stats("maps", "unmaps")
    assert maps - unmaps == ended.stats("maps", "live now")
    assert unmaps > 10000


def test_every_interrupt_reaches_the_guest(guest):
    """Reads that are waited for, one after the other: as many interrupts as
    reads there, and as many more of the device as in a run without them."""
    more = 300
    raised = []
    for append in ("", f"reads={more}"):
        ended = run(guest, append)
        raised.append(ended.stats("device", "interrupts"))
        assert ended.number("interrupts") <= raised[-1]
    assert ended.words("reads") == [(str(more), str(more))]
    assert raised[1] - raised[0] == more


def test_a_guest_with_the_interrupt_pin(guest):
    ended = run(guest, "pci=nomsi reads=50")
    vectors = ended.vectors("nvme0q")
    assert vectors and all("GICv3" in x for x in vectors), ended.said
    assert int(ended.words("reads")[0][1]) >= 50
