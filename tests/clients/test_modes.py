# SPDX-License-Identifier: MIT
"""The ways to run a device: the same data in each, threads that stay quiet."""

import os
import re
import subprocess
import time

import pytest

from conftest import MIB, NVME, assert_refused, bytes_at, checksum

WAYS = ["mode=inline", "mode=thread", "mode=adaptive", "latency=50us",
        "mode=thread,latency=5us"]


@pytest.fixture(params=WAYS)
def way(request, system_qemu):
    system_qemu.disk = f"{system_qemu.disk},{request.param}"
    return system_qemu


def disk_of(qemu):
    return qemu.disk.split(",")[0]


def doorbells(stderr):
    """Numbers of --stats: trapped, polled, wakes."""
    found = re.search(r"doorbells trapped (\d+), polled (\d+), wakes (\d+)",
                      stderr)
    return tuple(map(int, found.groups()))


def test_convert_and_compare(way, source):
    way.good("qemu-img", "convert", "-n", "-W", "-m", "16", "-f", "raw", "-O",
             "raw", source, NVME)
    assert checksum(disk_of(way)) == checksum(source)
    way.good("qemu-img", "compare", "-f", "raw", "-F", "raw", NVME, source)


@pytest.mark.parametrize("depth", [1, 64])
def test_bench_writes_what_it_was_told(way, depth):
    count = 4000
    way.good("qemu-img", "bench", "-f", "raw", "-w", "--pattern=90", "-c",
             count, "-d", depth, "-s", "4096", NVME)
    assert bytes_at(disk_of(way), 0, count * 4096) == b"\x5a" * count * 4096
    assert not any(bytes_at(disk_of(way), count * 4096, MIB))


@pytest.mark.parametrize("depth", [1, 64])
def test_bench_reads(way, depth):
    out = way.good("qemu-img", "bench", "-f", "raw", "-c", 4000, "-d", depth,
                   "-s", "4096", NVME)
    assert "Run completed" in out


def test_many_runs_end(way):
    """Devices begin and end with their threads."""
    for _ in range(5):
        way.good("qemu-io", "-f", "raw", "-c", "write -P 7 0 64k", "-c",
                 "read -P 7 0 64k", NVME)


def test_latency_is_kept(ioas, system_qemu):
    """100 requests, one after the other, each 2 ms late."""
    system_qemu.disk = f"{system_qemu.disk},latency=2ms"
    out = system_qemu.good("qemu-img", "bench", "-f", "raw", "-c", 100, "-d",
                           1, "-s", "4096", NVME)
    assert float(re.search(r"in ([\d.]+) seconds", out)[1]) >= 0.2


def test_stats_tell_who_saw_the_doorbells(ioas, system_qemu):
    disk = system_qemu.disk
    command = ["qemu-img", "bench", "-f", "raw", "-c", 20000, "-d", 64, "-s",
               "4096", NVME]
    system_qemu.disk = f"{disk},mode=inline"
    result = system_qemu.run(*command, options=["--stats"])
    trapped, polled, wakes = doorbells(result.stderr)
    assert trapped > 20000 and (polled, wakes) == (0, 0)
    system_qemu.disk = f"{disk},mode=thread"
    result = system_qemu.run(*command, options=["--stats"])
    trapped, polled, wakes = doorbells(result.stderr)
    assert trapped > 20000 and polled == 0 and wakes > 0


def test_adaptive_opens_pages_where_there_are_processors(ioas, system_qemu):
    if len(os.sched_getaffinity(0)) < 2:
        pytest.skip("one processor")
    command = ["qemu-img", "bench", "-f", "raw", "-c", 50000, "-d", 64, "-s",
               "4096", NVME]
    result = system_qemu.run(*command, options=["--stats"])
    _, polled, wakes = doorbells(result.stderr)
    assert polled > 0 and wakes > 0
    # taskset is in every system's util-linux.
    result = subprocess.run(
        ["taskset", "-c", str(min(os.sched_getaffinity(0))),
         *ioas.command(*command, devices=[f"nvme,file={system_qemu.disk}"],
                       options=["--stats"])],
        text=True, capture_output=True, timeout=120, check=True)
    _, polled, wakes = doorbells(result.stderr)
    assert (polled, wakes) == (0, 0)


def threads(pid):
    """Names and CPU ticks of the threads of a process."""
    found = {}
    for tid in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{tid}/stat", encoding="ascii") as f:
            name, rest = re.match(r"\d+ \((.*)\) (.*)", f.read()).groups()
        with open(f"/proc/{pid}/task/{tid}/status", encoding="ascii") as f:
            status = f.read()
        ticks = sum(map(int, rest.split()[11:13]))
        found[name] = (ticks, status)
    return found


def run_in(process):
    """The program itself, below the tool."""
    with open(f"/proc/{process.pid}/task/{process.pid}/children",
              encoding="ascii") as f:
        return int(f.read().split()[0])


@pytest.mark.parametrize("mode", ["thread", "adaptive"])
def test_the_thread_of_an_idle_device_sleeps(ioas, system_qemu, mode):
    system_qemu.disk = f"{system_qemu.disk},mode={mode}"
    with system_qemu.start("qemu-io", "-f", "raw", NVME) as process:
        process.stdin.write("read 0 4096\n")
        process.stdin.flush()
        for line in process.stdout:
            if "read 4096/4096" in line:
                break
        pid = run_in(process)
        time.sleep(0.1)
        before = threads(pid)["ioas:01:00.0"]
        time.sleep(1)
        after = threads(pid)["ioas:01:00.0"]
        assert after[0] == before[0]
        # Blocked is all but SEGV, BUS, ILL, FPE, TRAP, and what cannot be.
        blocked = int(re.search(r"SigBlk:\s*(\w+)", after[1])[1], 16)
        for number in (1, 2, 3, 10, 12, 13, 14, 15, 17, 33):
            assert blocked >> (number - 1) & 1, number
        assert not blocked >> 10 & 1
        process.communicate("quit\n", timeout=30)
    assert process.returncode == 0


def test_no_thread_inline(ioas, system_qemu):
    system_qemu.disk = f"{system_qemu.disk},mode=inline"
    with system_qemu.start("qemu-io", "-f", "raw", NVME) as process:
        process.stdin.write("read 0 4096\n")
        process.stdin.flush()
        for line in process.stdout:
            if "read 4096/4096" in line:
                break
        assert not any(n.startswith("ioas:") for n in threads(run_in(process)))
        process.communicate("quit\n", timeout=30)


@pytest.mark.parametrize("option,words", [
    ("mode=fast", ["mode=fast", "mode=thread"]),
    ("latency=5", ["latency=5 is not a time", "50us"]),
    ("latency=2h", ["latency=2h is not a time"]),
    ("latency=9999s", ["too long", "an hour"]),
    ("mode=inline,latency=5us", ["needs a thread", "mode=thread"])])
def test_what_makes_no_sense_is_refused(ioas, disk, option, words):
    result = ioas.run("true", devices=[f"nvme,file={disk},{option}"])
    assert_refused(result, 125, *words)


def test_latency_needs_doorbells(ioas):
    result = ioas.run("true", devices=["edu,latency=5us"])
    assert_refused(result, 125, "edu has none")
