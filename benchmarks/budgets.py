#!/usr/bin/env python3
"""The instruction counts that no change may raise without saying so: budgets.json, by compiler and program.

    benchmarks/budgets.py check PROGRAM...    counts, and fails where a count is above its budget or has none
    benchmarks/budgets.py record PROGRAM...   counts, and makes the counts the budgets

PROGRAM is a benchmark built with -O2 -DNDEBUG, by any of the compilers that have budgets; scripts/budgets builds them all.
What it counts for the first contender of each comparison is not rouse's, and has no budget. Counts are exact: they repeat
on every machine with the same compiler, C library and valgrind.
"""
import json
import pathlib
import subprocess
import sys
import tempfile

BUDGETS = pathlib.Path(__file__).resolve().parent / "budgets.json"


def counts_of(program):
    """What the program reports, and its counts by the names they have in budgets.json."""
    with tempfile.TemporaryDirectory() as directory:
        path = pathlib.Path(directory) / "report.json"
        run = subprocess.run([program, "--counts", "--json", path], stdout=subprocess.DEVNULL, check=False)
        if run.returncode != 0:
            sys.exit(f"budgets: {program} failed")
        report = json.loads(path.read_text(encoding="utf-8"))
    if not report["optimized"]:
        sys.exit(f"budgets: {program} is not optimized, or has assertions: its counts are nobody's")
    counts = {}
    for comparison in report["comparisons"]:
        if comparison["unit"] == "instructions":
            for contender in comparison["contenders"]:
                if contender["name"] != comparison["reference"]:
                    counts[f"{comparison['name']} | {contender['name']}"] = contender["median"]
    return report, counts


def check(budgets, report, counts):
    """Prints what is wrong, and returns how much."""
    compiler, benchmark = report["compiler"], report["benchmark"]
    if compiler not in budgets:
        print(f"there are no budgets for {compiler}, only for {', '.join(budgets)}")
        return 1
    known = budgets[compiler].get(benchmark, {})
    wrong = 0
    for name, count in counts.items():
        if name not in known:
            print(f"{benchmark}: {name}: {count:g} instructions, and no budget: benchmarks/budgets.py record")
        elif count > known[name]:
            print(f"{benchmark}: {name}: {count:g} instructions, above the budget of {known[name]:g}")
        else:
            continue
        wrong += 1
    for name in known.keys() - counts.keys():
        print(f"{benchmark}: {name}: has a budget, and is not counted any more")
        wrong += 1
    lower = sum(count < known.get(name, count) for name, count in counts.items())
    print(f"{benchmark}, {compiler}: {len(counts)} counts, {wrong} wrong, {lower} below budget")
    return wrong


def main():
    if len(sys.argv) < 3 or sys.argv[1] not in ("check", "record"):
        sys.exit(__doc__)
    budgets = json.loads(BUDGETS.read_text(encoding="utf-8")) if BUDGETS.exists() else {}
    wrong = 0
    for program in sys.argv[2:]:
        report, counts = counts_of(program)
        if sys.argv[1] == "record":
            budgets.setdefault(report["compiler"], {})[report["benchmark"]] = counts
        else:
            wrong += check(budgets, report, counts)
    if sys.argv[1] == "record":
        BUDGETS.write_text(json.dumps(budgets, indent=1) + "\n", encoding="utf-8")
    sys.exit(1 if wrong else 0)


main()
