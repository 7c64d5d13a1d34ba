// A loop has half a millisecond to wait, gives epoll_wait whole ones, rounded down, and asks again and again.
#pragma once

#include "program.hpp"
#include <rouse/clock.hpp>

#include <chrono>

namespace gallery {

struct TimeoutRoundedDown {
  static constexpr const char* name = "time-out rounded down to 0";
  static constexpr const char* source = "tokio-rs/mio #1614";
  static constexpr Ending ending = Ending::livelock;
  static constexpr const char* call = "clock_gettime";

  template <bool is_repaired>
  static void run(World& world) {
    const rouse::BasicMonotonicClock<Backend> clock{world.backend()};
    const auto deadline = clock.now() + std::chrono::microseconds(500);
    Epoll epoll{world.backend()};
    EventVec events(1);
    while (clock.now() < deadline) {
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - clock.now());
      const auto up = std::chrono::ceil<std::chrono::milliseconds>(deadline - clock.now());
      epoll.wait(events, is_repaired ? up : left);
    }
  }
};

}  // namespace gallery
