// How a World runs: who is next, when time moves, and how the tasks of a run that has failed are unwound.
#pragma once

#include "world.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <exception>

namespace rouse::inline v0::sim {

// -- from the first task to the last

inline void World::run_to_the_end(SimTask& first) {
  note_open_fds();
  const CallSiteReader policies_and_traces_read;
  World* const outer = std::exchange(running_here, this);
  kernel::Observer* const outer_observer =
      std::exchange(kernel::observer, recorder_.is_needed() ? &recorder_ : nullptr);
  SleepQueue::next_id = 1;
  ++runs;
  is_running_ = true;
  kernel::release_edge(first);
  fibers_.switch_to(*first.fiber_);
  for (const auto& task : all_) kernel::acquire_edge(*task);  // Whoever runs a World has joined them all.
  end_step();
  is_running_ = false;
  running_here = outer;
  kernel::observer = outer_observer;
  if (is_unwinding_) std::set_terminate(terminate_before_);
  outcome_.time = now_;
  if (!is_unwinding_) check_open_fds();
  if (trace() == nullptr) return;
  trace()->end();
  outcome_.call = trace()->failed_call();
}

inline Fiber& World::run_task(void* argument) {
  SimTask& task = *static_cast<SimTask*>(argument);
  World& world = task.world_;
  kernel::acquire_edge(task);
  world.run_body(task);
  kernel::release_edge(task);
  return world.end(task);
}

inline void World::run_body(SimTask& task) {
  try {
    const detail::Visible visible;
    const std::unique_ptr<TaskBody> body = std::move(task.body_);  // What it has captured goes here, too.
    body->run();
  } catch (const Cancelled&) {
    return;
  } catch (const std::exception& error) {
    fail_by_exception(std::current_exception(), "task \"" + task.name() + "\" threw: " + error.what());
  } catch (...) {
    fail_by_exception(std::current_exception(), "task \"" + task.name() + "\" threw what is no std::exception");
  }
  if (task.was_cancelled_) {
    outcome_.text += (outcome_.text.ends_with('\n') ? "task \"" : "\ntask \"") + task.name() +
                     "\" swallowed the exception that unwinds it";
  }
}

inline Fiber& World::end(SimTask& task) {
  if (trace() != nullptr) trace()->task_ends();
  task.state_ = SimTask::State::over;
  task.unlink();
  std::erase(runnable_, &task);
  kernel::touch(task.object(), kernel::Access::write);
  wake_all(joining_);
  if (--alive_ == 0) return fibers_.root();
  current_ = &next_task();
  return *current_->fiber_;
}

// -- who is next

inline void World::pass(bool may_throw) {
  time_is_over_ = false;
  if (trace() != nullptr) trace()->arrives();
  if (!is_running_) return;
  ++outcome_.steps;
  if (is_unwinding_) {
    if (may_throw && ++steps_unwinding_ > steps_unwinding_max) throw_if_unwinding(*current_);
    return;
  }
  if (++steps_here_ > options_.steps_max) {
    fail_by_livelock();
    return;
  }
  if (runnable_.size() > 1 || recorder_.wants().footprints) switch_away();
}

// What was touched up to here is the step of the task that the policy chose last.
inline void World::end_step() {
  if (!recorder_.wants().footprints) return;
  policy_.stepped(recorder_.step(), std::exchange(time_moved_, false));
  recorder_.step().clear();
}

inline void World::switch_away() {
  SimTask& self = *current_;
  SimTask& next = next_task();
  if (&next == &self) return;
  current_ = &next;
  const detail::OutsideOfCall outside;
  fibers_.switch_to(*next.fiber_);
}

inline SimTask& World::next_task() {
  while (runnable_.empty()) {
    if (is_unwinding_) {
      joins_in_a_circle_ = true;
      wake_all(joining_);
    } else if (!advance()) {
      fail_by_deadlock();
    }
  }
  // What the first task owns, the others may use: it is unwound last.
  if (is_unwinding_) return *runnable_.back();
  return runnable_.size() == 1 && !recorder_.wants().footprints ? *runnable_.front() : chosen_task();
}

inline SimTask& World::chosen_task() {
  end_step();
  std::size_t first = 0;
  while (first < runnable_.size() && runnable_[first]->id() < current_->id()) ++first;
  const bool has_current = first < runnable_.size() && runnable_[first] == current_;
  if (first == runnable_.size()) first = 0;
  const Candidates candidates{runnable_.data(), runnable_.size(), first, has_current};
  const std::size_t choice = policy_.who(candidates);
  ROUSE_ASSERT(choice < candidates.size(), "World: the policy chose a task that is none");
  if (candidates.size() > 1) outcome_.schedule.push_back(choice);
  if (has_current && choice != 0) ++outcome_.preemptions;
  return candidates[choice];
}

inline void World::make_runnable(SimTask& task) {
  if (task.state_ != SimTask::State::asleep) return;
  if (trace() != nullptr) trace()->wakes(task.id());
  task.state_ = SimTask::State::runnable;
  const auto after = [](const SimTask* a, const SimTask* b) { return a->id() < b->id(); };
  runnable_.insert(std::upper_bound(runnable_.begin(), runnable_.end(), &task, after),
                   &task);  // There is room for all.
}

inline void World::put_to_sleep(SimTask& task, kernel::Time deadline) {
  task.state_ = SimTask::State::asleep;
  task.deadline_ = deadline;
  std::erase(runnable_, &task);
}

// -- sleep, and time

inline bool World::block(kernel::Task& blocked, kernel::Time deadline) {
  auto& task = static_cast<SimTask&>(blocked);
  if (trace() != nullptr) trace()->blocks(deadline);
  if (!is_running_) {  // Before run() there is nobody else.
    put_to_sleep(task, deadline);
    bool can_end = true;
    while (can_end && runnable_.empty()) can_end = advance();
    make_runnable(task);
    return can_end;
  }
  if (!is_unwinding_) {
    put_to_sleep(task, deadline);
    switch_away();
  }
  throw_if_unwinding(task);
  time_is_over_ = is_unwinding_;  // It may not be thrown out, but has waited long enough.
  return true;
}

inline bool World::advance() {
  kernel::Time next = timers_->next_deadline();
  for (const auto& task : all_) {
    if (task->state_ == SimTask::State::asleep) next = std::min(next, task->deadline_);
  }
  if (next == kernel::time_never) return false;
  if (trace() != nullptr) trace()->time_moves(next);
  if (next > now_) {
    now_ = next;
    steps_here_ = 0;
  }
  time_moved_ = true;
  recorder_.set_time_moves(true);
  timers_->run_due(now_);
  recorder_.set_time_moves(false);
  for (const auto& task : all_) {
    if (task->state_ == SimTask::State::asleep && task->deadline_ <= now_) make_runnable(*task);
  }
  if (trace() != nullptr) trace()->time_moved();
  return true;
}

inline bool World::sleep_in(SleepQueue& queue, const char* call, kernel::Time deadline) {
  const bool was_woken = !is_unwinding_ && sleep_quietly_in(queue, call, deadline, queue.holder);
  throw_if_unwinding(*current_);
  return was_woken;
}

inline bool World::sleep_quietly_in(SleepQueue& queue, const char* call, kernel::Time deadline, const SimTask* holder) {
  SimTask& self = *current_;
  const kernel::BlockedOn why{call, -1, nullptr, now_, deadline};
  queue.tasks_.push_back(&self);
  self.set_blocked_on(&why);
  if (trace() != nullptr) trace()->blocks(deadline, holder != nullptr ? holder->id() : 0);
  put_to_sleep(self, deadline);
  switch_away();
  self.set_blocked_on(nullptr);
  kernel::touch(queue.object(), kernel::Access::write);  // It looks again, and leaves the queue.
  return std::erase(queue.tasks_, &self) == 0;
}

inline void World::wake_one(SleepQueue& queue) {
  if (queue.empty()) return;
  const auto which = static_cast<std::ptrdiff_t>(pick(queue.tasks_.size()));
  SimTask* const task = queue.tasks_[static_cast<std::size_t>(which)];
  queue.tasks_.erase(queue.tasks_.begin() + which);
  make_runnable(*task);
}

inline void World::wake_all(SleepQueue& queue) {
  for (SimTask* const task : queue.tasks_) make_runnable(*task);
  queue.tasks_.clear();
}

// Goes on until the task is over even if the run has failed: what it refers to is often the waiting task's.
inline void World::wait_quietly_for_end(SimTask& task) {
  kernel::touch(task.object(), kernel::Access::read);
  while (!task.is_over() && !joins_in_a_circle_) {
    static_cast<void>(sleep_quietly_in(joining_, "join", kernel::time_never, &task));
    kernel::touch(task.object(), kernel::Access::read);
  }
  if (trace() != nullptr) trace()->step_ended();
  kernel::acquire_edge(task);
}

// -- failures

inline void World::fail(Ending ending, std::string text, std::exception_ptr error) {
  if (is_unwinding_) return;
  is_unwinding_ = true;
  if (options_.detectors.has(ending)) {
    outcome_.ending = ending;
    outcome_.text = std::move(text);
    outcome_.error = std::move(error);
    if (trace() != nullptr) trace()->failed(ending, outcome_.text, *current_);
  }
  if (trace() != nullptr) trace()->end();
  terminate_before_ = std::set_terminate(&World::terminate_with_outcome);
  for (const auto& task : all_) make_runnable(*task);
}

// What unwinds a task was thrown where nothing may be: out of a destructor that sleeps, or a noexcept function. At
// least the failure is told.
inline void World::terminate_with_outcome() {
  World* const world = running_here;
  if (world == nullptr) std::abort();
  std::set_terminate(world->terminate_before_);
  const Outcome& outcome = world->outcome_;
  std::fprintf(
      stderr,
      "rouse: a task cannot be unwound: a destructor sleeps, or a function is noexcept. The run had failed by\n"
      "%s: %s\nROUSE_REPLAY=%s\n",
      sim::name_of(outcome.ending), outcome.text.c_str(), outcome.schedule.text().c_str());
  std::terminate();
}

// Out of line, as each step would pay for what the texts need.
[[gnu::noinline, gnu::cold]] inline void World::fail_by_livelock() {
  fail(Ending::livelock, "no time has passed for " + std::to_string(options_.steps_max) + " steps\n" + dump(kernel_));
}

inline void World::fail_by_exception(const std::exception_ptr& error, std::string text) {
  // What was in flight when the task gave up the run, has arrived.
  if (outcome_.ending == Ending::exception && outcome_.error == nullptr) {
    outcome_.text = std::move(text);
    outcome_.error = error;
  } else {
    fail(Ending::exception, std::move(text), error);
  }
}

[[gnu::noinline, gnu::cold]] inline void World::fail_by_deadlock() {
  std::string state = dump(kernel_);
  std::string lost;
  if (options_.detectors.has(Ending::lost_wakeup)) {
    is_unwinding_ = true;  // Conditions are the user's: what they call neither switches nor sleeps.
    lost = lost_wakeups();
    is_unwinding_ = false;
  }
  const Ending ending = lost.empty() ? Ending::deadlock : Ending::lost_wakeup;
  fail(ending, std::move(lost) + state);
}

inline std::string World::label_of(const SimTask& task) const {
  const auto same =
      std::count_if(all_.begin(), all_.end(), [&](const auto& each) { return each->name() == task.name(); });
  return "task \"" + task.name() + '"' + (same > 1 ? ' ' + std::to_string(task.id()) : "");
}

// Who sleeps in an epoll that watches a file which is ready now, has lost what would have told it.
inline std::string World::lost_wakeups() const {
  std::string text;
  for (const auto& task : all_) {
    const kernel::BlockedOn* const why = task->blocked_on();
    if (task->is_over() || why == nullptr) continue;
    if (task->waits_for() != nullptr && task->waits_for()->holds(why->call)) {
      text += label_of(*task) + " sleeps in " + why->call + ", though its condition holds\n";
    }
    const auto* const epoll = kernel::file_cast<kernel::EpollFile>(const_cast<kernel::File*>(why->file));
    if (epoll == nullptr) continue;
    epoll->for_each_registration([&](const kernel::Registration& registration) {
      constexpr EventFlags room = EventFlags::out | EventFlags::wrnorm | EventFlags::wrband;
      const EventFlags ready = registration.due() - room;  // Room there mostly is, and nobody sleeps for it then.
      if (ready.empty()) return;
      text += label_of(*task) + " sleeps in " + why->call + " on fd " + std::to_string(why->fd) + ", though fd " +
              std::to_string(registration.fd()) + " (" + registration.file().kind().name + ") has " + to_string(ready) +
              "\n";
    });
  }
  return text;
}

inline std::uint32_t Recorder::who() const { return time_moves_ ? HappensBefore::nobody : world_.current_task().id(); }

inline Recorder::Recorder(World& world, Wants wants) : world_(world), wants_(wants) {}

inline void Recorder::reported(const kernel::Registration& registration) {
  acquired(registration);
  if (wants_.trace) world_.trace()->reported(registration);
  if (!wants_.stale_registrations) return;
  const kernel::File* const there = world_.kernel().fds.file(registration.fd());
  if (there == &registration.file()) return;
  world_.fail_by(Ending::stale_registration,
                 "an epoll reports what was registered as fd " + std::to_string(registration.fd()) + " (" +
                     registration.file().kind().name + "), a number that " +
                     (there != nullptr ? std::string{"is another file's by now: "} + there->kind().name
                                       : std::string{"is closed by now"}));
}

inline void World::throw_if_unwinding(SimTask& task) {
  if (!is_unwinding_ || std::uncaught_exceptions() > 0) return;
  // A destructor that closes may not throw.
  const kernel::BlockedOn* const why = task.blocked_on();
  if (why != nullptr && why->call == kernel::name_of(kernel::Call::close)) return;
  if (++task.swallowed_ > swallowed_max) {
    std::fprintf(stderr, "rouse: task \"%s\" swallows the exception that unwinds it, again and again\n%s\n",
                 task.name().c_str(), outcome_.text.c_str());
    std::abort();
  }
  task.was_cancelled_ = true;
  throw Cancelled{};
}

inline void World::note_open_fds() {
  files_before_.resize(kernel_.fds.size());
  kernel_.fds.for_each(
      [this](int fd, const kernel::File& file) { files_before_[static_cast<std::size_t>(fd)] = file.id(); });
}

inline void World::check_open_fds() {
  std::string leaked;
  int first = -1;
  kernel_.fds.for_each([&](int fd, const kernel::File& file) {
    const auto at = static_cast<std::size_t>(fd);
    if (at < files_before_.size() && files_before_[at] == file.id()) return;
    if (leaked.empty()) first = fd;
    leaked += std::string{leaked.empty() ? "" : ", "} + std::to_string(fd) + " (" + file.kind().name + ")";
  });
  if (leaked.empty() || !options_.detectors.has(Ending::leaked_fd)) return;
  outcome_.ending = Ending::leaked_fd;
  outcome_.text = "still open at the end of the run: " + leaked;
  if (trace() != nullptr) trace()->failed_by_leak(outcome_.text, first);
}

}  // namespace rouse::inline v0::sim
