// A run with a trace, its tasks in turn.
#pragma once

#include "rouse/sim/policy/in_turn.hpp"
#include "rouse/sim/world.hpp"

#include <cstddef>
#include <string>

namespace test {

/// Tests that show no lines, need not be changed with every line.
inline std::string without_places(std::string text) {
  for (std::size_t at = 0; (at = text.find(" at ", at)) != text.npos;) {
    const std::size_t end = text.find_first_of(" \n", at + 4);
    const bool is_place = text.substr(at, end - at).find(".cpp:") != text.npos;
    if (is_place) {
      text.erase(at, end - at);
    } else {
      at += 4;
    }
  }
  return text;
}

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
  [[nodiscard]] std::string text_without_places() const { return without_places(text()); }
};

}  // namespace test
