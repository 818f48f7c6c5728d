#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compare ioas, row by row, with real kernels.

compare.py --build DIR --qemu ROOT --kernels DIR [--machine x86|arm]
           [--program FILE] [--work DIR] [--show] [--kernel NAME...]
           [--pass NAME...]

Each kernel is booted in machines of its own (machine.py) and runs the table of
tests/abi; ioas runs it with the IOMMU that the machine has and devices made
after the machine's facts, in the contract that has the kernel's name. Each row
must come to the same: the answer, the words that changed in the argument, the
events raised, what the container and the group say afterwards. What may differ
is in the file "differences", for Arm "differences-arm", each line with a reason
that also stands in docs/DIFFERENCES.md; a line that nothing differs by fails
too.

The program is abi-kernel, built for that machine; of --build by default.
--show prints every row that differs, expected or not.
Exit status: 0 nothing else differs, 1 something does.
"""

import argparse
import collections
import concurrent.futures
import fnmatch
import pathlib
import re
import subprocess
import sys
import tempfile

import machine

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent.parent
KERNELS = ["linux-6.12", "linux-7.3"]
SECONDS = 1800
# Rows of "reserved ranges" and "DMA logging" meet ordinary devices on both
# sides: what a container says is usable as groups join and leave, and that
# there is no log. No device behind QEMU's intel-iommu has ranges of its own
# (there is no RMRR), and vfio-pci has no log for any device.

# What the device has a part in, without the many rows that are about arguments
# only: the reset of a real device takes its time.
SHORT = ["device", "SET_IRQS of INTx", "FEATURE", "hot reset", "IOEVENTFD",
         "read and write", "configuration space", "mmap"]

# What the IOMMU and the interrupt controller have a part in, without the many
# rows that are about arguments only.
IOMMU = ["container", "group", "IOMMU_GET_INFO", "MAP_DMA", "UNMAP_DMA",
         "reserved ranges", "device", "SET_IRQS", "SET_IRQS of INTx",
         "arm-smmuv3"]

# Pass: the devices of groups 1, 2 and 3; sets, or all that the machine can
# answer; whether what a BAR reads as is compared; in the machine whose
# interrupts are not isolated.
Pass = collections.namedtuple("Pass", "devices sets content shared",
                              defaults=[None, False, False])
PASSES = {
    "xhci": Pass(["xhci", "nvme", "testdev"]),
    "memory": Pass(["memory", "nvme", "testdev"], SHORT, True),
    "edu": Pass(["edu", "nvme", "testdev"], SHORT),
    "e1000e": Pass(["e1000e", "xhci", "testdev"], SHORT),
    "nvme": Pass(["nvme", "xhci", "testdev"], SHORT),
    "igb": Pass(["igb", "xhci", "testdev"], SHORT),
    "iommu": Pass(["xhci", "nvme", "testdev"], IOMMU),
    "shared": Pass(["xhci", "nvme", "testdev"], shared=True),
}

# Of an architecture: ioas's name of the IOMMU; the machines, with isolated
# interrupts and without; the file of what may differ; passes. What is about
# devices alone is the same code everywhere: it is asked on x86.
Board = collections.namedtuple("Board", "profile kinds differences passes")
BOARDS = {
    "x86": Board("intel", [machine.X86, machine.X86_SHARED], "differences",
                 [*(x for x in PASSES if x != "iommu")]),
    "arm": Board("arm-smmuv3", [machine.ARM, machine.ARM_SHARED],
                 "differences-arm", ["iommu", "shared"]),
}


def options(board, name, contract):
    chosen = PASSES[name]
    words = ["-p", "-c", contract, "-m", board.profile]
    if chosen.shared:
        words.append("-i")
    if not chosen.content:
        words.append("-o")
    for subject in chosen.sets or []:
        words += ["-s", subject.replace(" ", "_")]
    return words


def passes_file(board, names, contract):
    return "".join(
        " ".join([name, "abi-kernel", *options(board, name, contract),
                  *(machine.ADDRESS[d] for d in PASSES[name].devices)]) + "\n"
        for name in names)


def rows(lines):
    """Of each row, "subject|name|state", what it came to."""
    found, count = {}, collections.Counter()
    for line in lines:
        if not line.startswith("ROW "):
            continue
        words = line[4:].split("|", 3)
        key = "|".join(words[:3])
        count[key] += 1
        if count[key] > 1:
            key += f"|{count[key]}"
        found[key] = words[3] if len(words) > 3 else ""
    return found


def sections(lines):
    """The lines of each pass that came to its end."""
    found, name, begin = {}, None, 0
    for number, line in enumerate(lines):
        if line.startswith("PASS "):
            name, begin = line[5:], number + 1
        elif name and line.startswith(f"DONE {name} 0 "):
            found[name] = lines[begin:number]
    return found


def ioas_rows(arguments, kernel, name, lines):
    facts = arguments.work / f"{kernel}.{name}.facts"
    facts.write_text("".join(line + "\n" for line in lines
                             if line.startswith("FACT ")))
    run = subprocess.run([arguments.build / "tests/abi/abi",
                          *options(arguments.board, name, kernel), facts],
                         capture_output=True, text=True, check=True)
    return rows(run.stdout.split("\n"))


class Differences:
    """The file of what may differ."""

    def __init__(self, path, document):
        self.lines = []
        self.used = set()
        self.wrong = []
        text = " ".join(document.read_text().split())
        for line in path.read_text().split("\n"):
            if not line or line.startswith("#"):
                continue
            where, pattern, reason = (part.strip()
                                      for part in line.split("\t"))
            for one in where.split(","):
                self.lines.append((one, pattern, f"{one}, {pattern}"))
            if " ".join(reason.split()) not in text:
                self.wrong.append(f"{document.name} does not say: {reason}")

    def allows(self, kernel, name, key):
        allowed = False
        for where, pattern, line in self.lines:
            if fnmatch.fnmatchcase(f"{kernel}/{name}", where) and \
                    fnmatch.fnmatchcase(key, pattern):
                self.used.add(line)
                allowed = True
        return allowed

    def unused(self):
        return [line for _, _, line in self.lines if line not in self.used]


class Comparison:
    def __init__(self, show, differences):
        self.show = show
        self.count = self.failed = self.differ = 0
        self.differences = Differences(HERE / differences,
                                       ROOT / "docs/DIFFERENCES.md")

    def fail(self, text):
        self.failed += 1
        print(f"FAIL {text}")

    def one(self, kernel, name, key, answers):
        self.count += 1
        if answers[0] == answers[1]:
            return
        self.differ += 1
        allowed = self.differences.allows(kernel, name, key)
        if not allowed:
            self.failed += 1
        if self.show or not allowed:
            print(f"{'differs' if allowed else 'FAIL'} {kernel} {name}: {key}\n"
                  f"     Linux: {answers[0]}\n     ioas:  {answers[1]}")

    def one_pass(self, kernel, name, of_linux, of_ioas):
        if not of_linux:
            self.fail(f"{kernel} {name}: no rows")
        for key in of_linux.keys() | of_ioas.keys():
            if key not in of_linux or key not in of_ioas:
                self.fail(f"{kernel} {name}: {key}: only one of both has it")
        for key, answer in of_linux.items():
            if key in of_ioas:
                self.one(kernel, name, key, (answer, of_ioas[key]))

    def finish(self, complete):
        for text in self.differences.wrong:
            self.fail(text)
        for line in self.differences.unused() if complete else []:
            self.fail(f"nothing differs by this line: {line}")
        print(f"{self.differ} differ, all but those named FAIL by "
              f"{len(self.differences.lines)} lines of differences")
        total = max(self.count, self.failed)
        print(f"{total} rows, {total - self.failed} passed, "
              f"{self.failed} failed")
        return 1 if self.failed else 0


def parse_arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("--qemu", type=pathlib.Path, required=True)
    parser.add_argument("--kernels", type=pathlib.Path, required=True)
    parser.add_argument("--machine", default="x86", choices=list(BOARDS))
    parser.add_argument("--program", type=pathlib.Path)
    parser.add_argument("--work", type=pathlib.Path)
    parser.add_argument("--show", action="store_true")
    parser.add_argument("--kernel", nargs="+", default=KERNELS,
                        choices=KERNELS)
    parser.add_argument("--pass", nargs="+", choices=list(PASSES),
                        dest="passes")
    arguments = parser.parse_args()
    arguments.build = arguments.build.resolve()
    arguments.program = (arguments.program or
                         arguments.build / "tests/abi/abi-kernel").resolve()
    arguments.board = BOARDS[arguments.machine]
    arguments.passes = arguments.passes or arguments.board.passes
    return arguments


def boot(arguments, job):
    kernel, shared, passes = job
    runner = machine.Machine(
        arguments.qemu.resolve(), arguments.kernels.resolve(), arguments.work,
        arguments.board.kinds[shared])
    return runner.run(kernel, arguments.program,
                      passes_file(arguments.board, passes, kernel), SECONDS,
                      log=f"{kernel}-shared" if shared else kernel)


def jobs(arguments):
    """Kernel, whether interrupts are not isolated, passes. Long ones first."""
    for shared in (False, True):
        passes = [name for name in arguments.passes
                  if PASSES[name].shared == shared]
        for kernel in arguments.kernel if passes else []:
            yield kernel, shared, passes


def compare(arguments):
    comparison = Comparison(arguments.show, arguments.board.differences)
    machines = list(jobs(arguments))
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        consoles = list(pool.map(lambda job: boot(arguments, job), machines))
    for (kernel, _, passes), lines in zip(machines, consoles):
        version = (arguments.kernels / kernel / "version").read_text().strip()
        print(f"{kernel} is {version}; seconds since its start, by pass: " +
              ", ".join(re.sub("DONE (\\S+) \\S+ ", "\\1 ", line)
                        for line in lines if line.startswith("DONE ")))
        found = sections(lines)
        for name in passes:
            if name not in found:
                comparison.fail(f"{kernel} {name}: did not come to its end:\n"
                                + "\n".join(lines[-30:]))
                continue
            comparison.one_pass(
                kernel, name, rows(found[name]),
                ioas_rows(arguments, kernel, name, found[name]))
    return comparison.finish(arguments.kernel == KERNELS and
                             arguments.passes == arguments.board.passes)


def main():
    arguments = parse_arguments()
    if arguments.work:
        arguments.work.mkdir(parents=True, exist_ok=True)
        return compare(arguments)
    with tempfile.TemporaryDirectory() as work:
        arguments.work = pathlib.Path(work)
        return compare(arguments)


if __name__ == "__main__":
    sys.exit(main())
