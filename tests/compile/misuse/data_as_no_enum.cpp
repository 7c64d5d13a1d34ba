// error: EventData::as<T>() wants an enumeration; see u64(), fd() and ptr<T>()
#include <rouse/rouse.hpp>

enum class Who { me };

void read(rouse::EventData data) {
#ifdef MISUSE
  static_cast<void>(data.as<int>());
#else
  static_cast<void>(data.as<Who>());
#endif
}
