// Chance: numbers by a seed: the same ones on every machine, with every compiler.
#pragma once

#include <cstdint>

namespace rouse::inline v0::detail {

/// SplitMix64.
class Chance {
 public:
  constexpr explicit Chance(std::uint64_t seed) : state_(seed) {}

  constexpr std::uint64_t next() {
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
  }
  /// Each as likely as the other, but for one in 2^64. Precondition: n > 0.
  constexpr std::uint64_t below(std::uint64_t n) {
    __extension__ using Wide = unsigned __int128;
    return static_cast<std::uint64_t>(Wide{next()} * n >> 64);
  }

 private:
  std::uint64_t state_;
};

}  // namespace rouse::inline v0::detail
