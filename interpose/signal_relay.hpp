// SignalRelay: stands in front of the program's signal handlers. Linux keeps masks, what is pending and what is to be
// done; the relay only sees to it that no handler runs in the midst of a call of the emulated kernel, and that one that
// runs while a call sleeps ends that sleep.
#pragma once

#include <rouse/kernel/process_signals.hpp>

#include <csignal>

namespace rouse::interpose {

class SignalRelay final : public kernel::ProcessSignals {
 public:
  /// sigaction(2), with the relay in front of the handler.
  static int sigaction(int signal, const struct ::sigaction* to, struct ::sigaction* before);

  [[nodiscard]] SignalSet pending_here() override;
  std::optional<::siginfo_t> take_here(SignalSet wanted) override;
  kernel::Handled let_in(SignalSet mask) override;
  void raise_here(int signal) override;
};

}  // namespace rouse::interpose
