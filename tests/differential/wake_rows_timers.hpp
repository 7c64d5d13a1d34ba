// TimerWakeRows: how often each row of the edge-triggered wake table was met for timerfds and signalfds.
#pragma once

#include "counters.hpp"
#include "wake_table.hpp"

namespace differential {

// clang-format off
enum class TimerRow {
  expires, expires_unread, expires_periodic, set_far, disarm, gettime, gettime_goes_on, read, read_periodic, read_eagain,
  set_ticks,
  raise, raise_outside_mask, raise_pending, raise_handled, other_mask, other_ones_mask, signal_read, signal_read_eagain,
  count
};
inline constexpr std::array<const char*, Counters<TimerRow>::size> timer_row_names = {
  "timerfd: expiration: IN",
  "timerfd: expiration of one that was set anew, unread: IN",
  "timerfd: first expiration of a period: IN",
  "timerfd: settime for later: -",
  "timerfd: disarm: -",
  "timerfd: gettime: -",
  "timerfd: gettime with a period that had stopped: -",
  "timerfd: read: -",
  "timerfd: read with a period that had stopped: -",
  "timerfd: read EAGAIN: -",
  "timerfd: TFD_IOC_SET_TICKS: IN",
  "signalfd: a signal of the mask becomes pending: any",
  "signalfd: another signal becomes pending: any",
  "signalfd: a signal is pending already: -",
  "signalfd: a signal comes and is handled: any",
  "signalfd: another mask: any",
  "signalfd: another mask of another one: any",
  "signalfd: read: -",
  "signalfd: read EAGAIN: -",
};
// clang-format on

class TimerWakeRows : private WakeTable {
 public:
  /// What has to be known before the call.
  void before(kernel::Kernel& kernel, const std::vector<OpenFd>& fds, const Step& step) {
    what_ = What::other;
    own_ = {};
    signalfds_.clear();
    if (step.is_look()) return;
    const Signature& signature = all_signatures()[step.call];
    call_ = signature.call;
    for (const OpenFd& open : fds) {
      const auto* const signals = kernel::file_cast<kernel::SignalFdFile>(open.file);
      if (signals != nullptr) signalfds_.push_back({see(open.file), signals->mask()});
    }
    kernel::Task& task = kernel.host().current();
    pending_ = task.signals.pending.set() | kernel.signals.pending_for(task);
    blocked_ = task.signals.mask;
    if (signature.params.empty() || signature.params[0].kind != Kind::fd) return;
    kernel::File* const file = kernel.file(int_of(step, 0));
    if (auto* const timer = kernel::file_cast<kernel::TimerFdFile>(file)) {
      what_ = What::timerfd;
      had_stopped_ = timer->has_stopped() && timer->describe().find("every") != std::string::npos;
    } else if (kernel::file_cast<kernel::SignalFdFile>(file) != nullptr) {
      what_ = What::signalfd;
    }
    own_ = see(file);
    if (what_ == What::timerfd) own_.bits = file->readiness({});
  }

  /// `result` is what the call returned: the value, or the errno negated.
  void after(const Step& step, std::int64_t result, const WakeProbes& probes) {
    probes_ = &probes;
    if (step.is_look()) return;
    if (what_ == What::timerfd) timerfd(step, result);
    if (what_ == What::signalfd) signalfd(result);
    if ((call_ == Call::kill || call_ == Call::tgkill) && result == 0) sent(static_cast<int>(step.args[0]));
    if (call_ != Call::signalfd4 || what_ != What::signalfd || result < 0) return;
    for (const auto& [other, mask] : signalfds_) {
      rows_.met_if(other.id != own_.id && woken(other, kernel::any_key), TimerRow::other_ones_mask);
    }
  }

  int print(std::uint64_t least) const {
    return rows_.print("The wake table: timerfd and signalfd", timer_row_names, least);
  }

 private:
  enum class What { other, timerfd, signalfd };

  void timerfd(const Step& step, std::int64_t result) {
    const bool expired = woken(own_, EventFlags::in);
    const bool is_silent = silent(own_);
    const bool is_set = call_ == Call::timerfd_settime && result == 0;
    if (is_set) {
      const auto value = static_cast<TimerTime>(step.args[2]);
      const bool is_soon = value == TimerTime::soon;
      const bool has_period = static_cast<TimerTime>(step.args[3]) != TimerTime::none;
      rows_.met_if(is_soon && expired, TimerRow::expires);
      rows_.met_if(is_soon && expired && own_.bits.has(EventFlags::in), TimerRow::expires_unread);
      rows_.met_if(is_soon && expired && has_period, TimerRow::expires_periodic);
      rows_.met_if(value == TimerTime::far && is_silent, TimerRow::set_far);
      rows_.met_if(value == TimerTime::none && is_silent, TimerRow::disarm);
    }
    if (call_ == Call::timerfd_gettime && result == 0 && is_silent) {
      rows_.met(had_stopped_ ? TimerRow::gettime_goes_on : TimerRow::gettime);
    }
    if (call_ == Call::read && result > 0 && is_silent) {
      rows_.met(had_stopped_ ? TimerRow::read_periodic : TimerRow::read);
    }
    rows_.met_if(call_ == Call::read && result == -EAGAIN && is_silent, TimerRow::read_eagain);
    rows_.met_if(call_ == Call::ioctl && result == 0 && expired, TimerRow::set_ticks);
  }

  void signalfd(std::int64_t result) {
    if (call_ == Call::signalfd4 && result >= 0) rows_.met_if(woken(own_, kernel::any_key), TimerRow::other_mask);
    if (call_ == Call::read && result > 0) rows_.met_if(silent(own_), TimerRow::signal_read);
    if (call_ == Call::read && result == -EAGAIN) rows_.met_if(silent(own_), TimerRow::signal_read_eagain);
  }

  void sent(int signal) {
    if (signal < 1) return;
    const bool is_queued = signal >= 32;
    for (const auto& [file, mask] : signalfds_) {
      const bool is_told = woken(file, kernel::any_key);
      if (pending_.has(signal) && !is_queued) {
        rows_.met_if(silent(file), TimerRow::raise_pending);
      } else if (!blocked_.has(signal)) {
        rows_.met_if(is_told, TimerRow::raise_handled);
      } else {
        rows_.met_if(is_told && mask.has(signal), TimerRow::raise);
        rows_.met_if(is_told && !mask.has(signal), TimerRow::raise_outside_mask);
      }
    }
  }

  Counters<TimerRow> rows_;
  What what_ = What::other;
  bool had_stopped_ = false;  // A period.
  kernel::SignalSet pending_;
  kernel::SignalSet blocked_;
  std::vector<std::pair<Seen, kernel::SignalSet>> signalfds_;
};

}  // namespace differential
