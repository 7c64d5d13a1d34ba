// UnixStream: one end of a stream between processes of one machine, which can pass fds. unix(7).
#pragma once

#include "fd_passing.hpp"
#include "unix_address.hpp"

namespace rouse::inline v0 {

/// Sending never raises SIGPIPE: a closed peer is EPIPE.
/// Any number of threads may use one UnixStream at a time, except for moving and closing it.
template <SocketBackend B>
class BasicUnixStream : public FdPassing<SocketTransfer<BasicUnixStream<B>, B, UnixAddress>, SocketType::stream> {
  using Base = FdPassing<SocketTransfer<BasicUnixStream<B>, B, UnixAddress>, SocketType::stream>;

 public:
  /// Not connected: to be bound first. socket(2). Errors: EMFILE and the like.
  explicit BasicUnixStream(B backend, SocketFlags flags = default_socket_flags,
                           CallSiteFor<B> site = CallSite::current())
      : BasicUnixStream({backend, detail::value_or_throw(socket_for(backend, flags, site), {"socket"})}, flags) {}
  explicit BasicUnixStream(SocketFlags flags = default_socket_flags,
                           CallSiteFor<B> site = CallSite::current()) requires std::default_initializable<B>
      : BasicUnixStream(B{}, flags, site) {}
  /// As above; a closed handle if `ec` is set.
  [[nodiscard]] static BasicUnixStream create(B backend, SocketFlags flags, std::error_code& ec,
                                              CallSiteFor<B> site = CallSite::current()) {
    const SysResult<int> made = detail::report(socket_for(backend, flags, site), ec);
    return {{backend, made.ok() ? made.value() : -1}, flags};
  }
  /// Takes over an fd that is a unix stream socket and no listener.
  explicit BasicUnixStream(BasicOwnedFd<B> fd, CallSiteFor<B> site = CallSite::current()) : Base(std::move(fd), site) {}
  /// As above, without asking the kernel for its mode: it was made with `flags`.
  BasicUnixStream(BasicOwnedFd<B> fd, SocketFlags flags) : Base(std::move(fd), Base::is_blocking(flags)) {}

  /// Connects to a listener, waiting for room in its backlog. connect(2). Errors: ECONNREFUSED if nobody listens,
  /// ENOENT if there is no such path, EACCES, EMFILE, EINTR.
  [[nodiscard]] static BasicUnixStream connect(B backend, const UnixAddress& address,
                                               SocketFlags flags = default_socket_flags,
                                               CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    BasicUnixStream stream{backend, flags};
    detail::value_or_throw(stream.connect_for_sure(address, flags), {"connect", stream.fd()});
    return stream;
  }
  [[nodiscard]] static BasicUnixStream connect(
      const UnixAddress& address, SocketFlags flags = default_socket_flags,
      CallSiteFor<B> site = CallSite::current()) requires std::default_initializable<B> {
    return connect(B{}, address, flags, site);
  }
  /// As above; a closed handle if `ec` is set.
  [[nodiscard]] static BasicUnixStream connect(B backend, const UnixAddress& address, SocketFlags flags,
                                               std::error_code& ec, CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    BasicUnixStream stream = create(backend, flags, ec);
    if (!ec) static_cast<void>(detail::report(stream.connect_for_sure(address, flags), ec));
    if (ec) static_cast<void>(stream.release());
    return stream;
  }
  [[nodiscard]] static BasicUnixStream connect(
      const UnixAddress& address, std::error_code& ec,
      CallSiteFor<B> site = CallSite::current()) requires std::default_initializable<B> {
    return connect(B{}, address, default_socket_flags, ec, site);
  }

  /// Gives it a name of its own. bind(2). Errors: EADDRINUSE, EACCES, ENOENT, EINVAL if bound already …
  void bind(const UnixAddress& address, CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    this->value_or_throw(this->bind_once(address), "bind");
  }
  void bind(const UnixAddress& address, std::error_code& ec, CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    static_cast<void>(detail::report(this->bind_once(address), ec));
  }
  /// Connects at once; false if the listener's backlog is full: nothing tells when it no longer is. Errors: as connect.
  /// Precondition: non-blocking, as made by default.
  [[nodiscard]] bool try_connect(const UnixAddress& address, CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    this->assert_never_waits();
    const SysResult<void> connected = this->connect_once(address);
    if (connected.would_block()) return false;
    this->value_or_throw(connected, "connect");
    return true;
  }
  [[nodiscard]] bool try_connect(const UnixAddress& address, std::error_code& ec,
                                 CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    this->assert_never_waits();
    const SysResult<void> connected = this->connect_once(address);
    if (connected.would_block()) return ec.clear(), false;
    return detail::report(connected, ec).ok();
  }

  static constexpr char used_while_closed[] = "UnixStream: used while closed or after being moved from";
  static constexpr bool takes(OptionOf of) { return of == OptionOf::any_socket; }

 private:
  static SysResult<int> socket_for(B backend, SocketFlags flags, CallSiteFor<B> site) {
    const detail::CallScopeFor<B> scope{site};
    return backend.socket(AF_UNIX, Base::bits(SocketType::stream, flags), 0);
  }

  /// No event tells of room in a backlog, so the socket, which nobody else has yet, waits inside the call.
  SysResult<void> connect_for_sure(const UnixAddress& address, SocketFlags flags) const {
    const SysResult<void> connected = this->connect_once(address);
    if (!connected.would_block() || Base::is_blocking(flags)) return connected;
    const SysResult<int> set = this->backend().fcntl(this->fd(), F_SETFL, 0);
    if (!set.ok()) return set;
    const SysResult<void> at_last = this->connect_once(address);
    const SysResult<int> put_back = this->backend().fcntl(this->fd(), F_SETFL, O_NONBLOCK);
    return at_last.ok() && !put_back.ok() ? SysResult<void>(put_back) : at_last;
  }
};

using UnixStream = BasicUnixStream<DefaultBackend>;

}  // namespace rouse::inline v0
