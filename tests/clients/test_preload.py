# SPDX-License-Identifier: MIT
"""The library in front of a program, call by call.

The programs of tests/clients/preload are built here; each is a table of cases,
and each case runs under `ioas run` with an NVMe controller of its own.
"""

import os
import re
import signal
import shutil
import subprocess
import sys

import pytest

from conftest import BDF, NVME, TOP, ioas_lines

SOURCES = os.path.join(TOP, "tests/clients/preload")
DEVICE = ["nvme,size=16M"]
# Calls that make a descriptor of ours, or end one.
ALLOWED = {"memfd_create", "ftruncate", "mmap", "close", "dup", "dup2", "dup3",
           "fcntl", "fstat", "newfstatat", "close_range"}


def cases(name):
    """The cases of a program, read from its table."""
    with open(f"{SOURCES}/{name}.c", encoding="ascii") as f:
        return re.findall(r"^\tCASE\((\w+)\)", f.read(), re.M)


@pytest.fixture(scope="session")
def build(compiled):
    """By name: a program of the folder."""
    return lambda name: compiled(f"preload/{name}.c")


def run(ioas, program, case, **more):
    return ioas.run(program, case, devices=DEVICE, **more)


def assert_done(result):
    assert result.returncode == 0, result.stderr
    assert result.stdout.endswith("done\n")


@pytest.mark.parametrize("case", cases("calls"))
def test_calls(ioas, build, case):
    options = ["--mmap", "off"] if "cannot_be_mapped" in case else []
    result = run(ioas, build("calls"), case, options=options)
    assert_done(result)
    assert not ioas_lines(result.stderr)


@pytest.mark.parametrize("case", cases("tree"))
def test_tree(ioas, build, case):
    result = run(ioas, build("tree"), case)
    assert_done(result)
    assert not ioas_lines(result.stderr)


@pytest.mark.parametrize("case", cases("huge"))
def test_huge_pages_that_are_pretended(ioas, build, case):
    result = run(ioas, build("huge"), case, options=["--fake-hugepages"])
    assert_done(result)
    assert not ioas_lines(result.stderr)


def test_huge_pages_are_real_unless_asked_for(ioas):
    pool = "/sys/kernel/mm/hugepages"
    real = sorted(os.listdir(pool)) if os.path.isdir(pool) else []
    result = ioas.run("ls", pool, devices=DEVICE)
    assert result.stdout.split() == real


@pytest.mark.parametrize("case", [
    c for c in cases("views") if not c.startswith("what_cannot")])
def test_views(ioas, build, case):
    result = run(ioas, build("views"), case)
    assert_done(result)
    # Only where the case takes memory away from the device.
    assert ("DMA fault" in result.stderr) == case.startswith("memory_that")


@pytest.mark.parametrize("case", cases("signals"))
def test_signals(ioas, build, case):
    result = run(ioas, build("signals"), case)
    assert_done(result)
    assert not ioas_lines(result.stderr)


@pytest.mark.parametrize("case", cases("races"))
def test_races(ioas, build, case):
    result = run(ioas, build("races"), case)
    if result.returncode == 77:
        pytest.skip(result.stdout.strip())
    assert_done(result)
    assert not ioas_lines(result.stderr)


@pytest.mark.parametrize("case", cases("unmaps"))
def test_unmaps_of_nothing(ioas, build, case):
    result = ioas.run(build("unmaps"), case, devices=["edu"],
                      options=["--profile", "power9"])
    assert_done(result)


@pytest.mark.parametrize("case", cases("events"))
def test_events(ioas, build, case):
    result = ioas.run(build("events"), case, devices=["edu"])
    assert_done(result)
    assert not ioas_lines(result.stderr)


@pytest.mark.parametrize("case", cases("peer"))
def test_peer(ioas, build, case):
    result = ioas.run(build("peer"), case, devices=["edu", "edu"])
    assert_done(result)
    refused = [x for x in ioas_lines(result.stderr) if "do not answer" in x]
    if not case.startswith("both"):
        assert bool(refused) == case.startswith("refused"), result.stderr


def huge_pages():
    with open("/proc/meminfo", encoding="ascii") as f:
        return int(re.search(r"HugePages_Free: +(\d+)", f.read())[1])


def run_pins(ioas, program, case, **more):
    """What the name of the case promises, and that the data were right."""
    if case == "kept_huge_pages" and not huge_pages():
        more["options"] = [*more.get("options", []), "--fake-hugepages"]
    result = ioas.run(program, case, devices=["edu"], **more)
    if result.returncode == 77:
        pytest.skip(result.stdout.strip())
    assert_done(result)
    freed = [x for x in ioas_lines(result.stderr) if "while it is mapped" in x]
    assert bool(freed) == case.startswith(("kept", "lost")), result.stderr
    assert ("memory-gone" in result.stderr) == case.startswith("lost")
    return freed


@pytest.mark.parametrize("case", cases("pins"))
def test_pins(ioas, build, case):
    freed = run_pins(ioas, build("pins"), case)
    if "while_a_thread" not in case:
        assert len(freed) <= 1


@pytest.mark.parametrize("case", cases("pins_heap"))
def test_pins_of_the_heap(ioas, build, case):
    run_pins(ioas, build("pins_heap"), case)


@pytest.mark.parametrize("case", cases("pins_strict"))
@pytest.mark.parametrize("pin", ["default", "strict"])
def test_pins_of_what_libc_gives_back(ioas, build, case, pin):
    """What the default cannot see, and costs; strict sees it."""
    result = ioas.run(build("pins_strict"), case, devices=["edu"],
                      options=["--pin", pin])
    if "cannot be had" in result.stderr:
        pytest.skip("no seccomp listener here")
    assert_done(result)
    changed = re.search(r"^changed (\d+)$", result.stdout, re.M)
    if changed:
        assert (changed[1] == "0") == (pin == "strict")
        assert ("while it is mapped" in result.stderr) == (pin == "strict")


@pytest.mark.parametrize("case", ["kept_by_eight_threads_at_once", "kept_free",
                                  "a_child_has_its_memory_back"])
def test_pins_of_the_heap_when_strict(ioas, build, case):
    run_pins(ioas, build("pins_heap"), case, options=["--pin=strict"])


def test_strict_pins_need_random_addresses(ioas, build):
    if not shutil.which("setarch"):
        pytest.skip("no setarch")
    result = ioas.run("setarch", "-R", build("pins_strict"),
                      "the_end_of_the_heap", devices=["edu"],
                      options=["--pin=strict"])
    assert_done(result)
    said = [x for x in ioas_lines(result.stderr) if "cannot be had" in x]
    assert len(said) == 1 and "not randomised" in said[0]


def test_what_cannot_be_emulated_is_named(ioas, build):
    result = run(ioas, build("views"),
                 "what_cannot_be_emulated_ends_the_program")
    assert result.returncode in (-signal.SIGILL, 128 + signal.SIGILL)
    assert "survived" not in result.stdout
    line = ioas_lines(result.stderr)[0]
    # The device, where, why, and the bytes: LOCK BTS.
    assert BDF in line and "BAR 0 at 0x28" in line
    assert "does not emulate" in line
    assert re.search(r"begins with f0 0f ba ", line)


@pytest.mark.parametrize("case", [
    "vfork_without_vfio_shares_memory", "a_group_belongs_to_one_process",
    "a_mask_goes_over_exec", "use_nothing",
    "a_copy_of_a_claim_is_waited_for",
    "a_copy_that_stays_keeps_the_group_busy",
    "a_group_comes_and_goes_while_another_thread_forks",
    "a_group_is_free_when_its_process_was_killed"])
def test_processes(ioas, build, case):
    result = run(ioas, build("process"), case)
    assert_done(result)
    assert not ioas_lines(result.stderr)


@pytest.mark.parametrize("case,loud", [
    ("a_forked_child_has_stale_files", "inherited from the parent"),
    ("a_child_starts_clean", None),
    ("a_child_does_not_hold_its_parents_group", None),
    ("an_inherited_view_is_dead", "forked child touched a BAR"),
    # Once for each child.
    ("an_open_doorbell_page_is_dead_in_a_child", None),
    ("other_ways_to_fork", "inherited from the parent"),
])
def test_forks(ioas, build, case, loud):
    result = run(ioas, build("process"), case)
    assert_done(result)
    lines = ioas_lines(result.stderr)
    if case == "an_open_doorbell_page_is_dead_in_a_child":
        assert all("forked child touched a BAR" in x for x in lines), lines
    elif loud:
        # Once, however often the child tried.
        assert len([x for x in lines if loud in x]) == 1, lines
    else:
        assert not lines


def test_a_file_that_another_process_sent_is_named(ioas):
    """As DPDK's primary process sends containers to its secondary ones."""
    result = ioas.run(sys.executable, "-c", """
import fcntl, os, socket
ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
if os.fork() == 0:
    _, (container,), _, _ = socket.recv_fds(theirs, 1, 1)
    try:
        fcntl.ioctl(container, 0x3b64)
    except OSError as e:
        print(os.strerror(e.errno))
    os._exit(0)
container = os.open("/dev/vfio/vfio", os.O_RDWR)
socket.send_fds(ours, [b"1"], [container])
os.wait()
print(fcntl.ioctl(container, 0x3b64))
""", devices=["edu"])
    assert result.stdout.split("\n") == ["No such device", "0", ""]
    assert "another process that sent it" in result.stderr


def test_a_file_inherited_over_exec_is_named_once(ioas, build):
    result = run(ioas, build("process"), "files_go_stale_over_exec")
    assert_done(result)
    loud = [x for x in ioas_lines(result.stderr) if "over exec" in x]
    assert len(loud) == 1


@pytest.mark.parametrize("way", ["exit", "_exit", "_Exit"])
def test_what_is_mapped_at_exit_is_told(ioas, build, way):
    result = run(ioas, build("process"), f"{way}_with_a_mapping")
    assert result.returncode == 0
    told = [x for x in ioas_lines(result.stderr) if "0x123000" in x]
    assert len(told) == 1 and "exit" in told[0]


def test_outside_of_a_run_nothing_changes(build, ioas):
    """Loaded by hand, without the variables of a run."""
    library = os.path.join(os.path.dirname(ioas.tool), "libioas-preload.so")
    env = {k: v for k, v in os.environ.items() if not k.startswith("IOAS_")}
    result = subprocess.run(
        [build("calls"), "every_open_opens"], text=True, check=False,
        capture_output=True, env=env | {"LD_PRELOAD": library})
    if os.path.exists("/dev/vfio/vfio"):
        pytest.skip("this machine has VFIO of its own")
    assert result.returncode == 1
    assert "every_open" not in result.stdout


def test_a_program_with_the_address_sanitizer_inside(ioas, compiled):
    """Its runtime makes calls before the C library has an environment."""
    program = compiled("preload/calls.c", "-g", "-fsanitize=address",
                       "-static-libasan")
    assert_done(run(ioas, program, "every_open_opens"))


@pytest.mark.parametrize("case", [
    "kept_munmap", "kept_dontneed", "kept_hole", "mremap_takes_the_pages_along"])
def test_pins_with_the_address_sanitizer_inside(ioas, compiled, case):
    """Its free() comes first; addresses are given back as everywhere."""
    program = compiled("preload/pins.c", "-g", "-fsanitize=address")
    run_pins(ioas, program, case)


def strace(ioas, log, *program):
    if not shutil.which("strace"):
        pytest.skip("no strace")
    result = ioas.run("strace", "-f", "-yy", "-o", log, *program,
                      devices=DEVICE)
    if "PTRACE" in result.stderr or "ptrace" in result.stderr:
        pytest.skip("this machine does not allow ptrace")
    assert result.returncode == 0, result.stderr
    with open(log, encoding="utf-8", errors="replace") as f:
        return f.read().splitlines()


def assert_nothing_escaped(lines):
    ours = [x for x in lines if "memfd:ioas:" in x]
    assert len(ours) > 3
    for line in ours:
        call = re.search(r"\b(\w+)\(", line)
        assert call and call[1] in ALLOWED, line
    for line in lines:
        # VFIO's commands are 0x3b64 and up; a closed number is nobody's.
        assert "EBADF" in line or not re.search(
            r"ioctl\(\d+[^,]*, (0x3b[67]|VFIO_)", line), line
        assert not re.search(r'\w+\([^"]*"/dev/vfio', line), line
        assert not re.search(r'\w+\([^"]*"/sys/[^"]*%s' % BDF, line), line


@pytest.mark.parametrize("name,case", [
    ("calls", "every_open_opens"), ("calls", "every_stat_of_a_path"),
    ("calls", "every_stat_of_a_descriptor"),
    ("calls", "duplicates_share_the_file"),
    ("calls", "every_read_reads_config_space"),
    ("tree", "files_are_read_in_every_way"),
    ("tree", "directories_are_places_to_start_from"),
    ("views", "views_of_one_bar_alias")])
def test_nothing_escapes(ioas, build, tmp_path, name, case):
    lines = strace(ioas, tmp_path / "log", build(name), case)
    if name == "tree":
        # The files are the kernel's, their names must not get there.
        assert [x for x in lines if "memfd_create(\"ioas-tree:/sys/" in x]
        assert not [x for x in lines if re.search(
            r'\w+\([^"]*"(/sys/[^"]*%s|/dev/vfio)' % BDF, x)]
    elif case == "every_stat_of_a_path":
        assert not [x for x in lines if "/dev/vfio" in x and "exec" not in x]
    else:
        assert_nothing_escaped(lines)


def test_nothing_of_qemu_escapes(ioas, tmp_path):
    if not shutil.which("qemu-io"):
        pytest.skip("no qemu-io")
    lines = strace(ioas, tmp_path / "log", "qemu-io", "-f", "raw", "-c",
                   "write -P 0xaa 0 64k", "-c", "read -P 0xaa 0 64k", NVME)
    # What the program is told to open is in its arguments and output.
    lines = [x for x in lines if "execve(" not in x and " write(" not in x]
    assert_nothing_escaped(lines)
