// ListenerHandle: what hands out connections: accept4(2). The listeners of TCP and unix sockets derive from it.
#pragma once

#include "socket_handle.hpp"

namespace rouse::inline v0 {

/// A connection and whose it is: `auto [stream, peer] = listener.accept();`.
template <class Stream, class Address>
struct Accepted {
  Stream stream;
  Address peer;
};

/// A connection that the network took away before it was accepted is passed over, as accept(2) advises: ECONNABORTED,
/// ENETDOWN, EPROTO, ENOPROTOOPT, EHOSTDOWN, ENONET, EHOSTUNREACH and ENETUNREACH mean the next one in the queue. Not
/// EOPNOTSUPP, which accept(2) has in its list too: an fd that cannot listen says it for ever.
template <class Derived, SocketBackend B, class Address, class Stream>
class ListenerHandle : public SocketHandle<Derived, B, Address> {
  using Base = SocketHandle<Derived, B, Address>;

 public:
  using AcceptedType = Accepted<Stream, Address>;

  /// Takes a connection from the queue, waiting for one. `flags` are the stream's. accept4(2). Errors: EMFILE, ENFILE
  /// (the connection stays queued: a level-triggered listener stays ready, so stop watching it until an fd is free; an
  /// edge-triggered one is not told again, so accept again when one is), EINTR, EINVAL after shutdown.
  [[nodiscard]] AcceptedType accept(SocketFlags flags = default_socket_flags,
                                    CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    Address peer;
    const int fd = this->value_or_throw(accept_next_waiting(flags, peer), "accept4");
    return made(fd, flags, peer);
  }
  /// A closed stream if `ec` is set.
  [[nodiscard]] AcceptedType accept(SocketFlags flags, std::error_code& ec, CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    Address peer;
    const SysResult<int> accepted = detail::report(accept_next_waiting(flags, peer), ec);
    return made(accepted.ok() ? accepted.value() : -1, flags, peer);
  }
  [[nodiscard]] AcceptedType accept(std::error_code& ec, CallSiteFor<B> site = CallSite::current()) {
    return accept(default_socket_flags, ec, site);
  }

  /// Takes a connection from the queue; nothing if there is none. Precondition: non-blocking, as made by default.
  [[nodiscard]] std::optional<AcceptedType> try_accept(SocketFlags flags = default_socket_flags,
                                                       CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    this->assert_never_waits();
    Address peer;
    const auto fd = this->value_if_ready(accept_next(flags, peer), "accept4");
    if (!fd) return std::nullopt;
    return made(*fd, flags, peer);
  }
  [[nodiscard]] std::optional<AcceptedType> try_accept(SocketFlags flags, std::error_code& ec,
                                                       CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    this->assert_never_waits();
    Address peer;
    const auto fd = detail::report_if_ready(accept_next(flags, peer), ec);
    if (!fd) return std::nullopt;
    return made(*fd, flags, peer);
  }
  [[nodiscard]] std::optional<AcceptedType> try_accept(std::error_code& ec, CallSiteFor<B> site = CallSite::current()) {
    return try_accept(default_socket_flags, ec, site);
  }

 protected:
  using Base::Base;

 private:
  AcceptedType made(int fd, SocketFlags flags, const Address& peer) const { return {{this->adopt(fd), flags}, peer}; }

  SysResult<int> accept_next(SocketFlags flags, Address& peer) const {
    return passing_over([&] { return this->accept_once(flags, &peer); });
  }
  SysResult<int> accept_next_waiting(SocketFlags flags, Address& peer) const {
    return passing_over([&] { return this->accept_waiting(flags, &peer); });
  }

  template <class Accept>
  static SysResult<int> passing_over(Accept accept) {
    for (;;) {
      const SysResult<int> accepted = accept();
      if (accepted.ok() || !is_lost_connection(accepted.error())) [[likely]]
        return accepted;
    }
  }
  static constexpr bool is_lost_connection(int error) {
    switch (error) {
      case ECONNABORTED:
      case ENETDOWN:
      case EPROTO:
      case ENOPROTOOPT:
      case EHOSTDOWN:
      case ENONET:
      case EHOSTUNREACH:
      case ENETUNREACH: return true;
      default: return false;
    }
  }
};

}  // namespace rouse::inline v0
