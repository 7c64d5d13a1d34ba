// A wait that a signal has interrupted is made again with all of its time: who is interrupted often waits for ever.
#pragma once

#include "program.hpp"
#include "signals.hpp"
#include <rouse/sim/clock.hpp>
#include <rouse/sim/this_thread.hpp>
#include <rouse/sim/thread.hpp>

#include <chrono>

namespace gallery {

struct InterruptedWaitStartsOver {
  static constexpr const char* name = "EINTR retried with the full time-out";
  static constexpr const char* source = "oven-sh/bun #34780";
  static constexpr Ending ending = Ending::exception;
  static constexpr const char* call = "epoll_wait";

  template <bool is_repaired>
  static void run(World& world) {
    const Backend backend = world.backend();
    handle_by_nothing(backend, SIGUSR1);
    rouse::sim::thread profiler{[&] {
      for (int i = 0; i < 3; ++i) {
        rouse::sim::this_thread::sleep_for(std::chrono::milliseconds(60));
        send(backend, SIGUSR1);
      }
    }};
    Epoll epoll{backend};
    EventVec events(1);
    const auto start = rouse::sim::clock::now();
    constexpr auto limit = std::chrono::milliseconds(100);
    std::error_code error;
    do {
      if (is_repaired) {
        epoll.wait_restarting(events, limit, error);
      } else {
        epoll.wait(events, limit, error);
      }
    } while (error == std::errc::interrupted);
    require(rouse::sim::clock::now() - start == limit, "it waited for longer than it was to");
    profiler.join();
  }
};

}  // namespace gallery
