// TimerFd: a timer that can be waited on. timerfd_create(2). Speaks in std::chrono, and so is not part of rouse.hpp.
#pragma once

#include "clock.hpp"
#include "open_flags.hpp"
#include "waiting_handle.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <sys/timerfd.h>

namespace rouse::inline v0 {

/// The clock of a timer: which points in time it takes, and whether it runs while the machine is asleep.
enum class TimerClock : ::clockid_t {
  monotonic = CLOCK_MONOTONIC,            ///< Stands while the machine is asleep.
  boottime = CLOCK_BOOTTIME,              ///< As monotonic, and runs on.
  realtime = CLOCK_REALTIME,              ///< The time of day, which can be set.
  boottime_alarm = CLOCK_BOOTTIME_ALARM,  ///< As boottime, and wakes the machine. Takes a capability.
  realtime_alarm = CLOCK_REALTIME_ALARM,  ///< As realtime, likewise.
};

/// A timer behind an fd: armed for one expiration or for periodic ones, it counts those that nobody has read yet. Epoll
/// reports `in` while there are any, and an edge when it expires; unread periods give no further edges.
///
/// A time-out that has passed, or is 0, expires at once. What the clock cannot express is rounded up to a nanosecond.
/// Made non-blocking unless told otherwise: the `try_` forms return at once, read() waits by poll(2).
/// Any number of threads may use one TimerFd at a time, except for moving and closing it.
template <TimerFdBackend B>
class BasicTimerFd : public WaitingHandle<BasicTimerFd<B>, B> {
  using Base = WaitingHandle<BasicTimerFd<B>, B>;

 public:
  using duration = std::chrono::nanoseconds;
  using Moment = typename BasicMonotonicClock<B>::time_point;
  using TimeOfDay = typename BasicSystemClock<B>::time_point;
  static constexpr TimerFlags default_flags{TFD_NONBLOCK | TFD_CLOEXEC};

  /// What a timer is set to.
  struct Setting {
    duration remaining{0};  ///< Until the next expiration; 0 if there is none to come.
    duration interval{0};   ///< From each to the next; 0 if there is only one.

    friend bool operator==(const Setting&, const Setting&) = default;
  };

  /// timerfd_create(2), disarmed. Errors: EMFILE, ENFILE, ENOMEM; EPERM for the alarm clocks without CAP_WAKE_ALARM;
  /// EINVAL for unknown flags.
  explicit BasicTimerFd(TimerClock clock = TimerClock::monotonic, TimerFlags flags = default_flags,
                        CallSiteFor<B> site = CallSite::current()) requires std::default_initializable<B>
      : BasicTimerFd(B{}, clock, flags, site) {}
  explicit BasicTimerFd(B backend, TimerClock clock = TimerClock::monotonic, TimerFlags flags = default_flags,
                        CallSiteFor<B> site = CallSite::current())
      : Base({backend, detail::value_or_throw(made(backend, clock, flags, site), {"timerfd_create"})},
             !flags.has(TimerFlags::nonblock)),
        clock_(clock) {}
  /// Takes over an fd that is a timerfd.
  explicit BasicTimerFd(BasicOwnedFd<B> fd, CallSiteFor<B> site = CallSite::current()) : Base(std::move(fd), site) {}

  /// As the constructor; a closed handle if `ec` is set.
  [[nodiscard]] static BasicTimerFd create(B backend, TimerClock clock, TimerFlags flags, std::error_code& ec,
                                           CallSiteFor<B> site = CallSite::current()) {
    const SysResult<int> fd = detail::report(made(backend, clock, flags, site), ec);
    return {{backend, fd.ok() ? fd.value() : -1}, clock, !flags.has(TimerFlags::nonblock)};
  }

  /// Expires once, `span` from now, whatever becomes of the clock. All that was set or not read before is forgotten,
  /// here and in the calls below. timerfd_settime(2).
  void set_after(Timeout span, CallSiteFor<B> site = CallSite::current()) { set_after(span, Timeout::never, site); }
  void set_after(Timeout span, std::error_code& ec, CallSiteFor<B> site = CallSite::current()) {
    set_after(span, Timeout::never, ec, site);
  }
  /// Expires `first` from now and then every `interval`. *never* for `first` disarms it; *never* or 0 for `interval`
  /// means once.
  void set_after(Timeout first, Timeout interval, CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    settle(set(0, value_of(first), interval));
  }
  void set_after(Timeout first, Timeout interval, std::error_code& ec, CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    static_cast<void>(detail::report(set(0, value_of(first), interval), ec));
  }
  /// Expires every `interval`, for the first time after one. Of 0: once, and at once.
  void set_every(Timeout interval, CallSiteFor<B> site = CallSite::current()) { set_after(interval, interval, site); }
  void set_every(Timeout interval, std::error_code& ec, CallSiteFor<B> site = CallSite::current()) {
    set_after(interval, interval, ec, site);
  }

  /// Expires at `deadline`, and then every `interval`: at once if it has passed, and counts the intervals since.
  /// time_point::max() disarms it. The deadline is one of `rouse::BasicMonotonicClock<B>`.
  /// Precondition: made with TimerClock::monotonic, as by default.
  void set_at(Moment deadline, Timeout interval = Timeout::never, CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    settle(set_to(deadline, interval));
  }
  void set_at(Moment deadline, std::error_code& ec, CallSiteFor<B> site = CallSite::current()) {
    set_at(deadline, Timeout::never, ec, site);
  }
  void set_at(Moment deadline, Timeout interval, std::error_code& ec, CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    static_cast<void>(detail::report(set_to(deadline, interval), ec));
  }
  /// At a time of day, `rouse::BasicSystemClock<B>`'s, which moves if the clock is set.
  /// Precondition: made with TimerClock::realtime.
  void set_at(TimeOfDay deadline, Timeout interval = Timeout::never, CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    settle(set_to(deadline, interval));
  }
  void set_at(TimeOfDay deadline, std::error_code& ec, CallSiteFor<B> site = CallSite::current()) {
    set_at(deadline, Timeout::never, ec, site);
  }
  void set_at(TimeOfDay deadline, Timeout interval, std::error_code& ec, CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    static_cast<void>(detail::report(set_to(deadline, interval), ec));
  }
  /// At a time of day, and is cancelled if the clock is set: it becomes readable, and the next read() or try_read()
  /// fails with ECANCELED, once. If this is called instead, it fails with ECANCELED, and the timer is set all the same.
  /// Precondition: made with TimerClock::realtime.
  void set_at_or_cancel(TimeOfDay deadline, Timeout interval = Timeout::never,
                        CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    settle(set_to(deadline, interval, TFD_TIMER_CANCEL_ON_SET));
  }
  void set_at_or_cancel(TimeOfDay deadline, std::error_code& ec, CallSiteFor<B> site = CallSite::current()) {
    set_at_or_cancel(deadline, Timeout::never, ec, site);
  }
  void set_at_or_cancel(TimeOfDay deadline, Timeout interval, std::error_code& ec,
                        CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    static_cast<void>(detail::report(set_to(deadline, interval, TFD_TIMER_CANCEL_ON_SET), ec));
  }

  /// Expires no more; what was not read is forgotten.
  void disarm(CallSiteFor<B> site = CallSite::current()) { set_after(Timeout::never, site); }
  void disarm(std::error_code& ec, CallSiteFor<B> site = CallSite::current()) { set_after(Timeout::never, ec, site); }

  /// What it is set to. A period that nobody has read gives edges again after this. timerfd_gettime(2).
  [[nodiscard]] Setting setting(CallSiteFor<B> site = CallSite::current()) const {
    const detail::CallScopeFor<B> scope{site};
    ::itimerspec now{};
    this->value_or_throw(this->backend().timerfd_gettime(this->fd(), &now), "timerfd_gettime");
    return setting_of(now);
  }
  /// All zero if `ec` is set.
  [[nodiscard]] Setting setting(std::error_code& ec, CallSiteFor<B> site = CallSite::current()) const {
    const detail::CallScopeFor<B> scope{site};
    ::itimerspec now{};
    static_cast<void>(detail::report(this->backend().timerfd_gettime(this->fd(), &now), ec));
    return setting_of(now);
  }
  [[nodiscard]] duration remaining(CallSiteFor<B> site = CallSite::current()) const { return setting(site).remaining; }
  [[nodiscard]] duration remaining(std::error_code& ec, CallSiteFor<B> site = CallSite::current()) const {
    return setting(ec, site).remaining;
  }
  [[nodiscard]] duration interval(CallSiteFor<B> site = CallSite::current()) const { return setting(site).interval; }
  [[nodiscard]] duration interval(std::error_code& ec, CallSiteFor<B> site = CallSite::current()) const {
    return setting(ec, site).interval;
  }

  /// How often it has expired since it was set or read last, waiting for the first time. Errors: EINTR if a signal ends
  /// the waiting; ECANCELED, see set_at_or_cancel.
  std::uint64_t read(CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    std::uint64_t expirations = 0;
    this->value_or_throw(read_waiting(expirations), "read");
    return expirations;
  }
  /// 0 if `ec` is set.
  std::uint64_t read(std::error_code& ec, CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    std::uint64_t expirations = 0;
    static_cast<void>(detail::report(read_waiting(expirations), ec));
    return expirations;
  }

  /// How often it has expired; nothing if it has not. Errors: ECANCELED, see set_at_or_cancel.
  /// Precondition: non-blocking, as made by default.
  [[nodiscard]] std::optional<std::uint64_t> try_read(CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    this->assert_never_waits();
    std::uint64_t expirations = 0;
    if (!this->value_if_ready(read_once(expirations), "read")) return std::nullopt;
    return expirations;
  }
  [[nodiscard]] std::optional<std::uint64_t> try_read(std::error_code& ec, CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    this->assert_never_waits();
    std::uint64_t expirations = 0;
    if (!detail::report_if_ready(read_once(expirations), ec)) return std::nullopt;
    return expirations;
  }

  static constexpr char used_while_closed[] = "TimerFd: used while closed or after being moved from";

 private:
  BasicTimerFd(BasicOwnedFd<B> fd, TimerClock clock, bool blocking) : Base(std::move(fd), blocking), clock_(clock) {}

  static SysResult<int> made(const B& backend, TimerClock clock, TimerFlags flags, CallSiteFor<B> site) {
    const detail::CallScopeFor<B> scope{site};
    return backend.timerfd_create(static_cast<::clockid_t>(clock), static_cast<int>(flags.bits));
  }

  // A value of 0 disarms, so what is due already is due in a nanosecond, or was after the first one of the clock.
  static constexpr ::timespec value_of(Timeout span) {
    if (span.is_never()) return {};
    return span.is_now() ? ::timespec{0, 1} : span.timespec();
  }
  static constexpr ::timespec interval_of(Timeout span) { return span.is_never() ? ::timespec{} : span.timespec(); }
  template <class Clock, class Duration>
  static constexpr ::timespec value_of(std::chrono::time_point<Clock, Duration> deadline) {
    if (deadline == std::chrono::time_point<Clock, Duration>::max()) return {};
    return value_of(Timeout{deadline.time_since_epoch()});
  }

  SysResult<void> set(int flags, ::timespec value, Timeout interval) const {
    const ::itimerspec to{interval_of(interval), value};
    return this->backend().timerfd_settime(this->fd(), flags, &to, nullptr);
  }
  SysResult<void> set_to(Moment deadline, Timeout interval) const {
    ROUSE_ASSERT(clock_ == TimerClock::monotonic || clock_ == unknown_clock,
                 "TimerFd::set_at: a moment of the monotonic clock, for a timer of another one");
    return set(TFD_TIMER_ABSTIME, value_of(deadline), interval);
  }
  SysResult<void> set_to(TimeOfDay deadline, Timeout interval, int flags = 0) const {
    ROUSE_ASSERT(clock_ == TimerClock::realtime || clock_ == TimerClock::realtime_alarm || clock_ == unknown_clock,
                 "TimerFd::set_at: a time of day, for a timer that was not made with TimerClock::realtime");
    return set(TFD_TIMER_ABSTIME | flags, value_of(deadline), interval);
  }
  void settle(SysResult<void> set) const { this->value_or_throw(set, "timerfd_settime"); }

  static Setting setting_of(const ::itimerspec& raw) {
    return {detail::duration_of(raw.it_value), detail::duration_of(raw.it_interval)};
  }

  SysResult<std::size_t> read_once(std::uint64_t& expirations) const {
    return this->backend().read(this->fd(), &expirations, sizeof expirations);
  }
  SysResult<std::size_t> read_waiting(std::uint64_t& expirations) const {
    return this->waiting(POLLIN, [&] { return read_once(expirations); });
  }

  static constexpr TimerClock unknown_clock{-1};  // Of an fd that came from elsewhere.
  TimerClock clock_ = unknown_clock;
};

using TimerFd = BasicTimerFd<DefaultBackend>;

}  // namespace rouse::inline v0
