// Script: what a threaded test does, as text. A line is an act: calls made one after the other by one thread, after
// which everybody comes to rest before the next line.
//
//     epoll e1                     the main thread makes a call; `e1` is from now on the number it returned
//     add e1 v1 in|et
//     s1: wait e1 4 -1             thread 1 makes calls, which may block
//     s2: wait e1 1 -1; take v1
//
// Which calls there are says calls.hpp. A line for a thread that is still inside its calls does nothing.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace threaded {

using Words = std::vector<std::string>;

/// One call: its name, then its arguments.
struct CallText {
  Words words;

  friend bool operator==(const CallText&, const CallText&) = default;
};

struct Line {
  static constexpr int main_thread = -1;

  int thread = main_thread;
  std::vector<CallText> calls;

  friend bool operator==(const Line&, const Line&) = default;
};

using Script = std::vector<Line>;

/// Threads of a script are s0 to s9.
inline constexpr int threads_max = 10;

inline std::string to_string(const CallText& call) {
  std::string text;
  for (const std::string& word : call.words) {
    if (!text.empty()) text += ' ';
    text += word;
  }
  return text;
}

inline std::string calls_to_string(const Line& line) {
  std::string text;
  for (const CallText& call : line.calls) {
    if (!text.empty()) text += "; ";
    text += to_string(call);
  }
  return text;
}

inline std::string to_string(const Line& line) {
  const std::string who = line.thread == Line::main_thread ? "" : "s" + std::to_string(line.thread) + ": ";
  return who + calls_to_string(line);
}

inline std::string to_string(const Script& script) {
  std::string text;
  for (const Line& line : script) text += to_string(line) + '\n';
  return text;
}

inline Words split(std::string_view text, char separator) {
  Words parts;
  while (!text.empty()) {
    const std::size_t end = text.find(separator);
    if (end != 0) parts.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return parts;
}

/// The line in `text`; nothing for a blank one or a comment.
inline std::optional<Line> parse_line(std::string_view text) {
  text = text.substr(0, text.find('#'));
  Line line;
  if (text.size() > 3 && text[0] == 's' && text[1] >= '0' && text[1] <= '9' && text[2] == ':') {
    line.thread = text[1] - '0';
    text.remove_prefix(3);
  }
  for (const std::string& call : split(text, ';')) {
    Words words = split(call, ' ');
    if (!words.empty()) line.calls.push_back({std::move(words)});
  }
  return line.calls.empty() ? std::nullopt : std::optional{line};
}

inline Script parse_script(std::string_view text) {
  Script script;
  for (const std::string& line : split(text, '\n')) {
    if (const std::optional<Line> parsed = parse_line(line)) script.push_back(*parsed);
  }
  return script;
}

}  // namespace threaded
