// Outcome: how a run of a World ended.
#pragma once

#include "../kernel/time.hpp"
#include "schedule.hpp"

#include <cstdint>
#include <exception>
#include <string>

namespace rouse::inline v0::sim {

enum class Ending : std::uint8_t {
  done,
  deadlock,            ///< Tasks are asleep, and nothing can wake them.
  livelock,            ///< Tasks went on and on without time moving.
  assertion,           ///< One of the test framework failed.
  exception,           ///< One left the function of a task.
  misuse,              ///< What would have ended the program: a joinable thread was destroyed.
  leaked_fd,           ///< An fd that the run has opened is open at its end.
  lost_wakeup,         ///< A deadlock in which somebody sleeps though what it waits for is there.
  data_race,           ///< Two accesses to a Shared, one of them a write, that nothing orders.
  stale_registration,  ///< An epoll reported what was registered by a number that is closed or another file's by now.
};

[[nodiscard]] constexpr const char* name_of(Ending ending) {
  constexpr const char* names[] = {"done",   "deadlock",  "livelock",    "failed assertion", "uncaught exception",
                                   "misuse", "leaked fd", "lost wakeup", "data race",        "stale registration"};
  return names[static_cast<std::size_t>(ending)];
}

/// What is looked for. Without a detector, a run that it would have ended as failed ends all the same, as far as it has
/// to, and counts as done.
class Detectors {
 public:
  /// All but stale_registration, which well-behaved programs meet, too: those that duplicate an fd.
  constexpr Detectors() = default;

  [[nodiscard]] constexpr Detectors with(Ending ending) const { return Detectors{on_ | bit(ending)}; }
  [[nodiscard]] constexpr Detectors without(Ending ending) const { return Detectors{on_ & ~bit(ending)}; }
  [[nodiscard]] constexpr bool has(Ending ending) const { return (on_ & bit(ending)) != 0; }

 private:
  static constexpr std::uint32_t bit(Ending ending) { return std::uint32_t{1} << static_cast<unsigned>(ending); }
  explicit constexpr Detectors(std::uint32_t on) : on_(on) {}

  std::uint32_t on_ = ~bit(Ending::stale_registration);
};

struct Outcome {
  Ending ending = Ending::done;
  std::string text;               ///< What was wrong, for a person; empty if nothing was.
  std::string call;               ///< The call that the failure is about, if the run was traced: Trace::failed_call().
  std::exception_ptr error;       ///< The exception that left a task's function, if one did.
  Schedule schedule;              ///< Replays the run.
  bool follows_schedule = true;   ///< False of a replay() whose schedule is none of this program.
  std::uint64_t steps = 0;        ///< Schedule points passed.
  std::uint64_t preemptions = 0;  ///< How often another task went on though the one that ran could have.
  std::uint64_t faults = 0;       ///< How many struck that a policy was asked for.
  kernel::Time time = 0;          ///< The virtual time it took, in nanoseconds.

  [[nodiscard]] bool failed() const { return ending != Ending::done; }
  /// True if both show the same mistake, as far as can be said: what was asserted or thrown is the same.
  [[nodiscard]] bool fails_like(const Outcome& other) const {
    const bool is_told_by_text = ending == Ending::assertion || ending == Ending::exception;
    return failed() && ending == other.ending && (!is_told_by_text || text == other.text);
  }
};

}  // namespace rouse::inline v0::sim
