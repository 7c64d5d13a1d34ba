// SoloHost: the caller's own thread is the only task, and time is virtual: it moves only when the task sleeps, and then
// from timer to timer until one of them wakes it, or straight to the deadline.
#pragma once

#include "../detail/tsan.hpp"
#include "../timeout.hpp"
#include "timers.hpp"

#include <pthread.h>

namespace rouse::inline v0::kernel {

/// One task, on one thread: the first that calls. Code that starts threads of its own needs a ThreadHost.
class SoloHost final : public Host {
 public:
  SoloHost() { tasks_.push_back(main_); }

  [[nodiscard]] unsigned needs() const override { return needs_nothing; }
  [[nodiscard]] Task& current() override { return main_; }
  [[nodiscard]] Time now() override { return now_; }
  [[nodiscard]] bool clock_runs_by_itself() const override { return false; }

  [[nodiscard]] bool block(Task&, Time deadline) override {
    is_woken_ = false;
    if (timers_ != nullptr) timers_->run_until(now_, deadline, [this] { return is_woken_; });
    if (is_woken_) return true;
    if (deadline == time_never) return false;
    if (deadline > now_) now_ = deadline;
    return true;
  }
  /// Nobody else runs while the task sleeps, so only timers wake it.
  void wake(Task&) override { is_woken_ = true; }

  [[nodiscard]] bool serves_this_thread() override {
    if (!has_owner_) owner_ = ::pthread_self();
    has_owner_ = true;
    return ::pthread_equal(owner_, ::pthread_self()) != 0;
  }

  /// Moves the clock on, as if the task had been busy for so long: `host.advance(std::chrono::seconds(1))`. Timers
  /// expire on the way. Precondition: a span, not `never`.
  void advance(Timeout span) {
    ROUSE_ASSERT(!span.is_never(), "SoloHost::advance: by how much?");
    const detail::Hidden hidden;
    const Time end = time_after(now_, span.nanoseconds());
    if (timers_ != nullptr) timers_->run_until(now_, end, [] { return false; });
    now_ = end;
  }

 private:
  bool has_owner_ = false;
  ::pthread_t owner_{};
  Task main_{1, "main"};
  Time now_ = 0;
  bool is_woken_ = false;
};

}  // namespace rouse::inline v0::kernel
