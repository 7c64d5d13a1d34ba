// The calls of epoll(7), eventfd(2), pipe2(2) and poll(2).
#pragma once

#include "blocking.hpp"
#include "epoll_topology.hpp"
#include "eventfd_file.hpp"
#include "pipe_file.hpp"

#include <climits>
#include <ctime>
#include <deque>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>

namespace rouse::inline v0::kernel::sys {

inline SysResult<int> epoll_create1(Kernel& kernel, int flags) {
  return kernel.enter({Call::epoll_create1}, [&]() -> SysResult<int> {
    if ((flags & ~EPOLL_CLOEXEC) != 0) return SysResult<int>::failure(EINVAL);
    NewFd fd = kernel.new_fd();
    if (!fd) return SysResult<int>::failure(EMFILE);
    return fd.install(FileRef{new EpollFile{kernel.file_ids.next(), kernel.epoll_watches}}, flags != 0);
  });
}

inline SysResult<int> epoll_create(Kernel& kernel, int size) {
  if (size <= 0) return SysResult<int>::failure(EINVAL);
  return epoll_create1(kernel, 0);
}

namespace detail_epoll {

inline SysResult<void> control(EpollFile& epoll, int operation, File& file, int fd, const Event& event) {
  const EventFlags flags = event.flags();
  if (operation != EPOLL_CTL_DEL && flags.has(EventFlags::exclusive)) {
    const bool nested = file_cast<EpollFile>(&file) != nullptr;
    if (operation == EPOLL_CTL_MOD || (operation == EPOLL_CTL_ADD && (nested || !is_addable(flags)))) {
      return SysResult<void>::failure(EINVAL);
    }
  }
  const EpollFile* const inner = file_cast<EpollFile>(&file);
  if (operation == EPOLL_CTL_ADD && inner != nullptr && EpollTopology::is_too_deep(epoll, *inner)) {
    return SysResult<void>::failure(ELOOP);
  }
  Registration* const registration = epoll.find(file, fd);
  switch (operation) {
    case EPOLL_CTL_ADD:
      if (registration != nullptr) return SysResult<void>::failure(EEXIST);
      return epoll.add(file, fd, flags, event.data());
    case EPOLL_CTL_MOD:
      if (registration == nullptr) return SysResult<void>::failure(ENOENT);
      if (registration->is_exclusive()) return SysResult<void>::failure(EINVAL);
      epoll.modify(*registration, flags, event.data());
      return {};
    case EPOLL_CTL_DEL:
      if (registration == nullptr) return SysResult<void>::failure(ENOENT);
      epoll.remove(*registration);
      return {};
    default: return SysResult<void>::failure(EINVAL);
  }
}

}  // namespace detail_epoll

inline SysResult<void> epoll_ctl(Kernel& kernel, int epfd, int operation, int fd, const Event* user_event) {
  return kernel.enter({Call::epoll_ctl, epfd}, [&]() -> SysResult<void> {
    Event event;
    if (operation != EPOLL_CTL_DEL && !get_user(event, user_event)) return SysResult<void>::failure(EFAULT);
    File* const outer = kernel.file(epfd);
    File* const file = kernel.file(fd);
    if (outer == nullptr || file == nullptr) return SysResult<void>::failure(EBADF);
    if (!file->kind().is_pollable) return SysResult<void>::failure(EPERM);
    auto* const epoll = file_cast<EpollFile>(outer);
    if (epoll == nullptr || outer == file) return SysResult<void>::failure(EINVAL);
    return detail_epoll::control(*epoll, operation, *file, fd, event);
  });
}

namespace detail_epoll {

[[gnu::noinline, gnu::cold]] inline SysResult<int> wait_blocking(Kernel& kernel, EpollFile& epoll, const Op& op,
                                                                 Event* events, int max, Time deadline) {
  const FileRef keep{&epoll};  // Closing the fd meanwhile does not end the wait.
  const WaitStyle last_come_first{any_key, true, true};
  const SysResult<int> result = wait_in(kernel, epoll.waiters, last_come_first, op, &epoll, deadline, [&] {
    const SysResult<int> delivered = epoll.deliver(events, max);
    return delivered.ok() && delivered.value() == 0 ? SysResult<int>::failure(EAGAIN) : delivered;
  });
  return result.would_block() ? SysResult<int>{0} : result;
}

/// `span` is in nanoseconds; negative is for ever.
inline SysResult<int> wait(Kernel& kernel, const Op& op, Event* events, int max, Time span) {
  File* const file = kernel.file(op.fd);
  if (file == nullptr) [[unlikely]]
    return SysResult<int>::failure(EBADF);
  constexpr int events_limit = INT_MAX / static_cast<int>(sizeof(Event));
  if (max <= 0 || max > events_limit) [[unlikely]]
    return SysResult<int>::failure(EINVAL);
  if (!is_user_range(events, static_cast<std::size_t>(max) * sizeof *events)) return SysResult<int>::failure(EFAULT);
  auto* const epoll = file_cast<EpollFile>(file);
  if (epoll == nullptr) [[unlikely]]
    return SysResult<int>::failure(EINVAL);
  const SysResult<int> delivered = epoll->deliver(events, max);
  if (delivered.word() != 0 || span == 0) [[likely]]
    return delivered;
  const Time deadline = span < 0 ? time_never : time_after(kernel.host().now(), span);
  return wait_blocking(kernel, *epoll, op, events, max, deadline);
}

constexpr Time milliseconds(int ms) { return ms < 0 ? -1 : Time{ms} * 1'000'000; }

}  // namespace detail_epoll

inline SysResult<int> epoll_wait(Kernel& kernel, int epfd, Event* events, int max, int milliseconds) {
  const Op op{Call::epoll_wait, epfd};
  return kernel.enter(
      op, [&] { return detail_epoll::wait(kernel, op, events, max, detail_epoll::milliseconds(milliseconds)); });
}

/// The mask is read, and has no effect: this kernel has no signals yet.
inline SysResult<int> epoll_pwait(Kernel& kernel, int epfd, Event* events, int max, int milliseconds,
                                  const ::sigset_t* mask) {
  const Op op{Call::epoll_pwait, epfd};
  return kernel.enter(op, [&]() -> SysResult<int> {
    if (mask != nullptr && !is_user_memory(mask, 8)) return SysResult<int>::failure(EFAULT);
    return detail_epoll::wait(kernel, op, events, max, detail_epoll::milliseconds(milliseconds));
  });
}

inline SysResult<int> epoll_pwait2(Kernel& kernel, int epfd, Event* events, int max, const ::timespec* timeout,
                                   const ::sigset_t* mask) {
  const Op op{Call::epoll_pwait2, epfd};
  return kernel.enter(op, [&]() -> SysResult<int> {
    Time span = -1;
    if (timeout != nullptr) {
      ::timespec limit{};
      if (!get_user(limit, timeout)) return SysResult<int>::failure(EFAULT);
      constexpr long second = 1'000'000'000;
      if (limit.tv_sec < 0 || limit.tv_nsec < 0 || limit.tv_nsec >= second) return SysResult<int>::failure(EINVAL);
      span = limit.tv_sec >= time_never / second ? time_never : Time{limit.tv_sec} * second + limit.tv_nsec;
    }
    if (mask != nullptr && !is_user_memory(mask, 8)) return SysResult<int>::failure(EFAULT);
    return detail_epoll::wait(kernel, op, events, max, span);
  });
}

inline SysResult<int> eventfd(Kernel& kernel, unsigned initial, int flags) {
  return kernel.enter({Call::eventfd}, [&]() -> SysResult<int> {
    if ((flags & ~(EFD_SEMAPHORE | EFD_NONBLOCK | EFD_CLOEXEC)) != 0) return SysResult<int>::failure(EINVAL);
    NewFd fd = kernel.new_fd();
    if (!fd) return SysResult<int>::failure(EMFILE);
    const FileRef file{new EventFdFile{kernel.file_ids.next(), O_RDWR | (flags & EFD_NONBLOCK), initial,
                                       (flags & EFD_SEMAPHORE) != 0}};
    return fd.install(file, (flags & EFD_CLOEXEC) != 0);
  });
}

inline SysResult<void> pipe2(Kernel& kernel, int* user_fds, int flags) {
  return kernel.enter({Call::pipe2}, [&]() -> SysResult<void> {
    if ((flags & ~(O_CLOEXEC | O_NONBLOCK | O_DIRECT | O_EXCL)) != 0) return SysResult<void>::failure(EINVAL);
    if ((flags & O_EXCL) != 0) return SysResult<void>::failure(ENOPKG);  // Notification pipes need a build option.
    NewFd first = kernel.new_fd();
    NewFd second = kernel.new_fd();
    if (!first || !second) return SysResult<void>::failure(EMFILE);
    const int fds[2] = {first.number(), second.number()};
    if (!put_user(user_fds, fds)) return SysResult<void>::failure(EFAULT);
    const auto ring = std::make_shared<PipeRing>(kernel.limits.pipe_max_size);
    const int both = flags & O_NONBLOCK;
    const int writing = both | (flags & O_DIRECT);  // What is a packet, is decided when it is written.
    const bool close_on_exec = (flags & O_CLOEXEC) != 0;
    const FileRef reader{new PipeEnd{kernel.file_ids.next(), O_RDONLY | both, ring}};
    const FileRef writer{new PipeEnd{kernel.file_ids.next(), O_WRONLY | writing, ring}};
    first.install(reader, close_on_exec);
    second.install(writer, close_on_exec);
    return {};
  });
}

namespace detail_epoll {

/// A task's place in the queue of one of the files it polls. Stays there when woken: others may become ready too.
class PollWaiter final : public Waiter {
 public:
  PollWaiter(Host& host, Task& task, File& file, EventFlags key) : host_(host), task_(task), file_(&file), key_(key) {
    file.queue.add_head(*this);
  }

 private:
  bool on_wake(EventFlags key) override {
    if (!key_.has_any(key)) return false;
    host_.wake(task_);
    return true;
  }

  Host& host_;
  Task& task_;
  const FileRef file_;
  const EventFlags key_;
};

constexpr EventFlags poll_always = EventFlags::err | EventFlags::hup;

inline EventFlags asked_by(const ::pollfd& entry) {
  return EventFlags{static_cast<std::uint16_t>(entry.events)} | poll_always;
}

/// Fills in revents; returns how many entries have any.
inline int scan(const Kernel& kernel, ::pollfd* entries, ::nfds_t n) {
  int ready = 0;
  for (::nfds_t i = 0; i < n; ++i) {
    ::pollfd entry{};
    detail::copy_from_user(&entry, entries + i, sizeof entry);
    File* const file = kernel.file(entry.fd);
    EventFlags bits;
    if (file != nullptr) {
      bits = file->readiness() & asked_by(entry);
    } else if (entry.fd >= 0) {
      bits = EventFlags{POLLNVAL};
    }
    entry.revents = static_cast<short>(bits.bits);
    detail::copy_to_user(&entries[i].revents, &entry.revents, sizeof entry.revents);
    if (!bits.empty()) ++ready;
  }
  return ready;
}

[[gnu::noinline, gnu::cold]] inline int poll_blocking(Kernel& kernel, ::pollfd* entries, ::nfds_t n, Time deadline) {
  Host& host = kernel.host();
  Task& task = host.current();
  std::deque<PollWaiter> waiters;  // Which keeps the files open, too.
  for (::nfds_t i = 0; i < n; ++i) {
    File* const file = kernel.file(entries[i].fd);
    if (file != nullptr) waiters.emplace_back(host, task, *file, asked_by(entries[i]));
  }
  for (;;) {
    const Sleep end = sleep(kernel, {Call::poll, n == 1 ? entries[0].fd : -1}, nullptr, deadline);
    const int ready = scan(kernel, entries, n);
    if (ready > 0 || end == Sleep::timed_out) return ready;
  }
}

}  // namespace detail_epoll

inline SysResult<int> poll(Kernel& kernel, ::pollfd* entries, ::nfds_t n, int milliseconds) {
  return kernel.enter({Call::poll, n == 1 && is_user_memory(entries, 1) ? entries[0].fd : -1}, [&]() -> SysResult<int> {
    if (n > kernel.limits.nofile_soft) return SysResult<int>::failure(EINVAL);
    if (!is_user_memory(entries, n * sizeof *entries)) return SysResult<int>::failure(EFAULT);
    int ready = detail_epoll::scan(kernel, entries, n);
    if (ready == 0 && milliseconds != 0) {
      const Time span = detail_epoll::milliseconds(milliseconds);
      const Time deadline = span < 0 ? time_never : time_after(kernel.host().now(), span);
      ready = detail_epoll::poll_blocking(kernel, entries, n, deadline);
    }
    // Where the answers go is looked at when they are there, even if there are none to give.
    return is_user_range(entries, 0) ? SysResult<int>{ready} : SysResult<int>::failure(EFAULT);
  });
}

}  // namespace rouse::inline v0::kernel::sys
