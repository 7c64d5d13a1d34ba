// Call: the syscalls by number, for whoever looks at them as they go by.
#pragma once

#include <cstddef>
#include <cstdint>

namespace rouse::inline v0 {

// clang-format off
enum class Call : std::uint8_t {
  close, dup, dup2, dup3, fcntl, ioctl, read, write, readv, writev, pread, pwrite, lseek,
  open, unlink, getrlimit, setrlimit, clock_gettime, clock_nanosleep,
  poll, ppoll, select, pselect6,
  rt_sigaction, rt_sigprocmask, rt_sigpending, kill, tgkill, getpid, gettid,
  epoll_create, epoll_create1, epoll_ctl, epoll_wait, epoll_pwait, epoll_pwait2,
  eventfd, pipe2, timerfd_create, timerfd_settime, timerfd_gettime, signalfd4,
  socket, socketpair, bind, listen, accept4, connect, shutdown, getsockname, getpeername, getsockopt, setsockopt,
  sendto, recvfrom, sendmsg, recvmsg,
};

inline constexpr std::size_t call_count = static_cast<std::size_t>(Call::recvmsg) + 1;

[[nodiscard]] constexpr const char* name_of(Call call) {
  constexpr const char* names[] = {
      "close", "dup", "dup2", "dup3", "fcntl", "ioctl", "read", "write", "readv", "writev", "pread", "pwrite", "lseek",
      "open", "unlink", "getrlimit", "setrlimit", "clock_gettime", "clock_nanosleep",
      "poll", "ppoll", "select", "pselect6",
      "rt_sigaction", "rt_sigprocmask", "rt_sigpending", "kill", "tgkill", "getpid", "gettid",
      "epoll_create", "epoll_create1", "epoll_ctl", "epoll_wait", "epoll_pwait", "epoll_pwait2",
      "eventfd", "pipe2", "timerfd_create", "timerfd_settime", "timerfd_gettime", "signalfd4",
      "socket", "socketpair", "bind", "listen", "accept4", "connect", "shutdown", "getsockname", "getpeername",
      "getsockopt", "setsockopt", "sendto", "recvfrom", "sendmsg", "recvmsg",
  };
  static_assert(sizeof names / sizeof *names == call_count);
  return names[static_cast<std::size_t>(call)];
}

// clang-format on

}  // namespace rouse::inline v0
