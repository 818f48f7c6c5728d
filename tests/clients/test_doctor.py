# SPDX-License-Identifier: MIT
"""ioas doctor: what it says of programs and of the machine."""

import os
import shutil
import subprocess
import sys

import pytest


def doctor(ioas, *arguments):
    return subprocess.run([ioas.tool, "doctor", *map(str, arguments)],
                          text=True, capture_output=True, check=False,
                          timeout=60)


def lines(result, word):
    return [x for x in result.stdout.splitlines() if x.startswith(word)]


def compiled(folder, source, *flags):
    path = folder / "program"
    subprocess.run(["gcc", "-w", "-x", "c", "-", "-o", path, *flags],
                   input=source, text=True, check=True)
    return path


def assert_bad(result, *words):
    assert result.returncode == 1
    bad = lines(result, "BAD")
    assert len(bad) == 1
    for word in words:
        assert word in bad[0]


def test_a_program_that_works(ioas, tmp_path):
    result = doctor(ioas, compiled(
        tmp_path, "#include <fcntl.h>\n#include <stdio.h>\n"
        "int main(int n, char **v) { return open(v[0], 0) + !fopen(v[0], v[0])"
        "; }", "-O1"))
    assert result.returncode == 0 and not result.stderr
    assert not lines(result, "BAD")
    imports = [x for x in lines(result, "ok") if " imports 2 of the " in x]
    assert imports and imports[0].endswith(": open fopen")
    assert "no system call instructions" in result.stdout


def test_calls_of_its_own_are_counted(ioas, tmp_path):
    result = doctor(ioas, compiled(
        tmp_path, 'int main(void) { asm volatile("syscall\\nsyscall" : : '
        '"a"(39) : "rcx", "r11", "memory"); return 0; }'))
    assert result.returncode == 0
    assert [x for x in lines(result, "note") if "up to 2 system call" in x]


@pytest.mark.parametrize("source,words", [
    ("#include <stddef.h>\nvoid *malloc(size_t n) { return NULL; }",
     "its own malloc"),
    ("#include <fts.h>\nvoid *f(void) { return fts_open(0, 0, 0); }",
     "fts(3)"),
])
def test_ways_around_are_named(ioas, tmp_path, source, words):
    result = doctor(ioas, compiled(
        tmp_path, source + "\nint main(void) { return 0; }", "-rdynamic"))
    assert result.returncode == 0
    assert [x for x in lines(result, "note") if words in x]


def test_a_sanitizer_is_named(ioas, tmp_path):
    result = doctor(ioas, compiled(
        tmp_path, "int main(void) { return 0; }", "-fsanitize=address"))
    assert [x for x in lines(result, "note") if "address sanitizer" in x]


def test_a_static_program(ioas, tmp_path):
    assert_bad(doctor(ioas, compiled(
        tmp_path, "int main(void) { return 0; }", "-static")),
        "statically linked")


def test_a_script_is_its_interpreter(ioas, tmp_path):
    script = tmp_path / "script"
    script.write_text("#! /bin/sh\nexit 0\n")
    script.chmod(0o755)
    result = doctor(ioas, script)
    assert result.returncode == 0
    assert "/bin/sh runs it" in result.stdout
    script.write_text("#!/no/such/shell\n")
    assert_bad(doctor(ioas, script), "/no/such/shell", "cannot be executed")


LOADER = "/lib64/ld-linux-x86-64.so.2"


def test_what_a_loader_is_told_to_load(ioas, tmp_path):
    """By the loader's name or by a link to it, and behind its options."""
    program = compiled(tmp_path, "#include <fcntl.h>\nint main(int n, char "
                       "**v) { return open(v[0], 0); }")
    link = tmp_path / "loader"
    link.symlink_to(LOADER)
    for loader in (LOADER, link):
        result = doctor(ioas, loader, "--inhibit-cache", "--library-path",
                        "/lib", "--argv0", "x", program, "--library-path")
        assert result.returncode == 0, result.stdout
        assert f"it is a loader: {program} is what is looked at" in \
            result.stdout
        assert "imports 1 of the" in result.stdout
        started = ioas.run(loader, "--argv0", "x", program)
        assert (started.returncode, started.stderr) == (255, "")


def test_a_loader_that_cannot_load_it(ioas, tmp_path):
    static = compiled(tmp_path, "int main(void) { return 0; }", "-static")
    assert_bad(doctor(ioas, LOADER, static), "statically linked")
    assert_bad(doctor(ioas, LOADER, tmp_path / "absent"), "cannot be read")
    refused = ioas.run(LOADER, "--library-path", "/lib", static)
    assert refused.returncode == 126
    assert "statically linked" in refused.stderr


def test_no_privilege_is_gained_behind_a_loader(ioas, tmp_path):
    program = compiled(tmp_path, "int main(void) { return 7; }")
    program.chmod(0o4755)
    if os.geteuid() == 0:
        os.chown(program, 65534, 65534)
        program.chmod(0o4755)
        assert_bad(doctor(ioas, program), "set-user-id")
    assert doctor(ioas, LOADER, program).returncode == 0
    assert ioas.run(LOADER, program).returncode == 7


def test_a_program_that_cannot_be_started(ioas, tmp_path):
    assert_bad(doctor(ioas, tmp_path / "absent"), "cannot find")
    plain = tmp_path / "plain"
    plain.write_text("text\n")
    plain.chmod(0o644)
    assert_bad(doctor(ioas, plain), "cannot be executed")


def test_a_set_user_id_program(ioas):
    program = shutil.which("passwd") or "/usr/bin/passwd"
    if os.geteuid() == 0 or not os.path.exists(program):
        pytest.skip("as root, or without passwd(1), nothing changes the user")
    assert_bad(doctor(ioas, program), "set-user-id")


def test_a_file_that_is_cut_off_is_survived(ioas, tmp_path):
    whole = compiled(tmp_path, "int main(void) { return 0; }").read_bytes()
    cut = tmp_path / "cut"
    for size in [*range(0, 0x400, 37), *range(0x400, len(whole), 1777)]:
        cut.write_bytes(whole[:size])
        cut.chmod(0o755)
        assert doctor(ioas, cut).returncode in (0, 1), size


def test_the_machine_alone(ioas):
    result = doctor(ioas)
    assert result.returncode == 0
    for word in ["/proc", "memfd_create", "membarrier", "seccomp", "ptrace",
                 "/dev/kvm", "RLIMIT_MEMLOCK", "max_map_count", "processor",
                 "pagemap", "SVA of other processes"]:
        assert word in result.stdout
    if os.getuid():
        assert "CAP_SYS_ADMIN" in result.stdout
    assert doctor(ioas, "--colour").returncode == 125


PARENT = """
import ctypes, subprocess, sys
# PR_SET_DUMPABLE, PR_SET_PTRACER: nobody but a privileged process may look.
ctypes.CDLL(None).prctl(4, int(sys.argv[2]), 0, 0, 0)
ctypes.CDLL(None).prctl(0x59616d61, -1 if sys.argv[2] == "1" else 0, 0, 0, 0)
sys.exit(subprocess.run([sys.argv[1], "doctor"]).returncode)
"""


def said_of_processes(ioas, dumpable):
    done = subprocess.run([sys.executable, "-c", PARENT, ioas.tool, dumpable],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return next(line for line in done.stdout.splitlines() if "SVA of" in line)


def ptrace_scope():
    try:
        with open("/proc/sys/kernel/yama/ptrace_scope", encoding="ascii") as f:
            return int(f.read())
    except FileNotFoundError:
        return 0


def test_it_says_whose_memory_sva_reaches(ioas):
    scope = ptrace_scope()
    if os.getuid() == 0 or scope > 1:
        pytest.skip("who may look does not depend on the process here")
    said = said_of_processes(ioas, "1")
    assert "children can be reached, and others of this user" in said
    said = said_of_processes(ioas, "0")
    assert "a child can be reached, the parent not (EPERM)" in said
    assert ("ptrace_scope is 1" if scope else "PR_SET_DUMPABLE") in said


def test_a_fifo_does_not_hold_it_up(ioas, tmp_path):
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo, 0o755)
    subprocess.run([ioas.tool, "doctor", str(fifo)], check=False, timeout=20,
                   stdin=subprocess.DEVNULL, capture_output=True)
    assert ioas.run(fifo, timeout=20).returncode == 126


def executable(path, content):
    path.write_bytes(content)
    path.chmod(0o755)
    return path


def chain(folder, scripts):
    """Scripts that run each other; the first of them is run by true(1)."""
    runner = "/bin/true"
    for i in range(scripts):
        runner = executable(folder / f"s{i}", f"#!{runner}\n".encode())
    return runner


def assert_refused_by_both(ioas, path, *words):
    assert_bad(doctor(ioas, path), *words)
    result = ioas.run(path, timeout=20)
    assert result.returncode == 126
    for word in words:
        assert word in result.stderr


def test_a_directory_is_no_program(ioas, tmp_path):
    assert_refused_by_both(ioas, tmp_path, "is a directory")


def test_scripts_that_run_each_other_are_refused(ioas, tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    executable(one, f"#!{two}\n".encode())
    executable(two, f"#!{one}\n".encode())
    assert_refused_by_both(ioas, one, "run each other")


def test_scripts_are_followed_as_far_as_the_system_does(ioas, tmp_path):
    for scripts in range(1, 9):
        last = chain(tmp_path, scripts)
        try:
            there = subprocess.run([last], check=False).returncode == 0
        except OSError:
            there = False
        assert (doctor(ioas, last).returncode == 0) == there, scripts
        assert (ioas.run(last).returncode == 0) == there, scripts


@pytest.mark.parametrize("content", [b"#!", b"#! \t ", b"#!\0\0"])
def test_a_script_without_an_interpreter(ioas, tmp_path, content):
    assert_refused_by_both(ioas, executable(tmp_path / "x", content),
                           "names no interpreter")


def test_text_is_run_by_the_shell(ioas, tmp_path):
    for content in (b"exit 7\n", b"#!\nexit 7\n"):
        script = executable(tmp_path / "x", content)
        result = doctor(ioas, script)
        assert result.returncode == 0
        assert "/bin/sh runs it" in result.stdout
        assert ioas.run(script).returncode == 7


def test_an_empty_file_is_called_empty(ioas, tmp_path):
    empty = executable(tmp_path / "empty", b"")
    result = doctor(ioas, empty)
    assert result.returncode == 0
    assert [x for x in lines(result, "note") if "is empty" in x]
    assert "Success" not in result.stdout
    assert ioas.run(empty).returncode == 0


def test_a_program_that_is_cut_off_is_refused(ioas, tmp_path):
    whole = compiled(tmp_path, "int main(void) { return 0; }").read_bytes()
    for size in (100, 600, 0x340, 0x400, 0x1000, 0x2010):
        assert_refused_by_both(
            ioas, executable(tmp_path / "cut", whole[:size]), "cut off")
