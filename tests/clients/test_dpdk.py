# SPDX-License-Identifier: MIT
"""DPDK's own tests drive the DMA engine: dmadev_autotest compares each byte
that was copied, and provokes 40 translation faults.

IOAS_DPDK  a folder of tools/fetch-dpdk; without it all is skipped
"""

import collections
import json
import os
import re
import signal
import subprocess
import sys

import pytest

from conftest import BDF, alive, children, wait_until

SECOND = "0000:02:00.0"
ICX = "ioat,id=8086:0b00"  # version 3.4: it reports errors
EAL = ["--no-huge", "--no-shconf", "--no-telemetry", "-l", "0"]
VA = [*EAL, "--iova-mode=va", "-m", "128"]
SECONDS = 300

# A defect of the driver, in all versions so far. When a copy failed,
# ioat_completed() restarts the engine and submits what waited behind it, and
# leaves the error to ioat_completed_status(). When some of those copies are done
# before that is called, it takes one of them off the ring and gives the error
# in its place: a copy is lost. Whoever counts them misses one, or waits for
# ever. An engine that is done within the store always shows it; one that has a
# thread, or takes a while, sometimes. recovery= is what takes the race away: a
# time that is short for a program, and in which a driver that runs is sure to
# ask.
LOST_AT_ONCE = ("test_individual_status_query_with_failure: Error: "
                "unexpected number of completions received, 0, not 1")
LOST = [
    re.escape(LOST_AT_ONCE),
    r"test_single_item_status_query_with_failure: Error, incorrect number of "
    r"completions received, got \d+ not \d+",
    r"test_failure_in_full_burst: Error with completed_status calls for fail "
    r"idx \d+\. Got \d+ not \d+",
    "waits for ever",
]
# Longer than a program is held up by others on a busy machine.
RECOVERY = "recovery=100ms"
MODES = ["mode=inline", "mode=thread", "mode=adaptive", "latency=1ms"]
WAYS = [f"{x},{RECOVERY}" for x in MODES]
WORKS = f"{ICX},mode=thread,{RECOVERY}"

# What each series says of dmadev_autotest, and what ioas has to find. Whoever
# changes a line says why: a case that is lost or won fails the test.
#
# passed   cases that run; those without a device that can are "skipped"
# fault    bytes that the error tests copy from address 0, which is not mapped
# left     mappings at its end, for it unmaps nothing: one, or one a page. It
#          gives their memory back, or (24.11.8) closes the container before
# defect   what it says of an engine that needs no time, by the driver's defect
Series = collections.namedtuple("Series", "passed skipped fault left defect")
FAULTS = 40
SERIES = {
    "22.11": Series(["copy", "burst capacity", "error handling", "fill"], [],
                    1024, 1, LOST_AT_ONCE),
    "24.11": Series(["copy", "stop_start", "burst_capacity", "error_handling",
                     "fill"], ["sg_copy", "m2d_autofree"],
                    2048, 32768, LOST_AT_ONCE),
}


def numbers(series):
    return tuple(map(int, series.split(".")))


def judge_of(series):
    """The series whose line counts: of one that has none, the newest that is
    not newer, else the oldest."""
    older = [x for x in SERIES if numbers(x) <= numbers(series)]
    return max(older, key=numbers) if older else min(SERIES, key=numbers)


Version = collections.namedtuple("Version", "suite number series")


def make_version(suite, number):
    return Version(suite, number, ".".join(number.split(".")[:2]))


def versions():
    folder = os.environ.get("IOAS_DPDK")
    for suite, system in (("bookworm", "Debian 12"), ("trixie", "Debian 13")):
        path = os.path.join(folder or "", suite, "version")
        if folder and os.path.exists(path):
            with open(path, encoding="ascii") as f:
                version = make_version(suite, f.read().strip())
            yield pytest.param(version, id=version.series)
            continue
        why = f"left the archive: DPDK of {system}" if folder else \
            "no DPDK: run ./check --only clients-dpdk"
        yield pytest.param(None, id=suite, marks=pytest.mark.skip(reason=why))


class Dpdk:
    """The programs of one version, under ioas."""

    def __init__(self, tool, version, folder):
        self.ioas = tool
        self.version = version
        self.judge = judge_of(version.series)
        self.known = self.judge == version.series
        self.expected = SERIES[self.judge]
        self.root = os.path.join(os.environ["IOAS_DPDK"], version.suite,
                                 "root")
        self.lib = f"{self.root}/usr/lib/x86_64-linux-gnu"
        self.folder = folder
        self.env = {"HOME": str(folder), "XDG_RUNTIME_DIR": str(folder)}
        self.loader = []
        loader = f"{self.lib}/ld-linux-x86-64.so.2"
        if os.path.exists(loader):
            self.loader = [loader, "--library-path", self.lib]
        else:
            self.env["LD_LIBRARY_PATH"] = f"{self.lib}:{self.root}/usr/lib"

    def drivers(self):
        """By name: EAL takes no folder below /tmp."""
        found = []
        for name in ("librte_mempool_ring", "librte_dma_ioat"):
            found += ["-d", sorted(x for x in os.listdir(self.lib)
                                   if re.fullmatch(rf"{name}\.so\.\d+", x))[0]]
        return found

    def program(self, name):
        return [*self.loader, f"{self.root}/usr/bin/{name}"]

    def command(self, *arguments):
        return [*self.program("dpdk-test"), *self.drivers(),
                *map(str, arguments)]

    def run(self, *arguments, devices=(ICX,), **more):
        more = {"timeout": SECONDS, "env": self.env} | more
        return self.ioas.run(*self.command(*arguments), devices=devices,
                             **more)

    def test(self, *suites, arguments=VA, options=(), **more):
        """Suites of dpdk-test -> what it said, and what ioas found."""
        report = self.folder / "report"
        command = [*arguments, "-a", BDF]
        more["input"] = "".join(f"{x}\n" for x in [*suites, "quit"])
        more["options"] = ["--stats", "--report", "json", "--report-file",
                           report, *options]
        try:
            result = self.run(*command, **more)
        except subprocess.TimeoutExpired as e:
            return Outcome(e, [])
        rows = [json.loads(x) for x in report.read_text().splitlines()]
        return Outcome(result, rows)

    def start(self, *arguments, devices=(ICX,)):
        return self.ioas.start(*self.command(*arguments), devices=devices,
                               env=self.env)


class Outcome:
    """Of one run of dpdk-test."""

    def __init__(self, result, rows):
        self.result = result
        self.ended = not isinstance(result, subprocess.TimeoutExpired)
        self.said = result.stdout + result.stderr if self.ended else ""
        self.errors = [x for x in rows if x["type"] == "finding"
                       and x["severity"] == "error"]
        self.windows = [x for x in rows if x["type"] == "window"]
        self.counts = {}
        self.stats = ""
        for row in rows:
            if row["type"] == "summary":
                self.counts = {k: v["count"] for k, v in
                               row["checks"].items() if k in
                               {x["check"] for x in self.errors}}
            if row["type"] == "message":
                self.stats += row["text"] + "\n"

    def verdict(self):
        """What the command said at its end."""
        found = re.findall(r"^Test (OK|Failed|Skipped)", self.said, re.M)
        return found[-1] if found else None

    def why(self):
        """Where it failed first: "function: sentence"; or nothing."""
        if not self.ended:
            return "waits for ever"
        found = re.search(r"In (\w+):\d+ - (.*)", self.said)
        return f"{found[1]}: {found[2].strip()}" if found else ""

    def ran(self):
        """Cases of each instance: name -> (submitted, completed, errors)."""
        found = []
        for part in re.split(r"### Test dmadev instance \d+",
                             self.said)[1:]:
            cases = {}
            for case in re.split(r"DMA Dev \d+: Running ", part)[1:]:
                last = re.findall(r"Ops submitted: (\d+)\s+Ops completed: "
                                  r"(\d+)\s+Errors: (\d+)", case)
                cases[re.match("(.*?) Tests", case)[1]] = \
                    tuple(map(int, last[-1])) if last else None
            found.append(cases)
        return found

    def suite(self, word):
        """Cases of the devices, where a suite is run, that ended like this;
        those of the interface, test_dma_*, are run before each device."""
        return re.findall(rf"TestCase \[ *\d+\] : (?!test_dma_)(\w+) {word}",
                          self.said)


@pytest.fixture(params=versions())
def dpdk(request, ioas, note, tmp_path):
    made = Dpdk(ioas, request.param, tmp_path)
    note(f"DPDK {made.version.number} of {made.version.suite}" +
         ("" if made.known else f": NOT IN THE TABLE, it needs a line; held "
          f"to that of {made.judge}, of which it must not lose a case"))
    return made


def assert_all_passed(dpdk, outcome, instances=1):
    """All cases, on each instance, nothing left to complete. Of a version
    that is not in the table: none of the cases is lost."""
    assert outcome.verdict() == "OK", outcome.said[-3000:]
    assert outcome.result.returncode == 0
    assert outcome.why() == ""
    ran = outcome.ran()
    assert len(ran) == instances, outcome.said[-3000:]
    for cases in ran:
        for name in dpdk.expected.passed:
            assert cases.get(name), f"lost: {name}"
            submitted, completed, errors = cases[name]
            assert submitted == completed > 0
            if not name.startswith("error"):
                assert errors == 0
            elif dpdk.known:
                assert errors == FAULTS
            else:
                assert errors >= FAULTS
        if dpdk.known:
            assert set(cases) == set(dpdk.expected.passed)
    assert not outcome.suite("failed")
    if dpdk.known:
        assert outcome.suite("skipped") == dpdk.expected.skipped * instances


def assert_left(dpdk, counts, others=()):
    """What it leaves mapped is found in one way, and so are the others."""
    (way,) = set(counts) - set(others)
    assert way in ("freed-while-mapped", "leak-on-close")
    assert set(others) <= set(counts)
    if dpdk.known:
        assert counts[way] == dpdk.expected.left


def assert_wild(dpdk, outcome, devices=(BDF,)):
    """Each intended fault, at the driver's store, and no other. A version
    that is not in the table may have more, and of another size."""
    faults = [sum(x[-1] for x in cases.values() if x)
              for cases in outcome.ran()]
    found = [x for x in outcome.errors if x["check"] == "wild-dma"]
    assert {x["device"] for x in found} == set(devices)
    for finding in found:
        assert finding["model"] == "ioat"
        assert finding["permission"] == "READ"
        assert finding["iova"]["first"] == "0x0"
        if dpdk.known:
            assert finding["iova"]["last"] == hex(dpdk.expected.fault - 1)
        issued = finding["issued_by"]
        assert (issued["command"], issued["role"]) == ("COPY", "source")
        assert isinstance(issued["command_id"], int)
    for device, number in zip(devices, faults, strict=True):
        stats = re.search(rf"device {device} \(ioat\): .* faults (\d+)",
                          outcome.stats)
        assert int(stats[1]) == number
    assert outcome.counts["wild-dma"] == sum(faults)


def assert_faults(dpdk, outcome, devices=(BDF,)):
    assert_wild(dpdk, outcome, devices)
    assert_left(dpdk, outcome.counts, ["wild-dma"])


@pytest.mark.parametrize("way", WAYS)
def test_dmadev(dpdk, way):
    outcome = dpdk.test("dmadev_autotest", devices=[f"{ICX},{way}"])
    assert_all_passed(dpdk, outcome)
    assert_faults(dpdk, outcome)


def test_two_devices(dpdk):
    outcome = dpdk.test("dmadev_autotest", devices=[WORKS, WORKS],
                        arguments=[*VA, "-a", SECOND])
    assert_all_passed(dpdk, outcome, instances=2)
    assert_faults(dpdk, outcome, devices=(BDF, SECOND))


def test_the_driver_loses_a_copy_that_is_done_at_once(dpdk):
    """The evidence of its defect: the same symptom in each run."""
    outcome = dpdk.test("dmadev_autotest", devices=[f"{ICX},mode=inline"])
    said = outcome.why()
    if not dpdk.known and not said:
        return
    assert said == dpdk.expected.defect, outcome.said[-3000:]
    assert outcome.verdict() == "Failed"
    # What was copied, and refused, until then was right.
    assert outcome.counts["wild-dma"] == 2


def test_the_driver_may_lose_a_copy_that_is_done_soon(dpdk):
    """It races with the device's thread: it loses a copy or not, and nothing
    else goes wrong."""
    outcome = dpdk.test("dmadev_autotest", devices=[f"{ICX},mode=thread"],
                        timeout=60)
    said = outcome.why()
    if said:
        assert re.fullmatch("|".join(LOST), said), outcome.said[-3000:]
        assert outcome.verdict() == ("Failed" if outcome.ended else None)
    else:
        assert_all_passed(dpdk, outcome)
        assert_faults(dpdk, outcome)


def test_a_version_that_is_not_in_the_table_must_not_lose_a_case(dpdk):
    """Programs that are there, as if they were of a later version."""
    later = Dpdk(dpdk.ioas, make_version(dpdk.version.suite, "9999.11.1"),
                 dpdk.folder)
    assert not later.known and later.judge == max(SERIES, key=numbers)
    outcome = later.test("dmadev_autotest", devices=[WORKS])
    if dpdk.judge == later.judge:
        assert_all_passed(later, outcome)
        assert_faults(later, outcome)
        return
    with pytest.raises(AssertionError, match="lost: stop_start"):
        assert_all_passed(later, outcome)


def without_errors(dpdk):
    return [x for x in dpdk.expected.passed if not x.startswith("error")]


@pytest.mark.parametrize("way", MODES)
def test_an_engine_that_reports_no_errors(dpdk, way):
    """Version 3.3: nothing is provoked, and so nothing races."""
    outcome = dpdk.test("dmadev_autotest", devices=[f"ioat,{way}"])
    assert outcome.verdict() == "OK", outcome.said[-3000:]
    assert list(outcome.ran()[0]) == without_errors(dpdk)
    assert_left(dpdk, outcome.counts)
    assert "faults 0," in outcome.stats


def test_the_test_is_repeated_in_one_process(dpdk):
    outcome = dpdk.test(*["dmadev_autotest"] * 3, devices=["ioat"])
    assert outcome.said.count("Test OK") == 3, outcome.said[-3000:]


def test_pretended_huge_pages(dpdk):
    outcome = dpdk.test(
        "dmadev_autotest", devices=["ioat"], options=["--fake-hugepages"],
        arguments=["--in-memory", "--no-telemetry", "-l", "0", "-m", "64",
                   "--iova-mode=va"])
    assert outcome.verdict() == "OK", outcome.said[-3000:]
    assert list(outcome.ran()[0]) == without_errors(dpdk)


def test_the_report_names_driver_and_test(dpdk):
    """Files of Debian have no line numbers; the drivers are libraries that
    are loaded at run time."""
    result = dpdk.run(*VA, "-a", BDF, input="dmadev_autotest\nquit\n",
                      devices=[f"{ICX},mode=inline"])
    report = result.stderr.split("ERROR: wild-dma:")[1]
    assert re.search(r"issued by: +.*COPY, source", report)
    assert re.search(r"done by: +librte_dma_ioat\.so\.\d+\+0x[0-9a-f]+\n +"
                     r"dpdk-test\+0x", report)


# ---- Windows of POWER. ----

POWER_PAGES = 32768  # of 4 KiB, in 128 MiB: each is mapped alone


def on_power(dpdk, device, profile, *options):
    """What it says of its window is what it says when it is asked to."""
    outcome = dpdk.test(
        "dmadev_autotest", devices=[device],
        arguments=[*VA, "--log-level=lib.eal:debug"],
        options=["--profile", profile, "--map", *options])
    assert "EAL: Using IOMMU type 7 (sPAPR)" in outcome.said
    assert "EAL: Setting DMA window size to 0x200000000" in outcome.said
    return outcome


def assert_window(dpdk, outcome):
    """Its own window is in the place of the default one, and what it uses is
    mapped in it. Before the list is made 24.11 closes the container."""
    assert f"maps {POWER_PAGES}, unmaps 0," in outcome.stats
    if dpdk.judge != "22.11":
        assert outcome.counts["leak-on-close"] == POWER_PAGES
        return
    (window,) = outcome.windows
    assert window["slot"] == 0
    assert window["iova"] == {"first": "0x0", "last": "0x1ffffffff"}
    assert (window["page_bytes"], window["levels"]) == (4096, 1)
    assert (window["mapped"], window["entries"]) == (POWER_PAGES, 2097152)
    assert window["tables"] == [1]


def test_windows(dpdk):
    """Its path for POWER: registered memory, the default window removed, one
    as large as its addresses; the whole test, as with an IOMMU of a PC."""
    outcome = on_power(dpdk, WORKS, "power9", "--on-fault", "report")
    assert_all_passed(dpdk, outcome)
    assert_window(dpdk, outcome)
    assert_wild(dpdk, outcome)


@pytest.mark.parametrize("profile, contract",
                         [("power8", "strict"), ("power9", "linux-7.3")])
def test_windows_as_the_machine_is(dpdk, profile, contract):
    """Without faults nothing is isolated."""
    outcome = on_power(dpdk, "ioat", profile, "--contract", contract)
    assert outcome.verdict() == "OK", outcome.said[-3000:]
    assert list(outcome.ran()[0]) == without_errors(dpdk)
    assert_window(dpdk, outcome)
    assert "faults 0," in outcome.stats


def test_the_driver_knows_nothing_of_isolation(dpdk):
    """DPDK never calls EEH. After its first fault the group is isolated, as a
    machine of POWER does it, and stays so: no completion tells the error, and
    registers read as ones. Of those the driver takes the three low bits for an
    index of five names, to say that it cannot stop, and prints what lies
    behind."""
    outcome = on_power(dpdk, WORKS, "power9")
    assert outcome.counts["wild-dma"] == 1
    if not dpdk.known:
        return
    assert outcome.why() == (
        "test_failure_in_full_burst: Error, missing expected failed copy, 0. "
        "has_error is not set"), outcome.said[-3000:]
    assert outcome.result.returncode == -signal.SIGSEGV


def test_a_window_that_is_not_at_0_is_refused(dpdk):
    """On pseries firmware puts it at 2^59; DPDK wants I/O addresses that are
    the program's."""
    outcome = on_power(dpdk, "ioat", "pseries")
    assert outcome.verdict() == "Skipped"
    assert ("EAL: Received unsupported start address 0x800000000000000"
            in outcome.said)
    assert "maps 0, unmaps 0," in outcome.stats
    assert not outcome.errors


# ---- What DPDK says of limits, as on Linux. ----


def test_physical_addresses(dpdk):
    """An ordinary user has none: 24.11 says so and ends, 22.11 says so and
    takes virtual ones."""
    outcome = dpdk.test("dmadev_autotest", devices=["ioat"],
                        arguments=[*EAL, "--iova-mode=pa", "-m", "64"])
    assert "physical addresses are" in outcome.said.lower()
    if dpdk.version.series == "22.11":
        assert outcome.verdict() == "OK", outcome.said[-3000:]
    else:
        assert outcome.result.returncode != 0
        assert "maps 0," in outcome.stats


def test_the_limit_of_mappings(dpdk):
    """Debian 13's maps page by page: 512 MiB are too many mappings."""
    arguments = [*EAL, "--iova-mode=va", "-m", "512"]
    one_by_one = dpdk.expected.left > 1
    outcome = dpdk.test("dmadev_autotest", arguments=arguments,
                        devices=["ioat"],
                        options=["--check", "default,entry-limit"])
    if not one_by_one:
        assert outcome.verdict() == "OK"
        return
    assert "error 28 (No space left on device)" in outcome.said
    assert outcome.verdict() == "Skipped"
    assert "peak 65535" in outcome.stats
    outcome = dpdk.test("dmadev_autotest", arguments=arguments,
                        devices=["ioat"],
                        options=["--dma-entry-limit", 200000])
    assert outcome.verdict() == "OK", outcome.said[-3000:]
    assert "peak 131072" in outcome.stats


def test_the_limit_of_pinned_memory(dpdk):
    outcome = dpdk.test("dmadev_autotest", options=["--memlock", 64 << 20])
    assert "error 12 (Cannot allocate memory)" in outcome.said
    assert outcome.verdict() == "Skipped"


# ---- Life and death. ----


def dmadev_without_end(dpdk, **more):
    """dpdk-test that is in the middle of its tests, and the process."""
    process = dpdk.start(*VA, "-a", BDF, devices=["ioat"], **more)
    process.stdin.write("dmadev_autotest\n" * 1000)
    process.stdin.flush()
    said = ""
    while "Running fill" not in said:
        line = process.stdout.readline()
        assert line, process.stderr.read()
        said += line
    return process, children(process.pid)[0]


@pytest.mark.parametrize("name", ["SIGKILL", "SIGINT", "SIGTERM"])
def test_ended_in_the_middle(dpdk, name):
    number = getattr(signal, name)
    process, program = dmadev_without_end(dpdk)
    os.kill(program, number)
    process.communicate(timeout=60)
    assert process.returncode == -number
    wait_until(lambda: not alive(program))
    assert dpdk.test("dmadev_autotest", devices=["ioat"]).verdict() == "OK"


def test_a_device_has_one_process_of_a_run(dpdk):
    """The group is taken while the first process lives, and free at once when
    it was killed."""
    first = " ".join(dpdk.command(*VA, "-a", BDF))
    script = f"""
        mkfifo in
        ({first} < in & echo $! > pid; wait) > first 2>&1 &
        exec 9> in
        echo dmadev_autotest >&9
        until grep -q 'Running fill' first; do sleep 0.05; done
        echo dmadev_autotest | {first} > second 2>&1
        kill -9 $(cat pid)
        wait
        echo dmadev_autotest | {first} > third 2>&1
        """
    result = dpdk.ioas.run("sh", "-c", script, devices=["ioat"], env=dpdk.env,
                           cwd=dpdk.folder, timeout=SECONDS)
    said = [(dpdk.folder / x).read_text() for x in
            ("first", "second", "third")]
    assert "Running fill" in said[0], result.stderr
    assert "cannot be used" in said[1] and "Test Skipped" in said[1], said[1]
    assert "Test OK" in said[2], said[2]


def test_two_runs_at_once(dpdk):
    runs = [subprocess.Popen(
        dpdk.ioas.command(*dpdk.command(*VA, "-a", BDF), devices=["ioat"]),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, env=os.environ | dpdk.env)
        for _ in range(2)]
    for run in runs:
        run.stdin.write("dmadev_autotest\nquit\n")
        run.stdin.flush()
    for run in runs:
        said, _ = run.communicate(timeout=SECONDS)
        assert "Test OK" in said, said[-3000:]


# ---- Its tools. ----


def test_devbind(dpdk):
    """It lists the device by lspci(8), and finds it bound already."""
    tool = f"{dpdk.root}/usr/bin/dpdk-devbind.py"
    status = dpdk.ioas.run(sys.executable, tool, "--status", devices=[ICX])
    assert re.search(rf"DMA devices using DPDK-compatible driver\n=+\n{BDF} "
                     r"'.*' .*drv=vfio-pci", status.stdout), status.stdout
    bind = dpdk.ioas.run(sys.executable, tool, "-b", "vfio-pci", BDF,
                         devices=[ICX])
    said = bind.stdout + bind.stderr
    if "already bound" in said:
        assert bind.returncode == 0, said
    else:
        # 24.11 looks at /sys/class/iommu, which is the machine's.
        assert "IOMMU support is disabled" in said, said
        assert not os.listdir("/sys/class/iommu")
    unbind = dpdk.ioas.run(sys.executable, tool, "-u", BDF, devices=[ICX])
    assert unbind.returncode != 0
    assert "Permission denied" in unbind.stdout + unbind.stderr


def test_the_measuring_tool(dpdk):
    """dpdk-test-dma-perf compares what it copied; with a worker."""
    if not os.path.exists(dpdk.program("dpdk-test-dma-perf")[-1]):
        # Not a skip: this version never had one.
        assert dpdk.version.series == "22.11"
        return
    eal = [*VA, *dpdk.drivers()]
    eal[eal.index("-l") + 1] = "0-1"
    config = dpdk.folder / "config.ini"
    config.write_text(f"""[case1]
type=DMA_MEM_COPY
mem_size=1
buf_size=64,4096,8,MUL
dma_ring_size=512
kick_batch=32
src_numa_node=0
dst_numa_node=0
cache_flush=0
test_seconds=1
lcore_dma0=lcore=1,dev={BDF},dir=mem2mem
eal_args={" ".join(eal)}
""")
    result = dpdk.ioas.run(
        *dpdk.program("dpdk-test-dma-perf"), "--config", config, "--result",
        dpdk.folder / "result.csv", devices=[ICX], env=dpdk.env,
        options=["--stats"], timeout=SECONDS)
    said = result.stdout + result.stderr
    assert result.returncode == 0, said
    assert len(re.findall(r"Average Bandwidth: [\d.]*[1-9]", said)) == 3, said
    assert "faults 0," in said and "wild-dma" not in said
