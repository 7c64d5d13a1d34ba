// Random: numbers that are the same on every machine, for scripts that are to be repeated.
#pragma once

#include <cstdint>

namespace test {

class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  /// A number from 0 to n - 1. Precondition: 0 < n <= 2^31.
  template <class Number>
  Number below(Number n) {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return static_cast<Number>((state_ >> 33) % static_cast<std::uint64_t>(n));
  }

 private:
  std::uint64_t state_;
};

}  // namespace test
