// SyscallBackend: LinuxBackend, but past the C library: sanitizers watch its functions, and look at the memory that a
// call is given, be it a bad pointer that the kernel would refuse.
#pragma once

#include "../support/bad_pointers.hpp"
#include "rouse/backend/linux.hpp"

#include <type_traits>

namespace differential {

class SyscallBackend {
  template <class T>
  using SysResult = rouse::SysResult<T>;

 public:
  SysResult<void> close(int fd) const { return call<void>(SYS_close, fd); }
  SysResult<int> dup(int fd) const { return call<int>(SYS_dup, fd); }
  SysResult<int> dup2(int fd, int to) const {
    // Not every architecture has dup2; with two fds that differ, dup3 is the same.
    return fd == to ? rouse::LinuxBackend{}.dup2(fd, to) : call<int>(SYS_dup3, fd, to, 0);
  }
  SysResult<int> dup3(int fd, int to, int flags) const { return call<int>(SYS_dup3, fd, to, flags); }
  SysResult<int> fcntl(int fd, int command, long argument) const { return call<int>(SYS_fcntl, fd, command, argument); }
  SysResult<int> ioctl(int fd, unsigned long request, void* argument) const {
    return call<int>(SYS_ioctl, fd, request, argument);
  }
  SysResult<std::size_t> read(int fd, void* buffer, std::size_t n) const {
    return call<std::size_t>(SYS_read, fd, buffer, n);
  }
  SysResult<std::size_t> write(int fd, const void* buffer, std::size_t n) const {
    return call<std::size_t>(SYS_write, fd, buffer, n);
  }
  SysResult<std::size_t> readv(int fd, const ::iovec* vectors, int n) const {
    return call<std::size_t>(SYS_readv, fd, vectors, n);
  }
  SysResult<std::size_t> writev(int fd, const ::iovec* vectors, int n) const {
    return call<std::size_t>(SYS_writev, fd, vectors, n);
  }
  SysResult<std::size_t> pread(int fd, void* buffer, std::size_t n, std::int64_t offset) const {
    return call<std::size_t>(SYS_pread64, fd, buffer, n, offset);
  }
  SysResult<std::size_t> pwrite(int fd, const void* buffer, std::size_t n, std::int64_t offset) const {
    return call<std::size_t>(SYS_pwrite64, fd, buffer, n, offset);
  }
  SysResult<std::int64_t> lseek(int fd, std::int64_t offset, int whence) const {
    return call<std::int64_t>(SYS_lseek, fd, offset, whence);
  }
  SysResult<int> open(const char* path, int flags) const { return call<int>(SYS_openat, AT_FDCWD, path, flags); }
  SysResult<void> unlink(const char* path) const { return call<void>(SYS_unlinkat, AT_FDCWD, path, 0); }
  SysResult<void> getrlimit(int resource, ::rlimit* limit) const {
    return call<void>(SYS_prlimit64, 0, resource, nullptr, limit);
  }
  SysResult<void> setrlimit(int resource, const ::rlimit* limit) const {
    return call<void>(SYS_prlimit64, 0, resource, limit, nullptr);
  }
  SysResult<int> poll(::pollfd* fds, ::nfds_t n, int milliseconds) const {
    ::timespec time{milliseconds / 1000, milliseconds % 1000 * 1'000'000L};
    return call<int>(SYS_ppoll, fds, n, milliseconds < 0 ? nullptr : &time, nullptr, std::size_t{8});
  }
  SysResult<int> epoll_create(int size) const {
    return size > 0 ? call<int>(SYS_epoll_create1, 0) : SysResult<int>::failure(EINVAL);
  }
  SysResult<int> epoll_create1(int flags) const { return call<int>(SYS_epoll_create1, flags); }
  SysResult<void> epoll_ctl(int epfd, int operation, int fd, const rouse::Event* event) const {
    return call<void>(SYS_epoll_ctl, epfd, operation, fd, event);
  }
  SysResult<int> epoll_wait(int epfd, rouse::Event* events, int n, int milliseconds) const {
    return call<int>(SYS_epoll_pwait, epfd, events, n, milliseconds, nullptr, std::size_t{8});
  }
  SysResult<int> epoll_pwait(int epfd, rouse::Event* events, int n, int milliseconds, const ::sigset_t* mask) const {
    return call<int>(SYS_epoll_pwait, epfd, events, n, milliseconds, mask, std::size_t{8});
  }
  SysResult<int> epoll_pwait2(int epfd, rouse::Event* events, int n, const ::timespec* timeout,
                              const ::sigset_t* mask) const {
    constexpr long number = 441;  // As in LinuxBackend.
    return call<int>(number, epfd, events, n, timeout, mask, std::size_t{8});
  }
  SysResult<int> eventfd(unsigned initial, int flags) const { return call<int>(SYS_eventfd2, initial, flags); }
  SysResult<void> pipe2(int* fds, int flags) const { return call<void>(SYS_pipe2, fds, flags); }
  SysResult<int> timerfd_create(::clockid_t clock, int flags) const {
    return call<int>(SYS_timerfd_create, clock, flags);
  }
  SysResult<void> timerfd_settime(int fd, int flags, const ::itimerspec* to, ::itimerspec* before) const {
    return call<void>(SYS_timerfd_settime, fd, flags, to, before);
  }
  SysResult<void> timerfd_gettime(int fd, ::itimerspec* setting) const {
    return call<void>(SYS_timerfd_gettime, fd, setting);
  }
  SysResult<int> signalfd(int fd, const ::sigset_t* mask, int flags) const {
    return call<int>(SYS_signalfd4, fd, mask, std::size_t{8}, flags);
  }
  SysResult<int> socket(int domain, int type, int protocol) const {
    return call<int>(SYS_socket, domain, type, protocol);
  }
  SysResult<void> socketpair(int domain, int type, int protocol, int* fds) const {
    return call<void>(SYS_socketpair, domain, type, protocol, fds);
  }
  SysResult<void> bind(int fd, const ::sockaddr* address, ::socklen_t n) const {
    return call<void>(SYS_bind, fd, address, n);
  }
  SysResult<void> listen(int fd, int backlog) const { return call<void>(SYS_listen, fd, backlog); }
  SysResult<int> accept4(int fd, ::sockaddr* address, ::socklen_t* n, int flags) const {
    return call<int>(SYS_accept4, fd, address, n, flags);
  }
  SysResult<void> connect(int fd, const ::sockaddr* address, ::socklen_t n) const {
    return call<void>(SYS_connect, fd, address, n);
  }
  SysResult<void> shutdown(int fd, int how) const { return call<void>(SYS_shutdown, fd, how); }
  SysResult<void> getsockname(int fd, ::sockaddr* address, ::socklen_t* n) const {
    return call<void>(SYS_getsockname, fd, address, n);
  }
  SysResult<void> getpeername(int fd, ::sockaddr* address, ::socklen_t* n) const {
    return call<void>(SYS_getpeername, fd, address, n);
  }
  SysResult<void> getsockopt(int fd, int level, int name, void* value, ::socklen_t* n) const {
    return call<void>(SYS_getsockopt, fd, level, name, value, n);
  }
  SysResult<void> setsockopt(int fd, int level, int name, const void* value, ::socklen_t n) const {
    return call<void>(SYS_setsockopt, fd, level, name, value, n);
  }
  SysResult<std::size_t> sendto(int fd, const void* data, std::size_t size, int flags, const ::sockaddr* to,
                                ::socklen_t to_size) const {
    return call<std::size_t>(SYS_sendto, fd, data, size, flags, to, to_size);
  }
  SysResult<std::size_t> recvfrom(int fd, void* data, std::size_t size, int flags, ::sockaddr* from,
                                  ::socklen_t* from_size) const {
    return call<std::size_t>(SYS_recvfrom, fd, data, size, flags, from, from_size);
  }

  SysResult<std::size_t> sendmsg(int fd, const ::msghdr* message, int flags) const {
    return call<std::size_t>(SYS_sendmsg, fd, message, flags);
  }
  SysResult<std::size_t> recvmsg(int fd, ::msghdr* message, int flags) const {
    return call<std::size_t>(SYS_recvmsg, fd, message, flags);
  }
  SysResult<int> ppoll(::pollfd* fds, ::nfds_t n, const ::timespec* timeout, const ::sigset_t* mask) const {
    // The kernel says what is left of the time; the C library keeps that to itself.
    ::timespec left{};
    const bool is_good = timeout != nullptr && reinterpret_cast<std::uintptr_t>(timeout) > 4096 &&
                         reinterpret_cast<std::uintptr_t>(timeout) >> 63 == 0;
    if (is_good) left = *timeout;
    return call<int>(SYS_ppoll, fds, n, is_good ? &left : timeout, mask, std::size_t{8});
  }
  SysResult<int> select(int n, ::fd_set* read, ::fd_set* write, ::fd_set* except, ::timeval* timeout) const {
    return call<int>(SYS_select, n, read, write, except, timeout);
  }
  SysResult<int> pselect(int n, ::fd_set* read, ::fd_set* write, ::fd_set* except, const ::timespec* timeout,
                         const ::sigset_t* mask) const {
    ::timespec left{};
    const bool is_good = timeout != nullptr && reinterpret_cast<std::uintptr_t>(timeout) > 4096 &&
                         reinterpret_cast<std::uintptr_t>(timeout) >> 63 == 0;
    if (is_good) left = *timeout;
    struct {
      const ::sigset_t* mask;
      std::size_t size;
    } const with_size{mask, 8};
    return call<int>(SYS_pselect6, n, read, write, except, is_good ? &left : timeout, &with_size);
  }
  SysResult<void> sigaction(int signal, const struct ::sigaction* to, struct ::sigaction* before) const {
    return rouse::LinuxBackend{}.sigaction(signal, to, before);
  }
  SysResult<void> sigprocmask(int how, const ::sigset_t* set, ::sigset_t* before) const {
    return call<void>(SYS_rt_sigprocmask, how, set, before, std::size_t{8});
  }
  SysResult<void> sigpending(::sigset_t* set) const { return call<void>(SYS_rt_sigpending, set, std::size_t{8}); }
  SysResult<void> kill(int pid, int signal) const { return call<void>(SYS_kill, pid, signal); }
  SysResult<void> tgkill(int pid, int tid, int signal) const { return call<void>(SYS_tgkill, pid, tid, signal); }
  SysResult<int> getpid() const { return call<int>(SYS_getpid); }
  SysResult<int> gettid() const { return call<int>(SYS_gettid); }

 private:
  template <class T, class... Args>
  static SysResult<T> call(long number, Args... args) {
    return SysResult<T>::from_libc(::syscall(number, args...));
  }
};

/// The Linux of scripts.
using Linux = std::conditional_t<test::buffers_are_watched, SyscallBackend, rouse::LinuxBackend>;

}  // namespace differential
