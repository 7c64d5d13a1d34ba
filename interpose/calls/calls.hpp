// What all interposed calls have in common: whose file it is, and the two ways on: the emulated kernel's, by
// rouse::posix, and the next definition's, which is Linux.
#pragma once

#include "../core.hpp"
#include "../next.hpp"

#include <rouse/posix.hpp>

namespace rouse::interpose {

/// A call on `fd`: `mine` if the emulated kernel has it, else `linux_call`. What is another process's is refused.
template <class Mine, class OfLinux>
[[gnu::always_inline]] inline auto dispatch(const char* call, int fd, Mine mine, OfLinux of_linux, int refusal = ENOSYS)
    -> decltype(mine()) {
  const FdState state = FdStates::of(fd);
  if (state == FdState::linux_file || state == FdState::watched) [[likely]]
    return of_linux();
  if (state == FdState::emulated) return emulated(mine, refusal);
  refuse_foreign(call, fd);
  return static_cast<decltype(mine())>(-1);
}

[[nodiscard]] inline bool is_real(Family family) { return Core::get().options().is_real(family); }

}  // namespace rouse::interpose
