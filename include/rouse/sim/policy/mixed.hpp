// Mixed: one policy after the other, a run each: no one of them finds every bug first.
#pragma once

#include "pct.hpp"
#include "policy.hpp"
#include "random.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace rouse::inline v0::sim {

/// In turn: any task at any step; one that switches rarely; priorities that change once, and twice.
class Mixed final : public Policy {
 public:
  static constexpr std::size_t policies = 4;

  explicit Mixed(std::uint64_t seed) : random_(seed), sticky_(seed, 10), pct_2_(seed, 2), pct_3_(seed, 3) {}

  [[nodiscard]] bool begin() override {
    const std::array<Policy*, policies> all = {&random_, &sticky_, &pct_2_, &pct_3_};
    at_ = all[next_++ % all.size()];
    return at_->begin();
  }
  [[nodiscard]] std::size_t who(const Candidates& candidates) override { return at_->who(candidates); }
  [[nodiscard]] std::uint64_t number(std::uint64_t n) override { return at_->number(n); }
  [[nodiscard]] bool fault(std::uint64_t one_in) override { return at_->fault(one_in); }

 private:
  RandomPolicy random_;
  RandomPolicy sticky_;
  Pct pct_2_;
  Pct pct_3_;
  std::size_t next_ = 0;
  Policy* at_ = &random_;
};

}  // namespace rouse::inline v0::sim
