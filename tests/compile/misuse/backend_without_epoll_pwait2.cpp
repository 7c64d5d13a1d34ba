// error: epoll_pwait2
#include <rouse/rouse.hpp>

// A backend of the user's that supplies what epoll needs, but for one call.
struct Mine {
  rouse::LinuxBackend on;
  friend bool operator==(Mine, Mine) { return true; }
  rouse::SysResult<void> close(int fd) const { return on.close(fd); }
  rouse::SysResult<int> fcntl(int fd, int command, long argument) const { return on.fcntl(fd, command, argument); }
  rouse::SysResult<void> clock_gettime(clockid_t clock, timespec* time) const { return on.clock_gettime(clock, time); }
  rouse::SysResult<int> epoll_create1(int flags) const { return on.epoll_create1(flags); }
  rouse::SysResult<void> epoll_ctl(int epfd, int operation, int fd, const rouse::Event* event) const {
    return on.epoll_ctl(epfd, operation, fd, event);
  }
  rouse::SysResult<int> epoll_wait(int epfd, rouse::Event* events, int n, int ms) const {
    return on.epoll_wait(epfd, events, n, ms);
  }
  rouse::SysResult<int> epoll_pwait(int epfd, rouse::Event* events, int n, int ms, const sigset_t* mask) const {
    return on.epoll_pwait(epfd, events, n, ms, mask);
  }
#ifndef MISUSE
  rouse::SysResult<int> epoll_pwait2(int epfd, rouse::Event* events, int n, const timespec* t,
                                     const sigset_t* m) const {
    return on.epoll_pwait2(epfd, events, n, t, m);
  }
#endif
};

void use(rouse::BasicEpoll<Mine>& epoll) { epoll.close(); }
