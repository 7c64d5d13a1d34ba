// Interest: what a registration asks for and what happens to it at each step, with no kernel around it.
#pragma once

#include "../event.hpp"

namespace rouse::inline v0::kernel {

/// What becomes of a registration when it was reported.
enum class AfterReport {
  requeue,  ///< Level: it is due again until its condition is gone.
  leave,    ///< Edge: the next matching wakeup queues it again.
  disarm,   ///< One-shot: nothing queues it until it is modified.
};

/// Flags and data of a registration, and its level, edge and one-shot rules.
class Interest {
 public:
  constexpr Interest(EventFlags flags, EventData data) : mask_((flags | always) - EventFlags::wakeup), data_(data) {}

  /// The flags given, with `err` and `hup`, which nobody can decline, and without `wakeup`, for which the emulated
  /// process has no capability (CAP_BLOCK_SUSPEND). After a one-shot report only modes are left: not even `hup` is
  /// reported then.
  [[nodiscard]] constexpr EventFlags mask() const { return mask_; }
  [[nodiscard]] constexpr EventData data() const { return data_; }
  [[nodiscard]] constexpr bool is_exclusive() const { return mask_.has(EventFlags::exclusive); }

  /// The bits that are reported: a wakeup whose key has one of them queues it.
  [[nodiscard]] constexpr EventFlags bits() const { return mask_ - modes; }

  /// What a wait reports when the file's bits are `readiness`; empty means that it is not due.
  [[nodiscard]] constexpr EventFlags report(EventFlags readiness) const { return readiness & bits(); }

  /// One-shot silences the whole registration, not just the bits delivered: a socket watched both ways that reports
  /// output stays silent when input comes.
  [[nodiscard]] constexpr AfterReport reported() {
    if (mask_.has(EventFlags::oneshot)) {
      mask_ &= modes;
      return AfterReport::disarm;
    }
    return mask_.has(EventFlags::et) ? AfterReport::leave : AfterReport::requeue;
  }

 private:
  static constexpr EventFlags always = EventFlags::err | EventFlags::hup;
  static constexpr EventFlags modes = EventFlags::et | EventFlags::oneshot | EventFlags::exclusive;

  EventFlags mask_;
  EventData data_;
};

}  // namespace rouse::inline v0::kernel
