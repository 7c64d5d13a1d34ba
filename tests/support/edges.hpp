// Edges: what edge-triggered epolls report of one file, each asked for something else.
#pragma once

#include "backends.hpp"

#include <string>
#include <vector>

namespace test {

template <class On>
class Edges {
  using EventFlags = rouse::EventFlags;

 public:
  Edges(On& on, int fd, std::vector<EventFlags> masks) : masks_(std::move(masks)) {
    const rouse::BasicFdRef<typename On::Backend> file{on.backend, fd};
    for (const EventFlags mask : masks_) {
      epolls_.emplace_back(on.backend);
      epolls_.back().add(file, mask | EventFlags::et, 0);
    }
    static_cast<void>(take());  // What was ready already.
  }

  /// What each mask got since the last time: `in | out` as text, or `-` for no event, in the order of the masks.
  std::string take() {
    std::string reports;
    for (auto& epoll : epolls_) {
      rouse::EventArray<2> events;
      epoll.wait(events, rouse::Timeout::now);
      if (!reports.empty()) reports += ' ';
      reports += events.empty() ? "-" : to_string(events[0].flags());
    }
    return reports;
  }

 private:
  std::vector<EventFlags> masks_;
  std::vector<typename Handles<On>::Epoll> epolls_;
};

}  // namespace test
