// Shrinker: from a run that fails to a simpler one that fails in the same way.
#pragma once

#include "outcome.hpp"
#include "policy/exhaustive.hpp"
#include "policy/replay.hpp"
#include "schedule.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace rouse::inline v0::sim {

/// The simpler run has fewer preemptions; of as many, fewer faults; then fewer choices that are not 0; then smaller
/// ones, and an earlier end.
class Shrinker {
 public:
  /// Makes as many runs as it may, or as many as take so many steps.
  Shrinker(std::uint64_t runs_max, std::uint64_t steps_max) : runs_left_(runs_max), steps_left_(steps_max) {}

  /// `run(policy)` makes one run and returns its Outcome. Returns the simplest failure that was found, `failure` at
  /// worst.
  template <class Run>
  Outcome shrink(Outcome failure, Run run) {
    const auto fails = [&](std::vector<std::uint64_t> choices) {
      Replay replay{Schedule{std::move(choices)}};
      return try_run(replay, failure, run);
    };
    cut_the_end(failure, fails);
    while (take_out_choices(failure, fails)) {
    }
    // A choice that is left out gives the later ones another meaning, so that is not the end of it: all runs with fewer
    // preemptions are tried, the fewest first, as far as the runs last.
    for (std::uint32_t bound = 0; bound < failure.preemptions; ++bound) {
      Exhaustive exhaustive{bound};
      while (runs_left_ > 0 && bound < failure.preemptions && try_next(exhaustive, failure, run)) {
      }
    }
    while (take_out_choices(failure, fails)) {
    }
    return failure;
  }

 private:
  /// False if there is no run left to make.
  template <class Run>
  bool try_next(Exhaustive& exhaustive, Outcome& failure, Run& run) {
    if (!exhaustive.begin()) return false;
    static_cast<void>(keep_if_simpler(spent(run(exhaustive)), failure));
    return true;
  }
  template <class Run>
  bool try_run(Replay& replay, Outcome& failure, Run& run) {
    if (runs_left_ == 0 || !replay.begin()) return false;
    return keep_if_simpler(spent(run(replay)), failure);
  }
  Outcome spent(Outcome outcome) {
    steps_left_ -= std::min(steps_left_, outcome.steps);
    runs_left_ = steps_left_ == 0 ? 0 : runs_left_ - 1;
    return outcome;
  }
  static bool keep_if_simpler(Outcome outcome, Outcome& failure) {
    if (!outcome.fails_like(failure) || !(measure(outcome) < measure(failure))) return false;
    failure = std::move(outcome);
    return true;
  }

  static std::array<std::uint64_t, 5> measure(const Outcome& outcome) {
    std::uint64_t not_zero = 0, sum = 0, end = 0;
    for (std::size_t i = 0; i < outcome.schedule.size(); ++i) {
      if (outcome.schedule[i] == 0) continue;
      ++not_zero;
      sum += outcome.schedule[i];
      end = i + 1;
    }
    return {outcome.preemptions, outcome.faults, not_zero, sum, end};
  }

  /// Halves what is left of the end that can be 0.
  template <class Fails>
  static void cut_the_end(Outcome& failure, const Fails& fails) {
    for (std::size_t step = failure.schedule.size() / 2; step > 0; step /= 2) {
      std::vector<std::uint64_t> choices = failure.schedule.choices();
      if (step >= choices.size()) continue;
      choices.resize(choices.size() - step);
      static_cast<void>(fails(std::move(choices)));
    }
  }

  /// One choice after the other becomes 0, or smaller, from the last to the first. True if one could.
  template <class Fails>
  static bool take_out_choices(Outcome& failure, const Fails& fails) {
    bool any = false;
    for (std::size_t i = failure.schedule.size(); i-- > 0;) {
      if (i >= failure.schedule.size()) continue;
      for (std::uint64_t smaller = 0; i < failure.schedule.size() && smaller < failure.schedule[i]; ++smaller) {
        std::vector<std::uint64_t> choices = failure.schedule.choices();
        choices[i] = smaller;
        if (!fails(std::move(choices))) continue;
        any = true;
        break;
      }
    }
    return any;
  }

  std::uint64_t runs_left_;
  std::uint64_t steps_left_;
};

}  // namespace rouse::inline v0::sim
