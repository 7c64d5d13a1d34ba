// Prints how many runs each policy takes to find each bug of the gallery, as the table in the README.
#include "median_runs.hpp"

#include <cinttypes>
#include <cstdio>

using namespace rouse;

namespace {

template <class Program>
void print_row() {
  sim::Exhaustive all{2}, of_twin{2};
  const sim::Exploration found = sim::explore(all, gallery::options, Program::template run<false>);
  const sim::Exploration twin = sim::explore(of_twin, gallery::options, Program::template run<true>);
  const std::uint64_t random = gallery::median_runs<Program>(gallery::by_chance).value_or(0);
  const std::uint64_t pct = gallery::median_runs<Program>(gallery::by_priorities).value_or(0);
  std::printf("| %s | %s | %" PRIu64 " | %" PRIu64 " | %" PRIu64 " | %" PRIu64 " |\n", Program::name,
              sim::name_of(found.failure ? found.failure->ending : sim::Ending::done), random, pct, found.runs,
              twin.runs);
}

template <class... Programs>
void print_rows(std::tuple<Programs...>*) {
  (print_row<Programs>(), ...);
}

}  // namespace

int main() {
  std::puts(
      "| bug | shown as | random | priorities, depth 3 | all with 2 preemptions | such runs of the repaired twin |");
  std::puts("|---|---|---|---|---|---|");
  print_rows(static_cast<gallery::Programs*>(nullptr));
}
