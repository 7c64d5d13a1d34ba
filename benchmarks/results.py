#!/usr/bin/env python3
"""Makes RESULTS.md, on stdout, of what the benchmarks wrote as JSON (support/report.hpp says what is in it).

    benchmarks/results.py DIRECTORY

The directory has a JSON file for each run of a program, and machine.json. Why a goal is missed cannot be measured: that
is in notes.json, by the program and a pattern for the goals' names.
"""
import fnmatch
import json
import pathlib
import sys

SECTIONS = [
    ("handles", "Zero overhead of the handles",
     "User-space instructions of one call on `LinuxBackend`, against the same call in C with its result checked."),
    ("event_loop", "Event loop",
     "Tokens go from link to link in a ring of socket pairs, or eventfds; an event is one token read and written on. "
     "What is compared is what the loop adds to that."),
    ("kernel", "Emulated kernel", "Calls of the emulated kernel, beside the same calls on Linux in the same run."),
    ("scale", "Scale", "Up to a million emulated eventfds in one epoll."),
    ("schedules", "Exploration", "Schedules of one program, each in a World and a kernel of its own."),
    ("compile_time", "Compile time", "What including a header costs the compiler."),
    ("interpose", "Programs under rouse-run",
     "Calls on files of Linux, which the library has to tell from emulated ones, beside the same program without it."),
]
NOTES = json.loads((pathlib.Path(__file__).parent / "notes.json").read_text(encoding="utf-8"))


def number(value):
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    if abs(value) >= 100 or value == int(value):
        return f"{value:.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def tables_of(comparisons):
    """Those of the same contenders in the same unit make a table. CPU time says more than wall-clock time beside it."""
    in_cpu_time = {comparison["name"] for comparison in comparisons if comparison["unit"] == "ns CPU"}
    tables = {}
    for comparison in comparisons:
        if comparison["unit"] == "ns wall" and comparison["name"] in in_cpu_time:
            continue
        key = (comparison["unit"], *(contender["name"] for contender in comparison["contenders"]))
        tables.setdefault(key, []).append(comparison)
    return tables


def print_table(unit, contenders, rows):
    print(f"| {unit} | " + " | ".join(contenders) + " |")
    print("|---|" + "--:|" * len(contenders))
    for row in rows:
        cells = []
        for contender in row["contenders"]:
            cell = number(contender["median"])
            if contender["name"] != row["reference"]:
                cell += f" ({contender['median_ratio']:.3f})"
            cells.append(cell)
        print(f"| {row['name']} | " + " | ".join(cells) + " |")
    print()


def note_on(benchmark, goal):
    for pattern, note in NOTES.get(benchmark, {}).items():
        if fnmatch.fnmatchcase(goal["name"], pattern):
            return " " + note
    return ""


def verdict(benchmark, goal):
    if goal["met"]:
        return "met"
    if goal["wanted"] == 0:
        return "**missed**." + note_on(benchmark, goal)
    by = abs(goal["measured"] / goal["wanted"] - 1)
    return f"**missed** by {by:.1%}." + note_on(benchmark, goal)


def print_goals(report):
    if not report["goals"]:
        return
    print("| goal | wanted | measured | |")
    print("|---|--:|--:|---|")
    for goal in report["goals"]:
        print(f"| {goal['name']} | {goal['bound']} {number(goal['wanted'])} | {number(goal['measured'])} {goal['unit']} "
              f"| {verdict(report['benchmark'], goal)} |")
    print()


def main():
    directory = pathlib.Path(sys.argv[1])
    machine = json.loads((directory / "machine.json").read_text(encoding="utf-8"))
    reports = [json.loads(path.read_text(encoding="utf-8"))
               for path in sorted(directory.glob("*.json"), key=lambda path: path.stem) if path.name != "machine.json"]
    goals = [goal for report in reports for goal in report["goals"]]

    print("# Results\n")
    print("Written by `scripts/bench`; not edited by hand.\n")
    print(f"{machine['date']}, {machine['cores']} cores of {machine['processor']}"
          f"{' (virtual)' if machine['virtual'] else ''}, {machine['memory_gib']} GiB, {machine['architecture']}, "
          f"Linux {machine['kernel']}. Debian packages: "
          + ", ".join(f"{name} {version}" for name, version in machine["packages"].items()) + ".\n")
    print("Figures are medians of interleaved rounds; in brackets, the median of each round's ratio to the first column. "
          "Instructions are counted by callgrind, in user space, and repeat exactly; times do not.\n")
    print(f"**{sum(goal['met'] for goal in goals)} of {len(goals)} goals are met.**\n")
    for part, (benchmark, title, what) in enumerate(SECTIONS, 1):
        print(f"## {part}. {title}\n\n{what}\n")
        of_section = [report for report in reports if report["benchmark"] == benchmark]
        if not of_section:
            print("Not measured.\n")
        for report in of_section:
            print(f"### {report['compiler']}\n")
            for (unit, *contenders), rows in tables_of(report["comparisons"]).items():
                print_table(unit, contenders, rows)
            print_goals(report)


main()
