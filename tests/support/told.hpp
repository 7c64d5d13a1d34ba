// Told: a waiter that counts its wakeups, takes each of them and stays in its queue.
#pragma once

#include "rouse/kernel/wait_queue.hpp"

namespace test {

class Told final : public rouse::kernel::Waiter {
 public:
  explicit Told(bool exclusive = false) { set_exclusive(exclusive); }

  /// How often, since the last time.
  int take() {
    const int times = times_;
    times_ = 0;
    return times;
  }

 private:
  bool on_wake(rouse::EventFlags) override {
    ++times_;
    return true;
  }

  int times_ = 0;
};

}  // namespace test
