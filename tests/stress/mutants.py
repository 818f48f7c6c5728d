#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Would the stress see what is wrong?

Each entry of mutants.toml replaces one text of one source by a wrong one. That
source is compiled again, all of its folder when it is a header, and what is
named there is run: a stress, or a unit test. It has to fail, with one of the
laws named when it is a stress. A mutant that lives is a failure, and so is a
stress that fails without one.

Run after a build; BUILD has the other sources' objects.
"""

import argparse
import glob
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import tomllib

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.join(HERE, "..", "..")
FLAGS = ["-std=gnu11", "-O2", "-D_GNU_SOURCE", "-fno-strict-aliasing",
         "-pthread"]
# By their names in mutants.toml: tests/stress/*.c, and what it is told beside
# the seconds.
STRESSES = {"stress": ("registry",), "follow": ("follow",),
            "dirty": ("dirty",), "asid": ("asid", "--no-controls"),
            "asid-exchange": ("asid", "--exchange", "--no-controls")}


class Tools:
    def __init__(self, build, folder, seconds):
        self.build = build
        self.folder = folder
        self.seconds = seconds
        self.mains = {}  # program -> its own objects, without a mutant

    def sources(self, mutant):
        """A copy of src/ with the mutant in it."""
        tree = os.path.join(self.folder, "src")
        shutil.rmtree(tree, ignore_errors=True)
        shutil.copytree(os.path.join(TOP, "src"), tree)
        if not mutant:
            return tree
        path = os.path.join(self.folder, mutant["file"])
        with open(path, encoding="utf-8") as f:
            text = f.read()
        with open(path, "w", encoding="utf-8") as f:
            f.write(text.replace(mutant["old"].strip("\n"),
                                 mutant["new"].strip("\n")))
        return tree

    def compile(self, sources, tree, folder):
        os.makedirs(folder, exist_ok=True)
        objects = []
        for source in sources:
            objects.append(os.path.join(
                folder, os.path.basename(source)[:-2] + ".o"))
            subprocess.run(
                ["gcc", *FLAGS, "-I", os.path.join(TOP, "include"), "-I", tree,
                 "-c", "-o", objects[-1], source], check=True)
        return objects

    def main(self, name, tree, header):
        """Objects of a stress or a test itself: with a header that has the
        mutant in it compiled for it, else once."""
        sources = [f"tests/stress/{STRESSES[name][0]}.c"] \
            if name in STRESSES else [f"tests/unit/{name}_test.c"]
        if name == "pt_formats":
            sources.append("tests/unit/pt_reader.c")
        sources = [os.path.join(TOP, source) for source in sources]
        if header:
            return self.compile(sources, tree,
                                os.path.join(self.folder, "main-mutant"))
        if name not in self.mains:
            self.mains[name] = self.compile(
                sources, tree, os.path.join(self.folder, f"main-{name}"))
        return self.mains[name]

    def program(self, tree, name, mutant):
        """The stress or the test, with the mutant in place of the source."""
        changed = []
        header = False
        if mutant:
            path = os.path.join(self.folder, mutant["file"])
            header = path.endswith(".h")
            changed = sorted(glob.glob(
                os.path.join(os.path.dirname(path), "*.c"))) \
                if header else [path]
        rig = [os.path.join(self.build, "tests/unit/libioas-rig.a"),
               "-lcmocka"] if name not in STRESSES else []
        vfio = [os.path.join(self.build, "src/libioas-vfio.a")] \
            if name.startswith(("dirty", "uapi_")) else []
        out = os.path.join(self.folder, "program")
        # What an object here has is not taken from the libraries.
        subprocess.run(
            ["gcc", "-pthread", "-o", out, *self.main(name, tree, header),
             *self.compile(changed, tree,
                           os.path.join(self.folder, "changed")),
             *rig, *vfio, os.path.join(self.build, "src/libioas-core.a"),
             os.path.join(self.build, "src/libioas-host.a"), *rig],
            check=True)
        return out

    def run(self, name, program):
        """(failed, the law or the test that it says)"""
        arguments = [str(self.seconds), *STRESSES[name][1:]] \
            if name in STRESSES else []
        with subprocess.Popen([program, *arguments], text=True,
                              errors="replace", stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT) as process:
            end = threading.Timer(120, process.kill)
            end.start()
            said = next((line.strip() for line in process.stdout
                         if "is broken" in line or "FAILED" in line), "")
            late = not end.is_alive()
            end.cancel()
            if said:
                # What it left behind may let the next test wait for ever.
                process.kill()
                return True, said
        if late:
            return True, "does not end"
        if process.returncode < 0:
            return True, f"signal {-process.returncode}"
        return process.returncode not in (0, 2), ""


def misplaced(mutants):
    """Those whose old text is not once in the source, said of each."""
    names = []
    for mutant in mutants:
        with open(os.path.join(TOP, mutant["file"]), encoding="utf-8") as f:
            times = f.read().count(mutant["old"].strip("\n"))
        if times != 1:
            print(f"{mutant['name']}: {mutant['file']} has its old text "
                  f"{times} times")
            names.append(mutant["name"])
    return names


def killed(tools, mutant):
    tree = tools.sources(mutant)
    program = tools.program(tree, mutant["by"], mutant)
    begin = time.monotonic()
    failed, said = False, ""
    # What races may be lucky once.
    for _ in range(6):
        failed, said = tools.run(mutant["by"], program)
        if failed:
            break
    if failed and mutant.get("law"):
        failed = any(law in said.replace("_", "-") for law in mutant["law"])
    print(f"{'killed' if failed else 'LIVES':7}{mutant['name']:28}"
          f"{mutant['by']:16}{time.monotonic() - begin:5.1f} s  {said}",
          flush=True)
    return failed


def main():
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=os.path.join(TOP, "build"))
    parser.add_argument("--seconds", type=int, default=4,
                        help="of a stress run")
    parser.add_argument("name", nargs="*", help="some mutants only")
    args = parser.parse_args()
    with open(os.path.join(HERE, "mutants.toml"), "rb") as f:
        mutants = tomllib.load(f)["mutant"]
    mutants = [m for m in mutants if not args.name or m["name"] in args.name]
    astray = misplaced(mutants)
    if astray:
        print(f"0 passed, {len(astray)} failed")
        return 1
    begin = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="ioas-mutants-") as folder:
        tools = Tools(args.build, folder, args.seconds)
        failed = 0
        for name in STRESSES:
            program = tools.program(tools.sources(None), name, None)
            broke, said = tools.run(name, program)
            failed += broke
            if broke:
                print(f"{name} fails without a mutant: {said}")
        lived = sum(not killed(tools, m) for m in mutants)
    print(f"{len(mutants) - lived} passed, {lived + failed} failed in "
          f"{time.monotonic() - begin:.1f}s")
    return 1 if lived or failed or not mutants else 0


sys.exit(main())
