// TcpListener: hands out TCP connections. tcp(7).
#pragma once

#include "listener_handle.hpp"
#include "tcp_stream.hpp"

namespace rouse::inline v0 {

/// How a TcpListener is made: `{.backlog = 16}`.
struct TcpListenOptions {
  int backlog = SOMAXCONN;           ///< Up to one more than that many connections wait to be accepted.
  bool reuse_address = true;         ///< A port whose last connections linger may be bound to at once, as servers do.
  bool reuse_port = false;           ///< Several listeners of one user share the port; each connection goes to one.
  std::optional<bool> v6_only = {};  ///< Of an IPv6 address: no IPv4 peers. The machine's default if not said.
  SocketFlags flags = default_socket_flags;
};

/// Any number of threads may use one TcpListener at a time, except for moving and closing it.
template <SocketBackend B>
class BasicTcpListener : public ListenerHandle<BasicTcpListener<B>, B, Ip, BasicTcpStream<B>> {
  using Base = ListenerHandle<BasicTcpListener<B>, B, Ip, BasicTcpStream<B>>;

 public:
  /// Listens on `address`; port 0 lets the kernel choose one, which local_address() tells. socket(2), setsockopt(2),
  /// bind(2), listen(2). Errors: EADDRINUSE, EADDRNOTAVAIL, EACCES, EMFILE …
  [[nodiscard]] static BasicTcpListener bind(B backend, const Ip& address, const TcpListenOptions& options = {},
                                             CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    FailedCall call{"socket"};
    BasicTcpListener listener{{backend, detail::value_or_throw(socket_for(backend, address, options), call)}, options};
    detail::value_or_throw(listener.start(address, options, call), call);
    return listener;
  }
  [[nodiscard]] static BasicTcpListener bind(
      const Ip& address, const TcpListenOptions& options = {},
      CallSiteFor<B> site = CallSite::current()) requires std::default_initializable<B> {
    return bind(B{}, address, options, site);
  }
  /// As above; a closed handle if `ec` is set.
  [[nodiscard]] static BasicTcpListener bind(B backend, const Ip& address, const TcpListenOptions& options,
                                             std::error_code& ec, CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    const SysResult<int> made = detail::report(socket_for(backend, address, options), ec);
    BasicTcpListener listener{{backend, made.ok() ? made.value() : -1}, options};
    FailedCall call{"socket"};
    if (!ec) static_cast<void>(detail::report(listener.start(address, options, call), ec));
    if (ec) static_cast<void>(listener.release());
    return listener;
  }
  [[nodiscard]] static BasicTcpListener bind(
      const Ip& address, std::error_code& ec,
      CallSiteFor<B> site = CallSite::current()) requires std::default_initializable<B> {
    return bind(B{}, address, {}, ec, site);
  }

  /// Takes over an fd that is a TCP socket and listens.
  explicit BasicTcpListener(BasicOwnedFd<B> fd, CallSiteFor<B> site = CallSite::current())
      : Base(std::move(fd), site) {}

  static constexpr char used_while_closed[] = "TcpListener: used while closed or after being moved from";
  static constexpr bool takes(OptionOf) { return true; }

 private:
  BasicTcpListener(BasicOwnedFd<B> fd, const TcpListenOptions& options)
      : Base(std::move(fd), Base::is_blocking(options.flags)) {}

  static SysResult<int> socket_for(B backend, const Ip& address, const TcpListenOptions& options) {
    return backend.socket(static_cast<int>(address.version()), Base::bits(SocketType::stream, options.flags),
                          IPPROTO_TCP);
  }

  /// `call` says which one it was that failed.
  SysResult<void> start(const Ip& address, const TcpListenOptions& options, FailedCall& call) const {
    SysResult<void> done;
    call = {"setsockopt", this->fd()};
    if (options.reuse_address) done = this->set_once(option::reuse_address, true);
    if (done.ok() && options.reuse_port) done = this->set_once(option::reuse_port, true);
    if (done.ok() && options.v6_only) done = this->set_once(option::v6_only, *options.v6_only);
    if (!done.ok()) return done;
    call = {"bind", this->fd()};
    done = this->bind_once(address);
    if (!done.ok()) return done;
    call = {"listen", this->fd()};
    return this->listen_once(options.backlog);
  }
};

using TcpListener = BasicTcpListener<DefaultBackend>;

}  // namespace rouse::inline v0
