// Observer: who is told, on one thread, what calls touch and what they order. Nobody is, but for a simulation.
#pragma once

#include "../detail/tsan.hpp"
#include "footprint.hpp"

#include <cstdint>

namespace rouse::inline v0::kernel {

/// What an edge goes through: what a task did before it released the point, happens before what another does after it
/// acquired it. Part of what it is about.
class SyncPoint {
 public:
  /// For the observer, which knows its points by number; 0 for one that it has not seen.
  mutable std::uint64_t number = 0;
};

class Registration;

class Observer {
 public:
  virtual void touched(Object object, Access access) = 0;
  virtual void released(const SyncPoint& point) = 0;
  virtual void acquired(const SyncPoint& point) = 0;
  /// Whatever was released is over: who acquires it from now on, comes after none of that.
  virtual void forgotten(const SyncPoint& point) = 0;
  /// An event is delivered: acquired, too.
  virtual void reported(const Registration& registration) = 0;

 protected:
  ~Observer() = default;
};

/// Whether anybody may: where it is known that nobody does, nobody is asked.
enum class Watched : bool { no, yes };

/// Of this thread; null for none.
inline constinit thread_local Observer* observer = nullptr;

inline void touch(Object object, Access access) {
  if (observer != nullptr) [[unlikely]]
    observer->touched(object, access);
}

/// Of a step that cannot say what it touches.
inline void touch_everything() { touch(Object::everything(), Access::write); }

/// An edge that Linux guarantees. ThreadSanitizer is told of it, too. Hidden code only.
[[gnu::always_inline]] inline void release_edge(const SyncPoint& point) {
  detail::tsan_release(&point);
  if (observer != nullptr) [[unlikely]]
    observer->released(point);
}
/// ThreadSanitizer has no such thing.
inline void forget_edges(const SyncPoint& point) {
  if (observer != nullptr) [[unlikely]]
    observer->forgotten(point);
}
[[gnu::always_inline]] inline void acquire_edge(const SyncPoint& point) {
  detail::tsan_acquire(&point);
  if (observer != nullptr) [[unlikely]]
    observer->acquired(point);
}

}  // namespace rouse::inline v0::kernel
