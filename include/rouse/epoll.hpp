// Epoll: waits on many fds at once. epoll(7), epoll_ctl(2), epoll_wait(2).
#pragma once

#include "busy_poll.hpp"
#include "event_vec.hpp"
#include "fd.hpp"
#include "open_flags.hpp"
#include "registration.hpp"
#include "timeout.hpp"

namespace rouse::inline v0 {

/// Registrations of fds, and waiting until one of them has something to report. A registration is keyed by the fd
/// *number and* the open file description behind it, and lives until `remove`, or until the last descriptor of that
/// description is closed: closing the registered one while a duplicate is open does not end it.
///
/// One Epoll may be waited on and changed from several threads at a time; moving and closing it may not overlap with
/// other use. Every call takes fds of the same kernel as the Epoll's own.
template <EpollBackend B>
class BasicEpoll : public Handle<BasicEpoll<B>, B> {
  using Base = Handle<BasicEpoll<B>, B>;

 public:
  /// epoll_create1(2). Errors: EMFILE, ENFILE, ENOMEM; EINVAL for unknown flags.
  explicit BasicEpoll(CreateFlags flags = CreateFlags::cloexec,
                      CallSiteFor<B> site = CallSite::current()) requires std::default_initializable<B>
      : BasicEpoll(B{}, flags, site) {}
  explicit BasicEpoll(B backend, CreateFlags flags = CreateFlags::cloexec, CallSiteFor<B> site = CallSite::current())
      : BasicEpoll(BasicOwnedFd<B>{backend, detail::value_or_throw(made(backend, flags, site), {"epoll_create1"})}) {}
  /// Takes over an fd that is an epoll.
  explicit BasicEpoll(BasicOwnedFd<B> fd) : Base(std::move(fd)) {}

  /// As the constructor; a closed handle if `ec` is set.
  [[nodiscard]] static BasicEpoll create(B backend, CreateFlags flags, std::error_code& ec,
                                         CallSiteFor<B> site = CallSite::current()) {
    const SysResult<int> fd = detail::report(made(backend, flags, site), ec);
    return BasicEpoll{BasicOwnedFd<B>{backend, fd.ok() ? fd.value() : -1}};
  }

  /// Watches `fd` for `flags`; `data` comes back with every event, the fd's number if none is given. epoll_ctl(ADD).
  /// If the fd is ready already, an event is due at once, edge-triggered or not.
  /// Errors: EEXIST if this number of this description is watched already; EPERM if the file cannot be waited on (a
  /// regular file); EINVAL for the epoll itself and for flags that `exclusive` does not go with; ELOOP for a cycle of
  /// epolls or more than five in a chain; ENOSPC at the user's limit; EBADF.
  void add(const BasicFdRef<B>& fd, EventFlags flags, EventData data, CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    const Event event{flags, data};
    detail::value_or_throw(control(EPOLL_CTL_ADD, fd, &event), {"epoll_ctl", fd.get(), "add"});
  }
  void add(const BasicFdRef<B>& fd, EventFlags flags, EventData data, std::error_code& ec,
           CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    const Event event{flags, data};
    static_cast<void>(detail::report(control(EPOLL_CTL_ADD, fd, &event), ec));
  }
  void add(const BasicFdRef<B>& fd, EventFlags flags, CallSiteFor<B> site = CallSite::current()) {
    add(fd, flags, fd.get(), site);
  }
  void add(const BasicFdRef<B>& fd, EventFlags flags, std::error_code& ec, CallSiteFor<B> site = CallSite::current()) {
    add(fd, flags, fd.get(), ec, site);
  }

  /// As `add(fd, flags, data)`, with flags the compiler can check: `epoll.add<EventFlags::in | EventFlags::et>(fd, x)`.
  template <EventFlags flags>
  void add(const BasicFdRef<B>& fd, EventData data, CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    assert_addable<flags>();
    add(fd, flags, data);
  }
  template <EventFlags flags>
  void add(const BasicFdRef<B>& fd, CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    assert_addable<flags>();
    add(fd, flags);
  }

  /// As `add`, for as long as the guard that is returned lives.
  [[nodiscard]] BasicRegistration<B> add_scoped(const BasicFdRef<B>& fd, EventFlags flags, EventData data,
                                                CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    add(fd, flags, data);
    return {this->ref(), fd};
  }
  [[nodiscard]] BasicRegistration<B> add_scoped(const BasicFdRef<B>& fd, EventFlags flags,
                                                CallSiteFor<B> site = CallSite::current()) {
    return add_scoped(fd, flags, fd.get(), site);
  }
  /// The guard is disarmed if `ec` is set.
  [[nodiscard]] BasicRegistration<B> add_scoped(const BasicFdRef<B>& fd, EventFlags flags, EventData data,
                                                std::error_code& ec, CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    add(fd, flags, data, ec);
    BasicRegistration<B> guard{this->ref(), fd};
    if (ec) guard.release();
    return guard;
  }

  /// Replaces flags and data (both: the kernel knows no other way) of a registration and asks for readiness afresh:
  /// this re-arms `oneshot`, and makes a ready edge-triggered fd report again. epoll_ctl(MOD). Errors: ENOENT if it is
  /// not watched; EINVAL if it was added with `exclusive`, or `flags` has it; EBADF.
  void modify(const BasicFdRef<B>& fd, EventFlags flags, EventData data, CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    const Event event{flags, data};
    detail::value_or_throw(control(EPOLL_CTL_MOD, fd, &event), {"epoll_ctl", fd.get(), "modify"});
  }
  void modify(const BasicFdRef<B>& fd, EventFlags flags, EventData data, std::error_code& ec,
              CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    const Event event{flags, data};
    static_cast<void>(detail::report(control(EPOLL_CTL_MOD, fd, &event), ec));
  }

  /// As `modify(fd, flags, data)`, with flags the compiler can check.
  template <EventFlags flags>
  void modify(const BasicFdRef<B>& fd, EventData data, CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    static_assert(is_modifiable(flags), "Epoll::modify: EventFlags::exclusive can only be set by add");
    modify(fd, flags, data);
  }

  /// Stops watching. Events that a wait has already delivered are not taken back: see EventBuffer::forget.
  /// epoll_ctl(DEL). Errors: ENOENT if it is not watched; EBADF.
  void remove(const BasicFdRef<B>& fd, CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    detail::value_or_throw(control(EPOLL_CTL_DEL, fd, nullptr), {"epoll_ctl", fd.get(), "remove"});
  }
  void remove(const BasicFdRef<B>& fd, std::error_code& ec, CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    static_cast<void>(detail::report(control(EPOLL_CTL_DEL, fd, nullptr), ec));
  }

  /// Waits until something is to be reported or the time is up, and fills `events`; returns how many, 0 when the time
  /// was up. Never returns before the time; a span below a millisecond is kept by epoll_pwait2, or rounded up where
  /// the kernel has none (before 5.11). On any error `events` is empty. epoll_wait(2).
  /// Errors: EINTR if a signal handler ran (SA_RESTART or not); EBADF, EINVAL. Precondition: events.capacity() > 0.
  std::size_t wait(EventBuffer& events, Timeout timeout = Timeout::never, CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    return static_cast<std::size_t>(this->value_or_throw(wait_once(events, timeout), "epoll_wait"));
  }
  std::size_t wait(EventBuffer& events, Timeout timeout, std::error_code& ec,
                   CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    static_cast<void>(detail::report(wait_once(events, timeout), ec));
    return events.size();
  }

  /// As `wait`, with the thread's signal mask replaced by `mask` meanwhile, in one step: a signal can be blocked except
  /// while waiting. epoll_pwait(2), epoll_pwait2(2).
  std::size_t wait(EventBuffer& events, Timeout timeout, const ::sigset_t& mask,
                   CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    return static_cast<std::size_t>(this->value_or_throw(wait_masked(events, timeout, &mask), "epoll_pwait"));
  }
  std::size_t wait(EventBuffer& events, Timeout timeout, const ::sigset_t& mask, std::error_code& ec,
                   CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    static_cast<void>(detail::report(wait_masked(events, timeout, &mask), ec));
    return events.size();
  }

  /// As `wait`, but goes on waiting after EINTR, until the deadline that the time-out set at the start.
  std::size_t wait_restarting(EventBuffer& events, Timeout timeout = Timeout::never,
                              CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    return static_cast<std::size_t>(this->value_or_throw(wait_until_done(events, timeout), "epoll_wait"));
  }
  std::size_t wait_restarting(EventBuffer& events, Timeout timeout, std::error_code& ec,
                              CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    static_cast<void>(detail::report(wait_until_done(events, timeout), ec));
    return events.size();
  }

  /// The busy-poll parameters. ioctl(EPIOCGPARAMS), Linux 6.9. Errors: ENOTTY on an older kernel.
  [[nodiscard]] BusyPoll busy_poll(CallSiteFor<B> site = CallSite::current()) const requires backend_has::ioctl<B> {
    const detail::CallScopeFor<B> scope{site};
    BusyPoll parameters;
    this->value_or_throw(this->backend().ioctl(this->fd(), epiocgparams, &parameters), "ioctl");
    return parameters;
  }
  /// Sets them. ioctl(EPIOCSPARAMS). Errors: EINVAL for values out of range; EPERM for a budget above 64 without
  /// CAP_NET_ADMIN; ENOTTY on an older kernel.
  void set_busy_poll(BusyPoll parameters, CallSiteFor<B> site = CallSite::current()) requires backend_has::ioctl<B> {
    const detail::CallScopeFor<B> scope{site};
    this->value_or_throw(this->backend().ioctl(this->fd(), epiocsparams, &parameters), "ioctl");
  }

  static constexpr char used_while_closed[] = "Epoll: used while closed or after being moved from";

 private:
  template <EventFlags flags>
  static constexpr void assert_addable() {
    static_assert(is_addable(flags),
                  "Epoll::add: EventFlags::exclusive goes only with in, out, err, hup, wakeup and et (EINVAL)");
  }

  static SysResult<int> made(const B& backend, CreateFlags flags, CallSiteFor<B> site) {
    const detail::CallScopeFor<B> scope{site};
    return backend.epoll_create1(static_cast<int>(flags.bits));
  }

  SysResult<void> control(int operation, const BasicFdRef<B>& fd, const Event* event) const {
    ROUSE_ASSERT(fd.backend() == this->backend(), "Epoll: the fd belongs to another kernel than the epoll");
    return this->backend().epoll_ctl(this->fd(), operation, fd.get(), event);
  }

  // However the wait ends, by an exception too: what it filled, and no old events to be handled twice.
  class Filling {
   public:
    explicit Filling(EventBuffer& events) : events_(events) {
      ROUSE_ASSERT(events.capacity() > 0, "Epoll::wait: the EventVec has no room (was it moved from?)");
    }
    Filling(const Filling&) = delete;
    Filling& operator=(const Filling&) = delete;
    ~Filling() { events_.set_filled(filled_); }

    SysResult<int> done(SysResult<int> waited) {
      if (waited.ok()) [[likely]]
        filled_ = static_cast<std::size_t>(waited.value());
      return waited;
    }

   private:
    EventBuffer& events_;
    std::size_t filled_ = 0;
  };

  SysResult<int> wait_once(EventBuffer& events, Timeout timeout) const {
    if (!timeout.is_milliseconds()) [[unlikely]]
      return wait_masked(events, timeout, nullptr);
    Filling filling{events};
    return filling.done(this->backend().epoll_wait(this->fd(), events.data(), static_cast<int>(events.capacity()),
                                                   timeout.milliseconds()));
  }

  // Out of line, as wait_until is: without them the usual waits are short enough to become part of the caller's loop.
  [[gnu::noinline]] SysResult<int> wait_masked(EventBuffer& events, Timeout timeout, const ::sigset_t* mask) const {
    Filling filling{events};
    const int room = static_cast<int>(events.capacity());
    if (!timeout.is_milliseconds()) {
      const ::timespec span = timeout.timespec();
      const SysResult<int> waited = this->backend().epoll_pwait2(this->fd(), events.data(), room, &span, mask);
      if (waited.error() != ENOSYS) return filling.done(waited);
    }
    return filling.done(this->backend().epoll_pwait(this->fd(), events.data(), room, timeout.milliseconds(), mask));
  }

  SysResult<int> wait_until_done(EventBuffer& events, Timeout timeout) const {
    if (!timeout.is_never() && !timeout.is_now()) return wait_until(events, timeout);
    for (;;) {
      const SysResult<int> waited = wait_once(events, timeout);
      if (waited.ok()) [[likely]]
        return waited;
      if (waited.error() != EINTR) return waited;
    }
  }

  [[gnu::noinline]] SysResult<int> wait_until(EventBuffer& events, Timeout timeout) const {
    const std::int64_t start = monotonic_now();
    Timeout left = timeout;
    for (;;) {
      const SysResult<int> waited = wait_once(events, left);
      if (waited.error() != EINTR) return waited;
      left = Timeout::of_nanoseconds(timeout.nanoseconds() - (monotonic_now() - start));
    }
  }

  std::int64_t monotonic_now() const {
    ::timespec now{};
    // Cannot fail: the clock is always there and the pointer is good.
    static_cast<void>(this->backend().clock_gettime(CLOCK_MONOTONIC, &now));
    return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
  }
};

using Epoll = BasicEpoll<DefaultBackend>;

}  // namespace rouse::inline v0
