// The two kernels that scripts run on. Each says when every thread has come to rest, lets time pass, and gets threads
// that sleep on out of their calls at the end.
#pragma once

#include "calls.hpp"
#include "own_network.hpp"
#include "pool.hpp"
#include "rest.hpp"
#include "rouse/backend/emulated.hpp"
#include "rouse/backend/linux.hpp"
#include "rouse/kernel/invariants.hpp"
#include "rouse/kernel/thread_host.hpp"
#include "schedule.hpp"
#include "signals.hpp"

#include <algorithm>
#include <csignal>
#include <optional>
#include <vector>

namespace threaded {

using Threads = Pool<threads_max>;

/// Linux. One object for all scripts, as it has the files of /proc open.
class OnLinux {
 public:
  using Backend = rouse::LinuxBackend;
  using Ended = std::exception;  // No call ends like that.

  explicit OnLinux(Threads& threads) : threads_(threads) {
    for (std::size_t i = 0; i < threads.size(); ++i) files_[i].emplace(threads[i].id());
  }

  [[nodiscard]] Backend backend() const { return {}; }
  /// How threads are run while a script's lines are made, from the first on; those without one as Linux likes.
  std::vector<Schedule> schedules;

  void begin(const Script& script) { uses_network_ = uses_network(script); }
  /// Signals of the process go to the threads in turn: from the first one on, whoever took the last one.
  void begin_signals() {
    run_and_wait(last_, [] {
      this_thread = main_index;
      const ::sigset_t some = signals_of("ends");
      ::sigprocmask(SIG_UNBLOCK, &some, nullptr);
      ::kill(::getpid(), ends);
      ::sigprocmask(SIG_BLOCK, &some, nullptr);
    });
  }
  /// What is pending is forgotten, as it is ignored.
  void end_signals() {
    const ::sigset_t all = all_script_signals();
    ::sigprocmask(SIG_BLOCK, &all, nullptr);
    for (const ScriptSignal& signal : script_signals) std::signal(signal.number, SIG_IGN);
  }
  void begin_line(std::size_t line) {
    const Schedule schedule = line < schedules.size() ? schedules[line] : Schedule{};
    const std::lock_guard lock{mutex_};
    schedule.apply(threads_, in_force_);
    in_force_ = schedule;
  }
  /// Called by a thread that has made a call of its line and has another to make.
  void between_calls(std::size_t thread, std::size_t next_call) {
    const std::lock_guard lock{mutex_};
    in_force_.between_calls(thread, next_call);
  }

  /// Returns once every thread is idle or asleep in a call.
  void wait_for_rest() {
    while (!are_at_rest()) std::this_thread::yield();
  }

  /// Lets time pass until the short waits are over.
  void expire(ShortWaits& waits) {
    do wait_for_rest();
    while (waits.any());
  }
  /// False if time has passed of its own, so that what happened is not what the script says.
  [[nodiscard]] static bool was_in_time(const ShortWaits& waits) { return !waits.may_have_passed(); }

  /// Interrupts threads until they are idle, and closes what they had opened. Only a thread that is asleep is sent a
  /// signal, so that none is left for the next script.
  void end() {
    for (std::size_t i = 0; i < threads_.size(); ++i) {
      while (threads_[i].is_busy()) {
        if (files_[i]->look_first() && files_[i]->look_again() && threads_[i].is_busy()) {
          ::syscall(SYS_tgkill, ::getpid(), threads_[i].id(), SIGUSR1);
        }
        std::this_thread::yield();
      }
    }
    const rouse::detail::Hidden hidden;  // As in Calls.
    if (uses_network_) test::cut_connections(fds_end);
    for (int fd = 3; fd < fds_end; ++fd) ::close(fd);
    // A script's sockets are made by the main thread, so it is the one to be there.
    if (uses_network_ && has_own_network_ && test::has_connections()) has_own_network_ = test::enter_new_network();
    uses_network_ = false;
  }

 private:
  bool are_at_rest() {
    std::array<ThreadFiles*, threads_max> busy{};
    std::size_t n = 0;
    for (std::size_t i = 0; i < threads_.size(); ++i) {
      if (threads_[i].is_busy()) busy[n++] = &*files_[i];
    }
    const auto last = busy.begin() + static_cast<std::ptrdiff_t>(n);
    return std::all_of(busy.begin(), last, [](ThreadFiles* files) { return files->look_first(); }) &&
           std::all_of(busy.begin(), last, [](ThreadFiles* files) { return files->look_again(); });
  }

  static constexpr int fds_end = 64;

  static bool uses_network(const Script& script) {
    return std::any_of(script.begin(), script.end(), [](const Line& line) {
      return std::any_of(line.calls.begin(), line.calls.end(),
                         [](const CallText& call) { return call.words.back() == "tcp" || call.words.back() == "udp"; });
    });
  }

  Threads& threads_;
  bool has_own_network_ = test::enter_new_network();
  bool uses_network_ = false;
  PoolThread last_;  // Of all, on Linux's list of them.
  std::array<std::optional<ThreadFiles>, threads_max> files_;
  std::mutex mutex_;
  Schedule in_force_;
};

/// Threads on an emulated kernel that can be called off: a call that sleeps on then ends in an exception, as the calls
/// of a run that is over may.
class EndableHost final : public rouse::kernel::ThreadHost {
 public:
  struct Ended {};

  EndableHost() : ThreadHost(Clock::by_hand) {}

  /// Ends the sleep of all that are asleep, and of all that will be.
  void end() {
    lock();
    is_over_ = true;
    for (rouse::kernel::Task* const task : asleep_) wake(*task);
    unlock();
  }

  [[nodiscard]] bool block(rouse::kernel::Task& task, rouse::kernel::Time deadline) override {
    if (is_over_) throw Ended{};
    asleep_.push_back(&task);
    const bool can_end = ThreadHost::block(task, deadline);
    std::erase(asleep_, &task);
    if (is_over_) throw Ended{};
    return can_end;
  }

 private:
  bool is_over_ = false;
  std::vector<rouse::kernel::Task*> asleep_;
};

/// The emulated kernel; a fresh one for each script.
class OnEmulated {
 public:
  using Backend = rouse::EmulatedBackend;
  using Ended = EndableHost::Ended;

  explicit OnEmulated(Threads& threads) : threads_(threads) {}

  [[nodiscard]] Backend backend() { return Backend{*kernel_}; }

  void begin(const Script&) {
    kernel_.reset();
    host_.emplace();
    kernel_.emplace(*host_);
    kernel_->check_every_call(rouse::kernel::check_invariants);
  }
  void begin_signals() {}
  void end_signals() {}
  void begin_line(std::size_t) {}
  void between_calls(std::size_t, std::size_t) {}

  void wait_for_rest() {
    for (;;) {
      // Counted in this order: a thread that is done stays done.
      const auto busy =
          std::count_if(threads_.begin(), threads_.end(), [](const PoolThread& thread) { return thread.is_busy(); });
      if (host_->blocked() == static_cast<std::size_t>(busy)) return;
      std::this_thread::yield();
    }
  }
  void expire(ShortWaits&) {
    host_->advance(std::chrono::seconds(1));
    wait_for_rest();
  }
  [[nodiscard]] static bool was_in_time(const ShortWaits&) { return true; }

  void end() {
    host_->end();
    for (PoolThread& thread : threads_) {
      while (thread.is_busy()) std::this_thread::yield();
    }
  }

 private:
  Threads& threads_;
  std::optional<EndableHost> host_;
  std::optional<rouse::kernel::Kernel> kernel_;
};

}  // namespace threaded
