// Events: what an epoll reports, as a list to be compared whole: flags and data, in order.
#pragma once

#include "backends.hpp"

#include <vector>

namespace test {

using Events = std::vector<rouse::Event>;

/// What a wait that does not block reports.
template <class B>
Events reported(rouse::BasicEpoll<B>& epoll, std::size_t max = 16) {
  rouse::EventVec events{max};
  epoll.wait(events, rouse::Timeout::now);
  return {events.begin(), events.end()};
}

}  // namespace test
