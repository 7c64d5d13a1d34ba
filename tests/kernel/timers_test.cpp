// Timers: what is due when, in which order, and what a host makes of it.
#include "rouse/kernel/timers.hpp"

#include "../support/backends.hpp"
#include "../support/random.hpp"
#include "../support/raw_timer.hpp"
#include "rouse/kernel/thread_host.hpp"

#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <memory>

using namespace rouse;
using namespace std::chrono_literals;
using kernel::Deadlock;
using kernel::SoloHost;
using kernel::Time;
using kernel::time_never;
using kernel::Timer;
using kernel::Timers;

namespace {

constexpr unsigned armed = 4;

/// A host of which only the clock counts, and its timers.
struct Fixture {
  std::atomic<unsigned> needs = 3;
  SoloHost host;
  Timers timers{host, needs, armed};
};

/// Writes down when it came, and does what else the case says.
class Noted final : public Timer {
 public:
  Noted(Timers& timers, std::string& log, char name) : Timer(timers), log_(log), name_(name) {}

  std::function<void(Time)> then;

 private:
  void on_due(Time now) override {
    log_ += name_ + std::to_string(now) + ' ';
    if (then) then(now);
  }

  std::string& log_;
  char name_;
};

}  // namespace

TEST_CASE("Timers: they come in the order of their moments, those of one moment as they were scheduled", "[timers]") {
  Fixture f;
  std::string log;
  Noted a{f.timers, log, 'a'};
  Noted b{f.timers, log, 'b'};
  Noted c{f.timers, log, 'c'};
  Noted d{f.timers, log, 'd'};
  CHECK(f.timers.next_deadline() == time_never);
  f.timers.schedule(d, 20);
  f.timers.schedule(b, 10);
  f.timers.schedule(a, 10);
  f.timers.schedule(c, 5);
  CHECK(f.timers.next_deadline() == 5);
  f.timers.run_due(4);
  CHECK(log.empty());
  f.timers.run_due(10);
  CHECK(log == "c10 b10 a10 ");
  CHECK(f.timers.next_deadline() == 20);
  CHECK_FALSE(a.is_scheduled());
  CHECK(d.is_scheduled());
}

TEST_CASE("Timers: scheduled anew, a timer has its old moment no more, and is the last of its new one", "[timers]") {
  Fixture f;
  std::string log;
  Noted a{f.timers, log, 'a'};
  Noted b{f.timers, log, 'b'};
  f.timers.schedule(a, 1);
  f.timers.schedule(b, 7);
  f.timers.schedule(a, 7);
  f.timers.run_due(6);
  CHECK(log.empty());
  f.timers.run_due(7);
  CHECK(log == "b7 a7 ");
}

TEST_CASE("Timers: cancelled, destroyed or for never, a timer does not come", "[timers]") {
  Fixture f;
  std::string log;
  Noted a{f.timers, log, 'a'};
  Noted never{f.timers, log, 'n'};
  {
    Noted gone{f.timers, log, 'g'};
    f.timers.schedule(gone, 3);
    f.timers.schedule(a, 4);
    CHECK(f.timers.next_deadline() == 3);
  }
  CHECK(f.timers.next_deadline() == 4);
  f.timers.cancel(a);
  f.timers.cancel(a);
  CHECK(f.timers.next_deadline() == time_never);
  f.timers.schedule(never, time_never);
  f.timers.run_due(time_never);
  CHECK(log.empty());
  CHECK(never.is_scheduled());
}

TEST_CASE("Timers: where the clock runs, the word says whether there are any", "[timers]") {
  std::atomic<unsigned> needs = 3;
  kernel::ThreadHost host;
  Timers timers{host, needs, armed};
  std::string log;
  Noted a{timers, log, 'a'};
  Noted b{timers, log, 'b'};
  CHECK(needs == 3);
  timers.schedule(a, 1);
  timers.schedule(b, 2);
  CHECK(needs == (3 | armed));
  timers.run_due(1);
  CHECK(needs == (3 | armed));
  timers.cancel(b);
  CHECK(needs == 3);
}

TEST_CASE("Timers: where it stands between calls, the word says whether one is due", "[timers]") {
  Fixture f;
  std::string log;
  Noted a{f.timers, log, 'a'};
  Noted b{f.timers, log, 'b'};
  f.timers.schedule(a, 1);
  CHECK(f.needs == 3);
  f.timers.schedule(b, 0);
  CHECK(f.needs == (3 | armed));
  f.timers.run_due(0);
  CHECK(log == "b0 ");
  CHECK(f.needs == 3);
  f.timers.schedule(b, 0);
  f.timers.cancel(a);
  CHECK(f.needs == (3 | armed));
  f.timers.cancel(b);
  CHECK(f.needs == 3);
  // One that schedules itself for what is due is run at once, and leaves nothing.
  a.then = [&](Time) {
    a.then = nullptr;
    f.timers.schedule(a, 0);
  };
  f.timers.schedule(a, 0);
  f.timers.run_due(0);
  CHECK(log == "b0 a0 a0 ");
  CHECK(f.needs == 3);
}

TEST_CASE("Timers: one that comes may schedule itself, cancel others, and go", "[timers]") {
  Fixture f;
  std::string log;
  Noted periodic{f.timers, log, 'p'};
  Noted other{f.timers, log, 'o'};
  auto once = std::make_unique<Noted>(f.timers, log, '1');
  periodic.then = [&](Time now) {
    if (now < 40) f.timers.schedule(periodic, now + 10);
    if (now == 20) f.timers.cancel(other);
  };
  once->then = [&](Time) { once.reset(); };
  f.timers.schedule(periodic, 10);
  f.timers.schedule(other, 25);
  f.timers.schedule(*once, 15);
  Time now = 0;
  f.timers.run_until(now, 35, [] { return false; });
  CHECK(log == "p10 115 p20 p30 ");
  CHECK(now == 30);
  CHECK(once == nullptr);
  f.timers.run_until(now, time_never, [] { return false; });
  CHECK(log == "p10 115 p20 p30 p40 ");
}

TEST_CASE("Timers: many, in any order, against a list that is sorted", "[timers][random]") {
  Fixture f;
  test::Random random{11};
  std::multimap<std::pair<Time, int>, Timer*> expected;
  std::vector<Timer*> came;
  class Random final : public Timer {
   public:
    Random(Timers& timers, std::vector<Timer*>& log) : Timer(timers), log_(log) {}

   private:
    void on_due(Time) override { log_.push_back(this); }
    std::vector<Timer*>& log_;
  };
  std::deque<Random> timers;
  for (int i = 0; i < 100; ++i) timers.emplace_back(f.timers, came);
  const auto forget = [&](Timer& timer) {
    std::erase_if(expected, [&](auto& entry) { return entry.second == &timer; });
  };
  Time now = 0;
  for (int step = 0; step < 5000; ++step) {
    Random& timer = timers[random.below(timers.size())];
    switch (random.below(8)) {
      case 0:
        f.timers.cancel(timer);
        forget(timer);
        break;
      case 1: {
        now += static_cast<Time>(random.below(30));
        std::vector<Timer*> due;
        while (!expected.empty() && expected.begin()->first.first <= now) {
          due.push_back(expected.begin()->second);
          expected.erase(expected.begin());
        }
        came.clear();
        f.timers.run_due(now);
        CHECK(came == due);
        break;
      }
      default: {
        const Time deadline = now + static_cast<Time>(random.below(40));
        f.timers.schedule(timer, deadline);
        forget(timer);
        expected.insert({{deadline, step}, &timer});
      }
    }
    REQUIRE(f.timers.is_consistent());
    REQUIRE(f.timers.next_deadline() == (expected.empty() ? time_never : expected.begin()->first.first));
  }
}

TEST_CASE("SoloHost: a sleeping task is woken at the moment of a timer, and the clock stands there", "[timers]") {
  test::OnEmulated on;
  test::RawTimer timer{on};
  REQUIRE(timer.set(5ms).ok());
  // In an epoll that watches it, through another one, with a later deadline or none.
  BasicEpoll<EmulatedBackend> inner{on.backend};
  BasicEpoll<EmulatedBackend> outer{on.backend};
  inner.add(BasicFdRef<EmulatedBackend>{on.backend, timer.fd()}, EventFlags::in);
  outer.add(inner, EventFlags::in);
  EventArray<4> events;
  CHECK(outer.wait(events, 1h) == 1);
  CHECK(timer.now() == 5ms);
  CHECK(timer.read() == 1);
  // One that comes before it, or with it.
  REQUIRE(timer.set(5ms).ok());
  CHECK(outer.wait(events, 4ms) == 0);
  CHECK(timer.now() == 9ms);
  CHECK(outer.wait(events, 1ms) == 1);
  CHECK(timer.now() == 10ms);
}

TEST_CASE("SoloHost: timers that wake nobody pass, and then there is nothing to wait for", "[timers]") {
  test::OnEmulated on;
  test::RawTimer periodic{on};
  test::RawTimer other{on};
  REQUIRE(periodic.set(5ms, 1ms).ok());
  REQUIRE(other.set(7ms).ok());
  const int fd = on.backend.eventfd(0, 0).value();
  std::uint64_t value = 0;
  CHECK_THROWS_AS(static_cast<void>(on.backend.read(fd, &value, sizeof value)), Deadlock);
  CHECK(other.now() == 7ms);
  CHECK(other.read() == 1);
  CHECK(periodic.read() == 3);
  try {
    static_cast<void>(on.backend.read(fd, &value, sizeof value));
    FAIL("it came back");
  } catch (const Deadlock& deadlock) {
    CHECK(std::string(deadlock.what()).find("timerfd (file 4): 1 expirations, every 1000000 ns, non-blocking") !=
          std::string::npos);
  }
}

TEST_CASE("SoloHost: moving the clock runs what is due, in order", "[timers]") {
  SoloHost host;
  kernel::Kernel kernel{host};
  kernel.check_every_call(kernel::check_invariants);
  struct On {
    using Backend = EmulatedBackend;
    EmulatedBackend backend;
  };
  const On on{EmulatedBackend{kernel}};
  test::RawTimer<On> a{on};
  test::RawTimer<On> b{on};
  BasicEpoll<EmulatedBackend> epoll{on.backend};
  epoll.add(BasicFdRef<EmulatedBackend>{on.backend, a.fd()}, EventFlags::in, 1);
  epoll.add(BasicFdRef<EmulatedBackend>{on.backend, b.fd()}, EventFlags::in, 2);
  REQUIRE(a.set(3s, 10s).ok());
  REQUIRE(b.set(2s).ok());
  host.advance(1s);
  EventArray<4> events;
  CHECK(epoll.wait(events, Timeout::now) == 0);
  host.advance(20s);
  CHECK(epoll.wait(events, Timeout::now) == 2);
  CHECK(events[0].data().u64() == 2);
  CHECK(events[1].data().u64() == 1);
  CHECK(a.read() == 2);
  CHECK(a.now() == 21s);
}

TEST_CASE("Kernel: a timer may outlive its fd while a call sleeps in it, and goes with its file", "[timers]") {
  test::OnEmulated on;
  const int fd = on.backend.timerfd_create(CLOCK_MONOTONIC, 0).value();
  const ::itimerspec setting = test::setting_of(1h, 0s);
  REQUIRE(on.backend.timerfd_settime(fd, 0, &setting, nullptr).ok());
  CHECK(on.kernel.timers.next_deadline() == Time{3'600'000'000'000});
  REQUIRE(on.backend.close(fd).ok());
  CHECK(on.kernel.timers.next_deadline() == time_never);
}

TEST_CASE("Kernel: a timer set to a moment in the past has come when the call returns", "[timers]") {
  test::OnEmulated on;
  test::let_an_hour_pass(on);
  test::RawTimer timer{on};
  REQUIRE(timer.set_past(1ms).ok());
  CHECK(on.kernel.file(timer.fd())->readiness(EventFlags::in) == EventFlags::in);
  CHECK(on.kernel.timers.next_deadline() == time_never);
}

TEST_CASE("Kernel: a timer of 1 ns has expired once at its first moment", "[timers]") {
  test::OnEmulated on;
  test::RawTimer timer{on};
  REQUIRE(timer.set(1ns, 1ns).ok());
  static_cast<SoloHost&>(on.kernel.host()).advance(1ns);
  CHECK(timer.read() == std::size_t{1});
}

TEST_CASE("Kernel: a timer that the clock has cancelled says so once, and a period stays where it was", "[timers]") {
  test::OnEmulated on;
  auto& host = static_cast<SoloHost&>(on.kernel.host());
  test::RawTimer timer{on, CLOCK_REALTIME};
  REQUIRE(timer.set(timer.now() + 1s, 1s, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET).ok());
  host.advance(1s);  // It has expired once.
  const std::chrono::hours later_or_earlier = GENERATE(400'000h, 1000h);
  on.kernel.set_realtime(later_or_earlier);
  CHECK(timer.now() == later_or_earlier);
  SECTION("to a read") {
    CHECK(timer.read() == SysResult<std::size_t>::failure(ECANCELED));
    host.advance(10s);
    CHECK(timer.read() == SysResult<std::size_t>::failure(EAGAIN));
  }
  SECTION("to who sets its count") {
    std::uint64_t ticks = 5;
    CHECK(on.backend.ioctl(timer.fd(), kernel::tfd_ioc_set_ticks, &ticks) == SysResult<int>::failure(ECANCELED));
    CHECK(on.backend.ioctl(timer.fd(), kernel::tfd_ioc_set_ticks, &ticks).ok());
  }
}

TEST_CASE("Kernel: a timer that has expired does not come again when the clock is set", "[timers]") {
  test::OnEmulated on;
  test::RawTimer timer{on, CLOCK_REALTIME};
  REQUIRE(timer.set(1s, 0s, TFD_TIMER_ABSTIME).ok());  // Long ago.
  CHECK(timer.read() == std::size_t{1});
  on.kernel.set_realtime(1000h);
  CHECK(timer.read() == SysResult<std::size_t>::failure(EAGAIN));
}

TEST_CASE("Kernel: a timer of the other clock is not cancelled when the clock is set", "[timers]") {
  test::OnEmulated on;
  test::RawTimer timer{on};
  REQUIRE(timer.set(1s, 0s, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET).ok());
  on.kernel.set_realtime(1000h);
  CHECK(timer.read() == SysResult<std::size_t>::failure(EAGAIN));
  static_cast<SoloHost&>(on.kernel.host()).advance(1s);
  CHECK(timer.read() == std::size_t{1});
}
