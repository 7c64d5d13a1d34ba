// A notifier adds to a blocking eventfd that nobody has read: when the counter is full, it waits for its own reader.
#pragma once

#include "program.hpp"
#include <rouse/sim/mutex.hpp>
#include <rouse/sim/thread.hpp>

#include <mutex>

namespace gallery {

struct CounterOverflowBlocks {
  static constexpr const char* name = "eventfd counter overflow blocks the notifier";
  static constexpr const char* source = "Thomasdezeeuw/gaea #54";
  static constexpr Ending ending = Ending::deadlock;
  static constexpr const char* call = "epoll_wait";

  template <bool is_repaired>
  static void run(World& world) {
    EventFd event{world.backend()};
    event.write(rouse::event_fd_max - 1);  // What years of notifications have left, with edge-triggered readers.
    rouse::sim::mutex jobs;
    rouse::sim::thread reader{[&] {
      const std::lock_guard lock{jobs};
      event.drain();
    }};
    for (int i = 0; i < 2; ++i) {
      const std::lock_guard lock{jobs};
      if (is_repaired) {
        event.notify();
      } else {
        event.write(1);
      }
    }
    reader.join();
  }
};

}  // namespace gallery
