# SPDX-License-Identifier: MIT
"""The explorer itself, on programs of which the outcomes are known.

explore/sets/litmus.c has them. A case that ends in _is_seen has an outcome
that the engine has to find; where this depends on what the processor orders,
ORDER says so.
"""

import json
import os
import re
import shutil
import subprocess
import sys

import pytest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(__file__)))
sys.path.insert(0, os.path.join(TOP, "explore"))

import verify  # noqa: E402

# Case -> memories in which its outcome can be seen.
ORDER = {
    "sb_is_seen": {"tso", "weak"},
    "sb_fenced_once_is_seen": {"tso", "weak"},
    "mp_relaxed": {"weak"},
}
ANY = {"sc", "tso", "weak"}
LAW = {"race_is_seen": "DATA-RACE", "use_after_free_is_seen": "HEAP-1",
       "free_twice_is_seen": "HEAP-2", "lost_wake_is_seen": "HANG-1"}
COMPILERS = [cc for cc in ("gcc", "clang") if shutil.which(cc)]


@pytest.fixture(scope="session", params=COMPILERS)
def builder(request, tmp_path_factory):
    return verify.Builder(request.param,
                          str(tmp_path_factory.mktemp(request.param)))


@pytest.fixture(scope="session")
def litmus(builder):
    return builder.program("litmus", [])


def cases():
    with open(os.path.join(TOP, "explore/sets/litmus.c"),
              encoding="utf-8") as f:
        names = re.findall(r'^\t\{"(\w+)"', f.read(), re.M)
    return [n for n in names if n != "unannounced"]


def explore(program, case, *options):
    return verify.explore(program, case, options)


@pytest.mark.parametrize("memory", sorted(ANY))
@pytest.mark.parametrize("case", cases())
def test_an_outcome_is_found_where_it_can_be(litmus, case, memory):
    row = explore(litmus, case, "--memory", memory)
    default = ANY if case.endswith("_is_seen") else set()
    law = row.get("law", "").replace("_", "-")
    if memory in ORDER.get(case, default):
        assert law == LAW.get(case, "OUTCOME-1")
        assert len(row["trace"]) >= row["steps"] > 0 or case == "race_is_seen"
    else:
        assert law == "" and not row["stopped"]


@pytest.mark.parametrize("case", [c for c in cases() if c != "rounds"])
def test_the_same_holds_when_every_access_is_a_step(litmus, case):
    few = explore(litmus, case)
    all_of_them = explore(litmus, case, "--every-access")
    assert few.get("law") == all_of_them.get("law")
    assert few["states"] <= all_of_them["states"]


def test_the_states_of_two_counters_are_known(litmus):
    """Three steps and the end of each thread: five places, twice."""
    assert explore(litmus, "steps")["states"] == 25


def test_the_same_run_has_the_same_counts(litmus):
    for case in cases():
        one, other = explore(litmus, case), explore(litmus, case)
        for key in ("states", "transitions", "depth", "trace"):
            assert one[key] == other[key]


def test_the_trace_is_a_shortest_one(litmus):
    """Each stores, loads and ends; then the stores are seen."""
    row = explore(litmus, "sb_is_seen", "--memory", "tso")
    assert row["steps"] == 8
    said = [s["what"] for s in row["trace"]]
    assert sum("delayed" in s and "store" in s for s in said) == 4
    assert any(s == "load y [y]: 0" for s in said)


def test_numbers_that_grow_end_only_when_renamed(litmus):
    assert explore(litmus, "rounds")["states"] < 10
    done = subprocess.run([litmus, "--case", "rounds", "--no-rename"],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "they are not renamed" in done.stderr


def test_a_limit_is_not_taken_for_the_end(litmus):
    row = explore(litmus, "locked", "--max-states", "10")
    assert row["stopped"]


def test_a_write_that_was_not_announced_is_noticed(litmus):
    done = subprocess.run([litmus, "--case", "unannounced"],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "no write was announced" in done.stderr


def test_wrong_use_is_told(litmus):
    for wrong in (["--case", "none"], ["--memory", "none"],
                  ["--delayed", "9"], ["more"], ["--none"]):
        done = subprocess.run([litmus, *wrong], capture_output=True,
                              text=True, check=False)
        assert done.returncode == 2
        assert "Usage:" in done.stderr or "such" in done.stderr


def names(path):
    with open(os.path.join(TOP, path), encoding="utf-8") as f:
        text = f.read()
    for kind in ("a32", "a64", "aptr"):
        text = text.replace("ioas_##name##_", f"ioas_{kind}_ ioas_##name##_")
    return set(re.findall(r"\bioas_\w+(?=\()", text))


def test_the_replacement_has_the_same_operations():
    """The real header makes most of them by one macro."""
    with open(os.path.join(TOP, "src/base/atomic.h"), encoding="utf-8") as f:
        text = f.read()
    made = re.findall(r"ioas_##name##_(\w+)\(", text)
    real = {f"ioas_{kind}_{op}" for kind in ("a32", "a64", "aptr")
            for op in made}
    real |= set(re.findall(r"\bioas_(?!##)\w+(?=\(\w)", text))
    assert len(made) == 6
    assert names("explore/replaced/base/atomic.h") >= real


def test_an_atomic_builtin_does_not_escape(builder, tmp_path):
    """It would call the race detector, and the engine has no such function."""
    source = "src/base/lock.h"
    with open(os.path.join(TOP, source), encoding="utf-8") as f:
        text = f.read()
    direct = text.replace("ioas_a32_exchange(&lock->word, 0)",
                          "__atomic_exchange_n(&lock->word.cell, 0, 5)")
    assert direct != text
    with pytest.raises(verify.CannotBuild, match="__tsan_atomic32_exchange"):
        builder.program("lock", [], ("escapes", source, direct))


def test_a_stale_mutant_is_told():
    stale = {"name": "old", "file": "src/base/lock.h", "old": "no such text",
             "new": ""}
    with pytest.raises(verify.CannotBuild, match="is 0 times in"):
        verify.mutated(stale)


def test_the_check_sees_a_stale_mutant_and_a_set_that_does_not_compile(
        tmp_path):
    tree = tmp_path / "tree"
    for folder in ("explore", "src", "include", "tools"):
        shutil.copytree(os.path.join(TOP, folder), tree / folder)
    check = [str(tree / "tools" / "check-explored")]
    good = subprocess.run(check, capture_output=True, text=True, check=False)
    assert good.returncode == 0, good.stdout + good.stderr
    assert re.search(r"^check-explored: \d+ sets, \d+ mutants, 0 wrong$",
                     good.stdout, re.M)
    lock = tree / "src/base/lock.h"
    lock.write_text(lock.read_text().replace("cas(&lock->word, &seen, 1)",
                                             "cas(&lock->word, &seen, one)"))
    bad = subprocess.run(check, capture_output=True, text=True, check=False)
    assert bad.returncode == 1
    assert "mutant lock-without-cas: the text to replace is 0 times" in \
        bad.stdout
    assert "'one' undeclared" in bad.stdout.replace("‘", "'").replace("’", "'")


@pytest.fixture(scope="session")
def asid(builder):
    return builder.program("asid", verify.sets()["asid"])


def mutant_program(builder, name):
    mutant = next(m for m in verify.mutants() if m["name"] == name)
    return builder.program("asid", verify.sets()["asid"],
                           verify.mutated(mutant))


@pytest.mark.parametrize("case", ["exchange-1", "changes", "pin-two",
                                  "asymmetric-two"])
def test_merged_steps_come_to_the_same_rests(asid, case):
    merged = explore(asid, case, "--rests")
    single = explore(asid, case, "--rests", "--single")
    assert merged["merged"] and not single["merged"]
    assert merged["rests"] == single["rests"] > 50
    assert merged["states"] * 4 < single["states"]
    assert "law" not in merged and "law" not in single


@pytest.mark.parametrize("name, case", [
    ("asid-store-for-swap", "exchange-1"),
    ("asid-rollover-drops-reserved", "exchange-1"),
    ("asid-unpin-frees", "pin-two"),
    ("asid-no-barrier", "asymmetric-two"),
])
def test_merged_steps_find_what_single_ones_find(builder, name, case):
    program = mutant_program(builder, name)
    merged = explore(program, case)
    single = explore(program, case, "--single")
    assert merged["merged"] and not single["merged"]
    assert "law" in merged and "law" in single
    assert merged["steps"] <= single["steps"]


def test_steps_that_cannot_be_merged_are_not(builder):
    program = mutant_program(builder, "asid-rollover-peeks")
    row = explore(program, "exchange-1")
    assert not row["merged"]
    assert row["law"] in ("ASID_1", "ASID_3", "ASID_5")


def test_the_published_mistake_is_found_by_a_shortest_trace(builder):
    program = mutant_program(builder, "asid-pinned-first")
    row = explore(program, "pin-1")
    assert row["merged"] and row["law"] == "ASID_3"
    assert row["steps"] < 20
    text = "\n".join(verify.steps_text(row["trace"]))
    assert re.search(r"device0 +ioas_asid_pin +context [ABC]\n", text)
    assert text.count("store &asids->generation") == 2


def run_verify(*options):
    return subprocess.run([os.path.join(TOP, "verify"), *options],
                          capture_output=True, text=True, check=False)


def test_verify_says_what_held(tmp_path):
    rows = tmp_path / "rows"
    done = run_verify("lock", "--json", str(rows), "--memory", "tso")
    assert done.returncode == 0, done.stdout + done.stderr
    last = done.stdout.splitlines()[-1]
    assert re.match(r"\d+ passed in [\d.]+s: \d+ cases, every interleaving, "
                    r"[\d,]+ states .*; \d+ mutants$", last)
    found = [json.loads(line) for line in rows.read_text().splitlines()]
    assert {r["memory"] for r in found} == {"tso"}
    assert any(r.get("mutant") == "lock-no-wake" and r["law"] == "HANG-1"
               for r in found)


def test_verify_fails_when_a_case_is_not_finished():
    done = run_verify("lock", "--max-mbytes", "1", "--max-seconds", "1",
                      "--delayed", "2", "--mutant", "no-such-mutant")
    assert done.returncode == 2
    assert "no mutant no-such-mutant" in done.stderr


def test_verify_shows_the_trace_of_a_mutant():
    done = run_verify("--mutant", "lock-without-cas")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "LOCK-2: two threads have the lock" in done.stdout
    assert re.search(r"ioas_lock_try +load lock->word \[lock\]: 0",
                     done.stdout)


def test_verify_knows_its_sets():
    done = run_verify("nothing")
    assert done.returncode == 1
    assert "no set nothing" in done.stderr
