"""Python's blocking servers in threads, with their clients in the same process: HTTP over TCP, and UDP.

The output is the same on every run.
"""

import http.client
import http.server
import socket
import socketserver
import threading
import urllib.request


class Answer(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, text):
        body = text.encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.answer(f"you asked for {self.path}")

    def do_POST(self):
        size = int(self.headers["Content-Length"])
        self.answer(f"you sent {len(self.rfile.read(size))} bytes")

    def log_message(self, *_):
        pass


class EchoDatagram(socketserver.BaseRequestHandler):
    def handle(self):
        data, replies = self.request
        replies.sendto(data.upper(), self.client_address)


def while_serving(server, use):
    """Runs the server in a thread for as long as its client takes."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        use(server.server_address)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def ask_over_http(address):
    host, port = address
    connection = http.client.HTTPConnection(host, port, timeout=10)
    for path in ("/first", "/second"):
        connection.request("GET", path)
        print("http.client:", connection.getresponse().read().decode())
    connection.request("POST", "/", body=b"x" * 300_000)
    print("http.client:", connection.getresponse().read().decode())
    connection.close()

    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"http://{host}:{port}/third", timeout=10) as answer:
        print("urllib:", answer.status, answer.read().decode())


def ask_over_udp(address):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(10)
        client.sendto(b"datagram", address)
        print("udp:", client.recvfrom(100)[0].decode())


def main():
    while_serving(http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer), ask_over_http)
    while_serving(socketserver.UDPServer(("127.0.0.1", 0), EchoDatagram), ask_over_udp)
    while_serving(socketserver.ThreadingUDPServer(("127.0.0.1", 0), EchoDatagram), ask_over_udp)


main()
