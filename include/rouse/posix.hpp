// rouse::posix: the C library's calls on whichever kernel is installed (backend/ambient.hpp), else Linux: its names,
// its signatures, its errno. Code that speaks in raw calls runs on an emulated kernel by naming this namespace.
//
// Each is one call of the kernel: what section 2 of the manual says of it, holds. Blocking calls may throw what the
// emulated kernel throws (kernel::Deadlock, kernel::NotModelled, kernel::Killed); otherwise -1 and errno say what went
// wrong. As thread-safe as the installed kernel's host.
#pragma once

#include "backend/ambient.hpp"

#include <cerrno>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>

namespace rouse::inline v0::posix {

namespace detail_posix {

/// The value, or -1 with errno set.
template <class T>
auto as_libc(SysResult<T> result) {
  if (!result.ok()) errno = result.error();
  if constexpr (std::same_as<T, void>) {
    return result.ok() ? 0 : -1;
  } else if constexpr (std::same_as<T, std::size_t>) {
    return static_cast<::ssize_t>(result.ok() ? result.word() : -1);
  } else {
    return static_cast<T>(result.ok() ? result.word() : -1);
  }
}

inline AmbientBackend ambient() { return {}; }

/// What a C library passes on for `...`.
template <class Argument>
long word(Argument argument) {
  if constexpr (std::is_null_pointer_v<Argument>) {
    return 0;
  } else if constexpr (std::is_pointer_v<Argument>) {
    return reinterpret_cast<long>(argument);
  } else {
    return static_cast<long>(argument);
  }
}

/// An Event is an epoll_event and nothing else (asserted in event.hpp).
inline Event* events(::epoll_event* raw) { return reinterpret_cast<Event*>(raw); }

}  // namespace detail_posix

// -- any fd

inline int close(int fd, CallSite site = CallSite::current()) {
  return detail_posix::as_libc(detail_posix::ambient().close(fd, site));
}
inline int dup(int fd, CallSite site = CallSite::current()) {
  return detail_posix::as_libc(detail_posix::ambient().dup(fd, site));
}
inline int dup2(int fd, int to, CallSite site = CallSite::current()) {
  return detail_posix::as_libc(detail_posix::ambient().dup2(fd, to, site));
}
inline int dup3(int fd, int to, int flags, CallSite site = CallSite::current()) {
  return detail_posix::as_libc(detail_posix::ambient().dup3(fd, to, flags, site));
}

/// The argument is a number or a pointer, as the command demands.
inline int fcntl(int fd, int command, CallSite site = CallSite::current()) {
  return detail_posix::as_libc(detail_posix::ambient().fcntl(fd, command, 0, site));
}
template <class Argument>
int fcntl(int fd, int command, Argument argument, CallSite site = CallSite::current()) {
  return detail_posix::as_libc(detail_posix::ambient().fcntl(fd, command, detail_posix::word(argument), site));
}
inline int ioctl(int fd, unsigned long request, CallSite site = CallSite::current()) {
  return detail_posix::as_libc(detail_posix::ambient().ioctl(fd, request, nullptr, site));
}
template <class Argument>
int ioctl(int fd, unsigned long request, Argument argument, CallSite site = CallSite::current()) {
  void* const pointer = reinterpret_cast<void*>(detail_posix::word(argument));
  return detail_posix::as_libc(detail_posix::ambient().ioctl(fd, request, pointer, site));
}

inline ::ssize_t read(int fd, void* buffer, std::size_t n, CallSite site = CallSite::current()) {
  return detail_posix::as_libc(detail_posix::ambient().read(fd, buffer, n, site));
}
inline ::ssize_t write(int fd, const void* buffer, std::size_t n, CallSite site = CallSite::current()) {
  return detail_posix::as_libc(detail_posix::ambient().write(fd, buffer, n, site));
}
inline ::ssize_t readv(int fd, const ::iovec* vectors, int n, CallSite site = CallSite::current()) {
  return detail_posix::as_libc(detail_posix::ambient().readv(fd, vectors, n, site));
}
inline ::ssize_t writev(int fd, const ::iovec* vectors, int n, CallSite site = CallSite::current()) {
  return detail_posix::as_libc(detail_posix::ambient().writev(fd, vectors, n, site));
}
inline ::ssize_t pread(int fd, void* buffer, std::size_t n, ::off_t offset, CallSite site = CallSite::current()) {
  return detail_posix::as_libc(detail_posix::ambient().pread(fd, buffer, n, offset, site));
}
inline ::ssize_t pwrite(int fd, const void* buffer, std::size_t n, ::off_t offset,
                        CallSite site = CallSite::current()) {
  return detail_posix::as_libc(detail_posix::ambient().pwrite(fd, buffer, n, offset, site));
}
inline ::off_t lseek(int fd, ::off_t offset, int whence, CallSite site = CallSite::current()) {
  return detail_posix::as_libc(detail_posix::ambient().lseek(fd, offset, whence, site));
}

// -- paths, limits, the clock

inline int open(const char* path, int flags, CallSite site = CallSite::current()) {
  return detail_posix::as_libc(detail_posix::ambient().open(path, flags, site));
}
/// The mode is not looked at: nothing is created.
inline int open(const char* path, int flags, ::mode_t, CallSite site = CallSite::current()) {
  return posix::open(path, flags, site);
}
inline int unlink(const char* path, CallSite site = CallSite::current()) {
  return detail_posix::as_libc(detail_posix::ambient().unlink(path, site));
}
inline int getrlimit(int resource, ::rlimit* limit, CallSite site = CallSite::current()) {
  return detail_posix::as_libc(detail_posix::ambient().getrlimit(resource, limit, site));
}
inline int setrlimit(int resource, const ::rlimit* limit, CallSite site = CallSite::current()) {
  return detail_posix::as_libc(detail_posix::ambient().setrlimit(resource, limit, site));
}
inline int clock_gettime(::clockid_t clock, ::timespec* time, CallSite site = CallSite::current()) {
  return detail_posix::as_libc(detail_posix::ambient().clock_gettime(clock, time, site));
}

/// Returns the errno.
inline int clock_nanosleep(::clockid_t clock, int flags, const ::timespec* span, ::timespec* left,
                           CallSite site = CallSite::current()) {
  return detail_posix::ambient().clock_nanosleep(clock, flags, span, left, site).error();
}
inline int nanosleep(const ::timespec* span, ::timespec* left, CallSite site = CallSite::current()) {
  return detail_posix::as_libc(detail_posix::ambient().clock_nanosleep(CLOCK_REALTIME, 0, span, left, site));
}

// -- epoll

inline int epoll_create(int size, CallSite site = CallSite::current()) {
  return detail_posix::as_libc(detail_posix::ambient().epoll_create(size, site));
}
inline int epoll_create1(int flags, CallSite site = CallSite::current()) {
  return detail_posix::as_libc(detail_posix::ambient().epoll_create1(flags, site));
}
inline int epoll_ctl(int epfd, int operation, int fd, ::epoll_event* event, CallSite site = CallSite::current()) {
  return detail_posix::as_libc(
      detail_posix::ambient().epoll_ctl(epfd, operation, fd, detail_posix::events(event), site));
}
inline int epoll_wait(int epfd, ::epoll_event* events, int n, int milliseconds, CallSite site = CallSite::current()) {
  return detail_posix::as_libc(
      detail_posix::ambient().epoll_wait(epfd, detail_posix::events(events), n, milliseconds, site));
}
inline int epoll_pwait(int epfd, ::epoll_event* events, int n, int milliseconds, const ::sigset_t* mask,
                       CallSite site = CallSite::current()) {
  return detail_posix::as_libc(
      detail_posix::ambient().epoll_pwait(epfd, detail_posix::events(events), n, milliseconds, mask, site));
}
inline int epoll_pwait2(int epfd, ::epoll_event* events, int n, const ::timespec* timeout, const ::sigset_t* mask,
                        CallSite site = CallSite::current()) {
  return detail_posix::as_libc(
      detail_posix::ambient().epoll_pwait2(epfd, detail_posix::events(events), n, timeout, mask, site));
}

// -- poll and select

inline int poll(::pollfd* fds, ::nfds_t n, int milliseconds, CallSite site = CallSite::current()) {
  return detail_posix::as_libc(detail_posix::ambient().poll(fds, n, milliseconds, site));
}
inline int ppoll(::pollfd* fds, ::nfds_t n, const ::timespec* timeout, const ::sigset_t* mask,
                 CallSite site = CallSite::current()) {
  return detail_posix::as_libc(detail_posix::ambient().ppoll(fds, n, timeout, mask, site));
}
inline int select(int n, ::fd_set* read, ::fd_set* write, ::fd_set* except, ::timeval* timeout,
                  CallSite site = CallSite::current()) {
  return detail_posix::as_libc(detail_posix::ambient().select(n, read, write, except, timeout, site));
}
inline int pselect(int n, ::fd_set* read, ::fd_set* write, ::fd_set* except, const ::timespec* timeout,
                   const ::sigset_t* mask, CallSite site = CallSite::current()) {
  return detail_posix::as_libc(detail_posix::ambient().pselect(n, read, write, except, timeout, mask, site));
}

// -- eventfd, pipe

inline int eventfd(unsigned initial, int flags, CallSite site = CallSite::current()) {
  return detail_posix::as_libc(detail_posix::ambient().eventfd(initial, flags, site));
}
inline int eventfd_read(int fd, ::eventfd_t* value, CallSite site = CallSite::current()) {
  return posix::read(fd, value, sizeof *value, site) == sizeof *value ? 0 : -1;
}
inline int eventfd_write(int fd, ::eventfd_t value, CallSite site = CallSite::current()) {
  return posix::write(fd, &value, sizeof value, site) == sizeof value ? 0 : -1;
}
inline int pipe2(int* fds, int flags, CallSite site = CallSite::current()) {
  return detail_posix::as_libc(detail_posix::ambient().pipe2(fds, flags, site));
}
inline int pipe(int* fds, CallSite site = CallSite::current()) { return posix::pipe2(fds, 0, site); }

// -- timerfd, signalfd

inline int timerfd_create(::clockid_t clock, int flags, CallSite site = CallSite::current()) {
  return detail_posix::as_libc(detail_posix::ambient().timerfd_create(clock, flags, site));
}
inline int timerfd_settime(int fd, int flags, const ::itimerspec* to, ::itimerspec* before,
                           CallSite site = CallSite::current()) {
  return detail_posix::as_libc(detail_posix::ambient().timerfd_settime(fd, flags, to, before, site));
}
inline int timerfd_gettime(int fd, ::itimerspec* setting, CallSite site = CallSite::current()) {
  return detail_posix::as_libc(detail_posix::ambient().timerfd_gettime(fd, setting, site));
}
inline int signalfd(int fd, const ::sigset_t* mask, int flags, CallSite site = CallSite::current()) {
  return detail_posix::as_libc(detail_posix::ambient().signalfd(fd, mask, flags, site));
}

// -- sockets

inline int socket(int domain, int type, int protocol, CallSite site = CallSite::current()) {
  return detail_posix::as_libc(detail_posix::ambient().socket(domain, type, protocol, site));
}
inline int socketpair(int domain, int type, int protocol, int* fds, CallSite site = CallSite::current()) {
  return detail_posix::as_libc(detail_posix::ambient().socketpair(domain, type, protocol, fds, site));
}
inline int bind(int fd, const ::sockaddr* address, ::socklen_t n, CallSite site = CallSite::current()) {
  return detail_posix::as_libc(detail_posix::ambient().bind(fd, address, n, site));
}
inline int listen(int fd, int backlog, CallSite site = CallSite::current()) {
  return detail_posix::as_libc(detail_posix::ambient().listen(fd, backlog, site));
}
inline int accept4(int fd, ::sockaddr* address, ::socklen_t* n, int flags, CallSite site = CallSite::current()) {
  return detail_posix::as_libc(detail_posix::ambient().accept4(fd, address, n, flags, site));
}
inline int accept(int fd, ::sockaddr* address, ::socklen_t* n, CallSite site = CallSite::current()) {
  return posix::accept4(fd, address, n, 0, site);
}
inline int connect(int fd, const ::sockaddr* address, ::socklen_t n, CallSite site = CallSite::current()) {
  return detail_posix::as_libc(detail_posix::ambient().connect(fd, address, n, site));
}
inline int shutdown(int fd, int how, CallSite site = CallSite::current()) {
  return detail_posix::as_libc(detail_posix::ambient().shutdown(fd, how, site));
}
inline int getsockname(int fd, ::sockaddr* address, ::socklen_t* n, CallSite site = CallSite::current()) {
  return detail_posix::as_libc(detail_posix::ambient().getsockname(fd, address, n, site));
}
inline int getpeername(int fd, ::sockaddr* address, ::socklen_t* n, CallSite site = CallSite::current()) {
  return detail_posix::as_libc(detail_posix::ambient().getpeername(fd, address, n, site));
}
inline int getsockopt(int fd, int level, int name, void* value, ::socklen_t* n, CallSite site = CallSite::current()) {
  return detail_posix::as_libc(detail_posix::ambient().getsockopt(fd, level, name, value, n, site));
}
inline int setsockopt(int fd, int level, int name, const void* value, ::socklen_t n,
                      CallSite site = CallSite::current()) {
  return detail_posix::as_libc(detail_posix::ambient().setsockopt(fd, level, name, value, n, site));
}
inline ::ssize_t sendto(int fd, const void* data, std::size_t n, int flags, const ::sockaddr* to, ::socklen_t to_n,
                        CallSite site = CallSite::current()) {
  return detail_posix::as_libc(detail_posix::ambient().sendto(fd, data, n, flags, to, to_n, site));
}
inline ::ssize_t send(int fd, const void* data, std::size_t n, int flags, CallSite site = CallSite::current()) {
  return posix::sendto(fd, data, n, flags, nullptr, 0, site);
}
inline ::ssize_t recvfrom(int fd, void* data, std::size_t n, int flags, ::sockaddr* from, ::socklen_t* from_n,
                          CallSite site = CallSite::current()) {
  return detail_posix::as_libc(detail_posix::ambient().recvfrom(fd, data, n, flags, from, from_n, site));
}
inline ::ssize_t recv(int fd, void* data, std::size_t n, int flags, CallSite site = CallSite::current()) {
  return posix::recvfrom(fd, data, n, flags, nullptr, nullptr, site);
}
inline ::ssize_t sendmsg(int fd, const ::msghdr* message, int flags, CallSite site = CallSite::current()) {
  return detail_posix::as_libc(detail_posix::ambient().sendmsg(fd, message, flags, site));
}
inline ::ssize_t recvmsg(int fd, ::msghdr* message, int flags, CallSite site = CallSite::current()) {
  return detail_posix::as_libc(detail_posix::ambient().recvmsg(fd, message, flags, site));
}

// -- signals

inline int sigaction(int signal, const struct ::sigaction* to, struct ::sigaction* before,
                     CallSite site = CallSite::current()) {
  return detail_posix::as_libc(detail_posix::ambient().sigaction(signal, to, before, site));
}
inline int sigprocmask(int how, const ::sigset_t* set, ::sigset_t* before, CallSite site = CallSite::current()) {
  return detail_posix::as_libc(detail_posix::ambient().sigprocmask(how, set, before, site));
}
/// As sigprocmask, but returns the errno.
inline int pthread_sigmask(int how, const ::sigset_t* set, ::sigset_t* before, CallSite site = CallSite::current()) {
  return detail_posix::ambient().sigprocmask(how, set, before, site).error();
}
inline int sigpending(::sigset_t* set, CallSite site = CallSite::current()) {
  return detail_posix::as_libc(detail_posix::ambient().sigpending(set, site));
}
inline int kill(::pid_t pid, int signal, CallSite site = CallSite::current()) {
  return detail_posix::as_libc(detail_posix::ambient().kill(pid, signal, site));
}
inline int tgkill(::pid_t pid, ::pid_t tid, int signal, CallSite site = CallSite::current()) {
  return detail_posix::as_libc(detail_posix::ambient().tgkill(pid, tid, signal, site));
}
inline ::pid_t getpid(CallSite site = CallSite::current()) {
  return detail_posix::as_libc(detail_posix::ambient().getpid(site));
}
inline ::pid_t gettid(CallSite site = CallSite::current()) {
  return detail_posix::as_libc(detail_posix::ambient().gettid(site));
}
/// To the calling thread.
inline int raise(int signal, CallSite site = CallSite::current()) {
  return posix::tgkill(posix::getpid(site), posix::gettid(site), signal, site);
}

}  // namespace rouse::inline v0::posix
