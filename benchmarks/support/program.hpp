// Program: what every benchmark program is made of: contenders that are compared by time, in interleaved rounds, and by
// instructions, and goals about the figures.
//
//   int main(int argc, char** argv) {
//     return bench::run("handles", argc, argv, [](bench::Program& program) {
//       const auto& writes = program.count("write", {{"C", write_in_c}, {"rouse", write_by_handle}});
//       program.at_most("write costs no more than in C", 1.02, writes.ratio_of("rouse"), "times");
//     });
//   }
//
// where a contender sets up, and then measures once:
//
//   void write_by_handle(bench::Meter& meter) {
//     rouse::EventFd event;
//     meter.measure([&] { event.write(1); });
//   }
//
// Options of each program: --json FILE; --rounds N; --counts or --times for only these; --strict to exit with 1 unless
// all goals are met.
#pragma once

#include "callgrind.hpp"
#include "meter.hpp"
#include "report.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace bench {

struct Contender {
  std::string name;
  std::function<void(Meter&)> run;
};

struct Options {
  std::string json;  ///< Empty for none.
  int rounds = 9;
  bool counts = true;
  bool times = true;
  bool strict = false;
};

/// What was not measured, as the options say, is not-a-number, and so is all that is computed of it: no goal is made of
/// that, and no table.
class Program {
 public:
  Program(std::string name, Options options);

  /// True in the run under callgrind that only counts: what takes long and is no count is left out there.
  [[nodiscard]] static bool is_counting() { return RUNNING_ON_VALGRIND != 0; }

  /// Instructions of one operation, of user space. Of so many operations, and twice as many.
  const Comparison& count(const std::string& name, const std::vector<Contender>& contenders,
                          std::uint64_t operations = 1000);

  struct Times {
    const Comparison& cpu;
    const Comparison& wall;
  };
  /// Nanoseconds of one operation. In each round all contenders, one after the other.
  Times time(const std::string& name, const std::vector<Contender>& contenders);

  /// What the program found out by itself, such as bytes.
  const Comparison& add(Comparison comparison);

  void at_most(const std::string& goal, double wanted, double measured, const std::string& unit) {
    add_goal({goal, Goal::Bound::at_most, wanted, measured, unit});
  }
  void at_least(const std::string& goal, double wanted, double measured, const std::string& unit) {
    add_goal({goal, Goal::Bound::at_least, wanted, measured, unit});
  }

  /// Prints and writes what there is; the exit status.
  [[nodiscard]] int finish() const;

 private:
  void add_goal(Goal goal);
  const Comparison& not_measured(const std::string& name, const std::string& unit,
                                 const std::vector<Contender>& contenders);

  Options options_;
  Report report_;
  std::deque<Comparison> left_out_;
  std::optional<std::map<std::string, double>> counts_;
};

/// Reads the options, lets `body` make its comparisons, and finishes: the exit status of main.
int run(const std::string& name, int argc, char** argv, const std::function<void(Program&)>& body);

}  // namespace bench
