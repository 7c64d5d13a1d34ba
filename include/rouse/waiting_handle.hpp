// WaitingHandle: what handles have in common whose calls come in two forms: the plain one, which waits, and `try_`,
// which never does.
#pragma once

#include "fd.hpp"

#include <poll.h>

namespace rouse::inline v0 {

/// The descriptor is non-blocking unless the user asked otherwise. A plain form then makes its call first and waits by
/// poll(2) only if that would block, so it costs one syscall when there is something to do. On a blocking descriptor
/// the plain forms wait inside the call itself, and the try_ forms are misuse.
template <class Derived, FdBackend B>
class WaitingHandle : public Handle<Derived, B> {
 protected:
  WaitingHandle(BasicOwnedFd<B> fd, bool blocking) : Handle<Derived, B>(std::move(fd)), blocking_(blocking) {}
  /// For an fd that came from elsewhere: asks the kernel for its mode.
  WaitingHandle(BasicOwnedFd<B> fd, CallSiteFor<B> site)
      : Handle<Derived, B>(std::move(fd)), blocking_(ask_blocking(site)) {}

  /// Calls `attempt` until it does not say "would block", polling for `events` in between. EINTR is a result.
  template <class Attempt>
  [[gnu::always_inline]] auto waiting(short events, Attempt attempt) const -> decltype(attempt()) {
    const auto result = attempt();
    if (result.ok()) [[likely]]
      return result.value();  // Not the result itself, or g++ 12 asks it again.
    return result.would_block() ? waiting_by_poll(events, Attempt{attempt}) : result;
  }
  /// The same after an attempt that would have blocked. Out of line: so what mostly need not wait is short enough to
  /// become part of its caller, and has nothing in memory that only a later attempt looks at.
  template <class Attempt>
  [[gnu::cold, gnu::noinline]] auto waiting_by_poll(short events, const Attempt& attempt) const -> decltype(attempt()) {
    for (;;) {
      ::pollfd entry{this->fd(), events, 0};
      const SysResult<int> polled = this->backend().poll(&entry, 1, -1);
      if (!polled.ok()) return polled;
      // Linux goes on until there is something. A simulated run that has failed ends all waits, those in destructors
      // too.
      if (polled.value() == 0) return decltype(attempt())::failure(EAGAIN);
      const auto result = attempt();
      if (!result.would_block()) return result;
    }
  }

  /// As `waiting`, until `whole` bytes were moved by attempts that get told how many were so far, in `done`. An attempt
  /// is made for 0 bytes too.
  template <class Attempt>
  SysResult<std::size_t> waiting_for_all(short events, std::size_t whole, std::size_t& done, Attempt attempt) const {
    return waiting_for_rest(attempt(), events, whole, done, attempt);
  }
  /// The same after a first attempt that came to `moved`.
  template <class Attempt>
  SysResult<std::size_t> waiting_for_rest(SysResult<std::size_t> moved, short events, std::size_t whole,
                                          std::size_t& done, Attempt attempt) const {
    for (;;) {
      if (moved.would_block()) moved = waiting_by_poll(events, attempt);
      if (!moved.ok()) return moved;
      done += moved.value();
      if (done >= whole) return done;
      moved = attempt();
    }
  }

  void assert_never_waits() const {
    ROUSE_ASSERT(!blocking_, "a call that never waits (try_…, notify, drain) on a handle that was made blocking");
  }

 private:
  bool ask_blocking(CallSiteFor<B> site) const {
    if (!this->is_open()) return false;
    const detail::CallScopeFor<B> scope{site};
    const SysResult<int> flags = this->backend().fcntl(this->fd(), F_GETFL, 0);
    return flags.ok() && (flags.value() & O_NONBLOCK) == 0;
  }

  bool blocking_;
};

}  // namespace rouse::inline v0
