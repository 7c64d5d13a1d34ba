#include "report.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <fmt/core.h>
#include <fstream>
#include <nlohmann/json.hpp>
#include <system_error>

namespace bench {

namespace {

#if defined(__OPTIMIZE__) && defined(NDEBUG)
constexpr bool optimized = true;
#else
constexpr bool optimized = false;
#endif

const char* text(Goal::Bound bound) { return bound == Goal::Bound::at_most ? "at most" : "at least"; }

/// With as many digits as mean something.
std::string number(double value) {
  if (value == static_cast<double>(static_cast<long long>(value))) return fmt::format("{:.0f}", value);
  return fmt::format("{:.{}f}", value, value < 10 ? 2 : 1);
}

bool in_one_table(const Comparison& a, const Comparison& b) {
  const auto same_contender = [](const Series& x, const Series& y) { return x.contender == y.contender; };
  return a.unit == b.unit &&
         std::equal(a.series.begin(), a.series.end(), b.series.begin(), b.series.end(), same_contender);
}

using Table = std::vector<const Comparison*>;

std::vector<Table> tables_of(const std::deque<Comparison>& comparisons) {
  std::vector<Table> tables;
  for (const Comparison& comparison : comparisons) {
    const auto place = std::find_if(tables.begin(), tables.end(),
                                    [&](const Table& table) { return in_one_table(*table.front(), comparison); });
    if (place == tables.end()) {
      tables.push_back({&comparison});
    } else {
      place->push_back(&comparison);
    }
  }
  return tables;
}

void print_table(const Table& table) {
  const Comparison& first = *table.front();
  std::size_t name_width = first.unit.size();
  for (const Comparison* row : table) name_width = std::max(name_width, row->name.size());
  const auto width = [](const Series& column) { return std::max<std::size_t>(16, column.contender.size()); };

  fmt::print("\n{:<{}}", first.unit, name_width);
  for (const Series& column : first.series) fmt::print("  {:>{}}", column.contender, width(column));
  fmt::print("\n");
  for (const Comparison* row : table) {
    fmt::print("{:<{}}", row->name, name_width);
    for (const Series& cell : row->series) {
      std::string content = number(row->median_of(cell.contender));
      if (&cell != &row->series.front()) content += fmt::format(" ({:.3f})", row->ratio_of(cell.contender));
      fmt::print("  {:>{}}", content, width(cell));
    }
    fmt::print("\n");
  }
}

}  // namespace

std::string compiler() {
#ifdef __clang__
  return fmt::format("clang++ {}.{}", __clang_major__, __clang_minor__);
#else
  return fmt::format("g++ {}.{}", __GNUC__, __GNUC_MINOR__);
#endif
}

bool Report::all_goals_met() const {
  return std::all_of(goals.begin(), goals.end(), [](const Goal& goal) { return goal.met(); });
}

void Report::print() const {
  fmt::print("{}, {}\n", benchmark, compiler());
  if (!optimized) fmt::print("not optimized, or with assertions: these figures mean nothing\n");
  fmt::print("in brackets: the median of each round's ratio to the first contender\n");
  for (const Table& table : tables_of(comparisons)) print_table(table);
  if (!goals.empty()) fmt::print("\ngoals\n");
  for (const Goal& goal : goals) {
    fmt::print("{:<7}  {}: {} {}, wanted {} {}\n", goal.met() ? "met" : "NOT MET", goal.name, number(goal.measured),
               goal.unit, text(goal.bound), number(goal.wanted));
  }
}

void Report::write_json(const std::string& path) const {
  using Json = nlohmann::ordered_json;
  Json document = {{"benchmark", benchmark}, {"compiler", compiler()}, {"optimized", optimized}};
  Json& listed = document["comparisons"] = Json::array();
  for (const Comparison& comparison : comparisons) {
    Json contenders = Json::array();
    for (const Series& one : comparison.series) {
      contenders.push_back({{"name", one.contender},
                            {"rounds", one.rounds},
                            {"median", comparison.median_of(one.contender)},
                            {"ratios", comparison.ratios_of(one.contender)},
                            {"median_ratio", comparison.ratio_of(one.contender)}});
    }
    listed.push_back({{"name", comparison.name},
                      {"unit", comparison.unit},
                      {"reference", comparison.series.front().contender},
                      {"contenders", contenders}});
  }
  Json& wanted = document["goals"] = Json::array();
  for (const Goal& goal : goals) {
    wanted.push_back({{"name", goal.name},
                      {"bound", text(goal.bound)},
                      {"wanted", goal.wanted},
                      {"measured", goal.measured},
                      {"unit", goal.unit},
                      {"met", goal.met()}});
  }
  std::ofstream file(path);
  file << document.dump(1) << '\n';
  if (!file.flush()) throw std::system_error(errno, std::generic_category(), path);
}

}  // namespace bench
