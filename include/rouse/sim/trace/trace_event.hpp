// TraceEvent: one thing that happened in a run, and its line of text.
#pragma once

#include "../../kernel/time.hpp"

#include <cstddef>
#include <cstdint>
#include <string>

namespace rouse::inline v0::sim {

struct TraceEvent {
  enum class Kind : std::uint8_t {
    call,     ///< Of the kernel, or a step of what tasks share. It is over if `result` says how.
    blocks,   ///< A task goes to sleep in the call that began at `call`.
    ends,     ///< That call is over after a sleep.
    wakes,    ///< A task, or time where there is none, ends the sleep of `other`.
    begins,   ///< There is another task: `other`.
    is_over,  ///< The function of a task has ended.
    time,     ///< It moves on.
    fault,    ///< One struck.
    failure,  ///< What ended the run.
  };

  Kind kind = Kind::call;
  kernel::Time time = 0;
  std::uint32_t task = 0;                   ///< Whose it is; 0 for nobody's.
  std::uint32_t other = 0;                  ///< Whom it concerns; of a sleep, who could end it; 0 for nobody known.
  std::size_t call = 0;                     ///< The event with which the call began that this belongs to.
  std::size_t end = 0;                      ///< Of a call: the first event after it; 0 while it is not over.
  kernel::Time until = kernel::time_never;  ///< Of a sleep.
  std::string text;                         ///< Without names of tasks, which are known when the run is over.
  std::string result;                       ///< Of a call, and of its end: what follows the text, ` = 8: 1`.
  std::string place;                        ///< In the source: `server.cpp:17`; empty if it is not known.
};

}  // namespace rouse::inline v0::sim
