// A program looks whether a signal has come, and goes to sleep: one that comes in between is noticed by nobody.
#pragma once

#include "program.hpp"
#include "signals.hpp"
#include <rouse/signal_fd.hpp>
#include <rouse/sim/thread.hpp>

namespace gallery {

struct SignalBeforeWait {
  static constexpr const char* name = "signal between check and wait";
  static constexpr const char* source = "select_tut(2), on pselect";
  static constexpr Ending ending = Ending::deadlock;
  static constexpr const char* call = "epoll_pwait";

  template <bool is_repaired>
  static void run(World& world) {
    const Backend backend = world.backend();
    static volatile std::sig_atomic_t has_come;
    has_come = 0;
    handle(backend, SIGTERM, [](int) { has_come = 1; });
    const rouse::SignalSet set = is_repaired ? rouse::SignalSet::of(SIGTERM) : rouse::SignalSet{};
    const rouse::BasicSignalBlock<Backend> blocked{backend, set};
    rouse::sim::thread other{[&] {
      // For good: a guard that ends with this thread would let it take the signal after all.
      const ::sigset_t not_here = rouse::SignalSet::of(SIGTERM).to_sigset();
      require(backend.sigprocmask(SIG_BLOCK, &not_here, nullptr).ok(), "sigprocmask");
      send(backend, SIGTERM);
    }};
    Epoll epoll{backend};
    EventVec events(1);
    const ::sigset_t none = rouse::SignalSet{}.to_sigset();
    std::error_code error;
    while (has_come == 0) epoll.wait(events, Timeout::never, none, error);
    other.join();
  }
};

}  // namespace gallery
