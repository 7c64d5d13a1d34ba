// For tests with Catch2: sim::check() runs a function under many schedules, and reports one failure, the simplest, with
// the line that replays it. For Catch2 v2, from 2.13 on, and v3.
//
//     TEST_CASE("the pool loses no job") {
//       rouse::sim::check([](rouse::sim::World& world) {
//         Pool pool{world.backend()};
//         rouse::sim::thread worker{[&] { pool.work(); }};
//         pool.add(job);
//         pool.stop();
//         worker.join();
//         CHECK(pool.done() == 1);
//       });
//     }
//
// Assertions may stand anywhere in the function and in the tasks it starts; the first one that fails ends the run,
// CHECK too. SECTION, GENERATE and SKIP stand around the call, not in it, as the function is called many times.
#pragma once

#include "sim/catch2/assertion_capture.hpp"
#include "sim/catch2/catch_makers.hpp"
#include "sim/explore.hpp"
#include "sim/number_text.hpp"
#include "sim/trace/report.hpp"
#include "sim/trace/trace_json.hpp"

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace rouse::inline v0::sim {

/// The environment has the last word: ROUSE_SEED, ROUSE_RUNS, ROUSE_POLICY=pct (a PolicyKind), ROUSE_SHARD=1/4 (the
/// first of four parts), ROUSE_SECONDS (a time budget).
struct CheckOptions {
  std::uint64_t seed = 1;
  std::uint64_t runs = 1'000;
  ExploreOptions explore{};  ///< But for runs_max and the policy's seed, which are those above.
};

namespace detail_check {

/// What `parse` makes of a variable of the environment; nothing if there is no such variable. Fails the test if it is
/// none that can be parsed.
template <class Parse>
auto from_environment(const char* name, Parse parse) -> decltype(parse(std::string_view{})) {
  const char* const text = std::getenv(name);
  if (text == nullptr) return std::nullopt;
  const auto value = parse(std::string_view{text});
  if (!value) FAIL(name << " is nothing known: " << text);
  return value;
}

[[nodiscard]] inline ExploreOptions with_environment(const CheckOptions& options) {
  ExploreOptions explore = options.explore;
  explore.policy.seed = from_environment("ROUSE_SEED", parse_number).value_or(options.seed);
  explore.runs_max = from_environment("ROUSE_RUNS", parse_number).value_or(options.runs);
  explore.policy.kind = from_environment("ROUSE_POLICY", policy_named).value_or(explore.policy.kind);
  explore.shard = from_environment("ROUSE_SHARD", Shard::parse).value_or(explore.shard);
  if (const auto seconds = from_environment("ROUSE_SECONDS", parse_number)) {
    explore.time_max = std::chrono::seconds(*seconds);
  }
  return explore;
}

/// The last run, that everybody sees: its assertions go to Catch2, and what else failed is an assertion that fails.
/// What is said with it, is known from a run before.
template <class Test>
void show(const Outcome& failure, const Trace& trace, const ReportOptions& how, const ExploreOptions& options,
          Test& test) {
  std::string told;
  const char* const path = std::getenv("ROUSE_TRACE");
  if (path != nullptr && !write_trace_json(trace, path))
    told = std::string{"ROUSE_TRACE cannot be written: "} + path + '\n';
  if (failure.failed()) told += report(failure, trace, how);
  INFO(told);  // Not an unscoped one, which the first assertion that passes would take along.
  Outcome outcome;
  {
    AssertionCapture shown{AssertionCapture::Mode::first_failure_is_shown};
    outcome = replay(failure.schedule, test, options.world);
    if (shown.has_failed()) return;
  }
  if (failure.failed()) {
    FAIL_CHECK(summary(failure) << (outcome.failed() ? "" : "\nbut not again: something changes from run to run"));
  } else if (outcome.failed()) {
    FAIL_CHECK(summary(outcome));
  }
}

/// One run by a schedule that a failure has printed.
template <class Test>
void show_replay(const Schedule& schedule, const ExploreOptions& options, const ReportOptions& how, Test& test) {
  Outcome outcome;
  Trace trace;
  {
    const AssertionCapture captured{AssertionCapture::Mode::nothing_is_shown};
    WorldOptions traced = options.world;
    traced.trace = &trace;
    outcome = replay(schedule, test, traced);
  }
  if (!outcome.follows_schedule) FAIL("ROUSE_REPLAY is no schedule of this test: it may have changed since");
  show(outcome, trace, how, options, test);
}

}  // namespace detail_check

/// Calls `test(world)` under `options.runs` schedules, of several policies in turn, and fails with the simplest failure
/// if there is one, as report() tells it. In the environment, ROUSE_REPLAY=schedule has that one run only, and
/// ROUSE_TRACE=file writes the run that is shown for Perfetto.
template <class Test>
void check(const CheckOptions& options, Test test) {
  ReportOptions how;
  how.timeline.width = 77;  // Catch2 breaks its lines there.
  if (const char* const line = std::getenv("ROUSE_REPLAY")) {
    const std::optional<Schedule> schedule = Schedule::parse(line);
    if (!schedule) FAIL("ROUSE_REPLAY is no schedule: " << line);
    detail_check::show_replay(*schedule, options.explore, how, test);
    return;
  }
  const ExploreOptions explore_options = detail_check::with_environment(options);
  how.seed = explore_options.policy.seed;
  Exploration exploration;
  {
    const AssertionCapture captured{AssertionCapture::Mode::nothing_is_shown};
    exploration = explore(explore_options, [&](World& world) { test(world); });
  }
  if (exploration.failure) {
    how.runs = exploration.runs;
    detail_check::show(*exploration.failure, exploration.trace, how, options.explore, test);
    return;
  }
  SUCCEED();
  // Who asks for all schedules, wants to know that some are left.
  if (exploration.coverage == Policy::not_complete) {
    WARN("sim::check: " << exploration.coverage << " after " << exploration.runs << " runs");
  }
}
template <class Test>
void check(Test test) {
  check(CheckOptions{}, std::move(test));
}

}  // namespace rouse::inline v0::sim
