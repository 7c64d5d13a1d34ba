// SignalSet: signals by number, as the kernel keeps masks: one bit each, 64 of them.
#pragma once

#include "detail/assert.hpp"

#include <bit>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <iosfwd>
#include <signal.h>
#include <string>

namespace rouse::inline v0 {

inline constexpr int signals_max = 64;  ///< _NSIG - 1: signals are numbered from 1.

/// A set of signals: `SignalSet::of(SIGINT, SIGTERM)`. A value, with the algebra of sets.
class SignalSet {
 public:
  constexpr SignalSet() = default;
  /// Precondition: numbers from 1 to signals_max, here and below.
  [[nodiscard]] static constexpr SignalSet of(int signal) {
    ROUSE_ASSERT(signal >= 1 && signal <= signals_max, "SignalSet: there is no such signal");
    return of_bits(std::uint64_t{1} << (signal - 1));
  }
  template <class... Signals>
  [[nodiscard]] static constexpr SignalSet of(int signal, Signals... more) {
    return of(signal) | of(more...);
  }
  [[nodiscard]] static constexpr SignalSet all() { return of_bits(~std::uint64_t{0}); }
  /// Signal n is the bit n - 1.
  [[nodiscard]] static constexpr SignalSet of_bits(std::uint64_t bits) {
    SignalSet set;
    set.bits_ = bits;
    return set;
  }
  /// To and from the C library's set, which has more room than there are signals.
  [[nodiscard]] static SignalSet from(const ::sigset_t& set) {
    std::uint64_t bits = 0;
    std::memcpy(&bits, &set, sizeof bits);
    return of_bits(bits);
  }
  [[nodiscard]] ::sigset_t to_sigset() const {
    ::sigset_t set;
    ::sigemptyset(&set);
    std::memcpy(&set, &bits_, sizeof bits_);
    return set;
  }

  [[nodiscard]] constexpr std::uint64_t bits() const { return bits_; }
  [[nodiscard]] constexpr bool empty() const { return bits_ == 0; }
  [[nodiscard]] constexpr bool has(int signal) const { return !(*this & of(signal)).empty(); }
  /// The lowest number. Precondition: not empty.
  [[nodiscard]] constexpr int lowest() const { return std::countr_zero(bits_) + 1; }
  /// Visits the numbers, the lowest first.
  template <class Visit>
  constexpr void for_each(Visit visit) const {
    for (std::uint64_t left = bits_; left != 0; left &= left - 1) visit(std::countr_zero(left) + 1);
  }

  friend constexpr SignalSet operator|(SignalSet a, SignalSet b) { return of_bits(a.bits_ | b.bits_); }
  friend constexpr SignalSet operator&(SignalSet a, SignalSet b) { return of_bits(a.bits_ & b.bits_); }
  friend constexpr SignalSet operator-(SignalSet a, SignalSet b) { return of_bits(a.bits_ & ~b.bits_); }
  friend constexpr bool operator==(SignalSet, SignalSet) = default;

  /// The numbers, the lowest first: `{2, 15}`.
  friend std::string to_string(SignalSet set) {
    std::string text = "{";
    set.for_each([&text](int signal) { text += (text.size() > 1 ? ", " : "") + std::to_string(signal); });
    return text + '}';
  }
  template <class Char, class Traits>
  friend std::basic_ostream<Char, Traits>& operator<<(std::basic_ostream<Char, Traits>& out, SignalSet set) {
    return out << to_string(set).c_str();
  }

 private:
  std::uint64_t bits_ = 0;
};

}  // namespace rouse::inline v0
