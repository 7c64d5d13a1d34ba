// epoll. What is watched may be Linux's: the emulated kernel then knows it as a RealFile.
#include "calls.hpp"

#include <sys/epoll.h>

using namespace rouse::interpose;
namespace posix = rouse::posix;

namespace {

/// Of an epoll of Linux (--real epoll) with an emulated fd, too, which is EINVAL: it cannot watch that.
int control(int epfd, int operation, int fd, ::epoll_event* event) {
  for (const int each : {epfd, fd}) {
    if (FdStates::of(each) != FdState::foreign) continue;
    refuse_foreign("epoll_ctl", each);
    return -1;
  }
  const Adopted adopted{[=](auto visit) {
    visit(epfd);
    visit(fd);
  }};
  return posix::epoll_ctl(epfd, operation, fd, event);
}

/// A wait, when those who wait were told what has happened to files of Linux.
template <class Wait>
auto after_news(Wait wait) {
  return [=] {
    Core::get().hear_of_linux();
    return wait();
  };
}

}  // namespace

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
  if (FdStates::is_linux(epfd) && FdStates::is_linux(fd)) {
    return next<"epoll_ctl">(::epoll_ctl, epfd, operation, fd, event);
  }
  return emulated([=] { return control(epfd, operation, fd, event); });
}

int epoll_wait(int epfd, ::epoll_event* events, int n, int milliseconds) {
  return dispatch_cancellable("epoll_wait", epfd,
                              after_news([=] { return posix::epoll_wait(epfd, events, n, milliseconds); }),
                              [=] { return next<"epoll_wait">(::epoll_wait, epfd, events, n, milliseconds); });
}
int epoll_pwait(int epfd, ::epoll_event* events, int n, int milliseconds, const ::sigset_t* mask) {
  return dispatch_cancellable("epoll_pwait", epfd,
                              after_news([=] { return posix::epoll_pwait(epfd, events, n, milliseconds, mask); }),
                              [=] { return next<"epoll_pwait">(::epoll_pwait, epfd, events, n, milliseconds, mask); });
}
int epoll_pwait2(int epfd, ::epoll_event* events, int n, const ::timespec* timeout, const ::sigset_t* mask) {
  return dispatch_cancellable("epoll_pwait2", epfd,
                              after_news([=] { return posix::epoll_pwait2(epfd, events, n, timeout, mask); }),
                              [=] { return next<"epoll_pwait2">(::epoll_pwait2, epfd, events, n, timeout, mask); });
}

}  // extern "C"
#pragma GCC visibility pop
