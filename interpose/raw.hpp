// Linux's calls without the C library, whose names are taken: what the library itself asks of Linux goes this way.
#pragma once

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <type_traits>

namespace rouse::interpose::raw {

template <class T>
long word(T value) {
  if constexpr (std::is_pointer_v<T>) {
    return reinterpret_cast<long>(value);
  } else if constexpr (std::is_null_pointer_v<T>) {
    return 0;
  } else {
    return static_cast<long>(value);
  }
}

/// What the kernel returns: negative errnos, too. `errno` stays as it is.
inline long call_words(long number, long a, long b, long c, long d, long e, long f) {
#if defined(__x86_64__)
  long result = number;
  register long r10 asm("r10") = d;
  register long r8 asm("r8") = e;
  register long r9 asm("r9") = f;
  asm volatile("syscall" : "+a"(result) : "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9) : "rcx", "r11", "memory");
  return result;
#elif defined(__aarch64__)
  register long x8 asm("x8") = number;
  register long x0 asm("x0") = a;
  register long x1 asm("x1") = b;
  register long x2 asm("x2") = c;
  register long x3 asm("x3") = d;
  register long x4 asm("x4") = e;
  register long x5 asm("x5") = f;
  asm volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
  return x0;
#else
#error "rouse-run: this processor's way into Linux is not known"
#endif
}

template <class... Arguments>
long call(long number, Arguments... arguments) {
  long words[6] = {word(arguments)...};
  return call_words(number, words[0], words[1], words[2], words[3], words[4], words[5]);
}

/// As the C library has it: -1, and errno says why. Addresses and large values are no errnos.
inline long as_libc(long result) {
  constexpr long errno_max = 4095;
  if (result >= 0 || result < -errno_max) return result;
  errno = static_cast<int>(-result);
  return -1;
}

}  // namespace rouse::interpose::raw
