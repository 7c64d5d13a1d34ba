// Report: all that a benchmark program found, as tables for a person and as JSON for scripts.
#pragma once

#include "comparison.hpp"

#include <deque>
#include <string>
#include <vector>

namespace bench {

/// A figure that is wanted.
struct Goal {
  enum class Bound { at_most, at_least };

  std::string name;
  Bound bound;
  double wanted;
  double measured;
  std::string unit;

  [[nodiscard]] bool met() const { return bound == Bound::at_most ? measured <= wanted : measured >= wanted; }
};

struct Report {
  std::string benchmark;
  std::deque<Comparison> comparisons;  ///< Which grows without moving what it has.
  std::vector<Goal> goals;

  [[nodiscard]] bool all_goals_met() const;
  /// On stdout. Comparisons of the same contenders in the same unit are the rows of one table.
  void print() const;
  /// {"benchmark", "compiler", "optimized",
  ///  "comparisons": [{"name", "unit", "reference",
  ///                   "contenders": [{"name", "rounds": […], "median", "ratios": […], "median_ratio"}]}],
  ///  "goals": [{"name", "bound": "at most" | "at least", "wanted", "measured", "unit", "met"}]}
  /// The reference is a contender, too; ratios are to it, of each round. A count has one round.
  void write_json(const std::string& path) const;
};

/// As `g++ 12.2`: counts differ from one to the other.
[[nodiscard]] std::string compiler();

}  // namespace bench
