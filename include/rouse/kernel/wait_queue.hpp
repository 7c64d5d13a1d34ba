// WaitQueue: who is to be told when a file changes. All that Linux decides by wakeups (edges, who wakes, how many, in
// which order) follows from three things: a key that says what changed, a place in the queue, and whether a waiter is
// exclusive.
#pragma once

#include "../detail/intrusive_list.hpp"
#include "../event_flags.hpp"

namespace rouse::inline v0::kernel {

/// A wakeup that means anything: every mask matches it.
inline constexpr EventFlags any_key{0xffffffff};
/// What sockets wake with when bytes or messages came, and when there is room for more.
inline constexpr EventFlags data_key{EPOLLIN | EPOLLPRI | EPOLLRDNORM | EPOLLRDBAND};
inline constexpr EventFlags room_key{EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND};

/// A place in a WaitQueue: an epoll's registration, a blocked task, a poll.
class Waiter : public detail::ListLink<Waiter> {
 public:
  [[nodiscard]] bool is_exclusive() const { return exclusive_; }
  /// True if a wakeup with `key` concerns it.
  [[nodiscard]] bool wants(EventFlags key) const { return keys_.has_any(key); }

 protected:
  explicit Waiter(EventFlags keys = any_key) : keys_(keys) {}
  ~Waiter() = default;
  void set_exclusive(bool exclusive) { exclusive_ = exclusive; }
  void set_keys(EventFlags keys) { keys_ = keys; }

 private:
  friend class WaitQueue;
  /// The file changed as `key` says, which concerns it. True if somebody was woken: an exclusive waiter that says so
  /// ends the walk. May unlink this waiter, and no other one of the queue.
  virtual bool on_wake(EventFlags key) = 0;

  EventFlags keys_;
  bool exclusive_ = false;
};

/// Waiters in order. Linux adds plain waiters at the head and exclusive ones at the tail, with exceptions that each
/// caller states.
class WaitQueue {
 public:
  [[nodiscard]] bool empty() const { return waiters_.empty(); }

  void add_head(Waiter& waiter) { waiters_.push_front(waiter); }
  void add_tail(Waiter& waiter) { waiters_.push_back(waiter); }

  /// Tells the plain waiters and the exclusive ones up to the first that was woken.
  void wake(EventFlags key) { tell(key, true); }
  /// Tells everybody: hang-ups and errors, which concern all.
  void wake_all(EventFlags key = any_key) { tell(key, false); }

  template <class Visit>
  void for_each(Visit visit) const {
    waiters_.for_each(visit);
  }

 private:
  // Most queues hold nobody, or one, of whom no more is to be known than that it was told. The walk costs as much
  // again.
  void tell(EventFlags key, bool stop_at_exclusive) {
    if (waiters_.empty()) return;
    if (!waiters_.has_at_most_one()) return walk(key, stop_at_exclusive);
    Waiter& only = *waiters_.front();
    if (only.wants(key)) static_cast<void>(only.on_wake(key));
  }
  [[gnu::noinline]] void walk(EventFlags key, bool stop_at_exclusive) {
    Waiter* next = nullptr;
    for (Waiter* waiter = waiters_.front(); waiter != nullptr; waiter = next) {
      next = waiters_.next(*waiter);
      const bool exclusive = waiter->exclusive_;
      if (waiter->wants(key) && waiter->on_wake(key) && exclusive && stop_at_exclusive) return;
    }
  }

  detail::IntrusiveList<Waiter> waiters_;
};

}  // namespace rouse::inline v0::kernel
