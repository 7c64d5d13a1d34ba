// RealWatch: hears of what Linux's files do, for the emulated kernel's waits: a thread of the library's own waits for
// them in an epoll of Linux, edge by edge, and wakes those who wait here.
#pragma once

#include <rouse/kernel/file.hpp>
#include <rouse/kernel/kernel.hpp>

#include <atomic>
#include <cstdint>
#include <map>

namespace rouse::interpose {

class RealWatch {
 public:
  explicit RealWatch(kernel::Kernel& kernel) : kernel_(kernel) {}
  RealWatch(const RealWatch&) = delete;
  RealWatch& operator=(const RealWatch&) = delete;

  /// True while anything is watched. Needs no lock.
  [[nodiscard]] bool hears() const { return hears_.load(std::memory_order_acquire); }

  // All with the kernel locked.

  /// Tells of what has happened by now, without waiting for the thread to do so.
  void drain() { static_cast<void>(drain_but(no_id)); }

  /// Tells `file` of what happens to `fd`. Fails as epoll_ctl(2) does: EPERM for what cannot be waited for, EBADF.
  SysResult<void> add(kernel::File& file, int fd);
  void remove(const kernel::File& file, int fd);

  /// Signals that signalfds show: all that ever were in the mask of one.
  void add_signals(SignalSet mask);

 private:
  static constexpr std::uint64_t signals_id = 0;  // Files' ids begin at 1.
  static constexpr std::uint64_t no_id = ~std::uint64_t{0};

  SysResult<void> start();
  void run();
  void note_whether_it_hears() { hears_ = !files_.empty() || signals_fd_ >= 0; }
  void tell(std::uint64_t id, EventFlags key);
  [[nodiscard]] bool drain_but(std::uint64_t id);
  void take_first_event(std::uint64_t id, bool was_ready);

  kernel::Kernel& kernel_;
  std::atomic<bool> hears_ = false;
  int epoll_ = -1;
  int signals_fd_ = -1;
  SignalSet signals_;
  struct Watched {
    kernel::File* file;
    bool first_is_old = false;  // The thread has an event of it in hand that says nothing new.
  };
  std::map<std::uint64_t, Watched> files_;
};

}  // namespace rouse::interpose
