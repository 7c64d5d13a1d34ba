// Shared: what the threads of a script share while it runs: which number a name stands for, who waits for how long, who
// is to be sent signals.
#pragma once

#include "script.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <map>
#include <mutex>
#include <time.h>

namespace threaded {

/// The numbers behind a script's names, for all its threads.
class Names {
 public:
  /// A name that was never given is not open.
  static constexpr int unknown = -1;

  [[nodiscard]] int number(const std::string& name) const {
    const std::lock_guard lock{mutex_};
    const auto found = numbers_.find(name);
    return found != numbers_.end() ? found->second : unknown;
  }
  void set(const std::string& name, int number) {
    const std::lock_guard lock{mutex_};
    numbers_[name] = number;
  }
  [[nodiscard]] std::map<std::string, int> all() const {
    const std::lock_guard lock{mutex_};
    return numbers_;
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::string, int> numbers_;
};

/// Time-outs of up to a second pass in the course of a script; longer ones do not.
inline bool is_short(int milliseconds) { return milliseconds > 0 && milliseconds <= 1000; }

/// How many threads wait with a short time-out, and since when the first of them.
class ShortWaits {
 public:
  using Clock = std::chrono::steady_clock;

  void begin(int milliseconds) {
    const std::lock_guard lock{mutex_};
    const Clock::time_point deadline = Clock::now() + std::chrono::milliseconds(milliseconds);
    if (waiting_ == 0 || deadline < first_deadline_) first_deadline_ = deadline;
    ++waiting_;
  }
  void end() {
    const std::lock_guard lock{mutex_};
    // One that ran out leaves its deadline behind, for may_have_passed().
    if (--waiting_ == 0 && Clock::now() < first_deadline_) first_deadline_ = Clock::time_point::max();
  }
  [[nodiscard]] bool any() const {
    const std::lock_guard lock{mutex_};
    return waiting_ > 0;
  }
  /// True if one of them may have run out.
  [[nodiscard]] bool may_have_passed() const {
    const std::lock_guard lock{mutex_};
    return Clock::now() >= first_deadline_;
  }
  /// Those that began so far have run out, as the script says.
  void passed() {
    const std::lock_guard lock{mutex_};
    first_deadline_ = Clock::time_point::max();
  }

 private:
  mutable std::mutex mutex_;
  int waiting_ = 0;
  Clock::time_point first_deadline_ = Clock::time_point::max();
};

/// One wait among them, if it is a short one.
class ShortWait {
 public:
  ShortWait(ShortWaits& waits, int milliseconds) : waits_(is_short(milliseconds) ? &waits : nullptr) {
    if (waits_ != nullptr) waits_->begin(milliseconds);
  }
  ShortWait(const ShortWait&) = delete;
  ShortWait& operator=(const ShortWait&) = delete;
  ~ShortWait() {
    if (waits_ != nullptr) waits_->end();
  }

 private:
  ShortWaits* waits_;
};

/// Milliseconds as a timespec; null for -1.
class Span {
 public:
  explicit Span(const std::string& word) : milliseconds_(std::stol(word)) {}
  [[nodiscard]] const ::timespec* get() const { return milliseconds_ < 0 ? nullptr : &span_; }

 private:
  long milliseconds_;
  ::timespec span_{milliseconds_ / 1000, milliseconds_ % 1000 * 1'000'000};
};

/// What a script's calls share while it runs.
struct Shared {
  Names names;
  Names ports;  ///< Of those sockets that have one.
  ShortWaits short_waits;
  std::array<std::atomic<int>, threads_max> tids{};         ///< Those of threads that signals may be sent to.
  std::array<std::string, threads_max + 1> masks = none();  ///< Which signals each thread blocks in its lines.

 private:
  static std::array<std::string, threads_max + 1> none() {
    std::array<std::string, threads_max + 1> masks;
    masks.fill("none");
    return masks;
  }
};

}  // namespace threaded
