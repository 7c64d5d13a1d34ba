// Signals: what the process does about each signal, what is pending, and who is to take it. Kernel::enter runs the
// handlers, on the task, when its call ends; blocking.hpp ends a sleep that a signal interrupts.
//
// Modelled: actions and their flags, masks, standard and queued signals, signals of a task and of the process, the
// order of delivery. Left out, by name: stopping and continuing. A signal that would end the program throws Killed.
#pragma once

#include "host.hpp"
#include "not_modelled.hpp"
#include "process_signals.hpp"
#include "wait_queue.hpp"

#include <atomic>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

namespace rouse::inline v0::kernel {

/// getpid() here. Task n has the thread id process_id + n - 1: the first task's is the process's own.
inline constexpr int process_id = 1000;

/// What a call comes to that a signal interrupted, until it is known what the signal does. Kernel::enter turns it into
/// EINTR or starts the call again; nobody outside sees it.
enum Interrupted : int {
  restarts_if_handler_says = 512,  ///< SA_RESTART starts it again.
  restarts_unless_handled = 514,   ///< Only a signal without a handler starts it again.
};

/// Thrown out of the call during which a signal arrives whose default action is to end the program.
class Killed : public std::runtime_error {
 public:
  explicit Killed(int signal)
      : std::runtime_error("rouse: signal " + std::to_string(signal) +
                           " would have ended the program: it is neither handled nor ignored"),
        signal_(signal) {}

  [[nodiscard]] int signal() const { return signal_; }

 private:
  int signal_;
};

/// A signal that was taken off its queue to be handled.
struct Delivery {
  ::siginfo_t info;
  struct ::sigaction action;
  SignalSet mask_during;  ///< While its handler runs.
  SignalSet mask_after;   ///< When it returns.
};

/// Of one process. Used with the kernel locked.
class Signals {
 public:
  /// `needs` has the bit `due` set while any task has a signal to take.
  Signals(Host& host, std::atomic<unsigned>& needs, unsigned due) : host_(host), needs_(needs), due_(due) {}

  /// From now on signals are those of the process, and none of the emulated calls on them may be made.
  void leave_to(ProcessSignals& process) { real_ = &process; }

  [[nodiscard]] struct ::sigaction action(int signal) const {
    const auto found = actions_.find(signal);
    return found != actions_.end() ? found->second : initial_action(signal);
  }
  /// Sets what a signal does; what is pending and ignored now is forgotten. Throws std::bad_alloc.
  void set_action(int signal, const struct ::sigaction& to);

  /// Sends a signal to the process, or to one task of it.
  void send_to_process(int signal);
  void send_to_task(Task& task, int signal, int code = SI_TKILL);
  /// A write that nobody can read.
  void send_sigpipe() {
    if (real_ != nullptr) return real_->raise_here(SIGPIPE);
    send_to_task(host_.current(), SIGPIPE, SI_USER);
  }

  [[nodiscard]] SignalSet pending_for(const Task& task) const {
    return (task.signals.pending.set() | process_.set()) & task.signals.mask;
  }

  void set_mask(Task& task, SignalSet mask);
  /// Another mask until the call is over, or, if it is interrupted, until the handlers have started.
  void set_mask_for_call(Task& task, SignalSet mask) {
    if (real_ != nullptr) {
      task.signals.mask_in_sleep = mask;
      if (!(real_->pending_here() - mask).empty()) set_due(task);
      return;
    }
    task.signals.mask_after_call = task.signals.mask;
    set_mask(task, mask);
  }
  void end_mask_for_call(Task& task) {
    if (task.signals.mask_in_sleep) {
      task.signals.mask_in_sleep.reset();
      look_again(task);
    }
    if (!task.signals.mask_after_call) return;
    const SignalSet mask = *task.signals.mask_after_call;
    task.signals.mask_after_call.reset();
    set_mask(task, mask);
  }

  /// The next signal that a handler is to run for, or none. Throws Killed.
  std::optional<Delivery> take(Task& task);

  /// A signal of the process has ended the current task's sleep in a call: what its handler was. By the host.
  void note_handled(Task& task, Handled handled) {
    task.signals.handled = handled;
    set_due(task);
  }
  /// And what it was, to who ends the call. `unlock` and `lock` stand around what has to run outside.
  template <class Unlock, class Lock>
  [[nodiscard]] Handled take_handled(Task& task, Unlock unlock, Lock lock) {
    if (real_ == nullptr) return Handled::none;
    Handled handled = std::exchange(task.signals.handled, Handled::none);
    if (handled == Handled::none && task.signals.mask_in_sleep) {
      unlock();
      handled = real_->let_in(*task.signals.mask_in_sleep);
      lock();
    }
    look_again(task);
    return handled;
  }

  /// Whether one of `wanted` is pending for the current task or the process, and the next of them: for those who read
  /// signals.
  [[nodiscard]] bool is_pending_here(SignalSet wanted) const {
    if (real_ != nullptr) return !(real_->pending_here() & wanted).empty();
    return !((host_.current().signals.pending.set() | process_.set()) & wanted).empty();
  }
  std::optional<::siginfo_t> take_here(SignalSet wanted);

  /// Where all wait who wait for signals to be pending. Woken by each that becomes so, whoever is to take it.
  WaitQueue signalfds;

 private:
  [[nodiscard]] SignalSet due(const Task& task) const {
    return (task.signals.pending.set() | process_.set()) - task.signals.mask;
  }
  [[nodiscard]] static struct ::sigaction initial_action(int signal) {
    struct ::sigaction initial {};
    // As in a server, or a process that was started so: who wants to be told of a lost reader says so.
    if (signal == SIGPIPE) initial.sa_handler = SIG_IGN;
    return initial;
  }
  [[nodiscard]] bool is_ignored(int signal) const {
    const auto handler = action(signal).sa_handler;
    return handler == SIG_IGN || (handler == SIG_DFL && ignored_by_default.has(signal));
  }
  void forget(int signal);
  void forget_opposites(int signal);
  void look_again(Task& task);
  void set_due(Task& task) {
    task.signals.is_due = true;
    needs_ |= due_;
  }
  void notify(Task& task);
  [[nodiscard]] Task& leader() const {
    Task* const first = host_.tasks().front();
    return first != nullptr ? *first : host_.current();
  }
  // A task takes a signal that it does not block; one that sleeps and was told of another one already is passed over.
  [[nodiscard]] static bool wants(const Task& task, int signal) {
    return !task.signals.mask.has(signal) && (task.blocked_on() == nullptr || !task.signals.is_due);
  }
  [[nodiscard]] Task* taker(int signal);
  [[nodiscard]] static ::siginfo_t info_of(int signal, int code);
  /// Off the queue: the task's own come first, and of each those that its instructions caused, then the lowest.
  /// Precondition: one of `wanted` is pending.
  ::siginfo_t take_next(Task& task, SignalSet wanted);

  static constexpr SignalSet ignored_by_default = SignalSet::of(SIGCHLD, SIGCONT, SIGURG, SIGWINCH);
  static constexpr SignalSet stopping = SignalSet::of(SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU);
  static constexpr SignalSet synchronous = SignalSet::of(SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGFPE, SIGSYS);

  Host& host_;
  std::atomic<unsigned>& needs_;
  const unsigned due_;
  ProcessSignals* real_ = nullptr;
  std::map<int, struct ::sigaction> actions_;  // Those that were set. All of them would be 10 KB for every kernel.
  PendingSignals process_;
  std::uint32_t last_taker_ = 0;  // The id of the task that was told last, if it was not the first one.
};

inline void Signals::set_action(int signal, const struct ::sigaction& to) {
  actions_[signal] = to;
  touch_everything();
  if (is_ignored(signal)) forget(signal);
}

inline void Signals::forget(int signal) {
  process_.discard(signal);
  host_.tasks().for_each([signal](Task& task) { task.signals.pending.discard(signal); });
}

// Stopping and continuing undo each other as soon as they are sent, whatever becomes of them.
inline void Signals::forget_opposites(int signal) {
  if (stopping.has(signal)) forget(SIGCONT);
  if (signal != SIGCONT) return;
  stopping.for_each([this](int stop) { forget(stop); });
}

inline ::siginfo_t Signals::info_of(int signal, int code) {
  ::siginfo_t info{};
  info.si_signo = signal;
  info.si_code = code;
  info.si_pid = process_id;
  return info;
}

// What is ignored is not even queued, unless it is blocked: its action may be another one when it is not any more.
inline void Signals::send_to_process(int signal) {
  touch_everything();
  forget_opposites(signal);
  if (is_ignored(signal) && !leader().signals.mask.has(signal)) return;
  if (!process_.add(info_of(signal, SI_USER))) return;
  release_edge(process_);
  signalfds.wake(any_key);
  Task* const task = taker(signal);
  if (task != nullptr) notify(*task);
}

inline void Signals::send_to_task(Task& task, int signal, int code) {
  touch_everything();
  forget_opposites(signal);
  if (is_ignored(signal) && !task.signals.mask.has(signal)) return;
  if (!task.signals.pending.add(info_of(signal, code))) return;
  release_edge(task.signals.pending);
  signalfds.wake(any_key);
  if (!task.signals.mask.has(signal)) notify(task);
}

// The first task if it will; else the others in turn, so that one does not get them all.
inline Task* Signals::taker(int signal) {
  Task& first = leader();
  if (wants(first, signal)) return &first;
  Task* start = &first;
  for (Task* task = &first; task != nullptr; task = host_.tasks().next(*task)) {
    if (task->id() == last_taker_) start = task;
  }
  Task* task = start;
  do {
    if (wants(*task, signal)) {
      last_taker_ = task->id();
      return task;
    }
    task = host_.tasks().next(*task);
    if (task == nullptr) task = &first;
  } while (task != start);
  return nullptr;
}

inline void Signals::notify(Task& task) {
  set_due(task);
  host_.wake(task);
}

inline void Signals::look_again(Task& task) {
  task.signals.is_due = !due(task).empty();
  bool anybody = false;
  host_.tasks().for_each([&](const Task& each) { anybody = anybody || each.signals.is_due; });
  if (anybody) {
    needs_ |= due_;
  } else {
    needs_ &= ~due_;
  }
}

inline void Signals::set_mask(Task& task, SignalSet mask) {
  touch_everything();
  const SignalSet blocked_now = mask - task.signals.mask;
  task.signals.mask = mask;
  // What this task was told of and now blocks is another's to take.
  (process_.set() & blocked_now).for_each([this](int signal) {
    Task* const other = taker(signal);
    if (other != nullptr) notify(*other);
  });
  look_again(task);
}

inline ::siginfo_t Signals::take_next(Task& task, SignalSet wanted) {
  const bool has_own = !(task.signals.pending.set() & wanted).empty();
  PendingSignals& pending = has_own ? task.signals.pending : process_;
  const SignalSet those = pending.set() & wanted;
  acquire_edge(pending);
  return pending.take((those & synchronous).empty() ? those.lowest() : (those & synchronous).lowest());
}

// Who looks and finds that another has taken what it was told of, is not interrupted by it either.
inline std::optional<::siginfo_t> Signals::take_here(SignalSet wanted) {
  if (real_ != nullptr) return real_->take_here(wanted);
  Task& task = host_.current();
  std::optional<::siginfo_t> info;
  if (is_pending_here(wanted)) info = take_next(task, wanted);
  look_again(task);
  return info;
}

inline std::optional<Delivery> Signals::take(Task& task) {
  touch_everything();
  for (;;) {
    if (due(task).empty()) {
      look_again(task);
      return std::nullopt;
    }
    const ::siginfo_t info = take_next(task, due(task));
    const int signal = info.si_signo;
    Delivery delivery{info, action(signal), {}, {}};
    if (is_ignored(signal)) continue;
    if (delivery.action.sa_handler == SIG_DFL && host_.is_unwinding()) continue;
    if (delivery.action.sa_handler == SIG_DFL) {
      if (stopping.has(signal)) throw NotModelled("stopping by signal " + std::to_string(signal));
      throw Killed(signal);
    }
    if ((static_cast<unsigned>(delivery.action.sa_flags) & SA_RESETHAND) != 0) actions_[signal].sa_handler = SIG_DFL;

    SignalSet while_handled = signal_set(delivery.action.sa_mask);
    if ((delivery.action.sa_flags & SA_NODEFER) == 0) while_handled = while_handled | SignalSet::of(signal);
    delivery.mask_during = task.signals.mask | while_handled;
    delivery.mask_after = task.signals.mask_after_call.value_or(task.signals.mask);
    task.signals.mask_after_call.reset();
    return delivery;
  }
}

}  // namespace rouse::inline v0::kernel
