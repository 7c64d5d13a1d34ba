// rouse::posix: the C library's calls on whichever kernel is installed (backend/ambient.hpp), else Linux: its names,
// its signatures, its errno. Code that speaks in raw calls runs on an emulated kernel by naming this namespace.
//
// Each is one call of the kernel: what section 2 of the manual says of it, holds. Blocking calls may throw what the
// emulated kernel throws (kernel::Deadlock, kernel::NotModelled, kernel::Killed); otherwise -1 and errno say what went
// wrong. As thread-safe as the installed kernel's host.
#pragma once

#include "backend/ambient.hpp"

#include <cerrno>
#include <cstdarg>
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

/// An Event is an epoll_event and nothing else (asserted in event.hpp).
inline Event* events(::epoll_event* raw) { return reinterpret_cast<Event*>(raw); }

}  // namespace detail_posix

// -- any fd

inline int close(int fd) { return detail_posix::as_libc(detail_posix::ambient().close(fd)); }
inline int dup(int fd) { return detail_posix::as_libc(detail_posix::ambient().dup(fd)); }
inline int dup2(int fd, int to) { return detail_posix::as_libc(detail_posix::ambient().dup2(fd, to)); }
inline int dup3(int fd, int to, int flags) {
  return detail_posix::as_libc(detail_posix::ambient().dup3(fd, to, flags));
}

/// The argument is an int or a pointer, as the command demands.
inline int fcntl(int fd, int command, ...) {
  std::va_list arguments;
  va_start(arguments, command);
  const long argument = va_arg(arguments, long);
  va_end(arguments);
  return detail_posix::as_libc(detail_posix::ambient().fcntl(fd, command, argument));
}
inline int ioctl(int fd, unsigned long request, ...) {
  std::va_list arguments;
  va_start(arguments, request);
  void* const argument = va_arg(arguments, void*);
  va_end(arguments);
  return detail_posix::as_libc(detail_posix::ambient().ioctl(fd, request, argument));
}

inline ::ssize_t read(int fd, void* buffer, std::size_t n) {
  return detail_posix::as_libc(detail_posix::ambient().read(fd, buffer, n));
}
inline ::ssize_t write(int fd, const void* buffer, std::size_t n) {
  return detail_posix::as_libc(detail_posix::ambient().write(fd, buffer, n));
}
inline ::ssize_t readv(int fd, const ::iovec* vectors, int n) {
  return detail_posix::as_libc(detail_posix::ambient().readv(fd, vectors, n));
}
inline ::ssize_t writev(int fd, const ::iovec* vectors, int n) {
  return detail_posix::as_libc(detail_posix::ambient().writev(fd, vectors, n));
}
inline ::ssize_t pread(int fd, void* buffer, std::size_t n, ::off_t offset) {
  return detail_posix::as_libc(detail_posix::ambient().pread(fd, buffer, n, offset));
}
inline ::ssize_t pwrite(int fd, const void* buffer, std::size_t n, ::off_t offset) {
  return detail_posix::as_libc(detail_posix::ambient().pwrite(fd, buffer, n, offset));
}
inline ::off_t lseek(int fd, ::off_t offset, int whence) {
  return detail_posix::as_libc(detail_posix::ambient().lseek(fd, offset, whence));
}

// -- paths, limits, the clock

/// A mode is not looked at: nothing is created.
inline int open(const char* path, int flags, ...) {
  return detail_posix::as_libc(detail_posix::ambient().open(path, flags));
}
inline int unlink(const char* path) { return detail_posix::as_libc(detail_posix::ambient().unlink(path)); }
inline int getrlimit(int resource, ::rlimit* limit) {
  return detail_posix::as_libc(detail_posix::ambient().getrlimit(resource, limit));
}
inline int setrlimit(int resource, const ::rlimit* limit) {
  return detail_posix::as_libc(detail_posix::ambient().setrlimit(resource, limit));
}
inline int clock_gettime(::clockid_t clock, ::timespec* time) {
  return detail_posix::as_libc(detail_posix::ambient().clock_gettime(clock, time));
}

/// Returns the errno.
inline int clock_nanosleep(::clockid_t clock, int flags, const ::timespec* span, ::timespec* left) {
  return detail_posix::ambient().clock_nanosleep(clock, flags, span, left).error();
}
inline int nanosleep(const ::timespec* span, ::timespec* left) {
  return detail_posix::as_libc(detail_posix::ambient().clock_nanosleep(CLOCK_REALTIME, 0, span, left));
}

// -- epoll

inline int epoll_create(int size) { return detail_posix::as_libc(detail_posix::ambient().epoll_create(size)); }
inline int epoll_create1(int flags) { return detail_posix::as_libc(detail_posix::ambient().epoll_create1(flags)); }
inline int epoll_ctl(int epfd, int operation, int fd, ::epoll_event* event) {
  return detail_posix::as_libc(detail_posix::ambient().epoll_ctl(epfd, operation, fd, detail_posix::events(event)));
}
inline int epoll_wait(int epfd, ::epoll_event* events, int n, int milliseconds) {
  return detail_posix::as_libc(detail_posix::ambient().epoll_wait(epfd, detail_posix::events(events), n, milliseconds));
}
inline int epoll_pwait(int epfd, ::epoll_event* events, int n, int milliseconds, const ::sigset_t* mask) {
  return detail_posix::as_libc(
      detail_posix::ambient().epoll_pwait(epfd, detail_posix::events(events), n, milliseconds, mask));
}
inline int epoll_pwait2(int epfd, ::epoll_event* events, int n, const ::timespec* timeout, const ::sigset_t* mask) {
  return detail_posix::as_libc(
      detail_posix::ambient().epoll_pwait2(epfd, detail_posix::events(events), n, timeout, mask));
}

// -- poll and select

inline int poll(::pollfd* fds, ::nfds_t n, int milliseconds) {
  return detail_posix::as_libc(detail_posix::ambient().poll(fds, n, milliseconds));
}
inline int ppoll(::pollfd* fds, ::nfds_t n, const ::timespec* timeout, const ::sigset_t* mask) {
  return detail_posix::as_libc(detail_posix::ambient().ppoll(fds, n, timeout, mask));
}
inline int select(int n, ::fd_set* read, ::fd_set* write, ::fd_set* except, ::timeval* timeout) {
  return detail_posix::as_libc(detail_posix::ambient().select(n, read, write, except, timeout));
}
inline int pselect(int n, ::fd_set* read, ::fd_set* write, ::fd_set* except, const ::timespec* timeout,
                   const ::sigset_t* mask) {
  return detail_posix::as_libc(detail_posix::ambient().pselect(n, read, write, except, timeout, mask));
}

// -- eventfd, pipe

inline int eventfd(unsigned initial, int flags) {
  return detail_posix::as_libc(detail_posix::ambient().eventfd(initial, flags));
}
inline int eventfd_read(int fd, ::eventfd_t* value) {
  return posix::read(fd, value, sizeof *value) == sizeof *value ? 0 : -1;
}
inline int eventfd_write(int fd, ::eventfd_t value) {
  return posix::write(fd, &value, sizeof value) == sizeof value ? 0 : -1;
}
inline int pipe2(int* fds, int flags) { return detail_posix::as_libc(detail_posix::ambient().pipe2(fds, flags)); }
inline int pipe(int* fds) { return posix::pipe2(fds, 0); }

// -- timerfd, signalfd

inline int timerfd_create(::clockid_t clock, int flags) {
  return detail_posix::as_libc(detail_posix::ambient().timerfd_create(clock, flags));
}
inline int timerfd_settime(int fd, int flags, const ::itimerspec* to, ::itimerspec* before) {
  return detail_posix::as_libc(detail_posix::ambient().timerfd_settime(fd, flags, to, before));
}
inline int timerfd_gettime(int fd, ::itimerspec* setting) {
  return detail_posix::as_libc(detail_posix::ambient().timerfd_gettime(fd, setting));
}
inline int signalfd(int fd, const ::sigset_t* mask, int flags) {
  return detail_posix::as_libc(detail_posix::ambient().signalfd(fd, mask, flags));
}

// -- sockets

inline int socket(int domain, int type, int protocol) {
  return detail_posix::as_libc(detail_posix::ambient().socket(domain, type, protocol));
}
inline int socketpair(int domain, int type, int protocol, int* fds) {
  return detail_posix::as_libc(detail_posix::ambient().socketpair(domain, type, protocol, fds));
}
inline int bind(int fd, const ::sockaddr* address, ::socklen_t n) {
  return detail_posix::as_libc(detail_posix::ambient().bind(fd, address, n));
}
inline int listen(int fd, int backlog) { return detail_posix::as_libc(detail_posix::ambient().listen(fd, backlog)); }
inline int accept4(int fd, ::sockaddr* address, ::socklen_t* n, int flags) {
  return detail_posix::as_libc(detail_posix::ambient().accept4(fd, address, n, flags));
}
inline int accept(int fd, ::sockaddr* address, ::socklen_t* n) { return posix::accept4(fd, address, n, 0); }
inline int connect(int fd, const ::sockaddr* address, ::socklen_t n) {
  return detail_posix::as_libc(detail_posix::ambient().connect(fd, address, n));
}
inline int shutdown(int fd, int how) { return detail_posix::as_libc(detail_posix::ambient().shutdown(fd, how)); }
inline int getsockname(int fd, ::sockaddr* address, ::socklen_t* n) {
  return detail_posix::as_libc(detail_posix::ambient().getsockname(fd, address, n));
}
inline int getpeername(int fd, ::sockaddr* address, ::socklen_t* n) {
  return detail_posix::as_libc(detail_posix::ambient().getpeername(fd, address, n));
}
inline int getsockopt(int fd, int level, int name, void* value, ::socklen_t* n) {
  return detail_posix::as_libc(detail_posix::ambient().getsockopt(fd, level, name, value, n));
}
inline int setsockopt(int fd, int level, int name, const void* value, ::socklen_t n) {
  return detail_posix::as_libc(detail_posix::ambient().setsockopt(fd, level, name, value, n));
}
inline ::ssize_t sendto(int fd, const void* data, std::size_t n, int flags, const ::sockaddr* to, ::socklen_t to_n) {
  return detail_posix::as_libc(detail_posix::ambient().sendto(fd, data, n, flags, to, to_n));
}
inline ::ssize_t send(int fd, const void* data, std::size_t n, int flags) {
  return posix::sendto(fd, data, n, flags, nullptr, 0);
}
inline ::ssize_t recvfrom(int fd, void* data, std::size_t n, int flags, ::sockaddr* from, ::socklen_t* from_n) {
  return detail_posix::as_libc(detail_posix::ambient().recvfrom(fd, data, n, flags, from, from_n));
}
inline ::ssize_t recv(int fd, void* data, std::size_t n, int flags) {
  return posix::recvfrom(fd, data, n, flags, nullptr, nullptr);
}
inline ::ssize_t sendmsg(int fd, const ::msghdr* message, int flags) {
  return detail_posix::as_libc(detail_posix::ambient().sendmsg(fd, message, flags));
}
inline ::ssize_t recvmsg(int fd, ::msghdr* message, int flags) {
  return detail_posix::as_libc(detail_posix::ambient().recvmsg(fd, message, flags));
}

// -- signals

inline int sigaction(int signal, const struct ::sigaction* to, struct ::sigaction* before) {
  return detail_posix::as_libc(detail_posix::ambient().sigaction(signal, to, before));
}
inline int sigprocmask(int how, const ::sigset_t* set, ::sigset_t* before) {
  return detail_posix::as_libc(detail_posix::ambient().sigprocmask(how, set, before));
}
/// As sigprocmask, but returns the errno.
inline int pthread_sigmask(int how, const ::sigset_t* set, ::sigset_t* before) {
  return detail_posix::ambient().sigprocmask(how, set, before).error();
}
inline int sigpending(::sigset_t* set) { return detail_posix::as_libc(detail_posix::ambient().sigpending(set)); }
inline int kill(::pid_t pid, int signal) { return detail_posix::as_libc(detail_posix::ambient().kill(pid, signal)); }
inline int tgkill(::pid_t pid, ::pid_t tid, int signal) {
  return detail_posix::as_libc(detail_posix::ambient().tgkill(pid, tid, signal));
}
inline ::pid_t getpid() { return detail_posix::as_libc(detail_posix::ambient().getpid()); }
inline ::pid_t gettid() { return detail_posix::as_libc(detail_posix::ambient().gettid()); }
/// To the calling thread.
inline int raise(int signal) { return posix::tgkill(posix::getpid(), posix::gettid(), signal); }

}  // namespace rouse::inline v0::posix
