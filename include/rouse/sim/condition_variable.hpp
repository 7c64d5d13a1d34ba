// sim::condition_variable: std's, in a World. Which of several waiters notify_one() wakes is open. Wakeups without a
// reason, which std allows, do not happen.
#pragma once

#include "mutex.hpp"

#include <condition_variable>
#include <mutex>
#include <string_view>

namespace rouse::inline v0::sim {

/// For std::unique_lock<sim::mutex>. Limits are spans or moments of any clock, sim::clock among them.
class condition_variable {
 public:
  condition_variable() = default;
  condition_variable(const condition_variable&) = delete;
  condition_variable& operator=(const condition_variable&) = delete;

  void notify_one(CallSite site = CallSite::current()) {
    const detail::Hidden hidden;
    const detail::CallScope scope{site};
    World& world = World::here();
    world.pass("condition_variable::notify_one", waiting_, kernel::Access::write, false);
    world.wake_one(waiting_);
  }
  void notify_all(CallSite site = CallSite::current()) {
    const detail::Hidden hidden;
    const detail::CallScope scope{site};
    World& world = World::here();
    world.pass("condition_variable::notify_all", waiting_, kernel::Access::write, false);
    world.wake_all(waiting_);
  }

  /// Precondition of all waits: the calling task has locked it.
  void wait(std::unique_lock<mutex>& lock, CallSite site = CallSite::current()) {
    static_cast<void>(wait_to(lock, kernel::time_never, site));
  }
  template <class Predicate>
  void wait(std::unique_lock<mutex>& lock, Predicate predicate, CallSite site = CallSite::current()) {
    Holds<Predicate> condition{predicate};
    const WaitsFor waits{World::here().current_task(), condition};
    while (!predicate()) wait(lock, site);
  }

  template <DurationLike Duration>
  std::cv_status wait_for(std::unique_lock<mutex>& lock, const Duration& span, CallSite site = CallSite::current()) {
    return wait_to(lock, deadline_of(Timeout{span}), site);
  }
  template <TimePointLike TimePoint>
  std::cv_status wait_until(std::unique_lock<mutex>& lock, const TimePoint& moment,
                            CallSite site = CallSite::current()) {
    return wait_to(lock, deadline_of(Timeout{moment}), site);
  }
  /// False if the predicate is false at the end of the time.
  template <DurationLike Duration, class Predicate>
  bool wait_for(std::unique_lock<mutex>& lock, const Duration& span, Predicate predicate,
                CallSite site = CallSite::current()) {
    return wait_to(lock, deadline_of(Timeout{span}), predicate, site);
  }
  template <TimePointLike TimePoint, class Predicate>
  bool wait_until(std::unique_lock<mutex>& lock, const TimePoint& moment, Predicate predicate,
                  CallSite site = CallSite::current()) {
    return wait_to(lock, deadline_of(Timeout{moment}), predicate, site);
  }

 private:
  static constexpr const char* name = "condition_variable::wait";

  [[nodiscard]] static kernel::Time deadline_of(Timeout limit) {
    const detail::Hidden hidden;
    return World::here().deadline_of(limit);
  }

  template <class Predicate>
  class Holds final : public Condition {
   public:
    explicit Holds(Predicate& predicate) : predicate_(predicate) {}

    // Who was woken and waits for the mutex, waits for that. A predicate that throws, or that waits for something
    // itself, says nothing.
    [[nodiscard]] bool holds(std::string_view call) override {
      if (call != name) return false;
      try {
        const detail::Visible visible;
        return static_cast<bool>(predicate_());
      } catch (...) {
        return false;
      }
    }

   private:
    Predicate& predicate_;
  };

  template <class Predicate>
  bool wait_to(std::unique_lock<mutex>& lock, kernel::Time deadline, Predicate& predicate, CallSite site) {
    Holds<Predicate> condition{predicate};
    const WaitsFor waits{World::here().current_task(), condition};
    while (!predicate()) {
      if (wait_to(lock, deadline, site) == std::cv_status::timeout) return predicate();
    }
    return true;
  }

  std::cv_status wait_to(std::unique_lock<mutex>& lock, kernel::Time deadline, CallSite site) {
    const detail::Hidden hidden;
    const detail::CallScope scope{site};
    World& world = World::here();
    ROUSE_ASSERT(lock.owns_lock(), "sim::condition_variable: waits without the lock");
    world.pass(name, waiting_);
    mutex& mutex = *lock.mutex();
    // Between the unlocking and the sleep nobody comes in: that is what a condition variable is for.
    mutex.release(world);
    class LocksAgain {
     public:
      LocksAgain(World& world, sim::mutex& mutex) : world_(world), mutex_(mutex) {}
      LocksAgain(const LocksAgain&) = delete;
      LocksAgain& operator=(const LocksAgain&) = delete;
      ~LocksAgain() noexcept(false) { mutex_.wait_and_take(world_, "condition_variable::wait, for the mutex"); }

     private:
      World& world_;
      sim::mutex& mutex_;
    };
    const LocksAgain locks_again{world, mutex};
    const bool was_woken = world.sleep_in(waiting_, name, deadline);
    return was_woken ? std::cv_status::no_timeout : std::cv_status::timeout;
  }

  SleepQueue waiting_;
};

}  // namespace rouse::inline v0::sim
