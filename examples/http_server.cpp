// An HTTP/1.1 server on Linux: http_server [ADDRESS:PORT]..., until SIGINT or SIGTERM; 127.0.0.1:8080 if none is named.
// Ends with status 0 if all that was in flight could be finished.
#include "http_server.hpp"

#include "http_site.hpp"

#include <cstdio>
#include <vector>

int main(int argc, char** argv) try {
  std::vector<rouse::Ip> addresses;
  for (int i = 1; i < argc; ++i) {
    const auto address = rouse::Ip::parse(argv[i]);
    if (!address) {
      std::fputs("usage: http_server [ADDRESS:PORT]...   such as 127.0.0.1:8080 or [::1]:0; 0: one that is free\n",
                 stderr);
      return 2;
    }
    addresses.push_back(*address);
  }
  if (addresses.empty()) addresses.push_back(rouse::Ipv4::loopback(8080));

  example::HttpServer server{rouse::LinuxBackend{}, example::demo_site};
  for (const rouse::Ip& address : addresses) {
    std::printf("listening on http://%s/\n", to_string(server.listen(address)).c_str());
  }
  std::fflush(stdout);
  server.run();
  std::printf("served %zu connections, cut off %zu\n", server.served(), server.cut_off());
  return server.cut_off() == 0 ? 0 : 1;
} catch (const std::exception& failure) {
  std::fprintf(stderr, "http_server: %s\n", failure.what());
  return 1;
}
