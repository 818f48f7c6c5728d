# SPDX-License-Identifier: MIT
"""Programs built with a sanitizer, its runtime inside of them or beside.

They work, and what is planted in them is found as without ioas.
"""

import os
import subprocess

import pytest

from conftest import TOP

SOURCE = os.path.join(TOP, "tests/clients/preload/sanitized.c")
DEVICE = ["nvme,size=16M"]


def clang_runtime():
    """Where clang keeps its shared runtimes; programs need to be told."""
    name = "libclang_rt.asan-x86_64.so"
    path = subprocess.run(["clang", f"-print-file-name={name}"], check=True,
                          text=True, stdout=subprocess.PIPE).stdout.strip()
    return os.path.dirname(path)


BUILDS = {
    "gcc-address": ("gcc", "-fsanitize=address"),
    "gcc-address-static": ("gcc", "-fsanitize=address", "-static-libasan"),
    "gcc-thread": ("gcc", "-fsanitize=thread"),
    "gcc-thread-static": ("gcc", "-fsanitize=thread", "-static-libtsan"),
    "clang-address": ("clang", "-fsanitize=address"),
    "clang-address-shared": ("clang", "-fsanitize=address",
                             "-shared-libasan"),
    "clang-thread": ("clang", "-fsanitize=thread"),
}


@pytest.fixture(params=BUILDS, scope="session")
def program(request, tmp_path_factory):
    compiler, *options = BUILDS[request.param]
    if "-shared-libasan" in options:
        options.append(f"-Wl,-rpath,{clang_runtime()}")
    path = tmp_path_factory.mktemp("sanitized") / request.param
    subprocess.run([compiler, "-O1", "-g", "-w", "-D_GNU_SOURCE", "-pthread",
                    *options, SOURCE, "-o", str(path)], check=True)
    return path


def run(ioas, program, case):
    return ioas.run(program, case, devices=DEVICE)


@pytest.mark.parametrize("case", ["the_device_works", "starts_a_child"])
def test_it_works(ioas, program, case):
    result = run(ioas, program, case)
    assert result.returncode == 0, result.stderr
    assert result.stdout == "done\n"
    assert "Sanitizer" not in result.stderr


def test_what_is_planted_is_found(ioas, program):
    case, said = ("a_race", "data race") if "thread" in program.name \
        else ("a_use_after_free", "heap-use-after-free")
    result = run(ioas, program, case)
    assert result.returncode not in (0, 125, 126, 127)
    assert said in result.stderr
    assert "sanitized.c" in result.stderr


def test_a_fault_is_the_sanitizers(ioas, program):
    result = run(ioas, program, "a_fault_of_its_own")
    assert result.returncode not in (0, 125, 126, 127)
    assert "Sanitizer" in result.stderr
    assert "SEGV on unknown address" in result.stderr


def test_a_handler_is_the_programs(ioas, program):
    assert run(ioas, program, "a_handler_of_its_own").returncode == 7


@pytest.mark.parametrize("build", ["gcc-address", "gcc-thread"])
def test_one_that_a_shell_starts(ioas, tmp_path, build):
    compiler, *options = BUILDS[build]
    path = tmp_path / "program"
    subprocess.run([compiler, "-O1", "-g", "-w", "-D_GNU_SOURCE", "-pthread",
                    *options, SOURCE, "-o", str(path)], check=True)
    result = ioas.run("sh", "-c", f"{path} the_device_works; echo $?",
                      devices=DEVICE)
    assert result.stdout == "done\n0\n", result.stderr
