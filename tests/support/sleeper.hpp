// A thread that sleeps in a call, for signals to find it there.
#pragma once

#include "signals.hpp"
#include "threads.hpp"

#include <functional>

namespace test {

/// A thread in a call, which a case interrupts.
template <class On>
class Sleeper {
 public:
  /// `call` returns the call's result as a number, errors negated.
  Sleeper(On& on, std::function<std::int64_t()> call)
      : on_(on), worker_(on.spawn([this, call = std::move(call)] {
          tid_ = on_.backend.gettid().value();
          return call();
        })) {
    on_.wait_until_blocked(worker_);
  }

  void interrupt(int signal) { REQUIRE(on_.backend.tgkill(on_.backend.getpid().value(), tid_, signal).ok()); }
  void wait_until_blocked() { on_.wait_until_blocked(worker_); }
  std::int64_t result() { return worker_.result(); }

 private:
  On& on_;
  std::atomic<int> tid_ = 0;
  test::Worker<std::int64_t> worker_;
};

}  // namespace test
