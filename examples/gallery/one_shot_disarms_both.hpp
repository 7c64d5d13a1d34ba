// A one-shot registration for both directions reports one of them and is re-armed for that one only: it was silenced
// for both.
#pragma once

#include "program.hpp"
#include <rouse/sim/thread.hpp>

#include <string_view>

namespace gallery {

struct OneShotDisarmsBoth {
  static constexpr const char* name = "one-shot disarms both directions";
  static constexpr const char* source = "ponylang/ponyc #1564";
  static constexpr Ending ending = Ending::deadlock;
  static constexpr const char* call = "epoll_wait";

  template <bool is_repaired>
  static void run(World& world) {
    auto [ours, theirs] = UnixStream::pair(world.backend());
    rouse::sim::thread peer{[&theirs = theirs] { theirs.send(std::string_view{"x"}); }};
    Epoll epoll{world.backend()};
    epoll.add(ours, EventFlags::in | EventFlags::out | EventFlags::oneshot);
    EventVec events(1);
    bool has_greeted = false, is_answered = false;
    while (!is_answered) {
      epoll.wait(events);
      for (auto [flags, data] : events) {
        if (flags.has(EventFlags::in)) {
          char byte[1];
          is_answered = ours.try_receive(byte).has_value();
        }
        if (flags.has(EventFlags::out) && !has_greeted) {
          ours.send(std::string_view{"hello"});
          has_greeted = true;
        }
        // Nothing more is to be sent. The broken one thinks that reading is still armed.
        if (is_repaired && !is_answered) epoll.modify(ours, EventFlags::in | EventFlags::oneshot, ours.fd());
      }
    }
    peer.join();
  }
};

}  // namespace gallery
