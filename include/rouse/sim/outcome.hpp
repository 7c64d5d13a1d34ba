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
  deadlock,   ///< Tasks are asleep, and nothing can wake them.
  livelock,   ///< Tasks went on and on without time moving.
  assertion,  ///< One of the test framework failed.
  exception,  ///< One left the function of a task.
  misuse,     ///< What would have ended the program: a joinable thread was destroyed.
  leaked_fd,  ///< An fd that the run has opened is open at its end.
};

[[nodiscard]] constexpr const char* name_of(Ending ending) {
  constexpr const char* names[] = {"done",   "deadlock", "livelock", "failed assertion", "uncaught exception",
                                   "misuse", "leaked fd"};
  return names[static_cast<std::size_t>(ending)];
}

struct Outcome {
  Ending ending = Ending::done;
  std::string text;               ///< What was wrong, for a person; empty if nothing was.
  std::exception_ptr error;       ///< The exception that left a task's function, if one did.
  Schedule schedule;              ///< Replays the run.
  std::uint64_t steps = 0;        ///< Schedule points passed.
  std::uint64_t preemptions = 0;  ///< How often another task went on though the one that ran could have.
  kernel::Time time = 0;          ///< The virtual time it took, in nanoseconds.

  [[nodiscard]] bool failed() const { return ending != Ending::done; }
  /// True if both show the same mistake, as far as can be said: what was asserted or thrown is the same.
  [[nodiscard]] bool fails_like(const Outcome& other) const {
    const bool is_told_by_text = ending == Ending::assertion || ending == Ending::exception;
    return failed() && ending == other.ending && (!is_told_by_text || text == other.text);
  }
};

}  // namespace rouse::inline v0::sim
