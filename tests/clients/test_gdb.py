# SPDX-License-Identifier: MIT
"""A program under gdb with the script that comes with ioas."""

import os
import re

import pytest

from conftest import TOP

SCRIPT = os.path.join(TOP, "share/ioas-gdb.py")


@pytest.fixture(scope="module")
def program(compiled):
    return compiled("preload/sanitized.c", "-g")


def debug(ioas, program, case):
    result = ioas.run("gdb", "-q", "-nx", "-batch", "-x", SCRIPT, "-ex", "run",
                      "-ex", "backtrace", "--args", program, case,
                      devices=["nvme,size=16M"])
    if "ptrace: Operation not permitted" in result.stderr:
        pytest.skip("this machine does not allow ptrace")
    return result.stdout


def test_register_accesses_pass(ioas, program):
    out = debug(ioas, program, "the_device_works")
    assert "done\n" in out
    assert "exited normally" in out
    assert "SIGSEGV" not in out


def test_it_stops_at_a_fault_of_the_program(ioas, program):
    out = debug(ioas, program, "a_fault_of_its_own")
    assert "signal SIGSEGV" in out
    assert re.search(r"^#0 .*\ba_fault_of_its_own \(", out, re.M)
