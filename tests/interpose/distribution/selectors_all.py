"""Python's selectors and the three calls below them, over a socketpair and a pipe.

Each readiness call is asked four times: nothing there, something to read, drained again, and the other end gone.
The output is the same on every run.
"""

import os
import select
import selectors
import socket

NAMES = {select.EPOLLIN: "in", select.EPOLLOUT: "out", select.EPOLLHUP: "hup", select.EPOLLERR: "err",
         select.EPOLLRDHUP: "rdhup"}


def in_words(events):
    return "+".join(name for bit, name in NAMES.items() if events & bit) or "nothing"


def wait_with_epoll(fd):
    with select.epoll() as epoll:
        epoll.register(fd, select.EPOLLIN)
        return in_words(sum(events for _, events in epoll.poll(0)))


def wait_with_edge_epoll(fd):
    with select.epoll() as epoll:
        epoll.register(fd, select.EPOLLIN | select.EPOLLET | select.EPOLLRDHUP)
        first = in_words(sum(events for _, events in epoll.poll(0)))
        again = in_words(sum(events for _, events in epoll.poll(0)))
        return f"{first} then {again}"


def wait_with_poll(fd):
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    return in_words(sum(events for _, events in poll.poll(0)))


def wait_with_select(fd):
    return "in" if select.select([fd], [], [], 0)[0] else "nothing"


def wait_with_default_selector(fd):
    with selectors.DefaultSelector() as selector:
        selector.register(fd, selectors.EVENT_READ)
        return "in" if selector.select(0) else "nothing"


WAITS = [wait_with_epoll, wait_with_edge_epoll, wait_with_poll, wait_with_select, wait_with_default_selector]


def ask_all(subject, state, fd):
    for wait in WAITS:
        print(f"{subject}, {state}: {wait.__name__} says {wait(fd)}")


def watch(subject, reading, writing):
    ask_all(subject, "empty", reading)
    os.write(writing, b"x")
    ask_all(subject, "written", reading)
    os.read(reading, 1)
    ask_all(subject, "drained", reading)
    os.close(writing)
    ask_all(subject, "other end closed", reading)
    os.close(reading)


def main():
    left, right = socket.socketpair()
    watch("socketpair", left.detach(), right.detach())
    watch("pipe", *os.pipe())
    watch("nonblocking pipe", *os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC))


main()
