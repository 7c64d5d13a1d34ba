// Script: calls as text, one a line, with raw fd numbers and symbolic constants.
//
//   look after every call          or "at the end": when the poll bits of every fd are looked at
//   epoll_create1 CLOEXEC
//   eventfd 0 NONBLOCK
//   epoll_ctl 3 ADD 4 in|et data=7
//   look                           and now, too
//   write 4 8 value=1
//   epoll_wait 3 10 0
//   poll 0 3:in|out 4:in           lists come last
//
// Arguments stand in the order of the call; those that are nearly always the same have a name (`data=7`) and may be
// left out. `#` begins a comment. Which calls there are, and what they take: calls.hpp.
#pragma once

#include "names.hpp"
#include "rouse/kernel/call.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace differential {

enum class Kind {
  fd,      ///< The number of an open file, or of none.
  number,  ///< Anything else that counts.
  set,     ///< Flags.
  choice,  ///< One of several names.
  buffer,  ///< Where a buffer is.
};

/// What the list at the end of a call holds, if it has one.
enum class List { none, polls, vectors };

/// What sort of file a call is about, so that the generator mostly finds a fitting one.
enum class Wants {
  any,
  epoll,
  pollable,
  unpollable,
  readable,
  writable,
  pipe,
  socket,
  stream,
  listener,
  unbound,
  timerfd,
  signalfd,
  fresh_number
};

using Values = std::span<const std::int64_t>;

struct Param {
  const char* name;
  Kind kind;
  Names names = {};
  Values usual = {};  ///< What the generator mostly takes.
  Values rare = {};   ///< And now and then.
  Wants wants = Wants::any;
  bool is_keyed = false;  ///< Written `name=value`, and left out if it is `absent`.
  std::int64_t absent = 0;
};

inline constexpr std::size_t params_max = 8;

/// A call as a script writes it. Several may be the same syscall.
struct Signature {
  const char* name;
  rouse::kernel::Call call;
  int weight;  ///< How often the generator makes it, relative to others.
  std::vector<Param> params;
  List list = List::none;
};

/// An entry of a list: `fd:events` of a poll, or `pointer:size` of a vector.
struct Item {
  std::int64_t first = 0;
  std::int64_t second = 0;
  friend bool operator==(const Item&, const Item&) = default;
};

struct Step {
  std::size_t call = 0;  ///< Index in the table of calls, or `look`.
  std::array<std::int64_t, params_max> args{};
  std::vector<Item> items;

  static constexpr std::size_t look = ~std::size_t{0};
  [[nodiscard]] bool is_look() const { return call == look; }
  friend bool operator==(const Step&, const Step&) = default;
};

struct Script {
  bool looks_always = false;  ///< After every call; else only where a step says so, and at the end.
  std::vector<Step> steps;
  friend bool operator==(const Script&, const Script&) = default;
};

/// A line that is no call; what() names the line and what is wrong with it.
class BadScript : public std::runtime_error {
 public:
  using runtime_error::runtime_error;
};

using Signatures = std::span<const Signature>;

namespace detail_script {

inline void append_value(std::string& to, const Param& param, std::int64_t value) {
  switch (param.kind) {
    case Kind::fd:
    case Kind::number: append_number(to, value); break;
    case Kind::set: append_set(to, value, param.names); break;
    case Kind::choice: append_choice(to, value, param.names); break;
    case Kind::buffer: append_pointer(to, value); break;
  }
}

[[nodiscard]] inline std::optional<std::int64_t> parse_value(std::string_view text, const Param& param) {
  switch (param.kind) {
    case Kind::set: return parse_set(text, param.names);
    case Kind::choice: return parse_choice(text, param.names);
    case Kind::buffer: return parse_pointer(text);
    default: return parse_number(text);
  }
}

[[nodiscard]] inline std::optional<Item> parse_item(std::string_view text, List list) {
  const std::size_t colon = list == List::polls ? text.find(':') : text.rfind(':');
  if (colon == std::string_view::npos) return {};
  const std::string_view before = text.substr(0, colon);
  const std::string_view after = text.substr(colon + 1);
  const auto first = list == List::polls ? parse_number(before) : parse_pointer(before);
  const auto second = list == List::polls ? parse_set(after, event_names) : parse_number(after);
  if (!first || !second) return {};
  return Item{*first, *second};
}

[[nodiscard]] inline std::vector<std::string_view> words(std::string_view line) {
  std::vector<std::string_view> found;
  line = line.substr(0, line.find('#'));
  for (;;) {
    const std::size_t start = line.find_first_not_of(" \t\r");
    if (start == std::string_view::npos) return found;
    line.remove_prefix(start);
    const std::size_t end = std::min(line.find_first_of(" \t\r"), line.size());
    found.push_back(line.substr(0, end));
    line.remove_prefix(end);
  }
}

inline constexpr std::string_view after_every_call = "look after every call";
inline constexpr std::string_view at_the_end = "look at the end";

}  // namespace detail_script

inline void append(std::string& to, const Step& step, Signatures calls) {
  if (step.is_look()) {
    to += "look";
    return;
  }
  const Signature& signature = calls[step.call];
  to += signature.name;
  for (std::size_t i = 0; i < signature.params.size(); ++i) {
    const Param& param = signature.params[i];
    if (param.is_keyed && step.args[i] == param.absent) continue;
    to += ' ';
    if (param.is_keyed) to.append(param.name).append(1, '=');
    detail_script::append_value(to, param, step.args[i]);
  }
  for (const Item& item : step.items) {
    to += ' ';
    if (signature.list == List::polls) {
      append_number(to, item.first);
      to += ':';
      append_set(to, item.second, event_names);
    } else {
      append_pointer(to, item.first);
      to += ':';
      append_number(to, item.second);
    }
  }
}

[[nodiscard]] inline std::string to_text(const Script& script, Signatures calls) {
  std::string text{script.looks_always ? detail_script::after_every_call : detail_script::at_the_end};
  text += '\n';
  for (const Step& step : script.steps) {
    append(text, step, calls);
    text += '\n';
  }
  return text;
}

[[nodiscard]] inline std::string to_text(const Step& step, Signatures calls) {
  std::string text;
  append(text, step, calls);
  return text;
}

/// The opposite of to_text(step). Throws BadScript.
[[nodiscard]] inline Step parse_step(std::string_view line, Signatures calls) {
  using namespace detail_script;
  const std::vector<std::string_view> all = words(line);
  const auto refuse = [&](const std::string& why) { throw BadScript("\"" + std::string(line) + "\": " + why); };
  Step step;
  if (all.empty()) refuse("no call");
  if (all[0] == "look" && all.size() == 1) {
    step.call = Step::look;
    return step;
  }
  const auto found = std::find_if(calls.begin(), calls.end(), [&](const Signature& s) { return all[0] == s.name; });
  if (found == calls.end()) refuse("there is no call " + std::string(all[0]));
  step.call = static_cast<std::size_t>(found - calls.begin());
  std::array<bool, params_max> given{};
  for (std::size_t i = 0; i < found->params.size(); ++i) {
    given[i] = found->params[i].is_keyed;
    step.args[i] = found->params[i].absent;
  }
  for (std::size_t w = 1; w < all.size(); ++w) {
    std::string_view word = all[w];
    // A keyed argument by its name, another one by its place, and then the list.
    std::size_t at = 0;
    const auto is_named = [&](const Param& p) {
      return p.is_keyed && word.size() > std::string_view{p.name}.size() && word.starts_with(p.name) &&
             word[std::string_view{p.name}.size()] == '=';
    };
    while (at < found->params.size() && !is_named(found->params[at])) ++at;
    if (at < found->params.size()) {
      word.remove_prefix(std::string_view{found->params[at].name}.size() + 1);
    } else {
      at = static_cast<std::size_t>(
          std::find(given.begin(), given.begin() + static_cast<std::ptrdiff_t>(found->params.size()), false) -
          given.begin());
    }
    if (at == found->params.size()) {
      if (found->list == List::none) refuse("\"" + std::string(word) + "\" is one argument too many");
      const auto item = parse_item(word, found->list);
      if (!item) refuse("\"" + std::string(word) + "\" is no entry of its list");
      step.items.push_back(*item);
      continue;
    }
    const auto value = parse_value(word, found->params[at]);
    if (!value) refuse("\"" + std::string(word) + "\" is no " + found->params[at].name);
    step.args[at] = *value;
    given[at] = true;
  }
  for (std::size_t i = 0; i < found->params.size(); ++i) {
    if (!given[i]) refuse(std::string("the ") + found->params[i].name + " is missing");
  }
  return step;
}

/// The opposite of to_text(script). Throws BadScript with the number of the line.
[[nodiscard]] inline Script parse_script(std::string_view text, Signatures calls) {
  using namespace detail_script;
  Script script;
  bool has_mode = false;
  for (int number = 1; !text.empty(); ++number) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    const std::vector<std::string_view> all = words(line);
    if (all.empty()) continue;
    try {
      if (all[0] == "look" && all.size() > 1) {
        std::string mode;
        for (const std::string_view word : all) mode.append(mode.empty() ? "" : " ").append(word);
        if (mode != after_every_call && mode != at_the_end) throw BadScript("\"" + mode + "\": look when?");
        if (has_mode || !script.steps.empty()) throw BadScript("when to look is said once, and first");
        has_mode = true;
        script.looks_always = mode == after_every_call;
        continue;
      }
      script.steps.push_back(parse_step(line, calls));
    } catch (const BadScript& bad) {
      throw BadScript("line " + std::to_string(number) + ": " + bad.what());
    }
  }
  return script;
}

}  // namespace differential
