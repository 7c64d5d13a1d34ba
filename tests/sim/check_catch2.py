#!/usr/bin/env python3
"""check_catch2.py PROGRAM README: what sim::check lets Catch2 print of cases that fail: one failure each, and how to
replay it; and that the README shows what is printed."""
import os
import re
import subprocess
import sys

program = sys.argv[1]
# Case, what its one failure says, whether it can be replayed.
EXPECTED = [
    ("fails in a check", ["CHECK( sum == 2 )", "1 == 2", "said in the run"], True),
    ("fails after a check that passes", ["CHECK( sum == 2 )", "1 == 2", "said before"], True),
    ("fails in a check of a task", ["CHECK( seen == 0 )", "1 == 0"], True),
    ("fails in a deadlock", ["deadlock in poll({eventfd 3 in}, for ever) by main", "who waits on whom: main waits in poll",
                            "main is blocked in poll"], True),
    ("fails by an exception", ['uncaught exception: task "main" threw: an update was lost',
                                "said in every run"], True),
    ("has a section inside", ["SECTION inside of what"], True),
]


def run(case, **environment):
    result = subprocess.run([program, case], env=os.environ | environment, capture_output=True, text=True, timeout=120)
    if result.returncode == 0:
        sys.exit(f"\"{case}\" passes with {environment}:\n{result.stdout}")
    if result.stdout.count("FAILED:") != 1:
        sys.exit(f"\"{case}\" prints not one failure with {environment}, but:\n{result.stdout}")
    return result.stdout


def without_search(printed):
    return re.sub(r" *found in run .*\n", "", printed)


for case, texts, can_be_replayed in EXPECTED:
    printed = run(case)
    words = " ".join(printed.split())  # Catch2 breaks lines.
    missing = [text for text in texts if text not in words]
    schedule = re.search(r"replay it by ROUSE_REPLAY=([0-9.x]+)", printed)
    if missing or not schedule:
        sys.exit(f"\"{case}\" does not print {missing or 'how to replay it'}:\n{printed}")
    if words.count("said ") > 1:
        sys.exit(f"\"{case}\" prints what other runs have said:\n{printed}")
    again = run(case, ROUSE_REPLAY=schedule[1])
    if without_search(again) != without_search(printed):
        sys.exit(f"\"{case}\" replayed prints something else:\n{printed}\n{again}")
    if run(case, ROUSE_SEED="1") != printed:
        sys.exit(f"\"{case}\" prints something else for the same seed")

shown = re.search(r"^```text\n(deadlock in .*?)^```", open(sys.argv[2]).read(), re.M | re.S)[1]
printed = run("fails as the README shows")
if [line.strip() for line in shown.splitlines()] != [
        line.strip() for line in printed[printed.index(shown.split("\n")[0]):].splitlines()][:shown.count("\n")]:
    sys.exit(f"the README shows not what is printed:\n{printed}")
left = subprocess.run([program, "sleeps in a destructor"], capture_output=True, text=True, timeout=120)
for text in ["a task cannot be unwound", "deadlock: tasks at", "ROUSE_REPLAY=0"]:
    if text not in left.stderr or left.returncode == 0:
        sys.exit(f"a failure that cannot be unwound is not told of by {text}:\n{left.stderr}")

stuck = subprocess.run([program, "never comes to a schedule point"], capture_output=True, text=True, timeout=120)
for text in ['task "spins" has not come to a schedule point', "Its stack:", "The schedule up to here: "]:
    if text not in stuck.stderr or stuck.returncode == 0:
        sys.exit(f"a task that hangs is not told of by {text}:\n{stuck.stderr}")

nonsense = subprocess.run([program, EXPECTED[0][0]], env=os.environ | {"ROUSE_REPLAY": "1..2"}, capture_output=True,
                          text=True)
if nonsense.returncode == 0 or "ROUSE_REPLAY is no schedule: 1..2" not in nonsense.stdout:
    sys.exit(f"a schedule that is none is not refused:\n{nonsense.stdout}")
for name, bad in [("ROUSE_SHARD", "0/2"), ("ROUSE_POLICY", "luck"), ("ROUSE_SEED", "x"), ("ROUSE_SECONDS", "-1")]:
    refused = subprocess.run([program, EXPECTED[0][0]], env=os.environ | {name: bad}, capture_output=True, text=True)
    if refused.returncode == 0 or f"{name} is nothing known: {bad}" not in refused.stdout:
        sys.exit(f"{name}={bad} is not refused:\n{refused.stdout}")
for environment in [{"ROUSE_POLICY": "exhaustive"}, {"ROUSE_POLICY": "pct"}, {"ROUSE_SHARD": "2/2"}]:
    run(EXPECTED[0][0], **environment)
all_of_it = subprocess.run([program, "passes under all schedules"], env=os.environ | {"ROUSE_RUNS": "1"},
                           capture_output=True, text=True)
if all_of_it.returncode != 0 or "not complete after 1 runs" not in all_of_it.stdout:
    sys.exit(f"it is not said that schedules are left:\n{all_of_it.stdout}")
stale = subprocess.run([program, EXPECTED[0][0]], env=os.environ | {"ROUSE_REPLAY": "0x900.1"}, capture_output=True,
                       text=True)
if stale.returncode == 0 or "ROUSE_REPLAY is no schedule of this test" not in stale.stdout:
    sys.exit(f"a schedule of another program is not refused:\n{stale.stdout}")
few = subprocess.run([program, EXPECTED[0][0]], env=os.environ | {"ROUSE_RUNS": "0"}, capture_output=True, text=True)
if few.returncode != 0:
    sys.exit(f"ROUSE_RUNS=0 makes runs:\n{few.stdout}")
