# SPDX-License-Identifier: MIT
"""The decoder of AArch64's loads and stores beside that of binutils: every
value of the bits that say what an instruction is, with some registers each.
"""

import os
import re
import subprocess

import pytest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
LOAD, STORE = 1, 2
OFFSET, PRE, POST, INDEX, LITERAL = range(5)
BYTES = {"b": 1, "h": 2, "w": 4, "s": 4, "x": 8, "d": 8, "q": 16}
EXTENDS = {"uxtw": 2, "lsl": 3, "sxtw": 6, "sxtx": 7}
NAME = re.compile(r"(ld|st)(np|p|apur|lur|apr|lar|llr|ar|lr|ur|tr|r)"
                  r"(s?)([bhw]?)$")
PLAIN = re.compile(r"\[(\w+)(?:, #(-?\d+))?\](!?)$")
AFTER = re.compile(r"\[(\w+)\], #(-?\d+)$")
INDEXED = re.compile(r"\[(\w+), (\w+)(?:, (\w+)(?: #(\d+))?)?\]$")


def number(register):
    return 31 if register in ("sp", "xzr", "wzr") else int(register[1:])


def address(text):
    """base, rn, rm, extend, shift, offset of "[x1, #8]!" and the like."""
    found = PLAIN.match(text)
    if found:
        return (PRE if found[3] else OFFSET, number(found[1]), 0, 0, 0,
                int(found[2] or 0))
    found = AFTER.match(text)
    if found:
        return POST, number(found[1]), 0, 0, 0, int(found[2])
    found = INDEXED.match(text)
    return (INDEX, number(found[1]), number(found[2]),
            EXTENDS[found[3] or "lsl"], int(found[4] or 0), None)


def read(at, text):
    """What a line of the disassembler means, or None: no load or store."""
    name, _, operands = text.partition("\t")
    found = NAME.match(name)
    if not found:
        return None
    operands = operands.partition("//")[0].strip()
    registers, bracket, rest = operands.partition("[")
    names = [x.strip() for x in registers.split(",") if x.strip()]
    if bracket:
        base, rn, rm, extend, shift, offset = address("[" + rest)
    else:
        base, rn, rm, extend, shift = LITERAL, None, 0, 0, 0
        offset = int(names.pop(), 16) - at
        offset = (offset + (1 << 63)) % (1 << 64) - (1 << 63)
    kind = names[0][0]
    return {
        "kind": LOAD if found[1] == "ld" else STORE, "base": base,
        "size": BYTES[found[4] or kind], "pair": int(found[2] in ("p", "np")),
        "vector": int(kind in "bhsdq"), "sign": int(bool(found[3])),
        "wide": int(kind == "x"), "rt": number(names[0]),
        "rt2": number(names[1]) if len(names) > 1 else None, "rn": rn,
        "rm": rm, "extend": extend, "shift": shift, "offset": offset}


def unpredictable(word, text, is_):
    pair, rn = is_["pair"], is_["rn"]
    # Two registers that are not there have to be all ones.
    if re.match(r"(ld|st)(a|l|la|ll)r|ldapr", text) and (
            int(word, 16) | ~(0x1f0000 if "apr" in text else 0x1f7c00)) != -1:
        return True
    if is_["kind"] == LOAD and pair and is_["rt"] == is_["rt2"]:
        return True
    return (is_["base"] in (PRE, POST) and not is_["vector"] and rn != 31 and
            (rn == is_["rt"] or (pair and rn == is_["rt2"])))


def agrees(line, at, word, text):
    is_ = read(int(at, 16), text)
    known = is_ is not None and not unpredictable(word, text, is_)
    if not known or line.startswith("unknown"):
        return not known and line.startswith("unknown")
    return all(want is None or int(got) == want
               for got, want in zip(line.split(), is_.values()))


@pytest.fixture(name="words", scope="module")
def fixture_words(tmp_path_factory):
    """Lines of ours and lines of the disassembler."""
    folder = tmp_path_factory.mktemp("words")
    program, file = str(folder / "words"), str(folder / "file")
    subprocess.run(["gcc", "-O2", "-Wall", "-I", TOP, "-I", f"{TOP}/src",
                    "-I", f"{TOP}/include", "-o", program,
                    f"{TOP}/tests/cross/words.c",
                    f"{TOP}/preload/decode_aarch64.c"], check=True)
    ours = subprocess.run([program, file], check=True, text=True,
                          stdout=subprocess.PIPE).stdout.splitlines()
    theirs = subprocess.run(
        ["aarch64-linux-gnu-objdump", "-D", "-z", "-b", "binary", "-m",
         "aarch64", "-M", "no-aliases", file], check=True, text=True,
        stdout=subprocess.PIPE).stdout
    theirs = re.findall(r"^ *([0-9a-f]+):\t([0-9a-f]{8}) \t(.*)$", theirs,
                        re.M)
    assert len(ours) == len(theirs) > 200000
    return ours, theirs


def test_every_class_is_read_as_binutils_reads_it(words):
    wrong, known = [], 0
    for line, (at, word, text) in zip(*words):
        known += not line.startswith("unknown")
        if not agrees(line, at, word, text):
            wrong.append(f"{word} {text}: {line}")
    assert not wrong, f"{len(wrong)} wrong:\n" + "\n".join(wrong[:40])
    assert known > 40000


def test_what_is_refused_by_name_is_what_binutils_calls_so(words):
    """A reason is a claim, too."""
    names = {
        "a prefetch": r"prfu?m",
        "an atomic operation": r"(ld(add|clr|eor|set|[su](max|min))|swp|"
                               r"st(add|clr|eor|set|[su](max|min))|cas)",
        "an exclusive access": r"(ld|st)a?l?xr?p?",
        "a load with pointer authentication": r"ldra[ab]",
        "a load or store of structures in vectors": r"(ld|st)[1-4]r?$",
        "a single access of 64 bytes": r"(ld|st)64b",
    }
    seen = dict.fromkeys(names, 0)
    for line, (_, word, text) in zip(*words):
        if ".inst" in text or not line.startswith("unknown"):
            continue
        for reason, pattern in names.items():
            if line.startswith(f"unknown {reason}"):
                assert re.match(pattern, text.split("\t")[0]), (word, text)
                seen[reason] += 1
    assert all(seen.values()), seen
