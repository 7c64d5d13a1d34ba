// What AddressSanitizer and ThreadSanitizer are told of fibers. Without them all of this is nothing.
#pragma once

#include "tsan.hpp"

#include <cstddef>

// Defined by the sanitizers' run-time libraries; named and never called without them.
extern "C" {
void __sanitizer_start_switch_fiber(void** fake_stack_save, const void* bottom, std::size_t size);
void __sanitizer_finish_switch_fiber(void* fake_stack_save, const void** bottom_old, std::size_t* size_old);
void __asan_unpoison_memory_region(void const volatile* address, std::size_t size);
void* __tsan_get_current_fiber(void);
void* __tsan_create_fiber(unsigned flags);
void __tsan_destroy_fiber(void* fiber);
void __tsan_switch_to_fiber(void* fiber, unsigned flags);
}

namespace rouse::inline v0::detail {

#if defined(__SANITIZE_ADDRESS__)
inline constexpr bool asan_is_on = true;
#elif defined(__has_feature)
inline constexpr bool asan_is_on = __has_feature(address_sanitizer);
#else
inline constexpr bool asan_is_on = false;
#endif

/// A stack as AddressSanitizer knows it. That of a thread is learnt when it is first left.
struct AsanStack {
  const void* bottom = nullptr;
  std::size_t size = 0;
  void* fake_stack = nullptr;
};

/// A switch is announced in two halves: before, on the stack that is left, and after, on the other one.
inline void asan_leave([[maybe_unused]] AsanStack& from, [[maybe_unused]] const AsanStack& to) {
  if constexpr (asan_is_on) __sanitizer_start_switch_fiber(&from.fake_stack, to.bottom, to.size);
}
inline void asan_arrive([[maybe_unused]] AsanStack& here, [[maybe_unused]] AsanStack& from) {
  if constexpr (asan_is_on) __sanitizer_finish_switch_fiber(here.fake_stack, &from.bottom, &from.size);
}
/// What the frames left on a stack means nothing to whoever gets its addresses next.
inline void asan_unpoison([[maybe_unused]] void* bottom, [[maybe_unused]] std::size_t size) {
  if constexpr (asan_is_on) __asan_unpoison_memory_region(bottom, size);
}

[[nodiscard]] inline void* tsan_current_fiber() {
  if constexpr (tsan_is_on) return __tsan_get_current_fiber();
  return nullptr;
}
[[nodiscard]] inline void* tsan_create_fiber() {
  if constexpr (tsan_is_on) return __tsan_create_fiber(0);
  return nullptr;
}
inline void tsan_destroy_fiber([[maybe_unused]] void* fiber) {
  if constexpr (tsan_is_on) {
    if (fiber != nullptr) __tsan_destroy_fiber(fiber);
  }
}
/// For __tsan_switch_to_fiber: no edge comes of the switch itself, as which fiber is next is no order that the program
/// under test may rely on. To be called where no function that the sanitizer sees ends before the switch is made: what
/// it knows of the stack is the other fiber's from then on.
inline constexpr unsigned tsan_without_sync = 1;

}  // namespace rouse::inline v0::detail
