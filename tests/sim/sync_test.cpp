// sim::thread, mutex, shared_mutex, condition_variable, semaphore, atomic: as std's, under many schedules.
#include "../support/catch.hpp"
#include "rouse/sim/atomic.hpp"
#include "rouse/sim/clock.hpp"
#include "rouse/sim/condition_variable.hpp"
#include "rouse/sim/explore.hpp"
#include "rouse/sim/mutex.hpp"
#include "rouse/sim/semaphore.hpp"
#include "rouse/sim/this_thread.hpp"
#include "rouse/sim/thread.hpp"

#include <algorithm>
#include <chrono>
#include <mutex>
#include <shared_mutex>
#include <stdexcept>
#include <string>
#include <vector>

using namespace rouse;
using namespace std::chrono_literals;
using sim::Ending;

namespace {

/// Every schedule with two preemptions or fewer; the first failure's text, or "" if all went well.
template <class Test>
std::string under_every_schedule(Test test) {
  sim::Exhaustive policy{2};
  const sim::Exploration exploration = sim::explore(policy, {.runs_max = 1'000'000}, test);
  CHECK((policy.is_over() || exploration.failure));
  return exploration.failure ? exploration.failure->text : std::string{};
}

/// One run in turn.
template <class Test>
sim::Outcome in_turn(Test test) {
  return sim::replay(sim::Schedule{}, test);
}

void require(bool condition, const char* what) {
  if (!condition) throw std::runtime_error(what);
}

}  // namespace

TEST_CASE("sim::mutex: one at a time", "[sync]") {
  const auto count_up = [](auto& mutex, auto lock_type) {
    int inside = 0, total = 0;
    const auto work = [&] {
      using Lock = typename decltype(lock_type)::type;
      for (int i = 0; i < 2; ++i) {
        const Lock lock{mutex};
        require(++inside == 1, "two at once");
        sim::this_thread::yield();
        ++total;
        --inside;
      }
    };
    sim::thread a{work}, b{work};
    a.join();
    b.join();
    require(total == 4, "lost");
  };
  CHECK(under_every_schedule([&](sim::World&) {
          sim::mutex mutex;
          count_up(mutex, std::type_identity<std::lock_guard<sim::mutex>>{});
        }).empty());
  CHECK(under_every_schedule([&](sim::World&) {
          sim::shared_mutex mutex;
          count_up(mutex, std::type_identity<std::unique_lock<sim::shared_mutex>>{});
        }).empty());
}

TEST_CASE("sim::mutex: without it the same program fails", "[sync]") {
  CHECK(under_every_schedule([](sim::World&) {
          int inside = 0;
          const auto work = [&] {
            require(++inside == 1, "two at once");
            sim::this_thread::yield();
            --inside;
          };
          sim::thread a{work}, b{work};
          a.join();
          b.join();
        }).find("two at once") != std::string::npos);
}

TEST_CASE("sim::mutex: try_lock does not wait", "[sync]") {
  const sim::Outcome outcome = in_turn([](sim::World&) {
    sim::mutex mutex;
    CHECK(mutex.try_lock());
    sim::thread{[&] { CHECK_FALSE(mutex.try_lock()); }}.join();
    mutex.unlock();
    CHECK(mutex.try_lock());
    mutex.unlock();
  });
  CHECK_FALSE(outcome.failed());
}

TEST_CASE("sim::mutex: two in the wrong order is a deadlock, that std::scoped_lock avoids", "[sync]") {
  const auto both = [](auto lock_both) {
    return under_every_schedule([&](sim::World&) {
      sim::mutex first, second;
      sim::thread a{[&] { lock_both(first, second); }}, b{[&] { lock_both(second, first); }};
      a.join();
      b.join();
    });
  };
  const std::string deadlock = both([](sim::mutex& one, sim::mutex& other) {
    const std::lock_guard a{one};
    const std::lock_guard b{other};
  });
  CHECK(deadlock.find("thread is blocked in mutex::lock") != std::string::npos);
  CHECK(both([](sim::mutex& one, sim::mutex& other) { const std::scoped_lock lock{one, other}; }).empty());
}

TEST_CASE("sim::mutex: locked twice by one task, it sleeps for ever", "[sync]") {
  const sim::Outcome outcome = in_turn([](sim::World&) {
    sim::mutex mutex;
    const std::lock_guard lock{mutex};
    mutex.lock();
  });
  CHECK(outcome.ending == Ending::deadlock);
  CHECK(outcome.text.find("main is blocked in mutex::lock") != std::string::npos);
}

TEST_CASE("sim::shared_mutex: readers together, writers alone", "[sync]") {
  bool were_together = false;
  const std::string failure = under_every_schedule([&](sim::World&) {
    sim::shared_mutex mutex;
    int readers = 0, writers = 0;
    const auto read = [&] {
      const std::shared_lock lock{mutex};
      were_together = ++readers > 1 || were_together;
      require(writers == 0, "read while written");
      sim::this_thread::yield();
      --readers;
    };
    sim::thread a{read}, b{read}, c{[&] {
      const std::unique_lock lock{mutex};
      require(++writers == 1 && readers == 0, "written while read");
      sim::this_thread::yield();
      --writers;
    }};
    a.join();
    b.join();
    c.join();
  });
  CHECK(failure.empty());
  CHECK(were_together);
}

TEST_CASE("sim::shared_mutex: the try_ forms do not wait", "[sync]") {
  const sim::Outcome outcome = in_turn([](sim::World&) {
    sim::shared_mutex mutex;
    CHECK(mutex.try_lock_shared());
    CHECK(mutex.try_lock_shared());
    CHECK_FALSE(mutex.try_lock());
    mutex.unlock_shared();
    CHECK_FALSE(mutex.try_lock());
    mutex.unlock_shared();
    CHECK(mutex.try_lock());
    CHECK_FALSE(mutex.try_lock());
    CHECK_FALSE(mutex.try_lock_shared());
    mutex.unlock();
  });
  CHECK_FALSE(outcome.failed());
}

TEST_CASE("sim::condition_variable: a queue of one loses nothing", "[sync]") {
  CHECK(under_every_schedule([](sim::World&) {
          sim::mutex mutex;
          sim::condition_variable changed;
          int slot = 0, sum = 0;
          sim::thread consumer{[&] {
            for (int i = 0; i < 2; ++i) {
              std::unique_lock lock{mutex};
              changed.wait(lock, [&] { return slot != 0; });
              sum += std::exchange(slot, 0);
              changed.notify_one();
            }
          }};
          for (int i = 1; i <= 2; ++i) {
            std::unique_lock lock{mutex};
            changed.wait(lock, [&] { return slot == 0; });
            slot = i;
            changed.notify_one();
          }
          consumer.join();
          require(sum == 3, "lost");
        }).empty());
}

TEST_CASE("sim::condition_variable: a notification before the wait is lost", "[sync]") {
  CHECK(under_every_schedule([](sim::World&) {
          sim::mutex mutex;
          sim::condition_variable changed;
          sim::thread waits{[&] {
            std::unique_lock lock{mutex};
            changed.wait(lock);
          }};
          changed.notify_all();
          waits.join();
        }).find("thread is blocked in condition_variable::wait") != std::string::npos);
}

TEST_CASE("sim::condition_variable: notify_one may wake any, and only one", "[sync]") {
  std::vector<int> woken(3);
  sim::Exhaustive policy{0};
  const sim::Exploration exploration = sim::explore(policy, {.runs_max = 10'000}, [&](sim::World& world) {
    sim::mutex mutex;
    sim::condition_variable changed;
    int first = -1, awake = 0;
    for (int i = 0; i < 3; ++i) {
      world.spawn("waits", [&, i] {
        std::unique_lock lock{mutex};
        changed.wait(lock);
        if (first < 0) first = i;
        ++awake;
      });
    }
    sim::this_thread::sleep_for(1ms);
    changed.notify_one();
    sim::this_thread::sleep_for(1ms);
    require(awake == 1, "not one");
    ++woken[static_cast<std::size_t>(first)];
    changed.notify_all();
    world.join_all();
    require(awake == 3, "not all");
  });
  CHECK_FALSE(exploration.failure);
  CHECK(policy.is_over());
  CHECK(std::all_of(woken.begin(), woken.end(), [](int n) { return n > 0; }));
}

TEST_CASE("sim::condition_variable: its limits are in virtual time", "[sync]") {
  const sim::Outcome outcome = in_turn([](sim::World&) {
    sim::mutex mutex;
    sim::condition_variable changed;
    std::unique_lock lock{mutex};
    CHECK(changed.wait_for(lock, 5ms) == std::cv_status::timeout);
    CHECK(lock.owns_lock());
    CHECK_FALSE(mutex.try_lock());
    CHECK(sim::clock::now() == sim::clock::time_point{5ms});
    CHECK_FALSE(changed.wait_until(lock, sim::clock::now() + 2h, [] { return false; }));
    CHECK(sim::clock::now() == sim::clock::time_point{2h + 5ms});
    CHECK_FALSE(changed.wait_for(lock, -1s, [] { return false; }));
    CHECK(changed.wait_for(lock, 1s, [] { return true; }));
    CHECK(changed.wait_until(lock, sim::clock::time_point{}) == std::cv_status::timeout);
    CHECK(sim::clock::now() == sim::clock::time_point{2h + 5ms});

    bool is_set = false;
    sim::thread sets{[&] {
      sim::this_thread::sleep_for(3ms);
      {
        const std::lock_guard own{mutex};
        is_set = true;
      }
      changed.notify_one();
    }};
    CHECK(changed.wait_for(lock, 1h, [&] { return is_set; }));
    CHECK(sim::clock::now() == sim::clock::time_point{2h + 8ms});
    lock.unlock();
    sets.join();
  });
  CHECK_FALSE(outcome.failed());
}

TEST_CASE("sim::counting_semaphore: lets in as many as it counts", "[sync]") {
  CHECK(under_every_schedule([](sim::World&) {
          sim::counting_semaphore<2> free{2};
          int inside = 0;
          const auto work = [&] {
            free.acquire();
            require(++inside <= 2, "three at once");
            sim::this_thread::yield();
            --inside;
            free.release();
          };
          sim::thread a{work}, b{work}, c{work};
          a.join();
          b.join();
          c.join();
        }).empty());
  const sim::Outcome outcome = in_turn([](sim::World&) {
    sim::binary_semaphore one{1};
    CHECK(sim::binary_semaphore::max() == 1);
    CHECK(one.try_acquire());
    CHECK_FALSE(one.try_acquire());
    CHECK_FALSE(one.try_acquire_for(4ms));
    CHECK_FALSE(one.try_acquire_until(sim::clock::now() + 4ms));
    CHECK(sim::clock::now() == sim::clock::time_point{8ms});
    sim::thread releases{[&] {
      sim::this_thread::sleep_for(2ms);
      one.release();
    }};
    CHECK(one.try_acquire_for(1h));
    CHECK(sim::clock::now() == sim::clock::time_point{10ms});
    releases.join();
  });
  CHECK_FALSE(outcome.failed());
}

TEST_CASE("sim::atomic: operations are whole, and others come in between", "[sync]") {
  CHECK(under_every_schedule([](sim::World&) {
          sim::atomic<int> count{0};
          const auto work = [&] { ++count; };
          sim::thread a{work}, b{work};
          a.join();
          b.join();
          require(count == 2, "lost");
        }).empty());
  CHECK(under_every_schedule([](sim::World&) {
          sim::atomic<int> count{0};
          const auto work = [&] { count = count + 1; };
          sim::thread a{work}, b{work};
          a.join();
          b.join();
          require(count == 2, "lost");
        }).find("lost") != std::string::npos);
}

TEST_CASE("sim::atomic: has std's operations", "[sync]") {
  const sim::Outcome outcome = in_turn([](sim::World&) {
    sim::atomic<int> n{5};
    CHECK(n.exchange(7) == 5);
    int expected = 6;
    CHECK_FALSE(n.compare_exchange_strong(expected, 9));
    CHECK(expected == 7);
    CHECK(n.compare_exchange_weak(expected, 9, std::memory_order_acq_rel, std::memory_order_relaxed));
    CHECK(n.load(std::memory_order_acquire) == 9);
    CHECK(n.fetch_add(3) == 9);
    CHECK(n.fetch_sub(2) == 12);
    CHECK(n.fetch_and(6) == 10);
    CHECK(n.fetch_or(8) == 2);
    CHECK(n.fetch_xor(3) == 10);
    CHECK((n += 4) == 13);
    CHECK((n -= 3) == 10);
    CHECK((n &= 7) == 2);
    CHECK((n |= 1) == 3);
    CHECK((n ^= 2) == 1);
    CHECK(n++ == 1);
    CHECK(++n == 3);
    CHECK(n-- == 3);
    CHECK(--n == 1);
    CHECK((n = 2) == 2);
    n.store(std::numeric_limits<int>::max());
    CHECK(++n == std::numeric_limits<int>::min());

    int values[3] = {};
    sim::atomic<int*> at{values};
    CHECK(at.fetch_add(2) == values);
    CHECK(--at == values + 1);
    sim::atomic<double> real{1.5};
    CHECK(real.fetch_add(1.0) == Approx(1.5));
    CHECK(real.load() == Approx(2.5));
    sim::atomic<bool> flag{};
    CHECK_FALSE(flag.exchange(true));
    CHECK(flag);
  });
  CHECK_FALSE(outcome.failed());
}

TEST_CASE("sim::atomic: waits until it is notified of another value", "[sync]") {
  CHECK(under_every_schedule([](sim::World&) {
          sim::atomic<int> stage{0};
          sim::thread follows{[&] {
            stage.wait(0);
            require(stage == 1, "woken too early");
          }};
          stage.notify_all();
          stage = 1;
          stage.notify_one();
          follows.join();
        }).empty());
  CHECK(under_every_schedule([](sim::World&) {
          sim::atomic<int> stage{0};
          sim::thread follows{[&] { stage.wait(0); }};
          stage = 1;
          follows.join();
        }).find("thread is blocked in atomic::wait") != std::string::npos);
}

TEST_CASE("sim::thread: takes arguments, moves, detaches", "[sync]") {
  const sim::Outcome outcome = in_turn([](sim::World& world) {
    std::string trace;
    sim::thread none;
    CHECK_FALSE(none.joinable());
    CHECK(none.get_id() == 0);
    sim::thread first{[&](const std::string& text, int n) { trace += text + std::to_string(n) + ' '; }, "a", 1};
    CHECK(first.get_id() == 2);
    sim::thread moved{std::move(first)};
    CHECK(moved.joinable());
    none = std::move(moved);
    none.join();
    CHECK_FALSE(none.joinable());
    sim::thread{[&] { trace += "detached " + std::to_string(sim::this_thread::get_id()); }}.detach();
    world.join_all();
    CHECK(trace == "a1 detached 3");
  });
  CHECK_FALSE(outcome.failed());
}

TEST_CASE("sim::thread: destroyed while joinable it ends the run, and is unwound before what it refers to", "[sync]") {
  const sim::Outcome outcome = in_turn([](sim::World&) {
    sim::mutex mutex;
    const std::lock_guard lock{mutex};
    const sim::thread waits{[&] { mutex.lock(); }};
  });
  CHECK(outcome.ending == Ending::misuse);
  CHECK(outcome.text == "sim::thread: destroyed while it is joinable");
}

TEST_CASE("sim::thread: an exception on its way through a joinable one is what failed", "[sync]") {
  const sim::Outcome outcome = in_turn([](sim::World&) {
    std::string used_to_the_end = "long enough to be on the heap, so that a sanitizer sees it go";
    const sim::thread thread{[&] {
      sim::this_thread::sleep_for(1h);
      used_to_the_end += '.';
    }};
    throw std::runtime_error("the reason");
  });
  CHECK(outcome.ending == Ending::exception);
  CHECK(outcome.text == "task \"main\" threw: the reason");
  CHECK(outcome.error != nullptr);
}

TEST_CASE("sim::this_thread: sleeps in virtual time", "[sync]") {
  const sim::Outcome outcome = in_turn([](sim::World&) {
    CHECK(sim::this_thread::get_id() == 1);
    sim::this_thread::sleep_for(0ms);
    sim::this_thread::sleep_for(-5ms);
    CHECK(sim::clock::now() == sim::clock::time_point{});
    sim::this_thread::sleep_for(1.5s);
    CHECK(sim::clock::now() == sim::clock::time_point{1500ms});
    sim::this_thread::sleep_until(sim::clock::time_point{2s});
    CHECK(sim::clock::now() == sim::clock::time_point{2s});
    sim::this_thread::sleep_until(sim::clock::time_point{1s});
    CHECK(sim::clock::now() == sim::clock::time_point{2s});
  });
  CHECK_FALSE(outcome.failed());
}
