// error: MessageBackend
#include <rouse/rouse.hpp>

#include <string_view>

// A backend of the user's that moves one buffer at a time.
struct Mine : rouse::LinuxBackend {
  void sendmsg() const;
};

using namespace std::string_view_literals;

void send(rouse::BasicTcpStream<Mine>& stream) {
#ifdef MISUSE
  const rouse::ConstBuffer parts[] = {"a"sv, "b"sv};
  stream.send(parts);
#else
  stream.send("ab"sv);
#endif
}
