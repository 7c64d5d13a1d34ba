// Prints how many runs each policy takes to find each bug of the gallery, as the table in the README.
#include "programs.hpp"

#include <algorithm>
#include <array>
#include <cinttypes>
#include <cstdio>
#include <memory>

using namespace rouse;

namespace {

/// Of 20 seeds, the median.
template <class Program, class Make>
std::uint64_t median_runs(Make make) {
  std::array<std::uint64_t, 20> runs{};
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const std::unique_ptr<sim::Policy> policy = make(i + 1);
    sim::ExploreOptions options = gallery::options;
    options.shrink_runs_max = 0;
    runs[i] = sim::explore(*policy, options, Program::template run<false>).runs;
  }
  std::sort(runs.begin(), runs.end());
  return runs[runs.size() / 2];
}

template <class Program>
void print_row() {
  sim::Exhaustive all{2}, of_twin{2};
  const sim::Exploration found = sim::explore(all, gallery::options, Program::template run<false>);
  const sim::Exploration twin = sim::explore(of_twin, gallery::options, Program::template run<true>);
  const std::uint64_t random =
      median_runs<Program>([](std::uint64_t seed) { return std::make_unique<sim::RandomPolicy>(seed); });
  const std::uint64_t pct =
      median_runs<Program>([](std::uint64_t seed) { return std::make_unique<sim::Pct>(seed, 3); });
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
