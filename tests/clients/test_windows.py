# SPDX-License-Identifier: MIT
"""Memory that a window of a POWER machine leads to, given back by the program:
what is told, as text and as JSON.

tests/clients/report/windows.c has the cases; each also looks at what the
device and the program then have.
"""

import json
import os

import pytest

from conftest import TOP

SOURCE = os.path.join(TOP, "tests/clients/report/windows.c")


@pytest.fixture(scope="session")
def program(compiled):
    return compiled("report/windows.c", "-O2", "-g",
                    "-fno-optimize-sibling-calls")


@pytest.fixture
def found(ioas, program, tmp_path):
    """found(case) -> findings, without those of what is never unmapped."""
    def go(case, *options, profile="power9"):
        path = tmp_path / "report"
        path.write_text("")
        result = ioas.run(program, case, devices=["edu"], options=[
            "--profile", profile, "--check", "all,-leak", "--report", "json",
            "--report-file", path, *options])
        assert (result.stdout, result.stderr) == ("done\n", "")
        rows = [json.loads(x) for x in path.read_text().splitlines()]
        return [x for x in rows if x["type"] == "finding"]
    return go


def mark(name):
    with open(SOURCE, encoding="ascii") as f:
        (line,) = [i for i, x in enumerate(f, 1) if f"/* AT: {name} */" in x]
    return line


def place(frames):
    """Function and line of the innermost call."""
    first = frames[0]["places"][0]
    return first["function"], first["line"]


def iova(finding):
    return int(finding["iova"]["first"], 0), int(finding["iova"]["last"], 0)


def test_memory_unmapped_while_a_window_leads_to_it(found):
    (finding,) = found("by_munmap")
    assert finding["check"] == "freed-while-mapped"
    assert finding["severity"] == "error"
    assert iova(finding) == (0x10000, 0x13fff)
    assert (finding["container"], finding["window"]) == (1, 0)
    assert finding["permission"] == "READ|WRITE"
    assert place(finding["done_at"]) == ("free_buffer", mark("free"))
    assert place(finding["mapped_at"])[0] == "map_buffer"
    assert place(finding["registered_at"])[0] == "register_buffer"
    assert finding["suppression"] == "freed-while-mapped:free_buffer"
    assert "freed_before_map" not in finding


def test_as_text(ioas, program):
    result = ioas.run(program, "by_munmap", devices=["edu"],
                      options=["--profile", "power9"])
    lines = result.stderr.splitlines()
    first = [i for i, x in enumerate(lines) if "freed-while-mapped: " in x][0]
    assert "memory given back while it is mapped: IOVA 0x10000-0x13fff " \
        "(READ|WRITE, program memory 0x" in lines[first]
    assert lines[first].endswith(", container 1, window 0)")
    assert lines[first + 1].startswith(
        f"  freed at:    free_buffer (windows.c:{mark('free')})")
    labels = [x[:15] for x in lines[first:]]
    assert "  mapped at:   " in labels
    at = lines[first + labels.index("  registered:  ")]
    assert at.startswith("  registered:  register_buffer (windows.c:")


def test_the_window_is_the_one_that_leads_there(found):
    (finding,) = found("in_the_second_window")
    assert finding["window"] == 1
    assert iova(finding)[0] == (1 << 59) + 0x10000
    assert finding["permission"] == "READ"


def test_a_block_of_the_heap(found):
    (finding,) = found("by_free")
    assert finding["check"] == "freed-while-mapped"
    assert place(finding["done_at"]) == ("free_block", mark("free of a block"))


def test_pages_that_are_not_needed(found):
    (finding,) = found("by_madvise")
    assert finding["check"] == "freed-while-mapped"
    assert iova(finding) == (0x10000, 0x10fff)


def test_pages_that_go_on_are_told_as_one(ioas, found, program):
    """The first page stays, and so does its mapping. Three go on, and one is
    elsewhere."""
    assert [iova(x) for x in found("page_by_page")] == [(0x11000, 0x13fff),
                                                        (0x18000, 0x18fff)]
    result = ioas.run(program, "page_by_page", devices=["edu"], options=[
        "--profile", "power9", "--check", "freed-while-mapped"])
    assert "summary: 2 freed-while-mapped (16 KiB)" in result.stderr


def test_version_1_has_it_too(found):
    (finding,) = found("of_version_1")
    assert finding["check"] == "freed-while-mapped"
    assert iova(finding) == (0x10000, 0x13fff)
    assert "registered_at" not in finding


@pytest.mark.parametrize("case", ["only_registered", "moved_by_the_program"])
def test_what_no_device_may_miss_is_not_told(found, case):
    assert not found(case)


def test_memory_given_back_before_it_is_mapped(found):
    """The device has the memory that was registered, and the program has
    another at the same address."""
    (finding,) = found("before_it_is_mapped")
    assert finding["check"] == "freed-while-mapped"
    assert finding["freed_before_map"] is True
    assert iova(finding) == (0x10000, 0x10fff)
    assert place(finding["done_at"]) == ("free_buffer", mark("free"))
    assert place(finding["registered_at"])[0] == "register_buffer"


@pytest.mark.parametrize("profile", ["power8", "pseries", "power9"])
@pytest.mark.parametrize("frames", ["scattered", "identity"])
def test_on_each_machine(found, profile, frames):
    (finding,) = found("by_munmap", "--frames", frames, profile=profile)
    assert finding["check"] == "freed-while-mapped"


def test_who_does_not_ask_is_not_told(found):
    assert not found("by_munmap", "--check", "all,-leak,-freed-while-mapped")
