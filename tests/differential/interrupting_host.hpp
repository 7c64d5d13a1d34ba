// InterruptingHost: one task on virtual time. A call that would sleep for ever is interrupted by SIGALRM, as the timer
// of LinuxSide does it on Linux: long before anything that is far away.
#pragma once

#include "rouse/kernel/kernel.hpp"

#include <algorithm>

namespace differential {

class InterruptingHost final : public rouse::kernel::Host {
  using Task = rouse::kernel::Task;
  using Time = rouse::kernel::Time;

 public:
  InterruptingHost() { tasks_.push_back(main_); }

  /// Whom to send the signal by: the kernel that is made with this host.
  void interrupt_by(rouse::kernel::Signals& signals) { signals_ = &signals; }

  /// Whether a call was interrupted since this was asked last.
  [[nodiscard]] bool take_interrupted() { return std::exchange(interruptions_, 0) != 0; }

  [[nodiscard]] unsigned needs() const override { return rouse::kernel::needs_nothing; }
  [[nodiscard]] Task& current() override { return main_; }
  [[nodiscard]] Time now() override { return now_; }

  [[nodiscard]] bool block(Task&, Time deadline) override {
    is_woken_ = false;
    constexpr Time far = 10'000'000;  // What comes later, as TCP's second tries do, a signal does not wait for.
    timers_->run_until(now_, std::min(deadline, now_ + far), [this] { return is_woken_; });
    if (is_woken_) return true;
    if (deadline != rouse::kernel::time_never) {
      now_ = std::max(now_, deadline);
      return true;
    }
    // A call that cannot be interrupted at all is a Deadlock.
    if (interruptions_++ > 0) return false;
    signals_->send_to_process(SIGALRM);
    return true;
  }
  void wake(Task&) override { is_woken_ = true; }

 private:
  Task main_{1, "main"};
  Time now_ = 3'600'000'000'000;  // Not the start: a clock's first nanosecond is in the past.
  bool is_woken_ = false;
  rouse::kernel::Signals* signals_ = nullptr;
  int interruptions_ = 0;
};

}  // namespace differential
