// What explore() is told beside its policy: parts of an exploration, and when to stop.
#include "../support/catch.hpp"
#include "rouse/rouse.hpp"
#include "rouse/sim/explore.hpp"
#include "rouse/sim/mutex.hpp"
#include "rouse/sim/this_thread.hpp"

#include <algorithm>
#include <chrono>
#include <set>
#include <string>
#include <vector>

using namespace rouse;

namespace {

/// Two tasks in turn, with a choice each; leaves what happened.
std::string race_for_letters(sim::World& world) {
  std::string letters;
  sim::mutex mutex;
  BasicEventFd<EmulatedBackend> event{world.backend()};
  for (const char name : {'a', 'b'}) {
    world.spawn(std::string{name}, [&, name] {
      event.write(1);
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
  for (std::size_t i = 0; i < 50; ++i) together.push_back(parts[i % 3].at(i / 3));
  CHECK(together == whole);
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
