// sim::counting_semaphore, sim::binary_semaphore: std's, in a World.
#pragma once

#include "world.hpp"

#include <cstddef>
#include <limits>

namespace rouse::inline v0::sim {

/// std::counting_semaphore. Who of several gets what is released is open. Limits are spans or moments of any clock.
template <std::ptrdiff_t LeastMax = std::numeric_limits<std::ptrdiff_t>::max()>
class counting_semaphore {
 public:
  /// Precondition: 0 <= count <= max().
  explicit counting_semaphore(std::ptrdiff_t count) : count_(count) {
    ROUSE_ASSERT(count >= 0 && count <= max(), "sim::counting_semaphore: a count out of range");
  }
  counting_semaphore(const counting_semaphore&) = delete;
  counting_semaphore& operator=(const counting_semaphore&) = delete;

  [[nodiscard]] static constexpr std::ptrdiff_t max() noexcept { return LeastMax; }

  /// Precondition: the count does not go beyond max().
  void release(std::ptrdiff_t n = 1, CallSite site = CallSite::current()) {
    const detail::Hidden hidden;
    const detail::CallScope scope{site};
    World& world = World::here();
    world.pass("semaphore::release", waiting_, kernel::Access::write, false);
    ROUSE_ASSERT(n >= 0 && n <= max() - count_, "sim::counting_semaphore: released beyond its maximum");
    kernel::release_edge(waiting_);
    count_ += n;
    world.wake_all(waiting_);
  }
  void acquire(CallSite site = CallSite::current()) {
    const detail::Hidden hidden;
    const detail::CallScope scope{site};
    static_cast<void>(acquire_until(kernel::time_never));
  }
  /// False if there is none now.
  [[nodiscard]] bool try_acquire(CallSite site = CallSite::current()) {
    const detail::Hidden hidden;
    const detail::CallScope scope{site};
    World& world = World::here();
    world.pass("semaphore::try_acquire", waiting_);
    world.step_is(count_ != 0);
    if (count_ == 0) return false;
    take();
    return true;
  }
  template <DurationLike Duration>
  [[nodiscard]] bool try_acquire_for(const Duration& span, CallSite site = CallSite::current()) {
    const detail::Hidden hidden;
    const detail::CallScope scope{site};
    return acquire_until(World::here().deadline_of(Timeout{span}));
  }
  template <TimePointLike TimePoint>
  [[nodiscard]] bool try_acquire_until(const TimePoint& moment, CallSite site = CallSite::current()) {
    return try_acquire_for(moment - TimePoint::clock::now(), site);
  }

 private:
  [[nodiscard]] bool acquire_until(kernel::Time deadline) {
    World& world = World::here();
    world.pass("semaphore::acquire", waiting_);
    while (count_ == 0) {
      const bool was_woken = world.sleep_in(waiting_, "semaphore::acquire", deadline);
      if (world.is_unwinding()) return false;
      if (!was_woken && count_ == 0) {
        world.step_ended(false);
        return false;
      }
    }
    world.step_ended();
    take();
    return true;
  }
  void take() {
    --count_;
    kernel::acquire_edge(waiting_);
  }

  std::ptrdiff_t count_;
  SleepQueue waiting_;
};

using binary_semaphore = counting_semaphore<1>;
using semaphore = counting_semaphore<>;

}  // namespace rouse::inline v0::sim
