#!/usr/bin/env python3
"""chat_server_test.py CHAT_SERVER: talks through the chat on Linux, is passed its log, and stops it."""
import os
import signal
import socket
import subprocess
import sys
import tempfile

LIMIT = 60  # Seconds that anything may take, on a slow machine.


def check(what, got, expected):
    if got != expected:
        sys.exit(f"{what}: got {got!r}, expected {expected!r}")


class Client:
    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(LIMIT)
        self.socket.connect(path)
        self.heard = b""
        self.fds = []

    def say(self, line):
        self.socket.sendall(line.encode() + b"\n")

    def hears(self, line):
        """The next line has to be this one."""
        while b"\n" not in self.heard:
            got, fds, _, _ = socket.recv_fds(self.socket, 4096, 16)
            self.fds += fds
            check(f"more to come than {self.heard!r}", got != b"", True)
            self.heard += got
        heard, _, self.heard = self.heard.partition(b"\n")
        check("a line", heard.decode(), line)


def main():
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "chat")
        server = subprocess.Popen([sys.argv[1], path], stdout=subprocess.PIPE, text=True)
        try:
            check("the server says where it listens", server.stdout.readline(), f"listening on unix {path}\n")
            ann, bob = Client(path), Client(path)
            ann.say("ann")
            ann.hears("* ann joined")
            bob.say("bob")
            bob.hears("* bob joined")
            ann.hears("* bob joined")
            ann.say("hello")
            bob.hears("ann: hello")
            bob.say("/log")
            bob.hears("* log")
            check("passed fds", len(bob.fds), 1)
            with os.fdopen(bob.fds[0]) as log:
                check("the log", log.read(), "* ann joined\n* bob joined\nann: hello\n")
            bob.socket.close()
            ann.hears("* bob left")
            server.send_signal(signal.SIGTERM)
            ann.hears("* the server stops")
            check("the server's status", server.wait(LIMIT), 0)
            check("its path is gone", os.path.exists(path), False)
        finally:
            server.kill()
            server.wait()


main()
