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

#include "sim/assertion_capture.hpp"
#include "sim/catch_makers.hpp"
#include "sim/explore.hpp"
#include "sim/policy/mixed.hpp"

#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <utility>

namespace rouse::inline v0::sim {

struct CheckOptions {
  std::uint64_t seed = 1;      ///< ROUSE_SEED in the environment has the last word.
  std::uint64_t runs = 1'000;  ///< ROUSE_RUNS likewise.
  ExploreOptions explore{};    ///< But for runs_max, which is `runs`.
};

namespace detail_check {

[[nodiscard]] inline std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
  const char* const text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

/// The last run, that everybody sees: its assertions go to Catch2, and what else failed is an assertion that fails.
template <class Test>
void show(const Schedule& schedule, const ExploreOptions& options, Test& test) {
  INFO("replay it by ROUSE_REPLAY=" << schedule.text());
  Outcome outcome;
  {
    AssertionCapture shown{AssertionCapture::Mode::first_failure_is_shown};
    outcome = replay(schedule, test, options.world);
    if (shown.has_failed()) return;
  }
  if (outcome.failed()) FAIL_CHECK(name_of(outcome.ending) << ": " << outcome.text);
}

}  // namespace detail_check

/// Calls `test(world)` under `options.runs` schedules, of several policies in turn, and fails with the simplest failure
/// if there is one. With ROUSE_REPLAY=schedule in the environment, that one only.
template <class Test>
void check(const CheckOptions& options, Test test) {
  if (const char* const line = std::getenv("ROUSE_REPLAY")) {
    const std::optional<Schedule> schedule = Schedule::parse(line);
    if (!schedule) FAIL("ROUSE_REPLAY is no schedule: " << line);
    detail_check::show(*schedule, options.explore, test);
    return;
  }
  ExploreOptions explore_options = options.explore;
  explore_options.runs_max = detail_check::from_environment("ROUSE_RUNS", options.runs);
  Mixed policy{detail_check::from_environment("ROUSE_SEED", options.seed)};
  Exploration exploration;
  {
    const AssertionCapture captured{AssertionCapture::Mode::nothing_is_shown};
    exploration = explore(policy, explore_options, [&](World& world) { test(world); });
  }
  if (exploration.failure) {
    detail_check::show(exploration.failure->schedule, options.explore, test);
  } else {
    SUCCEED();
  }
}
template <class Test>
void check(Test test) {
  check(CheckOptions{}, std::move(test));
}

}  // namespace rouse::inline v0::sim
