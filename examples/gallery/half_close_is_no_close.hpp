// A client has sent its request and says that no more comes; the server takes that for the end and drops the answer.
#pragma once

#include "program.hpp"
#include <rouse/sim/thread.hpp>

#include <string_view>

namespace gallery {

struct HalfCloseIsNoClose {
  static constexpr const char* name = "half-close treated as close";
  static constexpr const char* source = "shutdown(2); RFC 9112, 9.6";
  static constexpr Ending ending = Ending::exception;
  static constexpr const char* call = "recvfrom";

  template <bool is_repaired>
  static void run(World& world) {
    auto [client, server] = UnixStream::pair(world.backend());
    rouse::sim::thread serves{[&world, &server = server] {
      Epoll epoll{world.backend()};
      epoll.add(server, EventFlags::in | EventFlags::rdhup);
      EventVec events(1);
      bool has_request = false;
      for (bool is_over = false; !is_over;) {
        epoll.wait(events);
        const EventFlags flags = events.begin()->flags();
        if (!is_repaired && flags.has(EventFlags::rdhup)) break;
        char byte[1];
        const auto n = server.try_receive(byte);
        if (n && *n == 1) has_request = true;
        is_over = n && *n == 0;
      }
      if (is_repaired && has_request) server.send(std::string_view{"answer"});
      server.close();
    }};
    client.send(std::string_view{"?"});
    client.shutdown(rouse::ShutdownHow::write);
    char answer[6];
    require(client.receive(answer) == 6, "no answer");
    serves.join();
  }
};

}  // namespace gallery
