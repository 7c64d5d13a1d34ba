// Socket: one end of a connection, or a listener that hands them out. socket(2), unix(7), tcp(7).
#pragma once

#include "buffers.hpp"
#include "open_flags.hpp"
#include "socket_address.hpp"
#include "waiting_handle.hpp"

#include <netinet/tcp.h>
#include <optional>
#include <utility>

namespace rouse::inline v0 {

/// How bytes travel.
enum class SocketType : int {
  stream = SOCK_STREAM,        ///< A stream without boundaries.
  datagram = SOCK_DGRAM,       ///< Messages, unconnected.
  seqpacket = SOCK_SEQPACKET,  ///< Messages over a connection.
};

/// Which direction shutdown(2) ends.
enum class ShutdownHow : int { read = SHUT_RD, write = SHUT_WR, both = SHUT_RDWR };

/// What sockets are made with: non-blocking and close-on-exec, unless told otherwise.
inline constexpr SocketFlags default_socket_flags{SOCK_NONBLOCK | SOCK_CLOEXEC};

/// A socket of any family. Sending never raises SIGPIPE: a closed peer is EPIPE.
/// Any number of threads may use one Socket at a time, except for moving and closing it.
template <SocketBackend B>
class BasicSocket : public WaitingHandle<BasicSocket<B>, B> {
  using Base = WaitingHandle<BasicSocket<B>, B>;

 public:
  /// socket(2). Errors: EMFILE, EAFNOSUPPORT and the like.
  BasicSocket(B backend, int family, SocketType type, SocketFlags flags = default_socket_flags)
      : Base({backend, detail::value_or_throw(backend.socket(family, bits(type, flags), 0), {"socket"})},
             !flags.has(SocketFlags::nonblock)) {}
  BasicSocket(int family, SocketType type,
              SocketFlags flags = default_socket_flags) requires std::default_initializable<B>
      : BasicSocket(B{}, family, type, flags) {}
  /// Takes over an fd that is a socket.
  explicit BasicSocket(BasicOwnedFd<B> fd) : Base(std::move(fd)) {}

  /// As the constructor; a closed handle if `ec` is set.
  [[nodiscard]] static BasicSocket create(B backend, int family, SocketType type, SocketFlags flags,
                                          std::error_code& ec) {
    const SysResult<int> made = detail::report(backend.socket(family, bits(type, flags), 0), ec);
    return {{backend, made.ok() ? made.value() : -1}, !flags.has(SocketFlags::nonblock)};
  }

  /// Two connected unix sockets. socketpair(2). Errors: EMFILE.
  [[nodiscard]] static std::pair<BasicSocket, BasicSocket> pair(B backend, SocketType type = SocketType::stream,
                                                                SocketFlags flags = default_socket_flags) {
    int fds[2];
    detail::value_or_throw(backend.socketpair(AF_UNIX, bits(type, flags), 0, fds), {"socketpair"});
    const bool blocking = !flags.has(SocketFlags::nonblock);
    return {BasicSocket{{backend, fds[0]}, blocking}, BasicSocket{{backend, fds[1]}, blocking}};
  }
  [[nodiscard]] static std::pair<BasicSocket, BasicSocket> pair(
      SocketType type = SocketType::stream,
      SocketFlags flags = default_socket_flags) requires std::default_initializable<B> {
    return pair(B{}, type, flags);
  }

  /// As above; two closed handles if `ec` is set.
  [[nodiscard]] static std::pair<BasicSocket, BasicSocket> pair(B backend, SocketType type, SocketFlags flags,
                                                                std::error_code& ec) {
    int fds[2] = {-1, -1};
    // Linux tells the numbers before it knows that there will be sockets; those of a failure are not ours to close.
    if (!detail::report(backend.socketpair(AF_UNIX, bits(type, flags), 0, fds), ec).ok()) fds[0] = fds[1] = -1;
    const bool blocking = !flags.has(SocketFlags::nonblock);
    return {BasicSocket{{backend, fds[0]}, blocking}, BasicSocket{{backend, fds[1]}, blocking}};
  }

  /// A stream socket bound to `address` and listening. A TCP address may be reused at once (SO_REUSEADDR). A unix path
  /// must not exist yet, and stays when the socket is closed: unlink(2) it. Errors: EADDRINUSE, EMFILE, EACCES …
  [[nodiscard]] static BasicSocket listen_on(B backend, const SocketAddress& address, int backlog = SOMAXCONN,
                                             SocketFlags flags = default_socket_flags) {
    BasicSocket socket{backend, address.family(), SocketType::stream, flags};
    if (address.family() != AF_UNIX) socket.set_option(SOL_SOCKET, SO_REUSEADDR, 1);
    socket.bind(address);
    socket.listen(backlog);
    return socket;
  }
  [[nodiscard]] static BasicSocket listen_on(
      const SocketAddress& address, int backlog = SOMAXCONN,
      SocketFlags flags = default_socket_flags) requires std::default_initializable<B> {
    return listen_on(B{}, address, backlog, flags);
  }

  /// As above; a closed handle if `ec` is set.
  [[nodiscard]] static BasicSocket listen_on(B backend, const SocketAddress& address, int backlog, SocketFlags flags,
                                             std::error_code& ec) {
    BasicSocket socket = create(backend, address.family(), SocketType::stream, flags, ec);
    if (!ec && address.family() != AF_UNIX) socket.set_option(SOL_SOCKET, SO_REUSEADDR, 1, ec);
    if (!ec) socket.bind(address, ec);
    if (!ec) socket.listen(backlog, ec);
    if (ec) static_cast<void>(socket.release());
    return socket;
  }

  /// A stream socket connected to `address`, waiting until it is. Errors: as `connect`.
  [[nodiscard]] static BasicSocket connect_to(B backend, const SocketAddress& address,
                                              SocketFlags flags = default_socket_flags) {
    BasicSocket socket{backend, address.family(), SocketType::stream, flags};
    socket.connect(address);
    return socket;
  }
  [[nodiscard]] static BasicSocket connect_to(
      const SocketAddress& address, SocketFlags flags = default_socket_flags) requires std::default_initializable<B> {
    return connect_to(B{}, address, flags);
  }

  /// As above; a closed handle if `ec` is set.
  [[nodiscard]] static BasicSocket connect_to(B backend, const SocketAddress& address, SocketFlags flags,
                                              std::error_code& ec) {
    BasicSocket socket = create(backend, address.family(), SocketType::stream, flags, ec);
    if (!ec) socket.connect(address, ec);
    if (ec) static_cast<void>(socket.release());
    return socket;
  }

  /// bind(2). Errors: EADDRINUSE, EINVAL if bound already …
  void bind(const SocketAddress& address) { detail::value_or_throw(bind_once(address), {"bind", this->fd()}); }
  void bind(const SocketAddress& address, std::error_code& ec) {
    static_cast<void>(detail::report(bind_once(address), ec));
  }
  /// listen(2). A unix listener queues backlog + 1 connections.
  void listen(int backlog = SOMAXCONN) {
    detail::value_or_throw(this->backend().listen(this->fd(), backlog), {"listen", this->fd()});
  }
  void listen(int backlog, std::error_code& ec) {
    static_cast<void>(detail::report(this->backend().listen(this->fd(), backlog), ec));
  }

  /// Connects, waiting until it is decided. Errors: ECONNREFUSED, ENOENT, EISCONN …; EAGAIN when the backlog of a unix
  /// listener is full and this socket is non-blocking: nothing tells when it no longer is.
  void connect(const SocketAddress& address) {
    detail::value_or_throw(connect_waiting(address), {"connect", this->fd()});
  }
  void connect(const SocketAddress& address, std::error_code& ec) {
    static_cast<void>(detail::report(connect_waiting(address), ec));
  }
  /// Starts connecting: true when connected, false when in progress: wait for `out`, then ask take_error().
  [[nodiscard]] bool try_connect(const SocketAddress& address) {
    const SysResult<void> connected = connect_once(address);
    if (connected.error() == EINPROGRESS) return false;
    detail::value_or_throw(connected, {"connect", this->fd()});
    return true;
  }
  [[nodiscard]] bool try_connect(const SocketAddress& address, std::error_code& ec) {
    const SysResult<void> connected = connect_once(address);
    if (connected.error() == EINPROGRESS) return ec.clear(), false;
    return detail::report(connected, ec).ok();
  }

  /// Takes a connection from the queue, waiting for one. accept4(2). Errors: EMFILE (the connection stays queued, so
  /// the listener stays ready: stop watching it until an fd is free), ENFILE, ECONNABORTED, EINTR, EINVAL after
  /// shutdown.
  [[nodiscard]] BasicSocket accept(SocketFlags flags = default_socket_flags) {
    return made(detail::value_or_throw(accept_waiting(flags), {"accept4", this->fd()}), flags);
  }
  /// A closed handle if `ec` is set.
  [[nodiscard]] BasicSocket accept(SocketFlags flags, std::error_code& ec) {
    const SysResult<int> accepted = detail::report(accept_waiting(flags), ec);
    return made(accepted.ok() ? accepted.value() : -1, flags);
  }
  /// Takes a connection from the queue; nothing if there is none. Precondition: non-blocking, as made by default.
  [[nodiscard]] std::optional<BasicSocket> try_accept(SocketFlags flags = default_socket_flags) {
    this->assert_never_waits();
    const SysResult<int> accepted = accept_once(flags);
    if (accepted.would_block()) return std::nullopt;
    return made(detail::value_or_throw(accepted, {"accept4", this->fd()}), flags);
  }
  [[nodiscard]] std::optional<BasicSocket> try_accept(SocketFlags flags, std::error_code& ec) {
    this->assert_never_waits();
    const SysResult<int> accepted = accept_once(flags);
    if (accepted.would_block()) return ec.clear(), std::nullopt;
    if (!detail::report(accepted, ec).ok()) return std::nullopt;
    return made(accepted.value(), flags);
  }
  [[nodiscard]] std::optional<BasicSocket> try_accept(std::error_code& ec) {
    return try_accept(default_socket_flags, ec);
  }

  /// Sends all of `from`, waiting for room as often as it takes, and returns its size. send(2), with MSG_NOSIGNAL.
  /// Errors: EPIPE if the peer reads no more, ECONNRESET, EINTR. A unix peer that only shuts down reading does not end
  /// the waiting of a non-blocking socket whose buffer is full: no event tells of it.
  std::size_t send(ConstBuffer from, MessageFlags flags = {}) {
    std::size_t done = 0;
    return detail::value_or_throw(send_all(from, flags, done), {"send", this->fd()});
  }
  /// As above; if `ec` is set, returns how much was sent until then.
  std::size_t send(ConstBuffer from, MessageFlags flags, std::error_code& ec) {
    std::size_t done = 0;
    static_cast<void>(detail::report(send_all(from, flags, done), ec));
    return done;
  }
  std::size_t send(ConstBuffer from, std::error_code& ec) { return send(from, {}, ec); }
  /// Sends what fits now and says how much; nothing if nothing does. Never waits, whatever the socket's mode.
  [[nodiscard]] std::optional<std::size_t> try_send(ConstBuffer from, MessageFlags flags = {}) {
    return detail::value_if_ready(send_once(from, flags | MessageFlags::dontwait), {"send", this->fd()});
  }
  [[nodiscard]] std::optional<std::size_t> try_send(ConstBuffer from, MessageFlags flags, std::error_code& ec) {
    return detail::report_if_ready(send_once(from, flags | MessageFlags::dontwait), ec);
  }
  [[nodiscard]] std::optional<std::size_t> try_send(ConstBuffer from, std::error_code& ec) {
    return try_send(from, {}, ec);
  }

  /// Takes up to `into.size()` bytes, waiting for the first one; 0 when the peer sends no more. recv(2).
  /// Errors: ECONNRESET, EINTR.
  std::size_t receive(MutableBuffer into, MessageFlags flags = {}) {
    return detail::value_or_throw(receive_waiting(into, flags), {"recv", this->fd()});
  }
  std::size_t receive(MutableBuffer into, MessageFlags flags, std::error_code& ec) {
    const SysResult<std::size_t> got = detail::report(receive_waiting(into, flags), ec);
    return got.ok() ? got.value() : 0;
  }
  std::size_t receive(MutableBuffer into, std::error_code& ec) { return receive(into, {}, ec); }
  /// Takes up to `into.size()` bytes of what is there; nothing if there is none yet; 0 when the peer sends no more.
  /// Never waits, whatever the socket's mode.
  [[nodiscard]] std::optional<std::size_t> try_receive(MutableBuffer into, MessageFlags flags = {}) {
    return detail::value_if_ready(receive_once(into, flags | MessageFlags::dontwait), {"recv", this->fd()});
  }
  [[nodiscard]] std::optional<std::size_t> try_receive(MutableBuffer into, MessageFlags flags, std::error_code& ec) {
    return detail::report_if_ready(receive_once(into, flags | MessageFlags::dontwait), ec);
  }

  [[nodiscard]] std::optional<std::size_t> try_receive(MutableBuffer into, std::error_code& ec) {
    return try_receive(into, {}, ec);
  }

  /// Ends one direction or both. shutdown(2). Errors: ENOTCONN.
  void shutdown(ShutdownHow how) {
    detail::value_or_throw(this->backend().shutdown(this->fd(), static_cast<int>(how)), {"shutdown", this->fd()});
  }
  void shutdown(ShutdownHow how, std::error_code& ec) {
    static_cast<void>(detail::report(this->backend().shutdown(this->fd(), static_cast<int>(how)), ec));
  }

  /// getsockname(2).
  [[nodiscard]] SocketAddress local_address() const {
    SocketAddress address;
    detail::value_or_throw(ask_local(address), {"getsockname", this->fd()});
    return address;
  }
  /// No address if `ec` is set.
  [[nodiscard]] SocketAddress local_address(std::error_code& ec) const {
    SocketAddress address;
    static_cast<void>(detail::report(ask_local(address), ec));
    return address;
  }
  /// getpeername(2). Errors: ENOTCONN.
  [[nodiscard]] SocketAddress peer_address() const {
    SocketAddress address;
    detail::value_or_throw(ask_peer(address), {"getpeername", this->fd()});
    return address;
  }
  /// No address if `ec` is set.
  [[nodiscard]] SocketAddress peer_address(std::error_code& ec) const {
    SocketAddress address;
    static_cast<void>(detail::report(ask_peer(address), ec));
    return address;
  }

  /// The pending error, taken away by asking: 0 or an errno. SO_ERROR.
  [[nodiscard]] int take_error() { return option(SOL_SOCKET, SO_ERROR); }
  /// An option that is an int. getsockopt(2).
  [[nodiscard]] int option(int level, int name) const {
    int value = 0;
    detail::value_or_throw(ask_option(level, name, value), {"getsockopt", this->fd()});
    return value;
  }
  [[nodiscard]] int option(int level, int name, std::error_code& ec) const {
    int value = 0;
    static_cast<void>(detail::report(ask_option(level, name, value), ec));
    return value;
  }
  /// setsockopt(2).
  void set_option(int level, int name, int value) {
    detail::value_or_throw(this->backend().setsockopt(this->fd(), level, name, &value, sizeof value),
                           {"setsockopt", this->fd()});
  }
  void set_option(int level, int name, int value, std::error_code& ec) {
    static_cast<void>(detail::report(this->backend().setsockopt(this->fd(), level, name, &value, sizeof value), ec));
  }

  static constexpr char used_while_closed[] = "Socket: used while closed or after being moved from";

 private:
  BasicSocket(BasicOwnedFd<B> fd, bool blocking) : Base(std::move(fd), blocking) {}

  static constexpr int bits(SocketType type, SocketFlags flags) {
    return static_cast<int>(type) | static_cast<int>(flags.bits);
  }

  BasicSocket made(int fd, SocketFlags flags) const { return {this->adopt(fd), !flags.has(SocketFlags::nonblock)}; }

  SysResult<void> bind_once(const SocketAddress& address) const {
    return this->backend().bind(this->fd(), address.data(), address.size());
  }
  SysResult<void> connect_once(const SocketAddress& address) const {
    return this->backend().connect(this->fd(), address.data(), address.size());
  }
  SysResult<void> connect_waiting(const SocketAddress& address) const {
    const SysResult<void> connected = connect_once(address);
    if (connected.error() != EINPROGRESS) return connected;
    ::pollfd entry{this->fd(), POLLOUT, 0};
    const SysResult<int> polled = this->backend().poll(&entry, 1, -1);
    if (!polled.ok()) return polled;
    int error = 0;
    const SysResult<void> asked = ask_option(SOL_SOCKET, SO_ERROR, error);
    return asked.ok() && error != 0 ? SysResult<void>::failure(error) : asked;
  }
  SysResult<void> ask_local(SocketAddress& address) const {
    ::socklen_t size = address.capacity();
    const SysResult<void> asked = this->backend().getsockname(this->fd(), address.data(), &size);
    if (asked.ok()) address.set_size(size);
    return asked;
  }
  SysResult<void> ask_peer(SocketAddress& address) const {
    ::socklen_t size = address.capacity();
    const SysResult<void> asked = this->backend().getpeername(this->fd(), address.data(), &size);
    if (asked.ok()) address.set_size(size);
    return asked;
  }
  SysResult<void> ask_option(int level, int name, int& value) const {
    ::socklen_t size = sizeof value;
    return this->backend().getsockopt(this->fd(), level, name, &value, &size);
  }
  SysResult<int> accept_waiting(SocketFlags flags) const {
    return this->waiting(POLLIN, [&] {
      const SysResult<int> accepted = accept_once(flags);
      return accepted.would_block() && is_shut_for_reading() ? accept_last(flags) : accepted;
    });
  }
  /// A unix listener that was shut down is readable for ever, and would be polled and asked for ever.
  bool is_shut_for_reading() const {
    ::pollfd entry{this->fd(), POLLRDHUP, 0};
    return this->backend().poll(&entry, 1, 0).ok() && (entry.revents & POLLRDHUP) != 0;
  }
  /// Says what a blocking listener says when nobody can come any more.
  SysResult<int> accept_last(SocketFlags flags) const {
    const SysResult<int> accepted = accept_once(flags);
    return accepted.would_block() ? SysResult<int>::failure(EINVAL) : accepted;
  }
  SysResult<int> accept_once(SocketFlags flags) const {
    return this->backend().accept4(this->fd(), nullptr, nullptr, static_cast<int>(flags.bits));
  }
  SysResult<std::size_t> send_once(ConstBuffer from, MessageFlags flags) const {
    const MessageFlags quiet = flags | MessageFlags::nosignal;
    return this->backend().sendto(this->fd(), from.data(), from.size(), static_cast<int>(quiet.bits), nullptr, 0);
  }
  SysResult<std::size_t> receive_once(MutableBuffer into, MessageFlags flags) const {
    return this->backend().recvfrom(this->fd(), into.data(), into.size(), static_cast<int>(flags.bits), nullptr,
                                    nullptr);
  }
  SysResult<std::size_t> send_all(ConstBuffer from, MessageFlags flags, std::size_t& done) const {
    return this->waiting_for_all(POLLOUT, from.size(), done, [&] { return send_once(from.from(done), flags); });
  }
  SysResult<std::size_t> receive_waiting(MutableBuffer into, MessageFlags flags) const {
    return this->waiting(POLLIN, [&] { return receive_once(into, flags); });
  }
};

using Socket = BasicSocket<DefaultBackend>;

}  // namespace rouse::inline v0
