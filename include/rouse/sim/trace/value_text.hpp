// What calls are given and give back, as text: numbers of the kernel by their names, and the caller's memory by what is
// in it. Never an address, as a text has to be the same in each run and of each compiler.
#pragma once

#include "../../fault.hpp"
#include "../../kernel/dump.hpp"
#include "../../kernel/signal_set.hpp"
#include "../../kernel/user_memory.hpp"
#include "../../socket_address.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <ctime>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <type_traits>
#include <utility>

namespace rouse::inline v0::sim::value_text {

using kernel::Time;

using kernel::detail_dump::lowest_address;
/// How many bytes of what is moved are shown.
inline constexpr std::size_t bytes_max = 24;

// -- the caller's memory

/// Not an access of the program's: sanitizers look away.
__attribute__((no_sanitize("address", "thread"))) inline void copy_unseen(void* to, const void* from, std::size_t n) {
  const volatile char* const source = static_cast<const volatile char*>(from);
  for (std::size_t i = 0; i < n; ++i) static_cast<char*>(to)[i] = source[i];
}
/// False if it cannot be read.
inline bool peek(void* to, const void* from, std::size_t n) {
  if (!kernel::can_read_user(from, n)) return false;
  copy_unseen(to, from, n);
  return true;
}
template <class T>
std::optional<T> peek(const void* from) {
  T value{};
  return peek(&value, from, sizeof value) ? std::optional<T>{value} : std::nullopt;
}
/// Where in an array. By numbers, as it need not be one.
template <class T>
std::optional<T> peek(const void* array, std::size_t i) {
  return peek<T>(kernel::user_at(array, i * sizeof(T)));
}

// -- text

inline constexpr const char* bad_address = "a bad address";

struct Name {
  std::int64_t value;
  const char* text;
};

inline std::string hexadecimal(std::uint64_t number) {
  char digits[16];
  const auto end = std::to_chars(digits, digits + sizeof digits, number, 16).ptr;
  return std::string{"0x"}.append(digits, end);
}

/// The name of a number, or else the number.
inline std::string name_or_number(std::int64_t value, std::initializer_list<Name> names) {
  for (const Name& name : names) {
    if (name.value == value) return name.text;
  }
  return std::to_string(value);
}
/// The names of bits, joined by `|`; the rest in hexadecimal, and `0` for none.
inline std::string flags(std::uint64_t bits, std::initializer_list<Name> names) {
  std::string text;
  const auto add = [&text](const std::string& word) { text.append(text.empty() ? "" : "|").append(word); };
  for (const Name& name : names) {
    const auto bit = static_cast<std::uint64_t>(name.value);
    if ((bits & bit) == 0) continue;
    add(name.text);
    bits &= ~bit;
  }
  if (bits != 0) add(hexadecimal(bits));
  return text.empty() ? "0" : text;
}

using rouse::detail::errno_text;
inline std::string signal(int number) {
#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 32)
  if (const char* const name = ::sigabbrev_np(number)) return std::string{"SIG"} + name;
#endif
  return "signal " + std::to_string(number);
}
inline std::string signals(SignalSet set) {
  std::string text;
  set.for_each([&](int number) { text.append(text.empty() ? "{" : ", ").append(signal(number)); });
  return text.empty() ? "{}" : text + '}';
}
inline std::string signals_at(const void* address) {
  const auto bits = peek<std::uint64_t>(address);
  return bits ? signals(SignalSet::of_bits(*bits)) : bad_address;
}

/// A moment as dumps have it.
inline std::string moment(Time time) { return kernel::detail_dump::milliseconds(time); }

/// A span of time in the largest unit that it is whole in: `5 ms`, `1500 us`.
inline std::string span(Time nanoseconds) {
  constexpr std::array<std::pair<Time, const char*>, 3> units{
      {{1'000'000'000, " s"}, {1'000'000, " ms"}, {1'000, " us"}}};
  if (nanoseconds == 0) return "0";
  for (const auto& [unit, name] : units) {
    if (nanoseconds % unit == 0) return std::to_string(nanoseconds / unit) + name;
  }
  return std::to_string(nanoseconds) + " ns";
}
inline std::string time_out(int milliseconds) {
  return milliseconds < 0 ? "for ever" : span(Time{milliseconds} * 1'000'000);
}
inline std::string span_of(const ::timespec& value) {
  if (value.tv_nsec < 0 || value.tv_nsec >= 1'000'000'000 || value.tv_sec < 0 || value.tv_sec > 1'000'000'000) {
    return std::to_string(value.tv_sec) + " s " + std::to_string(value.tv_nsec) + " ns";
  }
  return span(Time{value.tv_sec} * 1'000'000'000 + value.tv_nsec);
}
inline std::string span_at(const void* timespec) {
  const auto value = peek<::timespec>(timespec);
  return value ? span_of(*value) : bad_address;
}
/// Null is for ever.
inline std::string time_out_at(const void* timespec) { return timespec == nullptr ? "for ever" : span_at(timespec); }
inline std::string timer_at(const void* itimerspec) {
  const auto value = peek<::itimerspec>(itimerspec);
  if (!value) return bad_address;
  std::string text = span_of(value->it_value);
  if (value->it_interval.tv_sec != 0 || value->it_interval.tv_nsec != 0) {
    text += ", then every " + span_of(value->it_interval);
  }
  return text;
}
inline std::string clock(std::int64_t id) {
  return name_or_number(id,
                        {{CLOCK_REALTIME, "realtime"}, {CLOCK_MONOTONIC, "monotonic"}, {CLOCK_BOOTTIME, "boottime"}});
}

/// `"hello"`, cut to the first few. Eight bytes or more of what is no text may be an address, so they are not shown.
inline std::string bytes(std::span<const char> data, std::size_t size) {
  const auto is_plain = [](char c) { return c >= ' ' && c <= '~'; };
  const auto is_space = [](char c) { return c == '\n' || c == '\r' || c == '\t'; };
  const bool is_text = std::all_of(data.begin(), data.end(), [&](char c) { return is_plain(c) || is_space(c); });
  if (!is_text && size >= sizeof(void*)) return std::to_string(size) + " bytes";
  std::string text = "\"";
  for (const char c : data) {
    if (c == '"' || c == '\\') text += '\\';
    if (is_plain(c)) {
      text += c;
    } else if (is_space(c)) {
      text.append(c == '\n' ? "\\n" : c == '\r' ? "\\r" : "\\t");
    } else {
      const auto byte = static_cast<unsigned char>(c);
      text.append("\\x").append(1, "0123456789abcdef"[byte / 16]).append(1, "0123456789abcdef"[byte % 16]);
    }
  }
  text += '"';
  return data.size() < size ? text + " and more" : text;
}
inline std::string bytes_at(const void* address, std::size_t size) {
  std::array<char, bytes_max> first{};
  const std::size_t n = std::min(size, bytes_max);
  if (!peek(first.data(), address, n)) return bad_address;
  return bytes({first.data(), n}, size);
}

/// `how` and what a variable holds; nothing if that may be an address, or is no number.
template <class T>
std::string value(const char* how, const T& value) {
  if constexpr (std::is_enum_v<T>) {
    return value_text::value(how, static_cast<std::underlying_type_t<T>>(value));
  } else if constexpr (std::is_same_v<T, bool>) {
    return std::string{how} + (value ? "true" : "false");
  } else if constexpr (std::is_pointer_v<T>) {
    return value == nullptr ? std::string{how} + "null" : std::string{};
  } else if constexpr (std::is_integral_v<T>) {
    constexpr auto limit = static_cast<std::int64_t>(lowest_address);
    const auto number = static_cast<std::int64_t>(value);
    const bool is_shown = sizeof value < sizeof(void*) || (number > -limit && number < limit);
    return is_shown ? how + std::to_string(value) : std::string{};
  } else {
    return {};
  }
}

/// Several spans of the caller's memory, as one.
class Vectors {
 public:
  Vectors(const void* array, std::size_t n) : array_(array), n_(std::min<std::size_t>(n, 1024)) {}

  /// How many bytes they have.
  [[nodiscard]] std::size_t size() const {
    std::size_t sum = 0;
    for (std::size_t i = 0; i < n_; ++i) sum += at(i).iov_len;
    return sum;
  }
  /// The first `size` bytes of them.
  [[nodiscard]] std::string bytes(std::size_t size) const {
    std::array<char, bytes_max> first{};
    std::size_t done = 0;
    for (std::size_t i = 0; i < n_; ++i) {
      const std::size_t part = std::min({at(i).iov_len, bytes_max - done, size - done});
      if (!peek(first.data() + done, at(i).iov_base, part)) return bad_address;
      done += part;
    }
    return value_text::bytes({first.data(), done}, size);
  }

 private:
  [[nodiscard]] ::iovec at(std::size_t i) const { return peek<::iovec>(array_, i).value_or(::iovec{}); }

  const void* array_;
  std::size_t n_;
};

inline std::string address_at(const void* address, std::size_t size) {
  ::sockaddr_storage bytes{};
  const std::size_t n = std::min(size, sizeof bytes);
  if (!peek(&bytes, address, n)) return bad_address;
  const auto known = SocketAddress::from_raw(reinterpret_cast<const ::sockaddr*>(&bytes), static_cast<::socklen_t>(n));
  return known && n >= sizeof(::sa_family_t) ? to_string(*known) : std::to_string(n) + " bytes";
}
/// An address that a call has put there, and its length.
inline std::string address_put(const void* address, const void* size) {
  const auto n = peek<::socklen_t>(size);
  return n ? address_at(address, *n) : bad_address;
}

inline std::string limit_at(const void* rlimit) {
  const auto limit = peek<::rlimit>(rlimit);
  return limit ? std::to_string(limit->rlim_cur) + " of " + std::to_string(limit->rlim_max) : bad_address;
}

inline std::string path_at(const void* address) {
  std::string text;
  for (std::size_t i = 0; i < 256; ++i) {
    const auto next = peek<char>(kernel::user_at(address, i));
    if (!next) return bad_address;
    if (*next == '\0') break;
    text += *next;
  }
  return value_text::bytes({text.data(), text.size()}, 0);
}

}  // namespace rouse::inline v0::sim::value_text
