// PolicyChoice: a policy by its name and its numbers, for options and command lines.
#pragma once

#include "exhaustive.hpp"
#include "in_turn.hpp"
#include "mixed.hpp"
#include "pct.hpp"
#include "random.hpp"

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

namespace rouse::inline v0::sim {

enum class PolicyKind : std::uint8_t {
  mixed,       ///< Several in turn; finds most, soonest.
  random,      ///< Any task at any step.
  sticky,      ///< One step in ten takes off the task that runs.
  pct,         ///< Priorities, and `depth` - 1 changes of them.
  exhaustive,  ///< All schedules; with a bound on preemptions, all within it.
  in_turn,     ///< One schedule: each task goes on until it has to wait.
};

struct PolicyChoice {
  PolicyKind kind = PolicyKind::mixed;
  std::uint64_t seed = 1;                                 ///< Means nothing to `exhaustive` and `in_turn`.
  std::uint32_t depth = 3;                                ///< For `pct`; at least 1.
  std::uint32_t preemptions_max = Exhaustive::unbounded;  ///< For `exhaustive`, as the next.
  std::uint32_t faults_max = 1;
};

/// Nothing for what is no policy's name.
[[nodiscard]] inline std::optional<PolicyKind> policy_named(std::string_view name) {
  constexpr std::array names = {"mixed", "random", "sticky", "pct", "exhaustive", "in_turn"};
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (name == names[i]) return static_cast<PolicyKind>(i);
  }
  return std::nullopt;
}

[[nodiscard]] inline std::unique_ptr<Policy> make_policy(const PolicyChoice& choice) {
  constexpr std::uint64_t sticky_steps = 10;
  switch (choice.kind) {
    case PolicyKind::mixed: return std::make_unique<Mixed>(choice.seed);
    case PolicyKind::random: return std::make_unique<RandomPolicy>(choice.seed);
    case PolicyKind::sticky: return std::make_unique<RandomPolicy>(choice.seed, sticky_steps);
    case PolicyKind::pct: return std::make_unique<Pct>(choice.seed, choice.depth);
    case PolicyKind::in_turn: return std::make_unique<InTurn>();
    case PolicyKind::exhaustive: break;
  }
  const bool is_bounded = choice.preemptions_max != Exhaustive::unbounded;
  return std::make_unique<Exhaustive>(Exhaustive::Bounds{choice.preemptions_max, choice.faults_max},
                                      is_bounded ? Exhaustive::Reduction::none : Exhaustive::Reduction::sleep_sets);
}

}  // namespace rouse::inline v0::sim
