// error: EventFlags::exclusive goes only with in, out, err, hup, wakeup and et (EINVAL)
#include <rouse/rouse.hpp>

void add(rouse::Epoll& epoll, const rouse::EventFd& event) {
  using rouse::EventFlags;
#ifdef MISUSE
  epoll.add<EventFlags::in | EventFlags::exclusive | EventFlags::oneshot>(event);
#else
  epoll.add<EventFlags::in | EventFlags::exclusive>(event);
#endif
}
