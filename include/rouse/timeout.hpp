// Timeout: how long a call may wait: for ever, not at all, or a span of time. Any std::chrono duration or time point
// fits, recognised by its shape, so that <chrono> is not included here.
#pragma once

#include <climits>
#include <concepts>
#include <cstdint>
#include <ctime>
#include <type_traits>

namespace rouse::inline v0 {

/// What has the shape of std::chrono::duration: a count of `period` seconds.
template <class T>
concept DurationLike = requires(const T& d) {
  typename T::rep;
  { T::period::num } -> std::convertible_to<std::intmax_t>;
  { T::period::den } -> std::convertible_to<std::intmax_t>;
  d.count();
};

/// What has the shape of std::chrono::time_point: a point on a clock that can be asked for the time.
template <class T>
concept TimePointLike = requires(const T& t) {
  typename T::clock;
  { t - T::clock::now() } -> DurationLike;
};

/// A limit on waiting. Never less than what was asked for: what the syscall's unit cannot express is rounded up.
/// A negative duration and a deadline in the past mean *now*, not *for ever*.
class Timeout {
 public:
  static const Timeout never;  ///< Wait until something happens.
  static const Timeout now;    ///< Do not wait.

  /// A span of time, saturating at about 292 years.
  template <DurationLike Duration>
  constexpr Timeout(const Duration& duration) : nanoseconds_(to_nanoseconds(duration)) {}

  /// A point in time, turned into the span left until then by asking its clock, here and once. The clocks of
  /// std::chrono are real ones: for time that an emulated kernel may hold see clock.hpp.
  template <TimePointLike TimePoint>
  constexpr Timeout(const TimePoint& deadline) : Timeout(left_until(deadline)) {}

  /// Refused: 100 what?
  template <class Number>
    requires std::integral<Number> || std::floating_point<Number>
  constexpr Timeout(Number) {
    static_assert(
        !std::same_as<Number, Number>,
        "rouse::Timeout: a bare number has no unit; give a std::chrono duration, Timeout::now or Timeout::never");
  }

  [[nodiscard]] static constexpr Timeout of_nanoseconds(std::int64_t n) { return Timeout{Raw{}, n < 0 ? 0 : n}; }

  [[nodiscard]] constexpr bool is_never() const { return nanoseconds_ < 0; }
  [[nodiscard]] constexpr bool is_now() const { return nanoseconds_ == 0; }
  /// Precondition: not `never`.
  [[nodiscard]] constexpr std::int64_t nanoseconds() const { return nanoseconds_; }

  /// True if epoll_wait's milliseconds say it exactly.
  [[nodiscard]] constexpr bool is_milliseconds() const {
    return nanoseconds_ <= 0 || (nanoseconds_ % 1'000'000 == 0 && nanoseconds_ / 1'000'000 <= INT_MAX);
  }
  /// The argument of epoll_wait(2) and poll(2): -1 for ever, else milliseconds, rounded up, at most INT_MAX.
  [[nodiscard]] constexpr int milliseconds() const {
    if (nanoseconds_ <= 0) return static_cast<int>(nanoseconds_);
    const std::int64_t ms = nanoseconds_ / 1'000'000 + (nanoseconds_ % 1'000'000 != 0 ? 1 : 0);
    return ms > INT_MAX ? INT_MAX : static_cast<int>(ms);
  }
  /// The argument of epoll_pwait2(2). Precondition: not `never`, which is a null pointer there.
  [[nodiscard]] constexpr ::timespec timespec() const {
    return {static_cast<std::time_t>(nanoseconds_ / 1'000'000'000), static_cast<long>(nanoseconds_ % 1'000'000'000)};
  }

  friend constexpr bool operator==(Timeout, Timeout) = default;

 private:
  struct Raw {};
  constexpr Timeout(Raw, std::int64_t nanoseconds) : nanoseconds_(nanoseconds) {}

  __extension__ using Wide = __int128;

  // Nanoseconds, rounded up, in a type that cannot overflow: time points far in the past or the future are common.
  template <class Duration>
  static constexpr Wide exact(const Duration& duration) {
    constexpr Wide num = Wide{Duration::period::num} * 1'000'000'000;
    constexpr Wide den = Duration::period::den;
    constexpr Wide most = (Wide{1} << 126) / num;
    const Wide count = duration.count();
    const Wide units = (count > most ? most : count < -most ? -most : count) * num;
    return units / den + (units % den > 0 ? 1 : 0);
  }

  template <class TimePoint>
  static constexpr Timeout left_until(const TimePoint& deadline) {
    const auto present = TimePoint::clock::now();
    if constexpr (std::integral<typename TimePoint::duration::rep>) {
      return {Raw{}, saturated(exact(deadline.time_since_epoch()) - exact(present.time_since_epoch()))};
    } else {
      return deadline - present;
    }
  }

  static constexpr std::int64_t saturated(Wide nanoseconds) {
    if (nanoseconds <= 0) return 0;
    return nanoseconds > INT64_MAX ? INT64_MAX : static_cast<std::int64_t>(nanoseconds);
  }

  template <class Duration>
  static constexpr std::int64_t to_nanoseconds(const Duration& duration) {
    constexpr Wide num = Wide{Duration::period::num} * 1'000'000'000;
    constexpr Wide den = Duration::period::den;
    if constexpr (std::integral<typename Duration::rep> && num % den == 0 && num / den <= INT64_MAX) {
      std::int64_t nanoseconds = 0;
      const bool is_too_long =
          __builtin_mul_overflow(duration.count(), static_cast<std::int64_t>(num / den), &nanoseconds);
      return duration.count() <= 0 ? 0 : is_too_long ? INT64_MAX : nanoseconds;
    } else if constexpr (std::integral<typename Duration::rep>) {
      return saturated(exact(duration));
    } else {
      // In the precision that was given: in a wider one 0.1 s would be a little more than 100 ms.
      using Rep = typename Duration::rep;
      constexpr Rep unit = static_cast<Rep>(1e9) * Duration::period::num / Duration::period::den;
      const Rep count = duration.count();
      if (!(count > 0)) return 0;  // Not-a-number does not wait either.
      if (count >= static_cast<Rep>(INT64_MAX) / unit) return INT64_MAX;
      const Rep nanoseconds = count * unit;
      if (nanoseconds >= static_cast<Rep>(INT64_MAX)) return INT64_MAX;  // By rounding.
      const auto whole = static_cast<std::int64_t>(nanoseconds);
      return whole + (static_cast<Rep>(whole) < nanoseconds ? 1 : 0);
    }
  }

  std::int64_t nanoseconds_ = -1;
};

inline constexpr Timeout Timeout::never{Timeout::Raw{}, -1};
inline constexpr Timeout Timeout::now{Timeout::Raw{}, 0};

}  // namespace rouse::inline v0
