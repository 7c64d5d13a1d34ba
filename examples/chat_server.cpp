// A chat on Linux: chat_server PATH, or @NAME for an abstract one, until SIGINT or SIGTERM. Talk to it by nc -U PATH.
#include "chat_server.hpp"

#include <cstdio>

int main(int argc, char** argv) try {
  const auto address = argc == 2 ? rouse::UnixAddress::parse(argv[1]) : std::nullopt;
  if (!address) {
    std::fputs("usage: chat_server PATH | @NAME\n", stderr);
    return 2;
  }
  example::ChatServer server{rouse::LinuxBackend{}, *address};
  std::printf("listening on unix %s\n", to_string(*address).c_str());
  std::fflush(stdout);
  server.run();
} catch (const std::exception& failure) {
  std::fprintf(stderr, "chat_server: %s\n", failure.what());
  return 1;
}
