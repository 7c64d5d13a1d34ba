// DatagramHandle: messages that each go to and come from somewhere: sendto(2), recvfrom(2). UdpSocket and UnixDatagram
// derive from it. What SocketTransfer has is for one that is connected, or for who does not care who sent it.
#pragma once

#include "socket_transfer.hpp"

namespace rouse::inline v0 {

/// A datagram that was received, as far as it fit.
template <class Address>
struct Received {
  std::size_t size = 0;       ///< How many bytes were stored.
  Address from = {};          ///< Who sent it; unnamed for a unix socket without a name.
  std::size_t full_size = 0;  ///< How many bytes it had.

  /// Whether some of it was lost.
  [[nodiscard]] constexpr bool is_truncated() const { return full_size > size; }

  friend bool operator==(const Received&, const Received&) = default;
};

template <class Derived, SocketBackend B, class Address>
class DatagramHandle : public SocketTransfer<Derived, B, Address> {
  using Base = SocketTransfer<Derived, B, Address>;

 public:
  using ReceivedType = Received<Address>;

  /// Where it is to be found. bind(2). Errors: EADDRINUSE, EADDRNOTAVAIL, EACCES, EINVAL if bound already …
  void bind(const Address& address, CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    this->value_or_throw(this->bind_once(address), "bind");
  }
  void bind(const Address& address, std::error_code& ec, CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    static_cast<void>(detail::report(this->bind_once(address), ec));
  }
  /// From now on `send` goes to `address`, and only what comes from there is received. Connects at once, also if it was
  /// connected before. connect(2). Errors: ECONNREFUSED or ENOENT of a unix address that nobody has, ENETUNREACH …
  void connect(const Address& address, CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    this->value_or_throw(this->connect_once(address), "connect");
  }
  void connect(const Address& address, std::error_code& ec, CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    static_cast<void>(detail::report(this->connect_once(address), ec));
  }
  /// Undoes `connect`. connect(2), to AF_UNSPEC.
  void disconnect(CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    this->value_or_throw(disconnect_once(), "connect", "unspec");
  }
  void disconnect(std::error_code& ec, CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    static_cast<void>(detail::report(disconnect_once(), ec));
  }

  /// Sends one datagram to `address`, waiting for room, and returns its size. sendto(2). Errors: EMSGSIZE, EINTR,
  /// ENETUNREACH; of unix sockets ENOENT, ECONNREFUSED, and EAGAIN if this socket is non-blocking and the receiver's
  /// queue is full: nothing tells when it no longer is, unless one connects to it.
  std::size_t send_to(const Address& address, ConstBuffer from, MessageFlags flags = {},
                      CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    return this->value_or_throw(send_to_waiting(address, from, flags), "sendto");
  }
  /// 0 if `ec` is set.
  std::size_t send_to(const Address& address, ConstBuffer from, MessageFlags flags, std::error_code& ec,
                      CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    const SysResult<std::size_t> sent = detail::report(send_to_waiting(address, from, flags), ec);
    return sent.ok() ? sent.value() : 0;
  }
  std::size_t send_to(const Address& address, ConstBuffer from, std::error_code& ec,
                      CallSiteFor<B> site = CallSite::current()) {
    return send_to(address, from, {}, ec, site);
  }
  /// Sends one datagram; nothing if there is no room for it. Never waits, whatever the socket's mode.
  [[nodiscard]] std::optional<std::size_t> try_send_to(const Address& address, ConstBuffer from,
                                                       MessageFlags flags = {},
                                                       CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    return this->value_if_ready(send_to_once(address, from, flags | MessageFlags::dontwait), "sendto");
  }
  [[nodiscard]] std::optional<std::size_t> try_send_to(const Address& address, ConstBuffer from, MessageFlags flags,
                                                       std::error_code& ec, CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    return detail::report_if_ready(send_to_once(address, from, flags | MessageFlags::dontwait), ec);
  }
  [[nodiscard]] std::optional<std::size_t> try_send_to(const Address& address, ConstBuffer from, std::error_code& ec,
                                                       CallSiteFor<B> site = CallSite::current()) {
    return try_send_to(address, from, {}, ec, site);
  }

  /// Takes one datagram, waiting for it, and says who sent it and how much of it was lost. recvfrom(2).
  /// Errors: EINTR; of one that is connected ECONNREFUSED, if nobody is there.
  ReceivedType receive_from(MutableBuffer into, MessageFlags flags = {}, CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    ReceivedType got;
    this->value_or_throw(receive_from_waiting(got, into, flags), "recvfrom");
    return got;
  }
  /// Nothing from nobody if `ec` is set.
  ReceivedType receive_from(MutableBuffer into, MessageFlags flags, std::error_code& ec,
                            CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    ReceivedType got;
    static_cast<void>(detail::report(receive_from_waiting(got, into, flags), ec));
    return got;
  }
  ReceivedType receive_from(MutableBuffer into, std::error_code& ec, CallSiteFor<B> site = CallSite::current()) {
    return receive_from(into, {}, ec, site);
  }
  /// Takes one datagram; nothing if there is none. Never waits, whatever the socket's mode.
  [[nodiscard]] std::optional<ReceivedType> try_receive_from(MutableBuffer into, MessageFlags flags = {},
                                                             CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    ReceivedType got;
    const auto received = receive_from_once(got, into, flags | MessageFlags::dontwait);
    if (!this->value_if_ready(received, "recvfrom")) return std::nullopt;
    return got;
  }
  [[nodiscard]] std::optional<ReceivedType> try_receive_from(MutableBuffer into, MessageFlags flags,
                                                             std::error_code& ec,
                                                             CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    ReceivedType got;
    if (!detail::report_if_ready(receive_from_once(got, into, flags | MessageFlags::dontwait), ec)) return std::nullopt;
    return got;
  }
  [[nodiscard]] std::optional<ReceivedType> try_receive_from(MutableBuffer into, std::error_code& ec,
                                                             CallSiteFor<B> site = CallSite::current()) {
    return try_receive_from(into, {}, ec, site);
  }

  /// One datagram out of several buffers. sendmsg(2). Otherwise as the form with one buffer.
  std::size_t send_to(const Address& address, std::span<const ConstBuffer> from, MessageFlags flags = {},
                      CallSiteFor<B> site = CallSite::current()) requires MessageBackend<B> {
    const detail::CallScopeFor<B> scope{site};
    return this->value_or_throw(send_to_waiting(address, from, flags), "sendmsg");
  }
  std::size_t send_to(const Address& address, std::span<const ConstBuffer> from, MessageFlags flags,
                      std::error_code& ec, CallSiteFor<B> site = CallSite::current()) requires MessageBackend<B> {
    const detail::CallScopeFor<B> scope{site};
    const SysResult<std::size_t> sent = detail::report(send_to_waiting(address, from, flags), ec);
    return sent.ok() ? sent.value() : 0;
  }
  [[nodiscard]] std::optional<std::size_t> try_send_to(
      const Address& address, std::span<const ConstBuffer> from, MessageFlags flags = {},
      CallSiteFor<B> site = CallSite::current()) requires MessageBackend<B> {
    const detail::CallScopeFor<B> scope{site};
    return this->value_if_ready(send_to_once(address, from, flags | MessageFlags::dontwait), "sendmsg");
  }
  [[nodiscard]] std::optional<std::size_t> try_send_to(
      const Address& address, std::span<const ConstBuffer> from, MessageFlags flags, std::error_code& ec,
      CallSiteFor<B> site = CallSite::current()) requires MessageBackend<B> {
    const detail::CallScopeFor<B> scope{site};
    return detail::report_if_ready(send_to_once(address, from, flags | MessageFlags::dontwait), ec);
  }

  /// One datagram into several buffers, each filled before the next. recvmsg(2). Otherwise as the form with one buffer.
  ReceivedType receive_from(std::span<const MutableBuffer> into, MessageFlags flags = {},
                            CallSiteFor<B> site = CallSite::current()) requires MessageBackend<B> {
    const detail::CallScopeFor<B> scope{site};
    ReceivedType got;
    this->value_or_throw(receive_from_waiting(got, into, flags), "recvmsg");
    return got;
  }
  ReceivedType receive_from(std::span<const MutableBuffer> into, MessageFlags flags, std::error_code& ec,
                            CallSiteFor<B> site = CallSite::current()) requires MessageBackend<B> {
    const detail::CallScopeFor<B> scope{site};
    ReceivedType got;
    static_cast<void>(detail::report(receive_from_waiting(got, into, flags), ec));
    return got;
  }
  [[nodiscard]] std::optional<ReceivedType> try_receive_from(
      std::span<const MutableBuffer> into, MessageFlags flags = {},
      CallSiteFor<B> site = CallSite::current()) requires MessageBackend<B> {
    const detail::CallScopeFor<B> scope{site};
    ReceivedType got;
    const auto received = receive_from_once(got, into, flags | MessageFlags::dontwait);
    if (!this->value_if_ready(received, "recvmsg")) return std::nullopt;
    return got;
  }
  [[nodiscard]] std::optional<ReceivedType> try_receive_from(
      std::span<const MutableBuffer> into, MessageFlags flags, std::error_code& ec,
      CallSiteFor<B> site = CallSite::current()) requires MessageBackend<B> {
    const detail::CallScopeFor<B> scope{site};
    ReceivedType got;
    if (!detail::report_if_ready(receive_from_once(got, into, flags | MessageFlags::dontwait), ec)) return std::nullopt;
    return got;
  }

 protected:
  using Base::Base;

 private:
  SysResult<void> disconnect_once() const {
    const ::sockaddr nowhere{};
    static_assert(AF_UNSPEC == 0);
    return this->backend().connect(this->fd(), &nowhere, sizeof nowhere);
  }

  SysResult<std::size_t> send_to_once(const Address& address, ConstBuffer from, MessageFlags flags) const {
    const auto& raw = address.raw();
    return this->backend().sendto(this->fd(), from.data(), from.size(), Base::quiet(flags), raw.data(), raw.size());
  }
  SysResult<std::size_t> send_to_once(const Address& address, std::span<const ConstBuffer> from,
                                      MessageFlags flags) const {
    auto raw = address.raw();
    ::msghdr message = detail::message_of(from);
    message.msg_name = raw.data();
    message.msg_namelen = raw.size();
    return this->send_message(message, flags);
  }
  /// A socket reports `out` while it has room itself, however full the receiver's queue is: polling would spin.
  template <class From>
  SysResult<std::size_t> send_to_waiting(const Address& address, From from, MessageFlags flags) const {
    for (bool had_room = false;;) {
      const SysResult<std::size_t> sent = send_to_once(address, from, flags);
      if (!sent.would_block() || had_room) return sent;
      ::pollfd entry{this->fd(), POLLOUT, 0};
      SysResult<int> polled = this->backend().poll(&entry, 1, 0);
      had_room = polled.ok() && polled.value() == 1;
      if (polled.ok() && !had_room) polled = this->backend().poll(&entry, 1, -1);
      if (!polled.ok()) return polled;
    }
  }

  SysResult<std::size_t> receive_from_once(ReceivedType& got, MutableBuffer into, MessageFlags flags) const {
    const int wanted = static_cast<int>((flags | MessageFlags::trunc).bits);
    const auto receive = [&](::sockaddr* from, ::socklen_t* n) {
      return this->backend().recvfrom(this->fd(), into.data(), into.size(), wanted, from, n);
    };
    return sized(got, Base::told(got.from, receive), into.size());
  }
  SysResult<std::size_t> receive_from_once(ReceivedType& got, std::span<const MutableBuffer> into,
                                           MessageFlags flags) const {
    const auto receive = [&](::sockaddr* from, ::socklen_t* n) {
      ::msghdr message = detail::message_of(into);
      message.msg_name = from;
      message.msg_namelen = *n;
      const SysResult<std::size_t> received = this->receive_message(message, flags | MessageFlags::trunc);
      *n = message.msg_namelen;
      return received;
    };
    return sized(got, Base::told(got.from, receive), detail::byte_count_of(into));
  }
  template <class Into>
  SysResult<std::size_t> receive_from_waiting(ReceivedType& got, Into into, MessageFlags flags) const {
    return this->waiting(POLLIN, [&] { return receive_from_once(got, into, flags); });
  }
  static SysResult<std::size_t> sized(ReceivedType& got, SysResult<std::size_t> full, std::size_t room) {
    if (!full.ok()) return full;
    got.full_size = full.value();
    got.size = full.value() < room ? full.value() : room;
    return full;
  }
};

}  // namespace rouse::inline v0
