# SPDX-License-Identifier: MIT
"""Run benchmarks, print a table, judge. Started by ./bench, which has --help.

A row has
  bench case unit     what was measured, lower is better
  min median          of all slices (micro) or runs (whole programs)
  per_second          how many that makes a second, by the minimum, where a
                      rate is asked for; else null. Only here more is better
  baseline            the peer: its minimum (micro), its median (programs)
  ratio               baseline / ours, the same two; above 1: ours is cheaper
  wanted              an expression like "ratio >= 10", or null: no bound
  met                 does it hold? null without a bound
"""

import argparse
import json
import operator
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time

import pseries

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.path.join(TOP, "build")
IOAS = os.path.join(BUILD, "ioas")
KEYS = ["bench", "case", "unit", "min", "median", "per_second", "baseline",
        "ratio", "wanted", "met"]
NVME = "nvme://0000:01:00.0/1"


class Options:
    """How long and how hard."""

    def __init__(self, smoke, slow):
        self.smoke = smoke
        self.slow = slow
        self.env = os.environ | ({"IOAS_BENCH_SMOKE": "1"} if smoke else {}) \
            | ({"IOAS_BENCH_SLOW": slow} if slow else {})
        # At least 5 interleaved runs of whole programs when it counts.
        self.runs = 1 if smoke else 7

    def slowed(self, case):
        """Whole programs: the case that is to look slow gets this delay."""
        if self.slow == case:
            time.sleep(0.1)


def micro(program, *arguments, ioas=None):
    """A C program of ours that prints rows; ioas: under ioas run, so."""
    def run(options):
        command = [os.path.join(BUILD, "benchmarks", program), *arguments]
        if ioas:
            command = [IOAS, "run", *ioas, "--"] + command
        out = subprocess.run(command, env=options.env, check=True, text=True,
                             stdout=subprocess.PIPE, timeout=600).stdout
        for line in out.splitlines():
            yield json.loads(line)
    return run


def ioctl(options):
    """What each wrapper costs, and UNMAP_DMA, which is called most."""
    yield from micro("bench-ioctl", ioas=("-d", "nvme,size=1M"))(options)
    yield from micro("bench-unmap",
                     ioas=("--profile", "power9", "-d", "edu"))(options)


def row(bench, case, unit, ours, baseline=None, wanted=None):
    """A row of whole programs from two lists of values."""
    median = statistics.median(ours)
    base = statistics.median(baseline) if baseline else None
    return {"bench": bench, "case": case, "unit": unit, "min": min(ours),
            "median": median, "baseline": base,
            "ratio": base / median if base and median > 0 else None,
            "wanted": wanted}


def requests(options):
    """How many of 4 KiB in one run."""
    return 200 if options.smoke else 20000


def file_bench(options, path, depth, write):
    """Microseconds a request when it is a system call and nothing else."""
    command = [os.path.join(BUILD, "benchmarks", "bench-file"), path,
               "write" if write else "read", str(depth),
               str(requests(options))]
    return float(subprocess.run(command, check=True, text=True, timeout=300,
                                stdout=subprocess.PIPE).stdout)


def qemu_bench(options, image, depth, write, prefix=(), how=()):
    """Microseconds a request of 4 KiB, or None: not possible here."""
    count = requests(options)
    command = [*prefix, "qemu-img", "bench", "-f", "raw", "-s", "4096", "-c",
               str(count), "-d", str(depth), *how, image]
    command += ["-w"] if write else []
    result = subprocess.run(command, check=False, text=True, timeout=300,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if result.returncode and "-n" in how:
        return None
    result.check_returncode()
    return float(re.search(r"completed in ([\d.]+) seconds",
                           result.stdout)[1]) * 1e6 / count


# The same file opened directly: by threads, and by native AIO, which goes past
# the page cache.
PLAIN = {"threads": ("-t", "writeback"), "native": ("-n", "-t", "none")}
MODES = ("adaptive", "inline", "thread")
# What the controller cannot go below: its file, by a system call a request.
LIMIT = "calls"
NVME_WANTED = {(False, 1): 1.3, (True, 1): 1.3, (False, 64): 1.5,
               (True, 64): 1.2}


def nvme_disks(folder):
    """Files written once: a hole is faster to read than any data.

    In pieces of 4 KiB, as the programs measured write them. What is written
    in one go lies in large folios of the page cache, where ext4 takes 5 us
    for a write of 4 KiB instead of 1 us, whoever makes it.
    """
    files = [os.path.join(folder, n) for n in ("disk", "plain")]
    for path in files:
        with open(path, "wb", buffering=0) as f:
            data = os.urandom(1 << 20)
            for at in range(0, len(data) * 64, 4096):
                f.write(data[at % len(data):at % len(data) + 4096])
            # Or the disk is busy with it while others are measured.
            os.fsync(f.fileno())
    return files


def nvme_times(options, files, depth, write):
    """A list of times for each mode and each plain way, interleaved."""
    ways = {}
    for mode in MODES:
        # The default is to be good without an option.
        more = "" if mode == "adaptive" else f",mode={mode}"
        device = f"nvme,file={files[0]}{more}"
        ways[mode] = (NVME, [IOAS, "run", "-d", device, "--"], ())
    for name, how in PLAIN.items():
        # At depth 1 it waits for the medium, request by request.
        if depth > 1 or name == "threads":
            ways[name] = (files[1], (), how)
    times = {name: [] for name in [*ways, LIMIT]}
    for _ in range(options.runs):
        times[LIMIT].append(file_bench(options, files[0], depth, write))
        for name, (image, prefix, how) in ways.items():
            time_ = qemu_bench(options, image, depth, write, prefix, how)
            if time_ is not None:
                times[name].append(time_)
    return times


def nvme(options):
    """qemu-img on the emulated controller beside the plain file."""
    with tempfile.TemporaryDirectory(prefix="ioas-bench-") as folder:
        files = nvme_disks(folder)
        for (write, depth), wanted in NVME_WANTED.items():
            times = nvme_times(options, files, depth, write)
            plain = {n: times[n] for n in PLAIN if times.get(n)}
            best = min(plain, key=lambda n: statistics.median(plain[n]))
            case = f"{'write' if write else 'read'} 4K, depth {depth}"
            for mode in MODES:
                bound = f"ratio >= {wanted}" if mode == "adaptive" else None
                yield row("nvme", f"{case}, {mode}", "us", times[mode],
                          plain[best], bound)
            for name, values in plain.items():
                yield row("nvme", f"{case}, file, {name}", "us", values)
            yield row("nvme", f"{case}, file, {LIMIT}", "us", times[LIMIT])


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as f:
        return [int(pid) for pid in f.read().split()]


def cpu_ns(pid):
    """Time on a processor of all threads of a process."""
    total = 0
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/schedstat",
                  encoding="ascii") as f:
            total += int(f.read().split()[0])
    return total


def idle(options):
    """A process that holds an open controller and waits."""
    command = [IOAS, "run", "-d", "nvme,size=1M", "--", "qemu-io", "-f",
               "raw", NVME]
    with subprocess.Popen(command, stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          text=True) as process:
        process.stdin.write("read 0 4096\n")
        process.stdin.flush()
        for line in process.stdout:
            if "read 4096/4096" in line:
                break
        time.sleep(0.2)
        pids = [process.pid, *children(process.pid)]
        used = []
        for _ in range(1 if options.smoke else 3):
            before = sum(map(cpu_ns, pids))
            time.sleep(0.1 if options.smoke else 2)
            used.append((sum(map(cpu_ns, pids)) - before) / 1e6)
        process.communicate("quit\n")
    yield row("idle", "CPU time in 2 s, controller open", "ms", used,
              wanted="median <= 0")


def elapsed_ms(command):
    start = time.perf_counter()
    subprocess.run(command, check=True)
    return (time.perf_counter() - start) * 1e3


def peak_mib(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return int(re.search(r"VmHWM:\s*(\d+)", f.read())[1]) / 1024


def cost_of_a_read(command):
    """Milliseconds to the first block, and MiB of all its processes."""
    begin = time.perf_counter()
    with subprocess.Popen(command, stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          text=True) as process:
        process.stdin.write("read 0 4096\n")
        process.stdin.flush()
        while "read 4096/4096" not in (line := process.stdout.readline()):
            if not line:
                sys.exit(f"{' '.join(command)}: no block was read")
        ms = (time.perf_counter() - begin) * 1e3
        mib = sum(map(peak_mib, [process.pid, *children(process.pid)]))
        process.communicate("quit\n")
    return ms, mib


def first_io(options):
    """From nothing to the first block, beside the same on a file."""
    added = []
    with tempfile.TemporaryDirectory(prefix="ioas-bench-") as folder:
        disk, _ = nvme_disks(folder)
        command = ["qemu-io", "-f", "raw"]
        for _ in range(options.runs):
            plain = cost_of_a_read([*command, disk])
            ours = cost_of_a_read([IOAS, "run", "-d", "nvme,size=64M", "--",
                                   *command, NVME])
            added.append([a - b for a, b in zip(ours, plain)])
    for unit, limit, values in zip(("ms", "MiB"), (300, 30), zip(*added)):
        yield row("start", f"added to the first read, {unit}", unit, values,
                  wanted=f"median <= {limit}")


def start(options):
    """What the tool adds to a program that does nothing."""
    for case, extra in (("added to /bin/true", []),
                        ("added, with an nvme", ["-d", "nvme,size=64M"])):
        command = [IOAS, "run", *extra, "--", "/bin/true"]
        added, plain = [], []
        for _ in range(3 * options.runs):
            plain.append(elapsed_ms(["/bin/true"]))
            begin = time.perf_counter()
            elapsed_ms(command)
            options.slowed(case)
            added.append((time.perf_counter() - begin) * 1e3 - plain[-1])
        result = row("start", case, "ms", added, plain, "median <= 15")
        yield result | {"ratio": None}
    yield from first_io(options)


def findings(options):
    """What checks add to a pair of calls, in processes of their own by turns.
    The minimum counts: whatever disturbs the machine only adds."""
    took = {"default": [], "none": []}
    for _ in range(options.runs):
        for checks, values in took.items():
            out = subprocess.run(
                [IOAS, "run", "-d", "edu", "--check", checks, "--",
                 os.path.join(BUILD, "benchmarks", "bench-findings")],
                env=options.env, check=True, text=True,
                stdout=subprocess.PIPE, timeout=300).stdout
            values.append(json.loads(out)["min"])
    result = row("findings", "MAP+UNMAP of 4 KiB, checked", "ns",
                 took["default"], took["none"])
    yield result | {"baseline": min(took["none"]),
                    "ratio": min(took["none"]) / min(took["default"])}
    added = min(took["default"]) - min(took["none"])
    yield {"bench": "findings", "case": "added by the checks", "unit": "ns",
           "min": added, "median": statistics.median(took["default"]) -
           statistics.median(took["none"]), "baseline": None, "ratio": None,
           "wanted": "min <= 200"}


def mmio(options):
    """Registers and copies; how the device runs is chosen by its mode."""
    program = os.path.join(BUILD, "benchmarks", "bench-mmio")
    for mode, more in (("inline", ["traps"]), ("thread", [])):
        out = subprocess.run(
            [IOAS, "run", "-d", f"ioat,mode={mode}", "--report-file",
             os.devnull, "--", program, mode, *more], env=options.env,
            check=True, text=True, stdout=subprocess.PIPE, timeout=300).stdout
        for line in out.splitlines():
            yield json.loads(line)


def mem(options):
    """With libraries that are shared, and what is called with static ones."""
    yield from micro("bench-mem")(options)
    yield from micro("bench-mem-static", "static")(options)


def guest(options):
    """Linux for POWER that maps all its memory and reads and writes a disk."""
    ours, plain, qemus = pseries.times(1 if options.smoke else pseries.RUNS)
    # At most 1.3 times as much.
    yield row("pseries", "boot, 1 GiB mapped, disk used", "ms", ours, plain,
              "ratio >= 0.769")
    yield row("pseries", "the same with QEMU's nvme", "ms", qemus, plain)
    yield row("pseries", "ours beside QEMU's nvme", "ms", ours, qemus)


BENCHES = {
    "translate": ("device address to memory, hot random",
                  micro("bench-core", "translate")),
    "map": ("map and unmap a piece of memory", micro("bench-core", "map")),
    "pt": ("page tables in each format: map and unmap, look-ups",
           micro("bench-pt")),
    "mem": ("registered memory, beside what others find it by",
            mem),
    "iova": ("I/O addresses by an allocator, 1 to 32 pages, beside magazines "
             "under locks", micro("bench-iova")),
    "asid": ("address-space identifiers: switch, pins, rollover, beside a "
             "compare and swap a switch", micro("bench-asid")),
    "window": ("DMA windows: 512 entries in a call, beside a look-up, a count "
               "and an exchange for each", micro("bench-window")),
    "live": ("the same with a million mappings alive", micro("bench-live")),
    "interrupt": ("interrupts as messages", micro("bench-interrupt")),
    "ioctl": ("calls through the wrappers",
              ioctl),
    "mmio": ("a trapped register beside a bare fault; the I/OAT engine, BYTES "
             "x copies a store", mmio),
    "findings": ("what checks add to a mapping", findings),
    "start": ("what ioas run adds to a program's start", start),
    "idle": ("CPU time of an open controller", idle),
    "nvme": ("qemu-img bench on nvme:// beside the file, the faster way", nvme),
    "pseries": ("processor's time of a guest of POWER with our device, beside "
                "the same boot without", guest),
}

COMPARE = {"<=": operator.le, ">=": operator.ge}


def judge(result):
    """Does "KEY OPERATOR NUMBER" hold of this row?"""
    if result["wanted"] is None:
        return None
    key, compare, bound = result["wanted"].split()
    value = result[key]
    return value is not None and COMPARE[compare](value, float(bound))


def number(value):
    if value is None:
        return "-"
    if value and abs(value) < 0.1:
        return f"{value:.4f}"
    return f"{value:.2f}" if abs(value) < 1000 else f"{value:.0f}"


def print_header(options):
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        model = re.search(r"model name\s*: (.*)", f.read())
    print(f"{model[1] if model else platform.machine()}, "
          f"{os.cpu_count()} CPUs, Linux {platform.release()}, "
          f"load {os.getloadavg()[0]:.2f}")
    if options.smoke:
        print("a smoke run: the numbers mean nothing")
    print(f"\n{'case':36}{'unit':4}{'min':>8}{'median':>8}{'a second':>9}"
          f"{'baseline':>9}{'ratio':>7} {'wanted':15}met")


def rate(value):
    """Six places at most: 8200000 is 8200k."""
    if value is None:
        return "-"
    return f"{value / 1e3:.0f}k" if value >= 1e5 else f"{value:.0f}"


def print_row(result):
    """In 100 columns."""
    met = {None: "", True: "yes", False: "NO"}[result["met"]]
    print(f"{result['case']:36}{result['unit']:4}{number(result['min']):>8}"
          f"{number(result['median']):>8}{rate(result['per_second']):>9}"
          f"{number(result['baseline']):>9}{number(result['ratio']):>7} "
          f"{result['wanted'] or '':15}{met}".rstrip(), flush=True)


def main():
    parser = argparse.ArgumentParser(prog="./bench")
    parser.add_argument("name", nargs="*", help="some only; all without")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--json", metavar="FILE", help="rows, one a line")
    parser.add_argument("--smoke", action="store_true",
                        help="a moment each: is the output right?")
    parser.add_argument("--slow", metavar="CASE",
                        help="slow this case down, to see its bound missed")
    args = parser.parse_args()
    if args.list:
        for name, (text, _) in BENCHES.items():
            print(f"{name:10} {text}")
        return 0
    unknown = set(args.name) - set(BENCHES)
    if unknown:
        parser.error(f"no such bench: {', '.join(sorted(unknown))}; "
                     "see ./bench --list")
    options = Options(args.smoke, args.slow)
    print_header(options)
    results = []
    for name in args.name or BENCHES:
        text, rows = BENCHES[name]
        print(f"\n{name}: {text}")
        for result in rows(options):
            result = dict.fromkeys(KEYS) | result
            result["met"] = judge(result)
            results.append({key: result[key] for key in KEYS})
            print_row(results[-1])
    if args.json:
        with open(args.json, "w", encoding="utf-8") as f:
            f.writelines(json.dumps(r) + "\n" for r in results)
    missed = [r for r in results if r["met"] is False]
    bounds = [r for r in results if r["met"] is not None]
    print(f"\n{len(results)} measured, {len(bounds) - len(missed)} of "
          f"{len(bounds)} bounds met")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
