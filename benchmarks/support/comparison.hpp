// Comparison: one thing that several contenders did, and what it cost each of them, round by round.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace bench {

/// The middle one; of an even number, the mean of the two in the middle. Precondition: not empty.
[[nodiscard]] double median(std::vector<double> values);

/// What one contender's rounds came to.
struct Series {
  std::string contender;
  std::vector<double> rounds;
};

/// The first contender is the reference. All have the same number of rounds, and of those of one number that were made
/// right after each other a ratio is formed: times drift on a shared machine, and the ratios of each round do not.
struct Comparison {
  std::string name;  ///< What was done: `write`.
  std::string unit;  ///< Of one operation: `instructions`, `ns CPU`, `ns wall`, `bytes`.
  std::vector<Series> series;

  [[nodiscard]] const Series& of(std::string_view contender) const;
  [[nodiscard]] double median_of(std::string_view contender) const { return median(of(contender).rounds); }
  /// What it cost in each round, by what it cost the reference: 0.5 is half of it.
  [[nodiscard]] std::vector<double> ratios_of(std::string_view contender) const;
  [[nodiscard]] double ratio_of(std::string_view contender) const { return median(ratios_of(contender)); }
};

}  // namespace bench
