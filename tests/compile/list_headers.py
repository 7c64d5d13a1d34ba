#!/usr/bin/env python3
"""list_headers.py FOLDER: the headers in it, one a line, in order."""
import pathlib
import sys

root = pathlib.Path(sys.argv[1])
for header in sorted(root.rglob('*.hpp')):
    print(header.relative_to(root))
