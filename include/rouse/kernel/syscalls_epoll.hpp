// The calls of epoll(7), eventfd(2) and pipe2(2).
#pragma once

#include "blocking.hpp"
#include "epoll_topology.hpp"
#include "eventfd_file.hpp"
#include "pipe_file.hpp"

#include <climits>
#include <ctime>
#include <sys/eventfd.h>

namespace rouse::inline v0::kernel::sys {

inline SysResult<int> epoll_create1(Kernel& kernel, int flags) {
  return kernel.enter({Call::epoll_create1}, {flags}, [=, &kernel]() -> SysResult<int> {
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
  const EpollFile* const inner = file_cast<EpollFile>(&file);
  // A removal asks for nothing, and an unknown operation is EINVAL in any case.
  if (flags.has(EventFlags::exclusive) && (operation == EPOLL_CTL_MOD || inner != nullptr || !is_addable(flags))) {
    return SysResult<void>::failure(EINVAL);
  }
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
  return kernel.enter({Call::epoll_ctl, epfd}, {operation, fd, user_event}, [=, &kernel]() -> SysResult<void> {
    Event event;
    if (operation != EPOLL_CTL_DEL && !get_user(event, user_event)) return SysResult<void>::failure(EFAULT);
    File* const outer = kernel.file(epfd);
    File* const file = kernel.other_file(fd);
    if (outer == nullptr || file == nullptr) return SysResult<void>::failure(EBADF);
    if (!file->kind().is_pollable) return SysResult<void>::failure(EPERM);
    auto* const epoll = file_cast<EpollFile>(outer);
    if (epoll == nullptr || outer == file) return SysResult<void>::failure(EINVAL);
    const Event heeded{kernel.age_heeded().heeded(event.flags()), event.data()};
    return detail_epoll::control(*epoll, operation, *file, fd, heeded);
  });
}

namespace detail_epoll {

[[gnu::noinline, gnu::cold]] inline SysResult<int> wait_blocking(Kernel& kernel, EpollFile& epoll, const Op& op,
                                                                 Event* events, int max, Time deadline) {
  const WaitPlace last_come_first{&epoll.waiters, {any_key, true, true}, deadline};
  const SysResult<int> result = wait_in(kernel, last_come_first, op, epoll, EINTR, [&](WaitPlace&) {
    const SysResult<int> delivered = epoll.deliver(events, max);
    return delivered.ok() && delivered.value() == 0 ? SysResult<int>::failure(EAGAIN) : delivered;
  });
  return result.would_block() ? SysResult<int>{0} : result;
}

/// What is asked of the room for events before the list is looked at: 0 or an errno.
inline int check_room(const Event* events, int max) {
  constexpr int events_limit = INT_MAX / static_cast<int>(sizeof(Event));
  if (max <= 0 || max > events_limit) [[unlikely]]
    return EINVAL;
  return is_user_range(events, static_cast<std::size_t>(max) * sizeof *events) ? 0 : EFAULT;
}

/// `span` is in nanoseconds; negative is for ever.
inline SysResult<int> wait(Kernel& kernel, const Op& op, Event* events, int max, Time span) {
  File* const file = kernel.file(op.fd);
  if (file == nullptr) [[unlikely]]
    return SysResult<int>::failure(EBADF);
  const int refused = check_room(events, max);
  if (refused != 0) [[unlikely]]
    return SysResult<int>::failure(refused);
  auto* const epoll = file_cast<EpollFile>(file);
  if (epoll == nullptr) [[unlikely]]
    return SysResult<int>::failure(EINVAL);
  const SysResult<int> delivered = epoll->deliver(events, max);
  if (delivered.word() != 0 || span == 0) [[likely]]
    return delivered;
  return wait_blocking(kernel, *epoll, op, events, max, Deadline{span}.at(kernel.host()));
}

}  // namespace detail_epoll

// As reads and writes of eventfds (syscalls_io.hpp), waits are done on the spot if nothing is in the way. One that
// finds nothing touches no memory, and does not ask whether it could.

namespace detail_epoll {

/// True if it is known at once that there is memory for all events: on one page, and on several.
[[gnu::always_inline]] inline bool is_room_good(Event* events, int max) {
  return max > 0 && is_writable_for_sure(events, static_cast<std::size_t>(max) * sizeof *events);
}
inline bool are_pages_good(Event* events, int max) {
  return max > 0 && are_pages_writable_for_sure(events, static_cast<std::size_t>(max) * sizeof *events);
}

[[gnu::noinline]] inline SysResult<int> wait_anyhow(Kernel& kernel, int epfd, Event* events, int max,
                                                    int milliseconds) {
  // So that the next wait into these events finds all of them known to be good, not only those that were needed.
  constexpr std::size_t learnt_max = 16 * page_size;
  const std::size_t room = max > 0 ? static_cast<std::size_t>(max) * sizeof *events : 0;
  if (room <= learnt_max) static_cast<void>(can_write_user(events, room));
  return wait(kernel, {Call::epoll_wait, epfd}, events, max, Deadline::span_of(milliseconds));
}

[[gnu::noinline]] inline SysResult<int> wait_unwatched(Kernel& kernel, int epfd, Event* events, int max,
                                                       int milliseconds) {
  return kernel.enter_unwatched([=, &kernel] { return wait_anyhow(kernel, epfd, events, max, milliseconds); });
}
/// A wait where somebody watches, and its own body (Kernel::enter_watched).
struct WatchedWait {
  Kernel& kernel;
  int epfd;
  Event* events;
  int max;
  int milliseconds;

  [[nodiscard]] Op op() const { return {Call::epoll_wait, epfd}; }
  [[nodiscard]] CallArguments arguments() const { return {events, max, milliseconds}; }
  [[nodiscard]] const WatchedWait& body() const { return *this; }
  [[gnu::always_inline]] SysResult<int> operator()() const {
    if (auto* const epoll = file_cast<EpollFile>(kernel.file(epfd))) {
      if (is_room_good(events, max)) {
        const SysResult<int> delivered = epoll->deliver(events, max, MemoryIs::good);
        if (delivered.word() > 0 || milliseconds == 0) return delivered;
      } else if (milliseconds == 0 && !epoll->has_queued() && check_room(events, max) == 0) {
        return 0;
      }
    }
    return wait_anyhow(kernel, epfd, events, max, milliseconds);
  }
};
[[gnu::noinline]] inline SysResult<int> wait_watched(Kernel& kernel, int epfd, Event* events, int max,
                                                     int milliseconds) {
  return kernel.enter_watched(WatchedWait{kernel, epfd, events, max, milliseconds});
}

// In steps: to deliver takes registers, and to look at several pages as much as a wait; where nothing is to be
// delivered, that is in vain.
[[gnu::noinline]] inline SysResult<int> deliver_unwatched(EpollFile& epoll, Event* events, int max) {
  return epoll.deliver(events, max, MemoryIs::good, Watched::no);
}
[[gnu::noinline]] inline SysResult<int> deliver_across_pages(EpollFile& epoll, Event* events, int max) {
  return are_pages_good(events, max) ? deliver_unwatched(epoll, events, max) : SysResult<int>::failure(EAGAIN);
}
/// What is due, or EAGAIN if something is in the way.
[[gnu::noinline]] inline SysResult<int> wait_at_once(const Kernel& kernel, int epfd, Event* events, int max) {
  auto* const epoll = kernel.is_unwatched() ? file_cast<EpollFile>(kernel.file(epfd)) : nullptr;
  if (epoll == nullptr) return SysResult<int>::failure(EAGAIN);
  if (!epoll->has_queued()) return check_room(events, max) == 0 ? SysResult<int>{0} : SysResult<int>::failure(EAGAIN);
  return is_room_good(events, max) ? deliver_unwatched(*epoll, events, max) : deliver_across_pages(*epoll, events, max);
}
[[gnu::noinline]] inline SysResult<int> wait_entered(Kernel& kernel, int epfd, Event* events, int max,
                                                     int milliseconds) {
  return kernel.is_unwatched() ? wait_unwatched(kernel, epfd, events, max, milliseconds)
                               : wait_watched(kernel, epfd, events, max, milliseconds);
}

}  // namespace detail_epoll

inline SysResult<int> epoll_wait(Kernel& kernel, int epfd, Event* events, int max, int milliseconds) {
  using namespace detail_epoll;
  const SysResult<int> delivered = wait_at_once(kernel, epfd, events, max);
  if (delivered.word() > 0 || (delivered.word() == 0 && milliseconds == 0)) [[likely]]
    return delivered;
  return wait_entered(kernel, epfd, events, max, milliseconds);
}

namespace detail_epoll {

/// As wait, with another signal mask meanwhile.
[[gnu::noinline, gnu::cold]] inline SysResult<int> wait_masked(Kernel& kernel, const Op& op, Event* events, int max,
                                                               Time span, const ::sigset_t* user_mask) {
  SignalSet mask;
  if (!get_user(mask, user_mask)) return SysResult<int>::failure(EFAULT);
  return with_mask(kernel, &mask, EINTR, [&] { return wait(kernel, op, events, max, span); });
}

}  // namespace detail_epoll

inline SysResult<int> epoll_pwait(Kernel& kernel, int epfd, Event* events, int max, int milliseconds,
                                  const ::sigset_t* mask) {
  const Op op{Call::epoll_pwait, epfd};
  return kernel.enter(op, {events, max, milliseconds, mask}, [=, &kernel]() -> SysResult<int> {
    const Time span = Deadline::span_of(milliseconds);
    if (mask != nullptr) return detail_epoll::wait_masked(kernel, op, events, max, span, mask);
    return detail_epoll::wait(kernel, op, events, max, span);
  });
}

inline SysResult<int> epoll_pwait2(Kernel& kernel, int epfd, Event* events, int max, const ::timespec* timeout,
                                   const ::sigset_t* mask) {
  const Op op{Call::epoll_pwait2, epfd};
  return kernel.enter(op, {events, max, timeout, mask}, [=, &kernel]() -> SysResult<int> {
    if (kernel.age_heeded().lacks(Call::epoll_pwait2)) return SysResult<int>::failure(ENOSYS);
    const SysResult<Time> span = timeout != nullptr ? get_span(timeout) : SysResult<Time>{time_never};
    if (!span.ok()) return span;
    if (mask != nullptr) return detail_epoll::wait_masked(kernel, op, events, max, span.value(), mask);
    return detail_epoll::wait(kernel, op, events, max, span.value());
  });
}

inline SysResult<int> eventfd(Kernel& kernel, unsigned initial, int flags) {
  return kernel.enter({Call::eventfd}, {initial, flags}, [=, &kernel]() -> SysResult<int> {
    if ((flags & ~(EFD_SEMAPHORE | EFD_NONBLOCK | EFD_CLOEXEC)) != 0) return SysResult<int>::failure(EINVAL);
    NewFd fd = kernel.new_fd();
    if (!fd) return SysResult<int>::failure(EMFILE);
    const FileRef file{new EventFdFile{kernel.file_ids.next(), O_RDWR | (flags & EFD_NONBLOCK), initial,
                                       (flags & EFD_SEMAPHORE) != 0}};
    return fd.install(file, (flags & EFD_CLOEXEC) != 0);
  });
}

inline SysResult<void> pipe2(Kernel& kernel, int* user_fds, int flags) {
  return kernel.enter({Call::pipe2}, {user_fds, flags}, [=, &kernel]() -> SysResult<void> {
    if ((flags & ~(O_CLOEXEC | O_NONBLOCK | O_DIRECT | O_EXCL)) != 0) return SysResult<void>::failure(EINVAL);
    if ((flags & O_EXCL) != 0) return SysResult<void>::failure(ENOPKG);  // Notification pipes need a build option.
    NewFd first = kernel.new_fd();
    NewFd second = kernel.new_fd();
    if (!second) return SysResult<void>::failure(EMFILE);
    const int fds[2] = {first.number(), second.number()};
    if (!put_user(user_fds, fds)) return SysResult<void>::failure(EFAULT);
    const std::uint64_t id = kernel.file_ids.next();
    const auto ring = std::make_shared<PipeRing>(kernel.limits.pipe_max_size, id);
    const int both = flags & O_NONBLOCK;
    const int writing = both | (flags & O_DIRECT);  // What is a packet, is decided when it is written.
    const bool close_on_exec = (flags & O_CLOEXEC) != 0;
    const FileRef reader{new PipeEnd{id, O_RDONLY | both, ring}};
    const FileRef writer{new PipeEnd{kernel.file_ids.next(), O_WRONLY | writing, ring}};
    first.install(reader, close_on_exec);
    second.install(writer, close_on_exec);
    return {};
  });
}

}  // namespace rouse::inline v0::kernel::sys
