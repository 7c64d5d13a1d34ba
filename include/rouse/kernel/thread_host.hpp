// ThreadHost: real threads call the emulated kernel, one at a time: one lock around every call, a condition per task.
// Time is the real monotonic clock, or virtual and moved by hand.
#pragma once

#include "../detail/tsan.hpp"
#include "../timeout.hpp"
#include "timers.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace rouse::inline v0::kernel {

/// The thread that makes it is the first task, as a process's main thread is: the process's signals are its own to
/// take, unless it blocks them. Other threads become tasks when they are named, first sleep in a call, or have to do
/// with signals. A wait that nothing can end, waits, as on Linux.
class ThreadHost : public Host {
 public:
  enum class Clock {
    real,     ///< The machine's monotonic clock.
    by_hand,  ///< Stands at 0 until advance() moves it.
  };

  explicit ThreadHost(Clock clock = Clock::real) : clock_(clock) { add_this_thread(); }
  /// Precondition: no thread is inside a call.
  ~ThreadHost() override {
    while (Task* const task = tasks_.front()) task->unlink();
  }

  /// Names the calling thread's task, for dumps.
  void name_this_thread(std::string name) {
    const detail::Hidden hidden;
    const std::lock_guard lock{mutex_};
    current().set_name(std::move(name));
  }

  /// Waits until `n` tasks or more are blocked in calls: asleep, and not yet woken. For tests that order threads.
  void wait_until_blocked(std::size_t n) {
    const detail::Hidden hidden;  // Looking is not an edge that Linux gives.
    std::unique_lock lock{mutex_};
    blocked_changed_.wait(lock, [&] { return blocked_ >= n; });
  }
  /// Waits until this thread is blocked in a call.
  void wait_until_blocked(std::thread::id id) {
    const detail::Hidden hidden;  // Looking is not an edge that Linux gives.
    std::unique_lock lock{mutex_};
    blocked_changed_.wait(lock, [&] {
      return std::any_of(known_.begin(), known_.end(),
                         [&](const std::shared_ptr<ThreadTask>& task) { return task->thread == id && task->blocked; });
    });
  }

  /// How many tasks are blocked in calls, asleep and not yet woken. For tests that know how many there may be.
  [[nodiscard]] std::size_t blocked() {
    const detail::Hidden hidden;  // Looking is not an edge that Linux gives.
    const std::lock_guard lock{mutex_};
    return blocked_;
  }

  /// Moves the clock on, from timer to timer: they expire, and those are woken whose time is up:
  /// `host.advance(std::chrono::seconds(1))`. Preconditions: by_hand; a span, not `never`.
  void advance(Timeout span) {
    ROUSE_ASSERT(clock_ == Clock::by_hand, "ThreadHost::advance: this clock is the real one");
    ROUSE_ASSERT(!span.is_never(), "ThreadHost::advance: by how much?");
    const detail::Hidden hidden;
    const std::lock_guard lock{mutex_};
    const Time end = time_after(by_hand_, span.nanoseconds());
    while (next_timer() <= end && next_timer() != time_never) {
      by_hand_ = std::max(by_hand_, next_timer());
      run_timers();
    }
    by_hand_ = end;
    for_each_blocked([this](ThreadTask& thread) {
      if (thread.deadline <= by_hand_) unblock(thread);
    });
  }

  [[nodiscard]] unsigned needs() const override { return needs_locking; }
  [[nodiscard]] Task& current() override {
    for (const Mine& mine : this_thread_is()) {
      if (mine.host == serial_) return *mine.task;
    }
    return add_this_thread();
  }
  [[nodiscard]] Time now() override {
    if (clock_ == Clock::by_hand) return by_hand_;
    return std::chrono::nanoseconds(std::chrono::steady_clock::now().time_since_epoch()).count();
  }
  [[nodiscard]] bool clock_runs_by_itself() const override { return clock_ == Clock::real; }
  void forget_ended_tasks() override {
    std::erase_if(known_, [](const std::shared_ptr<ThreadTask>& task) { return task.use_count() == 1; });
  }
  // Straight to the C library, whose result is dropped: an ordinary mutex is refused to nobody.
  void lock() override { static_cast<void>(::pthread_mutex_lock(mutex_.native_handle())); }
  void unlock() override { static_cast<void>(::pthread_mutex_unlock(mutex_.native_handle())); }

  [[nodiscard]] bool block(Task& task, Time deadline) override {
    if (deadline <= now()) return true;
    auto& thread = static_cast<ThreadTask&>(task);
    thread.blocked = true;
    thread.deadline = deadline;
    ++blocked_;
    blocked_changed_.notify_all();
    // The kernel holds the lock already and goes on holding it afterwards, also if a cancellation passes through.
    std::unique_lock lock{mutex_, std::adopt_lock};
    const Asleep asleep{*this, thread, lock};
    if (clock_ == Clock::by_hand) {
      while (thread.blocked) sleep(thread, lock, time_never);
    } else {
      sleep_in_real_time(thread, lock);
    }
    return true;
  }
  /// Those asleep look at it again. If nobody is, the next call runs what is due.
  void next_timer_is_earlier() override {
    for_each_blocked([this](ThreadTask& thread) { end_sleep(thread); });
  }
  void wake(Task& task) override {
    auto& thread = static_cast<ThreadTask&>(task);
    if (thread.blocked) unblock(thread);
  }

 protected:
  struct ThreadTask : Task {
    using Task::Task;
    const std::thread::id thread = std::this_thread::get_id();
    std::condition_variable changed;
    bool blocked = false;
    Time deadline = time_never;
  };

  // For a host whose tasks are more: its constructor calls current().
  struct NoTaskYet {};
  ThreadHost(Clock clock, NoTaskYet) : clock_(clock) {}

  // A task for the calling thread, which lets go of it when it ends.
  std::shared_ptr<ThreadTask> add_task() {
    forget_ended_tasks();
    const std::uint32_t id = next_id_++;
    const std::shared_ptr<ThreadTask> task = make_task(id, "thread " + std::to_string(id));
    known_.push_back(task);
    tasks_.push_back(*task);
    return task;
  }

  // What a thread sleeps with: until end_sleep() or `until`, or for no reason. With the lock released meanwhile.
  virtual std::shared_ptr<ThreadTask> make_task(std::uint32_t id, std::string name) {
    return std::make_shared<ThreadTask>(id, std::move(name));
  }
  virtual void sleep(ThreadTask& thread, std::unique_lock<std::mutex>& lock, Time until) {
    if (until == time_never) return thread.changed.wait(lock);
    thread.changed.wait_until(lock, std::chrono::steady_clock::time_point{std::chrono::nanoseconds{until}});
  }
  virtual void end_sleep(ThreadTask& thread) { thread.changed.notify_one(); }

  // The thread is not to sleep on.
  void unblock(ThreadTask& thread) {
    thread.blocked = false;
    --blocked_;
    end_sleep(thread);
  }

 private:
  // A thread's task on each host it has called. Goes with the thread; a host that has gone is never matched again,
  // since serial numbers are not reused.
  struct Mine {
    std::uint64_t host;
    std::shared_ptr<ThreadTask> task;
  };
  // In a function: as a variable, its initialisation would be compiled in every unit that includes this.
  static std::vector<Mine>& this_thread_is() {
    thread_local std::vector<Mine> hosts;
    return hosts;
  }
  static inline std::atomic<std::uint64_t> next_serial{1};

  // A thread in block(): however it leaves, it is not blocked any more and its caller holds the lock.
  struct Asleep {
    ThreadHost& host;
    ThreadTask& task;
    std::unique_lock<std::mutex>& lock;
    ~Asleep() {
      if (task.blocked) host.unblock(task);
      static_cast<void>(lock.release());
    }
  };

  Task& add_this_thread() {
    // What is left of hosts that have gone, and of threads that have ended.
    std::erase_if(this_thread_is(), [](const Mine& mine) { return mine.task.use_count() == 1; });
    const std::shared_ptr<ThreadTask> task = add_task();
    this_thread_is().push_back({serial_, task});
    return *task;
  }

  // Sleeps until it is unblocked or its time is up. Wakes for the timers, too: what is due is run by whoever is first.
  void sleep_in_real_time(ThreadTask& thread, std::unique_lock<std::mutex>& lock) {
    while (thread.blocked && now() < thread.deadline) {
      sleep(thread, lock, std::min(thread.deadline, next_timer()));
      run_timers();
    }
  }

  [[nodiscard]] Time next_timer() const { return timers_ != nullptr ? timers_->next_deadline() : time_never; }
  void run_timers() {
    if (next_timer() != time_never) timers_->run_due(now());
  }

  template <class Visit>
  void for_each_blocked(Visit visit) {
    tasks_.for_each([&](Task& task) {
      auto& thread = static_cast<ThreadTask&>(task);
      if (thread.blocked) visit(thread);
    });
  }

  const Clock clock_;
  const std::uint64_t serial_ = next_serial++;
  std::mutex mutex_;
  std::condition_variable blocked_changed_;
  std::size_t blocked_ = 0;
  Time by_hand_ = 0;
  std::uint32_t next_id_ = 1;
  std::vector<std::shared_ptr<ThreadTask>> known_;
};

}  // namespace rouse::inline v0::kernel
