// A signal interrupts a wait, and the loop takes that for an error that ends it.
#pragma once

#include "program.hpp"
#include "signals.hpp"
#include <rouse/sim/thread.hpp>

namespace gallery {

struct InterruptedWaitIsAnError {
  static constexpr const char* name = "EINTR taken for an error";
  static constexpr const char* source = "pistacheio/pistache #565";
  static constexpr Ending ending = Ending::exception;
  static constexpr const char* call = "epoll_wait";

  template <bool is_repaired>
  static void run(World& world) {
    const Backend backend = world.backend();
    handle_by_nothing(backend, SIGUSR1);
    EventFd event{backend};
    rouse::sim::thread other{[&] {
      send(backend, SIGUSR1);
      event.notify();
    }};
    Epoll epoll{backend};
    epoll.add(event, EventFlags::in);
    EventVec events(1);
    if (is_repaired) {
      epoll.wait_restarting(events);
    } else {
      epoll.wait(events);
    }
    other.join();
  }
};

}  // namespace gallery
