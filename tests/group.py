#!/usr/bin/env python3
"""Makes one unit of several test files, which compiles in much less time than each of them by itself.

    group.py OUTPUT TEST_FILE...

What they include comes first; then each stands in a namespace of its own, so that their helpers may share names.
Compilers and Catch2 still name the files themselves: -# makes a tag of each file's name.
"""
import pathlib
import re
import sys

INCLUDE = re.compile(r'^#include (?:"([^"]+)"|(<[^>]+>)).*$', re.M)

output, *paths = map(pathlib.Path, sys.argv[1:])
includes, parts = [], []
for path in paths:
    text = path.read_text(encoding="utf-8")
    # The headers are the test's own where there are two of a name: they stand beside it, or below include/.
    for quoted, system in INCLUDE.findall(text):
        own = path.parent / quoted
        includes.append(system or (f'"{own.resolve()}"' if own.exists() else f'"{quoted}"'))
    body = INCLUDE.sub("", text)
    parts.append(f'namespace in_{path.stem} {{\n#line 1 "{path.resolve()}"\n{body}\n}}  // namespace in_{path.stem}\n')

lines = [f"#include {include}\n" for include in dict.fromkeys(includes)]
output.write_text("".join(lines + parts), encoding="utf-8")
