"""Runs a program on Linux and by rouse-run, and fails if what it printed or how it ended differs.

    run_both.py --rouse-run PATH --passed-on PATH [options] -- PROGRAM [ARGUMENT...]

Both runs have the same arguments, input and environment, each a fresh folder to work in and a time limit. In
arguments, environment and files {port} and {port2} are ports that nobody listens on; in what is compared they are
called so again. A run that never came to the emulated kernel would be equal, too. So a library is preloaded behind the interposing one
(passed_on.c), which counts the calls that make epolls, pipes, sockets and so on, and that reach it: on Linux there have
to be some, as else there was nothing to compare; by rouse-run none, as else something was left to Linux.
"""

import argparse
import difflib
import os
import pathlib
import re
import shlex
import signal
import socket
import struct
import subprocess
import sys
import tempfile

# As in passed_on.c.
NAMES = ["epoll_create", "eventfd", "pipe", "timerfd_create", "signalfd", "unix socket", "inet socket"]


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rouse-run", required=True)
    parser.add_argument("--passed-on", required=True, help="the library that counts")
    parser.add_argument("--preload", action="append", default=[], help="a library of the program's own")
    parser.add_argument("--sanitizer", help="a sanitizer's library, which has to come first of all")
    parser.add_argument("--fixed-addresses", action="store_true", help="as old thread sanitizers need on new kernels")
    parser.add_argument("--env", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--input", help="a file, or text: '=TEXT' as a file, '|TEXT' by a pipe")
    parser.add_argument("--file", action="append", default=[], metavar="NAME=TEXT", help="is in the folder")
    parser.add_argument("--copy", action="append", default=[], metavar="PATH", help="is in the folder, too")
    parser.add_argument("--show", action="append", default=[], help="a file that is compared as well, if it is there")
    parser.add_argument("--may-pass", action="append", default=[], choices=NAMES, help="what may reach Linux")
    parser.add_argument("--limit", type=float, default=60, help="seconds for each run")
    parser.add_argument("--only", choices=["linux", "emulated"], help="prints that run, and compares nothing")
    parser.add_argument("--expect", help="a file: the emulated run has to print that; Linux is not asked")
    parser.add_argument("command", nargs="+")
    options = parser.parse_args()
    for name in ("rouse_run", "passed_on", "sanitizer", "expect"):
        setattr(options, name, absolute(getattr(options, name)))
    for name in ("preload", "copy"):
        setattr(options, name, [absolute(path) for path in getattr(options, name)])
    options.command[0] = absolute(options.command[0])
    return options


def absolute(path):
    return os.path.abspath(path) if path and os.path.exists(path) else path


def unescape(text):
    return text.replace("\\n", "\n").replace("\\r", "\r")


def can_fix_addresses():
    try:
        return subprocess.run(["setarch", "-R", "true"], check=False, stderr=subprocess.DEVNULL).returncode == 0
    except OSError:
        return False


class Ports:
    """Free ones, under the names that stand for them."""

    def __init__(self):
        with socket.socket() as first, socket.socket() as second:
            for each in (first, second):
                each.bind(("127.0.0.1", 0))
            self.names = {"{port}": str(first.getsockname()[1]), "{port2}": str(second.getsockname()[1])}

    def put(self, text):
        for name, port in self.names.items():
            text = text.replace(name, port)
        return text

    def hide(self, text):
        for name, port in self.names.items():
            text = re.sub(rf"\b{port}\b", name, text)
        return text


def open_input(data, is_pipe):
    if is_pipe:  # It has room for what tests say.
        reading, writing = os.pipe()
        os.write(writing, data)
        os.close(writing)
        return open(reading, "rb")
    file = tempfile.TemporaryFile()
    file.write(data)
    file.seek(0)
    return file


def run(options, folder, is_emulated):
    """What it printed and how it ended, as text; and what was counted."""
    work = folder / "work"
    work.mkdir()
    ports = Ports()
    for entry in options.file:
        name, text = entry.split("=", 1)
        (work / name).parent.mkdir(exist_ok=True)
        (work / name).write_text(ports.put(unescape(text)), encoding="utf-8")
    for path in map(pathlib.Path, options.copy):
        (work / path.name).write_text(ports.put(path.read_text(encoding="utf-8")), encoding="utf-8")
    counts = folder / "counts"
    counts.write_bytes(bytes(8 * len(NAMES)))

    # Libraries are preloaded into rouse-run as well, where they may want to do nothing.
    env = dict(os.environ, LC_ALL="C", PASSED_ON_COUNTS=str(counts), PROGRAM=os.path.basename(options.command[0]))
    env.update(ports.put(entry).split("=", 1) for entry in options.env)
    preload = [options.passed_on, *options.preload]
    if options.sanitizer and not is_emulated:  # rouse-run sees to that.
        preload.insert(0, options.sanitizer)
    env["LD_PRELOAD"] = ":".join(preload)
    command = ([options.rouse_run] if is_emulated else []) + [ports.put(word) for word in options.command]
    if options.fixed_addresses and can_fix_addresses():
        command = ["setarch", "-R", *command]
    given = options.input or "="
    data = unescape(given[1:]).encode() if given[0] in "=|" else pathlib.Path(given).read_bytes()

    with open_input(data, given[0] == "|") as stdin:
        process = subprocess.Popen(command, cwd=work, env=env, stdin=stdin, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, start_new_session=True)
        try:
            output, errors = process.communicate(timeout=options.limit)
            ended = process.returncode
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            output, errors = process.communicate()
            ended = None
    text = ports.hide(as_text(options, work, output, errors, ended))
    return text, struct.unpack(f"={len(NAMES)}Q", counts.read_bytes())


def as_text(options, work, output, errors, ended):
    if ended is None:
        end = f"did not end within {options.limit:g} seconds"
    elif ended < 0:
        end = f"ended by {signal.Signals(-ended).name}"
    else:
        end = f"exit status {ended}"
    parts = {"stdout": output, "stderr": errors}
    for name in options.show:
        path = work / name
        parts[name] = path.read_bytes() if path.exists() else b"(is not there)\n"
    text = "".join(f"== {name}\n{data.decode('utf-8', 'backslashreplace')}" for name, data in parts.items() if data)
    return f"{text.rstrip()}\n== {end}\n"


def counted(counts):
    return ", ".join(f"{count} x {name}" for name, count in zip(NAMES, counts) if count)


def problems(options, emulated, expected, is_of_linux, counts_emulated, counts_linux):
    if emulated != expected:
        names = ("on Linux" if is_of_linux else "expected", "by rouse-run")
        diff = difflib.unified_diff(expected.splitlines(), emulated.splitlines(), *names, lineterm="", n=4)
        yield "the runs differ:\n" + "\n".join(diff)
    if "did not end within" in emulated:
        yield "a run took too long"
    left = [0 if name in options.may_pass else count for name, count in zip(NAMES, counts_emulated)]
    if any(left):
        yield f"by rouse-run these were left to Linux: {counted(left)}"
    if is_of_linux and not any(counts_linux):
        yield "on Linux it made no file that rouse-run would emulate: there is nothing to compare"


def main():
    options = parse()
    with tempfile.TemporaryDirectory(prefix="rouse-run-") as folder:
        folders = {kind: pathlib.Path(folder) / kind for kind in ("linux", "emulated")}
        for path in folders.values():
            path.mkdir()
        if options.only:
            text, counts = run(options, folders[options.only], options.only == "emulated")
            print(text + f"== reached Linux: {counted(counts) or 'nothing'}")
            return 0
        emulated, counts_emulated = run(options, folders["emulated"], True)
        counts_linux = None
        if options.expect:
            expected = pathlib.Path(options.expect).read_text(encoding="utf-8")
        else:
            expected, counts_linux = run(options, folders["linux"], False)
    found = list(problems(options, emulated, expected, not options.expect, counts_emulated, counts_linux))
    if not found:
        return 0
    print(f"run_both: {shlex.join(options.command)}")
    for problem in found:
        print(problem)
    print("run_both: to run it by hand:", shlex.join([sys.executable, *sys.argv]))
    return 1


sys.exit(main())
