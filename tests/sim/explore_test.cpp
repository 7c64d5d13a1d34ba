// explore(), its policies, and the shrinking of what they find.
#include "rouse/sim/explore.hpp"

#include "../support/catch.hpp"
#include "rouse/rouse.hpp"
#include "rouse/sim/this_thread.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <stdexcept>
#include <string>

using namespace rouse;
using sim::Ending;

namespace {

/// Two tasks of so many steps each, that leave a letter at every step.
std::string interleave(sim::World& world, int steps) {
  std::string trace;
  for (const char name : {'a', 'b'}) {
    world.spawn(std::string{name}, [&trace, name, steps] {
      for (int i = 0; i < steps; ++i) {
        sim::this_thread::yield();
        trace += name;
      }
    });
  }
  world.join_all();
  return trace;
}

/// All words of `steps` letters a and as many b.
std::set<std::string> all_interleavings(int steps) {
  std::string word =
      std::string(static_cast<std::size_t>(steps), 'a') + std::string(static_cast<std::size_t>(steps), 'b');
  std::set<std::string> all;
  do {
    all.insert(word);
  } while (std::next_permutation(word.begin(), word.end()));
  return all;
}

/// Two tasks add 1 to a number without taking turns.
void loses_updates(sim::World& world) {
  int number = 0;
  const auto add = [&number] {
    const int old = number;
    sim::this_thread::yield();
    number = old + 1;
  };
  world.spawn("a", add);
  world.spawn("b", add);
  for (int i = 0; i < 20; ++i) sim::this_thread::yield();  // Noise, that a short schedule does without.
  world.join_all();
  if (number != 2) throw std::runtime_error("an update was lost");
}

}  // namespace

TEST_CASE("Exhaustive: meets every interleaving, and no schedule twice", "[explore]") {
  for (const int steps : {1, 2, 3}) {
    CAPTURE(steps);
    std::set<std::string> traces, schedules;
    std::uint64_t runs = 0;
    sim::Exhaustive policy;
    sim::FiberPool fibers;
    while (policy.begin()) {
      ++runs;
      sim::World world{policy, fibers};
      const sim::Outcome outcome = world.run([&] { traces.insert(interleave(world, steps)); });
      REQUIRE_FALSE(outcome.failed());
      std::string choices;
      for (const std::uint64_t choice : outcome.schedule.choices()) choices += std::to_string(choice) + ' ';
      schedules.insert(choices);
    }
    CHECK(traces == all_interleavings(steps));
    CHECK(schedules.size() == runs);
    CHECK(policy.is_over());
    CHECK(policy.is_complete());
  }
}

TEST_CASE("Exhaustive: within a bound there are as many preemptions as it says, and it says that this is not all",
          "[explore]") {
  std::map<std::uint32_t, std::set<std::string>> traces;
  for (const std::uint32_t bound : {0u, 1u, 2u}) {
    sim::Exhaustive policy{bound};
    const sim::Exploration exploration =
        sim::explore(policy, {}, [&](sim::World& world) { traces[bound].insert(interleave(world, 2)); });
    CHECK_FALSE(exploration.failure);
    CHECK(policy.is_over());
    CHECK_FALSE(policy.is_complete());
  }
  CHECK(traces[0] == std::set<std::string>{"aabb", "bbaa"});
  // From the first to the second by one preemption: one is interrupted, and the other runs to its end.
  CHECK(traces[1] == std::set<std::string>{"aabb", "bbaa", "abba", "baab"});
  CHECK(traces[2].size() > traces[1].size());
}

TEST_CASE("Exhaustive: is not over when it was stopped early", "[explore]") {
  sim::Exhaustive policy;
  const sim::Exploration exploration =
      sim::explore(policy, {.runs_max = 3}, [](sim::World& world) { interleave(world, 2); });
  CHECK(exploration.runs == 3);
  CHECK_FALSE(policy.is_over());
  CHECK_FALSE(policy.is_complete());
}

TEST_CASE("Exhaustive: other choices are tried out if they have few answers", "[explore]") {
  const auto explore_choice = [](std::uint64_t n, sim::Exhaustive& policy) {
    std::set<std::uint64_t> seen;
    const sim::Exploration exploration =
        sim::explore(policy, {}, [&](sim::World& world) { seen.insert(world.choose(n)); });
    CHECK_FALSE(exploration.failure);
    return seen;
  };
  sim::Exhaustive few, many;
  CHECK(explore_choice(3, few) == std::set<std::uint64_t>{0, 1, 2});
  CHECK(few.is_complete());
  CHECK(explore_choice(1'000, many) == std::set<std::uint64_t>{999});  // What is rare does not happen.
  CHECK(many.is_over());
  CHECK_FALSE(many.is_complete());
}

TEST_CASE("RandomPolicy: a seed gives the same runs each time, and another seed others", "[explore]") {
  const auto schedules = [](sim::Policy& policy) {
    std::string all;
    sim::FiberPool fibers;
    for (int i = 0; i < 20; ++i) {
      REQUIRE(policy.begin());
      sim::World world{policy, fibers};
      all += world.run([&] { interleave(world, 4); }).schedule.text() + '\n';
    }
    return all;
  };
  sim::RandomPolicy one{1}, one_again{1}, two{2}, sticky{1, 10}, sticky_again{1, 10};
  sim::Pct pct{1, 3}, pct_again{1, 3}, pct_two{2, 3};
  CHECK(schedules(one) == schedules(one_again));
  CHECK(schedules(one) != schedules(two));
  CHECK(schedules(sticky) == schedules(sticky_again));
  CHECK(schedules(pct) == schedules(pct_again));
  CHECK(schedules(pct) != schedules(pct_two));
}

TEST_CASE("RandomPolicy: meets every interleaving; a sticky one switches less", "[explore]") {
  const auto switches = [](const std::string& trace) {
    std::size_t n = 0;
    for (std::size_t i = 1; i < trace.size(); ++i) n += trace[i] != trace[i - 1] ? 1u : 0u;
    return n;
  };
  std::set<std::string> traces;
  std::size_t switched = 0, switched_sticky = 0;
  sim::RandomPolicy random{1}, sticky{1, 20};
  const sim::ExploreOptions options{.runs_max = 500};
  sim::explore(random, options, [&](sim::World& world) {
    const std::string trace = interleave(world, 3);
    switched += switches(trace);
    traces.insert(trace);
  });
  sim::explore(sticky, options, [&](sim::World& world) { switched_sticky += switches(interleave(world, 3)); });
  CHECK(traces == all_interleavings(3));
  CHECK(switched_sticky < switched);
}

TEST_CASE("Pct: with a depth of 1 nobody is preempted by who was behind it", "[explore]") {
  std::set<std::string> traces;
  sim::Pct policy{1, 1};
  sim::explore(policy, {.runs_max = 200}, [&](sim::World& world) { traces.insert(interleave(world, 3)); });
  CHECK(traces == std::set<std::string>{"aaabbb", "bbbaaa"});
}

TEST_CASE("explore: each policy finds a lost update, and shows it with the one preemption that it takes", "[explore]") {
  sim::RandomPolicy random{1}, sticky{1, 5};
  sim::Pct pct{1, 2};
  sim::Exhaustive exhaustive, bounded{1};
  sim::Policy* const policies[] = {&random, &sticky, &pct, &exhaustive, &bounded};
  for (std::size_t i = 0; i < std::size(policies); ++i) {
    CAPTURE(i);
    sim::Policy* const policy = policies[i];
    const sim::Exploration exploration = sim::explore(*policy, {.runs_max = 100'000}, loses_updates);
    REQUIRE(exploration.failure);
    CHECK(exploration.failure->ending == Ending::exception);
    CHECK(exploration.failure->text == "task \"main\" threw: an update was lost");
    CHECK(exploration.failure->preemptions == 1);
    const std::vector<std::uint64_t>& choices = exploration.failure->schedule.choices();
    CHECK(std::count_if(choices.begin(), choices.end(), [](std::uint64_t choice) { return choice != 0; }) == 1);

    const auto schedule = sim::Schedule::parse(exploration.failure->schedule.text());
    REQUIRE(schedule);
    CHECK(sim::replay(*schedule, loses_updates).text == exploration.failure->text);
  }
}

TEST_CASE("explore: without a failure it makes as many runs as it may", "[explore]") {
  sim::RandomPolicy policy{1};
  const sim::Exploration exploration =
      sim::explore(policy, {.runs_max = 50}, [](sim::World& world) { interleave(world, 2); });
  CHECK(exploration.runs == 50);
  CHECK_FALSE(exploration.failure);
  CHECK(exploration.steps > 50 * 4);
}

TEST_CASE("Replay: says if the program did not ask for what the schedule has", "[explore]") {
  const auto fits = [](const char* text) {
    sim::Replay policy{sim::Schedule::parse(text).value()};
    sim::FiberPool fibers;
    REQUIRE(policy.begin());
    sim::World world{policy, fibers};
    static_cast<void>(world.run([&] { interleave(world, 1); }));
    return policy.fitted();
  };
  CHECK(fits("0"));
  CHECK(fits("1"));
  CHECK_FALSE(fits("7"));
  CHECK_FALSE(fits("0x1000.1"));
}
