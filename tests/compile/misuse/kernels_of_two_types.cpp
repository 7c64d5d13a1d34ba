// error: no matching
// error: BasicFdRef
#include <rouse/backend/emulated.hpp>
#include <rouse/rouse.hpp>

using rouse::EmulatedBackend;

void add(rouse::BasicEpoll<EmulatedBackend>& epoll, const rouse::EventFd& real,
         const rouse::BasicEventFd<EmulatedBackend>& emulated) {
#ifdef MISUSE
  static_cast<void>(emulated);
  epoll.add(real, rouse::EventFlags::in);
#else
  static_cast<void>(real);
  epoll.add(emulated, rouse::EventFlags::in);
#endif
}
