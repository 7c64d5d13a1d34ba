// sim::clock: the World's virtual time as a clock of <chrono>.
#pragma once

#include "world.hpp"

#include <chrono>

namespace rouse::inline v0::sim {

/// A TrivialClock, steady. Starts at 0 with the World, and moves only when all tasks are asleep.
class clock {
 public:
  using duration = std::chrono::nanoseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<clock>;
  static constexpr bool is_steady = true;

  [[nodiscard]] static time_point now() {
    const detail::Hidden hidden;
    return time_point{duration{World::here().now()}};
  }
};

}  // namespace rouse::inline v0::sim
