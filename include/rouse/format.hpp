// Formatters for std::format, where the standard library has it, and for {fmt}, where it is installed: flags, events,
// sets of signals, addresses and faults are formatted as operator<< prints them, with a string's format specification.
#pragma once

#include <string>
#include <string_view>

#if __has_include(<format>)
#include <format>
#endif
#if __has_include(<fmt/format.h>)
#include <fmt/format.h>
#endif

#include "event.hpp"
#include "fault.hpp"
#include "ip.hpp"
#include "open_flags.hpp"
#include "signal_set.hpp"
#include "socket_address.hpp"
#include "unix_address.hpp"

namespace rouse::inline v0::detail {

template <class T, class... Of>
concept OneOf = (std::same_as<T, Of> || ...);

/// What prints by to_string.
template <class T>
concept PrintsByToString =
    std::derived_from<T, FlagSet<T>> || OneOf<T, CallSet, Event, Fault, SignalSet, SocketAddress, Ip, Ipv4, Ipv4Address,
                                              Ipv6, Ipv6Address, UnixAddress, UnixPath, UnixAbstract>;

}  // namespace rouse::inline v0::detail

#ifdef __cpp_lib_format
template <rouse::detail::PrintsByToString T>
struct std::formatter<T> : std::formatter<std::string_view> {
  auto format(const T& value, auto& context) const {
    return std::formatter<std::string_view>::format(to_string(value), context);
  }
};
#endif

#if __has_include(<fmt/format.h>)
template <rouse::detail::PrintsByToString T>
struct fmt::formatter<T> : fmt::formatter<fmt::string_view> {
  template <class Context>
  auto format(const T& value, Context& context) const -> decltype(context.out()) {
    return fmt::formatter<fmt::string_view>::format(to_string(value), context);
  }
};
#endif
