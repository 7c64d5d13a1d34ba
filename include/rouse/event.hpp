// Event: one report of a wait, with the layout of epoll_event. EventData: the 64 bits that come back with it.
#pragma once

#include "event_flags.hpp"

#include <concepts>
#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>

namespace rouse::inline v0 {

/// The user's 64 bits of a registration: a number, an fd, an enumerator or a pointer, typed where it is given and where
/// it comes back. The kernel only carries them.
class EventData {
 public:
  constexpr EventData() = default;

  /// A number or an fd. Negative numbers come back from `fd()` as they were.
  template <std::integral T>
    requires(!std::same_as<T, bool>)
  constexpr EventData(T value) : bits_(static_cast<std::uint64_t>(value)) {}

  template <class T>
    requires std::is_enum_v<T>
  constexpr EventData(T value) : bits_(static_cast<std::uint64_t>(value)) {}

  template <class T>
    requires(!std::is_function_v<T>)
  EventData(T* pointer) : bits_(reinterpret_cast<std::uintptr_t>(pointer)) {}

  [[nodiscard]] constexpr std::uint64_t u64() const { return bits_; }
  [[nodiscard]] constexpr int fd() const { return static_cast<int>(bits_); }

  /// The enumerator given to `add`.
  template <class Enum>
  [[nodiscard]] constexpr Enum as() const {
    static_assert(std::is_enum_v<Enum>, "EventData::as<T>() wants an enumeration; see u64(), fd() and ptr<T>()");
    return static_cast<Enum>(bits_);
  }

  /// The pointer given to `add`. Precondition: it was a `T*`.
  template <class T>
  [[nodiscard]] T* ptr() const {
    return reinterpret_cast<T*>(static_cast<std::uintptr_t>(bits_));
  }

  friend constexpr bool operator==(EventData, EventData) = default;

 private:
  std::uint64_t bits_ = 0;
};

/// One report: which flags hold, and the data of the registration. Binds as `auto [flags, data]`, both values.
/// The kernel writes this very layout: packed on x86-64, so an `Event` there is 12 bytes and aligned to 1.
class Event {
 public:
  constexpr Event() = default;
  constexpr Event(EventFlags flags, EventData data) : raw_{flags.bits, {.u64 = data.u64()}} {}

  [[nodiscard]] constexpr EventFlags flags() const { return EventFlags{raw_.events}; }
  [[nodiscard]] constexpr EventData data() const { return raw_.data.u64; }

  friend constexpr bool operator==(const Event& a, const Event& b) {
    return a.flags() == b.flags() && a.data() == b.data();
  }

  /// `{in|et, 7}`.
  friend std::string to_string(const Event& event) {
    return '{' + to_string(event.flags()) + ", " + std::to_string(event.data().u64()) + '}';
  }
  template <class Char, class Traits>
  friend std::basic_ostream<Char, Traits>& operator<<(std::basic_ostream<Char, Traits>& out, const Event& event) {
    return out << to_string(event).c_str();
  }

 private:
  ::epoll_event raw_{};
};

static_assert(sizeof(Event) == sizeof(::epoll_event) && alignof(Event) == alignof(::epoll_event));
static_assert(std::is_standard_layout_v<Event> && std::is_trivially_copyable_v<Event>);

template <std::size_t I>
[[nodiscard]] constexpr auto get(const Event& event) {
  if constexpr (I == 0) {
    return event.flags();
  } else {
    return event.data();
  }
}

}  // namespace rouse::inline v0

template <>
struct std::tuple_size<rouse::Event> : std::integral_constant<std::size_t, 2> {};
template <>
struct std::tuple_element<0, rouse::Event> : std::type_identity<rouse::EventFlags> {};
template <>
struct std::tuple_element<1, rouse::Event> : std::type_identity<rouse::EventData> {};
