// connect(2) of TCP by a socket that was connected before, to another family or the same.
#include "../support/inet_sockets.hpp"
#include "../support/wake_keys.hpp"

using namespace rouse;
using F = EventFlags;
using test::failed;
using test::inet_address;

TEMPLATE_LIST_TEST_CASE("TCP reconnect: an IPv6 socket that went to IPv4 does not hear IPv6's first answer",
                        "[tcp][connect]", test::AllBackends) {
  struct Row {
    std::vector<const char*> ips;  ///< One after the other.
    F bits;                        ///< At once.
  };
  const Row rows[] = {{{"::1", "::1"}, F::out},
                      {{"::1", "::ffff:127.0.0.1"}, F::out},
                      {{"::ffff:127.0.0.1", "::ffff:127.0.0.1"}, F::out},
                      {{"::ffff:127.0.0.1", "::1"}, F{}},
                      {{"::ffff:127.0.0.1", "::1", "::1"}, F{}},
                      {{"::ffff:127.0.0.1", "::1", "::ffff:127.0.0.1"}, F::out}};
  TestType on;
  const test::InetSockets calls{on, SOCK_STREAM, AF_INET6};
  const auto listener = calls.bound(inet_address("::", 0));
  REQUIRE(calls.listen(listener, 50).ok());
  for (const Row& row : rows) {
    CAPTURE(row.ips);
    const auto socket = calls.fresh();
    for (const char* const ip : row.ips) {
      REQUIRE(calls.connect(socket, test::unspecified()).ok());
      REQUIRE(calls.connect(socket, inet_address(ip, calls.port(listener))) == failed(EINPROGRESS));
    }
    CHECK(calls.bits(socket) == row.bits);
  }
}

TEMPLATE_LIST_TEST_CASE("TCP reconnect: what bind(2) gave stays, and so do options; a port of the kernel's choice goes",
                        "[tcp][connect]", test::AllBackends) {
  TestType on;
  const test::InetSockets calls{on, SOCK_STREAM};
  const auto listener = calls.listening();
  const auto socket = calls.fresh();
  REQUIRE(calls.set_option(socket, SO_REUSEADDR, 1).ok());
  REQUIRE(calls.bind(socket, calls.here(0)).ok());
  const int port = calls.port(socket);
  REQUIRE(calls.connect(socket, test::unspecified()).ok());
  CHECK(calls.local_ip(socket) == "127.0.0.1");
  CHECK(calls.port(socket) == port);
  CHECK(calls.option(socket, SO_REUSEADDR) == 1);
  REQUIRE(calls.connect(socket, calls.local(listener)) == failed(EINPROGRESS));
  REQUIRE(calls.connect(socket, test::unspecified()).ok());
  CHECK(calls.local_ip(socket) == "127.0.0.1");
  CHECK(calls.port(socket) == port);  // It is shown still, but anybody may have it.
  CHECK(calls.bind(calls.fresh(), calls.here(port)).ok());
  CHECK(calls.option(socket, SO_REUSEADDR) == 1);
}

TEMPLATE_LIST_TEST_CASE("TCP reconnect: who has lost its port takes another one if that has gone", "[tcp][connect]",
                        test::AllBackends) {
  TestType on;
  const test::InetSockets calls{on, SOCK_STREAM};
  const auto listener = calls.listening();
  const auto socket = calls.bound(calls.here(0));
  const int port = calls.port(socket);
  REQUIRE(calls.connect(socket, calls.local(listener)) == failed(EINPROGRESS));
  REQUIRE(calls.connect(socket, test::unspecified()).ok());
  const auto other = calls.bound(calls.here(port));
  REQUIRE(calls.connect(other, calls.local(listener)) == failed(EINPROGRESS));
  CHECK(calls.port(socket) == port);
  CHECK(calls.connect(socket, calls.local(listener)) == failed(EINPROGRESS));
  CHECK(calls.port(socket) != port);
}

TEMPLATE_LIST_TEST_CASE("TCP reconnect: one that was accepted keeps the address that its listener was bound to",
                        "[tcp][connect]", test::AllBackends) {
  TestType on;
  const test::InetSockets calls{on, SOCK_STREAM};
  for (const char* const ip : {"127.0.0.1", "0.0.0.0"}) {
    CAPTURE(ip);
    const auto listener = calls.bound(inet_address(ip, 0));
    REQUIRE(calls.listen(listener, 1).ok());
    const auto client = calls.fresh();
    REQUIRE(calls.connect(client, calls.here(calls.port(listener))) == failed(EINPROGRESS));
    const auto accepted = calls.accepted(listener);
    CHECK(on.backend.fcntl(accepted.get(), F_GETFL, 0).value() == (O_RDWR | O_NONBLOCK));
    REQUIRE(calls.connect(accepted, test::unspecified()).ok());
    CHECK(calls.local_ip(accepted) == ip);
  }
}

TEMPLATE_LIST_TEST_CASE("TCP reconnect: the next connection tells those who wait, too", "[tcp][connect]",
                        test::AllBackends) {
  TestType on;
  const test::InetSockets calls{on, SOCK_STREAM};
  const auto listener = calls.listening();
  const auto socket = calls.client_of(listener);
  REQUIRE(calls.connect(socket, test::unspecified()).ok());
  const auto last = calls.accepted(listener);
  REQUIRE(calls.connect(socket, calls.local(listener)) == failed(EINPROGRESS));
  const auto accepted = calls.accepted(listener);
  test::WakeKeys<TestType> keys{on, socket.get()};
  REQUIRE(calls.send(accepted, "x").ok());
  CHECK(keys.take() == test::data_key);
  CHECK(calls.bits(socket) == (F::in | F::out));
}
