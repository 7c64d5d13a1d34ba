// ProcessSignals: the signals of the process that the kernel is in, for one that serves that very process: Linux keeps
// the masks and what is pending, and runs the handlers. Nothing of it is emulated then but what calls make of it.
#pragma once

#include "signal_set.hpp"
#include "task.hpp"

#include <csignal>
#include <optional>

namespace rouse::inline v0::kernel {

class ProcessSignals {
 public:
  ProcessSignals() = default;
  ProcessSignals(const ProcessSignals&) = delete;
  ProcessSignals& operator=(const ProcessSignals&) = delete;

  /// What is pending for the calling thread or its process.
  [[nodiscard]] virtual SignalSet pending_here() = 0;
  /// Takes the next of these, if one is pending.
  virtual std::optional<::siginfo_t> take_here(SignalSet wanted) = 0;
  /// Lets those in that are pending and not in `mask`, with the kernel unlocked: what the first one's handler was; of
  /// one without a handler, by_interrupting.
  virtual Handled let_in(SignalSet mask) = 0;
  /// Sends one to the calling thread.
  virtual void raise_here(int signal) = 0;

 protected:
  ~ProcessSignals() = default;
};

}  // namespace rouse::inline v0::kernel
