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

[[gnu::noinline, gnu::cold]] inline void* find_next(const char* name) {
  void* const found = ::dlsym(RTLD_NEXT, name);
  if (found != nullptr) return found;
  for (const char* part : {"rouse-run: there is no next ", name, "\n"}) {
    raw::call(SYS_write, 2, part, std::strlen(part));
  }
  std::abort();
}

/// `next<"read">(::read, fd, buffer, n)`: the function's type is taken, and not its definition, which is ours.
template <FunctionName name, class Result, class... Parameters, class... Arguments>
[[gnu::always_inline]] inline Result next(Result (*)(Parameters...), Arguments... arguments) {
  static constinit std::atomic<void*> found = nullptr;
  void* function = found.load(std::memory_order_relaxed);
  if (function == nullptr) [[unlikely]] {
    function = find_next(name.text);
    found.store(function, std::memory_order_relaxed);
  }
  return reinterpret_cast<Result (*)(Parameters...)>(function)(arguments...);
}

/// The type of one that is declared otherwise than it is called.
template <class Function>
inline constexpr Function* as = nullptr;

}  // namespace rouse::interpose
