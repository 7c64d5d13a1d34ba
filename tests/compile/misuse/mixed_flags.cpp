// error: EventFlags
// error: EventFdFlags
// error: operator|
#include <rouse/rouse.hpp>

rouse::EventFlags both() {
#ifdef MISUSE
  return rouse::EventFlags::in | rouse::EventFdFlags::semaphore;
#else
  return rouse::EventFlags::in | rouse::EventFlags::out;
#endif
}
