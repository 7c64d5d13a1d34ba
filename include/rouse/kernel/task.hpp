// Task: an emulated thread: who calls, what it waits for if it is blocked, and its signals.
#pragma once

#include "../detail/intrusive_list.hpp"
#include "pending_signals.hpp"
#include "time.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace rouse::inline v0::kernel {

class File;
class NetNamespace;
struct Op;

/// What a blocked task waits for, for dumps.
struct BlockedOn {
  const char* call = nullptr;
  int fd = -1;
  const File* file = nullptr;  ///< Null where a call waits for several.
  Time since = 0;
  Time deadline = time_never;
};

/// What the first handler of a call's signals, if any ran, says of calls that it interrupts: SA_RESTART or not.
enum class Handled : std::uint8_t { none, by_restarting, by_interrupting };

/// What a task has of signals. Signals (signals.hpp) says what becomes of them.
struct TaskSignals {
  SignalSet mask;                            ///< Blocked.
  std::optional<SignalSet> mask_after_call;  ///< To be put back when a call with a mask of its own is over.
  PendingSignals pending;                    ///< Sent to this task alone.
  bool is_due = false;                       ///< There may be one to take: its sleep in a call is over.
  std::optional<SignalSet> mask_in_sleep;    ///< Where the signals are the process's: this call's own mask.
  Handled handled = Handled::none;           ///< Likewise: what its thread has handled in its sleep.
};

class Task : public detail::ListLink<Task> {
 public:
  Task(std::uint32_t id, std::string name) : id_(id), name_(std::move(name)) {}
  virtual ~Task() = default;

  [[nodiscard]] std::uint32_t id() const { return id_; }
  [[nodiscard]] const std::string& name() const { return name_; }
  void set_name(std::string name) { name_ = std::move(name); }

  /// Null while it runs.
  [[nodiscard]] const BlockedOn* blocked_on() const { return blocked_on_; }
  void set_blocked_on(const BlockedOn* reason) { blocked_on_ = reason; }

  TaskSignals signals;
  NetNamespace* net = nullptr;  ///< Where its new sockets are; null for the initial one.

 private:
  const std::uint32_t id_;
  std::string name_;
  const BlockedOn* blocked_on_ = nullptr;
};

}  // namespace rouse::inline v0::kernel
