// The socket calls.
#pragma once

#include "blocking.hpp"
#include "syscalls_epoll.hpp"
#include "unix_stream_file.hpp"

#include <sys/socket.h>

namespace rouse::inline v0::kernel::sys {

namespace detail_socket {

constexpr int type_mask = 0xf;
constexpr int type_flags = SOCK_NONBLOCK | SOCK_CLOEXEC;
constexpr int types_max = 11;

/// What socket and socketpair make of family, type and protocol; NotModelled for families Linux has and we have not.
inline SysResult<void> check_family(Call call, int family, int type, int protocol) {
  constexpr int families_max = 46;
  if (family < 0 || family >= families_max) return SysResult<void>::failure(EAFNOSUPPORT);
  if (type >= types_max) return SysResult<void>::failure(EINVAL);
  if (family == AF_UNSPEC) return SysResult<void>::failure(EAFNOSUPPORT);
  const bool is_inet = family == AF_INET || family == AF_INET6;
  if (call == Call::socketpair && is_inet && (type == SOCK_STREAM || type == SOCK_DGRAM) && protocol == 0) {
    return SysResult<void>::failure(EOPNOTSUPP);
  }
  if (family != AF_UNIX) throw NotModelled(std::string(name_of(call)) + " of address family " + std::to_string(family));
  if (protocol != 0 && protocol != PF_UNIX) return SysResult<void>::failure(EPROTONOSUPPORT);
  if (type != SOCK_STREAM && type != SOCK_DGRAM && type != SOCK_SEQPACKET && type != SOCK_RAW) {
    return SysResult<void>::failure(ESOCKTNOSUPPORT);
  }
  if (type != SOCK_STREAM)
    throw NotModelled(std::string(name_of(call)) + " of unix socket type " + std::to_string(type));
  return {};
}

inline UnixStreamFile* new_unix_stream(Kernel& kernel, int type) {
  return new UnixStreamFile{kernel.file_ids, type & SOCK_NONBLOCK, kernel.unix_names, kernel.limits};
}

/// An address from the caller's memory, as bytes. Errors: EINVAL, EFAULT.
inline SysResult<void> get_address(AddressBytes& to, const ::sockaddr* from, ::socklen_t n) {
  if (n > sizeof(::sockaddr_storage)) return SysResult<void>::failure(EINVAL);
  if (!is_user_memory(from, n)) return SysResult<void>::failure(EFAULT);
  to.resize(n);
  if (n != 0) detail::copy_from_user(to.data(), from, n);
  return {};
}

/// An address into the caller's memory, cut to the room there; its full length goes into `*n`.
inline SysResult<void> put_address(::sockaddr* to, ::socklen_t* n, const AddressBytes& address) {
  ::socklen_t room = 0;
  if (!get_user(room, n)) return SysResult<void>::failure(EFAULT);
  if (static_cast<int>(room) < 0) return SysResult<void>::failure(EINVAL);
  const std::size_t copied = std::min<std::size_t>(room, address.size());
  static_cast<void>(put_user(n, static_cast<::socklen_t>(address.size())));
  if (!is_user_memory(to, copied)) return SysResult<void>::failure(EFAULT);
  if (copied != 0) detail::copy_to_user(to, address.data(), copied);
  return {};
}

/// A call on a socket: EBADF, ENOTSOCK, then `body`.
template <class T, class Body>
SysResult<T> on_socket(Kernel& kernel, const Op& op, Body body) {
  return kernel.enter(op, [&]() -> SysResult<T> {
    File* const file = kernel.file(op.fd);
    if (file == nullptr) return SysResult<T>::failure(EBADF);
    SocketFile* const socket = socket_cast(file);
    if (socket == nullptr) return SysResult<T>::failure(ENOTSOCK);
    return body(*socket);
  });
}

/// Moves bytes, waiting unless the socket or the call says otherwise.
template <class Attempt>
SysResult<std::size_t> move(Kernel& kernel, SocketFile& socket, Direction direction, const Op& op, int flags,
                            UserSpans& spans, Attempt attempt) {
  const bool waits = !socket.is_nonblocking() && (flags & MSG_DONTWAIT) == 0;
  const auto once = [&] { return attempt(waits ? IfEmpty::will_wait : IfEmpty::say_would_block); };
  const SysResult<std::size_t> result = once();
  if (!result.would_block()) return result;
  if (waits) return wait_to_move(kernel, socket, direction, op, spans, once);
  return spans.moved() > 0 ? SysResult<std::size_t>{spans.moved()} : result;
}

}  // namespace detail_socket

inline SysResult<int> socket(Kernel& kernel, int family, int type, int protocol) {
  return kernel.enter({Call::socket}, [&]() -> SysResult<int> {
    using namespace detail_socket;
    if ((type & ~(type_mask | type_flags)) != 0) return SysResult<int>::failure(EINVAL);
    const SysResult<void> checked = check_family(Call::socket, family, type & type_mask, protocol);
    if (!checked.ok()) return checked;
    NewFd fd = kernel.new_fd();
    if (!fd) return SysResult<int>::failure(EMFILE);
    return fd.install(FileRef{new_unix_stream(kernel, type)}, (type & SOCK_CLOEXEC) != 0);
  });
}

inline SysResult<void> socketpair(Kernel& kernel, int family, int type, int protocol, int* user_fds) {
  return kernel.enter({Call::socketpair}, [&]() -> SysResult<void> {
    using namespace detail_socket;
    if ((type & ~(type_mask | type_flags)) != 0) return SysResult<void>::failure(EINVAL);
    NewFd first = kernel.new_fd();
    NewFd second = kernel.new_fd();
    if (!first || !second) return SysResult<void>::failure(EMFILE);
    const int fds[2] = {first.number(), second.number()};
    if (!put_user(user_fds, fds)) return SysResult<void>::failure(EFAULT);
    const SysResult<void> checked = check_family(Call::socketpair, family, type & type_mask, protocol);
    if (!checked.ok()) return checked;
    const FileRef a{new_unix_stream(kernel, type)};
    const FileRef b{new_unix_stream(kernel, type)};
    UnixStreamFile::connect_pair(static_cast<UnixStreamFile&>(*a), static_cast<UnixStreamFile&>(*b));
    first.install(a, (type & SOCK_CLOEXEC) != 0);
    second.install(b, (type & SOCK_CLOEXEC) != 0);
    return {};
  });
}

inline SysResult<void> bind(Kernel& kernel, int fd, const ::sockaddr* user_address, ::socklen_t n) {
  return detail_socket::on_socket<void>(kernel, {Call::bind, fd}, [&](SocketFile& socket) -> SysResult<void> {
    AddressBytes address;
    const SysResult<void> got = detail_socket::get_address(address, user_address, n);
    return got.ok() ? socket.bind(address) : got;
  });
}

inline SysResult<void> listen(Kernel& kernel, int fd, int backlog) {
  return detail_socket::on_socket<void>(kernel, {Call::listen, fd},
                                        [&](SocketFile& socket) { return socket.listen(backlog); });
}

inline SysResult<int> accept4(Kernel& kernel, int fd, ::sockaddr* user_address, ::socklen_t* user_n, int flags) {
  const Op op{Call::accept4, fd};
  return kernel.enter(op, [&]() -> SysResult<int> {
    File* const file = kernel.file(fd);
    if (file == nullptr) return SysResult<int>::failure(EBADF);
    if ((flags & ~detail_socket::type_flags) != 0) return SysResult<int>::failure(EINVAL);
    // A number is set aside before anything else is asked, so EMFILE comes first and the connection stays queued; and
    // whoever makes fds while this call sleeps is not given it.
    NewFd number = kernel.new_fd();
    if (!number) return SysResult<int>::failure(EMFILE);
    SocketFile* const listener = socket_cast(file);
    if (listener == nullptr) return SysResult<int>::failure(ENOTSOCK);
    const SysResult<void> may = listener->may_accept();
    if (!may.ok()) return may;

    FileRef accepted;
    const bool waits = !listener->is_nonblocking();
    const auto once = [&] { return listener->accept(waits ? IfEmpty::will_wait : IfEmpty::say_would_block, accepted); };
    SysResult<void> result = once();
    if (result.would_block() && waits) {
      const FileRef keep{listener};
      result = wait_in(kernel, listener->queue, listener->wait_style(Direction::read), op, listener, time_never, once);
    }
    if (!result.ok()) return result;
    if (user_address != nullptr) {
      // A bad address costs the connection: it was taken already.
      const AddressBytes address = static_cast<SocketFile&>(*accepted).peer_address();
      const SysResult<void> put = detail_socket::put_address(user_address, user_n, address);
      if (!put.ok()) return put;
    }
    accepted->set_status_flags(O_RDWR | (flags & SOCK_NONBLOCK));
    return number.install(std::move(accepted), (flags & SOCK_CLOEXEC) != 0);
  });
}

inline SysResult<void> connect(Kernel& kernel, int fd, const ::sockaddr* user_address, ::socklen_t n) {
  const Op op{Call::connect, fd};
  return kernel.enter(op, [&]() -> SysResult<void> {
    File* const file = kernel.file(fd);
    if (file == nullptr) return SysResult<void>::failure(EBADF);
    AddressBytes address;
    const SysResult<void> got = detail_socket::get_address(address, user_address, n);
    if (!got.ok()) return got;
    SocketFile* const socket = socket_cast(file);
    if (socket == nullptr) return SysResult<void>::failure(ENOTSOCK);

    WaitQueue* full = nullptr;
    const auto once = [&] { return socket->connect(address, full); };
    SysResult<void> result = once();
    const FileRef keep{socket};
    // The listener may be another one after each wakeup: the address is looked up again.
    while (result.would_block() && !socket->is_nonblocking()) {
      TaskWaiter waiter{kernel.host(), kernel.host().current(), any_key};
      waiter.join(*full, true, false);
      static_cast<void>(sleep(kernel, op, socket, time_never));
      waiter.unlink();
      result = once();
    }
    return result;
  });
}

inline SysResult<void> shutdown(Kernel& kernel, int fd, int how) {
  return detail_socket::on_socket<void>(kernel, {Call::shutdown, fd},
                                        [&](SocketFile& socket) { return socket.shutdown(how); });
}

inline SysResult<void> getsockname(Kernel& kernel, int fd, ::sockaddr* address, ::socklen_t* n) {
  return detail_socket::on_socket<void>(kernel, {Call::getsockname, fd}, [&](SocketFile& socket) {
    return detail_socket::put_address(address, n, socket.local_address());
  });
}

inline SysResult<void> getpeername(Kernel& kernel, int fd, ::sockaddr* address, ::socklen_t* n) {
  return detail_socket::on_socket<void>(kernel, {Call::getpeername, fd}, [&](SocketFile& socket) -> SysResult<void> {
    const AddressBytes peer = socket.peer_address();
    if (peer.empty()) return SysResult<void>::failure(ENOTCONN);
    return detail_socket::put_address(address, n, peer);
  });
}

inline SysResult<void> getsockopt(Kernel& kernel, int fd, int level, int name, void* value, ::socklen_t* user_n) {
  return detail_socket::on_socket<void>(kernel, {Call::getsockopt, fd}, [&](SocketFile& socket) -> SysResult<void> {
    if (!socket.has_level(level)) return SysResult<void>::failure(EOPNOTSUPP);
    ::socklen_t room = 0;
    if (!get_user(room, user_n)) return SysResult<void>::failure(EFAULT);
    if (static_cast<int>(room) < 0) return SysResult<void>::failure(EINVAL);
    const SysResult<int> got = socket.option(level, name);
    if (!got.ok()) return got;
    const int option = got.value();
    const std::size_t copied = std::min<std::size_t>(room, sizeof option);
    if (!is_user_memory(value, copied)) return SysResult<void>::failure(EFAULT);
    if (copied != 0) detail::copy_to_user(value, &option, copied);
    static_cast<void>(put_user(user_n, static_cast<::socklen_t>(copied)));
    return {};
  });
}

inline SysResult<void> setsockopt(Kernel& kernel, int fd, int level, int name, const void* value, ::socklen_t n) {
  return detail_socket::on_socket<void>(kernel, {Call::setsockopt, fd}, [&](SocketFile& socket) -> SysResult<void> {
    if (static_cast<int>(n) < 0) return SysResult<void>::failure(EINVAL);
    if (!socket.has_level(level)) return SysResult<void>::failure(EOPNOTSUPP);
    int option = 0;
    if (n < sizeof option) return SysResult<void>::failure(EINVAL);
    if (!get_user(option, value)) return SysResult<void>::failure(EFAULT);
    return socket.set_option(level, name, option);
  });
}

inline SysResult<std::size_t> sendto(Kernel& kernel, int fd, const void* data, std::size_t size, int flags,
                                     const ::sockaddr* to, ::socklen_t to_size) {
  const Op op{Call::sendto, fd};
  return kernel.enter(op, [&]() -> SysResult<std::size_t> {
    const std::size_t n = std::min(size, rw_count_max);  // Cut before it is asked where it ends; read(2) does not.
    if (!is_user_range(data, n)) return SysResult<std::size_t>::failure(EFAULT);
    File* const file = kernel.file(fd);
    if (file == nullptr) return SysResult<std::size_t>::failure(EBADF);
    SocketFile* const socket = socket_cast(file);
    if (socket == nullptr) return SysResult<std::size_t>::failure(ENOTSOCK);
    AddressBytes address;
    if (to != nullptr) {
      const SysResult<void> got = detail_socket::get_address(address, to, to_size);
      if (!got.ok()) return got;
    }
    UserInput from{data, n};
    return detail_socket::move(kernel, *socket, Direction::write, op, flags, from,
                               [&](IfEmpty) { return socket->send(from, flags, !address.empty()); });
  });
}

inline SysResult<std::size_t> recvfrom(Kernel& kernel, int fd, void* data, std::size_t size, int flags,
                                       ::sockaddr* user_address, ::socklen_t* user_n) {
  const Op op{Call::recvfrom, fd};
  return kernel.enter(op, [&]() -> SysResult<std::size_t> {
    const std::size_t n = std::min(size, rw_count_max);  // Cut before it is asked where it ends; read(2) does not.
    if (!is_user_range(data, n)) return SysResult<std::size_t>::failure(EFAULT);
    File* const file = kernel.file(fd);
    if (file == nullptr) return SysResult<std::size_t>::failure(EBADF);
    SocketFile* const socket = socket_cast(file);
    if (socket == nullptr) return SysResult<std::size_t>::failure(ENOTSOCK);
    UserOutput to{data, n};
    AddressBytes sender;
    AddressBytes* const wants_sender = user_address != nullptr ? &sender : nullptr;
    const SysResult<std::size_t> got =
        detail_socket::move(kernel, *socket, Direction::read, op, flags, to,
                            [&](IfEmpty if_empty) { return socket->receive(to, flags, if_empty, wants_sender); });
    if (got.ok() && user_address != nullptr) {
      const SysResult<void> put = detail_socket::put_address(user_address, user_n, sender);
      if (!put.ok()) return put;
    }
    return got;
  });
}

}  // namespace rouse::inline v0::kernel::sys
