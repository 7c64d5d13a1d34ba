// Signals and the handle's waits: EINTR, the restarting wait, and masks.
#include "../support/events.hpp"
#include "../support/signals.hpp"
#include "../support/threads.hpp"

#include <array>

using namespace rouse;
using namespace std::chrono_literals;
using test::Events;
using test::Handlers;
using test::Handles;
using test::set_of;

namespace {

constexpr EventFlags in = EventFlags::in;

/// An epoll that watches one eventfd.
template <class On>
struct Watched {
  explicit Watched(const On& on) : epoll(on.backend), event(on.backend) { epoll.add(event, in, 7); }

  typename Handles<On>::Epoll epoll;
  typename Handles<On>::EventFd event;
};

/// Sends SIGUSR1 to a thread that has said who it is.
template <class On>
void interrupt(const On& on, int thread) {
  REQUIRE(on.backend.tgkill(on.backend.getpid().value(), thread, SIGUSR1).ok());
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("Epoll: a signal ends a wait, whether the handler restarts calls or not",
                        "[epoll][handle][signal]", test::AllThreadBackends) {
  const int flags = GENERATE(0, SA_RESTART);
  CAPTURE(flags);
  TestType on;
  Handlers handlers{on.backend};
  handlers.handle(SIGUSR1, flags);
  Watched watched{on};
  std::atomic<int> thread = 0;
  auto interrupted = on.spawn([&] {
    thread = on.backend.gettid().value();
    EventVec events{2};
    std::error_code ec;
    events.set_filled(1);
    watched.epoll.wait(events, Timeout::never, ec);
    return ec.value() * 100 + static_cast<int>(events.size());
  });
  on.wait_until_blocked(interrupted);
  interrupt(on, thread);
  CHECK(interrupted.result() == EINTR * 100);
  CHECK(handlers.count() == 1);
}

TEMPLATE_LIST_TEST_CASE("Epoll: the restarting wait goes on after a signal", "[epoll][handle][signal]",
                        test::AllThreadBackends) {
  TestType on;
  Handlers handlers{on.backend};
  handlers.handle(SIGUSR1);
  Watched watched{on};
  std::atomic<int> thread = 0;
  auto waiter = on.spawn([&] {
    thread = on.backend.gettid().value();
    EventVec events{2};
    watched.epoll.wait_restarting(events, 1h);
    return Events(events.begin(), events.end());
  });
  on.wait_until_blocked(waiter);
  for (int i = 1; i <= 3; ++i) {
    interrupt(on, thread);
    while (handlers.count() < i) std::this_thread::yield();
    on.wait_until_blocked(waiter);
  }
  watched.event.write(1);
  CHECK(waiter.result() == Events{{in, 7}});
}

TEMPLATE_LIST_TEST_CASE("Epoll: a mask holds for the wait alone", "[epoll][handle][signal]", test::AllBackends) {
  TestType on;
  Handlers handlers{on.backend};
  handlers.handle(SIGUSR1);
  handlers.block({SIGUSR1});
  const ::sigset_t none = set_of({});
  Watched watched{on};
  EventVec events{2};
  std::error_code ec;
  test::raise(on.backend, SIGUSR1);
  // Not even looked at if it may not wait.
  CHECK(watched.epoll.wait(events, Timeout::now, none, ec) == 0);
  CHECK_FALSE(ec);
  CHECK(handlers.count() == 0);
  // An event goes first.
  watched.event.write(1);
  CHECK(watched.epoll.wait(events, 1h, none, ec) == 1);
  CHECK_FALSE(ec);
  CHECK(handlers.count() == 0);
  watched.event.drain();
  // The handler runs once, and the signal is blocked again.
  CHECK(watched.epoll.wait(events, 1h, none, ec) == 0);
  CHECK(ec.value() == EINTR);
  CHECK(handlers.take() == handlers.seen("10(10)"));
  test::raise(on.backend, SIGUSR1);
  CHECK(handlers.count() == 1);
  CHECK(watched.epoll.wait(events, 100ns, none, ec) == 0);
  CHECK(ec.value() == EINTR);
  CHECK(handlers.count() == 2);
}

TEMPLATE_LIST_TEST_CASE("Epoll: the handlers run under the mask of the wait", "[epoll][handle][signal]",
                        test::AllBackends) {
  TestType on;
  Handlers handlers{on.backend};
  handlers.handle(SIGUSR1);
  handlers.handle(SIGUSR2);
  const ::sigset_t second = set_of({SIGUSR2});
  Watched watched{on};
  EventVec events{2};
  std::error_code ec;
  handlers.block({SIGUSR1, SIGUSR2});
  test::raise(on.backend, SIGUSR1);
  test::raise(on.backend, SIGUSR2);
  CHECK(watched.epoll.wait(events, 1h, second, ec) == 0);
  CHECK(ec.value() == EINTR);
  CHECK(handlers.take() == handlers.seen("10(10 12)"));
  CHECK(test::blocked_now(on.backend) == "10 12");
  CHECK(test::pending_now(on.backend) == "12");
  // All of them: what was blocked before the call is so when the last one ends.
  const ::sigset_t other = set_of({SIGHUP});
  test::raise(on.backend, SIGUSR1);
  CHECK(watched.epoll.wait(events, 1h, other, ec) == 0);
  CHECK(ec.value() == EINTR);
  CHECK(handlers.take() == (handlers.one_at_a_time ? "10()" : "12(1 10 12) 10(1 10)"));
  CHECK(test::blocked_now(on.backend) == "10 12");
}

TEMPLATE_LIST_TEST_CASE("Epoll: a signal without a handler ends a wait that lets it in", "[epoll][handle][signal]",
                        test::AllBackends) {
  TestType on;
  Handlers handlers{on.backend};
  handlers.set(SIGCHLD, SIG_DFL);
  handlers.block({SIGCHLD});
  const ::sigset_t none = set_of({});
  Watched watched{on};
  EventVec events{2};
  std::error_code ec;
  test::raise(on.backend, SIGCHLD);
  CHECK(watched.epoll.wait(events, 1h, none, ec) == 0);
  CHECK(ec.value() == EINTR);
  CHECK(test::pending_now(on.backend).empty());
  CHECK(test::blocked_now(on.backend) == "17");  // As before the call.
}

TEMPLATE_LIST_TEST_CASE("Epoll: a signal blocked by the mask alone comes when the wait is over, within the call",
                        "[epoll][handle][signal]", test::AllThreadBackends) {
  const bool is_ended_by_another = GENERATE(false, true);
  CAPTURE(is_ended_by_another);
  TestType on;
  Handlers handlers{on.backend};
  if (handlers.one_at_a_time && is_ended_by_another) return;
  handlers.handle(SIGUSR1);
  handlers.handle(SIGUSR2);
  const ::sigset_t mask = set_of({SIGUSR1});
  Watched watched{on};
  std::atomic<int> thread = 0;
  auto waiter = on.spawn([&] {
    thread = on.backend.gettid().value();
    EventVec events{2};
    std::error_code ec;
    const auto n = static_cast<int>(watched.epoll.wait(events, 1h, mask, ec));
    return std::array{n, ec.value(), handlers.count().load()};
  });
  on.wait_until_blocked(waiter);
  interrupt(on, thread);
  on.wait_until_blocked(waiter);
  if (is_ended_by_another) {
    REQUIRE(on.backend.tgkill(on.backend.getpid().value(), thread, SIGUSR2).ok());
    CHECK(waiter.result() == std::array{0, EINTR, 2});
    CHECK(handlers.take() == "12(10 12) 10(10)");
  } else {
    watched.event.write(1);
    CHECK(waiter.result() == std::array{1, 0, 1});
  }
}
