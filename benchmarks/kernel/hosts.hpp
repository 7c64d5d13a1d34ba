// On what a piece of work is measured: Linux, and the emulated kernel on each of its hosts.
#pragma once

#include "../support/program.hpp"
#include "rouse/backend/emulated.hpp"
#include "rouse/kernel/thread_host.hpp"
#include "rouse/rouse.hpp"
#include "rouse/sim/policy/in_turn.hpp"
#include "rouse/sim/world.hpp"

#include <cstdlib>
#include <limits>
#include <vector>

namespace bench {

using namespace rouse;

inline void expect(bool condition) {
  if (!condition) std::abort();
}

template <class Body>
Contender on_linux(Body body) {
  return {"Linux", [=](Meter& meter) { body(LinuxBackend{}, meter); }};
}

template <class Body>
Contender on_solo_host(Body body) {
  return {"SoloHost", [=](Meter& meter) {
            kernel::Kernel kernel;
            body(EmulatedBackend{kernel}, meter);
          }};
}

template <class Body>
Contender on_thread_host(Body body) {
  return {"ThreadHost", [=](Meter& meter) {
            kernel::ThreadHost host;
            kernel::Kernel kernel{host};
            body(EmulatedBackend{kernel}, meter);
          }};
}

/// In the one task of a World. What the World looks for, and whether it traces, is the options' business.
template <class Body>
void run_in_world(sim::WorldOptions options, Body body, Meter& meter) {
  options.steps_max = std::numeric_limits<std::uint64_t>::max();
  sim::InTurn policy;
  sim::FiberPool fibers;
  sim::World world{policy, fibers, options};
  expect(!world.run([&] { body(world.backend(), meter); }).failed());
}

inline constexpr sim::Detectors no_races = sim::Detectors{}.without(sim::Ending::data_race);

template <class Body>
Contender on_world(Body body) {
  return {"World", [=](Meter& meter) { run_in_world({.detectors = no_races}, body, meter); }};
}

template <class Body>
Contender on_world_with_race_detection(Body body) {
  return {"World, races", [=](Meter& meter) { run_in_world({}, body, meter); }};
}

template <class Body>
Contender on_world_with_trace(Body body) {
  return {"World, trace", [=](Meter& meter) {
            sim::Trace trace;
            run_in_world({.detectors = no_races, .trace = &trace}, body, meter);
          }};
}

template <class Body>
std::vector<Contender> on_all_hosts(Body body) {
  return {on_linux(body), on_solo_host(body), on_thread_host(body), on_world(body)};
}

}  // namespace bench
