// SignalFd: signals as records to be read, rather than as handlers that interrupt. signalfd(2). SignalBlock: what keeps
// a thread's signals pending, without which a signalfd is of no use. sigprocmask(2).
#pragma once

#include "detail/dependent_type.hpp"
#include "open_flags.hpp"
#include "signal_set.hpp"
#include "waiting_handle.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <sys/signalfd.h>

namespace rouse::inline v0 {

/// One signal, as signalfd(2) tells of it. Has the layout of signalfd_siginfo, so that reads fill it in place.
class SignalInfo {
 public:
  SignalInfo() = default;

  [[nodiscard]] int signal() const { return static_cast<int>(raw_.ssi_signo); }
  /// Why it was sent: SI_USER for kill(2), SI_TKILL for tgkill(2), SI_QUEUE for sigqueue(3), SI_KERNEL …
  [[nodiscard]] int code() const { return raw_.ssi_code; }
  /// Who sent it, and as which user. Of those that the kernel sends by itself, 0.
  [[nodiscard]] int pid() const { return static_cast<int>(raw_.ssi_pid); }
  [[nodiscard]] unsigned uid() const { return raw_.ssi_uid; }
  /// What sigqueue(3) sent with it.
  [[nodiscard]] int value() const { return raw_.ssi_int; }
  [[nodiscard]] std::uint64_t pointer() const { return raw_.ssi_ptr; }
  /// All there is.
  [[nodiscard]] const ::signalfd_siginfo& raw() const { return raw_; }

 private:
  ::signalfd_siginfo raw_{};
};

static_assert(sizeof(SignalInfo) == sizeof(::signalfd_siginfo));

/// Blocks signals in the thread that makes it, for the length of a scope: they stay pending, for a SignalFd to read.
/// Threads inherit what is blocked when they are started: so make it first in main(), or signals that are sent to the
/// process run their handlers, or end it, in some other thread. Not thread-safe; it ends in the thread that made it,
/// and in the reverse order of others.
template <SignalFdBackend B>
class BasicSignalBlock {
 public:
  /// Blocks these besides what is blocked already. SIGKILL and SIGSTOP cannot be blocked, and are passed over. Cannot
  /// fail.
  explicit BasicSignalBlock(SignalSet signals,
                            CallSiteFor<B> site = CallSite::current()) requires std::default_initializable<B>
      : BasicSignalBlock(B{}, signals, site) {}
  BasicSignalBlock(B backend, SignalSet signals, CallSiteFor<B> site = CallSite::current()) : backend_(backend) {
    const detail::CallScopeFor<B> scope{site};
    const ::sigset_t set = signals.to_sigset();
    static_cast<void>(backend_.sigprocmask(SIG_BLOCK, &set, &before_));
  }
  BasicSignalBlock(const BasicSignalBlock&) = delete;
  BasicSignalBlock& operator=(const BasicSignalBlock&) = delete;
  /// Blocks again what was blocked before, and nothing else. What is pending still runs its handler here.
  ~BasicSignalBlock() {
    const detail::CallScopeFor<B> scope{CallSite::destructor()};
    static_cast<void>(backend_.sigprocmask(SIG_SETMASK, &before_, nullptr));
  }

  /// What was blocked before.
  [[nodiscard]] SignalSet before() const { return SignalSet::from(before_); }

 private:
  ::sigset_t before_;
  [[no_unique_address]] B backend_;
};

/// An fd that reads those of its signals that are pending for the reading thread, or for the process. Each is taken
/// once, by a read or by a handler: block them (SignalBlock), or handlers come first. Epoll reports `in` if one is
/// pending for the thread that waits, and an edge whenever any signal becomes pending.
///
/// Made non-blocking unless told otherwise: the `try_` forms return at once, read() waits by poll(2).
/// Any number of threads may use one SignalFd at a time, except for moving and closing it.
template <SignalFdBackend B>
class BasicSignalFd : public WaitingHandle<BasicSignalFd<B>, B> {
  using Base = WaitingHandle<BasicSignalFd<B>, B>;
  using Info = detail::DependentType<SignalInfo, B>;

 public:
  static constexpr SignalFdFlags default_flags{SFD_NONBLOCK | SFD_CLOEXEC};

  /// signalfd(2). SIGKILL and SIGSTOP cannot be read, and are passed over. Errors: EMFILE, ENFILE, ENOMEM; EINVAL for
  /// unknown flags.
  explicit BasicSignalFd(SignalSet signals, SignalFdFlags flags = default_flags,
                         CallSiteFor<B> site = CallSite::current()) requires std::default_initializable<B>
      : BasicSignalFd(B{}, signals, flags, site) {}
  BasicSignalFd(B backend, SignalSet signals, SignalFdFlags flags = default_flags,
                CallSiteFor<B> site = CallSite::current())
      : Base({backend, detail::value_or_throw(made(backend, signals, flags, site), {"signalfd"})},
             !flags.has(SignalFdFlags::nonblock)) {}
  /// Takes over an fd that is a signalfd.
  explicit BasicSignalFd(BasicOwnedFd<B> fd, CallSiteFor<B> site = CallSite::current()) : Base(std::move(fd), site) {}

  /// As the constructor; a closed handle if `ec` is set.
  [[nodiscard]] static BasicSignalFd create(B backend, SignalSet signals, SignalFdFlags flags, std::error_code& ec,
                                            CallSiteFor<B> site = CallSite::current()) {
    const SysResult<int> fd = detail::report(made(backend, signals, flags, site), ec);
    return BasicSignalFd{{backend, fd.ok() ? fd.value() : -1}, !flags.has(SignalFdFlags::nonblock)};
  }

  /// Other signals from now on, of this open file: of its duplicates too. signalfd(2).
  void set_signals(SignalSet signals, CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    this->value_or_throw(replace(signals), "signalfd");
  }
  void set_signals(SignalSet signals, std::error_code& ec, CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    static_cast<void>(detail::report(replace(signals), ec));
  }

  /// Takes the next signal, waiting until there is one: those sent to this thread come first, then the lowest numbers.
  /// Errors: EINTR if a handler ends the waiting.
  SignalInfo read(CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    SignalInfo info;
    this->value_or_throw(read_waiting({&info, 1}), "read");
    return info;
  }
  /// Signal 0 if `ec` is set.
  SignalInfo read(std::error_code& ec, CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    SignalInfo info;
    static_cast<void>(detail::report(read_waiting({&info, 1}), ec));
    return info;
  }
  /// Takes as many as there are and fit, waiting for the first one; returns those. Precondition: `into` is not empty.
  std::span<SignalInfo> read(std::span<SignalInfo> into, CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    return filled(into, this->value_or_throw(read_waiting(into), "read"));
  }
  /// None if `ec` is set.
  std::span<SignalInfo> read(std::span<SignalInfo> into, std::error_code& ec,
                             CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    const SysResult<std::size_t> got = detail::report(read_waiting(into), ec);
    return filled(into, got.ok() ? got.value() : 0);
  }

  /// Takes the next signal; nothing if there is none. Precondition: non-blocking, as made by default; so below.
  [[nodiscard]] std::optional<Info> try_read(CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    SignalInfo info;
    if (try_read({&info, 1}).empty()) return std::nullopt;
    return info;
  }
  [[nodiscard]] std::optional<Info> try_read(std::error_code& ec, CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    SignalInfo info;
    if (try_read({&info, 1}, ec).empty()) return std::nullopt;
    return info;
  }
  /// Takes as many as there are and fit; returns those, or none. Precondition: `into` is not empty.
  [[nodiscard]] std::span<SignalInfo> try_read(std::span<SignalInfo> into, CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    this->assert_never_waits();
    return filled(into, this->value_if_ready(read_once(into), "read").value_or(0));
  }
  [[nodiscard]] std::span<SignalInfo> try_read(std::span<SignalInfo> into, std::error_code& ec,
                                               CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    this->assert_never_waits();
    return filled(into, detail::report_if_ready(read_once(into), ec).value_or(0));
  }

  static constexpr char used_while_closed[] = "SignalFd: used while closed or after being moved from";

 private:
  BasicSignalFd(BasicOwnedFd<B> fd, bool blocking) : Base(std::move(fd), blocking) {}

  static SysResult<int> made(const B& backend, SignalSet signals, SignalFdFlags flags, CallSiteFor<B> site) {
    const detail::CallScopeFor<B> scope{site};
    const ::sigset_t set = signals.to_sigset();
    return backend.signalfd(-1, &set, static_cast<int>(flags.bits));
  }
  SysResult<int> replace(SignalSet signals) const {
    const ::sigset_t set = signals.to_sigset();
    return this->backend().signalfd(this->fd(), &set, 0);
  }

  static std::span<SignalInfo> filled(std::span<SignalInfo> into, std::size_t bytes) {
    return into.first(bytes / sizeof(SignalInfo));
  }
  SysResult<std::size_t> read_once(std::span<SignalInfo> into) const {
    return this->backend().read(this->fd(), into.data(), into.size_bytes());
  }
  SysResult<std::size_t> read_waiting(std::span<SignalInfo> into) const {
    return this->waiting(POLLIN, [&] { return read_once(into); });
  }
};

using SignalBlock = BasicSignalBlock<DefaultBackend>;
using SignalFd = BasicSignalFd<DefaultBackend>;

}  // namespace rouse::inline v0
