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
  static constexpr bool notes_call_sites = true;

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
  SysResult<void> close(int fd, CallSite site = CallSite::current()) const {
    return kernel::sys::close(kernel_at(site), fd);
  }
  SysResult<int> dup(int fd, CallSite site = CallSite::current()) const {
    return kernel::sys::dup(kernel_at(site), fd);
  }
  SysResult<int> dup2(int fd, int to, CallSite site = CallSite::current()) const {
    return kernel::sys::dup2(kernel_at(site), fd, to);
  }
  SysResult<int> dup3(int fd, int to, int flags, CallSite site = CallSite::current()) const {
    return kernel::sys::dup3(kernel_at(site), fd, to, flags);
  }
  SysResult<int> fcntl(int fd, int command, long argument = 0, CallSite site = CallSite::current()) const {
    return kernel::sys::fcntl(kernel_at(site), fd, command, argument);
  }
  SysResult<int> ioctl(int fd, unsigned long request, void* argument, CallSite site = CallSite::current()) const {
    return kernel::sys::ioctl(kernel_at(site), fd, request, argument);
  }
  [[gnu::always_inline]] SysResult<std::size_t> read(int fd, void* buffer, std::size_t n,
                                                     CallSite site = CallSite::current()) const {
    return kernel::sys::read(kernel_at(site), fd, buffer, n);
  }
  [[gnu::always_inline]] SysResult<std::size_t> write(int fd, const void* buffer, std::size_t n,
                                                      CallSite site = CallSite::current()) const {
    return kernel::sys::write(kernel_at(site), fd, buffer, n);
  }
  SysResult<std::size_t> readv(int fd, const ::iovec* vectors, int n, CallSite site = CallSite::current()) const {
    return kernel::sys::readv(kernel_at(site), fd, vectors, n);
  }
  SysResult<std::size_t> writev(int fd, const ::iovec* vectors, int n, CallSite site = CallSite::current()) const {
    return kernel::sys::writev(kernel_at(site), fd, vectors, n);
  }
  SysResult<std::size_t> pread(int fd, void* buffer, std::size_t n, std::int64_t offset,
                               CallSite site = CallSite::current()) const {
    return kernel::sys::pread(kernel_at(site), fd, buffer, n, offset);
  }
  SysResult<std::size_t> pwrite(int fd, const void* buffer, std::size_t n, std::int64_t offset,
                                CallSite site = CallSite::current()) const {
    return kernel::sys::pwrite(kernel_at(site), fd, buffer, n, offset);
  }
  SysResult<std::int64_t> lseek(int fd, std::int64_t offset, int whence, CallSite site = CallSite::current()) const {
    return kernel::sys::lseek(kernel_at(site), fd, offset, whence);
  }

  // -- paths, limits, time, poll
  SysResult<int> open(const char* path, int flags, CallSite site = CallSite::current()) const {
    return kernel::sys::open(kernel_at(site), path, flags);
  }
  SysResult<void> unlink(const char* path, CallSite site = CallSite::current()) const {
    return kernel::sys::unlink(kernel_at(site), path);
  }
  SysResult<void> getrlimit(int resource, ::rlimit* limit, CallSite site = CallSite::current()) const {
    return kernel::sys::getrlimit(kernel_at(site), resource, limit);
  }
  SysResult<void> setrlimit(int resource, const ::rlimit* limit, CallSite site = CallSite::current()) const {
    return kernel::sys::setrlimit(kernel_at(site), resource, limit);
  }
  SysResult<void> clock_gettime(::clockid_t clock, ::timespec* time, CallSite site = CallSite::current()) const {
    return kernel::sys::clock_gettime(kernel_at(site), clock, time);
  }
  SysResult<void> clock_nanosleep(::clockid_t clock, int flags, const ::timespec* span, ::timespec* left,
                                  CallSite site = CallSite::current()) const {
    return kernel::sys::clock_nanosleep(kernel_at(site), clock, flags, span, left);
  }
  SysResult<int> poll(::pollfd* fds, ::nfds_t n, int milliseconds, CallSite site = CallSite::current()) const {
    return kernel::sys::poll(kernel_at(site), fds, n, milliseconds);
  }
  SysResult<int> ppoll(::pollfd* fds, ::nfds_t n, const ::timespec* timeout, const ::sigset_t* mask,
                       CallSite site = CallSite::current()) const {
    return kernel::sys::ppoll(kernel_at(site), fds, n, timeout, mask);
  }
  SysResult<int> select(int n, ::fd_set* read, ::fd_set* write, ::fd_set* except, ::timeval* timeout,
                        CallSite site = CallSite::current()) const {
    return kernel::sys::select(kernel_at(site), n, read, write, except, timeout);
  }
  SysResult<int> pselect(int n, ::fd_set* read, ::fd_set* write, ::fd_set* except, const ::timespec* timeout,
                         const ::sigset_t* mask, CallSite site = CallSite::current()) const {
    return kernel::sys::pselect(kernel_at(site), n, read, write, except, timeout, mask);
  }

  // -- signals
  SysResult<void> sigaction(int signal, const struct ::sigaction* to, struct ::sigaction* before,
                            CallSite site = CallSite::current()) const {
    return kernel::sys::sigaction(kernel_at(site), signal, to, before);
  }
  SysResult<void> sigprocmask(int how, const ::sigset_t* set, ::sigset_t* before,
                              CallSite site = CallSite::current()) const {
    return kernel::sys::sigprocmask(kernel_at(site), how, set, before);
  }
  SysResult<void> sigpending(::sigset_t* set, CallSite site = CallSite::current()) const {
    return kernel::sys::sigpending(kernel_at(site), set);
  }
  SysResult<void> kill(int pid, int signal, CallSite site = CallSite::current()) const {
    return kernel::sys::kill(kernel_at(site), pid, signal);
  }
  SysResult<void> tgkill(int pid, int tid, int signal, CallSite site = CallSite::current()) const {
    return kernel::sys::tgkill(kernel_at(site), pid, tid, signal);
  }
  SysResult<int> getpid(CallSite site = CallSite::current()) const { return kernel::sys::getpid(kernel_at(site)); }
  SysResult<int> gettid(CallSite site = CallSite::current()) const { return kernel::sys::gettid(kernel_at(site)); }

  // -- epoll
  SysResult<int> epoll_create(int size, CallSite site = CallSite::current()) const {
    return kernel::sys::epoll_create(kernel_at(site), size);
  }
  SysResult<int> epoll_create1(int flags, CallSite site = CallSite::current()) const {
    return kernel::sys::epoll_create1(kernel_at(site), flags);
  }
  SysResult<void> epoll_ctl(int epfd, int operation, int fd, const Event* event,
                            CallSite site = CallSite::current()) const {
    return kernel::sys::epoll_ctl(kernel_at(site), epfd, operation, fd, event);
  }
  SysResult<int> epoll_wait(int epfd, Event* events, int n, int milliseconds,
                            CallSite site = CallSite::current()) const {
    return kernel::sys::epoll_wait(kernel_at(site), epfd, events, n, milliseconds);
  }
  SysResult<int> epoll_pwait(int epfd, Event* events, int n, int milliseconds, const ::sigset_t* mask,
                             CallSite site = CallSite::current()) const {
    return kernel::sys::epoll_pwait(kernel_at(site), epfd, events, n, milliseconds, mask);
  }
  SysResult<int> epoll_pwait2(int epfd, Event* events, int n, const ::timespec* timeout, const ::sigset_t* mask,
                              CallSite site = CallSite::current()) const {
    return kernel::sys::epoll_pwait2(kernel_at(site), epfd, events, n, timeout, mask);
  }

  // -- eventfd, pipe
  SysResult<int> eventfd(unsigned initial, int flags, CallSite site = CallSite::current()) const {
    return kernel::sys::eventfd(kernel_at(site), initial, flags);
  }
  SysResult<void> pipe2(int* fds, int flags, CallSite site = CallSite::current()) const {
    return kernel::sys::pipe2(kernel_at(site), fds, flags);
  }

  // -- timerfd, signalfd
  SysResult<int> timerfd_create(::clockid_t clock, int flags, CallSite site = CallSite::current()) const {
    return kernel::sys::timerfd_create(kernel_at(site), clock, flags);
  }
  SysResult<void> timerfd_settime(int fd, int flags, const ::itimerspec* to, ::itimerspec* before,
                                  CallSite site = CallSite::current()) const {
    return kernel::sys::timerfd_settime(kernel_at(site), fd, flags, to, before);
  }
  SysResult<void> timerfd_gettime(int fd, ::itimerspec* setting, CallSite site = CallSite::current()) const {
    return kernel::sys::timerfd_gettime(kernel_at(site), fd, setting);
  }
  SysResult<int> signalfd(int fd, const ::sigset_t* mask, int flags, CallSite site = CallSite::current()) const {
    return kernel::sys::signalfd(kernel_at(site), fd, mask, flags);
  }

  // -- sockets
  SysResult<int> socket(int domain, int type, int protocol, CallSite site = CallSite::current()) const {
    return kernel::sys::socket(kernel_at(site), domain, type, protocol);
  }
  SysResult<void> socketpair(int domain, int type, int protocol, int* fds, CallSite site = CallSite::current()) const {
    return kernel::sys::socketpair(kernel_at(site), domain, type, protocol, fds);
  }
  SysResult<void> bind(int fd, const ::sockaddr* address, ::socklen_t n, CallSite site = CallSite::current()) const {
    return kernel::sys::bind(kernel_at(site), fd, address, n);
  }
  SysResult<void> listen(int fd, int backlog, CallSite site = CallSite::current()) const {
    return kernel::sys::listen(kernel_at(site), fd, backlog);
  }
  SysResult<int> accept4(int fd, ::sockaddr* address, ::socklen_t* n, int flags,
                         CallSite site = CallSite::current()) const {
    return kernel::sys::accept4(kernel_at(site), fd, address, n, flags);
  }
  SysResult<void> connect(int fd, const ::sockaddr* address, ::socklen_t n, CallSite site = CallSite::current()) const {
    return kernel::sys::connect(kernel_at(site), fd, address, n);
  }
  SysResult<void> shutdown(int fd, int how, CallSite site = CallSite::current()) const {
    return kernel::sys::shutdown(kernel_at(site), fd, how);
  }
  SysResult<void> getsockname(int fd, ::sockaddr* address, ::socklen_t* n, CallSite site = CallSite::current()) const {
    return kernel::sys::getsockname(kernel_at(site), fd, address, n);
  }
  SysResult<void> getpeername(int fd, ::sockaddr* address, ::socklen_t* n, CallSite site = CallSite::current()) const {
    return kernel::sys::getpeername(kernel_at(site), fd, address, n);
  }
  SysResult<void> getsockopt(int fd, int level, int name, void* value, ::socklen_t* n,
                             CallSite site = CallSite::current()) const {
    return kernel::sys::getsockopt(kernel_at(site), fd, level, name, value, n);
  }
  SysResult<void> setsockopt(int fd, int level, int name, const void* value, ::socklen_t n,
                             CallSite site = CallSite::current()) const {
    return kernel::sys::setsockopt(kernel_at(site), fd, level, name, value, n);
  }
  SysResult<std::size_t> sendto(int fd, const void* data, std::size_t size, int flags, const ::sockaddr* to,
                                ::socklen_t to_size, CallSite site = CallSite::current()) const {
    return kernel::sys::sendto(kernel_at(site), fd, data, size, flags, to, to_size);
  }
  SysResult<std::size_t> recvfrom(int fd, void* data, std::size_t size, int flags, ::sockaddr* from,
                                  ::socklen_t* from_size, CallSite site = CallSite::current()) const {
    return kernel::sys::recvfrom(kernel_at(site), fd, data, size, flags, from, from_size);
  }
  SysResult<std::size_t> sendmsg(int fd, const ::msghdr* message, int flags,
                                 CallSite site = CallSite::current()) const {
    return kernel::sys::sendmsg(kernel_at(site), fd, message, flags);
  }
  SysResult<std::size_t> recvmsg(int fd, ::msghdr* message, int flags, CallSite site = CallSite::current()) const {
    return kernel::sys::recvmsg(kernel_at(site), fd, message, flags);
  }

 private:
  /// The kernel, for a call that is made there.
  [[nodiscard]] kernel::Kernel& kernel_at(CallSite site) const {
    detail::note_call_site(site);
    return *kernel_;
  }

  kernel::Kernel* kernel_;
};

static_assert(CompleteBackend<EmulatedBackend>);

}  // namespace rouse::inline v0
