// Addresses that turn bad half-way: how much of a call is done, and that nothing is lost.
#include "../support/bare.hpp"
#include "../support/events.hpp"
#include "../support/guarded.hpp"
#include "../support/signals.hpp"

#include <array>

using namespace rouse;
using test::Events;
using test::Guarded;
using test::Handles;

namespace {

using Size = SysResult<std::size_t>;
using Count = SysResult<int>;

constexpr EventFlags in = EventFlags::in;

/// As `bare`, and reading and writing too: sanitizers look at all of a buffer.
struct Raw : test::BareLinux {
  Size read(int fd, void* buffer, std::size_t n) const { return Size::from_libc(::syscall(SYS_read, fd, buffer, n)); }
  Size write(int fd, const void* buffer, std::size_t n) const {
    return Size::from_libc(::syscall(SYS_write, fd, buffer, n));
  }
  Size sendto(int fd, const void* data, std::size_t n, int flags, const ::sockaddr* to, ::socklen_t to_n) const {
    return Size::from_libc(::syscall(SYS_sendto, fd, data, n, flags, to, to_n));
  }
  Size recvfrom(int fd, void* data, std::size_t n, int flags, ::sockaddr* from, ::socklen_t* from_n) const {
    return Size::from_libc(::syscall(SYS_recvfrom, fd, data, n, flags, from, from_n));
  }
  Count epoll_wait(int epfd, Event* events, int n, int milliseconds) const {
    return Count::from_libc(::syscall(SYS_epoll_pwait, epfd, events, n, milliseconds, nullptr, std::size_t{8}));
  }
};

Raw raw(LinuxBackend) { return {}; }
EmulatedBackend raw(EmulatedBackend backend) { return backend; }

}  // namespace

TEMPLATE_LIST_TEST_CASE("Fault: epoll_wait reports what fits and keeps the rest", "[fault][epoll]", test::AllWays) {
  TestType on;
  const auto backend = raw(on.backend);
  const EventFlags mode = GENERATE(EventFlags{}, EventFlags::et, EventFlags::oneshot);
  CAPTURE(mode.bits);
  typename Handles<TestType>::Epoll epoll{on.backend};
  std::vector<typename Handles<TestType>::EventFd> events;
  for (std::uint64_t i = 0; i < 4; ++i) epoll.add(events.emplace_back(on.backend, 1u), in | mode, i);
  const Guarded memory;
  auto* const room = reinterpret_cast<Event*>(memory.last(2 * sizeof(Event) + 5));
  CHECK(backend.epoll_wait(epoll.fd(), reinterpret_cast<Event*>(memory.last(11)), 4, 0) == Count::failure(EFAULT));
  CHECK(backend.epoll_wait(epoll.fd(), room, 4, 0) == Count{2});
  CHECK(Events(room, room + 2) == Events{{in, 0}, {in, 1}});
  std::uint32_t bits = 0;
  std::memcpy(&bits, room + 2, sizeof bits);
  CHECK(bits == in.bits);  // Of one for whose data there was no room.
  // The one that did not fit is first, and those delivered are behind it if they are level-triggered.
  Event rest[4];
  const Count n = backend.epoll_wait(epoll.fd(), rest, 4, 0);
  REQUIRE(n.ok());
  const Events level{{in, 2}, {in, 3}, {in, 0}, {in, 1}};
  CHECK(Events(rest, rest + n.value()) == (mode.empty() ? level : Events{{in, 2}, {in, 3}}));
}

TEMPLATE_LIST_TEST_CASE("Fault: memory that cannot be written is no room", "[fault]", test::AllWays) {
  TestType on;
  const auto backend = raw(on.backend);
  typename Handles<TestType>::EventFd event{on.backend, 5};
  const Guarded memory;
  std::memcpy(memory.start(), "12345678", 8);
  memory.make_read_only();
  CHECK(backend.read(event.fd(), memory.start(), 8) == Size::failure(EFAULT));
  CHECK(event.try_read() == std::nullopt);  // The count is gone all the same.
  CHECK(backend.write(event.fd(), memory.start(), 8) == Size{8});
  CHECK(event.try_read() == 0x3837363534333231u);
  CHECK(backend.read(event.fd(), const_cast<char*>("in the program's text"), 8) == Size::failure(EAGAIN));
}

TEMPLATE_LIST_TEST_CASE("Fault: an eventfd's number is whole or not there", "[fault][eventfd]", test::AllWays) {
  TestType on;
  const auto backend = raw(on.backend);
  typename Handles<TestType>::EventFd event{on.backend, 5};
  const Guarded memory;
  CHECK(backend.write(event.fd(), memory.last(7), 8) == Size::failure(EFAULT));
  CHECK(event.try_read() == 5u);
  event.write(6);
  CHECK(backend.read(event.fd(), memory.last(7), 8) == Size::failure(EFAULT));
  CHECK(event.try_read() == std::nullopt);
}

TEMPLATE_LIST_TEST_CASE("Fault: a pipe moves whole slots before a bad address", "[fault][pipe]", test::AllWays) {
  TestType on;
  const auto backend = raw(on.backend);
  typename Handles<TestType>::Pipe pipe{on.backend};
  const Guarded memory{2};
  int queued = 0;
  const auto in_pipe = [&] {
    REQUIRE(on.backend.ioctl(pipe.reader.fd(), FIONREAD, &queued).ok());
    return queued;
  };
  CHECK(backend.write(pipe.writer.fd(), memory.last(10), 11) == Size::failure(EFAULT));
  CHECK(in_pipe() == 0);
  CHECK(backend.write(pipe.writer.fd(), memory.last(5000), 6000) == Size{4096});
  CHECK(in_pipe() == 4096);
  CHECK(backend.write(pipe.writer.fd(), memory.start(), 904) == Size{904});
  // What tops up the last slot, first; a fault there ends it.
  CHECK(backend.write(pipe.writer.fd(), memory.last(50), 100) == Size::failure(EFAULT));
  CHECK(in_pipe() == 5000);
  CHECK(backend.read(pipe.reader.fd(), memory.last(4095), 5000) == Size::failure(EFAULT));
  CHECK(in_pipe() == 5000);
  CHECK(backend.read(pipe.reader.fd(), memory.last(4500), 5000) == Size{4096});
  CHECK(in_pipe() == 904);
}

TEMPLATE_LIST_TEST_CASE("Fault: a unix stream moves whole chunks before a bad address", "[fault][unix]",
                        test::AllWays) {
  TestType on;
  const auto backend = raw(on.backend);
  auto [a, b] = Handles<TestType>::Socket::pair(on.backend);
  const Guarded memory{32};
  CHECK(backend.sendto(a.fd(), memory.last(100), 101, 0, nullptr, 0) == Size::failure(EFAULT));
  CHECK(backend.sendto(a.fd(), memory.last(40000), 50000, 0, nullptr, 0) == Size{36544});
  CHECK(backend.sendto(a.fd(), memory.start(), 100, 0, nullptr, 0) == Size{100});
  CHECK(backend.recvfrom(b.fd(), memory.last(36543), 36644, 0, nullptr, nullptr) == Size::failure(EFAULT));
  CHECK(backend.recvfrom(b.fd(), memory.last(36600), 36644, 0, nullptr, nullptr) == Size{36544});
  CHECK(backend.recvfrom(b.fd(), memory.start(), 1000, 0, nullptr, nullptr) == Size{100});
}

TEMPLATE_LIST_TEST_CASE("Fault: arguments behind a pointer are whole or EFAULT", "[fault]", test::AllWays) {
  TestType on;
  const auto backend = raw(on.backend);
  const Guarded memory;
  typename Handles<TestType>::Epoll epoll{on.backend};
  typename Handles<TestType>::EventFd event{on.backend};
  const auto* const cut = reinterpret_cast<const Event*>(memory.last(sizeof(Event) - 1));
  CHECK(on.backend.epoll_ctl(epoll.fd(), EPOLL_CTL_ADD, event.fd(), cut) == SysResult<void>::failure(EFAULT));
  CHECK(on.backend.epoll_ctl(epoll.fd(), EPOLL_CTL_DEL, event.fd(), cut) == SysResult<void>::failure(ENOENT));
  auto* const entries = reinterpret_cast<::pollfd*>(memory.last(2 * sizeof(::pollfd) - alignof(::pollfd)));
  CHECK(backend.poll(entries, 1, 0) == Count{0});
  CHECK(backend.poll(entries, 2, 0) == Count::failure(EFAULT));
  const typename Handles<TestType>::OwnedFd socket{on.backend, on.backend.socket(AF_UNIX, SOCK_STREAM, 0).value()};
  for (const auto& [option, size] : {std::pair{SO_RCVTIMEO, sizeof(::timeval)}, {SO_LINGER, sizeof(::linger)}}) {
    CAPTURE(option);
    const auto n = static_cast<::socklen_t>(size);
    CHECK(on.backend.setsockopt(socket.get(), SOL_SOCKET, option, memory.last(size / 2), n) ==
          SysResult<void>::failure(EFAULT));
  }
  auto* const fds = reinterpret_cast<int*>(memory.last(sizeof(int)));
  CHECK(on.backend.pipe2(fds, 0) == SysResult<void>::failure(EFAULT));
}

TEMPLATE_LIST_TEST_CASE("Fault: a timerfd's count ends where memory does, and is gone", "[fault][timerfd]",
                        test::AllWays) {
  TestType on;
  const auto backend = raw(on.backend);
  const typename Handles<TestType>::OwnedFd timer{on.backend, on.backend.timerfd_create(CLOCK_MONOTONIC, 0).value()};
  const ::itimerspec setting{{0, 0}, {0, 1}};
  const Guarded memory;
  for (const std::size_t good : {std::size_t{4}, std::size_t{1}}) {
    REQUIRE(on.backend.timerfd_settime(timer.get(), 0, &setting, nullptr).ok());
    CHECK(backend.read(timer.get(), memory.last(good), 8) == Size{good});
    CHECK(*memory.last(good) == 1);
    ::pollfd entry{timer.get(), POLLIN, 0};
    CHECK(on.backend.poll(&entry, 1, 0) == Count{0});
  }
}

TEMPLATE_LIST_TEST_CASE("Fault: a signalfd's record that does not fit is lost, and the rest stays", "[fault][signalfd]",
                        test::AllWays) {
  TestType on;
  const auto backend = raw(on.backend);
  const SignalSet set = SignalSet::of(SIGUSR1, SIGUSR2);
  const typename Handles<TestType>::SignalBlock block{on.backend, set};
  typename Handles<TestType>::SignalFd signals{on.backend, set};
  const Guarded memory;
  struct Row {
    std::size_t good;
    Size result;
    std::size_t left;
  };
  for (const Row row : {Row{64, Size::failure(EFAULT), 1}, {128, Size{128}, 0}, {192, Size{128}, 0}}) {
    CAPTURE(row.good);
    for (const int signal : {SIGUSR1, SIGUSR2}) REQUIRE(on.backend.kill(on.backend.getpid().value(), signal).ok());
    CHECK(backend.read(signals.fd(), memory.last(row.good), 256) == row.result);
    std::array<SignalInfo, 4> rest;
    CHECK(signals.try_read(rest).size() == row.left);
  }
}
