// WakeTable: what all that count rows of the edge-triggered wake table share: files as they were before a call, and
// whether they were woken in it.
#pragma once

#include "kernels.hpp"
#include "wake_probe.hpp"

namespace differential {

class WakeTable {
 protected:
  using EventFlags = rouse::EventFlags;

  /// A file as it was before the call. Nothing is kept of it: the call may be its last.
  struct Seen {
    std::uint64_t id = 0;
    bool is_watched = false;  // By an edge-triggered registration.
    EventFlags bits;
    std::size_t amount = 0;  // A count, slots in use, or the cost of what is on the way from there.
    std::size_t first = 0;   // Bytes in the first slot, or message.
  };

  static Seen see(kernel::File* file) {
    Seen seen;
    if (file == nullptr) return seen;
    seen.id = file->id();
    seen.is_watched = is_watched_for_edges(*file);
    // Asking some kinds of files leaves traces; of sockets, nothing is asked for.
    if (kernel::socket_cast(file) != nullptr) seen.bits = file->readiness({});
    return seen;
  }
  static bool is_watched_for_edges(const kernel::File& file) {
    bool found = false;
    file.watchers.for_each(
        [&found](const kernel::Registration& r) { found = found || r.interest().mask().has(EventFlags::et); });
    return found;
  }

  /// The listeners at which a connection waits.
  static void find_crowded(const std::vector<OpenFd>& fds, std::vector<std::uint64_t>& to) {
    for (const OpenFd& open : fds) {
      if (fits(*open.file, Wants::listener) && open.file->readiness({}).has(EventFlags::in)) {
        to.push_back(open.file->id());
      }
    }
  }

  [[nodiscard]] bool silent(const Seen& file) const { return file.is_watched && probes_->key_of(file.id).empty(); }
  [[nodiscard]] bool woken(const Seen& file, EventFlags key) const {
    return file.is_watched && probes_->key_of(file.id) == key;
  }

  static constexpr EventFlags in_key = EventFlags::in | EventFlags::rdnorm;
  static constexpr EventFlags out_key = EventFlags::out | EventFlags::wrnorm;
  static constexpr EventFlags data_key{EPOLLIN | EPOLLPRI | EPOLLRDNORM | EPOLLRDBAND};
  static constexpr EventFlags room_key{EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND};

  const WakeProbes* probes_ = nullptr;
  Call call_ = Call::close;
  Seen own_;
  Seen peer_;
  bool is_last_ = false;  // No other number stands for the file.
};

}  // namespace differential
