// An event of a batch closes a connection for which a later event of the same batch has come already.
#pragma once

#include "program.hpp"

#include <optional>

namespace gallery {

struct StaleEventInBatch {
  static constexpr const char* name = "stale event in a batch for a handler that an earlier one destroyed";
  static constexpr const char* source = "creytiv/re #266";
  static constexpr Ending ending = Ending::exception;
  static constexpr const char* call = "close";

  template <bool is_repaired>
  static void run(World& world) {
    // Two connections of one client, each of which ends the other.
    std::optional<EventFd> connections[2];
    Epoll epoll{world.backend()};
    for (std::uint64_t i = 0; i < 2; ++i) {
      connections[i].emplace(world.backend(), 1);
      epoll.add(*connections[i], EventFlags::in, i);
    }
    EventVec events(2);
    epoll.wait(events);
    for (auto [flags, data] : events) {
      const std::uint64_t i = data.u64();
      require(connections[i].has_value(), "an event for a handler that is gone");
      connections[i]->drain();
      if (is_repaired) events.forget(1 - i);
      connections[1 - i].reset();
    }
  }
};

}  // namespace gallery
