// error: EventArray<0> cannot be waited with
#include <rouse/rouse.hpp>

#ifdef MISUSE
rouse::EventArray<0> events;
#else
rouse::EventArray<1> events;
#endif
