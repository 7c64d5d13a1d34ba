// A loop serves so many events per turn and leaves the rest of the batch: what is delivered is no longer queued.
#pragma once

#include "program.hpp"
#include <rouse/sim/thread.hpp>

namespace gallery {

struct EdgesBeyondTheBudget {
  static constexpr const char* name = "edges of a batch dropped beyond a budget";
  static constexpr const char* source = "epoll(7), on starvation";
  static constexpr Ending ending = Ending::lost_wakeup;
  static constexpr const char* call = "epoll_wait";

  template <bool is_repaired>
  static void run(World& world) {
    EventFd requests[2] = {EventFd{world.backend()}, EventFd{world.backend()}};
    rouse::sim::thread loop{[&] {
      Epoll epoll{world.backend()};
      for (std::uint64_t i = 0; i < 2; ++i) epoll.add(requests[i], EventFlags::in | EventFlags::et, i);
      constexpr std::size_t per_turn = 1;
      // What finds no room in a batch stays queued, so the room is the budget.
      EventVec events(is_repaired ? per_turn : 2);
      for (std::size_t served = 0; served < 2;) {
        epoll.wait(events);
        std::size_t in_turn = 0;
        for (auto [flags, data] : events) {
          if (in_turn++ == per_turn) break;
          requests[data.u64()].drain();
          ++served;
        }
      }
    }};
    rouse::sim::thread other_client{[&requests] { requests[1].notify(); }};
    requests[0].notify();
    loop.join();
    other_client.join();
  }
};

}  // namespace gallery
