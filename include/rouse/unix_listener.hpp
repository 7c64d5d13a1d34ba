// UnixListener: hands out connections between processes of one machine. unix(7).
#pragma once

#include "listener_handle.hpp"
#include "unix_path_guard.hpp"
#include "unix_stream.hpp"

namespace rouse::inline v0 {

/// How a UnixListener is made: `{.backlog = 16}`.
struct UnixListenOptions {
  int backlog = SOMAXCONN;  ///< Up to one more than that many connections wait to be accepted.
  SocketFlags flags = default_socket_flags;
};

/// It removes no path on its own: closing leaves the one that it made, and a UnixPathGuard beside it removes that.
/// Any number of threads may use one UnixListener at a time, except for moving and closing it.
template <SocketBackend B>
class BasicUnixListener : public ListenerHandle<BasicUnixListener<B>, B, UnixAddress, BasicUnixStream<B>> {
  using Base = ListenerHandle<BasicUnixListener<B>, B, UnixAddress, BasicUnixStream<B>>;

 public:
  /// Listens on a path, which must not exist yet, or an abstract name; on an unnamed address, the kernel chooses one.
  /// socket(2), bind(2), listen(2). Errors: EADDRINUSE, EACCES, ENOENT, EMFILE …
  [[nodiscard]] static BasicUnixListener bind(B backend, const UnixAddress& address,
                                              const UnixListenOptions& options = {},
                                              CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    BasicUnixListener listener{{backend, detail::value_or_throw(socket_for(backend, options), {"socket"})}, options};
    detail::value_or_throw(listener.bind_once(address), {"bind", listener.fd()});
    detail::value_or_throw(listener.listen_once(options.backlog), {"listen", listener.fd()});
    return listener;
  }
  [[nodiscard]] static BasicUnixListener bind(
      const UnixAddress& address, const UnixListenOptions& options = {},
      CallSiteFor<B> site = CallSite::current()) requires std::default_initializable<B> {
    return bind(B{}, address, options, site);
  }
  /// As above; a closed handle if `ec` is set.
  [[nodiscard]] static BasicUnixListener bind(B backend, const UnixAddress& address, const UnixListenOptions& options,
                                              std::error_code& ec, CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    const SysResult<int> made = detail::report(socket_for(backend, options), ec);
    BasicUnixListener listener{{backend, made.ok() ? made.value() : -1}, options};
    if (!ec) static_cast<void>(detail::report(listener.bind_once(address), ec));
    if (!ec) static_cast<void>(detail::report(listener.listen_once(options.backlog), ec));
    if (ec) static_cast<void>(listener.release());
    return listener;
  }
  [[nodiscard]] static BasicUnixListener bind(
      const UnixAddress& address, std::error_code& ec,
      CallSiteFor<B> site = CallSite::current()) requires std::default_initializable<B> {
    return bind(B{}, address, {}, ec, site);
  }

  /// As bind, but a socket that an earlier run left at the path, and that nobody listens on, is removed first. Anything
  /// else there stays, and is EADDRINUSE: to tell, it is connected to and, if that is refused, opened. Two programs
  /// that do so at once may remove each other's path between its bind(2) and its listen(2); a lock prevents that.
  /// Errors: as bind; what unlink(2) says.
  [[nodiscard]] static BasicUnixListener bind_replacing(
      B backend, const UnixPath& path, const UnixListenOptions& options = {},
      CallSiteFor<B> site = CallSite::current()) requires PathBackend<B> {
    const detail::CallScopeFor<B> scope{site};
    remove_stale(backend, path);
    return bind(backend, path, options);
  }
  [[nodiscard]] static BasicUnixListener bind_replacing(
      const UnixPath& path, const UnixListenOptions& options = {},
      CallSiteFor<B> site = CallSite::current()) requires std::default_initializable<B> && PathBackend<B> {
    return bind_replacing(B{}, path, options, site);
  }
  /// As above; a closed handle if `ec` is set.
  [[nodiscard]] static BasicUnixListener bind_replacing(
      B backend, const UnixPath& path, const UnixListenOptions& options, std::error_code& ec,
      CallSiteFor<B> site = CallSite::current()) requires PathBackend<B> {
    const detail::CallScopeFor<B> scope{site};
    remove_stale(backend, path, ec);
    return ec ? BasicUnixListener{{backend, -1}, options} : bind(backend, path, options, ec);
  }

  /// Takes over an fd that is a unix stream socket and listens.
  explicit BasicUnixListener(BasicOwnedFd<B> fd, CallSiteFor<B> site = CallSite::current())
      : Base(std::move(fd), site) {}

  static constexpr char used_while_closed[] = "UnixListener: used while closed or after being moved from";
  static constexpr bool takes(OptionOf of) { return of == OptionOf::any_socket; }

 private:
  BasicUnixListener(BasicOwnedFd<B> fd, const UnixListenOptions& options)
      : Base(std::move(fd), Base::is_blocking(options.flags)) {}

  static SysResult<int> socket_for(B backend, const UnixListenOptions& options) {
    return backend.socket(AF_UNIX, Base::bits(SocketType::stream, options.flags), 0);
  }

  static void remove_stale(B backend, const UnixPath& path) {
    FailedCall call{"socket"};
    detail::value_or_throw(remove_if_stale(backend, path, call), call);
  }
  static void remove_stale(B backend, const UnixPath& path, std::error_code& ec) {
    FailedCall call{"socket"};
    static_cast<void>(detail::report(remove_if_stale(backend, path, call), ec));
  }

  /// `call` says which one it was that failed.
  static SysResult<void> remove_if_stale(B backend, const UnixPath& path, FailedCall& call) {
    std::error_code ec;
    const auto probe = BasicUnixStream<B>::create(backend, default_socket_flags, ec);
    if (ec) return SysResult<void>::failure(ec.value());
    const auto raw = UnixAddress{path}.raw();
    // A file that is no socket refuses as well.
    if (backend.connect(probe.fd(), raw.data(), raw.size()).error() != ECONNREFUSED) return {};
    if (!is_socket(backend, path)) return {};
    call = {"unlink"};
    const SysResult<void> removed = backend.unlink(path.c_str());
    return removed.error() == ENOENT ? SysResult<void>{} : removed;
  }
  /// Only a socket cannot be opened for want of a device behind it, and no link is followed to one.
  static bool is_socket(B backend, const UnixPath& path) {
    const SysResult<int> opened = backend.open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
    if (opened.ok()) static_cast<void>(backend.close(opened.value()));
    return opened.error() == ENXIO;
  }
};

using UnixListener = BasicUnixListener<DefaultBackend>;

}  // namespace rouse::inline v0
