// Watchdog: for a task that never comes to a schedule point: it is in a loop of its own, or waits for a real lock, or
// in a real call. Looked at by the wall clock, from a signal handler: so the stack it prints is that task's.
#pragma once

#include "world.hpp"

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <ctime>
#include <sys/syscall.h>
#include <unistd.h>
#if __has_include(<execinfo.h>)
#include <execinfo.h>
#endif

namespace rouse::inline v0::sim {

/// While it lives, looks every so many seconds at what this thread runs. If a World has not come to a schedule point
/// since the last look, it prints the task, its stack and the schedule, and aborts.
///
/// One at a time on a thread; a second one does nothing, and neither does one of a program that uses its signal,
/// SIGRTMAX - 1, itself.
class Watchdog {
 public:
  static constexpr unsigned usual_seconds = 10;

  /// 0 seconds for none.
  explicit Watchdog(unsigned seconds) {
    if (seconds == 0 || watching != nullptr || !take_signal()) return;
    load_backtrace();
    ::sigevent event{};
    event.sigev_notify = SIGEV_THREAD_ID;
    event.sigev_signo = signal();
    set_thread(event, static_cast<::pid_t>(::syscall(SYS_gettid)));
    if (::timer_create(CLOCK_MONOTONIC, &event, &timer_) != 0) return;
    watching = this;
    const ::itimerspec every{{static_cast<std::time_t>(seconds), 0}, {static_cast<std::time_t>(seconds), 0}};
    ::timer_settime(timer_, 0, &every, nullptr);  // Cannot fail: the timer is there, and the times are good.
  }
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;
  ~Watchdog() {
    if (watching != this) return;
    ::timer_delete(timer_);
    watching = nullptr;
  }

 private:
  static int signal() { return SIGRTMAX - 1; }

  /// The handler stays when we go: a signal may still be on its way.
  [[nodiscard]] static bool take_signal() {
    struct ::sigaction now {};
    ::sigaction(signal(), nullptr, &now);  // Cannot fail: there is such a signal.
    if ((now.sa_flags & SA_SIGINFO) == 0 && now.sa_handler == &Watchdog::look) return true;
    if (now.sa_handler != SIG_DFL) return false;
    struct ::sigaction ours {};
    ours.sa_handler = &Watchdog::look;
    ours.sa_flags = SA_RESTART;
    return ::sigaction(signal(), &ours, nullptr) == 0;
  }

  static void look(int) {
    if (watching != nullptr) watching->compare();
  }

  void compare() {
    const World* const world = World::running();
    const std::uint64_t steps = world != nullptr ? world->steps() : 0;
    if (world == nullptr || World::runs_begun() != run_ || steps != steps_) {
      run_ = World::runs_begun();
      steps_ = steps;
      return;
    }
    print("rouse: task \"");
    print(world->current_task_name());
    print("\" has not come to a schedule point for long: it loops, or waits for something real. Its stack:\n");
    print_backtrace();
    print("The schedule up to here: ");
    print_schedule(world->schedule_so_far());
    print("\n");
    std::abort();
  }

  // C libraries name the field differently.
  template <class Event>
  static void set_thread(Event& event, ::pid_t thread) {
    if constexpr (requires { event._sigev_un._tid; }) {
      event._sigev_un._tid = thread;
    } else {
      event.sigev_notify_thread_id = thread;
    }
  }

#if __has_include(<execinfo.h>)
  /// A handler may not load what it needs.
  static void load_backtrace() {
    void* nothing[1];
    static_cast<void>(::backtrace(nothing, 1));
  }
  static void print_backtrace() {
    void* frames[64];
    ::backtrace_symbols_fd(frames, ::backtrace(frames, 64), STDERR_FILENO);
  }
#else
  static void load_backtrace() {}
  static void print_backtrace() { print("(this C library tells none)\n"); }
#endif

  // In a signal handler: nothing that takes memory.
  static void print(const char* text) {
    std::size_t left = std::strlen(text);
    while (left > 0) {
      const ::ssize_t n = ::write(STDERR_FILENO, text, left);
      if (n <= 0) return;
      text += n;
      left -= static_cast<std::size_t>(n);
    }
  }
  static void print_schedule(const Schedule& schedule) {
    std::size_t end = schedule.size();
    while (end > 0 && schedule[end - 1] == 0) --end;
    if (end == 0) print("0");
    for (std::size_t i = 0, next = 0; i < end; i = next) {
      next = i + 1;
      while (next < end && schedule[next] == schedule[i]) ++next;
      if (i > 0) print(".");
      print_number(schedule[i]);
      if (next - i == 1) continue;
      print("x");
      print_number(next - i);
    }
  }
  static void print_number(std::uint64_t number) {
    char digits[24];
    char* at = digits + sizeof digits;
    *--at = '\0';
    do {
      *--at = static_cast<char>('0' + number % 10);
      number /= 10;
    } while (number != 0);
    print(at);
  }

  static inline thread_local Watchdog* watching = nullptr;

  ::timer_t timer_{};
  std::uint64_t run_ = 0;
  std::uint64_t steps_ = 0;
};

}  // namespace rouse::inline v0::sim
