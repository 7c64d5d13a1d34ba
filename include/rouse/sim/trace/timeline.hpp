// timeline: a Trace for a person: a line for each step, with a lane for each task beside it.
#pragma once

#include "trace.hpp"

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace rouse::inline v0::sim {

struct TimelineOptions {
  std::size_t lines_max = 200;  ///< Of more, those in the middle are left out.
  std::size_t width = 120;      ///< Longer lines are broken, between words.
};

namespace detail_timeline {

/// Takes as many words as there is room for, one at least.
inline std::string_view take_line(std::string_view& text, std::size_t room) {
  std::size_t end = text.size();
  if (end > room) {
    end = text.rfind(' ', room);
    if (end == text.npos || end == 0) end = std::min(text.find(' '), text.size());
  }
  std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(text.find_first_not_of(' ', end), text.size()));
  while (line.ends_with(' ')) line.remove_suffix(1);
  return line;
}

/// Draws lines from events, in order.
class Drawing {
 public:
  Drawing(const Trace& trace, std::size_t width) : trace_(trace), width_(width), lanes_(trace.tasks(), Lane::none) {
    for (std::uint32_t task = 1; task <= trace.tasks(); ++task) {
      name_width_ = std::max(name_width_, trace.task_name(task).size());
    }
    if (!lanes_.empty()) lanes_.front() = Lane::awake;
  }

  [[nodiscard]] std::vector<std::string> lines() {
    const std::vector<TraceEvent>& events = trace_.events();
    for (std::size_t i = 0; i < events.size();) {
      const std::size_t first = i++;
      const TraceEvent& event = events[first];
      std::string what = trace_.text_of(first);
      const std::string lanes = lanes_of(event.task);
      settle(event);
      for (; i < events.size() && is_said_with(i, first); ++i) {
        const std::string more = trace_.text_of(i);
        if (!more.empty()) what += ", " + more;
        settle(events[i]);
      }
      if (!event.place.empty()) what += "  " + event.place;
      if (event.kind == TraceEvent::Kind::time) {
        lines_.push_back("-- " + value_text::moment(event.time) + ": time " + what);
      } else {
        add(lanes, event, what);
      }
    }
    return std::move(lines_);
  }

 private:
  enum class Lane : char { none = ' ', awake = '|', asleep = ':', acts = '*' };

  /// Who was woken by a step, stands in its line; and that it blocks, if it does so at once.
  [[nodiscard]] bool is_said_with(std::size_t i, std::size_t first) const {
    const TraceEvent& event = trace_.events()[i];
    const TraceEvent& before = trace_.events()[first];
    if (event.kind == TraceEvent::Kind::blocks) return trace_.text_of(i).empty();
    return event.kind == TraceEvent::Kind::wakes && before.kind != TraceEvent::Kind::wakes && event.task == before.task;
  }
  /// `acting` is 0 for nobody.
  [[nodiscard]] std::string lanes_of(std::uint32_t acting) const {
    std::string text;
    for (std::size_t i = 0; i < lanes_.size(); ++i) {
      text += static_cast<char>(acting == i + 1 ? Lane::acts : lanes_[i]);
      text += ' ';
    }
    return text + ' ';
  }
  void settle(const TraceEvent& event) {
    using Kind = TraceEvent::Kind;
    if (event.kind == Kind::blocks) lanes_[event.task - 1] = Lane::asleep;
    if (event.kind == Kind::is_over) lanes_[event.task - 1] = Lane::none;
    if (event.kind == Kind::wakes || event.kind == Kind::begins) lanes_[event.other - 1] = Lane::awake;
  }

  void add(const std::string& lanes, const TraceEvent& event, std::string_view what) {
    std::string name = event.kind == TraceEvent::Kind::failure ? std::string{} : trace_.task_name(event.task);
    name.resize(name_width_ + 2, ' ');
    const std::size_t before = lanes.size() + name.size();
    const std::size_t room = std::max(width_, before + 20) - before;
    lines_.push_back(lanes + name + std::string{take_line(what, room)});
    while (!what.empty()) {
      lines_.push_back(lanes_of(0) + std::string(name_width_ + 4, ' ') + std::string{take_line(what, room - 2)});
    }
  }
  const Trace& trace_;
  const std::size_t width_;
  std::vector<Lane> lanes_;
  std::size_t name_width_ = 4;
  std::vector<std::string> lines_;
};

}  // namespace detail_timeline

/// A line for each step: a lane for each task by number (`*` acts, `|` could, `:` sleeps), its name, what it does, and
/// where in the source. Where time moves, a line says so.
[[nodiscard]] inline std::string timeline(const Trace& trace, const TimelineOptions& options = {}) {
  const std::vector<std::string> lines = detail_timeline::Drawing{trace, options.width}.lines();
  const bool is_cut = lines.size() > options.lines_max;
  const std::size_t head = is_cut ? options.lines_max / 4 : lines.size();  // The end says more than the beginning.
  const std::size_t tail = is_cut ? options.lines_max - head : 0;
  std::string text;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (i == head) text += "... " + std::to_string(lines.size() - head - tail) + " lines left out\n";
    if (i < head || i >= lines.size() - tail) text += lines[i] + '\n';
  }
  return text;
}

}  // namespace rouse::inline v0::sim
