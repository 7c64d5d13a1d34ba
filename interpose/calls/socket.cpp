// Sockets.
#include "calls.hpp"

#include <sys/ioctl.h>
#include <sys/socket.h>

using namespace rouse::interpose;
namespace posix = rouse::posix;

namespace {

/// Whether the emulated kernel has such sockets at all; others stay Linux's: netlink, packet, raw ones.
bool is_emulated_kind(int domain, int type) {
  const int plain_type = type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (domain == AF_UNIX) return !is_real(Family::unix_socket);
  if (plain_type == SOCK_RAW || plain_type == SOCK_RDM || plain_type == SOCK_PACKET) return false;
  if (domain == AF_INET || domain == AF_INET6) return !is_real(Family::inet_socket);
  return false;
}

/// The fds that a message passes.
auto passed_in(const ::msghdr* sent) {
  return [sent](auto visit) {
    using rouse::kernel::can_read_user;
    if (!can_read_user(sent, sizeof *sent) || sent->msg_controllen < sizeof(::cmsghdr)) return;
    if (!can_read_user(sent->msg_control, sent->msg_controllen)) return;
    auto* const message = const_cast<::msghdr*>(sent);
    for (::cmsghdr* part = CMSG_FIRSTHDR(message); part != nullptr; part = CMSG_NXTHDR(message, part)) {
      if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS || part->cmsg_len < CMSG_LEN(0)) continue;
      const std::size_t n = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
      for (std::size_t i = 0; i < n; ++i) {
        int fd = -1;
        std::memcpy(&fd, CMSG_DATA(part) + i * sizeof fd, sizeof fd);
        visit(fd);
      }
    }
  };
}

}  // namespace

// The emulated kernel has to know files of Linux while they are on their way.
::ssize_t rouse::interpose::send_message(int fd, const ::msghdr* message, int flags) {
  const Adopted passed{passed_in(message), &Core::adopt_to_pass};
  return posix::sendmsg(fd, message, flags);
}

#pragma GCC visibility push(default)
extern "C" {

int socket(int domain, int type, int protocol) noexcept {
  if (!is_emulated_kind(domain, type)) return next<"socket">(::socket, domain, type, protocol);
  return emulated([=] { return posix::socket(domain, type, protocol); });
}
int socketpair(int domain, int type, int protocol, int* fds) noexcept {
  if (!is_emulated_kind(domain, type)) return next<"socketpair">(::socketpair, domain, type, protocol, fds);
  return emulated([=] { return posix::socketpair(domain, type, protocol, fds); });
}
int bind(int fd, const ::sockaddr* address, ::socklen_t n) noexcept {
  return dispatch(
      "bind", fd, [=] { return posix::bind(fd, address, n); }, [=] { return next<"bind">(::bind, fd, address, n); });
}
int listen(int fd, int backlog) noexcept {
  return dispatch(
      "listen", fd, [=] { return posix::listen(fd, backlog); }, [=] { return next<"listen">(::listen, fd, backlog); });
}
int accept4(int fd, ::sockaddr* address, ::socklen_t* n, int flags) {
  return dispatch_cancellable(
      "accept4", fd, [=] { return posix::accept4(fd, address, n, flags); },
      [=] { return next<"accept4">(::accept4, fd, address, n, flags); });
}
int accept(int fd, ::sockaddr* address, ::socklen_t* n) {
  return dispatch_cancellable(
      "accept", fd, [=] { return posix::accept(fd, address, n); },
      [=] { return next<"accept">(::accept, fd, address, n); });
}
int connect(int fd, const ::sockaddr* address, ::socklen_t n) {
  return dispatch_cancellable(
      "connect", fd, [=] { return posix::connect(fd, address, n); },
      [=] { return next<"connect">(::connect, fd, address, n); });
}
int __connect(int fd, const ::sockaddr* address, ::socklen_t n) { return connect(fd, address, n); }
int sockatmark(int fd) noexcept {
  int is_at_mark = 0;
  return ::ioctl(fd, SIOCATMARK, &is_at_mark) == 0 ? is_at_mark : -1;
}
int shutdown(int fd, int how) noexcept {
  return dispatch(
      "shutdown", fd, [=] { return posix::shutdown(fd, how); }, [=] { return next<"shutdown">(::shutdown, fd, how); });
}
int getsockname(int fd, ::sockaddr* address, ::socklen_t* n) noexcept {
  return dispatch(
      "getsockname", fd, [=] { return posix::getsockname(fd, address, n); },
      [=] { return next<"getsockname">(::getsockname, fd, address, n); });
}
int getpeername(int fd, ::sockaddr* address, ::socklen_t* n) noexcept {
  return dispatch(
      "getpeername", fd, [=] { return posix::getpeername(fd, address, n); },
      [=] { return next<"getpeername">(::getpeername, fd, address, n); });
}
::ssize_t send(int fd, const void* data, std::size_t n, int flags) {
  return dispatch_cancellable(
      "send", fd, [=] { return posix::send(fd, data, n, flags); },
      [=] { return next<"send">(::send, fd, data, n, flags); });
}
::ssize_t __send(int fd, const void* data, std::size_t n, int flags) { return send(fd, data, n, flags); }
::ssize_t sendto(int fd, const void* data, std::size_t n, int flags, const ::sockaddr* to, ::socklen_t to_n) {
  return dispatch_cancellable(
      "sendto", fd, [=] { return posix::sendto(fd, data, n, flags, to, to_n); },
      [=] { return next<"sendto">(::sendto, fd, data, n, flags, to, to_n); });
}
::ssize_t sendmsg(int fd, const ::msghdr* message, int flags) {
  return dispatch_cancellable(
      "sendmsg", fd, [=] { return send_message(fd, message, flags); },
      [=] { return next<"sendmsg">(::sendmsg, fd, message, flags); });
}
::ssize_t recv(int fd, void* data, std::size_t n, int flags) {
  return dispatch_cancellable(
      "recv", fd, [=] { return posix::recv(fd, data, n, flags); },
      [=] { return next<"recv">(::recv, fd, data, n, flags); });
}
::ssize_t recvfrom(int fd, void* data, std::size_t n, int flags, ::sockaddr* from, ::socklen_t* from_n) {
  return dispatch_cancellable(
      "recvfrom", fd, [=] { return posix::recvfrom(fd, data, n, flags, from, from_n); },
      [=] { return next<"recvfrom">(::recvfrom, fd, data, n, flags, from, from_n); });
}
::ssize_t recvmsg(int fd, ::msghdr* message, int flags) {
  return dispatch_cancellable(
      "recvmsg", fd, [=] { return posix::recvmsg(fd, message, flags); },
      [=] { return next<"recvmsg">(::recvmsg, fd, message, flags); });
}

[[noreturn]] void __chk_fail();

::ssize_t __recv_chk(int fd, void* data, std::size_t n, std::size_t size, int flags) {
  if (n > size) __chk_fail();
  return recv(fd, data, n, flags);
}
::ssize_t __recvfrom_chk(int fd, void* data, std::size_t n, std::size_t size, int flags, ::sockaddr* from,
                         ::socklen_t* from_n) {
  if (n > size) __chk_fail();
  return recvfrom(fd, data, n, flags, from, from_n);
}

}  // extern "C"
#pragma GCC visibility pop
