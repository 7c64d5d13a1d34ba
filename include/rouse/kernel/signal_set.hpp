// Sets of signals on their way between the caller and the kernel.
#pragma once

#include "../signal_set.hpp"
#include "user_memory.hpp"

#include <csignal>
#include <cstdint>

namespace rouse::inline v0::kernel {

using rouse::signals_max;
using rouse::SignalSet;

/// Which nobody can block or handle.
inline constexpr SignalSet unblockable_signals = SignalSet::of(SIGKILL, SIGSTOP);

/// The C library's set, of which the kernel has the first eight bytes.
[[nodiscard]] inline SignalSet signal_set(const ::sigset_t& from) {
  return SignalSet::from(from) - unblockable_signals;
}
[[nodiscard]] inline ::sigset_t sigset(SignalSet from) { return from.to_sigset(); }

/// From the caller's memory, of which the kernel looks at the first eight bytes; false means EFAULT.
inline bool get_user(SignalSet& to, const ::sigset_t* from) {
  std::uint64_t bits = 0;
  if (!get_user(bits, static_cast<const void*>(from))) return false;
  to = SignalSet::of_bits(bits) - unblockable_signals;
  return true;
}
inline bool put_user(::sigset_t* to, SignalSet from) { return put_user(static_cast<void*>(to), from.bits()); }

}  // namespace rouse::inline v0::kernel
