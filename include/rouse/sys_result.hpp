// SysResult: what a syscall returned: a value, or an errno. Both backends speak it, so results compare as values.
#pragma once

#include "detail/assert.hpp"

#include <cerrno>
#include <concepts>
#include <cstdint>
#include <iosfwd>
#include <string>

namespace rouse::inline v0 {

/// A syscall's result in one word, as the kernel returns it: the value, or the errno negated. `T` is `void` or an
/// integer, and values are not negative.
template <class T>
  requires std::integral<T> || std::same_as<T, void>
class [[nodiscard]] SysResult {
 public:
  constexpr SysResult() requires std::same_as<T, void>
  = default;
  template <std::integral V>
  constexpr SysResult(V value) requires(!std::same_as<T, void>) : word_(static_cast<std::int64_t>(value)) {}

  /// Precondition: error > 0.
  [[nodiscard]] static constexpr SysResult failure(int error) {
    SysResult result{Raw{}};
    result.word_ = -std::int64_t{error};
    return result;
  }
  /// For the C library's convention: -1 says that the error is in `errno`, and nothing else is negative. This test is
  /// the only one that a call costs that went well, as all later ones (`ok`, `would_block`) follow from it.
  [[nodiscard]] static SysResult from_libc(std::int64_t returned) {
    if (returned < 0) [[unlikely]] {
      const int error = errno;
      if (error <= 0) __builtin_unreachable();
      return failure(error);
    }
    SysResult result{Raw{}};
    result.word_ = returned;
    return result;
  }

  [[nodiscard]] constexpr bool ok() const { return word_ >= 0; }
  /// The errno, or 0.
  [[nodiscard]] constexpr int error() const { return word_ < 0 ? static_cast<int>(-word_) : 0; }
  [[nodiscard]] constexpr bool would_block() const { return word_ == -std::int64_t{EAGAIN}; }
  /// Precondition: ok().
  [[nodiscard]] constexpr T value() const {
    ROUSE_ASSERT(ok(), "SysResult::value() of a call that failed");
    if constexpr (!std::same_as<T, void>) return static_cast<T>(word_);
  }
  /// The value, or the errno negated.
  [[nodiscard]] constexpr std::int64_t word() const { return word_; }

  /// The same failure for a call that returns something else. Precondition: !ok().
  template <class U>
  [[nodiscard]] constexpr operator SysResult<U>() const requires(!std::same_as<T, U>) {
    ROUSE_ASSERT(!ok(), "SysResult: only a failure turns into another call's result");
    return SysResult<U>::failure(error());
  }

  friend constexpr bool operator==(SysResult, SysResult) = default;

  template <class Char, class Traits>
  friend std::basic_ostream<Char, Traits>& operator<<(std::basic_ostream<Char, Traits>& out, SysResult result) {
    return result.ok() ? out << result.word_ : out << "errno " << result.error();
  }

 private:
  struct Raw {};
  constexpr explicit SysResult(Raw) {}

  std::int64_t word_ = 0;
};

}  // namespace rouse::inline v0
