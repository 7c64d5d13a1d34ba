// sim::mutex, sim::shared_mutex: std's, in a World. Locking and unlocking are points at which another task may go on.
// Who gets a lock that several wait for is open, as it is in std.
#pragma once

#include "world.hpp"

#include <cstddef>

namespace rouse::inline v0::sim {

/// std::mutex, for std::lock_guard, std::unique_lock, std::scoped_lock and std::lock. What std leaves undefined is
/// found: a task that locks it twice sleeps for ever, and who unlocks what another has locked is told so.
class mutex {
 public:
  mutex() = default;
  mutex(const mutex&) = delete;
  mutex& operator=(const mutex&) = delete;
  /// Precondition: unlocked.
  ~mutex() {
    ROUSE_ASSERT(waiting_.holder == nullptr || World::running() == nullptr || World::here().is_unwinding(),
                 "sim::mutex: destroyed while it is locked");
  }

  void lock(CallSite site = CallSite::current()) {
    const detail::Hidden hidden;
    const detail::CallScope scope{site};
    World& world = World::here();
    world.pass("mutex::lock", waiting_);
    wait_and_take(world, "mutex::lock");
  }
  /// False if somebody has it.
  [[nodiscard]] bool try_lock(CallSite site = CallSite::current()) {
    const detail::Hidden hidden;
    const detail::CallScope scope{site};
    World& world = World::here();
    world.pass("mutex::try_lock", waiting_);
    world.step_is(waiting_.holder == nullptr);
    if (waiting_.holder != nullptr) return false;
    take(world);
    return true;
  }
  /// Precondition: the calling task has it.
  void unlock(CallSite site = CallSite::current()) {
    const detail::Hidden hidden;
    const detail::CallScope scope{site};
    World& world = World::here();
    world.pass("mutex::unlock", waiting_, kernel::Access::write, false);  // Mostly in a destructor.
    release(world);
  }

 private:
  friend class condition_variable;

  void wait_and_take(World& world, const char* call) {
    while (waiting_.holder != nullptr && !world.is_unwinding()) world.sleep_quietly_in(waiting_, call);
    if (waiting_.holder != nullptr) world.unwind();
    take(world);
  }
  void take(World& world) {
    world.step_ended();
    kernel::touch(waiting_.object(), kernel::Access::write);
    waiting_.holder = &world.current_task();
    kernel::acquire_edge(waiting_);
  }
  void release(World& world) {
    ROUSE_ASSERT(waiting_.holder == &world.current_task() || world.is_unwinding(),
                 "sim::mutex: unlocked by who has not locked it");
    kernel::touch(waiting_.object(), kernel::Access::write);
    kernel::release_edge(waiting_);
    waiting_.holder = nullptr;
    world.wake_all(waiting_);
  }

  SleepQueue waiting_;
};

/// std::shared_mutex, for std::shared_lock too. A reader may get it while a writer waits.
class shared_mutex {
 public:
  shared_mutex() = default;
  shared_mutex(const shared_mutex&) = delete;
  shared_mutex& operator=(const shared_mutex&) = delete;
  /// Precondition: unlocked.
  ~shared_mutex() {
    ROUSE_ASSERT((!is_written_ && readers_ == 0) || World::running() == nullptr || World::here().is_unwinding(),
                 "sim::shared_mutex: destroyed while it is locked");
  }

  void lock(CallSite site = CallSite::current()) {
    const detail::CallScope scope{site};
    lock_when(
        "shared_mutex::lock", [this] { return is_free(); }, true);
  }
  [[nodiscard]] bool try_lock(CallSite site = CallSite::current()) {
    const detail::CallScope scope{site};
    return lock_if(
        "shared_mutex::try_lock", [this] { return is_free(); }, true);
  }
  void unlock(CallSite site = CallSite::current()) {
    const detail::Hidden hidden;
    const detail::CallScope scope{site};
    World& world = World::here();
    world.pass("shared_mutex::unlock", waiting_, kernel::Access::write, false);
    ROUSE_ASSERT(is_written_ || world.is_unwinding(), "sim::shared_mutex: not locked");
    is_written_ = false;
    waiting_.holder = nullptr;
    kernel::release_edge(waiting_);
    kernel::release_edge(written_);
    world.wake_all(waiting_);
  }

  void lock_shared(CallSite site = CallSite::current()) {
    const detail::CallScope scope{site};
    lock_when(
        "shared_mutex::lock_shared", [this] { return !is_written_; }, false);
  }
  [[nodiscard]] bool try_lock_shared(CallSite site = CallSite::current()) {
    const detail::CallScope scope{site};
    return lock_if(
        "shared_mutex::try_lock_shared", [this] { return !is_written_; }, false);
  }
  void unlock_shared(CallSite site = CallSite::current()) {
    const detail::Hidden hidden;
    const detail::CallScope scope{site};
    World& world = World::here();
    world.pass("shared_mutex::unlock_shared", waiting_, kernel::Access::write, false);
    ROUSE_ASSERT(readers_ > 0 || world.is_unwinding(), "sim::shared_mutex: not locked for reading");
    if (readers_ > 0) --readers_;
    kernel::release_edge(waiting_);  // The next writer comes after us; the next reader need not.
    world.wake_all(waiting_);
  }

 private:
  [[nodiscard]] bool is_free() const { return !is_written_ && readers_ == 0; }

  template <class IsOpen>
  void lock_when(const char* call, IsOpen is_open, bool to_write) {
    const detail::Hidden hidden;
    World& world = World::here();
    world.pass(call, waiting_);
    while (!is_open() && !world.is_unwinding()) world.sleep_quietly_in(waiting_, call);
    if (!is_open()) world.unwind();
    world.step_ended();
    take(to_write);
  }
  template <class IsOpen>
  [[nodiscard]] bool lock_if(const char* call, IsOpen is_open, bool to_write) {
    const detail::Hidden hidden;
    World& world = World::here();
    world.pass(call, waiting_);
    world.step_is(is_open());
    if (!is_open()) return false;
    take(to_write);
    return true;
  }
  void take(bool to_write) {
    if (to_write) {
      is_written_ = true;
      waiting_.holder = &World::here().current_task();
      kernel::acquire_edge(waiting_);
    } else {
      ++readers_;
      kernel::acquire_edge(written_);
    }
  }

  bool is_written_ = false;
  std::size_t readers_ = 0;
  kernel::SyncPoint written_;  // What readers come after; writers come after all that goes through waiting_.
  SleepQueue waiting_;
};

}  // namespace rouse::inline v0::sim
