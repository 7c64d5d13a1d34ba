// Choices: where the generator's decisions come from: a seed, or a fuzzer's bytes.
#pragma once

#include "../support/random.hpp"

#include <cstddef>
#include <cstdint>
#include <span>

namespace differential {

class Choices {
 public:
  Choices() = default;
  Choices(const Choices&) = delete;
  Choices& operator=(const Choices&) = delete;
  virtual ~Choices() = default;

  /// A number from 0 to n - 1. Precondition: 0 < n <= 2^31.
  [[nodiscard]] virtual std::size_t below(std::size_t n) = 0;
  /// True once there is nothing left to decide with.
  [[nodiscard]] virtual bool exhausted() const { return false; }

  [[nodiscard]] bool one_in(std::size_t n) { return below(n) == 0; }
  template <class Container>
  [[nodiscard]] auto one_of(const Container& all) {
    return *(std::begin(all) + static_cast<std::ptrdiff_t>(below(std::size(all))));
  }
};

class SeededChoices final : public Choices {
 public:
  /// Seeds that follow each other give numbers that have nothing in common.
  explicit SeededChoices(std::uint64_t seed) : random_(mixed(seed)) {}
  [[nodiscard]] std::size_t below(std::size_t n) override { return random_.below(n); }

 private:
  static std::uint64_t mixed(std::uint64_t x) {
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
  }

  test::Random random_;
};

/// Bytes that somebody else varies: small changes are small changes of the script.
class ByteChoices final : public Choices {
 public:
  explicit ByteChoices(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}

  [[nodiscard]] std::size_t below(std::size_t n) override {
    std::size_t value = take();
    for (std::size_t range = 256; range < n; range *= 256) value = value * 256 + take();
    return value % n;
  }
  [[nodiscard]] bool exhausted() const override { return at_ >= bytes_.size(); }

 private:
  std::size_t take() { return at_ < bytes_.size() ? bytes_[at_++] : 0; }

  std::span<const std::uint8_t> bytes_;
  std::size_t at_ = 0;
};

}  // namespace differential
