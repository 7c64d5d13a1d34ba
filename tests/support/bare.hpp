// The calls that sanitizers look into on their way to Linux, without the C library in between. ThreadSanitizer takes
// closing an fd that another thread sleeps in for a race, and touches addresses that a case gives because they are bad.
#pragma once

#include "rouse/backend/emulated.hpp"
#include "rouse/backend/linux.hpp"

#include <sys/syscall.h>
#include <unistd.h>

namespace test {

/// LinuxBackend, with some of its calls made as bare syscalls.
struct BareLinux : rouse::LinuxBackend {
  rouse::SysResult<void> close(int fd) const { return rouse::SysResult<void>::from_libc(::syscall(SYS_close, fd)); }
  rouse::SysResult<int> dup2(int fd, int to) const {
    return rouse::SysResult<int>::from_libc(::syscall(SYS_dup3, fd, to, 0));
  }
  rouse::SysResult<int> poll(::pollfd* fds, ::nfds_t n, int milliseconds) const {
    ::timespec timeout{milliseconds / 1000, milliseconds % 1000 * 1'000'000};
    return rouse::SysResult<int>::from_libc(
        ::syscall(SYS_ppoll, fds, n, milliseconds < 0 ? nullptr : &timeout, nullptr, 0));
  }
  rouse::SysResult<int> ppoll(::pollfd* fds, ::nfds_t n, const ::timespec* timeout, const ::sigset_t* mask) const {
    ::timespec copy = timeout != nullptr ? *timeout : ::timespec{};
    return rouse::SysResult<int>::from_libc(
        ::syscall(SYS_ppoll, fds, n, timeout != nullptr ? &copy : nullptr, mask, sigset_bytes));
  }
  rouse::SysResult<int> select(int n, ::fd_set* read, ::fd_set* write, ::fd_set* except, ::timeval* timeout) const {
    return rouse::SysResult<int>::from_libc(::syscall(SYS_select, n, read, write, except, timeout));
  }
  rouse::SysResult<int> pselect(int n, ::fd_set* read, ::fd_set* write, ::fd_set* except, const ::timespec* timeout,
                                const ::sigset_t* mask) const {
    ::timespec copy = timeout != nullptr ? *timeout : ::timespec{};
    const struct {
      const ::sigset_t* mask;
      std::size_t bytes;
    } sixth{mask, sigset_bytes};
    return rouse::SysResult<int>::from_libc(
        ::syscall(SYS_pselect6, n, read, write, except, timeout != nullptr ? &copy : nullptr, &sixth));
  }
  rouse::SysResult<int> accept4(int fd, ::sockaddr* address, ::socklen_t* n, int flags) const {
    return rouse::SysResult<int>::from_libc(::syscall(SYS_accept4, fd, address, n, flags));
  }

 private:
  static constexpr std::size_t sigset_bytes = 8;  // As the kernel counts.
};

inline BareLinux bare(rouse::LinuxBackend) { return {}; }
/// The emulated kernel has nothing in between.
inline rouse::EmulatedBackend bare(rouse::EmulatedBackend backend) { return backend; }

}  // namespace test
