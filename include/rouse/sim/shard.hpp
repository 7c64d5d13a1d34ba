// Shard: one part of an exploration, for machines that do the others without knowing of each other.
#pragma once

#include "number_text.hpp"

#include <cstdint>
#include <optional>
#include <string_view>

namespace rouse::inline v0::sim {

/// Part `index` of `count` parts, counted from 0. Together they make as many runs as one exploration would, and the
/// same ones; but for `pct`, and so `mixed`, which learn from the runs that they have made themselves.
struct Shard {
  std::uint64_t index = 0;
  std::uint64_t count = 1;

  [[nodiscard]] constexpr bool is_whole() const { return count == 1; }
  /// True for each part in turn.
  [[nodiscard]] constexpr bool has(std::uint64_t number) const { return number % count == index; }

  /// "1/4" to "4/4", as people count. Nothing if it is no such text.
  [[nodiscard]] static std::optional<Shard> parse(std::string_view text) {
    const auto slash = text.find('/');
    if (slash == text.npos) return std::nullopt;
    const auto part = parse_number(text.substr(0, slash)), of = parse_number(text.substr(slash + 1));
    if (!part || !of || *part == 0 || *part > *of) return std::nullopt;
    return Shard{*part - 1, *of};
  }
};

}  // namespace rouse::inline v0::sim
