// Compare: whether the emulated kernel did with a script what Linux does.
//
// What is compared is the whole transcript. The order in which threads return is in it only as far as a script shows
// it, line by line: within a line it is the scheduler's. Three mechanisms decide who gets what:
//
// * Exclusive waiters (epoll_wait, pipe reads and writes, accept, connect) are woken one at a time, in an order that
// the
//   queue fixes. Nothing is loosened for them.
// * Waiters that are all woken (eventfd, timerfd, streams, poll) race for what is there. If several make the very same
//   calls on the same file, nothing tells them apart, and who of them won is not compared: Racers.
// * Threads that are woken at once in any other way meet in some order, of which Linux shows one at a time. A
//   transcript that differs is accepted if Linux, run again under other schedules, shows it too. Where the tester may
//   not choose Linux's schedule, it is enough if the kernels meet in any of their runs: weaker, as a kernel that
//   allows too much would pass.
//
// ThreadSanitizer holds Linux's signal handlers back while a thread is asleep in most calls. Under it, scripts run on
// the emulated kernel alone: what is looked for then is races.
#pragma once

#include "run.hpp"

#include <algorithm>

namespace threaded {

/// Threads of a script that nothing tells apart: they make the same calls, of a kind where all who wait are woken, and
/// no number changed its file between their starts.
class Racers {
 public:
  explicit Racers(const Script& script) {
    std::map<int, int> starts;
    for (const Line& line : script) ++starts[line.thread];
    for (const Line& line : script) mark_those_told_apart(line, starts);
    std::map<std::string, std::vector<int>> groups;
    for (const Line& line : script) {
      if (line.thread == Line::main_thread && changes_a_number(line)) close(groups);
      if (line.thread != Line::main_thread && starts[line.thread] == 1 && races(line)) {
        groups[calls_to_string(line)].push_back(line.thread);
      }
    }
    close(groups);
  }

  /// True if `a` is `b` but for which of the racers won.
  [[nodiscard]] bool are_equal(const Transcript& a, const Transcript& b) const {
    std::map<int, int> as;
    return search(a, b, as, 0);
  }

 private:
  static bool changes_a_number(const Line& line) {
    return std::any_of(line.calls.begin(), line.calls.end(), [](const CallText& call) {
      const std::string& name = call.words[0];
      return name == "close" || name == "dup2" || name == "dup" || name == "eventfd" || name == "pair" ||
             name == "timer";
    });
  }
  // A signal of one thread's own, or of the process, which the threads take in their order.
  static void mark_those_told_apart(const Line& line, std::map<int, int>& starts) {
    for (const CallText& call : line.calls) {
      if (call.words[0] == "tkill" && call.words.size() > 1) starts[call.words[1].back() - '0'] = 0;
      if (call.words[0] != "kill") continue;
      for (auto& [thread, n] : starts) n = 0;
    }
  }
  static bool races(const Line& line) {
    const Words& words = line.calls[0].words;
    const bool of_packets = words.size() > 1 && (words[1][0] == 'g' || words[1][0] == 'q');
    const bool waits_with_all = words[0] == "take" || words[0] == "put" || (words[0] == "recv" && !of_packets) ||
                                ((words[0] == "read" || words[0] == "readv") && words[1][0] == 'u');
    return line.calls.size() == 1 && waits_with_all;
  }
  void close(std::map<std::string, std::vector<int>>& groups) {
    for (auto& [calls, group] : groups) {
      if (group.size() > 1) groups_.push_back(std::move(group));
    }
    groups.clear();
  }

  // Tries all ways to exchange the members of each group.
  bool search(const Transcript& a, const Transcript& b, std::map<int, int>& as, std::size_t at) const {
    if (at == groups_.size()) return renamed(a, as) == b;
    std::vector<int> order = groups_[at];
    std::sort(order.begin(), order.end());
    do {
      for (std::size_t i = 0; i < order.size(); ++i) as[groups_[at][i]] = order[i];
      if (search(a, b, as, at + 1)) return true;
    } while (std::next_permutation(order.begin(), order.end()));
    return false;
  }
  static Transcript renamed(const Transcript& from, const std::map<int, int>& as) {
    const auto name = [&](int thread) { return as.contains(thread) ? as.at(thread) : thread; };
    Transcript to = from;
    for (Step& step : to.steps) {
      std::map<int, Progress> threads;
      for (auto& [thread, progress] : step.threads) threads[name(thread)] = std::move(progress);
      step.threads = std::move(threads);
    }
    to.asleep.clear();
    for (const int thread : from.asleep) to.asleep.insert(name(thread));
    return to;
  }

  std::vector<std::vector<int>> groups_;
};

enum class Verdict {
  same,
  same_but_for_racers,
  seen_on_linux_too,  ///< Under another schedule.
  different,
};

struct Outcome {
  Verdict verdict = Verdict::same;
  int reruns = 0;
  Transcript on_linux;  ///< The first.
  Transcript emulated;
};

class Comparison {
 public:
  explicit Comparison(std::uint64_t seed) : random_(seed) {}

  /// Threads that meet in an unlikely order want a long search; nearly all are found after one or two runs.
  static constexpr int reruns_max_usual = 30000;
  static constexpr int reruns_until_anew = 1000;

  /// False if scripts run on the emulated kernel only.
  static constexpr bool compares = !rouse::detail::tsan_is_on;
  /// True if Linux's schedule can be chosen, so that what the emulated kernel does, Linux has to show.
  [[nodiscard]] bool is_strict() const { return is_strict_; }

  /// Runs `script` on both kernels, on Linux up to `reruns_max` times more.
  Outcome operator()(const Script& script, int reruns_max = reruns_max_usual) {
    linux_.schedules.clear();
    Outcome outcome;
    outcome.emulated = run(emulated_, threads_, script);
    outcome.on_linux = compares ? run(linux_, threads_, script) : outcome.emulated;
    if (outcome.on_linux == outcome.emulated) return outcome;
    const Racers racers{script};
    if (racers.are_equal(outcome.emulated, outcome.on_linux)) {
      outcome.verdict = Verdict::same_but_for_racers;
      return outcome;
    }
    outcome.verdict = search(script, racers, outcome, reruns_max) ? Verdict::seen_on_linux_too : Verdict::different;
    linux_.schedules.clear();
    return outcome;
  }

 private:
  // A schedule is drawn for the first line that differs, or for an earlier one, mostly one at which threads returned:
  // what went otherwise there may show only now. It is kept if the transcripts agree no shorter for it. What was kept
  // may lead nowhere, so that the search begins anew now and then.
  bool search(const Script& script, const Racers& racers, Outcome& outcome, int reruns_max) {
    const std::size_t agreed_at_first = agreement(outcome.on_linux, outcome.emulated);
    std::size_t agreed = agreed_at_first;
    std::vector<Schedule>& schedules = linux_.schedules;
    while (outcome.reruns < reruns_max) {
      if (outcome.reruns % reruns_until_anew == 0) {
        schedules.clear();
        agreed = agreed_at_first;
      }
      const std::vector<Schedule> kept = schedules;
      std::size_t line = agreed;
      if (random_.below(2) == 0) {
        line = random_.below(agreed + 1);
        const bool where_threads_returned = random_.below(2) == 0;
        while (where_threads_returned && line < agreed && outcome.emulated.steps[line].threads.empty()) ++line;
      }
      schedules.resize(std::max(schedules.size(), line + 1));
      std::vector<int> first;
      if (line < outcome.emulated.steps.size()) {
        for (const auto& [thread, progress] : outcome.emulated.steps[line].threads) first.push_back(thread);
      }
      schedules[line] = Schedule{random_, first};
      ++outcome.reruns;
      const Transcript again = run(linux_, threads_, script);
      if (racers.are_equal(outcome.emulated, again)) return true;
      if (!is_strict_ && meets(script, racers, again, outcome)) return true;
      const std::size_t now = agreement(again, outcome.emulated);
      if (now >= agreed) {
        agreed = now;
      } else {
        schedules = kept;
      }
    }
    return false;
  }

  // Keeps what the kernels have shown in `shown_`, and runs the emulated one once more.
  bool meets(const Script& script, const Racers& racers, const Transcript& again, const Outcome& outcome) {
    if (outcome.reruns == 1) shown_ = {{outcome.on_linux}, {outcome.emulated}};
    shown_.on_linux.push_back(again);
    shown_.emulated.push_back(run(emulated_, threads_, script));
    const auto is_in = [&](const Transcript& one, const std::vector<Transcript>& all) {
      return std::any_of(all.begin(), all.end(), [&](const Transcript& other) { return racers.are_equal(one, other); });
    };
    return is_in(again, shown_.emulated) || is_in(shown_.emulated.back(), shown_.on_linux);
  }

  static std::size_t agreement(const Transcript& a, const Transcript& b) {
    const auto [first, second] = std::mismatch(a.steps.begin(), a.steps.end(), b.steps.begin(), b.steps.end());
    static_cast<void>(second);
    return static_cast<std::size_t>(first - a.steps.begin());
  }

  struct Shown {
    std::vector<Transcript> on_linux;
    std::vector<Transcript> emulated;
  };

  test::Random random_;
  Threads threads_;
  const bool is_strict_ = Schedule::can_give_priorities(threads_[0].id());
  Shown shown_;
  OnLinux linux_{threads_};
  OnEmulated emulated_{threads_};
};

}  // namespace threaded
