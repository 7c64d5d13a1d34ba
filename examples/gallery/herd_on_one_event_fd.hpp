// One job wakes all workers, as the eventfd is ready for all of them; the first takes it, and the others wait in read.
#pragma once

#include "program.hpp"
#include <rouse/sim/thread.hpp>

namespace gallery {

struct HerdOnOneEventFd {
  static constexpr const char* name = "one count wakes all, and all but one block in read";
  static constexpr const char* source = "leahneukirchen/redo-c #4, of a pipe";
  static constexpr Ending ending = Ending::deadlock;
  static constexpr const char* call = "poll";

  template <bool is_repaired>
  static void run(World& world) {
    EventFd jobs{world.backend()}, done{world.backend()}, stop{world.backend()};
    const auto work = [&] {
      Epoll epoll{world.backend()};
      epoll.add(jobs, EventFlags::in);
      epoll.add(stop, EventFlags::in);
      EventVec events(1);
      for (;;) {
        epoll.wait(events);
        if (events.begin()->data().fd() == stop.fd()) return;
        if (is_repaired ? jobs.try_read().has_value() : jobs.read() > 0) done.notify();
      }
    };
    rouse::sim::thread a{work}, b{work};
    jobs.notify();
    done.read();
    stop.notify();
    a.join();
    b.join();
  }
};

}  // namespace gallery
