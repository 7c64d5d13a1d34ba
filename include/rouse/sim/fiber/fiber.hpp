// Fiber: functions that run on a stack of their own, one after the other; FiberPool: all fibers of an OS thread, and
// which of them runs. Sanitizers are told of every switch.
//
// A switch takes along what belongs to a thread and must belong to a fiber: the exceptions that are being handled or
// are in flight, and errno. Without the first, a switch inside a handler makes `throw;` rethrow another fiber's
// exception.
#pragma once

#include "../../detail/assert.hpp"
#include "../../detail/fiber_sanitizers.hpp"
#include "../../detail/tsan.hpp"
#include "context.hpp"
#include "stack.hpp"

#include <cerrno>
#include <cstddef>
#include <cxxabi.h>
#include <memory>
#include <vector>

namespace rouse::inline v0::sim {

class FiberPool;

class Fiber {
 public:
  /// What it runs. Says which fiber goes on when it is over; lets no exception out.
  using Body = Fiber& (*)(void* argument);

  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;
  ~Fiber() {
    if (stack_) detail::asan_unpoison(stack_->bottom(), stack_->size());
    detail::tsan_destroy_fiber(is_root() ? nullptr : tsan_);
  }

  /// Precondition: it is not the root, which is on the thread's own.
  [[nodiscard]] const Stack& stack() const { return *stack_; }

 private:
  friend class FiberPool;

  explicit Fiber(FiberPool& pool) : pool_(pool), tsan_(detail::tsan_current_fiber()) {}
  Fiber(FiberPool& pool, std::size_t stack_size)
      : pool_(pool), stack_(std::make_unique<Stack>(stack_size)), tsan_(detail::tsan_create_fiber()) {
    asan_.bottom = stack_->bottom();
    asan_.size = stack_->size();
    prepare_context(context_, stack_->bottom(), stack_->size(), &Fiber::enter, this);
  }

  [[nodiscard]] bool is_root() const { return stack_ == nullptr; }
  static void enter(void* self) noexcept;

  FiberPool& pool_;
  std::unique_ptr<Stack> stack_;
  Context context_;
  Body body_ = nullptr;
  void* argument_ = nullptr;
  detail::AsanStack asan_;
  void* tsan_;
};

/// The fibers of the thread that makes it, which is the first of them, the root. Fibers are kept when their body is
/// over, as making one costs a thousand times what switching costs. Not thread-safe.
class FiberPool {
 public:
  static constexpr std::size_t default_stack_size = 256 * 1024;

  explicit FiberPool(std::size_t stack_size = default_stack_size)
      : stack_size_(stack_size), exceptions_(abi::__cxa_get_globals()), root_(*this), current_(&root_) {}
  FiberPool(const FiberPool&) = delete;
  FiberPool& operator=(const FiberPool&) = delete;
  /// Preconditions: the root runs, and every body is over.
  ~FiberPool() {
    ROUSE_ASSERT(current_ == &root_ && idle_.size() == fibers_.size(), "FiberPool: a fiber is not at its end");
    if constexpr (detail::tsan_is_on) leave_hiding();
  }

  [[nodiscard]] Fiber& root() { return root_; }
  /// How many there are beside the root, idle or not.
  [[nodiscard]] std::size_t size() const { return fibers_.size(); }

  /// An idle fiber, or a new one, that will run `body(argument)` when it is switched to. Throws std::bad_alloc.
  [[nodiscard]] Fiber& take(Fiber::Body body, void* argument) {
    if (idle_.empty()) {
      idle_.reserve(fibers_.size() + 1);  // Giving back must not fail.
      fibers_.reserve(fibers_.size() + 1);
      idle_.push_back(fibers_.emplace_back(new Fiber{*this, stack_size_}).get());
    }
    Fiber& fiber = *idle_.back();
    idle_.pop_back();
    fiber.body_ = body;
    fiber.argument_ = argument;
    return fiber;
  }

  /// Leaves off in the current fiber and goes on in another. Returns when somebody switches back.
  void switch_to(Fiber& to) {
    const int error = errno;
    const Exceptions exceptions = *exceptions_of_thread();
    leave_for(to);
    *exceptions_of_thread() = exceptions;
    errno = error;
  }

 private:
  friend class Fiber;

  // The two words of the C++ run-time library: what is caught, and how many are in flight.
  struct Exceptions {
    void* caught;
    unsigned in_flight;
  };
  [[nodiscard]] Exceptions* exceptions_of_thread() const { return reinterpret_cast<Exceptions*>(exceptions_); }

  void leave_for(Fiber& to) {
    Fiber& from = *current_;
    previous_ = &from;
    current_ = &to;
    detail::asan_leave(from.asan_, to.asan_);
    if constexpr (detail::tsan_is_on) __tsan_switch_to_fiber(to.tsan_, detail::tsan_without_sync);
    switch_context(from.context_, to.context_);
    arrive();
  }
  void arrive() { detail::asan_arrive(current_->asan_, previous_->asan_); }

  // ThreadSanitizer takes a fiber that ends while hidden for a mistake: each leaves hiding before it goes.
  void leave_hiding() {
    const detail::Hidden hidden;
    is_ending_ = true;
    for (const auto& fiber : fibers_) {
      leave_for(*fiber);
      current_ = &root_;
    }
  }
  // Not hidden any more, it must touch nothing that the sanitizer sees.
  __attribute__((noinline, no_sanitize("thread"))) void leave_for_good(Fiber& from) {
    detail::tsan_show();
    if constexpr (detail::tsan_is_on) __tsan_switch_to_fiber(root_.tsan_, detail::tsan_without_sync);
    switch_context(from.context_, root_.context_);
  }

  const std::size_t stack_size_;
  abi::__cxa_eh_globals* const exceptions_;
  Fiber root_;
  Fiber* current_;
  Fiber* previous_ = nullptr;
  bool is_ending_ = false;
  std::vector<std::unique_ptr<Fiber>> fibers_;
  std::vector<Fiber*> idle_;
};

inline void Fiber::enter(void* self) noexcept {
  detail::tsan_hide();
  Fiber& fiber = *static_cast<Fiber*>(self);
  FiberPool& pool = fiber.pool_;
  pool.arrive();
  while (!pool.is_ending_) {
    *pool.exceptions_of_thread() = {};
    Fiber& next = fiber.body_(fiber.argument_);
    pool.idle_.push_back(&fiber);
    pool.leave_for(next);
  }
  pool.leave_for_good(fiber);
}

}  // namespace rouse::inline v0::sim
