// The signals that scripts send: how they are named, and which of them were handled. One handler serves both kernels.
#pragma once

#include "names.hpp"

#include <array>
#include <csignal>
#include <string>

namespace differential {

inline constexpr int script_signals[] = {SIGUSR1, SIGUSR2, 35};

// In sets each is a bit of its own.
inline constexpr Name signal_bit_names[] = {{"USR1", 1}, {"USR2", 2}, {"RT", 4}};

[[nodiscard]] inline ::sigset_t signal_set(std::int64_t bits) {
  ::sigset_t set;
  ::sigemptyset(&set);
  for (std::size_t i = 0; i < std::size(script_signals); ++i) {
    if ((bits & std::int64_t{1} << i) != 0) ::sigaddset(&set, script_signals[i]);
  }
  return set;
}
[[nodiscard]] inline std::int64_t bits_of(const ::sigset_t& set) {
  std::int64_t bits = 0;
  for (std::size_t i = 0; i < std::size(script_signals); ++i) {
    if (::sigismember(&set, script_signals[i]) == 1) bits |= std::int64_t{1} << i;
  }
  return bits;
}

/// Those handled since the last call of a script ended, in order.
struct SeenSignals {
  static constexpr std::size_t most = 64;
  std::array<volatile std::sig_atomic_t, most> signals;
  volatile std::sig_atomic_t count;
};
inline SeenSignals seen_signals{};

inline void note_signal(int signal) {
  const auto at = static_cast<std::size_t>(seen_signals.count);
  if (at >= SeenSignals::most) return;
  seen_signals.signals[at] = signal;
  seen_signals.count = static_cast<std::sig_atomic_t>(at + 1);
}

/// Writes them down, and forgets them.
inline void take_seen_signals(std::string& to) {
  for (std::size_t i = 0; i < static_cast<std::size_t>(seen_signals.count); ++i) {
    append_number(to += " handled ", seen_signals.signals[i]);
  }
  seen_signals.count = 0;
}

}  // namespace differential
