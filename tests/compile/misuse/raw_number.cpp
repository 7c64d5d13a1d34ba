// error: no matching
// error: add
#include <rouse/rouse.hpp>

void add(rouse::Epoll& epoll, int fd) {
#ifdef MISUSE
  epoll.add(fd, rouse::EventFlags::in);
#else
  epoll.add(rouse::FdRef(fd), rouse::EventFlags::in);
#endif
}
