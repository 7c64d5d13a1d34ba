// explore(): a test under many schedules; and the simplest failure, if there is one.
#pragma once

#include "policy/choice.hpp"
#include "policy/replay.hpp"
#include "progress.hpp"
#include "shard.hpp"
#include "shrink.hpp"
#include "watchdog.hpp"
#include "world.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace rouse::inline v0::sim {

struct ExploreOptions {
  PolicyChoice policy{};                                   ///< Where explore() is given no Policy.
  std::uint64_t runs_max = 1'000;                          ///< Of all parts together; a policy may have fewer.
  Timeout time_max = Timeout::never;                       ///< By the wall clock: no run begins after that.
  Shard shard{};                                           ///< The part of all runs that is made here.
  std::uint64_t shrink_runs_max = 2'000;                   ///< Spent on making a failure simple; 0 to take it as it is.
  std::uint64_t shrink_steps_max = 10'000'000;             ///< In those runs together.
  std::size_t stack_size = FiberPool::default_stack_size;  ///< Of each task, in bytes; more is a SIGSEGV.
  unsigned watchdog_seconds = Watchdog::usual_seconds;     ///< 0 for none.
  ShowProgress progress = ShowProgress::on_terminal;
  WorldOptions world{};
};

struct Exploration {
  std::uint64_t runs = 0;            ///< Made by the policy, the one that failed among them.
  std::uint64_t steps = 0;           ///< In all of them.
  std::string coverage{};            ///< See Policy::coverage().
  std::optional<Outcome> failure{};  ///< The simplest that was found of those that fail as the first one did.
  Trace trace{};                     ///< Of that one.
};

/// One run by a schedule that a failure has printed. Nobody watches over it: a person may, in a debugger.
template <class Test>
Outcome replay(const Schedule& schedule, Test&& test, WorldOptions options = {}) {
  FiberPool fibers;
  Replay policy{schedule};
  static_cast<void>(policy.begin());
  World world{policy, fibers, options};
  Outcome outcome = world.run([&] { test(world); });
  outcome.follows_schedule = policy.fitted();
  return outcome;
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
/// one fails, or the policy has no more, or `options.runs_max` are made, or the time is up. All that a run needs,
/// `test` makes itself: nothing must be left of one run in the next, or it could not be repeated.
template <class Test>
Exploration explore(Policy& policy, const ExploreOptions& options, Test test) {
  FiberPool fibers{options.stack_size};
  const Watchdog watchdog{options.watchdog_seconds};
  Progress progress{options.progress};
  const auto run = [&](Policy& by) {
    World world{by, fibers, options.world};
    return world.run([&] { test(world); });
  };
  ROUSE_ASSERT(options.shard.index < options.shard.count, "sim::explore: there is no such part, counted from 0");
  const bool takes_every_nth = !options.shard.is_whole() && !policy.take_shard(options.shard);
  const auto start = std::chrono::steady_clock::now();
  const auto is_time_up = [&] {
    return !options.time_max.is_never() &&
           std::chrono::steady_clock::now() - start >= std::chrono::nanoseconds(options.time_max.nanoseconds());
  };
  Exploration exploration;
  for (std::uint64_t number = 0; number < options.runs_max && !is_time_up() && policy.begin(); ++number) {
    // So that each part has all that Mixed does in turn.
    if (takes_every_nth && !options.shard.has(number / Mixed::policies)) continue;
    ++exploration.runs;
    Outcome outcome = run(policy);
    exploration.steps += outcome.steps;
    progress.ran(outcome, policy);
    if (!outcome.failed()) continue;
    exploration.failure = Shrinker{options.shrink_runs_max, options.shrink_steps_max}.shrink(std::move(outcome), run);
    exploration.failure->call = detail_explore::record(*exploration.failure, test, options.world, exploration.trace);
    break;
  }
  exploration.coverage = policy.coverage();
  return exploration;
}
template <class Test>
Exploration explore(const ExploreOptions& options, Test test) {
  const std::unique_ptr<Policy> policy = make_policy(options.policy);
  return explore(*policy, options, std::move(test));
}

}  // namespace rouse::inline v0::sim
