// World: tasks, virtual time, and how runs end.
#include "rouse/sim/world.hpp"

#include "../support/catch.hpp"
#include "rouse/rouse.hpp"
#include "rouse/sim/atomic.hpp"
#include "rouse/sim/mutex.hpp"
#include "rouse/sim/policy/in_turn.hpp"
#include "rouse/sim/policy/random.hpp"
#include "rouse/sim/policy/replay.hpp"
#include "rouse/sim/this_thread.hpp"
#include "rouse/timer_fd.hpp"

#include <chrono>
#include <malloc.h>
#include <mutex>
#include <stdexcept>
#include <string>
#include <vector>

using namespace rouse;
using namespace std::chrono_literals;
using sim::Ending;

namespace {

using Event64 = BasicEventFd<EmulatedBackend>;
using Poller = BasicEpoll<EmulatedBackend>;

/// A World whose tasks run in turn.
struct InTurnWorld {
  sim::FiberPool fibers;
  sim::InTurn policy;
  sim::World world{policy, fibers};
};

/// Says when it goes.
class Tells {
 public:
  Tells(std::string& trace, const char* name) : trace_(trace), name_(name) {}
  Tells(const Tells&) = delete;
  Tells& operator=(const Tells&) = delete;
  ~Tells() { trace_ += name_; }

 private:
  std::string& trace_;
  const char* name_;
};

}  // namespace

TEST_CASE("World: in turn, each task goes on until it has to wait", "[world]") {
  InTurnWorld in_turn;
  sim::World& world = in_turn.world;
  std::string trace;
  const sim::Outcome outcome = world.run([&] {
    Event64 event{world.backend()};
    world.spawn("reader", [&] {
      trace += "reader waits, ";
      trace += "reads " + std::to_string(event.read()) + ", ";
    });
    world.spawn("writer", [&] {
      trace += "writer writes, ";
      event.write(5);
      trace += "writer ends, ";
    });
    trace += "main joins, ";
    world.join_all();
    trace += "main ends";
  });
  CHECK(outcome.ending == Ending::done);
  CHECK(outcome.text.empty());
  CHECK(trace == "main joins, reader waits, writer writes, writer ends, reads 5, main ends");
  CHECK(outcome.schedule.text() == "0");
}

TEST_CASE("World: a task may go on at any call", "[world]") {
  // Both orders of the two reads come up, and nothing else does.
  std::vector<int> seen(3);
  sim::FiberPool fibers;
  sim::RandomPolicy policy{1};
  for (int i = 0; i < 100; ++i) {
    REQUIRE(policy.begin());
    sim::World world{policy, fibers};
    int first = 0;
    const sim::Outcome outcome = world.run([&] {
      Event64 event{world.backend(), 1};
      for (const int task : {1, 2}) {
        world.spawn("reader", [&event, &first, task] {
          if (event.try_read()) first = task;
        });
      }
      world.join_all();
    });
    CHECK_FALSE(outcome.failed());
    ++seen[static_cast<std::size_t>(first)];
  }
  CHECK(seen[0] == 0);
  CHECK(seen[1] > 10);
  CHECK(seen[2] > 10);
}

TEST_CASE("World: time stands still while anybody can go on, and jumps when all are asleep", "[world]") {
  InTurnWorld in_turn;
  sim::World& world = in_turn.world;
  std::string trace;
  const auto say = [&](const char* who) { trace += who + std::to_string(world.now() / 1'000'000) + ' '; };
  const sim::Outcome outcome = world.run([&] {
    Poller poller{world.backend()};
    EventVec events{8};
    world.spawn("slow", [&] {
      sim::this_thread::sleep_for(24h);
      say("slow@");
    });
    world.spawn("quick", [&] {
      sim::this_thread::sleep_for(10ms);
      say("quick@");
      sim::this_thread::sleep_for(10ms);
      say("quick@");
    });
    CHECK(poller.wait(events, 15ms) == 0);
    say("main@");
    world.join_all();
    say("main@");
  });
  CHECK_FALSE(outcome.failed());
  CHECK(trace == "quick@10 main@15 quick@20 slow@86400000 main@86400000 ");
  CHECK(outcome.time == 86'400'000'000'000);
}

TEST_CASE("World: a timer wakes a task", "[world]") {
  InTurnWorld in_turn;
  sim::World& world = in_turn.world;
  const sim::Outcome outcome = world.run([&] {
    BasicTimerFd<EmulatedBackend> timer{world.backend()};
    timer.set_after(20ms, 5ms);
    Poller poller{world.backend()};
    poller.add(timer, EventFlags::in);
    EventVec events{8};
    CHECK(poller.wait(events) == 1);
    CHECK(world.now() == 20'000'000);
    sim::this_thread::sleep_for(12ms);
    CHECK(timer.read() == 3);
    CHECK(timer.read() == 1);
    CHECK(world.now() == 35'000'000);
  });
  CHECK_FALSE(outcome.failed());
}

TEST_CASE("World: a deadlock says who waits on what, and everybody is unwound", "[world]") {
  InTurnWorld in_turn;
  sim::World& world = in_turn.world;
  std::string trace;
  const sim::Outcome outcome = world.run([&] {
    const Tells main{trace, "main "};
    Event64 event{world.backend()};
    world.spawn("first", [&] {
      const Tells tells{trace, "first "};
      event.read();
      trace += "not reached";
    });
    world.spawn("second", [&] {
      const Tells tells{trace, "second "};
      Event64 own{world.backend()};
      own.read();
      trace += "not reached";
    });
    world.join_all();
    trace += "not reached";
  });
  CHECK(outcome.ending == Ending::deadlock);
  CHECK(outcome.text.find("main is blocked in join") != std::string::npos);
  CHECK(outcome.text.find("first is blocked in ") != std::string::npos);
  CHECK(outcome.text.find("second is blocked in ") != std::string::npos);
  CHECK(trace == "second first main ");
  std::size_t open = 0;
  world.kernel().fds.for_each([&](int, const kernel::File&) { ++open; });
  CHECK(open == 3);
}

TEST_CASE("World: an exception that leaves a task ends the run", "[world]") {
  InTurnWorld in_turn;
  sim::World& world = in_turn.world;
  std::string trace;
  const sim::Outcome outcome = world.run([&] {
    Event64 event{world.backend()};
    world.spawn("waits", [&] {
      const Tells tells{trace, "unwound"};
      event.read();
    });
    world.spawn("throws", [&] {
      sim::this_thread::yield();
      throw std::runtime_error("no luck");
    });
    world.join_all();
  });
  CHECK(outcome.ending == Ending::exception);
  CHECK(outcome.text == "task \"throws\" threw: no luck");
  CHECK_THROWS_WITH(std::rethrow_exception(outcome.error), "no luck");
  CHECK(trace == "unwound");
}

TEST_CASE("World: what is thrown need not be a std::exception", "[world]") {
  InTurnWorld in_turn;
  const sim::Outcome outcome = in_turn.world.run([] { throw 5; });
  CHECK(outcome.ending == Ending::exception);
  CHECK(outcome.text == "task \"main\" threw what is no std::exception");
  CHECK_THROWS_AS(std::rethrow_exception(outcome.error), int);
}

TEST_CASE("World: going on and on without time moving is a livelock", "[world]") {
  sim::FiberPool fibers;
  sim::InTurn policy;
  sim::World world{policy, fibers, {.steps_max = 500}};
  std::string trace;
  const sim::Outcome outcome = world.run([&] {
    const Tells tells{trace, "unwound"};
    Poller poller{world.backend()};
    EventVec events{8};
    for (;;) poller.wait(events, Timeout::now);
  });
  CHECK(outcome.ending == Ending::livelock);
  CHECK(outcome.text.find("no time has passed for 500 steps") == 0);
  CHECK(trace == "unwound");
}

TEST_CASE("World: a loop that only looks is a livelock, and ends", "[world]") {
  const auto livelock = [](auto loop) {
    sim::FiberPool fibers;
    sim::InTurn policy;
    sim::World world{policy, fibers, {.steps_max = 500}};
    return world.run(loop).ending == Ending::livelock;
  };
  CHECK(livelock([] {
    const sim::atomic<bool> is_done{false};
    while (!is_done) {
    }
  }));
  CHECK(livelock([] {
    for (;;) sim::this_thread::yield();
  }));
  CHECK(livelock([] {
    sim::mutex mutex;
    for (;;) const std::lock_guard lock{mutex};
  }));
}

TEST_CASE("World: steps between sleeps are no livelock, however many in all", "[world]") {
  sim::FiberPool fibers;
  sim::InTurn policy;
  sim::World world{policy, fibers, {.steps_max = 500}};
  const sim::Outcome outcome = world.run([] {
    for (int i = 0; i < 100; ++i) {
      for (int k = 0; k < 400; ++k) sim::this_thread::yield();
      sim::this_thread::sleep_for(1ms);
    }
  });
  CHECK(outcome.ending == Ending::done);
  CHECK(outcome.steps == 100 * 401);
}

TEST_CASE("World: an fd that the run leaves open is a failure, one that was open before is none", "[world]") {
  InTurnWorld in_turn;
  sim::World& world = in_turn.world;
  const Event64 before{world.backend()};
  int leaked = -1;
  const sim::Outcome outcome = world.run([&] { leaked = Event64{world.backend()}.release().release(); });
  CHECK(outcome.ending == Ending::leaked_fd);
  CHECK(outcome.text == "still open at the end of the run: " + std::to_string(leaked) + " (eventfd)");
}

TEST_CASE("World: a number that was open before is leaked if it is another file now", "[world]") {
  InTurnWorld in_turn;
  sim::World& world = in_turn.world;
  Event64 before{world.backend()};
  int leaked = -1;
  const sim::Outcome outcome = world.run([&] {
    before.close();
    leaked = Event64{world.backend()}.release().release();
  });
  CHECK(outcome.ending == Ending::leaked_fd);
  CHECK(leaked == 3);
}

TEST_CASE("World: a task that swallows what unwinds it is named", "[world]") {
  InTurnWorld in_turn;
  sim::World& world = in_turn.world;
  const sim::Outcome outcome = world.run([&] {
    Event64 event{world.backend()};
    world.spawn("greedy", [&] {
      try {
        event.read();
      } catch (...) {
      }
    });
    world.join_all();
  });
  CHECK(outcome.ending == Ending::deadlock);
  CHECK(outcome.text.find("\ntask \"greedy\" swallowed the exception that unwinds it") != std::string::npos);
}

TEST_CASE("World: destructors may wait while the run is unwound: their waits end as timed out", "[world]") {
  struct WaitsInDestructor {
    Event64& event;
    std::string& trace;
    ~WaitsInDestructor() {
      trace += event.try_read() ? "read " : "nothing ";
      std::error_code error;
      event.read(error);
      trace += error ? "gave up" : "read";
    }
  };
  InTurnWorld in_turn;
  sim::World& world = in_turn.world;
  std::string trace;
  const sim::Outcome outcome = world.run([&] {
    Event64 event{world.backend()};
    world.spawn("waits", [&] {
      const WaitsInDestructor waits{event, trace};
      event.read();
    });
    world.join_all();
  });
  CHECK(outcome.ending == Ending::deadlock);
  CHECK(trace == "nothing gave up");
}

TEST_CASE("World: calls before the run are the first task's; one that could never end is a Deadlock", "[world]") {
  InTurnWorld in_turn;
  sim::World& world = in_turn.world;
  Event64 event{world.backend(), 1};
  CHECK(event.read() == 1);
  CHECK_THROWS_AS(event.read(), kernel::Deadlock);
  BasicTimerFd<EmulatedBackend> timer{world.backend()};
  timer.set_after(7ms);
  CHECK(timer.read() == 1);
  CHECK(world.now() == 7'000'000);
  CHECK_FALSE(world.run([&] { event.write(1); }).failed());
}

TEST_CASE("World: a schedule replays its run", "[world]") {
  const auto run = [](sim::Policy& policy, sim::FiberPool& fibers, std::string& trace) {
    REQUIRE(policy.begin());
    sim::World world{policy, fibers};
    return world.run([&] {
      Event64 event{world.backend()};
      Poller poller{world.backend()};
      poller.add(event, EventFlags::in | EventFlags::et, std::uint64_t{1});
      for (const char name : {'a', 'b', 'c'}) {
        world.spawn(std::string{name}, [&, name] {
          EventVec events{8};
          for (int i = 0; i < 3; ++i) {
            trace += name;
            event.write(1);
            trace += poller.wait(events, 1ms) > 0 ? '+' : '-';
            if (event.try_read()) trace += 'r';
          }
        });
      }
      world.join_all();
    });
  };
  sim::FiberPool fibers;
  sim::RandomPolicy random{42};
  for (int i = 0; i < 300; ++i) {
    std::string first, again;
    const sim::Outcome outcome = run(random, fibers, first);
    const auto parsed = sim::Schedule::parse(outcome.schedule.text());
    REQUIRE(parsed);
    sim::Replay replay{*parsed};
    const sim::Outcome replayed = run(replay, fibers, again);
    CHECK(first == again);
    CHECK(outcome.ending == replayed.ending);
    CHECK(outcome.steps == replayed.steps);
    CHECK(outcome.time == replayed.time);
    CHECK(outcome.schedule == replayed.schedule);
  }
}

TEST_CASE("World: runs that fail leave nothing behind", "[world]") {
  struct Counted {
    explicit Counted(int& alive) : alive_(alive) { ++alive_; }
    Counted(const Counted& other) : alive_(other.alive_) { ++alive_; }
    ~Counted() { --alive_; }
    int& alive_;
  };
  int alive = 0;
  sim::FiberPool fibers;
  sim::RandomPolicy policy{3};
  const auto fails = [&] {
    if (!policy.begin()) return false;
    sim::World world{policy, fibers};
    const sim::Outcome outcome = world.run([&, counted = Counted{alive}] {
      Event64 event{world.backend()};
      for (int k = 0; k < 3; ++k) {
        world.spawn("task", [&, k, counted] {
          const Counted local{alive};
          if (k == 2) event.write(1);
          event.read();
          if (k == 1) throw std::runtime_error("failed");
        });
      }
      world.join_all();
    });
    return outcome.failed();
  };
  for (int i = 0; i < 100; ++i) REQUIRE(fails());  // From then on all there is to keep is kept.
  const std::size_t allocated = ::mallinfo2().uordblks;
  int failed = 0;
  for (int i = 0; i < 100'000; ++i) failed += fails() ? 1 : 0;
  CHECK(::mallinfo2().uordblks <= allocated);  // A sanitizer's allocator says 0, and looks for leaks by itself.
  CHECK(failed == 100'000);
  CHECK(alive == 0);
  CHECK(fibers.size() == 4);
}
