// explore(): a test under many schedules; and the simplest failure, if there is one.
#pragma once

#include "policy/exhaustive.hpp"
#include "policy/in_turn.hpp"
#include "policy/pct.hpp"
#include "policy/policy.hpp"
#include "policy/random.hpp"
#include "policy/replay.hpp"
#include "shrink.hpp"
#include "world.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace rouse::inline v0::sim {

struct ExploreOptions {
  std::uint64_t runs_max = 1'000;               ///< A policy may have fewer.
  std::uint64_t shrink_runs_max = 2'000;        ///< Spent on making a failure simple; 0 to take it as it is.
  std::uint64_t shrink_steps_max = 10'000'000;  ///< In those runs together.
  WorldOptions world{};
};

struct Exploration {
  std::uint64_t runs = 0;          ///< Made by the policy, the one that failed among them.
  std::uint64_t steps = 0;         ///< In all of them.
  std::optional<Outcome> failure;  ///< The simplest that was found of those that fail as the first one did.
  Trace trace;                     ///< Of that one.
};

/// One run by a schedule that a failure has printed.
template <class Test>
Outcome replay(const Schedule& schedule, Test&& test, WorldOptions options = {}) {
  FiberPool fibers;
  Replay policy{schedule};
  static_cast<void>(policy.begin());
  World world{policy, fibers, options};
  return world.run([&] { test(world); });
}

namespace detail_explore {

/// Makes a run once more, with a trace; returns the call that its failure is about.
template <class Test>
std::string record(const Outcome& failure, Test& test, WorldOptions options, Trace& trace) {
  options.trace = &trace;
  const Outcome again = replay(failure.schedule, test, options);
  return again.fails_like(failure) ? again.call : std::string{};
}

}  // namespace detail_explore

/// Calls `test(world)`, as the first task of a World of its own, under one schedule of `policy` after the other: until
/// one fails, or the policy has no more, or `options.runs_max` are made. All that a run needs, `test` makes itself:
/// nothing must be left of one run in the next, or it could not be repeated.
template <class Test>
Exploration explore(Policy& policy, const ExploreOptions& options, Test test) {
  FiberPool fibers;
  const auto run = [&](Policy& by) {
    World world{by, fibers, options.world};
    return world.run([&] { test(world); });
  };
  Exploration exploration;
  while (exploration.runs < options.runs_max && policy.begin()) {
    ++exploration.runs;
    Outcome outcome = run(policy);
    exploration.steps += outcome.steps;
    if (!outcome.failed()) continue;
    exploration.failure = Shrinker{options.shrink_runs_max, options.shrink_steps_max}.shrink(std::move(outcome), run);
    exploration.failure->call = detail_explore::record(*exploration.failure, test, options.world, exploration.trace);
    break;
  }
  return exploration;
}

}  // namespace rouse::inline v0::sim
