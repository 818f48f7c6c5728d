# SPDX-License-Identifier: MIT
"""Outputs of the kernel's tests against a table: what is lost, won, or new
is seen, and so is a program that crashed, hung or told half."""

import os
import sys

import pytest

from conftest import TOOLS

sys.path.append(os.path.join(TOOLS, "../tests/clients/selftests"))
import suite  # noqa: E402  pylint: disable=wrong-import-position

GOOD = """TAP version 13
1..3
# Starting 3 tests from 1 test cases.
#  RUN           f.v.one ...
a line of the program
#            OK  f.v.one
ok 1 f.v.one
ok 2 f.v.two # SKIP no such thing
# thing.c:12:three:Expected 0 (0) == rc (1)
not ok 3 f.v.three
# Totals: pass:1 fail:1 xfail:0 xpass:0 skip:1 error:0
"""


def verdict(word, case, output=GOOD, status=1, known=True):
    expected = suite.Expected(word, "" if word == "pass" else "a reason")
    return suite.judge(expected, case, suite.parse(status, output), known)


@pytest.mark.parametrize("case, word, wanted", [
    ("f.v.one", "pass", "as expected"), ("f.v.two", "skip", "apart"),
    ("f.v.three", "fail", "apart"), ("f.v.one", "fail", "failed"),
    ("f.v.one", "skip", "failed"), ("f.v.two", "pass", "failed"),
    ("f.v.three", "pass", "failed"), ("f.v.two", "fail", "failed"),
    ("f.v.four", "pass", "failed"), ("f.v.four", "fail", "failed"),
])
def test_each_result_against_each_expectation(case, word, wanted):
    assert verdict(word, case)[0] == wanted


@pytest.mark.parametrize("proofs, wanted", [
    ((), "apart"), (("rc (1)",), "apart"), (("nothing", "rc (1)"), "apart"),
    (("rc (2)", "nothing"), "failed"),
])
def test_a_case_that_fails_for_another_reason_is_seen(proofs, wanted):
    expected = suite.Expected("fail", "a reason", proofs)
    got, text = suite.judge(expected, "f.v.three", suite.parse(1, GOOD), True)
    assert got == wanted
    assert wanted == "apart" or "another reason" in text


def test_proofs_are_read_from_a_table(tmp_path):
    path = tmp_path / "vfio-1.0"
    path.write_text("proof no such: one thing | two\n"
                    "a b fail no such\na c fail other\n", encoding="ascii")
    table = suite.read_table(path)
    assert table["a", "b"].proofs == ("one thing", "two")
    assert table["a", "c"].proofs == ()
    path.write_text("proof no such one\n", encoding="ascii")
    with pytest.raises(suite.TableError, match="vfio-1.0:1: a proof is"):
        suite.read_table(path)


def test_what_is_said_helps():
    assert verdict("skip", "f.v.two") == ("apart", "a reason")
    text = verdict("pass", "f.v.three")[1]
    assert text.startswith("lost: fail") and "rc (1)" in text
    text = verdict("fail", "f.v.one")[1]
    assert text.startswith("won: pass") and "table must say so" in text


@pytest.mark.parametrize("case, word, wanted", [
    ("f.v.one", "fail", "as expected"), ("f.v.two", "pass", "failed"),
    ("f.v.two", "fail", "apart"), ("f.v.four", "fail", "apart"),
    ("f.v.four", "pass", "failed"),
])
def test_a_version_that_no_table_knows_must_not_lose(case, word, wanted):
    assert verdict(word, case, known=False)[0] == wanted


@pytest.mark.parametrize("status, output, word", [
    (None, GOOD, "in time"), (-11, GOOD, "status -11"),
    (126, GOOD, "status 126"), (1, GOOD.replace("1..3", "1..4"), "planned 4"),
    (1, GOOD.replace("ok 1 f", "#ok 1 f"), "planned 3"),
])
def test_a_run_that_broke_fails_each_of_its_cases(status, output, word):
    for case, expected in (("f.v.one", "pass"), ("f.v.three", "fail")):
        found, text = verdict(expected, case, output, status)
        assert found == "failed" and word in text


@pytest.mark.parametrize("status, output, word", [
    (1, "no /dev/iommu\n", "fail"), (4, "no device\n", "skip"),
    (4, "TAP version 13\n1..0 # SKIP no SR-IOV\n", "skip"),
])
def test_a_program_that_ends_before_its_first_case(status, output, word):
    outcome = suite.parse(status, output)
    assert outcome.cases[suite.START][0] == word
    assert verdict("pass", "f.v.one", output, status)[0] == "failed"
    assert verdict(word, suite.START, output, status)[0] == "apart"


def test_a_case_told_twice_is_no_pass():
    assert verdict("pass", "f.v.one", GOOD + "ok 1 f.v.one\n")[0] == "failed"


def test_cases_that_are_in_no_table_are_found():
    table = {("run", "f.v.one"): suite.Expected("pass")}
    assert suite.unknown_cases(table, "run", suite.parse(1, GOOD)) == [
        "f.v.two", "f.v.three"]


@pytest.mark.parametrize("version, name, known", [
    ("7.3.4-1~bpo13+1", "vfio-7.3", True), ("7.4-1", "vfio-7.3", False),
    ("7.10.1", "vfio-7.10", True), ("8.0", "vfio-7.10", False),
    ("7.2", "vfio-7.3", False),
])
def test_which_table_is_taken(tmp_path, version, name, known):
    for table in ("vfio-7.3", "vfio-7.10", "iommu-9.9"):
        (tmp_path / table).touch()
    path, found = suite.find_table("vfio", version, tmp_path)
    assert (path.name, found) == (name, known)


@pytest.mark.parametrize("line, word", [
    ("a b maybe", "'maybe' is none of"), ("a b fail", "has a reason"),
    ("a b pass because", "has a reason"), ("a b", "is none of"),
    ("a b pass\na b pass", "twice"),
])
def test_a_table_with_a_mistake_is_refused(tmp_path, line, word):
    path = tmp_path / "vfio-7.3"
    path.write_text(f"# comment\n\n{line}\n")
    with pytest.raises(suite.TableError, match=word) as error:
        suite.read_table(path)
    assert "vfio-7.3:" in str(error.value)


def test_the_tables_that_are_here_can_be_read():
    for path in suite.HERE.glob("vfio-*"):
        assert suite.read_table(path)
