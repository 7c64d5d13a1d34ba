// Which steps wake one exclusive waiter and which wake all: two stand in the queue of a file and count.
#include "../support/backends.hpp"
#include "../support/bad_pointers.hpp"
#include "../support/told.hpp"

#include <csignal>
#include <functional>
#include <sys/socket.h>

using namespace rouse;
using test::Told;

namespace {

using Pair = std::pair<int, int>;

constexpr Pair nobody{0, 0};
constexpr Pair one{1, 0};
constexpr Pair one_twice{2, 0};
constexpr Pair everybody{1, 1};

class Watched {
 public:
  explicit Watched(kernel::File* file) {
    file->wait_queue().add_tail(first_);
    file->wait_queue().add_tail(second_);
  }
  /// How often each of the two was woken since the last time.
  Pair woken() { return {first_.take(), second_.take()}; }

 private:
  Told first_{true};
  Told second_{true};
};

struct Machine {
  kernel::Kernel kernel;
  EmulatedBackend backend{kernel};

  [[nodiscard]] Watched watch(int fd) const { return Watched{kernel.file(fd)}; }
  void send(int fd, std::size_t n) const {
    const std::string bytes(n, 'x');
    REQUIRE(backend.write(fd, bytes.data(), n) == n);
  }
  void take(int fd, std::size_t n) const {
    std::string bytes(n, '-');
    REQUIRE(backend.read(fd, bytes.data(), n) == n);
  }
};

}  // namespace

TEST_CASE("Wakeups: an eventfd tells one", "[wakeups]") {
  const Machine on;
  const int fd = on.backend.eventfd(0, EFD_NONBLOCK).value();
  Watched queue = on.watch(fd);
  std::uint64_t value = 1;
  REQUIRE(on.backend.write(fd, &value, 8).ok());
  CHECK(queue.woken() == one);
  REQUIRE(on.backend.read(fd, &value, 8).ok());
  CHECK(queue.woken() == one);
  CHECK(on.backend.read(fd, &value, 8) == SysResult<std::size_t>::failure(EAGAIN));
  CHECK(queue.woken() == nobody);
}

TEST_CASE("Wakeups: a timerfd tells one", "[wakeups]") {
  Machine on;
  const int fd = on.backend.timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK).value();
  Watched queue = on.watch(fd);
  ::itimerspec setting{{0, 0}, {0, 5}};
  REQUIRE(on.backend.timerfd_settime(fd, 0, &setting, nullptr).ok());
  CHECK(queue.woken() == nobody);
  static_cast<kernel::SoloHost&>(on.kernel.host()).advance(Timeout::of_nanoseconds(5));
  CHECK(queue.woken() == one);
  std::uint64_t ticks = 7;
  REQUIRE(on.backend.ioctl(fd, kernel::tfd_ioc_set_ticks, &ticks).ok());
  CHECK(queue.woken() == one);
  // When the clock is set.
  setting.it_value.tv_sec = 4'000'000'000;
  REQUIRE(on.backend.timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &setting, nullptr).ok());
  CHECK(queue.woken() == nobody);
  on.kernel.set_realtime(Timeout::of_nanoseconds(1'000'000'000));
  CHECK(queue.woken() == one);
}

TEST_CASE("Wakeups: a signal tells one of those who wait for any", "[wakeups]") {
  const Machine on;
  const ::sigset_t set = SignalSet::of(SIGUSR1, SIGUSR2).to_sigset();
  REQUIRE(on.backend.sigprocmask(SIG_BLOCK, &set, nullptr).ok());
  const int fd = on.backend.signalfd(-1, &set, 0).value();
  Watched queue = on.watch(fd);
  const int pid = on.backend.getpid().value();
  REQUIRE(on.backend.kill(pid, SIGUSR1).ok());
  CHECK(queue.woken() == one);
  REQUIRE(on.backend.tgkill(pid, on.backend.gettid().value(), SIGUSR1).ok());
  CHECK(queue.woken() == one);
  REQUIRE(on.backend.kill(pid, SIGUSR1).ok());  // It is pending already.
  CHECK(queue.woken() == nobody);
  REQUIRE(on.backend.signalfd(fd, &set, 0).ok());
  CHECK(queue.woken() == one);
}

TEST_CASE("Wakeups: a pipe tells one, and everybody when an end goes", "[wakeups]") {
  const Machine on;
  int pipe[2];
  REQUIRE(on.backend.pipe2(pipe, O_NONBLOCK).ok());
  Watched reader = on.watch(pipe[0]);
  Watched writer = on.watch(pipe[1]);
  on.send(pipe[1], 65536);
  CHECK(reader.woken() == one);
  CHECK(writer.woken() == nobody);
  // Whether it was told of what is there already, matters once somebody has polled.
  CHECK(on.backend.write(pipe[1], "x", 1) == SysResult<std::size_t>::failure(EAGAIN));
  CHECK(reader.woken() == nobody);
  ::pollfd polled{pipe[0], POLLIN, 0};
  REQUIRE(on.backend.poll(&polled, 1, 0) == 1);
  CHECK(on.backend.write(pipe[1], "x", 1) == SysResult<std::size_t>::failure(EAGAIN));
  CHECK(reader.woken() == one);
  on.take(pipe[0], 4095);
  CHECK(writer.woken() == nobody);
  on.take(pipe[0], 1);
  CHECK(writer.woken() == one);
  on.take(pipe[0], 4096);
  CHECK(writer.woken() == nobody);
  CHECK(on.backend.fcntl(pipe[0], F_SETPIPE_SZ, 1 << 17).ok());
  CHECK(writer.woken() == one);
  CHECK(reader.woken() == nobody);
  SECTION("the reader") {
    REQUIRE(on.backend.close(pipe[0]).ok());
    CHECK(writer.woken() == everybody);
  }
  SECTION("the writer") {
    REQUIRE(on.backend.close(pipe[1]).ok());
    CHECK(reader.woken() == everybody);
    CHECK(on.backend.fcntl(pipe[0], F_SETPIPE_SZ, 1 << 18).ok());
    CHECK(reader.woken() == nobody);
  }
}

TEST_CASE("Wakeups: a unix stream tells one of bytes and room, and everybody of shutdowns and the end", "[wakeups]") {
  const Machine on;
  int pair[2];
  REQUIRE(on.backend.socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair).ok());
  Watched here = on.watch(pair[0]);
  Watched there = on.watch(pair[1]);
  on.send(pair[0], 100);
  CHECK(there.woken() == one);
  CHECK(here.woken() == nobody);
  on.take(pair[1], 99);
  CHECK(here.woken() == nobody);
  on.take(pair[1], 1);
  CHECK(here.woken() == one);
  const int size = 300'000;
  REQUIRE(on.backend.setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof size).ok());
  CHECK(here.woken() == one);
  CHECK(there.woken() == nobody);
  SECTION("a shutdown") {
    for (const int how : {SHUT_RD, SHUT_WR, SHUT_RDWR}) {
      REQUIRE(on.backend.shutdown(pair[0], how).ok());
      CHECK(here.woken() == everybody);
      CHECK(there.woken() == everybody);
    }
  }
  SECTION("a close") {
    REQUIRE(on.backend.close(pair[1]).ok());
    CHECK(here.woken() == everybody);
  }
}

TEST_CASE("Wakeups: a udp socket tells one of a datagram and of room", "[wakeups]") {
  const Machine on;
  const int fd = on.backend.socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0).value();
  const SocketAddress here = SocketAddress::ipv4_loopback(5000);
  REQUIRE(on.backend.bind(fd, here.data(), here.size()).ok());
  REQUIRE(on.backend.connect(fd, here.data(), here.size()).ok());
  Watched queue = on.watch(fd);
  const int size = 300'000;
  REQUIRE(on.backend.setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size).ok());
  CHECK(queue.woken() == one);
  // Of room, as it goes, and of itself, as it comes.
  on.send(fd, 1);
  CHECK(queue.woken() == one_twice);
  CHECK(on.backend.write(fd, test::unmapped(), 1) == SysResult<std::size_t>::failure(EFAULT));
  CHECK(queue.woken() == one);
}

TEST_CASE("Wakeups: a udp socket tells one that its peer is not there", "[wakeups]") {
  const Machine on;
  const int fd = on.backend.socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0).value();
  const SocketAddress nowhere = SocketAddress::ipv4_loopback(9);
  REQUIRE(on.backend.connect(fd, nowhere.data(), nowhere.size()).ok());
  Watched queue = on.watch(fd);
  on.send(fd, 1);
  CHECK(queue.woken() == one_twice);  // Of room first.
}

TEST_CASE("Wakeups: a listener tells one of each connection", "[wakeups]") {
  const Machine on;
  const auto make = [&] { return on.backend.socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0).value(); };
  const SocketAddress name = *SocketAddress::unix_abstract("listener");
  const int listener = make();
  REQUIRE(on.backend.bind(listener, name.data(), name.size()).ok());
  REQUIRE(on.backend.listen(listener, 1).ok());
  Watched queue = on.watch(listener);
  for (int i = 0; i < 2; ++i) {
    REQUIRE(on.backend.connect(make(), name.data(), name.size()).ok());
    CHECK(queue.woken() == one);
  }
  REQUIRE(on.backend.accept4(listener, nullptr, nullptr, 0).ok());
  CHECK(queue.woken() == nobody);
  REQUIRE(on.backend.shutdown(listener, SHUT_RD).ok());
  CHECK(queue.woken() == everybody);
}

TEST_CASE("Wakeups: a datagram socket tells one that there is room, or that its peer has gone over", "[wakeups]") {
  const Machine on;
  const SocketAddress name = *SocketAddress::unix_abstract("full");
  const auto make = [&] { return on.backend.socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0).value(); };
  const auto connect = [&](int fd) { REQUIRE(on.backend.connect(fd, name.data(), name.size()).ok()); };
  const int receiver = make();
  const int sender = make();
  REQUIRE(on.backend.bind(receiver, name.data(), name.size()).ok());
  Watched queue = on.watch(sender);
  connect(sender);
  CHECK(queue.woken() == nobody);
  connect(sender);
  CHECK(queue.woken() == one);
  while (on.backend.write(sender, "x", 1).ok()) continue;
  CHECK(queue.woken() == one);  // Of the message that did not go, which is let go.
  on.take(receiver, 1);
  CHECK(queue.woken() == one_twice);  // There is room at the receiver, and the message that was read is let go.
  on.take(receiver, 1);
  CHECK(queue.woken() == one);
  // Who is refused by another does not ask the peer for room.
  const SocketAddress other_name = *SocketAddress::unix_abstract("another");
  REQUIRE(on.backend.bind(make(), other_name.data(), other_name.size()).ok());
  const int filler = make();
  const auto send_to = [&](int from, const SocketAddress& to) {
    return on.backend.sendto(from, "x", 1, 0, to.data(), to.size()).ok();
  };
  while (send_to(filler, name) || send_to(filler, other_name)) continue;
  CHECK_FALSE(send_to(sender, other_name));
  CHECK(queue.woken() == one);
  on.take(receiver, 1);
  CHECK(queue.woken() == one);
  int pair[2];
  REQUIRE(on.backend.socketpair(AF_UNIX, SOCK_DGRAM, 0, pair).ok());
  on.send(pair[1], 1);
  Watched left = on.watch(pair[1]);
  connect(pair[0]);
  CHECK(left.woken() == one_twice);  // Its message is gone, and so is its peer.
}

TEST_CASE("Wakeups: a datagram socket that has left a full peer is told of it no more", "[wakeups]") {
  for (const bool leaves : {false, true}) {
    CAPTURE(leaves);
    const Machine on;
    const SocketAddress name = *SocketAddress::unix_abstract("full");
    const auto make = [&] { return on.backend.socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0).value(); };
    const int receiver = make();
    const int filler = make();
    const int sender = make();
    REQUIRE(on.backend.bind(receiver, name.data(), name.size()).ok());
    while (on.backend.sendto(filler, "x", 1, 0, name.data(), name.size()).ok()) continue;
    REQUIRE(on.backend.connect(sender, name.data(), name.size()).ok());
    ::pollfd entry{sender, POLLOUT, 0};
    REQUIRE(on.backend.poll(&entry, 1, 0) == 0);
    const ::sockaddr nobody_at_all{AF_UNSPEC, {}};
    if (leaves) REQUIRE(on.backend.connect(sender, &nobody_at_all, sizeof nobody_at_all).ok());
    Watched queue = on.watch(sender);
    on.take(receiver, 1);
    CHECK(queue.woken() == (leaves ? nobody : one));
  }
}

TEST_CASE("Wakeups: a tcp connection tells one of bytes and room, and everybody of its ends", "[wakeups][tcp]") {
  const Machine on;
  const auto make = [&] { return on.backend.socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0).value(); };
  const SocketAddress at = SocketAddress::ipv4_loopback(5000);
  const int listener = make();
  REQUIRE(on.backend.bind(listener, at.data(), at.size()).ok());
  REQUIRE(on.backend.listen(listener, 1).ok());
  Watched waiting = on.watch(listener);
  const int client = make();
  Watched here = on.watch(client);
  REQUIRE(on.backend.connect(client, at.data(), at.size()) == SysResult<void>::failure(EINPROGRESS));
  CHECK(here.woken() == everybody);
  CHECK(waiting.woken() == one);
  const int accepted = on.backend.accept4(listener, nullptr, nullptr, SOCK_NONBLOCK).value();
  Watched there = on.watch(accepted);
  on.send(client, 100);
  CHECK(there.woken() == one);
  CHECK(here.woken() == nobody);
  const std::string much(10'000'000, 'x');
  const std::size_t sent = on.backend.write(client, much.data(), much.size()).value();
  static_cast<void>(there.woken());
  CHECK(on.backend.write(client, "x", 1) == SysResult<std::size_t>::failure(EAGAIN));
  CHECK(here.woken() == nobody);
  std::string taken(sent + 100, '-');
  while (on.backend.read(accepted, taken.data(), taken.size()).ok()) continue;
  CHECK(here.woken() == one);
  static_cast<void>(there.woken());
  SECTION("a shutdown") {
    REQUIRE(on.backend.shutdown(client, SHUT_WR).ok());
    CHECK(here.woken() == everybody);
    CHECK(there.woken() == everybody);
    REQUIRE(on.backend.shutdown(client, SHUT_RD).ok());
    CHECK(here.woken() == everybody);
    CHECK(there.woken() == nobody);
  }
  SECTION("a reset") {
    const ::linger at_once{1, 0};
    REQUIRE(on.backend.setsockopt(client, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once).ok());
    REQUIRE(on.backend.close(client).ok());
    CHECK(there.woken() == everybody);
  }
  SECTION("the listener's end") {
    const ::sockaddr none{};
    REQUIRE(on.backend.connect(listener, &none, sizeof none).ok());
    CHECK(waiting.woken() == one);
  }
}

TEST_CASE("Wakeups: how calls on a tcp socket wait", "[wakeups][tcp]") {
  Machine on;
  using kernel::Direction;
  const int fd = on.backend.socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0).value();
  const auto style = [&](Direction direction) { return on.kernel.file(fd)->wait_style(direction); };
  SECTION("who accepts takes turns") {
    REQUIRE(on.backend.listen(fd, 1).ok());
    CHECK(style(Direction::read).key == (EventFlags::in | EventFlags::err));
    CHECK(style(Direction::read).exclusive);
    CHECK_FALSE(style(Direction::read).at_head);
  }
  SECTION("others look again at every wakeup, the last first; who connects looks for signals first") {
    // Nobody has this address.
    kernel::NetNamespace& net = on.kernel.network.add("other", {"10.0.0.1"});
    const kernel::InNamespace in{on.kernel, net};
    const int connecting = on.backend.socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0).value();
    ::sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_port = htons(9);
    at.sin_addr.s_addr = htonl(0x0a00'0002);
    REQUIRE(on.backend.connect(connecting, reinterpret_cast<const ::sockaddr*>(&at), sizeof at) ==
            SysResult<void>::failure(EINPROGRESS));
    for (const int each : {fd, connecting}) {
      for (const Direction direction : {Direction::read, Direction::write}) {
        const kernel::WaitStyle found = on.kernel.file(each)->wait_style(direction);
        CHECK(found.key == kernel::any_key);
        CHECK_FALSE(found.exclusive);
        CHECK(found.at_head);
        CHECK(found.signals_first == (each == connecting && direction == Direction::write));
      }
    }
  }
}
