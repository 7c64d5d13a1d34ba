// sim::thread: std's, in a World.
#pragma once

#include "world.hpp"

#include <cstdint>
#include <string>
#include <tuple>
#include <utility>

namespace rouse::inline v0::sim {

/// std::thread: a task of the World that runs. One that is destroyed without join() or detach() ends the run, as it
/// would end the program; it is unwound first, as what it refers to goes next.
class thread {
 public:
  using id = std::uint32_t;  ///< 0 for none.

  thread() = default;
  template <class F>
    requires(!std::same_as<std::remove_cvref_t<F>, thread>)
  explicit thread(F&& f, CallSite site = CallSite::current()) {
    const detail::CallScope scope{site};
    start(std::forward<F>(f));
  }
  /// Starts it with copies of the arguments. Of no line: after any number of arguments there is no room for one.
  template <class F, class First, class... Rest>
    requires(!std::same_as<std::remove_cvref_t<F>, thread> && !std::same_as<std::remove_cvref_t<First>, CallSite>)
  explicit thread(F&& f, First&& first, Rest&&... rest) {
    start(std::forward<F>(f), std::forward<First>(first), std::forward<Rest>(rest)...);
  }
  thread(thread&& other) noexcept : task_(std::exchange(other.task_, nullptr)) {}
  /// Precondition: not joinable.
  thread& operator=(thread&& other) noexcept {
    ROUSE_ASSERT(task_ == nullptr, "sim::thread: assigned to while it is joinable");
    task_ = std::exchange(other.task_, nullptr);
    return *this;
  }
  ~thread() {
    if (task_ == nullptr) return;
    const detail::CallScope scope{CallSite::destructor()};
    World& world = World::here();
    if (!world.is_unwinding()) world.give_up("sim::thread: destroyed while it is joinable");
    world.join_quietly(*task_);
  }

  [[nodiscard]] bool joinable() const { return task_ != nullptr; }
  [[nodiscard]] id get_id() const { return task_ != nullptr ? task_->id() : 0; }
  [[nodiscard]] static unsigned hardware_concurrency() { return 1; }

  /// Precondition: joinable. One that joins itself sleeps for ever. Returns also when the run has failed meanwhile, as
  /// it is often called by destructors: then the other thread was unwound, and may not have done what it was to do.
  void join(CallSite site = CallSite::current()) {
    const detail::CallScope scope{site};
    ROUSE_ASSERT(task_ != nullptr, "sim::thread: joined twice, or never started");
    World& world = World::here();
    world.join_quietly(*task_);
    if (!task_->is_over()) world.unwind();  // They join each other.
    task_ = nullptr;
  }
  /// Precondition: joinable.
  void detach() {
    ROUSE_ASSERT(task_ != nullptr, "sim::thread: detached twice, or never started");
    task_ = nullptr;
  }

  void swap(thread& other) noexcept { std::swap(task_, other.task_); }

 private:
  template <class F, class... Arguments>
  void start(F&& f, Arguments&&... arguments) {
    auto call = [f = std::forward<F>(f), arguments = std::make_tuple(std::forward<Arguments>(arguments)...)]() mutable {
      std::apply(std::move(f), std::move(arguments));
    };
    task_ = &World::here().spawn("thread", std::move(call));
  }

  SimTask* task_ = nullptr;
};

}  // namespace rouse::inline v0::sim
