# SPDX-License-Identifier: MIT
"""The vfio suite of the Linux kernel (tools/testing/selftests/vfio).

Each case is a test of its own here, named as in the table that says what is
expected (selftests/vfio-*). All run twice: plainly, and in another way, in
which the answers to a program must be the same.

IOAS_SELFTESTS  a folder with the suite (tools/fetch-selftests)
"""

import collections
import dataclasses
import json
import os
import pathlib
import signal
import subprocess
import sys

import pytest

from conftest import BDF, TOP

sys.path.append(os.path.join(TOP, "tests/clients/selftests"))
import suite  # noqa: E402  pylint: disable=wrong-import-position

FOLDER = os.environ.get("IOAS_SELFTESTS")
LIMIT = 900     # seconds for a program; a case has limits of its own
SEVERAL = [f"0000:0{n}:00.0" for n in range(1, 5)]


@dataclasses.dataclass(frozen=True)
class Way:
    options: tuple = ()
    device: str = ""


WAYS = {
    "plain": Way(),
    "other": Way(("--contract=linux-7.3", "--pin=strict"), ",mode=thread"),
}
# Devices and arguments, where they are not one ioat and its address.
DEVICES = {"vfio_pci_device_test": ["nvme,size=1M"],    # it has MSI, too
           "vfio_pci_device_init_perf_test": [f"ioat,bdf={x}"
                                              for x in SEVERAL],
           "vfio_pci_sriov_uapi_test": ["ioat,vfs=1"]}
ARGUMENTS = {"vfio_pci_device_init_perf_test": SEVERAL,
             "vfio_pci_sriov_uapi_test": [BDF]}
# What a case lets its device do on purpose, without looking at what comes of
# it: so often a finding must tell. Any other finding is a failure.
WILD = {"memcpy_from_unmapped_iova": 1, "memcpy_to_unmapped_iova": 1,
        "mix_and_match": 10}
# Memory of this size must be had of each kind, for the cases that ask for it.
HUGE = {"2048kB": 1, "1048576kB": 1}


def version():
    if not FOLDER:
        return "999.0"
    return pathlib.Path(FOLDER, "version").read_text().strip()


TABLE_PATH, KNOWN = suite.find_table("vfio", version())
TABLE = suite.read_table(TABLE_PATH)
RUNS = sorted({run for run, _ in TABLE})


def real_huge_pages():
    for kind, wanted in HUGE.items():
        pool = pathlib.Path(f"/sys/kernel/mm/hugepages/hugepages-{kind}")
        try:
            if int((pool / "free_hugepages").read_text()) < wanted:
                return False
        except OSError:
            return False
    return True


def findings(report):
    """Counts by check, of all processes that wrote to a report."""
    count = collections.Counter()
    for line in report.read_text().splitlines():
        for check, found in json.loads(line).get("checks", {}).items():
            count[check] += found["count"]
    return dict(count)


def end_session(leader):
    """End what belongs to a session: cases are process groups of their own."""
    for name in filter(str.isdecimal, os.listdir("/proc")):
        try:
            if os.getsid(int(name)) == leader:
                os.kill(int(name), signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            pass


def run_program(ioas, run, way, options):
    """What a program of the suite wrote, and its status."""
    program, _, mode = run.partition("@")
    folder = pathlib.Path(FOLDER, "vfio-mode" if mode else "vfio")
    devices = [x + way.device for x in DEVICES.get(program, ["ioat"])]
    command = ioas.command(folder / program, *ARGUMENTS.get(program, []),
                           devices=devices, options=[*way.options, *options])
    env = os.environ | {"VFIO_SELFTESTS_BDF": BDF}
    if mode:
        env["VFIO_SELFTESTS_MODE"] = mode
    # A session of its own, so that a program that hangs is ended with all
    # that it started.
    with subprocess.Popen(command, env=env, text=True, errors="replace",
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT,
                          start_new_session=True) as process:
        try:
            output, _ = process.communicate(timeout=LIMIT)
            status = process.returncode
        except subprocess.TimeoutExpired:
            end_session(process.pid)
            output, _ = process.communicate()
            status = None
    return status, output


@pytest.fixture(scope="session")
def huge(note):
    """How huge pages are had."""
    if real_huge_pages():
        note("huge pages: of the system")
        return []
    note("huge pages: pretended, the system has none (--fake-hugepages)")
    return ["--fake-hugepages"]


@pytest.fixture(scope="session")
def outcome(ioas, huge, tmp_path_factory):
    """Each program runs once in each way: an Outcome, with findings."""
    if not FOLDER:
        pytest.skip("not here: run ./check --only clients-selftests-vfio")
    done = {}

    def get(run, way):
        if (run, way) not in done:
            report = tmp_path_factory.mktemp("report") / "json"
            options = [*huge, "--report=json", f"--report-file={report}"]
            result = suite.parse(*run_program(ioas, run, WAYS[way], options))
            result.findings = findings(report)
            done[run, way] = result
        return done[run, way]
    return get


@pytest.fixture(scope="session")
def apart(note):
    """Counts what does not pass and need not, by reason."""
    count = collections.Counter()
    yield count
    note(f"suite of Linux {version()}, table {TABLE_PATH.name}" +
         ("" if KNOWN else ": NOT MADE FOR THIS VERSION, it needs one"))
    for (way, word, reason), number in sorted(count.items()):
        note(f"{way}: {number} cases {word}, as the table says: {reason}")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("run, case", [
    pytest.param(*key, id=" ".join(key)) for key in TABLE])
def test_case(outcome, apart, run, case, way):
    expected = TABLE[run, case]
    verdict, text = suite.judge(expected, case, outcome(run, way), KNOWN)
    if verdict == "failed":
        pytest.fail(text, pytrace=False)
    if verdict == "apart":
        apart[way, expected.word, text.splitlines()[0]] += 1
        pytest.xfail(text)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("run", RUNS)
def test_findings_are_those_that_the_cases_mean(outcome, run, way):
    result = outcome(run, way)
    wild = sum(WILD.get(case.rpartition(".")[2], 0)
               for case, (word, _) in result.cases.items() if word == "pass")
    assert result.findings == ({"wild-dma": wild} if wild else {})


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("run", RUNS)
def test_the_table_has_every_case(outcome, note, run, way):
    more = suite.unknown_cases(TABLE, run, outcome(run, way))
    if KNOWN:
        assert not more, "the table must say what is expected of them"
    elif more:
        note(f"{run}: {len(more)} cases are in no table: {', '.join(more)}")
        pytest.xfail("a version without a table")


def test_every_program_is_in_the_table(note):
    if not FOLDER:
        pytest.skip("not here: run ./check --only clients-selftests-vfio")
    programs = {p.name for p in pathlib.Path(FOLDER, "vfio").iterdir()}
    more = sorted(programs - {run.partition("@")[0] for run in RUNS})
    if more and not KNOWN:
        note(f"programs that are in no table: {', '.join(more)}")
        pytest.xfail("a version without a table")
    assert not more, "the table must say what is expected of their cases"
