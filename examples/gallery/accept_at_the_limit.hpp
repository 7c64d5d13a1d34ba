// A server that has no fd left gets EMFILE from accept, goes back to epoll_wait, and is told of the same connection.
#pragma once

#include "program.hpp"
#include <rouse/sim/this_thread.hpp>
#include <rouse/sim/thread.hpp>

#include <chrono>

namespace gallery {

struct AcceptAtTheLimit {
  static constexpr const char* name = "accept loop spins on EMFILE";
  static constexpr const char* source = "joyent/libuv #690";
  static constexpr Ending ending = Ending::livelock;
  static constexpr const char* call = "epoll_wait";

  template <bool is_repaired>
  static void run(World& world) {
    auto listener = TcpListener::bind(world.backend(), rouse::Ipv4::loopback(0));
    const auto client = TcpStream::connect(world.backend(), listener.local_address());
    Epoll epoll{world.backend()};
    epoll.add(listener, EventFlags::in);
    // Others have taken all fds there are, and give one back in a second.
    EventFd taken{world.backend()};
    world.kernel().limits.nofile_soft = static_cast<std::uint64_t>(taken.fd()) + 1;
    rouse::sim::thread other{[&taken] {
      rouse::sim::this_thread::sleep_for(std::chrono::seconds(1));
      taken.close();
    }};
    EventVec events(1);
    for (bool is_accepted = false; !is_accepted;) {
      epoll.wait(events);
      std::error_code error;
      is_accepted = listener.try_accept(error).has_value();
      if (is_repaired && error) rouse::sim::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
    other.join();
  }
};

}  // namespace gallery
