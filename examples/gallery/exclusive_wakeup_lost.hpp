// Two workers watch one eventfd exclusively; the one that is woken was about to retire, and tells nobody.
#pragma once

#include "program.hpp"
#include <rouse/sim/thread.hpp>

namespace gallery {

struct ExclusiveWakeupLost {
  static constexpr const char* name = "exclusive, with no one left to take over";
  static constexpr const char* source = "epoll_ctl(2), on EPOLLEXCLUSIVE";
  static constexpr Ending ending = Ending::lost_wakeup;
  static constexpr const char* call = "poll";

  template <bool is_repaired>
  static void run(World& world) {
    EventFd jobs{world.backend()}, done{world.backend()}, stop{world.backend()};
    const auto work = [&](bool retires) {
      Epoll epoll{world.backend()};
      epoll.add<EventFlags::in | EventFlags::exclusive>(jobs);
      epoll.add(stop, EventFlags::in);
      EventVec events(1);
      epoll.wait(events);
      if (events.begin()->data().fd() == stop.fd()) return;
      if (retires) {
        epoll.remove(jobs);
        if (is_repaired) jobs.write(0);  // Adds nothing, and wakes the next.
      } else {
        jobs.drain();
        done.notify();
      }
    };
    rouse::sim::thread retiring{[&] { work(true); }};
    rouse::sim::thread staying{[&] { work(false); }};
    jobs.notify();
    done.read();
    stop.notify();
    retiring.join();
    staying.join();
  }
};

}  // namespace gallery
