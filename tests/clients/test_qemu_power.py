# SPDX-License-Identifier: MIT
"""Linux for POWER as a guest of QEMU's machine pseries, with dynamic DMA
windows.

QEMU registers the guest's memory, makes the window of 32 bits and, when the
guest's driver asks for it, a large one into which the guest maps all that it
has: after that its DMA needs no call at all. What QEMU asks is seen by
guest/calls.c in front of ioas.
"""

import contextlib
import os
import signal
import sys

import pytest

from conftest import HERE, MIB, Qemu, ioas_lines, wait_until

sys.path.append(os.path.join(HERE, "guest"))
import boot  # noqa: E402  pylint: disable=wrong-import-position
import monitor  # noqa: E402  pylint: disable=wrong-import-position

GIB = 1024 * MIB
HIGH = 1 << 59
MEMORY = "1G,slots=2,maxmem=2G"
PAGES_4K, PAGES_64K = "linux-6.12", "linux-6.12-64k"
FIXED = ["-global", "spapr-pci-host-bridge.ddw=off"]
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


@pytest.fixture
def power(ioas, library, tmp_path):
    return Power(ioas, library, PAGES_4K, tmp_path)


def low_windows(power):
    return [x for x in power.called("create") if x[4] == 0]


def high_windows(power):
    return [x for x in power.called("create") if x[4] == HIGH]


@pytest.mark.parametrize("kernel", [PAGES_4K, PAGES_64K])
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


def test_a_guest_without_dynamic_windows(power):
    """What it does by DMA it maps and unmaps in the window of 32 bits."""
    ended = power.boot("churn=1", iommu=FIXED)
    power.assert_good(ended)
    boot.assert_churned(ended, power.guest.disks, 1)
    assert not high_windows(power)
    maps = power.called("map")
    assert len(maps) > 1000 and all(x[2] == 0 for x in maps)
    assert all(iova < GIB for iova, _, _ in maps)


@pytest.mark.parametrize("low", [1, 2])
def test_a_window_of_32_bits_of_each_size(power, low):
    size = ["-global", f"spapr-pci-host-bridge.dma_win_size={low * GIB:#x}"]
    power.run(profile=f"power9,dma32={low}G", iommu=FIXED + size)
    assert low_windows(power)[0][:2] == (12, low * GIB)


def test_version_1(power):
    """Which QEMU takes where version 2 is refused: every page that is mapped
    is pinned then."""
    power.run(profile="power9,dma32=1G,ddw=off",
              options=["--contract", "linux-6.12"], iommu=FIXED)
    assert power.called("type") == [(7, -22), (2, 0)]
    assert power.called("enable") == [(0, 0)]
    assert not power.called("register") and not power.called("create")


def test_a_guest_that_restarts(power):
    """QEMU removes both windows then, and makes the first again."""
    process, _ = power.guest.start("end=again", **power.how())
    ended = power.guest.end(process)
    power.assert_good(ended)
    assert len(high_windows(power)) == 2
    removed = power.called("remove")
    assert (HIGH, 0) in removed and all(x[1] == 0 for x in removed)
    assert ended.said.count("guest: end") == 2


def test_memory_that_is_added(power):
    """While the machine has not begun: the guest has it from its start."""
    process, path = power.guest.start(**power.how(iommu=["-S"]))
    with_memory = monitor.Monitor(path)
    with_memory.say("object-add", qom_type="memory-backend-ram", id="more",
                    size=512 * MIB)
    with_memory.say("device_add", driver="pc-dimm", id="dimm", memdev="more")
    with_memory.say("cont")
    ended = power.guest.end(process)
    power.assert_good(ended)
    sizes = [x[1] for x in power.called("register")]
    assert sizes == [GIB, 512 * MIB]
    assert ended.number("memory") > GIB >> 10
    assert power.mapped(HIGH, 2 * GIB) == GIB + 512 * MIB


def test_a_device_that_is_taken_away(power):
    """A guest has to let go of it; one that is reset has. All its memory is
    mapped until then."""
    process, path = power.guest.start("end=wait",
                                      **power.how(places=[",id=controller"]))
    said = boot.hear(process, "guest: end")
    without = monitor.Monitor(path)
    without.say("device_del", id="controller")
    without.say("system_reset")
    without.wait("DEVICE_DELETED")
    # A thread of QEMU's lets go of the container, when it comes to it.
    wait_until(lambda: power.called("unregister"))
    without.say("quit")
    ended = power.guest.end(process, said)
    power.assert_good(ended)
    assert power.mapped(HIGH, 2 * GIB) == GIB
    assert "left mapped" not in ended.stderr
    assert {x[0] for x in power.called("remove")} == {0, HIGH}
    registered = [(x[0], x[1]) for x in power.called("register")]
    assert [(x[0], x[1]) for x in power.called("unregister")] == registered
    assert all(x[2] == 0 for x in power.called("unregister"))


def test_two_host_bridges_register_the_same_memory(power):
    ended = power.boot(
        iommu=["-device", "spapr-pci-host-bridge,index=1,id=second"],
        more=["edu"], places=[",bus=pci.0", ",bus=second.0"])
    power.assert_good(ended)
    first, second = power.called("register")
    assert first == second and first[1:] == (GIB, 0)
    assert power.called("type") == [(7, 0), (7, 0)]


def start_only(power, fail, *told):
    """A machine that does not run, but is told more; it ends then."""
    process, path = power.guest.start(
        **power.how(fail=fail, iommu=["-S"], places=[",id=controller"]))
    with contextlib.suppress(OSError, EOFError):
        machine = monitor.Monitor(path)
        for command, arguments, event in told:
            machine.say(command, **arguments)
            if event:
                machine.wait(event)
        if told == GONE:
            wait_until(lambda: power.called("unregister"))
        machine.say("quit")
    return power.guest.end(process)


RESET = (("system_reset", {}, "RESET"),)
GONE = (("device_del", {"id": "controller"}, None),
        ("system_reset", {}, "DEVICE_DELETED"))
ABORTED = -signal.SIGABRT


# docs/ioas-windows.7.scd has a table of these.
@pytest.mark.parametrize("fail, told, status, words", [
    ("type 1 1 22", (), 0, ""),
    ("type 1 2 22", (), 1, "Failed to set iommu for container"),
    ("type 1 1 22,enable 1 1 12", (), 1, "failed to enable container"),
    ("register 1 1 12", (), 1, "Memory registering failed"),
    ("info 1 1 22", (), 1, "VFIO_IOMMU_SPAPR_TCE_GET_INFO failed"),
    ("remove 1 1 22", (), 1, "Failed to remove window at 0"),
    ("create 1 1 12", (), 0, ""),
    ("create 1 3 12", (), ABORTED, "Failed to create SPAPR window"),
    ("create 2 4 12", RESET, ABORTED, "Failed to create SPAPR window"),
    ("remove 2 2 22", RESET, ABORTED, "Host doesn't support DMA window at 0"),
    ("unregister 1 1 16", GONE, 0, ""),
    ("eeh 1 1 5", (), 0, "EEH_PE_OP 0x1 failed"),
], ids=lambda x: x if isinstance(x, str) and x[-1:].isdigit() else "")
def test_a_call_that_fails(power, fail, told, status, words):
    """QEMU goes on, or ends; nothing of it is left for the next."""
    ended = start_only(power, fail, *told)
    assert ended.status == status, ended.stderr
    assert words in ended.stderr
    others = [line for line in ended.stderr.splitlines()
              if line and not line.startswith("ioas: ")]
    assert bool(others) == bool(words), ended.stderr
    assert all(line.startswith("ioas: maps 0, unmaps 0, live now 0")
               for line in ioas_lines(ended.stderr)), ended.stderr
    name, first, last, error = fail.split(",")[-1].split()
    failed = [x for x in power.called(name) if -int(error) in x]
    assert len(failed) == int(last) - int(first) + 1
    assert status == 0 or start_only(power, "").status == 0


def test_a_page_that_was_not_mapped(power):
    """The guest has it for mapped: the device is refused and its group frozen,
    and the guest's driver recovers it by the calls of EEH."""
    ended = power.boot(fail="unmap 3 3 5,map 1000 1000 12", iommu=FIXED)
    boot.assert_data(ended, power.guest.disks)
    boot.assert_untouched(power.guest.disks)
    assert "guest: end" in ended.said
    [page] = [x[0] for x in power.called("map") if x[2] == -12]
    assert f"refused:     {page:#x}-{page + 0xfff:#x}: not mapped" in \
        ended.stderr
    assert ended.status == boot.FOUND
    assert "summary: 1 wild-dma;" in ended.stderr
    for call, error in (("unmap", 5), ("map", 12)):
        assert f"vfio_container_dma_{call}(" in ended.stderr
        assert [x[2] for x in power.called(call) if x[2]] == [-error]
    # What stopped, what was done about it, and how it ended.
    calls = power.called("eeh")
    for call in ((4, 2), (2, 0), (4, 4), (8, 0), (6, 0), (5, 0)):
        assert call in calls, calls
    assert calls[-1] == (4, 0)
    assert "nvme driver reports: 'recovered'" in ended.said
