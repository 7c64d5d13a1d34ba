// One thread holds a lock while it waits for an answer; who answers takes that lock first.
#pragma once

#include "program.hpp"
#include <rouse/sim/mutex.hpp>
#include <rouse/sim/thread.hpp>

#include <mutex>

namespace gallery {

struct LocksInTwoOrders {
  static constexpr const char* name = "two locks and a wait in the wrong order";
  static constexpr const char* source = "pthread_mutex_lock(3p)";
  static constexpr Ending ending = Ending::deadlock;
  static constexpr const char* call = "mutex 2: lock";

  template <bool is_repaired>
  static void run(World& world) {
    EventFd answered{world.backend()};
    rouse::sim::mutex requests, answers;
    rouse::sim::thread server{[&] {
      const std::lock_guard first{is_repaired ? requests : answers};
      const std::lock_guard second{is_repaired ? answers : requests};
      answered.notify();
    }};
    {
      const std::lock_guard first{requests};
      const std::lock_guard second{answers};
    }
    answered.read();
    server.join();
  }
};

}  // namespace gallery
