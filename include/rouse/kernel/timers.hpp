// Timers: what is to happen at a moment of the host's clock: a timer expires, a packet arrives. The host runs what is
// due when time gets there: while tasks sleep, when the clock is moved, and at the latest when the next call enters.
#pragma once

#include "host.hpp"
#include "observer.hpp"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace rouse::inline v0::kernel {

class Timers;

/// Something that is to happen at a moment. Is scheduled once at most; destroying it cancels it.
class Timer {
 public:
  /// There is room for it from now on, so that scheduling it cannot fail. `timers` outlives it.
  explicit Timer(Timers& timers);
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  [[nodiscard]] bool is_scheduled() const { return place_ != nowhere; }
  [[nodiscard]] Timers& timers() const { return timers_; }

 protected:
  ~Timer();

 private:
  friend class Timers;

  /// Its moment has come, and `now` is that moment or a later one. It is not scheduled any more; it may schedule itself
  /// for later, destroy itself, and do so with others. Does not throw.
  virtual void on_due(Time now) = 0;

  static constexpr std::size_t nowhere = SIZE_MAX;

  Timers& timers_;
  Time deadline_ = time_never;
  std::uint64_t number_ = 0;     // Of those for the same moment, the first scheduled comes first.
  std::size_t place_ = nowhere;  // In the heap.
};

/// The timers of a kernel, by their moments. Used with the kernel locked.
class Timers {
 public:
  /// Of what `host` runs. `needs` has the bit `armed` set while one may be due that nobody has run.
  Timers(Host& host, std::atomic<unsigned>& needs, unsigned armed)
      : host_(host), clock_runs_(host.clock_runs_by_itself()), needs_(needs), armed_(armed) {}
  Timers(const Timers&) = delete;
  Timers& operator=(const Timers&) = delete;

  [[nodiscard]] Time now() const { return host_.now(); }
  /// `time_never` if nothing is ever to happen.
  [[nodiscard]] Time next_deadline() const { return scheduled_ == 0 ? time_never : heap_[0]->deadline_; }

  /// Schedules a timer, anew if it was scheduled. A moment that has passed comes with the next run_due; `time_never`
  /// never comes.
  void schedule(Timer& timer, Time deadline);
  /// Does nothing if it is not scheduled.
  void cancel(Timer& timer);

  /// Runs all that are due, the earliest first.
  void run_due(Time now) {
    while (next_deadline() <= now && next_deadline() != time_never) {
      Timer& timer = *heap_[0];
      cancel(timer);
      timer.on_due(now);
    }
    if (!clock_runs_) set_armed(false);
  }
  /// Runs those that are due up to `end`, with the clock `now` at the moment of each, until `stops()`.
  template <class Stops>
  void run_until(Time& now, Time end, Stops stops) {
    while (!stops() && next_deadline() <= end && next_deadline() != time_never) {
      now = std::max(now, next_deadline());
      run_due(now);
    }
  }

  /// True if the order and the places are what they should be: see invariants.hpp.
  [[nodiscard]] bool is_consistent() const {
    for (std::size_t i = 0; i < scheduled_; ++i) {
      if (heap_[i]->place_ != i || (i > 0 && comes_before(*heap_[i], *heap_[parent(i)]))) return false;
    }
    return true;
  }

 private:
  friend class Timer;

  static std::size_t parent(std::size_t place) { return (place - 1) / 2; }
  static bool comes_before(const Timer& a, const Timer& b) {
    return std::pair{a.deadline_, a.number_} < std::pair{b.deadline_, b.number_};
  }

  void put(Timer& timer, std::size_t place) {
    heap_[place] = &timer;
    timer.place_ = place;
  }
  /// Puts a timer where it belongs, if that is `place` or on the way from there to the front; or to the end.
  void rise(Timer& timer, std::size_t place);
  void sink(Timer& timer, std::size_t place);

  // Looks first, as changing what others may look at is slow.
  void set_armed(bool on) {
    if (((needs_.load(std::memory_order_relaxed) & armed_) != 0) == on) return;
    if (on) {
      needs_ |= armed_;
    } else {
      needs_ &= ~armed_;
    }
  }

  Host& host_;
  const bool clock_runs_;
  std::atomic<unsigned>& needs_;
  const unsigned armed_;
  std::vector<Timer*> heap_;   // A place for every Timer there is. Of the scheduled ones, none comes before its parent.
  std::size_t scheduled_ = 0;  // They have the first places.
  std::uint64_t next_number_ = 0;  // Never used twice.
};

inline Timer::Timer(Timers& timers) : timers_(timers) { timers.heap_.push_back(nullptr); }

inline Timer::~Timer() {
  timers_.cancel(*this);
  timers_.heap_.pop_back();
}

inline void Timers::schedule(Timer& timer, Time deadline) {
  touch(Object::timers(), Access::write);
  cancel(timer);
  timer.deadline_ = deadline;
  timer.number_ = next_number_++;
  rise(timer, scheduled_++);
  if (clock_runs_ || deadline <= host_.now()) set_armed(true);
  if (timer.place_ == 0) host_.next_timer_is_earlier();
}

inline void Timers::cancel(Timer& timer) {
  if (!timer.is_scheduled()) return;
  const std::size_t place = std::exchange(timer.place_, Timer::nowhere);
  Timer& last = *std::exchange(heap_[--scheduled_], nullptr);
  if (&last != &timer) {
    rise(last, place);
    sink(last, last.place_);
  }
  if (scheduled_ == 0) set_armed(false);
}

inline void Timers::rise(Timer& timer, std::size_t place) {
  while (place > 0 && comes_before(timer, *heap_[parent(place)])) {
    put(*heap_[parent(place)], place);
    place = parent(place);
  }
  put(timer, place);
}

inline void Timers::sink(Timer& timer, std::size_t place) {
  for (;;) {
    std::size_t child = 2 * place + 1;
    if (child >= scheduled_) break;
    if (child + 1 < scheduled_ && comes_before(*heap_[child + 1], *heap_[child])) ++child;
    if (!comes_before(*heap_[child], timer)) break;
    put(*heap_[child], place);
    place = child;
  }
  put(timer, place);
}

}  // namespace rouse::inline v0::kernel
