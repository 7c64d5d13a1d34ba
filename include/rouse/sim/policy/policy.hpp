// Policy: who decides what a program under test leaves open. One file for each kind.
#pragma once

#include "../../kernel/footprint.hpp"
#include "../../kernel/task.hpp"
#include "../shard.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace rouse::inline v0::sim {

class SimTask;

/// Who could go on. The order is the same in every run: first the task that runs, if it can go on; then those after it
/// by number, then those before it.
class Candidates {
 public:
  Candidates(SimTask* const* tasks, std::size_t size, std::size_t first, bool has_current)
      : tasks_(tasks), size_(size), first_(first), has_current_(has_current) {}

  /// 2 or more; 1 too for a policy that wants steps.
  [[nodiscard]] std::size_t size() const { return size_; }
  /// True if the first of them is the task that runs: another one would preempt it.
  [[nodiscard]] bool has_current() const { return has_current_; }
  /// Precondition: i < size().
  [[nodiscard]] SimTask& operator[](std::size_t i) const {
    const std::size_t at = first_ + i;
    return *tasks_[at < size_ ? at : at - size_];
  }

 private:
  SimTask* const* tasks_;  // By number.
  std::size_t size_;
  std::size_t first_;
  bool has_current_;
};

/// Makes the choices of one run after the other. Its answers depend on nothing but its seed and what it was asked: no
/// addresses, no clock, no floating point.
class Policy {
 public:
  Policy() = default;
  Policy(const Policy&) = delete;
  Policy& operator=(const Policy&) = delete;
  virtual ~Policy() = default;

  /// Begins another run. False if there is none left to make.
  [[nodiscard]] virtual bool begin() = 0;
  /// Who goes on: an index below candidates.size().
  [[nodiscard]] virtual std::size_t who(const Candidates& candidates) = 0;
  /// Anything else that is open: a number below `n`. Precondition: n > 1.
  [[nodiscard]] virtual std::uint64_t number(std::uint64_t n) = 0;
  /// Whether a fault strikes that is to strike one call in `one_in`. Precondition: one_in > 0.
  [[nodiscard]] virtual bool fault(std::uint64_t one_in) = 0;

  /// Leaves out what is none of its part, if it can tell by itself; false if its runs know nothing of each other, so
  /// that any of them may be left out. To be called before the first begin().
  [[nodiscard]] virtual bool take_shard(Shard) { return false; }
  static constexpr const char* not_complete = "not complete";
  /// What the runs so far have shown, for a person; empty where that is nothing certain.
  [[nodiscard]] virtual std::string coverage() const { return {}; }
  /// How much of all there is was run, in thousandths; nothing if there is no end to it.
  [[nodiscard]] virtual std::optional<std::uint64_t> thousandths_done() const { return std::nullopt; }

  /// True if it wants to be told what each step touched, and to be asked who() even if only one task can go on.
  [[nodiscard]] virtual bool wants_steps() const { return false; }
  /// What was touched since who() was asked last; time may have moved after that. Comes before the next who(), and at
  /// the end of a run.
  virtual void stepped(const kernel::Footprint&, bool /*time_moved*/) {}
};

}  // namespace rouse::inline v0::sim
