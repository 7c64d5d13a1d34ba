// epoll. What is watched may be Linux's: the emulated kernel then knows it as a RealFile.
#include "calls.hpp"

#include <sys/epoll.h>

using namespace rouse::interpose;
namespace posix = rouse::posix;

#pragma GCC visibility push(default)
extern "C" {

int epoll_create(int size) noexcept {
  if (is_real(Family::epoll)) return next<"epoll_create">(::epoll_create, size);
  return emulated([=] { return posix::epoll_create(size); });
}
int epoll_create1(int flags) noexcept {
  if (is_real(Family::epoll)) return next<"epoll_create1">(::epoll_create1, flags);
  return emulated([=] { return posix::epoll_create1(flags); });
}

int epoll_ctl(int epfd, int operation, int fd, ::epoll_event* event) noexcept {
  return dispatch(
      "epoll_ctl", epfd,
      [=] {
        if (FdStates::is_emulated(fd) || !Core::get().adopt(fd)) return posix::epoll_ctl(epfd, operation, fd, event);
        const int result = posix::epoll_ctl(epfd, operation, fd, event);
        const int error = errno;
        Core::get().drop_if_idle(fd);
        errno = error;
        return result;
      },
      [=] { return next<"epoll_ctl">(::epoll_ctl, epfd, operation, fd, event); });
}

int epoll_wait(int epfd, ::epoll_event* events, int n, int milliseconds) {
  return dispatch("epoll_wait", epfd, [=] { return posix::epoll_wait(epfd, events, n, milliseconds); },
                  [=] { return next<"epoll_wait">(::epoll_wait, epfd, events, n, milliseconds); });
}
int epoll_pwait(int epfd, ::epoll_event* events, int n, int milliseconds, const ::sigset_t* mask) {
  return dispatch("epoll_pwait", epfd, [=] { return posix::epoll_pwait(epfd, events, n, milliseconds, mask); },
                  [=] { return next<"epoll_pwait">(::epoll_pwait, epfd, events, n, milliseconds, mask); });
}
int epoll_pwait2(int epfd, ::epoll_event* events, int n, const ::timespec* timeout, const ::sigset_t* mask) {
  return dispatch("epoll_pwait2", epfd, [=] { return posix::epoll_pwait2(epfd, events, n, timeout, mask); },
                  [=] { return next<"epoll_pwait2">(::epoll_pwait2, epfd, events, n, timeout, mask); });
}

}  // extern "C"
#pragma GCC visibility pop
