#!/usr/bin/env python3
"""check_cost.py INCLUDE HEADER... -- COMPILER...: what it costs to include our headers is not more than has to be, told
by what times depend on, as times are different each time: nothing is compiled in a unit that only includes them, and
rouse.hpp brings no heavy header of the standard library.
"""
import pathlib
import subprocess
import sys
import tempfile

split = sys.argv.index('--')
include, headers, compiler = sys.argv[1], sys.argv[2:split], sys.argv[split + 1:]
compiler += ['-std=c++20', '-O0', '-I', include]

# A vtable is compiled in each unit if a virtual function of its class is neither inline in the class nor has a body
# there; a variable, if it is initialised as the program starts; and with each of them, all that it names.
with tempfile.TemporaryDirectory() as folder:
    source, made = pathlib.Path(folder) / 'everything.cpp', pathlib.Path(folder) / 'everything.o'
    source.write_text(''.join(f'#include "rouse/{header}"\n' for header in headers if 'catch2' not in header))
    subprocess.run([*compiler, '-c', source, '-o', made], check=True)
    symbols = subprocess.run(['nm', '-C', '--defined-only', made], stdout=subprocess.PIPE, text=True, check=True).stdout
# Constants, which have addresses, are none of it.
compiled = [line for line in symbols.splitlines() if line.split()[1] not in 'rA']
failures = [f'{len(compiled)} functions and variables are compiled in a unit that only includes the headers:', *compiled]
if not compiled:
    failures = []


def system_headers(includes):
    text = ''.join(f'#include {name}\n' for name in includes)
    rule = subprocess.run([*compiler, '-M', '-xc++', '-'], input=text, stdout=subprocess.PIPE, text=True, check=True).stdout
    return {word.rpartition('/')[2] for word in rule.split() if '/rouse/' not in word}


HEAVY = {'algorithm', 'charconv', 'chrono', 'deque', 'fstream', 'functional', 'iterator', 'list', 'map', 'memory', 'mutex',
         'set', 'sstream', 'thread', 'tuple', 'unordered_map'}
allowed = system_headers(['<system_error>', '<vector>', '<span>', '<optional>', '<string>'])
heavy = (system_headers(['"rouse/rouse.hpp"']) & HEAVY) - allowed
failures += [f'rouse.hpp includes <{name}>' for name in sorted(heavy)]
if failures:
    sys.exit('\n'.join(failures))
