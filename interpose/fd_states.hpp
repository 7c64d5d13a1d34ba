// FdStates: whose an fd number is. What each interposed call asks first, so it is a look into an array, without a lock.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace rouse::interpose {

enum class FdState : std::uint8_t {
  linux_file,  ///< Linux's, or not open at all: nothing is known of it.
  emulated,    ///< The emulated kernel's; Linux has a placeholder there.
  watched,     ///< Linux's; the emulated kernel has a RealFile for it.
  foreign,     ///< A placeholder whose file is in the emulated kernel of another process.
};

/// Numbers from here on are never emulated.
inline constexpr std::size_t fds_max = std::size_t{1} << 20;

class FdStates {
 public:
  [[nodiscard]] static FdState of(int fd) {
    const auto index = static_cast<unsigned>(fd);
    return index < fds_max ? states[index].load(std::memory_order_acquire) : FdState::linux_file;
  }
  [[nodiscard]] static bool is_emulated(int fd) { return of(fd) == FdState::emulated; }
  /// True if calls on it go to Linux.
  [[nodiscard]] static bool is_linux(int fd) {
    const FdState state = of(fd);
    return state == FdState::linux_file || state == FdState::watched;
  }
  /// Precondition: 0 <= fd < fds_max.
  static void set(int fd, FdState state) {
    int end_before = end.load(std::memory_order_relaxed);
    while (fd >= end_before && !end.compare_exchange_weak(end_before, fd + 1)) {
    }
    states[static_cast<std::size_t>(fd)].store(state, std::memory_order_release);
  }
  /// Visits the numbers that are known of, or were.
  template <class Visit>
  static void for_each(Visit visit) {
    for (int fd = 0; fd < end.load(); ++fd) visit(fd, of(fd));
  }

 private:
  static inline constinit std::atomic<int> end = 0;  // Of those that were set.
  // Zero at first, and so no memory until it is written.
  static inline constinit std::atomic<FdState> states[fds_max]{};
};

}  // namespace rouse::interpose
