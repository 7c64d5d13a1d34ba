// Signals, forks and limits.
#include "calls.hpp"

#include <atomic>
#include <csignal>
#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

using namespace rouse::interpose;

namespace {

/// What siginterrupt(3) has said of each signal.
constinit std::atomic<bool> interrupts[rouse::signals_max + 1];

::sighandler_t set_handler(int signal, ::sighandler_t handler, int flags, bool blocks_itself) {
  if (signal < 1 || signal > rouse::signals_max) {
    errno = EINVAL;
    return SIG_ERR;
  }
  struct ::sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = flags;
  if (blocks_itself) ::sigaddset(&action.sa_mask, signal);
  struct ::sigaction before {};
  return SignalRelay::sigaction(signal, &action, &before) == 0 ? before.sa_handler : SIG_ERR;
}

// A thread-directed signal is shown by a signalfd of that thread alone, which Linux's other threads do not hear of.
template <class Result>
Result was_sent(Result result) {
  const int error = errno;
  Core::signal_was_sent();
  errno = error;
  return result;
}

int was_set(int resource, int result) {
  if (result == 0 && resource == RLIMIT_NOFILE) Core::read_limits();
  return result;
}

[[gnu::constructor]] void start() {
  Placeholders::find_foreign();
  ::pthread_atfork(nullptr, nullptr, Core::forget_in_child);
}

}  // namespace

#pragma GCC visibility push(default)
extern "C" {

int sigaction(int signal, const struct ::sigaction* to, struct ::sigaction* before) noexcept {
  return SignalRelay::sigaction(signal, to, before);
}
int __sigaction(int signal, const struct ::sigaction* to, struct ::sigaction* before) noexcept {
  return SignalRelay::sigaction(signal, to, before);
}
::sighandler_t signal(int signal, ::sighandler_t handler) noexcept {
  const bool restarts = signal < 1 || signal > rouse::signals_max || !interrupts[signal];
  return set_handler(signal, handler, restarts ? SA_RESTART : 0, true);
}
::sighandler_t bsd_signal(int signal_number, ::sighandler_t handler) noexcept { return signal(signal_number, handler); }
::sighandler_t ssignal(int signal_number, ::sighandler_t handler) noexcept { return signal(signal_number, handler); }
::sighandler_t __sysv_signal(int signal, ::sighandler_t handler) noexcept {
  return set_handler(signal, handler, static_cast<int>(SA_RESETHAND | SA_NODEFER), false);
}
::sighandler_t sysv_signal(int signal, ::sighandler_t handler) noexcept { return __sysv_signal(signal, handler); }
// Blocks, or sets a handler that blocks its signal and lets that in; says which of both was before.
::sighandler_t sigset(int signal, ::sighandler_t handler) noexcept {
  if (handler == SIG_HOLD) return next<"sigset">(as<::sighandler_t(int, ::sighandler_t)>, signal, handler);
  const ::sighandler_t before = set_handler(signal, handler, 0, false);
  if (before == SIG_ERR) return before;
  ::sigset_t set;
  ::sigset_t blocked_before;
  ::sigemptyset(&set);
  ::sigaddset(&set, signal);
  ::pthread_sigmask(SIG_UNBLOCK, &set, &blocked_before);
  return ::sigismember(&blocked_before, signal) != 0 ? SIG_HOLD : before;
}
int siginterrupt(int signal, int on) noexcept {
  struct ::sigaction action {};
  if (SignalRelay::sigaction(signal, nullptr, &action) != 0) return -1;
  action.sa_flags = on != 0 ? action.sa_flags & ~SA_RESTART : action.sa_flags | SA_RESTART;
  interrupts[signal] = on != 0;
  return SignalRelay::sigaction(signal, &action, nullptr);
}

int raise(int signal) noexcept { return was_sent(next<"raise">(::raise, signal)); }
int kill(::pid_t pid, int signal) noexcept { return was_sent(next<"kill">(::kill, pid, signal)); }
int tgkill(::pid_t pid, ::pid_t tid, int signal) { return was_sent(next<"tgkill">(::tgkill, pid, tid, signal)); }
int sigqueue(::pid_t pid, int signal, const union ::sigval value) noexcept {
  return was_sent(next<"sigqueue">(as<int(::pid_t, int, union ::sigval)>, pid, signal, value));
}
int pthread_kill(::pthread_t thread, int signal) noexcept {
  return was_sent(next<"pthread_kill">(::pthread_kill, thread, signal));
}
int pthread_sigqueue(::pthread_t thread, int signal, const union ::sigval value) noexcept {
  return was_sent(next<"pthread_sigqueue">(as<int(::pthread_t, int, union ::sigval)>, thread, signal, value));
}

int setrlimit(::__rlimit_resource_t resource, const ::rlimit* limit) noexcept {
  return was_set(resource, next<"setrlimit">(::setrlimit, resource, limit));
}
int setrlimit64(::__rlimit_resource_t resource, const ::rlimit64* limit) noexcept {
  return was_set(resource, next<"setrlimit64">(::setrlimit64, resource, limit));
}
int prlimit(::pid_t pid, ::__rlimit_resource resource, const ::rlimit* limit, ::rlimit* before) noexcept {
  return was_set(resource, next<"prlimit">(::prlimit, pid, resource, limit, before));
}
int prlimit64(::pid_t pid, ::__rlimit_resource resource, const ::rlimit64* limit, ::rlimit64* before) noexcept {
  return was_set(resource, next<"prlimit64">(::prlimit64, pid, resource, limit, before));
}

// A child that shares this memory would change the parent's kernel: it gets its own.
::pid_t vfork() noexcept { return ::fork(); }
::pid_t _Fork() noexcept {
  const ::pid_t child = next<"_Fork">(as<::pid_t()>);
  if (child == 0) Core::forget_in_child();
  return child;
}

}  // extern "C"
#pragma GCC visibility pop
