# SPDX-License-Identifier: MIT
"""./bench for a moment: its output, and that a missed bound is seen. No test
here depends on how fast the machine is."""

import json
import os
import subprocess
import sys

import pytest

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
sys.path.insert(0, os.path.join(TOP, "benchmarks"))

import bench  # noqa: E402


def run(tmp_path, *arguments):
    """(exit status, rows, text) of a smoke run."""
    path = tmp_path / "rows"
    result = subprocess.run(
        ["./bench", "--smoke", "--json", path, *arguments], cwd=TOP,
        text=True, capture_output=True, check=False)
    assert result.returncode in (0, 1), result.stdout + result.stderr
    assert path.exists(), result.stdout + result.stderr
    rows = [json.loads(x) for x in path.read_text().splitlines()]
    return result.returncode, rows, result.stdout


# Guests boot for minutes, and their packages are fetched.
BRIEF = sorted(set(bench.BENCHES) - {"pseries"})


@pytest.mark.parametrize("name", BRIEF)
def test_rows_have_every_key_and_a_sound_verdict(tmp_path, name):
    status, rows, text = run(tmp_path, name)
    assert rows
    for row in rows:
        assert list(row) == bench.KEYS
        assert row["bench"] == name
        # A difference of minima may exceed the difference of medians.
        assert row["ratio"] is None or row["min"] <= row["median"]
        assert row["met"] == bench.judge(row)
        # And a space behind it: the column is wide enough.
        assert row["case"] + " " in text
    assert max(map(len, text.splitlines())) <= 100
    assert status == any(row["met"] is False for row in rows)


def test_copies_have_a_rate_and_accesses_have_none(tmp_path):
    _, rows, text = run(tmp_path, "mmio")
    for row in rows:
        if not row["case"].startswith("copy "):
            assert row["per_second"] is None
            continue
        assert row["per_second"] == pytest.approx(1e9 / row["min"], rel=0.01)
        line = next(x for x in text.splitlines()
                    if x.startswith(row["case"] + "  ") or
                    x.startswith(row["case"] + " ns"))
        assert bench.rate(row["per_second"]) in line.split()


@pytest.mark.parametrize("value, shown", [
    (None, "-"), (38.4, "38"), (99999, "99999"), (1e5, "100k"),
    (8.2e6, "8200k")])
def test_a_rate_is_short(value, shown):
    assert bench.rate(value) == shown


@pytest.mark.parametrize("name, case", [("ioctl", "CHECK_EXTENSION"),
                                        ("mmio", "trapped store"),
                                        ("mem", "hot, inline, 16 regions"),
                                        ("mem", "static, call, 1 region"),
                                        ("start", "added to /bin/true")])
def test_a_slowed_case_is_reported_as_missed(tmp_path, name, case):
    status, rows, text = run(tmp_path, name, "--slow", case)
    assert status == 1
    assert [row["met"] for row in rows if row["case"] == case] == [False]
    assert any(case in x and x.endswith("NO") for x in text.splitlines())


@pytest.mark.parametrize("wanted, ratio, median, met", [
    (None, 1, 1, None),
    ("ratio >= 10", 10, 1, True),
    ("ratio >= 10", 9.99, 1, False),
    ("ratio >= 10", None, 1, False),
    ("median <= 0", None, 0, True),
    ("median <= 0", None, 0.01, False),
])
def test_verdicts(wanted, ratio, median, met):
    row = {"wanted": wanted, "ratio": ratio, "median": median}
    assert bench.judge(row) is met


def test_an_unknown_name_is_refused():
    result = subprocess.run(["./bench", "nope"], cwd=TOP, text=True,
                            capture_output=True, check=False)
    assert result.returncode == 2
    assert "no such bench: nope" in result.stderr
