// UnixDatagram: messages between processes of one machine, in order and without loss, which can pass fds. unix(7).
#pragma once

#include "datagram_handle.hpp"
#include "fd_passing.hpp"
#include "unix_address.hpp"

namespace rouse::inline v0 {

/// A message waits for its receiver, and its sender for room: neither is lost, as UDP's are.
/// Any number of threads may use one UnixDatagram at a time, except for moving and closing it.
template <SocketBackend B>
class BasicUnixDatagram : public FdPassing<DatagramHandle<BasicUnixDatagram<B>, B, UnixAddress>, SocketType::datagram> {
  using Base = FdPassing<DatagramHandle<BasicUnixDatagram<B>, B, UnixAddress>, SocketType::datagram>;

 public:
  /// Not bound: it can send, and nobody can answer. socket(2). Errors: EMFILE and the like.
  explicit BasicUnixDatagram(B backend, SocketFlags flags = default_socket_flags,
                             CallSiteFor<B> site = CallSite::current())
      : BasicUnixDatagram({backend, detail::value_or_throw(socket_for(backend, flags, site), {"socket"})}, flags) {}
  explicit BasicUnixDatagram(SocketFlags flags = default_socket_flags,
                             CallSiteFor<B> site = CallSite::current()) requires std::default_initializable<B>
      : BasicUnixDatagram(B{}, flags, site) {}
  /// As above; a closed handle if `ec` is set.
  [[nodiscard]] static BasicUnixDatagram create(B backend, SocketFlags flags, std::error_code& ec,
                                                CallSiteFor<B> site = CallSite::current()) {
    const SysResult<int> made = detail::report(socket_for(backend, flags, site), ec);
    return {{backend, made.ok() ? made.value() : -1}, flags};
  }
  /// Takes over an fd that is a unix datagram socket.
  explicit BasicUnixDatagram(BasicOwnedFd<B> fd, CallSiteFor<B> site = CallSite::current())
      : Base(std::move(fd), site) {}
  /// As above, without asking the kernel for its mode: it was made with `flags`.
  BasicUnixDatagram(BasicOwnedFd<B> fd, SocketFlags flags) : Base(std::move(fd), Base::is_blocking(flags)) {}

  /// A socket that is bound to `address`. A path must not exist yet, and stays when the socket is closed: see
  /// UnixPathGuard. socket(2), bind(2). Errors: EADDRINUSE, EACCES, ENOENT, EMFILE …
  [[nodiscard]] static BasicUnixDatagram bound_to(B backend, const UnixAddress& address,
                                                  SocketFlags flags = default_socket_flags,
                                                  CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    BasicUnixDatagram socket{backend, flags};
    socket.bind(address);
    return socket;
  }
  [[nodiscard]] static BasicUnixDatagram bound_to(
      const UnixAddress& address, SocketFlags flags = default_socket_flags,
      CallSiteFor<B> site = CallSite::current()) requires std::default_initializable<B> {
    return bound_to(B{}, address, flags, site);
  }
  /// As above; a closed handle if `ec` is set.
  [[nodiscard]] static BasicUnixDatagram bound_to(B backend, const UnixAddress& address, SocketFlags flags,
                                                  std::error_code& ec, CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    BasicUnixDatagram socket = create(backend, flags, ec);
    if (!ec) socket.bind(address, ec);
    if (ec) static_cast<void>(socket.release());
    return socket;
  }
  [[nodiscard]] static BasicUnixDatagram bound_to(
      const UnixAddress& address, std::error_code& ec,
      CallSiteFor<B> site = CallSite::current()) requires std::default_initializable<B> {
    return bound_to(B{}, address, default_socket_flags, ec, site);
  }

  static constexpr char used_while_closed[] = "UnixDatagram: used while closed or after being moved from";
  static constexpr bool takes(OptionOf of) { return of == OptionOf::any_socket; }

 private:
  static SysResult<int> socket_for(B backend, SocketFlags flags, CallSiteFor<B> site) {
    const detail::CallScopeFor<B> scope{site};
    return backend.socket(AF_UNIX, Base::bits(SocketType::datagram, flags), 0);
  }
};

using UnixDatagram = BasicUnixDatagram<DefaultBackend>;

}  // namespace rouse::inline v0
