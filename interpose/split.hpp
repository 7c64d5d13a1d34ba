// split: text that is taken apart at a character, and the numbers in it.
#pragma once

#include <charconv>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rouse::interpose {

/// The parts between the separators: of an empty text, one empty part.
[[nodiscard]] inline std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    const std::size_t end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == text.npos) return parts;
    text.remove_prefix(end + 1);
  }
}

/// All of `text` as a decimal number; nothing if it is none, or too large.
template <class Number>
[[nodiscard]] std::optional<Number> number(std::string_view text) {
  Number value{};
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  const bool is_number = error == std::errc{} && stop == end && !text.starts_with('-');
  return is_number ? std::optional<Number>{value} : std::nullopt;
}

[[nodiscard]] inline std::string in_quotes(std::string_view text) { return "'" + std::string{text} + "'"; }

}  // namespace rouse::interpose
