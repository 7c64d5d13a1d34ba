// Coverage: what a run met of the rules: each row of the wake table, each rule of order, each errno of each call. Found
// by looking at the emulated kernel before and after each call.
#pragma once

#include "errno_rows.hpp"
#include "generator.hpp"
#include "order_rows.hpp"
#include "wake_rows.hpp"
#include "wake_rows_inet.hpp"
#include "wake_rows_messages.hpp"
#include "wake_rows_timers.hpp"

namespace differential {

class Coverage final : public Observer {
 public:
  /// How often a full run has to meet each row.
  static constexpr std::uint64_t least = 100;

  void start() override {
    probes_.reset();
    wakes_.start();
    order_.start();
  }
  void before(EmulatedSide& side, const Step& step) override {
    list_fds(side.kernel(), fds_);
    probes_.start(fds_);
    wakes_.before(side.kernel(), fds_, step);
    messages_.before(side.kernel(), fds_, step);
    timers_.before(side.kernel(), fds_, step);
    inet_.before(side.kernel(), fds_, step);
    order_.before(fds_);
  }
  void after(EmulatedSide& side, const Step& step, Outcome outcome) override {
    list_fds(side.kernel(), fds_);
    if (outcome == Outcome::not_modelled) return;
    const std::int64_t result = step.is_look() ? 0 : side.run().last;
    if (result < 0) errnos_.met(all_signatures()[step.call].call, static_cast<int>(-result));
    wakes_.after(side.kernel(), step, result, probes_);
    messages_.after(step, result, probes_);
    timers_.after(step, result, probes_);
    inet_.after(step, result, probes_);
    order_.after(fds_, step, result, probes_);
  }

  /// Prints all rows. Returns how many were not met often enough.
  [[nodiscard]] int print() const {
    return wakes_.print(least) + messages_.print(least) + timers_.print(least) + inet_.print(least) +
           order_.print(least) + errnos_.print(least);
  }

 private:
  std::vector<OpenFd> fds_;
  WakeProbes probes_;
  WakeRows wakes_;
  MessageWakeRows messages_;
  TimerWakeRows timers_;
  InetWakeRows inet_;
  OrderRows order_;
  ErrnoRows errnos_;
};

}  // namespace differential
