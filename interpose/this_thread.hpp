// ThisThread: where a thread is: in the program, in a call of the emulated kernel, or asleep in one. A signal that
// comes in the midst of a call would meet the kernel locked and half-changed: it waits until the call is over or
// sleeps.
#pragma once

#include <rouse/kernel/task.hpp>

#include <atomic>
#include <csignal>
#include <semaphore.h>

namespace rouse::interpose {

/// What a thread sleeps in.
struct Bed {
  Bed() { ::sem_init(&wake, 0, 0); }  // Fails only for a value that is too large.
  Bed(const Bed&) = delete;
  Bed& operator=(const Bed&) = delete;
  ~Bed() { ::sem_destroy(&wake); }

  ::sem_t wake{};                      ///< Who posts it ends the sleep.
  std::atomic<bool> is_awake = false;  ///< A signal has ended it.
};

struct ThisThread {
  bool is_inside = false;                           ///< In a call, and awake: signals wait.
  bool has_deferred = false;                        ///< One does, blocked by Linux, and so do all that came later.
  ::sigset_t mask_before{};                         ///< What was blocked before that.
  Bed* sleeps_in = nullptr;                         ///< Asleep, or about to be: a handler that runs ends that.
  kernel::Handled handled = kernel::Handled::none;  ///< What the first of those was.

  /// Lets the deferred signals through.
  void deliver_deferred();
};

// Signal handlers ask, so it is there from a thread's first instruction.
[[gnu::tls_model("initial-exec")]] inline constinit thread_local ThisThread this_thread{};

/// While a thread is in a call of the emulated kernel.
class Inside {
 public:
  Inside() : was_inside_(this_thread.is_inside) { this_thread.is_inside = true; }
  Inside(const Inside&) = delete;
  Inside& operator=(const Inside&) = delete;
  ~Inside() {
    this_thread.is_inside = was_inside_;
    if (this_thread.has_deferred && !was_inside_) [[unlikely]]
      this_thread.deliver_deferred();
  }

 private:
  const bool was_inside_;
};

/// While it sleeps in one, with the kernel unlocked: handlers run, and end the sleep.
class Sleeping {
 public:
  explicit Sleeping(Bed& bed) {
    this_thread.handled = kernel::Handled::none;
    this_thread.sleeps_in = &bed;
    this_thread.is_inside = false;
    if (this_thread.has_deferred) this_thread.deliver_deferred();
  }
  Sleeping(const Sleeping&) = delete;
  Sleeping& operator=(const Sleeping&) = delete;
  ~Sleeping() {
    this_thread.is_inside = true;
    this_thread.sleeps_in = nullptr;
  }
};

}  // namespace rouse::interpose
