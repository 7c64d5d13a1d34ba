// HappensBefore: which steps of a run are ordered by what tasks did, and which only by the schedule. A clock for each
// task and each point that edges go through; what a task knows of the others, stands in its clock.
#pragma once

#include "../kernel/observer.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace rouse::inline v0::sim {

/// A moment in the life of a task.
struct Moment {
  std::uint32_t task = 0;  ///< Its number.
  std::uint32_t tick = 0;  ///< 0 for before all.
};

class HappensBefore {
 public:
  /// Whose clock moves when a timer expires or a packet arrives: nobody's, so that no task is ordered by that.
  static constexpr std::uint32_t nobody = 0;

  /// Of a run of its own: what points knew of earlier ones, they forget.
  HappensBefore() : generation_(++generations << generation_shift) {}

  /// There is room for a task from now on. It knows what it acquires.
  void add_task(std::uint32_t task) {
    while (tasks_ <= task) add_clock_of_task();
  }

  void release(std::uint32_t task, const kernel::SyncPoint& point) {
    if ((point.number & ~index_mask) != generation_) point.number = generation_ | add_row();
    join(row(point.number & index_mask), clock(task));
    if (task != nobody) ++clock(task)[task];
  }
  void forget(const kernel::SyncPoint& point) {
    if ((point.number & ~index_mask) == generation_) std::fill_n(row(point.number & index_mask), width_, 0);
  }
  void acquire(std::uint32_t task, const kernel::SyncPoint& point) {
    if (task == nobody) std::fill_n(clock(nobody), width_, 0);  // What happens by itself, starts with this.
    if ((point.number & ~index_mask) != generation_) return;
    join(clock(task), row(point.number & index_mask));
  }

  /// Different for each run.
  [[nodiscard]] std::uint64_t generation() const { return generation_; }
  [[nodiscard]] Moment now(std::uint32_t task) const { return {task, clock(task)[task]}; }
  /// True if what happened then, is ordered before what `task` does now.
  [[nodiscard]] bool is_before(Moment then, std::uint32_t task) const {
    return then.tick == 0 || then.task == task || then.tick <= clock(task)[then.task];
  }

 private:
  static constexpr unsigned generation_shift = 32;
  static constexpr std::uint64_t index_mask = (std::uint64_t{1} << generation_shift) - 1;
  static inline thread_local std::uint64_t generations = 0;

  // Rows of ticks, one for each task's number. The tasks' own rows are the ones in rows_of_tasks_.
  [[nodiscard]] std::uint32_t* row(std::size_t index) { return ticks_.data() + index * width_; }
  [[nodiscard]] const std::uint32_t* row(std::size_t index) const { return ticks_.data() + index * width_; }
  [[nodiscard]] std::uint32_t* clock(std::uint32_t task) { return row(rows_of_tasks_[task]); }
  [[nodiscard]] const std::uint32_t* clock(std::uint32_t task) const { return row(rows_of_tasks_[task]); }
  void join(std::uint32_t* into, const std::uint32_t* from) const {
    for (std::size_t i = 0; i < width_; ++i) into[i] = std::max(into[i], from[i]);
  }

  std::size_t add_row() {
    ticks_.resize(ticks_.size() + width_);
    return rows_++;
  }
  void add_clock_of_task() {
    if (tasks_ == width_) widen();
    const std::uint32_t task = tasks_++;
    rows_of_tasks_.push_back(add_row());
    clock(task)[task] = task == nobody ? 0 : 1;
  }
  void widen() {
    std::vector<std::uint32_t> wider(ticks_.size() * 2);
    for (std::size_t i = 0; i < rows_; ++i) std::copy_n(row(i), width_, wider.data() + i * width_ * 2);
    width_ *= 2;
    ticks_.swap(wider);
  }

  const std::uint64_t generation_;
  std::size_t width_ = 4;
  std::uint32_t tasks_ = 0;
  std::size_t rows_ = 0;
  std::vector<std::size_t> rows_of_tasks_;
  std::vector<std::uint32_t> ticks_;
};

}  // namespace rouse::inline v0::sim
