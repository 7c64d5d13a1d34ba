#!/usr/bin/env python3
"""check_trace_json.py PROGRAM: what ROUSE_TRACE writes of failing cases is JSON that Perfetto can draw."""
import collections
import json
import os
import subprocess
import sys
import tempfile

CASES = ["fails in a check", "fails in a check of a task", "fails in a deadlock", "fails as the README shows",
         "fails by an exception"]


def nanoseconds(microseconds):
    return round(microseconds * 1000)


def check(case, events):
    def refuse(what, event=None):
        sys.exit(f"\"{case}\": {what}" + (f": {event}" if event else ""))

    names = {e["tid"]: e["args"]["name"] for e in events if e["ph"] == "M" and e["name"] == "thread_name"}
    if len(set(names.values())) != len(names):
        refuse("two tracks have one name")
    slices, flows = collections.defaultdict(list), collections.defaultdict(list)
    for event in events:
        if event["tid"] not in names:
            refuse("an event on a track without a name", event)
        if event["ph"] == "X":
            start = nanoseconds(event["ts"])
            slices[event["tid"]].append((start, start + nanoseconds(event["dur"])))
        elif event["ph"] in "sf":
            flows[event["id"]].append(event)
    for track in slices.values():
        open_until = []
        for start, end in sorted(track, key=lambda each: (each[0], -each[1])):
            while open_until and open_until[-1] <= start:
                open_until.pop()
            if end <= start or (open_until and end > open_until[-1]):
                refuse(f"slices that do not nest, at {start} ns")
            open_until.append(end)
    for ends in flows.values():
        if [e["ph"] for e in ends] != ["s", "f"] or ends[0]["ts"] > ends[1]["ts"]:
            refuse("a flow without its end", ends)
        for event in ends:
            at = nanoseconds(event["ts"])
            if not any(start <= at <= end for start, end in slices[event["tid"]]):
                refuse("a flow outside of all slices", event)
    if [e["name"] for e in events if e["ph"] == "i" and e["s"] == "g"] == []:
        refuse("no failure")
    return len(flows)


flows = 0
with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "trace.json")
    for case in CASES:
        subprocess.run([sys.argv[1], case], env=os.environ | {"ROUSE_TRACE": path}, capture_output=True, timeout=120)
        with open(path) as file:
            flows += check(case, json.load(file)["traceEvents"])
        os.remove(path)
if flows == 0:
    sys.exit("no case has a flow")
