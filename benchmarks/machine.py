#!/usr/bin/env python3
"""Writes down, as JSON, what the figures of a run depend on: the class of machine and the versions. No names of hosts.

    benchmarks/machine.py FILE
"""
import datetime
import json
import os
import pathlib
import platform
import re
import subprocess
import sys

PACKAGES = ["g++", "clang-16", "libc6", "valgrind", "libevent-dev", "libuv1-dev", "libasio-dev"]


def field(path, name):
    found = re.search(rf"^{name}\s*:\s*(.*)$", pathlib.Path(path).read_text(encoding="utf-8"), re.M)
    return found[1] if found else "unknown"


def version(package):
    run = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", package], capture_output=True, text=True, check=False)
    return run.stdout if run.returncode == 0 and run.stdout else "not installed"


machine = {
    "date": datetime.date.today().isoformat(),
    "processor": field("/proc/cpuinfo", "model name"),
    "virtual": "hypervisor" in field("/proc/cpuinfo", "flags").split(),
    "cores": len(os.sched_getaffinity(0)),
    "memory_gib": round(int(field("/proc/meminfo", "MemTotal").split()[0]) / 2**20),
    "architecture": platform.machine(),
    "kernel": re.match(r"[\d.]+", platform.release())[0],
    "packages": {package: version(package) for package in PACKAGES},
}
pathlib.Path(sys.argv[1]).write_text(json.dumps(machine, indent=1) + "\n", encoding="utf-8")
