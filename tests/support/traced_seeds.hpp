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

namespace rouse::test {

/// A reader that waits for an eventfd, a pipe and a timer; writers that race for them; a queue under a lock. Some
/// schedules lose a wakeup.
inline void bit_of_everything(sim::World& world) {
  using namespace std::chrono_literals;
  const EmulatedBackend backend = world.backend();
  BasicEventFd<EmulatedBackend> event{backend};
  BasicPipe<EmulatedBackend> pipe{backend};
  BasicTimerFd<EmulatedBackend> timer{backend};
  BasicEpoll<EmulatedBackend> epoll{backend};
  world.name_fd(event.fd(), "wakeup");
  epoll.add(event, EventFlags::in | EventFlags::et, &event);  // By address, which no trace may show.
  epoll.add(pipe.reader, EventFlags::in, 1);
  epoll.add(timer, EventFlags::in, 2);
  sim::mutex mutex;
  sim::condition_variable changed;
  std::vector<int> queue;
  sim::atomic<bool> stop{false};

  sim::thread reader{[&] {
    EventVec events{4};
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
  sim::thread consumer{[&] {
    std::unique_lock lock{mutex};
    changed.wait_for(lock, 3ms, [&] { return !queue.empty(); });
  }};
  sim::thread producer{[&] {
    timer.set_after(1ms);
    {
      const std::lock_guard lock{mutex};
      queue.push_back(1);
    }
    changed.notify_one();
    event.write(1);
    static_cast<void>(backend.write(pipe.writer.fd(), "abc", 3));
  }};
  sim::this_thread::sleep_for(2ms);
  event.notify();
  stop = true;
  producer.join();
  consumer.join();
  reader.join();
  if (event.try_read()) static_cast<void>(backend.dup(event.fd()));  // An fd left open, by some schedules.
}

[[nodiscard]] inline std::string trace_of_seed(sim::FiberPool& fibers, std::uint64_t seed) {
  sim::RandomPolicy random{seed};
  sim::Pct by_priority{seed, 3};
  sim::Policy& policy = seed % 2 == 0 ? static_cast<sim::Policy&>(random) : by_priority;
  sim::Trace trace;
  if (!policy.begin()) return {};
  sim::WorldOptions options;
  options.trace = &trace;
  sim::World world{policy, fibers, options};
  const sim::Outcome outcome = world.run([&] { bit_of_everything(world); });
  return trace.text() + name_of(outcome.ending) + ", " + outcome.schedule.text() + '\n';
}

}  // namespace rouse::test
