// for_each_fault(): a test once for everything that may go wrong with each call it makes.
#pragma once

#include "call_census.hpp"
#include "policy/in_turn.hpp"
#include "watchdog.hpp"
#include "world.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace rouse::inline v0::sim {

struct FaultExploration {
  std::uint64_t runs = 0;   ///< One without a fault, and one for each fault of each call.
  std::uint64_t calls = 0;  ///< That something can happen to.
  std::optional<Outcome> failure{};
  std::string fault{};  ///< With which it failed: `the 2nd read fails with EINTR`. Empty if it failed without any.
  Trace trace{};        ///< Of the run that failed.
};

/// Runs `test(world)`, whose tasks take turns, without a fault; and then again and again, so that each call it has made
/// fails once, with each error that it may give for no fault of the caller, or is cut short, or is told that nothing is
/// there (fault_errors.hpp). The first run that fails ends it.
///
/// What the test has to show is that it copes: that nothing leaks, nobody sleeps for ever, and that what it asserts
/// holds whatever happens. Rules of its own, it may add to `world.faults()`.
template <class Test>
FaultExploration for_each_fault(Test test, const WorldOptions& options = {}) {
  FiberPool fibers;
  const Watchdog watchdog{Watchdog::usual_seconds};
  InTurn in_turn;
  const auto run = [&](const FaultPlan& plan, CallCensus* census, Trace* trace) {
    WorldOptions with_fault = options;
    with_fault.faults = &plan;
    with_fault.census = census;
    with_fault.trace = trace;
    World world{in_turn, fibers, with_fault};
    return world.run([&] { test(world); });
  };
  FaultExploration exploration;
  const auto fails = [&](const FaultPlan& plan, CallCensus* census) {
    ++exploration.runs;
    Outcome outcome = run(plan, census, nullptr);
    if (!outcome.failed()) return false;
    outcome.call = run(plan, nullptr, &exploration.trace).call;
    exploration.failure = std::move(outcome);
    return true;
  };

  const FaultPlan given = options.faults != nullptr ? *options.faults : FaultPlan{};
  CallCensus census;
  if (fails(given, &census)) return exploration;
  for (const CallCensus::Entry& entry : census.entries()) {
    const FaultList faults = faults_of(entry.call, entry.kind, entry.is_nonblocking);
    if (!faults.empty()) ++exploration.calls;
    for (const Fault fault : faults) {
      FaultPlan one, plan = given;
      one.on(entry.call).nth(entry.nth, fault);
      plan.on(entry.call).nth(entry.nth, fault);
      if (!fails(plan, nullptr)) continue;
      exploration.fault = to_string(one);
      return exploration;
    }
  }
  return exploration;
}

}  // namespace rouse::inline v0::sim
