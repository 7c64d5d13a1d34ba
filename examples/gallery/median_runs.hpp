// How many runs a policy takes to find a program's bug.
#pragma once

#include "programs.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <optional>

namespace gallery {

/// Of 20 seeds, the median; `make(seed)` makes the policy. Nothing if one of them does not find it, or finds another.
template <class Program, class Make>
std::optional<std::uint64_t> median_runs(Make make) {
  std::array<std::uint64_t, 20> runs{};
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const std::unique_ptr<rouse::sim::Policy> policy = make(i + 1);
    rouse::sim::ExploreOptions found_is_enough = options;
    found_is_enough.shrink_runs_max = 0;
    const rouse::sim::Exploration found = rouse::sim::explore(*policy, found_is_enough, Program::template run<false>);
    if (!found.failure || found.failure->ending != Program::ending) return std::nullopt;
    runs[i] = found.runs;
  }
  std::sort(runs.begin(), runs.end());
  return runs[runs.size() / 2];
}

[[nodiscard]] inline std::unique_ptr<rouse::sim::Policy> by_chance(std::uint64_t seed) {
  return std::make_unique<rouse::sim::RandomPolicy>(seed);
}
[[nodiscard]] inline std::unique_ptr<rouse::sim::Policy> by_priorities(std::uint64_t seed) {
  return std::make_unique<rouse::sim::Pct>(seed, 3);
}

}  // namespace gallery
