#include "comparison.hpp"

#include <algorithm>
#include <stdexcept>

namespace bench {

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

const Series& Comparison::of(std::string_view contender) const {
  for (const Series& one : series) {
    if (one.contender == contender) return one;
  }
  throw std::invalid_argument("'" + name + "' has no contender '" + std::string{contender} + "'");
}

std::vector<double> Comparison::ratios_of(std::string_view contender) const {
  const std::vector<double>& rounds = of(contender).rounds;
  const std::vector<double>& reference = series.front().rounds;
  std::vector<double> ratios;
  for (std::size_t i = 0; i < rounds.size(); ++i) ratios.push_back(rounds[i] / reference[i]);
  return ratios;
}

}  // namespace bench
