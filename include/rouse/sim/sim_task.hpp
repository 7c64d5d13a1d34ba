// SimTask: an emulated thread on a fiber.
#pragma once

#include "../kernel/observer.hpp"
#include "../kernel/task.hpp"
#include "fiber/fiber.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace rouse::inline v0::sim {

class World;

/// Thrown through a task when a run has failed, so that what it holds is given back. Not a std::exception: code under
/// test that handles those does not mean this one. A task that swallows it is named in the failure.
class Cancelled {};

/// A function to be run by a task.
class TaskBody {
 public:
  TaskBody() = default;
  TaskBody(const TaskBody&) = delete;
  TaskBody& operator=(const TaskBody&) = delete;
  virtual ~TaskBody() = default;
  virtual void run() = 0;
};

template <class F>
class TaskBodyOf final : public TaskBody {
 public:
  explicit TaskBodyOf(F f) : f_(std::move(f)) {}
  void run() override { f_(); }

 private:
  F f_;
};

/// What a task sleeps for, if it says so: asked when nothing can wake it any more.
class Condition {
 public:
  /// `call` is what the task sleeps in. Does not throw.
  [[nodiscard]] virtual bool holds(std::string_view call) = 0;

 protected:
  ~Condition() = default;
};

class SimTask final : public kernel::Task, public kernel::SyncPoint {
 public:
  SimTask(World& world, std::uint32_t id, std::string name) : Task(id, std::move(name)), world_(world) {}

  [[nodiscard]] bool is_over() const { return state_ == State::over; }
  /// Null for what is not known.
  [[nodiscard]] Condition* waits_for() const { return waits_for_; }
  void set_waits_for(Condition* condition) { waits_for_ = condition; }
  [[nodiscard]] kernel::Object object() const { return kernel::Object::task(id()); }

 private:
  friend class World;

  enum class State : std::uint8_t {
    runnable,
    asleep,  ///< Until it is woken, or `deadline_` comes.
    over,
  };

  World& world_;
  State state_ = State::runnable;
  bool was_cancelled_ = false;
  std::uint32_t swallowed_ = 0;
  kernel::Time deadline_ = kernel::time_never;
  Condition* waits_for_ = nullptr;
  Fiber* fiber_ = nullptr;
  std::unique_ptr<TaskBody> body_;
};

/// Says what a task sleeps for, as long as it lives.
class WaitsFor {
 public:
  WaitsFor(SimTask& task, Condition& condition) : task_(task) { task_.set_waits_for(&condition); }
  WaitsFor(const WaitsFor&) = delete;
  WaitsFor& operator=(const WaitsFor&) = delete;
  ~WaitsFor() { task_.set_waits_for(nullptr); }

 private:
  SimTask& task_;
};

}  // namespace rouse::inline v0::sim
