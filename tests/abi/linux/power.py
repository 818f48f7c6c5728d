#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compare ioas, row by row, with Linux for POWER.

power.py --program FILE --qemu ROOT --kernels DIR [--ioas FILE] [--work DIR]
         [--show] [--whole] [--machine NAME...] [--name TEXT]

The program is abi-tce-kernel, built for ppc64el. Each machine boots and runs
the rows of tests/abi/tce twice: those that look at a device, whose DMA goes
through the tables of the emulated host bridge, and the others. Every answer,
what is in the argument, what a device reaches afterwards and what four more
calls answer has to be what the rows' own model of linux-6.12 says, and what
ioas (--ioas: abi-tce, of this machine) prints of the same row. What may differ
between those two is in the file "differences-power".

Rows that break a kernel are left out there; those of BREAKING are booted one by
one, and it is seen how they break it.

Of a call that is made in many states the first is taken in which the model
gives each answer; with --whole all of them, which takes three times as long.
--name takes the rows with TEXT in "subject, name (state)", and no others.
Exit status: 0 nothing else differs, 1 something does.
"""

import argparse
import concurrent.futures
import pathlib
import re
import subprocess
import sys
import tempfile

import compare
import machine

KERNEL = "linux-6.12"
SECONDS = 900
HANGS = 20  # a row that has not ended by then has stopped the machine
HOST = [f"000{n}:01:00.0" for n in range(3)]
MACHINES = {
    "power9": (machine.POWERNV9, HOST),
    "pseries": (machine.PSERIES, [f"000{n}:00:00.0" for n in range(3)]),
    "power8": (machine.POWERNV8, HOST),
}
# Rows that look at a device, and the others: a device takes its time, of which
# a clock that counts instructions has more than enough.
PASSES = {"-D": [], "-d": machine.BY_INSTRUCTIONS}
# What of the rows decides something on a machine that is like another: none of
# it looks at a device.
PART = {"power8": "CREATE, "}
CRASH = r"Oops|Unable to handle|Kernel panic|BUG: "
BREAKING = [
    ("power9", "MAP, across its end (mapped)", r"^ROW .*\|0\|"),
    ("power9", "UNMAP, far across its end (mapped)", CRASH),
    ("pseries", "MAP, across its end (mapped)", CRASH),
    ("power8", "MAP, no page at 0 (mapped)", r"ended: stopped in its rows"),
]


def first_answers(whole):
    """Options of the program, that choose rows."""
    return [] if whole else ["-o"]


def passes_file(name, options, text):
    """One pass; a blank of the text is its "?": words are split."""
    words = [name, "abi-tce-kernel", "-p", "-c", KERNEL, "-m", name, *options]
    if text:
        words += ["-n", text.replace(" ", "?")]
    return " ".join([*words, *MACHINES[name][1]]) + "\n"


class Judge:
    def __init__(self, arguments):
        self.arguments = arguments
        self.comparison = compare.Comparison(arguments.show,
                                             "differences-power")

    def boot(self, job):
        name, options, text, more = job
        runner = machine.Machine(
            self.arguments.qemu.resolve(), self.arguments.kernels.resolve(),
            self.arguments.work, MACHINES[name][0])
        log = "".join(c for c in f"{name}{options}{text}" if c.isalnum())
        return runner.run(KERNEL, self.arguments.program,
                          passes_file(name, options, text), SECONDS, log=log,
                          more=more,
                          stuck=HANGS if options == ["-b"] else None)

    def jobs(self):
        """Machine, options of the program, rows, options of QEMU."""
        whole = self.arguments.whole or self.arguments.name
        of_rows = [(name, [which, *first_answers(whole)],
                    self.arguments.name or PART.get(name, ""), more)
                   for which, more in PASSES.items()
                   for name in self.arguments.machine
                   if self.arguments.name or which == "-D" or name not in PART]
        if self.arguments.name:
            return of_rows
        return of_rows + [(name, ["-b"], text, [])
                          for name, text, _ in BREAKING
                          if name in self.arguments.machine]

    def of_ioas(self, job):
        name, options, text, _ = job
        words = ["-p", "-c", KERNEL, "-m", name, *options]
        if text:
            words += ["-n", text]
        run = subprocess.run([self.arguments.ioas, *words], text=True,
                             capture_output=True, check=False)
        return compare.rows(run.stdout.split("\n"))

    def judge_rows(self, job, lines):
        name, options = job[0], job[1][0]
        found = compare.rows(lines)
        wrong = [n for n, line in enumerate(lines)
                 if line.startswith("FAIL ")]
        for n in wrong:
            self.comparison.fail("\n".join(
                [f"{name} is not what the model says: {lines[n][5:]}",
                 *lines[n + 1:n + 10]]))
        end = [line for line in lines if line.startswith("DONE ")]
        if not found or not end:
            self.comparison.fail(f"{name} {options}: did not come to its end:\n"
                                 + "\n".join(lines[-30:]))
            return
        print(f"{name} {options}: {len(found)} rows, {len(wrong)} not as the "
              f"model says; {end[0].split()[-1]} s of its time")
        if self.arguments.ioas:
            self.comparison.one_pass(KERNEL, name, found, self.of_ioas(job))
        else:
            self.comparison.count += len(found)

    def judge_broken(self, job, lines):
        pattern = [how for name, text, how in BREAKING
                   if (name, text) == (job[0], job[2])][0]
        self.comparison.count += 1
        if any(re.search(pattern, line) for line in lines):
            print(f"{job[0]}: {job[2]}: breaks it as expected")
            return
        self.comparison.fail(f"{job[0]}: {job[2]}: no {pattern}:\n" +
                             "\n".join(lines[-30:]))

    def run(self):
        jobs = self.jobs()
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            for job, lines in zip(jobs, pool.map(self.boot, jobs)):
                if job[1] == ["-b"]:
                    self.judge_broken(job, lines)
                else:
                    self.judge_rows(job, lines)
        every = not self.arguments.name and self.arguments.ioas and \
            set(self.arguments.machine) == set(MACHINES)
        return self.comparison.finish(every)


def parse_arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--program", type=pathlib.Path, required=True)
    parser.add_argument("--qemu", type=pathlib.Path, required=True)
    parser.add_argument("--kernels", type=pathlib.Path, required=True)
    parser.add_argument("--ioas", type=pathlib.Path)
    parser.add_argument("--work", type=pathlib.Path)
    parser.add_argument("--show", action="store_true")
    parser.add_argument("--whole", action="store_true")
    parser.add_argument("--name", default="")
    parser.add_argument("--machine", nargs="+", default=list(MACHINES),
                        choices=list(MACHINES))
    return parser.parse_args()


def main():
    arguments = parse_arguments()
    if arguments.work:
        arguments.work.mkdir(parents=True, exist_ok=True)
        return Judge(arguments).run()
    with tempfile.TemporaryDirectory() as work:
        arguments.work = pathlib.Path(work)
        return Judge(arguments).run()


if __name__ == "__main__":
    sys.exit(main())
