#!/usr/bin/env python3
"""What it costs to include a header: CPU seconds and peak memory of the compiler, against the system's headers that come
with it, and of rouse.hpp against Asio. Interleaved rounds; medians, and the ratio of each round.

    benchmarks/compile_time.py [--compiler g++] [--rounds 7] [--only TEXT] [--json FILE] [--strict]

--strict exits with 1 if a goal is missed. The JSON is that of the other benchmarks: support/report.hpp.
"""
import argparse
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile

from measured import comparison, goal

INCLUDE = pathlib.Path(__file__).resolve().parent.parent / "include"
BESIDE_HANDLES = {"fwd.hpp", "posix.hpp", "catch2.hpp", "format.hpp", "rouse.hpp"}
THREE = "<system_error> <vector> <span>"
SECONDS, MEGABYTES = "CPU s", "MB"
ROUSE_MORE_MAX, KERNEL_AND_SIMULATION_MAX = 0.08, 1.3


def headers_in(*folders):
    """Without what is Catch2's."""
    found = sorted(path for folder in folders for path in (INCLUDE / "rouse" / folder).rglob("*.hpp"))
    return [f'"{path.relative_to(INCLUDE)}"' for path in found if "catch2" not in path.parts]


def subjects():
    """What is included, by its name in the table."""
    handles = {path.name: [f'"rouse/{path.name}"'] for path in sorted((INCLUDE / "rouse").glob("*.hpp"))
               if path.name not in BESIDE_HANDLES and re.search(r"^using \w+ = Basic", path.read_text(), re.MULTILINE)}
    return {
        "rouse.hpp": ['"rouse/rouse.hpp"'],
        **handles,
        "emulated kernel": ['"rouse/backend/emulated.hpp"', *headers_in("kernel")],
        "simulation": headers_in("sim"),
        "kernel and simulation": headers_in("kernel", "backend", "sim"),
    }


def source_of(includes):
    return "".join(f"#include {include}\n" for include in includes)


def system_headers_of(compiler, includes):
    """Those that our headers include themselves: whatever these include comes along."""
    run = subprocess.run([*compiler, "-E", "-xc++", "-"], input=source_of(includes), stdout=subprocess.PIPE, text=True,
                         check=True)
    found, files = {}, []
    for name, marks in re.findall(r'^# \d+ "([^"]*)"((?: \d)*)$', run.stdout, re.MULTILINE):
        if "1" in marks.split():
            if files and is_ours(files[-1]) and not is_ours(name):
                found[f'"{name}"'] = None
            files.append(name)
        elif "2" in marks.split():
            files.pop()
    return list(found)


def is_ours(name):
    return name == "<stdin>" or pathlib.Path(os.path.normpath(name)).is_relative_to(INCLUDE)


def compile_once(compiler, path):
    pid = os.posix_spawnp(compiler[0], [*compiler, "-c", "-o", os.devnull, path], os.environ)
    _, status, usage = os.wait4(pid, 0)
    if status != 0:
        sys.exit(f"{path.read_text()}does not compile")
    return {SECONDS: usage.ru_utime + usage.ru_stime, MEGABYTES: usage.ru_maxrss / 1024}


def print_table(comparisons):
    width = max(len(one["name"]) for one in comparisons)
    columns = [contender["name"] for contender in comparisons[0]["contenders"]]
    print(f'\n{comparisons[0]["unit"]:{width}}' + "".join(f"  {column:>17}" for column in columns))
    for one in comparisons:
        cells = [f'{one["contenders"][0]["median"]:.2f}']
        cells += [f'{cell["median"]:.2f} ({cell["median_ratio"]:.2f})' for cell in one["contenders"][1:]]
        print(f'{one["name"]:{width}}' + "".join(f"  {cell:>17}" for cell in cells))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--compiler", default="g++")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", default="", help="rows whose name has this text, beside those of the goals")
    parser.add_argument("--json", type=pathlib.Path)
    parser.add_argument("--strict", action="store_true")
    options = parser.parse_args()
    compiler = [*options.compiler.split(), "-std=c++20", "-O0", "-w", f"-I{INCLUDE}"]

    for_goals = ("rouse.hpp", "kernel and simulation")
    rows = {name: includes for name, includes in subjects().items() if options.only in name or name in for_goals}
    has_asio = subprocess.run([*compiler, "-E", "-xc++", "-"], input="#include <asio.hpp>", text=True,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode == 0
    units = {("three", ""): THREE.split()}
    if has_asio:
        units["asio", ""] = ["<asio.hpp>"]
    for name, includes in rows.items():
        units["system", name] = system_headers_of(compiler, includes)
        units["own", name] = includes

    measured = {unit: {SECONDS: [], MEGABYTES: []} for unit in units}
    with tempfile.TemporaryDirectory() as folder:
        paths = {unit: pathlib.Path(folder) / f"{number}.cpp" for number, unit in enumerate(units)}
        for unit, path in paths.items():
            path.write_text(source_of(units[unit]))
        for _ in range(options.rounds):
            for unit, path in paths.items():
                for what, value in compile_once(compiler, path).items():
                    measured[unit][what].append(value)

    report = {"benchmark": "compile_time", "compiler": options.compiler, "optimized": False, "comparisons": []}
    for what in (SECONDS, MEGABYTES):
        table = [comparison(name, what, {"system's headers": measured["system", name][what],
                                         "with rouse's": measured["own", name][what]}) for name in rows]
        peers = {"rouse.hpp": measured["own", "rouse.hpp"][what], THREE: measured["three", ""][what]}
        if has_asio:
            peers["<asio.hpp>"] = measured["asio", ""][what]
        report["comparisons"] += [*table, comparison("peers", what, peers)]

    more = [own - three for own, three in zip(measured["own", "rouse.hpp"][SECONDS], measured["three", ""][SECONDS])]
    both = measured["own", "kernel and simulation"][SECONDS]
    report["goals"] = [goal(f"rouse.hpp, more than {THREE}", ROUSE_MORE_MAX, statistics.median(more), SECONDS),
                       goal("kernel and simulation", KERNEL_AND_SIMULATION_MAX, statistics.median(both),
                            SECONDS)]

    print(f'{report["benchmark"]}, {options.compiler} -O0, {options.rounds} rounds')
    print("in brackets: the median of each round's ratio to the first column")
    for what in (SECONDS, MEGABYTES):
        tables = [one for one in report["comparisons"] if one["unit"] == what]
        print_table(tables[:-1])
        print_table(tables[-1:])
    print("\ngoals")
    for one in report["goals"]:
        print(f'{"met" if one["met"] else "NOT MET":7}  {one["name"]}: {one["measured"]:.3f} {one["unit"]}, '
              f'wanted {one["bound"]} {one["wanted"]}')
    if options.json:
        options.json.write_text(json.dumps(report, indent=1) + "\n")
    if options.strict and not all(one["met"] for one in report["goals"]):
        sys.exit(1)


main()
