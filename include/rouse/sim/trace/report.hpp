// report: a failure for a person: what failed, how it came to that, who waits on whom, and how to see it again.
#pragma once

#include "../outcome.hpp"
#include "timeline.hpp"
#include "trace.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rouse::inline v0::sim {

struct ReportOptions {
  TimelineOptions timeline{};
  std::uint64_t runs = 0;             ///< It took, to find it; 0 if it was not searched for.
  std::optional<std::uint64_t> seed;  ///< Of the search.
};

/// One line: `deadlock in read(eventfd 3, 8 bytes) by worker at server.cpp:17`.
[[nodiscard]] inline std::string summary(const Outcome& outcome) {
  std::string text = name_of(outcome.ending);
  // Of a deadlock there is only the state that it leaves.
  if (outcome.ending != Ending::deadlock) text += ": " + outcome.text.substr(0, outcome.text.find('\n'));
  if (outcome.call.empty()) return text;
  const bool is_in_it = outcome.ending == Ending::deadlock || outcome.ending == Ending::lost_wakeup;
  return text + (is_in_it ? " in " : outcome.ending == Ending::leaked_fd ? ", made by " : ", after ") + outcome.call;
}

namespace detail_report {

/// The lines of a text, each no longer than `width` if its words allow; what goes on, is further in.
inline std::string broken(const std::string& text, const std::string& indent, std::size_t width) {
  std::string out;
  std::string_view rest = text;
  std::string before = indent;
  while (!rest.empty()) {
    out += before + std::string{detail_timeline::take_line(rest, width - before.size())} + '\n';
    before = indent + "    ";
  }
  return out;
}

}  // namespace detail_report

/// What failed; the schedule as a timeline; who waits on whom; what the kernel holds, if that is part of the failure;
/// and the lines that replay it and search again, for tests that use sim::check. Precondition: the trace is of that
/// run.
[[nodiscard]] inline std::string report(const Outcome& outcome, const Trace& trace, const ReportOptions& options = {}) {
  using detail_report::broken;
  const std::size_t width = std::max<std::size_t>(options.timeline.width, 40);
  std::string text = broken(summary(outcome), "", width) + "timeline:\n" + timeline(trace, options.timeline);
  const std::vector<std::string> waits = trace.waits_text();
  if (!waits.empty()) text += "who waits on whom:\n";
  for (const std::string& wait : waits) {
    const std::size_t more = wait.find("; ");
    text += broken(wait.substr(0, more), "  ", width);
    if (more != wait.npos) text += broken(wait.substr(more + 2), "    ", width);
  }
  const bool has_more = outcome.text.find('\n') != outcome.text.npos;
  if (has_more) text += outcome.text + (outcome.text.back() == '\n' ? "" : "\n");
  text += std::to_string(outcome.steps) + " steps, " + std::to_string(outcome.preemptions) + " preemptions";
  if (outcome.faults != 0) text += ", " + std::to_string(outcome.faults) + " faults";
  if (options.runs != 0) text += "\nfound in run " + std::to_string(options.runs);
  if (options.seed) text += " of ROUSE_SEED=" + std::to_string(*options.seed);
  return text + "\nreplay it by ROUSE_REPLAY=" + outcome.schedule.text() + '\n';
}

}  // namespace rouse::inline v0::sim
