// Addresses that no call can read or write.
#pragma once

#include <cstdint>

namespace test {

/// A pointer that the compiler knows nothing of, lest it warns of what it points to.
template <class T>
T* pointer_to(std::uintptr_t number) {
  const volatile std::uintptr_t address = number;
  return reinterpret_cast<T*>(std::uintptr_t{address});
}

/// Never mapped, but within user space: a call notices when it touches it.
template <class T = char>
T* unmapped() {
  return pointer_to<T>(8);
}
template <class T = char>
T* null() {
  return pointer_to<T>(0);
}

/// The kernel's half of the address space: a call refuses it by its value alone.
template <class T = char>
T* in_kernel_space() {
  return pointer_to<T>(0xffff'8000'0000'0000);
}

/// True if a sanitizer looks at all that a call says it has read or written, also where Linux itself never looks.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool buffers_are_watched = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
inline constexpr bool buffers_are_watched = true;
#else
inline constexpr bool buffers_are_watched = false;
#endif
#else
inline constexpr bool buffers_are_watched = false;
#endif

}  // namespace test
