#include "rouse/kernel/ip_address.hpp"

#include "../support/catch.hpp"

using namespace rouse::kernel;

namespace {

IpAddress ip(const char* text) { return IpAddress::parse(text).value(); }

}  // namespace

TEST_CASE("IpAddress: to and from text", "[ip_address]") {
  for (const char* text : {"0.0.0.0", "127.0.0.1", "255.255.255.255", "10.1.2.3", "::", "::1", "fd00::1234"}) {
    CHECK(to_string(ip(text)) == text);
  }
  CHECK(to_string(ip("::ffff:1.2.3.4")) == "1.2.3.4");
  CHECK_FALSE(IpAddress::parse("localhost"));
  CHECK_FALSE(IpAddress::parse("1.2.3"));
  CHECK(to_string(IpEndpoint{ip("1.2.3.4"), 80}) == "1.2.3.4:80");
  CHECK(to_string(IpEndpoint{ip("::1"), 65535}) == "[::1]:65535");
}

TEST_CASE("IpAddress: IPv4 is a number", "[ip_address]") {
  constexpr IpAddress address = IpAddress::v4(0x01020384);
  STATIC_REQUIRE(address.is_v4());
  STATIC_REQUIRE(address.number() == 0x01020384);
  CHECK(to_string(address) == "1.2.3.132");
  CHECK(address == ip("::ffff:1.2.3.132"));
  CHECK_FALSE(ip("::1.2.3.4").is_v4());
  CHECK_FALSE(ip("1::ffff:1.2.3.4").is_v4());
  CHECK_FALSE(ip("::ff7f:1.2.3.4").is_v4());
  CHECK_FALSE(ip("::7fff:1.2.3.4").is_v4());
}

TEST_CASE("IpAddress: what it stands for", "[ip_address]") {
  struct Row {
    const char* text;
    const char* is;
  };
  const Row rows[] = {{"0.0.0.0", "any"},
                      {"::", "any"},
                      {"127.0.0.1", "loopback"},
                      {"127.255.255.254", "loopback"},
                      {"127.255.255.255", "loopback broadcast"},
                      {"::1", "loopback"},
                      {"224.0.0.1", "multicast"},
                      {"239.255.255.255", "multicast"},
                      {"223.255.255.255", ""},
                      {"240.0.0.1", ""},
                      {"ff02::1", "multicast"},
                      {"255.255.255.255", "broadcast"},
                      {"fe80::1", "link local"},
                      {"febf::1", "link local"},
                      {"fec0::1", ""},
                      {"ff80::1", "multicast"},
                      {"::2", ""},
                      {"10.0.0.1", ""}};
  for (const Row& row : rows) {
    CAPTURE(row.text);
    const IpAddress address = ip(row.text);
    std::string is;
    const auto add = [&is](bool holds, const char* what) {
      if (holds) is += (is.empty() ? "" : " ") + std::string(what);
    };
    add(address.is_any(), "any");
    add(address.is_loopback(), "loopback");
    add(address.is_multicast(), "multicast");
    add(address.is_broadcast(), "broadcast");
    add(address.is_link_local(), "link local");
    CHECK(is == row.is);
  }
  CHECK(IpAddress::any(AF_INET) == ip("0.0.0.0"));
  CHECK(IpAddress::any(AF_INET6) == ip("::"));
  CHECK(IpAddress::loopback(AF_INET) == ip("127.0.0.1"));
  CHECK(IpAddress::loopback(AF_INET6) == ip("::1"));
}

TEST_CASE("IpAddress: as sockaddr, and back", "[ip_address]") {
  for (const char* text : {"10.0.0.1", "fd00::1", "::ffff:10.0.0.1"}) {
    for (const int family : {AF_INET, AF_INET6}) {
      const IpEndpoint endpoint{ip(text), 8080};
      if (family == AF_INET && !endpoint.address.is_v4()) continue;
      const std::string bytes = address_bytes(family, endpoint);
      CHECK(bytes.size() == (family == AF_INET ? 16 : 28));
      CHECK(family_of(bytes) == family);
      CHECK(read_endpoint(family, bytes) == endpoint);
      CHECK(read_endpoint(family, bytes.substr(0, shortest_address(family))) == endpoint);
    }
  }
  CHECK(shortest_address(AF_INET) == 16);
  CHECK(shortest_address(AF_INET6) == 24);
}
