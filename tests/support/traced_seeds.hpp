// The traces of a program that does a bit of everything, by seed: for tests that they are the same wherever they are
// made.
#pragma once

#include "rouse/rouse.hpp"
#include "rouse/sim/atomic.hpp"
#include "rouse/sim/condition_variable.hpp"
#include "rouse/sim/mutex.hpp"
#include "rouse/sim/policy/pct.hpp"
#include "rouse/sim/policy/random.hpp"
#include "rouse/sim/this_thread.hpp"
#include "rouse/sim/thread.hpp"
#include "rouse/sim/world.hpp"
#include "rouse/timer_fd.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>
#include <sys/ioctl.h>
#include <vector>

namespace test {

/// A reader that waits for an eventfd, a pipe and a timer; writers that race for them; a queue under a lock. Some
/// schedules lose a wakeup.
inline void bit_of_everything(rouse::sim::World& world) {
  using namespace std::chrono_literals;
  const rouse::EmulatedBackend backend = world.backend();
  rouse::BasicEventFd<rouse::EmulatedBackend> event{backend};
  rouse::BasicPipe<rouse::EmulatedBackend> pipe{backend};
  rouse::BasicTimerFd<rouse::EmulatedBackend> timer{backend};
  rouse::BasicEpoll<rouse::EmulatedBackend> epoll{backend};
  world.name_fd(event.fd(), "wakeup");
  epoll.add(event, rouse::EventFlags::in | rouse::EventFlags::et, &event);  // By address, which no trace may show.
  epoll.add(pipe.reader, rouse::EventFlags::in, 1);
  epoll.add(timer, rouse::EventFlags::in, 2);
  rouse::sim::mutex mutex;
  rouse::sim::condition_variable changed;
  std::vector<int> queue;
  rouse::sim::atomic<bool> stop{false};

  rouse::sim::thread reader{[&] {
    rouse::EventVec events{4};
    int unread = 0;
    std::array<char, 2> bytes{};
    while (!stop) {
      epoll.wait(events, 5ms);
      static_cast<void>(event.try_read());
      static_cast<void>(backend.ioctl(pipe.reader.fd(), FIONREAD, &unread));
      static_cast<void>(backend.read(pipe.reader.fd(), bytes.data(), bytes.size()));
      static_cast<void>(timer.try_read());
    }
  }};
  rouse::sim::thread consumer{[&] {
    std::unique_lock lock{mutex};
    changed.wait_for(lock, 3ms, [&] { return !queue.empty(); });
  }};
  rouse::sim::thread producer{[&] {
    timer.set_after(1ms);
    {
      const std::lock_guard lock{mutex};
      queue.push_back(1);
    }
    changed.notify_one();
    event.write(1);
    static_cast<void>(backend.write(pipe.writer.fd(), "abc", 3));
  }};
  rouse::sim::this_thread::sleep_for(2ms);
  event.notify();
  stop = true;
  producer.join();
  consumer.join();
  reader.join();
  if (event.try_read()) static_cast<void>(backend.dup(event.fd()));  // An fd left open, by some schedules.
}

[[nodiscard]] inline std::string trace_of_seed(rouse::sim::FiberPool& fibers, std::uint64_t seed) {
  rouse::sim::RandomPolicy random{seed};
  rouse::sim::Pct by_priority{seed, 3};
  rouse::sim::Policy& policy = seed % 2 == 0 ? static_cast<rouse::sim::Policy&>(random) : by_priority;
  rouse::sim::Trace trace;
  if (!policy.begin()) return {};
  rouse::sim::WorldOptions options;
  options.trace = &trace;
  rouse::sim::World world{policy, fibers, options};
  const rouse::sim::Outcome outcome = world.run([&] { bit_of_everything(world); });
  return trace.text() + name_of(outcome.ending) + ", " + outcome.schedule.text() + '\n';
}

}  // namespace test
