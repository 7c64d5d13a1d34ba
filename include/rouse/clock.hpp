// MonotonicClock and SystemClock: a kernel's time: Linux's, or the emulated kernel's, which may be virtual. What a
// program should ask, rather than std::chrono::steady_clock and system_clock, which are always the real ones.
#pragma once

#include "backend/default.hpp"
#include "timeout.hpp"

#include <chrono>

namespace rouse::inline v0 {

namespace detail {

[[nodiscard]] constexpr std::chrono::nanoseconds duration_of(const ::timespec& time) {
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

}  // namespace detail

/// CLOCK_MONOTONIC of a backend. A small value; any thread may ask it. Its time points are not those of steady_clock.
template <ClockBackend B>
class BasicMonotonicClock {
 public:
  using duration = std::chrono::nanoseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<BasicMonotonicClock>;
  static constexpr bool is_steady = true;

  BasicMonotonicClock() requires std::default_initializable<B>
  = default;
  explicit BasicMonotonicClock(B backend) : backend_(backend) {}

  [[nodiscard]] const B& backend() const { return backend_; }

  /// clock_gettime(2).
  [[nodiscard]] time_point now(CallSiteFor<B> site = CallSite::current()) const {
    const detail::CallScopeFor<B> scope{site};
    ::timespec time{};
    // Cannot fail: the clock is always there and the pointer is good.
    static_cast<void>(backend_.clock_gettime(CLOCK_MONOTONIC, &time));
    return time_point{detail::duration_of(time)};
  }

  /// The span left until `deadline`, for a wait: *now* if it has passed, *never* for time_point::max().
  [[nodiscard]] Timeout until(time_point deadline, CallSiteFor<B> site = CallSite::current()) const {
    if (deadline == time_point::max()) return Timeout::never;
    const time_point present = now(site);
    return deadline <= present ? Timeout::now : Timeout{deadline - present};
  }

 private:
  [[no_unique_address]] B backend_{};
};

/// CLOCK_REALTIME of a backend, the time of day, which can be set: kernel::Kernel::set_realtime. Its time points are
/// those of std::chrono::system_clock. A small value; any thread may ask it.
template <ClockBackend B>
class BasicSystemClock {
 public:
  using time_point = std::chrono::system_clock::time_point;
  static constexpr bool is_steady = false;

  BasicSystemClock() requires std::default_initializable<B>
  = default;
  explicit BasicSystemClock(B backend) : backend_(backend) {}

  [[nodiscard]] const B& backend() const { return backend_; }

  /// clock_gettime(2).
  [[nodiscard]] time_point now(CallSiteFor<B> site = CallSite::current()) const {
    const detail::CallScopeFor<B> scope{site};
    ::timespec time{};
    static_cast<void>(backend_.clock_gettime(CLOCK_REALTIME, &time));  // Cannot fail, as above.
    return time_point{std::chrono::duration_cast<time_point::duration>(detail::duration_of(time))};
  }

 private:
  [[no_unique_address]] B backend_{};
};

using MonotonicClock = BasicMonotonicClock<DefaultBackend>;
using SystemClock = BasicSystemClock<DefaultBackend>;

}  // namespace rouse::inline v0
