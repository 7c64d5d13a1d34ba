// FaultyBackend: another backend, with the faults of a plan in front of it. For tests, on Linux as on the emulated
// kernel.
//
// What it costs when no rule is about a call: one test of a word. What strikes is decided before the call is made; the
// kernel behind it never knows.
#pragma once

#include "../detail/tsan.hpp"
#include "../fault_errors.hpp"
#include "../fault_plan.hpp"
#include "backend.hpp"
#include "cut_vectors.hpp"
#include "linux_kind.hpp"

#include <algorithm>
#include <climits>
#include <fcntl.h>
#include <limits>
#include <optional>
#include <string_view>

namespace rouse::inline v0 {

/// Has the calls that `B` has, and makes them as the plan wants it; see Fault for what each fault does. Several values,
/// and so handles, may share a plan, which outlives them. As thread-safe as `B`.
///
/// - A rule that speaks of an fd means the first one a call is given: of epoll_ctl the epoll's, of dup2 the one that is
///   duplicated. What polls, and what makes an fd out of nothing, is about none.
/// - The kind of a file is asked of the backend, by a function `kind_of(backend, fd)` if there is one, just before the
///   call: while another thread closes the fd and opens a file, it may be the other's.
/// - epoll_ctl is struck when it adds, fcntl when it duplicates, signalfd when it makes one: see takes_resources().
/// - An error that comes with a signal on Linux (EPIPE) comes without it.
/// - A fault that comes to nothing (a short count of a datagram, say) is counted all the same.
/// - A write of no more than PIPE_BUF bytes to a pipe is never cut: pipe(7) promises that it goes whole. Nor is one to
/// a
///   pipe of packets (O_DIRECT). Its reading end cannot be told from others, and loses the rest of a packet.
/// - A delay is a clock_nanosleep of `B`, on its clock. Precondition: it has that call.
template <Backend B>
class FaultyBackend {
 public:
  static constexpr bool notes_call_sites = NotesCallSites<B>;

  FaultyBackend(B backend, FaultPlan& plan) : backend_(backend), plan_(&plan) {}

  /// The one without faults.
  [[nodiscard]] const B& inner() const { return backend_; }
  [[nodiscard]] FaultPlan& plan() const { return *plan_; }

  /// Equal if they speak to the same kernel by the same plan.
  friend bool operator==(const FaultyBackend&, const FaultyBackend&) = default;

  /// What kind of file an fd is, by the emulated kernel's names; empty if nobody can tell.
  [[nodiscard]] friend std::string_view kind_of(const FaultyBackend& backend, int fd) { return backend.kind(fd); }

  // -- any fd
  /// Frees the number in any case, and then says what the plan wants.
  SysResult<void> close(int fd) const requires backend_has::close<B> {
    const std::optional<Fault> fault = next(Call::close, fd);
    if (fault && fault->kind() == Fault::Kind::delay) sleep(fault->span());
    const SysResult<void> closed = backend_.close(fd);
    return closed.ok() && fault && fault->error_number() != 0 ? SysResult<void>::failure(fault->error_number())
                                                              : closed;
  }
  SysResult<int> dup(int fd) const requires backend_has::dup<B> {
    return call(Call::dup, fd, [&] { return backend_.dup(fd); });
  }
  SysResult<int> dup2(int fd, int to) const requires backend_has::dup2<B> {
    return call(Call::dup2, fd, [&] { return backend_.dup2(fd, to); });
  }
  SysResult<int> dup3(int fd, int to, int flags) const requires backend_has::dup3<B> {
    return call(Call::dup3, fd, [&] { return backend_.dup3(fd, to, flags); });
  }
  SysResult<int> fcntl(int fd, int command, long argument = 0) const requires backend_has::fcntl<B> {
    if (const int error = plan_->kernel().fcntl_error(command); error != 0) return unknown(fd, error);
    const auto make = [&] { return backend_.fcntl(fd, command, argument); };
    return takes_resources(Call::fcntl, command) ? call(Call::fcntl, fd, make) : make();
  }
  SysResult<int> ioctl(int fd, unsigned long request, void* argument) const requires backend_has::ioctl<B> {
    if (const int error = plan_->kernel().ioctl_error(request); error != 0) return unknown(fd, error);
    return call(Call::ioctl, fd, [&] { return backend_.ioctl(fd, request, argument); });
  }
  SysResult<std::size_t> read(int fd, void* buffer, std::size_t n) const requires backend_has::read<B> {
    return transfer(Call::read, fd, n, 0,
                    [&](std::size_t most) { return backend_.read(fd, buffer, std::min(n, most)); });
  }
  SysResult<std::size_t> write(int fd, const void* buffer, std::size_t n) const requires backend_has::write<B> {
    return transfer(Call::write, fd, n, 0,
                    [&](std::size_t most) { return backend_.write(fd, buffer, std::min(n, most)); });
  }
  SysResult<std::size_t> readv(int fd, const ::iovec* vectors, int n) const requires backend_has::readv<B> {
    return transfer_vectors(Call::readv, fd, vectors, n,
                            [&](const ::iovec* v, int m) { return backend_.readv(fd, v, m); });
  }
  SysResult<std::size_t> writev(int fd, const ::iovec* vectors, int n) const requires backend_has::writev<B> {
    return transfer_vectors(Call::writev, fd, vectors, n,
                            [&](const ::iovec* v, int m) { return backend_.writev(fd, v, m); });
  }
  SysResult<std::size_t> pread(int fd, void* buffer, std::size_t n,
                               std::int64_t offset) const requires backend_has::pread<B> {
    return transfer(Call::pread, fd, n, 0,
                    [&](std::size_t most) { return backend_.pread(fd, buffer, std::min(n, most), offset); });
  }
  SysResult<std::size_t> pwrite(int fd, const void* buffer, std::size_t n,
                                std::int64_t offset) const requires backend_has::pwrite<B> {
    return transfer(Call::pwrite, fd, n, 0,
                    [&](std::size_t most) { return backend_.pwrite(fd, buffer, std::min(n, most), offset); });
  }
  SysResult<std::int64_t> lseek(int fd, std::int64_t offset, int whence) const requires backend_has::lseek<B> {
    return call(Call::lseek, fd, [&] { return backend_.lseek(fd, offset, whence); });
  }

  // -- paths, limits, time, poll
  SysResult<int> open(const char* path, int flags) const requires backend_has::open<B> {
    return call(Call::open, -1, [&] { return backend_.open(path, flags); });
  }
  SysResult<void> unlink(const char* path) const requires backend_has::unlink<B> {
    return call(Call::unlink, -1, [&] { return backend_.unlink(path); });
  }
  SysResult<void> getrlimit(int resource, ::rlimit* limit) const requires backend_has::getrlimit<B> {
    return call(Call::getrlimit, -1, [&] { return backend_.getrlimit(resource, limit); });
  }
  SysResult<void> setrlimit(int resource, const ::rlimit* limit) const requires backend_has::setrlimit<B> {
    return call(Call::setrlimit, -1, [&] { return backend_.setrlimit(resource, limit); });
  }
  SysResult<void> clock_gettime(::clockid_t clock, ::timespec* time) const requires backend_has::clock_gettime<B> {
    return call(Call::clock_gettime, -1, [&] { return backend_.clock_gettime(clock, time); });
  }
  SysResult<void> clock_nanosleep(::clockid_t clock, int flags, const ::timespec* span,
                                  ::timespec* left) const requires backend_has::clock_nanosleep<B> {
    return call(Call::clock_nanosleep, -1, [&] { return backend_.clock_nanosleep(clock, flags, span, left); });
  }
  SysResult<int> poll(::pollfd* fds, ::nfds_t n, int milliseconds) const requires backend_has::poll<B> {
    return call(Call::poll, -1, [&] { return backend_.poll(fds, n, milliseconds); });
  }
  SysResult<int> ppoll(::pollfd* fds, ::nfds_t n, const ::timespec* timeout,
                       const ::sigset_t* mask) const requires backend_has::ppoll<B> {
    return call(Call::ppoll, -1, [&] { return backend_.ppoll(fds, n, timeout, mask); });
  }
  SysResult<int> select(int n, ::fd_set* read, ::fd_set* write, ::fd_set* except,
                        ::timeval* timeout) const requires backend_has::select<B> {
    return call(Call::select, -1, [&] { return backend_.select(n, read, write, except, timeout); });
  }
  SysResult<int> pselect(int n, ::fd_set* read, ::fd_set* write, ::fd_set* except, const ::timespec* timeout,
                         const ::sigset_t* mask) const requires backend_has::pselect<B> {
    return call(Call::pselect6, -1, [&] { return backend_.pselect(n, read, write, except, timeout, mask); });
  }

  // -- signals
  SysResult<void> sigaction(int signal, const struct ::sigaction* to,
                            struct ::sigaction* before) const requires backend_has::sigaction<B> {
    return call(Call::rt_sigaction, -1, [&] { return backend_.sigaction(signal, to, before); });
  }
  SysResult<void> sigprocmask(int how, const ::sigset_t* set,
                              ::sigset_t* before) const requires backend_has::sigprocmask<B> {
    return call(Call::rt_sigprocmask, -1, [&] { return backend_.sigprocmask(how, set, before); });
  }
  SysResult<void> sigpending(::sigset_t* set) const requires backend_has::sigpending<B> {
    return call(Call::rt_sigpending, -1, [&] { return backend_.sigpending(set); });
  }
  SysResult<void> kill(int pid, int signal) const requires backend_has::kill<B> {
    return call(Call::kill, -1, [&] { return backend_.kill(pid, signal); });
  }
  SysResult<void> tgkill(int pid, int tid, int signal) const requires backend_has::tgkill<B> {
    return call(Call::tgkill, -1, [&] { return backend_.tgkill(pid, tid, signal); });
  }
  SysResult<int> getpid() const requires backend_has::getpid<B> {
    return call(Call::getpid, -1, [&] { return backend_.getpid(); });
  }
  SysResult<int> gettid() const requires backend_has::gettid<B> {
    return call(Call::gettid, -1, [&] { return backend_.gettid(); });
  }

  // -- epoll
  SysResult<int> epoll_create(int size) const requires backend_has::epoll_create<B> {
    return call(Call::epoll_create, -1, [&] { return backend_.epoll_create(size); });
  }
  SysResult<int> epoll_create1(int flags) const requires backend_has::epoll_create1<B> {
    return call(Call::epoll_create1, -1, [&] { return backend_.epoll_create1(flags); });
  }
  /// An old kernel does not see the flags that it does not know.
  SysResult<void> epoll_ctl(int epfd, int operation, int fd,
                            const Event* event) const requires backend_has::epoll_ctl<B> {
    const auto make = [&] {
      if (event == nullptr || operation == EPOLL_CTL_DEL || plan_->kernel().has_exclusive) {
        return backend_.epoll_ctl(epfd, operation, fd, event);
      }
      const Event heeded{plan_->kernel().heeded(event->flags()), event->data()};
      return backend_.epoll_ctl(epfd, operation, fd, &heeded);
    };
    return takes_resources(Call::epoll_ctl, operation) ? call(Call::epoll_ctl, epfd, make) : make();
  }
  SysResult<int> epoll_wait(int epfd, Event* events, int n,
                            int milliseconds) const requires backend_has::epoll_wait<B> {
    return call(Call::epoll_wait, epfd, [&] { return backend_.epoll_wait(epfd, events, n, milliseconds); });
  }
  SysResult<int> epoll_pwait(int epfd, Event* events, int n, int milliseconds,
                             const ::sigset_t* mask) const requires backend_has::epoll_pwait<B> {
    return call(Call::epoll_pwait, epfd, [&] { return backend_.epoll_pwait(epfd, events, n, milliseconds, mask); });
  }
  SysResult<int> epoll_pwait2(int epfd, Event* events, int n, const ::timespec* timeout,
                              const ::sigset_t* mask) const requires backend_has::epoll_pwait2<B> {
    return call(Call::epoll_pwait2, epfd, [&] { return backend_.epoll_pwait2(epfd, events, n, timeout, mask); });
  }

  // -- eventfd, pipe, timerfd, signalfd
  SysResult<int> eventfd(unsigned initial, int flags) const requires backend_has::eventfd<B> {
    return call(Call::eventfd, -1, [&] { return backend_.eventfd(initial, flags); });
  }
  SysResult<void> pipe2(int* fds, int flags) const requires backend_has::pipe2<B> {
    return call(Call::pipe2, -1, [&] { return backend_.pipe2(fds, flags); });
  }
  SysResult<int> timerfd_create(::clockid_t clock, int flags) const requires backend_has::timerfd_create<B> {
    return call(Call::timerfd_create, -1, [&] { return backend_.timerfd_create(clock, flags); });
  }
  SysResult<void> timerfd_settime(int fd, int flags, const ::itimerspec* to,
                                  ::itimerspec* before) const requires backend_has::timerfd_settime<B> {
    return call(Call::timerfd_settime, fd, [&] { return backend_.timerfd_settime(fd, flags, to, before); });
  }
  SysResult<void> timerfd_gettime(int fd, ::itimerspec* setting) const requires backend_has::timerfd_gettime<B> {
    return call(Call::timerfd_gettime, fd, [&] { return backend_.timerfd_gettime(fd, setting); });
  }
  SysResult<int> signalfd(int fd, const ::sigset_t* mask, int flags) const requires backend_has::signalfd<B> {
    const auto make = [&] { return backend_.signalfd(fd, mask, flags); };
    return takes_resources(Call::signalfd4, fd) ? call(Call::signalfd4, -1, make) : make();
  }

  // -- sockets
  SysResult<int> socket(int domain, int type, int protocol) const requires backend_has::socket<B> {
    return call(Call::socket, -1, [&] { return backend_.socket(domain, type, protocol); });
  }
  SysResult<void> socketpair(int domain, int type, int protocol, int* fds) const requires backend_has::socketpair<B> {
    return call(Call::socketpair, -1, [&] { return backend_.socketpair(domain, type, protocol, fds); });
  }
  SysResult<void> bind(int fd, const ::sockaddr* address, ::socklen_t n) const requires backend_has::bind<B> {
    return call(Call::bind, fd, [&] { return backend_.bind(fd, address, n); });
  }
  SysResult<void> listen(int fd, int backlog) const requires backend_has::listen<B> {
    return call(Call::listen, fd, [&] { return backend_.listen(fd, backlog); });
  }
  SysResult<int> accept4(int fd, ::sockaddr* address, ::socklen_t* n,
                         int flags) const requires backend_has::accept4<B> {
    return call(Call::accept4, fd, [&] { return backend_.accept4(fd, address, n, flags); });
  }
  SysResult<void> connect(int fd, const ::sockaddr* address, ::socklen_t n) const requires backend_has::connect<B> {
    const auto make = [&] { return backend_.connect(fd, address, n); };
    const std::optional<Fault> fault = next(Call::connect, fd);
    if (fault == Fault::error(EINTR) && kind(fd) == "tcp socket") return interrupted_connect(fd, make);
    return fault ? struck(*fault, fd, 0, make) : make();
  }
  SysResult<void> shutdown(int fd, int how) const requires backend_has::shutdown<B> {
    return call(Call::shutdown, fd, [&] { return backend_.shutdown(fd, how); });
  }
  SysResult<void> getsockname(int fd, ::sockaddr* address, ::socklen_t* n) const requires backend_has::getsockname<B> {
    return call(Call::getsockname, fd, [&] { return backend_.getsockname(fd, address, n); });
  }
  SysResult<void> getpeername(int fd, ::sockaddr* address, ::socklen_t* n) const requires backend_has::getpeername<B> {
    return call(Call::getpeername, fd, [&] { return backend_.getpeername(fd, address, n); });
  }
  SysResult<void> getsockopt(int fd, int level, int name, void* value,
                             ::socklen_t* n) const requires backend_has::getsockopt<B> {
    return call(Call::getsockopt, fd, [&] { return backend_.getsockopt(fd, level, name, value, n); });
  }
  SysResult<void> setsockopt(int fd, int level, int name, const void* value,
                             ::socklen_t n) const requires backend_has::setsockopt<B> {
    return call(Call::setsockopt, fd, [&] { return backend_.setsockopt(fd, level, name, value, n); });
  }
  SysResult<std::size_t> sendto(int fd, const void* data, std::size_t size, int flags, const ::sockaddr* to,
                                ::socklen_t to_size) const requires backend_has::sendto<B> {
    return transfer(Call::sendto, fd, size, flags, [&](std::size_t most) {
      return backend_.sendto(fd, data, std::min(size, most), flags, to, to_size);
    });
  }
  SysResult<std::size_t> recvfrom(int fd, void* data, std::size_t size, int flags, ::sockaddr* from,
                                  ::socklen_t* from_size) const requires backend_has::recvfrom<B> {
    return transfer(Call::recvfrom, fd, size, flags, [&](std::size_t most) {
      return backend_.recvfrom(fd, data, std::min(size, most), flags, from, from_size);
    });
  }
  SysResult<std::size_t> sendmsg(int fd, const ::msghdr* message, int flags) const requires backend_has::sendmsg<B> {
    return transfer(Call::sendmsg, fd, 0, flags, [&](std::size_t most) {
      if (most == uncut || message == nullptr) return backend_.sendmsg(fd, message, flags);
      const detail::CutVectors cut{message->msg_iov, message->msg_iovlen, most};
      ::msghdr shorter = *message;
      shorter.msg_iov = const_cast<::iovec*>(cut.data());
      shorter.msg_iovlen = cut.size();
      return backend_.sendmsg(fd, &shorter, flags);
    });
  }
  SysResult<std::size_t> recvmsg(int fd, ::msghdr* message, int flags) const requires backend_has::recvmsg<B> {
    return transfer(Call::recvmsg, fd, 0, flags, [&](std::size_t most) {
      if (most == uncut || message == nullptr) return backend_.recvmsg(fd, message, flags);
      const detail::CutVectors cut{message->msg_iov, message->msg_iovlen, most};
      const ::msghdr given = *message;
      message->msg_iov = const_cast<::iovec*>(cut.data());
      message->msg_iovlen = cut.size();
      const SysResult<std::size_t> received = backend_.recvmsg(fd, message, flags);
      message->msg_iov = given.msg_iov;
      message->msg_iovlen = given.msg_iovlen;
      return received;
    });
  }

 private:
  static constexpr std::size_t uncut = std::numeric_limits<std::size_t>::max();

  [[nodiscard]] std::string_view kind(int fd) const {
    if constexpr (requires { kind_of(backend_, fd); }) {
      return kind_of(backend_, fd);
    } else {
      return {};
    }
  }

  /// What the plan has for this call. Its lock is not to order the threads of who looks for races.
  [[nodiscard]] std::optional<Fault> next(Call call, int fd) const {
    if (!plan_->concerns(call)) [[likely]]
      return std::nullopt;
    const std::string_view of_kind = plan_->asks_kind(call) && fd >= 0 ? kind(fd) : std::string_view{};
    const detail::Hidden hidden_from_tsan;
    return plan_->next(call, fd, of_kind);
  }

  /// A call that moves no bytes.
  template <class Make>
  auto call(Call call, int fd, const Make& make) const -> decltype(make()) {
    if (plan_->kernel().lacks(call)) return decltype(make())::failure(ENOSYS);
    const std::optional<Fault> fault = next(call, fd);
    return fault ? struck(*fault, fd, 0, make) : make();
  }

  /// A call that moves `size` bytes, if that matters: `make` is told the most.
  template <class Make>
  SysResult<std::size_t> transfer(Call call, int fd, std::size_t size, int flags, const Make& make) const {
    const std::optional<Fault> fault = next(call, fd);
    if (!fault) return make(uncut);
    if (fault->kind() == Fault::Kind::short_count) {
      return make(may_be_cut(call, kind(fd), status_flags(fd), size) ? fault->bytes_max() : uncut);
    }
    return struck(*fault, fd, flags, [&] { return make(uncut); });
  }
  /// What a bad number of vectors comes to, the kernel says.
  template <class Make>
  SysResult<std::size_t> transfer_vectors(Call call, int fd, const ::iovec* vectors, int n, const Make& make) const {
    const bool is_known = vectors != nullptr && n > 0 && n <= IOV_MAX;
    const std::size_t size =
        is_known && plan_->concerns(call) ? detail::bytes_in(vectors, static_cast<std::size_t>(n)) : 0;
    return transfer(call, fd, size, 0, [&](std::size_t most) {
      if (most == uncut || !is_known) return make(vectors, n);
      const detail::CutVectors cut{vectors, static_cast<std::size_t>(n), most};
      return make(cut.data(), static_cast<int>(cut.size()));
    });
  }

  /// A call that a fault strikes. Precondition: it is no short count.
  template <class Make>
  auto struck(Fault fault, int fd, int message_flags, const Make& make) const -> decltype(make()) {
    using Result = decltype(make());
    switch (fault.kind()) {
      case Fault::Kind::error: return Result::failure(fault.error_number());
      case Fault::Kind::not_ready:
        if (may_wait(fd, message_flags)) return make();
        return Result::failure(fault.error_number());
      case Fault::Kind::delay: sleep(fault.span()); break;
      case Fault::Kind::short_count: break;
    }
    return make();
  }

  /// O_NONBLOCK and the like; 0 if nobody can tell.
  [[nodiscard]] int status_flags(int fd) const {
    if constexpr (backend_has::fcntl<B>) {
      const SysResult<int> flags = backend_.fcntl(fd, F_GETFL, 0L);
      if (flags.ok()) return flags.value();
    }
    return 0;
  }
  [[nodiscard]] bool may_wait(int fd, int message_flags) const {
    return (message_flags & MSG_DONTWAIT) == 0 && (status_flags(fd) & O_NONBLOCK) == 0;
  }
  void sleep(Timeout span) const {
    ROUSE_ASSERT(backend_has::clock_nanosleep<B>, "FaultyBackend: a delay takes a backend that has clock_nanosleep");
    if constexpr (backend_has::clock_nanosleep<B>) {
      ::timespec left = span.timespec();
      while (backend_.clock_nanosleep(CLOCK_MONOTONIC, 0, &left, &left).error() == EINTR) {
      }
    }
  }

  /// What an old kernel says to a request that it does not know, if the fd is open.
  [[nodiscard]] SysResult<int> unknown(int fd, int error) const {
    if constexpr (backend_has::fcntl<B>) {
      if (const SysResult<int> asked = backend_.fcntl(fd, F_GETFD, 0L); !asked.ok()) return asked;
    }
    return SysResult<int>::failure(error);
  }

  /// Begins to connect without waiting. The file does not block meanwhile, for whoever else uses it.
  template <class Make>
  SysResult<void> interrupted_connect(int fd, const Make& make) const {
    if constexpr (backend_has::fcntl<B>) {
      const int flags = status_flags(fd);
      static_cast<void>(backend_.fcntl(fd, F_SETFL, long{flags | O_NONBLOCK}));
      const SysResult<void> begun = make();
      static_cast<void>(backend_.fcntl(fd, F_SETFL, long{flags}));
      if (!begun.ok() && begun.error() != EINPROGRESS) return begun;
    }
    return SysResult<void>::failure(EINTR);
  }

  [[no_unique_address]] B backend_;
  FaultPlan* plan_;
};

}  // namespace rouse::inline v0
