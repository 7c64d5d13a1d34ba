// What ThreadSanitizer is told. The emulated kernel's lock would order every call and so hide the races of the code
// under test; hence all that the kernel does is hidden, accesses and synchronisation alike, and only the edges that
// Linux guarantees are announced. Without the sanitizer all of this is nothing.
#pragma once

#include <cstddef>
#include <cstring>

// The sanitizer's run-time library defines these; no header of g++ declares the first six. Without the sanitizer they
// are named and never called.
extern "C" {
void AnnotateIgnoreReadsBegin(const char* file, int line);
void AnnotateIgnoreReadsEnd(const char* file, int line);
void AnnotateIgnoreWritesBegin(const char* file, int line);
void AnnotateIgnoreWritesEnd(const char* file, int line);
void AnnotateIgnoreSyncBegin(const char* file, int line);
void AnnotateIgnoreSyncEnd(const char* file, int line);
void __tsan_acquire(void* address);
void __tsan_release(void* address);
void __tsan_read_range(void* address, unsigned long size);
void __tsan_write_range(void* address, unsigned long size);
}

namespace rouse::inline v0::detail {

#if defined(__SANITIZE_THREAD__)
inline constexpr bool tsan_is_on = true;
#elif defined(__has_feature)
inline constexpr bool tsan_is_on = __has_feature(thread_sanitizer);
#else
inline constexpr bool tsan_is_on = false;
#endif

inline void tsan_hide() {
  if constexpr (tsan_is_on) {
    AnnotateIgnoreReadsBegin(__FILE__, __LINE__);
    AnnotateIgnoreWritesBegin(__FILE__, __LINE__);
    AnnotateIgnoreSyncBegin(__FILE__, __LINE__);
  }
}
inline void tsan_show() {
  if constexpr (tsan_is_on) {
    AnnotateIgnoreSyncEnd(__FILE__, __LINE__);
    AnnotateIgnoreWritesEnd(__FILE__, __LINE__);
    AnnotateIgnoreReadsEnd(__FILE__, __LINE__);
  }
}

/// Our own code: the sanitizer looks away. Must not be nested.
struct Hidden {
  Hidden() { tsan_hide(); }
  Hidden(const Hidden&) = delete;
  Hidden& operator=(const Hidden&) = delete;
  ~Hidden() { tsan_show(); }
};

/// The user's memory and functions, reached from hidden code: the sanitizer looks again.
struct Visible {
  Visible() { tsan_show(); }
  Visible(const Visible&) = delete;
  Visible& operator=(const Visible&) = delete;
  ~Visible() { tsan_hide(); }
};

/// An edge that Linux guarantees, from hidden code: what this thread did so far happens before what a thread does that
/// acquires the same object later.
inline void tsan_release([[maybe_unused]] const void* object) {
  if constexpr (tsan_is_on) {
    const Visible visible;
    __tsan_release(const_cast<void*>(object));
  }
}
inline void tsan_acquire([[maybe_unused]] const void* object) {
  if constexpr (tsan_is_on) {
    const Visible visible;
    __tsan_acquire(const_cast<void*>(object));
  }
}

/// memcpy into the user's memory, from hidden code: only the user's side is an access. Acquire first, then copy.
inline void copy_to_user(void* user, const void* from, std::size_t n) {
  if constexpr (tsan_is_on) {
    const Visible visible;
    __tsan_write_range(user, n);
  }
  if (n != 0) std::memcpy(user, from, n);  // Of nothing, either may be null.
}
/// memcpy out of the user's memory, likewise.
inline void copy_from_user(void* to, const void* user, std::size_t n) {
  if constexpr (tsan_is_on) {
    const Visible visible;
    __tsan_read_range(const_cast<void*>(user), n);
  }
  if (n != 0) std::memcpy(to, user, n);
}

}  // namespace rouse::inline v0::detail
