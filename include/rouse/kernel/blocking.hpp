// The one loop that turns "would block" into waiting: queue, sleep, try again, until it gets through or time is up.
// All of it is out of line, and rarely run: a call that need not wait does not pay for it.
#pragma once

#include "deadlock.hpp"
#include "dump.hpp"
#include "kernel.hpp"

#include <algorithm>
#include <optional>

namespace rouse::inline v0::kernel {

/// When a wait is over. Fixed at the first pass, and kept if the call is restarted.
class Deadline {
 public:
  /// Nanoseconds; negative is for ever.
  explicit Deadline(Time span) : span_(span) {}
  /// Milliseconds, likewise.
  [[nodiscard]] static Time span_of(int milliseconds) { return Time{milliseconds} * 1'000'000; }

  [[nodiscard]] bool is_now() const { return span_ == 0; }
  [[nodiscard]] Time at(Host& host) {
    if (!at_) at_ = span_ < 0 ? time_never : time_after(host.now(), span_);
    return *at_;
  }
  /// What is left of the span. Precondition: it is not for ever.
  [[nodiscard]] Time left(Host& host) { return std::max<Time>(at(host) - host.now(), 0); }

 private:
  Time span_;
  std::optional<Time> at_;
};

/// A task's place in a queue. Leaves the queue when it is woken, as on Linux: the next wakeup goes to the next task.
class TaskWaiter final : public Waiter {
 public:
  TaskWaiter(Host& host, Task& task, EventFlags keys) : Waiter(keys), host_(host), task_(task) {}

  void join(WaitQueue& queue, bool exclusive, bool at_head) {
    set_exclusive(exclusive);
    if (at_head) {
      queue.add_head(*this);
    } else {
      queue.add_tail(*this);
    }
  }

 private:
  bool on_wake(EventFlags) override {
    // One that a signal has woken already is awake, though still in its place: the wakeup is the next one's.
    if (task_.signals.is_due || host_.is_awake(task_)) return false;
    unlink();
    host_.wake(task_);
    return true;
  }

  Host& host_;
  Task& task_;
};

/// Puts the current task to sleep, with a note of why for dumps. Throws Deadlock if nothing can end it.
inline void sleep(Kernel& kernel, const Op& op, const File* file, Time deadline) {
  class Note {
   public:
    Note(Task& task, const BlockedOn& why) : task_(task) { task_.set_blocked_on(&why); }
    Note(const Note&) = delete;
    Note& operator=(const Note&) = delete;
    ~Note() { task_.set_blocked_on(nullptr); }

   private:
    Task& task_;
  };

  Host& host = kernel.host();
  Task& task = host.current();
  const BlockedOn why{name_of(op.call), op.fd, file, host.now(), deadline};
  const Note note{task, why};
  if (!host.block(task, deadline)) throw Deadlock(dump(kernel));
  if (file != nullptr) file->touch(Access::write);  // It looks again, and leaves the queue.
}

/// Where a call waits, how, and until when.
struct WaitPlace {
  WaitQueue* queue;
  WaitStyle style;
  Time deadline;
};

/// Waits in `place` for `file`, and calls `attempt` after each wakeup until it does not say EAGAIN any more. EAGAIN is
/// also the result when the deadline came first, and `interrupted` when a signal did: with something there, the call
/// succeeds, but for waits in which signals come first. An attempt may choose another place to wait in next.
/// The caller has tried once before, under the same lock.
template <class Attempt>
[[gnu::noinline, gnu::cold]] auto wait_in(Kernel& kernel, WaitPlace place, const Op& op, File& file, int interrupted,
                                          Attempt attempt) -> decltype(attempt(place)) {
  using Result = decltype(attempt(place));
  const FileRef keep{&file};  // Closing the fd meanwhile does not end the call.
  for (;;) {
    if (kernel.is_interrupted()) return Result::failure(interrupted);
    TaskWaiter waiter{kernel.host(), kernel.host().current(), place.style.key};
    waiter.join(*place.queue, place.style.exclusive, place.style.at_head);
    sleep(kernel, op, &file, place.deadline);
    // Nobody has woken us, and time is up: what is there now is another waiter's.
    const bool was_woken = !waiter.is_linked() || kernel.is_interrupted();
    if (!was_woken && kernel.host().now() >= place.deadline) return Result::failure(EAGAIN);
    waiter.unlink();
    if (place.style.signals_first && kernel.is_interrupted()) return Result::failure(interrupted);
    const Result result = attempt(place);
    if (!result.would_block()) return result;
  }
}

/// A call with a signal mask of its own: it holds while `body` runs, and if that ends with `interrupted`, until the
/// handlers have started (Kernel::enter). Null leaves the mask as it is.
template <class Body>
auto with_mask(Kernel& kernel, const SignalSet* mask, int interrupted, Body body) -> decltype(body()) {
  class ForCall {
   public:
    ForCall(Signals& signals, Task& task, const SignalSet* mask) : signals_(signals), task_(task) {
      if (mask != nullptr) signals_.set_mask_for_call(task_, *mask);
    }
    ForCall(const ForCall&) = delete;
    ForCall& operator=(const ForCall&) = delete;
    ~ForCall() {
      if (!kept_) signals_.end_mask_for_call(task_);
    }
    void keep() { kept_ = true; }

   private:
    Signals& signals_;
    Task& task_;
    bool kept_ = false;
  };

  ForCall for_call{kernel.signals, kernel.host().current(), mask};
  const auto result = body();
  if (result.error() == interrupted) for_call.keep();
  return result;
}

/// As wait_in, for moving bytes in or out of a file: in its own queue and style, and with the turn handed on.
template <class Attempt>
[[gnu::noinline, gnu::cold]] SysResult<std::size_t> wait_to_move(Kernel& kernel, File& file, Direction direction,
                                                                 const Op& op, UserSpans& spans, Attempt attempt) {
  const FileRef keep{&file};  // It is asked once more after the wait.
  spans.set_slept();
  constexpr int interrupted = restarts_if_handler_says;
  const WaitPlace place{&file.wait_queue(), file.wait_style(direction), time_never};
  SysResult<std::size_t> result = wait_in(kernel, place, op, file, interrupted, [&](WaitPlace&) { return attempt(); });
  if (result.error() == interrupted) result = SysResult<std::size_t>::failure(file.give_up(direction, interrupted));
  file.hand_on(direction);
  return moved_or(spans, result);
}

}  // namespace rouse::inline v0::kernel

#include "faults.hpp"
