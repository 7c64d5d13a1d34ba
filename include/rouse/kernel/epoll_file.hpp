// EpollFile: registrations, a ready list, delivery.
//
// The ready list is FIFO and holds no bits. A registration is queued by a matching wakeup, or at ADD and MOD when its
// file is ready then. Delivery asks the file again and reports what holds now; what no longer holds is dropped. Level,
// edge and one-shot differ only in what happens after a report (Interest::reported).
#pragma once

#include "../busy_poll.hpp"
#include "file.hpp"
#include "registration.hpp"
#include "user_memory.hpp"

#include <algorithm>
#include <memory>

namespace rouse::inline v0::kernel {

/// How many registrations there are, of all epolls of a kernel, and how many there may be.
struct WatchCount {
  const std::uint64_t& limit;
  std::uint64_t count = 0;
  std::uint64_t walks = 0;  ///< Of EpollTopology, whose marks must not be taken for those of an earlier walk.

  std::uint64_t next_walk() { return ++walks; }
};

/// Of the room for events.
enum class MemoryIs : bool { unknown, good };

class EpollFile final : public File {
 public:
  static constexpr FileKind file_kind{.name = "epoll", .is_seekable = true, .has_read = false, .has_write = false};

  EpollFile(std::uint64_t id, WatchCount& watches) : File(file_kind, id, O_RDWR), watches_(watches) {}

  /// As poll(2) shows it: IN if a queued registration is due. Drops those in front of it that are not, as Linux does:
  /// they come back at the tail when a wakeup queues them.
  [[nodiscard]] inline EventFlags readiness(EventFlags) override;

  inline SysResult<int> ioctl(unsigned long request, void* argument) override;
  [[nodiscard]] Access asking() const override { return Access::write; }
  [[nodiscard]] inline std::string describe() const override;

  /// The registration of `file` under the number `fd`, or null.
  [[nodiscard]] Registration* find(const File& file, int fd) const {
    for (Registration* at = file.watchers.front(); at != nullptr; at = file.watchers.next(*at)) {
      if (&at->epoll() == this && at->fd() == fd) return at;
    }
    return nullptr;
  }

  /// Precondition: not registered yet, and `may_watch` allowed it. Errors: ENOSPC; EINVAL for too many wakeup paths.
  SysResult<void> add(File& file, int fd, EventFlags flags, EventData data);
  void modify(Registration& registration, EventFlags flags, EventData data);
  void remove(Registration& registration);

  /// Fills `events` with up to `max` reports; 0 if nothing is due. EFAULT if the first one has no good address.
  /// Inlined, as its hot callers would else save all registers twice.
  [[gnu::always_inline]] SysResult<int> deliver(Event* events, int max, MemoryIs memory_is = MemoryIs::unknown,
                                                Watched watched = Watched::yes);

  [[nodiscard]] bool has_queued() const { return !ready_.empty(); }

  /// Tasks asleep in epoll_wait, the last that came first.
  WaitQueue waiters;

  /// Visits the registrations in the order of their ADD, or of the ready list.
  template <class Visit>
  void for_each_registration(Visit visit) const {
    registrations_.for_each(visit);
  }
  template <class Visit>
  void for_each_queued(Visit visit) const {
    ready_.for_each(visit);
  }

 private:
  friend class Registration;
  friend class EpollTopology;

  ~EpollFile() override = default;
  void last_close() override {
    while (Registration* const registration = registrations_.front()) remove(*registration);
  }

  /// A registration of `file` is made, changed or removed: the epoll and the file's queue are.
  void note_change(const File& file) const {
    if (observer == nullptr) return;
    touch(Access::write);
    file.touch(Access::write);
    // Close to the limit, it matters who comes first.
    if (watches_.limit - std::min(watches_.limit, watches_.count) < few_watches) {
      kernel::touch(Object::watches(), Access::write);
    }
    // Loops and paths are looked for far away.
    if (&file.kind() == &file_kind || !watchers.empty()) touch_everything();
  }
  static constexpr std::uint64_t few_watches = 1'000;

  /// Puts a registration on the ready list if it is not there, and says so to whoever waits here.
  void enqueue(Registration& registration) {
    if (!registration.is_queued()) ready_.push_back(registration);
  }
  /// True if somebody would hear of it.
  [[nodiscard]] bool is_waited_for() const { return !waiters.empty() || !queue.empty(); }
  void announce() {
    waiters.wake(any_key);
    queue.wake(EventFlags::in);
  }
  void enqueue_if_due(Registration& registration) {
    // The file is asked in any case: that tidies up an inner epoll.
    // Test: "Epoll: looking at an epoll drops what is not ready from its front".
    registration.file().touch_by_asking();
    const bool is_due = !registration.due().empty();
    if (registration.is_queued() || !is_due) return;
    release_edge(registration);
    enqueue(registration);
    announce();
  }
  /// A wait or a poll went over the list: if something is left, the next waiter is to look.
  void cascade() {
    if (!ready_.empty()) waiters.wake(any_key);
  }

  WatchCount& watches_;
  detail::IntrusiveList<Registration, Ready> ready_;
  detail::IntrusiveList<Registration, OfEpoll> registrations_;
  BusyPoll busy_poll_;  // Kept, and without effect: there are no network devices.

  // Left by the last walk over the epolls (EpollTopology), to visit each of them once.
  mutable std::uint64_t walk_ = 0;
  mutable int extent_ = 0;
};

inline Registration::Registration(EpollFile& epoll, File& file, int fd, Interest wanted)
    : Waiter(wanted.bits()), interest_(wanted), epoll_(epoll), file_(file), fd_(fd) {
  set_exclusive(wanted.is_exclusive());
}

// A wakeup counts as taken, and ends the walk if this registration is exclusive, if a task was asleep here and the key
// is of no direction, or of the one that was asked for. A key of both directions goes on. Test: "Epoll: a wakeup
// without a key is taken by the first exclusive epoll".
inline bool Registration::on_wake(EventFlags key) {
  // The most common wakeup by far finds an epoll that nobody waits for.
  if (observer != nullptr || epoll_.is_waited_for()) [[unlikely]]
    return queue_and_tell(key);
  detail::tsan_release(static_cast<const SyncPoint*>(this));
  epoll_.enqueue(*this);
  return false;
}

[[gnu::noinline]] inline bool Registration::queue_and_tell(EventFlags key) {
  release_edge(*this);
  epoll_.touch(Access::write);
  epoll_.enqueue(*this);
  bool taken = false;
  if (!epoll_.waiters.empty()) {
    const EventFlags direction = key == any_key ? EventFlags{} : key & (EventFlags::in | EventFlags::out);
    taken = direction != (EventFlags::in | EventFlags::out) && interest_.mask().has(direction);
    epoll_.waiters.wake(any_key);
  }
  epoll_.queue.wake(EventFlags::in);
  return taken;
}

inline EventFlags EpollFile::readiness(EventFlags) {
  EventFlags bits;
  while (Registration* const first = ready_.front()) {
    first->file().touch_by_asking();
    if (!first->due().empty()) {
      bits = EventFlags::in | EventFlags::rdnorm;
      break;
    }
    first->leave_ready_list();
  }
  cascade();
  return bits;
}

inline void EpollFile::modify(Registration& registration, EventFlags flags, EventData data) {
  note_change(registration.file());
  registration.set_interest({flags, data});
  enqueue_if_due(registration);
}

inline void EpollFile::remove(Registration& registration) {
  note_change(registration.file());
  --watches_.count;
  delete &registration;
}

inline SysResult<int> EpollFile::deliver(Event* events, int max, MemoryIs memory_is, Watched watched) {
  int n = 0;
  const Registration* first_requeued = nullptr;
  while (n < max && !ready_.empty()) {
    Registration& registration = *ready_.front();
    if (&registration == first_requeued) break;
    if (watched == Watched::yes) registration.file().touch_by_asking();
    const EventFlags due = registration.due();
    if (due.empty()) {
      registration.leave_ready_list();
      continue;
    }
    // Before anything changes, so that the event stays due.
    if (memory_is == MemoryIs::unknown && !can_write_user(events, sizeof *events)) [[unlikely]] {
      if (can_write_user(events, sizeof due.bits)) detail::copy_to_user(events, &due.bits, sizeof due.bits);
      if (n > 0) break;
      cascade();
      return SysResult<int>::failure(EFAULT);
    }
    detail::tsan_acquire(static_cast<const SyncPoint*>(&registration));
    if (watched == Watched::yes && observer != nullptr) observer->reported(registration);
    {
      // Made where it is to be: a copy of twelve packed bytes would have to wait for the stores that made them.
      const detail::Visible visible;
      std::construct_at(events, due, registration.interest().data());
    }
    ++events;
    ++n;
    registration.leave_ready_list();
    if (registration.reported() == AfterReport::requeue) {
      ready_.push_back(registration);
      if (first_requeued == nullptr) first_requeued = &registration;
    }
  }
  cascade();
  return n;
}

inline SysResult<int> EpollFile::ioctl(unsigned long request, void* argument) {
  if (request == epiocgparams) return put_user(argument, busy_poll_) ? 0 : SysResult<int>::failure(EFAULT);
  if (request != epiocsparams) return SysResult<int>::failure(EINVAL);
  constexpr unsigned budget_max = 64;  // NAPI_POLL_WEIGHT: beyond, only with a capability that we do not have.
  BusyPoll wanted;
  if (!get_user(wanted, argument)) return SysResult<int>::failure(EFAULT);
  if (wanted.reserved != 0 || wanted.microseconds > INT32_MAX || wanted.prefer > 1) {
    return SysResult<int>::failure(EINVAL);
  }
  if (wanted.budget > budget_max) return SysResult<int>::failure(EPERM);
  busy_poll_ = wanted;
  return 0;
}

inline std::string EpollFile::describe() const {
  int registered = 0;
  int queued = 0;
  for_each_registration([&](const Registration& registration) {
    ++registered;
    if (registration.is_queued()) ++queued;
  });
  return std::to_string(registered) + " registered, " + std::to_string(queued) + " queued";
}

// The registrations go with the last reference to the description, whatever number they were made under.
inline void File::release() {
  if (--references_ > 0) return;
  while (Registration* const registration = watchers.front()) registration->epoll().remove(*registration);
  last_close();
  delete this;
}

}  // namespace rouse::inline v0::kernel
