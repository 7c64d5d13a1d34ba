// An echo server on Linux: echo_server [--tcp PORT] [--unix PATH], until SIGINT or SIGTERM.
#include "echo_server.hpp"

#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <string>
#include <string_view>
#include <unistd.h>

namespace {

using Server = example::EchoServer<rouse::LinuxBackend>;

Server* server_to_stop = nullptr;

void stop(int) {
  const int saved = errno;
  server_to_stop->stop();
  errno = saved;
}

int usage() {
  std::fputs("usage: echo_server [--tcp PORT] [--unix PATH]   (port 0: one that is free)\n", stderr);
  return 2;
}

/// Starts to listen on what an option says; false if it makes no sense.
bool listen(Server& server, std::string_view option, std::string_view value) {
  if (option == "--tcp") {
    std::uint16_t port = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), port);
    if (error != std::errc{} || end != value.data() + value.size()) return false;
    std::printf("listening on tcp %s\n", to_string(server.listen(rouse::SocketAddress::ipv4_loopback(port))).c_str());
    return true;
  }
  const auto address = rouse::SocketAddress::unix_path(value);
  if (option != "--unix" || !address) return false;
  std::printf("listening on unix %s\n", to_string(server.listen(*address)).c_str());
  return true;
}

}  // namespace

int main(int argc, char** argv) try {
  Server server{rouse::LinuxBackend{}};
  server_to_stop = &server;
  std::signal(SIGINT, stop);
  std::signal(SIGTERM, stop);

  if (argc < 3 || argc % 2 == 0) return usage();
  for (int i = 1; i < argc; i += 2) {
    if (!listen(server, argv[i], argv[i + 1])) return usage();
  }
  std::fflush(stdout);
  server.run();

  for (int i = 1; i < argc; i += 2) {
    if (std::strcmp(argv[i], "--unix") == 0) ::unlink(argv[i + 1]);
  }
  std::printf("served %zu connections\n", server.served());
} catch (const std::exception& failure) {
  std::fprintf(stderr, "echo_server: %s\n", failure.what());
  return 1;
}
