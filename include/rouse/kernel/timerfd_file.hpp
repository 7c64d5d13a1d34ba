// TimerFdFile: the timer of timerfd_create(2). It expires at a moment of its clock, which is an IN key, and counts that
// as 1; of a period nothing more happens until somebody reads it or asks how long it has to go: then the periods that
// have passed are counted, and it goes on with the next.
//
// Modelled: CLOCK_MONOTONIC and CLOCK_BOOTTIME, which are one here, CLOCK_REALTIME, and being cancelled when that is
// set. Not the clocks that wake a machine that is asleep, for want of the capability.
#pragma once

#include "file.hpp"
#include "realtime.hpp"
#include "timers.hpp"

#include <sys/ioctl.h>
#include <sys/timerfd.h>

namespace rouse::inline v0::kernel {

/// TFD_IOC_SET_TICKS, which no header of the C library has.
inline constexpr unsigned long tfd_ioc_set_ticks = _IOW('T', 0, std::uint64_t);

class TimerFdFile final : public File, private Timer, private RealTime::Watcher {
 public:
  static constexpr FileKind file_kind{.name = "timerfd", .is_seekable = true, .has_write = false};

  /// Nanoseconds: the span to the next expiration, 0 if there is none, and the period, 0 to expire once.
  struct Setting {
    Time value = 0;
    Time interval = 0;
  };

  TimerFdFile(std::uint64_t id, int status_flags, bool is_realtime, Timers& timers, RealTime& realtime)
      : File(file_kind, id, status_flags), Timer(timers), realtime_(realtime), is_realtime_(is_realtime) {}

  [[nodiscard]] EventFlags readiness(EventFlags) override { return ticks_ > 0 ? EventFlags::in : EventFlags{}; }

  inline SysResult<std::size_t> read(UserOutput& to) override;
  inline SysResult<int> ioctl(unsigned long request, void* argument) override;

  /// What is set now. A period that had stopped goes on.
  Setting get() {
    ticks_ += go_on();
    return {left(), interval_};
  }
  /// timerfd_settime(2); `before` is what get() would have said. Flags: TFD_TIMER_ABSTIME makes the value a moment of
  /// the clock; with TFD_TIMER_CANCEL_ON_SET besides, setting CLOCK_REALTIME cancels it. Errors: ECANCELED if that had
  /// happened; it is set all the same.
  SysResult<void> set(const Setting& to, int flags, Setting& before);

  // Whoever waits takes any wakeup for its own, and goes to the tail again.
  [[nodiscard]] WaitStyle wait_style(Direction) const override { return {any_key}; }

  [[nodiscard]] inline std::string describe() const override;

  /// It has expired and, if it has a period, waits for somebody to look.
  [[nodiscard]] bool has_stopped() const { return stopped_; }
  [[nodiscard]] bool is_armed() const { return is_scheduled(); }

 private:
  ~TimerFdFile() override = default;

  void on_due(Time) override {
    // What was done before the timer was set, happens before its event. Said of this thread too, which is in between.
    acquire_edge(*this);
    stopped_ = true;
    ++ticks_;
    queue.wake(EventFlags::in);
  }
  void on_clock_set() override {
    if (is_scheduled()) arm();
    if (!is_cancelled_by_setting_) return;
    is_cancelled_ = true;
    ++ticks_;
    queue.wake(EventFlags::in);
  }

  /// The clock that deadline_ is on.
  [[nodiscard]] Time offset() const { return is_on_realtime_ ? realtime_.offset() : 0; }
  [[nodiscard]] Time clock() const { return timers().now() + offset(); }
  [[nodiscard]] Time left() const { return is_scheduled() ? std::max<Time>(deadline_ - clock(), 0) : 0; }
  void arm() { timers().schedule(*this, deadline_ == time_never ? time_never : deadline_ - offset()); }

  /// Has a period that stopped go on; returns how many more of them have passed.
  std::uint64_t go_on();
  /// True once after it was cancelled.
  bool take_cancelled() { return is_cancelled_by_setting_ && std::exchange(is_cancelled_, false); }

  RealTime& realtime_;
  const bool is_realtime_;
  bool is_on_realtime_ = false;           // deadline_ is a moment of CLOCK_REALTIME. A span is one of the host's clock.
  bool is_cancelled_by_setting_ = false;  // The clock.
  bool is_cancelled_ = false;
  bool stopped_ = false;
  Time deadline_ = 0;
  Time interval_ = 0;
  std::uint64_t ticks_ = 0;
};

inline std::uint64_t TimerFdFile::go_on() {
  if (!stopped_ || interval_ == 0) return 0;
  stopped_ = false;
  const Time more = std::max<Time>(clock() - deadline_, 0) / interval_;
  deadline_ = time_after(deadline_ + more * interval_, interval_);
  arm();
  return static_cast<std::uint64_t>(more);
}

inline SysResult<std::size_t> TimerFdFile::read(UserOutput& to) {
  if (to.left() < sizeof ticks_) return SysResult<std::size_t>::failure(EINVAL);
  if (ticks_ == 0) return SysResult<std::size_t>::failure(EAGAIN);
  acquire_edge(*this);
  const bool was_cancelled = take_cancelled();
  if (!was_cancelled) ticks_ += go_on();
  stopped_ = false;
  const std::uint64_t ticks = std::exchange(ticks_, 0);
  if (was_cancelled) return SysResult<std::size_t>::failure(ECANCELED);
  // The count is gone even if there is no place for it, or for its first bytes only.
  if (to.poke(&ticks, sizeof ticks)) return sizeof ticks;
  std::size_t put = 0;
  while (to.put(reinterpret_cast<const char*>(&ticks) + put, 1) == 1) ++put;
  return put > 0 ? SysResult<std::size_t>{put} : SysResult<std::size_t>::failure(EFAULT);
}

inline SysResult<int> TimerFdFile::ioctl(unsigned long request, void* argument) {
  if (request != tfd_ioc_set_ticks) return SysResult<int>::failure(ENOTTY);
  std::uint64_t ticks = 0;
  if (!get_user(ticks, argument)) return SysResult<int>::failure(EFAULT);
  if (ticks == 0) return SysResult<int>::failure(EINVAL);
  if (take_cancelled()) return SysResult<int>::failure(ECANCELED);
  release_edge(*this);
  ticks_ = ticks;
  queue.wake(EventFlags::in);
  return 0;
}

inline SysResult<void> TimerFdFile::set(const Setting& to, int flags, Setting& before) {
  const bool is_moment = (flags & TFD_TIMER_ABSTIME) != 0;
  is_cancelled_by_setting_ = is_moment && (flags & TFD_TIMER_CANCEL_ON_SET) != 0;
  before = get();

  timers().cancel(*this);
  stopped_ = false;
  ticks_ = 0;
  interval_ = to.interval;
  is_on_realtime_ = is_realtime_ && is_moment;
  RealTime::Watcher::unlink();
  if (is_on_realtime_) realtime_.tell(*this);
  if (to.value == 0) return {};
  release_edge(*this);
  deadline_ = is_moment ? to.value : time_after(timers().now(), to.value);
  arm();
  const bool was_cancelled = take_cancelled();
  timers().run_due(timers().now());  // A moment in the past comes at once.
  return was_cancelled ? SysResult<void>::failure(ECANCELED) : SysResult<void>{};
}

inline std::string TimerFdFile::describe() const {
  std::string text = std::to_string(ticks_) + " expirations";
  if (is_scheduled()) text += ", the next in " + std::to_string(left()) + " ns";
  if (interval_ > 0) text += ", every " + std::to_string(interval_) + " ns";
  return text;
}

}  // namespace rouse::inline v0::kernel
