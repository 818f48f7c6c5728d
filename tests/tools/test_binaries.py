# SPDX-License-Identifier: MIT
"""The checks of what was built see a planted symbol."""

import os
import subprocess

import pytest

from conftest import TOOLS


@pytest.fixture
def archive(tmp_path):
    """A function that builds an archive of C texts."""
    def build(*texts):
        objects = []
        for i, text in enumerate(texts):
            source = tmp_path / f"{i}.c"
            source.write_text(text)
            subprocess.run(["gcc", "-c", "-o", tmp_path / f"{i}.o", source],
                           check=True)
            objects.append(tmp_path / f"{i}.o")
        path = tmp_path / "lib.a"
        path.unlink(missing_ok=True)
        subprocess.run(["ar", "rc", path, *objects], check=True)
        return path
    return build


def run(tool, *arguments):
    return subprocess.run([os.path.join(TOOLS, tool), *map(str, arguments)],
                          text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False)


def test_purity_passes_what_stays_inside(archive):
    path = archive("int b(void); int a(void) { return b(); }",
                   "void *memset(void *, int, unsigned long);\n"
                   "int b(void) { char c[9]; memset(c, 0, 9); return c[1]; }")
    result = run("check-purity", path)
    assert result.returncode == 0, result.stdout


def test_purity_sees_a_call_outside(archive):
    path = archive("int a(void) { return 0; }",
                   "int puts(const char *); int b(void) { return puts(\"\"); }")
    result = run("check-purity", path)
    assert result.returncode == 1
    assert "puts, used by 1.o" in result.stdout


def test_purity_sees_errno(archive):
    path = archive("#include <errno.h>\nint a(void) { return errno; }")
    assert "__errno_location" in run("check-purity", path).stdout


def test_purity_refuses_an_empty_archive(archive):
    assert run("check-purity", archive()).returncode == 1


def test_purity_refuses_an_archive_that_is_not_there(tmp_path):
    result = run("check-purity", tmp_path / "none.a")
    assert result.returncode == 1
    assert "is not built" in result.stdout


@pytest.fixture
def library(tmp_path):
    """Runs check-symbols on a library of this text and a table of names."""
    def check(text, *names):
        (tmp_path / "a.c").write_text(text)
        rows = "".join(f"\tX(int, {n}, (int a, int (*b)(int)))  \\\n"
                       for n in names)
        (tmp_path / "symbols.h").write_text(
            "/* X(return type, name, (parameters)) */\n"
            f"#define IOAS_SYMBOLS(X) \\\n{rows}\n")
        subprocess.run(["gcc", "-shared", "-fPIC", "-fvisibility=hidden",
                        "-o", tmp_path / "a.so", tmp_path / "a.c"],
                       check=True)
        return run("check-symbols", tmp_path / "a.so", "--table",
                   tmp_path / "symbols.h")
    return check


SHOWN = '__attribute__((visibility("default"))) '
# Quick ways to I/O addresses, with nothing wrong.
QUICK_ONES = (f"{SHOWN}long ioas_iova_take(long a) {{ return a; }}\n"
              f"{SHOWN}long ioas_iova_give(long a) {{ return a; }}\n")


def test_symbols_passes_what_is_in_the_table(library):
    result = library(f"{SHOWN}int a(void) {{ return 0; }}\n"
                     f"{SHOWN}int b(void) {{ return 0; }}\n"
                     "int hidden(void) { return 0; }\n", "a", "b")
    assert result.returncode == 0, result.stdout


def test_symbols_sees_one_too_many(library):
    result = library(f"{SHOWN}int a(void) {{ return 0; }}\n"
                     f"{SHOWN}int b;\n", "a")
    assert result.returncode == 1
    assert "b is exported, not in the table" in result.stdout


def test_symbols_sees_one_missing(library):
    result = library(f"{SHOWN}int a(void) {{ return 0; }}\n", "a", "b")
    assert result.returncode == 1
    assert "b is not exported" in result.stdout


def test_symbols_refuses_an_empty_table(library):
    assert library("int a;").returncode == 1


def test_symbols_reads_a_public_header(tmp_path):
    (tmp_path / "a.c").write_text(f"{SHOWN}int ioas_a(void) {{ return 0; }}\n"
                                  f"{SHOWN}int ioas_c(void) {{ return 0; }}\n")
    (tmp_path / "a.h").write_text("IOAS_API int ioas_a(void);\n"
                                  "IOAS_API IOAS_MUST int\nioas_b(int x);\n"
                                  "int ioas_c(void);\n")
    subprocess.run(["gcc", "-shared", "-fPIC", "-fvisibility=hidden", "-o",
                    tmp_path / "a.so", tmp_path / "a.c"], check=True)
    result = run("check-symbols", tmp_path / "a.so", "--table",
                 tmp_path / "a.h")
    assert result.returncode == 1
    assert "ioas_b is not exported" in result.stdout
    assert "ioas_c is exported, not in the table" in result.stdout
    assert "ioas_a" not in result.stdout


@pytest.mark.parametrize("body, wrong", [
    ("return *(long *)a + b;", 0),
    ("return __atomic_add_fetch((long *)a, b, 5);", 1),
    ("__atomic_thread_fence(5); return b;", 1),
    ("other(); return b;", 1),
    # A register that is called like an instruction of another processor.
    ('__asm__("movzbl %%bl, %%eax" ::: "eax"); return b;', 0),
])
def test_reader_sees_what_waits(tmp_path, body, wrong):
    (tmp_path / "a.c").write_text(
        "void other(void);\n"
        f"{QUICK_ONES}"
        f"{SHOWN}long ioas_registry_translate(void *a, long b)"
        f" {{ {body} }}\n")
    subprocess.run(["gcc", "-O2", "-shared", "-fPIC", "-o", tmp_path / "a.so",
                    tmp_path / "a.c"], check=True)
    result = run("check-reader", tmp_path / "a.so")
    assert result.returncode == wrong, result.stdout


@pytest.mark.parametrize("body, wrong", [
    ("if (*a) take_by_lock(); else *a = b; return b;", 0),
    ("*a = b; take_by_lock(); other(); return b;", 1),
    ("__atomic_store_n(a, b, 5); return b;", 1),
])
def test_reader_lets_the_quick_way_end_at_the_lock(tmp_path, body, wrong):
    (tmp_path / "a.c").write_text(
        "void other(void);\n"
        "__attribute__((noinline)) static void take_by_lock(void)"
        ' { __asm__ volatile("lock incl (%rsp)"); }\n'
        f"{SHOWN}long ioas_registry_translate(long a) {{ return a; }}\n"
        f"{SHOWN}long ioas_iova_give(long a) {{ return a; }}\n"
        f"{SHOWN}long ioas_iova_take(long *a, long b) {{ {body} }}\n")
    subprocess.run(["gcc", "-O2", "-shared", "-fPIC", "-o", tmp_path / "a.so",
                    tmp_path / "a.c"], check=True)
    result = run("check-reader", tmp_path / "a.so")
    assert result.returncode == wrong, result.stdout


def test_reader_refuses_a_library_without_one(tmp_path):
    (tmp_path / "a.c").write_text("int a(void) { return 0; }\n")
    subprocess.run(["gcc", "-shared", "-o", tmp_path / "a.so",
                    tmp_path / "a.c"], check=True)
    assert run("check-reader", tmp_path / "a.so").returncode == 1
