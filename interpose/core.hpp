// Core: the emulated kernel of this process, and what its calls need beside it. One for each process: a child that was
// forked gets a fresh one, as it has none of the threads.
#pragma once

#include "call_watch.hpp"
#include "fd_states.hpp"
#include "known_memory.hpp"
#include "options.hpp"
#include "placeholders.hpp"
#include "process_host.hpp"
#include "real_watch.hpp"
#include "signal_relay.hpp"
#include "unix_paths.hpp"
#include <rouse/backend/ambient.hpp>
#include <rouse/kernel/kernel.hpp>
#include <rouse/kernel/syscalls.hpp>

#include <cerrno>
#include <memory>

namespace rouse::interpose {

class Core {
 public:
  /// Made by the first call that needs it.
  [[nodiscard]] static Core& get();
  /// Throws this process's away: its files are its parent's.
  static void forget_in_child();

  /// Its kernel, locked, outside of any call.
  class Locked {
   public:
    explicit Locked(Core& core) : host_(core.host_) { host_.lock(); }
    Locked(const Locked&) = delete;
    Locked& operator=(const Locked&) = delete;
    ~Locked() { host_.unlock(); }

   private:
    const Inside inside_;
    kernel::Host& host_;
  };

  /// The process ends: traces and statistics do. `at_once` by _exit, perhaps in a handler: without memory or locks.
  enum class End : bool { in_order, at_once };
  static void finish(End end);

  [[nodiscard]] kernel::Kernel& kernel() { return kernel_; }
  [[nodiscard]] const Options& options() const { return options_; }

  /// Has the emulated kernel know a file of Linux: false if it is not open. Takes the lock.
  bool adopt(int fd);
  /// The same for one that is about to be passed in a message.
  bool adopt_to_pass(int fd);
  /// Forgets it again if nobody watches it.
  void drop_if_idle(int fd);
  /// Linux closes the fd, or has put another file there: whatever was known of it is so no more.
  static void forget(int fd) {
    if (FdStates::of(fd) != FdState::linux_file) [[unlikely]]
      forget_known(fd);
  }
  /// `to` is now a duplicate of `fd`, which is watched. Precondition: nothing is known of `to`.
  void duplicated(int fd, int to);

  /// What has happened to files of Linux by now, those who wait are told of: before a call looks that will not wait.
  void hear_of_linux();

  /// A signalfd shows these. And: one that was sent may be for a signalfd.
  void watch_signals(SignalSet mask);
  static void signal_was_sent();

  /// All fds that the emulated kernel knows are below.
  [[nodiscard]] int fds_in_use() {
    const Locked locked{*this};
    return static_cast<int>(kernel_.fds.size());
  }

  /// RLIMIT_NOFILE may have changed.
  static void read_limits();

 private:
  explicit Core(const Options& options);

  static void forget_known(int fd);

  Options options_;
  const std::unique_ptr<CallWatch> calls_;
  ProcessHost host_;
  kernel::Kernel kernel_;
  Placeholders placeholders_;
  SignalRelay signals_;
  UnixPathsOnDisk unix_paths_;
  RealWatch watch_;
  bool has_signalfds_ = false;
  kernel::Installed installed_;
};

/// Says on stderr, once for each text, why a call was refused.
void report(const std::string& text);

/// Says that a call on a file of another process's emulated kernel was refused, and sets errno.
void refuse_foreign(const char* call, int fd);

/// Makes a call of the emulated kernel: what it does not model fails with `refusal`. One that succeeds leaves errno as
/// it was, whatever happened meanwhile. Never inlined: calls on Linux's files go through the same functions, and would
/// save registers for it.
template <class Body>
[[gnu::noinline]] auto emulated(Body body, int refusal = ENOSYS) -> decltype(body()) {
  static_cast<void>(Core::get());
  const Inside inside;
  KnownMemory::forget_if_changed();
  const int before = errno;
  try {
    const auto result = body();
    if (result != static_cast<decltype(body())>(-1)) errno = before;
    return result;
  } catch (const kernel::NotModelled& not_modelled) {
    report(not_modelled.what());
    errno = refusal;
    return static_cast<decltype(body())>(-1);
  }
}

}  // namespace rouse::interpose
