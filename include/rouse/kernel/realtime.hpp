// RealTime: CLOCK_REALTIME. It runs with the host's clock, at an offset that changes when it is set.
#pragma once

#include "../detail/intrusive_list.hpp"
#include "time.hpp"

namespace rouse::inline v0::kernel {

class RealTime {
 public:
  /// Who is told that the clock was set.
  class Watcher : public detail::ListLink<Watcher> {
   protected:
    Watcher() = default;
    ~Watcher() = default;

   private:
    friend class RealTime;
    virtual void on_clock_set() = 0;
  };

  /// What is added to the host's clock.
  [[nodiscard]] Time offset() const { return offset_; }
  void set_offset(Time offset) {
    offset_ = offset;
    watchers_.for_each([](Watcher& watcher) { watcher.on_clock_set(); });
  }
  /// Until it unlinks itself.
  void tell(Watcher& watcher) { watchers_.push_front(watcher); }

 private:
  Time offset_ = 946684800'000'000'000;  // 2000-01-01: as fixed as the rest of virtual time.
  detail::IntrusiveList<Watcher> watchers_;
};

}  // namespace rouse::inline v0::kernel
