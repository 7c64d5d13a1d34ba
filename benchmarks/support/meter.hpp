// Meter: what a contender hands its operation to. It times it, or has callgrind count its instructions.
#pragma once

#include <concepts>
#include <cstdint>
#include <ctime>
#include <string>
#include <utility>
#include <valgrind/callgrind.h>

namespace bench {

/// What one operation costs.
struct Cost {
  double cpu_ns = 0;
  double wall_ns = 0;
};

/// One for each contender of a section. The contender sets up, calls `measure` once and takes down what it has; only
/// what `measure` is given counts. The operation is compiled once, in a loop of its own, so that all contenders pay the
/// same for the loop and nothing is moved out of it.
class Meter {
 public:
  /// Rounds that take about `round_ns`.
  [[nodiscard]] static Meter of_time(double round_ns) { return Meter{Mode::time, {}, 0, round_ns}; }
  /// `count` operations, and twice as many; `label` is what the counts are found by.
  [[nodiscard]] static Meter of_instructions(std::string label, std::uint64_t count) {
    return Meter{Mode::count, std::move(label), count, 0};
  }

  /// The same for a function that makes `n` operations itself, in a loop, as what it works with is to be where it is in
  /// programs: in variables beside that loop.
  template <std::invocable<std::uint64_t> Loop>
  void measure_loop(Loop loop) {
    measure(Whole<Loop>{loop});
  }

  /// Makes `op()` often enough. If it does several of what is to be compared, such as 64 events, `per` says how many.
  template <class Op>
  void measure(Op op, double per = 1) {
    per_ = per;
    if (mode_ == Mode::count) {
      repeat(op, count_);  // Whatever happens only the first time.
      count_calls(op, count_);
      count_calls(op, 2 * count_);
    } else {
      if (calls_ == 0) calibrate(op);
      time_calls(op, calls_);
    }
  }

  /// For what cannot be done over and over: makes `op(0)` … `op(n - 1)`, and then `undo(0)` …, which does not count. To
  /// be counted, it is made for half of them as well.
  template <std::invocable<std::uint64_t> Op, std::invocable<std::uint64_t> Undo>
  void measure(std::uint64_t n, Op op, Undo undo) {
    repeat(op, n);
    repeat(undo, n);
    if (mode_ == Mode::count) {
      count_calls(op, n / 2);
      repeat(undo, n / 2);
      count_calls(op, n);
      repeat(undo, n);
    } else {
      time_calls(op, n);
      repeat(undo, n);
    }
  }

  /// Of the last round. Precondition: measured, by time.
  [[nodiscard]] Cost cost() const { return cost_; }

 private:
  enum class Mode { time, count };

  Meter(Mode mode, std::string label, std::uint64_t count, double round_ns)
      : mode_(mode), label_(std::move(label)), count_(count), round_ns_(round_ns) {}

  template <class Loop>
  struct Whole {
    Loop loop;
  };

  template <class Loop>
  [[gnu::noinline]] static void repeat(Whole<Loop>& whole, std::uint64_t n) {
    whole.loop(n);
  }
  template <class Op>
  [[gnu::noinline]] static void repeat(Op& op, std::uint64_t n) {
    for (std::uint64_t i = 0; i < n; ++i) {
      if constexpr (std::invocable<Op&, std::uint64_t>) {
        op(i);
      } else {
        op();
      }
    }
  }

  // The dump carries what it takes to make a figure of two of them (callgrind.hpp).
  template <class Op>
  void count_calls(Op& op, std::uint64_t n) {
    const std::string label = label_ + '|' + std::to_string(static_cast<double>(n) * per_);
    CALLGRIND_ZERO_STATS;
    repeat(op, n);
    CALLGRIND_DUMP_STATS_AT(label.c_str());
  }

  template <class Op>
  void time_calls(Op& op, std::uint64_t n) {
    const double cpu = now(CLOCK_PROCESS_CPUTIME_ID);
    const double wall = now(CLOCK_MONOTONIC);
    repeat(op, n);
    const double divisor = static_cast<double>(n) * per_;
    cost_ = {(now(CLOCK_PROCESS_CPUTIME_ID) - cpu) / divisor, (now(CLOCK_MONOTONIC) - wall) / divisor};
  }

  // So many calls that a round takes about as long as it should.
  template <class Op>
  void calibrate(Op& op) {
    for (calls_ = 1;; calls_ *= 2) {
      time_calls(op, calls_);
      const double took = cost_.wall_ns * static_cast<double>(calls_) * per_;
      if (took < round_ns_ / 10) continue;
      calls_ = 1 + static_cast<std::uint64_t>(static_cast<double>(calls_) * round_ns_ / took);
      return;
    }
  }

  static double now(::clockid_t clock) {
    ::timespec time{};
    ::clock_gettime(clock, &time);  // Fails only for a clock that does not exist.
    return static_cast<double>(time.tv_sec) * 1e9 + static_cast<double>(time.tv_nsec);
  }

  Mode mode_;
  std::string label_;
  std::uint64_t count_;
  double round_ns_;
  double per_ = 1;
  std::uint64_t calls_ = 0;
  Cost cost_;
};

}  // namespace bench
