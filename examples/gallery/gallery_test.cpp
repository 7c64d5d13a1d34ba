// The gallery: each bug is found, and shown as what it is; its repaired twin has none.
//
// ROUSE_GALLERY_RUNS says how many random runs a twin has to pass.
#include "../../tests/support/catch.hpp"
#include "programs.hpp"

#include <algorithm>
#include <cstdlib>
#include <vector>

using namespace rouse;

namespace {

std::uint64_t random_runs() {
  const char* const text = std::getenv("ROUSE_GALLERY_RUNS");
  return text != nullptr ? std::strtoull(text, nullptr, 10) : 500;
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("Gallery: the bug is found by every run with two preemptions, or by priorities", "[gallery]",
                        gallery::Programs) {
  CAPTURE(TestType::name);
  sim::Exhaustive all{2};
  const sim::Exploration exploration = sim::explore(all, gallery::options, TestType::template run<false>);
  REQUIRE(exploration.failure);
  CHECK(exploration.failure->ending == TestType::ending);
  CAPTURE(exploration.failure->text);

  std::vector<std::uint64_t> runs;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    sim::Pct priorities{seed, 3};
    sim::ExploreOptions options = gallery::options;
    options.shrink_runs_max = 0;
    const sim::Exploration found = sim::explore(priorities, options, TestType::template run<false>);
    REQUIRE(found.failure);
    CHECK(found.failure->ending == TestType::ending);
    runs.push_back(found.runs);
  }
  std::sort(runs.begin(), runs.end());
  CHECK(runs[runs.size() / 2] <= 1'000);
}

TEMPLATE_LIST_TEST_CASE("Gallery: the repaired twin passes", "[gallery]", gallery::Programs) {
  CAPTURE(TestType::name);
  sim::Exhaustive all{2};
  const sim::Exploration every = sim::explore(all, gallery::options, TestType::template run<true>);
  if (every.failure) FAIL(every.failure->text << "\n" << every.failure->schedule.text());
  CHECK(all.is_over());

  sim::RandomPolicy random{1};
  sim::ExploreOptions options = gallery::options;
  options.runs_max = random_runs();
  const sim::Exploration some = sim::explore(random, options, TestType::template run<true>);
  if (some.failure) FAIL(some.failure->text << "\n" << some.failure->schedule.text());
  CHECK(some.runs == options.runs_max);
}
