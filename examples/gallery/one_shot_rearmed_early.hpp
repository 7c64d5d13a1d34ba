// A worker arms a connection again before it is done with it: another worker gets it meanwhile.
#pragma once

#include "program.hpp"
#include <rouse/sim/thread.hpp>

namespace gallery {

struct OneShotRearmedEarly {
  static constexpr const char* name = "one-shot re-armed while still being served";
  static constexpr const char* source = "davidmoreno/onion #116";
  static constexpr Ending ending = Ending::exception;
  static constexpr const char* call = "epoll_ctl";

  template <bool is_repaired>
  static void run(World& world) {
    EventFd requests{world.backend(), 2, rouse::EventFdFlags::semaphore | EventFd::default_flags};
    Epoll epoll{world.backend()};
    constexpr EventFlags flags = EventFlags::in | EventFlags::oneshot;
    epoll.add(requests, flags);
    int serving = 0;
    const auto work = [&] {
      EventVec events(1);
      epoll.wait(events);
      if (!is_repaired) epoll.modify(requests, flags, requests.fd());
      require(++serving == 1, "two workers serve one connection");
      static_cast<void>(requests.try_read());
      --serving;
      if (is_repaired) epoll.modify(requests, flags, requests.fd());
    };
    rouse::sim::thread a{work}, b{work};
    a.join();
    b.join();
  }
};

}  // namespace gallery
