// A timer is set to the time that is left. When none is, that is 0, which means "never".
#pragma once

#include "program.hpp"
#include <rouse/sim/mutex.hpp>
#include <rouse/sim/this_thread.hpp>
#include <rouse/sim/thread.hpp>
#include <rouse/timer_fd.hpp>

#include <algorithm>
#include <chrono>
#include <mutex>

namespace gallery {

struct TimerDisarmedByZero {
  static constexpr const char* name = "timer set to the 0 that is left of a deadline";
  static constexpr const char* source = "Smithay/calloop #79";
  static constexpr Ending ending = Ending::deadlock;
  static constexpr const char* call = "poll";

  template <bool is_repaired>
  static void run(World& world) {
    const Backend backend = world.backend();
    rouse::BasicTimerFd<Backend> timer{backend};
    rouse::sim::mutex timers;
    rouse::sim::thread handler{[&timers] {
      const std::lock_guard lock{timers};
      rouse::sim::this_thread::sleep_for(std::chrono::milliseconds(2));  // The work of another timer.
    }};
    const rouse::BasicMonotonicClock<Backend> clock{backend};
    const auto deadline = clock.now() + std::chrono::milliseconds(1);
    {
      const std::lock_guard lock{timers};
      if (is_repaired) {
        timer.set_at(deadline);
      } else {
        const auto left = std::max(deadline - clock.now(), std::chrono::nanoseconds(0));
        const ::itimerspec to{{}, {0, left.count()}};
        require(backend.timerfd_settime(timer.fd(), 0, &to, nullptr).ok(), "timerfd_settime");
      }
    }
    timer.read();
    handler.join();
  }
};

}  // namespace gallery
