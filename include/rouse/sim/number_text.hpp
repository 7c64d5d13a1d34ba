// Numbers in texts that people write: schedules, parts, variables of the environment.
#pragma once

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <system_error>

namespace rouse::inline v0::sim {

/// The number that the text begins with, which is taken off; nothing if it begins with none, or with too large a one.
[[nodiscard]] inline std::optional<std::uint64_t> take_number(std::string_view& text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{}) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return value;
}

/// The number that the text is.
[[nodiscard]] inline std::optional<std::uint64_t> parse_number(std::string_view text) {
  const std::optional<std::uint64_t> value = take_number(text);
  return text.empty() ? value : std::nullopt;
}

}  // namespace rouse::inline v0::sim
