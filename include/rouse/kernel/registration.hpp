// Registration: a file watched by an epoll: the item of epoll_ctl(2). It waits in the file's queue, and puts itself on
// its epoll's ready list when a wakeup matches.
#pragma once

#include "file.hpp"
#include "interest.hpp"
#include "observer.hpp"
#include "wait_queue.hpp"

namespace rouse::inline v0::kernel {

class EpollFile;

// Tags: a registration is in up to four lists at once.
struct Ready {};
struct WatchedByFile {};
struct OfEpoll {};

class Registration final : public Waiter,
                           public SyncPoint,
                           public detail::ListLink<Registration, Ready>,
                           public detail::ListLink<Registration, WatchedByFile>,
                           public detail::ListLink<Registration, OfEpoll> {
 public:
  inline Registration(EpollFile& epoll, File& file, int fd, Interest wanted);  // In epoll_file.hpp, as on_wake.

  [[nodiscard]] const Interest& interest() const { return interest_; }
  void set_interest(Interest wanted) {
    interest_ = wanted;
    set_keys(wanted.bits());
  }
  /// It has been. See Interest::reported.
  [[nodiscard]] AfterReport reported() {
    const AfterReport after = interest_.reported();
    if (after == AfterReport::disarm) set_keys(interest_.bits());
    return after;
  }

  [[nodiscard]] EpollFile& epoll() const { return epoll_; }
  [[nodiscard]] File& file() const { return file_; }
  /// The number it was registered under: with the file, its key.
  [[nodiscard]] int fd() const { return fd_; }
  [[nodiscard]] bool is_queued() const { return detail::ListLink<Registration, Ready>::is_linked(); }
  void leave_ready_list() { detail::ListLink<Registration, Ready>::unlink(); }

  /// What a wait would report now. Asks the file, which is told to who watches by whoever calls this.
  [[nodiscard]] EventFlags due() const { return interest_.report(file_.readiness(interest_.mask())); }

 private:
  // In epoll_file.hpp.
  inline bool on_wake(EventFlags key) override;
  bool queue_and_tell(EventFlags key);

  Interest interest_;
  EpollFile& epoll_;
  File& file_;
  const int fd_;
};

}  // namespace rouse::inline v0::kernel
