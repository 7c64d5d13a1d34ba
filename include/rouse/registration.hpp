// Registration: an fd watched by an epoll for as long as this object lives.
#pragma once

#include "event.hpp"
#include "fd.hpp"

namespace rouse::inline v0 {

/// Removes what Epoll::add_scoped registered. Move-only. It borrows the epoll and the fd, so destroy it before either
/// is closed: after that the number may be somebody else's, and the removal would hit their registration.
template <EpollBackend B>
class [[nodiscard]] BasicRegistration {
 public:
  BasicRegistration(BasicFdRef<B> epoll, BasicFdRef<B> fd) : epoll_(epoll), fd_(fd), armed_(true) {}
  BasicRegistration(BasicRegistration&& from) noexcept
      : epoll_(from.epoll_), fd_(from.fd_), armed_(std::exchange(from.armed_, false)) {}
  BasicRegistration& operator=(BasicRegistration&& from) noexcept {
    BasicRegistration taken{std::move(from)};
    std::swap(epoll_, taken.epoll_);
    std::swap(fd_, taken.fd_);
    std::swap(armed_, taken.armed_);
    return *this;
  }
  ~BasicRegistration() {
    if (!armed_) return;
    const detail::CallScopeFor<B> scope{CallSite::destructor()};
    // ENOENT and EBADF mean that it went with its file: nothing left to undo.
    static_cast<void>(control(EPOLL_CTL_DEL, nullptr));
  }

  /// The fd that is watched. Precondition: armed.
  [[nodiscard]] int fd() const {
    ROUSE_ASSERT(armed_, used_while_disarmed);
    return fd_.get();
  }
  [[nodiscard]] bool is_armed() const { return armed_; }

  /// epoll_ctl(EPOLL_CTL_MOD): see Epoll::modify.
  void modify(EventFlags flags, EventData data, CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    const Event event{flags, data};
    detail::value_or_throw(control(EPOLL_CTL_MOD, &event), {"epoll_ctl", fd(), "modify"});
  }
  void modify(EventFlags flags, EventData data, std::error_code& ec, CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    const Event event{flags, data};
    static_cast<void>(detail::report(control(EPOLL_CTL_MOD, &event), ec));
  }

  /// Removes it now, reporting what the kernel says. The guard is disarmed in any case.
  void remove(CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    const int watched = fd();
    const SysResult<void> removed = control(EPOLL_CTL_DEL, nullptr);
    armed_ = false;
    detail::value_or_throw(removed, {"epoll_ctl", watched, "remove"});
  }
  void remove(std::error_code& ec, CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    static_cast<void>(detail::report(control(EPOLL_CTL_DEL, nullptr), ec));
    armed_ = false;
  }

  /// Leaves the registration in place; the guard is disarmed.
  void release() { armed_ = false; }

 private:
  static constexpr char used_while_disarmed[] = "Registration: used after remove(), release() or being moved from";

  SysResult<void> control(int operation, const Event* event) const {
    ROUSE_ASSERT(armed_, used_while_disarmed);
    return epoll_.backend().epoll_ctl(epoll_.get(), operation, fd_.get(), event);
  }

  BasicFdRef<B> epoll_;
  BasicFdRef<B> fd_;
  bool armed_;
};

using Registration = BasicRegistration<DefaultBackend>;

}  // namespace rouse::inline v0
