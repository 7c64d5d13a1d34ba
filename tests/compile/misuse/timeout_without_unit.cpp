// error: a bare number has no unit; give a std::chrono duration, Timeout::now or Timeout::never
#include <rouse/rouse.hpp>

std::size_t wait(rouse::Epoll& epoll, rouse::EventVec& events) {
#ifdef MISUSE
  return epoll.wait(events, 100);
#else
  return epoll.wait(events, rouse::Timeout::now);
#endif
}
