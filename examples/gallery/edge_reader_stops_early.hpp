// An edge-triggered reader takes what its buffer holds and waits for the next edge, though there is more to read.
#pragma once

#include "program.hpp"
#include <rouse/sim/thread.hpp>

#include <string_view>

namespace gallery {

struct EdgeReaderStopsEarly {
  static constexpr const char* name = "edge-triggered reader stops before would-block";
  static constexpr const char* source = "epoll(7), on edge-triggered notification";
  static constexpr Ending ending = Ending::lost_wakeup;
  static constexpr const char* call = "epoll_wait";

  template <bool is_repaired>
  static void run(World& world) {
    Pipe pipe{world.backend()};
    rouse::sim::thread writer{[&pipe] {
      pipe.writer.write(std::string_view{"he"});
      pipe.writer.write(std::string_view{"llo"});
    }};
    Epoll epoll{world.backend()};
    epoll.add(pipe.reader, EventFlags::in | EventFlags::et);
    EventVec events(1);
    std::size_t got = 0;
    while (got < 5) {
      epoll.wait(events);
      char buffer[2];
      while (const auto n = pipe.reader.try_read(buffer)) {
        got += *n;
        if (!is_repaired) break;
      }
    }
    writer.join();
  }
};

}  // namespace gallery
