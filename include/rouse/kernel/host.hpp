// Host: the emulated kernel's only way out: who runs tasks, what time it is, who is next. The kernel never knows which
// host it has.
#pragma once

#include "../detail/assert.hpp"
#include "../detail/chance.hpp"
#include "../fault.hpp"
#include "call.hpp"
#include "task.hpp"
#include "time.hpp"

#include <cstdint>
#include <string>

namespace rouse::inline v0::kernel {

/// What a host wants to be asked at every call. A word that never changes, tested once per call.
enum Needs : unsigned {
  needs_nothing = 0,
  needs_schedule_points = 1,  ///< schedule_point() before the call.
  needs_locking = 2,          ///< lock() and unlock() around it.
  needs_calls = 4,            ///< call_begins() and call_ended() inside of these.
};

class Timers;

/// Runs tasks. All but now() and the lock itself are called with the lock held, where there is one.
class Host {
 public:
  Host() = default;
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;
  virtual ~Host() = default;

  [[nodiscard]] virtual unsigned needs() const = 0;
  /// The task that makes the present call.
  [[nodiscard]] virtual Task& current() = 0;
  /// The monotonic clock.
  [[nodiscard]] virtual Time now() = 0;
  /// Puts the current task to sleep until it is woken or `deadline` comes, and runs the timers that are due until then,
  /// at the same moment before it. May end without a reason. False if nothing can ever end it: no other task can run
  /// and there is no deadline. Releases the lock meanwhile. May throw what ends a simulated run, so what the caller
  /// holds, it holds by RAII.
  [[nodiscard]] virtual bool block(Task& task, Time deadline) = 0;
  /// Ends the sleep of a task. Harmless if it is not asleep any more.
  virtual void wake(Task& task) = 0;

  /// True if something that the kernel knows nothing of has ended the task's sleep: a wakeup would be lost on it.
  [[nodiscard]] virtual bool is_awake(const Task&) const { return false; }

  /// False if the calling thread is none that this host runs: asserted before every call.
  [[nodiscard]] virtual bool serves_this_thread() { return true; }

  /// True while tasks are only there to give back what they hold: signals do not end the program any more.
  [[nodiscard]] virtual bool is_unwinding() const { return false; }

  /// Takes tasks whose threads have ended off the list.
  virtual void forget_ended_tasks() {}

  /// Whether the clock may move while no task sleeps. If not, calls need not ask whether timers are due by now: whoever
  /// moves it runs them. Never changes.
  [[nodiscard]] virtual bool clock_runs_by_itself() const { return true; }
  /// Which timers to run: those of the one kernel that this host serves; null for none.
  void set_timers(Timers* timers) {
    ROUSE_ASSERT(timers == nullptr || timers_ == nullptr, "Kernel: its host serves another kernel already");
    timers_ = timers;
  }
  /// One was scheduled that comes before all others: for hosts that have slept until another moment since.
  virtual void next_timer_is_earlier() {}

  /// Something that Linux leaves to chance: a number below `n`, from a generator with a seed. Precondition: n > 0.
  virtual std::uint64_t choose(std::uint64_t n) { return chance_.below(n); }
  void seed(std::uint64_t seed) { chance_ = detail::Chance{seed}; }

  /// Whether a fault strikes that is to strike one call in `one_in`. Precondition: one_in > 0.
  virtual bool strikes(std::uint64_t one_in) { return chance_.below(one_in) == 0; }
  /// One struck.
  virtual void fault_struck(const Op&, Fault) {}

  virtual void schedule_point(const Op&) {}
  /// The present task makes a call now: past the schedule point, before anything of it is done. A handler that runs
  /// inside of a call makes calls in turn.
  virtual void call_begins(const Op&, const CallArguments&) {}
  /// The last one that began in this task and has not ended, is at an end. What it was given may be gone if it threw.
  virtual void call_ended(const Op&, const CallArguments&, CallEnd) {}
  virtual void lock() {}
  virtual void unlock() {}

  /// Every task that has called, in the order of their first calls.
  [[nodiscard]] const detail::IntrusiveList<Task>& tasks() const { return tasks_; }

 protected:
  detail::IntrusiveList<Task> tasks_;
  Timers* timers_ = nullptr;

 private:
  detail::Chance chance_{1};
};

}  // namespace rouse::inline v0::kernel
