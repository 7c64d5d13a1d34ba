// ThreadHost: real threads on an emulated kernel; who they are, when they sleep, and what time it is.
#include "rouse/kernel/thread_host.hpp"

#include "../support/backends.hpp"

#include <chrono>
#include <future>
#include <memory>
#include <pthread.h>
#include <thread>

using namespace rouse;
using kernel::Kernel;
using kernel::ThreadHost;
using kernel::Time;

namespace {

constexpr Time millisecond = 1'000'000;

std::string dump_of(const Kernel& kernel) {
  kernel.host().lock();
  std::string text = dump(kernel);
  kernel.host().unlock();
  return text;
}

/// The lines about tasks.
std::vector<std::string> tasks_of(const Kernel& kernel) {
  const std::string text = dump_of(kernel);
  std::vector<std::string> lines;
  std::size_t at = text.find('\n') + 1;
  for (std::size_t end = text.find("fds:\n"); at < end;) {
    const std::size_t line_end = text.find('\n', at);
    lines.push_back(text.substr(at, line_end - at));
    at = line_end + 1;
  }
  return lines;
}

using Lines = std::vector<std::string>;

/// A kernel with a host of its own, and an eventfd to wait on.
struct Machine {
  explicit Machine(ThreadHost::Clock clock = ThreadHost::Clock::by_hand) : host(clock) {}

  ThreadHost host;
  Kernel kernel{host};
  EmulatedBackend backend{kernel};
  const int fd = backend.eventfd(0, 0).value();

  SysResult<std::size_t> read() const {
    std::uint64_t value = 0;
    return backend.read(fd, &value, sizeof value);
  }
  void write() const {
    const std::uint64_t one = 1;
    static_cast<void>(backend.write(fd, &one, sizeof one));
  }
  SysResult<int> poll(int milliseconds) const {
    ::pollfd entry{fd, POLLIN, 0};
    return backend.poll(&entry, 1, milliseconds);
  }
  Time now() const {
    ::timespec time{};
    static_cast<void>(backend.clock_gettime(CLOCK_MONOTONIC, &time));
    return time.tv_sec * 1'000'000'000 + time.tv_nsec;
  }
};

template <class Body>
auto start(Body body) {
  return std::async(std::launch::async, body);
}

template <class Future>
bool is_done(const Future& future) {
  return future.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
}

}  // namespace

TEST_CASE("ThreadHost: time passes without a kernel, too", "[thread_host]") {
  ThreadHost host{ThreadHost::Clock::by_hand};
  host.advance(std::chrono::milliseconds(60));
  CHECK(host.now() == 60'000'000);
}

TEST_CASE("ThreadHost: how long a send may wait counts anew for each piece", "[thread_host][unix]") {
  // Seen on Linux with time to spare: SO_SNDTIMEO is no limit for the whole call.
  Machine machine;
  const auto& backend = machine.backend;
  int pair[2];
  REQUIRE(backend.socketpair(AF_UNIX, SOCK_STREAM, 0, pair).ok());
  const ::timeval limit{0, 100'000};
  REQUIRE(backend.setsockopt(pair[0], SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit).ok());
  std::vector<char> bytes(1'000'000);
  auto sender = start([&] { return backend.write(pair[0], bytes.data(), bytes.size()); });
  machine.host.wait_until_blocked(1);
  machine.host.advance(std::chrono::milliseconds(60));
  // It goes on once a quarter is free.
  for (int i = 0; i < 5; ++i) REQUIRE(backend.read(pair[1], bytes.data(), 36544) == std::size_t{36544});
  machine.host.wait_until_blocked(1);
  machine.host.advance(std::chrono::milliseconds(60));
  CHECK(machine.host.blocked() == 1);
  machine.host.advance(std::chrono::milliseconds(60));
  CHECK(sender.get().value() > std::size_t{219264});
}

TEST_CASE("ThreadHost: a message that was made may wait for its target as long again", "[thread_host][unix]") {
  Machine machine;
  const auto& backend = machine.backend;
  const auto socket = [&] { return backend.socket(AF_UNIX, SOCK_DGRAM, 0).value(); };
  ::sockaddr_un names[2] = {};
  ::socklen_t sizes[2] = {sizeof names[0], sizeof names[0]};
  const int receivers[2] = {socket(), socket()};
  const auto name = [&](int i) { return reinterpret_cast<::sockaddr*>(&names[i]); };
  for (int i = 0; i < 2; ++i) {
    names[i].sun_family = AF_UNIX;
    REQUIRE(backend.bind(receivers[i], name(i), sizeof names[i].sun_family).ok());
    REQUIRE(backend.getsockname(receivers[i], name(i), &sizes[i]).ok());
  }
  const int filler = socket();
  while (backend.sendto(filler, "x", 1, MSG_DONTWAIT, name(0), sizes[0]).ok()) {
  }
  const int sender = socket();
  const std::string large(20'000, 'x');
  while (backend.sendto(sender, large.data(), large.size(), MSG_DONTWAIT, name(1), sizes[1]).ok()) {
  }
  const ::timeval limit{0, 100'000};
  REQUIRE(backend.setsockopt(sender, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit).ok());
  auto sending = start([&] { return backend.sendto(sender, "x", 1, 0, name(0), sizes[0]); });
  machine.host.wait_until_blocked(1);
  machine.host.advance(std::chrono::milliseconds(60));
  // Room in its own buffer: now it is made, and waits for the receiver.
  char byte = 0;
  while (backend.recvfrom(receivers[1], &byte, 1, MSG_DONTWAIT, nullptr, nullptr).ok()) {
  }
  machine.host.wait_until_blocked(1);
  machine.host.advance(std::chrono::milliseconds(60));
  CHECK(machine.host.blocked() == 1);
  // Looking in vain does not make it longer.
  REQUIRE(backend.recvfrom(receivers[0], &byte, 1, MSG_PEEK, nullptr, nullptr).ok());
  machine.host.wait_until_blocked(1);
  machine.host.advance(std::chrono::milliseconds(50));
  CHECK(machine.host.blocked() == 0);
  machine.host.advance(std::chrono::hours(1));
  CHECK(sending.get() == SysResult<std::size_t>::failure(EAGAIN));
}

TEST_CASE("ThreadHost: a clock moved by hand stands still", "[thread_host]") {
  Machine machine;
  CHECK(machine.now() == 0);
  machine.host.advance(Timeout::of_nanoseconds(5 * millisecond));
  CHECK(machine.now() == 5 * millisecond);
  machine.host.advance(Timeout::of_nanoseconds(0));
  machine.host.advance(Timeout::of_nanoseconds(1));
  CHECK(machine.now() == 5 * millisecond + 1);
  CHECK(machine.poll(0) == 0);
  CHECK(machine.now() == 5 * millisecond + 1);
}

TEST_CASE("ThreadHost: moving the clock wakes those whose time has come, and nobody else", "[thread_host]") {
  Machine machine;
  auto five = start([&] { return machine.poll(5); });
  auto seven = start([&] { return machine.poll(7); });
  auto never = start([&] { return machine.poll(-1); });
  machine.host.wait_until_blocked(3);
  machine.host.advance(Timeout::of_nanoseconds(5 * millisecond - 1));
  machine.host.wait_until_blocked(3);
  CHECK(machine.host.blocked() == 3);
  CHECK_FALSE(is_done(five));
  machine.host.advance(Timeout::of_nanoseconds(1));
  CHECK(machine.host.blocked() == 2);  // Whether or not the third has run since.
  CHECK(five.get() == 0);
  machine.host.wait_until_blocked(2);
  CHECK_FALSE(is_done(seven));
  machine.host.advance(Timeout::of_nanoseconds(1000 * millisecond));
  CHECK(seven.get() == 0);
  machine.host.wait_until_blocked(1);
  CHECK_FALSE(is_done(never));
  machine.write();
  CHECK(never.get() == 1);
}

TEST_CASE("ThreadHost: a wait that is over by the clock does not begin", "[thread_host]") {
  Machine machine;
  CHECK(machine.poll(0) == 0);
  auto late = start([&] { return machine.poll(1); });
  machine.host.wait_until_blocked(1);
  machine.host.advance(Timeout::of_nanoseconds(millisecond));
  CHECK(late.get() == 0);
}

TEST_CASE("ThreadHost: what came before a sleep does not end it, and a deadline that has come does", "[thread_host]") {
  Machine machine;
  ThreadHost& host = machine.host;
  host.lock();
  kernel::Task& task = host.current();
  host.wake(task);
  host.wake(task);
  CHECK(host.block(task, host.now()));
  CHECK(host.block(task, host.now() - 1));
  host.unlock();
  // Nobody counts as asleep who was not.
  auto waiting = start([&] { return machine.poll(1); });
  host.wait_until_blocked(1);
  host.advance(Timeout::of_nanoseconds(millisecond));
  CHECK(waiting.get() == 0);

  ThreadHost real;
  real.lock();
  kernel::Task& other = real.current();
  real.wake(other);
  const Time deadline = real.now() + millisecond;
  CHECK(real.block(other, deadline));
  CHECK(real.now() >= deadline);
  real.unlock();
}

TEST_CASE("ThreadHost: the real clock runs, and waits are never shorter than asked for", "[thread_host]") {
  const Machine machine{ThreadHost::Clock::real};
  const Time before = machine.now();
  const auto start_point = std::chrono::steady_clock::now();
  CHECK(machine.poll(3) == 0);
  CHECK(machine.now() - before >= 3 * millisecond);
  CHECK(std::chrono::steady_clock::now() - start_point >= std::chrono::milliseconds(3));
}

TEST_CASE("ThreadHost: what was due when the clock was set, has expired", "[thread_host][timer]") {
  Machine machine{ThreadHost::Clock::real};
  const auto& backend = machine.backend;
  const int timer = backend.timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK).value();
  ::itimerspec setting{};
  REQUIRE(backend.clock_gettime(CLOCK_REALTIME, &setting.it_value).ok());
  setting.it_value.tv_nsec += 2'000'000;
  setting.it_value.tv_sec += setting.it_value.tv_nsec / 1'000'000'000;
  setting.it_value.tv_nsec %= 1'000'000'000;
  REQUIRE(backend.timerfd_settime(timer, TFD_TIMER_ABSTIME, &setting, nullptr).ok());
  // Nobody calls the kernel until then.
  const auto later = std::chrono::steady_clock::now() + std::chrono::milliseconds(3);
  while (std::chrono::steady_clock::now() < later) std::this_thread::yield();
  machine.kernel.set_realtime(later.time_since_epoch() + std::chrono::hours(1));
  std::uint64_t count = 0;
  CHECK(backend.read(timer, &count, sizeof count) == sizeof count);
  CHECK(count == 1);
}

TEST_CASE("ThreadHost: the longest time-outs do not end at once", "[thread_host]") {
  Machine machine{ThreadHost::Clock::real};
  const int epfd = machine.backend.epoll_create1(0).value();
  Event event{EventFlags::in, 1};
  REQUIRE(machine.backend.epoll_ctl(epfd, EPOLL_CTL_ADD, machine.fd, &event).ok());
  for (const long seconds : {9'223'372'035L, 9'223'372'036L, 9'223'372'037L, LONG_MAX}) {
    CAPTURE(seconds);
    auto waiter = start([&] {
      Event report;
      const ::timespec timeout{seconds, 0};
      return machine.backend.epoll_pwait2(epfd, &report, 1, &timeout, nullptr);
    });
    machine.host.wait_until_blocked(1);
    machine.write();
    CHECK(waiter.get() == 1);
    CHECK(machine.read() == 8);
  }
}

TEST_CASE("ThreadHost: each thread is a task, and named in dumps with what it waits for", "[thread_host]") {
  Machine machine;
  machine.host.name_this_thread("the test");
  auto reader = std::thread([&] {
    machine.host.name_this_thread("the reader");
    static_cast<void>(machine.read());
  });
  machine.host.wait_until_blocked(reader.get_id());
  machine.host.advance(Timeout::of_nanoseconds(2 * millisecond));
  auto poller = std::thread([&] { static_cast<void>(machine.poll(10)); });
  machine.host.wait_until_blocked(poller.get_id());
  CHECK(tasks_of(machine.kernel) == Lines{"  the test runs",
                                          "  the reader is blocked in read(fd 3) on eventfd since 0.000 ms for ever",
                                          "  thread 3 is blocked in poll(fd 3) since 2.000 ms until 12.000 ms"});
  machine.host.advance(Timeout::of_nanoseconds(10 * millisecond));
  machine.write();
  reader.join();
  poller.join();
}

TEST_CASE("ThreadHost: a thread that is named anew is still one task", "[thread_host]") {
  Machine machine{ThreadHost::Clock::real};
  CHECK(machine.poll(1) == 0);
  CHECK(tasks_of(machine.kernel) == Lines{"  thread 1 runs"});
  machine.host.name_this_thread("first");
  CHECK(tasks_of(machine.kernel) == Lines{"  first runs"});
  machine.host.name_this_thread("second");
  static_cast<void>(machine.now());
  CHECK(tasks_of(machine.kernel) == Lines{"  second runs"});
}

TEST_CASE("ThreadHost: threads that have ended are forgotten when the next one comes", "[thread_host]") {
  Machine machine;
  machine.host.name_this_thread("main");
  for (int i = 0; i < 50; ++i) {
    std::thread([&] {
      machine.host.name_this_thread("worker " + std::to_string(i));
      static_cast<void>(machine.now());
    }).join();
  }
  int tasks = 0;
  machine.host.tasks().for_each([&tasks](const kernel::Task&) { ++tasks; });
  CHECK(tasks == 2);
  // And when somebody looks.
  CHECK(tasks_of(machine.kernel) == Lines{"  main runs"});
}

TEST_CASE("ThreadHost: no signal can be sent to a thread that has ended", "[thread_host][signal]") {
  const Machine machine;
  const auto& backend = machine.backend;
  const int pid = backend.getpid().value();
  const auto thread_id = [&backend] { return backend.gettid().value(); };
  const int other = std::async(std::launch::async, thread_id).get();
  CHECK(backend.tgkill(pid, other, 0) == SysResult<void>::failure(ESRCH));
  CHECK(backend.tgkill(pid, thread_id(), 0).ok());
}

TEST_CASE("ThreadHost: one thread is another task on each host", "[thread_host]") {
  Machine first;
  Machine second;
  first.host.name_this_thread("here");
  second.host.name_this_thread("there");
  static_cast<void>(first.now());
  static_cast<void>(second.now());
  CHECK(tasks_of(first.kernel) == Lines{"  here runs"});
  CHECK(tasks_of(second.kernel) == Lines{"  there runs"});
  // Neither forgets the task when the thread calls the other.
  for (Machine* const machine : {&first, &second}) {
    machine->host.lock();
    CHECK(machine->host.current().name() == (machine == &first ? "here" : "there"));
    machine->host.unlock();
  }
  first.host.advance(Timeout::of_nanoseconds(millisecond));
  CHECK(first.now() == millisecond);
  CHECK(second.now() == 0);
}

TEST_CASE("ThreadHost: a thread outlives its hosts, and is a new task on the next", "[thread_host]") {
  for (int i = 0; i < 20; ++i) {
    Machine machine{ThreadHost::Clock::real};
    CHECK(machine.poll(1) == 0);
    CHECK(tasks_of(machine.kernel) == Lines{"  thread 1 runs"});
  }
  // A thread that is still there when the host has gone.
  std::promise<void> called;
  std::promise<void> gone;
  auto machine = std::make_unique<Machine>(ThreadHost::Clock::real);
  std::thread thread([&] {
    static_cast<void>(machine->poll(1));
    called.set_value();
    gone.get_future().wait();
  });
  called.get_future().wait();
  machine.reset();
  gone.set_value();
  thread.join();
}

// g++ 12's AddressSanitizer fails a check of its own when a cancelled thread unwinds; clang's, and all others, do not.
#if !defined(__SANITIZE_ADDRESS__)
TEST_CASE("ThreadHost: a thread that is cancelled in a call leaves the kernel in order", "[thread_host]") {
  Machine machine;
  ::pthread_t thread{};
  const auto body = [](void* argument) -> void* {
    static_cast<void>(static_cast<const Machine*>(argument)->read());
    return nullptr;
  };
  REQUIRE(::pthread_create(&thread, nullptr, body, &machine) == 0);
  machine.host.wait_until_blocked(1);
  REQUIRE(::pthread_cancel(thread) == 0);
  void* result = nullptr;
  REQUIRE(::pthread_join(thread, &result) == 0);
  CHECK(result == PTHREAD_CANCELED);
  // The lock is free, nobody waits in the file, and nobody counts as blocked.
  std::size_t waiters = 0;
  machine.kernel.file(machine.fd)->queue.for_each([&](const kernel::Waiter&) { ++waiters; });
  CHECK(waiters == 0);
  auto next = start([&] { return machine.read(); });
  machine.host.wait_until_blocked(1);
  CHECK(tasks_of(machine.kernel) ==
        Lines{"  thread 1 runs", "  thread 3 is blocked in read(fd 3) on eventfd since 0.000 ms for ever"});
  machine.write();
  CHECK(next.get() == 8);
}
#endif

TEST_CASE("ThreadHost: a clock by hand can be moved to its end, and stays there", "[thread_host]") {
  ThreadHost host{ThreadHost::Clock::by_hand};
  const kernel::Kernel kernel{host};
  host.advance(Timeout::of_nanoseconds(INT64_MAX - 1));
  host.advance(Timeout::of_nanoseconds(millisecond));
  CHECK(host.now() == kernel::time_never);
}
