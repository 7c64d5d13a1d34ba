// The calls of timerfd_create(2).
#pragma once

#include "syscalls_time.hpp"
#include "timerfd_file.hpp"

namespace rouse::inline v0::kernel::sys {

inline SysResult<int> timerfd_create(Kernel& kernel, ::clockid_t clock, int flags) {
  return kernel.enter({Call::timerfd_create}, {clock, flags}, [=, &kernel]() -> SysResult<int> {
    if ((flags & ~(TFD_NONBLOCK | TFD_CLOEXEC)) != 0) return SysResult<int>::failure(EINVAL);
    switch (clock) {
      case CLOCK_MONOTONIC:
      case CLOCK_BOOTTIME:
      case CLOCK_REALTIME: break;
      case CLOCK_REALTIME_ALARM:
      case CLOCK_BOOTTIME_ALARM: return SysResult<int>::failure(EPERM);  // Only with CAP_WAKE_ALARM.
      default: return SysResult<int>::failure(EINVAL);
    }
    NewFd fd = kernel.new_fd();
    if (!fd) return SysResult<int>::failure(EMFILE);
    const FileRef file{new TimerFdFile{kernel.file_ids.next(), O_RDWR | (flags & TFD_NONBLOCK), clock == CLOCK_REALTIME,
                                       kernel.timers, kernel.realtime}};
    return fd.install(file, (flags & TFD_CLOEXEC) != 0);
  });
}

namespace detail_timer {

inline ::itimerspec itimerspec_of(const TimerFdFile::Setting& setting) {
  return {detail_time::timespec_of(setting.interval), detail_time::timespec_of(setting.value)};
}

/// The timer behind an fd, or null with what is wrong.
inline TimerFdFile* find(const Kernel& kernel, int fd, int& error) {
  File* const file = kernel.file(fd);
  auto* const timer = file_cast<TimerFdFile>(file);
  error = file == nullptr ? EBADF : EINVAL;  // If it is null.
  return timer;
}

}  // namespace detail_timer

/// Where the old setting goes is looked at when the new one holds.
inline SysResult<void> timerfd_settime(Kernel& kernel, int fd, int flags, const ::itimerspec* user_to,
                                       ::itimerspec* user_before) {
  return kernel.enter({Call::timerfd_settime, fd}, {flags, user_to, user_before}, [=, &kernel]() -> SysResult<void> {
    ::itimerspec to{};
    if (!get_user(to, user_to)) return SysResult<void>::failure(EFAULT);
    if ((flags & ~(TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET)) != 0) return SysResult<void>::failure(EINVAL);
    const SysResult<Time> value = span_of(to.it_value);
    const SysResult<Time> interval = span_of(to.it_interval);
    if (!value.ok() || !interval.ok()) return SysResult<void>::failure(EINVAL);
    int error = 0;
    TimerFdFile* const timer = detail_timer::find(kernel, fd, error);
    if (timer == nullptr) return SysResult<void>::failure(error);
    TimerFdFile::Setting before;
    const SysResult<void> set = timer->set({value.value(), interval.value()}, flags, before);
    if (!set.ok()) return set;
    const bool put = user_before == nullptr || put_user(user_before, detail_timer::itimerspec_of(before));
    return put ? SysResult<void>{} : SysResult<void>::failure(EFAULT);
  });
}

inline SysResult<void> timerfd_gettime(Kernel& kernel, int fd, ::itimerspec* user_setting) {
  return kernel.enter({Call::timerfd_gettime, fd}, {user_setting}, [=, &kernel]() -> SysResult<void> {
    int error = 0;
    TimerFdFile* const timer = detail_timer::find(kernel, fd, error);
    if (timer == nullptr) return SysResult<void>::failure(error);
    const ::itimerspec setting = detail_timer::itimerspec_of(timer->get());
    return put_user(user_setting, setting) ? SysResult<void>{} : SysResult<void>::failure(EFAULT);
  });
}

}  // namespace rouse::inline v0::kernel::sys
