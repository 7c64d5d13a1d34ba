// Counters: how often each row of a table was met, with the words of the table.
#pragma once

#include <array>
#include <cstdint>
#include <cstdio>
#include <span>

namespace differential {

/// Rows of one table. `Row` is an enumeration that ends in `count`; `names` says each in words, in the same order.
template <class Row>
class Counters {
 public:
  static constexpr std::size_t size = static_cast<std::size_t>(Row::count);

  void met(Row row) { ++counts_[static_cast<std::size_t>(row)]; }
  void met_if(bool is_met, Row row) {
    if (is_met) met(row);
  }

  /// Prints all rows. Returns how many of them were met less than `least` times.
  int print(const char* title, const std::array<const char*, size>& names, std::uint64_t least) const {
    std::printf("\n%s\n", title);
    int missing = 0;
    for (std::size_t i = 0; i < size; ++i) {
      const bool enough = counts_[i] >= least;
      if (!enough) ++missing;
      std::printf("%10llu  %s%s\n", static_cast<unsigned long long>(counts_[i]), names[i], enough ? "" : ": TOO FEW");
    }
    return missing;
  }

 private:
  std::array<std::uint64_t, size> counts_{};
};

}  // namespace differential
