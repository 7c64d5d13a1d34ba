// The program whose schedules are counted: what each of its tasks does, whoever runs them.
#pragma once

#include "rouse/backend/emulated.hpp"

#include <array>
#include <cstdlib>

namespace schedules {

using rouse::EmulatedBackend;
using rouse::Event;
using rouse::EventFlags;
using rouse::SysResult;

inline void expect(bool condition) {
  if (!condition) std::abort();
}

constexpr std::size_t tasks_max = 4;

/// What the tasks share: an epoll, and an eventfd for each of them.
struct Files {
  Files(EmulatedBackend backend, std::size_t tasks) : epoll(backend.epoll_create1(0).value()), task_count(tasks) {
    for (std::size_t i = 0; i < tasks; ++i) events[i] = backend.eventfd(0, EFD_NONBLOCK).value();
  }

  int epoll;
  std::size_t task_count;
  std::array<int, tasks_max> events{};
};

/// A lock for tasks that take none.
struct NoMutex {
  void lock() {}
  void unlock() {}
};

/// Six calls and two critical sections, if the mutex is one. Each task writes to the next one and reads what was
/// written to it, if anything was so far: nobody waits but for the lock.
template <class Mutex>
void task(EmulatedBackend backend, const Files& files, Mutex& mutex, std::size_t self) {
  const int own = files.events[self];
  const int next = files.events[(self + 1) % files.task_count];
  std::uint64_t count = 1;
  mutex.lock();
  expect(backend.write(next, &count, sizeof count).ok());
  mutex.unlock();
  const Event interest{EventFlags::in, own};
  expect(backend.epoll_ctl(files.epoll, EPOLL_CTL_ADD, own, &interest).ok());
  Event event;
  expect(backend.epoll_wait(files.epoll, &event, 1, 0).ok());
  const SysResult<std::size_t> got = backend.read(own, &count, sizeof count);
  expect(got.ok() || got.would_block());
  mutex.lock();
  count = 1;
  expect(backend.write(next, &count, sizeof count).ok());
  mutex.unlock();
  expect(backend.epoll_ctl(files.epoll, EPOLL_CTL_DEL, own, nullptr).ok());
}

}  // namespace schedules
