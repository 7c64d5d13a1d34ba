// trace_json: a Trace for Perfetto (ui.perfetto.dev) and chrome://tracing: the Trace Event Format's JSON.
#pragma once

#include "trace.hpp"

#include <algorithm>
#include <cstddef>
#include <fstream>
#include <string>
#include <string_view>

namespace rouse::inline v0::sim {

namespace detail_json {

/// As JSON has it. A user's names may be anything, UTF-8 or not: what is not ASCII is shown as `?`.
inline std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') out += '\\';
    out += byte < 0x20 || byte >= 0x7f ? '?' : c;
  }
  return out + '"';
}

/// The format's unit of time.
inline std::string microseconds(kernel::Time nanoseconds) {
  std::string rest = std::to_string(nanoseconds % 1000);
  rest.insert(0, 3 - rest.size(), '0');
  return std::to_string(nanoseconds / 1000) + '.' + rest;
}

class Writer {
 public:
  explicit Writer(const Trace& trace) : trace_(trace) {}

  [[nodiscard]] std::string text() {
    add_track(0, "time");
    for (std::uint32_t task = 1; task <= trace_.tasks(); ++task) add_track(task, trace_.task_name(task));
    for (std::size_t i = 0; i < trace_.events().size(); ++i) add_event(i);
    return "{\"displayTimeUnit\":\"ns\",\"traceEvents\":[\n" + text_ + "\n]}\n";
  }

 private:
  using Kind = TraceEvent::Kind;

  void add(const std::string& event) { text_.append(text_.empty() ? "" : ",\n").append("{").append(event).append("}"); }

  /// Where an event is drawn, in nanoseconds: its time, and one more for each event before it.
  [[nodiscard]] kernel::Time at(std::size_t event) const {
    const std::size_t known = std::min(event, trace_.events().size() - 1);
    return trace_.events()[known].time + static_cast<kernel::Time>(event);
  }
  [[nodiscard]] std::string head(const char* phase, std::uint32_t task, std::size_t event) const {
    return std::string{"\"ph\":\""} + phase + "\",\"pid\":1,\"tid\":" + std::to_string(task) +
           ",\"ts\":" + microseconds(at(event));
  }

  void add_track(std::uint32_t task, const std::string& name) {
    const std::string of = ",\"pid\":1,\"tid\":" + std::to_string(task) + ",\"args\":";
    add("\"ph\":\"M\",\"name\":\"thread_name\"" + of + "{\"name\":" + quoted(name) + "}");
    add("\"ph\":\"M\",\"name\":\"thread_sort_index\"" + of + "{\"sort_index\":" + std::to_string(task) + "}");
  }
  void add_slice(std::size_t from, std::size_t to, const std::string& name, const TraceEvent& event) {
    std::string args = "\"step\":" + std::to_string(from);
    if (!event.place.empty()) args += ",\"place\":" + quoted(event.place);
    add(head("X", event.task, from) + ",\"dur\":" + microseconds(at(to - 1) + 1 - at(from)) +
        ",\"name\":" + quoted(name) + ",\"args\":{" + args + "}");
  }
  void add_instant(std::size_t i, const char* scope, const TraceEvent& event) {
    add(head("i", event.task, i) + ",\"s\":\"" + scope + "\",\"name\":" + quoted(trace_.text_of(i)));
  }

  void add_event(std::size_t i) {
    const TraceEvent& event = trace_.events()[i];
    switch (event.kind) {
      case Kind::call: return add_slice(i, end_of_call(i), name_of_call(i), event);
      case Kind::wakes: return add_flow(i);
      case Kind::time:
      case Kind::is_over: return add_slice(i, trace_.end_of_wakes(i), trace_.text_of(i), event);
      case Kind::begins:
      case Kind::fault: return add_instant(i, "t", event);
      case Kind::failure: return add_instant(i, "g", event);
      case Kind::blocks:
      case Kind::ends: return;
    }
  }

  /// Of one that is not over, the end of the trace.
  [[nodiscard]] std::size_t end_of_call(std::size_t call) const {
    const TraceEvent& event = trace_.events()[call];
    if (event.end != 0) return event.end;
    return has_slept(call) ? trace_.events().size() : trace_.end_of_wakes(call);
  }
  [[nodiscard]] bool has_slept(std::size_t call) const {
    return std::any_of(trace_.events().begin() + static_cast<std::ptrdiff_t>(call), trace_.events().end(),
                       [&](const TraceEvent& event) { return event.kind == Kind::blocks && event.call == call; });
  }
  [[nodiscard]] std::string name_of_call(std::size_t call) const {
    const TraceEvent& event = trace_.events()[call];
    std::string name = trace_.call_text(event);
    for (std::size_t i = call; i < std::min(event.end, trace_.events().size()); ++i) {
      const TraceEvent& each = trace_.events()[i];
      if ((each.kind == Kind::call || each.kind == Kind::ends) && each.call == call) name += each.result;
    }
    return name;
  }

  /// From a wake to where the one that was woken goes on, or to the end if it never does.
  void add_flow(std::size_t wake) {
    const TraceEvent& event = trace_.events()[wake];
    std::size_t on = wake + 1;
    while (on < trace_.events().size() && trace_.events()[on].task != event.other) ++on;
    const std::string flow = ",\"cat\":\"wake\",\"name\":\"wakes\",\"id\":" + std::to_string(wake);
    add(head("s", event.task, wake) + flow);
    add(head("f", event.other, std::min(on, trace_.events().size() - 1)) + ",\"bp\":\"e\"" + flow);
  }

  const Trace& trace_;
  std::string text_;
};

}  // namespace detail_json

/// A track for each task and one for time; a slice for each call, a flow from each wake to where the waiter goes on.
/// The unit is the microsecond of virtual time, and each event is a nanosecond further on for every one before it: the
/// viewer shows their order also where no time passes.
[[nodiscard]] inline std::string trace_json(const Trace& trace) { return detail_json::Writer{trace}.text(); }

/// The same as a file; false if it cannot be written.
inline bool write_trace_json(const Trace& trace, const std::string& path) {
  std::ofstream file{path};
  file << trace_json(trace);
  return file.flush().good();
}

}  // namespace rouse::inline v0::sim
