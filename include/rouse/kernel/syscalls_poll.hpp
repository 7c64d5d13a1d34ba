// poll(2), ppoll(2), select(2) and pselect(2): which of these fds are ready. Two ways of asking and answering over one
// loop, which looks the numbers up again at each pass: what was closed meanwhile is NVAL, and what took its number is
// judged in its place.
#pragma once

#include "blocking.hpp"

#include <array>
#include <cstddef>
#include <cstring>
#include <deque>
#include <poll.h>
#include <span>
#include <sys/select.h>
#include <vector>

namespace rouse::inline v0::kernel::sys {

namespace detail_poll {

/// A task's place in the queue of one of the files it polls. Stays there when woken: others may become ready too.
class PollWaiter final : public Waiter {
 public:
  PollWaiter(Host& host, Task& task, File& file, EventFlags keys)
      : Waiter(keys), host_(host), task_(task), file_(&file) {
    file.touch(Access::write);
    file.wait_queue().add_head(*this);
  }
  PollWaiter(const PollWaiter&) = delete;
  PollWaiter& operator=(const PollWaiter&) = delete;
  ~PollWaiter() { file_->touch(Access::write); }

 private:
  bool on_wake(EventFlags) override {
    host_.wake(task_);
    return true;
  }

  Host& host_;
  Task& task_;
  const FileRef file_;
};

/// Bits of what is not open.
inline constexpr EventFlags nval{POLLNVAL};

inline EventFlags readiness(const Kernel& kernel, int fd, EventFlags asked) {
  File* const file = kernel.other_file(fd);
  if (file == nullptr) return nval;
  file->touch_by_asking();
  return file->readiness(asked);
}

/// Asks `scan()` how many are ready, and sleeps until that is not 0. `for_each_asked(visit)` visits what it looks at,
/// as a number and the bits that are waited for.
template <class Scan, class ForEachAsked>
[[gnu::noinline, gnu::cold]] SysResult<int> scan_blocking(Kernel& kernel, const Op& op, Time deadline, Scan scan,
                                                          ForEachAsked for_each_asked) {
  Host& host = kernel.host();
  Task& task = host.current();
  std::deque<PollWaiter> waiters;  // Which keeps the files open, too.
  for_each_asked([&](int fd, EventFlags key) {
    File* const file = kernel.file(fd);
    if (file != nullptr) waiters.emplace_back(host, task, *file, key);
  });
  for (;;) {
    if (kernel.is_interrupted()) return SysResult<int>::failure(restarts_unless_handled);
    sleep(kernel, op, nullptr, deadline);
    const int ready = scan();
    if (ready > 0) return ready;
    if (host.now() >= deadline) return kernel.is_interrupted() ? SysResult<int>::failure(restarts_unless_handled) : 0;
  }
}

template <class Scan, class ForEachAsked>
SysResult<int> wait(Kernel& kernel, const Op& op, Deadline& deadline, Scan scan, ForEachAsked for_each_asked) {
  const int ready = scan();
  if (ready > 0) return ready;
  if (!deadline.is_now()) return scan_blocking(kernel, op, deadline.at(kernel.host()), scan, for_each_asked);
  // A signal goes before the end of the time, even if there was none.
  return kernel.is_interrupted() ? SysResult<int>::failure(restarts_unless_handled) : 0;
}

// -- poll

inline constexpr EventFlags poll_always = EventFlags::err | EventFlags::hup;

inline EventFlags asked_by(const ::pollfd& entry) {
  return EventFlags{static_cast<std::uint16_t>(entry.events)} | poll_always;
}

/// What one entry is told.
inline short revents_of(const Kernel& kernel, const ::pollfd& entry) {
  if (entry.fd < 0) return 0;
  const EventFlags asked = asked_by(entry);
  return static_cast<short>((readiness(kernel, entry.fd, asked) & (asked | nval)).bits);
}
/// Fills in revents; returns how many entries have any.
inline int scan(const Kernel& kernel, std::span<::pollfd> entries) {
  int ready = 0;
  for (::pollfd& entry : entries) {
    entry.revents = revents_of(kernel, entry);
    if (entry.revents != 0) ++ready;
  }
  return ready;
}
/// Into the caller's array, which need not be aligned; false at a bad address.
inline bool put_revents(::pollfd* to, std::span<const ::pollfd> entries) {
  std::size_t at = offsetof(::pollfd, revents);
  for (const ::pollfd& entry : entries) {
    if (!put_user(user_at(to, at), entry.revents)) return false;
    at += sizeof entry;
  }
  return true;
}

/// The one fd that a call is about, for those who see it coming; -1 if there are more, or none. Asked outside of it.
inline int fd_of(const ::pollfd* entries, unsigned n) {
  const detail::Hidden hidden_from_tsan;
  static_assert(offsetof(::pollfd, fd) == 0);
  int fd = -1;
  if (n == 1 && can_read_user(entries, sizeof *entries)) std::memcpy(&fd, entries, sizeof fd);
  return fd;
}

inline constexpr std::size_t few_entries = 8;

inline SysResult<int> poll(Kernel& kernel, Call call, ::pollfd* user_entries, unsigned n, Deadline& deadline) {
  if (n > kernel.limits.nofile_soft) return SysResult<int>::failure(EINVAL);
  if (!can_read_user(user_entries, n * sizeof *user_entries)) return SysResult<int>::failure(EFAULT);
  std::array<::pollfd, few_entries> few;
  std::vector<::pollfd> many;
  if (n > few.size()) many.resize(n);
  const std::span<::pollfd> entries{n > few.size() ? many.data() : few.data(), n};
  for (std::size_t i = 0; i < n; ++i) detail::copy_from_user(&entries[i], user_entries + i, sizeof *user_entries);
  const SysResult<int> ready = wait(
      kernel, {call, n == 1 ? entries[0].fd : -1}, deadline, [&] { return scan(kernel, entries); },
      [&](auto visit) {
        for (const ::pollfd& entry : entries) visit(entry.fd, asked_by(entry));
      });
  // Where the answers go is looked at when they are there, even if there are none to give; and before a signal is.
  const bool is_put = is_user_range(user_entries, 0) && put_revents(user_entries, entries);
  return is_put ? ready : SysResult<int>::failure(EFAULT);
}

// As reads and writes of eventfds (syscalls_io.hpp), a poll of a few fds that need not wait is done on the spot.

/// How many are ready; or EAGAIN if something is in the way, such as that none is and it is to wait, and nobody is
/// told.
[[gnu::noinline]] inline SysResult<int> poll_at_once(const Kernel& kernel, ::pollfd* user_entries, unsigned n,
                                                     bool waits) {
  if (n == 0 || n > few_entries || n > kernel.limits.nofile_soft ||
      !is_writable_for_sure(user_entries, n * sizeof *user_entries)) {
    return SysResult<int>::failure(EAGAIN);
  }
  short found[few_entries];
  int ready = 0;
  for (unsigned i = 0; i < n; ++i) {
    // By its parts, as it was written: a copy of eight bytes would have to wait for the stores that made them.
    ::pollfd entry;
    detail::copy_from_user(&entry.fd, user_at(user_entries + i, offsetof(::pollfd, fd)), sizeof entry.fd);
    detail::copy_from_user(&entry.events, user_at(user_entries + i, offsetof(::pollfd, events)), sizeof entry.events);
    found[i] = revents_of(kernel, entry);
    if (found[i] != 0) ++ready;
  }
  if (ready == 0 && waits) return SysResult<int>::failure(EAGAIN);
  for (unsigned i = 0; i < n; ++i) {
    detail::copy_to_user(user_at(user_entries + i, offsetof(::pollfd, revents)), &found[i], sizeof found[i]);
  }
  return ready;
}
[[gnu::noinline]] inline SysResult<int> poll_unwatched(Kernel& kernel, ::pollfd* entries, unsigned n,
                                                       int milliseconds) {
  Deadline deadline{Deadline::span_of(milliseconds)};
  return kernel.enter_unwatched([&] { return poll(kernel, Call::poll, entries, n, deadline); });
}
[[gnu::noinline]] inline SysResult<int> poll_watched(Kernel& kernel, ::pollfd* entries, unsigned n, int milliseconds) {
  Deadline deadline{Deadline::span_of(milliseconds)};
  return kernel.enter_watched({Call::poll, fd_of(entries, n)}, {entries, n, milliseconds},
                              [&] { return poll(kernel, Call::poll, entries, n, deadline); });
}

// -- select

/// The three sets of select: what is asked, and what is found.
class SelectSets {
 public:
  static constexpr std::size_t word_bits = 64;
  using Words = std::vector<std::uint64_t>;

  /// Numbers from `n` on are not looked at, nor are those beyond the fd table.
  SelectSets(const Kernel& kernel, int n, ::fd_set* read, ::fd_set* write, ::fd_set* except)
      : kernel_(kernel), n_(std::min(static_cast<std::size_t>(n), kernel.fds.size())), user_{read, write, except} {}

  /// Copies the sets in. Errors: EFAULT; EBADF if one of the numbers is not open.
  SysResult<void> get() {
    for (std::size_t i = 0; i < sets; ++i) {
      asked_[i].assign(words(), 0);
      found_[i].assign(words(), 0);
      if (user_[i] == nullptr) continue;
      if (!can_read_user(user_[i], bytes())) return SysResult<void>::failure(EFAULT);
      detail::copy_from_user(asked_[i].data(), user_[i], bytes());
    }
    bool all_open = true;
    for_each_asked([&](int fd, EventFlags) { all_open = all_open && kernel_.other_file(fd) != nullptr; });
    return all_open ? SysResult<void>{} : SysResult<void>::failure(EBADF);
  }

  /// Finds what is ready; returns how many bits there are in the three sets together.
  int scan() {
    int ready = 0;
    for_each_asked([&](int fd, EventFlags asked) {
      const EventFlags bits = readiness(kernel_, fd, asked);
      for (std::size_t i = 0; i < sets; ++i) {
        if (!has(asked_[i], fd) || !bits.has_any(meaning[i])) continue;
        found_[i][static_cast<std::size_t>(fd) / word_bits] |= bit(fd);
        ++ready;
      }
    });
    return ready;
  }

  /// Copies out what was found, up to a bad address: then false.
  [[nodiscard]] bool put() const {
    for (std::size_t i = 0; i < sets; ++i) {
      if (user_[i] != nullptr && !put_bytes(user_[i], found_[i].data(), bytes())) return false;
    }
    return true;
  }

  template <class Visit>
  void for_each_asked(Visit visit) const {
    for (std::size_t number = 0; number < n_; ++number) {
      const int fd = static_cast<int>(number);
      EventFlags key;
      for (std::size_t i = 0; i < sets; ++i) {
        if (has(asked_[i], fd)) key |= meaning[i];
      }
      if (!key.empty()) visit(fd, key);
    }
  }

 private:
  static constexpr std::size_t sets = 3;
  // Which bits put an fd into the sets for reading, for writing and for exceptions.
  static constexpr std::array meaning = {EventFlags{POLLIN | POLLRDNORM | POLLRDBAND | POLLHUP | POLLERR | POLLNVAL},
                                         EventFlags{POLLOUT | POLLWRNORM | POLLWRBAND | POLLERR | POLLNVAL},
                                         EventFlags{POLLPRI | POLLNVAL}};

  static std::uint64_t bit(int fd) { return std::uint64_t{1} << static_cast<std::size_t>(fd) % word_bits; }
  static bool has(const Words& set, int fd) { return (set[static_cast<std::size_t>(fd) / word_bits] & bit(fd)) != 0; }
  [[nodiscard]] std::size_t words() const { return (n_ + word_bits - 1) / word_bits; }
  [[nodiscard]] std::size_t bytes() const { return words() * sizeof(std::uint64_t); }

  const Kernel& kernel_;
  const std::size_t n_;
  const std::array<::fd_set*, sets> user_;
  std::array<Words, sets> asked_;
  std::array<Words, sets> found_;
};

inline SysResult<int> select(Kernel& kernel, Call call, int n, ::fd_set* read, ::fd_set* write, ::fd_set* except,
                             Deadline& deadline) {
  if (n < 0) return SysResult<int>::failure(EINVAL);
  SelectSets sets{kernel, n, read, write, except};
  const SysResult<void> got = sets.get();
  if (!got.ok()) return got;
  const SysResult<int> ready = wait(
      kernel, {call}, deadline, [&] { return sets.scan(); }, [&](auto visit) { sets.for_each_asked(visit); });
  return ready.ok() && !sets.put() ? SysResult<int>::failure(EFAULT) : ready;
}

/// select's own way of saying how long, which need not be normalized. Neither part may be negative: the C library sees
/// to that.
using kernel::get_span;
inline SysResult<Time> get_span(const ::timeval* from) {
  ::timeval limit{};
  if (!get_user(limit, from)) return SysResult<Time>::failure(EFAULT);
  constexpr long in_second = 1'000'000;
  if (limit.tv_sec < 0 || limit.tv_usec < 0) return SysResult<Time>::failure(EINVAL);
  const ::timespec span{limit.tv_sec + limit.tv_usec / in_second, limit.tv_usec % in_second * 1000};
  return get_span(&span);
}

}  // namespace detail_poll

inline SysResult<int> poll(Kernel& kernel, ::pollfd* entries, ::nfds_t long_n, int milliseconds) {
  const auto n = static_cast<unsigned>(long_n);  // Of which Linux takes the lower 32 bits.
  if (!kernel.is_unwatched()) return detail_poll::poll_watched(kernel, entries, n, milliseconds);
  const SysResult<int> ready = detail_poll::poll_at_once(kernel, entries, n, milliseconds != 0);
  if (!ready.would_block()) [[likely]]
    return ready;
  return detail_poll::poll_unwatched(kernel, entries, n, milliseconds);
}

namespace detail_poll {

/// The deadline of a call that may be restarted: its span is looked at once. Null is for ever. Errors: as get_span.
template <class Timeout>
SysResult<void> fix(std::optional<Deadline>& deadline, const Timeout* timeout) {
  if (deadline) return {};
  const SysResult<Time> span = timeout != nullptr ? get_span(timeout) : SysResult<Time>{time_never};
  if (!span.ok()) return span;
  deadline.emplace(span.value());
  return {};
}

/// What the calls with a mask of their own have in common: their span and mask are looked at before all else.
template <class Body>
SysResult<int> masked(Kernel& kernel, const Op& op, const CallArguments& arguments, const ::timespec* timeout,
                      const ::sigset_t* user_mask, Body body) {
  std::optional<Deadline> deadline;
  return kernel.enter(op, arguments, [&]() -> SysResult<int> {
    const SysResult<void> fixed = fix(deadline, timeout);
    if (!fixed.ok()) return fixed;
    SignalSet mask;
    if (user_mask != nullptr && !get_user(mask, user_mask)) return SysResult<int>::failure(EFAULT);
    return with_mask(kernel, user_mask != nullptr ? &mask : nullptr, restarts_unless_handled,
                     [&] { return body(*deadline); });
  });
}

}  // namespace detail_poll

inline SysResult<int> ppoll(Kernel& kernel, ::pollfd* entries, ::nfds_t long_n, const ::timespec* timeout,
                            const ::sigset_t* mask) {
  const auto n = static_cast<unsigned>(long_n);  // Of which Linux takes the lower 32 bits.
  return detail_poll::masked(
      kernel, {Call::ppoll}, {entries, n, timeout, mask}, timeout, mask,
      [&](Deadline& deadline) { return detail_poll::poll(kernel, Call::ppoll, entries, n, deadline); });
}

/// What is left of the time goes back into `timeout`, if that can be written.
inline SysResult<int> select(Kernel& kernel, int n, ::fd_set* read, ::fd_set* write, ::fd_set* except,
                             ::timeval* timeout) {
  std::optional<Deadline> deadline;
  return kernel.enter({Call::select}, {n, read, write, except, timeout}, [&]() -> SysResult<int> {
    const SysResult<void> fixed = detail_poll::fix(deadline, timeout);
    if (!fixed.ok()) return fixed;
    const SysResult<int> ready = detail_poll::select(kernel, Call::select, n, read, write, except, *deadline);
    const Time left = deadline->left(kernel.host()) / 1000;
    constexpr Time in_second = 1'000'000;
    static_cast<void>(
        put_user(timeout, ::timeval{static_cast<std::time_t>(left / in_second), static_cast<long>(left % in_second)}));
    return ready;
  });
}

inline SysResult<int> pselect(Kernel& kernel, int n, ::fd_set* read, ::fd_set* write, ::fd_set* except,
                              const ::timespec* timeout, const ::sigset_t* mask) {
  return detail_poll::masked(kernel, {Call::pselect6}, {n, read, write, except, timeout, mask}, timeout, mask,
                             [&](Deadline& deadline) {
                               return detail_poll::select(kernel, Call::pselect6, n, read, write, except, deadline);
                             });
}

}  // namespace rouse::inline v0::kernel::sys
