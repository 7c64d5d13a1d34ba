// OwnFds: the few fds that the library has for itself. They stand where the program does not come upon them: above its
// RLIMIT_NOFILE, and what it may raise a low one to, if the hard limit allows that, else at its end.
#pragma once

#include "raw.hpp"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <fcntl.h>
#include <limits>
#include <sys/resource.h>
#include <sys/syscall.h>

namespace rouse::interpose {

class OwnFds {
 public:
  /// Moves an fd that was just opened out of the way, closed on exec. A failed call's negative errno stays one; the fd
  /// stays where it is if there is no room up there.
  static int keep(long fd) {
    if (fd < 0) return static_cast<int>(fd);
    const long moved = duplicate(static_cast<int>(fd));
    if (moved >= 0) raw::call(SYS_close, fd);
    const int kept = static_cast<int>(moved >= 0 ? moved : fd);
    for (std::atomic<int>& place : own) {
      int free = none;
      if (place.compare_exchange_strong(free, kept)) break;
    }
    int lowest_so_far = lowest.load();
    while (kept < lowest_so_far && !lowest.compare_exchange_weak(lowest_so_far, kept)) {
    }
    return kept;
  }
  static void close(int fd) {
    for (std::atomic<int>& place : own) {
      int there = fd;
      if (!place.compare_exchange_strong(there, none)) continue;
      raw::call(SYS_close, fd);
    }
  }
  /// A duplicate up there, closed on exec; a negative errno if there is none to be had.
  static long duplicate(int fd) {
    ::rlimit limit{};
    if (raw::call(SYS_prlimit64, 0, RLIMIT_NOFILE, nullptr, &limit) < 0) return -1;
    // The limit is only looked at when a number is given out.
    const ::rlim_t end = limit.rlim_cur;
    const ::rlim_t from = std::max<::rlim_t>(end, usual_limit);
    const ::rlimit raised{std::min<::rlim_t>(from + room, limit.rlim_max), limit.rlim_max};
    if (raised.rlim_cur < from + room || raw::call(SYS_prlimit64, 0, RLIMIT_NOFILE, &raised, nullptr) < 0) {
      return raw::call(SYS_fcntl, fd, F_DUPFD_CLOEXEC, end > 2 * room ? end - room : end / 2);
    }
    const long moved = raw::call(SYS_fcntl, fd, F_DUPFD_CLOEXEC, from);
    raw::call(SYS_prlimit64, 0, RLIMIT_NOFILE, &limit, nullptr);
    return moved;
  }
  [[nodiscard]] static bool has(int fd) {
    if (fd < lowest.load(std::memory_order_relaxed)) [[likely]]
      return false;
    for (const std::atomic<int>& place : own) {
      if (place.load(std::memory_order_relaxed) == fd) return true;
    }
    return false;
  }
  /// Visits them in no order.
  template <class Visit>
  static void for_each(Visit visit) {
    for (const std::atomic<int>& place : own) {
      if (const int fd = place.load(std::memory_order_relaxed); fd != none) visit(fd);
    }
  }

 private:
  static constexpr int none = -1;
  static constexpr std::size_t room = 8;
  static constexpr ::rlim_t usual_limit = 4096;  // Much more costs memory in Linux: its tables end at the highest fd.

  static inline constinit std::atomic<int> lowest = std::numeric_limits<int>::max();
  static inline constinit std::atomic<int> own[room] = {none, none, none, none, none, none, none, none};
};

}  // namespace rouse::interpose
