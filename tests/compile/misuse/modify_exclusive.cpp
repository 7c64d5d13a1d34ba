// error: Epoll::modify: EventFlags::exclusive can only be set by add
#include <rouse/rouse.hpp>

void modify(rouse::Epoll& epoll, const rouse::EventFd& event) {
  using rouse::EventFlags;
#ifdef MISUSE
  epoll.modify<EventFlags::in | EventFlags::exclusive>(event, 1);
#else
  epoll.modify<EventFlags::in>(event, 1);
#endif
}
