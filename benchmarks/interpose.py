#!/usr/bin/env python3
"""What calls on files of Linux cost under rouse-run, which looks whose file it is, beside what they cost without.

    benchmarks/interpose.py PROGRAM ROUSE_RUN [--rounds 7] [--counts] [--json FILE] [--strict]

PROGRAM is real_calls. Instructions are counted by callgrind, in user space: (I(2n) - I(n)) / n. --counts measures nothing
else; --strict exits with 1 if a goal is missed. The JSON is that of the other benchmarks: support/report.hpp.
"""
import argparse
import json
import pathlib
import re
import subprocess
import sys

from measured import comparison, goal

CALLS = ["read", "write", "readv", "recv", "lseek", "fstat", "fcntl", "ioctl", "poll", "dup and close"]
COUNTED, TIMED = 2000, 300_000
# A look-up and a jump. poll looks at an array, whose memory it may not take to be there; dup and close are two calls.
INSTRUCTIONS_MORE_MAX = {"poll": 120, "dup and close": 90}
INSTRUCTIONS_MORE_MAX_ELSE = 50
TIME_MAX = 1.10


def instructions(command, call, times):
    # rouse-run becomes the program.
    counted = ["valgrind", "--tool=callgrind", "--trace-children=yes", "--callgrind-out-file=/dev/null"]
    run = subprocess.run([*counted, *command, call, str(times)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                         text=True, check=True)
    return int(re.search(r"Collected : (\d+)", run.stderr)[1])


def count(command, call):
    return (instructions(command, call, 2 * COUNTED) - instructions(command, call, COUNTED)) / COUNTED


def nanoseconds(command, call):
    return float(subprocess.run([*command, call, str(TIMED)], stdout=subprocess.PIPE, text=True, check=True).stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", type=pathlib.Path)
    parser.add_argument("rouse_run", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--counts", action="store_true")
    parser.add_argument("--json", type=pathlib.Path)
    parser.add_argument("--strict", action="store_true")
    options = parser.parse_args()
    alone = [str(options.program.resolve())]
    commands = {"Linux": alone, "rouse-run": [str(options.rouse_run.resolve()), *alone]}

    report = {"benchmark": "interpose", "compiler": "g++", "optimized": True, "comparisons": [], "goals": []}
    for call in CALLS:
        counts = {name: [count(command, call)] for name, command in commands.items()}
        report["comparisons"].append(comparison(call, "instructions", counts))
        more = counts["rouse-run"][0] - counts["Linux"][0]
        most = INSTRUCTIONS_MORE_MAX.get(call, INSTRUCTIONS_MORE_MAX_ELSE)
        report["goals"].append(goal(f"{call} of a file of Linux, more than without", most, more, "instructions"))
    for call in CALLS if not options.counts else []:
        rounds = {name: [] for name in commands}
        for _ in range(options.rounds):
            for name, command in commands.items():
                rounds[name].append(nanoseconds(command, call))
        timed = comparison(call, "ns wall", rounds)
        report["comparisons"].append(timed)
        report["goals"].append(goal(f"{call} of a file of Linux, times as long", TIME_MAX,
                                    timed["contenders"][1]["median_ratio"], "times"))

    for one in report["comparisons"]:
        cells = [f'{contender["name"]} {contender["median"]:9.1f} ({contender["median_ratio"]:.3f})'
                 for contender in one["contenders"]]
        print(f'{one["name"]:14} {one["unit"]:13} ' + "   ".join(cells))
    for one in report["goals"]:
        print(f'{"met" if one["met"] else "NOT MET":7}  {one["name"]}: {one["measured"]:.3f}, at most {one["wanted"]}')
    if options.json:
        options.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    if options.strict and not all(one["met"] for one in report["goals"]):
        sys.exit(1)


main()
