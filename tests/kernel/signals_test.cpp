// Signals: who is told of a signal of the process, which threads cannot show: whoever is told, takes it before anybody
// could look.
#include "rouse/kernel/signals.hpp"

#include "../support/catch.hpp"

#include <csignal>
#include <memory>
#include <string>
#include <utility>
#include <vector>

using namespace rouse;
using kernel::BlockedOn;
using kernel::Signals;
using kernel::SignalSet;
using kernel::Task;

namespace {

/// Tasks that a case puts to sleep and wakes; nobody runs.
class Sleepers final : public kernel::Host {
 public:
  explicit Sleepers(std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) {
      tasks.push_back(
          std::make_unique<Task>(static_cast<std::uint32_t>(i + 1), std::string(1, static_cast<char>('a' + i))));
      tasks_.push_back(*tasks.back());
      tasks.back()->set_blocked_on(&asleep);
    }
  }
  ~Sleepers() override {
    for (const auto& task : tasks) task->unlink();
  }

  [[nodiscard]] unsigned needs() const override { return 0; }
  [[nodiscard]] Task& current() override { return *tasks.back(); }
  [[nodiscard]] kernel::Time now() override { return 0; }
  [[nodiscard]] bool block(Task&, kernel::Time) override { return false; }
  void wake(Task& task) override { woken += task.name(); }

  /// Whom the kernel has woken since the last time.
  std::string take_woken() { return std::exchange(woken, {}); }

  const BlockedOn asleep;
  std::vector<std::unique_ptr<Task>> tasks;
  std::string woken;
};

/// Signals of a process with four threads that sleep in calls; two signals are handled.
struct Process {
  Process() {
    for (const int signal : {SIGUSR1, SIGUSR2}) {
      struct ::sigaction action {};
      action.sa_handler = [](int) {};
      signals.set_action(signal, action);
    }
  }

  Task& task(std::size_t i) { return *host.tasks[i]; }
  /// Those who have something to take, as they know it.
  [[nodiscard]] std::string told() const {
    std::string names;
    for (const auto& task : host.tasks) names += task->signals.is_due ? task->name() : "";
    return names;
  }
  /// What the task takes: the number of a handled signal, 0 for none.
  int take(std::size_t i) {
    const auto delivery = signals.take(task(i));
    return delivery ? delivery->info.si_signo : 0;
  }
  void end() {
    for (std::size_t i = 0; i < host.tasks.size(); ++i) {
      while (take(i) != 0) {
      }
    }
  }

  Sleepers host{4};
  std::atomic<unsigned> needs{0};
  Signals signals{host, needs, 4};
};

}  // namespace

TEST_CASE("Signals of a process: the first task takes them, as long as it can", "[signal]") {
  Process p;
  p.signals.send_to_process(SIGUSR1);
  CHECK(p.host.take_woken() == "a");
  CHECK(p.needs == 4);
  SECTION("one that sleeps and was told of one already is passed over") {
    p.signals.send_to_process(SIGUSR2);
    CHECK(p.host.take_woken() == "b");
    // And the first again, once it has taken that.
    p.end();
    p.signals.send_to_process(SIGUSR2);
    CHECK(p.host.take_woken() == "a");
  }
  SECTION("one that runs is not") {
    p.task(0).set_blocked_on(nullptr);
    p.signals.send_to_process(SIGUSR2);
    CHECK(p.told() == "a");
  }
  SECTION("nor is one that has taken it since") {
    CHECK(p.take(0) == SIGUSR1);
    CHECK(p.take(0) == 0);
    CHECK(p.needs == 0);
    p.signals.send_to_process(SIGUSR2);
    CHECK(p.host.take_woken() == "a");
  }
}

TEST_CASE("Signals of a process: who has something to take, is not forgotten when another one looks", "[signal]") {
  Process p;
  p.signals.set_mask(p.task(3), SignalSet::of(SIGUSR1));
  p.signals.send_to_process(SIGUSR1);
  p.signals.set_mask(p.task(3), SignalSet::of(SIGUSR1));
  CHECK(p.told() == "a");
  CHECK(p.needs == 4);
}

TEST_CASE("Signals of a process: who takes by itself what it was told of, has nothing to take any more", "[signal]") {
  Process p;
  const SignalSet both = SignalSet::of(SIGUSR1, SIGUSR2);
  for (std::size_t i = 0; i < 3; ++i) p.signals.set_mask(p.task(i), both);
  p.signals.send_to_process(SIGUSR1);
  CHECK(p.told() == "d");
  CHECK(p.signals.take_here(both)->si_signo == SIGUSR1);
  CHECK(p.told().empty());
  CHECK(p.needs == 0);
}

TEST_CASE("Signals of a process: pending is what a task blocks, whoever is told", "[signal]") {
  Process p;
  p.signals.set_mask(p.task(1), SignalSet::of(SIGUSR1));
  p.signals.send_to_process(SIGUSR1);
  CHECK(p.signals.pending_for(p.task(0)).empty());
  CHECK(p.signals.pending_for(p.task(1)).has(SIGUSR1));
  CHECK(p.signals.pending_for(p.task(2)).empty());
}

TEST_CASE("Signals of a process: the others take them in turn, beginning with whom the last one went to", "[signal]") {
  Process p;
  p.signals.set_mask(p.task(0), SignalSet::of(SIGUSR1, SIGUSR2));
  p.signals.send_to_process(SIGUSR1);
  CHECK(p.host.take_woken() == "b");
  p.signals.send_to_process(SIGUSR2);
  CHECK(p.host.take_woken() == "c");
  p.end();
  CHECK(p.told().empty());
  p.signals.send_to_process(SIGUSR1);
  CHECK(p.host.take_woken() == "c");
  p.signals.send_to_process(SIGUSR2);
  CHECK(p.host.take_woken() == "d");
  p.end();
  // Round to the beginning, past the one that blocks it.
  p.signals.send_to_process(SIGUSR1);
  p.signals.send_to_process(SIGUSR2);
  CHECK(p.host.take_woken() == "db");
}

TEST_CASE("Signals of a process: what one blocks that it was told of is another's to take", "[signal]") {
  Process p;
  p.signals.send_to_process(SIGUSR1);
  CHECK(p.host.take_woken() == "a");
  p.signals.set_mask(p.task(0), SignalSet::of(SIGUSR1));
  CHECK(p.host.take_woken() == "b");
  CHECK(p.told() == "b");
  p.signals.set_mask(p.task(1), SignalSet::of(SIGUSR2));
  CHECK(p.told() == "b");  // That concerns another one.
  CHECK(p.take(1) == SIGUSR1);
  CHECK(p.take(1) == 0);
  CHECK(p.needs == 0);
}

TEST_CASE("Signals: what is ignored wakes nobody, and is kept only for a first task that blocks it", "[signal]") {
  Process p;
  p.signals.send_to_process(SIGCHLD);
  CHECK(p.host.take_woken().empty());
  CHECK(p.signals.pending_for(p.task(0)).empty());
  p.signals.set_mask(p.task(1), SignalSet::of(SIGCHLD));
  p.signals.send_to_process(SIGCHLD);
  CHECK(p.signals.pending_for(p.task(1)).empty());
  p.signals.set_mask(p.task(0), SignalSet::of(SIGCHLD));
  p.signals.send_to_process(SIGCHLD);
  CHECK(p.signals.pending_for(p.task(0)).has(SIGCHLD));
}

TEST_CASE("Signals of a process: before anybody else has called, the caller is the first task", "[signal]") {
  Process p;
  for (const auto& task : p.host.tasks) task->unlink();
  p.signals.send_to_process(SIGUSR1);
  CHECK(p.told() == "d");
}

TEST_CASE("Pending signals: standard ones are there once, those from 32 on each", "[signal]") {
  for (const int signal : {31, 32}) {
    CAPTURE(signal);
    kernel::PendingSignals pending;
    ::siginfo_t info{};
    info.si_signo = signal;
    for (int value = 1; value <= 2; ++value) {
      info.si_code = value;
      pending.add(info);
    }
    CHECK(pending.take(signal).si_code == 1);
    CHECK(pending.set().has(signal) == (signal == 32));
    if (signal == 32) CHECK(pending.take(signal).si_code == 2);
    CHECK(pending.set().empty());
    // What is forgotten does not come back with the next one.
    pending.add(info);
    pending.discard(signal);
    info.si_code = 3;
    pending.add(info);
    CHECK(pending.take(signal).si_code == 3);
    CHECK(pending.set().empty());
  }
}

TEST_CASE("Signals: a task's own come before those of the process", "[signal]") {
  Process p;
  p.signals.send_to_process(SIGUSR1);
  p.signals.send_to_task(p.task(0), SIGUSR2);
  CHECK(p.take(0) == SIGUSR2);
  CHECK(p.task(0).signals.mask.empty());
  CHECK(p.take(0) == SIGUSR1);
  CHECK(p.take(0) == 0);
  CHECK(!p.task(0).signals.is_due);
}

TEST_CASE("Signals: what is pending for a task alone is forgotten with the rest when it is ignored", "[signal]") {
  Process p;
  p.signals.set_mask(p.task(1), SignalSet::of(SIGUSR1));
  p.signals.send_to_task(p.task(1), SIGUSR1);
  CHECK(p.host.take_woken().empty());
  CHECK(p.signals.pending_for(p.task(1)).has(SIGUSR1));
  struct ::sigaction ignore {};
  ignore.sa_handler = SIG_IGN;
  p.signals.set_action(SIGUSR1, ignore);
  CHECK(p.signals.pending_for(p.task(1)).empty());
}
