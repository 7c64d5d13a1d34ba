// Exhaustive: every schedule, depth first; or every one that preempts no more often than a bound says. Most bugs need
// one preemption or two.
#pragma once

#include "../schedule.hpp"
#include "policy.hpp"

#include <cstdint>
#include <vector>

namespace rouse::inline v0::sim {

class Exhaustive final : public Policy {
 public:
  static constexpr std::uint32_t unbounded = UINT32_MAX;
  /// Choices of anything but the next task that have more answers than this are not tried out: the first one is taken.
  static constexpr std::uint64_t numbers_max = 16;

  /// To preempt is to let another task go on though the one that runs could.
  explicit Exhaustive(std::uint32_t preemptions_max = unbounded) : preemptions_max_(preemptions_max) {}

  [[nodiscard]] bool begin() override {
    if (is_first_) {
      is_first_ = false;
    } else if (!step_to_next()) {
      is_over_ = true;
      return false;
    }
    at_ = 0;
    preemptions_ = 0;
    return true;
  }

  [[nodiscard]] std::size_t who(const Candidates& candidates) override {
    const bool costs = candidates.has_current();
    // A preemption that the bound forbids is a branch not taken.
    const bool may_preempt = !costs || preemptions_ < preemptions_max_;
    if (!may_preempt) is_cut_ = true;
    const std::size_t choice = static_cast<std::size_t>(next(may_preempt ? candidates.size() : 1));
    if (costs && choice != 0) ++preemptions_;
    return choice;
  }
  [[nodiscard]] std::uint64_t number(std::uint64_t n) override {
    if (n > numbers_max) has_skipped_ = true;
    return next(n > numbers_max ? 1 : n);
  }

  /// True when all was tried: within the bound, if there is one.
  [[nodiscard]] bool is_over() const { return is_over_; }
  /// True when there is no schedule but those that were run: is_over(), and neither the bound nor numbers_max was met.
  [[nodiscard]] bool is_complete() const { return is_over_ && !is_cut_ && !has_skipped_; }

 private:
  struct Node {
    std::uint64_t choices;
    std::uint64_t chosen;
  };

  std::uint64_t next(std::uint64_t choices) {
    if (at_ == path_.size()) path_.push_back({choices, 0});
    return path_[at_++].chosen;
  }

  /// The next path in depth-first order: the deepest choice that has another answer takes it, and what followed goes.
  bool step_to_next() {
    path_.resize(at_);  // A run that failed may have ended before the path did.
    while (!path_.empty() && path_.back().chosen + 1 == path_.back().choices) path_.pop_back();
    if (path_.empty()) return false;
    ++path_.back().chosen;
    return true;
  }

  const std::uint32_t preemptions_max_;
  std::uint32_t preemptions_ = 0;
  bool is_first_ = true;
  bool is_over_ = false;
  bool is_cut_ = false;
  bool has_skipped_ = false;
  std::vector<Node> path_;
  std::size_t at_ = 0;
};

}  // namespace rouse::inline v0::sim
