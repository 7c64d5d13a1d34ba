// A Trace as text.
#pragma once

#include "trace.hpp"

namespace rouse::inline v0::sim {

inline bool Trace::blocks_at_once(std::size_t event) const {
  return events_[event].kind == Kind::blocks && events_[event].call + 1 == event;
}

inline std::string Trace::text_of(std::size_t i) const {
  const TraceEvent& event = events_[i];
  const TraceEvent& call = events_[event.call];
  const auto name = [this](std::uint32_t task) { return task_name(task); };
  const auto text_of_call = [&] { return call.other == 0 ? call.text : call.text + ' ' + name(call.other); };
  const auto sleep = [&](const TraceEvent& blocks) {
    std::string text = " blocks";
    if (blocks.until != kernel::time_never) text += " until " + value_text::moment(blocks.until);
    if (blocks.other != 0 && call.other == 0) text += ", " + name(blocks.other) + " has it";
    return text;
  };
  switch (event.kind) {
    case Kind::call:
      if (i + 1 < events_.size() && blocks_at_once(i + 1)) return text_of_call() + sleep(events_[i + 1]);
      return text_of_call() + event.result;
    case Kind::blocks: return blocks_at_once(i) ? std::string{} : text_of_call() + sleep(event);
    case Kind::ends: return text_of_call() + event.result;
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
    text += what;
    if (!events_[i].place.empty()) text += " at " + events_[i].place;
    text += '\n';
  }
  for (const std::string& wait : waits_text()) text += wait + '\n';
  return text;
}

inline std::vector<std::string> Trace::waits_text() const {
  std::vector<std::string> lines;
  for (const Wait& wait : waits_) {
    const TraceEvent& call = events_[wait.call];
    std::string line = task_name(wait.task) + " waits in " + call.text;
    if (call.other != 0) line += ' ' + task_name(call.other);
    if (!call.place.empty()) line += " at " + call.place;
    if (wait.until != kernel::time_never) line += " until " + value_text::moment(wait.until);
    if (wait.on != 0 && call.other == 0) line += "; " + task_name(wait.on) + " has it";
    if (wait.last_use != none) {
      const TraceEvent& use = events_[wait.last_use];
      line += "; last used by " + task_name(use.task) + ": " + use.text + use.result;
      if (!use.place.empty()) line += " at " + use.place;
    }
    lines.push_back(std::move(line));
  }
  return lines;
}

inline std::string Trace::failed_call() const {
  if (failed_call_ == none) return {};
  const TraceEvent& call = events_[failed_call_];
  std::string text = call.text;
  if (call.other != 0) text += ' ' + task_name(call.other);
  text += " by " + task_name(call.task);
  if (!call.place.empty()) text += " at " + call.place;
  return text;
}

}  // namespace rouse::inline v0::sim
