// UdpSocket: datagrams over IPv4 or IPv6. udp(7).
#pragma once

#include "datagram_handle.hpp"
#include "ip.hpp"

namespace rouse::inline v0 {

/// How a UdpSocket is made: `{.reuse_port = true}`.
struct UdpOptions {
  bool reuse_address = false;        ///< Sockets that all ask for it may share an address, as multicast takes.
  bool reuse_port = false;           ///< Sockets of one user that all ask for it share the port.
  std::optional<bool> v6_only = {};  ///< Of an IPv6 address: no IPv4 peers. The machine's default if not said.
  SocketFlags flags = default_socket_flags;
};

/// A datagram sent to a port that nobody has vanishes; if this socket is connected, one of its next calls says
/// ECONNREFUSED. Any number of threads may use one UdpSocket at a time, except for moving and closing it.
template <SocketBackend B>
class BasicUdpSocket : public DatagramHandle<BasicUdpSocket<B>, B, Ip> {
  using Base = DatagramHandle<BasicUdpSocket<B>, B, Ip>;

 public:
  /// Not bound: the first datagram sent gives it a port. socket(2). Errors: EMFILE, EAFNOSUPPORT and the like.
  BasicUdpSocket(B backend, IpVersion which, SocketFlags flags = default_socket_flags,
                 CallSiteFor<B> site = CallSite::current())
      : BasicUdpSocket({backend, detail::value_or_throw(socket_for(backend, which, flags, site), {"socket"})}, flags) {}
  explicit BasicUdpSocket(IpVersion which, SocketFlags flags = default_socket_flags,
                          CallSiteFor<B> site = CallSite::current()) requires std::default_initializable<B>
      : BasicUdpSocket(B{}, which, flags, site) {}
  /// As above; a closed handle if `ec` is set.
  [[nodiscard]] static BasicUdpSocket create(B backend, IpVersion which, SocketFlags flags, std::error_code& ec,
                                             CallSiteFor<B> site = CallSite::current()) {
    const SysResult<int> made = detail::report(socket_for(backend, which, flags, site), ec);
    return {{backend, made.ok() ? made.value() : -1}, flags};
  }
  /// Takes over an fd that is a UDP socket.
  explicit BasicUdpSocket(BasicOwnedFd<B> fd, CallSiteFor<B> site = CallSite::current()) : Base(std::move(fd), site) {}
  /// As above, without asking the kernel for its mode: it was made with `flags`.
  BasicUdpSocket(BasicOwnedFd<B> fd, SocketFlags flags) : Base(std::move(fd), Base::is_blocking(flags)) {}

  /// A socket that is bound to `address`; port 0 lets the kernel choose one, which local_address() tells.
  /// socket(2), setsockopt(2), bind(2). Errors: EADDRINUSE, EADDRNOTAVAIL, EACCES, EMFILE …
  [[nodiscard]] static BasicUdpSocket bound_to(B backend, const Ip& address, const UdpOptions& options = {},
                                               CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    BasicUdpSocket socket{backend, address.version(), options.flags};
    FailedCall call{"bind", socket.fd()};
    detail::value_or_throw(socket.start(address, options, call), call);
    return socket;
  }
  [[nodiscard]] static BasicUdpSocket bound_to(
      const Ip& address, const UdpOptions& options = {},
      CallSiteFor<B> site = CallSite::current()) requires std::default_initializable<B> {
    return bound_to(B{}, address, options, site);
  }
  /// As above; a closed handle if `ec` is set.
  [[nodiscard]] static BasicUdpSocket bound_to(B backend, const Ip& address, const UdpOptions& options,
                                               std::error_code& ec, CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    BasicUdpSocket socket = create(backend, address.version(), options.flags, ec);
    FailedCall call{"bind"};
    if (!ec) static_cast<void>(detail::report(socket.start(address, options, call), ec));
    if (ec) static_cast<void>(socket.release());
    return socket;
  }
  [[nodiscard]] static BasicUdpSocket bound_to(
      const Ip& address, std::error_code& ec,
      CallSiteFor<B> site = CallSite::current()) requires std::default_initializable<B> {
    return bound_to(B{}, address, {}, ec, site);
  }

  static constexpr char used_while_closed[] = "UdpSocket: used while closed or after being moved from";
  static constexpr bool takes(OptionOf of) { return of != OptionOf::tcp_socket; }

 private:
  static SysResult<int> socket_for(B backend, IpVersion which, SocketFlags flags, CallSiteFor<B> site) {
    const detail::CallScopeFor<B> scope{site};
    return backend.socket(static_cast<int>(which), Base::bits(SocketType::datagram, flags), IPPROTO_UDP);
  }

  /// `call` says which one it was that failed.
  SysResult<void> start(const Ip& address, const UdpOptions& options, FailedCall& call) const {
    SysResult<void> done;
    call = {"setsockopt", this->fd()};
    if (options.reuse_address) done = this->set_once(option::reuse_address, true);
    if (done.ok() && options.reuse_port) done = this->set_once(option::reuse_port, true);
    if (done.ok() && options.v6_only) done = this->set_once(option::v6_only, *options.v6_only);
    if (!done.ok()) return done;
    call = {"bind", this->fd()};
    return this->bind_once(address);
  }
};

using UdpSocket = BasicUdpSocket<DefaultBackend>;

}  // namespace rouse::inline v0
