# SPDX-License-Identifier: MIT
"""A small tree without fault; each test plants one and runs one tool."""

import os
import subprocess

import pytest

TOOLS = os.path.join(os.path.dirname(__file__), "..", "..", "tools")

GOOD = {
    "src/LAYERS": "base:\nmem: base\nuapi: base mem\n",
    "src/base/list.h": "/* SPDX-License-Identifier: MIT */\n"
                       "#include <stdint.h>\n",
    "src/mem/mem.c": "/* SPDX-License-Identifier: MIT */\n"
                     "/* Nothing but a sum. */\n"
                     '#include "base/list.h"\n\n'
                     "int ioas_sum(int a, int b);\n\n"
                     "int ioas_sum(int a, int b)\n"
                     "{\n"
                     "\treturn a + b;\n"
                     "}\n",
    "devices/one/one.c": "/* SPDX-License-Identifier: MIT */\n"
                         "#include <string.h>\n\n"
                         "#include <ioas/one.h>\n\n"
                         '#include "one/regs.h"\n',
    "include/ioas/one.h": "/* SPDX-License-Identifier: MIT */\n"
                          "/**\n"
                          " * ioas_one() - do one thing\n"
                          " * @what: the thing\n"
                          " * @done: called with it\n"
                          " *\n"
                          " * Return: 0, or\n"
                          " *   -EINVAL  no such thing\n"
                          " *\n"
                          " * Threads: any.\n"
                          " * Source: none\n"
                          " */\n"
                          "IOAS_API int ioas_one(int what, "
                          "void (*done)(int, int));\n",
    "tests/unit/one_test.c": "/* SPDX-License-Identifier: MIT */\n"
                             "#include <errno.h>\n\n"
                             "/* covers: ioas_one -EINVAL */\n"
                             "static void refuses(void)\n"
                             "{\n"
                             "\tassert_int_equal(ioas_one(1, 0), "
                             "-EINVAL);\n"
                             "}\n",
    "docs/WORDS.md": "| word | meaning |\n|---|---|\n"
                     "| IOVA | what a device puts on the bus |\n",
    ".clang-format": "BasedOnStyle: LLVM\nIndentWidth: 8\nUseTab: Always\n"
                     "TabWidth: 8\nBreakBeforeBraces: Linux\n"
                     "SortIncludes: Never\nReflowComments: false\n"
                     "AllowShortFunctionsOnASingleLine: None\n",
}


class Tree:
    def __init__(self, root):
        self.root = root
        for path, text in GOOD.items():
            self.write(path, text)

    def write(self, path, text):
        path = self.root / path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def change(self, path, old, new):
        text = (self.root / path).read_text()
        assert old in text
        self.write(path, text.replace(old, new))

    def function(self, body, parameters="void"):
        """A file with one function."""
        self.write("src/mem/f.c",
                   "/* SPDX-License-Identifier: MIT */\n"
                   f"static void f({parameters})\n{{\n{body}}}\n")

    def glossary(self, rows):
        head = ["word | meaning", *rows]
        self.write("docs/WORDS.md", "".join(f"| {r} |\n" for r in head))

    def run(self, tool, *arguments):
        return subprocess.run(
            [os.path.join(TOOLS, tool), *map(str, arguments), str(self.root)],
            text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            check=False)

    def passes(self, tool, *arguments):
        result = self.run(tool, *arguments)
        assert result.returncode == 0, result.stdout
        return result.stdout

    def fails(self, tool, text, *arguments):
        result = self.run(tool, *arguments)
        assert result.returncode == 1, result.stdout
        assert text in result.stdout
        return result.stdout


@pytest.fixture
def tree(tmp_path):
    return Tree(tmp_path)
