#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""zydis-soname.py CC...: print the soname of the Zydis that CC links."""
import os
import re
import subprocess
import sys

path = subprocess.run(sys.argv[1:] + ["-print-file-name=libZydis.so"],
                      capture_output=True, text=True, check=True)
path = path.stdout.strip()
if not os.path.isabs(path):
    sys.exit("libZydis.so is not where the compiler looks for libraries")
dynamic = subprocess.run(["readelf", "-d", path], capture_output=True,
                         text=True, check=True).stdout
soname = re.search(r"\(SONAME\).*\[(.+)\]", dynamic)
if not soname:
    sys.exit(f"{path} has no soname")
print(soname[1])
