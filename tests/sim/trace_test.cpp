// Trace: who blocks, who wakes whom, what tasks share, how time moves, and how a run fails, as canonical text.
#include "rouse/sim/trace/trace.hpp"

#include "../support/catch.hpp"
#include "../support/deadlock.hpp"
#include "../support/traced.hpp"
#include "rouse/rouse.hpp"
#include "rouse/sim/atomic.hpp"
#include "rouse/sim/condition_variable.hpp"
#include "rouse/sim/explore.hpp"
#include "rouse/sim/mutex.hpp"
#include "rouse/sim/semaphore.hpp"
#include "rouse/sim/shared.hpp"
#include "rouse/sim/this_thread.hpp"
#include "rouse/sim/thread.hpp"

#include <cerrno>
#include <chrono>
#include <csignal>
#include <mutex>
#include <shared_mutex>
#include <stdexcept>
#include <string>

using namespace rouse;
using namespace std::chrono_literals;
using test::Traced;

namespace {

using Event64 = BasicEventFd<EmulatedBackend>;

void on_signal(int) {
  sim::World& world = sim::World::here();
  static_cast<void>(world.backend().getpid());
}

}  // namespace

TEST_CASE("Trace: a call that blocks, is woken, and ends", "[trace]") {
  const Traced traced{[](sim::World& world) {
    Event64 event{world.backend(), 0, EventFdFlags{}};
    world.name_fd(event.fd(), "wakeup");
    world.spawn("reader", [&] { event.read(); });
    sim::this_thread::sleep_for(2ms);
    event.write(7);
    world.join_all();
  }};
  CHECK('\n' + traced.text_without_places() == R"(
0.000 ms main: eventfd(0) = eventfd 3
0.000 ms main: spawns reader
0.000 ms main: sleep blocks until 2.000 ms
0.000 ms reader: read(eventfd 3 "wakeup", 8 bytes) blocks
2.000 ms time: moves on
2.000 ms time: wakes main
2.000 ms main: sleep goes on
2.000 ms main: write(eventfd 3 "wakeup", 7) = 8
2.000 ms main: wakes reader
2.000 ms main: join reader blocks
2.000 ms reader: read(eventfd 3 "wakeup", 8 bytes) = 8: 7
2.000 ms reader: is over
2.000 ms reader: wakes main
2.000 ms main: join reader goes on
2.000 ms main: close(eventfd 3 "wakeup") = 0
2.000 ms main: is over
)");
  CHECK(traced.outcome.call.empty());
}

TEST_CASE("Trace: what tasks share is numbered in the order of its first use", "[trace]") {
  const Traced traced{[](sim::World&) {
    sim::mutex first, second;
    sim::shared_mutex shared;
    sim::binary_semaphore semaphore{0};
    sim::atomic<int> number{3};
    sim::atomic<bool> flag{false};
    sim::atomic<const void*> pointer{&number};
    {
      const std::scoped_lock both{second, first};
      const std::shared_lock reads{shared};
    }
    const std::unique_lock tries{first, std::try_to_lock};
    const std::unique_lock writes{shared};
    sim::this_thread::yield();
    semaphore.release();
    CHECK(semaphore.try_acquire());
    CHECK_FALSE(semaphore.try_acquire_for(1ms));
    flag = true;
    CHECK(number.fetch_add(2) == 3);
    int expected = 4;
    CHECK_FALSE(number.compare_exchange_strong(expected, 6));
    CHECK(number.compare_exchange_strong(expected, 6));
    CHECK(pointer.load() == &number);
  }};
  CHECK('\n' + traced.text_without_places() == R"(
0.000 ms main: mutex 1: lock
0.000 ms main: mutex 2: try_lock = true
0.000 ms main: shared_mutex 1: lock_shared
0.000 ms main: shared_mutex 1: unlock_shared
0.000 ms main: mutex 1: unlock
0.000 ms main: mutex 2: unlock
0.000 ms main: mutex 2: try_lock = true
0.000 ms main: shared_mutex 1: lock
0.000 ms main: yield
0.000 ms main: semaphore 1: release
0.000 ms main: semaphore 1: try_acquire = true
0.000 ms main: semaphore 1: acquire blocks until 1.000 ms
1.000 ms time: moves on
1.000 ms time: wakes main
1.000 ms main: semaphore 1: acquire: time is up
1.000 ms main: atomic 1: store, now true
1.000 ms main: atomic 2: fetch_add, now 5
1.000 ms main: atomic 2: compare_exchange fails at 5
1.000 ms main: atomic 2: compare_exchange, now 6
1.000 ms main: atomic 3: load
1.000 ms main: shared_mutex 1: unlock
1.000 ms main: mutex 2: unlock
1.000 ms main: is over
)");
}

TEST_CASE("Trace: who has the mutex that another waits for; and a condition variable", "[trace]") {
  const Traced traced{[](sim::World&) {
    sim::mutex mutex;
    sim::condition_variable changed;
    bool is_there = false;
    sim::thread consumer{[&] {
      std::unique_lock lock{mutex};
      changed.wait(lock, [&] { return is_there; });
    }};
    sim::thread producer{[&] {
      const std::lock_guard lock{mutex};
      sim::this_thread::sleep_for(1ms);
      is_there = true;
      changed.notify_one();
    }};
    sim::thread other{[&] { const std::lock_guard lock{mutex}; }};
    consumer.join();
    producer.join();
    other.join();
  }};
  CHECK('\n' + traced.text_without_places() == R"(
0.000 ms main: spawns thread 2
0.000 ms main: spawns thread 3
0.000 ms main: spawns thread 4
0.000 ms main: join thread 2 blocks
0.000 ms thread 2: mutex 1: lock
0.000 ms thread 2: condition_variable 1: wait blocks
0.000 ms thread 3: mutex 1: lock
0.000 ms thread 3: sleep blocks until 1.000 ms
0.000 ms thread 4: mutex 1: lock blocks, thread 3 has it
1.000 ms time: moves on
1.000 ms time: wakes thread 3
1.000 ms thread 3: sleep goes on
1.000 ms thread 3: condition_variable 1: notify_one
1.000 ms thread 3: wakes thread 2
1.000 ms thread 3: mutex 1: unlock
1.000 ms thread 3: wakes thread 4
1.000 ms thread 3: is over
1.000 ms thread 3: wakes main
1.000 ms thread 4: mutex 1: lock goes on
1.000 ms thread 4: mutex 1: unlock
1.000 ms thread 4: is over
1.000 ms main: join thread 2 blocks
1.000 ms thread 2: condition_variable 1: wait goes on
1.000 ms thread 2: mutex 1: unlock
1.000 ms thread 2: is over
1.000 ms thread 2: wakes main
1.000 ms main: join thread 2 goes on
1.000 ms main: join thread 3
1.000 ms main: join thread 4
1.000 ms main: is over
)");
}

TEST_CASE("Trace: a signal interrupts a call, its handler calls, and the call begins again", "[trace]") {
  const Traced traced{[](sim::World& world) {
    struct ::sigaction action {};
    action.sa_handler = on_signal;
    action.sa_flags = SA_RESTART;
    const EmulatedBackend backend = world.backend();
    REQUIRE(backend.sigaction(SIGUSR1, &action, nullptr).ok());
    Event64 event{backend, 0, EventFdFlags{}};
    world.spawn("helper", [&] {
      static_cast<void>(backend.kill(0, SIGUSR1));
      sim::this_thread::sleep_for(1ms);
      event.write(1);
    });
    std::uint64_t number = 0;
    CHECK(backend.read(event.fd(), &number, sizeof number).ok());
    world.join_all();
  }};
  CHECK('\n' + traced.text_without_places() == R"(
0.000 ms main: rt_sigaction(SIGUSR1, handler) = 0
0.000 ms main: eventfd(0) = eventfd 3
0.000 ms main: spawns helper
0.000 ms main: read(eventfd 3, 8 bytes) blocks
0.000 ms helper: kill(SIGUSR1) = 0
0.000 ms helper: wakes main
0.000 ms helper: sleep blocks until 1.000 ms
0.000 ms main: getpid() = 1000
0.000 ms main: read(eventfd 3, 8 bytes) restarts after a signal
0.000 ms main: read(eventfd 3, 8 bytes) blocks
1.000 ms time: moves on
1.000 ms time: wakes helper
1.000 ms helper: sleep goes on
1.000 ms helper: write(eventfd 3, 1) = 8
1.000 ms helper: wakes main
1.000 ms helper: is over
1.000 ms main: read(eventfd 3, 8 bytes) = 8: 1
1.000 ms main: close(eventfd 3) = 0
1.000 ms main: is over
)");
}

TEST_CASE("Trace: a deadlock says who waits on whom, and is about the first that does more than join", "[trace]") {
  const Traced traced{[](sim::World& world) {
    sim::mutex a, b;
    Event64 event{world.backend()};
    BasicEpoll<EmulatedBackend> epoll{world.backend()};
    epoll.add(event, EventFlags::in);
    sim::thread first{[&] {
      const std::lock_guard lock_a{a};
      sim::this_thread::sleep_for(1ms);
      const std::lock_guard lock_b{b};
    }};
    sim::thread second{[&] {
      const std::lock_guard lock_b{b};
      sim::this_thread::sleep_for(1ms);
      const std::lock_guard lock_a{a};
    }};
    world.spawn("poller", [&] {
      EventVec events{4};
      epoll.wait(events);
      event.read();
      epoll.wait(events);
    });
    event.write(1);
    first.join();
    second.join();
  }};
  CHECK('\n' + traced.text_without_places() == R"(
0.000 ms main: eventfd(0, nonblock|cloexec) = eventfd 3
0.000 ms main: epoll_create1(cloexec) = epoll 4
0.000 ms main: epoll_ctl(epoll 4, add, eventfd 3, in) = 0
0.000 ms main: spawns thread 2
0.000 ms main: spawns thread 3
0.000 ms main: spawns poller
0.000 ms main: write(eventfd 3, 1) = 8
0.000 ms main: join thread 2 blocks
0.000 ms thread 2: mutex 1: lock
0.000 ms thread 2: sleep blocks until 1.000 ms
0.000 ms thread 3: mutex 2: lock
0.000 ms thread 3: sleep blocks until 1.000 ms
0.000 ms poller: epoll_wait(epoll 4, 4, for ever) = 1: eventfd 3 in
0.000 ms poller: read(eventfd 3, 8 bytes) = 8: 1
0.000 ms poller: epoll_wait(epoll 4, 4, for ever) blocks
1.000 ms time: moves on
1.000 ms time: wakes thread 2
1.000 ms time: wakes thread 3
1.000 ms thread 2: sleep goes on
1.000 ms thread 2: mutex 2: lock blocks, thread 3 has it
1.000 ms thread 3: sleep goes on
1.000 ms thread 3: mutex 1: lock blocks, thread 2 has it
1.000 ms failure: deadlock
main waits in join thread 2
thread 2 waits in mutex 2: lock; thread 3 has it
thread 3 waits in mutex 1: lock; thread 2 has it
poller waits in epoll_wait(epoll 4, 4, for ever) last used by main: write(eventfd 3, 1) = 8
)");
  CHECK(test::without_places(traced.outcome.call) == "mutex 2: lock by thread 2");
}

TEST_CASE("Trace: which call a failure is about", "[trace]") {
  const Traced thrown{[](sim::World& world) {
    Event64 event{world.backend()};
    event.write(1);
    throw std::runtime_error("no more");
  }};
  CHECK(test::without_places(thrown.outcome.call) == "write(eventfd 3, 1) by main");
  CHECK(thrown.text().ends_with("0.000 ms failure: uncaught exception: task \"main\" threw: no more\n"));

  const Traced leaked{[](sim::World& world) {
    Event64 kept{world.backend()};
    static_cast<void>(world.backend().dup(kept.fd()));
  }};
  CHECK(test::without_places(leaked.outcome.call) == "dup(eventfd 3) by main");

  const Traced raced{[](sim::World&) {
    sim::Shared<int> number{0, "number"};
    sim::thread writer{[&] {
      sim::this_thread::yield();
      number.write(1);
    }};
    static_cast<void>(number.read());
    writer.join();
  }};
  CHECK(test::without_places(raced.outcome.call) == "yield by thread");

  const Traced spins{[](sim::World& world) {
    sim::atomic<bool> stop{false};
    world.spawn("spins", [&] {
      while (!stop) sim::this_thread::yield();
    });
    world.join_all();
  }};
  CHECK(spins.outcome.ending == sim::Ending::livelock);
  CHECK(test::without_places(spins.outcome.call) == "yield by spins");
}

TEST_CASE("Trace: where in the source a call stands", "[trace]") {
  const Traced traced{test::deadlock};
  CHECK('\n' + traced.text() == R"(
0.000 ms main: eventfd(0, nonblock|cloexec) = eventfd 3 at deadlock.hpp:15
0.000 ms main: spawns worker
0.000 ms main: sleep blocks until 2.000 ms at deadlock.hpp:22
0.000 ms worker: mutex 1: lock at deadlock.hpp:18
0.000 ms worker: read(eventfd 3, 8 bytes) = EAGAIN at deadlock.hpp:19
0.000 ms worker: poll({eventfd 3 in}, for ever) blocks at deadlock.hpp:19
2.000 ms time: moves on
2.000 ms time: wakes main
2.000 ms main: sleep goes on
2.000 ms main: mutex 1: lock blocks, worker has it at deadlock.hpp:23
2.000 ms failure: deadlock
main waits in mutex 1: lock at deadlock.hpp:23; worker has it
worker waits in poll({eventfd 3 in}, for ever) at deadlock.hpp:19
)");
  CHECK(traced.outcome.call == "mutex 1: lock by main at deadlock.hpp:23");
}

TEST_CASE("Trace: a fault is a line of its own", "[trace]") {
  const Traced traced{[](sim::World& world) {
    Event64 event{world.backend()};
    world.faults().on(Call::write).nth(1, Fault::error(EINTR));
    event.write(1);
  }};
  CHECK('\n' + traced.text_without_places() == R"(
0.000 ms main: eventfd(0, nonblock|cloexec) = eventfd 3
0.000 ms main: write(eventfd 3, 1) = EINTR
0.000 ms main: fault: write fails with EINTR
0.000 ms main: close(eventfd 3) = 0
0.000 ms failure: uncaught exception: task "main" threw: write(fd 3): Interrupted system call
)");
}

TEST_CASE("Trace: nothing is recorded that nobody asked for, and nothing after the run", "[trace]") {
  sim::FiberPool fibers;
  sim::InTurn policy;
  sim::World plain{policy, fibers};
  const sim::Outcome outcome = plain.run([&] {
    CHECK(plain.trace() == nullptr);
    plain.name_fd(0, "input");
    throw std::runtime_error("it fails");
  });
  CHECK(outcome.call.empty());

  sim::Trace trace;
  CHECK(trace.text().empty());
  CHECK(trace.failed_call().empty());
  sim::WorldOptions options;
  options.trace = &trace;
  sim::World world{policy, fibers, options};
  CHECK_FALSE(world.run([&] { Event64{world.backend()}.write(1); }).failed());
  const std::string text = trace.text();
  Event64{world.backend()}.write(1);
  CHECK(trace.text() == text);
}

TEST_CASE("Trace: explore records the simplest failure", "[trace]") {
  sim::RandomPolicy policy{1};
  const sim::Exploration exploration = sim::explore(policy, {}, [](sim::World& world) {
    Event64 event{world.backend()};
    sim::thread thief{[&] { static_cast<void>(event.try_read()); }};
    event.write(1);
    event.read();
    thief.join();
  });
  REQUIRE(exploration.failure);
  CHECK(test::without_places(exploration.failure->call) == "poll({eventfd 3 in}, for ever) by main");
  CHECK('\n' + test::without_places(exploration.trace.text()) == R"(
0.000 ms main: eventfd(0, nonblock|cloexec) = eventfd 3
0.000 ms main: spawns thread
0.000 ms main: write(eventfd 3, 1) = 8
0.000 ms thread: read(eventfd 3, 8 bytes) = 8: 1
0.000 ms thread: is over
0.000 ms main: read(eventfd 3, 8 bytes) = EAGAIN
0.000 ms main: poll({eventfd 3 in}, for ever) blocks
0.000 ms failure: deadlock
main waits in poll({eventfd 3 in}, for ever) last used by thread: read(eventfd 3, 8 bytes) = 8: 1
)");
}
