// Signals and the handle's waits: EINTR, and masks. The emulated kernel has no signals.
#include "../support/events.hpp"
#include "../support/threads.hpp"

#include <atomic>
#include <csignal>

using namespace rouse;
using namespace std::chrono_literals;
using test::Events;

namespace {

constexpr EventFlags in = EventFlags::in;

/// A handler for SIGUSR1 that counts, for the length of a scope.
class CountSignals {
 public:
  explicit CountSignals(int flags) {
    count_ = 0;
    struct ::sigaction action {};
    action.sa_handler = [](int) { ++count_; };
    action.sa_flags = flags;
    ::sigaction(SIGUSR1, &action, &before_);
  }
  CountSignals(const CountSignals&) = delete;
  CountSignals& operator=(const CountSignals&) = delete;
  ~CountSignals() { ::sigaction(SIGUSR1, &before_, nullptr); }

  static int count() { return count_; }

 private:
  static inline std::atomic<int> count_ = 0;
  struct ::sigaction before_ {};
};

::sigset_t set_of(std::initializer_list<int> signals) {
  ::sigset_t set;
  ::sigemptyset(&set);
  for (const int signal : signals) ::sigaddset(&set, signal);
  return set;
}

/// SIGUSR1 is blocked in this thread, for the length of a scope.
class BlockSignal {
 public:
  BlockSignal() {
    const ::sigset_t set = set_of({SIGUSR1});
    ::pthread_sigmask(SIG_BLOCK, &set, &before_);
  }
  BlockSignal(const BlockSignal&) = delete;
  BlockSignal& operator=(const BlockSignal&) = delete;
  ~BlockSignal() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  ::sigset_t before_{};
};

}  // namespace

TEST_CASE("Epoll: a signal ends a wait, whether the handler restarts calls or not", "[epoll][handle][signal][real]") {
  const int flags = GENERATE(0, SA_RESTART);
  CAPTURE(flags);
  const CountSignals signals{flags};
  test::ThreadsOnLinux on;
  Epoll epoll;
  EventFd event;
  epoll.add(event, in, 7);
  auto interrupted = on.spawn([&] {
    EventVec events{2};
    std::error_code ec;
    events.set_filled(1);
    epoll.wait(events, Timeout::never, ec);
    return ec.value() * 100 + static_cast<int>(events.size());
  });
  on.wait_until_blocked(interrupted);
  ::syscall(SYS_tgkill, ::getpid(), interrupted.linux_id(), SIGUSR1);
  CHECK(interrupted.result() == EINTR * 100);
  CHECK(CountSignals::count() == 1);
}

TEST_CASE("Epoll: the restarting wait goes on after a signal", "[epoll][handle][signal][real]") {
  const CountSignals signals{0};
  test::ThreadsOnLinux on;
  Epoll epoll;
  EventFd event;
  epoll.add(event, in, 7);
  auto waiter = on.spawn([&] {
    EventVec events{2};
    epoll.wait_restarting(events, 1h);
    return Events(events.begin(), events.end());
  });
  on.wait_until_blocked(waiter);
  for (int i = 1; i <= 3; ++i) {
    ::syscall(SYS_tgkill, ::getpid(), waiter.linux_id(), SIGUSR1);
    while (CountSignals::count() < i) std::this_thread::yield();
    on.wait_until_blocked(waiter);
  }
  event.write(1);
  CHECK(waiter.result() == Events{{in, 7}});
}

TEST_CASE("Epoll: a mask holds for the wait alone", "[epoll][handle][signal][real]") {
  const CountSignals signals{0};
  const BlockSignal blocked;
  const ::sigset_t none = set_of({});
  Epoll epoll;
  EventFd event;
  EventVec events{2};
  std::error_code ec;
  epoll.add(event, in, 7);
  ::raise(SIGUSR1);
  // Not even looked at if it may not wait.
  CHECK(epoll.wait(events, Timeout::now, none, ec) == 0);
  CHECK_FALSE(ec);
  CHECK(CountSignals::count() == 0);
  // An event goes first.
  event.write(1);
  CHECK(epoll.wait(events, 1h, none, ec) == 1);
  CHECK_FALSE(ec);
  CHECK(CountSignals::count() == 0);
  event.drain();
  // The handler runs once, and the signal is blocked again.
  CHECK(epoll.wait(events, 1h, none, ec) == 0);
  CHECK(ec.value() == EINTR);
  CHECK(CountSignals::count() == 1);
  ::raise(SIGUSR1);
  CHECK(CountSignals::count() == 1);
  CHECK(epoll.wait(events, 100ns, none, ec) == 0);
  CHECK(ec.value() == EINTR);
  CHECK(CountSignals::count() == 2);
}

TEST_CASE("Epoll: a signal blocked by the mask alone comes when the wait is over", "[epoll][handle][signal][real]") {
  const CountSignals signals{0};
  const ::sigset_t mask = set_of({SIGUSR1});
  test::ThreadsOnLinux on;
  Epoll epoll;
  EventFd event;
  epoll.add(event, in, 7);
  auto waiter = on.spawn([&] {
    EventVec events{2};
    std::error_code ec;
    const std::size_t n = epoll.wait(events, 1h, mask, ec);
    return std::pair{n, CountSignals::count()};
  });
  on.wait_until_blocked(waiter);
  ::syscall(SYS_tgkill, ::getpid(), waiter.linux_id(), SIGUSR1);
  on.wait_until_blocked(waiter);
  event.write(1);
  CHECK(waiter.result() == std::pair<std::size_t, int>{1, 1});
}
