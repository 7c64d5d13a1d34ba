// sim::atomic: std's, in a World. Every operation is a point at which another task may go on, and happens as a whole:
// memory is sequentially consistent. The order asked for says which edges there are, for the detection of races.
#pragma once

#include "world.hpp"

#include <atomic>
#include <concepts>
#include <cstddef>
#include <string_view>
#include <type_traits>

namespace rouse::inline v0::sim {

/// std::atomic of what can be copied as bytes and compared by ==.
template <class T>
class atomic {
  static_assert(std::is_trivially_copyable_v<T>, "sim::atomic: as std::atomic, only of what can be copied as bytes");
  using Order = std::memory_order;
  static constexpr bool is_countable = std::integral<T> || std::floating_point<T> || std::is_pointer_v<T>;
  using Step = std::conditional_t<std::is_pointer_v<T>, std::ptrdiff_t, T>;

 public:
  using value_type = T;
  static constexpr bool is_always_lock_free = true;

  atomic() noexcept(std::is_nothrow_default_constructible_v<T>) = default;
  constexpr atomic(T value) noexcept : value_(value) {}
  atomic(const atomic&) = delete;
  atomic& operator=(const atomic&) = delete;

  [[nodiscard]] T load(Order order = std::memory_order_seq_cst, CallSite site = CallSite::current()) const {
    const detail::Hidden hidden;
    const detail::CallScope scope{site};
    enter("atomic::load", kernel::Access::read);
    acquire(order);
    tell(" = ", value_);
    return value_;
  }
  operator T() const { return load(); }
  void store(T value, Order order = std::memory_order_seq_cst, CallSite site = CallSite::current()) {
    const detail::Hidden hidden;
    const detail::CallScope scope{site};
    enter("atomic::store");
    kernel::forget_edges(waiting_);  // Only changes go on from what others have released.
    release(order);
    value_ = value;
    tell(", now ", value_);
  }
  T operator=(T value) {
    store(value);
    return value;
  }
  T exchange(T value, Order order = std::memory_order_seq_cst, CallSite site = CallSite::current()) {
    const detail::CallScope scope{site};
    return change("atomic::exchange", order, [&](T) { return value; });
  }
  /// Never fails without a reason, the weak one neither.
  bool compare_exchange_strong(T& expected, T desired, Order success, Order failure,
                               CallSite site = CallSite::current()) {
    const detail::Hidden hidden;
    const detail::CallScope scope{site};
    enter("atomic::compare_exchange");
    if (!(value_ == expected)) {
      acquire(failure);
      tell(" fails at ", value_);
      expected = value_;
      return false;
    }
    acquire(success);
    release(success);
    value_ = desired;
    tell(", now ", value_);
    return true;
  }
  bool compare_exchange_strong(T& expected, T desired, Order order = std::memory_order_seq_cst,
                               CallSite site = CallSite::current()) {
    return compare_exchange_strong(expected, desired, order, order, site);
  }
  bool compare_exchange_weak(T& expected, T desired, Order success, Order failure,
                             CallSite site = CallSite::current()) {
    return compare_exchange_strong(expected, desired, success, failure, site);
  }
  bool compare_exchange_weak(T& expected, T desired, Order order = std::memory_order_seq_cst,
                             CallSite site = CallSite::current()) {
    return compare_exchange_strong(expected, desired, order, order, site);
  }

  /// Sleeps while the value is `old`, until it is notified.
  void wait(T old, Order order = std::memory_order_seq_cst, CallSite site = CallSite::current()) const {
    const detail::Hidden hidden;
    const detail::CallScope scope{site};
    enter("atomic::wait");
    World& world = World::here();
    Changes condition{value_, old};
    const WaitsFor waits{world.current_task(), condition};
    while (value_ == old && !world.is_unwinding()) static_cast<void>(world.sleep_in(waiting_, "atomic::wait"));
    world.step_ended();
    acquire(order);
  }
  void notify_one(CallSite site = CallSite::current()) {
    const detail::Hidden hidden;
    const detail::CallScope scope{site};
    enter("atomic::notify_one");
    World::here().wake_one(waiting_);
  }
  void notify_all(CallSite site = CallSite::current()) {
    const detail::Hidden hidden;
    const detail::CallScope scope{site};
    enter("atomic::notify_all");
    World::here().wake_all(waiting_);
  }

  /// Of numbers and, in elements, of pointers. Signed numbers wrap.
  T fetch_add(Step by, Order order = std::memory_order_seq_cst,
              CallSite site = CallSite::current()) requires is_countable {
    const detail::CallScope scope{site};
    return change("atomic::fetch_add", order, [&](T value) { return sum(value, by); });
  }
  T fetch_sub(Step by, Order order = std::memory_order_seq_cst,
              CallSite site = CallSite::current()) requires is_countable {
    const detail::CallScope scope{site};
    return change("atomic::fetch_sub", order, [&](T value) { return difference(value, by); });
  }
  T fetch_and(T bits, Order order = std::memory_order_seq_cst,
              CallSite site = CallSite::current()) requires std::integral<T> {
    const detail::CallScope scope{site};
    return change("atomic::fetch_and", order, [&](T value) { return static_cast<T>(value & bits); });
  }
  T fetch_or(T bits, Order order = std::memory_order_seq_cst,
             CallSite site = CallSite::current()) requires std::integral<T> {
    const detail::CallScope scope{site};
    return change("atomic::fetch_or", order, [&](T value) { return static_cast<T>(value | bits); });
  }
  T fetch_xor(T bits, Order order = std::memory_order_seq_cst,
              CallSite site = CallSite::current()) requires std::integral<T> {
    const detail::CallScope scope{site};
    return change("atomic::fetch_xor", order, [&](T value) { return static_cast<T>(value ^ bits); });
  }
  T operator++() { return sum(fetch_add(1), 1); }
  T operator++(int) { return fetch_add(1); }
  T operator--() { return difference(fetch_sub(1), 1); }
  T operator--(int) { return fetch_sub(1); }
  T operator+=(Step by) { return sum(fetch_add(by), by); }
  T operator-=(Step by) { return difference(fetch_sub(by), by); }
  T operator&=(T bits) { return static_cast<T>(fetch_and(bits) & bits); }
  T operator|=(T bits) { return static_cast<T>(fetch_or(bits) | bits); }
  T operator^=(T bits) { return static_cast<T>(fetch_xor(bits) ^ bits); }

 private:
  static T sum(T value, Step by) {
    if constexpr (std::integral<T>) {
      using Wraps = std::make_unsigned_t<T>;
      return static_cast<T>(static_cast<Wraps>(value) + static_cast<Wraps>(by));
    } else {
      return value + by;
    }
  }
  static T difference(T value, Step by) {
    if constexpr (std::integral<T>) {
      using Wraps = std::make_unsigned_t<T>;
      return static_cast<T>(static_cast<Wraps>(value) - static_cast<Wraps>(by));
    } else {
      return value - by;
    }
  }

  /// What wait() waits for: told or not.
  class Changes final : public Condition {
   public:
    Changes(const T& value, const T& old) : value_(value), old_(old) {}
    [[nodiscard]] bool holds(std::string_view) override { return !(value_ == old_); }

   private:
    const T& value_;
    const T& old_;
  };

  void enter(const char* what, kernel::Access access = kernel::Access::write) const {
    World::here().pass(what, waiting_, access);
  }
  /// For the trace: what the step has come to.
  void tell(const char* how, const T& value) const {
    Trace* const trace = World::here().trace();
    if (trace != nullptr) trace->step_result(value_text::value(how, value));
  }
  void acquire(Order order) const {
    if (order != std::memory_order_relaxed && order != std::memory_order_release) kernel::acquire_edge(waiting_);
  }
  void release(Order order) const {
    if (order != std::memory_order_relaxed && order != std::memory_order_acquire) kernel::release_edge(waiting_);
  }
  template <class Change>
  T change(const char* what, Order order, Change change) {
    const detail::Hidden hidden;
    enter(what);
    acquire(order);
    release(order);
    const T old = value_;
    value_ = change(old);
    tell(", now ", value_);
    return old;
  }

  T value_{};
  mutable SleepQueue waiting_;
};

}  // namespace rouse::inline v0::sim
