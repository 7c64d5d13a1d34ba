#include "program.hpp"

#include <cmath>
#include <cstdlib>
#include <exception>
#include <fmt/core.h>
#include <getopt.h>
#include <limits>
#include <stdexcept>

namespace bench {

namespace {

constexpr double round_ns = 10e6;

std::string label(const std::string& comparison, const std::string& contender) { return comparison + '|' + contender; }

Options parsed(int argc, char** argv) {
  const ::option known[] = {{"json", required_argument, nullptr, 'j'}, {"rounds", required_argument, nullptr, 'r'},
                            {"counts", no_argument, nullptr, 'c'},     {"times", no_argument, nullptr, 't'},
                            {"strict", no_argument, nullptr, 's'},     {}};
  Options options;
  for (int found; (found = ::getopt_long(argc, argv, "", known, nullptr)) != -1;) {
    switch (found) {
      case 'j': options.json = optarg; break;
      case 'r': options.rounds = std::atoi(optarg); break;
      case 'c': options.times = false; break;
      case 't': options.counts = false; break;
      case 's': options.strict = true; break;
      default: throw std::invalid_argument("options: --json FILE, --rounds N, --counts, --times, --strict");
    }
  }
  if (options.rounds < 1) throw std::invalid_argument("--rounds takes a number");
  return options;
}

}  // namespace

Program::Program(std::string name, Options options) : options_(std::move(options)) {
  report_.benchmark = std::move(name);
}

const Comparison& Program::count(const std::string& name, const std::vector<Contender>& contenders,
                                 std::uint64_t operations) {
  if (is_counting()) {
    for (const Contender& contender : contenders) {
      Meter meter = Meter::of_instructions(label(name, contender.name), operations);
      contender.run(meter);
    }
  }
  if (is_counting() || !options_.counts) return not_measured(name, "instructions", contenders);
  if (!counts_) counts_ = count_instructions();
  Comparison comparison{name, "instructions", {}};
  for (const Contender& contender : contenders) {
    const auto found = counts_->find(label(name, contender.name));
    if (found == counts_->end()) throw std::runtime_error("'" + name + "' was not counted for " + contender.name);
    comparison.series.push_back({contender.name, {found->second}});
  }
  return add(std::move(comparison));
}

Program::Times Program::time(const std::string& name, const std::vector<Contender>& contenders) {
  if (is_counting() || !options_.times) {
    const Comparison& cpu = not_measured(name, "ns CPU", contenders);
    return {cpu, not_measured(name, "ns wall", contenders)};
  }
  Comparison cpu{name, "ns CPU", {}};
  Comparison wall{name, "ns wall", {}};
  std::vector<Meter> meters;
  for (const Contender& contender : contenders) {
    cpu.series.push_back({contender.name, {}});
    wall.series.push_back({contender.name, {}});
    meters.push_back(Meter::of_time(round_ns));
    contender.run(meters.back());  // Finds out how much makes a round, and warms up.
  }
  for (int round = 0; round < options_.rounds; ++round) {
    for (std::size_t i = 0; i < contenders.size(); ++i) {
      contenders[i].run(meters[i]);
      cpu.series[i].rounds.push_back(meters[i].cost().cpu_ns);
      wall.series[i].rounds.push_back(meters[i].cost().wall_ns);
    }
  }
  const Comparison& added = add(std::move(cpu));
  return {added, add(std::move(wall))};
}

const Comparison& Program::add(Comparison comparison) {
  return report_.comparisons.emplace_back(std::move(comparison));
}

void Program::add_goal(Goal goal) {
  if (!std::isnan(goal.measured)) report_.goals.push_back(std::move(goal));
}

const Comparison& Program::not_measured(const std::string& name, const std::string& unit,
                                        const std::vector<Contender>& contenders) {
  Comparison& comparison = left_out_.emplace_back(Comparison{name, unit, {}});
  for (const Contender& contender : contenders) {
    comparison.series.push_back({contender.name, {std::numeric_limits<double>::quiet_NaN()}});
  }
  return comparison;
}

int Program::finish() const {
  if (is_counting()) return EXIT_SUCCESS;
  report_.print();
  if (!options_.json.empty()) report_.write_json(options_.json);
  return options_.strict && !report_.all_goals_met() ? EXIT_FAILURE : EXIT_SUCCESS;
}

int run(const std::string& name, int argc, char** argv, const std::function<void(Program&)>& body) {
  // From here on all that is on the stack is at the same place of its page in every run that counts: what straddles two
  // pages costs more.
  const std::uintptr_t page_offset = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0)) % 4096;
  void* const padding = __builtin_alloca(page_offset);
  asm volatile("" : : "r"(padding));
  try {
    Program program{name, parsed(argc, argv)};
    body(program);
    return program.finish();
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}: {}\n", name, error.what());
    return 2;
  }
}

}  // namespace bench
