// AmbientBackend: whichever kernel was installed when the handle was made, else Linux. With it as the default backend
// (ROUSE_AMBIENT), code that is not a template runs on an emulated kernel.
#pragma once

#include "emulated.hpp"
#include "linux.hpp"
#include "linux_kind.hpp"

#include <atomic>

namespace rouse::inline v0 {

namespace kernel {

/// Where AmbientBackend looks: the thread's own kernel, else the process's, else null for Linux.
class Ambient {
 public:
  [[nodiscard]] static Kernel* current() { return for_this_thread != nullptr ? for_this_thread : for_process.load(); }

 private:
  friend class Installed;
  friend class InstalledForThisThread;
  static inline std::atomic<Kernel*> for_process = nullptr;
  static inline thread_local Kernel* for_this_thread = nullptr;
};

/// Installs a kernel for handles that any thread makes from now on, and takes it away again when destroyed. A handle
/// keeps the kernel it was made with.
class Installed {
 public:
  explicit Installed(Kernel& kernel) : before_(Ambient::for_process.exchange(&kernel)) {}
  Installed(const Installed&) = delete;
  Installed& operator=(const Installed&) = delete;
  ~Installed() { Ambient::for_process = before_; }

 private:
  Kernel* const before_;
};

/// As Installed, for handles that this thread makes; it has precedence.
class InstalledForThisThread {
 public:
  explicit InstalledForThisThread(Kernel& kernel) : before_(std::exchange(Ambient::for_this_thread, &kernel)) {}
  InstalledForThisThread(const InstalledForThisThread&) = delete;
  InstalledForThisThread& operator=(const InstalledForThisThread&) = delete;
  ~InstalledForThisThread() { Ambient::for_this_thread = before_; }

 private:
  Kernel* const before_;
};

}  // namespace kernel

/// A kernel taken when the backend value is made, and kept: null is Linux.
class AmbientBackend {
 public:
  static constexpr bool notes_call_sites = true;

  AmbientBackend() : kernel_(kernel::Ambient::current()) {}

  /// Null if this is Linux.
  [[nodiscard]] kernel::Kernel* kernel() const { return kernel_; }

  friend bool operator==(AmbientBackend, AmbientBackend) = default;

  /// What kind of file an fd is, by the emulated kernel's names; empty if it is not open.
  [[nodiscard]] friend std::string_view kind_of(AmbientBackend backend, int fd) {
    return backend.on_kernel(CallSite::unknown(), [&](auto k) { return kind_of(k, fd); });
  }

  // -- any fd
  SysResult<void> close(int fd, CallSite site = CallSite::current()) const {
    return on_kernel(site, [&](auto k) { return k.close(fd); });
  }
  SysResult<int> dup(int fd, CallSite site = CallSite::current()) const {
    return on_kernel(site, [&](auto k) { return k.dup(fd); });
  }
  SysResult<int> dup2(int fd, int to, CallSite site = CallSite::current()) const {
    return on_kernel(site, [&](auto k) { return k.dup2(fd, to); });
  }
  SysResult<int> dup3(int fd, int to, int flags, CallSite site = CallSite::current()) const {
    return on_kernel(site, [&](auto k) { return k.dup3(fd, to, flags); });
  }
  SysResult<int> fcntl(int fd, int command, long argument = 0, CallSite site = CallSite::current()) const {
    return on_kernel(site, [&](auto k) { return k.fcntl(fd, command, argument); });
  }
  SysResult<int> ioctl(int fd, unsigned long request, void* argument, CallSite site = CallSite::current()) const {
    return on_kernel(site, [&](auto k) { return k.ioctl(fd, request, argument); });
  }
  SysResult<std::size_t> read(int fd, void* buffer, std::size_t n, CallSite site = CallSite::current()) const {
    return on_kernel(site, [&](auto k) { return k.read(fd, buffer, n); });
  }
  SysResult<std::size_t> write(int fd, const void* buffer, std::size_t n, CallSite site = CallSite::current()) const {
    return on_kernel(site, [&](auto k) { return k.write(fd, buffer, n); });
  }
  SysResult<std::size_t> readv(int fd, const ::iovec* vectors, int n, CallSite site = CallSite::current()) const {
    return on_kernel(site, [&](auto k) { return k.readv(fd, vectors, n); });
  }
  SysResult<std::size_t> writev(int fd, const ::iovec* vectors, int n, CallSite site = CallSite::current()) const {
    return on_kernel(site, [&](auto k) { return k.writev(fd, vectors, n); });
  }
  SysResult<std::size_t> pread(int fd, void* buffer, std::size_t n, std::int64_t offset,
                               CallSite site = CallSite::current()) const {
    return on_kernel(site, [&](auto k) { return k.pread(fd, buffer, n, offset); });
  }
  SysResult<std::size_t> pwrite(int fd, const void* buffer, std::size_t n, std::int64_t offset,
                                CallSite site = CallSite::current()) const {
    return on_kernel(site, [&](auto k) { return k.pwrite(fd, buffer, n, offset); });
  }
  SysResult<std::int64_t> lseek(int fd, std::int64_t offset, int whence, CallSite site = CallSite::current()) const {
    return on_kernel(site, [&](auto k) { return k.lseek(fd, offset, whence); });
  }

  // -- paths, limits, time, poll
  SysResult<int> open(const char* path, int flags, CallSite site = CallSite::current()) const {
    return on_kernel(site, [&](auto k) { return k.open(path, flags); });
  }
  SysResult<void> unlink(const char* path, CallSite site = CallSite::current()) const {
    return on_kernel(site, [&](auto k) { return k.unlink(path); });
  }
  SysResult<void> getrlimit(int resource, ::rlimit* limit, CallSite site = CallSite::current()) const {
    return on_kernel(site, [&](auto k) { return k.getrlimit(resource, limit); });
  }
  SysResult<void> setrlimit(int resource, const ::rlimit* limit, CallSite site = CallSite::current()) const {
    return on_kernel(site, [&](auto k) { return k.setrlimit(resource, limit); });
  }
  SysResult<void> clock_gettime(::clockid_t clock, ::timespec* time, CallSite site = CallSite::current()) const {
    return on_kernel(site, [&](auto k) { return k.clock_gettime(clock, time); });
  }
  SysResult<void> clock_nanosleep(::clockid_t clock, int flags, const ::timespec* span, ::timespec* left,
                                  CallSite site = CallSite::current()) const {
    return on_kernel(site, [&](auto k) { return k.clock_nanosleep(clock, flags, span, left); });
  }
  SysResult<int> poll(::pollfd* fds, ::nfds_t n, int milliseconds, CallSite site = CallSite::current()) const {
    return on_kernel(site, [&](auto k) { return k.poll(fds, n, milliseconds); });
  }
  SysResult<int> ppoll(::pollfd* fds, ::nfds_t n, const ::timespec* timeout, const ::sigset_t* mask,
                       CallSite site = CallSite::current()) const {
    return on_kernel(site, [&](auto k) { return k.ppoll(fds, n, timeout, mask); });
  }
  SysResult<int> select(int n, ::fd_set* read, ::fd_set* write, ::fd_set* except, ::timeval* timeout,
                        CallSite site = CallSite::current()) const {
    return on_kernel(site, [&](auto k) { return k.select(n, read, write, except, timeout); });
  }
  SysResult<int> pselect(int n, ::fd_set* read, ::fd_set* write, ::fd_set* except, const ::timespec* timeout,
                         const ::sigset_t* mask, CallSite site = CallSite::current()) const {
    return on_kernel(site, [&](auto k) { return k.pselect(n, read, write, except, timeout, mask); });
  }

  // -- signals
  SysResult<void> sigaction(int signal, const struct ::sigaction* to, struct ::sigaction* before,
                            CallSite site = CallSite::current()) const {
    return on_kernel(site, [&](auto k) { return k.sigaction(signal, to, before); });
  }
  SysResult<void> sigprocmask(int how, const ::sigset_t* set, ::sigset_t* before,
                              CallSite site = CallSite::current()) const {
    return on_kernel(site, [&](auto k) { return k.sigprocmask(how, set, before); });
  }
  SysResult<void> sigpending(::sigset_t* set, CallSite site = CallSite::current()) const {
    return on_kernel(site, [&](auto k) { return k.sigpending(set); });
  }
  SysResult<void> kill(int pid, int signal, CallSite site = CallSite::current()) const {
    return on_kernel(site, [&](auto k) { return k.kill(pid, signal); });
  }
  SysResult<void> tgkill(int pid, int tid, int signal, CallSite site = CallSite::current()) const {
    return on_kernel(site, [&](auto k) { return k.tgkill(pid, tid, signal); });
  }
  SysResult<int> getpid(CallSite site = CallSite::current()) const {
    return on_kernel(site, [&](auto k) { return k.getpid(); });
  }
  SysResult<int> gettid(CallSite site = CallSite::current()) const {
    return on_kernel(site, [&](auto k) { return k.gettid(); });
  }

  // -- epoll
  SysResult<int> epoll_create(int size, CallSite site = CallSite::current()) const {
    return on_kernel(site, [&](auto k) { return k.epoll_create(size); });
  }
  SysResult<int> epoll_create1(int flags, CallSite site = CallSite::current()) const {
    return on_kernel(site, [&](auto k) { return k.epoll_create1(flags); });
  }
  SysResult<void> epoll_ctl(int epfd, int operation, int fd, const Event* event,
                            CallSite site = CallSite::current()) const {
    return on_kernel(site, [&](auto k) { return k.epoll_ctl(epfd, operation, fd, event); });
  }
  SysResult<int> epoll_wait(int epfd, Event* events, int n, int milliseconds,
                            CallSite site = CallSite::current()) const {
    return on_kernel(site, [&](auto k) { return k.epoll_wait(epfd, events, n, milliseconds); });
  }
  SysResult<int> epoll_pwait(int epfd, Event* events, int n, int milliseconds, const ::sigset_t* mask,
                             CallSite site = CallSite::current()) const {
    return on_kernel(site, [&](auto k) { return k.epoll_pwait(epfd, events, n, milliseconds, mask); });
  }
  SysResult<int> epoll_pwait2(int epfd, Event* events, int n, const ::timespec* timeout, const ::sigset_t* mask,
                              CallSite site = CallSite::current()) const {
    return on_kernel(site, [&](auto k) { return k.epoll_pwait2(epfd, events, n, timeout, mask); });
  }

  // -- eventfd, pipe
  SysResult<int> eventfd(unsigned initial, int flags, CallSite site = CallSite::current()) const {
    return on_kernel(site, [&](auto k) { return k.eventfd(initial, flags); });
  }
  SysResult<void> pipe2(int* fds, int flags, CallSite site = CallSite::current()) const {
    return on_kernel(site, [&](auto k) { return k.pipe2(fds, flags); });
  }

  // -- timerfd, signalfd
  SysResult<int> timerfd_create(::clockid_t clock, int flags, CallSite site = CallSite::current()) const {
    return on_kernel(site, [&](auto k) { return k.timerfd_create(clock, flags); });
  }
  SysResult<void> timerfd_settime(int fd, int flags, const ::itimerspec* to, ::itimerspec* before,
                                  CallSite site = CallSite::current()) const {
    return on_kernel(site, [&](auto k) { return k.timerfd_settime(fd, flags, to, before); });
  }
  SysResult<void> timerfd_gettime(int fd, ::itimerspec* setting, CallSite site = CallSite::current()) const {
    return on_kernel(site, [&](auto k) { return k.timerfd_gettime(fd, setting); });
  }
  SysResult<int> signalfd(int fd, const ::sigset_t* mask, int flags, CallSite site = CallSite::current()) const {
    return on_kernel(site, [&](auto k) { return k.signalfd(fd, mask, flags); });
  }

  // -- sockets
  SysResult<int> socket(int domain, int type, int protocol, CallSite site = CallSite::current()) const {
    return on_kernel(site, [&](auto k) { return k.socket(domain, type, protocol); });
  }
  SysResult<void> socketpair(int domain, int type, int protocol, int* fds, CallSite site = CallSite::current()) const {
    return on_kernel(site, [&](auto k) { return k.socketpair(domain, type, protocol, fds); });
  }
  SysResult<void> bind(int fd, const ::sockaddr* address, ::socklen_t n, CallSite site = CallSite::current()) const {
    return on_kernel(site, [&](auto k) { return k.bind(fd, address, n); });
  }
  SysResult<void> listen(int fd, int backlog, CallSite site = CallSite::current()) const {
    return on_kernel(site, [&](auto k) { return k.listen(fd, backlog); });
  }
  SysResult<int> accept4(int fd, ::sockaddr* address, ::socklen_t* n, int flags,
                         CallSite site = CallSite::current()) const {
    return on_kernel(site, [&](auto k) { return k.accept4(fd, address, n, flags); });
  }
  SysResult<void> connect(int fd, const ::sockaddr* address, ::socklen_t n, CallSite site = CallSite::current()) const {
    return on_kernel(site, [&](auto k) { return k.connect(fd, address, n); });
  }
  SysResult<void> shutdown(int fd, int how, CallSite site = CallSite::current()) const {
    return on_kernel(site, [&](auto k) { return k.shutdown(fd, how); });
  }
  SysResult<void> getsockname(int fd, ::sockaddr* address, ::socklen_t* n, CallSite site = CallSite::current()) const {
    return on_kernel(site, [&](auto k) { return k.getsockname(fd, address, n); });
  }
  SysResult<void> getpeername(int fd, ::sockaddr* address, ::socklen_t* n, CallSite site = CallSite::current()) const {
    return on_kernel(site, [&](auto k) { return k.getpeername(fd, address, n); });
  }
  SysResult<void> getsockopt(int fd, int level, int name, void* value, ::socklen_t* n,
                             CallSite site = CallSite::current()) const {
    return on_kernel(site, [&](auto k) { return k.getsockopt(fd, level, name, value, n); });
  }
  SysResult<void> setsockopt(int fd, int level, int name, const void* value, ::socklen_t n,
                             CallSite site = CallSite::current()) const {
    return on_kernel(site, [&](auto k) { return k.setsockopt(fd, level, name, value, n); });
  }
  SysResult<std::size_t> sendto(int fd, const void* data, std::size_t size, int flags, const ::sockaddr* to,
                                ::socklen_t to_size, CallSite site = CallSite::current()) const {
    return on_kernel(site, [&](auto k) { return k.sendto(fd, data, size, flags, to, to_size); });
  }
  SysResult<std::size_t> recvfrom(int fd, void* data, std::size_t size, int flags, ::sockaddr* from,
                                  ::socklen_t* from_size, CallSite site = CallSite::current()) const {
    return on_kernel(site, [&](auto k) { return k.recvfrom(fd, data, size, flags, from, from_size); });
  }
  SysResult<std::size_t> sendmsg(int fd, const ::msghdr* message, int flags,
                                 CallSite site = CallSite::current()) const {
    return on_kernel(site, [&](auto k) { return k.sendmsg(fd, message, flags); });
  }
  SysResult<std::size_t> recvmsg(int fd, ::msghdr* message, int flags, CallSite site = CallSite::current()) const {
    return on_kernel(site, [&](auto k) { return k.recvmsg(fd, message, flags); });
  }

 private:
  template <class Call>
  auto on_kernel(CallSite site, Call call) const -> decltype(call(LinuxBackend{})) {
    if (kernel_ == nullptr) return call(LinuxBackend{});
    const detail::CallScope scope{site};
    return call(EmulatedBackend{*kernel_});
  }

  kernel::Kernel* kernel_;
};

static_assert(CompleteBackend<AmbientBackend>);

}  // namespace rouse::inline v0
