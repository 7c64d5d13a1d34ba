// What is found without an assertion: data races, lost wakeups, registrations that outlived their number; and what is
// not, once its detector is off.
#include "../support/catch.hpp"
#include "../support/on_world.hpp"
#include "rouse/rouse.hpp"
#include "rouse/sim/atomic.hpp"
#include "rouse/sim/condition_variable.hpp"
#include "rouse/sim/explore.hpp"
#include "rouse/sim/semaphore.hpp"
#include "rouse/sim/shared.hpp"
#include "rouse/sim/this_thread.hpp"
#include "rouse/sim/thread.hpp"
#include "rouse/timer_fd.hpp"

#include <array>
#include <chrono>
#include <functional>
#include <optional>
#include <shared_mutex>
#include <stdexcept>
#include <string>
#include <system_error>

using namespace rouse;
using namespace std::chrono_literals;
using sim::Detectors;
using sim::Ending;
using Test = std::function<void(sim::World&)>;

namespace {

std::optional<sim::Outcome> explore(const Test& test, Detectors detectors = {}) {
  sim::RandomPolicy random{1};
  return sim::explore(random, {.runs_max = 200, .world = {.steps_max = 500, .detectors = detectors}}, test).failure;
}
std::string text_of(const std::optional<sim::Outcome>& failure) { return failure ? failure->text : "none"; }
Ending ending_of(const std::optional<sim::Outcome>& failure) { return failure ? failure->ending : Ending::done; }

}  // namespace

TEST_CASE("Shared: a race is shown with both places, whichever comes first") {
  unsigned read_at = 0, write_at = 0;
  const auto test = [&](sim::World&) {
    sim::Shared<int> value{0, "value"};
    sim::thread writer{[&] { write_at = __LINE__, value.write(1); }};
    read_at = __LINE__, static_cast<void>(value.read());
    writer.join();
  };
  const auto failure = explore(test);
  REQUIRE(ending_of(failure) == Ending::data_race);
  const std::string text = failure->text;
  CHECK(text.find("value is ") == 0);
  CHECK(text.find("detectors_test.cpp:" + std::to_string(read_at) + " by task \"main\"") != text.npos);
  CHECK(text.find("detectors_test.cpp:" + std::to_string(write_at) + " by task \"thread\"") != text.npos);
  CHECK_FALSE(explore(test, Detectors{}.without(Ending::data_race)));
}

TEST_CASE("Shared: reads do not race with reads, and two writes do") {
  const auto twice = [](auto access) {
    return [access](sim::World&) {
      sim::Shared<int> value{0, "value"};
      sim::thread other{[&] { access(value); }};
      access(value);
      other.join();
    };
  };
  CHECK_FALSE(explore(twice([](sim::Shared<int>& value) { static_cast<void>(value.read()); })));
  CHECK(ending_of(explore(twice([](sim::Shared<int>& value) { value.write(1); }))) == Ending::data_race);
  CHECK(ending_of(explore(twice([](sim::Shared<int>& value) { value.modify([](int& v) { ++v; }); }))) ==
        Ending::data_race);
}

TEST_CASE("Shared: what orders tasks, orders their accesses") {
  SECTION("spawn and join") {
    CHECK_FALSE(explore([](sim::World&) {
      sim::Shared<int> value{0, "value"};
      value.write(1);
      sim::thread other{[&] { value.write(value.read() + 1); }};
      other.join();
      value.write(3);
    }));
  }
  SECTION("a mutex") {
    CHECK_FALSE(explore([](sim::World&) {
      sim::Shared<int> value{0, "value"};
      sim::mutex mutex;
      const auto add = [&] {
        const std::lock_guard lock{mutex};
        value.modify([](int& v) { ++v; });
      };
      sim::thread one{add}, two{add};
      one.join();
      two.join();
    }));
  }
  SECTION("of a shared mutex, readers and writers, but not readers among each other") {
    const auto program = [](bool reader_writes) {
      return [reader_writes](sim::World&) {
        sim::Shared<int> value{0, "value"};
        sim::shared_mutex mutex;
        const auto look = [&] {
          const std::shared_lock lock{mutex};
          if (reader_writes) {
            value.write(1);
          } else {
            static_cast<void>(value.read());
          }
        };
        sim::thread one{look}, two{look};
        {
          const std::lock_guard lock{mutex};
          value.write(2);
        }
        one.join();
        two.join();
      };
    };
    CHECK_FALSE(explore(program(false)));
    CHECK(ending_of(explore(program(true))) == Ending::data_race);
  }
  SECTION("an atomic that is released and acquired, and not a relaxed one") {
    const auto program = [](std::memory_order store, std::memory_order load) {
      return [=](sim::World&) {
        sim::Shared<int> value{0, "value"};
        sim::atomic<bool> is_set{false};
        sim::thread writer{[&] {
          value.write(1);
          is_set.store(true, store);
        }};
        if (is_set.load(load)) static_cast<void>(value.read());
        writer.join();
      };
    };
    CHECK_FALSE(explore(program(std::memory_order_release, std::memory_order_acquire)));
    CHECK(ending_of(explore(program(std::memory_order_relaxed, std::memory_order_acquire))) == Ending::data_race);
    CHECK(ending_of(explore(program(std::memory_order_release, std::memory_order_relaxed))) == Ending::data_race);
  }
}

TEST_CASE("Shared: a store ends what was released before, and a change goes on with it") {
  const auto program = [](bool changes) {
    return [changes](sim::World&) {
      sim::Shared<int> value{0, "value"};
      sim::atomic<int> stage{0};
      sim::thread first{[&] {
        value.write(1);
        stage.store(1, std::memory_order_release);
      }};
      sim::thread second{[&] {
        if (stage.load(std::memory_order_relaxed) != 1) return;
        if (changes) {
          stage.fetch_add(1, std::memory_order_relaxed);
        } else {
          stage.store(2, std::memory_order_relaxed);
        }
      }};
      if (stage.load(std::memory_order_acquire) == 2) static_cast<void>(value.read());
      first.join();
      second.join();
    };
  };
  CHECK_FALSE(explore(program(true)));
  CHECK(ending_of(explore(program(false))) == Ending::data_race);
}

TEST_CASE("Shared: one that is older than the run, forgets the one before") {
  sim::Shared<int> value{0, "value"};
  CHECK_FALSE(explore([&](sim::World&) {
    value.write(1);
    sim::thread other{[&] { value.write(2); }};
    other.join();
  }));
}

TEST_CASE("Shared: what the kernel orders") {
  // Files outlive the handles here: each World makes them anew.
  const auto with = [](auto make, auto signal, auto wait, bool waits_first = false) {
    return [=](sim::World& world) {
      auto files = make(world);
      sim::Shared<int> value{0, "value"};
      sim::thread writer{[&] {
        value.write(1);
        signal(files);
        if (waits_first) value.write(2);
      }};
      wait(files);
      static_cast<void>(value.read());
      writer.join();
    };
  };
  const auto event = [](sim::World& world) { return on_world::EventFd{world.backend()}; };
  const auto pipe = [](sim::World& world) { return on_world::Pipe{world.backend()}; };
  const auto pair = [](sim::World& world) { return on_world::UnixStream::pair(world.backend()); };

  SECTION("eventfd: write before read") {
    CHECK_FALSE(explore(with(
        event, [](auto& e) { e.write(1); }, [](auto& e) { e.read(); })));
  }
  SECTION("what comes after the write is not ordered") {
    CHECK(ending_of(explore(with(
              event, [](auto& e) { e.write(1); }, [](auto& e) { e.read(); }, true))) == Ending::data_race);
  }
  SECTION("pipe") {
    CHECK_FALSE(explore(with(
        pipe, [](auto& p) { p.writer.write(std::string_view{"x"}); },
        [](auto& p) {
          std::array<char, 1> buffer{};
          p.reader.read(buffer);
        })));
  }
  SECTION("the ends of a pipe") {
    CHECK_FALSE(explore(with(
        pipe, [](auto& p) { p.writer.close(); },
        [](auto& p) {
          std::array<char, 1> buffer{};
          p.reader.read(buffer);
        })));
    CHECK_FALSE(explore(with(
        pipe, [](auto& p) { p.reader.close(); },
        [](auto& p) {
          std::error_code ec;
          while (!ec) p.writer.write(std::string_view{"x"}, ec);
        })));
  }
  SECTION("unix socket, and its end") {
    CHECK_FALSE(explore(with(
        pair, [](auto& p) { p.first.send(std::string_view{"x"}); },
        [](auto& p) {
          std::array<char, 1> buffer{};
          p.second.receive(buffer);
        })));
    CHECK_FALSE(explore(with(
        pair, [](auto& p) { p.first.close(); },
        [](auto& p) {
          std::array<char, 1> buffer{};
          p.second.receive(buffer);
        })));
  }
  SECTION("write before the event that reports it, and not before one that was there already") {
    const auto watched = [](bool is_ready) {
      return [is_ready](sim::World& world) {
        on_world::EventFd e{world.backend(), is_ready ? 1U : 0U};
        on_world::Epoll epoll{world.backend()};
        epoll.add(e, EventFlags::in | EventFlags::et);
        sim::Shared<int> value{0, "value"};
        sim::thread writer{[&] {
          value.write(1);
          e.write(1);
        }};
        EventVec events(1);
        epoll.wait(events);
        static_cast<void>(value.read());
        writer.join();
      };
    };
    CHECK_FALSE(explore(watched(false)));
    CHECK(ending_of(explore(watched(true))) == Ending::data_race);
  }
  SECTION("time orders nobody") {
    CHECK(ending_of(explore([](sim::World& world) {
            on_world::TimerFd timer{world.backend()};
            timer.set_after(1ms);
            sim::Shared<int> value{0, "value"};
            sim::thread writer{[&] { value.write(1); }};
            static_cast<void>(timer.read());
            static_cast<void>(value.read());
            writer.join();
          })) == Ending::data_race);
  }
}

TEST_CASE("Lost wakeup: an edge that nobody took, and a condition that holds") {
  const auto edge = [](sim::World& world) {
    on_world::EventFd event{world.backend(), 1};
    on_world::Epoll epoll{world.backend()};
    epoll.add(event, EventFlags::in | EventFlags::et);
    EventVec events(1);
    epoll.wait(events);
    epoll.wait(events);
  };
  const auto lost = explore(edge);
  CHECK(ending_of(lost) == Ending::lost_wakeup);
  CHECK(text_of(lost).find("task \"main\" sleeps in epoll_wait on fd 4, though fd 3 (eventfd) has in\n") == 0);
  CHECK(ending_of(explore(edge, Detectors{}.without(Ending::lost_wakeup))) == Ending::deadlock);

  const auto condition = [](sim::World&) {
    sim::mutex mutex;
    sim::condition_variable changed;
    bool is_set = false;
    sim::thread sets{[&] {
      const std::lock_guard lock{mutex};
      is_set = true;  // And tells nobody.
    }};
    {
      std::unique_lock lock{mutex};
      changed.wait(lock, [&] { return is_set; });
    }
    sets.join();
  };
  const auto untold = explore(condition);
  CHECK(ending_of(untold) == Ending::lost_wakeup);
  CHECK(text_of(untold).find("sleeps in condition_variable::wait, though its condition holds") != std::string::npos);

  const auto atomic = explore([](sim::World&) {
    sim::atomic<int> number{0};
    sim::thread sets{[&] { number.store(1); }};  // And tells nobody.
    number.wait(0);
    sets.join();
  });
  CHECK(ending_of(atomic) == Ending::lost_wakeup);
  CHECK(text_of(atomic).find("sleeps in atomic::wait, though its condition holds") != std::string::npos);

  // Room to write is mostly there, and a one-shot that was used up waits for nothing: these are plain deadlocks.
  CHECK(ending_of(explore([](sim::World& world) {
          auto [a, b] = on_world::UnixStream::pair(world.backend());
          on_world::Epoll epoll{world.backend()};
          epoll.add(a, EventFlags::in | EventFlags::out | EventFlags::et);
          EventVec events(1);
          epoll.wait(events);
          epoll.wait(events);
        })) == Ending::deadlock);
}

TEST_CASE(
    "Lost wakeup: conditions that wait, lock or throw are not asked in vain, and who waits for the mutex is no case") {
  const auto waits_for = [](auto predicate) {
    return [predicate](sim::World&) {
      sim::mutex mutex, other;
      sim::condition_variable changed;
      sim::atomic<bool> is_set{false};
      int asked = 0;
      sim::thread waits{[&] {
        std::unique_lock lock{mutex};
        changed.wait(lock, [&] { return predicate(is_set, other, ++asked); });
      }};
      const std::lock_guard held{other};
      waits.join();
    };
  };
  const auto atomic = [](auto& is_set, auto&, int) { return is_set.load(); };
  const auto locks = [](auto&, auto& other, int asked) {
    if (asked == 1) return false;
    const std::lock_guard lock{other};
    return false;
  };
  const auto throws = [](auto&, auto&, int asked) {
    if (asked > 1) throw std::runtime_error("asked again");
    return false;
  };
  CHECK(ending_of(explore(waits_for(atomic))) == Ending::deadlock);
  CHECK(ending_of(explore(waits_for(locks))) == Ending::deadlock);
  CHECK(ending_of(explore(waits_for(throws))) == Ending::deadlock);

  CHECK(ending_of(explore([](sim::World&) {
          sim::mutex mutex, other;
          sim::condition_variable changed;
          bool is_set = false;
          sim::thread waits{[&] {
            std::unique_lock lock{mutex};
            changed.wait(lock, [&] { return is_set; });
          }};
          sim::this_thread::sleep_for(1ms);
          other.lock();
          mutex.lock();
          is_set = true;
          changed.notify_one();
          other.lock();  // Twice: this is what is wrong.
        })) == Ending::deadlock);
}

TEST_CASE("Stale registration: reported when asked for, by a number that is closed or another file's") {
  const auto program = [](bool is_reused) {
    return [is_reused](sim::World& world) {
      const EmulatedBackend backend = world.backend();
      on_world::Epoll epoll{backend};
      on_world::EventFd event{backend, 1};
      const BasicOwnedFd<EmulatedBackend> duplicate{backend, backend.dup(event.fd()).value()};
      epoll.add(event, EventFlags::in);
      event.close();
      std::optional<on_world::EventFd> next;
      if (is_reused) next.emplace(backend);
      EventVec events(1);
      epoll.wait(events);
    };
  };
  constexpr Detectors asked = Detectors{}.with(Ending::stale_registration);
  CHECK_FALSE(explore(program(false)));
  CHECK(text_of(explore(program(false), asked)) ==
        "an epoll reports what was registered as fd 4 (eventfd), a number that is closed by now");
  CHECK(text_of(explore(program(true), asked)) ==
        "an epoll reports what was registered as fd 4 (eventfd), a number that is another file's by now: eventfd");
}

TEST_CASE("Detectors: without one, what it would find ends the run and counts as done") {
  const auto deadlock = [](sim::World& world) { on_world::EventFd{world.backend()}.read(); };
  const auto livelock = [](sim::World&) {
    for (;;) sim::this_thread::yield();
  };
  const auto exception = [](sim::World&) { throw std::runtime_error("no"); };
  const auto leak = [](sim::World& world) { static_cast<void>(world.backend().eventfd(0, 0)); };
  const auto [test, ending] = GENERATE_COPY(table<Test, Ending>({{deadlock, Ending::deadlock},
                                                                 {livelock, Ending::livelock},
                                                                 {exception, Ending::exception},
                                                                 {leak, Ending::leaked_fd}}));
  CHECK(ending_of(explore(test)) == ending);
  CHECK_FALSE(explore(test, Detectors{}.without(ending)));
}
