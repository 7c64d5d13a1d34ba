// Exhaustive: every schedule, depth first. Without a bound, schedules that differ only in the order of steps that have
// nothing to do with each other are run once, by sleep sets: Godefroid, "Partial-Order Methods for the Verification of
// Concurrent Systems". With a bound, every schedule that preempts no more often than it says: most bugs need one
// preemption or two. Not both: a schedule within the bound may stand for one that is left out beyond it.
#pragma once

#include "../sim_task.hpp"
#include "policy.hpp"

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace rouse::inline v0::sim {

class Exhaustive final : public Policy {
 public:
  static constexpr std::uint32_t unbounded = UINT32_MAX;
  /// Choices of anything but the next task that have more answers than this are not tried out: the first one is taken.
  static constexpr std::uint64_t numbers_max = 16;

  enum class Reduction : bool { none, sleep_sets };
  struct Bounds {
    std::uint32_t preemptions = unbounded;  ///< To preempt is to let another task go on though the one that runs could.
    std::uint32_t faults = 1;               ///< In a run.
  };

  Exhaustive() : Exhaustive(Bounds{}, Reduction::sleep_sets) {}
  explicit Exhaustive(std::uint32_t preemptions_max) : Exhaustive(Bounds{.preemptions = preemptions_max}) {}
  explicit Exhaustive(Bounds bounds) : Exhaustive(bounds, Reduction::none) {}
  /// Precondition: no bound on preemptions with sleep sets.
  Exhaustive(Bounds bounds, Reduction reduction) : bounds_(bounds), reduces_(reduction == Reduction::sleep_sets) {
    ROUSE_ASSERT(!reduces_ || bounds.preemptions == unbounded,
                 "sim::Exhaustive: sleep sets lose schedules with a bound");
  }

  [[nodiscard]] inline bool begin() override;
  [[nodiscard]] inline std::size_t who(const Candidates& candidates) override;
  [[nodiscard]] std::uint64_t number(std::uint64_t n) override {
    if (n > numbers_max) has_skipped_ = true;
    return next(n > numbers_max ? 1 : n);
  }
  [[nodiscard]] bool fault(std::uint64_t) override {
    const bool may_strike = faults_ < bounds_.faults;
    if (!may_strike) is_cut_ = true;
    const bool strikes = next(may_strike ? 2 : 1) != 0;
    if (strikes) ++faults_;
    return strikes;
  }
  [[nodiscard]] bool wants_steps() const override { return reduces_; }
  inline void stepped(const kernel::Footprint& step, bool time_moved) override;

  /// True when all was tried, but for what was left out.
  [[nodiscard]] bool is_over() const { return is_over_; }
  /// True when there is no schedule but those that were run, and such as differ from one of them only in the order of
  /// steps that have nothing to do with each other.
  [[nodiscard]] bool is_complete() const { return is_over_ && !is_cut_ && !has_skipped_; }
  /// True when all within the bounds was tried.
  [[nodiscard]] bool is_complete_within_bounds() const { return is_over_ && !has_skipped_; }
  /// What the exploration has shown so far: "complete", "complete within 2 preemptions and 1 fault", "not complete".
  [[nodiscard]] std::string coverage() const override {
    if (is_complete()) return "complete";
    if (!is_complete_within_bounds()) return not_complete;
    std::string text = "complete within ";
    if (bounds_.preemptions != unbounded) text += some(bounds_.preemptions, "preemption") + " and ";
    return text + some(bounds_.faults, "fault");
  }

  /// How much of all there is was tried, in thousandths, if what is left is like what was.
  [[nodiscard]] inline std::optional<std::uint64_t> thousandths_done() const override;
  /// Every part goes through all that the first choices come to, and follows its share of that to the end. So it makes
  /// some runs of others, too: one for each thing that they follow.
  [[nodiscard]] bool take_shard(Shard shard) override {
    shard_ = shard;
    return true;
  }
  /// Sleep sets: how many runs turned out to be none of their own on the way, and were not followed further.
  [[nodiscard]] std::uint64_t runs_pruned() const { return pruned_; }
  /// And how many steps were not even tried, each with all the schedules that begin so.
  [[nodiscard]] std::uint64_t steps_skipped() const { return skipped_; }

 private:
  // A step that was explored before, from here or from a point that led here by steps which have nothing to do with it:
  // to take it now would lead to what is known.
  struct Sleeper {
    std::uint32_t task;
    kernel::Footprint step;
  };
  struct Node {
    std::uint64_t choices;
    std::uint64_t chosen = 0;
    // With sleep sets, where the choice is who goes on.
    std::vector<std::uint32_t> tasks{};
    std::vector<Sleeper> asleep{};
    kernel::Footprint step{};  // Of the one that was chosen, whatever it met.

    [[nodiscard]] bool sleeps(std::uint64_t choice) const {
      return std::any_of(asleep.begin(), asleep.end(),
                         [&](const Sleeper& sleeper) { return sleeper.task == tasks[choice]; });
    }
  };
  static constexpr std::size_t nowhere = SIZE_MAX;
  static constexpr std::size_t shared_choices = 8;  // The first ones, that all parts of an exploration go through.

  static std::string some(std::uint32_t n, const char* what) {
    return std::to_string(n) + ' ' + what + (n == 1 ? "" : "s");
  }

  std::uint64_t next(std::uint64_t choices) {
    if (is_pruned_) return 0;
    if (at_ == path_.size()) path_.push_back({.choices = choices});
    return path_[at_++].chosen;
  }
  [[nodiscard]] std::size_t who_next(const Candidates& candidates);
  [[nodiscard]] Node node_of(const Candidates& candidates) const;
  /// From the choice that is next to the first that would lead to something new, if there is one.
  void skip_sleepers(Node& node) {
    while (node.chosen < node.choices && node.sleeps(node.chosen)) {
      ++node.chosen;
      ++skipped_;
    }
  }
  [[nodiscard]] bool step_to_next();
  void leave_to_others();
  [[nodiscard]] bool take_next_choice(Node& node);

  const Bounds bounds_;
  const bool reduces_;
  std::uint32_t preemptions_ = 0;
  std::uint32_t faults_ = 0;
  bool is_first_ = true;
  bool is_over_ = false;
  bool is_cut_ = false;
  bool has_skipped_ = false;
  bool is_pruned_ = false;  // What this run will show, is known.
  std::uint64_t pruned_ = 0;
  std::uint64_t skipped_ = 0;
  std::vector<Node> path_;
  std::size_t at_ = 0;
  std::size_t last_who_ = nowhere;  // Whose step is under way.
  kernel::Footprint last_step_;     // In this run.
  bool time_moved_ = false;
  Shard shard_;
  std::uint64_t met_ = 0;  // Ends of the shared choices.
  std::size_t shared_end_ = nowhere;
  std::size_t changed_at_ = 0;  // The choice in which this run differs from the last one.
  bool is_ours_ = true;
};

inline bool Exhaustive::begin() {
  if (is_first_) {
    is_first_ = false;
  } else if (!step_to_next()) {
    is_over_ = true;
    return false;
  }
  at_ = 0;
  preemptions_ = faults_ = 0;
  is_pruned_ = false;
  last_who_ = nowhere;
  return true;
}

inline std::size_t Exhaustive::who(const Candidates& candidates) {
  if (reduces_) return who_next(candidates);
  const bool costs = candidates.has_current();
  // A preemption that the bound forbids is a branch not taken.
  const bool may_preempt = !costs || preemptions_ < bounds_.preemptions;
  if (!may_preempt) is_cut_ = true;
  const auto choice = static_cast<std::size_t>(next(may_preempt ? candidates.size() : 1));
  if (costs && choice != 0) ++preemptions_;
  return choice;
}

// -- sleep sets

inline void Exhaustive::stepped(const kernel::Footprint& step, bool time_moved) {
  if (is_pruned_ || last_who_ == nowhere) return;
  path_[last_who_].step.add(step);
  last_step_ = step;
  time_moved_ = time_moved;
}

inline std::size_t Exhaustive::who_next(const Candidates& candidates) {
  if (is_pruned_) return 0;
  if (at_ == path_.size()) {
    Node node = node_of(candidates);
    skip_sleepers(node);
    if (node.chosen == node.choices) {  // The run is finished in any way: it may not be torn off.
      is_pruned_ = true;
      ++pruned_;
      return 0;
    }
    path_.push_back(std::move(node));
  }
  last_who_ = at_;
  return static_cast<std::size_t>(path_[at_++].chosen);
}

// Who slept goes on sleeping if the step that led here had nothing to do with it.
inline Exhaustive::Node Exhaustive::node_of(const Candidates& candidates) const {
  Node node{.choices = candidates.size()};
  for (std::size_t i = 0; i < candidates.size(); ++i) node.tasks.push_back(candidates[i].id());
  // When time moves, whoever could go on has done so: what slept is over.
  if (last_who_ == nowhere || time_moved_) return node;
  for (const Sleeper& sleeper : path_[last_who_].asleep) {
    if (!sleeper.step.depends_on(last_step_)) node.asleep.push_back(sleeper);
  }
  return node;
}

// -- from run to run

/// The next path in depth-first order: the deepest choice that has another answer takes it, and what followed goes.
inline bool Exhaustive::step_to_next() {
  path_.resize(at_);  // A run that failed may have ended before the path did.
  if (!shard_.is_whole()) leave_to_others();
  while (!path_.empty()) {
    if (take_next_choice(path_.back())) {
      changed_at_ = path_.size() - 1;
      return true;
    }
    path_.pop_back();
  }
  return false;
}

// What the first choices of this run have come to is another part's if it was met for the first time: then nothing is
// followed that comes after them. All parts meet the same in the same order.
inline void Exhaustive::leave_to_others() {
  std::size_t end = 0;
  for (std::size_t choices = 0; end < path_.size() && choices < shared_choices; ++end) {
    if (path_[end].choices > 1) ++choices;
  }
  const bool is_new = end != shared_end_ || changed_at_ < end;
  shared_end_ = end;
  if (is_new) is_ours_ = shard_.has(met_++);
  if (is_ours_ || end == path_.size()) return;
  // What the last step would touch after other answers than this one's, is not known here.
  if (reduces_ && path_[end].tasks.empty() && last_who_ != nowhere) {
    std::size_t who = end;
    while (who-- > 0 && path_[who].tasks.empty()) {
    }
    path_[who].step.add(kernel::Object::everything(), kernel::Access::write);
  }
  path_.resize(end);
}

inline bool Exhaustive::take_next_choice(Node& node) {
  if (!node.tasks.empty()) {
    // All that begins with this step is explored: from now on it sleeps.
    node.asleep.push_back({node.tasks[node.chosen], std::move(node.step)});
    node.step = {};
  }
  ++node.chosen;
  skip_sleepers(node);
  return node.chosen < node.choices;
}

inline std::optional<std::uint64_t> Exhaustive::thousandths_done() const {
  if (is_over_) return 1'000;
  std::uint64_t done = 0;
  std::uint64_t share = 1'000'000;  // Of all, that lies below this choice.
  for (const Node& node : path_) {
    share /= node.choices;
    done += share * node.chosen;
    if (share == 0) break;
  }
  return done / 1'000;
}

}  // namespace rouse::inline v0::sim
