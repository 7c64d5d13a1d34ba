#!/usr/bin/env python3
"""check_headers.py INCLUDE HEADER... -- COMPILER...: each header compiles by itself, and twice in one unit."""
import concurrent.futures
import os
import subprocess
import sys

split = sys.argv.index('--')
include, headers, compiler = sys.argv[1], sys.argv[2:split], sys.argv[split + 1:]


def complaints(header):
    path = os.path.join(include, 'rouse', header)
    command = [*compiler, '-std=c++20', '-fsyntax-only', '-I', include, '-include', path, '-include', path]
    run = subprocess.run([*command, '-x', 'c++', os.devnull], capture_output=True, text=True)
    return '' if run.returncode == 0 else f'{header} does not compile alone:\n{run.stderr}'


with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
    failures = list(filter(None, pool.map(complaints, headers)))
print(f'{len(headers)} headers, {len(failures)} of them with errors')
if failures or not headers:
    sys.exit('\n'.join(failures))
