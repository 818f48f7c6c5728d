# SPDX-License-Identifier: MIT
"""The kernel's own tests: their output, and the tables of what is expected.

A table is a file NAME-MAJOR.MINOR beside this one, for the suite of that
kernel; a line of it is

    RUN CASE pass|skip|fail [REASON]

RUN is a program, with "@MODE" when it is run in another mode than its own.
CASE is fixture.variant.case as the program prints it, or "-" for a program that
ends before its first case. What does not pass has a reason. A line

    proof REASON: TEXT | TEXT ...

says that a case which does not pass for that reason speaks of one of the texts;
one that does not failed for another. Lines that begin with "#" and empty ones
say nothing.
"""

import dataclasses
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).resolve().parent
START = "-"
RESULT = re.compile(r"(not )?ok (\d+) (\S+)(?: # (\w+)\s?(.*))?$")
PLAN = re.compile(r"1\.\.(\d+)")
WORDS = ("pass", "skip", "fail")


class TableError(Exception):
    """A table that cannot be read, with file and line."""


@dataclasses.dataclass(frozen=True)
class Expected:
    word: str
    reason: str = ""
    proofs: tuple = ()      # the program says one of them, if there are any


def read_proof(line, where):
    """The reason of a line "proof REASON: TEXT | TEXT ...", and the texts."""
    reason, colon, texts = line.removeprefix("proof ").partition(": ")
    proofs = tuple(x.strip() for x in texts.split("|"))
    if not colon or not all(proofs):
        raise TableError(f"{where}a proof is 'proof REASON: TEXT | TEXT ...'")
    return reason, proofs


def read_table(path):
    """{(run, case): Expected} of a file."""
    table, proofs = {}, {}
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        where = f"{path.name}:{number}: "
        if line.startswith("proof "):
            reason, texts = read_proof(line, where)
            proofs[reason] = texts
            continue
        run, case, word, reason = (line.split(None, 3) + [""] * 4)[:4]
        if word not in WORDS:
            raise TableError(f"{where}'{word}' is none of {', '.join(WORDS)}")
        if (word == "pass") == bool(reason):
            raise TableError(f"{where}what does not pass has a reason, and "
                             "nothing else has one")
        if (run, case) in table:
            raise TableError(f"{where}{run} {case} is there twice")
        table[run, case] = Expected(word, reason, proofs.get(reason, ()))
    return table


def series(version):
    """"7.3" of "7.3.4-1~bpo13+1"."""
    found = re.match(r"(\d+)\.(\d+)", version)
    if not found:
        raise TableError(f"no version of a kernel: '{version}'")
    return tuple(map(int, found.groups()))


def find_table(name, version, folder=HERE):
    """The table for a suite, and whether it is that of this very version: of
    one that no table knows, the newest that is not newer, else the oldest."""
    tables = {series(p.name.removeprefix(f"{name}-")): p
              for p in folder.glob(f"{name}-*")}
    wanted = series(version)
    if not tables:
        raise TableError(f"{folder}: no table of {name}")
    older = [x for x in tables if x <= wanted]
    best = max(older) if older else min(tables)
    return tables[best], best == wanted


@dataclasses.dataclass
class Outcome:
    """What a run of a program gave; cases by name."""

    status: int | None      # None: it was ended because it took too long
    cases: dict             # name: (word, what the program said of it)
    planned: int | None
    output: str
    findings: dict = dataclasses.field(default_factory=dict)

    def __post_init__(self):
        self.trouble = self._find_trouble()

    def _find_trouble(self):
        """What is wrong with the run as a whole, or nothing."""
        if self.status is None:
            return "did not end in time"
        # From 125 on they are of `ioas run` itself.
        if not 0 <= self.status < 125:
            return f"ended with status {self.status}"
        if self.planned is None:
            return None     # it never began; the table says so by "-"
        if self.planned != len(self.cases):
            return (f"planned {self.planned} cases and told the result of "
                    f"{len(self.cases)}")
        return None


def parse(status, output):
    """An Outcome of the status and the output of a program."""
    cases, planned, since = {}, None, []
    for line in output.splitlines():
        found = RESULT.match(line)
        plan = PLAN.match(line)
        if plan and planned is None:
            planned = int(plan[1])
        if not found:
            since.append(line)
            continue
        refused, _, name, directive, why = found.groups()
        word = "fail" if refused else "pass"
        if directive in ("SKIP", "XFAIL"):
            word = "skip"
        if name in cases:
            word = "fail"
            since.append("told twice")
        said = "\n".join(since[-30:] + [why or ""]).strip()
        cases[name] = (word, said)
        since = []
    if not planned:
        planned = None
        cases = {START: ("skip" if status == 4 else "fail", output[-2000:])}
    return Outcome(status, cases, planned, output)


def is_proved(expected, said):
    """Did it not pass for the reason that the table has?"""
    return not expected.proofs or any(x in said for x in expected.proofs)


def judge(expected, case, outcome, known):
    """How a case of a table went, and a text: "as expected" (it passed),
    "apart" (it did not pass, as the table says, the text is why), "failed".

    With a suite that the table was not made for (not known), only what is lost
    counts.
    """
    if outcome.trouble:
        return "failed", f"{outcome.trouble}\n{outcome.output[-4000:]}"
    if case not in outcome.cases:
        if expected.word != "pass" and not known:
            return "apart", "the suite does not have it (any more)"
        return "failed", ("lost: the program told no result of it\n"
                          + outcome.output[-2000:])
    word, said = outcome.cases[case]
    if word == expected.word:
        if word == "pass":
            return "as expected", said
        if not is_proved(expected, said):
            return "failed", (f"{word}, as the table says, but for another "
                              f"reason than '{expected.reason}'\n{said}")
        return "apart", expected.reason
    text = f"{word}, where the table says {expected.word}\n{said}"
    if expected.word == "pass":
        return "failed", f"lost: {text}"
    if known:
        return "failed", (f"{'won: ' if word == 'pass' else ''}{text}\n"
                          "If that is right, the table must say so.")
    return ("as expected" if word == "pass" else "apart"), text


def unknown_cases(table, run, outcome):
    """Cases of a run that the table does not have."""
    return [x for x in outcome.cases if (run, x) not in table]


def main():
    """Lines for a table, of the output of a program on standard input."""
    if len(sys.argv) != 2:
        sys.exit("usage: suite.py RUN < OUTPUT")
    for case, (word, _) in parse(1, sys.stdin.read()).cases.items():
        reason = "" if word == "pass" else " REASON"
        print(f"{sys.argv[1]} {case} {word}{reason}")


if __name__ == "__main__":
    main()
