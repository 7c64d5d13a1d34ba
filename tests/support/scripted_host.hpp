// ScriptedHost: several tasks on one thread, in an order that the case writes down: while one sleeps, the next step of
// the script runs as another task. Shows exactly whom a wakeup reached, which threads cannot: a thread that was woken
// in vain sleeps again before anybody could look.
#pragma once

#include "rouse/call_site.hpp"
#include "rouse/kernel/host.hpp"

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace test {

class ScriptedHost final : public rouse::kernel::Host {
  using Task = rouse::kernel::Task;
  using Time = rouse::kernel::Time;

 public:
  explicit ScriptedHost(unsigned needs = rouse::kernel::needs_nothing) : needs_(needs) { add("main"); }
  ~ScriptedHost() override {
    while (Task* const task = tasks_.front()) task->unlink();
  }

  /// A step, run as a task of that name when a task sleeps and was not woken. A step that sleeps runs the next one.
  void then(std::string name, std::function<void()> step) { steps_.push_back({std::move(name), std::move(step)}); }

  /// Whom the kernel has woken since the last time, in order, also those that were not asleep any more.
  std::vector<std::string> take_woken() { return std::exchange(woken_, {}); }

  [[nodiscard]] unsigned needs() const override { return needs_; }
  [[nodiscard]] Task& current() override { return *current_; }
  [[nodiscard]] Time now() override { return now_; }
  [[nodiscard]] bool block(Task& task, Time deadline) override {
    auto& sleeper = static_cast<Named&>(task);
    sleeper.is_woken = false;
    while (!sleeper.is_woken && !steps_.empty()) {
      const Step step = std::move(steps_.front());
      steps_.pop_front();
      add(step.name);
      const rouse::detail::OutsideOfCall outside;
      step.body();
      current_ = &sleeper;
    }
    if (sleeper.is_woken && !is_slow) return true;
    if (deadline == rouse::kernel::time_never) return false;
    now_ = deadline;
    return true;
  }
  void wake(Task& task) override {
    static_cast<Named&>(task).is_woken = true;
    woken_.push_back(task.name());
  }

  void schedule_point(const rouse::kernel::Op& op) override {
    points.push_back(name_of(op.call));
    sites.push_back(rouse::CallSite::present().text());
  }
  void lock() override {
    is_locked = true;
    ++locks;
  }
  void unlock() override {
    is_locked = false;
    ++unlocks;
  }

  void advance(Time span) { now_ += span; }

  std::vector<std::string> points;
  std::vector<std::string> sites;  ///< Where each of them was made.
  bool is_locked = false;
  int locks = 0;
  int unlocks = 0;
  bool is_slow = false;  ///< Who was woken goes on when its time is up, too.

 private:
  struct Named final : Task {
    using Task::Task;
    bool is_woken = false;
  };
  struct Step {
    std::string name;
    std::function<void()> body;
  };

  void add(const std::string& name) {
    named_.push_back(std::make_unique<Named>(static_cast<std::uint32_t>(named_.size() + 1), name));
    current_ = named_.back().get();
    tasks_.push_back(*current_);
  }

  const unsigned needs_;
  Time now_ = 0;
  std::vector<std::unique_ptr<Named>> named_;
  Task* current_ = nullptr;
  std::deque<Step> steps_;
  std::vector<std::string> woken_;
};

}  // namespace test
