// error: this option of a socket can only be asked for
#include <rouse/rouse.hpp>

void set(rouse::TcpStream& stream) {
#ifdef MISUSE
  stream.set(rouse::option::accepting, true);
#else
  static_cast<void>(stream.get(rouse::option::accepting));
#endif
}
