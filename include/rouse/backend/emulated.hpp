// EmulatedBackend: an emulated kernel, named by a pointer. Each function is one call of kernel/syscalls.hpp.
#pragma once

#include "../kernel/syscalls.hpp"
#include "backend.hpp"

#include <mutex>
#include <string_view>

namespace rouse::inline v0 {

/// The calls of a Kernel, which outlives every handle over it. As thread-safe as the kernel's host makes it.
class EmulatedBackend {
 public:
  explicit EmulatedBackend(kernel::Kernel& kernel) : kernel_(&kernel) {}

  [[nodiscard]] kernel::Kernel& kernel() const { return *kernel_; }

  friend bool operator==(EmulatedBackend, EmulatedBackend) = default;

  /// What kind of file an fd is, as messages call it (`eventfd`); empty if it is not open. No call: nothing is
  /// scheduled.
  [[nodiscard]] friend std::string_view kind_of(EmulatedBackend backend, int fd) {
    const detail::Hidden hidden_from_tsan;
    const std::lock_guard lock{backend.kernel_->host()};
    const kernel::File* const file = backend.kernel_->file(fd);
    return file != nullptr ? file->kind().name : std::string_view{};
  }

  // -- any fd
  SysResult<void> close(int fd) const { return kernel::sys::close(*kernel_, fd); }
  SysResult<int> dup(int fd) const { return kernel::sys::dup(*kernel_, fd); }
  SysResult<int> dup2(int fd, int to) const { return kernel::sys::dup2(*kernel_, fd, to); }
  SysResult<int> dup3(int fd, int to, int flags) const { return kernel::sys::dup3(*kernel_, fd, to, flags); }
  SysResult<int> fcntl(int fd, int command, long argument = 0) const {
    return kernel::sys::fcntl(*kernel_, fd, command, argument);
  }
  SysResult<int> ioctl(int fd, unsigned long request, void* argument) const {
    return kernel::sys::ioctl(*kernel_, fd, request, argument);
  }
  SysResult<std::size_t> read(int fd, void* buffer, std::size_t n) const {
    return kernel::sys::read(*kernel_, fd, buffer, n);
  }
  SysResult<std::size_t> write(int fd, const void* buffer, std::size_t n) const {
    return kernel::sys::write(*kernel_, fd, buffer, n);
  }
  SysResult<std::size_t> readv(int fd, const ::iovec* vectors, int n) const {
    return kernel::sys::readv(*kernel_, fd, vectors, n);
  }
  SysResult<std::size_t> writev(int fd, const ::iovec* vectors, int n) const {
    return kernel::sys::writev(*kernel_, fd, vectors, n);
  }
  SysResult<std::size_t> pread(int fd, void* buffer, std::size_t n, std::int64_t offset) const {
    return kernel::sys::pread(*kernel_, fd, buffer, n, offset);
  }
  SysResult<std::size_t> pwrite(int fd, const void* buffer, std::size_t n, std::int64_t offset) const {
    return kernel::sys::pwrite(*kernel_, fd, buffer, n, offset);
  }
  SysResult<std::int64_t> lseek(int fd, std::int64_t offset, int whence) const {
    return kernel::sys::lseek(*kernel_, fd, offset, whence);
  }

  // -- paths, limits, time, poll
  SysResult<int> open(const char* path, int flags) const { return kernel::sys::open(*kernel_, path, flags); }
  SysResult<void> unlink(const char* path) const { return kernel::sys::unlink(*kernel_, path); }
  SysResult<void> getrlimit(int resource, ::rlimit* limit) const {
    return kernel::sys::getrlimit(*kernel_, resource, limit);
  }
  SysResult<void> setrlimit(int resource, const ::rlimit* limit) const {
    return kernel::sys::setrlimit(*kernel_, resource, limit);
  }
  SysResult<void> clock_gettime(::clockid_t clock, ::timespec* time) const {
    return kernel::sys::clock_gettime(*kernel_, clock, time);
  }
  SysResult<void> clock_nanosleep(::clockid_t clock, int flags, const ::timespec* span, ::timespec* left) const {
    return kernel::sys::clock_nanosleep(*kernel_, clock, flags, span, left);
  }
  SysResult<int> poll(::pollfd* fds, ::nfds_t n, int milliseconds) const {
    return kernel::sys::poll(*kernel_, fds, n, milliseconds);
  }
  SysResult<int> ppoll(::pollfd* fds, ::nfds_t n, const ::timespec* timeout, const ::sigset_t* mask) const {
    return kernel::sys::ppoll(*kernel_, fds, n, timeout, mask);
  }
  SysResult<int> select(int n, ::fd_set* read, ::fd_set* write, ::fd_set* except, ::timeval* timeout) const {
    return kernel::sys::select(*kernel_, n, read, write, except, timeout);
  }
  SysResult<int> pselect(int n, ::fd_set* read, ::fd_set* write, ::fd_set* except, const ::timespec* timeout,
                         const ::sigset_t* mask) const {
    return kernel::sys::pselect(*kernel_, n, read, write, except, timeout, mask);
  }

  // -- signals
  SysResult<void> sigaction(int signal, const struct ::sigaction* to, struct ::sigaction* before) const {
    return kernel::sys::sigaction(*kernel_, signal, to, before);
  }
  SysResult<void> sigprocmask(int how, const ::sigset_t* set, ::sigset_t* before) const {
    return kernel::sys::sigprocmask(*kernel_, how, set, before);
  }
  SysResult<void> sigpending(::sigset_t* set) const { return kernel::sys::sigpending(*kernel_, set); }
  SysResult<void> kill(int pid, int signal) const { return kernel::sys::kill(*kernel_, pid, signal); }
  SysResult<void> tgkill(int pid, int tid, int signal) const { return kernel::sys::tgkill(*kernel_, pid, tid, signal); }
  SysResult<int> getpid() const { return kernel::sys::getpid(*kernel_); }
  SysResult<int> gettid() const { return kernel::sys::gettid(*kernel_); }

  // -- epoll
  SysResult<int> epoll_create(int size) const { return kernel::sys::epoll_create(*kernel_, size); }
  SysResult<int> epoll_create1(int flags) const { return kernel::sys::epoll_create1(*kernel_, flags); }
  SysResult<void> epoll_ctl(int epfd, int operation, int fd, const Event* event) const {
    return kernel::sys::epoll_ctl(*kernel_, epfd, operation, fd, event);
  }
  SysResult<int> epoll_wait(int epfd, Event* events, int n, int milliseconds) const {
    return kernel::sys::epoll_wait(*kernel_, epfd, events, n, milliseconds);
  }
  SysResult<int> epoll_pwait(int epfd, Event* events, int n, int milliseconds, const ::sigset_t* mask) const {
    return kernel::sys::epoll_pwait(*kernel_, epfd, events, n, milliseconds, mask);
  }
  SysResult<int> epoll_pwait2(int epfd, Event* events, int n, const ::timespec* timeout, const ::sigset_t* mask) const {
    return kernel::sys::epoll_pwait2(*kernel_, epfd, events, n, timeout, mask);
  }

  // -- eventfd, pipe
  SysResult<int> eventfd(unsigned initial, int flags) const { return kernel::sys::eventfd(*kernel_, initial, flags); }
  SysResult<void> pipe2(int* fds, int flags) const { return kernel::sys::pipe2(*kernel_, fds, flags); }

  // -- timerfd, signalfd
  SysResult<int> timerfd_create(::clockid_t clock, int flags) const {
    return kernel::sys::timerfd_create(*kernel_, clock, flags);
  }
  SysResult<void> timerfd_settime(int fd, int flags, const ::itimerspec* to, ::itimerspec* before) const {
    return kernel::sys::timerfd_settime(*kernel_, fd, flags, to, before);
  }
  SysResult<void> timerfd_gettime(int fd, ::itimerspec* setting) const {
    return kernel::sys::timerfd_gettime(*kernel_, fd, setting);
  }
  SysResult<int> signalfd(int fd, const ::sigset_t* mask, int flags) const {
    return kernel::sys::signalfd(*kernel_, fd, mask, flags);
  }

  // -- sockets
  SysResult<int> socket(int domain, int type, int protocol) const {
    return kernel::sys::socket(*kernel_, domain, type, protocol);
  }
  SysResult<void> socketpair(int domain, int type, int protocol, int* fds) const {
    return kernel::sys::socketpair(*kernel_, domain, type, protocol, fds);
  }
  SysResult<void> bind(int fd, const ::sockaddr* address, ::socklen_t n) const {
    return kernel::sys::bind(*kernel_, fd, address, n);
  }
  SysResult<void> listen(int fd, int backlog) const { return kernel::sys::listen(*kernel_, fd, backlog); }
  SysResult<int> accept4(int fd, ::sockaddr* address, ::socklen_t* n, int flags) const {
    return kernel::sys::accept4(*kernel_, fd, address, n, flags);
  }
  SysResult<void> connect(int fd, const ::sockaddr* address, ::socklen_t n) const {
    return kernel::sys::connect(*kernel_, fd, address, n);
  }
  SysResult<void> shutdown(int fd, int how) const { return kernel::sys::shutdown(*kernel_, fd, how); }
  SysResult<void> getsockname(int fd, ::sockaddr* address, ::socklen_t* n) const {
    return kernel::sys::getsockname(*kernel_, fd, address, n);
  }
  SysResult<void> getpeername(int fd, ::sockaddr* address, ::socklen_t* n) const {
    return kernel::sys::getpeername(*kernel_, fd, address, n);
  }
  SysResult<void> getsockopt(int fd, int level, int name, void* value, ::socklen_t* n) const {
    return kernel::sys::getsockopt(*kernel_, fd, level, name, value, n);
  }
  SysResult<void> setsockopt(int fd, int level, int name, const void* value, ::socklen_t n) const {
    return kernel::sys::setsockopt(*kernel_, fd, level, name, value, n);
  }
  SysResult<std::size_t> sendto(int fd, const void* data, std::size_t size, int flags, const ::sockaddr* to,
                                ::socklen_t to_size) const {
    return kernel::sys::sendto(*kernel_, fd, data, size, flags, to, to_size);
  }
  SysResult<std::size_t> recvfrom(int fd, void* data, std::size_t size, int flags, ::sockaddr* from,
                                  ::socklen_t* from_size) const {
    return kernel::sys::recvfrom(*kernel_, fd, data, size, flags, from, from_size);
  }
  SysResult<std::size_t> sendmsg(int fd, const ::msghdr* message, int flags) const {
    return kernel::sys::sendmsg(*kernel_, fd, message, flags);
  }
  SysResult<std::size_t> recvmsg(int fd, ::msghdr* message, int flags) const {
    return kernel::sys::recvmsg(*kernel_, fd, message, flags);
  }

 private:
  kernel::Kernel* kernel_;
};

static_assert(CompleteBackend<EmulatedBackend>);

}  // namespace rouse::inline v0
