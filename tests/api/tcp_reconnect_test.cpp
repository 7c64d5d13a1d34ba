// connect(2) of TCP by a socket that was connected before, to another family or the same.
#include "../support/inet_sockets.hpp"

using namespace rouse;
using F = EventFlags;
using test::failed;
using test::inet_address;

TEMPLATE_LIST_TEST_CASE("TCP reconnect: an IPv6 socket that went to IPv4 does not hear IPv6's first answer",
                        "[tcp][connect]", test::AllBackends) {
  struct Row {
    const char* first;
    const char* then;
    F bits;  ///< At once.
  };
  const Row rows[] = {{"::1", "::1", F::out},
                      {"::1", "::ffff:127.0.0.1", F::out},
                      {"::ffff:127.0.0.1", "::ffff:127.0.0.1", F::out},
                      {"::ffff:127.0.0.1", "::1", F{}}};
  TestType on;
  const test::InetSockets calls{on, SOCK_STREAM, AF_INET6};
  const auto listener = calls.bound(inet_address("::", 0));
  REQUIRE(calls.listen(listener, 50).ok());
  for (const Row& row : rows) {
    CAPTURE(row.first, row.then);
    const auto socket = calls.fresh();
    for (const char* const ip : {row.first, row.then}) {
      REQUIRE(calls.connect(socket, test::unspecified()).ok());
      REQUIRE(calls.connect(socket, inet_address(ip, calls.port(listener))) == failed(EINPROGRESS));
    }
    CHECK(calls.bits(socket) == row.bits);
  }
}
