// World: the deterministic host. Emulated threads are fibers of one OS thread and run one at a time; every call is a
// point at which another may go on instead; time is virtual and jumps when all are asleep.
#pragma once

#include "../backend/emulated.hpp"
#include "../kernel/dump.hpp"
#include "../kernel/kernel.hpp"
#include "call_census.hpp"
#include "outcome.hpp"
#include "policy/policy.hpp"
#include "recorder.hpp"
#include "sim_task.hpp"
#include "sleep_queue.hpp"
#include "trace/trace.hpp"

#include <algorithm>
#include <exception>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace rouse::inline v0::sim {

/// Bounds of a run, and what is looked for in it.
struct WorldOptions {
  /// How many schedule points may go by without time moving; more is a livelock.
  std::uint64_t steps_max = 100'000;
  Detectors detectors{};
  const FaultPlan* faults = nullptr;  ///< Rules that each run begins with; null for none.
  CallCensus* census = nullptr;       ///< Notes every call; null for none.
  /// Where to record what happens, which costs time; null for nowhere. It outlives the World.
  Trace* trace = nullptr;
};

/// One run of a program on an emulated kernel. Whoever makes it, sets up what the program needs; then run() runs it.
///
///     sim::FiberPool fibers;
///     sim::RandomPolicy policy{seed};
///     sim::World world{policy, fibers};
///     const sim::Outcome outcome = world.run([&] {
///       BasicEventFd<EmulatedBackend> event{world.backend()};
///       world.spawn("writer", [&] { event.write(1); });
///       event.read();
///       world.join_all();
///     });
///
/// All of it happens on the calling thread: functions of tasks may share what they like, and thread_local is the same
/// for all of them.
class World final : public kernel::Host {
 public:
  /// Both outlive it. A policy that has no run left is misuse.
  World(Policy& policy, FiberPool& fibers, WorldOptions options = {})
      : policy_(policy),
        fibers_(fibers),
        options_(options),
        kernel_(*this),
        recorder_(*this, {policy.wants_steps(), options.detectors.has(Ending::data_race),
                          options.detectors.has(Ending::stale_registration), options.trace != nullptr}) {
    outcome_.schedule.reserve(choices_at_first);
    make_room_for_one_more();
    all_.push_back(std::make_unique<SimTask>(*this, 1, "main"));
    current_ = all_.front().get();
    tasks_.push_back(*current_);
    runnable_.push_back(current_);
    recorder_.add_task(*current_);
    if (options.faults != nullptr) faults() = *options.faults;
    if (trace() == nullptr) return;
    trace()->begin(kernel_);
    trace()->task_begins(1, current_->name());
  }
  /// Precondition: it is not running.
  ~World() override {
    ROUSE_ASSERT(!is_running_, "World: destroyed while it runs");
    const detail::Hidden hidden;
    if (trace() != nullptr) trace()->end();
    while (kernel::Task* const task = tasks_.front()) task->unlink();
    kernel::UserPages::forget();  // The stacks are good as long as the pool is there, and that may go next.
  }

  [[nodiscard]] kernel::Kernel& kernel() { return kernel_; }
  /// What goes wrong with its calls: add rules before run(), or in it. What one_in() leaves to chance, the policy
  /// decides, and the schedule replays.
  [[nodiscard]] FaultPlan& faults() {
    kernel_.set_faults(&faults_);
    return faults_;
  }
  [[nodiscard]] EmulatedBackend backend() { return EmulatedBackend{kernel_}; }

  /// What `fd` is called in traces, `eventfd 3 "stop"`, and what is duplicated from it.
  void name_fd(int fd, std::string name) {
    const detail::Hidden hidden;
    if (trace() != nullptr) trace()->name_fd(fd, std::move(name));
  }

  /// Where the run is, for those who watch over it.
  [[nodiscard]] std::uint64_t steps() const { return outcome_.steps; }
  /// How many runs this thread has begun.
  [[nodiscard]] static std::uint64_t runs_begun() { return runs; }
  [[nodiscard]] const char* current_task_name() const { return current_->name().c_str(); }
  [[nodiscard]] const Schedule& schedule_so_far() const { return outcome_.schedule; }

  /// The one that runs on this thread; null outside of run().
  [[nodiscard]] static World* running() { return running_here; }

  /// Runs `main` as the first task, and all that it spawns, to their ends, or to the first failure. Whoever is still
  /// there then is unwound: `Cancelled` leaves the call it sleeps in. To be called once.
  template <class F>
  Outcome run(F main) {
    const detail::Hidden hidden;
    ROUSE_ASSERT(!is_running_ && outcome_.steps == 0 && all_.front()->body_ == nullptr, "World::run: called twice");
    SimTask& first = *all_.front();
    start(first, std::make_unique<TaskBodyOf<F>>(std::move(main)));
    run_to_the_end(first);
    return std::move(outcome_);
  }

  /// The one that this thread is in. Precondition: it is in one: what tasks share has no meaning elsewhere.
  [[nodiscard]] static World& here() {
    ROUSE_ASSERT(running_here != nullptr, "rouse::sim: used outside of World::run");
    return *running_here;
  }

  /// Adds a task, which may go on from now on. What its function refers to must live until it is over: see join_all().
  /// Throws std::bad_alloc. Precondition: called by a task of this world.
  template <class F>
  SimTask& spawn(std::string name, F f) {
    const detail::Hidden hidden;
    ROUSE_ASSERT(is_running_ && running_here == this, "World::spawn: called from outside of run()");
    auto task = std::make_unique<SimTask>(*this, static_cast<std::uint32_t>(all_.size()) + 1, std::move(name));
    SimTask& spawned = *task;
    make_room_for_one_more();
    spawned.signals.mask = current_->signals.mask;  // As clone(2) hands them on.
    spawned.net = current_->net;
    start(spawned, std::make_unique<TaskBodyOf<F>>(std::move(f)));
    all_.push_back(std::move(task));
    recorder_.add_task(spawned);
    if (trace() != nullptr) trace()->task_begins(spawned.id(), spawned.name());
    kernel::release_edge(spawned);
    kernel::touch(kernel::Object::tasks(), kernel::Access::write);
    tasks_.push_back(spawned);
    runnable_.push_back(&spawned);
    pass();
    return spawned;
  }

  /// Waits until a task is over.
  void join(SimTask& task) {
    const detail::Hidden hidden;
    pass();
    if (trace() != nullptr) trace()->step("join", nullptr, task.id());
    wait_for_end(task);
  }
  /// The same for destructors, which nothing is thrown from: it returns when the task is over, though the run may have
  /// failed by then.
  void join_quietly(SimTask& task) {
    const detail::Hidden hidden;
    pass(false);
    if (trace() != nullptr) trace()->step("join", nullptr, task.id());
    wait_quietly_for_end(task);
  }
  /// Waits until all other tasks are over, those that are spawned meanwhile among them.
  void join_all() {
    const detail::Hidden hidden;
    pass();
    kernel::touch(kernel::Object::tasks(), kernel::Access::read);
    for (std::size_t i = 0; i < all_.size(); ++i) {
      if (all_[i].get() == current_) continue;
      if (trace() != nullptr && !all_[i]->is_over()) trace()->step("join", nullptr, all_[i]->id());
      wait_for_end(*all_[i]);
    }
  }

  /// Ends the run as failed, by the exception that is in flight or else by `what`, and unwinds all other tasks as soon
  /// as this one sleeps, joins or ends. For what would end a program.
  void give_up(std::string what) {
    fail(std::uncaught_exceptions() > 0 ? Ending::exception : Ending::misuse, std::move(what));
  }
  /// Ends the run as failed by a detector, if that is looked for.
  void fail_by(Ending ending, std::string text) {
    if (options_.detectors.has(ending)) fail(ending, std::move(text));
  }
  /// Ends the run as failed by an assertion of the test framework, which throws or returns by itself.
  void fail_assertion(std::string text) { fail(Ending::assertion, std::move(text)); }
  /// True once the run has failed. Whoever is left is unwound, one after the other, and nothing blocks any more.
  [[nodiscard]] bool is_unwinding() const override { return is_unwinding_; }

  // -- kernel::Host

  [[nodiscard]] unsigned needs() const override {
    const bool watches_calls = options_.trace != nullptr || options_.census != nullptr;
    return kernel::needs_schedule_points | (watches_calls ? kernel::needs_calls : 0u);
  }
  [[nodiscard]] kernel::Task& current() override { return *current_; }
  [[nodiscard]] kernel::Time now() override { return time_is_over_ ? kernel::time_never : now_; }
  [[nodiscard]] bool clock_runs_by_itself() const override { return false; }
  [[nodiscard]] bool serves_this_thread() override { return running_here == this || !is_running_; }
  void schedule_point(const kernel::Op& op) override { pass(op.call != kernel::Call::close); }
  void call_begins(const kernel::Op& op, const kernel::CallArguments& given) override {
    if (options_.census != nullptr) options_.census->note(op, given, kernel_.file(op.fd));
    if (trace() != nullptr) trace()->call_begins(op, given);
  }
  void call_ended(const kernel::Op& op, const kernel::CallArguments& given, kernel::CallEnd end) override {
    if (options_.census != nullptr && end.kind == kernel::CallEnd::Kind::restarts) options_.census->expect_restart();
    if (trace() != nullptr) trace()->call_ended(op, given, end);
  }
  void fault_struck(const kernel::Op& op, Fault fault) override {
    if (trace() != nullptr) trace()->fault(to_string(op.call, fault));
  }
  [[nodiscard]] inline bool block(kernel::Task& task, kernel::Time deadline) override;
  void wake(kernel::Task& task) override { make_runnable(static_cast<SimTask&>(task)); }
  [[nodiscard]] bool strikes(std::uint64_t one_in) override {
    if (is_unwinding_) return false;
    const bool strikes = policy_.fault(one_in);
    outcome_.schedule.push_back(strikes ? 1 : 0);
    if (strikes) ++outcome_.faults;
    return strikes;
  }
  /// The kernel lets what is rare happen for small numbers: the least surprising choice is the largest.
  [[nodiscard]] std::uint64_t choose(std::uint64_t n) override { return n - 1 - pick(n); }

  // -- for what tasks share beside the kernel

  /// One of `n` answers, of which 0 is the least surprising. Precondition: n > 0.
  [[nodiscard]] std::uint64_t pick(std::uint64_t n) {
    if (n <= 1 || is_unwinding_) return 0;
    const std::uint64_t choice = policy_.number(n);
    outcome_.schedule.push_back(choice);
    return choice;
  }

  /// A point at which another task may go on. Hidden code only. Throws `Cancelled`, if it may, out of a task that goes
  /// on and on after the run has failed.
  void pass(bool may_throw = true);
  /// The same, of a step that traces call `what`.
  void pass(const char* what) {
    pass();
    if (trace() != nullptr) trace()->step(what);
  }
  /// The same, of a step that begins with looking at what the queue is part of, or with changing it: "mutex::lock".
  void pass(const char* what, const SleepQueue& queue, kernel::Access access = kernel::Access::write,
            bool may_throw = true) {
    pass(may_throw);
    const kernel::Object object = queue.object();
    kernel::touch(object, access);
    if (trace() != nullptr) trace()->step(what, &object);
  }
  /// For the trace: a step that may have slept goes on; and what a step has come to: ` = 5`.
  void step_ended(bool was_woken = true) {
    if (trace() != nullptr) trace()->step_ended(was_woken);
  }
  void step_is(bool value) {
    if (trace() != nullptr) trace()->step_result(value ? " = true" : " = false");
  }
  /// Null if nothing is recorded.
  [[nodiscard]] Trace* trace() const { return options_.trace; }
  /// When a limit that begins now is over.
  [[nodiscard]] kernel::Time deadline_of(Timeout limit) {
    return limit.is_never() ? kernel::time_never : kernel::time_after(now(), limit.nanoseconds());
  }
  [[nodiscard]] SimTask& current_task() { return *current_; }
  /// By its number. Precondition: there is one.
  [[nodiscard]] SimTask& task(std::uint32_t id) { return *all_[id - 1]; }
  /// `task "worker"`; with its number if another one is called so, too: `task "thread" 3`.
  [[nodiscard]] std::string label_of(const SimTask& task) const;
  [[nodiscard]] Recorder& recorder() { return recorder_; }
  /// Puts the current task to sleep until somebody wakes it in `queue`, or `deadline` comes: false if that came first.
  /// `call` is for dumps. Hidden code only. Throws `Cancelled` if the run has failed; false if that may not be thrown
  /// now.
  [[nodiscard]] bool sleep_in(SleepQueue& queue, const char* call, kernel::Time deadline = kernel::time_never);
  /// The same for ever, and without anything thrown: for what destructors do, who see afterwards whether they have what
  /// they want. If not, unwind() is for them.
  void sleep_quietly_in(SleepQueue& queue, const char* call) {
    if (!is_unwinding_) static_cast<void>(sleep_quietly_in(queue, call, kernel::time_never, queue.holder));
  }
  /// Throws `Cancelled` if the run has failed, and if it may be thrown now.
  void unwind() { throw_if_unwinding(*current_); }
  /// Wakes one of those who sleep there, whichever: the system leaves that open.
  void wake_one(SleepQueue& queue);
  void wake_all(SleepQueue& queue);

 private:
  static inline thread_local World* running_here = nullptr;
  static inline thread_local std::uint64_t runs = 0;

  // Passed by a task after the run has failed, before it is thrown out of a call that need not wait.
  static constexpr std::uint32_t steps_unwinding_max = 10'000;
  static constexpr std::uint32_t swallowed_max = 100;
  // There is memory at once for as much as most runs need.
  static constexpr std::size_t choices_at_first = 64;
  static constexpr std::size_t tasks_at_first = 8;

  void make_room_for_one_more() {
    if (all_.size() < all_.capacity()) return;
    const std::size_t n = std::max(2 * all_.size(), tasks_at_first);
    runnable_.reserve(n);
    all_.reserve(n);
  }
  void start(SimTask& task, std::unique_ptr<TaskBody> body) {
    task.body_ = std::move(body);
    task.fiber_ = &fibers_.take(&World::run_task, &task);
    // Most of what a task hands to calls lies there, and to ask Linux in every run would be half of a short one.
    kernel::UserPages::trust_page_before(task.fiber_->stack().top());
    ++alive_;
  }
  void run_to_the_end(SimTask& first);
  static Fiber& run_task(void* task);
  void run_body(SimTask& task);
  [[nodiscard]] Fiber& end(SimTask& task);

  void make_runnable(SimTask& task);
  void put_to_sleep(SimTask& task, kernel::Time deadline);
  void end_step();
  /// Goes on in whoever is next; returns when the present task is.
  void switch_away();
  [[nodiscard]] SimTask& next_task();
  [[nodiscard]] SimTask& chosen_task();
  /// Moves time to when something happens next. False if nothing ever does.
  [[nodiscard]] bool advance();
  void wait_for_end(SimTask& task) {
    wait_quietly_for_end(task);
    throw_if_unwinding(*current_);
  }
  void wait_quietly_for_end(SimTask& task);
  [[nodiscard]] bool sleep_quietly_in(SleepQueue& queue, const char* call, kernel::Time deadline,
                                      const SimTask* holder);

  void fail(Ending ending, std::string text, std::exception_ptr error = nullptr);
  void fail_by_exception(const std::exception_ptr& error, std::string text);
  void fail_by_livelock();
  void fail_by_deadlock();
  [[nodiscard]] std::string lost_wakeups() const;
  void throw_if_unwinding(SimTask& task);
  [[noreturn]] static void terminate_with_outcome();
  void note_open_fds();
  void check_open_fds();

  Policy& policy_;
  FiberPool& fibers_;
  const WorldOptions options_;
  kernel::Time now_ = 0;
  bool time_is_over_ = false;  // In a call of a task that is unwound, whose waits must end.
  bool is_running_ = false;
  bool is_unwinding_ = false;
  std::uint64_t steps_here_ = 0;  // Since time has moved.
  bool time_moved_ = false;       // Since the policy was asked who goes on.
  std::vector<std::unique_ptr<SimTask>> all_;
  std::vector<SimTask*> runnable_;  // By number.
  SleepQueue joining_;
  bool joins_in_a_circle_ = false;
  std::size_t alive_ = 0;
  std::uint32_t steps_unwinding_ = 0;
  std::terminate_handler terminate_before_ = nullptr;  // Once the run has failed.
  std::vector<std::uint64_t> files_before_;            // By fd; 0 for none.
  SimTask* current_ = nullptr;
  Outcome outcome_;
  FaultPlan faults_;
  kernel::Kernel kernel_;
  Recorder recorder_;
};

}  // namespace rouse::inline v0::sim

#include "world_run.hpp"
