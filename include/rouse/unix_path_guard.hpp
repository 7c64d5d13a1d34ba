// UnixPathGuard: removes the path of a unix socket at the end of a scope. The kernel leaves it there when the socket is
// closed. unlink(2).
#pragma once

#include "backend/default.hpp"
#include "detail/dependent_type.hpp"
#include "error.hpp"
#include "unix_address.hpp"

#include <utility>

namespace rouse::inline v0 {

/// Owns the name, not the socket: whatever has the name by then is removed. Move-only. Declared after the socket, it
/// removes the name first, so that nobody connects to one that is about to be closed.
template <PathBackend B>
class [[nodiscard]] BasicUnixPathGuard {
  using Path = detail::DependentType<UnixPath, B>;

 public:
  BasicUnixPathGuard(B backend, const UnixPath& path) : path_(path), backend_(backend) {}
  explicit BasicUnixPathGuard(const UnixPath& path) requires std::default_initializable<B>
      : BasicUnixPathGuard(B{}, path) {}

  BasicUnixPathGuard(BasicUnixPathGuard&& from) noexcept
      : path_(std::exchange(from.path_, std::nullopt)), backend_(from.backend_) {}
  BasicUnixPathGuard& operator=(BasicUnixPathGuard&& from) noexcept {
    BasicUnixPathGuard taken{std::move(from)};
    std::swap(path_, taken.path_);
    std::swap(backend_, taken.backend_);
    return *this;
  }
  ~BasicUnixPathGuard() {
    const detail::CallScopeFor<B> scope{CallSite::destructor()};
    static_cast<void>(remove_once());
  }

  /// Removes the path now. Does nothing if that was done before. unlink(2). Errors: ENOENT, EACCES, EPERM …
  void remove(CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    detail::value_or_throw(remove_once(), {"unlink"});
  }
  void remove(std::error_code& ec, CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    static_cast<void>(detail::report(remove_once(), ec));
  }
  /// Leaves the path where it is after all.
  void release() noexcept { path_.reset(); }
  /// Nothing if it was removed, released or moved away.
  [[nodiscard]] const std::optional<Path>& path() const noexcept { return path_; }

 private:
  SysResult<void> remove_once() {
    if (!path_) return {};
    const SysResult<void> removed = backend_.unlink(path_->c_str());
    path_.reset();
    return removed;
  }

  std::optional<Path> path_;
  [[no_unique_address]] B backend_;
};

using UnixPathGuard = BasicUnixPathGuard<DefaultBackend>;

}  // namespace rouse::inline v0
