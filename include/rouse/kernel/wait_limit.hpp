// WaitLimit: how long one call on a socket may wait: SO_RCVTIMEO and SO_SNDTIMEO. Kept in ticks, of which the kernel
// that is modelled has 250 a second (CONFIG_HZ): what was set is rounded up to one, and told so.
#pragma once

#include "time.hpp"

#include <cstdint>
#include <optional>
#include <sys/time.h>

namespace rouse::inline v0::kernel {

class WaitLimit {
 public:
  /// No limit.
  constexpr WaitLimit() = default;
  /// As setsockopt takes it: zero is no limit, and a negative time means not to wait at all. Nothing (EDOM) if the
  /// microseconds are none.
  [[nodiscard]] static constexpr std::optional<WaitLimit> from(const ::timeval& time) {
    if (time.tv_usec < 0 || time.tv_usec >= 1'000'000) return std::nullopt;
    WaitLimit limit;
    if (time.tv_sec < 0) {
      limit.ticks_ = 0;
    } else if ((time.tv_sec > 0 || time.tv_usec > 0) && time.tv_sec < none / ticks_per_second - 1) {
      limit.ticks_ =
          time.tv_sec * ticks_per_second + (time.tv_usec + microseconds_per_tick - 1) / microseconds_per_tick;
    }
    return limit;
  }
  /// As getsockopt tells it: zero also if it is not to wait at all.
  [[nodiscard]] constexpr ::timeval to_timeval() const {
    if (ticks_ == none) return {};
    return {ticks_ / ticks_per_second, ticks_ % ticks_per_second * microseconds_per_tick};
  }

  [[nodiscard]] constexpr bool may_wait() const { return ticks_ != 0; }
  [[nodiscard]] constexpr Time deadline(Time now) const {
    constexpr Time tick = microseconds_per_tick * 1000;
    Time span = 0;
    return __builtin_mul_overflow(ticks_, tick, &span) ? time_never : time_after(now, span);
  }

 private:
  static constexpr std::int64_t none = INT64_MAX;
  static constexpr std::int64_t ticks_per_second = 250;
  static constexpr std::int64_t microseconds_per_tick = 1'000'000 / ticks_per_second;

  std::int64_t ticks_ = none;
};

}  // namespace rouse::inline v0::kernel
