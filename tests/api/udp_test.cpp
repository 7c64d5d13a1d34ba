// UDP sockets: who gets a datagram, what of it, and whom it says it is from.
#include "../support/bad_pointers.hpp"
#include "../support/inet_sockets.hpp"
#include "../support/messages.hpp"

using namespace rouse;
using F = EventFlags;
using test::failed;
using test::inet_address;
using test::nothing;
using test::text;
using test::unsent;

namespace {

/// Two sockets, each at a port of its own.
template <class On>
struct Two {
  using Fd = typename test::InetSockets<On>::Fd;

  explicit Two(int family = AF_INET) : calls{on, SOCK_DGRAM, family} {}

  On on;
  test::InetSockets<On> calls;
  Fd a = calls.bound();
  Fd b = calls.bound();
  std::string at_a = calls.local(a);
  std::string at_b = calls.local(b);
};

}  // namespace

TEMPLATE_LIST_TEST_CASE("UDP: datagrams come whole, in order, and from somebody", "[udp]", test::AllBackends) {
  for (const int family : {AF_INET, AF_INET6}) {
    CAPTURE(family);
    Two<TestType> t{family};
    CHECK(t.calls.all_bits(t.a) == (F::out | F::wrnorm | F::wrband));
    CHECK(t.calls.receive(t.b) == nothing(EAGAIN));
    CHECK(t.calls.send_to(t.a, "abc", t.at_b) == std::size_t{3});
    CHECK(t.calls.send_to(t.a, "", t.at_b) == std::size_t{0});
    CHECK(t.calls.send_to(t.a, "defgh", t.at_b) == std::size_t{5});
    CHECK(t.calls.in_flight(t.a) == 0);
    CHECK(t.calls.all_bits(t.b) == (F::in | F::rdnorm | F::out | F::wrnorm | F::wrband));
    CHECK(t.calls.readable(t.b) == 3);
    char bytes[10];
    const auto told = test::told(
        100, [&](::sockaddr* from, ::socklen_t* n) { return t.on.backend.recvfrom(t.b.get(), bytes, 10, 0, from, n); });
    CHECK(told.result == std::size_t{3});
    CHECK(told.written == t.at_a);
    CHECK(t.calls.readable(t.b) == 0);
    CHECK(t.calls.bits(t.b) == (F::in | F::out));
    CHECK(t.calls.receive(t.b) == text(""));
    CHECK(t.calls.receive(t.b, 2, MSG_PEEK) == text("de"));
    CHECK(t.calls.receive(t.b, 2, MSG_TRUNC) == test::Received{5, "de"});
    CHECK(t.calls.send_to(t.a, "ij", t.at_b) == std::size_t{2});
    CHECK(t.calls.send_to(t.a, "kl", t.at_b) == std::size_t{2});
    CHECK(test::receive_message(t.on.backend, t.b.get(), 2, 0).flags == 0);
    CHECK(test::receive_message(t.on.backend, t.b.get(), 1, 0).flags == MSG_TRUNC);
    CHECK(t.calls.receive(t.b) == nothing(EAGAIN));
  }
}

TEMPLATE_LIST_TEST_CASE("UDP: flags of receive", "[udp][flags]", test::AllBackends) {
  Two<TestType> t;
  REQUIRE(t.calls.send_to(t.a, "abcdef", t.at_b).ok());
  CHECK(t.calls.receive(t.b, 2, MSG_PEEK | MSG_TRUNC) == test::Received{6, "ab"});
  CHECK(t.calls.receive(t.b, 2, MSG_ERRQUEUE) == nothing(EAGAIN));
  const test::GotMessage got = test::receive_message(t.on.backend, t.b.get(), 4, 0, MSG_PEEK);
  CHECK(got.bytes == "abcd");
  CHECK(got.flags == MSG_TRUNC);
  CHECK(t.calls.receive(t.b, 4, MSG_OOB | MSG_WAITALL) == text("abcd"));
  CHECK(t.calls.receive(t.b) == nothing(EAGAIN));
  REQUIRE(t.calls.send_to(t.a, "abc", t.at_b).ok());
  CHECK(t.calls.receive(t.b, 0) == text(""));
  CHECK(t.calls.receive(t.b) == nothing(EAGAIN));
}

TEMPLATE_LIST_TEST_CASE("UDP: sent from nowhere, it comes from a port that nobody had", "[udp]", test::AllBackends) {
  for (const int family : {AF_INET, AF_INET6}) {
    CAPTURE(family);
    Two<TestType> t{family};
    const auto fresh = t.calls.fresh();
    REQUIRE(t.calls.send_to(fresh, "x", t.at_b).ok());
    CHECK(t.calls.local_ip(fresh) == t.calls.any());
    const int port = t.calls.port(fresh);
    CHECK(port != 0);
    char byte;
    const auto told = test::told(
        100, [&](::sockaddr* from, ::socklen_t* n) { return t.on.backend.recvfrom(t.b.get(), &byte, 1, 0, from, n); });
    CHECK(told.written == t.calls.here(port));
  }
}

TEMPLATE_LIST_TEST_CASE("UDP: connected, it hears one peer only", "[udp][connect]", test::AllBackends) {
  Two<TestType> t;
  const auto other = t.calls.bound();
  REQUIRE(t.calls.send_to(other, "early", t.at_a).ok());
  CHECK(t.calls.peer(t.a).empty());
  CHECK(t.calls.connect(t.a, t.at_b).ok());
  CHECK(t.calls.peer(t.a) == t.at_b);
  REQUIRE(t.calls.send_to(other, "late", t.at_a).ok());
  REQUIRE(t.calls.send_to(t.b, "from b", t.at_a).ok());
  CHECK(t.calls.receive(t.a) == text("early"));  // What was there stays.
  CHECK(t.calls.receive(t.a) == text("from b"));
  CHECK(t.calls.receive(t.a) == nothing(EAGAIN));
  CHECK(t.calls.send(t.a, "to b") == std::size_t{4});
  CHECK(t.calls.receive(t.b) == text("to b"));
  CHECK(t.calls.send_to(t.a, "to other", t.calls.local(other)).ok());
  CHECK(t.calls.receive(other) == text("to other"));
  CHECK(t.calls.connect(t.a, t.calls.local(other)).ok());
  CHECK(t.calls.peer(t.a) == t.calls.local(other));
  CHECK(t.calls.connect(t.a, std::string(2, '\0')).ok());
  CHECK(t.calls.peer(t.a).empty());
  CHECK(t.calls.local(t.a) == t.calls.here(0));  // bind(2) chose the address, but not the port.
  CHECK(t.calls.send(t.a, "x") == unsent(EDESTADDRREQ));
}

TEMPLATE_LIST_TEST_CASE("UDP: a peer without a port is all of its machine", "[udp][connect]", test::AllBackends) {
  Two<TestType> t;
  REQUIRE(t.calls.connect(t.a, t.calls.here(0)).ok());
  CHECK(t.calls.send_to(t.b, "x", t.at_a).ok());
  CHECK(t.calls.receive(t.a) == text("x"));
  const auto elsewhere = t.calls.bound(inet_address("127.0.0.2", 0));
  CHECK(t.calls.send_to(elsewhere, "x", t.at_a).ok());
  CHECK(t.calls.receive(t.a) == nothing(EAGAIN));
}

TEMPLATE_LIST_TEST_CASE("UDP: writing several buffers sends one datagram", "[udp]", test::AllBackends) {
  Two<TestType> t;
  REQUIRE(t.calls.connect(t.a, t.at_b).ok());
  char bytes[] = "abc";
  const ::iovec parts[] = {{bytes, 2}, {bytes + 2, 1}};
  CHECK(t.on.backend.writev(t.a.get(), parts, 2) == std::size_t{3});
  CHECK(t.calls.receive(t.b) == text("abc"));
}

TEMPLATE_LIST_TEST_CASE("UDP: connect gives an address, and AF_UNSPEC takes it", "[udp][connect]", test::AllBackends) {
  Two<TestType> t;
  const auto fresh = t.calls.fresh();
  CHECK(t.calls.connect(fresh, t.at_b).ok());
  std::string loopback_of_none = t.at_a;
  std::memset(loopback_of_none.data(), AF_UNSPEC, sizeof(::sa_family_t));
  CHECK(t.calls.send_to(fresh, "x", loopback_of_none).ok());
  CHECK(t.calls.receive(t.a) == text("x"));
  CHECK(t.calls.local_ip(fresh) == "127.0.0.1");
  CHECK(t.calls.port(fresh) != 0);
  CHECK(t.calls.connect(fresh, test::unspecified()).ok());
  CHECK(t.calls.local(fresh) == inet_address("0.0.0.0", 0));
  CHECK(t.calls.bind(fresh, t.calls.here(0)).ok());
  for (const char* ip : {"127.0.0.5", "0.0.0.0", "255.255.255.255", "224.0.0.1"}) {
    CAPTURE(ip);
    const auto fd = t.calls.bound(inet_address(ip, 0));
    const int port = t.calls.port(fd);
    REQUIRE(t.calls.connect(fd, t.at_b).ok());
    CHECK(t.calls.local(fd) == inet_address(std::string(ip) == "0.0.0.0" ? "127.0.0.1" : ip, port));
    REQUIRE(t.calls.connect(fd, test::unspecified()).ok());
    CHECK(t.calls.local_ip(fd) == ip);
  }
}

TEMPLATE_LIST_TEST_CASE("UDP: IPv6 goes on comparing with the address of the peer that a socket had", "[udp][connect]",
                        test::AllBackends) {
  TestType on;
  const test::InetSockets calls{on, SOCK_DGRAM, AF_INET6};
  const auto sender = calls.bound();
  const std::string here = calls.nobody();
  const int port = test::port_in(here);
  const std::string any = inet_address("::", port);
  const auto shared = [&] {
    auto fd = calls.fresh();
    REQUIRE(calls.set_option(fd, SO_REUSEADDR, 1).ok());
    REQUIRE(calls.bind(fd, any).ok());
    return fd;
  };
  const auto first = shared();
  const auto have_had = [&](const std::string& peer) {
    REQUIRE(calls.connect(first, peer).ok());
    REQUIRE(calls.connect(first, test::unspecified()).ok());
    REQUIRE(calls.local(first) == any);
  };
  const auto arrives = [&](const auto& at) {
    REQUIRE(calls.send_to(sender, "x", here).ok());
    return calls.receive(at).result.ok();
  };
  SECTION("of IPv4, so that nobody's reaches it any more but IPv4's") {
    have_had(inet_address("127.0.0.1", 9));
    CHECK_FALSE(arrives(first));
    const test::InetSockets four{on, SOCK_DGRAM};
    REQUIRE(four.send_to(four.bound(inet_address("127.0.0.2", 0)), "x", four.here(port)).ok());
    CHECK(calls.receive(first) == text("x"));
    have_had(inet_address("::1", 9));
    CHECK(arrives(first));
  }
  SECTION("of the sender, so that it is the one that gets it") {
    have_had(inet_address("::1", 9));
    const auto second = shared();
    CHECK(arrives(first));
    REQUIRE(calls.connect(second, calls.local(sender)).ok());
    CHECK(arrives(second));
  }
}

TEMPLATE_LIST_TEST_CASE("UDP: which of several gets it", "[udp]", test::AllBackends) {
  TestType on;
  test::InetSockets calls{on, SOCK_DGRAM};
  test::InetSockets calls6{on, SOCK_DGRAM, AF_INET6};
  const auto sender = calls.bound();
  const auto shared = [&](const auto& by, const std::string& address, int option = SO_REUSEADDR) {
    auto fd = by.fresh();
    REQUIRE(by.set_option(fd, option, 1).ok());
    REQUIRE(by.bind(fd, address).ok());
    return fd;
  };
  const auto gets = [&](const auto& fd) { return calls.receive(fd).result.ok(); };
  SECTION("the one with just this address, before any address") {
    const auto any = shared(calls, inet_address("0.0.0.0", 0));
    const int port = calls.port(any);
    const auto exact = shared(calls, calls.here(port));
    const auto other_any = shared(calls, inet_address("0.0.0.0", port));
    REQUIRE(calls.send_to(sender, "x", calls.here(port)).ok());
    CHECK(gets(exact));
    CHECK_FALSE(gets(any));
    CHECK_FALSE(gets(other_any));
    REQUIRE(calls.send_to(sender, "x", inet_address("127.0.0.2", port)).ok());
    CHECK(gets(other_any));
  }
  SECTION("the one of the family") {
    const auto six = shared(calls6, inet_address("::", 0));
    const int port = calls6.port(six);
    const auto four = shared(calls, inet_address("0.0.0.0", port));
    REQUIRE(calls.send_to(sender, "x", calls.here(port)).ok());
    CHECK(gets(four));
    CHECK_FALSE(gets(six));
    const auto other_six = shared(calls6, inet_address("::", port));
    REQUIRE(calls.send_to(sender, "x", calls.here(port)).ok());
    CHECK(gets(four));
    CHECK_FALSE(gets(other_six));
  }
  SECTION("the one that is connected to the sender") {
    const auto first = shared(calls, calls.here(0));
    REQUIRE(calls.connect(first, calls.local(sender)).ok());
    const auto second = shared(calls, calls.local(first));
    REQUIRE(calls.send_to(sender, "x", calls.local(first)).ok());
    CHECK(gets(first));
    CHECK_FALSE(gets(second));
  }
  SECTION("of IPv6, too, the one that was bound last") {
    const auto first = shared(calls6, inet_address("::1", 0));
    const auto second = shared(calls6, calls6.local(first));
    REQUIRE(calls6.send_to(calls6.fresh(), "x", calls6.local(first)).ok());
    CHECK(gets(second));
    CHECK_FALSE(gets(first));
  }
  SECTION("the one that was bound last") {
    const auto first = shared(calls, calls.here(0));
    const auto second = shared(calls, calls.local(first));
    REQUIRE(calls.send_to(sender, "x", calls.local(first)).ok());
    CHECK_FALSE(gets(first));
    CHECK(gets(second));
  }
  SECTION("or any of equals, but always the same for one sender") {
    const auto first = shared(calls, calls.here(0), SO_REUSEPORT);
    const auto second = shared(calls, calls.local(first), SO_REUSEPORT);
    int to_first = 0;
    for (int i = 0; i < 40; ++i) {
      const auto from = calls.bound();
      REQUIRE(calls.send_to(from, "x", calls.local(first)).ok());
      REQUIRE(calls.send_to(from, "x", calls.local(first)).ok());
      const bool is_first = gets(first);
      CHECK(gets(is_first ? first : second));
      CHECK(gets(second) != is_first);
      while (gets(second)) continue;
      to_first += is_first ? 1 : 0;
    }
    CHECK(to_first > 0);
    CHECK(to_first < 40);
  }
}

TEMPLATE_LIST_TEST_CASE("UDP: an IPv6 socket talks to IPv4", "[udp]", test::AllBackends) {
  Two<TestType> four;
  test::InetSockets calls{four.on, SOCK_DGRAM, AF_INET6};
  const auto six = calls.bound(inet_address("::", 0));
  const int port = calls.port(six);
  CHECK(calls.send_to(six, "mapped", inet_address("::ffff:127.0.0.1", four.calls.port(four.a))).ok());
  CHECK(calls.send_to(six, "plain", four.at_a).ok());
  CHECK(four.calls.receive(four.a) == text("mapped"));
  CHECK(four.calls.receive(four.a) == text("plain"));
  REQUIRE(four.calls.send_to(four.a, "x", four.calls.here(port)).ok());
  char byte;
  const auto told = test::told(
      100, [&](::sockaddr* from, ::socklen_t* n) { return four.on.backend.recvfrom(six.get(), &byte, 1, 0, from, n); });
  CHECK(told.written == inet_address("::ffff:127.0.0.1", four.calls.port(four.a)));
  CHECK(calls.connect(six, four.at_a).ok());
  CHECK(test::ip_in(calls.peer(six)) == "::ffff:127.0.0.1");
  CHECK(calls.send(six, "connected").ok());
  CHECK(four.calls.receive(four.a) == text("connected"));
  // An address of no family is the peer.
  const auto other = calls.bound();
  const auto fresh = calls.fresh();
  REQUIRE(calls.connect(fresh, calls.local(other)).ok());
  for (const std::size_t size : {std::size_t{2}, sizeof(::sockaddr_in6)}) {
    CHECK(calls.send_to(fresh, "to the peer", std::string(size, '\0')).ok());
    CHECK(calls.receive(other) == text("to the peer"));
    if constexpr (TestType::is_emulated) CHECK(calls.send_to(six, "x", std::string(size, '\0')) == unsent(ENETUNREACH));
  }
}

TEMPLATE_LIST_TEST_CASE("UDP: shut, it says so, and what comes is still read", "[udp][shutdown]", test::AllBackends) {
  Two<TestType> t;
  CHECK(t.calls.shutdown(t.a, 3) == failed(EINVAL));
  CHECK(t.calls.shutdown(t.a, -1) == failed(EINVAL));
  REQUIRE(t.calls.connect(t.a, t.at_b).ok());
  REQUIRE(t.calls.shutdown(t.a, SHUT_RD).ok());
  CHECK(t.calls.bits(t.a) == (F::in | F::out | F::rdhup));
  CHECK(t.calls.receive(t.a) == nothing(EAGAIN));
  REQUIRE(t.calls.send_to(t.b, "late", t.at_a).ok());
  CHECK(t.calls.receive(t.a) == text("late"));
  CHECK(t.calls.send(t.a, "x").ok());
  REQUIRE(t.calls.shutdown(t.a, SHUT_WR).ok());
  CHECK(t.calls.bits(t.a) == (F::in | F::out | F::hup | F::rdhup));
  CHECK(t.calls.shutdown(t.a, SHUT_RD).ok());
  CHECK(t.calls.send(t.a, "x") == unsent(EPIPE));
  CHECK(t.calls.send_to(t.a, "", t.at_b) == unsent(EPIPE));
  REQUIRE(t.calls.connect(t.a, test::unspecified()).ok());
  CHECK(t.calls.bits(t.a) == (F::in | F::out | F::hup | F::rdhup));
  CHECK(t.calls.shutdown(t.b, SHUT_WR) == failed(ENOTCONN));
  CHECK(t.calls.bits(t.b) == (F::in | F::out));
  CHECK(t.calls.send_to(t.b, "x", t.at_a) == unsent(EPIPE));
}

TEMPLATE_LIST_TEST_CASE("UDP: a blocking receive of who has shut for reading returns", "[udp][shutdown]",
                        test::AllBackends) {
  TestType on;
  test::InetSockets calls{on, SOCK_DGRAM};
  const auto fd = calls.bound(0);
  CHECK(calls.shutdown(fd, SHUT_RD) == failed(ENOTCONN));
  CHECK(calls.receive(fd) == text(""));
  CHECK(calls.receive(fd, 10, MSG_DONTWAIT) == nothing(EAGAIN));
  char byte;
  CHECK(on.backend.read(fd.get(), &byte, 1) == std::size_t{0});
}

TEMPLATE_LIST_TEST_CASE("UDP: a socket sends to itself", "[udp]", test::AllBackends) {
  Two<TestType> t;
  CHECK(t.calls.connect(t.a, t.at_a).ok());
  CHECK(t.calls.send(t.a, "me") == std::size_t{2});
  CHECK(t.calls.receive(t.a) == text("me"));
}

TEMPLATE_LIST_TEST_CASE("UDP: the port that an IPv4 socket is given when it sends is none of IPv6's", "[udp]",
                        test::AllBackends) {
  TestType on;
  const test::InetSockets v4{on, SOCK_DGRAM};
  const test::InetSockets v6{on, SOCK_DGRAM, AF_INET6};
  const auto sender = v4.fresh();
  REQUIRE(v4.send_to(sender, "x", v4.here(9)).ok());
  const auto other = v6.fresh();
  REQUIRE(v6.connect(other, inet_address("::1", v4.port(sender))).ok());
  REQUIRE(v6.send(other, "x").ok());
  CHECK(v4.receive(sender) == nothing(EAGAIN));
  CHECK(v6.receive(other) == nothing(ECONNREFUSED));
}

TEMPLATE_LIST_TEST_CASE("UDP: those who share a port by SO_REUSEPORT share it with nobody who only reuses the address",
                        "[udp][options]", test::AllBackends) {
  TestType on;
  const test::InetSockets calls{on, SOCK_DGRAM};
  using Fd = typename test::InetSockets<TestType>::Fd;
  std::string at = calls.here(0);
  std::vector<Fd> sockets;
  for (const bool shares : {false, true, true}) {
    sockets.push_back(calls.fresh());
    REQUIRE(calls.set_option(sockets.back(), SO_REUSEADDR, 1).ok());
    if (shares) REQUIRE(calls.set_option(sockets.back(), SO_REUSEPORT, 1).ok());
    REQUIRE(calls.bind(sockets.back(), at).ok());
    at = calls.local(sockets.back());
  }
  for (int i = 0; i < 20; ++i) REQUIRE(calls.send_to(calls.fresh(), "x", at).ok());
  CHECK(calls.receive(sockets[0]) == nothing(EAGAIN));
}
