// socket(2) and socketpair(2) of IPv4 and IPv6: which types and protocols there are.
#include "../support/bad_pointers.hpp"
#include "../support/file_limit.hpp"
#include "../support/inet_sockets.hpp"

using namespace rouse;

namespace {

template <class On>
int made(const On& on, int family, int type, int protocol) {
  const auto result = on.backend.socket(family, type, protocol);
  if (result.ok()) REQUIRE(on.backend.close(result.value()).ok());
  return result.error();
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("Inet socket: types and protocols", "[inet][socket]", test::AllBackends) {
  struct Row {
    int type;
    int protocol;
    int error;
    int error_of_pair;
  };
  const Row rows[] = {{SOCK_STREAM, 0, 0, EOPNOTSUPP},
                      {SOCK_STREAM, IPPROTO_TCP, 0, EOPNOTSUPP},
                      {SOCK_STREAM, IPPROTO_UDP, EPROTONOSUPPORT, EPROTONOSUPPORT},
                      {SOCK_STREAM, IPPROTO_IGMP, EPROTONOSUPPORT, EPROTONOSUPPORT},
                      {SOCK_STREAM, 255, EPROTONOSUPPORT, EPROTONOSUPPORT},
                      {SOCK_STREAM, 261, EPROTONOSUPPORT, EPROTONOSUPPORT},
                      {SOCK_STREAM, 263, EINVAL, EINVAL},
                      {SOCK_STREAM, -1, EINVAL, EINVAL},
                      {SOCK_DGRAM, 0, 0, EOPNOTSUPP},
                      {SOCK_DGRAM, IPPROTO_UDP, 0, EOPNOTSUPP},
                      {SOCK_DGRAM, IPPROTO_TCP, EPROTONOSUPPORT, EPROTONOSUPPORT},
                      {SOCK_RAW, 0, EPROTONOSUPPORT, EPROTONOSUPPORT},
                      {SOCK_RAW, 263, EINVAL, EINVAL},
                      {SOCK_RDM, 0, ESOCKTNOSUPPORT, ESOCKTNOSUPPORT},
                      {SOCK_SEQPACKET, 0, ESOCKTNOSUPPORT, ESOCKTNOSUPPORT},
                      {0, 0, ESOCKTNOSUPPORT, ESOCKTNOSUPPORT},
                      {9, 0, ESOCKTNOSUPPORT, ESOCKTNOSUPPORT},
                      {11, -1, EINVAL, EINVAL},
                      {15, 0, EINVAL, EINVAL},
                      {SOCK_STREAM | 0x10, 0, EINVAL, EINVAL}};
  TestType on;
  for (const int family : {AF_INET, AF_INET6}) {
    for (const Row& row : rows) {
      CAPTURE(family, row.type, row.protocol);
      CHECK(made(on, family, row.type, row.protocol) == row.error);
      int pair[2];
      CHECK(on.backend.socketpair(family, row.type, row.protocol, pair).error() == row.error_of_pair);
    }
  }
  CHECK(made(on, 46, SOCK_STREAM, 0) == EAFNOSUPPORT);
  CHECK(made(on, -1, 11, 0) == EAFNOSUPPORT);
  CHECK(made(on, AF_UNSPEC, 11, 0) == EINVAL);
  CHECK(made(on, AF_UNSPEC, SOCK_STREAM, 0) == EAFNOSUPPORT);
}

TEMPLATE_LIST_TEST_CASE("Inet socket: flags", "[inet][socket]", test::AllBackends) {
  TestType on;
  for (const int type : {SOCK_STREAM, SOCK_DGRAM}) {
    for (const int flags : {0, int{SOCK_NONBLOCK}, int{SOCK_CLOEXEC}, SOCK_NONBLOCK | SOCK_CLOEXEC}) {
      CAPTURE(type, flags);
      const typename test::Handles<TestType>::OwnedFd fd{on.backend,
                                                         on.backend.socket(AF_INET, type | flags, 0).value()};
      CHECK((on.backend.fcntl(fd.get(), F_GETFL, 0).value() & O_NONBLOCK) == (flags & SOCK_NONBLOCK));
      CHECK(on.backend.fcntl(fd.get(), F_GETFD, 0).value() == ((flags & SOCK_CLOEXEC) != 0 ? FD_CLOEXEC : 0));
    }
  }
}

TEMPLATE_LIST_TEST_CASE("Inet socket: nobody waits in the queue of errors", "[inet][socket]", test::AllBackends) {
  TestType on;
  for (const int family : {AF_INET, AF_INET6}) {
    for (const int type : {SOCK_STREAM, SOCK_DGRAM}) {
      const test::InetSockets calls{on, type, family};
      const auto blocking = calls.fresh(0);
      for (const std::size_t n : {std::size_t{0}, std::size_t{8}}) {
        CAPTURE(family, type, n);
        CHECK(calls.receive(blocking, n, MSG_ERRQUEUE) == test::nothing(EAGAIN));
      }
    }
  }
}

TEST_CASE("Inet socket: what the unprivileged may not have, and what is not modelled", "[inet][socket][emulated]") {
  test::OnEmulated on;
  CHECK(made(on, AF_INET, SOCK_PACKET, 0) == EPERM);
  CHECK(made(on, AF_INET6, SOCK_PACKET, 0) == ESOCKTNOSUPPORT);
  CHECK(made(on, AF_INET, SOCK_RAW, IPPROTO_TCP) == EPERM);
  CHECK(made(on, AF_INET, SOCK_DGRAM, IPPROTO_ICMP) == EACCES);
  CHECK(made(on, AF_INET6, SOCK_DGRAM, IPPROTO_ICMP) == EPROTONOSUPPORT);
  CHECK(made(on, AF_INET6, SOCK_DGRAM, IPPROTO_ICMPV6) == EACCES);
  CHECK(made(on, AF_INET, SOCK_DGRAM, IPPROTO_ICMPV6) == EPROTONOSUPPORT);
  CHECK_THROWS_AS(made(on, AF_INET, SOCK_STREAM, IPPROTO_MPTCP), kernel::NotModelled);
  CHECK_THROWS_AS(made(on, AF_INET6, SOCK_DGRAM, IPPROTO_UDPLITE), kernel::NotModelled);
  CHECK_THROWS_AS(made(on, AF_APPLETALK, SOCK_STREAM, 0), kernel::NotModelled);
}

TEST_CASE("Inet socket: a dump says what it is", "[inet][dump][emulated]") {
  test::OnEmulated on;
  test::InetSockets tcp{on, SOCK_STREAM};
  test::InetSockets udp{on, SOCK_DGRAM, AF_INET6};
  const auto listener = tcp.listening();
  const auto client = tcp.client_of(listener);
  const auto another = tcp.client_of(listener);
  const auto accepted = tcp.accepted(listener);
  const auto fresh = tcp.fresh();
  const auto a = udp.bound();
  const auto b = udp.fresh();
  REQUIRE(tcp.send(client, "abc").ok());
  REQUIRE(tcp.shutdown(client, SHUT_WR).ok());
  REQUIRE(udp.connect(a, udp.here(9)).ok());
  REQUIRE(udp.shutdown(a, SHUT_RDWR).ok());
  const std::string text = dump(on.kernel);
  const auto says = [&](const std::string& line) { return text.find(line + ", non-blocking\n") != std::string::npos; };
  CHECK(says("tcp socket (file 4): listening at 127.0.0.1:32769, 1 pending"));
  CHECK(
      says("tcp socket (file 5): fin wait 1 at 127.0.0.1:32768, peer 127.0.0.1:32769, 0 bytes to read, 0 on the way, "
           "write shut"));
  CHECK(
      says("tcp socket (file 7): close wait at 127.0.0.1:32769, peer 127.0.0.1:32768, 3 bytes to read, 0 on the way, "
           "read shut"));
  CHECK(says("tcp socket (file 8): closed, 0 bytes to read, 0 on the way"));
  CHECK(says("udp socket (file 9): at [::1]:32768, peer [::1]:9, 0 datagrams to read, read shut, write shut"));
  CHECK(says("udp socket (file 10): unbound, 0 datagrams to read"));
  CAPTURE(text);
  CHECK(text.find("tcp") != std::string::npos);
}
