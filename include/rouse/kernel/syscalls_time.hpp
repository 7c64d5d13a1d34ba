// The calls on clocks: what time it is, and sleeping.
#pragma once

#include "blocking.hpp"

#include <ctime>

namespace rouse::inline v0::kernel::sys {

namespace detail_time {

/// What is added to the host's clock, or EINVAL if there is no such clock.
inline SysResult<Time> offset_of(const Kernel& kernel, const char* call, ::clockid_t clock) {
  switch (clock) {
    case CLOCK_MONOTONIC:
    case CLOCK_BOOTTIME: return 0;
    case CLOCK_REALTIME: return kernel.realtime.offset();
  }
  if (clock > CLOCK_TAI) return SysResult<Time>::failure(EINVAL);  // Below 0 are clocks of processes and threads.
  throw NotModelled(std::string(call) + " of clock " + std::to_string(clock));
}

inline ::timespec timespec_of(Time time) {
  constexpr Time second = 1'000'000'000;
  return {static_cast<std::time_t>(time / second), static_cast<long>(time % second)};
}

}  // namespace detail_time

/// CLOCK_MONOTONIC is the host's clock; CLOCK_REALTIME runs beside it.
inline SysResult<void> clock_gettime(Kernel& kernel, ::clockid_t clock, ::timespec* time) {
  return kernel.enter({Call::clock_gettime}, {clock, time}, [=, &kernel]() -> SysResult<void> {
    const SysResult<Time> offset = detail_time::offset_of(kernel, "clock_gettime", clock);
    if (!offset.ok()) return offset;
    const ::timespec now = detail_time::timespec_of(kernel.host().now() + offset.value());
    return put_user(time, now) ? SysResult<void>{} : SysResult<void>::failure(EFAULT);
  });
}

/// Sleeps for a span, or until a point in time (TIMER_ABSTIME). A handler ends it; what is left of a span goes into
/// `left` then, unless that is null.
inline SysResult<void> clock_nanosleep(Kernel& kernel, ::clockid_t clock, int flags, const ::timespec* span,
                                       ::timespec* left) {
  std::optional<Deadline> deadline;
  return kernel.enter({Call::clock_nanosleep}, {clock, flags, span, left},
                      [=, &kernel, &deadline]() -> SysResult<void> {
                        const bool absolute = (flags & TIMER_ABSTIME) != 0;
                        if (!deadline) {
                          const SysResult<Time> offset = detail_time::offset_of(kernel, "clock_nanosleep", clock);
                          if (!offset.ok()) return offset;
                          const SysResult<Time> given = get_span(span);
                          if (!given.ok()) return given;
                          const Time now = absolute ? kernel.host().now() + offset.value() : 0;
                          deadline.emplace(std::max<Time>(given.value() - now, 0));
                        }
                        const Time end = deadline->at(kernel.host());
                        while (kernel.host().now() < end) {
                          if (kernel.is_interrupted()) {
                            const ::timespec rest = detail_time::timespec_of(deadline->left(kernel.host()));
                            if (!absolute && left != nullptr && !put_user(left, rest))
                              return SysResult<void>::failure(EFAULT);
                            return SysResult<void>::failure(restarts_unless_handled);
                          }
                          sleep(kernel, {Call::clock_nanosleep}, nullptr, end);
                        }
                        return {};
                      });
}

}  // namespace rouse::inline v0::kernel::sys
