// error: deleted
// error: BasicEventFd
#include <rouse/rouse.hpp>

rouse::EventFd share(rouse::EventFd& event) {
#ifdef MISUSE
  return event;
#else
  return event.duplicate();
#endif
}
