// connect(2) of TCP and UDP sockets: to whom, by what address of their own.
#include "../support/inet_sockets.hpp"

using namespace rouse;
using test::failed;
using test::inet_address;

TEMPLATE_LIST_TEST_CASE("Inet connect: the any address is the loopback of what the socket is bound to",
                        "[inet][connect]", test::AllBackends) {
  TestType on;
  struct Row {
    int family;
    const char* own;
    const char* target;
    const char* peer;
  };
  const Row rows[] = {
      {AF_INET6, "::ffff:127.0.0.2", "::", "::ffff:127.0.0.1"},
      {AF_INET6, "::1", "::", "::1"},
      {AF_INET6, "::", "::", "::1"},
      {AF_INET6, "::", "::ffff:0.0.0.0", "::ffff:127.0.0.1"},
      {AF_INET, "127.0.0.2", "0.0.0.0", "127.0.0.2"},
      {AF_INET6, "::ffff:127.0.0.2", "::ffff:0.0.0.0", "::ffff:127.0.0.2"},
      {AF_INET6, "::1", "::ffff:0.0.0.0", ""},
      {AF_INET, "0.0.0.0", "0.0.0.0", "127.0.0.1"},
      {AF_INET, "255.255.255.255", "0.0.0.0", "127.0.0.1"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.own, row.target);
    test::InetSockets calls{on, SOCK_DGRAM, row.family};
    const auto fd = calls.bound(inet_address(row.own, 0));
    CHECK(calls.connect(fd, inet_address(row.target, 9)).ok() == (*row.peer != '\0'));
    CHECK(test::ip_in(calls.peer(fd)) == row.peer);
  }
}

TEMPLATE_LIST_TEST_CASE("Inet connect: a socket bound to IPv4 stays one of IPv4's when its connection is over",
                        "[inet][connect]", test::AllBackends) {
  TestType on;
  for (const int type : {SOCK_STREAM, SOCK_DGRAM}) {
    CAPTURE(type);
    const test::InetSockets six{on, type, AF_INET6};
    const test::InetSockets four{on, type};
    const auto server = four.bound();
    if (type == SOCK_STREAM) REQUIRE(four.listen(server, 1).ok());
    const auto fd = six.bound(inet_address("::ffff:127.0.0.1", 0));
    const std::string nobody = inet_address("::ffff:127.0.0.1", test::port_in(four.nobody()));
    REQUIRE(six.connect(fd, nobody).error() == (type == SOCK_STREAM ? EINPROGRESS : 0));
    if (type == SOCK_STREAM) CHECK(six.connect(fd, nobody) == failed(ECONNREFUSED));
    REQUIRE(six.connect(fd, std::string(28, '\0')).ok());
    REQUIRE(six.connect(fd, inet_address("::", four.port(server))).error() == (type == SOCK_STREAM ? EINPROGRESS : 0));
    CHECK(test::ip_in(six.peer(fd)) == "::ffff:127.0.0.1");
  }
}
