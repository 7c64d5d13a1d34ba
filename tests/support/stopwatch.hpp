// Stopwatch: how long a call took on the clock of its kernel.
#pragma once

#include "backends.hpp"

#include <algorithm>
#include <chrono>

namespace test {

template <class On>
class Stopwatch {
 public:
  explicit Stopwatch(const On& on) : backend_(on.backend), start_(now()) {}

  /// The time since the start, exactly, on virtual time. On Linux no more than `limit`, since a busy machine may take
  /// any time beyond it: `CHECK(watch.up_to(2ms) == 2ms)`.
  [[nodiscard]] std::chrono::nanoseconds up_to(std::chrono::nanoseconds limit) const {
    const std::chrono::nanoseconds passed = now() - start_;
    return On::is_emulated ? passed : std::min(passed, limit);
  }

 private:
  [[nodiscard]] std::chrono::nanoseconds now() const {
    ::timespec time{};
    static_cast<void>(backend_.clock_gettime(CLOCK_MONOTONIC, &time));
    return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
  }

  const typename On::Backend backend_;
  const std::chrono::nanoseconds start_;
};

}  // namespace test
