// How many schedules of a small program are run in a second by sim::World, whose tasks are fibers: by policy, by the
// number of tasks, and with and without looking for data races. Each run has a World and a kernel of its own, and
// records its schedule. Beside it, the same tasks on contexts of <ucontext.h>, and on OS threads that hand a baton on:
// all three ask the same policy with the same seed, and so make the same choices, which is checked.
#include "bare_host.hpp"
#include "rouse/sim/mutex.hpp"
#include "rouse/sim/policy/exhaustive.hpp"
#include "rouse/sim/policy/in_turn.hpp"
#include "rouse/sim/policy/pct.hpp"
#include "rouse/sim/policy/random.hpp"
#include "support/program.hpp"

#include <fmt/core.h>
#include <memory>
#include <stdexcept>

namespace {

using namespace schedules;

constexpr std::uint64_t seed = 1;
constexpr std::uint64_t stickiness = 20;  // The task that runs is taken off in one step of so many.
constexpr std::uint32_t depth = 3;

// -- on fibers

enum class Races { ignored, looked_for };

/// A policy, made anew when there is no other run.
template <class Make>
class Endless {
 public:
  explicit Endless(Make make) : make_(make), policy_(make()) {}

  sim::Policy& begin() {
    if (!policy_->begin()) {
      policy_ = make_();
      expect(policy_->begin());
    }
    return *policy_;
  }

 private:
  Make make_;
  std::unique_ptr<sim::Policy> policy_;
};

template <class Mutex>
class OnFibers {
 public:
  OnFibers(std::size_t tasks, Races races) : tasks_(tasks) {
    if (races == Races::ignored) options_.detectors = options_.detectors.without(sim::Ending::data_race);
  }

  sim::Outcome run(sim::Policy& policy) {
    static constexpr const char* names[tasks_max] = {"main", "second", "third", "fourth"};
    sim::World world{policy, fibers_, options_};
    const EmulatedBackend backend = world.backend();
    const Files files{backend, tasks_};
    sim::Outcome outcome = world.run([&] {
      Mutex mutex;
      for (std::size_t i = 1; i < tasks_; ++i) world.spawn(names[i], [&, i] { task(backend, files, mutex, i); });
      task(backend, files, mutex, 0);
      world.join_all();
    });
    expect(!outcome.failed());
    return outcome;
  }

 private:
  std::size_t tasks_;
  sim::FiberPool fibers_;
  sim::WorldOptions options_;
};

template <class Mutex, class Make>
bench::Contender world(const char* name, Make make, std::size_t tasks, Races races) {
  return {name, [=](bench::Meter& meter) {
            Endless policies{make};
            OnFibers<Mutex> fibers{tasks, races};
            meter.measure([&] { static_cast<void>(fibers.run(policies.begin())); });
          }};
}

template <class Switch>
bench::Contender bare_host(const char* name) {
  return {name, [](bench::Meter& meter) {
            Switch how;
            sim::RandomPolicy policy{seed, stickiness};
            meter.measure([&] {
              expect(policy.begin());
              BareHost<Switch>{how, policy}.run();
            });
          }};
}

// -- the same schedules

using Schedules = std::vector<std::vector<std::uint64_t>>;
constexpr int compared_runs = 1000;

struct Sample {
  Schedules schedules;
  double switches = 0;  ///< In a run.
  double preempted =
      0;  ///< Of all runs, the percentage in which another task went on though the one that ran could have.
};

Sample sample_on_fibers(Races races) {
  sim::RandomPolicy policy{seed, stickiness};
  OnFibers<sim::mutex> fibers{task_count, races};
  Sample sample;
  for (int i = 0; i < compared_runs; ++i) {
    expect(policy.begin());
    const sim::Outcome outcome = fibers.run(policy);
    sample.schedules.push_back(outcome.schedule.choices());
    if (outcome.preemptions > 0) sample.preempted += 100.0 / compared_runs;
  }
  return sample;
}

template <class Switch>
Sample sample_on_bare_host() {
  Switch how;
  sim::RandomPolicy policy{seed, stickiness};
  Sample sample;
  for (int i = 0; i < compared_runs; ++i) {
    expect(policy.begin());
    BareHost<Switch> host{how, policy};
    host.run();
    sample.schedules.push_back(host.schedule());
    sample.switches += static_cast<double>(host.switches()) / compared_runs;
  }
  return sample;
}

void compare_schedules(bench::Program& program) {
  const Sample fibers = sample_on_fibers(Races::ignored);
  const Sample contexts = sample_on_bare_host<Contexts>();
  if (fibers.schedules != sample_on_fibers(Races::looked_for).schedules || fibers.schedules != contexts.schedules ||
      fibers.schedules != sample_on_bare_host<Threads>().schedules) {
    throw std::runtime_error("the schedules are not the same");
  }
  program.add({"3 tasks, locks, random", "switches in a run", {{"World", {contexts.switches}}}});
  program.at_least("runs of 3 tasks that are preempted", 50, fibers.preempted, "%");
}

// -- the table

/// Schedules in a second, for each policy, as `time` measured them; of the World that looks for nothing.
double compare(bench::Program& program, const std::string& name, const std::vector<bench::Contender>& contenders) {
  const bench::Comparison& cpu = program.time(name, contenders).cpu;
  bench::Comparison rates{name, "schedules in a second of CPU time", cpu.series};
  for (bench::Series& each : rates.series) {
    for (double& round : each.rounds) round = 1e9 / round;
  }
  const double rate = rates.median_of("World");
  if (rate > 0) program.add(std::move(rates));  // Not if times are left out.
  return rate;
}

template <class Mutex, class Make>
double compare_worlds(bench::Program& program, const std::string& name, std::size_t tasks, Make make) {
  return compare(program, fmt::format("{} tasks, {}", tasks, name),
                 {world<Mutex>("World", make, tasks, Races::ignored),
                  world<Mutex>("World, races", make, tasks, Races::looked_for)});
}

template <class Mutex>
void compare_policies(bench::Program& program, const std::string& what, std::size_t tasks, double wanted) {
  using Policy = std::unique_ptr<sim::Policy>;
  compare_worlds<Mutex>(program, what + ", in turn", tasks, []() -> Policy { return std::make_unique<sim::InTurn>(); });
  const double random = compare_worlds<Mutex>(program, what + ", random", tasks, []() -> Policy {
    return std::make_unique<sim::RandomPolicy>(seed, stickiness);
  });
  compare_worlds<Mutex>(program, what + ", pct", tasks,
                        []() -> Policy { return std::make_unique<sim::Pct>(seed, depth); });
  compare_worlds<Mutex>(program, what + ", exhaustive", tasks,
                        []() -> Policy { return std::make_unique<sim::Exhaustive>(); });
  if (wanted > 0)
    program.at_least(fmt::format("{} tasks, {}, random", tasks, what), wanted, random, "schedules a second");
}

}  // namespace

int main(int argc, char** argv) {
  return bench::run("schedules", argc, argv, [](bench::Program& program) {
    if (bench::Program::is_counting()) return;  // Valgrind does not know fibers.
    compare_schedules(program);
    for (std::size_t tasks = 2; tasks <= tasks_max; ++tasks) {
      compare_policies<NoMutex>(program, "6 calls each", tasks, tasks == 2 ? 700'000 : 0);
      compare_policies<sim::mutex>(program, "6 calls and 2 locks each", tasks, tasks == 3 ? 400'000 : 0);
    }
    const auto policy = []() -> std::unique_ptr<sim::Policy> {
      return std::make_unique<sim::RandomPolicy>(seed, stickiness);
    };
    compare(program, "3 tasks, 6 calls and 2 locks each, random, by what runs them",
            {world<sim::mutex>("World", policy, task_count, Races::ignored), bare_host<Contexts>("ucontext"),
             bare_host<Threads>("OS threads")});
  });
}
