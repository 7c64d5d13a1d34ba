// Time: points and spans on a kernel's monotonic clock.
#pragma once

#include <cstdint>
#include <limits>

namespace rouse::inline v0::kernel {

/// Nanoseconds, as a span or since the clock's start.
using Time = std::int64_t;

inline constexpr Time time_never = std::numeric_limits<Time>::max();

/// The point `span` after `now`; `time_never` if that is beyond the clock.
constexpr Time time_after(Time now, Time span) {
  Time sum = 0;
  return __builtin_add_overflow(now, span, &sum) ? time_never : sum;
}

}  // namespace rouse::inline v0::kernel
