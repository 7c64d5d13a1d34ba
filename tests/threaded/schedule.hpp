// Schedule: in which order Linux runs threads that are awake at the same time. Left alone it nearly always chooses the
// same; to see what else may happen, each thread is given a priority and a processor by lot.
//
// Without the permission to give priorities, threads are only moved between processors, and fewer outcomes are seen.
#pragma once

#include "pool.hpp"
#include "random.hpp"

#include <numeric>
#include <sched.h>
#include <utility>
#include <vector>

namespace threaded {

/// Sanitizers have locks that spin, and a thread that spins keeps one of lower priority from letting go.
inline constexpr bool spins_under_locks =
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
    true;
#else
    false;
#endif
#else
    false;
#endif

class Schedule {
 public:
  /// True if priorities work here. Asked of a thread that is idle.
  static bool can_give_priorities(int thread) {
    const ::sched_param some{1};
    const ::sched_param none{0};
    return !spins_under_locks && ::sched_setscheduler(thread, SCHED_FIFO, &some) == 0 &&
           ::sched_setscheduler(thread, SCHED_OTHER, &none) == 0;
  }

  /// As Linux likes it.
  Schedule() = default;
  /// Another one. The main thread is below all, or on a processor of its own, or beside threads on both. `first` are
  /// mostly above the others.
  Schedule(test::Random& random, const std::vector<int>& first) : is_natural_(false) {
    for (auto& priorities : priorities_) draw(random, first, priorities);
    if (!one_in(random, 3)) priorities_.fill(priorities_[0]);
    const int processor = random.below(2);
    processors_.fill(processor);
    main_processor_ = one_in(random, 3) ? processor : 1 - processor;
    if (!one_in(random, 3)) return;
    for (int& its : processors_) its = random.below(2);
  }

  /// Puts it into force, if it is not in force already.
  template <class Threads>
  void apply(const Threads& threads, const Schedule& before) const {
    if (*this == before) return;
    for (std::size_t i = 0; i < threads.size(); ++i) {
      const ::sched_param priority{is_natural_ ? 0 : priorities_[0][i]};
      set_processor(threads[i].id(), processors_[i]);
      if (!spins_under_locks) {
        ::sched_setscheduler(threads[i].id(), is_natural_ ? SCHED_OTHER : SCHED_FIFO, &priority);
      }
    }
    set_processor(0, main_processor_);
  }

  /// A thread goes on to its next call: another priority for that, so that others may come in between.
  void between_calls(std::size_t thread, std::size_t next_call) const {
    if (is_natural_ || spins_under_locks) return;
    const ::sched_param priority{priorities_[next_call % priorities_.size()][thread]};
    ::sched_setscheduler(0, SCHED_FIFO, &priority);
  }

  friend bool operator==(const Schedule&, const Schedule&) = default;

 private:
  using PerThread = std::array<int, 10>;

  static bool one_in(test::Random& random, int n) { return random.below(n) == 0; }
  static void draw(test::Random& random, const std::vector<int>& first, PerThread& priorities) {
    std::iota(priorities.begin(), priorities.end(), 1);
    for (std::size_t i = priorities.size(); i > 1; --i) std::swap(priorities[i - 1], priorities[random.below(i)]);
    if (one_in(random, 3)) return;
    for (const int thread : first) priorities[static_cast<std::size_t>(thread)] += 10;
  }
  void set_processor(int thread, int processor) const {
    ::cpu_set_t set;
    CPU_ZERO(&set);
    for (int i = 0; i < CPU_SETSIZE; ++i) {
      if (is_natural_ || i == processor) CPU_SET(i, &set);
    }
    ::sched_setaffinity(thread, sizeof set, &set);
  }

  bool is_natural_ = true;
  std::array<PerThread, 3> priorities_{};  // For a line's first call, its second, its third.
  PerThread processors_{};
  int main_processor_ = 0;
};

}  // namespace threaded
