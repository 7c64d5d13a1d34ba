// A ping over UDP on Linux: udp_ping --serve ADDRESS:PORT answers, until SIGINT or SIGTERM; udp_ping ADDRESS:PORT
// [COUNT] asks, and ends with status 1 if nobody answered.
#include "udp_ping.hpp"

#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstring>

namespace {

using rouse::LinuxBackend;

int usage() {
  std::fputs("usage: udp_ping --serve ADDRESS:PORT | udp_ping ADDRESS:PORT [COUNT]\n", stderr);
  return 2;
}

int serve(const rouse::Ip& address) {
  const rouse::SignalSet stops = rouse::SignalSet::of(SIGINT, SIGTERM);
  const rouse::SignalBlock block{stops};
  rouse::SignalFd signals{stops};
  example::UdpEcho echo{LinuxBackend{}, address};
  std::printf("listening on udp %s\n", to_string(echo.address()).c_str());
  std::fflush(stdout);
  rouse::Epoll epoll;
  epoll.add(signals, rouse::EventFlags::in);
  epoll.add(echo.fd(), rouse::EventFlags::in);
  rouse::EventArray<2> events;
  for (bool is_stopped = false; !is_stopped;) {
    epoll.wait_restarting(events);
    for (auto [flags, data] : events) {
      if (data.fd() == signals.fd()) {
        // Taken, or it would end us when it is blocked no more.
        is_stopped = signals.try_read().has_value();
      } else {
        echo.answer();
      }
    }
  }
  std::printf("answered %zu\n", echo.answered());
  return 0;
}

int ping(const rouse::Ip& address, std::uint32_t count) {
  example::UdpPing ping{LinuxBackend{}, address, {.count = count, .interval = std::chrono::milliseconds(200)}};
  std::size_t printed = 0;
  while (!ping.is_done()) {
    ping.step();
    for (; printed < ping.results().size(); ++printed) {
      const example::PingResult& result = ping.results()[printed];
      const std::string said = result.round_trip ? example::milliseconds_text(*result.round_trip) + " ms" : "no answer";
      std::printf("%zu: %s, sent %u time(s)\n", printed + 1, said.c_str(), result.attempts);
    }
  }
  std::printf("%s\n", example::summary_of(ping.results()).c_str());
  if (ping.refusals() > 0) std::printf("nobody is there\n");
  return ping.answered() > 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) try {
  const bool serves = argc == 3 && std::strcmp(argv[1], "--serve") == 0;
  if (argc < 2 || argc > 3) return usage();
  const auto address = rouse::Ip::parse(argv[serves ? 2 : 1]);
  if (!address) return usage();
  if (serves) return serve(*address);
  std::uint32_t count = 4;
  if (argc == 3) {
    const char* const end = argv[2] + std::strlen(argv[2]);
    const auto read = std::from_chars(argv[2], end, count);
    if (read.ec != std::errc{} || read.ptr != end || count == 0) return usage();
  }
  return ping(*address, count);
} catch (const std::exception& failure) {
  std::fprintf(stderr, "udp_ping: %s\n", failure.what());
  return 1;
}
