# SPDX-License-Identifier: MIT
"""Programs that are short of something: calls that a container's filter
refuses, memory that may not be locked, address space, small stacks."""

import os
import resource
import subprocess

import pytest

from conftest import MIB, NVME, bytes_at, checksum, ioas_lines

PATTERN = ["-c", "write -P 0xaa 0 1M", "-c", "read -P 0xaa 0 1M"]


@pytest.fixture(scope="session")
def build(compiled):
    """By name: a program of the folder."""
    return lambda name: compiled(f"preload/{name}.c")


@pytest.mark.parametrize("error", ["EPERM", "ENOSYS"])
@pytest.mark.parametrize("call", [
    "membarrier", "memfd_create", "io_uring_setup", "process_vm_readv",
    "userfaultfd", "pidfd_open", "sched_setaffinity", "madvise",
    "close_range", "mremap", "seccomp"])
def test_a_filter_refuses_one_call(ioas, build, disk, call, error):
    """The filter is around the tool as well, as that of a container is."""
    command = ioas.command("qemu-io", "-f", "raw", *PATTERN, NVME,
                           devices=[f"nvme,file={disk}"])
    result = subprocess.run([build("refuse"), call, error, *command],
                            text=True, capture_output=True, check=False,
                            timeout=120)
    assert result.returncode == 0, result.stderr
    assert "Pattern verification failed" not in result.stdout
    assert bytes_at(disk, 0, MIB) == b"\xaa" * MIB


@pytest.mark.parametrize("error", ["EPERM", "ENOSYS"])
def test_memory_disks_without_memfds(ioas, build, error):
    command = ioas.command("qemu-io", "-f", "raw", *PATTERN, NVME,
                           devices=["nvme,size=4M"])
    result = subprocess.run([build("refuse"), "memfd_create", error, *command],
                            text=True, capture_output=True, check=False,
                            timeout=120)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("case,mode", [
    ("a_thousand_times_without_growth", "inline"),
    ("a_thousand_times_without_growth", "adaptive"),
    ("a_thousand_times_without_growth", "thread"),
    ("coroutines_on_small_stacks", "adaptive"),
    ("a_thread_that_blocks_every_signal", "adaptive")])
def test_it_goes_on(ioas, build, case, mode):
    result = ioas.run(build("limits"), case,
                      devices=[f"nvme,size=16M,mode={mode}"])
    assert result.returncode == 0, result.stderr
    assert result.stdout == "done\n"


def low_memlock():
    resource.setrlimit(resource.RLIMIT_MEMLOCK, (65536, 131072))


def test_the_limit_of_locked_memory_counts_when_asked(ioas, build):
    if os.geteuid() == 0:
        pytest.skip("root has no limit of locked memory")
    result = ioas.run(build("limits"), "memory_that_is_locked_has_a_limit",
                      devices=["nvme,size=16M"],
                      options=["--memlock", "rlimit"], preexec_fn=low_memlock)
    assert result.returncode == 0, result.stderr


def test_addresses_that_are_reserved_are_not_locked(ioas, build):
    """In a machine that does not let us lock 32 MiB, it is refused as ever."""
    result = ioas.run(build("limits"), "all_memory_is_locked",
                      devices=["nvme,size=16M,mode=inline"])
    assert result.returncode == 0, result.stderr
    limit = resource.getrlimit(resource.RLIMIT_MEMLOCK)[1]
    may = os.geteuid() == 0 or limit < 0 or limit >= 32 * MIB
    assert result.stdout == ("locked\n" if may else "refused\n") + "done\n"


def test_mapped_memory_that_nobody_uses_is_not_brought_in(ioas, build):
    """64 GiB; a system that counts what could be used does not give that."""
    result = ioas.run(build("limits"), "mapped_memory_that_is_not_there",
                      devices=["nvme,size=16M,mode=inline"])
    assert result.returncode == 0, result.stderr
    assert result.stdout in ("mapped\ndone\n", "refused\ndone\n")


def test_the_limit_of_locked_memory_is_no_matter_by_default(system_qemu,
                                                            source):
    result = system_qemu.run("qemu-img", "convert", "-n", "-f", "raw", "-O",
                             "raw", source, NVME, preexec_fn=low_memlock)
    assert result.returncode == 0, result.stderr
    assert checksum(system_qemu.disk) == checksum(source)


@pytest.fixture
def strict_overcommit():
    """vm.overcommit_memory=2, where we may and can put it back."""
    path = "/proc/sys/vm/overcommit_memory"
    with open(path, encoding="ascii") as f:
        before = f.read()
    try:
        with open(path, "w", encoding="ascii") as f:
            f.write("2")
    except OSError:
        yield False
        return
    yield True
    with open(path, "w", encoding="ascii") as f:
        f.write(before)


def test_memory_that_must_be_there(system_qemu, source, strict_overcommit):
    """Nothing large is reserved: the limit of an ordinary user stands in for
    a system that commits no more memory than it has."""
    limits = {} if strict_overcommit else {
        "preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_AS,
                                                 (768 * MIB, 768 * MIB))}
    result = system_qemu.run("qemu-img", "convert", "-n", "-f", "raw", "-O",
                             "raw", source, NVME, **limits)
    assert result.returncode == 0, result.stderr
    assert checksum(system_qemu.disk) == checksum(source)


def test_a_small_stack(system_qemu):
    result = system_qemu.run(
        "qemu-io", "-f", "raw", *PATTERN, NVME, preexec_fn=lambda:
        resource.setrlimit(resource.RLIMIT_STACK, (256 << 10, 256 << 10)))
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("mode", ["thread", "inline"])
def test_no_thread_can_be_started(ioas, build, mode):
    """It says so and does not hang; a device without a thread needs none."""
    if os.geteuid() == 0:
        pytest.skip("root has no limit of processes")
    result = ioas.run(build("limits"), "a_device_without_its_thread",
                      devices=[f"nvme,size=1M,mode={mode}"], timeout=60)
    assert result.returncode == 0, result.stderr
    said = [x for x in ioas_lines(result.stderr)
            if "thread that runs the device" in x]
    assert len(said) == (mode == "thread")
    how = "ENOMEM" if mode == "thread" else "mapped"
    assert result.stdout == f"{how}\ndone\n"
