// error: const
// error: EventBuffer
#include <rouse/rouse.hpp>

std::size_t wait(rouse::Epoll& epoll, rouse::EventVec& events) {
#ifdef MISUSE
  const rouse::EventVec& filled = events;
  return epoll.wait(filled);
#else
  return epoll.wait(events);
#endif
}
