#include "signal_relay.hpp"

#include "all_blocked.hpp"
#include "next.hpp"
#include "this_thread.hpp"

#include <atomic>
#include <cerrno>
#include <sys/syscall.h>
#include <unistd.h>
#include <utility>

namespace rouse::interpose {
namespace {

using Handler = void (*)(int, ::siginfo_t*, void*);

/// What the program has asked for. Written with all signals blocked on the thread that does; a handler that runs on
/// another one meanwhile is either.
struct Asked {
  std::atomic<Handler> handler = nullptr;
  std::atomic<int> flags = 0;
};
constinit Asked asked[signals_max + 1];

constexpr SignalSet synchronous = SignalSet::of(SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGFPE, SIGSYS);

int next_sigaction(int signal, const struct ::sigaction* to, struct ::sigaction* before) {
  return next<"sigaction">(::sigaction, signal, to, before);
}

/// What Linux says of the flags, but for those that the relay sets and heeds itself.
int with_own_flags(int of_linux, int of_program) {
  constexpr auto own = static_cast<unsigned>(SA_SIGINFO) | static_cast<unsigned>(SA_RESETHAND);
  return static_cast<int>((static_cast<unsigned>(of_linux) & ~own) | (static_cast<unsigned>(of_program) & own));
}

void run(int signal, ::siginfo_t* info, void* context) {
  ThisThread& thread = this_thread;
  const Handler handler = asked[signal].handler.load();
  const int flags = asked[signal].flags.load();
  // Not left to Linux: by the time a deferred one runs, its action would be gone.
  if ((static_cast<unsigned>(flags) & SA_RESETHAND) != 0) {
    struct ::sigaction action {};
    next_sigaction(signal, nullptr, &action);
    action.sa_handler = SIG_DFL;
    action.sa_flags = with_own_flags(action.sa_flags, flags);
    next_sigaction(signal, &action, nullptr);
  }
  Bed* const bed = std::exchange(thread.sleeps_in, nullptr);  // What the handler calls may sleep, too.
  if (bed != nullptr) {
    bed->is_awake = true;
    ::sem_post(&bed->wake);
    if (thread.handled == kernel::Handled::none) {
      thread.handled = (flags & SA_RESTART) != 0 ? kernel::Handled::by_restarting : kernel::Handled::by_interrupting;
    }
  }
  const kernel::Handled handled = thread.handled;
  handler(signal, info, context);
  thread.handled = handled;
  thread.sleeps_in = bed;
}

/// Back to Linux with it, which keeps it until the call is over: when this returns, all signals are blocked.
void defer(int signal, ::siginfo_t* info, void* context) {
  ThisThread& thread = this_thread;
  ::sigset_t& mask = static_cast<::ucontext_t*>(context)->uc_sigmask;
  if (!thread.has_deferred) thread.mask_before = mask;
  thread.has_deferred = true;
  const std::uint64_t all = (SignalSet::all() - synchronous).bits();
  std::memcpy(&mask, &all, sizeof all);
  // To this thread, whoever it was for: it was the one to take it.
  raw::call(SYS_rt_tgsigqueueinfo, ::getpid(), ::gettid(), signal, info);
}

void relay(int signal, ::siginfo_t* info, void* context) {
  const int before = errno;
  if (this_thread.is_inside && !synchronous.has(signal)) {
    defer(signal, info, context);
  } else {
    run(signal, info, context);
  }
  errno = before;
}

bool is_handler(const struct ::sigaction& action) {
  return action.sa_handler != SIG_DFL && action.sa_handler != SIG_IGN;
}

}  // namespace

void ThisThread::deliver_deferred() {
  const int before = errno;
  has_deferred = false;
  ::pthread_sigmask(SIG_SETMASK, &mask_before, nullptr);
  errno = before;
}

int SignalRelay::sigaction(int signal, const struct ::sigaction* to, struct ::sigaction* before) {
  if (signal < 1 || signal > signals_max) return next_sigaction(signal, to, before);
  const AllBlocked all_blocked;
  const Handler handler_before = asked[signal].handler.load();
  const int flags_before = asked[signal].flags.load();
  struct ::sigaction ours {};
  if (to != nullptr) {
    ours = *to;
    if (is_handler(*to)) {
      asked[signal].handler = reinterpret_cast<Handler>(reinterpret_cast<void*>(to->sa_handler));
      asked[signal].flags = to->sa_flags;
      ours.sa_sigaction = relay;
      ours.sa_flags = static_cast<int>((static_cast<unsigned>(to->sa_flags) & ~SA_RESETHAND) | SA_SIGINFO);
    }
  }
  struct ::sigaction there {};
  const int result = next_sigaction(signal, to != nullptr ? &ours : nullptr, &there);
  if (result != 0) {
    asked[signal].handler = handler_before;
    asked[signal].flags = flags_before;
    return result;
  }
  if (before == nullptr) return 0;
  *before = there;
  if (there.sa_sigaction == relay) {
    before->sa_handler = reinterpret_cast<::sighandler_t>(reinterpret_cast<void*>(handler_before));
    before->sa_flags = with_own_flags(there.sa_flags, flags_before);
  }
  return 0;
}

SignalSet SignalRelay::pending_here() {
  std::uint64_t bits = 0;
  raw::call(SYS_rt_sigpending, &bits, sizeof bits);
  return SignalSet::of_bits(bits);
}

std::optional<::siginfo_t> SignalRelay::take_here(SignalSet wanted) {
  const std::uint64_t bits = wanted.bits();
  const ::timespec now{};
  ::siginfo_t info{};
  if (raw::call(SYS_rt_sigtimedwait, &bits, &info, &now, sizeof bits) < 0) return std::nullopt;
  return info;
}

kernel::Handled SignalRelay::let_in(SignalSet mask) {
  Bed bed;
  const Sleeping sleeping{bed};
  const ::sigset_t set = mask.to_sigset();
  ::sigset_t before{};
  ::pthread_sigmask(SIG_SETMASK, &set, &before);
  const kernel::Handled handled = this_thread.handled;
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return handled != kernel::Handled::none ? handled : kernel::Handled::by_interrupting;
}

// As what Linux itself sends: SI_USER.
void SignalRelay::raise_here(int signal) {
  ::siginfo_t info{};
  info.si_signo = signal;
  info.si_code = SI_USER;
  info.si_pid = ::getpid();
  info.si_uid = ::getuid();
  raw::call(SYS_rt_tgsigqueueinfo, ::getpid(), ::gettid(), signal, &info);
}

}  // namespace rouse::interpose
