# SPDX-License-Identifier: MIT
"""check's arithmetic, and how missing packages are handled; the system's own
package tools are replaced by small scripts that note what they were asked."""

import os
import shutil
import signal
import subprocess
import time

import pytest

from conftest import TOOLS

TOP = os.path.join(TOOLS, "..")


@pytest.mark.parametrize("log, status, counts", [
    ("", 0, "1 0 0"),
    ("", 1, "0 1 0"),
    ("[  PASSED  ] 3 test(s).\n[  PASSED  ] 4 test(s).\n", 0, "7 0 0"),
    ("[  PASSED  ] 3 test(s).\n[  FAILED  ] 2 test(s), listed below:\n"
     "[  FAILED  ] a_name\n", 1, "3 2 0"),
    ("212 rows, 210 passed, 2 failed\n", 1, "210 2 0"),
    ("check-style: 3 files, 0 wrong\ncheck-docs: x, 2 wrong\n", 1, "1 1 0"),
    ("...\n75 passed in 2.76s\n", 0, "75 0 0"),
    ("1 failed, 78 passed in 3.23s\n", 1, "78 1 0"),
    ("SKIPPED [2] a.py:3: no disk\n5 passed, 2 skipped in 1.2s\n", 0,
     "5 0 2"),
    ("4 passed, 26 deselected, 1 error in 61.2s (0:01:01)\n", 1, "4 1 0"),
    ("note: a word\n6 passed, 3 xfailed in 1.2s\n", 0, "6 0 0"),
    ("3 xfailed in 1.2s\n", 0, "0 0 0"),
    ("1 failed, 3 xfailed in 1.2s\n", 1, "0 1 0"),
    ("SKIPPED [1] left the archive: qemu 10\n", 0, "0 0 1"),
    ("[  PASSED  ] 3 test(s).\nSegmentation fault\n", 1, "3 1 0"),
])
def test_what_a_log_counts(tmp_path, log, status, counts):
    path = tmp_path / "log"
    path.write_text(log)
    out = subprocess.run(["awk", "-v", f"status={status}", "-f",
                          os.path.join(TOOLS, "count-tests.awk"), path],
                         text=True, check=True, stdout=subprocess.PIPE)
    assert out.stdout.strip() == counts


def check(*arguments):
    return subprocess.run(["./check", *arguments], cwd=TOP, text=True,
                          capture_output=True, check=False)


def test_check_lists_its_groups():
    listed = [x.split()[0] for x in check("--list").stdout.splitlines()]
    assert {"unit", "abi", "asan", "tsan", "lint", "clang", "gcc",
            "clients-qemu-img", "clients-qemu10", "bench-smoke", "install",
            "demo"} <= set(listed)


@pytest.mark.parametrize("arguments, word", [
    (["--only"], "which group"), (["--only", "nope"], "no group 'nope'"),
    (["--nope"], "--list"),
])
def test_check_refuses_what_it_does_not_know(arguments, word):
    result = check(*arguments)
    assert result.returncode == 2
    assert word in result.stderr


# Groups that wait for each other, one that is alone, one that fails.
GROUPS = """
ioas_need() { :; }
begin() { echo "begin $1" >>log; }
end() { echo "end $1" >>log; }
meet() {
	begin "$1"
	timeout 60 sh -c "until grep -q 'begin $2' log; do sleep 0.1; done"
	end "$1"
	echo "$3 passed in 0.1s"
}
group_unit() { meet unit abi 3; }
group_abi() { [ ! -e "$temporary/own" ] && touch "$temporary/own" &&
	meet abi unit 4; }
group_bench_smoke() { begin bench; sleep 0.5; end bench; }
group_lint() { begin lint; end lint; false; }
group_tools() { begin tools; echo $BASHPID >pid; sleep 600 & wait; }

"""


def interruptible():
    """In the background of a shell an interrupt would be ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.fixture
def planned(tmp_path):
    """check with groups of ours; Popen() of it."""
    (tmp_path / "tools").mkdir()
    for name in ("packages.sh", "count-tests.awk"):
        shutil.copy(os.path.join(TOOLS, name), tmp_path / "tools" / name)
    with open(os.path.join(TOP, "check"), encoding="utf-8") as f:
        text = f.read()
    at = text.index("all=no wanted=()")
    (tmp_path / "check").write_text(text[:at] + GROUPS + text[at:])

    def start(lanes, *groups):
        return subprocess.Popen(
            ["bash", "check", "--only", *groups], cwd=tmp_path, text=True,
            preexec_fn=interruptible,
            env=os.environ | {"IOAS_CHECK_LANES": lanes},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return start


def test_groups_are_made_side_by_side_and_one_alone(planned, tmp_path):
    with planned("2", "unit", "abi", "bench-smoke", "lint") as process:
        said, _ = process.communicate(timeout=120)
    assert process.returncode == 1, said
    log = (tmp_path / "log").read_text().splitlines()
    assert sorted(log[:2]) == ["begin abi", "begin unit"]
    assert sorted(log[2:4]) == ["end abi", "end unit"]
    assert log[4:] == ["begin bench", "end bench", "begin lint", "end lint"]
    assert [x.split()[:2] for x in said.splitlines()[2:4]] == \
        [["ok", "bench-smoke"], ["FAIL", "lint"]]
    assert said.endswith("\n8 passed, 1 failed\n")


def test_groups_are_made_one_by_one_where_that_is_wanted(planned, tmp_path):
    with planned("1", "lint", "bench-smoke", "lint") as process:
        process.communicate(timeout=120)
    assert (tmp_path / "log").read_text().split() == \
        ["begin", "lint", "end", "lint", "begin", "bench", "end", "bench",
         "begin", "lint", "end", "lint"]


def test_an_interrupt_ends_what_is_being_made(planned, tmp_path):
    def begun():
        return (tmp_path / "pid").exists() and (tmp_path / "pid").read_text()

    with planned("2", "tools") as process:
        while not begun() and process.poll() is None:
            time.sleep(0.05)
        pid = int(begun())
        folder = os.readlink(f"/proc/{pid}/fd/1").rsplit("/", 1)[0]
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
    # It was told; who takes its status may be late.
    end = time.monotonic() + 60
    while os.path.exists(f"/proc/{pid}"):
        assert time.monotonic() < end
        time.sleep(0.05)
    assert "/ioas-check." in folder and not os.path.exists(folder)


class System:
    """A PATH on which the package tools are ours."""

    def __init__(self, folder):
        self.folder = folder
        self.log = folder / "log"
        self.log.write_text("")
        (folder / "bin").mkdir()

    def program(self, name, script):
        path = self.folder / "bin" / name
        path.write_text(f"#!/bin/bash\necho {name} \"$@\" >>{self.log}\n"
                        f"{script}\n")
        path.chmod(0o755)

    def run(self, *command):
        path = f"{self.folder}/bin:{os.environ['PATH']}"
        return subprocess.run(command, text=True, capture_output=True,
                              check=False, env=os.environ | {"PATH": path})

    def need(self, purpose):
        return self.run("bash", "-c", f". {TOOLS}/packages.sh && "
                        f"ioas_need {purpose} && echo there")

    def asked(self, name):
        return [x for x in self.log.read_text().splitlines()
                if x.startswith(name + " ")]


@pytest.fixture
def system(tmp_path):
    s = System(tmp_path)
    s.program("dpkg-query", '[ "${@: -1}" = meson ] || '
              'printf "install ok installed"')
    s.program("apt-get", "exit 0")
    s.program("id", "echo 1000")
    return s


def test_nothing_is_installed_when_all_is_there(system):
    system.program("dpkg-query", 'printf "install ok installed"')
    assert system.need("build").stdout == "there\n"
    assert system.asked("apt-get") == []


def test_a_user_is_told_the_command(system):
    result = system.need("build")
    assert (result.returncode, result.stdout) == (1, "")
    assert "sudo apt-get install --no-install-recommends meson\n" \
        in result.stderr
    assert system.asked("apt-get") == []


def test_root_gets_what_is_missing_and_no_more(system):
    system.program("id", "echo 0")
    result = system.need("build")
    assert result.stdout == "installing meson\nthere\n"
    assert system.asked("apt-get") == \
        ["apt-get -q install -y --no-install-recommends meson"]


def test_old_package_lists_are_renewed(system):
    system.program("id", "echo 0")
    system.program("apt-get",
                   f'[ "$2" = update ] || grep -q update {system.log}')
    assert system.need("build").stdout.endswith("there\n")
    assert [x.split()[2] for x in system.asked("apt-get")] == \
        ["install", "update", "install"]


def test_a_failed_installation_ends_with_its_output(system):
    system.program("id", "echo 0")
    system.program("apt-get", "echo out of paper; exit 100")
    result = system.need("build")
    assert result.returncode == 1
    assert "out of paper" in result.stderr
    assert "could not install: meson" in result.stderr


def test_a_status_of_removed_is_not_installed(system):
    system.program("dpkg-query", 'printf "deinstall ok config-files"')
    assert system.need("demo").returncode == 1


@pytest.fixture
def archive(system, tmp_path):
    """apt of an archive that has one package, and a package in it."""
    (tmp_path / "p/DEBIAN").mkdir(parents=True)
    (tmp_path / "p/usr/bin").mkdir(parents=True)
    (tmp_path / "p/usr/bin/qemu-img").write_text("10\n")
    (tmp_path / "p/DEBIAN/control").write_text(
        "Package: qemu-utils\nVersion: 1:10.0-1\nArchitecture: all\n"
        "Maintainer: none <none@localhost>\nDescription: none\n")
    subprocess.run(["dpkg-deb", "-b", tmp_path / "p", tmp_path / "q.deb"],
                   check=True, stdout=subprocess.DEVNULL)
    system.program("qemu-img", "echo qemu-img version 7.2")
    system.program("apt-cache", "echo 'qemu-utils | 1:10.0-1 | backports'")
    system.program("apt-get", 'case " $* " in\n*" -s "*) echo "Inst '
                   'qemu-utils [1:7.2-1] (1:10.0-1 Debian:bpo [all])";;\n'
                   f'*" download "*) cp {tmp_path}/q.deb .;;\nesac')
    return system


def fetch(system):
    return system.run(os.path.join(TOOLS, "fetch-qemu10"),
                      str(system.folder / "out"))


def test_fetch_unpacks_what_an_installation_would_bring(archive):
    assert fetch(archive).returncode == 0
    root = archive.folder / "out/root"
    assert (root / "usr/bin/qemu-img").read_text() == "10\n"
    asked = archive.asked("apt-get")
    assert any(x.endswith("download qemu-utils=1:10.0-1") for x in asked)
    assert fetch(archive).returncode == 0
    assert archive.asked("apt-get") == asked


def test_fetch_tells_a_package_that_left(archive):
    archive.program("apt-get", "exit 0")
    archive.program("apt-cache", "exit 0")
    result = fetch(archive)
    assert result.returncode == 3
    assert "has left the archive" in result.stderr


def test_fetch_tells_a_package_that_cannot_be_had(archive):
    """In the archive, but apt would not install it: no excuse for a skip."""
    archive.program("apt-get", "exit 0")
    assert fetch(archive).returncode == 1


def test_fetch_tells_an_archive_that_does_not_answer(archive):
    archive.program("apt-get", "exit 100")
    result = fetch(archive)
    assert result.returncode == 1
    assert "no archive answers" in result.stderr
