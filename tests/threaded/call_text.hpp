// What calls are given and return, as text.
#pragma once

#include "rouse/event_flags.hpp"
#include "rouse/sys_result.hpp"
#include "script.hpp"

#include <algorithm>
#include <cstring>
#include <poll.h>
#include <sys/socket.h>

namespace threaded {

/// "a*3 b": which bytes, in order.
inline std::string runs_of(std::string_view bytes) {
  std::string text;
  for (std::size_t at = 0; at < bytes.size();) {
    const std::size_t end = std::min(bytes.find_first_not_of(bytes[at], at), bytes.size());
    text += text.empty() ? "" : " ";
    text += bytes[at];
    if (end - at > 1) text += '*' + std::to_string(end - at);
    at = end;
  }
  return text;
}

template <class T>
std::string text(const rouse::SysResult<T>& result) {
  if (result.ok()) return std::to_string(result.word());
  const char* const name = ::strerrorname_np(result.error());
  return name != nullptr ? name : "errno " + std::to_string(result.error());
}

inline std::string bytes(const rouse::SysResult<std::size_t>& result, const std::string& buffer) {
  if (!result.ok() || result.value() == 0 || result.value() > buffer.size()) return text(result);
  return text(result) + ": " + runs_of(std::string_view{buffer}.substr(0, result.value()));
}

inline std::string letters(std::size_t line, const std::string& n) {
  return std::string(std::stoul(n), static_cast<char>('a' + line % 26));
}

inline int flag(const Words& w, std::size_t from) {
  int flags = 0;
  for (std::size_t i = from; i < w.size(); ++i) {
    if (w[i] == "peek") flags |= MSG_PEEK;
    if (w[i] == "waitall") flags |= MSG_WAITALL;
    if (w[i] == "dontwait") flags |= MSG_DONTWAIT;
  }
  return flags;
}

inline rouse::EventFlags events(const std::string& word) {
  return rouse::EventFlags::parse(word).value_or(rouse::EventFlags{});
}

inline std::string bits_text(short revents) {
  if ((revents & POLLNVAL) != 0) return "nval";
  return to_string(rouse::EventFlags{static_cast<std::uint16_t>(revents)});
}

}  // namespace threaded
