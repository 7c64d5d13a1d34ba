// SignalFdFile: signals as records to be read: signalfd(2). It holds no signals, only a mask: what is pending and in it
// is judged for the task that asks, and taken by the one that reads.
//
// All signalfds of the process have one queue (Signals::signalfds), and every signal that becomes pending wakes it
// without a key, whatever the masks.
#pragma once

#include "file.hpp"
#include "signal_record.hpp"
#include "signals.hpp"

#include <sys/signalfd.h>

namespace rouse::inline v0::kernel {

class SignalFdFile final : public File {
 public:
  static constexpr FileKind file_kind{.name = "signalfd", .is_seekable = true, .has_write = false};

  SignalFdFile(std::uint64_t id, int status_flags, SignalSet mask, Signals& signals)
      : File(file_kind, id, status_flags), mask_(mask), signals_(signals) {}

  [[nodiscard]] EventFlags readiness(EventFlags) override {
    return signals_.is_pending_here(mask_) ? EventFlags::in : EventFlags{};
  }

  /// As many records as there are signals and room; what was taken is gone even if there is no place to put it.
  SysResult<std::size_t> read(UserOutput& to) override {
    ::signalfd_siginfo record;
    if (to.left() < sizeof record) return SysResult<std::size_t>::failure(EINVAL);
    while (to.left() >= sizeof record) {
      const std::optional<::siginfo_t> info = signals_.take_here(mask_);
      if (!info) return moved_or(to, SysResult<std::size_t>::failure(EAGAIN));
      record = SignalRecord::of(*info);
      if (!to.poke(&record, sizeof record)) return moved_or(to, SysResult<std::size_t>::failure(EFAULT));
      to.put(&record, sizeof record);
    }
    return to.moved();
  }

  [[nodiscard]] WaitQueue& wait_queue() override { return signals_.signalfds; }
  // All who wait are told of each signal, the last that came first, and race for it.
  [[nodiscard]] WaitStyle wait_style(Direction) const override { return {.key = any_key, .at_head = true}; }

  /// signalfd(2) with an fd that there is: wakes as a signal does.
  void set_mask(SignalSet mask) {
    mask_ = mask;
    signals_.signalfds.wake(any_key);
  }

  [[nodiscard]] SignalSet mask() const { return mask_; }

  // Signals come to tasks, whatever those do.
  [[nodiscard]] Object object() const override { return Object::everything(); }

  [[nodiscard]] std::string describe() const override {
    std::string text = "signals";
    mask_.for_each([&](int signal) { text += ' ' + std::to_string(signal); });
    return text;
  }

 private:
  ~SignalFdFile() override = default;

  SignalSet mask_;
  Signals& signals_;
};

}  // namespace rouse::inline v0::kernel
