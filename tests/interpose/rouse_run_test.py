#!/usr/bin/env python3
"""rouse_run_test.py ROUSE_RUN PROGRAM COMPILER...: the launcher, on programs that it can run and on such as it cannot."""
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile

rouse_run, program = map(os.path.abspath, sys.argv[1:3])  # They run in another folder.
compiler = sys.argv[3:]
folder = pathlib.Path(tempfile.mkdtemp())
failures = []


def run(*arguments, cwd=folder, **environment):
    return subprocess.run([rouse_run, *map(str, arguments)], env=os.environ | environment, cwd=cwd,
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)


def expect(what, result, status, *texts):
    """`texts` are patterns that what was printed has, on stdout or stderr."""
    printed = result.stdout + result.stderr
    missing = [text for text in texts if not re.search(text, printed, re.M)]
    if result.returncode != status or missing:
        failures.append(f"{what}: status {result.returncode}, expected {status}; without {missing}:\n{printed}")


def executable(name, text):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)
    return path


def compiled(name, *arguments):
    """None if this compiler cannot."""
    source = folder / "empty.cpp"
    source.write_text("int main() { return 5; }\n", encoding="utf-8")
    done = subprocess.run([*compiler, *arguments, source, "-o", folder / name], capture_output=True, check=False)
    return folder / name if done.returncode == 0 else None


def status_is_the_programs():
    expect("a program that succeeds", run(program), 0)
    expect("a program that fails", run(program, "fails"), 7)
    expect("one that leaves by _exit", run(program, "leaves"), 3)
    expect("one that a signal kills", run(program, "is killed"), -signal.SIGTERM)
    expect("options end at the program's name", run(program, "fails", "--help"), 7)
    expect("options end at --", run("--stats", "--", program, "fails"), 7)
    expect("calls are the emulated kernel's", run(program, "waits", "makes"), 0, "^epoll_wait: 1$", "^eventfd: ok$")


def says_what_it_cannot_run():
    expect("nothing to run", run(), 125, "which program")
    expect("no such program", run("no-such-program-here"), 127, "no-such-program-here: not found in PATH")
    expect("no such file", run("./nowhere"), 127, "./nowhere: No such file")
    expect("a folder", run("/"), 126, "/: is a directory")
    text = folder / "text"
    text.write_text("text", encoding="utf-8")
    if os.getuid() != 0 or not os.access(text, os.X_OK):
        expect("no program", run("./text"), 126, "./text: Permission denied")
    if static := compiled("static", "-static"):
        expect("a static program", run(static), 125, "static is linked statically")
        script = executable("script", f"#!{static}\n")
        expect("a script for a static program", run(script), 125, "its interpreter .*static is linked statically")
    arm = bytearray(pathlib.Path(program).read_bytes())
    arm[18:20] = (8).to_bytes(2, "little")  # e_machine: MIPS
    (folder / "other").write_bytes(arm)
    (folder / "other").chmod(0o755)
    expect("another processor's", run("./other"), 125, "./other is for another processor")
    if os.getuid() == 0:
        set_uid = shutil.copy(program, folder / "set-uid")
        os.chown(set_uid, 65534, 65534)
        os.chmod(set_uid, 0o4755)
        if not os.statvfs(set_uid).f_flag & os.ST_NOSUID:
            expect("a set-uid program", run(set_uid), 125, "is a set-uid program")


def scripts():
    expect("a script", run(executable("sh-script", f"#!/bin/sh\nexec {program} makes fails\n")), 7, "^eventfd: ok$")
    expect("a script by env", run(executable("env-script", f"#!/usr/bin/env sh\nexec {program} fails\n")), 7)
    expect("a script without a first line", run(executable("plain", f"exec {program} fails\n")), 7)


def says_what_is_wrong():
    expect("no such option", run("--fautl", "x", program), 125, "fautl", "rouse-run --help")
    expect("no such errno", run("--fault", "accept:3:EMFIL", program), 125, "--fault accept:3:EMFIL: no errno is named")
    expect("no place for a trace", run("--trace", "no/where", program), 125, "--trace .*no/where: No such file")


def says_how_it_is_used():
    options = ["trace", "fault", "seed", "old-kernel", "real", "stats", "help", "version"]
    expect("--help", run("--help"), 0, *[f"^ *(--help, )?--{option}\\b|^  --help, --{option}" for option in options])
    expect("--version", run("--version"), 0, r"^rouse-run \d+\.\d+\.\d+$")


def options_have_their_effect():
    expect("--fault", run("--fault", "eventfd:2:EMFILE", program, "makes", "makes", "makes"), 0,
           r"^eventfd: ok\neventfd: Too many open files\neventfd: ok$")
    expect("--fault with the environment gone",
           run("--fault", "eventfd:2:EMFILE", program, "clears", "makes", "makes"), 0, "^eventfd: Too many open files$")
    expect("--old-kernel", run("--old-kernel", "5.10", program, "old"), 0, "^epoll_pwait2: Function not implemented$")
    expect("--stats", run("--stats", program, "waits"), 0, r"^epoll_wait +1 +[01] +0$", "^0 faults struck$")
    expect("--stats and _exit", run("--stats", "--fault", "eventfd:1:EMFILE", program, "makes", "leaves"), 3,
           r"^eventfd +1 +0 +1  EMFILE 1$", "^1 fault struck$")
    expect("--stats of nothing", run("--stats", program), 0, "has made no calls on emulated files")


def traces():
    expect("--trace", run("--trace", "trace", program, "waits", "forks", "leaves"), 3)
    text = (folder / "trace").read_text(encoding="utf-8")
    for line in [r"epoll_create1\(\) = epoll 3$", r"epoll_ctl\(epoll 3, add, eventfd 4, in\) = 0$",
                 r"epoll_wait\(epoll 3, 1, for ever\) = 1: eventfd 4 in", r"write\(eventfd 4, 1\) = 8$"]:
        if not re.search(r"^\d+\.\d{6} \[\d+\] " + line, text, re.M):
            failures.append(f"--trace: no line {line} in:\n{text}")
    children = list(folder.glob("trace.*"))
    if len(children) != 1 or "eventfd(0)" not in children[0].read_text(encoding="utf-8"):
        failures.append(f"--trace: the child's file is not there: {children}")

    with open(folder / "both", "w", encoding="utf-8") as both:
        subprocess.run([rouse_run, "--trace", "/dev/stderr", program, "makes", "makes"], cwd=folder, stdout=both,
                       stderr=both, timeout=60, check=True)
    text = (folder / "both").read_text(encoding="utf-8")
    if text.count("eventfd: ok") != 2 or text.count("close(eventfd 3) = 0") != 2:
        failures.append(f"--trace to a stderr that is a file: not all is there:\n{text}")

    expect("--trace of a json", run("--trace", "t.json", program, "waits", "leaves"), 3)
    events = json.loads((folder / "t.json").read_text(encoding="utf-8"))
    names = [event["name"] for event in events if event["ph"] == "X"]
    if not any(name.startswith("epoll_wait(epoll 3, 1, for ever) = 1: eventfd 4 in") for name in names):
        failures.append(f"--trace of a json: no epoll_wait in {names}")


for test in [status_is_the_programs, says_what_it_cannot_run, scripts, says_what_is_wrong, says_how_it_is_used,
             options_have_their_effect, traces]:
    test()
shutil.rmtree(folder)
if failures:
    sys.exit("\n".join(failures))
