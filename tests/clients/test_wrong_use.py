# SPDX-License-Identifier: MIT
"""Wrong use and bad luck, answered clearly: a sentence and a status of our
own, or the error that the hardware would give; never a crash, never silence.
"""

import errno
import fcntl
import os
import re
import resource
import shutil
import signal
import stat
import subprocess
import tempfile
import threading

import pytest

from conftest import (BDF, MIB, NVME, Session, assert_refused, bytes_at,
                      checksum, ioas_lines, make_file, wait_until)

# Write Fault, 280h, of which QEMU traces the low byte. NVM Express 1.4, 4.6.1
WRITE_FAULT = re.compile(r"nvme_error .* status 0x80\b")


@pytest.mark.parametrize("spec, words", [
    ("nope,size=1M", ["nope", "nvme"]),
    ("nvme,colour=red,size=1M", ["colour", "file"]),
    ("nvme,size=1M,size=2M", ["size"]),
    ("nvme,size=many", ["many"]),
    ("nvme,size=0", ["size"]),
    ("nvme,size", ["size"]),
    ("nvme,size=1M,bdf=here", ["here"]),
    ("nvme,size=1M,bdf=0000:01:20.0", ["0000:01:20.0"]),
    ("nvme", ["file"]),
    ("nvme,file=", ["file=", "path"]),
    ("", ["model|device"]),
])
def test_a_wrong_device_text(ioas, spec, words):
    assert_refused(ioas.run("/bin/true", devices=[spec]), 125, *words)


def test_two_devices_at_one_address(ioas):
    result = ioas.run("/bin/true", devices=["nvme,size=1M,bdf=0000:04:00.0",
                                            "nvme,size=1M,bdf=0000:04:00.0"])
    assert_refused(result, 125, "0000:04:00.0")


@pytest.mark.parametrize("options, words", [
    (["--profile", "nope"], ["nope", "intel"]),
    (["--contract", "linux-5"], ["linux-5", "strict linux-7.3 linux-6.12"]),
    (["--dma-entry-limit", "4294967296"], ["4294967296", "4294967295"]),
    (["--error-exitcode", "300"], ["300", "255"]),
    (["--memlock", "some"], ["some"]),
    (["--config", "/nonexistent"], ["/nonexistent"]),
    (["--colour"], ["--colour"]),
    (["-xh"], ["'-x'"]),
    (["--stats=1"], ["stats", "no value"]),
    (["--profile"], ["profile"]),
])
def test_a_wrong_option(ioas, options, words):
    result = subprocess.run(
        [ioas.tool, "run", *options] +
        ([] if options == ["--profile"] else ["--", "/bin/true"]),
        text=True, capture_output=True, check=False)
    assert_refused(result, 125, *words)


def test_no_program(ioas):
    assert_refused(ioas.run(), 125, "program")


def test_a_file_that_is_not_there(ioas, tmp_path):
    result = ioas.run("/bin/true", devices=[f"nvme,file={tmp_path}/none"])
    assert_refused(result, 125, BDF, "none", "no such file|does not exist")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write any file")
def test_a_file_that_is_read_only(ioas, disk):
    disk.chmod(0o444)
    assert_refused(ioas.run("/bin/true", devices=[f"nvme,file={disk}"]), 125,
                   BDF, "disk.img", "permission|read-only|write")


@pytest.mark.parametrize("path", ["/dev/null", "/tmp"])
def test_a_file_that_is_no_disk(ioas, path):
    assert_refused(ioas.run("/bin/true", devices=[f"nvme,file={path}"]), 125,
                   path, "file or a block device|file nor a block device")


@pytest.mark.parametrize("size", [0, 511])
def test_a_file_without_one_block(ioas, tmp_path, size):
    make_file(tmp_path / "small", size)
    result = ioas.run("/bin/true", devices=[f"nvme,file={tmp_path}/small"])
    assert_refused(result, 125, "small", "block|empty|size|bytes")


def test_two_runs_on_one_file_name_the_holder(system_qemu):
    with Session(system_qemu) as session:
        holder = session.opened().program()
        result = system_qemu.run("qemu-img", "info", NVME)
        assert_refused(result, 125, "disk.img", rf"\b{holder}\b")
        assert session.quit()[0] == 0
    assert system_qemu.run("qemu-img", "info", NVME).returncode == 0


def test_two_devices_on_one_file(system_qemu):
    disk = system_qemu.disk
    result = system_qemu.ioas.run(
        system_qemu.program("qemu-img"), "compare", NVME,
        "nvme://0000:02:00.0/1",
        devices=[f"nvme,file={disk}", f"nvme,file={disk}"])
    assert result.returncode != 0
    assert "disk.img" in "\n".join(ioas_lines(result.stderr))


def test_two_devices_on_one_file_are_refused_at_the_start(ioas, disk):
    os.symlink(disk, f"{disk}.link")
    result = ioas.run("/bin/true", devices=[f"nvme,file={disk}",
                                            f"nvme,file={disk}.link"])
    assert_refused(result, 125, "0000:02:00.0", "disk.img.link", "this run")


def test_a_new_run_waits_for_one_that_is_ending(ioas, disk):
    """As after kill -9: the file is free some milliseconds later."""
    with open(disk, "rb") as f:
        fcntl.flock(f, fcntl.LOCK_EX)
        end = threading.Timer(0.2, fcntl.flock, (f, fcntl.LOCK_UN))
        end.start()
        result = ioas.run("/bin/true", devices=[f"nvme,file={disk}"])
        end.join()
    assert (result.returncode, result.stderr) == (0, "")


def test_memory_beyond_the_file_size_limit(ioas):
    result = ioas.run(
        "/bin/true", devices=["nvme,size=16M"],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE,
                                              (MIB, MIB)))
    assert_refused(result, 125, "16M", os.strerror(errno.EFBIG))


def test_what_is_shared_beyond_the_file_size_limit(ioas):
    result = ioas.run(
        "/bin/true", devices=["edu,vfs=2"],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE,
                                              (1024, 1024)))
    assert_refused(result, 125, "vfs=", os.strerror(errno.EFBIG))


# No /proc for a program, as in a small chroot.
WITHOUT_PROC = ["unshare", "--user", "--map-root-user", "--mount", "/bin/sh",
                "-c", 'mount -t tmpfs none /proc && exec "$@"', "sh"]


def without_proc(ioas, device):
    probe = subprocess.run([*WITHOUT_PROC, "/bin/true"], check=False,
                           stderr=subprocess.DEVNULL)
    if probe.returncode:
        pytest.skip("no mount namespace can be made here")
    return subprocess.run(
        [*WITHOUT_PROC, *ioas.command("/bin/ls", "/dev/vfio",
                                      devices=[device])],
        text=True, capture_output=True, check=False)


def test_a_run_without_proc(ioas, disk):
    result = without_proc(ioas, f"nvme,file={disk}")
    assert (result.returncode, result.stdout.split()) == (0, ["1", "vfio"]), \
        result.stderr


def test_memory_without_proc_says_so(ioas):
    assert_refused(without_proc(ioas, "nvme,size=1M"), 125, "/proc", "file=")


def test_the_loader_as_program(ioas):
    result = ioas.run("/lib64/ld-linux-x86-64.so.2", "/bin/ls", "/dev/vfio",
                      devices=["edu"])
    assert (result.returncode, result.stdout.split()) == (0, ["1", "vfio"]), \
        result.stderr


def test_a_file_that_shrinks_is_an_error_of_the_medium(system_qemu):
    with Session(system_qemu) as session:
        session.opened()
        os.truncate(system_qemu.disk, MIB)
        session.ask("write -P 1 0 4k", "wrote 4096/4096")
        session.process.stdin.write("read 32M 4k\n")
        session.process.stdin.write("read -P 1 0 4k\n")
        status, out, err = session.quit()
    assert status >= 0, f"signal {-status}: {err}"
    assert "Input/output error" in out + err
    assert "read 4096/4096 bytes at offset 0" in out


# A file system of 2 MiB on the folder $0, a larger disk on it, and a program.
SMALL_DISK = "mount -t tmpfs -o size=2m small $0 && " \
             "truncate -s 64M $0/disk.img && exec \"$@\""


def small_disk(folder):
    """What to put before a command so that it finds a small disk there."""
    own = ["unshare", "--user", "--map-root-user", "--mount", "/bin/sh", "-c",
           SMALL_DISK, str(folder)]
    probe = subprocess.run([*own, "/bin/true"], check=False,
                           stderr=subprocess.DEVNULL)
    return own if probe.returncode == 0 else None


BEYOND_THE_ROOM = ["-f", "raw", "--trace", "nvme_error",
                   "-c", "write -P 1 0 512k", "-c", "write -P 2 16M 4M",
                   "-c", "read -P 1 0 512k", NVME]


def assert_full_not_dead(result):
    """The write that found no room failed; before and after it all is well."""
    assert result.returncode >= 0, f"signal {-result.returncode}"
    text = result.stdout + result.stderr
    assert "wrote 524288/524288" in text
    assert "write failed" in text
    assert "read 524288/524288" in text
    assert "Pattern verification failed" not in text
    assert WRITE_FAULT.search(text)


def test_a_full_disk_is_a_status_not_a_signal(system_qemu, tmp_path):
    given = os.environ.get("IOAS_SMALL_DISK")
    if given:
        with tempfile.TemporaryDirectory(dir=given) as folder:
            system_qemu.disk = os.path.join(folder, "disk.img")
            make_file(system_qemu.disk, 64 * MIB)
            assert_full_not_dead(system_qemu.run("qemu-io", *BEYOND_THE_ROOM))
        return
    before = small_disk(tmp_path)
    if not before:
        pytest.skip("no small file system can be made here")
    command = system_qemu.ioas.command(
        system_qemu.program("qemu-io"), *BEYOND_THE_ROOM,
        devices=[f"nvme,file={tmp_path}/disk.img"])
    assert_full_not_dead(subprocess.run([*before, *command], text=True,
                                        capture_output=True, check=False))


def test_a_file_size_limit_is_a_status_not_a_signal(system_qemu):
    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (8 * MIB, 8 * MIB))
    assert_full_not_dead(system_qemu.run("qemu-io", *BEYOND_THE_ROOM,
                                         preexec_fn=limit))


@pytest.mark.parametrize("limit, value", [
    (resource.RLIMIT_NOFILE, 32),
    (resource.RLIMIT_AS, 1 << 30),
    (resource.RLIMIT_MEMLOCK, 0),
])
def test_a_low_limit_is_enough(system_qemu, source, limit, value):
    result = system_qemu.run(
        "qemu-img", "convert", "-n", "-f", "raw", "-O", "raw", source, NVME,
        preexec_fn=lambda: resource.setrlimit(limit, (value, value)))
    assert result.returncode == 0, result.stderr
    assert checksum(system_qemu.disk) == checksum(source)


def test_too_low_a_limit_is_an_error(system_qemu):
    result = system_qemu.run(
        "qemu-img", "info", NVME, preexec_fn=lambda: resource.setrlimit(
            resource.RLIMIT_NOFILE, (10, 10)))
    assert result.returncode > 0
    assert result.stderr != ""


def test_pinned_memory_can_be_limited(system_qemu):
    """As with a kernel and a small RLIMIT_MEMLOCK: ENOMEM, not silence."""
    result = system_qemu.run("qemu-img", "info", NVME,
                             options=["--memlock", 65536])
    assert result.returncode == 1
    assert os.strerror(errno.ENOMEM) in result.stderr


@pytest.fixture(scope="module")
def static_program(tmp_path_factory):
    folder = tmp_path_factory.mktemp("static")
    (folder / "a.c").write_text("int main(void) { return 3; }\n")
    subprocess.run(["gcc", "-static", "-o", folder / "a", folder / "a.c"],
                   check=True)
    return folder / "a"


def test_a_static_program_is_not_run(ioas, static_program):
    assert subprocess.run([static_program], check=False).returncode == 3
    assert_refused(ioas.run(static_program), 126, "static")


def test_a_script_of_a_static_interpreter_is_not_run(ioas, static_program,
                                                     tmp_path):
    (tmp_path / "s").write_text(f"#!{static_program}\n")
    (tmp_path / "s").chmod(0o755)
    assert_refused(ioas.run(tmp_path / "s"), 126, "static")


@pytest.mark.skipif(os.geteuid() == 0,
                    reason="root gains nothing by root's set-user-id bit")
def test_a_set_user_id_program_is_not_run(ioas):
    found = [p for p in ("/usr/bin/su", "/usr/bin/passwd", "/usr/bin/mount")
             if os.path.exists(p) and os.stat(p).st_mode & stat.S_ISUID]
    assert found, "this system has no set-user-id program"
    assert_refused(ioas.run(found[0]), 126, "set-user-id|setuid")


@pytest.mark.parametrize("patch, words", [
    ({18: b"\xb7\x00"}, ["aarch64|arm|machine|architecture|ABI"]),
    ({4: b"\x01", 18: b"\x03\x00"}, ["32-bit|i386|architecture|ABI"]),
])
def test_a_program_of_another_abi_is_not_run(ioas, tmp_path, patch, words):
    program = tmp_path / "program"
    image = bytearray(open("/bin/true", "rb").read())
    for offset, value in patch.items():
        image[offset:offset + len(value)] = value
    program.write_bytes(image)
    program.chmod(0o755)
    assert_refused(ioas.run(program), 126, "program", *words)


def test_what_is_no_program_is_not_run(ioas, tmp_path):
    program = tmp_path / "program"
    program.write_bytes(b"\x00\x01\x02\x03 no program")
    program.chmod(0o755)
    assert_refused(ioas.run(program), 126, "program")
    program.chmod(0o644)
    assert_refused(ioas.run(program), 126, "permission")
    assert_refused(ioas.run(tmp_path), 126, str(tmp_path))


def test_a_program_that_is_not_there(ioas):
    assert_refused(ioas.run("no-such-program"), 127, "no-such-program")
    assert_refused(ioas.run("/no/such/program"), 127, "/no/such/program")


def test_the_program_starts_a_static_one_later(ioas, static_program):
    """Only the first program must be interceptable; children may be any."""
    result = ioas.run("/bin/sh", "-c", f"{static_program}; exit $?")
    assert result.returncode == 3


# Folders of ./check, ./demo and others, which may run beside.
NEIGHBOURS = re.compile(r"ioas-(check|demo|mutants|bench)[.-]")


def ours():
    """What of ours is in places where things are left behind."""
    return {os.path.join(d, n) for d in ("/tmp", "/dev/shm", "/var/tmp")
            for n in os.listdir(d) if "ioas" in n and not NEIGHBOURS.match(n)}


def assert_nothing_left(before):
    """What is only of a moment is of a run beside this one."""
    wait_until(lambda: ours() <= before)


@pytest.mark.parametrize("victim", ["tool", "program", "both"])
def test_kill_leaves_nothing_and_a_new_run_starts(system_qemu, victim):
    before = ours()
    with Session(system_qemu) as session:
        session.opened()
        session.ask("write -P 0x5e 1M 64k", "wrote 65536/65536")
        pid = session.program()
        if victim in ("tool", "both"):
            session.process.kill()
        if victim in ("program", "both"):
            os.kill(pid, signal.SIGKILL)
        assert session.process.wait(30) == -signal.SIGKILL
        wait_until(lambda: not os.path.exists(f"/proc/{pid}"))
    assert_nothing_left(before)
    out = system_qemu.good("qemu-io", "-f", "raw", "-c",
                           "read -P 0x5e 1M 64k", NVME)
    assert "failed" not in out
    assert bytes_at(system_qemu.disk, MIB, 65536) == b"\x5e" * 65536


def test_a_clean_end_leaves_nothing(system_qemu):
    before = ours()
    system_qemu.good("qemu-img", "info", NVME)
    assert_nothing_left(before)


def test_a_library_without_its_tool_says_so(ioas):
    """The environment of a run, given to a program outside of it."""
    library = os.path.join(os.path.dirname(ioas.tool), "libioas-preload.so")
    result = subprocess.run(["/bin/true"], env={"LD_PRELOAD": library},
                            text=True, capture_output=True, check=False)
    assert (result.returncode, result.stdout) == (0, "")


def test_a_tool_without_its_library_says_so(ioas, tmp_path):
    shutil.copy(ioas.tool, tmp_path / "ioas")
    result = subprocess.run([tmp_path / "ioas", "run", "/bin/true"],
                            text=True, capture_output=True, check=False,
                            env={"PATH": "/bin"})
    if result.returncode == 0:
        # An installed library was found, which is right as well.
        assert result.stderr == ""
    else:
        assert_refused(result, 125, "libioas-preload.so")


@pytest.mark.parametrize("given,block", [
    ("size=511", 512), ("size=0x1ff", 512), ("size=4095,blocks=4K", 4096),
    ("size=1M,size2=511", 512), ("size=1M,size3=3K,blocks3=4096", 4096)])
def test_memory_smaller_than_a_block_is_named_as_it_was_given(ioas, given,
                                                              block):
    result = ioas.run("/bin/true", devices=[f"nvme,{given}"])
    option = [x for x in given.split(",") if x.startswith("size")][-1]
    assert_refused(result, 125, f" {option} is smaller than one block of "
                   f"{block} bytes; give it {block} bytes or more$")
    assert "/proc" not in result.stderr
