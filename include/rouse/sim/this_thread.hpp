// sim::this_thread: yield, sleep_for, sleep_until, get_id: std's, in a World.
#pragma once

#include "world.hpp"

#include <cstdint>

namespace rouse::inline v0::sim::this_thread {

/// A point at which another task may go on; if one can, it need not. A loop that only yields is a livelock.
inline void yield(CallSite site = CallSite::current()) {
  const detail::Hidden hidden;
  const detail::CallScope scope{site};
  World::here().pass("yield");
  kernel::touch_everything();  // Who yields, shares something not seen here.
}

/// Sleeps in virtual time: a duration.
template <DurationLike Duration>
void sleep_for(const Duration& span, CallSite site = CallSite::current()) {
  const detail::Hidden hidden;
  const detail::CallScope scope{site};
  World& world = World::here();
  world.pass("sleep");
  const Timeout limit{span};
  if (limit.is_now()) return;
  SleepQueue nobody_else;
  static_cast<void>(world.sleep_in(nobody_else, "sleep", world.deadline_of(limit)));
  world.step_ended();
}

/// Sleeps until a moment, of sim::clock or of another clock, which is then asked how far away it is.
template <TimePointLike TimePoint>
void sleep_until(const TimePoint& moment, CallSite site = CallSite::current()) {
  sleep_for(moment - TimePoint::clock::now(), site);
}

/// The number of the task: 1 for the first.
[[nodiscard]] inline std::uint32_t get_id() {
  const detail::Hidden hidden;
  return World::here().current_task().id();
}

}  // namespace rouse::inline v0::sim::this_thread
