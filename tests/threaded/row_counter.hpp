// RowCounter: how often rows were met, and what rules are told by: who slept where, who returned, who did what.
#pragma once

#include "world.hpp"

#include <cstdio>

namespace threaded {

class RowCounter {
 public:
  /// How often a full run meets each row at least.
  static constexpr long least = 100;

  void print() const {
    for (const auto& [row, count] : counts_) std::printf("%9ld  %s\n", count, row.c_str());
  }
  [[nodiscard]] std::vector<std::string> met_too_rarely() const {
    std::vector<std::string> rows;
    for (const auto& [row, count] : counts_) {
      if (count < least) rows.push_back(row);
    }
    return rows;
  }

 protected:
  /// `all` are the rows there are.
  template <std::size_t n>
  void expect(const char* const (&all)[n]) {
    for (const char* const row : all) counts_[row] = 0;
  }

  void met(const char* row) {
    const auto found = counts_.find(row);
    if (found == counts_.end()) std::abort();  // A row that nobody expects.
    ++found->second;
  }
  void met_if(bool condition, const char* row) {
    if (condition) met(row);
  }

  // -- what a line did, by kind of call

  using Sleepers = std::vector<World::Sleeper>;
  using ReturnedOnes = std::vector<World::Returned>;

  static Sleepers asleep_in(const World& world, std::initializer_list<std::string_view> calls, int file) {
    Sleepers found;
    for (const World::Sleeper& sleeper : world.before) {
      for (const std::string_view call : calls) {
        if (sleeper.is_in(call) && sleeper.waits_for(file)) found.push_back(sleeper);
      }
    }
    return found;
  }
  static ReturnedOnes returned_from(const World& world, std::initializer_list<std::string_view> calls, int file) {
    ReturnedOnes found;
    for (const World::Returned& one : world.returned) {
      for (const std::string_view call : calls) {
        if (one.sleeper.is_in(call) && one.sleeper.waits_for(file)) found.push_back(one);
      }
    }
    return found;
  }
  static std::set<int> files_slept_on(const World& world, std::initializer_list<std::string_view> calls) {
    std::set<int> files;
    for (const World::Sleeper& sleeper : world.before) {
      for (const std::string_view call : calls) {
        if (sleeper.is_in(call)) files.insert(sleeper.files.begin(), sleeper.files.end());
      }
    }
    return files;
  }
  static bool did(const World& world, std::string_view call) {
    return std::any_of(world.made.begin(), world.made.end(), [&](const World::Made& one) {
      return one.call.words[0] == call && !one.result.empty() && one.result[0] >= '0' && one.result[0] <= '9';
    });
  }
  static bool has_bytes(const World::Returned& one) { return one.result.find(':') != std::string::npos; }
  static bool has_events(const World::Returned& one) { return one.result.find('{') != std::string::npos; }
  static bool is_first(const Sleepers& sleepers, const World::Returned& one) {
    return sleepers.front().thread == one.sleeper.thread;
  }

  /// The registration that the first event of a wait's result is of, as the ctl left it; null if it is gone.
  static const World::Registration* reported(const World& world, const World::Returned& one) {
    const std::size_t comma = one.result.find(", ");
    if (comma == std::string::npos) return nullptr;
    const std::size_t line = std::stoul(one.result.substr(comma + 2));
    for (const World::Registration& registration : world.registrations()) {
      if (registration.line == line) return &registration;
    }
    return nullptr;
  }

 private:
  std::map<std::string, long> counts_;
};

}  // namespace threaded
