#!/usr/bin/env python3
"""Prints a header that tells g++ where the inline functions and the vtables of rouse's headers are compiled: not in the
units that include it, but in the one that defines ROUSE_IMPLEMENTATIONS.

    interfaces.py INCLUDE_FOLDER COMPILER...

That is #pragma interface, which has to stand in the header that it means, or in what says to be that header: a line
marker. Headers are told apart by how their path is spelt, so it takes the preprocessor to know them. A header that is
not among them is compiled wherever it is included, as ever.
"""
import pathlib
import re
import subprocess
import sys

TOP = ["rouse.hpp", "backend/emulated.hpp", "backend/linux.hpp", "kernel/invariants.hpp", "kernel/dump.hpp",
       "kernel/thread_host.hpp"]

folder = pathlib.Path(sys.argv[1]) / "rouse"
includes = "".join(f'#include "{folder}/{name}"\n' for name in TOP)
run = subprocess.run([*sys.argv[2:], "-std=c++20", "-E", "-xc++", "-"], input=includes, stdout=subprocess.PIPE,
                     text=True, check=True)
headers = dict.fromkeys(re.findall(rf'^# 1 "({re.escape(str(folder))}/[^"]+)"', run.stdout, re.MULTILINE))

print("#pragma once\n#ifdef ROUSE_IMPLEMENTATIONS")
for name in dict.fromkeys(pathlib.Path(header).name for header in headers):
    print(f'#pragma implementation "{name}"')
print("#endif")
for header in headers:
    print(f'# 1 "{header}"\n#pragma interface')
print('# 1 "interfaces.hpp"')
print(includes, end="")
