// WakeKeys: which key a file wakes its waiters with. An edge shows only what is ready as well; this shows the key
// alone.
#pragma once

#include "backends.hpp"

#include <vector>

namespace test {

/// For each bit there is an inner epoll that watches the file for it, beside something that is always ready. The outer
/// epoll gets an edge whenever an inner one was told something, whether or not the file is ready.
template <class On>
class WakeKeys {
  using EventFlags = rouse::EventFlags;

 public:
  /// What `take` returns for a wakeup that means anything.
  static constexpr EventFlags any = EventFlags::in | EventFlags::out | EventFlags::pri | EventFlags::rdnorm |
                                    EventFlags::rdband | EventFlags::wrnorm | EventFlags::wrband | EventFlags::rdhup |
                                    EventFlags::msg | EventFlags::err | EventFlags::hup;

  WakeKeys(On& on, int fd) : always_(on.backend, 1), outer_(on.backend) {
    const rouse::BasicFdRef<typename On::Backend> file{on.backend, fd};
    for (const EventFlags bit : bits) {
      inner_.emplace_back(on.backend);
      inner_.back().add(always_, EventFlags::in, 0);
      inner_.back().add(file, bit, 0);
      outer_.add(inner_.back(), EventFlags::in | EventFlags::et, std::uint64_t{bit.bits});
    }
    static_cast<void>(take());
  }

  /// The keys since the last time, together; empty if there was no wakeup.
  EventFlags take() {
    EventFlags key;
    rouse::EventVec events{std::size(bits)};
    outer_.wait(events, rouse::Timeout::now);
    for (const auto& [flags, bit] : events) {
      // Whoever asks for nothing is still told of errors and hang-ups.
      key |= bit.u64() != 0 ? EventFlags{static_cast<std::uint32_t>(bit.u64())} : EventFlags::err | EventFlags::hup;
    }
    return key;
  }

 private:
  static constexpr EventFlags bits[] = {EventFlags::in,     EventFlags::out,    EventFlags::pri,    EventFlags::rdnorm,
                                        EventFlags::rdband, EventFlags::wrnorm, EventFlags::wrband, EventFlags::rdhup,
                                        EventFlags::msg,    EventFlags{}};

  typename Handles<On>::EventFd always_;
  typename Handles<On>::Epoll outer_;
  std::vector<typename Handles<On>::Epoll> inner_;
};

}  // namespace test
