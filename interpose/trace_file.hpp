// TraceFile: where the trace goes, a line at a time. Each is written by one call of Linux's and is in the file at once:
// a program that crashes, is killed or leaves by _exit has lost nothing.
#pragma once

#include "options.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace rouse::interpose {

class TraceFile {
 public:
  /// That of this process, made if it is not there: what was there stays, as a program may have executed another.
  explicit TraceFile(const Options& options);
  TraceFile(const TraceFile&) = delete;
  TraceFile& operator=(const TraceFile&) = delete;

  [[nodiscard]] bool is_empty() const;
  void write(std::string_view text) const;

  /// A child was forked: what an earlier process with its number has left, goes.
  static void begin_anew() { begins_anew_ = true; }

 private:
  static inline bool begins_anew_ = false;

  int fd_;
};

}  // namespace rouse::interpose
