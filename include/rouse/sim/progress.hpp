// Progress: a line on the terminal about an exploration that takes long.
#pragma once

#include "outcome.hpp"
#include "policy/policy.hpp"

#include <algorithm>
#include <chrono>
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <unistd.h>
#include <unordered_set>

namespace rouse::inline v0::sim {

enum class ShowProgress : std::uint8_t {
  on_terminal,  ///< If the standard error is one.
  always,
  never,
};

/// Once a second, and from the second second on: so that what is over soon, is silent. To the standard error.
class Progress {
 public:
  explicit Progress(ShowProgress when, std::chrono::nanoseconds every = std::chrono::seconds(1))
      : every_(every),
        is_on_(when == ShowProgress::always || (when == ShowProgress::on_terminal && ::isatty(STDERR_FILENO) == 1)) {}
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress() {
    if (is_shown_) std::fputc('\n', stderr);
  }

  void ran(const Outcome& outcome, const Policy& policy) {
    if (!is_on_) return;
    ++runs_;
    deepest_ = std::max<std::uint64_t>(deepest_, outcome.schedule.size());
    std::uint64_t hash = 0;
    for (const std::uint64_t choice : outcome.schedule.choices()) hash = hash * 1'099'511'628'211 + choice + 1;
    schedules_.insert(hash);
    const auto now = Clock::now();
    if (now < next_) return;
    next_ = now + every_;
    show(std::chrono::duration<double>(now - start_).count(), policy);
  }

 private:
  using Clock = std::chrono::steady_clock;

  void show(double seconds, const Policy& policy) {
    is_shown_ = true;
    std::fprintf(stderr, "\r%" PRIu64 " runs, %.0f a second, %zu different, %" PRIu64 " choices at most", runs_,
                 static_cast<double>(runs_) / seconds, schedules_.size(), deepest_);
    if (const auto done = policy.thousandths_done()) {
      std::fprintf(stderr, ", about %.1f %% of all", static_cast<double>(*done) / 10);
    }
    std::fputs("   ", stderr);
    std::fflush(stderr);
  }

  const std::chrono::nanoseconds every_;
  const bool is_on_;
  bool is_shown_ = false;
  const Clock::time_point start_ = Clock::now();
  Clock::time_point next_ = start_ + every_;
  std::uint64_t runs_ = 0;
  std::uint64_t deepest_ = 0;
  std::unordered_set<std::uint64_t> schedules_;  // By a hash: two may be taken for one. Only counted.
};

}  // namespace rouse::inline v0::sim
