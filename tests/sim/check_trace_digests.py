#!/usr/bin/env python3
"""check_trace_digests.py FILE PROGRAM…: each program prints what the file holds: the traces of some seeds.

    check_trace_digests.py --write FILE PROGRAM    writes it, after a change of what traces say or of what runs do
"""
import difflib
import subprocess
import sys

write = sys.argv[1] == "--write"
path, *programs = sys.argv[1 + write:]


def printed_by(program):
    return subprocess.run([program], capture_output=True, text=True, check=True, timeout=280).stdout


if write:
    with open(path, "w") as file:
        file.write(printed_by(programs[0]))
    sys.exit()

with open(path) as file:
    expected = file.read()
for program in programs:
    printed = printed_by(program)
    if printed != expected:
        diff = difflib.unified_diff(expected.splitlines(), printed.splitlines(), path, program, lineterm="")
        sys.exit("\n".join(list(diff)[:60]))
