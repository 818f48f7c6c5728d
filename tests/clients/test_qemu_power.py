# SPDX-License-Identifier: MIT
"""Linux for POWER as a guest of QEMU's machine pseries, with dynamic DMA
windows.

QEMU registers the guest's memory, makes the window of 32 bits and, when the
guest's driver asks for it, a large one into which the guest maps all that it
has: after that its DMA needs no call at all. What QEMU asks is seen by
guest/calls.c in front of ioas.
"""

import os
import sys

import pytest

from conftest import HERE, MIB, Qemu

sys.path.append(os.path.join(HERE, "guest"))
import boot  # noqa: E402  pylint: disable=wrong-import-position

GIB = 1024 * MIB
HIGH = 1 << 59
MEMORY = "1G,slots=2,maxmem=2G"
PAGES_4K = "linux-6.12"
POWER9 = "power9,dma32=1G"


class Power:
    """A guest, and what was asked for it."""

    def __init__(self, ioas, library, kernel, folder):
        root = os.environ.get("IOAS_QEMU10")
        if not root:
            pytest.skip("no QEMU 10: run ./check --only clients-qemu-pseries")
        self.guest = boot.Guest(Qemu(ioas, root, None), boot.POWER, kernel,
                                folder)
        self.guest.disk(512)
        self.guest.disk(4096)
        self.library = library
        self.log = folder / "calls"

    def how(self, profile=POWER9, fail="", options=(), **more):
        return {"memory": MEMORY, "options": ["--profile", profile, *options],
                "before": boot.watched(self.library, self.log, fail)} | more

    def boot(self, append="", **more):
        return self.guest.boot(append, **self.how(**more))

    def run(self, append="", **more):
        """To its good end, with its data compared on both sides."""
        ended = self.boot(append, **more)
        self.assert_good(ended)
        boot.assert_untouched(self.guest.disks)
        return ended

    def assert_good(self, ended):
        boot.assert_clean(ended)
        boot.assert_data(ended, self.guest.disks)

    def called(self, name):
        """The numbers of each such call."""
        return [x[1:] for x in boot.calls(self.log) if x[0] == name]

    def mapped(self, first, size):
        """Bytes that were mapped at addresses of this range, each once."""
        at = {iova: n for iova, n, result in self.called("map")
              if result == 0 and first <= iova < first + size}
        return sum(at.values())


@pytest.fixture
def library(compiled):
    return compiled("guest/calls.c", "-O1", "-shared", "-fPIC")


def low_windows(power):
    return [x for x in power.called("create") if x[4] == 0]


def high_windows(power):
    return [x for x in power.called("create") if x[4] == HIGH]


@pytest.mark.parametrize("kernel", [PAGES_4K])
def test_a_guest_maps_all_its_memory(ioas, library, kernel, tmp_path):
    power = Power(ioas, library, kernel, tmp_path)
    power.run("reads=50")
    assert [(x[1], x[2]) for x in power.called("register")] == [(GIB, 0)]
    assert power.called("type") == [(7, 0)]
    assert low_windows(power)[0][:2] == (12, GIB)
    [high] = high_windows(power)
    assert high[0] == 12 and high[1] == 2 * GIB and high[3] == 0
    assert power.mapped(HIGH, 2 * GIB) == GIB
    # Linux clears the low window, page by page: nothing was there.
    assert all(x[2] == 0 for x in power.called("unmap"))
    assert len(power.called("unmap")) >= GIB >> 16
