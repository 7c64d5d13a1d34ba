// Trace: what happened in a run, in order: each call with what it was given and what it came to, who slept in it and
// who woke whom, how time moved, and the failure. The same for each run of the same schedule, whatever compiled it.
#pragma once

#include "../../call_site.hpp"
#include "../outcome.hpp"
#include "fd_names.hpp"
#include "result_text.hpp"
#include "trace_event.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rouse::inline v0::sim {

/// Filled by the World that is given it (WorldOptions::trace), of whose run it is; ends with the run's failure, as what
/// comes after that is nobody's doing. It may be looked at when the run is over, and outlives the World.
class Trace {
 public:
  using Kind = TraceEvent::Kind;

  static constexpr std::size_t none = static_cast<std::size_t>(-1);

  /// At the moment of the failure: a task that sleeps, in which call, and who is known to be able to end that.
  struct Wait {
    std::uint32_t task = 0;
    std::size_t call = 0;         ///< The event with which it began.
    std::uint32_t on = 0;         ///< The task that has what it waits for, or is joined; 0 if there is none.
    std::size_t last_use = none;  ///< Else the last call of another task on what it waits in, if there was one.
    kernel::Time until = kernel::time_never;
  };

  [[nodiscard]] const std::vector<TraceEvent>& events() const { return events_; }
  [[nodiscard]] const std::vector<Wait>& waits() const { return waits_; }
  [[nodiscard]] std::size_t tasks() const { return tasks_.size(); }
  /// As they are called in the trace: those whose name is another one's, too, with their number. 0 is time.
  [[nodiscard]] std::string task_name(std::uint32_t task) const {
    if (task == 0) return "time";
    const std::string& name = tasks_[task - 1].name;
    const auto same = std::count_if(tasks_.begin(), tasks_.end(), [&](const Task& each) { return each.name == name; });
    return same > 1 ? name + ' ' + std::to_string(task) : name;
  }

  /// A line for each event: the canonical text, that two runs are compared by.
  [[nodiscard]] std::string text() const;
  /// What an event says, without when and whose it is: `read(eventfd 3, 8 bytes) = 8: 1`. Empty if the event before
  /// says it, too: a call that blocks at once, is one line.
  [[nodiscard]] std::string text_of(std::size_t event) const;
  /// The call that an event begins, without what it comes to: `join worker`.
  [[nodiscard]] std::string call_text(const TraceEvent& call) const {
    return call.other == 0 ? call.text : call.text + ' ' + task_name(call.other);
  }
  /// Behind those whom an event wakes: the next event.
  [[nodiscard]] std::size_t end_of_wakes(std::size_t event) const {
    std::size_t end = event + 1;
    while (end < events_.size() && events_[end].kind == Kind::wakes && events_[end].task == events_[event].task) ++end;
    return end;
  }
  /// One line for each task that sleeps at the end.
  [[nodiscard]] std::vector<std::string> waits_text() const;
  /// The call that the failure is about, `read(eventfd 3, 8 bytes) by worker at server.cpp:17`; empty if nothing
  /// failed. Of a failure at which somebody sleeps for ever, the call that the first of them sleeps in, joining aside;
  /// else the last one of the task that failed.
  [[nodiscard]] std::string failed_call() const;

  // -- filled in by the World, while it runs

  void begin(kernel::Kernel& kernel) {
    *this = Trace{};
    kernel_ = &kernel;
  }
  /// Nothing is recorded any more.
  void end() { kernel_ = nullptr; }
  void name_fd(int fd, std::string name) {
    if (kernel_ != nullptr) names_.name(*kernel_, fd, std::move(name));
  }
  void task_begins(std::uint32_t task, const std::string& name);
  void task_ends();
  /// The present task comes to a call, where others may go first: where in the source it is.
  void arrives() {
    if (kernel_ != nullptr) task().place = place_now();
  }
  void call_begins(const kernel::Op& op, const kernel::CallArguments& given);
  void call_ended(const kernel::Op& op, const kernel::CallArguments& given, kernel::CallEnd end);
  void reported(const kernel::Registration& registration) {
    if (kernel_ == nullptr) return;
    task().reported.push_back({names_.text(registration.file(), registration.fd()), registration.fd()});
  }
  /// A step of what tasks share beside the kernel: `what` is `mutex::lock` or the like, `on` what it is about.
  void step(std::string_view what, const kernel::Object* on = nullptr, std::uint32_t other = 0);
  /// What the last step came to: what follows its text, ` = true`.
  void step_result(std::string result);
  /// The present task sleeps in what it has begun last; in which case `holder` may be known to have what it waits for.
  void blocks(kernel::Time until, std::uint32_t holder = 0);
  /// What the present task did last, is done; it may have slept in it.
  void step_ended(bool was_woken = true);
  void wakes(std::uint32_t task);
  /// What is woken until further notice, time wakes.
  void time_moves(kernel::Time to);
  void time_moved() { is_time_ = false; }
  /// One has struck the present task: what it does.
  void fault(std::string text);
  /// The last event.
  void failed(Ending ending, const std::string& text, const kernel::Task& task);
  void failed_by_leak(const std::string& text, int fd);

 private:
  /// One that is not over.
  struct OpenCall {
    std::size_t event;     // With which it began.
    bool is_step = false;  // No call of the kernel's: it is over when the task does something else.
    bool has_slept = false;
  };
  struct Task {
    std::string name;
    std::string place;            // Of the call it is about to make.
    std::vector<OpenCall> calls;  // The outer one first: handlers make calls inside of calls.
    std::size_t last_call = none;
    bool is_asleep = false;
    std::vector<ReportedEvent> reported;
  };
  struct Shared {
    std::string kind;
    kernel::Object object;
  };
  struct Use {
    kernel::Object object;
    std::size_t call;
    std::uint32_t task;
  };

  [[nodiscard]] std::uint32_t current() const { return is_time_ ? 0 : kernel_->host().current().id(); }
  [[nodiscard]] Task& task() { return tasks_[kernel_->host().current().id() - 1]; }
  /// Where the present call stands in the source, but for destructors, which say it all.
  [[nodiscard]] static std::string place_now() {
    const CallSite site = CallSite::present();
    return site.is_known() ? site.text() : std::string{};
  }

  TraceEvent& add(Kind kind, std::uint32_t task);
  std::size_t begin_call(std::string text, bool is_step, std::uint32_t other = 0);
  void end_step(Task& task);
  [[nodiscard]] std::string name_of(std::string_view kind, const kernel::Object& object);
  /// For fds that are never closed: which call made them.
  void note_made(const kernel::Op& op, const kernel::CallArguments& given, std::int64_t word, std::size_t call);
  void add_failure(Ending ending, const std::string& text, std::uint32_t task);
  [[nodiscard]] Wait wait_of(std::uint32_t task) const;
  [[nodiscard]] std::size_t last_use(const kernel::File& file, std::uint32_t by_another_than) const;
  /// True if this is the sleep of the call that began right before it.
  [[nodiscard]] bool blocks_at_once(std::size_t event) const;

  kernel::Kernel* kernel_ = nullptr;
  FdNames names_;
  bool is_time_ = false;
  std::vector<TraceEvent> events_;
  std::vector<Task> tasks_;                        // By number, from 1.
  std::vector<Shared> shared_;                     // Mutexes and the like, in the order in which they were used.
  std::vector<Use> uses_;                          // Of files, by calls.
  std::vector<std::pair<int, std::size_t>> made_;  // Fds, by calls.
  std::vector<Wait> waits_;
  std::size_t failed_call_ = none;
};

}  // namespace rouse::inline v0::sim

#include "trace_record.hpp"
#include "trace_text.hpp"
