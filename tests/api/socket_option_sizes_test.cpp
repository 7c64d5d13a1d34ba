// How many bytes getsockopt and setsockopt take and tell at each level, and in which order they refuse.
#include "../support/bad_pointers.hpp"
#include "../support/inet_sockets.hpp"
#include "../support/unix_sockets.hpp"

#include <array>

using namespace rouse;
using test::failed;

TEMPLATE_LIST_TEST_CASE(
    "Socket options: what is told has the length of an int or of the room, at IPv4's level of a byte",
    "[socket][options]", test::AllBackends) {
  TestType on;
  const test::InetSockets calls{on, SOCK_STREAM, AF_INET6};
  const auto fd = calls.fresh();
  struct Row {
    int level;
    int name;
    int value;
  };
  for (const Row row : {Row{IPPROTO_IP, IP_TOS, 0},
                        {IPPROTO_IP, IP_TTL, 64},
                        {IPPROTO_IP, IP_TTL, 255},
                        {IPPROTO_IPV6, IPV6_UNICAST_HOPS, 64},
                        {IPPROTO_IPV6, IPV6_TCLASS, 0},
                        {IPPROTO_TCP, TCP_KEEPIDLE, 0x0203},
                        {SOL_SOCKET, SO_TYPE, SOCK_STREAM}}) {
    if (row.level != SOL_SOCKET) REQUIRE(calls.set(fd, row.level, row.name, row.value).ok());
    for (const std::size_t room : {0u, 1u, 2u, 3u, 4u, 5u, 8u}) {
      CAPTURE(row.level, row.name, row.value, room);
      const bool is_byte = row.level == IPPROTO_IP && room > 0 && room < 4;
      const std::size_t length = is_byte ? 1 : std::min<std::size_t>(room, 4);
      std::array<unsigned char, 8> expected;
      expected.fill(9);
      std::memcpy(expected.data(), &row.value, length);
      std::array<unsigned char, 8> got;
      got.fill(9);
      ::socklen_t n = static_cast<::socklen_t>(room);
      REQUIRE(on.backend.getsockopt(fd.get(), row.level, row.name, got.data(), &n).ok());
      CHECK(n == length);
      CHECK(got == expected);
    }
    int value = 9;
    auto below_zero = static_cast<::socklen_t>(-1);
    const bool is_large = row.level == IPPROTO_IPV6;
    CHECK(on.backend.getsockopt(fd.get(), row.level, row.name, &value, &below_zero).error() == (is_large ? 0 : EINVAL));
    CHECK(value == (is_large ? row.value : 9));
  }
}

TEMPLATE_LIST_TEST_CASE("Socket options: whether there is such an option is asked first, but for IPv6 after the value",
                        "[socket][options][errors]", test::AllBackends) {
  TestType on;
  struct Row {
    int level;
    int name;
    const void* value;
    ::socklen_t n;
    int error;
  };
  constexpr int nobody = 999;
  const void* const bad = test::unmapped();
  for (const Row row : {Row{IPPROTO_IP, nobody, bad, 4, ENOPROTOOPT},
                        {IPPROTO_IP, nobody, nullptr, 4, ENOPROTOOPT},
                        {IPPROTO_IP, nobody, bad, 3, ENOPROTOOPT},
                        {IPPROTO_IP, nobody, bad, 0, ENOPROTOOPT},
                        {IPPROTO_IP, IP_TTL, nullptr, 4, EFAULT},
                        {IPPROTO_IP, IP_TTL, nullptr, 1, EFAULT},
                        {IPPROTO_IP, IP_TOS, bad, 0, 0},
                        {IPPROTO_IPV6, nobody, bad, 4, EFAULT},
                        {IPPROTO_IPV6, nobody, bad, 5, EFAULT},
                        {IPPROTO_IPV6, nobody, bad, 3, ENOPROTOOPT},
                        {IPPROTO_IPV6, nobody, bad, 0, ENOPROTOOPT},
                        {IPPROTO_IPV6, nobody, nullptr, 4, ENOPROTOOPT},
                        {IPPROTO_IPV6, IPV6_UNICAST_HOPS, bad, 4, EFAULT},
                        {IPPROTO_IPV6, IPV6_UNICAST_HOPS, bad, 3, EINVAL},
                        {IPPROTO_IPV6, IPV6_UNICAST_HOPS, bad, 0, EINVAL},
                        {IPPROTO_IPV6, IPV6_UNICAST_HOPS, nullptr, 3, EINVAL},
                        {IPPROTO_IPV6, IPV6_UNICAST_HOPS, nullptr, 4, 0},
                        {SOL_SOCKET, nobody, bad, 3, EINVAL},
                        {SOL_SOCKET, nobody, bad, 4, EFAULT},
                        {SOL_SOCKET, nobody, nullptr, 4, EFAULT},
                        {IPPROTO_TCP, nobody, bad, 3, EINVAL},
                        {IPPROTO_TCP, nobody, bad, 4, EFAULT},
                        {IPPROTO_TCP, nobody, nullptr, 4, EFAULT}}) {
    CAPTURE(row.level, row.name, row.value, row.n);
    const test::InetSockets calls{on, SOCK_STREAM, AF_INET6};
    const auto fd = calls.fresh();
    CHECK(on.backend.setsockopt(fd.get(), row.level, row.name, row.value, row.n).error() == row.error);
    if (row.level == IPPROTO_IPV6) CHECK(calls.get(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS) == (row.error == 0 ? 0 : 64));
  }
}

TEMPLATE_LIST_TEST_CASE("Socket options: a number of one level is another thing in the next",
                        "[socket][options][errors]", test::AllBackends) {
  TestType on;
  test::UnixSockets calls{on};
  const auto fd = calls.fresh();
  const ::timeval second{1, 0};
  for (const int name : {SO_RCVTIMEO, SO_SNDTIMEO}) {
    CAPTURE(name);
    ::timeval value{};
    ::socklen_t n = sizeof value;
    CHECK(on.backend.setsockopt(fd.get(), IPPROTO_TCP, name, &second, sizeof second) == failed(EOPNOTSUPP));
    CHECK(on.backend.getsockopt(fd.get(), IPPROTO_TCP, name, &value, &n) == failed(EOPNOTSUPP));
  }
}

TEMPLATE_LIST_TEST_CASE("Socket options: protocols say how long a value is before they find no place for it",
                        "[socket][options][fault]", test::AllBackends) {
  if constexpr (test::buffers_are_watched && !TestType::is_emulated) return;  // A sanitizer would look there.
  TestType on;
  const test::InetSockets calls{on, SOCK_STREAM, AF_INET6};
  const auto fd = calls.fresh();
  struct Row {
    int level, name;
    ::socklen_t told;
  };
  for (const Row row :
       {Row{SOL_SOCKET, SO_TYPE, 100}, Row{IPPROTO_TCP, TCP_NODELAY, 4}, Row{IPPROTO_IPV6, IPV6_UNICAST_HOPS, 4}}) {
    CAPTURE(row.level);
    ::socklen_t n = 100;
    CHECK(on.backend.getsockopt(fd.get(), row.level, row.name, test::unmapped(), &n) == failed(EFAULT));
    CHECK(n == row.told);
  }
}

TEMPLATE_LIST_TEST_CASE("Socket options: all sockets have SO_LINGER", "[socket][options]", test::AllBackends) {
  TestType on;
  test::UnixSockets calls{on};
  const auto fd = calls.fresh();
  const ::linger seven{1, 7};
  ::linger value{};
  ::socklen_t n = sizeof value;
  REQUIRE(on.backend.setsockopt(fd.get(), SOL_SOCKET, SO_LINGER, &seven, sizeof seven).ok());
  REQUIRE(on.backend.getsockopt(fd.get(), SOL_SOCKET, SO_LINGER, &value, &n).ok());
  CHECK(value.l_onoff == 1);
  CHECK(value.l_linger == 7);
}

TEST_CASE("Socket options: those that are no numbers say that they are not modelled, whatever their length",
          "[socket][options][emulated]") {
  const test::OnEmulated on;
  const test::InetSockets calls{on, SOCK_STREAM};
  const auto fd = calls.fresh();
  for (const int name : {TCP_CONGESTION, TCP_ULP, TCP_FASTOPEN_KEY}) {
    for (const ::socklen_t n : {0u, 3u, 4u, 16u}) {
      CAPTURE(name, n);
      CHECK_THROWS_AS(on.backend.setsockopt(fd.get(), IPPROTO_TCP, name, "0123456789abcdef", n), kernel::NotModelled);
    }
  }
}
