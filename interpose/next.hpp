// The definition that a call would have come to without this library: the C library's, or a sanitizer's. With it a call
// on a file of Linux is what it always was, a cancellation point too.
#pragma once

#include "raw.hpp"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <dlfcn.h>
#include <sys/syscall.h>

namespace rouse::interpose {

template <std::size_t N>
struct FunctionName {
  char text[N];
  consteval FunctionName(const char (&name)[N]) { std::copy_n(name, N, text); }
};

/// Aborts if there is none: a call that is not in this C library was not to be made.
[[gnu::noinline, gnu::cold]] inline void* find_next(const char* name) {
  void* const found = ::dlsym(RTLD_NEXT, name);
  if (found != nullptr) return found;
  for (const char* part : {"rouse-run: there is no next ", name, "\n"}) {
    raw::call(SYS_write, 2, part, std::strlen(part));
  }
  std::abort();
}

template <FunctionName name>
struct Next {
  static inline constinit std::atomic<void*> found = nullptr;
  // All are looked up when the library is loaded. A first call may come in a signal handler, or from ThreadSanitizer in
  // the midst of a report, where dlsym(3), which has memory of its own to free, hangs or dies.
  static inline const bool is_looked_up = [] {
    found.store(::dlsym(RTLD_NEXT, name.text), std::memory_order_relaxed);
    return true;
  }();
};

/// `next<"read">(::read, fd, buffer, n)`: the function's type is taken, and not its definition, which is ours.
template <FunctionName name, class Result, class... Parameters, class... Arguments>
[[gnu::always_inline]] inline Result next(Result (*)(Parameters...), Arguments... arguments) {
  void* function = Next<name>::found.load(std::memory_order_relaxed);
  if (function == nullptr) [[unlikely]] {
    static_cast<void>(&Next<name>::is_looked_up);  // Or there would be none.
    function = find_next(name.text);               // Before this library's constructors.
    Next<name>::found.store(function, std::memory_order_relaxed);
  }
  return reinterpret_cast<Result (*)(Parameters...)>(function)(arguments...);
}

/// The type of one that is declared otherwise than it is called.
template <class Function>
inline constexpr Function* as = nullptr;

}  // namespace rouse::interpose
