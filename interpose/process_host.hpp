// ProcessHost: the process's own threads on its own clock, as ThreadHost has them; but they sleep so that the process's
// signals end a call, and pthread_cancel a thread.
#pragma once

#include "call_watch.hpp"
#include "this_thread.hpp"
#include <rouse/kernel/kernel.hpp>
#include <rouse/kernel/signalfd_file.hpp>
#include <rouse/kernel/thread_host.hpp>

#include <csignal>
#include <memory>
#include <pthread.h>
#include <semaphore.h>

namespace rouse::interpose {

class ProcessHost final : public kernel::ThreadHost {
 public:
  /// `calls` is told of each, and outlives it; null for nobody.
  explicit ProcessHost(CallWatch* calls) : ThreadHost(Clock::real, NoTaskYet{}), calls_(calls) {
    static_cast<void>(current());
  }

  [[nodiscard]] kernel::Task& current() override {
    if (mine.host == this) [[likely]]
      return *mine.task;
    return add_mine();
  }

  /// Precondition: before the first call.
  void serve(kernel::Kernel& kernel) { kernel_ = &kernel; }

  [[nodiscard]] unsigned needs() const override {
    return kernel::needs_locking | (calls_ != nullptr ? kernel::needs_calls : kernel::needs_nothing);
  }
  void call_begins(const kernel::Op& op, const kernel::CallArguments& given) override {
    calls_->begins(*kernel_, op, given);
  }
  void call_ended(const kernel::Op& op, const kernel::CallArguments& given, kernel::CallEnd end) override {
    calls_->ended(*kernel_, op, given, end);
  }
  void fault_struck(const kernel::Op& op, Fault fault) override {
    if (calls_ != nullptr) calls_->fault(*kernel_, op, fault);
  }
  [[nodiscard]] bool is_awake(const kernel::Task& task) const override {
    return static_cast<const ProcessTask&>(task).bed.is_awake;
  }
  void wake(kernel::Task& task) override {
    if (calls_ != nullptr) calls_->wakes(*kernel_, task);
    ThreadHost::wake(task);
  }

 private:
  struct ProcessTask final : ThreadTask {
    using ThreadTask::ThreadTask;
    Bed bed;
  };

  // Not a thread_local with a destructor: a thread's first use of one takes memory of the C library's, which a signal
  // handler may have come in the midst of; and other destructors of the thread's end may call after it.
  struct Mine {
    const ProcessHost* host;
    ThreadTask* task;
  };
  [[gnu::tls_model("initial-exec")]] static inline constinit thread_local Mine mine{nullptr, nullptr};

  kernel::Task& add_mine() {
    static const ::pthread_key_t let_go = [] {
      ::pthread_key_t key{};
      ::pthread_key_create(&key, [](void* task) {
        mine = {nullptr, nullptr};
        delete static_cast<std::shared_ptr<ThreadTask>*>(task);
      });
      return key;
    }();
    auto* const task = new std::shared_ptr<ThreadTask>(add_task());
    ::pthread_setspecific(let_go, task);
    mine = {this, task->get()};
    return **task;
  }

  std::shared_ptr<ThreadTask> make_task(std::uint32_t id, std::string name) override {
    return std::make_shared<ProcessTask>(id, std::move(name));
  }

  void sleep(ThreadTask& thread, std::unique_lock<std::mutex>&, kernel::Time until) override {
    auto& task = static_cast<ProcessTask&>(thread);
    if (calls_ != nullptr) calls_->sleeps(*kernel_, task);
    const std::optional<SignalSet> read_here = signals_read_by(task);
    kernel::Handled handled = kernel::Handled::none;
    {
      const Unlocked unlocked{*this};
      const Sleeping sleeping{task.bed};
      WithMask mask{read_here ? blocked_now() | *read_here : task.signals.mask_in_sleep};
      wait(task.bed.wake, until);
      handled = this_thread.handled;
      if (read_here) mask.keep_for_this_call();
    }
    if (handled == kernel::Handled::none) return;
    kernel_->signals.note_handled(task, handled);
    task.bed.is_awake = false;  // Which that says from now on.
    if (task.blocked) unblock(task);
  }
  // Who waits for signals in a read of a signalfd gets them, be they blocked or not: no handler does.
  static std::optional<SignalSet> signals_read_by(const kernel::Task& task) {
    const kernel::BlockedOn* const why = task.blocked_on();
    if (why == nullptr || why->file == nullptr || &why->file->kind() != &kernel::SignalFdFile::file_kind) return {};
    return static_cast<const kernel::SignalFdFile*>(why->file)->mask();
  }
  static SignalSet blocked_now() {
    ::sigset_t blocked{};
    ::pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
    return SignalSet::from(blocked);
  }
  void end_sleep(ThreadTask& thread) override { ::sem_post(&static_cast<ProcessTask&>(thread).bed.wake); }

  // EINTR and a post of long ago are reasons to look again, like any other: the caller does.
  static void wait(::sem_t& wake, kernel::Time until) {
    if (until == kernel::time_never) {
      static_cast<void>(::sem_wait(&wake));
      return;
    }
    constexpr kernel::Time second = 1'000'000'000;
    const ::timespec at{until / second, until % second};
    static_cast<void>(::sem_clockwait(&wake, CLOCK_MONOTONIC, &at));
  }

  // While others may call.
  class Unlocked {
   public:
    explicit Unlocked(kernel::Host& host) : host_(host) { host_.unlock(); }
    Unlocked(const Unlocked&) = delete;
    Unlocked& operator=(const Unlocked&) = delete;
    ~Unlocked() { host_.lock(); }

   private:
    kernel::Host& host_;
  };

  // A call's own signal mask holds while it sleeps: what it lets in is handled at once, and ends the sleep.
  class WithMask {
   public:
    explicit WithMask(const std::optional<SignalSet>& mask) : has_mask_(mask.has_value()) {
      if (!has_mask_) return;
      const ::sigset_t set = mask->to_sigset();
      ::pthread_sigmask(SIG_SETMASK, &set, &before_);
    }
    WithMask(const WithMask&) = delete;
    WithMask& operator=(const WithMask&) = delete;
    /// What it blocks, stays so until the call is over: as what was deferred in its midst.
    void keep_for_this_call() {
      if (!this_thread.has_deferred) this_thread.mask_before = before_;
      this_thread.has_deferred = true;
      has_mask_ = false;
    }
    ~WithMask() {
      if (has_mask_) ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    }

   private:
    bool has_mask_;
    ::sigset_t before_{};
  };

  CallWatch* const calls_;
  kernel::Kernel* kernel_ = nullptr;
};

}  // namespace rouse::interpose
