// KnownMemory: which memory calls may touch is remembered by each thread (kernel::UserPages), until the program takes
// some away.
#pragma once

#include <rouse/kernel/user_pages.hpp>

#include <atomic>
#include <cstdint>

namespace rouse::interpose {

class KnownMemory {
 public:
  /// The program has unmapped memory, or protected it, or is about to.
  static void note_change() { changes.fetch_add(1, std::memory_order_relaxed); }

  /// What this thread remembers may not be so any more.
  static void forget_if_changed() {
    const std::uint32_t now = changes.load(std::memory_order_relaxed);
    if (now == seen) [[likely]]
      return;
    kernel::UserPages::forget();
    seen = now;
  }

 private:
  static inline constinit std::atomic<std::uint32_t> changes = 0;
  [[gnu::tls_model("initial-exec")]] static inline constinit thread_local std::uint32_t seen = 0;
};

}  // namespace rouse::interpose
