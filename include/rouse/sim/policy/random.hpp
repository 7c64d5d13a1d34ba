// RandomPolicy: any task may go on at any step; or, if it is sticky, the task that runs mostly does.
#pragma once

#include "../../detail/chance.hpp"
#include "policy.hpp"

namespace rouse::inline v0::sim {

class RandomPolicy final : public Policy {
 public:
  /// Every candidate is as likely as another; with `stickiness` n > 1, the task that runs is only taken off in one step
  /// of n. Short races want the first, bugs that need a task to get far ahead the second.
  explicit RandomPolicy(std::uint64_t seed, std::uint64_t stickiness = 1) : seeds_(seed), stickiness_(stickiness) {}

  [[nodiscard]] bool begin() override {
    chance_ = detail::Chance{seeds_.next()};
    return true;
  }
  [[nodiscard]] std::size_t who(const Candidates& candidates) override {
    if (stickiness_ <= 1 || !candidates.has_current())
      return static_cast<std::size_t>(chance_.below(candidates.size()));
    if (chance_.below(stickiness_) != 0) return 0;
    return 1 + static_cast<std::size_t>(chance_.below(candidates.size() - 1));
  }
  [[nodiscard]] std::uint64_t number(std::uint64_t n) override { return chance_.below(n); }
  [[nodiscard]] bool fault(std::uint64_t one_in) override { return chance_.below(one_in) == 0; }

 private:
  detail::Chance seeds_;
  const std::uint64_t stickiness_;
  detail::Chance chance_{0};
};

}  // namespace rouse::inline v0::sim
