// EventFd: a counter that can be waited on. eventfd(2).
#pragma once

#include "open_flags.hpp"
#include "waiting_handle.hpp"

#include <cstdint>
#include <optional>

namespace rouse::inline v0 {

/// The counter's largest value; a write that would pass it waits.
inline constexpr std::uint64_t event_fd_max = 0xfffffffffffffffe;

/// A 64-bit counter behind an fd: writes add to it, a read takes all of it (or 1, of a semaphore) and waits while it
/// is 0. Epoll reports `in` while it is not 0, `out` while 1 can be added, and an edge for every write.
///
/// Made non-blocking unless told otherwise: the `try_` forms return at once, the plain forms wait by poll(2).
/// Any number of threads may use one EventFd at a time, except for moving and closing it. On LinuxBackend, write() and
/// notify() with an error_code are async-signal-safe as long as they do not have to wait.
template <EventFdBackend B>
class BasicEventFd : public WaitingHandle<BasicEventFd<B>, B> {
  using Base = WaitingHandle<BasicEventFd<B>, B>;

 public:
  static constexpr EventFdFlags default_flags{EFD_NONBLOCK | EFD_CLOEXEC};

  /// eventfd(2) with `initial` in the counter. Errors: EMFILE, ENFILE, ENOMEM; EINVAL for unknown flags.
  explicit BasicEventFd(unsigned initial = 0, EventFdFlags flags = default_flags,
                        CallSiteFor<B> site = CallSite::current()) requires std::default_initializable<B>
      : BasicEventFd(B{}, initial, flags, site) {}
  explicit BasicEventFd(B backend, unsigned initial = 0, EventFdFlags flags = default_flags,
                        CallSiteFor<B> site = CallSite::current())
      : Base({backend, detail::value_or_throw(made(backend, initial, flags, site), {"eventfd"})},
             !flags.has(EventFdFlags::nonblock)) {}
  /// Takes over an fd that is an eventfd.
  explicit BasicEventFd(BasicOwnedFd<B> fd, CallSiteFor<B> site = CallSite::current()) : Base(std::move(fd), site) {}

  /// As the constructor; a closed handle if `ec` is set.
  [[nodiscard]] static BasicEventFd create(B backend, unsigned initial, EventFdFlags flags, std::error_code& ec,
                                           CallSiteFor<B> site = CallSite::current()) {
    const SysResult<int> fd = detail::report(made(backend, initial, flags, site), ec);
    return BasicEventFd{{backend, fd.ok() ? fd.value() : -1}, !flags.has(EventFdFlags::nonblock)};
  }

  /// Adds `amount`, waiting while the sum would pass event_fd_max. Adding 0 is allowed, and an edge.
  /// Errors: EINVAL for 2^64 - 1; EINTR if a signal ends the waiting.
  void write(std::uint64_t amount, CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    this->value_or_throw(write_waiting(amount), "write");
  }
  void write(std::uint64_t amount, std::error_code& ec, CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    static_cast<void>(detail::report(write_waiting(amount), ec));
  }

  /// Adds `amount` unless the sum would pass event_fd_max: then false, and nothing was added.
  /// Precondition: non-blocking, as made by default.
  bool try_write(std::uint64_t amount, CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    this->assert_never_waits();
    const SysResult<std::size_t> wrote = write_once(amount);
    if (wrote.would_block()) return false;
    this->value_or_throw(wrote, "write");
    return true;
  }
  bool try_write(std::uint64_t amount, std::error_code& ec, CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    this->assert_never_waits();
    const SysResult<std::size_t> wrote = write_once(amount);
    if (wrote.would_block()) return ec.clear(), false;
    return detail::report(wrote, ec).ok();
  }

  /// Takes the counter's value (1 of a semaphore), waiting while it is 0. Errors: EINTR if a signal ends the waiting.
  std::uint64_t read(CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    std::uint64_t value;
    this->value_or_throw(read_waiting(value), "read");
    return value;
  }
  /// 0 if `ec` is set.
  std::uint64_t read(std::error_code& ec, CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    std::uint64_t value = 0;
    static_cast<void>(detail::report(read_waiting(value), ec));
    return value;
  }

  /// Takes the counter's value (1 of a semaphore); nothing if it is 0. Precondition: non-blocking, as made by default.
  [[nodiscard]] std::optional<std::uint64_t> try_read(CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    this->assert_never_waits();
    std::uint64_t value;  // Set by a read that succeeds.
    const SysResult<std::size_t> got = read_once(value);
    if (got.ok()) [[likely]]
      return value;
    if (!got.would_block()) this->value_or_throw(got, "read");
    return std::nullopt;
  }
  [[nodiscard]] std::optional<std::uint64_t> try_read(std::error_code& ec, CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    this->assert_never_waits();
    std::uint64_t value;
    if (!detail::report_if_ready(read_once(value), ec)) return std::nullopt;
    return value;
  }

  /// Makes it readable: adds 1, or leaves a full counter as it is, which is readable too. Does not wait.
  void notify(CallSiteFor<B> site = CallSite::current()) { static_cast<void>(try_write(1, site)); }
  void notify(std::error_code& ec, CallSiteFor<B> site = CallSite::current()) {
    static_cast<void>(try_write(1, ec, site));
  }

  /// Takes whatever is there and does not wait: the value, or 0.
  std::uint64_t drain(CallSiteFor<B> site = CallSite::current()) { return try_read(site).value_or(0); }
  std::uint64_t drain(std::error_code& ec, CallSiteFor<B> site = CallSite::current()) {
    return try_read(ec, site).value_or(0);
  }

  static constexpr char used_while_closed[] = "EventFd: used while closed or after being moved from";

 private:
  BasicEventFd(BasicOwnedFd<B> fd, bool blocking) : Base(std::move(fd), blocking) {}

  static SysResult<int> made(const B& backend, unsigned initial, EventFdFlags flags, CallSiteFor<B> site) {
    const detail::CallScopeFor<B> scope{site};
    return backend.eventfd(initial, static_cast<int>(flags.bits));
  }

  [[gnu::always_inline]] SysResult<std::size_t> write_once(std::uint64_t amount) const {
    return this->backend().write(this->fd(), &amount, sizeof amount);
  }
  [[gnu::always_inline]] SysResult<std::size_t> read_once(std::uint64_t& value) const {
    return this->backend().read(this->fd(), &value, sizeof value);
  }
  SysResult<std::size_t> read_waiting(std::uint64_t& value) const {
    return this->waiting(POLLIN, [this, &value] { return read_once(value); });
  }
  SysResult<std::size_t> write_waiting(std::uint64_t amount) const {
    const SysResult<std::size_t> wrote = write_once(amount);
    if (!wrote.would_block()) [[likely]]
      return wrote;
    return write_after_reads(amount);
  }

  // poll says that 1 would fit, which does not help a larger amount: it would spin. Each read is an edge, though, so an
  // edge-triggered epoll of its own sleeps from read to read.
  [[gnu::cold, gnu::noinline]] SysResult<std::size_t> write_after_reads(std::uint64_t amount) const {
    const SysResult<int> epfd = this->backend().epoll_create1(EPOLL_CLOEXEC);
    if (!epfd.ok()) return epfd;
    const BasicOwnedFd<B> epoll{this->backend(), epfd.value()};
    Event event{EventFlags::out | EventFlags::et, {}};
    const SysResult<void> added = this->backend().epoll_ctl(epoll.get(), EPOLL_CTL_ADD, this->fd(), &event);
    if (!added.ok()) return added;
    for (;;) {
      const SysResult<std::size_t> wrote = write_once(amount);
      if (!wrote.would_block()) return wrote;
      const SysResult<int> waited = this->backend().epoll_wait(epoll.get(), &event, 1, -1);
      if (!waited.ok()) return waited;
      if (waited.value() == 0) return wrote;  // As in WaitingHandle.
    }
  }
};

using EventFd = BasicEventFd<DefaultBackend>;

}  // namespace rouse::inline v0
