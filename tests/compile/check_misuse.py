#!/usr/bin/env python3
"""check_misuse.py INCLUDE UNIT COMPILER...: a unit that must not compile.

As it stands the unit compiles; with -DMISUSE it does not, and the compiler says all that the unit's lines
`// error: TEXT` announce: a refusal is only as good as its message.
"""
import re
import subprocess
import sys

include, unit, compiler = sys.argv[1], sys.argv[2], sys.argv[3:]
command = compiler + ['-std=c++20', '-fsyntax-only', '-I', include, unit]

plain = subprocess.run(command, capture_output=True, text=True)
if plain.returncode != 0:
    sys.exit(f'does not compile even without the misuse:\n{plain.stderr}')

with open(unit) as source:
    expected = re.findall(r'^// error: (.*)$', source.read(), re.MULTILINE)
misuse = subprocess.run(command + ['-DMISUSE'], capture_output=True, text=True)
if misuse.returncode == 0:
    sys.exit('the misuse compiles')
missing = [text for text in expected if text not in misuse.stderr]
if missing or not expected:
    sys.exit(f'refused, but without the words {missing}:\n{misuse.stderr}')
