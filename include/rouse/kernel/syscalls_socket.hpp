// The calls that make, name and connect sockets, and their options. Those that move bytes: syscalls_message.hpp.
#pragma once

#include "syscalls_epoll.hpp"
#include "syscalls_message.hpp"
#include "tcp_socket_file.hpp"
#include "udp_socket_file.hpp"
#include "unix_datagram_file.hpp"
#include "unix_stream_file.hpp"

#include <netinet/tcp.h>
#include <sys/socket.h>

namespace rouse::inline v0::kernel::sys {

namespace detail_socket {

inline constexpr int type_mask = 0xf;
inline constexpr int type_flags = SOCK_NONBLOCK | SOCK_CLOEXEC;
inline constexpr int types_max = 11;

/// What they make of type and protocol, of IPv4 and IPv6; NotModelled for the protocols that Linux has and we have not.
inline SysResult<void> check_inet(int family, int type, int protocol) {
  using Result = SysResult<void>;
  if (family == AF_INET && type == SOCK_PACKET) return Result::failure(EPERM);
  if (protocol < 0 || protocol > IPPROTO_MPTCP) return Result::failure(EINVAL);
  const int ping = family == AF_INET ? int{IPPROTO_ICMP} : int{IPPROTO_ICMPV6};
  switch (type) {
    case SOCK_STREAM:
      if (protocol == 0 || protocol == IPPROTO_TCP) return {};
      if (protocol == IPPROTO_MPTCP) throw NotModelled("socket of protocol mptcp");
      return Result::failure(EPROTONOSUPPORT);
    case SOCK_DGRAM:
      if (protocol == 0 || protocol == IPPROTO_UDP) return {};
      if (protocol == IPPROTO_UDPLITE) throw NotModelled("socket of protocol udplite");
      return Result::failure(protocol == ping ? EACCES : EPROTONOSUPPORT);
    case SOCK_RAW: return Result::failure(protocol == 0 ? EPROTONOSUPPORT : EPERM);
    default: return Result::failure(ESOCKTNOSUPPORT);
  }
}

/// What socket and socketpair make of family, type and protocol; NotModelled for families Linux has and we have not.
inline SysResult<void> check_family(Call call, int family, int type, int protocol) {
  constexpr int families_max = 46;
  if (family < 0 || family >= families_max) return SysResult<void>::failure(EAFNOSUPPORT);
  if (type >= types_max) return SysResult<void>::failure(EINVAL);
  if (family == AF_UNSPEC) return SysResult<void>::failure(EAFNOSUPPORT);
  if (family == AF_INET || family == AF_INET6) {
    const SysResult<void> checked = check_inet(family, type, protocol);
    return call == Call::socketpair && checked.ok() ? SysResult<void>::failure(EOPNOTSUPP) : checked;
  }
  if (family != AF_UNIX) throw NotModelled(std::string(name_of(call)) + " of address family " + std::to_string(family));
  if (protocol != 0 && protocol != PF_UNIX) return SysResult<void>::failure(EPROTONOSUPPORT);
  if (type != SOCK_STREAM && type != SOCK_DGRAM && type != SOCK_SEQPACKET && type != SOCK_RAW) {
    return SysResult<void>::failure(ESOCKTNOSUPPORT);
  }
  return {};
}

inline FileRef new_unix_socket(Kernel& kernel, int type) {
  const UnixDomain domain{kernel.file_ids, kernel.unix_names, kernel.unix_in_flight, kernel.limits};
  const int status_flags = type & SOCK_NONBLOCK;
  switch (type & type_mask) {
    case SOCK_STREAM: return FileRef{new UnixStreamFile{status_flags, domain}};
    case SOCK_SEQPACKET: return FileRef{new UnixSeqpacketFile{status_flags, domain}};
    default: return FileRef{new UnixDatagramFile{status_flags, domain}};  // SOCK_RAW is one, too.
  }
}

inline FileRef new_socket(Kernel& kernel, int family, int type) {
  if (family == AF_UNIX) return new_unix_socket(kernel, type);
  NetNamespace& net = kernel.current_net();
  const int status_flags = type & SOCK_NONBLOCK;
  if ((type & type_mask) == SOCK_STREAM) {
    return FileRef{new TcpSocketFile{kernel.file_ids.next(), net, family, status_flags}};
  }
  return FileRef{new UdpSocketFile{kernel.file_ids.next(), net, family, status_flags}};
}

/// The options that are no ints.
constexpr bool is_wait_limit(int level, int name) {
  return level == SOL_SOCKET && (name == SO_RCVTIMEO || name == SO_SNDTIMEO);
}
constexpr Direction limited_by(int name) { return name == SO_RCVTIMEO ? Direction::read : Direction::write; }

/// A call on a socket: EBADF, ENOTSOCK, then `body`.
template <class T, class Body>
SysResult<T> on_socket(Kernel& kernel, const Op& op, const CallArguments& arguments, Body body) {
  return kernel.enter(op, arguments, [=, &kernel]() -> SysResult<T> {
    SocketFile* socket = nullptr;
    const SysResult<void> found = get_socket(kernel, op.fd, socket);
    return found.ok() ? body(*socket) : SysResult<T>{found};
  });
}

}  // namespace detail_socket

inline SysResult<int> socket(Kernel& kernel, int family, int type, int protocol) {
  return kernel.enter({Call::socket}, {family, type, protocol}, [=, &kernel]() -> SysResult<int> {
    using namespace detail_socket;
    if ((type & ~(type_mask | type_flags)) != 0) return SysResult<int>::failure(EINVAL);
    const SysResult<void> checked = check_family(Call::socket, family, type & type_mask, protocol);
    if (!checked.ok()) return checked;
    NewFd fd = kernel.new_fd();
    if (!fd) return SysResult<int>::failure(EMFILE);
    return fd.install(new_socket(kernel, family, type), (type & SOCK_CLOEXEC) != 0);
  });
}

inline SysResult<void> socketpair(Kernel& kernel, int family, int type, int protocol, int* user_fds) {
  return kernel.enter({Call::socketpair}, {family, type, protocol, user_fds}, [=, &kernel]() -> SysResult<void> {
    using namespace detail_socket;
    if ((type & ~(type_mask | type_flags)) != 0) return SysResult<void>::failure(EINVAL);
    NewFd first = kernel.new_fd();
    NewFd second = kernel.new_fd();
    if (!second) return SysResult<void>::failure(EMFILE);
    const int fds[2] = {first.number(), second.number()};
    if (!put_user(user_fds, fds)) return SysResult<void>::failure(EFAULT);
    const SysResult<void> checked = check_family(Call::socketpair, family, type & type_mask, protocol);
    if (!checked.ok()) return checked;
    const FileRef a = new_unix_socket(kernel, type);
    const FileRef b = new_unix_socket(kernel, type);
    UnixSocketFile::connect_pair(static_cast<UnixSocketFile&>(*a), static_cast<UnixSocketFile&>(*b));
    first.install(a, (type & SOCK_CLOEXEC) != 0);
    second.install(b, (type & SOCK_CLOEXEC) != 0);
    return {};
  });
}

inline SysResult<void> bind(Kernel& kernel, int fd, const ::sockaddr* user_address, ::socklen_t n) {
  const Op op{Call::bind, fd};
  return detail_socket::on_socket<void>(kernel, op, {user_address, n}, [&](SocketFile& socket) -> SysResult<void> {
    AddressBytes address;
    const SysResult<void> got = detail_socket::get_address(address, user_address, n);
    return got.ok() ? socket.bind(address) : got;
  });
}

inline SysResult<void> listen(Kernel& kernel, int fd, int backlog) {
  const Op op{Call::listen, fd};
  return detail_socket::on_socket<void>(kernel, op, {backlog},
                                        [&](SocketFile& socket) { return socket.listen(backlog); });
}

inline SysResult<int> accept4(Kernel& kernel, int fd, ::sockaddr* user_address, ::socklen_t* user_n, int flags) {
  const Op op{Call::accept4, fd};
  return kernel.enter(op, {user_address, user_n, flags}, [=, &kernel]() -> SysResult<int> {
    File* const file = kernel.file(fd);
    if (file == nullptr) return SysResult<int>::failure(EBADF);
    if ((flags & ~detail_socket::type_flags) != 0) return SysResult<int>::failure(EINVAL);
    // A number is set aside before anything else is asked, so EMFILE comes first and the connection stays queued; and
    // whoever makes fds while this call sleeps is not given it.
    NewFd number = kernel.new_fd();
    if (!number) return SysResult<int>::failure(EMFILE);
    SocketFile* const listener = socket_cast(file);
    if (listener == nullptr) return SysResult<int>::failure(ENOTSOCK);
    FileRef accepted;
    const bool waits = listener->may_wait(Direction::read);
    const auto once = [&] { return listener->accept(waits ? IfEmpty::will_wait : IfEmpty::say_would_block, accepted); };
    SysResult<void> result = once();
    if (result.would_block() && waits) {
      const WaitPlace place = in_own_queue(kernel, *listener, Direction::read);
      result = wait_in(kernel, place, op, *listener, interrupted_by(place), [&](WaitPlace&) { return once(); });
    }
    if (!result.ok()) return result;
    if (user_address != nullptr) {
      // A bad address costs the connection: it was taken already.
      const AddressBytes address = static_cast<SocketFile&>(*accepted).accepted_address();
      const SysResult<void> put = detail_socket::put_address(user_address, user_n, address);
      if (!put.ok()) return put;
    }
    accepted->set_status_flags(O_RDWR | (flags & SOCK_NONBLOCK));
    return number.install(std::move(accepted), (flags & SOCK_CLOEXEC) != 0);
  });
}

inline SysResult<void> connect(Kernel& kernel, int fd, const ::sockaddr* user_address, ::socklen_t n) {
  const Op op{Call::connect, fd};
  return kernel.enter(op, {user_address, n}, [=, &kernel]() -> SysResult<void> {
    File* const file = kernel.file(fd);
    if (file == nullptr) return SysResult<void>::failure(EBADF);
    AddressBytes address;
    const SysResult<void> got = detail_socket::get_address(address, user_address, n);
    if (!got.ok()) return got;
    SocketFile* const socket = socket_cast(file);
    if (socket == nullptr) return SysResult<void>::failure(ENOTSOCK);

    WaitQueue* full = nullptr;
    const SysResult<void> result = socket->connect(address, full);
    if (!result.would_block() || !socket->may_wait(Direction::write)) return result;
    const WaitPlace first =
        full != nullptr ? in_turn(kernel, *socket, *full) : in_own_queue(kernel, *socket, Direction::write);
    // The listener may be another one after each wakeup: the address is looked up again.
    const std::uint32_t times_disconnected = socket->times_disconnected();
    const auto attempt = [&](WaitPlace& place) {
      if (socket->times_disconnected() != times_disconnected) return SysResult<void>::failure(EPIPE);
      const SysResult<void> again = socket->connect_again(address, full);
      place.queue = full != nullptr ? full : &socket->queue;
      return again;
    };
    const SysResult<void> end = wait_in(kernel, first, op, *socket, interrupted_by(first), attempt);
    return end.would_block() ? SysResult<void>::failure(socket->connect_unfinished()) : end;
  });
}

inline SysResult<void> shutdown(Kernel& kernel, int fd, int how) {
  const Op op{Call::shutdown, fd};
  return detail_socket::on_socket<void>(kernel, op, {how}, [&](SocketFile& socket) { return socket.shutdown(how); });
}

inline SysResult<void> getsockname(Kernel& kernel, int fd, ::sockaddr* address, ::socklen_t* n) {
  const Op op{Call::getsockname, fd};
  return detail_socket::on_socket<void>(kernel, op, {address, n}, [&](SocketFile& socket) {
    return detail_socket::put_address(address, n, socket.local_address());
  });
}

inline SysResult<void> getpeername(Kernel& kernel, int fd, ::sockaddr* address, ::socklen_t* n) {
  const Op op{Call::getpeername, fd};
  return detail_socket::on_socket<void>(kernel, op, {address, n}, [&](SocketFile& socket) -> SysResult<void> {
    const AddressBytes peer = socket.peer_address();
    if (peer.empty()) return SysResult<void>::failure(ENOTCONN);
    return detail_socket::put_address(address, n, peer);
  });
}

inline SysResult<void> getsockopt(Kernel& kernel, int fd, int level, int name, void* value, ::socklen_t* user_n) {
  const CallArguments given{level, name, value, user_n};
  const Op op{Call::getsockopt, fd};
  return detail_socket::on_socket<void>(kernel, op, given, [&](SocketFile& socket) -> SysResult<void> {
    const int unknown = socket.check_level(Direction::read, level);
    if (unknown != 0) return SysResult<void>::failure(unknown);
    ::socklen_t room = 0;
    if (!get_user(room, user_n)) return SysResult<void>::failure(EFAULT);
    // IPv6 takes a negative length for a large one.
    if (static_cast<int>(room) < 0 && level != IPPROTO_IPV6) return SysResult<void>::failure(EINVAL);
    const auto put = [&](const auto& option) -> SysResult<void> {
      const std::size_t copied = std::min<std::size_t>(room, sizeof option);
      const auto put_length = [&] { return put_user(user_n, static_cast<::socklen_t>(copied)); };
      const auto put_value = [&] { return put_bytes(value, &option, copied); };
      // Protocols say the length first.
      const bool is_put = level == SOL_SOCKET ? put_value() && put_length() : put_length() && put_value();
      return is_put ? SysResult<void>{} : SysResult<void>::failure(EFAULT);
    };
    if (detail_socket::is_wait_limit(level, name)) {
      return put(socket.wait_limit(detail_socket::limited_by(name)).to_timeval());
    }
    if (level == SOL_SOCKET && name == SO_LINGER) return put(socket.linger());
    const SysResult<int> got = socket.option(level, name);
    if (!got.ok()) return got;
    // Linux looks whether it fits. Those that are modelled do.
    if (level == IPPROTO_IP && room < sizeof(int)) return put(static_cast<std::uint8_t>(got.value()));
    return put(got.value());
  });
}

namespace detail_socket {

/// The int that setsockopt is given. IPv4's level takes a byte for one; IPv6's takes no pointer for 0.
inline SysResult<void> get_option(SocketFile& socket, int level, int name, const void* value, ::socklen_t n, int& to) {
  using Result = SysResult<void>;
  // What is no int has lengths of its own; it is not modelled, and says so.
  const bool is_text = level == IPPROTO_TCP && (name == TCP_CONGESTION || name == TCP_ULP || name == TCP_FASTOPEN_KEY);
  if (is_text) static_cast<void>(socket.option(level, name));
  const bool is_of_ip = level == IPPROTO_IP || level == IPPROTO_IPV6;
  const bool is_read_first = level == IPPROTO_IPV6 && value != nullptr && n >= sizeof to;
  if (is_read_first && !can_read_user(value, sizeof to)) return Result::failure(EFAULT);
  if (is_of_ip && socket.option(level, name).error() == ENOPROTOOPT) return Result::failure(ENOPROTOOPT);
  if (level == IPPROTO_IP && n < sizeof to) {
    std::uint8_t byte = 0;
    if (n > 0 && !get_user(byte, value)) return Result::failure(EFAULT);
    to = byte;
    return {};
  }
  if (n < sizeof to) return Result::failure(EINVAL);
  if (level == IPPROTO_IPV6 && value == nullptr) return {};
  return get_user(to, value) ? Result{} : Result::failure(EFAULT);
}

}  // namespace detail_socket

inline SysResult<void> setsockopt(Kernel& kernel, int fd, int level, int name, const void* value, ::socklen_t n) {
  const CallArguments given{level, name, value, n};
  const Op op{Call::setsockopt, fd};
  return detail_socket::on_socket<void>(kernel, op, given, [&](SocketFile& socket) -> SysResult<void> {
    if (static_cast<int>(n) < 0) return SysResult<void>::failure(EINVAL);
    const int unknown = socket.check_level(Direction::write, level);
    if (unknown != 0) return SysResult<void>::failure(unknown);
    int option = 0;
    const SysResult<void> got = detail_socket::get_option(socket, level, name, value, n, option);
    if (!got.ok()) return got;
    if (detail_socket::is_wait_limit(level, name)) {
      ::timeval time{};
      if (n < sizeof time) return SysResult<void>::failure(EINVAL);
      if (!get_user(time, value)) return SysResult<void>::failure(EFAULT);
      const std::optional<WaitLimit> limit = WaitLimit::from(time);
      if (!limit) return SysResult<void>::failure(EDOM);
      socket.set_wait_limit(detail_socket::limited_by(name), *limit);
      return {};
    }
    if (level == SOL_SOCKET && name == SO_LINGER) {
      ::linger linger{};
      if (n < sizeof linger) return SysResult<void>::failure(EINVAL);
      if (!get_user(linger, value)) return SysResult<void>::failure(EFAULT);
      socket.set_linger(
          {linger.l_onoff != 0 ? 1 : 0, linger.l_onoff != 0 ? linger.l_linger : socket.linger().l_linger});
      return {};
    }
    return socket.set_option(level, name, option);
  });
}

}  // namespace rouse::inline v0::kernel::sys
