// A watched fd is closed without being removed; a duplicate keeps the file open, so that it goes on reporting.
#pragma once

#include "program.hpp"
#include <rouse/sim/this_thread.hpp>
#include <rouse/sim/thread.hpp>

#include <chrono>

namespace gallery {

struct DupKeepsReporting {
  static constexpr const char* name = "a duplicate keeps a closed fd reporting";
  static constexpr const char* source = "libuv/libuv #1148";
  static constexpr Ending ending = Ending::stale_registration;
  static constexpr const char* call = "epoll_wait";

  template <bool is_repaired>
  static void run(World& world) {
    EventFd event{world.backend(), 1};
    const rouse::BasicOwnedFd<Backend> kept_by_a_library{world.backend(), world.backend().dup(event.fd()).value()};
    EventFd stop{world.backend()};
    rouse::sim::thread stops{[&stop] {
      rouse::sim::this_thread::sleep_for(std::chrono::seconds(1));
      stop.notify();
    }};
    Epoll epoll{world.backend()};
    epoll.add(event, EventFlags::in, std::uint64_t{1});
    epoll.add(stop, EventFlags::in, std::uint64_t{2});
    EventVec events(2);
    for (bool is_stopped = false; !is_stopped;) {
      epoll.wait(events);
      for (auto [flags, data] : events) {
        if (data.u64() == 2) is_stopped = true;
        if (data.u64() != 1 || !event.is_open()) continue;
        if (is_repaired) epoll.remove(event);
        event.close();
      }
    }
    stops.join();
  }
};

}  // namespace gallery
