// A run with a trace, its tasks in turn.
#pragma once

#include "rouse/sim/policy/in_turn.hpp"
#include "rouse/sim/world.hpp"

#include <string>

namespace rouse::test {

struct Traced {
  sim::Trace trace;
  sim::Outcome outcome;

  /// Runs `body(world)`.
  template <class Body>
  explicit Traced(Body body) {
    sim::FiberPool fibers;
    sim::InTurn policy;
    sim::WorldOptions options;
    options.trace = &trace;
    sim::World world{policy, fibers, options};
    outcome = world.run([&] { body(world); });
  }
  [[nodiscard]] std::string text() const { return trace.text(); }
};

}  // namespace rouse::test
