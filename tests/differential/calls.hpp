// Calls: every call that scripts are made of: how it is written, what the generator puts in, how it is made. A new call
// is one struct here or in a header like this one, and its name in AllCalls.
#pragma once

#include "calls_message.hpp"
#include "calls_poll.hpp"
#include "calls_signal.hpp"
#include "calls_timer.hpp"

#include <tuple>
#include <utility>

namespace differential {

// -- epoll, eventfd, pipe

struct EpollCreate {
  static Signature signature() {
    return {"epoll_create", Call::epoll_create, 2, {number("size", values::epoll_sizes, values::epoll_sizes_bad)}};
  }
  template <class Run>
  static void make(Run& run, const Step& step) {
    run.new_fd(run.backend.epoll_create(int_of(step, 0)));
  }
};

struct EpollCreate1 {
  static Signature signature() {
    return {
        "epoll_create1", Call::epoll_create1, 6, {set("flags", status_names, values::epoll_flags, values::flags_bad)}};
  }
  template <class Run>
  static void make(Run& run, const Step& step) {
    run.new_fd(run.backend.epoll_create1(int_of(step, 0)));
  }
};

struct EpollCtl {
  static Signature signature() {
    return {"epoll_ctl",
            Call::epoll_ctl,
            34,
            {fd("epfd", Wants::epoll), choice("operation", operation_names, values::operations, values::operations_bad),
             fd("fd", Wants::pollable), set("events", event_names, values::masks, values::masks_rare),
             keyed("data", Kind::number, 0, values::any_number), bad_pointer("event")}};
  }
  template <class Run>
  static void make(Run& run, const Step& step) {
    const rouse::Event event{rouse::EventFlags{static_cast<std::uint32_t>(step.args[3])},
                             static_cast<std::uint64_t>(step.args[4])};
    run.result(
        run.backend.epoll_ctl(int_of(step, 0), int_of(step, 1), int_of(step, 2), Run::pointer(step.args[5], &event)));
  }
};

struct EpollWait {
  static Signature signature() {
    return {"epoll_wait",
            Call::epoll_wait,
            30,
            {fd("epfd", Wants::epoll), number("maxevents", values::maxima, values::maxima_rare),
             number("timeout", values::timeouts, values::timeouts_rare), bad_buffer("events")}};
  }
  template <class Run>
  static void make(Run& run, const Step& step) {
    rouse::Event* const events = run.output(step.args[3], run.events());
    run.result(run.backend.epoll_wait(int_of(step, 0), events, int_of(step, 1), int_of(step, 2)));
    run.fetch(step.args[3], run.events(), run.moved() * sizeof(rouse::Event));
    run.take_events();
  }
};

struct EpollPwait {
  static Signature signature() {
    return {"epoll_pwait",
            Call::epoll_pwait,
            4,
            {fd("epfd", Wants::epoll), number("maxevents", values::maxima, values::maxima_rare),
             number("timeout", values::timeouts, values::timeouts_rare), blocked_signals(), bad_buffer("events"),
             bad_pointer("mask")}};
  }
  template <class Run>
  static void make(Run& run, const Step& step) {
    rouse::Event* const events = run.output(step.args[4], run.events());
    const ::sigset_t mask = signal_set(step.args[3]);
    run.result(run.backend.epoll_pwait(int_of(step, 0), events, int_of(step, 1), int_of(step, 2),
                                       Run::pointer(step.args[5], &mask)));
    run.fetch(step.args[4], run.events(), run.moved() * sizeof(rouse::Event));
    run.take_events();
  }
};

struct EpollPwait2 {
  static Signature signature() {
    return {"epoll_pwait2",
            Call::epoll_pwait2,
            4,
            {fd("epfd", Wants::epoll), number("maxevents", values::maxima, values::maxima_rare),
             number("seconds", values::seconds, values::seconds_rare),
             number("nanoseconds", values::nanoseconds, values::nanoseconds_rare), blocked_signals(),
             bad_buffer("events"), bad_pointer("timeout"), bad_pointer("mask")}};
  }
  template <class Run>
  static void make(Run& run, const Step& step) {
    rouse::Event* const events = run.output(step.args[5], run.events());
    const ::timespec timeout{static_cast<std::time_t>(step.args[2]), static_cast<long>(step.args[3])};
    const ::sigset_t mask = signal_set(step.args[4]);
    run.result(run.backend.epoll_pwait2(int_of(step, 0), events, int_of(step, 1), Run::pointer(step.args[6], &timeout),
                                        Run::pointer(step.args[7], &mask)));
    run.fetch(step.args[5], run.events(), run.moved() * sizeof(rouse::Event));
    run.take_events();
  }
};

struct EventFd {
  static Signature signature() {
    return {"eventfd",
            Call::eventfd,
            6,
            {number("initial", values::counts, values::counts_rare),
             set("flags", eventfd_names, values::eventfd_flags, values::flags_bad)}};
  }
  template <class Run>
  static void make(Run& run, const Step& step) {
    run.new_fd(run.backend.eventfd(static_cast<unsigned>(step.args[0]), int_of(step, 1)));
  }
};

struct Pipe2 {
  static Signature signature() {
    return {"pipe2",
            Call::pipe2,
            6,
            {set("flags", status_names, values::pipe_flags, values::pipe_flags_bad), bad_pointer("fds")}};
  }
  template <class Run>
  static void make(Run& run, const Step& step) {
    int fds[2] = {-5, -6};
    run.new_fds(run.backend.pipe2(Run::pointer(step.args[1], fds), int_of(step, 0)), fds);
  }
};

/// Every call there is. Their order is that of the table, and changes what a seed means, but no script.
using AllCalls =
    std::tuple<EpollCreate, EpollCreate1, EpollCtl, EpollWait, EpollPwait, EpollPwait2, EventFd, Pipe2, Poll, Ppoll,
               Select, Pselect, Close, Dup, Dup2, Dup3, FcntlGetFd, FcntlSetFd, FcntlGetFl, FcntlSetFl, FcntlDupFd,
               FcntlDupFdCloexec, FcntlDupFdQuery, FcntlGetPipeSize, FcntlSetPipeSize, FcntlBad, Ioctl, Read, Write,
               Readv, Writev, Pread, Pwrite, Lseek, OpenNull, Unlink, GetRlimit, SetRlimit, Socket, SocketPair, Bind,
               Listen, Accept4, Connect, Shutdown, GetSockName, GetPeerName, GetSockOpt, SetSockOpt, SendTo, RecvFrom,
               SendMsg, RecvMsg, SigAction, SigProcMask, SigPending, Kill, Tgkill, TimerFdCreate, TimerFdSetTime,
               TimerFdGetTime, SignalFd, SignalFdMask>;

/// How each call is written.
[[nodiscard]] inline Signatures all_signatures() {
  static const auto table = []<std::size_t... I>(std::index_sequence<I...>) {
    return std::array<Signature, sizeof...(I)>{std::tuple_element_t<I, AllCalls>::signature()...};
  }
  (std::make_index_sequence<std::tuple_size_v<AllCalls>>{});
  return table;
}

/// Makes the call of `step` in `run`.
template <class Run>
void make_call(Run& run, const Step& step) {
  using Make = void (*)(Run&, const Step&);
  static constexpr auto table = []<std::size_t... I>(std::index_sequence<I...>) {
    return std::array<Make, sizeof...(I)>{&std::tuple_element_t<I, AllCalls>::template make<Run>...};
  }
  (std::make_index_sequence<std::tuple_size_v<AllCalls>>{});
  table[step.call](run, step);
}

/// The place of a call in the table.
template <class C>
inline constexpr std::size_t index_of = []<std::size_t... I>(std::index_sequence<I...>) {
  return ((std::is_same_v<C, std::tuple_element_t<I, AllCalls>> ? I : 0) + ...);
}
(std::make_index_sequence<std::tuple_size_v<AllCalls>>{});

}  // namespace differential
