// Socket: one end of a connection, or a listener that hands them out, of any family. socket(2), unix(7), tcp(7).
#pragma once

#include "socket_transfer.hpp"

namespace rouse::inline v0 {

/// A socket of any family, with untyped addresses. TcpStream, UnixListener and their kin are the typed ones.
/// Sending never raises SIGPIPE: a closed peer is EPIPE.
/// Any number of threads may use one Socket at a time, except for moving and closing it.
template <SocketBackend B>
class BasicSocket : public SocketTransfer<BasicSocket<B>, B, SocketAddress> {
  using Base = SocketTransfer<BasicSocket<B>, B, SocketAddress>;
  using Base::bits;

 public:
  /// socket(2). Errors: EMFILE, EAFNOSUPPORT and the like.
  BasicSocket(B backend, int family, SocketType type, SocketFlags flags = default_socket_flags,
              CallSiteFor<B> site = CallSite::current())
      : BasicSocket({backend, detail::value_or_throw(socket_for(backend, family, type, flags, site), {"socket"})},
                    flags) {}
  BasicSocket(int family, SocketType type, SocketFlags flags = default_socket_flags,
              CallSiteFor<B> site = CallSite::current()) requires std::default_initializable<B>
      : BasicSocket(B{}, family, type, flags, site) {}
  /// Takes over an fd that is a socket.
  explicit BasicSocket(BasicOwnedFd<B> fd, CallSiteFor<B> site = CallSite::current()) : Base(std::move(fd), site) {}
  /// As above, without asking the kernel for its mode: it was made with `flags`.
  BasicSocket(BasicOwnedFd<B> fd, SocketFlags flags) : Base(std::move(fd), Base::is_blocking(flags)) {}

  /// As the constructor; a closed handle if `ec` is set.
  [[nodiscard]] static BasicSocket create(B backend, int family, SocketType type, SocketFlags flags,
                                          std::error_code& ec, CallSiteFor<B> site = CallSite::current()) {
    const SysResult<int> made = detail::report(socket_for(backend, family, type, flags, site), ec);
    return {{backend, made.ok() ? made.value() : -1}, flags};
  }

  /// Two connected unix sockets. socketpair(2). Errors: EMFILE.
  [[nodiscard]] static std::pair<BasicSocket, BasicSocket> pair(B backend, SocketType type = SocketType::stream,
                                                                SocketFlags flags = default_socket_flags,
                                                                CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    return Base::template pair_of<BasicSocket>(backend, type, flags);
  }
  [[nodiscard]] static std::pair<BasicSocket, BasicSocket> pair(
      SocketType type = SocketType::stream, SocketFlags flags = default_socket_flags,
      CallSiteFor<B> site = CallSite::current()) requires std::default_initializable<B> {
    return pair(B{}, type, flags, site);
  }

  /// As above; two closed handles if `ec` is set.
  [[nodiscard]] static std::pair<BasicSocket, BasicSocket> pair(B backend, SocketType type, SocketFlags flags,
                                                                std::error_code& ec,
                                                                CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    return Base::template pair_of<BasicSocket>(backend, type, flags, ec);
  }

  /// A stream socket bound to `address` and listening. A TCP address may be reused at once (SO_REUSEADDR). A unix path
  /// must not exist yet, and stays when the socket is closed: unlink(2) it. Errors: EADDRINUSE, EMFILE, EACCES …
  [[nodiscard]] static BasicSocket listen_on(B backend, const SocketAddress& address, int backlog = SOMAXCONN,
                                             SocketFlags flags = default_socket_flags,
                                             CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    BasicSocket socket{backend, address.family(), SocketType::stream, flags};
    if (address.family() != AF_UNIX) socket.set_option(SOL_SOCKET, SO_REUSEADDR, 1);
    socket.bind(address);
    socket.listen(backlog);
    return socket;
  }
  [[nodiscard]] static BasicSocket listen_on(
      const SocketAddress& address, int backlog = SOMAXCONN, SocketFlags flags = default_socket_flags,
      CallSiteFor<B> site = CallSite::current()) requires std::default_initializable<B> {
    return listen_on(B{}, address, backlog, flags, site);
  }

  /// As above; a closed handle if `ec` is set.
  [[nodiscard]] static BasicSocket listen_on(B backend, const SocketAddress& address, int backlog, SocketFlags flags,
                                             std::error_code& ec, CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    BasicSocket socket = create(backend, address.family(), SocketType::stream, flags, ec);
    if (!ec && address.family() != AF_UNIX) socket.set_option(SOL_SOCKET, SO_REUSEADDR, 1, ec);
    if (!ec) socket.bind(address, ec);
    if (!ec) socket.listen(backlog, ec);
    if (ec) static_cast<void>(socket.release());
    return socket;
  }

  /// A stream socket connected to `address`, waiting until it is. Errors: as `connect`.
  [[nodiscard]] static BasicSocket connect_to(B backend, const SocketAddress& address,
                                              SocketFlags flags = default_socket_flags,
                                              CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    BasicSocket socket{backend, address.family(), SocketType::stream, flags};
    socket.connect(address);
    return socket;
  }
  [[nodiscard]] static BasicSocket connect_to(
      const SocketAddress& address, SocketFlags flags = default_socket_flags,
      CallSiteFor<B> site = CallSite::current()) requires std::default_initializable<B> {
    return connect_to(B{}, address, flags, site);
  }

  /// As above; a closed handle if `ec` is set.
  [[nodiscard]] static BasicSocket connect_to(B backend, const SocketAddress& address, SocketFlags flags,
                                              std::error_code& ec, CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    BasicSocket socket = create(backend, address.family(), SocketType::stream, flags, ec);
    if (!ec) socket.connect(address, ec);
    if (ec) static_cast<void>(socket.release());
    return socket;
  }

  /// bind(2). Errors: EADDRINUSE, EINVAL if bound already …
  void bind(const SocketAddress& address, CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    this->value_or_throw(this->bind_once(address), "bind");
  }
  void bind(const SocketAddress& address, std::error_code& ec, CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    static_cast<void>(detail::report(this->bind_once(address), ec));
  }
  /// listen(2). A unix listener queues backlog + 1 connections.
  void listen(int backlog = SOMAXCONN, CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    this->value_or_throw(this->listen_once(backlog), "listen");
  }
  void listen(int backlog, std::error_code& ec, CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    static_cast<void>(detail::report(this->listen_once(backlog), ec));
  }

  /// Connects, waiting until it is decided; a signal does not end that. Errors: ECONNREFUSED, ENOENT, EISCONN …; EAGAIN
  /// when the backlog of a unix listener is full and this socket is non-blocking: nothing tells when it no longer is.
  void connect(const SocketAddress& address, CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    this->value_or_throw(this->connect_waiting(address), "connect");
  }
  void connect(const SocketAddress& address, std::error_code& ec, CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    static_cast<void>(detail::report(this->connect_waiting(address), ec));
  }
  /// Starts connecting: true when connected, false when in progress: wait for `out`, then ask take_error().
  [[nodiscard]] bool try_connect(const SocketAddress& address, CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    const SysResult<void> connected = this->connect_once(address);
    if (connected.error() == EINPROGRESS) return false;
    this->value_or_throw(connected, "connect");
    return true;
  }
  [[nodiscard]] bool try_connect(const SocketAddress& address, std::error_code& ec,
                                 CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    const SysResult<void> connected = this->connect_once(address);
    if (connected.error() == EINPROGRESS) return ec.clear(), false;
    return detail::report(connected, ec).ok();
  }

  /// Takes a connection from the queue, waiting for one. accept4(2). Errors: EMFILE (the connection stays queued, so
  /// the listener stays ready: stop watching it until an fd is free), ENFILE, ECONNABORTED, EINTR, EINVAL after
  /// shutdown.
  [[nodiscard]] BasicSocket accept(SocketFlags flags = default_socket_flags,
                                   CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    return made(this->value_or_throw(this->accept_waiting(flags), "accept4"), flags);
  }
  /// A closed handle if `ec` is set.
  [[nodiscard]] BasicSocket accept(SocketFlags flags, std::error_code& ec, CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    const SysResult<int> accepted = detail::report(this->accept_waiting(flags), ec);
    return made(accepted.ok() ? accepted.value() : -1, flags);
  }
  /// Takes a connection from the queue; nothing if there is none. Precondition: non-blocking, as made by default.
  [[nodiscard]] std::optional<BasicSocket> try_accept(SocketFlags flags = default_socket_flags,
                                                      CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    this->assert_never_waits();
    const SysResult<int> accepted = this->accept_once(flags);
    if (accepted.would_block()) return std::nullopt;
    return made(this->value_or_throw(accepted, "accept4"), flags);
  }
  [[nodiscard]] std::optional<BasicSocket> try_accept(SocketFlags flags, std::error_code& ec,
                                                      CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    this->assert_never_waits();
    const SysResult<int> accepted = this->accept_once(flags);
    if (accepted.would_block()) return ec.clear(), std::nullopt;
    if (!detail::report(accepted, ec).ok()) return std::nullopt;
    return made(accepted.value(), flags);
  }
  [[nodiscard]] std::optional<BasicSocket> try_accept(std::error_code& ec, CallSiteFor<B> site = CallSite::current()) {
    return try_accept(default_socket_flags, ec, site);
  }

  static constexpr char used_while_closed[] = "Socket: used while closed or after being moved from";

  static constexpr bool takes(OptionOf) { return true; }

 private:
  static SysResult<int> socket_for(B backend, int family, SocketType type, SocketFlags flags, CallSiteFor<B> site) {
    const detail::CallScopeFor<B> scope{site};
    return backend.socket(family, bits(type, flags), 0);
  }
  BasicSocket made(int fd, SocketFlags flags) const { return {this->adopt(fd), flags}; }
};

using Socket = BasicSocket<DefaultBackend>;

}  // namespace rouse::inline v0
