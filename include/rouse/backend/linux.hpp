// LinuxBackend: the real kernel, one syscall per function, no policy. Empty, so that it adds nothing to a handle.
#pragma once

#include "backend.hpp"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

namespace rouse::inline v0 {

/// The real kernel. Functions may be called from any thread, as the syscalls they stand for.
struct LinuxBackend {
  friend constexpr bool operator==(LinuxBackend, LinuxBackend) { return true; }

  // -- any fd
  SysResult<void> close(int fd) const noexcept { return SysResult<void>::from_libc(::close(fd)); }
  SysResult<int> dup(int fd) const noexcept { return SysResult<int>::from_libc(::dup(fd)); }
  SysResult<int> dup2(int fd, int to) const noexcept { return SysResult<int>::from_libc(::dup2(fd, to)); }
  SysResult<int> dup3(int fd, int to, int flags) const noexcept {
    return SysResult<int>::from_libc(::dup3(fd, to, flags));
  }
  SysResult<int> fcntl(int fd, int command, long argument = 0) const {
    return SysResult<int>::from_libc(::fcntl(fd, command, argument));
  }
  SysResult<int> ioctl(int fd, unsigned long request, void* argument) const {
    return SysResult<int>::from_libc(::ioctl(fd, request, argument));
  }
  SysResult<std::size_t> read(int fd, void* buffer, std::size_t n) const {
    return SysResult<std::size_t>::from_libc(::read(fd, buffer, n));
  }
  SysResult<std::size_t> write(int fd, const void* buffer, std::size_t n) const {
    return SysResult<std::size_t>::from_libc(::write(fd, buffer, n));
  }
  SysResult<std::size_t> readv(int fd, const ::iovec* vectors, int n) const {
    return SysResult<std::size_t>::from_libc(::readv(fd, vectors, n));
  }
  SysResult<std::size_t> writev(int fd, const ::iovec* vectors, int n) const {
    return SysResult<std::size_t>::from_libc(::writev(fd, vectors, n));
  }
  SysResult<std::size_t> pread(int fd, void* buffer, std::size_t n, std::int64_t offset) const {
    return SysResult<std::size_t>::from_libc(::pread(fd, buffer, n, static_cast<::off_t>(offset)));
  }
  SysResult<std::size_t> pwrite(int fd, const void* buffer, std::size_t n, std::int64_t offset) const {
    return SysResult<std::size_t>::from_libc(::pwrite(fd, buffer, n, static_cast<::off_t>(offset)));
  }
  SysResult<std::int64_t> lseek(int fd, std::int64_t offset, int whence) const noexcept {
    return SysResult<std::int64_t>::from_libc(::lseek(fd, static_cast<::off_t>(offset), whence));
  }

  // -- paths, limits, time, poll
  SysResult<int> open(const char* path, int flags) const { return SysResult<int>::from_libc(::open(path, flags)); }
  SysResult<void> unlink(const char* path) const noexcept { return SysResult<void>::from_libc(::unlink(path)); }
  SysResult<void> getrlimit(int resource, ::rlimit* limit) const noexcept {
    return SysResult<void>::from_libc(::getrlimit(static_cast<__rlimit_resource_t>(resource), limit));
  }
  SysResult<void> setrlimit(int resource, const ::rlimit* limit) const noexcept {
    return SysResult<void>::from_libc(::setrlimit(static_cast<__rlimit_resource_t>(resource), limit));
  }
  SysResult<void> clock_gettime(::clockid_t clock, ::timespec* time) const noexcept {
    return SysResult<void>::from_libc(::clock_gettime(clock, time));
  }
  SysResult<void> clock_nanosleep(::clockid_t clock, int flags, const ::timespec* span, ::timespec* left) const {
    const int error = ::clock_nanosleep(clock, flags, span, left);
    return error == 0 ? SysResult<void>{} : SysResult<void>::failure(error);
  }
  SysResult<int> poll(::pollfd* fds, ::nfds_t n, int milliseconds) const {
    return SysResult<int>::from_libc(::poll(fds, n, milliseconds));
  }
  SysResult<int> ppoll(::pollfd* fds, ::nfds_t n, const ::timespec* timeout, const ::sigset_t* mask) const {
    return SysResult<int>::from_libc(::ppoll(fds, n, timeout, mask));
  }
  SysResult<int> select(int n, ::fd_set* read, ::fd_set* write, ::fd_set* except, ::timeval* timeout) const {
    return SysResult<int>::from_libc(::select(n, read, write, except, timeout));
  }
  SysResult<int> pselect(int n, ::fd_set* read, ::fd_set* write, ::fd_set* except, const ::timespec* timeout,
                         const ::sigset_t* mask) const {
    return SysResult<int>::from_libc(::pselect(n, read, write, except, timeout, mask));
  }

  // -- signals
  SysResult<void> sigaction(int signal, const struct ::sigaction* to, struct ::sigaction* before) const noexcept {
    return SysResult<void>::from_libc(::sigaction(signal, to, before));
  }
  /// Of the calling thread: pthread_sigmask(3) makes the same syscall.
  SysResult<void> sigprocmask(int how, const ::sigset_t* set, ::sigset_t* before) const noexcept {
    return SysResult<void>::from_libc(::sigprocmask(how, set, before));
  }
  SysResult<void> sigpending(::sigset_t* set) const noexcept { return SysResult<void>::from_libc(::sigpending(set)); }
  SysResult<void> kill(int pid, int signal) const { return SysResult<void>::from_libc(::kill(pid, signal)); }
  SysResult<void> tgkill(int pid, int tid, int signal) const {
    return SysResult<void>::from_libc(::syscall(SYS_tgkill, pid, tid, signal));
  }
  SysResult<int> getpid() const noexcept { return ::getpid(); }
  SysResult<int> gettid() const noexcept { return static_cast<int>(::syscall(SYS_gettid)); }

  // -- epoll
  SysResult<int> epoll_create(int size) const noexcept { return SysResult<int>::from_libc(::epoll_create(size)); }
  SysResult<int> epoll_create1(int flags) const noexcept { return SysResult<int>::from_libc(::epoll_create1(flags)); }
  SysResult<void> epoll_ctl(int epfd, int operation, int fd, const Event* event) const noexcept {
    // The kernel only reads the event; the C library's signature has no const.
    return SysResult<void>::from_libc(::epoll_ctl(epfd, operation, fd, raw(const_cast<Event*>(event))));
  }
  SysResult<int> epoll_wait(int epfd, Event* events, int n, int milliseconds) const {
    return SysResult<int>::from_libc(::epoll_wait(epfd, raw(events), n, milliseconds));
  }
  SysResult<int> epoll_pwait(int epfd, Event* events, int n, int milliseconds, const ::sigset_t* mask) const {
    return SysResult<int>::from_libc(::epoll_pwait(epfd, raw(events), n, milliseconds, mask));
  }
  /// Linux 5.11; ENOSYS before.
  SysResult<int> epoll_pwait2(int epfd, Event* events, int n, const ::timespec* timeout, const ::sigset_t* mask) const {
#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 35)
    return SysResult<int>::from_libc(::epoll_pwait2(epfd, raw(events), n, timeout, mask));
#else
    constexpr long number = 441;  // The same on every architecture.
    constexpr std::size_t kernel_sigset_bytes = 8;
    std::int64_t kernel_timespec[2] = {};
    if (timeout != nullptr) {
      kernel_timespec[0] = timeout->tv_sec;
      kernel_timespec[1] = timeout->tv_nsec;
    }
    return SysResult<int>::from_libc(::syscall(
        number, epfd, raw(events), n, timeout != nullptr ? kernel_timespec : nullptr, mask, kernel_sigset_bytes));
#endif
  }

  // -- eventfd, pipe
  SysResult<int> eventfd(unsigned initial, int flags) const noexcept {
    return SysResult<int>::from_libc(::eventfd(initial, flags));
  }
  SysResult<void> pipe2(int* fds, int flags) const noexcept { return SysResult<void>::from_libc(::pipe2(fds, flags)); }

  // -- timerfd, signalfd
  SysResult<int> timerfd_create(::clockid_t clock, int flags) const noexcept {
    return SysResult<int>::from_libc(::timerfd_create(clock, flags));
  }
  SysResult<void> timerfd_settime(int fd, int flags, const ::itimerspec* to, ::itimerspec* before) const noexcept {
    return SysResult<void>::from_libc(::timerfd_settime(fd, flags, to, before));
  }
  SysResult<void> timerfd_gettime(int fd, ::itimerspec* setting) const noexcept {
    return SysResult<void>::from_libc(::timerfd_gettime(fd, setting));
  }
  SysResult<int> signalfd(int fd, const ::sigset_t* mask, int flags) const noexcept {
    // The C library's signalfd may not be given a null pointer, which the kernel has an answer to.
    constexpr std::size_t kernel_sigset_bytes = 8;
    return SysResult<int>::from_libc(::syscall(SYS_signalfd4, fd, mask, kernel_sigset_bytes, flags));
  }

  // -- sockets
  SysResult<int> socket(int domain, int type, int protocol) const noexcept {
    return SysResult<int>::from_libc(::socket(domain, type, protocol));
  }
  SysResult<void> socketpair(int domain, int type, int protocol, int* fds) const noexcept {
    return SysResult<void>::from_libc(::socketpair(domain, type, protocol, fds));
  }
  SysResult<void> bind(int fd, const ::sockaddr* address, ::socklen_t n) const noexcept {
    return SysResult<void>::from_libc(::bind(fd, address, n));
  }
  SysResult<void> listen(int fd, int backlog) const noexcept {
    return SysResult<void>::from_libc(::listen(fd, backlog));
  }
  SysResult<int> accept4(int fd, ::sockaddr* address, ::socklen_t* n, int flags) const {
    return SysResult<int>::from_libc(::accept4(fd, address, n, flags));
  }
  SysResult<void> connect(int fd, const ::sockaddr* address, ::socklen_t n) const {
    return SysResult<void>::from_libc(::connect(fd, address, n));
  }
  SysResult<void> shutdown(int fd, int how) const noexcept { return SysResult<void>::from_libc(::shutdown(fd, how)); }
  SysResult<void> getsockname(int fd, ::sockaddr* address, ::socklen_t* n) const noexcept {
    return SysResult<void>::from_libc(::getsockname(fd, address, n));
  }
  SysResult<void> getpeername(int fd, ::sockaddr* address, ::socklen_t* n) const noexcept {
    return SysResult<void>::from_libc(::getpeername(fd, address, n));
  }
  SysResult<void> getsockopt(int fd, int level, int name, void* value, ::socklen_t* n) const noexcept {
    return SysResult<void>::from_libc(::getsockopt(fd, level, name, value, n));
  }
  SysResult<void> setsockopt(int fd, int level, int name, const void* value, ::socklen_t n) const noexcept {
    return SysResult<void>::from_libc(::setsockopt(fd, level, name, value, n));
  }
  SysResult<std::size_t> sendto(int fd, const void* data, std::size_t size, int flags, const ::sockaddr* to,
                                ::socklen_t to_size) const {
    return SysResult<std::size_t>::from_libc(::sendto(fd, data, size, flags, to, to_size));
  }
  SysResult<std::size_t> recvfrom(int fd, void* data, std::size_t size, int flags, ::sockaddr* from,
                                  ::socklen_t* from_size) const {
    return SysResult<std::size_t>::from_libc(::recvfrom(fd, data, size, flags, from, from_size));
  }
  SysResult<std::size_t> sendmsg(int fd, const ::msghdr* message, int flags) const {
    return SysResult<std::size_t>::from_libc(::sendmsg(fd, message, flags));
  }
  SysResult<std::size_t> recvmsg(int fd, ::msghdr* message, int flags) const {
    return SysResult<std::size_t>::from_libc(::recvmsg(fd, message, flags));
  }

 private:
  // An Event is an epoll_event and nothing else (asserted in event.hpp).
  static ::epoll_event* raw(Event* events) noexcept { return reinterpret_cast<::epoll_event*>(events); }
};

static_assert(CompleteBackend<LinuxBackend>);

}  // namespace rouse::inline v0
