// SoloHost: the caller's own thread is the only task, and time is virtual: it moves only when the task sleeps, and then
// straight to the deadline. One thread at a time.
#pragma once

#include "host.hpp"

namespace rouse::inline v0::kernel {

class SoloHost final : public Host {
 public:
  SoloHost() { tasks_.push_back(main_); }

  [[nodiscard]] unsigned needs() const override { return needs_nothing; }
  [[nodiscard]] Task& current() override { return main_; }
  [[nodiscard]] Time now() override { return now_; }

  [[nodiscard]] Sleep block(Task&, Time deadline) override {
    if (deadline == time_never) return Sleep::endless;
    if (deadline > now_) now_ = deadline;
    return Sleep::timed_out;
  }
  /// Nobody else runs while the task sleeps, so nobody wakes it.
  void wake(Task&) override {}

  /// Moves the clock on, as if the task had been busy for so long. Precondition: span >= 0.
  void advance(Time span) {
    ROUSE_ASSERT(span >= 0, "SoloHost: time does not go back");
    now_ = time_after(now_, span);
  }

 private:
  Task main_{1, "main"};
  Time now_ = 0;
};

}  // namespace rouse::inline v0::kernel
