// SocketTransfer: sending and receiving over a connection, in one piece or in several. send(2), recv(2), sendmsg(2).
#pragma once

#include "buffers.hpp"
#include "socket_handle.hpp"

#include <span>

namespace rouse::inline v0 {

namespace detail {

/// A message of these buffers and no more: no address, no control messages.
template <Buffer T>
::msghdr message_of(std::span<const T> buffers) {
  ::msghdr message{};
  message.msg_iov = vectors_of(buffers);
  message.msg_iovlen = buffers.size();
  return message;
}

/// Some of what is left of several buffers after their first bytes: enough to go on with.
class RestOfBuffers {
 public:
  RestOfBuffers(std::span<const ConstBuffer> buffers, std::size_t done) {
    for (const ConstBuffer& buffer : buffers) {
      if (n_ == std::size(vectors_)) return;
      const std::size_t skipped = done < buffer.size() ? done : buffer.size();
      done -= skipped;
      if (skipped == buffer.size()) continue;
      const ConstBuffer rest = buffer.from(skipped);
      vectors_[n_++] = {const_cast<void*>(rest.data()), rest.size()};
    }
  }
  [[nodiscard]] ::msghdr message() {
    ::msghdr message{};
    message.msg_iov = vectors_;
    message.msg_iovlen = n_;
    return message;
  }

 private:
  ::iovec vectors_[16];
  std::size_t n_ = 0;
};

}  // namespace detail

/// Sending never raises SIGPIPE: a closed peer is EPIPE. The forms that take a span of buffers make one message or
/// piece of a stream of all of them, in order; more than 1024 are EMSGSIZE.
template <class Derived, SocketBackend B, class Address>
class SocketTransfer : public SocketHandle<Derived, B, Address> {
  using Base = SocketHandle<Derived, B, Address>;

 public:
  /// Sends all of `from`, waiting for room as often as it takes, and returns its size. send(2), with MSG_NOSIGNAL.
  /// Errors: EPIPE if the peer reads no more, ECONNRESET, EINTR; of datagrams EMSGSIZE, ENOTCONN, ECONNREFUSED. A unix
  /// peer that only shuts down reading does not end the waiting of a non-blocking socket whose buffer is full: no event
  /// tells of it.
  std::size_t send(ConstBuffer from, MessageFlags flags = {}, CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    return this->value_or_throw(send_all(from, flags), "send");
  }
  /// As above; if `ec` is set, returns how much was sent until then.
  std::size_t send(ConstBuffer from, MessageFlags flags, std::error_code& ec,
                   CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    std::size_t done = 0;
    static_cast<void>(detail::report(send_all(from, flags, done), ec));
    return done;
  }
  std::size_t send(ConstBuffer from, std::error_code& ec, CallSiteFor<B> site = CallSite::current()) {
    return send(from, {}, ec, site);
  }
  /// Sends what fits now and says how much; nothing if nothing does. Never waits, whatever the socket's mode.
  [[nodiscard]] std::optional<std::size_t> try_send(ConstBuffer from, MessageFlags flags = {},
                                                    CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    return this->value_if_ready(send_once(from, flags | MessageFlags::dontwait), "send");
  }
  [[nodiscard]] std::optional<std::size_t> try_send(ConstBuffer from, MessageFlags flags, std::error_code& ec,
                                                    CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    return detail::report_if_ready(send_once(from, flags | MessageFlags::dontwait), ec);
  }
  [[nodiscard]] std::optional<std::size_t> try_send(ConstBuffer from, std::error_code& ec,
                                                    CallSiteFor<B> site = CallSite::current()) {
    return try_send(from, {}, ec, site);
  }

  /// Takes up to `into.size()` bytes, waiting for the first one; 0 when the peer sends no more, or for an empty
  /// datagram. What does not fit of a datagram is lost. recv(2). Errors: ECONNRESET, EINTR; of datagrams ECONNREFUSED.
  std::size_t receive(MutableBuffer into, MessageFlags flags = {}, CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    return this->value_or_throw(receive_waiting(into, flags), "recv");
  }
  std::size_t receive(MutableBuffer into, MessageFlags flags, std::error_code& ec,
                      CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    const SysResult<std::size_t> got = detail::report(receive_waiting(into, flags), ec);
    return got.ok() ? got.value() : 0;
  }
  std::size_t receive(MutableBuffer into, std::error_code& ec, CallSiteFor<B> site = CallSite::current()) {
    return receive(into, {}, ec, site);
  }
  /// Takes up to `into.size()` bytes of what is there; nothing if there is none yet; 0 when the peer sends no more, or
  /// for an empty datagram. Never waits, whatever the socket's mode.
  [[nodiscard]] std::optional<std::size_t> try_receive(MutableBuffer into, MessageFlags flags = {},
                                                       CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    return this->value_if_ready(receive_once(into, flags | MessageFlags::dontwait), "recv");
  }
  [[nodiscard]] std::optional<std::size_t> try_receive(MutableBuffer into, MessageFlags flags, std::error_code& ec,
                                                       CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    return detail::report_if_ready(receive_once(into, flags | MessageFlags::dontwait), ec);
  }
  [[nodiscard]] std::optional<std::size_t> try_receive(MutableBuffer into, std::error_code& ec,
                                                       CallSiteFor<B> site = CallSite::current()) {
    return try_receive(into, {}, ec, site);
  }

  /// Sends several buffers as if they were one. sendmsg(2). Otherwise as the form with one buffer.
  std::size_t send(std::span<const ConstBuffer> from, MessageFlags flags = {},
                   CallSiteFor<B> site = CallSite::current()) requires MessageBackend<B> {
    const detail::CallScopeFor<B> scope{site};
    std::size_t done = 0;
    return this->value_or_throw(send_all(from, flags, done), "sendmsg");
  }
  std::size_t send(std::span<const ConstBuffer> from, MessageFlags flags, std::error_code& ec,
                   CallSiteFor<B> site = CallSite::current()) requires MessageBackend<B> {
    const detail::CallScopeFor<B> scope{site};
    std::size_t done = 0;
    static_cast<void>(detail::report(send_all(from, flags, done), ec));
    return done;
  }
  std::size_t send(std::span<const ConstBuffer> from, std::error_code& ec,
                   CallSiteFor<B> site = CallSite::current()) requires MessageBackend<B> {
    return send(from, {}, ec, site);
  }
  [[nodiscard]] std::optional<std::size_t> try_send(std::span<const ConstBuffer> from, MessageFlags flags = {},
                                                    CallSiteFor<B> site = CallSite::current()) requires
      MessageBackend<B> {
    const detail::CallScopeFor<B> scope{site};
    return this->value_if_ready(send_once(from, flags | MessageFlags::dontwait), "sendmsg");
  }
  [[nodiscard]] std::optional<std::size_t> try_send(
      std::span<const ConstBuffer> from, MessageFlags flags, std::error_code& ec,
      CallSiteFor<B> site = CallSite::current()) requires MessageBackend<B> {
    const detail::CallScopeFor<B> scope{site};
    return detail::report_if_ready(send_once(from, flags | MessageFlags::dontwait), ec);
  }
  [[nodiscard]] std::optional<std::size_t> try_send(std::span<const ConstBuffer> from, std::error_code& ec,
                                                    CallSiteFor<B> site = CallSite::current()) requires
      MessageBackend<B> {
    return try_send(from, {}, ec, site);
  }

  /// Fills several buffers, each before the next. recvmsg(2). Otherwise as the form with one buffer.
  std::size_t receive(std::span<const MutableBuffer> into, MessageFlags flags = {},
                      CallSiteFor<B> site = CallSite::current()) requires MessageBackend<B> {
    const detail::CallScopeFor<B> scope{site};
    return this->value_or_throw(receive_waiting(into, flags), "recvmsg");
  }
  std::size_t receive(std::span<const MutableBuffer> into, MessageFlags flags, std::error_code& ec,
                      CallSiteFor<B> site = CallSite::current()) requires MessageBackend<B> {
    const detail::CallScopeFor<B> scope{site};
    const SysResult<std::size_t> got = detail::report(receive_waiting(into, flags), ec);
    return got.ok() ? got.value() : 0;
  }
  std::size_t receive(std::span<const MutableBuffer> into, std::error_code& ec,
                      CallSiteFor<B> site = CallSite::current()) requires MessageBackend<B> {
    return receive(into, {}, ec, site);
  }
  [[nodiscard]] std::optional<std::size_t> try_receive(std::span<const MutableBuffer> into, MessageFlags flags = {},
                                                       CallSiteFor<B> site = CallSite::current()) requires
      MessageBackend<B> {
    const detail::CallScopeFor<B> scope{site};
    return this->value_if_ready(receive_once(into, flags | MessageFlags::dontwait), "recvmsg");
  }
  [[nodiscard]] std::optional<std::size_t> try_receive(
      std::span<const MutableBuffer> into, MessageFlags flags, std::error_code& ec,
      CallSiteFor<B> site = CallSite::current()) requires MessageBackend<B> {
    const detail::CallScopeFor<B> scope{site};
    return detail::report_if_ready(receive_once(into, flags | MessageFlags::dontwait), ec);
  }
  [[nodiscard]] std::optional<std::size_t> try_receive(std::span<const MutableBuffer> into, std::error_code& ec,
                                                       CallSiteFor<B> site = CallSite::current()) requires
      MessageBackend<B> {
    return try_receive(into, {}, ec, site);
  }

 protected:
  using Base::Base;

  SysResult<std::size_t> send_once(ConstBuffer from, MessageFlags flags) const {
    return this->backend().sendto(this->fd(), from.data(), from.size(), quiet(flags), nullptr, 0);
  }
  SysResult<std::size_t> send_once(std::span<const ConstBuffer> from, MessageFlags flags) const {
    return send_message(detail::message_of(from), flags);
  }
  SysResult<std::size_t> send_message(const ::msghdr& message, MessageFlags flags) const {
    return this->backend().sendmsg(this->fd(), &message, quiet(flags));
  }
  SysResult<std::size_t> send_all(ConstBuffer from, MessageFlags flags, std::size_t& done) const {
    return this->waiting_for_all(POLLOUT, from.size(), done, [&] { return send_once(from.from(done), flags); });
  }
  SysResult<std::size_t> send_all(ConstBuffer from, MessageFlags flags) const {
    const SysResult<std::size_t> sent = send_once(from, flags);
    return sent == from.size() ? sent : send_rest(sent, from, flags);
  }
  [[gnu::cold, gnu::noinline]] SysResult<std::size_t> send_rest(SysResult<std::size_t> sent, ConstBuffer from,
                                                                MessageFlags flags) const {
    std::size_t done = 0;
    return this->waiting_for_rest(sent, POLLOUT, from.size(), done, [&] { return send_once(from.from(done), flags); });
  }
  /// The caller's vectors are used as they are until a part of them went.
  SysResult<std::size_t> send_all(std::span<const ConstBuffer> from, MessageFlags flags, std::size_t& done) const {
    return this->waiting_for_all(POLLOUT, detail::byte_count_of(from), done, [&] {
      return done == 0 ? send_once(from, flags) : send_message(detail::RestOfBuffers{from, done}.message(), flags);
    });
  }

  SysResult<std::size_t> receive_once(MutableBuffer into, MessageFlags flags) const {
    return this->backend().recvfrom(this->fd(), into.data(), into.size(), static_cast<int>(flags.bits), nullptr,
                                    nullptr);
  }
  SysResult<std::size_t> receive_once(std::span<const MutableBuffer> into, MessageFlags flags) const {
    ::msghdr message = detail::message_of(into);
    return receive_message(message, flags);
  }
  SysResult<std::size_t> receive_message(::msghdr& message, MessageFlags flags) const {
    return this->backend().recvmsg(this->fd(), &message, static_cast<int>(flags.bits));
  }
  template <class Into>
  SysResult<std::size_t> receive_waiting(Into into, MessageFlags flags) const {
    return this->waiting(POLLIN, [this, into, flags] { return receive_once(into, flags); });
  }

  static constexpr int quiet(MessageFlags flags) { return static_cast<int>((flags | MessageFlags::nosignal).bits); }
};

}  // namespace rouse::inline v0
