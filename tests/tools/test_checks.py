# SPDX-License-Identifier: MIT
"""Each check passes on the good tree and sees the fault it is there for."""

import os
import subprocess

import pytest

from conftest import TOOLS

TREE_CHECKS = ["check-layers", "check-docs", "check-style", "check-format",
               "check-words", "check-public"]


@pytest.mark.parametrize("tool", TREE_CHECKS)
def test_a_good_tree_passes(tree, tool):
    assert ", 0 wrong" in tree.passes(tool)


@pytest.mark.parametrize("tool", TREE_CHECKS + ["check-purity",
                                                "check-symbols",
                                                "fetch-qemu10",
                                                "fetch-selftests"])
def test_every_tool_explains_itself(tool):
    out = subprocess.run([os.path.join(TOOLS, tool), "--help"], text=True,
                         capture_output=True, check=True).stdout
    assert len(out.splitlines()) >= 2


# check-layers


def test_layers_refuses_an_include_upwards(tree):
    tree.change("src/base/list.h", "<stdint.h>", '"mem/mem.h"')
    tree.fails("check-layers", "base may not include mem/mem.h")


def test_layers_wants_the_folder_in_the_name(tree):
    tree.change("src/mem/mem.c", '"base/list.h"', '"mem.h"')
    tree.fails("check-layers", 'write "mem/mem.h"')


def test_layers_refuses_a_cycle(tree):
    tree.change("src/LAYERS", "base:", "base: mem")
    tree.fails("check-layers", "not written above it")


def test_layers_refuses_a_folder_without_a_line(tree):
    tree.write("src/new/a.c", "/* SPDX-License-Identifier: MIT */\n")
    tree.fails("check-layers", "folder new is not in src/LAYERS")


def test_layers_keeps_the_kernel_headers_to_uapi(tree):
    tree.write("src/uapi/a.c", "#include <linux/vfio.h>\n")
    tree.passes("check-layers")
    tree.write("src/mem/a.c", "#include <linux/vfio.h>\n")
    tree.fails("check-layers", "only src/uapi includes <linux/vfio.h>")


@pytest.mark.parametrize("name", ['"base/list.h"', "<unistd.h>",
                                  '"two/two.h"'])
def test_layers_gives_a_device_the_public_headers_only(tree, name):
    tree.write("devices/one/two.c", f"#include {name}\n")
    tree.fails("check-layers", "is not for devices/")


def test_layers_does_not_read_comments(tree):
    tree.write("src/base/a.c", '/*\n#include "mem/mem.h"\n*/\n')
    tree.passes("check-layers")


# check-docs


@pytest.mark.parametrize("old, new, missing", [
    ("/**\n * ioas_one", "/*\n * ioas_one", "a /** block right before it"),
    (" * ioas_one() - do one thing\n", "", "'ioas_one() - sentence'"),
    (" * @done: called with it\n", "", "what, done in order"),
    (" * @what: the thing\n", " * @that: the thing\n", "found that, done"),
    (" * Threads: any.\n", "", "Threads:"),
    (" * Source: none\n", "", "Source:"),
    (" * Return: 0, or\n", "", "Return:"),
    (" *   -EINVAL  no such thing\n", "", "a line '-Exxx  cause'"),
    (" *   -EINVAL  no such thing\n",
     " *   -EINVAL  this\n *   -EINVAL  that\n", "each -Exxx once"),
])
def test_docs_names_what_is_missing(tree, old, new, missing):
    tree.change("include/ioas/one.h", old, new)
    tree.fails("check-docs", missing)


def test_docs_lists_what_is_promised(tree):
    assert tree.passes("check-docs", "--list") == "ioas_one -EINVAL\n"


def test_docs_refuses_headers_without_functions(tree):
    tree.write("include/ioas/one.h", "")
    tree.fails("check-docs", "no public function found")


# check-style


def test_style_measures_functions(tree):
    tree.function("\tg();\n" * 57)
    tree.passes("check-style")
    tree.function("\tg();\n" * 58)
    tree.fails("check-style", "f: 61 lines")


def test_style_prints_median_and_percentile(tree):
    assert "median 4, 90th percentile 4" in tree.passes("check-style")


def test_style_counts_parameters(tree):
    tree.function("", "int a, int b, int c, int d, int e")
    tree.passes("check-style")
    tree.function("", "int a, int b, int c, int d, void (*e)(int, int), int f")
    tree.fails("check-style", "f: 6 parameters")


@pytest.mark.parametrize("body, depth", [
    ("if (a) while (b) for (;;) g();", 3),
    ("if (a) { while (b) { for (;;) { if (c) g(); } } }", 4),
    ("if (a) g(); else if (b) g(); else if (c) g(); else g();", 1),
    ("do if (a) g(); while (b); if (c) g();", 2),
    ("switch (a) { case 1: if (b) g(); break; default: g(); }", 2),
    ("ioas_for_each_area(a, b) { if (c) g(); }", 2),
    ("struct s x = { .a = { 1, 2 } }; if (f((int[]){ 1, 2 })) g();", 1),
    ("out: if (a) if (b) if (c) if (d) goto out;", 4),
])
def test_style_counts_nesting(tree, body, depth):
    tree.function(f"\t{body}\n")
    if depth <= 3:
        tree.passes("check-style")
    else:
        tree.fails("check-style", f"f: nesting {depth}")


def test_style_takes_a_reason_for_an_exception(tree):
    tree.function("\t/* check-style: a table is one thing */\n" +
                  "\tg();\n" * 70)
    tree.passes("check-style")
    tree.function("\t/* check-style: */\n" + "\tg();\n" * 70)
    tree.fails("check-style", "f: 74 lines")


def test_style_an_exception_is_for_one_function(tree):
    tree.function("\t/* check-style: a table is one thing */\n")
    text = (tree.root / "src/mem/f.c").read_text()
    tree.write("src/mem/f.c",
               text + "\nvoid g(void)\n{\n" + "\tg();\n" * 70 + "}\n")
    tree.fails("check-style", "g: 73 lines")


def test_style_measures_files(tree):
    tree.write("src/mem/f.c", "/* SPDX-License-Identifier: MIT */\n" +
               "int ioas_x;\n" * 600)
    tree.fails("check-style", "601 lines")


def test_style_measures_columns_with_tabs(tree):
    tree.function("\t" * 9 + "g(12345);\n")
    tree.fails("check-style", "wider than 80 columns")


@pytest.mark.parametrize("path", ["src/mem/f.c", "tests/a.py", "run"])
def test_style_wants_a_licence_line(tree, path):
    tree.write(path, "#!/bin/sh\necho\n")
    tree.fails("check-style", "no SPDX")


@pytest.mark.parametrize("words", ["TO" "DO", "FIX" "ME", "for n" "ow",
                                   "not imple" "mented", "st" "ub"])
def test_style_sees_unfinished_work(tree, words):
    tree.function(f"\t/* {words}: more */\n")
    tree.fails("check-style", f"says '{words}'")


def test_style_wants_struct_tags(tree):
    tree.write("src/mem/f.h", "/* SPDX-License-Identifier: MIT */\n"
               "typedef struct { int a; } thing;\n")
    tree.fails("check-style", "typedef struct")
    tree.write("src/mem/f.h", "/* SPDX-License-Identifier: MIT */\n"
               "/* typedef struct */\ntypedef int (*thing)(void);\n")
    tree.passes("check-style")


# check-format


def test_format_sees_spaces_for_a_tab(tree):
    tree.change("src/mem/mem.c", "\treturn", "        return")
    tree.fails("check-format", "should be clang-formatted")


def test_format_names_and_counts_each_file(tree):
    """Headers by their own names, whatever clang-format was told."""
    tree.change("src/mem/mem.c", "\treturn", "        return")
    tree.write("src/mem/g.h", "/* SPDX-License-Identifier: MIT */\n"
               "int  g;\nint  h;\n")
    said = tree.fails("check-format", "2 wrong")
    assert "\nsrc/mem/g.h:2:4: error:" in "\n" + said
    assert "\nsrc/mem/mem.c:" in "\n" + said


def test_format_refuses_a_tree_without_files(tmp_path):
    result = subprocess.run([os.path.join(TOOLS, "check-format"),
                             str(tmp_path)], check=False)
    assert result.returncode == 1


# check-words


def test_words_refuses_a_path_of_one_machine(tree):
    tree.write("README.md", "See /ho" "me/ann/ioas.\n")
    tree.fails("check-words", "README.md:1")
    tree.write("README.md", "See docs/work/one and /sys/root/.\n")
    tree.passes("check-words")


def test_words_refuses_two_names_for_one_thing(tree):
    tree.write("docs/a.md", "The Bus Address goes in.\n")
    tree.fails("check-words", "IOVA")


@pytest.mark.parametrize("rows, complaint", [
    ([], "no glossary found"),
    (["a | one", "a | two"], "'a' twice"),
    (["b | one", "a | two"], "'a' out of order"),
    (["a | one. And two."], "more than one sentence"),
    ([f"w{i:02} | a word" for i in range(41)], "41 words, at most 40"),
])
def test_words_reads_the_glossary(tree, rows, complaint):
    tree.glossary(rows)
    tree.fails("check-words", complaint)


def test_words_counts_the_glossary(tree):
    tree.glossary([f"w{i:02} | a word" for i in range(40)])
    assert "40 words in the glossary" in tree.passes("check-words")


# check-public


def test_public_wants_a_test_for_each_errno(tree):
    tree.change("include/ioas/one.h", "no such thing\n",
                "no such thing\n *   -ENOMEM  no memory\n")
    tree.fails("check-public", "no unit test covers: ioas_one -ENOMEM")


def test_public_takes_several_in_one_tag(tree):
    tree.change("include/ioas/one.h", "no such thing\n",
                "no such thing\n *   -ENOMEM  no memory\n")
    tree.change("tests/unit/one_test.c", "ioas_one -EINVAL",
                "ioas_one -EINVAL,\n * ioas_one -ENOMEM")
    tree.change("tests/unit/one_test.c", "-EINVAL);", "-EINVAL * -ENOMEM);")
    assert "2 of 2 promised" in tree.passes("check-public")


@pytest.mark.parametrize("old, new, complaint", [
    ("ioas_one -EINVAL", "ioas_one -EIO", "no header promises"),
    ("ioas_one(1, 0)", "0", "ioas_one is not called here"),
    ("-EINVAL);", "0);", "EINVAL is not expected here"),
])
def test_public_does_not_believe_a_tag(tree, old, new, complaint):
    tree.change("tests/unit/one_test.c", old, new)
    tree.fails("check-public", complaint)
