// PendingSignals: what was sent to a task, or to the process, and not delivered yet.
#pragma once

#include "observer.hpp"
#include "signal_set.hpp"

#include <algorithm>
#include <vector>

namespace rouse::inline v0::kernel {

class PendingSignals : public SyncPoint {
 public:
  [[nodiscard]] SignalSet set() const { return set_; }

  /// A standard signal is pending once at most: false if it was already. Those from SIGRTMIN on queue, first come first
  /// delivered.
  bool add(const ::siginfo_t& info) {
    constexpr int first_queued = 32;  // The kernel's SIGRTMIN: the C library's own keeps two for itself.
    if (info.si_signo < first_queued && set_.has(info.si_signo)) return false;
    queue_.push_back(info);
    set_ = set_ | SignalSet::of(info.si_signo);
    return true;
  }

  /// Removes the oldest of that number. Precondition: it is pending.
  ::siginfo_t take(int signal) {
    const auto is_it = [signal](const ::siginfo_t& info) { return info.si_signo == signal; };
    const auto found = std::find_if(queue_.begin(), queue_.end(), is_it);
    const ::siginfo_t info = *found;
    queue_.erase(found);
    if (std::none_of(queue_.begin(), queue_.end(), is_it)) set_ = set_ - SignalSet::of(signal);
    return info;
  }

  /// Forgets all of that number.
  void discard(int signal) {
    std::erase_if(queue_, [signal](const ::siginfo_t& info) { return info.si_signo == signal; });
    set_ = set_ - SignalSet::of(signal);
  }

 private:
  std::vector<::siginfo_t> queue_;  // In order of arrival.
  SignalSet set_;                   // The numbers in it.
};

}  // namespace rouse::inline v0::kernel
