// EventFlags: the bits of epoll_event::events, asked for and delivered. epoll_ctl(2).
#pragma once

#include "flags.hpp"

#include <sys/epoll.h>

namespace rouse::inline v0 {

/// What a registration asks for and what a wait reports. Prints as `in|et`. `err` and `hup` are always reported,
/// whether asked for or not. Bits that have no name here are kept.
struct EventFlags : FlagSet<EventFlags> {
  using FlagSet::FlagSet;

  static const EventFlags in;         ///< Reading would not block.
  static const EventFlags out;        ///< Writing would not block.
  static const EventFlags pri;        ///< Something exceptional, such as an urgent byte.
  static const EventFlags err;        ///< An error is pending. Always reported.
  static const EventFlags hup;        ///< Hang-up: both directions are closed. Always reported.
  static const EventFlags rdnorm;     ///< As `in` for most files; an eventfd never reports it.
  static const EventFlags rdband;     ///< Priority data can be read.
  static const EventFlags wrnorm;     ///< As `out` for most files; an eventfd never reports it.
  static const EventFlags wrband;     ///< Priority data can be written.
  static const EventFlags msg;        ///< Accepted and never reported.
  static const EventFlags rdhup;      ///< The peer will send no more.
  static const EventFlags et;         ///< Edge-triggered: report wakeups, not states.
  static const EventFlags oneshot;    ///< Disarm the whole registration after one report, until `modify`.
  static const EventFlags wakeup;     ///< Keep the system awake while handling; dropped without the capability.
  static const EventFlags exclusive;  ///< Wake one of the epolls that watch this file. Only with `add`.

  static constexpr std::array<FlagName, 15> names() {
    return {{{EPOLLIN, "in"},
             {EPOLLPRI, "pri"},
             {EPOLLOUT, "out"},
             {EPOLLERR, "err"},
             {EPOLLHUP, "hup"},
             {EPOLLRDNORM, "rdnorm"},
             {EPOLLRDBAND, "rdband"},
             {EPOLLWRNORM, "wrnorm"},
             {EPOLLWRBAND, "wrband"},
             {EPOLLMSG, "msg"},
             {EPOLLRDHUP, "rdhup"},
             {EPOLLEXCLUSIVE, "exclusive"},
             {EPOLLWAKEUP, "wakeup"},
             {EPOLLONESHOT, "oneshot"},
             {EPOLLET, "et"}}};
  }
};

inline constexpr EventFlags EventFlags::in{EPOLLIN};
inline constexpr EventFlags EventFlags::out{EPOLLOUT};
inline constexpr EventFlags EventFlags::pri{EPOLLPRI};
inline constexpr EventFlags EventFlags::err{EPOLLERR};
inline constexpr EventFlags EventFlags::hup{EPOLLHUP};
inline constexpr EventFlags EventFlags::rdnorm{EPOLLRDNORM};
inline constexpr EventFlags EventFlags::rdband{EPOLLRDBAND};
inline constexpr EventFlags EventFlags::wrnorm{EPOLLWRNORM};
inline constexpr EventFlags EventFlags::wrband{EPOLLWRBAND};
inline constexpr EventFlags EventFlags::msg{EPOLLMSG};
inline constexpr EventFlags EventFlags::rdhup{EPOLLRDHUP};
inline constexpr EventFlags EventFlags::et{EPOLLET};
inline constexpr EventFlags EventFlags::oneshot{EPOLLONESHOT};
inline constexpr EventFlags EventFlags::wakeup{EPOLLWAKEUP};
inline constexpr EventFlags EventFlags::exclusive{EPOLLEXCLUSIVE};

/// True if epoll_ctl(EPOLL_CTL_ADD) takes these flags for a file that is not itself an epoll: `exclusive` goes with
/// `in`, `out`, `err`, `hup`, `wakeup` and `et` only.
constexpr bool is_addable(EventFlags flags) {
  constexpr EventFlags with_exclusive = EventFlags::in | EventFlags::out | EventFlags::err | EventFlags::hup |
                                        EventFlags::wakeup | EventFlags::et | EventFlags::exclusive;
  return !flags.has(EventFlags::exclusive) || (flags - with_exclusive).empty();
}

/// True if epoll_ctl(EPOLL_CTL_MOD) takes these flags: `exclusive` can only be set by an ADD.
constexpr bool is_modifiable(EventFlags flags) { return !flags.has(EventFlags::exclusive); }

}  // namespace rouse::inline v0
