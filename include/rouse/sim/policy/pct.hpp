// Pct: priorities, and a few points at which they change. A bug that needs d ordering constraints to meet is found with
// a chance of at least 1 in n * k^(d-1), for n tasks and k steps, whatever the program: Burckhardt et al., "A
// Randomized Scheduler with Probabilistic Guarantees of Finding Bugs".
#pragma once

#include "../../detail/chance.hpp"
#include "../sim_task.hpp"
#include "policy.hpp"

#include <algorithm>
#include <cstdint>
#include <vector>

namespace rouse::inline v0::sim {

class Pct final : public Policy {
 public:
  /// `depth` d >= 1: d - 1 changes of priority a run. The first runs measure how many steps there are to choose from.
  Pct(std::uint64_t seed, std::uint32_t depth) : seeds_(seed), depth_(depth) {
    ROUSE_ASSERT(depth >= 1, "sim::Pct: a depth of 0");
  }

  [[nodiscard]] bool begin() override {
    longest_ = std::max(longest_, step_);
    step_ = 0;
    chance_ = detail::Chance{seeds_.next()};
    priorities_.clear();
    changes_.clear();
    for (std::uint32_t i = 1; i < depth_; ++i) changes_.push_back(1 + chance_.below(longest_));
    std::sort(changes_.begin(), changes_.end());
    lowest_ = 0;
    return true;
  }

  [[nodiscard]] std::size_t who(const Candidates& candidates) override {
    ++step_;
    std::size_t best = highest(candidates);
    while (lowest_ < changes_.size() && changes_[lowest_] <= step_) {
      // The later the change, the lower the priority it gives.
      priorities_[candidates[best].id()] = changes_.size() - lowest_;
      ++lowest_;
      best = highest(candidates);
    }
    return best;
  }
  [[nodiscard]] std::uint64_t number(std::uint64_t n) override { return chance_.below(n); }
  [[nodiscard]] bool fault(std::uint64_t one_in) override { return chance_.below(one_in) == 0; }

 private:
  std::size_t highest(const Candidates& candidates) {
    std::size_t best = 0;
    for (std::size_t i = 0; i < candidates.size(); ++i) {
      if (priority(candidates[i].id()) > priority(candidates[best].id())) best = i;
    }
    return best;
  }
  /// Above all that a change gives; different ones for different tasks, but for one in 2^40.
  std::uint64_t priority(std::uint32_t task) {
    while (priorities_.size() <= task) priorities_.push_back(depth_ + chance_.next() % (std::uint64_t{1} << 40));
    return priorities_[task];
  }

  detail::Chance seeds_;
  const std::uint32_t depth_;
  detail::Chance chance_{0};
  std::uint64_t step_ = 0;
  std::uint64_t longest_ = 1;
  std::vector<std::uint64_t> priorities_;  // By the number of the task.
  std::vector<std::uint64_t> changes_;     // The steps at which the highest becomes the lowest, in order.
  std::size_t lowest_ = 0;                 // How many have been made.
};

}  // namespace rouse::inline v0::sim
