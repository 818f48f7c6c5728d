# SPDX-License-Identifier: MIT
"""The public functions of a header and what their blocks promise."""

import re
from dataclasses import dataclass

from source_tree import arguments, blank


@dataclass
class Public:
    name: str
    line: int
    parameters: list  # names, in order
    doc: str          # the block before it, or None
    errnos: list      # "EINVAL", ..., as in its Return: paragraph
    inline: bool      # in the header: no library exports it


def functions_of(text):
    """Every IOAS_API function declared in a header, and each inline one that
    has a block."""
    code = blank(text)
    declaration = re.compile(
        r"^(?:IOAS_API|((?:IOAS_MUST )?static inline))\b"
        r"[^;{]*?\b(ioas_\w+)\s*\(", re.M)
    for m in declaration.finditer(code):
        end = closing(code, m.end() - 1)
        names = [parameter_name(p) for p in arguments(code[m.end():end])
                 if p != "..."]
        doc = block_before(text, m.start())
        if m[1] and not doc:
            continue
        yield Public(m[2], text.count("\n", 0, m.start()) + 1, names, doc,
                     errnos(doc), bool(m[1]))


def closing(code, at):
    """Offset of the parenthesis that closes the one at `at`."""
    depth = 0
    for i in range(at, len(code)):
        depth += {"(": 1, ")": -1}.get(code[i], 0)
        if depth == 0:
            return i
    return len(code)


def parameter_name(parameter):
    pointer = re.search(r"\(\s*\*\s*(\w+)", parameter)
    if pointer:
        return pointer[1]
    return re.findall(r"\w+", re.sub(r"\[.*?\]", "", parameter))[-1]


def block_before(text, at):
    before = text[:at].rstrip()
    if not before.endswith("*/"):
        return None
    start = before.rfind("/**")
    block = before[start:]
    # Another comment between the block and the function is not a block.
    return block if start >= 0 and block.count("*/") == 1 else None


def errnos(doc):
    found = re.search(r"^ \* Return:(.*?)(?=^ \*\s*$|^ \* \w+:|\*/)",
                      doc or "", re.M | re.S)
    if not found:
        return []
    return re.findall(r"^ \*\s+-(E[A-Z0-9]+)\s+\S", found[1], re.M)
