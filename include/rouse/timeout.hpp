// Timeout: how long a call may wait: for ever, not at all, or a span of time. Any std::chrono duration or time point
// fits, recognised by its shape, so that <chrono> is not included here.
#pragma once

#include <climits>
#include <concepts>
#include <cstdint>
#include <ctime>

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

  /// A point in time, turned into the span left until then by asking its clock, here and once.
  template <TimePointLike TimePoint>
  constexpr Timeout(const TimePoint& deadline) : Timeout(deadline - TimePoint::clock::now()) {}

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

  template <class Duration>
  static constexpr std::int64_t to_nanoseconds(const Duration& duration) {
    constexpr std::int64_t most = INT64_MAX;
    const auto count = duration.count();
    if (!(count > 0)) return 0;  // Not-a-number does not wait either.
    if constexpr (std::floating_point<decltype(count)>) {
      // In the precision that was given: in a wider one 0.1 s would be a little more than 100 ms.
      using Rep = decltype(count);
      const Rep exact = count * (static_cast<Rep>(1e9) * Duration::period::num / Duration::period::den);
      if (exact >= static_cast<Rep>(most)) return most;
      const auto whole = static_cast<std::int64_t>(exact);
      return whole + (static_cast<Rep>(whole) < exact ? 1 : 0);
    } else {
      __extension__ using Wide = unsigned __int128;
      constexpr std::intmax_t second = 1'000'000'000;
      constexpr bool multiple = second % Duration::period::den == 0;
      constexpr Wide num =
          static_cast<Wide>(Duration::period::num) * (multiple ? second / Duration::period::den : second);
      constexpr Wide den = multiple ? 1 : Duration::period::den;
      const Wide units = static_cast<Wide>(count);
      if (units > (~Wide{0} - den) / num) return most;
      const Wide nanoseconds = (units * num + (den - 1)) / den;
      return nanoseconds > static_cast<Wide>(most) ? most : static_cast<std::int64_t>(nanoseconds);
    }
  }

  std::int64_t nanoseconds_ = -1;
};

inline constexpr Timeout Timeout::never{Timeout::Raw{}, -1};
inline constexpr Timeout Timeout::now{Timeout::Raw{}, 0};

}  // namespace rouse::inline v0
