// A run with a trace, its tasks in turn.
#pragma once

#include "rouse/sim/policy/in_turn.hpp"
#include "rouse/sim/world.hpp"

#include <string>

namespace test {

struct Traced {
  rouse::sim::Trace trace;
  rouse::sim::Outcome outcome;

  /// Runs `body(world)`.
  template <class Body>
  explicit Traced(Body body) {
    rouse::sim::FiberPool fibers;
    rouse::sim::InTurn policy;
    rouse::sim::WorldOptions options;
    options.trace = &trace;
    rouse::sim::World world{policy, fibers, options};
    outcome = world.run([&] { body(world); });
  }
  [[nodiscard]] std::string text() const { return trace.text(); }
};

}  // namespace test
