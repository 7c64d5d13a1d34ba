// What poll(2) says of one fd that is asked for every bit.
#pragma once

#include "backends.hpp"

#include <poll.h>

namespace test {

template <class B>
rouse::EventFlags poll_bits(const B& backend, int fd) {
  using rouse::EventFlags;
  constexpr EventFlags all = EventFlags::in | EventFlags::out | EventFlags::pri | EventFlags::rdnorm |
                             EventFlags::rdband | EventFlags::wrnorm | EventFlags::wrband | EventFlags::msg |
                             EventFlags::rdhup;
  ::pollfd entry{fd, static_cast<short>(all.bits), 0};
  static_cast<void>(backend.poll(&entry, 1, 0));
  return EventFlags{static_cast<unsigned short>(entry.revents)};
}

}  // namespace test
