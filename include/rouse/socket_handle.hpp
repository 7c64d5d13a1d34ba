// SocketHandle: what the handles over sockets have in common: addresses, options, ends, and the calls that connect and
// accept. They differ in their type of address: SocketAddress of the untyped Socket, Ip of TCP and UDP, UnixAddress.
#pragma once

#include "open_flags.hpp"
#include "socket_address.hpp"
#include "socket_options.hpp"
#include "waiting_handle.hpp"

#include <linux/sockios.h>
#include <optional>
#include <sys/ioctl.h>
#include <utility>

namespace rouse::inline v0 {

/// Which direction shutdown(2) ends.
enum class ShutdownHow : int { read = SHUT_RD, write = SHUT_WR, both = SHUT_RDWR };

/// What sockets are made with: non-blocking and close-on-exec, unless told otherwise.
inline constexpr SocketFlags default_socket_flags{SOCK_NONBLOCK | SOCK_CLOEXEC};

/// `Derived` supplies `takes(OptionOf)`, which says whose options it has.
/// Any number of threads may use one socket at a time, except for moving and closing it.
template <class Derived, SocketBackend B, class Address>
class SocketHandle : public WaitingHandle<Derived, B> {
  using Base = WaitingHandle<Derived, B>;

 public:
  using HandleType = Derived;
  using AddressType = Address;

  /// getsockname(2).
  [[nodiscard]] Address local_address(CallSiteFor<B> site = CallSite::current()) const {
    const detail::CallScopeFor<B> scope{site};
    Address address;
    this->value_or_throw(ask_local(address), "getsockname");
    return address;
  }
  /// No address if `ec` is set.
  [[nodiscard]] Address local_address(std::error_code& ec, CallSiteFor<B> site = CallSite::current()) const {
    const detail::CallScopeFor<B> scope{site};
    Address address;
    static_cast<void>(detail::report(ask_local(address), ec));
    return address;
  }
  /// getpeername(2). Errors: ENOTCONN.
  [[nodiscard]] Address peer_address(CallSiteFor<B> site = CallSite::current()) const {
    const detail::CallScopeFor<B> scope{site};
    Address address;
    this->value_or_throw(ask_peer(address), "getpeername");
    return address;
  }
  /// No address if `ec` is set.
  [[nodiscard]] Address peer_address(std::error_code& ec, CallSiteFor<B> site = CallSite::current()) const {
    const detail::CallScopeFor<B> scope{site};
    Address address;
    static_cast<void>(detail::report(ask_peer(address), ec));
    return address;
  }

  /// Ends one direction or both. shutdown(2). Errors: ENOTCONN.
  void shutdown(ShutdownHow how, CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    this->value_or_throw(this->backend().shutdown(this->fd(), static_cast<int>(how)), "shutdown");
  }
  void shutdown(ShutdownHow how, std::error_code& ec, CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    static_cast<void>(detail::report(this->backend().shutdown(this->fd(), static_cast<int>(how)), ec));
  }

  /// The pending error, taken away by asking: 0 or an errno. SO_ERROR.
  [[nodiscard]] int take_error(CallSiteFor<B> site = CallSite::current()) { return option(SOL_SOCKET, SO_ERROR, site); }
  /// 0 if `ec` is set, which says that asking failed.
  [[nodiscard]] int take_error(std::error_code& ec, CallSiteFor<B> site = CallSite::current()) {
    return option(SOL_SOCKET, SO_ERROR, ec, site);
  }

  /// The value of an option, such as `option::send_buffer`. getsockopt(2).
  template <class Value, OptionOf of, OptionAccess access>
  [[nodiscard]] Value get(SocketOption<Value, of, access> wanted, CallSiteFor<B> site = CallSite::current()) const {
    const detail::CallScopeFor<B> scope{site};
    typename detail::OptionValue<Value>::Raw raw{};
    this->value_or_throw(ask_option(wanted, raw), "getsockopt");
    return detail::OptionValue<Value>::from_raw(raw);
  }
  /// The value that is 0 or off if `ec` is set.
  template <class Value, OptionOf of, OptionAccess access>
  [[nodiscard]] Value get(SocketOption<Value, of, access> wanted, std::error_code& ec,
                          CallSiteFor<B> site = CallSite::current()) const {
    const detail::CallScopeFor<B> scope{site};
    typename detail::OptionValue<Value>::Raw raw{};
    static_cast<void>(detail::report(ask_option(wanted, raw), ec));
    return detail::OptionValue<Value>::from_raw(raw);
  }
  /// setsockopt(2).
  template <class Value, OptionOf of, OptionAccess access>
  void set(SocketOption<Value, of, access> wanted, std::type_identity_t<Value> value,
           CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    this->value_or_throw(set_once(wanted, value), "setsockopt");
  }
  template <class Value, OptionOf of, OptionAccess access>
  void set(SocketOption<Value, of, access> wanted, std::type_identity_t<Value> value, std::error_code& ec,
           CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    static_cast<void>(detail::report(set_once(wanted, value), ec));
  }

  /// An option that is an int and has no name here. getsockopt(2).
  [[nodiscard]] int option(int level, int name, CallSiteFor<B> site = CallSite::current()) const {
    return get(SocketOption<int, OptionOf::any_socket>{level, name}, site);
  }
  [[nodiscard]] int option(int level, int name, std::error_code& ec, CallSiteFor<B> site = CallSite::current()) const {
    return get(SocketOption<int, OptionOf::any_socket>{level, name}, ec, site);
  }
  /// setsockopt(2).
  void set_option(int level, int name, int value, CallSiteFor<B> site = CallSite::current()) {
    set(SocketOption<int, OptionOf::any_socket>{level, name}, value, site);
  }
  void set_option(int level, int name, int value, std::error_code& ec, CallSiteFor<B> site = CallSite::current()) {
    set(SocketOption<int, OptionOf::any_socket>{level, name}, value, ec, site);
  }

  /// How many bytes there are to receive; of datagrams, in the first one. ioctl(FIONREAD). Errors: EINVAL of a
  /// listener.
  [[nodiscard]] std::size_t unread(CallSiteFor<B> site = CallSite::current()) const requires backend_has::ioctl<B> {
    const detail::CallScopeFor<B> scope{site};
    return amount(FIONREAD, "fionread");
  }
  [[nodiscard]] std::size_t unread(std::error_code& ec,
                                   CallSiteFor<B> site = CallSite::current()) const requires backend_has::ioctl<B> {
    const detail::CallScopeFor<B> scope{site};
    return amount(FIONREAD, ec);
  }
  /// How much of what was sent is still here or, of a unix socket, not received yet: that counts what the kernel adds
  /// for itself. ioctl(SIOCOUTQ). Errors: EINVAL of a listener.
  [[nodiscard]] std::size_t unsent(CallSiteFor<B> site = CallSite::current()) const requires backend_has::ioctl<B> {
    const detail::CallScopeFor<B> scope{site};
    return amount(SIOCOUTQ, "siocoutq");
  }
  [[nodiscard]] std::size_t unsent(std::error_code& ec,
                                   CallSiteFor<B> site = CallSite::current()) const requires backend_has::ioctl<B> {
    const detail::CallScopeFor<B> scope{site};
    return amount(SIOCOUTQ, ec);
  }

 protected:
  using Base::Base;

  static constexpr int bits(SocketType type, SocketFlags flags) {
    return static_cast<int>(type) | static_cast<int>(flags.bits);
  }
  static constexpr bool is_blocking(SocketFlags flags) { return !flags.has(SocketFlags::nonblock); }

  /// Two connected unix sockets.
  template <class Socket>
  static std::pair<Socket, Socket> pair_of(B backend, SocketType type, SocketFlags flags) {
    int fds[2];
    detail::value_or_throw(backend.socketpair(AF_UNIX, bits(type, flags), 0, fds), {"socketpair"});
    return {Socket{{backend, fds[0]}, flags}, Socket{{backend, fds[1]}, flags}};
  }
  /// Two closed handles if `ec` is set.
  template <class Socket>
  static std::pair<Socket, Socket> pair_of(B backend, SocketType type, SocketFlags flags, std::error_code& ec) {
    int fds[2] = {-1, -1};
    // Linux tells the numbers before it knows that there will be sockets; those of a failure are not ours to close.
    if (!detail::report(backend.socketpair(AF_UNIX, bits(type, flags), 0, fds), ec).ok()) fds[0] = fds[1] = -1;
    return {Socket{{backend, fds[0]}, flags}, Socket{{backend, fds[1]}, flags}};
  }

  SysResult<void> bind_once(const Address& address) const {
    const auto& raw = address.raw();
    return this->backend().bind(this->fd(), raw.data(), raw.size());
  }
  SysResult<void> listen_once(int backlog) const { return this->backend().listen(this->fd(), backlog); }

  SysResult<void> connect_once(const Address& address) const {
    const auto& raw = address.raw();
    return this->backend().connect(this->fd(), raw.data(), raw.size());
  }
  /// A signal does not end the waiting: connecting goes on in the background, and cannot be started twice.
  SysResult<void> connect_waiting(const Address& address) const {
    const SysResult<void> connected = connect_once(address);
    return connected.error() == EINPROGRESS ? connect_decided() : connected;
  }
  /// Waits until what was started is decided, and says how.
  SysResult<void> connect_decided() const {
    ::pollfd entry{this->fd(), POLLOUT, 0};
    SysResult<int> polled = 0;
    do {
      polled = this->backend().poll(&entry, 1, -1);
    } while (polled.error() == EINTR);
    if (!polled.ok()) return polled;
    return connect_outcome(entry.revents);
  }
  /// EINPROGRESS if it is not decided yet.
  SysResult<void> connect_decided_now() const {
    ::pollfd entry{this->fd(), POLLOUT, 0};
    const SysResult<int> polled = this->backend().poll(&entry, 1, 0);
    if (!polled.ok()) return polled;
    return polled.value() == 0 ? SysResult<void>::failure(EINPROGRESS) : connect_outcome(entry.revents);
  }

  SysResult<void> ask_local(Address& address) const {
    return told(address,
                [&](::sockaddr* to, ::socklen_t* n) { return this->backend().getsockname(this->fd(), to, n); });
  }
  SysResult<void> ask_peer(Address& address) const {
    return told(address,
                [&](::sockaddr* to, ::socklen_t* n) { return this->backend().getpeername(this->fd(), to, n); });
  }
  /// Makes a call that tells an address; none if it told none.
  template <class Call>
  static auto told(Address& address, Call call) -> decltype(call(nullptr, nullptr)) {
    typename Address::Raw raw;
    ::socklen_t size = raw.capacity();
    const auto result = call(raw.data(), &size);
    if (!result.ok()) return result;
    if (size > raw.capacity()) size = raw.capacity();  // It was cut off.
    address = Address::from_raw(raw.data(), size).value_or(Address{});
    return result;
  }

  template <class Value, OptionOf of, OptionAccess access>
  SysResult<void> set_once(SocketOption<Value, of, access> wanted, Value value) const {
    static_assert(access == OptionAccess::get_and_set, "this option of a socket can only be asked for");
    static_assert(Derived::takes(of), "this handle has no such option: it is of another kind of socket");
    const auto raw = detail::OptionValue<Value>::to_raw(value);
    return this->backend().setsockopt(this->fd(), wanted.level, wanted.name, &raw, sizeof raw);
  }

  SysResult<int> accept_waiting(SocketFlags flags, Address* peer = nullptr) const {
    return this->waiting(POLLIN, [&] {
      const SysResult<int> accepted = accept_once(flags, peer);
      return accepted.would_block() && is_shut_for_reading() ? accept_last(flags, peer) : accepted;
    });
  }
  SysResult<int> accept_once(SocketFlags flags, Address* peer = nullptr) const {
    const auto accept = [&](::sockaddr* to, ::socklen_t* n) {
      return this->backend().accept4(this->fd(), to, n, static_cast<int>(flags.bits));
    };
    return peer != nullptr ? told(*peer, accept) : accept(nullptr, nullptr);
  }

 private:
  SysResult<void> connect_outcome(short events) const {
    int error = 0;
    const SysResult<void> asked = ask_option(SocketOption<int>{SOL_SOCKET, SO_ERROR}, error);
    if (!asked.ok()) return asked;
    if (error != 0) return SysResult<void>::failure(error);
    // Somebody took the error before us, or nothing had been started: what is connected does not hang up both ways.
    return (events & POLLHUP) != 0 ? SysResult<void>::failure(ENOTCONN) : SysResult<void>{};
  }

  template <class Value, OptionOf of, OptionAccess access>
  SysResult<void> ask_option(SocketOption<Value, of, access> wanted,
                             typename detail::OptionValue<Value>::Raw& raw) const {
    static_assert(Derived::takes(of), "this handle has no such option: it is of another kind of socket");
    ::socklen_t size = sizeof raw;
    return this->backend().getsockopt(this->fd(), wanted.level, wanted.name, &raw, &size);
  }

  std::size_t amount(unsigned long request, const char* operation) const {
    int n = 0;
    this->value_or_throw(this->backend().ioctl(this->fd(), request, &n), "ioctl", operation);
    return static_cast<std::size_t>(n);
  }
  std::size_t amount(unsigned long request, std::error_code& ec) const {
    int n = 0;
    static_cast<void>(detail::report(this->backend().ioctl(this->fd(), request, &n), ec));
    return static_cast<std::size_t>(n);
  }

  /// A unix listener that was shut down is readable for ever, and would be polled and asked for ever.
  bool is_shut_for_reading() const {
    ::pollfd entry{this->fd(), POLLRDHUP, 0};
    return this->backend().poll(&entry, 1, 0).ok() && (entry.revents & POLLRDHUP) != 0;
  }
  /// Says what a blocking listener says when nobody can come any more.
  SysResult<int> accept_last(SocketFlags flags, Address* peer) const {
    const SysResult<int> accepted = accept_once(flags, peer);
    return accepted.would_block() ? SysResult<int>::failure(EINVAL) : accepted;
  }
};

}  // namespace rouse::inline v0
