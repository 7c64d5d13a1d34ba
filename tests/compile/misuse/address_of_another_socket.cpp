// error: UnixAddress
// error: Ip
#include <rouse/rouse.hpp>

rouse::TcpStream connect(const rouse::UnixAddress& path, const rouse::Ip& endpoint) {
#ifdef MISUSE
  static_cast<void>(endpoint);
  return rouse::TcpStream::connect(path);
#else
  static_cast<void>(path);
  return rouse::TcpStream::connect(endpoint);
#endif
}
