// A Trace as text.
#pragma once

#include "trace.hpp"

namespace rouse::inline v0::sim {

namespace detail_trace {

inline std::string at(const TraceEvent& event) { return event.place.empty() ? std::string{} : " at " + event.place; }

}  // namespace detail_trace

inline bool Trace::blocks_at_once(std::size_t event) const {
  return events_[event].kind == Kind::blocks && events_[event].call + 1 == event;
}

inline std::string Trace::text_of(std::size_t i) const {
  const TraceEvent& event = events_[i];
  const TraceEvent& call = events_[event.call];
  const auto name = [this](std::uint32_t task) { return task_name(task); };
  const auto sleep = [&](const TraceEvent& blocks) {
    std::string text = " blocks";
    if (blocks.until != kernel::time_never) text += " until " + value_text::moment(blocks.until);
    if (blocks.other != 0 && call.other == 0) text += ", " + name(blocks.other) + " has it";
    return text;
  };
  switch (event.kind) {
    case Kind::call:
      if (i + 1 < events_.size() && blocks_at_once(i + 1)) return call_text(call) + sleep(events_[i + 1]);
      return call_text(call) + event.result;
    case Kind::blocks: return blocks_at_once(i) ? std::string{} : call_text(call) + sleep(event);
    case Kind::ends: return call_text(call) + event.result;
    case Kind::wakes: return "wakes " + name(event.other);
    case Kind::begins: return "spawns " + name(event.other);
    case Kind::is_over: return "is over";
    case Kind::time: return event.text;
    case Kind::fault: return "fault: " + event.text;
    case Kind::failure: return "failure: " + event.text;
  }
  return {};
}

inline std::string Trace::text() const {
  std::string text;
  for (std::size_t i = 0; i < events_.size(); ++i) {
    const std::string what = text_of(i);
    if (what.empty()) continue;
    text += value_text::moment(events_[i].time) + ' ';
    if (events_[i].kind != Kind::failure) text += task_name(events_[i].task) + ": ";
    text += what + detail_trace::at(events_[i]) + '\n';
  }
  for (const std::string& wait : waits_text()) text += wait + '\n';
  return text;
}

inline std::vector<std::string> Trace::waits_text() const {
  std::vector<std::string> lines;
  for (const Wait& wait : waits_) {
    const TraceEvent& call = events_[wait.call];
    std::string line = task_name(wait.task) + " waits in " + call_text(call) + detail_trace::at(call);
    if (wait.until != kernel::time_never) line += " until " + value_text::moment(wait.until);
    if (wait.on != 0 && call.other == 0) line += "; " + task_name(wait.on) + " has it";
    if (wait.last_use != none) {
      const TraceEvent& use = events_[wait.last_use];
      line += "; last used by " + task_name(use.task) + ": " + use.text + use.result + detail_trace::at(use);
    }
    lines.push_back(std::move(line));
  }
  return lines;
}

inline std::string Trace::failed_call() const {
  if (failed_call_ == none) return {};
  const TraceEvent& call = events_[failed_call_];
  return call_text(call) + " by " + task_name(call.task) + detail_trace::at(call);
}

}  // namespace rouse::inline v0::sim
