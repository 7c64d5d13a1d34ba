// TcpStream: one end of a TCP connection. tcp(7).
#pragma once

#include "ip.hpp"
#include "socket_transfer.hpp"

namespace rouse::inline v0 {

/// Sending never raises SIGPIPE: a closed peer is EPIPE, or ECONNRESET.
/// Any number of threads may use one TcpStream at a time, except for moving and closing it.
///
/// An event loop connects in two steps: `TcpStream::start_connect(address)`, then, when epoll reports `out`,
/// `try_finish_connect()`.
template <SocketBackend B>
class BasicTcpStream : public SocketTransfer<BasicTcpStream<B>, B, Ip> {
  using Base = SocketTransfer<BasicTcpStream<B>, B, Ip>;

 public:
  /// Not connected: for options that have to be set before. socket(2). Errors: EMFILE, EAFNOSUPPORT and the like.
  BasicTcpStream(B backend, IpVersion which, SocketFlags flags = default_socket_flags,
                 CallSiteFor<B> site = CallSite::current())
      : BasicTcpStream({backend, detail::value_or_throw(socket_for(backend, which, flags, site), {"socket"})}, flags) {}
  explicit BasicTcpStream(IpVersion which, SocketFlags flags = default_socket_flags,
                          CallSiteFor<B> site = CallSite::current()) requires std::default_initializable<B>
      : BasicTcpStream(B{}, which, flags, site) {}
  /// As above; a closed handle if `ec` is set.
  [[nodiscard]] static BasicTcpStream create(B backend, IpVersion which, SocketFlags flags, std::error_code& ec,
                                             CallSiteFor<B> site = CallSite::current()) {
    const SysResult<int> made = detail::report(socket_for(backend, which, flags, site), ec);
    return {{backend, made.ok() ? made.value() : -1}, flags};
  }
  /// Takes over an fd that is a TCP socket and no listener.
  explicit BasicTcpStream(BasicOwnedFd<B> fd, CallSiteFor<B> site = CallSite::current()) : Base(std::move(fd), site) {}
  /// As above, without asking the kernel for its mode: it was made with `flags`.
  BasicTcpStream(BasicOwnedFd<B> fd, SocketFlags flags) : Base(std::move(fd), Base::is_blocking(flags)) {}

  /// Connects to `address`, waiting until it is decided; a signal does not end that. connect(2).
  /// Errors: ECONNREFUSED, ETIMEDOUT, ENETUNREACH, EADDRNOTAVAIL, EMFILE …
  [[nodiscard]] static BasicTcpStream connect(B backend, const Ip& address, SocketFlags flags = default_socket_flags,
                                              CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    BasicTcpStream stream{backend, address.version(), flags};
    detail::value_or_throw(stream.connect_uninterrupted(address), {"connect", stream.fd()});
    return stream;
  }
  [[nodiscard]] static BasicTcpStream connect(
      const Ip& address, SocketFlags flags = default_socket_flags,
      CallSiteFor<B> site = CallSite::current()) requires std::default_initializable<B> {
    return connect(B{}, address, flags, site);
  }
  /// As above; a closed handle if `ec` is set.
  [[nodiscard]] static BasicTcpStream connect(B backend, const Ip& address, SocketFlags flags, std::error_code& ec,
                                              CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    BasicTcpStream stream = create(backend, address.version(), flags, ec);
    if (!ec) static_cast<void>(detail::report(stream.connect_uninterrupted(address), ec));
    if (ec) static_cast<void>(stream.release());
    return stream;
  }
  [[nodiscard]] static BasicTcpStream connect(
      const Ip& address, std::error_code& ec,
      CallSiteFor<B> site = CallSite::current()) requires std::default_initializable<B> {
    return connect(B{}, address, default_socket_flags, ec, site);
  }

  /// Starts connecting to `address` and does not wait: ask try_finish_connect() whether it is connected.
  /// Errors: as connect; most of them come with finishing. Precondition: `flags` have `nonblock`.
  [[nodiscard]] static BasicTcpStream start_connect(B backend, const Ip& address,
                                                    SocketFlags flags = default_socket_flags,
                                                    CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    BasicTcpStream stream{backend, address.version(), flags};
    static_cast<void>(stream.try_connect(address));
    return stream;
  }
  [[nodiscard]] static BasicTcpStream start_connect(
      const Ip& address, SocketFlags flags = default_socket_flags,
      CallSiteFor<B> site = CallSite::current()) requires std::default_initializable<B> {
    return start_connect(B{}, address, flags, site);
  }
  /// As above; a closed handle if `ec` is set.
  [[nodiscard]] static BasicTcpStream start_connect(B backend, const Ip& address, SocketFlags flags,
                                                    std::error_code& ec, CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    BasicTcpStream stream = create(backend, address.version(), flags, ec);
    if (!ec) static_cast<void>(stream.try_connect(address, ec));
    if (ec) static_cast<void>(stream.release());
    return stream;
  }
  [[nodiscard]] static BasicTcpStream start_connect(
      const Ip& address, std::error_code& ec,
      CallSiteFor<B> site = CallSite::current()) requires std::default_initializable<B> {
    return start_connect(B{}, address, default_socket_flags, ec, site);
  }

  /// Where it is to connect from. bind(2). Errors: EADDRINUSE, EADDRNOTAVAIL, EINVAL if bound already …
  void bind(const Ip& address, CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    this->value_or_throw(this->bind_once(address), "bind");
  }
  void bind(const Ip& address, std::error_code& ec, CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    static_cast<void>(detail::report(this->bind_once(address), ec));
  }

  /// Starts connecting: true when connected, false when in progress: wait for `out`, then try_finish_connect().
  /// Errors: ECONNREFUSED, ENETUNREACH, EISCONN, EALREADY … Precondition: non-blocking, as made by default.
  [[nodiscard]] bool try_connect(const Ip& address, CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    this->assert_never_waits();
    return is_connected(this->connect_once(address));
  }
  [[nodiscard]] bool try_connect(const Ip& address, std::error_code& ec, CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    this->assert_never_waits();
    return is_connected(this->connect_once(address), ec);
  }
  /// Waits until a connect that was started is decided; a signal does not end that. poll(2), SO_ERROR.
  /// Errors: as connect; ENOTCONN if none was started, or it failed and the error was taken.
  void finish_connect(CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    this->value_or_throw(this->connect_decided(), "connect");
  }
  void finish_connect(std::error_code& ec, CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    static_cast<void>(detail::report(this->connect_decided(), ec));
  }
  /// Whether a connect that was started is decided: true when connected, false when still in progress. Errors: as
  /// finish_connect.
  [[nodiscard]] bool try_finish_connect(CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    return is_connected(this->connect_decided_now());
  }
  [[nodiscard]] bool try_finish_connect(std::error_code& ec, CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    return is_connected(this->connect_decided_now(), ec);
  }

  static constexpr char used_while_closed[] = "TcpStream: used while closed or after being moved from";
  static constexpr bool takes(OptionOf) { return true; }

 private:
  static SysResult<int> socket_for(B backend, IpVersion which, SocketFlags flags, CallSiteFor<B> site) {
    const detail::CallScopeFor<B> scope{site};
    return backend.socket(static_cast<int>(which), Base::bits(SocketType::stream, flags), IPPROTO_TCP);
  }

  /// A blocking connect that a signal interrupted goes on in the background as well.
  SysResult<void> connect_uninterrupted(const Ip& address) const {
    const SysResult<void> connected = this->connect_waiting(address);
    return connected.error() == EINTR ? this->connect_decided() : connected;
  }

  bool is_connected(SysResult<void> result) const {
    if (result.error() == EINPROGRESS) return false;
    this->value_or_throw(result, "connect");
    return true;
  }
  static bool is_connected(SysResult<void> result, std::error_code& ec) {
    if (result.error() == EINPROGRESS) return ec.clear(), false;
    return detail::report(result, ec).ok();
  }
};

using TcpStream = BasicTcpStream<DefaultBackend>;

}  // namespace rouse::inline v0
