// sim::check: what reaches Catch2's reporter. The cases that fail are hidden: tests/sim/check_catch2.py runs them.
#include "rouse/catch2.hpp"

#include "rouse/rouse.hpp"
#include "rouse/sim/atomic.hpp"
#include "rouse/sim/this_thread.hpp"
#include "rouse/sim/thread.hpp"

#include <chrono>
#include <stdexcept>
#include <string>

using namespace rouse;

namespace {

using Event64 = BasicEventFd<EmulatedBackend>;

/// Two threads add 1 to a number, and one of them may be taken off between looking and writing.
int add_twice() {
  int number = 0;
  const auto add = [&number] {
    const int old = number;
    sim::this_thread::yield();
    number = old + 1;
  };
  sim::thread a{add}, b{add};
  a.join();
  b.join();
  return number;
}

}  // namespace

TEST_CASE("sim::check: what holds under every schedule passes", "[catch2]") {
  int runs = 0;
  sim::check({.runs = 200}, [&](sim::World& world) {
    ++runs;
    Event64 event{world.backend()};
    sim::thread worker{[&] { CHECK(event.read() == 1); }};
    event.write(1);
    worker.join();
    CHECK_FALSE(event.try_read());
    CHECK_THROWS_AS(throw std::runtime_error("expected"), std::runtime_error);
    CHECK_NOTHROW(event.write(1));
    REQUIRE(event.read() == 1);
  });
  CHECK(runs == 200);
}

TEST_CASE("sim::check: an assertion that may fail fails nothing, and its result can be asked for", "[catch2]") {
  int failed = 0, passed = 0;
  sim::check({.runs = 3}, [&](sim::World&) {
    CHECK_NOFAIL(failed < 0);
    if (!Catch::getResultCapture().lastAssertionPassed()) ++failed;  // As CHECKED_ELSE of v3 does.
    CHECK_NOFAIL(passed >= 0);
    if (Catch::getResultCapture().lastAssertionPassed()) ++passed;
  });
  CHECK(failed == 3);
  CHECK(passed == 3);
}

TEST_CASE("catch2.hpp: values are printed readably", "[catch2]") {
  using namespace std::chrono_literals;
  const auto printed = [](const auto& value) { return Catch::Detail::stringify(value); };
  CHECK(printed(EventFlags::in | EventFlags::rdhup) == "in|rdhup");
  CHECK(printed(Event{EventFlags::out, 7}) == "{out, 7}");
  CHECK(printed(EventData{7}) == "7");
  CHECK(printed(SysResult<int>{3}) == "3");
  CHECK(printed(SysResult<int>::failure(EAGAIN)) == "errno 11");
  CHECK(printed(Ipv4::loopback(80)) == "127.0.0.1:80");
  CHECK(printed(SocketAddress{Ipv6::loopback(80)}) == "[::1]:80");
  CHECK(printed(UnixAddress{UnixAbstract{"name"}}) == "@name");
  CHECK(printed(Timeout::never) == "never");
  CHECK(printed(Timeout::now) == "now");
  CHECK(printed(Timeout{1ns}) == "1 ns");
  CHECK(printed(Timeout{1500us}) == "1500 us");
  CHECK(printed(Timeout{5000ms}) == "5 s");
  CHECK(printed(Timeout{1h}) == "3600 s");
  CHECK(printed(FdRef{5}) == "fd 5");
  CHECK(printed(kernel::Call::epoll_wait) == "epoll_wait");
  CHECK(printed(sim::Ending::lost_wakeup) == "lost wakeup");
  CHECK(printed(sim::Schedule{{0, 0, 2}}) == "0x2.2");
  sim::Outcome outcome;
  CHECK(printed(outcome) == "done in schedule 0");
  outcome.ending = sim::Ending::misuse;
  outcome.text = "a joinable thread was destroyed";
  outcome.schedule.push_back(1);
  CHECK(printed(outcome) == "misuse in schedule 1: a joinable thread was destroyed");
}

TEST_CASE("fails in a check", "[.][fails]") {
  sim::check([](sim::World&) {
    INFO("said in the run");
    const int sum = add_twice();
    CHECK(sum == 2);
    CHECK(sum != 1);  // Not reached.
  });
}

TEST_CASE("fails after a check that passes", "[.][fails]") {
  sim::check([](sim::World&) {
    CHECK(true);
    UNSCOPED_INFO("said before");
    const int sum = add_twice();
    CHECK(sum == 2);
  });
}

TEST_CASE("fails in a check of a task", "[.][fails]") {
  sim::check([](sim::World&) {
    sim::atomic<int> turn{0};
    sim::thread first{[&] {
      const int before = turn;
      turn = before + 1;
    }};
    sim::thread second{[&] {
      const int seen = turn;
      CHECK(seen == 0);
    }};
    first.join();
    second.join();
  });
}

TEST_CASE("fails in a deadlock", "[.][fails]") {
  sim::check([](sim::World& world) {
    Event64 event{world.backend()};
    sim::thread thief{[&] { static_cast<void>(event.try_read()); }};
    event.write(1);
    REQUIRE(event.read() == 1);  // What unwinds it passes through an assertion, which is not shown.
    thief.join();
  });
}

TEST_CASE("fails by an exception", "[.][fails]") {
  sim::check([](sim::World&) {
    UNSCOPED_INFO("said in every run");
    if (add_twice() != 2) throw std::runtime_error("an update was lost");
  });
}

TEST_CASE("passes under all schedules") {
  sim::CheckOptions options;
  options.explore.policy.kind = sim::PolicyKind::exhaustive;
  sim::check(options, [](sim::World&) {
    sim::atomic<int> sum{0};
    sim::thread other{[&] { ++sum; }};
    ++sum;
    other.join();
    CHECK(sum == 2);
  });
}

TEST_CASE("never comes to a schedule point", "[.][hangs]") {
  sim::CheckOptions options;
  options.explore.watchdog_seconds = 1;
  sim::check(options, [](sim::World& world) {
    world.spawn("spins", [] {
      volatile int turns = 0;
      for (;;) turns = turns + 1;
    });
    world.join_all();
  });
}

TEST_CASE("sleeps in a destructor", "[.][aborts]") {
  sim::check([](sim::World& world) {
    struct Reads {
      ~Reads() { event.read(); }
      Event64 event;
    };
    const Reads reads{Event64{world.backend()}};
  });
}

TEST_CASE("has a section inside", "[.][fails]") {
  sim::check([](sim::World&) {
    SECTION("inside") {}
  });
}

// As in the README, which shows its lines.
#line 1 "worker_test.cpp"
TEST_CASE("fails as the README shows", "[.][fails]") {
  sim::check([](sim::World& world) {
    BasicEventFd<EmulatedBackend> wakeup{world.backend()};
    world.name_fd(wakeup.fd(), "wakeup");
    sim::atomic<bool> stop{false};
    sim::thread worker{[&] {
      while (!stop) wakeup.read();
    }};
    wakeup.notify();
    stop = true;
    worker.join();
  });
}
