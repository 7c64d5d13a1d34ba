// error: this handle has no such option: it is of another kind of socket
#include <rouse/rouse.hpp>

void set(rouse::TcpStream& tcp, rouse::UnixStream& local) {
#ifdef MISUSE
  static_cast<void>(tcp);
  local.set(rouse::option::no_delay, true);
#else
  static_cast<void>(local);
  tcp.set(rouse::option::no_delay, true);
#endif
}
