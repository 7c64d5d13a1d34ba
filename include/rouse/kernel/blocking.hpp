// The one loop that turns "would block" into waiting: queue, sleep, try again, until it gets through or time is up.
// All of it is out of line, and rarely run: a call that need not wait does not pay for it.
#pragma once

#include "deadlock.hpp"
#include "dump.hpp"
#include "kernel.hpp"

namespace rouse::inline v0::kernel {

/// A task's place in a queue. Leaves the queue when it is woken, as on Linux: the next wakeup goes to the next task.
class TaskWaiter final : public Waiter {
 public:
  TaskWaiter(Host& host, Task& task, EventFlags key) : host_(host), task_(task), key_(key) {}

  void join(WaitQueue& queue, bool exclusive, bool at_head) {
    set_exclusive(exclusive);
    if (at_head) {
      queue.add_head(*this);
    } else {
      queue.add_tail(*this);
    }
  }

 private:
  bool on_wake(EventFlags key) override {
    if (!key_.has_any(key)) return false;
    unlink();
    host_.wake(task_);
    return true;
  }

  Host& host_;
  Task& task_;
  const EventFlags key_;
};

/// Puts the current task to sleep, with a note of why for dumps. Throws Deadlock if nothing can end it.
inline Sleep sleep(Kernel& kernel, const Op& op, const File* file, Time deadline) {
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
  const Sleep end = host.block(task, deadline);
  if (end == Sleep::endless) throw Deadlock(dump(kernel));
  return end;
}

/// Waits in `queue` and calls `attempt` after each wakeup, until it does not say EAGAIN any more. EAGAIN is also the
/// result when the deadline came first. The caller has tried once before, under the same lock.
template <class Attempt>
[[gnu::noinline, gnu::cold]] auto wait_in(Kernel& kernel, WaitQueue& queue, WaitStyle style, const Op& op,
                                          const File* file, Time deadline, Attempt attempt) -> decltype(attempt()) {
  TaskWaiter waiter{kernel.host(), kernel.host().current(), style.key};
  for (;;) {
    waiter.join(queue, style.exclusive, style.at_head);
    const Sleep end = sleep(kernel, op, file, deadline);
    // Time was up, and nobody had woken us: what is there now is another waiter's.
    if (end == Sleep::timed_out && waiter.is_linked()) return decltype(attempt())::failure(EAGAIN);
    waiter.unlink();
    const auto result = attempt();
    if (!result.would_block()) return result;
  }
}

/// As wait_in, for moving bytes in or out of a file: in its own queue and style, and with the turn handed on.
template <class Attempt>
[[gnu::noinline, gnu::cold]] SysResult<std::size_t> wait_to_move(Kernel& kernel, File& file, Direction direction,
                                                                 const Op& op, UserSpans& spans, Attempt attempt) {
  const FileRef keep{&file};  // Closing the fd meanwhile does not end the call.
  spans.set_slept();
  const SysResult<std::size_t> result =
      wait_in(kernel, file.queue, file.wait_style(direction), op, &file, time_never, attempt);
  file.hand_on(direction);
  return result;
}

}  // namespace rouse::inline v0::kernel
