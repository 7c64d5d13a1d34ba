// ROUSE_ASSERT: the answer to misuse (a closed handle, another kernel's fd). On unless NDEBUG is set.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace rouse::inline v0::detail {

[[noreturn, gnu::cold, gnu::noinline]] inline void assertion_failed(const char* message, const char* condition,
                                                                    const char* file, int line) noexcept {
  std::fprintf(stderr, "rouse: %s\n  assertion `%s` failed at %s:%d\n", message, condition, file, line);
  std::abort();
}

}  // namespace rouse::inline v0::detail

#ifdef NDEBUG
#define ROUSE_ASSERT(condition, message) static_cast<void>(0)
#else
#define ROUSE_ASSERT(condition, message)               \
  (static_cast<bool>(condition) ? static_cast<void>(0) \
                                : ::rouse::detail::assertion_failed(message, #condition, __FILE__, __LINE__))
#endif
