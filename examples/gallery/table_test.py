#!/usr/bin/env python3
"""table_test.py TABLE_PROGRAM README: the README's table of the gallery is what the program prints."""
import pathlib
import subprocess
import sys

table = subprocess.run([sys.argv[1]], capture_output=True, text=True, check=True).stdout
readme = pathlib.Path(sys.argv[2]).read_text(encoding="utf-8")
if not table or table not in readme:
    sys.exit(f"the README has another table than this one:\n{table}")
