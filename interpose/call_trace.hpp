// CallTrace: the calls as text, a line each, `0.000123 [4711] epoll_wait(epoll 4, 64 events, for ever) = 1: eventfd 3
// in`, or for Perfetto. What a call says is what the simulation's traces say.
#pragma once

#include "trace_file.hpp"
#include <rouse/sim/trace/result_text.hpp>

#include <atomic>
#include <cstdint>
#include <map>
#include <string>

namespace rouse::interpose {

/// A call that has begun.
struct TracedCall {
  static constexpr kernel::Time awake = -1;

  const kernel::Op* op;
  std::int64_t thread;
  std::string text{};
  kernel::Time begun = 0;
  kernel::Time sleeps = awake;  ///< Since when.
  std::uint32_t task = 0;       ///< Once it has slept: which task it is in.
  std::int64_t woken_by = 0;    ///< By which thread it was first; 0 for time, or nobody yet.
  kernel::Time woken = 0;
};

class CallTrace {
 public:
  explicit CallTrace(const Options& options);

  void sleeps(const TracedCall& call);
  void ended(const TracedCall& call, const std::string& result, kernel::Time now);
  /// The process is at its end, and the call is not.
  void never_ended(const TracedCall& call, kernel::Time now);
  void fault(std::int64_t thread, const std::string& what, kernel::Time now);
  void finish();

 private:
  void line(std::int64_t thread, kernel::Time time, const std::string& what);
  void json(const std::string& event);
  void slice(std::int64_t thread, kernel::Time from, kernel::Time to, const std::string& name);
  void flow(const char* phase, std::int64_t thread, kernel::Time time);
  [[nodiscard]] std::string head(const char* phase, std::int64_t thread, kernel::Time time) const;
  void name_thread(std::int64_t thread);

  const TraceFile file_;
  const bool is_json_;
  const kernel::Time began_;
  const std::int64_t process_;
  std::atomic<bool> is_first_;  // Of the file's events.
  std::atomic<bool> is_over_ = false;
  std::map<std::int64_t, bool> named_;
  std::uint64_t flows_ = 0;
};

}  // namespace rouse::interpose
