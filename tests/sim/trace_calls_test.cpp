// Trace: what it says of each call: what it is given, and what it comes to.
#include "../support/catch.hpp"
#include "../support/traced.hpp"
#include "rouse/rouse.hpp"

#include <arpa/inet.h>
#include <array>
#include <csignal>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <string>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/un.h>

using namespace rouse;

namespace {

/// The calls of one task, without when and whose they are, and without the last event.
template <class Body>
std::string calls_of(Body body) {
  const test::Traced traced{[&](sim::World& world) { body(world.backend()); }};
  std::string text = "\n";
  for (std::size_t i = 0; i + 1 < traced.trace.events().size(); ++i) {
    const std::string line = traced.trace.text_of(i);
    if (!line.empty()) text += line + '\n';
  }
  return text;
}

::sockaddr_in loopback(std::uint16_t port) {
  ::sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}
const ::sockaddr* raw(const ::sockaddr_in& address) { return reinterpret_cast<const ::sockaddr*>(&address); }

/// Takes the results of calls, which are made in order, and lets them go.
struct Calls {
  template <class... Result>
  Calls(Result&&...) {}
};

void ignore_signal(int) {}

}  // namespace

TEST_CASE("Trace: epoll and eventfd", "[trace_calls]") {
  const std::string calls = calls_of([](EmulatedBackend b) {
    Calls{b.eventfd(3, EFD_SEMAPHORE | EFD_NONBLOCK), b.epoll_create1(EPOLL_CLOEXEC)};
    const Event in{EventFlags::in | EventFlags::et, 3}, tagged{EventFlags::out, 77}, pointer{EventFlags::in, &b};
    std::array<Event, 4> events;
    const ::timespec limit{1, 0};
    ::sigset_t mask{};
    ::sigaddset(&mask, SIGUSR1);
    Calls{b.epoll_ctl(4, EPOLL_CTL_ADD, 3, &in), b.epoll_wait(4, events.data(), 4, 10)};
    Calls{b.epoll_ctl(4, EPOLL_CTL_MOD, 3, &tagged), b.epoll_pwait2(4, events.data(), 4, &limit, &mask)};
    Calls{b.epoll_ctl(4, EPOLL_CTL_MOD, 3, &pointer), b.epoll_pwait(4, events.data(), 4, 0, nullptr)};
    Calls{b.epoll_ctl(4, EPOLL_CTL_DEL, 3, nullptr), b.epoll_ctl(4, 9, 7, &in), b.epoll_create(1)};
    std::uint64_t number = 40;
    Calls{b.write(3, &number, 8), b.read(3, &number, 8), b.write(3, nullptr, 8), b.write(3, &number, 4)};
    Calls{b.close(4), b.close(3), b.close(3), b.close(5)};
  });
  CHECK(calls == R"(
eventfd(3, semaphore|nonblock) = eventfd 3
epoll_create1(cloexec) = epoll 4
epoll_ctl(epoll 4, add, eventfd 3, in|et) = 0
epoll_wait(epoll 4, 4, 10 ms) = 1: eventfd 3 in
epoll_ctl(epoll 4, mod, eventfd 3, out data 77) = 0
epoll_pwait2(epoll 4, 4, 1 s, mask {SIGUSR1}) = 1: eventfd 3 out data 77
epoll_ctl(epoll 4, mod, eventfd 3, in) = 0
epoll_pwait(epoll 4, 4, 0) = 1: eventfd 3 in
epoll_ctl(epoll 4, del, eventfd 3) = 0
epoll_ctl(epoll 4, 9, fd 7, in|et data 3) = EBADF
epoll_create1() = epoll 5
write(eventfd 3, 40) = 8
read(eventfd 3, 8 bytes) = 8: 1
write(eventfd 3, a bad address) = EFAULT
write(eventfd 3, "\x01\x00\x00\x00") = EINVAL
close(epoll 4) = 0
close(eventfd 3) = 0
close(fd 3) = EBADF
close(epoll 5) = 0
)");
}

TEST_CASE("Trace: pipes, bytes and vectors", "[trace_calls]") {
  const std::string calls = calls_of([](EmulatedBackend b) {
    std::array<int, 2> fds{};
    Calls{b.pipe2(fds.data(), O_NONBLOCK | O_CLOEXEC)};
    std::array<char, 64> buffer{};
    const std::array<char, 3> binary{'\x01', '\0', '\xff'};
    const std::string text = "a \"line\"\n", long_text(30, 'x');
    Calls{b.write(4, text.data(), text.size()), b.read(3, buffer.data(), 64)};
    Calls{b.write(4, binary.data(), 3), b.read(3, buffer.data(), 64), b.read(3, buffer.data(), 64)};
    const void* const pointers[] = {&buffer, &text};
    Calls{b.write(4, pointers, sizeof pointers), b.read(3, buffer.data(), 64)};
    std::array<char, 4> left{'a', 'b', 'c', 'd'}, right{'e', 'f', 'g', 'h'};
    const std::array<::iovec, 2> vectors{{{left.data(), 4}, {right.data(), 4}}};
    Calls{b.writev(4, vectors.data(), 2), b.readv(3, vectors.data(), 2)};
    int bytes = 0, on = 0;
    Calls{b.write(4, long_text.data(), 30), b.ioctl(3, FIONREAD, &bytes), b.ioctl(4, FIONBIO, &on)};
    Calls{b.fcntl(4, F_SETFL, O_NONBLOCK | O_WRONLY), b.fcntl(4, F_GETFL), b.fcntl(4, F_DUPFD, 10)};
    Calls{b.dup(3), b.dup2(3, 6), b.dup3(3, 7, O_CLOEXEC), b.lseek(3, 5, SEEK_CUR)};
    Calls{b.pread(3, buffer.data(), 8, 2), b.pwrite(4, "ab", 2, 1)};
    for (const int fd : {3, 4, 5, 6, 7, 10}) Calls{b.close(fd)};
  });
  CHECK(calls == R"(
pipe2(nonblock|cloexec) = pipe 3, pipe 4
write(pipe 4, "a \"line\"\n") = 9
read(pipe 3, 64 bytes) = 9: "a \"line\"\n"
write(pipe 4, "\x01\x00\xff") = 3
read(pipe 3, 64 bytes) = 3: "\x01\x00\xff"
read(pipe 3, 64 bytes) = EAGAIN
write(pipe 4, 16 bytes) = 16
read(pipe 3, 64 bytes) = 16: 16 bytes
writev(pipe 4, "abcdefgh") = 8
readv(pipe 3, 8 bytes) = 8: "abcdefgh"
write(pipe 4, "xxxxxxxxxxxxxxxxxxxxxxxx" and more) = 30
ioctl(pipe 3, fionread) = 0: 30
ioctl(pipe 4, fionbio, 0) = 0
fcntl(pipe 4, setfl, nonblock) = 0
fcntl(pipe 4, getfl) = 2049
fcntl(pipe 4, dupfd, 10) = pipe 10
dup(pipe 3) = pipe 5
dup2(pipe 3, fd 6) = pipe 6
dup3(pipe 3, fd 7, cloexec) = pipe 7
lseek(pipe 3, 5, cur) = ESPIPE
pread(pipe 3, 8 bytes, at 2) = ESPIPE
pwrite(pipe 4, "ab", at 1) = ESPIPE
close(pipe 3) = 0
close(pipe 4) = 0
close(pipe 5) = 0
close(pipe 6) = 0
close(pipe 7) = 0
close(pipe 10) = 0
)");
}

TEST_CASE("Trace: poll and select", "[trace_calls]") {
  const std::string calls = calls_of([](EmulatedBackend b) {
    Calls{b.eventfd(1, 0), b.eventfd(0, 0)};
    std::array<::pollfd, 3> entries{{{3, POLLIN, 0}, {4, POLLIN | POLLOUT, 0}, {9, POLLIN, 0}}};
    const ::timespec limit{0, 1'500'000};
    ::sigset_t mask{};
    Calls{b.poll(entries.data(), 3, -1), b.ppoll(entries.data() + 1, 1, &limit, &mask)};
    entries[1].events = POLLIN;
    Calls{b.poll(entries.data() + 1, 1, 2)};
    ::fd_set read{}, write{};
    FD_SET(3, &read);
    FD_SET(4, &read);
    FD_SET(4, &write);
    ::timeval seconds{2, 0};
    Calls{b.select(5, &read, &write, nullptr, &seconds)};
    FD_ZERO(&read);
    Calls{b.pselect(5, &read, nullptr, nullptr, &limit, &mask), b.close(3), b.close(4)};
  });
  CHECK(calls == R"(
eventfd(1) = eventfd 3
eventfd(0) = eventfd 4
poll({eventfd 3 in, eventfd 4 in|out, fd 9 in}, for ever) = 3: {eventfd 3 in, eventfd 4 out, fd 9 nval}
ppoll({eventfd 4 in|out}, 1500 us, mask {}) = 1: {eventfd 4 out}
poll({eventfd 4 in}, 2 ms) blocks until 2.000 ms
moves on
wakes main
poll({eventfd 4 in}, 2 ms) = 0
select(read {eventfd 3, eventfd 4}, write {eventfd 4}, 2 s) = 2: read {eventfd 3}, write {eventfd 4}
pselect6(read {}, 1500 us, mask {}) blocks until 3.500 ms
moves on
wakes main
pselect6(read {}, 1500 us, mask {}) = 0
close(eventfd 3) = 0
close(eventfd 4) = 0
)");
}

TEST_CASE("Trace: timers and clocks", "[trace_calls]") {
  const std::string calls = calls_of([](EmulatedBackend b) {
    ::itimerspec every{{0, 250'000}, {1, 0}}, now{};
    std::uint64_t times = 0;
    ::timespec time{}, span{0, 3'000'000};
    Calls{b.timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK), b.timerfd_settime(3, 0, &every, nullptr)};
    Calls{b.timerfd_gettime(3, &now), b.read(3, &times, 8)};
    every = {{0, 0}, {5, 0}};
    Calls{b.timerfd_settime(3, TFD_TIMER_ABSTIME, &every, nullptr),
          b.clock_nanosleep(CLOCK_MONOTONIC, 0, &span, nullptr)};
    span = {6, 0};
    Calls{b.clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &span, nullptr), b.read(3, &times, 8)};
    Calls{b.clock_gettime(CLOCK_REALTIME, &time), b.close(3)};
  });
  CHECK(calls == R"(
timerfd_create(monotonic, nonblock) = timerfd 3
timerfd_settime(timerfd 3, 1 s, then every 250 us) = 0
timerfd_gettime(timerfd 3) = 1 s, then every 250 us
read(timerfd 3, 8 bytes) = EAGAIN
timerfd_settime(timerfd 3, abstime, 5 s) = 0
clock_nanosleep(monotonic, 3 ms) blocks until 3.000 ms
moves on
wakes main
clock_nanosleep(monotonic, 3 ms) = 0
clock_nanosleep(monotonic, until 6 s) blocks until 6000.000 ms
moves on
moves on
wakes main
clock_nanosleep(monotonic, until 6 s) = 0
read(timerfd 3, 8 bytes) = 8: 1
clock_gettime(realtime) = 946684806 s
close(timerfd 3) = 0
)");
}

TEST_CASE("Trace: signals", "[trace_calls]") {
  const std::string calls = calls_of([](EmulatedBackend b) {
    struct ::sigaction action {};
    action.sa_handler = ignore_signal;
    ::sigset_t set{}, pending{};
    ::sigaddset(&set, SIGUSR1);
    ::sigaddset(&set, SIGTERM);
    ::signalfd_siginfo info{};
    Calls{b.sigaction(SIGUSR1, &action, nullptr), b.sigaction(SIGUSR2, nullptr, &action)};
    Calls{b.sigprocmask(SIG_BLOCK, &set, nullptr), b.sigprocmask(SIG_BLOCK, nullptr, &pending)};
    Calls{b.signalfd(-1, &set, SFD_NONBLOCK), b.kill(kernel::process_id, SIGUSR1), b.getpid(), b.gettid()};
    Calls{b.sigpending(&pending), b.read(3, &info, sizeof info), b.signalfd(3, &set, 0)};
    Calls{b.tgkill(kernel::process_id, kernel::process_id, SIGUSR1), b.sigprocmask(SIG_UNBLOCK, &set, nullptr)};
    Calls{b.kill(0, 0), b.close(3)};
  });
  CHECK(calls == R"(
rt_sigaction(SIGUSR1, handler) = 0
rt_sigaction(SIGUSR2) = 0
rt_sigprocmask(block, {SIGUSR1, SIGTERM}) = 0
rt_sigprocmask() = 0
signalfd4({SIGUSR1, SIGTERM}, nonblock) = signalfd 3
kill(SIGUSR1) = 0
getpid() = 1000
gettid() = 1000
rt_sigpending() = {SIGUSR1}
read(signalfd 3, 128 bytes) = 128: SIGUSR1
signalfd4(signalfd 3, {SIGUSR1, SIGTERM}) = signalfd 3
tgkill(task 1, SIGUSR1) = 0
rt_sigprocmask(unblock, {SIGUSR1, SIGTERM}) = 0
kill(0) = 0
close(signalfd 3) = 0
)");
}

TEST_CASE("Trace: sockets", "[trace_calls]") {
  const std::string calls = calls_of([](EmulatedBackend b) {
    std::array<int, 2> fds{};
    std::array<char, 16> buffer{};
    Calls{b.socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds.data())};
    Calls{b.sendto(3, "hello", 5, MSG_NOSIGNAL, nullptr, 0),
          b.recvfrom(4, buffer.data(), 16, MSG_PEEK, nullptr, nullptr)};
    ::iovec vector{buffer.data(), 5};
    ::msghdr message{};
    message.msg_iov = &vector;
    message.msg_iovlen = 1;
    Calls{b.recvmsg(4, &message, 0), b.sendmsg(3, &message, MSG_DONTWAIT), b.shutdown(3, SHUT_WR)};
    Calls{b.close(3), b.close(4)};
    const ::sockaddr_in address = loopback(4000);
    ::sockaddr_in from{};
    ::socklen_t size = sizeof from, option_size = sizeof(int);
    auto* const to_fill = reinterpret_cast<::sockaddr*>(&from);
    int option = 1;
    Calls{b.socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), b.bind(3, raw(address), sizeof address)};
    Calls{b.sendto(3, "x", 1, 0, raw(address), sizeof address), b.recvfrom(3, buffer.data(), 16, 0, to_fill, &size)};
    Calls{b.getsockname(3, to_fill, &size), b.getpeername(3, to_fill, &size), b.close(3)};
    Calls{b.socket(AF_INET, SOCK_STREAM, 0), b.setsockopt(3, SOL_SOCKET, SO_REUSEADDR, &option, sizeof option)};
    Calls{b.bind(3, raw(address), sizeof address), b.listen(3, 5), b.socket(AF_INET, SOCK_STREAM, 0)};
    Calls{b.connect(4, raw(address), sizeof address), b.accept4(3, nullptr, nullptr, SOCK_NONBLOCK)};
    Calls{b.getsockopt(4, SOL_SOCKET, SO_ERROR, &option, &option_size), b.getpeername(4, to_fill, &size)};
    Calls{b.close(5), b.close(4), b.close(3)};
  });
  CHECK(calls == R"(
socketpair(unix, stream, nonblock) = unix stream socket 3, unix stream socket 4
sendto(unix stream socket 3, "hello", nosignal) = 5
recvfrom(unix stream socket 4, 16 bytes, peek) = 5: "hello"
recvmsg(unix stream socket 4, 5 bytes) = 5: "hello"
sendmsg(unix stream socket 3, "hello", dontwait) = 5
shutdown(unix stream socket 3, wr) = 0
close(unix stream socket 3) = 0
close(unix stream socket 4) = 0
socket(inet, dgram, cloexec) = udp socket 3
bind(udp socket 3, 127.0.0.1:4000) = 0
sendto(udp socket 3, "x", 127.0.0.1:4000) = 1
recvfrom(udp socket 3, 16 bytes) = 1: "x" from 127.0.0.1:4000
getsockname(udp socket 3) = 127.0.0.1:4000
getpeername(udp socket 3) = ENOTCONN
close(udp socket 3) = 0
socket(inet, stream) = tcp socket 3
setsockopt(tcp socket 3, socket, reuseaddr, 1) = 0
bind(tcp socket 3, 127.0.0.1:4000) = 0
listen(tcp socket 3, 5) = 0
socket(inet, stream) = tcp socket 4
connect(tcp socket 4, 127.0.0.1:4000) = 0
accept4(tcp socket 3, nonblock) = tcp socket 5
getsockopt(tcp socket 4, socket, error) = 0: 0
getpeername(tcp socket 4) = 127.0.0.1:4000
close(tcp socket 5) = 0
close(tcp socket 4) = 0
close(tcp socket 3) = 0
)");
}

TEST_CASE("Trace: paths and limits", "[trace_calls]") {
  const std::string calls = calls_of([](EmulatedBackend b) {
    ::rlimit limit{};
    Calls{b.open("/dev/null", O_RDONLY | O_CLOEXEC), b.unlink("/tmp/none"), b.close(3)};
    Calls{b.getrlimit(RLIMIT_NOFILE, &limit)};
    limit.rlim_cur = 10;
    Calls{b.setrlimit(RLIMIT_NOFILE, &limit)};
  });
  CHECK(calls == R"(
open("/dev/null", rdonly, cloexec) = plain file 3
unlink("/tmp/none") = ENOENT
close(plain file 3) = 0
getrlimit(nofile) = 1024 of 1048576
setrlimit(nofile, 10 of 1048576) = 0
)");
}
