// Timerfds and signalfds with threads that sleep in them.
#include "../support/raw_timer.hpp"
#include "../support/sleeper.hpp"
#include "../support/sleepers.hpp"

#include <chrono>

using namespace rouse;
using namespace std::chrono_literals;
using test::Handles;

namespace {

using Size = SysResult<std::size_t>;

/// A kernel by hand, so that times are exact.
struct ByHand {
  using Backend = EmulatedBackend;

  ByHand() { kernel.check_every_call(kernel::check_invariants); }
  template <class Body>
  auto spawn(Body body) {
    return test::Worker<decltype(body())>{std::move(body)};
  }
  template <class Result>
  void wait_until_blocked(const test::Worker<Result>& worker) {
    host.wait_until_blocked(worker.id());
  }

  kernel::ThreadHost host{kernel::ThreadHost::Clock::by_hand};
  kernel::Kernel kernel{host};
  EmulatedBackend backend{kernel};
};

template <class On>
BasicFdRef<typename On::Backend> ref(const On& on, int fd) {
  return {on.backend, fd};
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("timerfd: a thread sleeps until it expires, though another that slept longer has gone",
                        "[timerfd][threads]", test::AllThreadBackends) {
  TestType on;
  test::RawTimer timer{on, CLOCK_MONOTONIC, 0};
  typename Handles<TestType>::EventFd event{on.backend};
  auto first = on.spawn([&] { return event.read(); });
  on.wait_until_blocked(first);
  auto reader = on.spawn([&] { return timer.read().word(); });
  on.wait_until_blocked(reader);
  REQUIRE(timer.set(100ms).ok());
  event.write(1);
  CHECK(first.result() == 1);
  CHECK(reader.result() == 1);
}

TEMPLATE_LIST_TEST_CASE("timerfd: a thread sleeps in a read until it expires", "[timerfd][threads]",
                        test::AllThreadBackends) {
  TestType on;
  test::RawTimer timer{on, CLOCK_MONOTONIC, 0};
  auto reader = on.spawn([&] { return timer.read().word(); });
  on.wait_until_blocked(reader);
  REQUIRE(timer.set(1ms).ok());
  CHECK(reader.result() == 1);
}

TEMPLATE_LIST_TEST_CASE("timerfd: a timer that comes before the one a thread sleeps for, ends that sleep",
                        "[timerfd][threads]", test::AllThreadBackends) {
  TestType on;
  test::RawTimer far{on, CLOCK_MONOTONIC, 0};
  test::RawTimer near{on, CLOCK_MONOTONIC, 0};
  REQUIRE(far.set(1h).ok());
  auto for_far = on.spawn([&] { return far.read().word(); });
  on.wait_until_blocked(for_far);
  auto for_near = on.spawn([&] { return near.read().word(); });
  on.wait_until_blocked(for_near);
  REQUIRE(near.set(1ms).ok());
  CHECK(for_near.result() == 1);
  REQUIRE(far.set(1ms).ok());
  CHECK(for_far.result() == 1);
}

TEMPLATE_LIST_TEST_CASE("timerfd: of several threads that read, each takes a period", "[timerfd][threads]",
                        test::AllThreadBackends) {
  TestType on;
  test::RawTimer timer{on, CLOCK_MONOTONIC, 0};
  std::vector<test::Worker<std::int64_t>> readers;
  for (int i = 0; i < 3; ++i) {
    readers.push_back(on.spawn([&] { return timer.read().word(); }));
    on.wait_until_blocked(readers.back());
  }
  REQUIRE(timer.set(1ms, 1ms).ok());
  for (auto& reader : readers) CHECK(reader.result() >= 1);
}

TEMPLATE_LIST_TEST_CASE("timerfd: a thread in an epoll is told of a timer that another one sets",
                        "[timerfd][threads][epoll]", test::AllThreadBackends) {
  TestType on;
  test::RawTimer timer{on};
  typename Handles<TestType>::Epoll epoll{on.backend};
  epoll.add(ref(on, timer.fd()), EventFlags::in | EventFlags::et, 3);
  for (int i = 0; i < 3; ++i) {
    auto waiter = test::asleep_in(on, epoll);
    REQUIRE(timer.set(1ms).ok());
    CHECK(waiter.result() == test::Events{{EventFlags::in, 3}});
  }
}

TEMPLATE_LIST_TEST_CASE("timerfd: setting it anew or disarming it leaves a reader asleep", "[timerfd][threads]",
                        test::AllThreadBackends) {
  TestType on;
  test::RawTimer timer{on, CLOCK_MONOTONIC, 0};
  REQUIRE(timer.set(1h).ok());
  auto reader = on.spawn([&] { return timer.read().word(); });
  on.wait_until_blocked(reader);
  REQUIRE(timer.set(0s).ok());
  REQUIRE(timer.set(2h).ok());
  on.wait_until_blocked(reader);
  CHECK_FALSE(reader.is_done());
  REQUIRE(timer.set(1ns).ok());
  CHECK(reader.result() == 1);
}

TEMPLATE_LIST_TEST_CASE("timerfd: a handler ends a read, or lets it go on", "[timerfd][threads][signal]",
                        test::AllThreadBackends) {
  TestType on;
  test::Handlers handlers{on.backend};
  test::RawTimer timer{on, CLOCK_MONOTONIC, 0};
  handlers.handle(SIGUSR1);
  handlers.handle(SIGUSR2, SA_RESTART);
  test::Sleeper sleeper{on, [&] { return timer.read().word(); }};
  sleeper.interrupt(SIGUSR2);
  sleeper.wait_until_blocked();
  REQUIRE(timer.set(1ms).ok());
  CHECK(sleeper.result() == 1);
  test::Sleeper other{on, [&] { return timer.read().word(); }};
  other.interrupt(SIGUSR1);
  CHECK(other.result() == -EINTR);
}

TEST_CASE("timerfd: a clock by hand goes from timer to timer", "[timerfd][threads][emulated]") {
  ByHand on;
  test::RawTimer timer{on, CLOCK_MONOTONIC, 0};
  const auto nap = [&](std::chrono::nanoseconds span) {
    const ::timespec time = test::timespec_of(span);
    return on.spawn([&on, time] {
      static_cast<void>(on.backend.ppoll(nullptr, 0, &time, nullptr));
      return std::int64_t{0};
    });
  };
  REQUIRE(timer.set(10ms, 10ms).ok());
  auto reader = on.spawn([&] { return timer.read().word(); });
  on.wait_until_blocked(reader);
  auto sleeper = nap(25ms);
  on.wait_until_blocked(sleeper);
  on.host.advance(9ms);
  CHECK(on.host.blocked() == 2);
  on.host.advance(1ms);
  CHECK(reader.result() == 1);
  CHECK(on.host.blocked() == 1);
  CHECK(timer.now() == 10ms);
  on.host.advance(90ms);
  CHECK(sleeper.result() == 0);
  CHECK(timer.read() == 9);
  CHECK(timer.now() == 100ms);
}

TEST_CASE("timerfd: a thread whose time is up before the timer, has not seen it", "[timerfd][threads][emulated]") {
  ByHand on;
  test::RawTimer timer{on};
  BasicEpoll<EmulatedBackend> epoll{on.backend};
  epoll.add(ref(on, timer.fd()), EventFlags::in, 1);
  REQUIRE(timer.set(10ms).ok());
  auto waiter = on.spawn([&] {
    EventArray<2> events;
    return static_cast<std::int64_t>(epoll.wait(events, 10ms));
  });
  on.wait_until_blocked(waiter);
  on.host.advance(10ms);
  CHECK(waiter.result() == 1);  // At the same moment, it has.
  CHECK(timer.read() == 1);
  auto late = on.spawn([&] {
    EventArray<2> events;
    return static_cast<std::int64_t>(epoll.wait(events, 9ms));
  });
  on.wait_until_blocked(late);
  REQUIRE(timer.set(10ms).ok());
  on.host.advance(9ms);
  CHECK(late.result() == 0);
}

TEMPLATE_LIST_TEST_CASE("signalfd: a thread sleeps in a read until a signal of its mask comes", "[signalfd][threads]",
                        test::AllThreadBackends) {
  TestType on;
  const typename Handles<TestType>::SignalBlock block{on.backend, SignalSet::of(SIGUSR1, SIGUSR2)};
  typename Handles<TestType>::SignalFd signals{on.backend, SignalSet::of(SIGUSR2), SignalFdFlags{}};
  auto reader = on.spawn([&] {
    // Threads of the emulated kernel inherit no mask. Nor is it put back: one of the two stays pending.
    const ::sigset_t both = SignalSet::of(SIGUSR1, SIGUSR2).to_sigset();
    static_cast<void>(on.backend.sigprocmask(SIG_BLOCK, &both, nullptr));
    return signals.read().signal();
  });
  on.wait_until_blocked(reader);
  const int pid = on.backend.getpid().value();
  REQUIRE(on.backend.kill(pid, SIGUSR1).ok());
  on.wait_until_blocked(reader);
  CHECK_FALSE(reader.is_done());
  REQUIRE(on.backend.kill(pid, SIGUSR2).ok());
  CHECK(reader.result() == SIGUSR2);
  typename Handles<TestType>::SignalFd rest{on.backend, SignalSet::of(SIGUSR1)};
  CHECK(rest.read().signal() == SIGUSR1);
}

TEMPLATE_LIST_TEST_CASE("signalfd: what was sent to a thread, others do not see", "[signalfd][threads]",
                        test::AllThreadBackends) {
  TestType on;
  const typename Handles<TestType>::SignalBlock block{on.backend, SignalSet::of(SIGUSR1)};
  typename Handles<TestType>::SignalFd signals{on.backend, SignalSet::of(SIGUSR1)};
  typename Handles<TestType>::Epoll epoll{on.backend};
  epoll.add(signals, EventFlags::in, 1);
  test::raise(on.backend, SIGUSR1);
  auto other = on.spawn([&] { return std::tuple{signals.try_read().has_value(), test::reported(epoll).size()}; });
  CHECK(other.result() == std::tuple{false, std::size_t{0}});
  // Looking at it has taken it off the ready list, as if it were not ready.
  CHECK(test::reported(epoll).empty());
  CHECK(signals.read().signal() == SIGUSR1);
}

TEMPLATE_LIST_TEST_CASE("signalfd: a signal that is not blocked goes to the read that waits for it",
                        "[signalfd][threads][signal]", test::AllThreadBackends) {
  TestType on;
  test::Handlers handlers{on.backend};
  handlers.handle(SIGUSR1);
  handlers.handle(SIGUSR2);
  typename Handles<TestType>::SignalFd signals{on.backend, SignalSet::of(SIGUSR1), SignalFdFlags{}};
  const auto read_one = [&] {
    std::error_code ec;
    const int signal = signals.read(ec).signal();
    return std::int64_t{ec ? -ec.value() : signal};
  };
  test::Sleeper sleeper{on, read_one};
  sleeper.interrupt(SIGUSR1);
  CHECK(sleeper.result() == SIGUSR1);
  CHECK(handlers.take().empty());
  test::Sleeper other{on, read_one};
  other.interrupt(SIGUSR2);
  CHECK(other.result() == -EINTR);
  CHECK(handlers.take() == handlers.seen("12(12)"));
}

TEST_CASE("timerfd: a thread that sleeps until a moment wakes when the clock is set beyond it",
          "[timerfd][threads][emulated]") {
  ByHand on;
  test::RawTimer timer{on, CLOCK_REALTIME, 0};
  REQUIRE(timer.set(4'000'000'000s, 0s, TFD_TIMER_ABSTIME).ok());
  auto reader = on.spawn([&] { return timer.read().word(); });
  on.wait_until_blocked(reader);
  on.kernel.set_realtime(4'000'000'000s);
  CHECK(reader.result() == 1);
}
