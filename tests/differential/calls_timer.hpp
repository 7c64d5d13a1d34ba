// The calls of scripts on timerfds and signalfds. What calls.hpp says of them all holds here.
//
// No script may depend on how fast it is played. So a timer is set to a moment that has passed, to a nanosecond, which
// the call then lets pass on both kernels, or to what is decades away; and its period is decades long. Of what is left
// of such a time, only whether there is something is written down.
#pragma once

#include "calls_fd.hpp"

#include <sys/signalfd.h>
#include <sys/timerfd.h>

namespace differential {

inline constexpr Name clock_names[] = {{"REALTIME", CLOCK_REALTIME},
                                       {"MONOTONIC", CLOCK_MONOTONIC},
                                       {"BOOTTIME", CLOCK_BOOTTIME},
                                       {"REALTIME_ALARM", CLOCK_REALTIME_ALARM},
                                       {"BOOTTIME_ALARM", CLOCK_BOOTTIME_ALARM}};
inline constexpr Name timer_flag_names[] = {{"ABSTIME", TFD_TIMER_ABSTIME}, {"CANCEL_ON_SET", TFD_TIMER_CANCEL_ON_SET}};

/// The times that scripts set timers to.
enum class TimerTime : std::int64_t { none, soon, far, end, negative, unnormal };
inline constexpr Name timer_time_names[] = {{"none", 0}, {"soon", 1},     {"far", 2},
                                            {"end", 3},  {"negative", 4}, {"unnormal", 5}};

/// Soon is the first nanosecond: of a span, or of a clock.
[[nodiscard]] inline ::timespec timespec_of(std::int64_t time, bool is_moment) {
  constexpr std::time_t decades = 4'000'000'000;  // Which any clock here is younger than.
  switch (static_cast<TimerTime>(time)) {
    case TimerTime::none: break;
    case TimerTime::soon: return {0, 1};
    case TimerTime::far: return {is_moment ? 2 * decades : decades, 5};
    case TimerTime::end: return {INT64_MAX, 999'999'999};
    case TimerTime::negative: return {-1, 0};
    case TimerTime::unnormal: return {0, 1'000'000'000};
  }
  return {};
}

/// What a setting tells, as far as it does not depend on when it was asked for.
template <class Run>
void note_setting(Run& run, const ::itimerspec& setting) {
  const bool is_armed = setting.it_value.tv_sec != 0 || setting.it_value.tv_nsec != 0;
  run.number(is_armed ? "armed " : "disarmed ", setting.it_interval.tv_sec);
  run.number("", setting.it_interval.tv_nsec);
}

namespace values {

inline constexpr int64_t clocks[] = {CLOCK_MONOTONIC, CLOCK_MONOTONIC, CLOCK_REALTIME, CLOCK_BOOTTIME};
inline constexpr int64_t clocks_bad[] = {CLOCK_REALTIME_ALARM, CLOCK_BOOTTIME_ALARM, 2, 11, -1, 99};
inline constexpr int64_t nonblock_flags[] = {O_NONBLOCK, O_NONBLOCK, O_NONBLOCK, 0, O_NONBLOCK | O_CLOEXEC};
inline constexpr int64_t timer_flags[] = {0, 0, TFD_TIMER_ABSTIME, TFD_TIMER_ABSTIME, 2, 3};
inline constexpr int64_t timer_flags_bad[] = {4, 5, -1};
inline constexpr int64_t timer_values[] = {0, 1, 1, 1, 2, 2, 3};
inline constexpr int64_t timer_intervals[] = {0, 0, 2, 2, 3};
inline constexpr int64_t timer_times_bad[] = {4, 5};

}  // namespace values

struct TimerFdCreate {
  static Signature signature() {
    return {"timerfd_create",
            Call::timerfd_create,
            4,
            {choice("clock", clock_names, values::clocks, values::clocks_bad),
             set("flags", status_names, values::nonblock_flags, values::flags_bad)}};
  }
  template <class Run>
  static void make(Run& run, const Step& step) {
    run.new_fd(run.backend.timerfd_create(static_cast<::clockid_t>(step.args[0]), int_of(step, 1)));
  }
};

struct TimerFdSetTime {
  static Signature signature() {
    return {"timerfd_settime",
            Call::timerfd_settime,
            8,
            {fd("fd", Wants::timerfd), set("flags", timer_flag_names, values::timer_flags, values::timer_flags_bad),
             choice("value", timer_time_names, values::timer_values, values::timer_times_bad),
             choice("interval", timer_time_names, values::timer_intervals, values::timer_times_bad),
             bad_pointer("setting"), bad_pointer("before")}};
  }
  template <class Run>
  static void make(Run& run, const Step& step) {
    const bool is_moment = (step.args[1] & TFD_TIMER_ABSTIME) != 0;
    const ::itimerspec to{timespec_of(step.args[3], false), timespec_of(step.args[2], is_moment)};
    ::itimerspec before{};
    run.result(run.backend.timerfd_settime(int_of(step, 0), int_of(step, 1), Run::pointer(step.args[4], &to),
                                           Run::pointer(step.args[5], &before)));
    note_setting(run, before);
    if (static_cast<TimerTime>(step.args[2]) == TimerTime::soon && !is_moment) let_time_pass(run);
  }

 private:
  // Long enough for a nanosecond to be over. Nothing interrupts it.
  template <class Run>
  static void let_time_pass(Run& run) {
    const ::timespec span{0, 10'000};
    static_cast<void>(run.backend.ppoll(nullptr, 0, &span, nullptr));
  }
};

struct TimerFdGetTime {
  static Signature signature() {
    return {"timerfd_gettime", Call::timerfd_gettime, 4, {fd("fd", Wants::timerfd), bad_pointer("setting")}};
  }
  template <class Run>
  static void make(Run& run, const Step& step) {
    ::itimerspec setting{};
    run.result(run.backend.timerfd_gettime(int_of(step, 0), Run::pointer(step.args[1], &setting)));
    note_setting(run, setting);
  }
};

struct SignalFd {
  static Signature signature() {
    return {"signalfd",
            Call::signalfd4,
            4,
            {set("signals", signal_bit_names, values::signal_sets, {}),
             set("flags", status_names, values::nonblock_flags, values::flags_bad), bad_pointer("mask")}};
  }
  template <class Run>
  static void make(Run& run, const Step& step) {
    const ::sigset_t mask = signal_set(step.args[0]);
    run.new_fd(run.backend.signalfd(-1, Run::pointer(step.args[2], &mask), int_of(step, 1)));
  }
};

/// Another mask for one that there is.
struct SignalFdMask {
  static Signature signature() {
    return {"signalfd_mask",
            Call::signalfd4,
            3,
            {fd("fd", Wants::signalfd), set("signals", signal_bit_names, values::signal_sets, {}),
             set("flags", status_names, values::nonblock_flags, values::flags_bad), bad_pointer("mask")}};
  }
  template <class Run>
  static void make(Run& run, const Step& step) {
    const ::sigset_t mask = signal_set(step.args[1]);
    if (step.args[0] == -1) return SignalFd::make(run, {0, {step.args[1], step.args[2], step.args[3]}, {}});
    run.result(run.backend.signalfd(int_of(step, 0), Run::pointer(step.args[3], &mask), int_of(step, 2)));
  }
};

}  // namespace differential
