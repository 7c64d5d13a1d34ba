// How many schedules of one program are run in a second: by sim::World, whose tasks are fibers; by the same tasks on
// contexts of <ucontext.h>; and by the same on OS threads that hand a baton on. All three ask the same policy with the
// same seed, and so make the same choices: their schedules are compared.
//
// Each run has a kernel of its own and records its schedule. The two other hosts are the least that will do: they know
// no time, no failure and no end but the good one. So the comparison is in their favour.
#include "rouse/backend/emulated.hpp"
#include "rouse/sim/mutex.hpp"
#include "rouse/sim/policy/random.hpp"
#include "rouse/sim/world.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <semaphore>
#include <thread>
#include <ucontext.h>
#include <vector>

using namespace rouse;

namespace {

// -- the program

constexpr std::size_t task_count = 3;
constexpr std::uint64_t seed = 1;
constexpr std::uint64_t stickiness = 20;  // The task that runs is taken off in one step of so many.

void expect(bool condition) {
  if (!condition) std::abort();
}

/// What the tasks share: an epoll, and an eventfd for each of them.
struct Files {
  explicit Files(EmulatedBackend backend) : epoll(backend.epoll_create1(0).value()) {
    for (int& event : events) event = backend.eventfd(0, EFD_NONBLOCK).value();
  }

  int epoll;
  std::array<int, task_count> events{};
};

/// Six calls and two critical sections. Each task writes to the next one and reads what was written to it, if anything
/// was so far: nobody waits but for the lock.
template <class Mutex>
void task(EmulatedBackend backend, const Files& files, Mutex& mutex, std::size_t self) {
  const int own = files.events[self];
  const int next = files.events[(self + 1) % task_count];
  std::uint64_t count = 1;
  mutex.lock();
  expect(backend.write(next, &count, sizeof count).ok());
  mutex.unlock();
  const Event interest{EventFlags::in, own};
  expect(backend.epoll_ctl(files.epoll, EPOLL_CTL_ADD, own, &interest).ok());
  Event event;
  expect(backend.epoll_wait(files.epoll, &event, 1, 0).ok());
  const SysResult<std::size_t> got = backend.read(own, &count, sizeof count);
  expect(got.ok() || got.would_block());
  mutex.lock();
  count = 1;
  expect(backend.write(next, &count, sizeof count).ok());
  mutex.unlock();
  expect(backend.epoll_ctl(files.epoll, EPOLL_CTL_DEL, own, nullptr).ok());
}

// -- what is measured

struct Figures {
  std::vector<std::uint64_t> schedules;  ///< A hash of each run's.
  double switches = 0;
  std::uint64_t preempted_runs = 0;
  double seconds = 0;

  void add(const std::vector<std::uint64_t>& schedule, std::uint64_t preemptions) {
    std::uint64_t hash = 0;
    for (const std::uint64_t choice : schedule) hash = hash * 31 + choice + 1;
    schedules.push_back(hash);
    if (preemptions > 0) ++preempted_runs;
  }
  [[nodiscard]] double runs() const { return static_cast<double>(schedules.size()); }
  [[nodiscard]] double rate() const { return runs() / seconds; }
  [[nodiscard]] double switches_per_run() const { return switches / runs(); }
  /// Of all runs, the part in which another task went on though the one that ran could have.
  [[nodiscard]] double preempted() const { return static_cast<double>(preempted_runs) / runs(); }
};

double seconds_on(::clockid_t clock) {
  ::timespec time{};
  ::clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

/// Makes `runs` runs by `run(policy, figures)`, and measures them on `clock`.
template <class Run>
Figures measure(::clockid_t clock, std::uint64_t runs, Run run) {
  sim::RandomPolicy policy{seed, stickiness};
  Figures figures;
  figures.schedules.reserve(runs);
  const double start = seconds_on(clock);
  for (std::uint64_t i = 0; i < runs; ++i) {
    expect(policy.begin());
    run(policy, figures);
  }
  figures.seconds = seconds_on(clock) - start;
  return figures;
}

// -- on fibers

enum class Races { ignored, looked_for };

Figures on_fibers(std::uint64_t runs, Races races) {
  sim::FiberPool fibers;
  sim::WorldOptions options;
  if (races == Races::ignored) options.detectors = options.detectors.without(sim::Ending::data_race);
  return measure(CLOCK_PROCESS_CPUTIME_ID, runs, [&](sim::Policy& policy, Figures& figures) {
    sim::World world{policy, fibers, options};
    const EmulatedBackend backend = world.backend();
    const Files files{backend};
    const sim::Outcome outcome = world.run([&] {
      sim::mutex mutex;
      world.spawn("second", [&] { task(backend, files, mutex, 1); });
      world.spawn("third", [&] { task(backend, files, mutex, 2); });
      task(backend, files, mutex, 0);
      world.join_all();
    });
    expect(!outcome.failed());
    figures.add(outcome.schedule.choices(), outcome.preemptions);
  });
}

// -- on hosts that do no more than they must

/// What a task runs. Says who goes on when it is over: another task, or whoever runs the tasks.
using Body = std::function<std::size_t(std::size_t self)>;
constexpr std::size_t root = task_count;

/// Contexts of the C library, kept from run to run, as fibers are.
class Contexts {
 public:
  Contexts() {
    for (std::size_t i = 0; i < task_count; ++i) {
      ::getcontext(&contexts_[i]);
      contexts_[i].uc_stack.ss_sp = stacks_[i].bottom();
      contexts_[i].uc_stack.ss_size = stacks_[i].size();
      ::makecontext(&contexts_[i], &Contexts::enter, 0);
    }
  }

  static constexpr ::clockid_t clock = CLOCK_PROCESS_CPUTIME_ID;

  /// Runs all tasks to their ends, the first of them first.
  void run(const Body& body) {
    body_ = &body;
    entered_ = this;
    for (const Stack& stack : stacks_) kernel::UserPages::trust_page_before(stack.top());  // As World does.
    go_on(root, 0);
  }
  void go_on(std::size_t from, std::size_t to) {
    current_ = to;
    ::swapcontext(&contexts_[from], &contexts_[to]);
  }

 private:
  struct Stack : sim::Stack {
    Stack() : sim::Stack(sim::FiberPool::default_stack_size) {}
  };

  static void enter() {
    Contexts& all = *entered_;
    const std::size_t self = all.current_;
    for (;;) all.go_on(self, (*all.body_)(self));
  }

  static inline Contexts* entered_ = nullptr;
  std::array<Stack, task_count> stacks_;
  std::array<::ucontext_t, task_count + 1> contexts_{};
  const Body* body_ = nullptr;
  std::size_t current_ = root;
};

/// A thread for each task, kept likewise. Who has the baton runs.
class Threads {
 public:
  Threads() {
    for (std::size_t i = 0; i < task_count; ++i) {
      threads_[i] = std::thread{[this, i] {
        batons_[i].acquire();
        while (body_ != nullptr) go_on(i, (*body_)(i));
      }};
    }
  }
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;
  ~Threads() {
    body_ = nullptr;
    for (std::size_t i = 0; i < task_count; ++i) batons_[i].release();
    for (std::thread& each : threads_) each.join();
  }

  static constexpr ::clockid_t clock = CLOCK_MONOTONIC;

  void run(const Body& body) {
    body_ = &body;
    go_on(root, 0);
  }
  void go_on(std::size_t from, std::size_t to) {
    batons_[to].release();
    batons_[from].acquire();
  }

 private:
  struct Baton : std::binary_semaphore {
    Baton() : std::binary_semaphore(0) {}
  };

  std::array<Baton, task_count + 1> batons_;
  const Body* body_ = nullptr;
  std::array<std::thread, task_count> threads_;
};

/// Runs the tasks one at a time, as World does.
template <class Switch>
class BareHost final : public kernel::Host {
 public:
  BareHost(Switch& how, sim::Policy& policy) : how_(how), policy_(policy) {
    for (kernel::Task& each : all_) tasks_.push_back(each);
  }

  /// Returns when all tasks are over.
  void run() {
    kernel::Kernel kernel{*this};
    const EmulatedBackend backend{kernel};
    const Files files{backend};
    Mutex mutex{*this};
    states_[0] = State::runnable;
    is_running_ = true;
    how_.run([&](std::size_t self) {
      if (self == 0) spawn_others();
      task(backend, files, mutex, self);
      if (self == 0) join_others();
      return end();
    });
    is_running_ = false;
  }

  [[nodiscard]] const std::vector<std::uint64_t>& schedule() const { return schedule_; }
  [[nodiscard]] std::uint64_t switches() const { return switches_; }
  [[nodiscard]] std::uint64_t preemptions() const { return preemptions_; }

  // -- kernel::Host

  [[nodiscard]] unsigned needs() const override { return kernel::needs_schedule_points; }
  [[nodiscard]] kernel::Task& current() override { return all_[current_]; }
  [[nodiscard]] kernel::Time now() override { return 0; }
  void schedule_point(const kernel::Op&) override { pass(); }
  [[nodiscard]] bool block(kernel::Task&, kernel::Time) override { return false; }  // No call of these waits.
  void wake(kernel::Task&) override {}

 private:
  enum class State { not_there, runnable, wants_lock, joins, over };

  /// What the tasks share. As sim::mutex.
  class Mutex {
   public:
    explicit Mutex(BareHost& host) : host_(host) {}

    void lock() {
      host_.pass();
      while (is_locked_) host_.sleep(State::wants_lock);
      is_locked_ = true;
    }
    void unlock() {
      host_.pass();
      is_locked_ = false;
      host_.wake_those_who(State::wants_lock);
    }

   private:
    BareHost& host_;
    bool is_locked_ = false;
  };

  void spawn_others() {
    for (std::size_t i = 1; i < task_count; ++i) {
      states_[i] = State::runnable;
      pass();
    }
  }
  void join_others() {
    pass();
    for (std::size_t i = 1; i < task_count; ++i) {
      while (states_[i] != State::over) sleep(State::joins);
    }
  }
  [[nodiscard]] std::size_t end() {
    states_[current_] = State::over;
    wake_those_who(State::joins);
    ++switches_;
    return current_ = count_runnable() == 0 ? root : next();
  }

  void pass() {
    if (is_running_ && count_runnable() > 1) switch_away();
  }
  void sleep(State why) {
    states_[current_] = why;
    switch_away();
  }
  void wake_those_who(State why) {
    for (State& state : states_) {
      if (state == why) state = State::runnable;
    }
  }
  void switch_away() {
    const std::size_t self = current_;
    current_ = next();
    if (current_ == self) return;
    ++switches_;
    how_.go_on(self, current_);
  }
  [[nodiscard]] std::size_t count_runnable() const {
    return static_cast<std::size_t>(std::count(states_.begin(), states_.end(), State::runnable));
  }
  /// Chosen as World chooses: the one that runs comes first, then those after it, then those before it.
  [[nodiscard]] std::size_t next() {
    std::array<std::size_t, task_count> candidates{};
    std::size_t n = 0;
    for (std::size_t i = 0; i < task_count; ++i) {
      const std::size_t at = (current_ + i) % task_count;
      if (states_[at] == State::runnable) candidates[n++] = at;
    }
    if (n == 1) return candidates[0];
    const bool has_current = candidates[0] == current_;
    // A RandomPolicy asks how many there are, and nothing of them.
    const std::size_t choice = policy_.who(sim::Candidates{nullptr, n, 0, has_current});
    schedule_.push_back(choice);
    if (has_current && choice != 0) ++preemptions_;
    return candidates[choice];
  }

  Switch& how_;
  sim::Policy& policy_;
  std::array<kernel::Task, task_count> all_{{{1, "main"}, {2, "second"}, {3, "third"}}};
  std::array<State, task_count> states_{};
  std::size_t current_ = 0;
  bool is_running_ = false;
  std::uint64_t switches_ = 1;  // From the root to the first.
  std::uint64_t preemptions_ = 0;
  std::vector<std::uint64_t> schedule_;
};

template <class Switch>
Figures on_bare_host(std::uint64_t runs) {
  Switch how;
  return measure(Switch::clock, runs, [&](sim::Policy& policy, Figures& figures) {
    BareHost<Switch> host{how, policy};
    host.run();
    figures.add(host.schedule(), host.preemptions());
    figures.switches += static_cast<double>(host.switches());
  });
}

// -- the table

constexpr int rounds = 5;

/// The round of median speed.
template <class Round>
Figures median(Round round) {
  std::vector<Figures> all;
  for (int i = 0; i < rounds; ++i) all.push_back(round());
  std::sort(all.begin(), all.end(), [](const Figures& a, const Figures& b) { return a.rate() < b.rate(); });
  return all[rounds / 2];
}

void print(const char* name, const Figures& figures, const Figures& fibers) {
  std::printf("  %-26s %10.0f %13.1f %13.1f%% %12.1f\n", name, figures.rate(), figures.switches_per_run(),
              100 * figures.preempted(), fibers.rate() / figures.rate());
}

/// True if the runs of the one are the first of the other.
bool begins_with(const Figures& all, const Figures& first) {
  return std::equal(first.schedules.begin(), first.schedules.end(), all.schedules.begin());
}

}  // namespace

/// Exits with 1 if the World makes fewer schedules in a second than the first argument says, or than the second says
/// while it looks for data races. A third argument is how many runs the World makes, and nobody else any: for a
/// profiler.
int main(int argc, char** argv) {
  const double wanted = argc > 1 ? std::atof(argv[1]) : 0;
  const double wanted_with_races = argc > 2 ? std::atof(argv[2]) : 0;
  if (argc > 3) {
    static_cast<void>(on_fibers(std::strtoull(argv[3], nullptr, 10), Races::ignored));
    return 0;
  }
  Figures fibers = median([] { return on_fibers(100'000, Races::ignored); });
  Figures with_races = median([] { return on_fibers(100'000, Races::looked_for); });
  const Figures contexts = median([] { return on_bare_host<Contexts>(20'000); });
  const Figures threads = median([] { return on_bare_host<Threads>(1'000); });

  if (!begins_with(fibers, with_races) || !begins_with(fibers, contexts) || !begins_with(fibers, threads)) {
    std::printf("the schedules are not the same\n");
    return 1;
  }
  // World does not count them, but they are the same.
  fibers.switches = with_races.switches = contexts.switches_per_run() * fibers.runs();

  std::printf(
      "%zu tasks, each of 6 calls and 2 critical sections, under RandomPolicy with stickiness %d; a new kernel and\n"
      "a recorded schedule each run. Medians of %d rounds, in CPU time, but for threads in wall-clock time.\n\n",
      task_count, static_cast<int>(stickiness), rounds);
  std::printf("  %-26s %10s %13s %14s %12s\n", "", "runs/s", "switches/run", "preempted", "World/this");
  print("World, on fibers", fibers, fibers);
  print("World, looking for races", with_races, fibers);
  print("bare host, on ucontext", contexts, fibers);
  print("bare host, on threads", threads, fibers);

  if (fibers.preempted() < 0.5) {
    std::printf("too tame: half of the runs were to be preempted\n");
    return 1;
  }
  if (fibers.rate() < wanted || with_races.rate() < wanted_with_races) {
    std::printf("too slow: %.0f schedules a second were wanted, and %.0f with races\n", wanted, wanted_with_races);
    return 1;
  }
}
