// The handle UdpSocket, over the loopback device.
#include "../support/death.hpp"
#include "../support/events.hpp"
#include "../support/tcp_pair.hpp"
#include "../support/thrown.hpp"

#include <numeric>
#include <type_traits>

using namespace rouse;
using namespace std::string_view_literals;
using test::bytes_from;
using test::Handles;
using test::stale;
using test::system_error;
using test::thrown_by;

namespace {

/// Two sockets on the loopback device. What is sent over that is received at once.
template <class On>
struct Two {
  using SocketHere = typename Handles<On>::UdpSocket;

  On on;
  SocketHere a = SocketHere::bound_to(on.backend, Ipv4::loopback(0));
  SocketHere b = SocketHere::bound_to(on.backend, Ipv4::loopback(0));
  Ip address_a = a.local_address();
  Ip address_b = b.local_address();
};

}  // namespace

TEMPLATE_LIST_TEST_CASE("UdpSocket: datagrams come whole, in order, and from somebody", "[udp]", test::AllBackends) {
  Two<TestType> s;
  using Got = Received<Ip>;
  char bytes[10];
  CHECK(s.a.send_to(s.address_b, "abc"sv) == 3);
  CHECK(s.a.send_to(s.address_b, ""sv) == 0);
  std::error_code ec = stale();
  CHECK(s.a.send_to(s.address_b, "de"sv, ec) == 2);
  CHECK_FALSE(ec);
  CHECK(s.a.try_send_to(s.address_b, "f"sv) == 1);
  ec = stale();
  CHECK(s.a.try_send_to(s.address_b, "g"sv, ec) == 1);
  CHECK_FALSE(ec);
  CHECK(s.b.receive_from(bytes) == Got{3, s.address_a, 3});
  CHECK(std::string(bytes, 3) == "abc");
  CHECK(s.b.receive_from(bytes) == Got{0, s.address_a, 0});
  ec = stale();
  CHECK(s.b.receive_from(bytes, ec) == Got{2, s.address_a, 2});
  CHECK_FALSE(ec);
  CHECK(s.b.try_receive_from(bytes) == Got{1, s.address_a, 1});
  ec = stale();
  CHECK(s.b.try_receive_from(bytes, ec) == Got{1, s.address_a, 1});
  CHECK_FALSE(ec);
  CHECK(bytes[0] == 'g');
  CHECK(s.b.try_receive_from(bytes) == std::nullopt);
  ec = stale();
  CHECK(s.b.try_receive_from(bytes, ec) == std::nullopt);
  CHECK_FALSE(ec);
}

TEMPLATE_LIST_TEST_CASE("UdpSocket: what does not fit is lost, and said to be", "[udp]", test::AllBackends) {
  Two<TestType> s;
  using Got = Received<Ip>;
  char few[2];
  s.a.send_to(s.address_b, "abcde"sv);
  CHECK(s.b.unread() == 5);
  CHECK(s.b.receive_from(few, MessageFlags::peek) == Got{2, s.address_a, 5});
  const Got got = s.b.receive_from(few);
  CHECK(got == Got{2, s.address_a, 5});
  CHECK(got.is_truncated());
  CHECK(std::string(few, 2) == "ab");
  CHECK(s.b.try_receive_from(few) == std::nullopt);
  s.a.send_to(s.address_b, "ab"sv);
  CHECK_FALSE(s.b.receive_from(few).is_truncated());
}

TEMPLATE_LIST_TEST_CASE("UdpSocket: a datagram goes out of several buffers and into several", "[udp][vectors]",
                        test::AllBackends) {
  Two<TestType> s;
  using Got = Received<Ip>;
  const ConstBuffer parts[] = {"ab"sv, ""sv, "cde"sv};
  char first[1], second[3];
  const MutableBuffer into[] = {first, second};
  std::error_code ec = stale();
  CHECK(s.a.send_to(s.address_b, parts) == 5);
  CHECK(s.a.send_to(s.address_b, parts, {}, ec) == 5);
  CHECK_FALSE(ec);
  CHECK(s.a.try_send_to(s.address_b, parts) == 5);
  ec = stale();
  CHECK(s.a.try_send_to(s.address_b, parts, {}, ec) == 5);
  CHECK_FALSE(ec);
  CHECK(s.b.receive_from(into) == Got{4, s.address_a, 5});
  CHECK(std::string(first, 1) + std::string(second, 3) == "abcd");
  ec = stale();
  CHECK(s.b.receive_from(into, {}, ec) == Got{4, s.address_a, 5});
  CHECK_FALSE(ec);
  CHECK(s.b.try_receive_from(into) == Got{4, s.address_a, 5});
  ec = stale();
  CHECK(s.b.try_receive_from(into, {}, ec) == Got{4, s.address_a, 5});
  CHECK_FALSE(ec);
  CHECK(s.b.try_receive_from(into) == std::nullopt);
  CHECK(s.b.try_receive_from(into, {}, ec) == std::nullopt);
}

TEMPLATE_LIST_TEST_CASE("UdpSocket: a connected one hears one peer, and that nobody is there", "[udp][errors]",
                        test::AllBackends) {
  Two<TestType> s;
  s.a.connect(s.address_b);
  CHECK(s.a.peer_address() == s.address_b);
  CHECK(s.a.send("abc"sv) == 3);
  CHECK(bytes_from(s.b) == "abc");
  auto other = Two<TestType>::SocketHere::bound_to(s.on.backend, Ipv4::loopback(0));
  other.send_to(s.address_a, "x"sv);
  CHECK(s.a.try_receive_from(MutableBuffer{nullptr, 0}) == std::nullopt);
  s.b.close();
  const std::string fd = std::to_string(s.a.fd());
  char bytes[10];
  std::error_code ec;
  s.a.send("x"sv);
  SECTION("a receive says so") {
    CHECK(thrown_by([&] { s.a.receive(bytes); }) == "recv(fd " + fd + "): Connection refused");
  }
  SECTION("a receive_from says so") {
    CHECK(s.a.receive_from(bytes, ec) == Received<Ip>{});
    CHECK(ec == system_error(ECONNREFUSED));
  }
  SECTION("a send says so, and sends nothing") {
    CHECK(thrown_by([&] { s.a.send("x"sv); }) == "send(fd " + fd + "): Connection refused");
  }
  SECTION("it is taken away by asking") { CHECK(s.a.take_error() == ECONNREFUSED); }
  CHECK(s.a.try_receive(bytes) == std::nullopt);
  s.a.disconnect();
  static_cast<void>(s.a.peer_address(ec));
  CHECK(ec == system_error(ENOTCONN));
  s.a.send_to(s.address_b, "x"sv);
  CHECK(s.a.try_receive(bytes) == std::nullopt);
}

TEMPLATE_LIST_TEST_CASE("UdpSocket: what cannot be sent", "[udp][errors]", test::AllBackends) {
  Two<TestType> s;
  std::error_code ec;
  const std::string fd = std::to_string(s.a.fd());
  const std::string much(65508, 'x');
  CHECK(thrown_by([&] { s.a.send_to(s.address_b, much); }) == "sendto(fd " + fd + "): Message too long");
  CHECK(s.a.send_to(s.address_b, much, ec) == 0);
  CHECK(ec == system_error(EMSGSIZE));
  CHECK(s.a.try_send_to(s.address_b, much, ec) == std::nullopt);
  CHECK(ec == system_error(EMSGSIZE));
  s.a.send("x"sv, ec);
  CHECK(ec == system_error(EDESTADDRREQ));
  s.a.connect(Ipv4{Ipv4Address::broadcast(), 80}, ec);
  CHECK(ec);
  CHECK_FALSE(s.a.get(option::broadcast));
  s.a.set(option::broadcast, true);
  CHECK(s.a.get(option::broadcast));
  s.a.disconnect(ec);
  CHECK_FALSE(ec);
}

TEMPLATE_LIST_TEST_CASE("UdpSocket: it is bound by the kernel, by a call, or as it is made", "[udp]",
                        test::AllBackends) {
  using SocketHere = typename Handles<TestType>::UdpSocket;
  Two<TestType> s;
  const TestType& on = s.on;
  SocketHere fresh{on.backend, IpVersion::v4};
  CHECK(fresh.local_address() == Ipv4::any(0));
  fresh.send_to(s.address_a, "x"sv);
  char bytes[1];
  CHECK(s.a.receive_from(bytes).from.port() == fresh.local_address().port());
  std::error_code ec;
  SocketHere later = SocketHere::create(on.backend, IpVersion::v4, default_socket_flags, ec);
  later.bind(Ipv4::loopback(0), ec);
  CHECK_FALSE(ec);
  CHECK(later.local_address().port() != 0);
  CHECK(thrown_by([&] { later.bind(Ipv4::loopback(0)); }) ==
        "bind(fd " + std::to_string(later.fd()) + "): Invalid argument");
  CHECK_FALSE(SocketHere::bound_to(on.backend, s.address_a, {}, ec).is_open());
  CHECK(ec == system_error(EADDRINUSE));
  CHECK(thrown_by([&] { static_cast<void>(SocketHere::bound_to(on.backend, s.address_a)); }).find("bind(fd ") == 0);
  const SocketHere shared =
      SocketHere::bound_to(on.backend, Ipv4::loopback(0), {.reuse_address = true, .reuse_port = true});
  CHECK(shared.get(option::reuse_address));
  CHECK(shared.get(option::type) == SocketType::datagram);
  CHECK(SocketHere::bound_to(on.backend, shared.local_address(), {.reuse_port = true}).is_open());
}

TEMPLATE_LIST_TEST_CASE("UdpSocket: IPv6", "[udp]", test::AllBackends) {
  TestType on;
  using SocketHere = typename Handles<TestType>::UdpSocket;
  if (!test::has_ipv6(on)) return;
  SocketHere a = SocketHere::bound_to(on.backend, Ipv6::loopback(0), {.v6_only = true});
  SocketHere b = SocketHere::bound_to(on.backend, Ipv6::loopback(0));
  CHECK(a.get(option::v6_only));
  CHECK(a.get(option::domain) == SocketDomain::ipv6);
  b.send_to(a.local_address(), "abc"sv);
  char bytes[10];
  CHECK(a.receive_from(bytes) == Received<Ip>{3, b.local_address(), 3});
}

TEMPLATE_LIST_TEST_CASE("UdpSocket: misuse says what is wrong", "[udp][death]", test::AllBackends) {
  if (!test::assertions_are_on) return;
  Two<TestType> s;
  const auto moved = std::move(s.a);
  const std::string closed = "UdpSocket: used while closed or after being moved from";
  char bytes[1];
  CHECK(test::last_words([&] { s.a.send_to(s.address_b, "x"sv); }).find(closed) != std::string::npos);
  CHECK(test::last_words([&] { static_cast<void>(s.a.try_receive_from(bytes)); }).find(closed) != std::string::npos);
  CHECK(test::last_words([&] { s.a.disconnect(); }).find(closed) != std::string::npos);
}
