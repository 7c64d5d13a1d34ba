#!/usr/bin/env python3
"""udp_ping_test.py UDP_PING: pings itself on Linux, over IPv4 and where nobody is, and stops."""
import re
import signal
import subprocess
import sys

LIMIT = 60  # Seconds that anything may take, on a slow machine.


def check(what, got, pattern):
    if not re.fullmatch(pattern, got):
        sys.exit(f"{what}: got {got!r}, which is not {pattern!r}")


def ping(program, address, count):
    run = subprocess.run([program, address, count], capture_output=True, text=True, check=False, timeout=LIMIT)
    return f"{run.stdout}{run.stderr}status {run.returncode}"


def main():
    program = sys.argv[1]
    server = subprocess.Popen([program, "--serve", "127.0.0.1:0"], stdout=subprocess.PIPE, text=True)
    try:
        said = server.stdout.readline()
        check("the server says where it listens", said, r"listening on udp 127\.0\.0\.1:\d+\n")
        address = said.split()[-1]
        time = r"\d+\.\d{3}"
        answers = "".join(rf"{i}: {time} ms, sent \d time\(s\)\n" for i in (1, 2, 3))
        check("ping", ping(program, address, "3"),
              answers + rf"3 probes, 3 answered, 0% lost; round trip {time} / {time} / {time} ms\nstatus 0")
        server.send_signal(signal.SIGTERM)
        check("the server's last words", server.communicate(timeout=LIMIT)[0], r"answered \d+\n")
        check("the server's status", str(server.returncode), "0")
        check("ping nobody", ping(program, address, "1"),
              r"1: no answer, sent 3 time\(s\)\n1 probes, 0 answered, 100% lost\nnobody is there\nstatus 1")
        for bad in ("nonsense", "127.0.0.1", "127.0.0.1:x"):
            check("bad usage", ping(program, bad, "1"), r"usage: .*\nstatus 2")
        check("bad usage", ping(program, address, "0"), r"usage: .*\nstatus 2")
    finally:
        server.kill()
        server.wait()


main()
