// Who leaves a task does not wake a loop that is being woken already; the loop says too late that it no longer is.
#pragma once

#include "program.hpp"
#include <rouse/sim/atomic.hpp>
#include <rouse/sim/thread.hpp>

namespace gallery {

struct WakeupCoalescedAway {
  static constexpr const char* name = "wakeup coalesced with one that is over";
  static constexpr const char* source = "netty/netty #5258";
  static constexpr Ending ending = Ending::lost_wakeup;
  static constexpr const char* call = "epoll_wait";

  template <bool is_repaired>
  static void run(World& world) {
    EventFd wakeup{world.backend()};  // Watched for edges, so that nobody has to read it.
    rouse::sim::atomic<bool> is_woken{false};
    rouse::sim::atomic<int> tasks{0};
    rouse::sim::thread loop{[&] {
      Epoll epoll{world.backend()};
      epoll.add(wakeup, EventFlags::in | EventFlags::et);
      EventVec events(1);
      for (int done = 0; done < 2;) {
        epoll.wait(events);
        if (is_repaired) is_woken = false;
        done += tasks.exchange(0);
        // A task that came since then has woken nobody.
        if (!is_repaired) is_woken = false;
      }
    }};
    for (int i = 0; i < 2; ++i) {
      ++tasks;
      if (!is_woken.exchange(true)) wakeup.notify();
    }
    loop.join();
  }
};

}  // namespace gallery
