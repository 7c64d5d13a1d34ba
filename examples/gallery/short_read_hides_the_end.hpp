// A reader that is told of edges takes a read that is short for the last one: the end that came along is never seen.
#pragma once

#include "program.hpp"
#include <rouse/sim/thread.hpp>

#include <string_view>

namespace gallery {

struct ShortReadHidesTheEnd {
  static constexpr const char* name = "peer's shutdown missed behind a short read";
  static constexpr const char* source = "dotnet/runtime #38747";
  static constexpr Ending ending = Ending::lost_wakeup;
  static constexpr const char* call = "epoll_wait";

  template <bool is_repaired>
  static void run(World& world) {
    auto [client, server] = UnixStream::pair(world.backend());
    rouse::sim::thread serves{[&world, &server = server] {
      Epoll epoll{world.backend()};
      epoll.add(server, EventFlags::in | EventFlags::et | (is_repaired ? EventFlags::rdhup : EventFlags{}));
      EventVec events(1);
      for (bool is_over = false; !is_over;) {
        epoll.wait(events);
        const bool has_ended = events.begin()->flags().has(EventFlags::rdhup);
        char buffer[16];
        while (const auto n = server.try_receive(buffer)) {
          is_over = *n == 0;
          // There are no more bytes. The end is none of them, and had its edge.
          if (is_over || (*n < sizeof buffer && !has_ended)) break;
        }
      }
    }};
    client.send(std::string_view{"?"});
    client.shutdown(rouse::ShutdownHow::write);
    serves.join();
  }
};

}  // namespace gallery
