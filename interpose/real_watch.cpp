#include "real_watch.hpp"

#include "all_blocked.hpp"
#include "own_fds.hpp"
#include "raw.hpp"

#include <iterator>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <utility>

namespace rouse::interpose {

SysResult<void> RealWatch::start() {
  if (epoll_ >= 0) return {};
  const int epoll = OwnFds::keep(raw::call(SYS_epoll_create1, EPOLL_CLOEXEC));
  if (epoll < 0) return SysResult<void>::failure(-epoll);
  epoll_ = epoll;
  const AllBlocked all_blocked;
  ::pthread_t thread{};
  const auto body = [](void* watch) -> void* {
    static_cast<RealWatch*>(watch)->run();
    return nullptr;
  };
  if (const int error = ::pthread_create(&thread, nullptr, body, this); error != 0) {
    OwnFds::close(std::exchange(epoll_, -1));
    return SysResult<void>::failure(ENOMEM);
  }
  ::pthread_detach(thread);
  return {};
}

SysResult<void> RealWatch::add(kernel::File& file, int fd) {
  const SysResult<void> started = start();
  if (!started.ok()) return started;
  ::epoll_event event{};
  event.events = static_cast<std::uint32_t>(EPOLLIN | EPOLLOUT | EPOLLPRI | EPOLLRDHUP) | EPOLLET;
  event.data.u64 = file.id();
  const bool was_ready = !file.readiness(EventFlags{event.events}).empty();
  const long added = raw::call(SYS_epoll_ctl, epoll_, EPOLL_CTL_ADD, fd, &event);
  if (added < 0) return SysResult<void>::failure(static_cast<int>(-added));
  files_[file.id()] = {&file};
  note_whether_it_hears();
  take_first_event(file.id(), was_ready);
  return {};
}

/// Tells of all but the file with that id. True if there was something of that.
bool RealWatch::drain_but(std::uint64_t id) {
  ::epoll_event events[64];
  bool is_found = false;
  for (long n = std::size(events); n == std::ssize(events);) {
    n = raw::call(SYS_epoll_pwait, epoll_, events, std::size(events), 0, nullptr, 0);
    for (long i = 0; i < n; ++i) {
      if (events[i].data.u64 == id) {
        is_found = true;
      } else {
        tell(events[i].data.u64, EventFlags{events[i].events});
      }
    }
  }
  return is_found;
}

// Who is ready when it is added is told of at once. That is no edge to those who ask for one from now on: they look
// first. If it is not found here, the thread was quicker, and waits for the lock to tell.
void RealWatch::take_first_event(std::uint64_t id, bool was_ready) {
  const bool is_taken = drain_but(id);
  files_[id].first_is_old = was_ready && !is_taken;
}

void RealWatch::remove(const kernel::File& file, int fd) {
  if (files_.erase(file.id()) == 0) return;
  note_whether_it_hears();
  ::epoll_event none{};
  raw::call(SYS_epoll_ctl, epoll_, EPOLL_CTL_DEL, fd, &none);
}

void RealWatch::add_signals(SignalSet mask) {
  const SignalSet all = signals_ | mask;
  if (all == signals_ || !start().ok()) return;
  const std::uint64_t bits = all.bits();
  const long fd = raw::call(SYS_signalfd4, signals_fd_, &bits, sizeof bits, SFD_CLOEXEC | SFD_NONBLOCK);
  if (fd < 0) return;
  signals_ = all;
  if (signals_fd_ >= 0) return;
  signals_fd_ = OwnFds::keep(fd);
  note_whether_it_hears();
  ::epoll_event event{};
  event.events = static_cast<std::uint32_t>(EPOLLIN) | EPOLLET;
  event.data.u64 = signals_id;
  raw::call(SYS_epoll_ctl, epoll_, EPOLL_CTL_ADD, signals_fd_, &event);
}

void RealWatch::tell(std::uint64_t id, EventFlags key) {
  if (id == signals_id) return kernel_.signals.signalfds.wake(kernel::any_key);
  const auto found = files_.find(id);
  if (found == files_.end() || std::exchange(found->second.first_is_old, false)) return;
  if (key.has_any(EventFlags::hup | EventFlags::err)) {
    found->second.file->queue.wake_all(key);
  } else {
    found->second.file->queue.wake(key);
  }
}

// Ends with the process. In a child the thread is not there, and the child has a RealWatch of its own.
void RealWatch::run() {
  for (;;) {
    ::epoll_event events[64];
    const long n = raw::call(SYS_epoll_pwait, epoll_, events, std::size(events), -1, nullptr, 0);
    if (n < 0) continue;  // EINTR, as after SIGCONT; nothing else can be wrong.
    kernel_.host().lock();
    for (long i = 0; i < n; ++i) tell(events[i].data.u64, EventFlags{events[i].events});
    kernel_.host().unlock();
  }
}

}  // namespace rouse::interpose
