// The gallery: each bug is found, and shown as what it is; its repaired twin has none.
//
// ROUSE_GALLERY_RUNS says how many random runs a twin has to pass.
#include "../../tests/support/catch.hpp"
#include "median_runs.hpp"

#include <cstdlib>

using namespace rouse;

namespace {

std::uint64_t random_runs() {
  const char* const text = std::getenv("ROUSE_GALLERY_RUNS");
  return text != nullptr ? std::strtoull(text, nullptr, 10) : 500;
}

void check_passes(const sim::Exploration& exploration) {
  if (exploration.failure) FAIL(exploration.failure->text << "\n" << exploration.failure->schedule.text());
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("Gallery: the bug is found by every run with two preemptions, or by priorities", "[gallery]",
                        gallery::Programs) {
  CAPTURE(TestType::name);
  sim::Exhaustive all{2};
  const sim::Exploration exploration = sim::explore(all, gallery::options, TestType::template run<false>);
  REQUIRE(exploration.failure);
  CAPTURE(exploration.failure->text);
  CHECK(exploration.failure->ending == TestType::ending);
  CAPTURE(exploration.failure->call);
  CHECK(exploration.failure->call.find(TestType::call) == 0);

  const auto median = gallery::median_runs<TestType>(gallery::by_priorities);
  REQUIRE(median);
  CHECK(*median <= 1'000);
}

TEMPLATE_LIST_TEST_CASE("Gallery: without its detector, the bug is not shown as what it is", "[gallery]",
                        gallery::Programs) {
  CAPTURE(TestType::name);
  sim::ExploreOptions options = gallery::options;
  options.runs_max = 1'000;  // Each of them found it within that.
  options.world.detectors = options.world.detectors.without(TestType::ending);
  sim::Exhaustive all{2};
  const sim::Exploration exploration = sim::explore(all, options, TestType::template run<false>);
  CHECK((!exploration.failure || exploration.failure->ending != TestType::ending));
}

TEMPLATE_LIST_TEST_CASE("Gallery: the repaired twin passes", "[gallery]", gallery::Programs) {
  CAPTURE(TestType::name);
  sim::Exhaustive all{2};
  check_passes(sim::explore(all, gallery::options, TestType::template run<true>));
  CHECK(all.is_complete_within_bounds());

  sim::RandomPolicy random{1};
  sim::ExploreOptions options = gallery::options;
  options.runs_max = random_runs();
  const sim::Exploration some = sim::explore(random, options, TestType::template run<true>);
  check_passes(some);
  CHECK(some.runs == options.runs_max);
}
