// Task: an emulated thread: who calls, and what it waits for if it is blocked.
#pragma once

#include "../detail/intrusive_list.hpp"
#include "time.hpp"

#include <cstdint>
#include <string>
#include <utility>

namespace rouse::inline v0::kernel {

class File;
struct Op;

/// What a blocked task waits for, for dumps.
struct BlockedOn {
  const char* call = nullptr;
  int fd = -1;
  const File* file = nullptr;  ///< Null where a call waits for several.
  Time since = 0;
  Time deadline = time_never;
};

class Task : public detail::ListLink<Task> {
 public:
  Task(std::uint32_t id, std::string name) : id_(id), name_(std::move(name)) {}
  virtual ~Task() = default;

  [[nodiscard]] std::uint32_t id() const { return id_; }
  [[nodiscard]] const std::string& name() const { return name_; }

  /// Null while it runs.
  [[nodiscard]] const BlockedOn* blocked_on() const { return blocked_on_; }
  void set_blocked_on(const BlockedOn* reason) { blocked_on_ = reason; }

 private:
  const std::uint32_t id_;
  const std::string name_;
  const BlockedOn* blocked_on_ = nullptr;
};

}  // namespace rouse::inline v0::kernel
