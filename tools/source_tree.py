# SPDX-License-Identifier: MIT
"""What the check-* tools share: the files of the tree, and C as they see it.

The C reader knows the layout that check-format enforces (a function's closing
brace stands in column 0); it is no compiler, and does not need one.
"""

import os
import re
import subprocess
import sys
from dataclasses import dataclass, field

SKIPPED = re.compile(r"^(build|build-.*|\.git|__pycache__|\.pytest_cache)$")


def top():
    """The project's folder: the one above tools/."""
    return os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def files(root, *endings):
    """Files below root that are ours, sorted, as paths relative to it.

    Ours is what git has or would take. Without git (a release, a copy) it is
    everything outside build folders.
    """
    try:
        out = subprocess.run(
            ["git", "-C", root, "ls-files", "-z", "--cached", "--others",
             "--exclude-standard", "."],
            capture_output=True, check=True).stdout.decode()
        found = [f for f in out.split("\0") if f]
    except (OSError, subprocess.CalledProcessError):
        found = list(walk(root))
    found = [f for f in found if os.path.isfile(os.path.join(root, f))]
    if endings:
        found = [f for f in found if f.endswith(endings)]
    return sorted(set(found))


def walk(root):
    for folder, folders, names in os.walk(root):
        folders[:] = [f for f in folders if not SKIPPED.match(f)]
        for name in names:
            yield os.path.relpath(os.path.join(folder, name), root)


def blank(text, strings=True):
    """C without comments (and strings): same length, same lines."""
    literal = r'"(?:\\.|[^"\\\n])*"' + r"|'(?:\\.|[^'\\\n])*'"
    token = re.compile(r"/\*.*?\*/|//[^\n]*|" + literal, re.S)

    def wipe(m):
        s = m.group()
        if s[0] in "\"'":
            return s[0] + " " * (len(s) - 2) + s[0] if strings else s
        return re.sub(r"[^\n]", " ", s)

    return token.sub(wipe, text)


def no_macros(text):
    """Without preprocessor lines; text is already blank()ed."""
    return re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*",
                  lambda m: re.sub(r"[^\n]", " ", m.group()), text,
                  flags=re.M)


def arguments(text):
    """Split a parameter list at its outer commas."""
    parts, depth, start = [], 0, 0
    for i, c in enumerate(text):
        if c in "([{":
            depth += 1
        elif c in ")]}":
            depth -= 1
        elif c == "," and depth == 0:
            parts.append(text[start:i])
            start = i + 1
    parts.append(text[start:])
    parts = [" ".join(p.split()) for p in parts]
    return [] if parts in ([""], ["void"]) else parts


@dataclass
class Function:
    name: str
    line: int      # of the name
    last: int      # of the closing brace
    start: int     # offset of the first byte of the declaration
    end: int       # offset behind the closing brace
    parameters: list = field(default_factory=list)
    body: str = ""

    @property
    def lines(self):
        return self.last - self.line + 1


def functions(text):
    """Every function defined in a C file."""
    code = no_macros(blank(text))
    head = re.compile(r"^(?![\s{}#])(?P<decl>[^;{}=]*?\b(?P<name>\w+)\s*"
                      r"\((?P<args>[^;{}]*)\)[^;{}()]*)\n?\{", re.M)
    at = 0
    while True:
        m = head.search(code, at)
        if not m:
            return
        close = code.find("\n}", m.end() - 1)
        if close < 0:
            return
        at = close + 2
        args = outer_arguments(code, m)
        yield Function(m["name"] if args is None else args[0],
                       code.count("\n", 0, m.start("name")) + 1,
                       code.count("\n", 0, close + 1) + 1,
                       m.start(), at,
                       arguments(m["args"] if args is None else args[1]),
                       code[m.end() - 1:at])


def outer_arguments(code, m):
    """(name, arguments) of the last outermost parentheses, or None."""
    decl, depth, end = code[m.start("decl"):m.end("decl")], 0, None
    for i in range(len(decl) - 1, -1, -1):
        if decl[i] == ")":
            end = i if depth == 0 else end
            depth += 1
        elif decl[i] == "(":
            depth -= 1
            if depth == 0:
                name = re.search(r"(\w+)\s*$", decl[:i])
                if name and name[1] != "__attribute__":
                    return name[1], decl[i + 1:end]
    return None


class Report:
    """Counts complaints, prints each as FILE:LINE: TEXT."""

    def __init__(self, tool):
        self.tool = tool
        self.count = 0

    def bad(self, path, line, text):
        print(f"{path}:{line}: {text}")
        self.count += 1

    def finish(self, summary):
        print(f"{self.tool}: {summary}, {self.count} wrong")
        sys.exit(1 if self.count else 0)
