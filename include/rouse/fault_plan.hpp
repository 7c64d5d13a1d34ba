// FaultPlan: which calls are to go wrong, when and how. Rules are read by whoever stands in front of a kernel or runs
// one: FaultyBackend (backend/faulty.hpp) and the simulation. The plan only answers; what a fault does is theirs.
#pragma once

#include "call_set.hpp"
#include "detail/chance.hpp"
#include "fault.hpp"
#include "kernel_age.hpp"

#include <concepts>
#include <cstdint>
#include <iosfwd>
#include <limits>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rouse::inline v0 {

/// Rules, each of them: which calls, on which fd, when, and what then.
///
///     FaultPlan plan;
///     plan.on(Call::read).of_kind("eventfd").nth(2, Fault::error(EINTR));
///     plan.on(Call::write).on_fd(5).one_in(10, Fault::short_count(1));
///     plan.on(CallSet::epoll_waits).every(Fault::error(EINTR));
///
/// A call is counted by each rule that it matches, whether that strikes or not. One fault strikes a call at most: that
/// of the first rule, in the order they were added, whose turn it is.
///
/// A value: a copy has the rules and what was counted so far. Any number of threads may ask at a time; adding rules,
/// copying and assigning may not overlap with anything.
class FaultPlan {
 public:
  class Target;

  /// Begins a rule on one call or on several; one rule counts all of them together. The rule is there once it was said
  /// when it strikes, by the last word of the line.
  [[nodiscard]] Target on(CallSet calls);

  /// No more than so many faults strike in all; unbounded at first.
  FaultPlan& faults_max(std::uint64_t n) {
    faults_max_ = n;
    return *this;
  }
  /// What the kernel has: `plan.kernel(KernelAge::of_linux(5, 10))`. It is no fault: neither counted nor bounded.
  FaultPlan& kernel(KernelAge age) {
    age_ = age;
    return *this;
  }
  [[nodiscard]] const KernelAge& kernel() const { return age_; }
  /// For the ratios, when nobody else decides them; 1 at first.
  FaultPlan& seed(std::uint64_t seed) {
    chance_ = detail::Chance{seed};
    return *this;
  }

  [[nodiscard]] bool empty() const { return rules_.empty(); }
  /// True if a rule is about this call.
  [[nodiscard]] bool concerns(Call call) const { return calls_.has(call); }
  /// True if a rule about this call names a kind of file; else next() does not look at the kind.
  [[nodiscard]] bool asks_kind(Call call) const { return calls_with_kind_.has(call); }

  /// What is to happen to this call: asked once for each, before it is made. `fd` is the first fd it is given, or -1,
  /// and `kind` what kind of file that is, by the names of the emulated kernel (`eventfd`, `tcp socket`); empty if
  /// unknown, which no rule for a kind matches. `strikes(n)` decides whether one of n strikes; asked only when that
  /// matters.
  template <std::predicate<std::uint64_t> Strikes>
  [[nodiscard]] std::optional<Fault> next(Call call, int fd, std::string_view kind, Strikes&& strikes) {
    if (!concerns(call)) return std::nullopt;
    const std::lock_guard lock{mutex_};
    std::optional<Fault> fault;
    for (Rule& rule : rules_) {
      if (!rule.matches(call, fd, kind)) continue;
      ++rule.seen;
      if (!fault && struck_ < faults_max_ && rule.is_due(strikes)) fault = rule.fault;
    }
    if (fault) ++struck_;
    return fault;
  }
  /// As above, with ratios decided by the seed.
  [[nodiscard]] std::optional<Fault> next(Call call, int fd, std::string_view kind) {
    return next(call, fd, kind, [this](std::uint64_t n) { return chance_.below(n) == 0; });
  }

  /// How many faults were handed out.
  [[nodiscard]] std::uint64_t struck() const {
    const std::lock_guard lock{mutex_};
    return struck_;
  }

  /// The rules, one a line: `the 2nd read of a file of kind eventfd fails with EINTR`.
  friend std::string to_string(const FaultPlan& plan) {
    std::string text;
    for (const Rule& rule : plan.rules_) text.append(rule.text()).append("\n");
    return text;
  }
  template <class Char, class Traits>
  friend std::basic_ostream<Char, Traits>& operator<<(std::basic_ostream<Char, Traits>& out, const FaultPlan& plan) {
    return out << to_string(plan).c_str();
  }

 private:
  enum class When : std::uint8_t { nth, every, one_in };

  struct Rule {
    CallSet calls;
    int fd = -1;
    std::string kind{};
    When when = When::every;
    std::uint64_t n = 1;
    Fault fault = Fault::not_ready();
    std::uint64_t seen = 0;  // Matching calls so far.

    [[nodiscard]] bool matches(Call call, int on_fd, std::string_view of_kind) const {
      return calls.has(call) && (fd < 0 || fd == on_fd) && (kind.empty() || kind == of_kind);
    }
    template <class Strikes>
    [[nodiscard]] bool is_due(Strikes& strikes) const {
      switch (when) {
        case When::nth: return seen == n;
        case When::every: return true;
        case When::one_in: break;
      }
      return strikes(n);
    }
    [[nodiscard]] std::string text() const {
      std::string text;
      if (when == When::nth) text.append("the ").append(ordinal(n)).append(" ");
      if (when == When::every) text = "every ";
      if (when == When::one_in) text.append("one in ").append(std::to_string(n)).append(" of ");
      text += to_string(calls);
      if (fd >= 0) text.append(" on fd ").append(std::to_string(fd));
      if (!kind.empty()) text.append(" of a file of kind ").append(kind);
      return text.append(" ").append(to_string(fault));
    }
  };

  static std::string ordinal(std::uint64_t n) {
    const std::uint64_t last = n / 10 % 10 == 1 ? 0 : n % 10;
    return std::to_string(n) + (last == 1 ? "st" : last == 2 ? "nd" : last == 3 ? "rd" : "th");
  }

  // Each copy of a plan has a lock of its own.
  struct OwnMutex : std::mutex {
    OwnMutex() = default;
    OwnMutex(const OwnMutex&) : std::mutex() {}
    OwnMutex& operator=(const OwnMutex&) { return *this; }
  };

  void add(Rule rule) {
    calls_ |= rule.calls;
    if (!rule.kind.empty()) calls_with_kind_ |= rule.calls;
    rules_.push_back(std::move(rule));
  }

  std::vector<Rule> rules_;
  CallSet calls_ = CallSet::none;
  CallSet calls_with_kind_ = CallSet::none;
  KernelAge age_;
  std::uint64_t faults_max_ = std::numeric_limits<std::uint64_t>::max();
  // Under the lock: what was counted and drawn.
  mutable OwnMutex mutex_;
  std::uint64_t struck_ = 0;
  detail::Chance chance_{1};
};

/// A rule that is being written. Narrowed first, then finished by saying when it strikes, and with what. Of several
/// calls, those that the fault means nothing for are left out; there must be one left (Fault::possible_calls).
class [[nodiscard]] FaultPlan::Target {
 public:
  /// Only calls on this number, whatever file is behind it at the time. Precondition: fd >= 0.
  Target& on_fd(int fd) {
    ROUSE_ASSERT(fd >= 0, "FaultPlan: on_fd of a number that is no fd");
    rule_.fd = fd;
    return *this;
  }
  /// Only calls on files of this kind, by the emulated kernel's names, on Linux too: `epoll`, `eventfd`, `timerfd`,
  /// `signalfd`, `pipe`, `tcp socket`, `udp socket`, `unix stream socket`, `unix datagram socket`,
  /// `unix seqpacket socket`, `plain file`. Precondition: not empty.
  Target& of_kind(std::string_view kind) {
    ROUSE_ASSERT(!kind.empty(), "FaultPlan: of_kind without a kind");
    rule_.kind = kind;
    return *this;
  }

  /// Strikes once, at the nth matching call; the first is 1.
  FaultPlan& nth(std::uint64_t n, Fault fault) {
    ROUSE_ASSERT(n >= 1, "FaultPlan: the first call is number 1");
    return finish(When::nth, n, fault);
  }
  /// Strikes every matching call.
  FaultPlan& every(Fault fault) { return finish(When::every, 1, fault); }
  /// Strikes one matching call in n, by chance. Precondition: n > 0.
  FaultPlan& one_in(std::uint64_t n, Fault fault) {
    ROUSE_ASSERT(n >= 1, "FaultPlan: one in 0 calls");
    return finish(When::one_in, n, fault);
  }

 private:
  friend class FaultPlan;
  Target(FaultPlan& plan, CallSet calls) : plan_(plan), rule_{.calls = calls} {}

  FaultPlan& finish(When when, std::uint64_t n, Fault fault) {
    rule_.calls = rule_.calls & fault.possible_calls();
    ROUSE_ASSERT(!rule_.calls.empty(), "FaultPlan: this fault means nothing for these calls");
    rule_.when = when;
    rule_.n = n;
    rule_.fault = fault;
    plan_.add(std::move(rule_));
    return plan_;
  }

  FaultPlan& plan_;
  Rule rule_;
};

inline FaultPlan::Target FaultPlan::on(CallSet calls) {
  ROUSE_ASSERT(!calls.empty(), "FaultPlan: a rule on no call");
  return {*this, calls};
}

}  // namespace rouse::inline v0
