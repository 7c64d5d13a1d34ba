// A worker closes a connection whose event the loop holds already; the next one gets its number, and its event.
#pragma once

#include "program.hpp"
#include <rouse/sim/mutex.hpp>
#include <rouse/sim/thread.hpp>

#include <mutex>
#include <optional>

namespace gallery {

struct FdNumberReused {
  static constexpr const char* name = "fd number reused while its event is under way";
  static constexpr const char* source = "xrootd/xrootd #1928";
  static constexpr Ending ending = Ending::exception;
  static constexpr const char* call = "mutex 1: unlock";

  template <bool is_repaired>
  static void run(World& world) {
    rouse::sim::mutex connections;  // There is one at a time.
    std::optional<EventFd> connection{std::in_place, world.backend(), 1};
    std::uint64_t accepted = 1;
    // Whose an event is: by a number that is free again after close, or by one that never is.
    const auto key = [&] { return is_repaired ? accepted : static_cast<std::uint64_t>(connection->fd()); };
    Epoll epoll{world.backend()};
    epoll.add(*connection, EventFlags::in, key());
    rouse::sim::thread worker{[&] {
      const std::lock_guard lock{connections};
      connection.reset();
      connection.emplace(world.backend());
      ++accepted;
      epoll.add(*connection, EventFlags::in, key());
    }};
    EventVec events(1);
    epoll.wait(events, Timeout::now);
    {
      const std::lock_guard lock{connections};
      for (auto [flags, data] : events) {
        if (data != key()) continue;
        require(connection->try_read().has_value(), "the event was another connection's");
      }
    }
    worker.join();
  }
};

}  // namespace gallery
