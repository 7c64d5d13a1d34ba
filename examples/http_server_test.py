#!/usr/bin/env python3
"""http_server_test.py SERVER: starts the HTTP server on Linux, has curl, wrk and plain sockets talk to it, and stops it.

Passes if all is answered as it should be and the server ends with status 0 on SIGTERM.
"""
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

LIMIT = 60  # Seconds that anything may take, on a slow machine.
WRK_SECONDS = 2
WRK_CONNECTIONS = 32


def check(what, got, expected):
    if got != expected:
        sys.exit(f"{what}: got {got!r}, expected {expected!r}")


def curl(*args):
    """What curl prints, headers included, without the date."""
    run = subprocess.run(["curl", "--silent", "--show-error", "--include", "--max-time", str(LIMIT), *args],
                         capture_output=True, text=True, check=False)
    check(f"curl {args}: status and errors", (run.returncode, run.stderr), (0, ""))
    return re.sub(r"Date: [^\n]*\n", "", run.stdout.replace("\r\n", "\n"))


def response(status, body, fields="", length=None):
    length = len(body) if length is None else length
    return f"HTTP/1.1 {status}\nContent-Type: text/plain\nContent-Length: {length}\n{fields}\n{body}"


def read_all(client):
    """What comes until the server closes."""
    pieces = []
    while piece := client.recv(65536):
        pieces.append(piece)
    return b"".join(pieces)


def raw(address, sent):
    """What comes back for these bytes until the server closes."""
    with socket.create_connection(address, LIMIT) as client:
        client.sendall(sent)
        return read_all(client)


def statuses(got):
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d+) ", got)]


def talk_by_curl(url):
    hello = response("200 OK", "hello\n")
    check("GET", curl(url), hello)
    check("HEAD", curl("--head", url + "bytes/7"), response("200 OK", "", length=7))
    check("POST", curl("--data-binary", "some text", url + "echo"), response("200 OK", "some text"))
    check("no such page", curl(url + "nobody"), response("404 Not Found", "404 Not Found\n"))
    check("PUT", curl("--request", "PUT", url),
          response("405 Method Not Allowed", "405 Method Not Allowed\n", "Allow: GET, HEAD, POST\n"))
    check("HTTP/1.0", curl("--http1.0", url), response("200 OK", "hello\n", "Connection: close\n"))
    check("chunked", curl("--header", "Transfer-Encoding: chunked", "--data", "x", url + "echo"),
          response("501 Not Implemented", "501 Not Implemented\n", "Connection: close\n"))

    # curl asks whether it may send a body of more than a megabyte, or so many, if it is told to.
    with tempfile.NamedTemporaryFile("w") as body:
        body.write("x" * 60000)
        body.flush()
        got = curl("--header", "Expect: 100-continue", "--data-binary", "@" + body.name, url + "echo")
    check("100-continue", got, "HTTP/1.1 100 Continue\n\n" + response("200 OK", "x" * 60000))

    # Two on one connection: the second one opens none.
    run = subprocess.run(["curl", "--silent", "--max-time", str(LIMIT), "--write-out", "%{num_connects} ",
                          "--output", "/dev/null", url, "--output", "/dev/null", url + "bytes/1000000"],
                         capture_output=True, text=True, check=True)
    check("keep-alive", run.stdout, "1 0 ")


def talk_by_sockets(address):
    check("a bad request", statuses(raw(address, b"nonsense\r\n\r\n")), [400])
    check("TLS", statuses(raw(address, b"\x16\x03\x01\x00\x0a\r\n")), [400])
    host = b"Host: a\r\n"
    got = raw(address, b"GET / HTTP/1.1\r\n" + host + b"\r\nGET /nobody HTTP/1.1\r\n" + host +
              b"\r\nPOST /echo HTTP/1.1\r\nContent-Length: 3\r\n" + host + b"\r\nabc" +
              b"GET / HTTP/1.1\r\nConnection: close\r\n" + host + b"\r\n")
    check("pipelining", statuses(got), [200, 404, 200, 200])
    check("pipelining: a body", got.count(b"\r\n\r\nabcHTTP/1.1 200 OK\r\n"), 1)
    request = b"GET /bytes/20000 HTTP/1.1\r\n" + host + b"\r\n"
    got = raw(address, request * 500 + b"GET / HTTP/1.0\r\n\r\n")
    check("much pipelining", statuses(got), [200] * 501)
    # A half-close: it still wants the answer.
    with socket.create_connection(address, LIMIT) as client:
        client.sendall(request)
        client.shutdown(socket.SHUT_WR)
        time.sleep(0.05)
        got = read_all(client)
    check("a half-close", (statuses(got), got.count(b"x")), ([200], 20001))  # One x is in "text".


def load_by_wrk(url):
    run = subprocess.run(["wrk", "--threads", "2", "--connections", str(WRK_CONNECTIONS), "--duration",
                          f"{WRK_SECONDS}s", "--timeout", f"{LIMIT}s", url],
                         capture_output=True, text=True, check=False, timeout=LIMIT + WRK_SECONDS)
    print(run.stdout)
    check("wrk: status", run.returncode, 0)
    requests = re.search(r"(\d+) requests in", run.stdout)
    check("wrk: requests", requests is not None and int(requests[1]) > 0, True)
    for error in ("Socket errors", "Non-2xx"):
        check(f"wrk: {error}", error in run.stdout, False)


def stop(server, address):
    """With a client in the middle of a request, which is still answered."""
    with socket.create_connection(address, LIMIT) as client, socket.create_connection(address, LIMIT) as idle:
        client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n")
        idle.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        check("an idle connection", statuses(idle.recv(65536)), [200])
        time.sleep(0.1)
        server.send_signal(signal.SIGTERM)
        check("an idle connection is closed", idle.recv(65536), b"")
        client.sendall(b"\r\n")
        got = read_all(client)
        check("what was in flight", (statuses(got), b"\r\nConnection: close\r\n" in got), ([200], True))
    said = server.communicate(timeout=LIMIT)[0]
    check("the server's status", server.returncode, 0)
    print(said)
    check("the server's last words", re.fullmatch(r"served \d+ connections, cut off 0\n", said) is not None, True)


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
        return True
    except OSError:
        return False


def main():
    for program in ("curl", "wrk"):
        if not shutil.which(program):
            sys.exit(f"{program} is missing: scripts/install-deps build")
    addresses = ["127.0.0.1:0"] + (["[::1]:0"] if has_ipv6() else [])
    server = subprocess.Popen([sys.argv[1], *addresses], stdout=subprocess.PIPE, text=True)
    try:
        urls = [re.fullmatch(r"listening on (http://(.+):(\d+)/)\n", server.stdout.readline()) for _ in addresses]
        check("the server says where it listens", None in urls, False)
        for url, host, port in (match.groups() for match in urls):
            talk_by_curl(url)
            talk_by_sockets((host.strip("[]"), int(port)))
            load_by_wrk(url)
        stop(server, ("127.0.0.1", int(urls[0][3])))
    finally:
        server.kill()
        server.wait()


main()
