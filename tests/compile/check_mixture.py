#!/usr/bin/env python3
"""check_mixture.py INCLUDE COMPILER...: units with different default backends do not link, equal ones do.

Links a user's class, used by two units, with every combination of settings.
"""
import os
import subprocess
import sys
import tempfile

include, compiler = sys.argv[1], sys.argv[2:]
here = os.path.dirname(os.path.abspath(__file__))
flags = {'linux': [], 'ambient': ['-DROUSE_AMBIENT']}

with tempfile.TemporaryDirectory() as work:
    def build(*arguments):
        return subprocess.run(compiler + ['-std=c++20', '-I', include, *arguments], capture_output=True, text=True)

    for setting, extra in flags.items():
        for unit in 'user_main', 'user_other':
            made = build(*extra, '-c', f'{here}/{unit}.cpp', '-o', f'{work}/{unit}.{setting}.o')
            if made.returncode != 0:
                sys.exit(made.stderr)
    for first in flags:
        for second in flags:
            program = f'{work}/program'
            linked = build(f'{work}/user_main.{first}.o', f'{work}/user_other.{second}.o', '-pthread', '-o', program)
            refused = 'rouse_units_were_built_with_different_default_backends' in linked.stderr
            if first == second and (linked.returncode != 0 or subprocess.run([program]).returncode != 0):
                sys.exit(f'two units for {first} do not link or run:\n{linked.stderr}')
            if first != second and (linked.returncode == 0 or not refused):
                sys.exit(f'{first} and {second} link, or the refusal does not say why:\n{linked.stderr}')
