// WakeProbes: sees which files of an emulated kernel wake their queues, and with which keys. A plain waiter that is
// never woken changes nothing for the others.
#pragma once

#include "world.hpp"

#include <map>
#include <memory>

namespace differential {

class WakeProbes {
 public:
  WakeProbes() = default;
  WakeProbes(const WakeProbes&) = delete;
  WakeProbes& operator=(const WakeProbes&) = delete;

  struct Wake {
    std::uint64_t file;
    rouse::EventFlags key;
  };

  /// Forgets all wakes, and sees to it that every open file is watched. Before a call.
  void start(const std::vector<OpenFd>& fds) {
    wakes_.clear();
    for (const OpenFd& open : fds) {
      std::unique_ptr<Probe>& probe = probes_[open.file->id()];
      if (probe != nullptr) continue;
      probe = std::make_unique<Probe>(*this, open.file->id());
      open.file->wait_queue().add_head(*probe);
    }
  }
  /// Forgets the kernel. A queue that went has let its probe go.
  void reset() {
    probes_.clear();
    wakes_.clear();
  }

  /// Of the last call, in order. Wakes of files that the call itself made are not seen.
  [[nodiscard]] const std::vector<Wake>& wakes() const { return wakes_; }
  /// All keys that the file was woken with.
  [[nodiscard]] rouse::EventFlags key_of(std::uint64_t file) const {
    rouse::EventFlags key;
    for (const Wake& wake : wakes_) {
      if (wake.file == file) key |= wake.key;
    }
    return key;
  }

 private:
  class Probe final : public kernel::Waiter {
   public:
    Probe(WakeProbes& owner, std::uint64_t file) : owner_(owner), file_(file) {}

   private:
    bool on_wake(rouse::EventFlags key) override {
      owner_.wakes_.push_back({file_, key});
      return false;
    }

    WakeProbes& owner_;
    const std::uint64_t file_;
  };

  std::map<std::uint64_t, std::unique_ptr<Probe>> probes_;
  std::vector<Wake> wakes_;
};

}  // namespace differential
