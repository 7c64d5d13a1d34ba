// Trace: the same, each time that a seed is run.
#include "../support/catch.hpp"
#include "../support/traced_seeds.hpp"

#include <set>
#include <string>

using namespace rouse;

TEST_CASE("Trace: a thousand seeds run twice have the same traces", "[trace_seeds]") {
  sim::FiberPool fibers;
  std::set<std::string> all;
  for (std::uint64_t seed = 1; seed <= 1'000; ++seed) {
    const std::string first = test::trace_of_seed(fibers, seed);
    const std::string again = test::trace_of_seed(fibers, seed);
    if (first != again) FAIL("seed " << seed << " differs:\n" << first << "\nand then\n" << again);
    all.insert(first);
  }
  CHECK(all.size() > 500);  // It is not one run a thousand times.
}
