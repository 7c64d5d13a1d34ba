// error: deleted
// error: BasicFdRef
// error: &&
#include <rouse/rouse.hpp>

void add(rouse::Epoll& epoll, rouse::EventFd& event) {
#ifdef MISUSE
  static_cast<void>(event);
  epoll.add(rouse::EventFd(), rouse::EventFlags::in);
#else
  epoll.add(event, rouse::EventFlags::in);
#endif
}
