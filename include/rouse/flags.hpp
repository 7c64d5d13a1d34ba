// FlagSet: what all typed flag words share: set algebra, names, printing and parsing. EventFlags and its kin derive
// from it, so that an eventfd's flags cannot be handed to an epoll.
#pragma once

#include "detail/digits.hpp"

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>

namespace rouse::inline v0 {

/// One bit and the name it prints as: the kernel's word without its prefix, in lower case.
struct FlagName {
  std::uint32_t bit;
  std::string_view text;
};

/// A set of bits of one kind. `Derived` supplies `static constexpr std::array<FlagName, N> names()`.
/// Unknown bits are kept: what the kernel said is never lost. A structural type, usable as a template argument.
template <class Derived>
struct FlagSet {
  /// The bits as the kernel sees them.
  std::uint32_t bits = 0;

  constexpr FlagSet() = default;
  constexpr explicit FlagSet(std::uint32_t raw) : bits(raw) {}

  /// True if every bit of `wanted` is set.
  [[nodiscard]] constexpr bool has(Derived wanted) const { return (bits & wanted.bits) == wanted.bits; }
  /// True if at least one bit of `wanted` is set.
  [[nodiscard]] constexpr bool has_any(Derived wanted) const { return (bits & wanted.bits) != 0; }
  [[nodiscard]] constexpr bool empty() const { return bits == 0; }
  constexpr explicit operator bool() const { return bits != 0; }

  friend constexpr Derived operator|(Derived a, Derived b) { return Derived{a.bits | b.bits}; }
  friend constexpr Derived operator&(Derived a, Derived b) { return Derived{a.bits & b.bits}; }
  friend constexpr Derived operator^(Derived a, Derived b) { return Derived{a.bits ^ b.bits}; }
  friend constexpr Derived operator-(Derived a, Derived b) { return Derived{a.bits & ~b.bits}; }
  friend constexpr Derived operator~(Derived a) { return Derived{~a.bits}; }
  friend constexpr Derived& operator|=(Derived& a, Derived b) { return a = a | b; }
  friend constexpr Derived& operator&=(Derived& a, Derived b) { return a = a & b; }
  friend constexpr Derived& operator^=(Derived& a, Derived b) { return a = a ^ b; }
  friend constexpr Derived& operator-=(Derived& a, Derived b) { return a = a - b; }
  friend constexpr bool operator==(Derived a, Derived b) { return a.bits == b.bits; }

  /// The flags' names joined by `|`; what has no name is added in hexadecimal, and the empty set is `0`.
  friend std::string to_string(Derived flags) {
    if (flags.bits == 0) return "0";
    std::string text;
    std::uint32_t unnamed = flags.bits;
    for (const FlagName& name : Derived::names()) {
      if ((flags.bits & name.bit) == 0) continue;
      unnamed &= ~name.bit;
      if (!text.empty()) text += '|';
      text += name.text;
    }
    if (unnamed != 0) {
      if (!text.empty()) text += '|';
      detail::append_hexadecimal(text, unnamed);
    }
    return text;
  }

  /// The set that `to_string` prints as `text`; nothing if a part of it is no name and no 32-bit hexadecimal number.
  static std::optional<Derived> parse(std::string_view text) {
    if (text == "0") return Derived{};
    Derived flags;
    for (;;) {
      const std::size_t bar = text.find('|');
      std::uint32_t bit = 0;
      if (!read_one(text.substr(0, bar), bit)) return std::nullopt;
      flags.bits |= bit;
      if (bar == std::string_view::npos) return flags;
      text.remove_prefix(bar + 1);
    }
  }

  template <class Char, class Traits>
  friend std::basic_ostream<Char, Traits>& operator<<(std::basic_ostream<Char, Traits>& out, Derived flags) {
    return out << to_string(flags).c_str();
  }

 private:
  // As detail::read_number, and for the same reason.
  static bool read_one(std::string_view word, std::uint32_t& bit) {
    for (const FlagName& name : Derived::names()) {
      if (name.text == word) return bit = name.bit, true;
    }
    return word.starts_with("0x") && detail::read_number(word.substr(2), 16, bit);
  }
};

}  // namespace rouse::inline v0
