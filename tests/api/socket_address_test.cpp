#include "rouse/socket_address.hpp"

#include "../support/catch.hpp"

#include <sstream>

using rouse::SocketAddress;

namespace {

/// The bytes that the kernel is given.
std::string bytes(const SocketAddress& address) {
  return {reinterpret_cast<const char*>(address.data()), address.size()};
}

std::string streamed(const SocketAddress& address) {
  std::ostringstream out;
  out << address;
  return out.str();
}

/// What a syscall would have filled in.
SocketAddress filled(const std::string& raw) {
  SocketAddress address;
  std::memcpy(address.data(), raw.data(), raw.size());
  address.set_size(static_cast<::socklen_t>(raw.size()));
  return address;
}

std::string unix_raw(const std::string& name) {
  const ::sa_family_t family = AF_UNIX;
  return std::string(reinterpret_cast<const char*>(&family), sizeof family) + name;
}

}  // namespace

TEST_CASE("SocketAddress: made from nothing, it is none", "[socket_address]") {
  constexpr auto capacity = SocketAddress::capacity();
  const SocketAddress none;
  CHECK(none.family() == AF_UNSPEC);
  CHECK(none.size() == 0);
  CHECK(none.port() == 0);
  CHECK(capacity == sizeof(::sockaddr_storage));
  CHECK(to_string(none) == "family 0");
  CHECK(none == SocketAddress{});
}

TEST_CASE("SocketAddress: a path is counted with its end", "[socket_address]") {
  const auto address = SocketAddress::unix_path("/run/rouse");
  REQUIRE(address);
  CHECK(address->family() == AF_UNIX);
  CHECK(bytes(*address) == unix_raw(std::string("/run/rouse") + '\0'));
  CHECK(address->port() == 0);
  CHECK(to_string(*address) == "/run/rouse");
  CHECK(streamed(*address) == "/run/rouse");
}

TEST_CASE("SocketAddress: a path that does not fit, or would be cut, is refused", "[socket_address]") {
  CHECK_FALSE(SocketAddress::unix_path(""));
  CHECK_FALSE(SocketAddress::unix_path(std::string(108, 'x')));
  CHECK_FALSE(SocketAddress::unix_path(std::string_view{"a\0b", 3}));
  CHECK_FALSE(SocketAddress::unix_path(std::string_view{"a\0", 2}));
  CHECK_FALSE(SocketAddress::unix_path(std::string_view{"\0a", 2}));
  const auto longest = SocketAddress::unix_path(std::string(107, 'x'));
  REQUIRE(longest);
  CHECK(longest->size() == sizeof(::sockaddr_un));
  CHECK(to_string(*longest) == std::string(107, 'x'));
}

TEST_CASE("SocketAddress: an abstract name is any bytes, and counted without an end", "[socket_address]") {
  const std::string nul(1, '\0');
  const auto address = SocketAddress::unix_abstract("rouse");
  REQUIRE(address);
  CHECK(address->family() == AF_UNIX);
  CHECK(bytes(*address) == unix_raw(nul + "rouse"));
  CHECK(to_string(*address) == "@rouse");

  const auto with_nul = SocketAddress::unix_abstract("a" + nul + "b");
  REQUIRE(with_nul);
  CHECK(bytes(*with_nul) == unix_raw(nul + "a" + nul + "b"));
  CHECK(to_string(*with_nul) == "@a@b");  // As /proc/net/unix has it.
  CHECK(streamed(*with_nul) == "@a@b");

  const auto empty = SocketAddress::unix_abstract("");
  REQUIRE(empty);
  CHECK(empty->size() == 3);
  CHECK(to_string(*empty) == "@");

  const auto longest = SocketAddress::unix_abstract(std::string(107, 'x'));
  REQUIRE(longest);
  CHECK(longest->size() == sizeof(::sockaddr_un));
  CHECK_FALSE(SocketAddress::unix_abstract(std::string(108, 'x')));
}

TEST_CASE("SocketAddress: a unix address from a syscall may be shorter or longer", "[socket_address]") {
  CHECK(to_string(filled(unix_raw(""))) == "unnamed");
  CHECK(filled(unix_raw("")).family() == AF_UNIX);
  CHECK(to_string(filled(unix_raw("path"))) == "path");
  CHECK(to_string(filled(unix_raw(std::string("path\0rest", 9)))) == "path");
  // The longest path that bind(2) takes has no end, and getsockname(2) adds one.
  const SocketAddress longest = filled(unix_raw(std::string(108, 'x') + '\0'));
  CHECK(longest.size() == 111);
  CHECK(to_string(longest) == std::string(108, 'x'));
}

TEST_CASE("SocketAddress: IPv4", "[socket_address]") {
  const auto address = SocketAddress::ipv4("192.0.2.1", 8080);
  REQUIRE(address);
  CHECK(address->family() == AF_INET);
  CHECK(address->size() == sizeof(::sockaddr_in));
  CHECK(address->port() == 8080);
  CHECK(to_string(*address) == "192.0.2.1:8080");
  ::sockaddr_in raw;
  std::memcpy(&raw, address->data(), sizeof raw);
  CHECK(raw.sin_port == htons(8080));
  CHECK(raw.sin_addr.s_addr == htonl(0xc0000201));
  CHECK(*SocketAddress::ipv4("127.0.0.1", 7) == SocketAddress::ipv4_loopback(7));
  for (const char* wrong : {"", "localhost", "1.2.3", "1.2.3.4.5", "1.2.3.256", "::1", " 1.2.3.4"}) {
    CAPTURE(wrong);
    CHECK_FALSE(SocketAddress::ipv4(wrong, 1));
  }
}

TEST_CASE("SocketAddress: IPv6", "[socket_address]") {
  const auto address = SocketAddress::ipv6("2001:db8:0:0::1", 65535);
  REQUIRE(address);
  CHECK(address->family() == AF_INET6);
  CHECK(address->size() == sizeof(::sockaddr_in6));
  CHECK(address->port() == 65535);
  CHECK(to_string(*address) == "[2001:db8::1]:65535");
  CHECK(to_string(*SocketAddress::ipv6("::", 0)) == "[::]:0");
  for (const char* wrong : {"", "[::1]", "1.2.3.4", "::1::", "fe80::1%lo"}) {
    CAPTURE(wrong);
    CHECK_FALSE(SocketAddress::ipv6(wrong, 1));
  }
}

TEST_CASE("SocketAddress: two are equal if their bytes are", "[socket_address]") {
  const SocketAddress all[] = {
      SocketAddress{},
      *SocketAddress::unix_path("a"),
      *SocketAddress::unix_path("b"),
      *SocketAddress::unix_path("ab"),
      *SocketAddress::unix_abstract("a"),
      *SocketAddress::unix_abstract(std::string_view{"a\0", 2}),
      SocketAddress::ipv4_loopback(1),
      SocketAddress::ipv4_loopback(2),
      *SocketAddress::ipv4("127.0.0.2", 1),
      *SocketAddress::ipv6("::1", 1),
      *SocketAddress::ipv6("::2", 1),
  };
  for (const SocketAddress& a : all) {
    for (const SocketAddress& b : all) {
      CAPTURE(a, b);
      CHECK((a == b) == (&a == &b));
      CHECK((a != b) == (&a != &b));
    }
  }
  const SocketAddress copy = all[1];
  CHECK(copy == all[1]);
}

TEST_CASE("SocketAddress: it prints to streams of any character", "[socket_address]") {
  std::wostringstream out;
  out << SocketAddress::ipv4_loopback(80);
  CHECK(out.str() == L"127.0.0.1:80");
}
