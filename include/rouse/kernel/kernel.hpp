// Kernel: the whole state of one emulated Linux kernel. Nothing is static: two of them do not know of each other.
//
// The calls themselves are functions over a Kernel: syscalls.hpp. Each enters through Kernel::enter, the one place
// where a call can be observed, scheduled, locked and checked.
#pragma once

#include "../call_site.hpp"
#include "../detail/tsan.hpp"
#include "../fault_plan.hpp"
#include "epoll_file.hpp"
#include "fd_table.hpp"
#include "limits.hpp"
#include "network.hpp"
#include "plain_file.hpp"
#include "realtime.hpp"
#include "signals.hpp"
#include "solo_host.hpp"
#include "timers.hpp"
#include "unix_in_flight.hpp"
#include "unix_names.hpp"

#include <atomic>
#include <memory>
#include <new>
#include <string>

namespace rouse::inline v0::kernel {

/// What a call that moves bytes moves at most, if no fault cuts it short.
inline constexpr std::size_t uncut = SIZE_MAX;

/// The body of a call. One that moves bytes is told how many at most.
template <class Body>
[[gnu::always_inline]] inline auto run_body(const Body& body, std::size_t most) {
  if constexpr (requires { body(most); }) {
    return body(most);
  } else {
    return body();
  }
}
template <class Body>
using ResultOf = decltype(run_body(std::declval<const Body&>(), uncut));
/// Of a call that says itself what it is (Kernel::enter_watched).
template <class WatchedCall>
using ResultOfCall = ResultOf<std::remove_cvref_t<decltype(std::declval<const WatchedCall&>().body())>>;

class Kernel {
 public:
  /// A kernel for one thread, on virtual time.
  Kernel() : Kernel(std::make_unique<SoloHost>()) {}
  /// A kernel whose tasks `host` runs, and no other kernel's. The host outlives it.
  explicit Kernel(Host& host)
      : timers(host, needs_, timers_armed),
        signals(host, needs_, signals_due),
        network(host, timers, file_ids, limits),
        host_(host),
        needs_(host.needs() | (detail::tsan_is_on ? static_cast<unsigned>(hidden) : 0u)) {
    UserPages::forget();
    host_.set_timers(&timers);
    int fd = 0;
    for (const char* name : {"stdin", "stdout", "stderr"}) {
      fds.install(fd++, FileRef{new PlainFile{file_ids.next(), O_RDWR, name}}, false);
    }
  }
  Kernel(const Kernel&) = delete;
  Kernel& operator=(const Kernel&) = delete;
  /// Closes what is still open. Precondition: no task is inside a call.
  ~Kernel() {
    const detail::Hidden hidden_from_tsan;
    fds.clear();
    unix_in_flight.collect();
    host_.set_timers(nullptr);
  }

  [[nodiscard]] Host& host() const { return host_; }

  /// An fd for a file that cannot be waited on: epoll_ctl says EPERM. Its contents are not modelled.
  int open_plain_file(std::string path) { return open_plain_file(std::move(path), O_RDWR).value(); }
  SysResult<int> open_plain_file(std::string path, int flags) {
    NewFd fd = new_fd();
    if (!fd) return SysResult<int>::failure(EMFILE);
    const FileRef file{new PlainFile{file_ids.next(), flags, std::move(path)}};
    return fd.install(file, (flags & O_CLOEXEC) != 0);
  }

  /// Calls `check` after every syscall, with the kernel locked: see invariants.hpp. Null for none.
  void check_every_call(void (*check)(const Kernel&)) {
    check_ = check;
    if (check != nullptr) {
      needs_ |= checking;
    } else {
      needs_ &= ~checking;
    }
  }

  /// Faults strike calls from now on as `plan` says, which outlives the kernel or is taken away by null. They strike
  /// after the schedule point, where calls are counted in the order in which they are made. The plan's KernelAge goes
  /// before the kernel's own.
  void set_faults(FaultPlan* plan) {
    faults_ = plan;
    if (plan != nullptr) {
      needs_ |= faulty;
    } else {
      needs_ &= ~faulty;
    }
  }
  [[nodiscard]] const KernelAge& age_heeded() const { return faults_ != nullptr ? faults_->kernel() : age; }

  /// Sets CLOCK_REALTIME to so long after 1970, as a process with the capability would by clock_settime(2):
  /// `kernel.set_realtime(std::chrono::hours(24 * 365 * 40))`. Timers for a moment of that clock follow, and what is to
  /// be cancelled by this, is. Preconditions: a span, not `never`, and no less than the monotonic clock shows.
  void set_realtime(Timeout since_1970) {
    const detail::Hidden hidden_from_tsan;
    Locked locked{needs(needs_locking) ? &host_ : nullptr};
    const Time now = host_.now();
    ROUSE_ASSERT(!since_1970.is_never() && since_1970.nanoseconds() >= now, "Kernel::set_realtime: to what time?");
    timers.run_due(now);
    realtime.set_offset(since_1970.nanoseconds() - now);
    timers.run_due(now);
  }

  // -- for the syscalls

  /// Makes a call. Two tests of a word when nobody watches; always inlined, and with a copy of the body for who
  /// watches: what the call captures (by value) would else go through memory. Running out of memory is ENOMEM: calls
  /// allocate before they change anything.
  template <class Body>
  [[gnu::always_inline]] auto enter(const Op& op, CallArguments arguments, const Body& body) -> ResultOf<Body> {
    if (!is_unwatched()) [[unlikely]]
      return enter_watched(op, arguments, body);
    return enter_unwatched(body);
  }

  /// True if nobody watches calls: one that cannot fail, sleep or raise a signal need not even be entered.
  [[nodiscard]] bool is_unwatched() const {
    ROUSE_ASSERT(host_.serves_this_thread(), "Kernel: called by a second thread; give it a kernel::ThreadHost");
    return needs_.load(std::memory_order_relaxed) == 0;
  }

  // The halves of enter(), for who has asked that already.
  template <class Body>
  [[gnu::always_inline]] auto enter_unwatched(const Body& body) -> ResultOf<Body> {
    try {
      const auto result = run_body(body, uncut);
      if (needs_.load(std::memory_order_relaxed) != 0) [[unlikely]] {
        Locked locked{nullptr};
        return after_signals(Body{body}, result, locked, nullptr);
      }
      return result;
    } catch (const std::bad_alloc&) {
      return ResultOf<Body>::failure(ENOMEM);
    }
  }

  template <class Body>
  [[gnu::always_inline]] auto enter_watched(const Op& op, const CallArguments& arguments, const Body& body)
      -> ResultOf<Body> {
    return take_turn(WatchedBody<Body>{op, arguments.copy(), body});
  }
  /// The same of a call that says itself what it is, when it is asked: `op()`, `arguments()` and `body()`. It is seldom
  /// asked for its arguments, and need not put them together before.
  template <class WatchedCall>
  [[gnu::always_inline]] auto enter_watched(const WatchedCall& call) -> ResultOfCall<WatchedCall> {
    return take_turn(call);
  }

  [[nodiscard]] File* file(int fd) const { return fds.file(fd); }
  /// The same for an fd that the call is not made on: not the one in its Op.
  [[nodiscard]] File* other_file(int fd) const {
    if (observer != nullptr) note_look_up(fd, Access::read);
    return fds.file(fd);
  }
  /// The lowest free number from `from` on.
  [[nodiscard]] NewFd new_fd(std::size_t from = 0) { return {fds, limits.nofile_soft, from}; }

  /// Where the current task's new sockets are.
  [[nodiscard]] NetNamespace& current_net() {
    NetNamespace* const net = host_.current().net;
    return net != nullptr ? *net : network.initial();
  }

  /// True if a signal is there for the current task: it does not go to sleep in a call.
  [[nodiscard]] bool is_interrupted() { return host_.current().signals.is_due; }

  Limits limits;
  KernelAge age;
  FileIds file_ids;
  FdTable fds;
  WatchCount epoll_watches{limits.max_user_watches};
  UnixNames unix_names;
  RealTime realtime;
  Timers timers;
  Signals signals;
  UnixInFlight unix_in_flight;
  Network network;

 private:
  // Beside the host's own needs.
  enum OwnNeeds : unsigned {
    faulty = 1u << 27,
    timers_armed = 1u << 28,
    signals_due = 1u << 29,
    hidden = 1u << 30,
    checking = 1u << 31,
  };

  explicit Kernel(std::unique_ptr<Host> host) : Kernel(*host) { own_host_ = std::move(host); }

  class Locked {
   public:
    explicit Locked(Host* host) : host_(host) { lock(); }
    Locked(const Locked&) = delete;
    Locked& operator=(const Locked&) = delete;
    ~Locked() { unlock(); }

    void lock() {
      if (host_ != nullptr) host_->lock();
    }
    void unlock() {
      if (host_ != nullptr) host_->unlock();
    }

   private:
    Host* host_;
  };

  /// For all others: a body, and beside it what there is to say.
  template <class Body>
  struct WatchedBody {
    Op its_op;
    CallArguments its_arguments;
    Body its_body;

    [[nodiscard]] const Op& op() const { return its_op; }
    [[nodiscard]] const CallArguments& arguments() const { return its_arguments; }
    [[nodiscard]] const Body& body() const { return its_body; }
  };

  /// Waits for its turn and makes the call.
  template <class WatchedCall>
  [[gnu::noinline]] auto take_turn(const WatchedCall& call) -> ResultOfCall<WatchedCall> {
    const detail::Hidden hidden_from_tsan;
    unsigned needs_now = needs_.load(std::memory_order_relaxed);
    if ((needs_now & needs_schedule_points) != 0) {
      host_.schedule_point(call.op());
      needs_now = needs_.load(std::memory_order_relaxed);  // So that it need not be kept meanwhile.
    }
    Locked locked{(needs_now & needs_locking) != 0 ? &host_ : nullptr};
    if (observer != nullptr) note_look_up(call.op().fd, Access::write);
    if (needs(~(needs_schedule_points | needs_locking))) [[unlikely]]
      return looked_at(call, locked);
    try {
      const auto result = run_body(call.body(), uncut);
      if (needs(signals_due)) [[unlikely]]
        return after_signals(call.body(), result, locked, nullptr);
      return result;
    } catch (const std::bad_alloc&) {
      return ResultOfCall<WatchedCall>::failure(ENOMEM);
    }
  }

  /// The call, or what the plan makes of it. In faults.hpp, as is what it asks.
  template <class WatchedCall>
  [[gnu::noinline, gnu::cold]] auto with_faults(const WatchedCall& call) -> ResultOfCall<WatchedCall>;
  [[nodiscard]] std::optional<Fault> next_fault(const Op& op, const CallArguments& arguments);
  void delay(const Op& op, Time span);

  /// One more copy of a call's body, for all who are in no hurry: with more callers, the one in enter() would not be
  /// inlined.
  template <class Body>
  [[gnu::noinline, gnu::cold]] static auto again(const Body& body, std::size_t most) -> ResultOf<Body> {
    return run_body(body, most);
  }

  /// Tells the host of a call, if it wants to know: null if not.
  class Watched {
   public:
    Watched(Host* host, const Op& op, const CallArguments& arguments) : host_(host), op_(op), arguments_(arguments) {
      if (host_ != nullptr) host_->call_begins(op_, arguments_);
    }
    Watched(const Watched&) = delete;
    Watched& operator=(const Watched&) = delete;
    ~Watched() {
      if (!has_ended_) tell({CallEnd::Kind::thrown});
    }

    void restarts() {
      tell({CallEnd::Kind::restarts});
      if (host_ != nullptr) host_->call_begins(op_, arguments_);
    }
    void returned(std::int64_t word) {
      has_ended_ = true;
      tell({CallEnd::Kind::returned, word});
    }

   private:
    void tell(CallEnd end) {
      if (host_ != nullptr) host_->call_ended(op_, arguments_, end);
    }

    Host* const host_;
    const Op& op_;
    const CallArguments& arguments_;
    bool has_ended_ = false;
  };

  /// The call, where more is to be done than to wait for a turn.
  template <class WatchedCall>
  [[gnu::noinline]] auto looked_at(const WatchedCall& call, Locked& locked) -> ResultOfCall<WatchedCall> {
    // Time may have passed since the last call.
    if (needs(timers_armed)) timers.run_due(host_.now());
    // What another task sent while this one was in code of its own would have interrupted that.
    if (needs(signals_due)) static_cast<void>(run_handlers(host_.current(), locked));
    const Op op = call.op();
    const CallArguments arguments = call.arguments();
    Watched watched{needs(needs_calls) ? &host_ : nullptr, op, arguments};
    auto result = ResultOfCall<WatchedCall>::failure(ENOMEM);
    try {
      result = needs(faulty) ? with_faults(call) : again(call.body(), uncut);
      if (needs(signals_due)) result = after_signals(call.body(), result, locked, &watched);
    } catch (const std::bad_alloc&) {
      // As in enter().
    }
    watched.returned(result.word());
    if (needs(checking)) check_(*this);
    return result;
  }

  /// The end of a call when signals are due somewhere: runs the handlers, and ends or restarts an interrupted call.
  template <class Body, class Result>
  [[gnu::noinline, gnu::cold]] Result after_signals(const Body& body, Result result, Locked& locked, Watched* watched) {
    Task& task = host_.current();
    for (;;) {
      const Handled handled = run_handlers(task, locked);
      signals.end_mask_for_call(task);
      static_cast<void>(run_handlers(task, locked));  // Those that only the call's own mask held back.
      const int error = result.error();
      if (error != restarts_if_handler_says && error != restarts_unless_handled) return result;
      const bool restarts =
          handled == Handled::none || (handled == Handled::by_restarting && error == restarts_if_handler_says);
      if (!restarts) return Result::failure(EINTR);
      if (watched != nullptr) watched->restarts();
      result = again(body, uncut);
    }
  }

  /// Runs the handlers of the signals that are due for `task`, the current one; says what the first of them was.
  [[gnu::noinline, gnu::cold]] Handled run_handlers(Task& task, Locked& locked) {
    if (!task.signals.is_due) return Handled::none;  // What is pending for the process, another was told of.
    Handled handled = signals.take_handled(
        task, [&] { locked.unlock(); }, [&] { locked.lock(); });
    while (const std::optional<Delivery> next = signals.take(task)) {
      if (handled == Handled::none) {
        const bool restarts = (next->action.sa_flags & SA_RESTART) != 0;
        handled = restarts ? Handled::by_restarting : Handled::by_interrupting;
      }
      signals.set_mask(task, next->mask_during);
      // A signal that this handler does not block interrupts it before its first instruction.
      static_cast<void>(run_handlers(task, locked));
      run_handler(*next, locked);
      signals.set_mask(task, next->mask_after);
    }
    return handled;
  }

  /// The user's function, with the kernel unlocked: it may call in turn.
  void run_handler(const Delivery& delivery, Locked& locked) {
    class Outside {
     public:
      explicit Outside(Locked& inside) : inside_(inside) { inside_.unlock(); }
      Outside(const Outside&) = delete;
      Outside& operator=(const Outside&) = delete;
      ~Outside() { inside_.lock(); }

     private:
      Locked& inside_;
    };

    const Outside outside{locked};
    const detail::OutsideOfCall not_at_the_call_site;
    const detail::Visible visible;
    ::siginfo_t info = delivery.info;
    ::ucontext_t context{};  // Nobody was interrupted at any instruction.
    if ((delivery.action.sa_flags & SA_SIGINFO) != 0) {
      delivery.action.sa_sigaction(info.si_signo, &info, &context);
    } else {
      delivery.action.sa_handler(info.si_signo);
    }
  }

  /// For footprints: what was found, and nothing too.
  [[gnu::noinline, gnu::cold]] void note_look_up(int fd, Access access) const {
    if (fd < 0) return;
    touch(Object::fd(fd), Access::read);
    if (const File* const found = fds.file(fd)) found->touch(access);
  }

  std::unique_ptr<Host> own_host_;
  Host& host_;
  [[nodiscard]] bool needs(unsigned bit) const { return (needs_ & bit) != 0; }

  std::atomic<unsigned> needs_;  // Changed with the kernel locked, read without.
  void (*check_)(const Kernel&) = nullptr;
  FaultPlan* faults_ = nullptr;
};

/// Puts the calling thread into a network namespace, as setns(2) does: the sockets it makes from now on are there.
/// Takes it back when destroyed. Threads that it starts do not inherit this.
class InNamespace {
 public:
  InNamespace(Kernel& kernel, NetNamespace& net) : task_(kernel.host().current()), before_(task_.net) {
    task_.net = &net;
  }
  InNamespace(const InNamespace&) = delete;
  InNamespace& operator=(const InNamespace&) = delete;
  ~InNamespace() { task_.net = before_; }

 private:
  Task& task_;
  NetNamespace* const before_;
};

}  // namespace rouse::inline v0::kernel
