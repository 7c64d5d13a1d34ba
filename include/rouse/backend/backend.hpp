// The contract between handles and kernels: one named requirement per syscall, grouped by what a handle needs, so that
// a backend of your own supplies only what you use. A call that is missing is named by the compiler's message.
//
// A backend is a small copyable value; two of them are equal if they speak to the same kernel. Its functions are named
// after the syscalls, take what those take, and return SysResult: the value or the errno. They are not noexcept where
// the call may block: thread cancellation, and the emulated kernel's Deadlock, pass through.
#pragma once

#include "../call_site.hpp"
#include "../event.hpp"
#include "../sys_result.hpp"

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <type_traits>

namespace rouse::inline v0 {

/// One concept per call: the signature that a backend must have.
namespace backend_has {

template <class B>
concept close = requires(const B b, int fd) {
  { b.close(fd) } -> std::same_as<SysResult<void>>;
};
template <class B>
concept dup = requires(const B b, int fd) {
  { b.dup(fd) } -> std::same_as<SysResult<int>>;
};
template <class B>
concept dup2 = requires(const B b, int fd) {
  { b.dup2(fd, fd) } -> std::same_as<SysResult<int>>;
};
template <class B>
concept dup3 = requires(const B b, int fd) {
  { b.dup3(fd, fd, 0) } -> std::same_as<SysResult<int>>;
};
template <class B>
concept fcntl = requires(const B b, int fd, long argument) {
  { b.fcntl(fd, 0, argument) } -> std::same_as<SysResult<int>>;
};
template <class B>
concept ioctl = requires(const B b, int fd, unsigned long request, void* argument) {
  { b.ioctl(fd, request, argument) } -> std::same_as<SysResult<int>>;
};
template <class B>
concept read = requires(const B b, int fd, void* buffer, std::size_t n) {
  { b.read(fd, buffer, n) } -> std::same_as<SysResult<std::size_t>>;
};
template <class B>
concept write = requires(const B b, int fd, const void* buffer, std::size_t n) {
  { b.write(fd, buffer, n) } -> std::same_as<SysResult<std::size_t>>;
};
template <class B>
concept readv = requires(const B b, int fd, const ::iovec* vectors) {
  { b.readv(fd, vectors, 1) } -> std::same_as<SysResult<std::size_t>>;
};
template <class B>
concept writev = requires(const B b, int fd, const ::iovec* vectors) {
  { b.writev(fd, vectors, 1) } -> std::same_as<SysResult<std::size_t>>;
};
template <class B>
concept pread = requires(const B b, int fd, void* buffer, std::size_t n, std::int64_t offset) {
  { b.pread(fd, buffer, n, offset) } -> std::same_as<SysResult<std::size_t>>;
};
template <class B>
concept pwrite = requires(const B b, int fd, const void* buffer, std::size_t n, std::int64_t offset) {
  { b.pwrite(fd, buffer, n, offset) } -> std::same_as<SysResult<std::size_t>>;
};
template <class B>
concept lseek = requires(const B b, int fd, std::int64_t offset) {
  { b.lseek(fd, offset, 0) } -> std::same_as<SysResult<std::int64_t>>;
};

template <class B>
concept open = requires(const B b, const char* path) {
  { b.open(path, 0) } -> std::same_as<SysResult<int>>;
};
template <class B>
concept unlink = requires(const B b, const char* path) {
  { b.unlink(path) } -> std::same_as<SysResult<void>>;
};
template <class B>
concept getrlimit = requires(const B b, ::rlimit* limit) {
  { b.getrlimit(0, limit) } -> std::same_as<SysResult<void>>;
};
template <class B>
concept setrlimit = requires(const B b, const ::rlimit* limit) {
  { b.setrlimit(0, limit) } -> std::same_as<SysResult<void>>;
};
template <class B>
concept clock_gettime = requires(const B b, ::clockid_t clock, ::timespec* time) {
  { b.clock_gettime(clock, time) } -> std::same_as<SysResult<void>>;
};
template <class B>
concept clock_nanosleep = requires(const B b, ::clockid_t clock, const ::timespec* span, ::timespec* left) {
  { b.clock_nanosleep(clock, 0, span, left) } -> std::same_as<SysResult<void>>;
};
template <class B>
concept poll = requires(const B b, ::pollfd* fds, ::nfds_t n, int milliseconds) {
  { b.poll(fds, n, milliseconds) } -> std::same_as<SysResult<int>>;
};
template <class B>
concept ppoll = requires(const B b, ::pollfd* fds, ::nfds_t n, const ::timespec* timeout, const ::sigset_t* mask) {
  { b.ppoll(fds, n, timeout, mask) } -> std::same_as<SysResult<int>>;
};
template <class B>
concept select = requires(const B b, int n, ::fd_set* set, ::timeval* timeout) {
  { b.select(n, set, set, set, timeout) } -> std::same_as<SysResult<int>>;
};
template <class B>
concept pselect = requires(const B b, int n, ::fd_set* set, const ::timespec* timeout, const ::sigset_t* mask) {
  { b.pselect(n, set, set, set, timeout, mask) } -> std::same_as<SysResult<int>>;
};

template <class B>
concept sigaction = requires(const B b, int signal, const struct ::sigaction* to, struct ::sigaction* before) {
  { b.sigaction(signal, to, before) } -> std::same_as<SysResult<void>>;
};
template <class B>
concept sigprocmask = requires(const B b, int how, const ::sigset_t* set, ::sigset_t* before) {
  { b.sigprocmask(how, set, before) } -> std::same_as<SysResult<void>>;
};
template <class B>
concept sigpending = requires(const B b, ::sigset_t* set) {
  { b.sigpending(set) } -> std::same_as<SysResult<void>>;
};
template <class B>
concept kill = requires(const B b, int pid, int signal) {
  { b.kill(pid, signal) } -> std::same_as<SysResult<void>>;
};
template <class B>
concept tgkill = requires(const B b, int pid, int tid, int signal) {
  { b.tgkill(pid, tid, signal) } -> std::same_as<SysResult<void>>;
};
template <class B>
concept getpid = requires(const B b) {
  { b.getpid() } -> std::same_as<SysResult<int>>;
};
template <class B>
concept gettid = requires(const B b) {
  { b.gettid() } -> std::same_as<SysResult<int>>;
};

template <class B>
concept epoll_create = requires(const B b, int size) {
  { b.epoll_create(size) } -> std::same_as<SysResult<int>>;
};
template <class B>
concept epoll_create1 = requires(const B b, int flags) {
  { b.epoll_create1(flags) } -> std::same_as<SysResult<int>>;
};
template <class B>
concept epoll_ctl = requires(const B b, int fd, int operation, const Event* event) {
  { b.epoll_ctl(fd, operation, fd, event) } -> std::same_as<SysResult<void>>;
};
template <class B>
concept epoll_wait = requires(const B b, int fd, Event* events, int n, int milliseconds) {
  { b.epoll_wait(fd, events, n, milliseconds) } -> std::same_as<SysResult<int>>;
};
template <class B>
concept epoll_pwait = requires(const B b, int fd, Event* events, int n, int milliseconds, const ::sigset_t* mask) {
  { b.epoll_pwait(fd, events, n, milliseconds, mask) } -> std::same_as<SysResult<int>>;
};
template <class B>
concept epoll_pwait2 = requires(const B b, int fd, Event* events, int n, const ::timespec* t, const ::sigset_t* mask) {
  { b.epoll_pwait2(fd, events, n, t, mask) } -> std::same_as<SysResult<int>>;
};

template <class B>
concept eventfd = requires(const B b, unsigned initial, int flags) {
  { b.eventfd(initial, flags) } -> std::same_as<SysResult<int>>;
};
template <class B>
concept pipe2 = requires(const B b, int* fds, int flags) {
  { b.pipe2(fds, flags) } -> std::same_as<SysResult<void>>;
};
template <class B>
concept timerfd_create = requires(const B b, ::clockid_t clock, int flags) {
  { b.timerfd_create(clock, flags) } -> std::same_as<SysResult<int>>;
};
template <class B>
concept timerfd_settime = requires(const B b, int fd, const ::itimerspec* to, ::itimerspec* before) {
  { b.timerfd_settime(fd, 0, to, before) } -> std::same_as<SysResult<void>>;
};
template <class B>
concept timerfd_gettime = requires(const B b, int fd, ::itimerspec* setting) {
  { b.timerfd_gettime(fd, setting) } -> std::same_as<SysResult<void>>;
};
template <class B>
concept signalfd = requires(const B b, int fd, const ::sigset_t* mask, int flags) {
  { b.signalfd(fd, mask, flags) } -> std::same_as<SysResult<int>>;
};

template <class B>
concept socket = requires(const B b, int domain, int type) {
  { b.socket(domain, type, 0) } -> std::same_as<SysResult<int>>;
};
template <class B>
concept socketpair = requires(const B b, int domain, int type, int* fds) {
  { b.socketpair(domain, type, 0, fds) } -> std::same_as<SysResult<void>>;
};
template <class B>
concept bind = requires(const B b, int fd, const ::sockaddr* address, ::socklen_t n) {
  { b.bind(fd, address, n) } -> std::same_as<SysResult<void>>;
};
template <class B>
concept listen = requires(const B b, int fd, int backlog) {
  { b.listen(fd, backlog) } -> std::same_as<SysResult<void>>;
};
template <class B>
concept accept4 = requires(const B b, int fd, ::sockaddr* address, ::socklen_t* n, int flags) {
  { b.accept4(fd, address, n, flags) } -> std::same_as<SysResult<int>>;
};
template <class B>
concept connect = requires(const B b, int fd, const ::sockaddr* address, ::socklen_t n) {
  { b.connect(fd, address, n) } -> std::same_as<SysResult<void>>;
};
template <class B>
concept shutdown = requires(const B b, int fd, int how) {
  { b.shutdown(fd, how) } -> std::same_as<SysResult<void>>;
};
template <class B>
concept getsockname = requires(const B b, int fd, ::sockaddr* address, ::socklen_t* n) {
  { b.getsockname(fd, address, n) } -> std::same_as<SysResult<void>>;
};
template <class B>
concept getpeername = requires(const B b, int fd, ::sockaddr* address, ::socklen_t* n) {
  { b.getpeername(fd, address, n) } -> std::same_as<SysResult<void>>;
};
template <class B>
concept getsockopt = requires(const B b, int fd, void* value, ::socklen_t* n) {
  { b.getsockopt(fd, 0, 0, value, n) } -> std::same_as<SysResult<void>>;
};
template <class B>
concept setsockopt = requires(const B b, int fd, const void* value, ::socklen_t n) {
  { b.setsockopt(fd, 0, 0, value, n) } -> std::same_as<SysResult<void>>;
};
template <class B>
concept sendto = requires(const B b, int fd, const void* data, std::size_t n, const ::sockaddr* to, ::socklen_t to_n) {
  { b.sendto(fd, data, n, 0, to, to_n) } -> std::same_as<SysResult<std::size_t>>;
};
template <class B>
concept recvfrom = requires(const B b, int fd, void* data, std::size_t n, ::sockaddr* from, ::socklen_t* from_n) {
  { b.recvfrom(fd, data, n, 0, from, from_n) } -> std::same_as<SysResult<std::size_t>>;
};
template <class B>
concept sendmsg = requires(const B b, int fd, const ::msghdr* message) {
  { b.sendmsg(fd, message, 0) } -> std::same_as<SysResult<std::size_t>>;
};
template <class B>
concept recvmsg = requires(const B b, int fd, ::msghdr* message) {
  { b.recvmsg(fd, message, 0) } -> std::same_as<SysResult<std::size_t>>;
};

}  // namespace backend_has

/// A small copyable value that names a kernel. One that is told where calls are made says so: NotesCallSites.
/// std::copyable and std::equality_comparable ask what no backend could get wrong, at the price of all calls together.
template <class B>
concept Backend = std::is_copy_constructible_v<B> && std::is_copy_assignable_v<B> && requires(const B a, const B b) {
  { a == b } -> std::same_as<bool>;
};

/// What owning an fd takes: closing, duplicating, its flags.
template <class B>
concept FdBackend = Backend<B> && backend_has::close<B> && backend_has::fcntl<B>;

/// What moving bytes takes, waiting included.
template <class B>
concept StreamBackend = FdBackend<B> && backend_has::read<B> && backend_has::write<B> && backend_has::readv<B> &&
    backend_has::writev<B> && backend_has::poll<B>;

template <class B>
concept ClockBackend = Backend<B> && backend_has::clock_gettime<B>;

template <class B>
concept EpollBackend = FdBackend<B> && ClockBackend<B> && backend_has::epoll_create1<B> && backend_has::epoll_ctl<B> &&
    backend_has::epoll_wait<B> && backend_has::epoll_pwait<B> && backend_has::epoll_pwait2<B>;

template <class B>
concept EventFdBackend =
    EpollBackend<B> && backend_has::eventfd<B> && backend_has::read<B> && backend_has::write<B> && backend_has::poll<B>;

template <class B>
concept PipeBackend = StreamBackend<B> && backend_has::pipe2<B>;

template <class B>
concept TimerFdBackend = FdBackend<B> && backend_has::timerfd_create<B> && backend_has::timerfd_settime<B> &&
    backend_has::timerfd_gettime<B> && backend_has::read<B> && backend_has::poll<B>;

template <class B>
concept SignalFdBackend = FdBackend<B> && backend_has::signalfd<B> && backend_has::sigprocmask<B> &&
    backend_has::read<B> && backend_has::poll<B>;

template <class B>
concept SocketBackend = FdBackend<B> && backend_has::poll<B> && backend_has::socket<B> && backend_has::socketpair<B> &&
    backend_has::bind<B> && backend_has::listen<B> && backend_has::accept4<B> && backend_has::connect<B> &&
    backend_has::shutdown<B> && backend_has::getsockname<B> && backend_has::getpeername<B> &&
    backend_has::getsockopt<B> && backend_has::setsockopt<B> && backend_has::sendto<B> && backend_has::recvfrom<B>;

/// What sending and receiving several buffers at once, or fds, takes.
template <class B>
concept MessageBackend = SocketBackend<B> && backend_has::sendmsg<B> && backend_has::recvmsg<B>;

/// What telling who has a path, and removing it, takes.
template <class B>
concept PathBackend = Backend<B> && backend_has::open<B> && backend_has::unlink<B>;

template <class B>
concept SignalBackend =
    Backend<B> && backend_has::sigaction<B> && backend_has::sigprocmask<B> && backend_has::sigpending<B> &&
    backend_has::kill<B> && backend_has::tgkill<B> && backend_has::getpid<B> && backend_has::gettid<B>;

/// Every call there is: what a backend must have to stand in for a whole kernel.
template <class B>
concept CompleteBackend =
    EpollBackend<B> && EventFdBackend<B> && PipeBackend<B> && TimerFdBackend<B> && SignalFdBackend<B> &&
    SocketBackend<B> && SignalBackend<B> && backend_has::clock_nanosleep<B> && backend_has::ppoll<B> &&
    backend_has::select<B> && backend_has::pselect<B> && backend_has::epoll_create<B> && backend_has::dup<B> &&
    backend_has::dup2<B> && backend_has::dup3<B> && backend_has::ioctl<B> && backend_has::pread<B> &&
    backend_has::pwrite<B> && backend_has::lseek<B> && backend_has::open<B> && backend_has::unlink<B> &&
    backend_has::getrlimit<B> && backend_has::setrlimit<B> && backend_has::sendmsg<B> && backend_has::recvmsg<B>;

}  // namespace rouse::inline v0
