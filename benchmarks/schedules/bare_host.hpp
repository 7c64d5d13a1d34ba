// Hosts that do no more than they must, to compare the World with: they know no time, no failure and no end but the
// good one. So the comparison is in their favour.
#pragma once

#include "rouse/sim/world.hpp"
#include "task.hpp"

#include <algorithm>
#include <functional>
#include <semaphore>
#include <thread>
#include <ucontext.h>
#include <vector>

namespace schedules {

namespace kernel = rouse::kernel;
namespace sim = rouse::sim;

constexpr std::size_t task_count = 3;

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
    const Files files{backend, task_count};
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

}  // namespace schedules
