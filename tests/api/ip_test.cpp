#include "rouse/ip.hpp"

#include "../support/catch.hpp"

#include <sstream>

using namespace rouse;

namespace {

template <class T>
std::string streamed(const T& value) {
  std::ostringstream out;
  out << value;
  return out.str();
}

/// The raw form and back.
template <class Address>
std::optional<Address> through_raw(const Address& address) {
  const auto raw = address.raw();
  return Address::from_raw(raw.data(), raw.size());
}

}  // namespace

TEST_CASE("Ipv4Address: a value of four bytes", "[ip]") {
  STATIC_REQUIRE(Ipv4Address{} == Ipv4Address::any());
  STATIC_REQUIRE(Ipv4Address::loopback() == Ipv4Address{{127, 0, 0, 1}});
  STATIC_REQUIRE(Ipv4Address(1, 2, 3, 4).bytes()[3] == 4);
  STATIC_REQUIRE(Ipv4Address(1, 2, 3, 4) < Ipv4Address(1, 2, 4, 0));
  STATIC_REQUIRE(Ipv4Address(200, 0, 0, 0) > Ipv4Address(3, 0, 0, 0));
  STATIC_REQUIRE(Ipv4Address::any().is_any());
  STATIC_REQUIRE_FALSE(Ipv4Address::loopback().is_any());
  STATIC_REQUIRE(Ipv4Address(127, 9, 9, 9).is_loopback());
  STATIC_REQUIRE_FALSE(Ipv4Address(128, 0, 0, 1).is_loopback());
  STATIC_REQUIRE(Ipv4Address(224, 0, 0, 1).is_multicast());
  STATIC_REQUIRE(Ipv4Address(239, 255, 0, 1).is_multicast());
  STATIC_REQUIRE_FALSE(Ipv4Address::broadcast().is_multicast());
  CHECK(to_string(Ipv4Address::broadcast()) == "255.255.255.255");
  CHECK(streamed(Ipv4Address(192, 0, 2, 1)) == "192.0.2.1");
  CHECK(Ipv4Address::parse("192.0.2.1") == Ipv4Address(192, 0, 2, 1));
  const std::string_view wrong[] = {"",           "localhost",       "1.2.3",    "1.2.3.4.5", "1.2.3.256",
                                    "::1",        " 1.2.3.4",        "1.2.3.4 ", "01.2.3.4",  {"1.2.3.4\0x", 9},
                                    "1.2.3.4:80", "1111111.2.3.4567"};
  for (const std::string_view text : wrong) {
    CAPTURE(text);
    CHECK_FALSE(Ipv4Address::parse(text));
  }
}

TEST_CASE("Ipv4: an address and a port", "[ip]") {
  constexpr Ipv4 endpoint{Ipv4Address{192, 0, 2, 1}, 8080};
  STATIC_REQUIRE(endpoint.port() == 8080);
  STATIC_REQUIRE(endpoint.address() == Ipv4Address{192, 0, 2, 1});
  STATIC_REQUIRE(endpoint.with_port(1) == Ipv4{endpoint.address(), 1});
  STATIC_REQUIRE(endpoint.with_port(1) < endpoint);
  STATIC_REQUIRE(Ipv4{} == Ipv4::any(0));
  STATIC_REQUIRE(Ipv4::loopback(7) != Ipv4::any(7));
  CHECK(to_string(endpoint) == "192.0.2.1:8080");
  CHECK(streamed(endpoint) == "192.0.2.1:8080");
  CHECK(Ipv4::parse("192.0.2.1:8080") == endpoint);
  CHECK(Ipv4::parse("0.0.0.0:0") == Ipv4::any(0));
  CHECK(Ipv4::parse("127.0.0.1:65535") == Ipv4::loopback(65535));
  const std::string_view wrong[] = {"",
                                    ":",
                                    ":80",
                                    "127.0.0.1",
                                    "127.0.0.1:",
                                    "127.0.0.1:65536",
                                    "127.0.0.1:-1",
                                    "127.0.0.1:+1",
                                    "127.0.0.1: 1",
                                    "127.0.0.1:1x",
                                    "[127.0.0.1]:80",
                                    "127.0.0.1::80",
                                    "[::1]:80",
                                    "host:80",
                                    "127.0.0.1:0x50"};
  for (const std::string_view text : wrong) {
    CAPTURE(text);
    CHECK_FALSE(Ipv4::parse(text));
  }
}

TEST_CASE("Ipv6Address: a value of sixteen bytes and a scope", "[ip]") {
  constexpr Ipv6Address local{{0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}};
  STATIC_REQUIRE(Ipv6Address{} == Ipv6Address::any());
  STATIC_REQUIRE(Ipv6Address::any().is_any());
  STATIC_REQUIRE(Ipv6Address::loopback().is_loopback());
  STATIC_REQUIRE_FALSE(Ipv6Address::loopback().is_any());
  STATIC_REQUIRE(Ipv6Address::loopback().bytes()[15] == 1);
  STATIC_REQUIRE(local.is_link_local());
  STATIC_REQUIRE_FALSE(Ipv6Address::loopback().is_link_local());
  STATIC_REQUIRE(Ipv6Address{{0xff, 2}}.is_multicast());
  STATIC_REQUIRE_FALSE(local.is_multicast());
  STATIC_REQUIRE(local.scope() == 0);
  STATIC_REQUIRE(local.with_scope(3).scope() == 3);
  STATIC_REQUIRE(local.with_scope(3) != local);
  STATIC_REQUIRE(local < local.with_scope(1));
  STATIC_REQUIRE(Ipv6Address::loopback() < local);
  CHECK(to_string(local) == "fe80::1");
  CHECK(streamed(Ipv6Address::any()) == "::");
  CHECK(Ipv6Address::parse("::1") == Ipv6Address::loopback());
  CHECK(Ipv6Address::parse("fe80:0:0::1") == local);
  for (const std::string_view text :
       {"", "[::1]", "1.2.3.4", "::1::", ":::", "12345::", "::1 ", "::1%", "::1%no such interface", "%1",
        "0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000"}) {
    CAPTURE(text);
    CHECK_FALSE(Ipv6Address::parse(text));
  }
  CHECK_FALSE(Ipv6Address::parse(std::string_view("::1\0x", 5)));
  CHECK_FALSE(Ipv6Address::parse(std::string_view("::1%1\0x", 7)));
}

TEST_CASE("Ipv6Address: a scope is the name of an interface, or its number", "[ip]") {
  const Ipv6Address local = *Ipv6Address::parse("fe80::1");
  CHECK(Ipv6Address::parse("fe80::1%4000000000") == local.with_scope(4000000000));
  CHECK(to_string(local.with_scope(4000000000)) == "fe80::1%4000000000");
  CHECK_FALSE(Ipv6Address::parse("fe80::1%4294967296"));
  char name[IF_NAMESIZE] = {};
  if (::if_indextoname(1, name) == nullptr) return;  // A machine without interfaces.
  const std::string text = std::string("fe80::1%") + name;
  CHECK(Ipv6Address::parse(text) == local.with_scope(1));
  CHECK(Ipv6Address::parse("fe80::1%1") == local.with_scope(1));
  CHECK(to_string(local.with_scope(1)) == text);
  CHECK(Ipv6::parse('[' + text + "]:80") == Ipv6{local.with_scope(1), 80});
  CHECK(to_string(Ipv6{local.with_scope(1), 80}) == '[' + text + "]:80");
}

TEST_CASE("Ipv6Address: IPv4 addresses inside", "[ip]") {
  constexpr Ipv6Address mapped = Ipv6Address::mapped({192, 0, 2, 1});
  STATIC_REQUIRE(mapped.unmapped() == Ipv4Address{192, 0, 2, 1});
  STATIC_REQUIRE(Ipv6Address::loopback().unmapped() == std::nullopt);
  CHECK(to_string(mapped) == "::ffff:192.0.2.1");
  CHECK(Ipv6Address::parse("::ffff:192.0.2.1") == mapped);
}

TEST_CASE("Ipv6: an address and a port", "[ip]") {
  constexpr Ipv6 endpoint{Ipv6Address::loopback(), 80};
  STATIC_REQUIRE(endpoint == Ipv6::loopback(80));
  STATIC_REQUIRE(endpoint.with_port(81).port() == 81);
  STATIC_REQUIRE(endpoint < endpoint.with_port(81));
  STATIC_REQUIRE(Ipv6::any(1).address().is_any());
  STATIC_REQUIRE(Ipv6{} == Ipv6::any(0));
  CHECK(to_string(endpoint) == "[::1]:80");
  CHECK(streamed(Ipv6::any(0)) == "[::]:0");
  CHECK(Ipv6::parse("[::1]:80") == endpoint);
  for (const std::string_view text : {"", "::1:80", "[::1]", "[::1]:", "[::1]80", "[::1]:65536", "[::1:80", "::1]:80",
                                      "[127.0.0.1]:80", "127.0.0.1:80", "[[::1]]:80", "[]:80", " [::1]:80"}) {
    CAPTURE(text);
    CHECK_FALSE(Ipv6::parse(text));
  }
}

TEST_CASE("Ip: one of the two", "[ip]") {
  constexpr Ip v4 = Ipv4::loopback(80);
  constexpr Ip v6 = Ipv6::loopback(80);
  STATIC_REQUIRE(Ip{} == Ipv4::any(0));
  STATIC_REQUIRE(v4.version() == IpVersion::v4);
  STATIC_REQUIRE(v6.version() == IpVersion::v6);
  STATIC_REQUIRE(v4.v4() == Ipv4::loopback(80));
  STATIC_REQUIRE(v4.v6() == std::nullopt);
  STATIC_REQUIRE(v6.v6() == Ipv6::loopback(80));
  STATIC_REQUIRE(v6.v4() == std::nullopt);
  STATIC_REQUIRE(v4.port() == 80);
  STATIC_REQUIRE(v6.port() == 80);
  STATIC_REQUIRE(v4.with_port(1) == Ipv4::loopback(1));
  STATIC_REQUIRE(v6.with_port(1) == Ipv6::loopback(1));
  STATIC_REQUIRE(Ip::any(IpVersion::v6, 3) == Ipv6::any(3));
  STATIC_REQUIRE(Ip::any(IpVersion::v4, 3) == Ipv4::any(3));
  STATIC_REQUIRE(Ip::loopback(IpVersion::v6, 80) == v6);
  STATIC_REQUIRE(Ip::loopback(IpVersion::v4, 80) == v4);
  STATIC_REQUIRE(v4 != v6);
  STATIC_REQUIRE(v4 < v6);
  STATIC_REQUIRE(v4 != Ip{Ipv6{Ipv6Address::mapped(Ipv4Address::loopback()), 80}});
  CHECK(Ip::parse("127.0.0.1:80") == v4);
  CHECK(Ip::parse("[::1]:80") == v6);
  CHECK_FALSE(Ip::parse("localhost:80"));
  CHECK(streamed(v4) == "127.0.0.1:80");
  CHECK(to_string(v6) == "[::1]:80");
}

TEST_CASE("Ip: to a SocketAddress and back", "[ip][socket_address]") {
  const Ipv4 v4{Ipv4Address{192, 0, 2, 1}, 8080};
  const Ipv6 v6{Ipv6Address::parse("fe80::1")->with_scope(3), 8080};
  CHECK(through_raw(v4) == v4);
  CHECK(through_raw(v6) == v6);
  CHECK(through_raw(Ip{v4}) == v4);
  CHECK(through_raw(Ip{v6}) == v6);
  const SocketAddress from_v4 = v4;
  CHECK(from_v4 == *SocketAddress::ipv4("192.0.2.1", 8080));
  CHECK(SocketAddress{Ip{v4}} == from_v4);
  CHECK(from_v4.as<Ipv4>() == v4);
  CHECK(from_v4.as<Ip>() == v4);
  CHECK(from_v4.as<SocketAddress>() == from_v4);
  CHECK_FALSE(from_v4.as<Ipv6>());
  const SocketAddress from_v6 = v6;
  CHECK(from_v6.family() == AF_INET6);
  CHECK(to_string(from_v6) == to_string(v6));
  CHECK(SocketAddress{Ip{v6}} == from_v6);
  CHECK(from_v6.as<Ipv6>() == v6);
  CHECK(from_v6.as<Ip>() == v6);
  CHECK_FALSE(from_v6.as<Ipv4>());
  CHECK(SocketAddress{Ipv6::loopback(1)} == *SocketAddress::ipv6("::1", 1));
  for (const SocketAddress& other : {SocketAddress{}, *SocketAddress::unix_path("a")}) {
    CHECK_FALSE(other.as<Ip>());
    CHECK_FALSE(other.as<Ipv4>());
    CHECK_FALSE(other.as<Ipv6>());
  }
  SocketAddress cut = from_v6;
  cut.set_size(sizeof(::sockaddr_in6) - 1);
  CHECK_FALSE(cut.as<Ip>());
  cut = from_v4;
  cut.set_size(sizeof(::sockaddr_in) - 1);
  CHECK_FALSE(cut.as<Ip>());
  CHECK_FALSE(SocketAddress::from_raw(from_v4.data(), SocketAddress::capacity() + 1));
}
