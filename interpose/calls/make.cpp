// Making eventfds, pipes, timerfds and signalfds, and the calls that only those have.
#include "calls.hpp"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

using namespace rouse::interpose;
namespace posix = rouse::posix;

#pragma GCC visibility push(default)
extern "C" {

int eventfd(unsigned initial, int flags) noexcept {
  if (is_real(Family::eventfd)) return next<"eventfd">(::eventfd, initial, flags);
  return emulated([=] { return posix::eventfd(initial, flags); });
}
int eventfd_read(int fd, ::eventfd_t* value) {
  return dispatch(
      "eventfd_read", fd, [=] { return posix::eventfd_read(fd, value); },
      [=] { return next<"eventfd_read">(::eventfd_read, fd, value); });
}
int eventfd_write(int fd, ::eventfd_t value) {
  return dispatch(
      "eventfd_write", fd, [=] { return posix::eventfd_write(fd, value); },
      [=] { return next<"eventfd_write">(::eventfd_write, fd, value); });
}

int pipe2(int* fds, int flags) noexcept {
  if (is_real(Family::pipe)) return next<"pipe2">(::pipe2, fds, flags);
  return emulated([=] { return posix::pipe2(fds, flags); });
}
int pipe(int* fds) noexcept { return pipe2(fds, 0); }
int __pipe(int* fds) { return pipe2(fds, 0); }

int timerfd_create(int clock, int flags) noexcept {
  if (is_real(Family::timerfd)) return next<"timerfd_create">(::timerfd_create, clock, flags);
  return emulated([=] { return posix::timerfd_create(clock, flags); });
}
int timerfd_settime(int fd, int flags, const ::itimerspec* to, ::itimerspec* before) noexcept {
  return dispatch(
      "timerfd_settime", fd, [=] { return posix::timerfd_settime(fd, flags, to, before); },
      [=] { return next<"timerfd_settime">(::timerfd_settime, fd, flags, to, before); });
}
int timerfd_gettime(int fd, ::itimerspec* setting) noexcept {
  return dispatch(
      "timerfd_gettime", fd, [=] { return posix::timerfd_gettime(fd, setting); },
      [=] { return next<"timerfd_gettime">(::timerfd_gettime, fd, setting); });
}

int signalfd(int fd, const ::sigset_t* mask, int flags) noexcept {
  const auto mine = [=] {
    const int made = posix::signalfd(fd, mask, flags);
    if (made >= 0) Core::get().watch_signals(rouse::kernel::signal_set(*mask));
    return made;
  };
  const auto of_linux = [=] { return next<"signalfd">(::signalfd, fd, mask, flags); };
  if (fd != -1) return dispatch("signalfd", fd, mine, of_linux);
  return is_real(Family::signalfd) ? of_linux() : emulated(mine);
}

}  // extern "C"
#pragma GCC visibility pop
