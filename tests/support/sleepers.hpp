// Threads that are asleep in epoll_wait, for cases that say who is woken.
#pragma once

#include "events.hpp"
#include "threads.hpp"

#include <algorithm>

namespace test {

/// A thread that is asleep in a wait, and returns what that reports.
template <class On, class Epoll>
Worker<Events> asleep_in(On& on, Epoll& epoll, std::size_t max = 4) {
  auto worker = on.spawn([&epoll, max] {
    rouse::EventVec events{max};
    epoll.wait(events);
    return Events(events.begin(), events.end());
  });
  on.wait_until_blocked(worker);
  return worker;
}

/// So many of them, in the order in which they fell asleep.
template <class On, class Epoll>
std::vector<Worker<Events>> asleep_in(On& on, Epoll& epoll, int n, std::size_t max) {
  std::vector<Worker<Events>> workers;
  for (int i = 0; i < n; ++i) workers.push_back(asleep_in(on, epoll, max));
  return workers;
}

/// All of these are asleep, not just on their way to return.
template <class On>
[[nodiscard]] bool are_asleep(On& on, std::vector<Worker<Events>>& workers) {
  for (auto& worker : workers) on.wait_until_blocked(worker);
  return std::none_of(workers.begin(), workers.end(), [](const auto& worker) { return worker.is_done(); });
}

}  // namespace test
