// A worker reads a flag that another thread sets, with nothing that orders the two: volatile is no order.
#pragma once

#include "program.hpp"
#include <rouse/sim/shared.hpp>
#include <rouse/sim/thread.hpp>

namespace gallery {

struct ShutdownFlagUnsynchronised {
  static constexpr const char* name = "shutdown flag read without synchronisation";
  static constexpr const char* source = "Boehm, How to miscompile programs with \"benign\" data races, HotPar 2011";
  static constexpr Ending ending = Ending::data_race;
  static constexpr const char* call = "";  // Two accesses, and no call.

  template <bool is_repaired>
  static void run(World& world) {
    rouse::sim::Shared<bool> stop{false, "stop"};
    EventFd jobs{world.backend()};
    rouse::sim::thread worker{[&] {
      for (;;) {
        if (!is_repaired && stop.read()) return;
        jobs.read();
        if (is_repaired && stop.read()) return;  // The count that wakes it was written after the flag.
        if (!is_repaired) return;
      }
    }};
    stop.write(true);
    jobs.notify();
    worker.join();
  }
};

}  // namespace gallery
