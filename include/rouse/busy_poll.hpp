// BusyPoll: the parameters of epoll's busy polling. Younger than the C library's headers, so the numbers are here.
#pragma once

#include <cstdint>
#include <sys/ioctl.h>

namespace rouse::inline v0 {

/// How epoll_wait polls network devices before it sleeps: the kernel's `struct epoll_params`. Linux 6.9.
struct BusyPoll {
  std::uint32_t microseconds = 0;  ///< How long; 0 is off. At most INT_MAX.
  std::uint16_t budget = 0;        ///< Packets a round; more than 64 needs CAP_NET_ADMIN.
  std::uint8_t prefer = 0;         ///< 1: devices leave their interrupts off meanwhile.
  std::uint8_t reserved = 0;       ///< Zero.

  friend constexpr bool operator==(const BusyPoll&, const BusyPoll&) = default;
};
static_assert(sizeof(BusyPoll) == 8);

inline constexpr unsigned long epiocsparams = _IOW(0x8A, 0x01, BusyPoll);
inline constexpr unsigned long epiocgparams = _IOR(0x8A, 0x02, BusyPoll);

}  // namespace rouse::inline v0
