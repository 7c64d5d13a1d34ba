// Step by step: a random script on two runs of it, compared after each step.
#pragma once

#include "catch.hpp"

#include <cstdint>
#include <sstream>
#include <string>

namespace test {

/// `after(step)` of a run makes the step and says all that is to be the same. A difference is shown with what went
/// before, as the first of the two has it.
template <class Steps, class Real, class Emulated>
void compare_step_by_step(std::uint64_t seed, const Steps& steps, Real& real, Emulated& emulated) {
  std::ostringstream history;
  for (const auto& step : steps) {
    const std::string expected = real.after(step);
    const std::string got = emulated.after(step);
    history << step << " -> " << expected << '\n';
    INFO("seed " << seed << '\n' << history.str());
    REQUIRE(got == expected);
  }
}

}  // namespace test
