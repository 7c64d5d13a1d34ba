// RawTimer: a timerfd by its raw calls, in nanoseconds, on whichever kernel a case runs on.
#pragma once

#include "backends.hpp"

#include <chrono>

namespace test {

inline ::timespec timespec_of(std::chrono::nanoseconds time) {
  using namespace std::chrono_literals;
  return {time / 1s, static_cast<long>((time % 1s).count())};
}
inline std::chrono::nanoseconds time_of(const ::timespec& time) {
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}
inline ::itimerspec setting_of(std::chrono::nanoseconds value, std::chrono::nanoseconds interval) {
  return {timespec_of(interval), timespec_of(value)};
}

/// A clock long after its start, so that there is a past.
template <class On>
void let_an_hour_pass(On& on) {
  if constexpr (On::is_emulated) {
    const ::timespec hour{3600, 0};
    REQUIRE(on.backend.clock_nanosleep(CLOCK_MONOTONIC, 0, &hour, nullptr).ok());
  }
}

/// A timerfd by its number.
template <class On>
class RawTimer {
  using Size = rouse::SysResult<std::size_t>;
  using Span = std::chrono::nanoseconds;

 public:
  explicit RawTimer(const On& on, ::clockid_t clock = CLOCK_MONOTONIC, int flags = TFD_NONBLOCK)
      : backend_(on.backend), clock_(clock), fd_(on.backend, on.backend.timerfd_create(clock, flags).value()) {}

  [[nodiscard]] int fd() const { return fd_.get(); }
  rouse::SysResult<void> set(Span value, Span interval = Span{0}, int flags = 0) {
    const ::itimerspec to = setting_of(value, interval);
    return backend_.timerfd_settime(fd(), flags, &to, &before);
  }
  /// For a moment that came so long ago.
  rouse::SysResult<void> set_past(Span ago, Span interval = Span{0}) {
    return set(now() - ago, interval, TFD_TIMER_ABSTIME);
  }
  [[nodiscard]] Span now() const {
    ::timespec time{};
    REQUIRE(backend_.clock_gettime(clock_, &time).ok());
    return time_of(time);
  }
  /// The count, or the errno.
  Size read() const {
    std::uint64_t count = 0;
    const Size got = backend_.read(fd(), &count, sizeof count);
    return got == 8 ? Size{static_cast<std::size_t>(count)} : got;
  }
  [[nodiscard]] ::itimerspec get() const {
    ::itimerspec setting{};
    REQUIRE(backend_.timerfd_gettime(fd(), &setting).ok());
    return setting;
  }
  [[nodiscard]] Span left() const { return time_of(get().it_value); }
  /// Waits until it is readable: false if it is not in time.
  bool wait(int milliseconds = -1) const {
    ::pollfd entry{fd(), POLLIN, 0};
    return backend_.poll(&entry, 1, milliseconds) == 1;
  }

  ::itimerspec before{};  ///< What the last set() told.

 private:
  typename On::Backend backend_;
  ::clockid_t clock_;
  typename Handles<On>::OwnedFd fd_;
};

}  // namespace test
