# SPDX-License-Identifier: MIT
"""`ioas run` of AArch64 programs, all of it under QEMU's user emulation: the
programs of tests/clients/preload, built for AArch64, whose loads and stores
to a BAR fault and are decoded as on a processor.

What the emulation does not have, and what this processor does otherwise than
x86-64, is skipped here by name.
"""

import os
import re
import resource
import subprocess

import pytest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
ROOT = f"{TOP}/build/packages/cross/arm64/root"
IOAS = f"{TOP}/build-aarch64/ioas"
SECONDS = 120
NOT_ALLOWED = 125  # of tools/cross/run-aarch64
# See cross_tests() of ./check.
ADDRESSES = 8 << 30

NO_ADVICE = "emulation answers any advice with yes"
NO_IOCTL = "emulation answers an unknown ioctl with ENOSYS"
SKIPPED = {
    "every_open_opens": NO_IOCTL,
    "streams_open_and_close": NO_IOCTL,
    "open_refuses_like_the_kernel": NO_IOCTL,
    "dup2_replaces_one_of_ours": NO_IOCTL,
    "close_range_closes": NO_IOCTL,
    "handlers_under_a_full_mask_reach_the_bar":
        "emulation has no epoll_pwait2",
    "kept_munmap_of_locked_memory": NO_ADVICE,
    "kept_remove": NO_ADVICE,
    "a_hole_that_is_refused_changes_nothing": NO_ADVICE,
    "kept_huge_pages": "no huge pages",
    "kept_sbrk": "emulation ends in an assertion of its own",
    "mremap_to_and_fro": "emulation takes long to change mappings",
    "lost_at_the_limit_of_mappings": "emulation has mappings of its own",
    "a_handler_may_jump_out_of_calls":
        "emulation sometimes waits for ever after such a jump",
    "a_small_stack_is_enough": "a stack is larger on AArch64",
    "memory_functions_work_on_registers":
        "memcpy() on device memory is an alignment fault, or scalable vectors",
    "atomic_operations_reach_registers":
        "atomic operations on device memory are refused on AArch64",
}


def cases(name):
    with open(f"{TOP}/tests/clients/preload/{name}.c", encoding="ascii") as f:
        return re.findall(r"^\tCASE\((\w+)\)", f.read(), re.M)


def limit():
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESSES, ADDRESSES))


def run(*command):
    result = subprocess.run(
        [f"{TOP}/tools/cross/run-aarch64", ROOT, *command], text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=SECONDS,
        preexec_fn=limit, check=False)
    if result.returncode == NOT_ALLOWED:
        pytest.skip("no binfmt_misc in a user namespace (before Linux 6.7)")
    return result


@pytest.fixture(name="build", scope="session")
def fixture_build(tmp_path_factory):
    """By name: a program of tests/clients, for AArch64."""
    folder = tmp_path_factory.mktemp("aarch64")

    def build(source):
        program = str(folder / source.replace("/", "-"))
        if not os.path.exists(program):
            subprocess.run(
                ["aarch64-linux-gnu-gcc", "-O2", "-g", "-D_GNU_SOURCE",
                 "-pthread", "-o", program, f"{TOP}/tests/clients/{source}.c"],
                check=True)
        return program

    return build


def ioas(program, *arguments, devices=("nvme,size=16M",), options=()):
    named = [word for d in devices for word in ("-d", d)]
    return run(IOAS, "run", *named, *options, "--", program, *arguments)


@pytest.mark.parametrize("program, case", [
    (p, c) for p in ("calls", "events", "pins", "signals", "views")
    for c in cases(p) if not c.startswith("what_cannot")])
def test_a_case(build, program, case):
    if case in SKIPPED:
        pytest.skip(SKIPPED[case])
    options = ["--mmap", "off"] if "cannot_be_mapped" in case else []
    edu = program in ("events", "pins")
    result = ioas(build(f"preload/{program}"), case, options=options,
                  devices=("edu",) if edu else ("nvme,size=16M",))
    if result.returncode == 77:
        pytest.skip(result.stdout.strip())
    assert result.returncode == 0, result.stderr
    assert result.stdout.endswith("done\n")


def test_what_cannot_be_emulated_is_named(build):
    result = ioas(build("preload/views"),
                  "what_cannot_be_emulated_ends_the_program")
    assert result.returncode in (132, -4)
    assert "survived" not in result.stdout
    assert "by an exclusive access, which devices do not promise" in \
        result.stderr
    assert "7c 5f c8" in re.sub(r"\s+", " ", result.stderr)


def test_a_program_of_another_processor_is_refused():
    result = run(IOAS, "run", "-d", "edu", "--", "/bin/true")
    assert result.returncode != 0
    assert "is for AArch64" in re.sub(r"\s+", " ", result.stderr)
