# SPDX-License-Identifier: MIT
"""The comparison with real kernels sees what differs, and what no longer does.
"""

import pathlib
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests/abi/linux"))

import compare  # noqa: E402
import machine  # noqa: E402

LINES = ["PASS nvme", "FACT 1 msi 0x4", "ROW set|a|open|0|0000| 4=1",
         "ROW set|b|open|-22|0000|", "ROW set|b|open|0|0000|",
         "2 rows, 2 passed, 0 failed", "DONE nvme 0 4.5", "PASS igb",
         "ROW set|a|open|0|0000|"]


@pytest.fixture
def comparison(tmp_path):
    (tmp_path / "document.md").write_text("Some rows\ndiffer, as they do.\n")

    def make(text):
        (tmp_path / "differences").write_text(text)
        made = compare.Comparison(False, "differences")
        made.differences = compare.Differences(tmp_path / "differences",
                                               tmp_path / "document.md")
        return made
    return make


def test_rows_of_one_name_are_told_apart():
    assert compare.rows(LINES[:5]) == {
        "set|a|open": "0|0000| 4=1", "set|b|open": "-22|0000|",
        "set|b|open|2": "0|0000|"}


def test_a_pass_without_its_end_has_no_rows():
    assert list(compare.sections(LINES)) == ["nvme"]


def test_equal_rows_pass(comparison):
    made = comparison("")
    made.one_pass("linux-7.3", "nvme", {"r": "0"}, {"r": "0"})
    assert made.finish(True) == 0


@pytest.mark.parametrize("of_linux, of_ioas", [
    ({"r": "0"}, {"r": "-22"}), ({"r": "0"}, {}), ({}, {"r": "0"}), ({}, {})])
def test_other_rows_fail(comparison, of_linux, of_ioas):
    made = comparison("")
    made.one_pass("linux-7.3", "nvme", of_linux, of_ioas)
    assert made.finish(True) == 1


@pytest.mark.parametrize("where, good", [
    ("*/nvme", True), ("linux-7.3/*", True), ("linux-6.12/*", False),
    ("*/igb", False), ("linux-6.12/*,linux-7.3/nvme", False)])
def test_a_difference_is_allowed_where_it_is_named(comparison, where, good):
    made = comparison(f"# a comment\n{where}\tset|*|open\trows differ\n")
    made.one_pass("linux-7.3", "nvme", {"set|a|open": "0"},
                  {"set|a|open": "1"})
    assert (made.finish(True) == 0) == good


def test_a_difference_that_is_none_fails(comparison):
    made = comparison("*/*\tset|a|open\trows differ\n")
    made.one_pass("linux-7.3", "nvme", {"set|a|open": "0"},
                  {"set|a|open": "0"})
    assert made.finish(True) == 1


def test_a_reason_that_is_not_documented_fails(comparison):
    made = comparison("*/*\tset|a|open\tfor no reason\n")
    made.one_pass("linux-7.3", "nvme", {"set|a|open": "0"},
                  {"set|a|open": "1"})
    assert made.finish(True) == 1


def test_the_archive_is_one_that_cpio_knows():
    data = machine.archive({"init": b"12345", "a/b": b""})
    assert data.startswith(b"070701") and len(data) % 4 == 0
    for name in (b"a\0", b"init\0", b"a/b\0", b"TRAILER!!!\0"):
        assert name in data
