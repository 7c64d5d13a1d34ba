// Digits: numbers in the texts of flags and addresses. <charconv> can do more, and takes a compiler longer to read than
// a handle does.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace rouse::inline v0::detail {

/// Sets `number` to what the whole of `text` is; false unless it is a number and no larger than T holds. `base` is at
/// most 16. An optional of each type of number would be most of what this header costs.
template <class T>
[[nodiscard]] bool read_number(std::string_view text, unsigned base, T& number) {
  static_assert(sizeof(T) <= sizeof(std::uint32_t) && T(-1) > 0, "a wider sum would pass its end unseen");
  std::uint64_t sum = 0;
  for (const char digit : text) {
    unsigned value = base;
    if (digit >= '0' && digit <= '9') value = static_cast<unsigned>(digit - '0');
    if (digit >= 'a' && digit <= 'f') value = static_cast<unsigned>(digit - 'a') + 10;
    if (digit >= 'A' && digit <= 'F') value = static_cast<unsigned>(digit - 'A') + 10;
    if (value >= base) return false;
    sum = sum * base + value;
    if (sum > static_cast<T>(-1)) return false;
  }
  number = static_cast<T>(sum);
  return !text.empty();
}

/// `0x` and the digits of `number`, the first of them not 0.
inline void append_hexadecimal(std::string& text, std::uint32_t number) {
  text += "0x";
  int shift = 28;
  while (shift > 0 && (number >> shift) == 0) shift -= 4;
  for (; shift >= 0; shift -= 4) text += "0123456789abcdef"[(number >> shift) & 0xf];
}

}  // namespace rouse::inline v0::detail
