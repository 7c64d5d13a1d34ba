// What explore() is told beside its policy: parts of an exploration, and when to stop.
#include "../support/catch.hpp"
#include "rouse/rouse.hpp"
#include "rouse/sim/explore.hpp"
#include "rouse/sim/mutex.hpp"
#include "rouse/sim/this_thread.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <set>
#include <stdexcept>
#include <string>
#include <unistd.h>
#include <vector>

using namespace rouse;

namespace {

/// Two tasks in turn, with a choice each; leaves what happened.
std::string race_for_letters(sim::World& world) {
  std::string letters;
  sim::mutex mutex;
  for (const char name : {'a', 'b'}) {
    world.spawn(std::string{name}, [&, name] {
      const std::lock_guard lock{mutex};
      letters += name;
      world.pick(2) == 0 ? letters += '.' : letters += '!';
    });
  }
  world.join_all();
  return letters;
}

}  // namespace

TEST_CASE("Shard: parses what people write") {
  CHECK(sim::Shard::parse("1/4")->index == 0);
  CHECK(sim::Shard::parse("4/4")->index == 3);
  CHECK(sim::Shard::parse("4/4")->count == 4);
  for (const char* const bad : {"", "1", "/", "0/4", "5/4", "1/0", "a/4", "1/b", "1/4 ", "-1/4"}) {
    CAPTURE(bad);
    CHECK_FALSE(sim::Shard::parse(bad));
  }
}

TEST_CASE("Shards: exhaustive parts together meet all that the whole does, each of them less") {
  const auto reduction = GENERATE(sim::Exhaustive::Reduction::none, sim::Exhaustive::Reduction::sleep_sets);
  const std::uint64_t count = GENERATE(1U, 2U, 3U, 7U);
  const auto explore = [&](sim::Shard shard, std::set<std::string>& met) {
    sim::Exhaustive all{sim::Exhaustive::Bounds{}, reduction};
    const auto test = [&met](sim::World& world) { met.insert(race_for_letters(world)); };
    const sim::Exploration exploration = sim::explore(all, {.runs_max = 1'000'000, .shard = shard}, test);
    CHECK_FALSE(exploration.failure);
    CHECK(all.is_complete());
    return exploration.runs;
  };
  std::set<std::string> whole, together;
  const std::uint64_t runs_of_whole = explore({}, whole);
  CHECK(whole.size() == 2 * 4);
  std::uint64_t largest = 0;
  for (std::uint64_t i = 0; i < count; ++i) largest = std::max(largest, explore({i, count}, together));
  CHECK(together == whole);
  INFO(count << " parts, " << runs_of_whole << " runs, the largest " << largest);
  if (count > 1 && reduction == sim::Exhaustive::Reduction::none) CHECK(largest < runs_of_whole);
}

TEST_CASE("Shards: random parts together make the same runs as the whole") {
  const auto schedules = [](sim::Shard shard) {
    std::vector<std::string> met;
    sim::RandomPolicy random{1};
    const auto test = [&met](sim::World& world) { met.push_back(race_for_letters(world)); };
    CHECK_FALSE(sim::explore(random, {.runs_max = 50, .shard = shard}, test).failure);
    return met;
  };
  const std::vector<std::string> whole = schedules({});
  CHECK(whole.size() == 50);
  std::vector<std::vector<std::string>> parts;
  for (std::uint64_t i = 0; i < 3; ++i) parts.push_back(schedules({i, 3}));
  std::vector<std::string> together;
  for (std::size_t i = 0; i < 50; ++i) together.push_back(parts[i / 4 % 3].at(i / 12 * 4 + i % 4));
  CHECK(together == whole);
}

TEST_CASE("explore: a policy by its name") {
  CHECK_FALSE(sim::policy_named("none"));
  const auto test = [](sim::World& world) {
    if (race_for_letters(world) == "b!a!") throw std::runtime_error("found");
  };
  for (const char* const name : {"mixed", "random", "sticky", "pct", "exhaustive"}) {
    CAPTURE(name);
    const sim::Exploration found = sim::explore({.policy = {.kind = *sim::policy_named(name)}}, test);
    CHECK(found.failure);
  }
  using enum sim::PolicyKind;
  CHECK_FALSE(sim::explore({.policy = {.kind = in_turn}}, test).failure);
  const auto passes = [](sim::World& world) { static_cast<void>(race_for_letters(world)); };
  CHECK(sim::explore({.policy = {.kind = exhaustive}, .runs_max = 100'000}, passes).coverage == "complete");
  CHECK(sim::explore({.policy = {.kind = exhaustive}, .runs_max = 1}, passes).coverage == "not complete");
  CHECK(sim::explore({.policy = {.kind = exhaustive, .preemptions_max = 1}, .runs_max = 100'000}, passes).coverage ==
        "complete within 1 preemption and 1 fault");
  CHECK(sim::explore({.policy = {.kind = random}}, passes).coverage.empty());
}

TEST_CASE("Progress: a line on the standard error, and nothing when it is off") {
  const auto printed = [](sim::ShowProgress when) {
    std::FILE* const file = std::tmpfile();
    REQUIRE(file != nullptr);
    std::fflush(stderr);
    const int before = ::dup(STDERR_FILENO);
    ::dup2(::fileno(file), STDERR_FILENO);
    {
      sim::Progress progress{when, std::chrono::nanoseconds(0)};
      sim::Exhaustive all{};
      sim::Outcome outcome;
      outcome.schedule = sim::Schedule{{1, 0, 2}};
      for (int i = 0; i < 2; ++i) progress.ran(outcome, all);
    }
    std::fflush(stderr);
    ::dup2(before, STDERR_FILENO);
    ::close(before);
    std::rewind(file);
    char text[1024] = {};
    const std::size_t n = std::fread(text, 1, sizeof text, file);
    std::fclose(file);
    return std::string{text, n};
  };
  const std::string text = printed(sim::ShowProgress::always);
  CHECK(text.find("\r1 runs, ") == 0);
  CHECK(text.find("\r2 runs, ") != text.npos);
  CHECK(text.find(" a second, 1 different, 3 choices at most, about 0.0 % of all") != text.npos);
  CHECK(text.back() == '\n');
  CHECK(printed(sim::ShowProgress::never).empty());
  CHECK(printed(sim::ShowProgress::on_terminal).empty());
}

TEST_CASE("explore: no run begins after the time is up") {
  sim::RandomPolicy random{1};
  const auto test = [](sim::World&) {};
  CHECK(sim::explore(random, {.time_max = Timeout::now}, test).runs == 0);
  const auto start = std::chrono::steady_clock::now();
  const sim::Exploration some =
      sim::explore(random, {.runs_max = UINT64_MAX, .time_max = std::chrono::milliseconds(20)}, test);
  CHECK(some.runs > 0);
  CHECK(std::chrono::steady_clock::now() - start >= std::chrono::milliseconds(20));
}

TEST_CASE("Exhaustive: says how far it has come") {
  sim::Exhaustive all{sim::Exhaustive::Bounds{}, sim::Exhaustive::Reduction::none};
  CHECK(all.thousandths_done() == 0U);
  CHECK(all.coverage() == "not complete");
  std::vector<std::uint64_t> shares;
  static_cast<void>(sim::explore(all, {.runs_max = 1'000'000}, [&](sim::World& world) {
    static_cast<void>(race_for_letters(world));
    shares.push_back(*all.thousandths_done());
  }));
  CHECK(std::is_sorted(shares.begin(), shares.end()));
  CHECK(shares.back() >= 900);
  CHECK(all.thousandths_done() == 1'000U);
  CHECK(all.coverage() == "complete");
}
