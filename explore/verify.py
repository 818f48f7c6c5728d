#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Build the sets of the explorer and their mutants, run them, say what held.

A set is a program: the engine, explore/sets/NAME.c, and the shipped sources
that explore/SETS names, compiled with the explorer's base/atomic.h in front.
A mutant is the same with one text replaced in one source (explore/mutants.toml);
the text has to be there exactly once, so a mutant cannot become stale in
silence.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
import tomllib
from concurrent.futures import ThreadPoolExecutor

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
HERE = os.path.join(TOP, "explore")
# Sets of the other engine (explore/replay), which has the cases as well.
REPLAYED = {"asid"}
REPLAY = ["cases", "main", "run", "search", "state", "world"]
ENGINE = ["access", "hooks", "intern", "main", "search", "step", "symbol",
          "thread", "trace", "world"]
WARNINGS = ["-Wall", "-Wextra", "-Wshadow", "-Wconversion",
            "-Wno-sign-conversion", "-Wvla", "-Wmissing-prototypes",
            "-Wstrict-prototypes", "-Wno-unused-parameter", "-Werror"]
# The engine moves stacks and variables about by their addresses.
COMMON = ["-std=gnu11", "-O2", "-g", "-D_GNU_SOURCE", "-U_FORTIFY_SOURCE",
          "-fno-strict-aliasing", "-fno-pie", "-fno-stack-protector"]
# What is explored announces its accesses. With the frame pointer kept, no
# register that setjmp() scrambles holds a value of the program.
EXPLORED = ["-fsanitize=thread", "-fno-omit-frame-pointer", "-fno-common",
            "-Wno-missing-field-initializers"]
NO_CALLS = {
    "gcc": ["--param", "tsan-instrument-func-entry-exit=0"],
    "clang": ["-mllvm", "-tsan-instrument-func-entry-exit=0"],
}
RENAMED = ["memcpy", "memmove", "memset"]
TEST_SETS = {"litmus"}


class CannotBuild(Exception):
    pass


def run(command):
    done = subprocess.run(command, cwd=TOP, capture_output=True, text=True,
                          check=False)
    if done.returncode:
        raise CannotBuild(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
    return done.stdout


def sets():
    """Name of a set -> sources it is compiled with."""
    found = {}
    with open(os.path.join(HERE, "SETS"), encoding="utf-8") as f:
        for line in f:
            line = line.split("#")[0].strip()
            if line:
                name, sources = line.split(":")
                found[name] = sources.split()
    return found


def mutants():
    with open(os.path.join(HERE, "mutants.toml"), "rb") as f:
        return tomllib.load(f)["mutant"]


BUILT_FROM = (".c", ".h", ".ld", ".py", ".toml")


def newest(*folders):
    return max(os.path.getmtime(os.path.join(at, name))
               for folder in folders for at, _, names in os.walk(folder)
               for name in names if name.endswith(BUILT_FROM))


class Builder:
    def __init__(self, cc, folder):
        self.cc = cc
        self.folder = folder
        self.kind = "clang" if "clang" in cc else "gcc"
        self.stamp = newest(HERE, os.path.join(TOP, "src"),
                            os.path.join(TOP, "include"))
        os.makedirs(folder, exist_ok=True)

    def fresh(self, path):
        return os.path.exists(path) and os.path.getmtime(path) > self.stamp

    def compile(self, source, target, explored, first=()):
        folders = [*first, "explore/replaced", "include", "src", "explore"]
        run([*self.cc.split(), *COMMON, *WARNINGS,
             *(EXPLORED + NO_CALLS[self.kind] if explored else []),
             *[f"-I{folder}" for folder in folders], "-c", source,
             "-o", target])

    def syntax(self, source):
        folders = ["explore/replaced", "include", "src", "explore"]
        if "/replay/" in source or source.startswith("src/asid/"):
            folders = ["explore/replay/replaced", *folders, "explore/replay"]
        run([*self.cc.split(), *COMMON, *WARNINGS,
             "-Wno-missing-field-initializers",
             *[f"-I{folder}" for folder in folders], "-fsyntax-only", source])

    def engine(self):
        objects = [os.path.join(self.folder, f"{e}.o") for e in ENGINE]
        for name, target in zip(ENGINE, objects):
            if not self.fresh(target):
                self.compile(f"explore/{name}.c", target, False)
        return objects

    def replay(self, name, sources, target, first, patch):
        """A set of the other engine: nothing in it announces an access."""
        folders = [*first, "explore/replay/replaced", "explore/replaced",
                   "include", "src", "explore/replay"]
        objects = []
        for source in [*(f"explore/replay/{n}.c" for n in REPLAY), *sources,
                       "src/base/hooks.c"]:
            usual = patch and patch[1].endswith(".c") and source != patch[1]
            work = os.path.join(self.folder, name) if usual else target
            objects.append(os.path.join(work + ".p",
                                        source.replace("/", "_") + ".o"))
            changed = os.path.join(target + ".p", source)
            if not usual:
                run([*self.cc.split(), *COMMON, *WARNINGS,
                     "-Wno-missing-field-initializers",
                     *[f"-I{folder}" for folder in folders], "-c", "-o",
                     objects[-1],
                     changed if os.path.exists(changed) else source])
        run([*self.cc.split(), "-no-pie", "-o", target + ".new", *objects])
        os.replace(target + ".new", target)
        return target

    def program(self, name, sources, patch=None):
        """Compile a set, or a mutant of it: patch is (path, text)."""
        label = patch[0] if patch else name
        target = os.path.join(self.folder, label)
        if self.fresh(target):
            return target
        work = target + ".p"
        shutil.rmtree(work, ignore_errors=True)
        os.makedirs(work)
        first = self.write(work, patch) if patch else []
        if patch and patch[1].endswith(".c"):
            self.program(name, sources)
        if name in REPLAYED:
            return self.replay(name, sources, target, first, patch)
        every = [f"explore/sets/{name}.c", *sources]
        objects = [self.object(work, source, patch, first, every)
                   for source in every]
        whole = os.path.join(work, "explored.o")
        run(["ld", "-r", "-T", "explore/world.ld", *objects, "-o", whole])
        run(["objcopy", *[f"--redefine-sym={f}=explore_{f}" for f in RENAMED],
             whole])
        run([*self.cc.split(), "-no-pie", "-o", target + ".new",
             *self.engine(), whole])
        os.replace(target + ".new", target)
        return target

    def object(self, work, source, patch, first, every):
        """Of a set's sources: compiled, or the set's own where no patch is."""
        name = source.replace("/", "_") + ".o"
        target = os.path.join(work, name)
        if patch and patch[1].endswith(".c"):
            # One that is not compiled by itself is included by the set.
            patched = patch[1] if patch[1] in every else every[0]
            if source != patched:
                usual = os.path.splitext(os.path.basename(every[0]))[0] + ".p"
                return os.path.join(self.folder, usual, name)
        changed = os.path.join(work, source)
        self.compile(changed if os.path.exists(changed) else source, target,
                     True, first)
        return target

    @staticmethod
    def write(work, patch):
        _, path, text = patch
        changed = os.path.join(work, path)
        os.makedirs(os.path.dirname(changed))
        with open(changed, "w", encoding="utf-8") as f:
            f.write(text)
        return [os.path.join(work, "src"), os.path.join(work, "include")]


def mutated(mutant):
    with open(os.path.join(TOP, mutant["file"]), encoding="utf-8") as f:
        text = f.read()
    old, new = mutant["old"].strip("\n"), mutant["new"].strip("\n")
    if text.count(old) != 1:
        raise CannotBuild(
            f"mutant {mutant['name']}: the text to replace is "
            f"{text.count(old)} times in {mutant['file']}: mend its entry in "
            "explore/mutants.toml")
    return f"mutant-{mutant['name']}", mutant["file"], text.replace(old, new)


# ---- What is printed. ----

def megabytes(row):
    return row["bytes"] / 1e6


def steps_text(trace):
    """A trace as a person reads it: consecutive lines of one thread."""
    who = max((len(s["who"]) for s in trace), default=0)
    where = max((len(s["where"]) for s in trace), default=0)
    last = None
    for number, s in enumerate(trace, 1):
        name = s["who"] if s["who"] != last else ""
        last = s["who"]
        yield (f"    {number:4}  {name:{who}}  {s['where']:{where}}  "
               f"{s['what']}")


def law_text(row):
    at = f" ({row['file']}:{row['line']})" if row["file"] else ""
    return (f"    {row['law'].replace('_', '-')}: {row['sentence']}: "
            f"{row['condition']}{at}")


def print_broken(row):
    print(law_text(row))
    for line in steps_text(row["trace"]):
        print(line)


HEAD = (f"{'':5}{'set':8} {'case':17} {'memory':6} {'states':>11} "
        f"{'transitions':>12} {'depth':>6} {'s':>7} {'MB':>6}")
MUTANT_HEAD = (f"\n{'':5}{'mutant':33} {'law':10} {'steps':>6} "
               f"{'states':>9} {'s':>7}")


class Output:
    """Rows as they come, from several threads, and the sum."""

    def __init__(self, json_file):
        self.lock = threading.Lock()
        self.json_file = json_file
        self.rows, self.bad = [], 0
        self.began = time.monotonic()

    def add(self, row, good):
        self.rows.append(row)
        self.bad += not good
        if self.json_file:
            print(json.dumps(row), file=self.json_file, flush=True)

    def case(self, row):
        with self.lock:
            good = "law" not in row and not row["stopped"]
            self.add(row, good)
            print(f"{'ok' if good else 'FAIL':5}{row['set']:8} "
                  f"{row['case']:17} {row['memory']:6} {row['states']:11,} "
                  f"{row['transitions']:12,} {row['depth']:6} "
                  f"{row['seconds']:7.2f} {megabytes(row):6.0f}", flush=True)
            if not row.get("merged", True) and not row["walk"]:
                print("    every step by itself: this code cannot be merged")
            if row["stopped"]:
                print("    not finished: it came to its limit of states, "
                      "time or memory")
            if "law" in row:
                print_broken(row)

    def mutant(self, row, wanted, show):
        with self.lock:
            law = row.get("law", "").replace("_", "-")
            good = law in wanted
            self.add(row, good)
            print(f"{'ok' if good else 'FAIL':5}{row['mutant']:33} "
                  f"{law or '-':10} {row['steps']:6} {row['states']:9,} "
                  f"{row['seconds']:7.2f}", flush=True)
            if "error" in row:
                print(f"    {row['error']}")
            elif not good:
                print(f"    wanted: {' or '.join(wanted)}"
                      + ("" if law else "; it was not found"))
            if law and (show or not good):
                print_broken(row)

    def total(self):
        cases = [r for r in self.rows if "mutant" not in r]
        walks = [r for r in cases if r.get("walk")]
        cases = [r for r in cases if not r.get("walk")]
        states = sum(r["states"] for r in cases)
        missed = sum(r["states"] ** 2 for r in cases) / 2 ** 65
        took = time.monotonic() - self.began
        passed = f"{len(self.rows) - self.bad} passed"
        failed = f", {self.bad} failed" if self.bad else ""
        print(f"{passed}{failed} in {took:.1f}s: {len(cases)} cases, every "
              f"interleaving, {states:,} states (one missed by chance: "
              f"{missed:.0e}); {len(walks)} of random walks; "
              f"{len(self.rows) - len(cases) - len(walks)} mutants")


# ---- What is run. ----

def explore(program, name, options):
    command = [program, "--case", name, *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        return json.loads(done.stdout)
    except json.JSONDecodeError:
        raise CannotBuild(f"{' '.join(command)} ended with "
                          f"{done.returncode}:\n{done.stderr}") from None


def limits(options):
    found = ["--memory", options.memory, "--delayed", str(options.delayed)]
    found += ["--max-seconds", str(options.max_seconds)]
    return found + ["--max-mbytes", str(options.max_mbytes)]


def cases(program, every):
    for line in run([program, "--list"]).splitlines():
        name, when, _ = line.split("\t")
        if every or when == "quick":
            yield name


def run_case(output, options, name, program, case):
    row = explore(program, case, limits(options))
    output.case({"set": name, **row})


def run_mutant(output, options, builder, mutant):
    sources = sets()[mutant["set"]]
    try:
        program = builder.program(mutant["set"], sources, mutated(mutant))
        row = explore(program, mutant["case"], limits(options))
    except CannotBuild as error:
        row = {"steps": 0, "states": 0, "seconds": 0, "error": str(error)}
    output.mutant({"mutant": mutant["name"], "set": mutant["set"], **row},
                  mutant["law"], options.mutant)


def run_all(output, options, builder, chosen):
    every = sets()
    jobs = []
    with ThreadPoolExecutor(options.jobs) as pool:
        if not options.mutant:
            print(HEAD)
            for name in chosen:
                program = builder.program(name, every[name])
                for case in cases(program, options.all):
                    jobs.append(pool.submit(run_case, output, options, name,
                                            program, case))
            for job in jobs:
                job.result()
        for name in chosen:
            builder.program(name, every[name])
        jobs = []
        print(MUTANT_HEAD)
        for mutant in mutants():
            if options.mutant not in (None, mutant["name"]):
                continue
            if mutant["set"] in chosen:
                jobs.append(pool.submit(run_mutant, output, options, builder,
                                        mutant))
        for job in jobs:
            job.result()
    if options.mutant and not jobs:
        raise CannotBuild(f"no mutant {options.mutant}: see --list")


def check_current(builder):
    """Do all sets compile, and is each mutant's text where it was?"""
    wrong = 0
    every, tried = sets(), mutants()
    sources = [f"explore/sets/{name}.c" for name in every
               if name not in REPLAYED]
    sources += [f"explore/replay/{name}.c" for name in REPLAY]
    sources += sorted({s for list_ in every.values() for s in list_})
    jobs = [(builder.syntax, s) for s in sources]
    jobs += [(mutated, m) for m in tried]
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        for job in [pool.submit(*j) for j in jobs]:
            try:
                job.result()
            except CannotBuild as error:
                print(error)
                wrong += 1
    print(f"check-explored: {len(every)} sets, {len(tried)} mutants, "
          f"{wrong} wrong")
    return 1 if wrong else 0


def show_list(builder, chosen):
    every = sets()
    for name in chosen:
        program = builder.program(name, every[name])
        for line in run([program, "--list"]).splitlines():
            case, when, about = line.split("\t")
            print(f"{name:8} {case:17} {'' if when == 'quick' else '--all':6}"
                  f"{about}")
    for mutant in mutants():
        if mutant["set"] in chosen:
            print(f"{mutant['set']:8} {'mutant':17} {mutant['name']}: "
                  f"{mutant['about']}")


def arguments():
    parser = argparse.ArgumentParser(
        prog="verify", description="Explore every interleaving of the "
        "concurrent parts, and find each mutant of them.")
    parser.add_argument("sets", metavar="SET", nargs="*")
    parser.add_argument("--all", action="store_true",
                        help="cases that take minutes, too")
    parser.add_argument("--list", action="store_true",
                        help="sets, cases and mutants")
    parser.add_argument("--current", action="store_true",
                        help="explore nothing: do all sets compile, and is "
                        "each mutant's text in its source?")
    parser.add_argument("--mutant", metavar="NAME",
                        help="this mutant alone, with its trace")
    parser.add_argument("--json", metavar="FILE",
                        type=argparse.FileType("w"))
    parser.add_argument("--memory", choices=["sc", "tso", "weak"],
                        default="weak", help="which orders the processor "
                        "keeps (%(default)s)")
    parser.add_argument("--delayed", metavar="N", type=int, default=2,
                        choices=range(1, 5), help="stores that a thread may "
                        "delay (%(default)s)")
    parser.add_argument("--max-seconds", metavar="N", type=int, default=600,
                        help="for one case (%(default)s)")
    parser.add_argument("--max-mbytes", metavar="N", type=int, default=8192,
                        help="for one case (%(default)s)")
    parser.add_argument("--cc", default=os.environ.get("CC", "gcc"))
    parser.add_argument("--jobs", metavar="N", type=int,
                        default=len(os.sched_getaffinity(0)))
    parser.add_argument("--build", metavar="DIR", default="build/explore")
    return parser.parse_args()


def main():
    options = arguments()
    known = [s for s in sets() if s not in TEST_SETS]
    chosen = options.sets or known
    for name in chosen:
        if name not in sets():
            sys.exit(f"verify: no set {name}; there are {', '.join(known)}")
    word = re.sub(r"\W+", "-", options.cc)
    folder = os.path.join(TOP, options.build, word)
    output = Output(options.json)
    try:
        builder = Builder(options.cc, folder)
        if options.current:
            return check_current(builder)
        builder.engine()
        if options.list:
            show_list(builder, chosen)
            return 0
        run_all(output, options, builder, chosen)
    except CannotBuild as error:
        print(f"verify: {error}", file=sys.stderr)
        return 2
    output.total()
    return 1 if output.bad else 0


if __name__ == "__main__":
    sys.exit(main())
