// The flags that descriptors are made with, one type per call, so that they cannot be swapped.
#pragma once

#include "flags.hpp"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

namespace rouse::inline v0 {

/// epoll_create1(2).
struct CreateFlags : FlagSet<CreateFlags> {
  using FlagSet::FlagSet;

  static const CreateFlags cloexec;  ///< Close on exec.

  static constexpr std::array<FlagName, 1> names() { return {{{EPOLL_CLOEXEC, "cloexec"}}}; }
};

inline constexpr CreateFlags CreateFlags::cloexec{EPOLL_CLOEXEC};

/// eventfd(2).
struct EventFdFlags : FlagSet<EventFdFlags> {
  using FlagSet::FlagSet;

  static const EventFdFlags semaphore;  ///< A read takes 1 and leaves the rest.
  static const EventFdFlags nonblock;   ///< The calls say "would block" instead of waiting.
  static const EventFdFlags cloexec;    ///< Close on exec.

  static constexpr std::array<FlagName, 3> names() {
    return {{{EFD_SEMAPHORE, "semaphore"}, {EFD_NONBLOCK, "nonblock"}, {EFD_CLOEXEC, "cloexec"}}};
  }
};

inline constexpr EventFdFlags EventFdFlags::semaphore{EFD_SEMAPHORE};
inline constexpr EventFdFlags EventFdFlags::nonblock{EFD_NONBLOCK};
inline constexpr EventFdFlags EventFdFlags::cloexec{EFD_CLOEXEC};

/// timerfd_create(2).
struct TimerFlags : FlagSet<TimerFlags> {
  using FlagSet::FlagSet;

  static const TimerFlags nonblock;  ///< The calls say "would block" instead of waiting.
  static const TimerFlags cloexec;   ///< Close on exec.

  static constexpr std::array<FlagName, 2> names() { return {{{TFD_NONBLOCK, "nonblock"}, {TFD_CLOEXEC, "cloexec"}}}; }
};

inline constexpr TimerFlags TimerFlags::nonblock{TFD_NONBLOCK};
inline constexpr TimerFlags TimerFlags::cloexec{TFD_CLOEXEC};

/// signalfd(2).
struct SignalFdFlags : FlagSet<SignalFdFlags> {
  using FlagSet::FlagSet;

  static const SignalFdFlags nonblock;  ///< The calls say "would block" instead of waiting.
  static const SignalFdFlags cloexec;   ///< Close on exec.

  static constexpr std::array<FlagName, 2> names() { return {{{SFD_NONBLOCK, "nonblock"}, {SFD_CLOEXEC, "cloexec"}}}; }
};

inline constexpr SignalFdFlags SignalFdFlags::nonblock{SFD_NONBLOCK};
inline constexpr SignalFdFlags SignalFdFlags::cloexec{SFD_CLOEXEC};

/// pipe2(2).
struct PipeFlags : FlagSet<PipeFlags> {
  using FlagSet::FlagSet;

  static const PipeFlags nonblock;  ///< The calls say "would block" instead of waiting; both ends.
  static const PipeFlags cloexec;   ///< Close on exec; both ends.
  static const PipeFlags direct;    ///< Packets: one write is one read, a short read drops the rest.

  static constexpr std::array<FlagName, 3> names() {
    return {{{O_NONBLOCK, "nonblock"}, {O_CLOEXEC, "cloexec"}, {O_DIRECT, "direct"}}};
  }
};

inline constexpr PipeFlags PipeFlags::nonblock{O_NONBLOCK};
inline constexpr PipeFlags PipeFlags::cloexec{O_CLOEXEC};
inline constexpr PipeFlags PipeFlags::direct{O_DIRECT};

/// The flag bits of socket(2), socketpair(2) and accept4(2).
struct SocketFlags : FlagSet<SocketFlags> {
  using FlagSet::FlagSet;

  static const SocketFlags nonblock;  ///< The calls say "would block" instead of waiting.
  static const SocketFlags cloexec;   ///< Close on exec.

  static constexpr std::array<FlagName, 2> names() {
    return {{{SOCK_NONBLOCK, "nonblock"}, {SOCK_CLOEXEC, "cloexec"}}};
  }
};

inline constexpr SocketFlags SocketFlags::nonblock{SOCK_NONBLOCK};
inline constexpr SocketFlags SocketFlags::cloexec{SOCK_CLOEXEC};

/// The flags of send(2) and recv(2).
struct MessageFlags : FlagSet<MessageFlags> {
  using FlagSet::FlagSet;

  static const MessageFlags oob;       ///< The urgent byte.
  static const MessageFlags peek;      ///< Leave what was read in the queue.
  static const MessageFlags trunc;     ///< Return the full length of the message.
  static const MessageFlags dontwait;  ///< Non-blocking, for this call.
  static const MessageFlags waitall;   ///< Wait until the buffer is full.
  static const MessageFlags nosignal;  ///< No SIGPIPE, just EPIPE.

  static constexpr std::array<FlagName, 6> names() {
    return {{{MSG_OOB, "oob"},
             {MSG_PEEK, "peek"},
             {MSG_TRUNC, "trunc"},
             {MSG_DONTWAIT, "dontwait"},
             {MSG_WAITALL, "waitall"},
             {MSG_NOSIGNAL, "nosignal"}}};
  }
};

inline constexpr MessageFlags MessageFlags::oob{MSG_OOB};
inline constexpr MessageFlags MessageFlags::peek{MSG_PEEK};
inline constexpr MessageFlags MessageFlags::trunc{MSG_TRUNC};
inline constexpr MessageFlags MessageFlags::dontwait{MSG_DONTWAIT};
inline constexpr MessageFlags MessageFlags::waitall{MSG_WAITALL};
inline constexpr MessageFlags MessageFlags::nosignal{MSG_NOSIGNAL};

}  // namespace rouse::inline v0
