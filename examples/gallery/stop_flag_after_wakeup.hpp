// Who stops a worker wakes it first and says why afterwards: the worker looks, finds no reason, and sleeps for good.
#pragma once

#include "program.hpp"
#include <rouse/sim/atomic.hpp>
#include <rouse/sim/thread.hpp>

namespace gallery {

struct StopFlagAfterWakeup {
  static constexpr const char* name = "stop flag set after the wakeup";
  static constexpr const char* source = "mitchellh/libxev #4, of wakeups by eventfd";
  static constexpr Ending ending = Ending::deadlock;
  static constexpr const char* call = "poll";

  template <bool is_repaired>
  static void run(World& world) {
    EventFd wakeup{world.backend()};
    rouse::sim::atomic<bool> stop{false};
    rouse::sim::thread worker{[&] {
      while (!stop) wakeup.read();
    }};
    if (is_repaired) stop = true;
    wakeup.notify();
    if (!is_repaired) stop = true;
    worker.join();
  }
};

}  // namespace gallery
