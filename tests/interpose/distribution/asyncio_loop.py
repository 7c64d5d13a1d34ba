"""Python's asyncio on its epoll loop: TCP and unix streams, a pipe, UDP, a timer, a signal and a worker thread.

One process. Each part prints what it got; the output is the same on every run.
"""

import asyncio
import os
import signal
import socket
import tempfile


async def echo_one_line(reader, writer):
    writer.write(await reader.readline())
    await writer.drain()
    writer.close()
    await writer.wait_closed()


async def ask(name, reader, writer):
    writer.write(f"over {name}\n".encode())
    writer.write_eof()
    print("client got:", (await reader.read()).decode().rstrip())
    writer.close()
    await writer.wait_closed()


async def echo_over_tcp():
    server = await asyncio.start_server(echo_one_line, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        await ask("TCP", *await asyncio.open_connection("127.0.0.1", port))


async def echo_over_a_unix_socket(folder):
    path = os.path.join(folder, "socket")
    async with await asyncio.start_unix_server(echo_one_line, path):
        await ask("a unix socket", *await asyncio.open_unix_connection(path))


class EchoDatagrams(asyncio.DatagramProtocol):
    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, address):
        self.transport.sendto(data, address)


class FirstDatagram(asyncio.DatagramProtocol):
    def __init__(self, arrived):
        self.arrived = arrived

    def datagram_received(self, data, address):
        self.arrived.set_result(data)


async def echo_over_udp(loop):
    server, _ = await loop.create_datagram_endpoint(EchoDatagrams, local_addr=("127.0.0.1", 0))
    arrived = loop.create_future()
    client, _ = await loop.create_datagram_endpoint(
        lambda: FirstDatagram(arrived), remote_addr=server.get_extra_info("sockname"))
    client.sendto(b"over UDP")
    print("client got:", (await arrived).decode())
    client.close()
    server.close()


async def read_a_pipe(loop):
    """Once by hand, once as the stream asyncio makes of a pipe."""
    reading, writing = os.pipe()
    readable = loop.create_future()
    loop.add_reader(reading, readable.set_result, True)
    os.write(writing, b"by hand")
    await readable
    loop.remove_reader(reading)
    print("pipe:", os.read(reading, 64).decode())

    stream = asyncio.StreamReader()
    with os.fdopen(reading, "rb", 0) as pipe:
        transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(stream), pipe)
        os.write(writing, b"as a stream")
        os.close(writing)
        print("pipe:", (await stream.read()).decode())
        transport.close()
        await asyncio.sleep(0)  # the transport lets go of the pipe on the next turn


async def wait_for_timer_signal_and_worker(loop):
    called = loop.create_future()
    loop.call_later(0.01, called.set_result, "called later")
    print("timer:", await called)

    caught = loop.create_future()
    loop.add_signal_handler(signal.SIGUSR1, caught.set_result, "SIGUSR1")
    os.kill(os.getpid(), signal.SIGUSR1)
    print("signal:", await caught)
    loop.remove_signal_handler(signal.SIGUSR1)

    print("worker:", await loop.run_in_executor(None, lambda: sum(range(10))))


async def send_a_file(loop, folder):
    """The bytes go from a regular file to a socket by sendfile(2)."""
    path = os.path.join(folder, "file")
    with open(path, "wb") as file:
        file.write(b"0123456789" * 1000)
    left, right = socket.socketpair()
    left.setblocking(False)
    right.setblocking(False)

    async def receive_all():
        received = b""
        while chunk := await loop.sock_recv(right, 4096):
            received += chunk
        return received

    receiving = asyncio.create_task(receive_all())
    with open(path, "rb") as file:
        sent = await loop.sock_sendfile(left, file)
    left.close()
    print("sendfile:", sent, "sent,", len(await receiving), "received")
    right.close()


async def main():
    loop = asyncio.get_running_loop()
    with tempfile.TemporaryDirectory() as folder:
        await echo_over_tcp()
        await echo_over_a_unix_socket(folder)
        await echo_over_udp(loop)
        await read_a_pipe(loop)
        await wait_for_timer_signal_and_worker(loop)
        await send_a_file(loop, folder)


asyncio.run(main())
