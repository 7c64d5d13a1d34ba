// Blocking: who is woken and who takes what, one wakeup at a time, with tasks that run when the case says so.
#include "rouse/kernel/blocking.hpp"

#include "../support/backends.hpp"
#include "../support/fake_file.hpp"
#include "../support/scripted_host.hpp"
#include "../support/told.hpp"

#include <csignal>
#include <functional>
#include <poll.h>

using namespace rouse;
using test::FakeFile;
using test::ScriptedHost;

namespace {

using Names = std::vector<std::string>;

struct Scripted {
  explicit Scripted(unsigned needs = kernel::needs_nothing) : host(needs) {}

  ScriptedHost host;
  kernel::Kernel kernel{host};
  EmulatedBackend backend{kernel};

  /// What a wait for one event reports as data; -1 for nothing.
  std::int64_t wait_for_one(int epfd, int milliseconds = -1) const {
    Event event;
    const SysResult<int> n = backend.epoll_wait(epfd, &event, 1, milliseconds);
    return n == 1 ? static_cast<std::int64_t>(event.data().u64()) : -1;
  }
  void add(int epfd, int fd, EventFlags flags) const {
    const Event event{flags, fd};
    REQUIRE(backend.epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &event).ok());
  }
  std::string read_one(int fd) const {
    char byte = '-';
    return backend.read(fd, &byte, 1) == 1u ? std::string(1, byte) : "nothing";
  }

  /// What two tasks get that read a byte each, and whom the writer woke that comes then.
  struct Readers {
    std::string main;
    std::string second;
    Names woken;
  };
  Readers read_by_two(int fd, const std::function<void()>& write) {
    Readers readers;
    host.then("second", [&] { readers.second = read_one(fd); });
    host.then("writer", [&] {
      write();
      readers.woken = host.take_woken();
    });
    readers.main = read_one(fd);
    return readers;
  }
};

constexpr EventFlags edge = EventFlags::in | EventFlags::et;

}  // namespace

TEST_CASE("Blocking: a signal is one task's, and another's data are its own", "[blocking][signal]") {
  Scripted on;
  struct ::sigaction action {};
  action.sa_handler = [](int) {};
  REQUIRE(on.backend.sigaction(SIGUSR1, &action, nullptr).ok());
  const int pid = on.backend.getpid().value();
  const int main_thread = on.backend.gettid().value();
  int pipe[2];
  REQUIRE(on.backend.pipe2(pipe, 0).ok());
  int pair[2];
  REQUIRE(on.backend.socketpair(AF_UNIX, SOCK_STREAM, 0, pair).ok());
  const int epfd = on.backend.epoll_create1(0).value();
  std::string second;
  on.host.then("second", [&] { second = on.read_one(pair[0]); });
  on.host.then("sender", [&] {
    REQUIRE(on.backend.tgkill(pid, main_thread, SIGUSR1).ok());
    REQUIRE(on.backend.write(pair[1], "a", 1).ok());
    Event event;
    CHECK(on.backend.epoll_wait(epfd, &event, 1, 1) == 0);
  });
  char byte = 0;
  CHECK(on.backend.read(pipe[0], &byte, 1) == SysResult<std::size_t>::failure(EINTR));
  CHECK(second == "a");
}

TEST_CASE("Blocking: a woken task has left the queue, so the next wakeup goes to the next task", "[blocking]") {
  Scripted on;
  int pipe[2];
  REQUIRE(on.backend.pipe2(pipe, 0).ok());
  ::pollfd polled{pipe[0], POLLIN, 0};  // From then on every write wakes, not only one into an empty pipe.
  REQUIRE(on.backend.poll(&polled, 1, 0).ok());
  const auto readers = on.read_by_two(pipe[0], [&] {
    REQUIRE(on.backend.write(pipe[1], "a", 1).ok());
    REQUIRE(on.backend.write(pipe[1], "b", 1).ok());
  });
  CHECK(readers.main == "b");
  CHECK(readers.second == "a");
  CHECK(readers.woken == Names{"main", "second"});
}

TEST_CASE("Blocking: a task that is woken as its time runs out takes what woke it", "[blocking][timeout]") {
  Scripted on;
  on.host.is_slow = true;
  const int event = on.backend.eventfd(0, 0).value();
  const int epfd = on.backend.epoll_create1(0).value();
  on.add(epfd, event, edge);
  const std::uint64_t one = 1;
  on.host.then("writer", [&] { REQUIRE(on.backend.write(event, &one, sizeof one).ok()); });
  CHECK(on.wait_for_one(epfd, 1) == event);
}

TEST_CASE("Blocking: a task that is woken by nobody it waits for sleeps on, in its place", "[blocking]") {
  Scripted on;
  const int event = on.backend.eventfd(0, 0).value();
  const int epfd = on.backend.epoll_create1(0).value();
  on.add(epfd, event, edge);
  kernel::Task& main = on.host.current();
  const std::uint64_t one = 1;
  on.host.then("somebody", [&] { on.host.wake(main); });
  on.host.then("writer", [&] { REQUIRE(on.backend.write(event, &one, sizeof one).ok()); });
  CHECK(on.wait_for_one(epfd) == event);
}

TEST_CASE("Blocking: a wakeup whose key does not concern a task leaves it asleep", "[blocking]") {
  Scripted on;
  FakeFile* file = nullptr;
  test::open_fake(on.kernel, file);
  for (const EventFlags key : {EventFlags::in, EventFlags::err, EventFlags::hup}) {
    kernel::TaskWaiter waiter{on.host, on.host.current(), file->wait_style(kernel::Direction::read).key};
    waiter.join(file->queue, false, false);
    file->queue.wake(EventFlags::out);
    CHECK(on.host.take_woken() == Names{});
    CHECK(waiter.is_linked());
    file->queue.wake(key);
    CHECK(on.host.take_woken() == Names{"main"});
    CHECK_FALSE(waiter.is_linked());
  }
}

TEST_CASE("Blocking: a task that takes no notice of a key does not stand before those that do", "[blocking]") {
  Scripted on;
  FakeFile* file = nullptr;
  test::open_fake(on.kernel, file);
  kernel::TaskWaiter reader{on.host, on.host.current(), EventFlags::in};
  reader.join(file->queue, true, false);
  test::Told next;
  file->queue.add_tail(next);
  file->queue.wake(EventFlags::out);
  CHECK(next.take() == 1);
}

TEST_CASE("Blocking: a task asleep is named in dumps with its call and its file", "[blocking][dump]") {
  Scripted on;
  int pipe[2];
  REQUIRE(on.backend.pipe2(pipe, 0).ok());
  std::string seen;
  on.host.then("writer", [&] {
    seen = dump(on.kernel);
    REQUIRE(on.backend.write(pipe[1], "a", 1).ok());
  });
  CHECK(on.read_one(pipe[0]) == "a");
  CHECK(seen.find("main is blocked in read(fd 3) on pipe since 0.000 ms for ever\n") != std::string::npos);
  CHECK(dump(on.kernel).find("main runs\n") != std::string::npos);
}

TEST_CASE("Blocking: a call that must not wait does not even ask for sleep", "[blocking][timeout]") {
  Scripted on;
  const int epfd = on.backend.epoll_create1(0).value();
  bool was_asleep = false;
  on.host.then("other", [&] { was_asleep = true; });
  CHECK(on.wait_for_one(epfd, 0) == -1);
  ::pollfd entry{epfd, POLLIN, 0};
  CHECK(on.backend.poll(&entry, 1, 0) == 0);
  const ::timespec now{};
  Event event;
  CHECK(on.backend.epoll_pwait2(epfd, &event, 1, &now, nullptr) == 0);
  CHECK_FALSE(was_asleep);
  CHECK(on.wait_for_one(epfd, 1) == -1);
  CHECK(was_asleep);
}

TEST_CASE("Blocking: without a time-out, epoll_pwait2 waits until there is something", "[blocking][timeout]") {
  Scripted on;
  const int event = on.backend.eventfd(0, 0).value();
  const int epfd = on.backend.epoll_create1(0).value();
  on.add(epfd, event, edge);
  const std::uint64_t one = 1;
  on.host.then("writer", [&] { REQUIRE(on.backend.write(event, &one, sizeof one).ok()); });
  Event seen;
  CHECK(on.backend.epoll_pwait2(epfd, &seen, 1, nullptr, nullptr) == 1);
}

TEST_CASE("Blocking: a wait whose events have no place fails when there is one", "[blocking][pointers]") {
  Scripted on;
  const int event = on.backend.eventfd(0, 0).value();
  const int epfd = on.backend.epoll_create1(0).value();
  on.add(epfd, event, edge);
  const std::uint64_t one = 1;
  on.host.then("writer", [&] { REQUIRE(on.backend.write(event, &one, sizeof one).ok()); });
  CHECK(on.backend.epoll_wait(epfd, nullptr, 1, -1) == SysResult<int>::failure(EFAULT));
  CHECK(on.wait_for_one(epfd, 0) == event);
}

TEST_CASE("Blocking: connects that wait for room are woken one at a time, and outlive their fd", "[blocking][unix]") {
  Scripted on;
  using Void = SysResult<void>;
  const auto make = [&] { return on.backend.socket(AF_UNIX, SOCK_STREAM, 0).value(); };
  const SocketAddress name = *SocketAddress::unix_abstract("listener");
  const SocketAddress own = *SocketAddress::unix_abstract("own");
  const int listener = make();
  REQUIRE(on.backend.bind(listener, name.data(), name.size()).ok());
  REQUIRE(on.backend.listen(listener, 0).ok());
  const auto connect = [&](int fd) { return on.backend.connect(fd, name.data(), name.size()); };
  const auto accept = [&] { return on.backend.accept4(listener, nullptr, nullptr, SOCK_CLOEXEC); };
  REQUIRE(connect(make()).ok());
  const int first = make();
  const int second = make();
  REQUIRE(on.backend.bind(first, own.data(), own.size()).ok());
  Void second_result = Void::failure(EIO);
  Names woken;
  kernel::Task& main = on.host.current();
  on.host.then("somebody", [&] { on.host.wake(main); });  // In vain.
  on.host.then("second", [&] { second_result = connect(second); });
  on.host.then("closer", [&] {
    REQUIRE(on.backend.close(first).ok());
    // Its name is taken as long as the call goes on.
    CHECK(on.backend.bind(make(), own.data(), own.size()) == Void::failure(EADDRINUSE));
    on.host.take_woken();
    REQUIRE(accept().ok());
    woken = on.host.take_woken();
    REQUIRE(on.backend.close(listener).ok());
  });
  CHECK(connect(first) == Void::failure(ECONNREFUSED));
  CHECK(woken == Names{"main"});
  CHECK(second_result == Void::failure(ECONNREFUSED));
}

TEST_CASE("Blocking: of those who send to a full receiver, the first is told that a message was read",
          "[blocking][unix]") {
  Scripted on;
  const SocketAddress name = *SocketAddress::unix_abstract("full");
  const auto make = [&](int flags) { return on.backend.socket(AF_UNIX, SOCK_DGRAM | flags, 0).value(); };
  const auto send = [&](int fd) { return on.backend.sendto(fd, "x", 1, 0, name.data(), name.size()).ok(); };
  const int receiver = make(0);
  REQUIRE(on.backend.bind(receiver, name.data(), name.size()).ok());
  const int filler = make(SOCK_NONBLOCK);
  while (send(filler)) continue;
  bool second_sent = false;
  Names woken;
  char byte = 0;
  on.host.then("second", [&] { second_sent = send(make(0)); });
  on.host.then("reader", [&] {
    on.host.take_woken();
    REQUIRE(on.backend.read(receiver, &byte, 1).ok());
    woken = on.host.take_woken();
    REQUIRE(on.backend.read(receiver, &byte, 1).ok());
  });
  CHECK(send(make(0)));
  CHECK(second_sent);
  CHECK(woken == Names{"main"});
}

TEST_CASE("Blocking: a write to an eventfd adds what its number was when it was called", "[blocking][eventfd]") {
  Scripted on;
  const int event = on.backend.eventfd(0, 0).value();
  const std::uint64_t most = 0xfffffffffffffffe;
  REQUIRE(on.backend.write(event, &most, sizeof most).ok());
  std::uint64_t amount = 3;
  std::uint64_t count = 0;
  on.host.then("reader", [&] {
    amount = 4;
    REQUIRE(on.backend.read(event, &count, sizeof count).ok());
  });
  CHECK(on.backend.write(event, &amount, sizeof amount) == 8u);
  REQUIRE(on.backend.read(event, &count, sizeof count).ok());
  CHECK(count == 3);
}

TEST_CASE("Blocking: a longer backlog wakes who waits for room, another one nobody", "[blocking][unix]") {
  Scripted on;
  const auto make = [&] { return on.backend.socket(AF_UNIX, SOCK_STREAM, 0).value(); };
  const SocketAddress name = *SocketAddress::unix_abstract("listener");
  const int listener = make();
  const auto connect = [&] { return on.backend.connect(make(), name.data(), name.size()); };
  const auto woken_by_listen = [&](int backlog) {
    on.host.take_woken();
    REQUIRE(on.backend.listen(listener, backlog).ok());
    return on.host.take_woken();
  };
  REQUIRE(on.backend.bind(listener, name.data(), name.size()).ok());
  REQUIRE(on.backend.listen(listener, 1).ok());
  for (int i = 0; i < 2; ++i) REQUIRE(connect().ok());
  on.host.then("listener", [&] {
    CHECK(woken_by_listen(1) == Names{});
    CHECK(woken_by_listen(0) == Names{});
    CHECK(woken_by_listen(2) == Names{"main"});
  });
  CHECK(connect().ok());
}

TEST_CASE("Blocking: all readers of a stream are woken, the last come first", "[blocking][unix]") {
  Scripted on;
  int pair[2];
  REQUIRE(on.backend.socketpair(AF_UNIX, SOCK_STREAM, 0, pair).ok());
  const auto readers = on.read_by_two(pair[0], [&] { REQUIRE(on.backend.write(pair[1], "ab", 2).ok()); });
  CHECK(readers.main == "b");
  CHECK(readers.second == "a");
  CHECK(readers.woken == Names{"second", "main"});
}

TEST_CASE("Blocking: all readers of signals are woken, the last come first", "[blocking][signal]") {
  Scripted on;
  const ::sigset_t signals = SignalSet::of(SIGUSR1, SIGUSR2).to_sigset();
  REQUIRE(on.backend.sigprocmask(SIG_BLOCK, &signals, nullptr).ok());
  const int fd = on.backend.signalfd(-1, &signals, 0).value();
  const auto read_signal = [&] {
    ::signalfd_siginfo record{};
    REQUIRE(on.backend.read(fd, &record, sizeof record).ok());
    return record.ssi_signo;
  };
  Names woken;
  on.host.then("second", [&] {
    REQUIRE(on.backend.sigprocmask(SIG_BLOCK, &signals, nullptr).ok());
    CHECK(read_signal() == SIGUSR1);
  });
  on.host.then("sender", [&] {
    REQUIRE(on.backend.sigprocmask(SIG_BLOCK, &signals, nullptr).ok());
    const int pid = on.backend.getpid().value();
    for (const int signal : {SIGUSR1, SIGUSR2}) REQUIRE(on.backend.kill(pid, signal).ok());
    woken = on.host.take_woken();
  });
  CHECK(read_signal() == SIGUSR2);
  CHECK(woken == Names{"second", "main"});
}

TEST_CASE("Blocking: a stream is read no more by whom a signal has woken, and written all the same",
          "[blocking][unix]") {
  Scripted on;
  struct ::sigaction action {};
  action.sa_handler = [](int) {};
  REQUIRE(on.backend.sigaction(SIGUSR1, &action, nullptr).ok());
  const int pid = on.backend.getpid().value();
  const int main_thread = on.backend.gettid().value();
  int pair[2];
  REQUIRE(on.backend.socketpair(AF_UNIX, SOCK_STREAM, 0, pair).ok());
  const auto interrupt = [&] { REQUIRE(on.backend.tgkill(pid, main_thread, SIGUSR1).ok()); };
  char byte = 'x';
  on.host.then("writer", [&] {
    interrupt();
    REQUIRE(on.backend.write(pair[1], &byte, 1) == std::size_t{1});
  });
  CHECK(on.backend.read(pair[0], &byte, 1) == SysResult<std::size_t>::failure(EINTR));
  CHECK(on.read_one(pair[0]) == "x");

  std::string bytes(1'000'000, 'x');
  on.host.then("reader", [&] {
    interrupt();
    REQUIRE(on.backend.read(pair[1], bytes.data(), bytes.size()).ok());
  });
  while (on.backend.sendto(pair[0], &byte, 1, MSG_DONTWAIT, nullptr, 0).ok()) continue;
  CHECK(on.backend.write(pair[0], &byte, 1) == std::size_t{1});
}

TEST_CASE("Blocking: a send that was woken in vain waits no longer for that", "[blocking][timeout]") {
  Scripted on;
  int pair[2];
  REQUIRE(on.backend.socketpair(AF_UNIX, SOCK_DGRAM, 0, pair).ok());
  const ::timeval limit{0, 40'000};
  REQUIRE(on.backend.setsockopt(pair[0], SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit).ok());
  const std::string message(50'000, 'x');  // Four fill the buffer of who sends them.
  const auto send = [&](int flags) {
    return on.backend.sendto(pair[0], message.data(), message.size(), flags, nullptr, 0).error();
  };
  const auto fill = [&] {
    while (send(MSG_DONTWAIT) == 0) continue;
  };
  const auto drain = [&] {
    char byte = 0;
    while (on.backend.recvfrom(pair[1], &byte, 1, MSG_DONTWAIT, nullptr, nullptr).ok()) continue;
  };
  fill();
  on.host.then("another sender", [&] {
    on.host.advance(30'000'000);
    drain();
    fill();
  });
  CHECK(send(0) == EAGAIN);
  CHECK(on.host.now() == 40'000'000);
}

TEST_CASE("Blocking: a signal that comes as the time of a wait runs out goes first", "[blocking][signal][timeout]") {
  const int flags = GENERATE(0, SA_RESTART);
  Scripted on;
  on.host.is_slow = true;
  struct ::sigaction action {};
  action.sa_flags = flags;
  action.sa_handler = [](int) {};
  REQUIRE(on.backend.sigaction(SIGUSR1, &action, nullptr).ok());
  const int pid = on.backend.getpid().value();
  const int main_thread = on.backend.gettid().value();
  const int epfd = on.backend.epoll_create1(0).value();
  Event event;
  for (const bool polls : {true, false}) {
    on.host.then("sender", [&] { REQUIRE(on.backend.tgkill(pid, main_thread, SIGUSR1).ok()); });
    const SysResult<int> n = polls ? on.backend.poll(nullptr, 0, 1) : on.backend.epoll_wait(epfd, &event, 1, 1);
    CHECK(n == SysResult<int>::failure(EINTR));
  }
}
