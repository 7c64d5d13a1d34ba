// FdRef borrows an fd, OwnedFd owns it. Handle is what all of the library's RAII objects have in common.
#pragma once

#include "backend/default.hpp"
#include "detail/assert.hpp"
#include "error.hpp"

#include <fcntl.h>
#include <optional>
#include <utility>

namespace rouse::inline v0 {

/// Somebody else's fd, and the kernel it belongs to. Whoever lends it keeps it open. Copyable, one word at most.
template <Backend B>
class BasicFdRef {
 public:
  /// A raw fd of the backend that needs no object, such as the real kernel.
  constexpr explicit BasicFdRef(int fd) requires std::default_initializable<B> : fd_(fd) {}
  constexpr BasicFdRef(B backend, int fd) : fd_(fd), backend_(backend) {}

  [[nodiscard]] constexpr int get() const { return fd_; }
  [[nodiscard]] constexpr const B& backend() const { return backend_; }

  friend bool operator==(const BasicFdRef&, const BasicFdRef&) = default;

 private:
  int fd_;
  [[no_unique_address]] B backend_;
};

/// The one who closes an fd. Move-only; moved-from means closed.
/// close() says what close(2) said; the destructor keeps it to itself. Neither tries twice: after close(2) the number
/// is free whatever it returned, and may already be somebody else's.
template <FdBackend B>
class BasicOwnedFd {
 public:
  BasicOwnedFd() requires std::default_initializable<B>
  = default;
  explicit BasicOwnedFd(B backend) : backend_(backend) {}
  explicit BasicOwnedFd(int fd) requires std::default_initializable<B> : fd_(fd) {}
  BasicOwnedFd(B backend, int fd) : fd_(fd), backend_(backend) {}

  BasicOwnedFd(BasicOwnedFd&& from) noexcept : fd_(std::exchange(from.fd_, -1)), backend_(from.backend_) {}
  BasicOwnedFd& operator=(BasicOwnedFd&& from) noexcept {
    BasicOwnedFd taken{std::move(from)};
    std::swap(fd_, taken.fd_);
    std::swap(backend_, taken.backend_);
    return *this;
  }
  ~BasicOwnedFd() {
    if (fd_ < 0) return;
    const detail::CallScopeFor<B> scope{CallSite::destructor()};
    static_cast<void>(backend_.close(fd_));
  }

  [[nodiscard]] bool is_open() const noexcept { return fd_ >= 0; }
  /// The number, or -1.
  [[nodiscard]] int get() const noexcept { return fd_; }
  [[nodiscard]] const B& backend() const noexcept { return backend_; }
  /// Borrows the fd, as handles lend theirs.
  [[nodiscard]] BasicFdRef<B> ref() const& { return {backend_, fd_}; }
  BasicFdRef<B> ref() const&& = delete;
  operator BasicFdRef<B>() const& { return ref(); }
  operator BasicFdRef<B>() const&& = delete;

  /// Gives up the fd without closing it; -1 if there is none.
  [[nodiscard]] int release() noexcept { return std::exchange(fd_, -1); }

  /// close(2). The object is closed afterwards, also if this reports an error. Does nothing if it was closed before.
  SysResult<void> close(CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    if (fd_ < 0) return {};
    return backend_.close(std::exchange(fd_, -1));
  }

  /// A second fd for the same open file description, close-on-exec. fcntl(F_DUPFD_CLOEXEC). Errors: EMFILE.
  SysResult<int> duplicate(CallSiteFor<B> site = CallSite::current()) const {
    const detail::CallScopeFor<B> scope{site};
    return backend_.fcntl(fd_, F_DUPFD_CLOEXEC, 0);
  }

 private:
  int fd_ = -1;
  [[no_unique_address]] B backend_{};
};

/// What every handle offers: it owns one fd, is move-only, and says by name when it is used while closed.
/// `Derived` supplies `used_while_closed`, the assertion's text. Distinct handles are independent of each other; for
/// one handle shared by threads see each class.
template <class Derived, FdBackend B>
class Handle {
 public:
  using BackendType = B;

  [[nodiscard]] bool is_open() const noexcept { return fd_.is_open(); }
  /// The number. Precondition: open.
  [[nodiscard]] int fd() const {
    ROUSE_ASSERT(fd_.is_open(), Derived::used_while_closed);
    return fd_.get();
  }
  [[nodiscard]] const B& backend() const noexcept { return fd_.backend(); }

  /// Borrows the fd; a handle converts to it wherever one is asked for. Not from a temporary, whose fd would be closed
  /// before the borrower looks at it.
  [[nodiscard]] BasicFdRef<B> ref() const& { return {backend(), fd()}; }
  BasicFdRef<B> ref() const&& = delete;
  operator BasicFdRef<B>() const& { return ref(); }
  operator BasicFdRef<B>() const&& = delete;

  /// close(2), reporting what it says. The handle is closed afterwards in any case; closing it again does nothing.
  void close(CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    const int fd = fd_.get();
    detail::value_or_throw(fd_.close(), {"close", fd});
  }
  void close(std::error_code& ec, CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    static_cast<void>(detail::report(fd_.close(), ec));
  }

  /// Gives up the fd; the handle is closed afterwards.
  [[nodiscard]] BasicOwnedFd<B> release() { return std::move(fd_); }

  /// A second handle for the same open file description (its flags, its registrations live until the last one goes).
  /// fcntl(F_DUPFD_CLOEXEC). Errors: EMFILE.
  [[nodiscard]] Derived duplicate(CallSiteFor<B> site = CallSite::current()) const {
    const detail::CallScopeFor<B> scope{site};
    const int from = fd();
    return Derived{adopt(detail::value_or_throw(fd_.duplicate(), {"fcntl", from, "dupfd_cloexec"}))};
  }
  /// A closed handle if `ec` is set.
  [[nodiscard]] Derived duplicate(std::error_code& ec, CallSiteFor<B> site = CallSite::current()) const {
    const detail::CallScopeFor<B> scope{site};
    ROUSE_ASSERT(is_open(), Derived::used_while_closed);
    const SysResult<int> made = detail::report(fd_.duplicate(), ec);
    return Derived{adopt(made.ok() ? made.value() : -1)};
  }

 protected:
  explicit Handle(BasicOwnedFd<B> fd) : fd_(std::move(fd)) {}

  /// Takes over a number that a syscall of this handle's kernel just returned.
  [[nodiscard]] BasicOwnedFd<B> adopt(int fd) const { return BasicOwnedFd<B>{backend(), fd}; }

  /// As detail::value_or_throw, of a call with this handle's fd. That is looked up only for the exception: as an
  /// argument it would be kept in a register during the call.
  template <class T>
  T value_or_throw(SysResult<T> result, const char* call, const char* operation = nullptr) const {
    if (result.ok()) [[likely]]
      return result.value();
    return detail::value_or_throw(result, {call, fd_.get(), operation});
  }
  /// Nothing if the call would block; else the value, or the exception.
  template <class T>
  std::optional<T> value_if_ready(SysResult<T> result, const char* call) const {
    if (result.would_block()) [[unlikely]]
      return std::nullopt;
    return value_or_throw(result, call);
  }

 private:
  BasicOwnedFd<B> fd_;
};

using FdRef = BasicFdRef<DefaultBackend>;
using OwnedFd = BasicOwnedFd<DefaultBackend>;

}  // namespace rouse::inline v0
