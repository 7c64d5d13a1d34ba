// KernelAge: what an older Linux does not have, for tests of what a program does then.
#pragma once

#include "busy_poll.hpp"
#include "call.hpp"
#include "event_flags.hpp"

#include <cerrno>

namespace rouse::inline v0 {

/// What came to Linux after 4.4 among the calls there are here. All of it is there unless said otherwise.
struct KernelAge {
  bool has_exclusive = true;     ///< EventFlags::exclusive. Linux 4.5; before, the bit was ignored, and all were woken.
  bool has_epoll_pwait2 = true;  ///< Linux 5.11; ENOSYS before.
  bool has_busy_poll = true;     ///< EPIOCSPARAMS and EPIOCGPARAMS. Linux 6.9; before, an epoll had no ioctl: ENOTTY.
  bool has_dupfd_query = true;   ///< F_DUPFD_QUERY. Linux 6.10; EINVAL before.

  /// As of Linux 5.10: `KernelAge::of_linux(5, 10)`.
  [[nodiscard]] static constexpr KernelAge of_linux(int major_number, int minor_number) {
    const auto since = [&](int v, int p) { return major_number > v || (major_number == v && minor_number >= p); };
    return {.has_exclusive = since(4, 5),
            .has_epoll_pwait2 = since(5, 11),
            .has_busy_poll = since(6, 9),
            .has_dupfd_query = since(6, 10)};
  }

  /// True if the call itself is unknown: ENOSYS.
  [[nodiscard]] constexpr bool lacks(Call call) const { return call == Call::epoll_pwait2 && !has_epoll_pwait2; }
  /// What epoll_ctl heeds of the flags it is given.
  [[nodiscard]] constexpr EventFlags heeded(EventFlags flags) const {
    return has_exclusive ? flags : flags - EventFlags::exclusive;
  }
  /// What fcntl says to a command, on any open fd, that is too young for it; 0 for all others.
  [[nodiscard]] constexpr int fcntl_error(int command) const {
    constexpr int f_dupfd_query = 1024 + 3;  // Younger than the C library's headers.
    return command == f_dupfd_query && !has_dupfd_query ? EINVAL : 0;
  }
  /// Likewise ioctl.
  [[nodiscard]] constexpr int ioctl_error(unsigned long request) const {
    return (request == epiocsparams || request == epiocgparams) && !has_busy_poll ? ENOTTY : 0;
  }

  friend constexpr bool operator==(const KernelAge&, const KernelAge&) = default;
};

}  // namespace rouse::inline v0
