// How a Trace is filled while a run goes on, and what it keeps of the moment of the failure.
#pragma once

#include "../../kernel/epoll_file.hpp"
#include "trace.hpp"

#include <exception>

namespace rouse::inline v0::sim {

inline TraceEvent& Trace::add(Kind kind, std::uint32_t task) {
  TraceEvent& event = events_.emplace_back();
  event.kind = kind;
  event.time = kernel_->host().now();
  event.task = task;
  return event;
}

// -- tasks

inline void Trace::task_begins(std::uint32_t task, const std::string& name) {
  if (kernel_ == nullptr) return;
  tasks_.resize(std::max<std::size_t>(tasks_.size(), task));
  tasks_[task - 1].name = name;
  if (task == 1) return;  // It is there from the beginning.
  end_step(this->task());
  add(Kind::begins, current()).other = task;
}

inline void Trace::task_ends() {
  if (kernel_ == nullptr) return;
  end_step(task());
  add(Kind::is_over, current());
}

// -- calls, and steps of what tasks share

inline std::size_t Trace::begin_call(std::string text, bool is_step, std::uint32_t other) {
  Task& caller = task();
  end_step(caller);
  const std::size_t at = events_.size();
  TraceEvent& event = add(Kind::call, current());
  event.call = at;
  event.other = other;
  event.text = std::move(text);
  event.place = std::move(caller.place);
  caller.place.clear();
  caller.calls.push_back({at, is_step});
  if (std::uncaught_exceptions() == 0) caller.last_call = at;  // Destructors close, whatever has gone wrong.
  return at;
}

// Whom it woke, belongs to it.
inline void Trace::end_step(Task& task) {
  if (task.calls.empty() || !task.calls.back().is_step) return;
  TraceEvent& step = events_[task.calls.back().event];
  task.calls.pop_back();
  if (step.end == 0) step.end = end_of_wakes(step.call);
}

inline void Trace::call_begins(const kernel::Op& op, const kernel::CallArguments& given) {
  if (kernel_ == nullptr) return;
  const std::size_t call = begin_call(CallText{*kernel_, names_, op, given}.text(), false);
  if (const kernel::File* const file = kernel_->fds.file(op.fd)) uses_.push_back({file->object(), call, current()});
}

inline void Trace::call_ended(const kernel::Op& op, const kernel::CallArguments& given, kernel::CallEnd end) {
  if (kernel_ == nullptr) return;
  Task& caller = task();
  end_step(caller);
  ROUSE_ASSERT(!caller.calls.empty(), "Trace: a call ends that has not begun");
  const OpenCall call = caller.calls.back();
  caller.calls.pop_back();
  if (std::uncaught_exceptions() == 0) caller.last_call = call.event;
  const bool returned = end.kind == kernel::CallEnd::Kind::returned;
  std::string result = (returned ? " = " : " ") + ResultText{*kernel_, names_, op, given, caller.reported}.text(end);
  caller.reported.clear();
  if (call.has_slept) {
    TraceEvent& event = add(Kind::ends, current());
    event.call = call.event;
    event.result = std::move(result);
  } else {
    events_[call.event].result = std::move(result);
  }
  events_[call.event].end = events_.size();
  if (returned && end.word >= 0) note_made(op, given, end.word, call.event);
}

inline void Trace::note_made(const kernel::Op& op, const kernel::CallArguments& given, std::int64_t word,
                             std::size_t call) {
  if (returns_fd(op, given)) made_.emplace_back(static_cast<int>(word), call);
  if (op.call != Call::pipe2 && op.call != Call::socketpair) return;
  const void* const fds = given.address(op.call == Call::pipe2 ? 0 : 3);
  for (const std::size_t i : {0u, 1u}) made_.emplace_back(value_text::peek<int>(fds, i).value_or(-1), call);
}

inline void Trace::step(std::string_view what, const kernel::Object* on, std::uint32_t other) {
  if (kernel_ == nullptr) return;
  std::string text{what};
  if (on != nullptr) {
    const std::size_t colons = what.find("::");
    text = name_of(what.substr(0, colons), *on) + ": " + std::string{what.substr(colons + 2)};
  }
  static_cast<void>(begin_call(std::move(text), true, other));
}

inline void Trace::step_result(std::string result) {
  if (kernel_ == nullptr || task().calls.empty() || !task().calls.back().is_step) return;
  events_[task().calls.back().event].result = std::move(result);
}

// By the order of their first use: what they are made of, is the same in all runs.
inline std::string Trace::name_of(std::string_view kind, const kernel::Object& object) {
  std::size_t number = 1;
  for (const Shared& each : shared_) {
    if (each.kind != kind) continue;
    if (each.object == object) return std::string{kind} + ' ' + std::to_string(number);
    ++number;
  }
  shared_.push_back({std::string{kind}, object});
  return std::string{kind} + ' ' + std::to_string(number);
}

// -- sleeping and waking

inline void Trace::blocks(kernel::Time until, std::uint32_t holder) {
  if (kernel_ == nullptr || task().calls.empty()) return;
  OpenCall& call = task().calls.back();
  call.has_slept = true;
  task().is_asleep = true;
  TraceEvent& event = add(Kind::blocks, current());
  event.call = call.event;
  event.until = until;
  event.other = holder;
}

inline void Trace::step_ended(bool was_woken) {
  if (kernel_ == nullptr || task().calls.empty() || !task().calls.back().is_step) return;
  const OpenCall step = task().calls.back();
  if (step.has_slept) {
    TraceEvent& event = add(Kind::ends, current());
    event.call = step.event;
    event.result = was_woken ? " goes on" : ": time is up";
    events_[step.event].end = events_.size();
  }
  end_step(task());
}

inline void Trace::wakes(std::uint32_t task) {
  if (kernel_ == nullptr || !tasks_[task - 1].is_asleep) return;
  tasks_[task - 1].is_asleep = false;
  add(Kind::wakes, current()).other = task;
}

inline void Trace::time_moves(kernel::Time to) {
  is_time_ = true;
  if (kernel_ == nullptr) return;
  TraceEvent& event = add(Kind::time, 0);
  event.text = to > event.time ? "moves on" : "is up";  // The other: a limit that is over as soon as it begins.
  event.time = std::max(to, event.time);
}

// -- faults and failures

inline void Trace::fault(std::string text) {
  if (kernel_ != nullptr) add(Kind::fault, current()).text = std::move(text);
}

inline void Trace::add_failure(Ending ending, const std::string& text, std::uint32_t task) {
  TraceEvent& event = add(Kind::failure, task);
  event.text = sim::name_of(ending);
  // What comes after the first line, is the state of the kernel; of a deadlock, all of it.
  if (ending != Ending::deadlock) event.text += ": " + text.substr(0, text.find('\n'));
}

inline void Trace::failed(Ending ending, const std::string& text, const kernel::Task& task) {
  if (kernel_ == nullptr) return;
  const bool somebody_sleeps = ending == Ending::deadlock || ending == Ending::lost_wakeup;
  add_failure(ending, text, somebody_sleeps ? 0 : task.id());
  for (std::uint32_t number = 1; number <= tasks_.size(); ++number) {
    if (tasks_[number - 1].is_asleep) waits_.push_back(wait_of(number));
  }
  if (!somebody_sleeps) {
    const Task& failed = tasks_[task.id() - 1];
    failed_call_ = failed.calls.empty() ? failed.last_call : failed.calls.back().event;
  } else if (!waits_.empty()) {
    const auto joins = [this](const Wait& wait) { return events_[wait.call].other != 0; };
    const auto first = std::find_if_not(waits_.begin(), waits_.end(), joins);
    failed_call_ = first == waits_.end() ? waits_.front().call : first->call;
  }
}

// It is about the call that made the fd.
inline void Trace::failed_by_leak(const std::string& text, int fd) {
  if (kernel_ == nullptr) return;
  add_failure(Ending::leaked_fd, text, 0);
  for (const auto& [made, call] : made_) {
    if (made == fd) failed_call_ = call;
  }
}

inline Trace::Wait Trace::wait_of(std::uint32_t number) const {
  Wait wait;
  wait.task = number;
  wait.call = tasks_[number - 1].calls.back().event;
  for (std::size_t i = events_.size(); i-- > wait.call;) {
    const TraceEvent& event = events_[i];
    if (event.kind != Kind::blocks || event.task != number) continue;
    wait.on = event.other;
    wait.until = event.until;
    break;
  }
  kernel_->host().tasks().for_each([&](const kernel::Task& task) {
    const kernel::BlockedOn* const why = task.blocked_on();
    if (task.id() != number || why == nullptr) return;
    const kernel::File* const file = why->file != nullptr ? why->file : kernel_->fds.file(why->fd);
    if (file != nullptr) wait.last_use = last_use(*file, number);
  });
  return wait;
}

// Of an epoll, on what it watches.
inline std::size_t Trace::last_use(const kernel::File& file, std::uint32_t by_another_than) const {
  std::vector<kernel::Object> objects{file.object()};
  if (const auto* const epoll = kernel::file_cast<kernel::EpollFile>(const_cast<kernel::File*>(&file))) {
    epoll->for_each_registration(
        [&](const kernel::Registration& registration) { objects.push_back(registration.file().object()); });
  }
  for (std::size_t i = uses_.size(); i-- > 0;) {
    const bool is_of_it = std::find(objects.begin(), objects.end(), uses_[i].object) != objects.end();
    if (uses_[i].task != by_another_than && is_of_it) return uses_[i].call;
  }
  return none;
}

}  // namespace rouse::inline v0::sim
