// The options of TCP and UDP sockets, over IPv4 and IPv6: what they are at first, what may be set, what is told then.
#include "../support/bad_pointers.hpp"
#include "../support/inet_sockets.hpp"

#include <climits>

using namespace rouse;
using test::failed;
using test::inet_address;

namespace {

struct Kind {
  const char* name;
  int type;
  int family;
};
constexpr Kind kinds[] = {{"TCP over IPv4", SOCK_STREAM, AF_INET},
                          {"TCP over IPv6", SOCK_STREAM, AF_INET6},
                          {"UDP over IPv4", SOCK_DGRAM, AF_INET},
                          {"UDP over IPv6", SOCK_DGRAM, AF_INET6}};

/// What setting says, and what is told after.
struct Set {
  int value;
  int error;
  int told;
};

}  // namespace

TEMPLATE_LIST_TEST_CASE("Inet options: what a socket is", "[inet][options]", test::AllBackends) {
  TestType on;
  for (const Kind& kind : kinds) {
    CAPTURE(kind.name);
    test::InetSockets calls{on, kind.type, kind.family};
    const auto fd = calls.fresh();
    const bool is_tcp = kind.type == SOCK_STREAM;
    const std::pair<int, int> rows[] = {
        {SO_TYPE, kind.type}, {SO_DOMAIN, kind.family}, {SO_PROTOCOL, is_tcp ? IPPROTO_TCP : IPPROTO_UDP},
        {SO_ERROR, 0},        {SO_ACCEPTCONN, 0},       {SO_SNDLOWAT, 1}};
    for (const auto& [name, value] : rows) {
      CAPTURE(name);
      CHECK(calls.get(fd, SOL_SOCKET, name) == value);
      CHECK(calls.set_option(fd, name, 1) == failed(ENOPROTOOPT));
    }
  }
}

TEMPLATE_LIST_TEST_CASE("Inet options: what all of them have", "[inet][options]", test::AllBackends) {
  struct Row {
    int name;
    int first;
    std::vector<Set> sets;
  };
  const std::vector<Set> flag = {{1, 0, 1}, {-5, 0, 1}, {0, 0, 0}};
  const Row rows[] = {
      {SO_REUSEADDR, 0, flag},
      {SO_REUSEPORT, 0, flag},
      {SO_DONTROUTE, 0, flag},
      {SO_BROADCAST, 0, flag},
      {SO_KEEPALIVE, 0, flag},
      {SO_OOBINLINE, 0, flag},
      {SO_NO_CHECK, 0, flag},
      {SO_DEBUG, 0, {{0, 0, 0}}},
      {SO_PRIORITY, 0, {{6, 0, 6}, {0, 0, 0}}},
      {SO_RCVLOWAT, 1, {{5, 0, 5}, {0, 0, 1}}},
      {SO_BSDCOMPAT, 0, {{1, 0, 0}}},
      {SO_SNDBUF, 0, {{20000, 0, 40000}, {1, 0, 4608}, {0, 0, 4608}, {2304, 0, 4608}, {2305, 0, 4610}}},
      {SO_RCVBUF, 0, {{20000, 0, 40000}, {1, 0, 2304}, {0, 0, 2304}, {1152, 0, 2304}, {1153, 0, 2306}}},
  };
  TestType on;
  for (const Kind& kind : kinds) {
    CAPTURE(kind.name);
    test::InetSockets calls{on, kind.type, kind.family};
    const auto fd = calls.fresh();
    const auto told = [&](int name) { return calls.get(fd, SOL_SOCKET, name); };
    for (const Row& row : rows) {
      CAPTURE(row.name);
      if (row.name != SO_SNDBUF && row.name != SO_RCVBUF) CHECK(told(row.name) == row.first);
      for (const Set& set : row.sets) {
        CAPTURE(set.value);
        CHECK(calls.set_option(fd, row.name, set.value).error() == set.error);
        CHECK(told(row.name) == set.told);
      }
    }
    CHECK(calls.set_option(fd, SO_PASSCRED, 1) == failed(EOPNOTSUPP));
    CHECK(calls.get(fd, SOL_SOCKET, SO_PASSCRED).error() == EOPNOTSUPP);
    CHECK(calls.get(fd, SOL_SOCKET, SO_MARK) == 0);
    for (const int name : {-1, 256, 1000}) {
      CHECK(calls.set_option(fd, name, 1) == failed(ENOPROTOOPT));
      CHECK(calls.get(fd, SOL_SOCKET, name).error() == ENOPROTOOPT);
    }
  }
}

TEST_CASE("Inet options: what an unprivileged process may not set, and how large buffers get",
          "[inet][options][emulated]") {
  test::OnEmulated on;
  for (const Kind& kind : kinds) {
    CAPTURE(kind.name);
    test::InetSockets calls{on, kind.type, kind.family};
    const auto fd = calls.fresh();
    for (const int name : {SO_SNDBUFFORCE, SO_RCVBUFFORCE, SO_MARK}) {
      CHECK(calls.set_option(fd, name, 1) == failed(EPERM));
    }
    CHECK(calls.set_option(fd, SO_DEBUG, 1) == failed(EACCES));
    CHECK(calls.set_option(fd, SO_PRIORITY, 7) == failed(EPERM));
    CHECK(calls.set_option(fd, SO_PRIORITY, -1) == failed(EPERM));
    for (const int name : {SO_SNDBUF, SO_RCVBUF}) {
      CHECK(calls.option(fd, name) == (kind.type == SOCK_DGRAM ? 212992 : name == SO_SNDBUF ? 16384 : 131072));
      for (const int value : {-1, INT_MAX, 4194304}) {
        CHECK(calls.set_option(fd, name, value).ok());
        CHECK(calls.option(fd, name) == 8388608);
      }
    }
  }
}

TEMPLATE_LIST_TEST_CASE("Inet options: those of IP", "[inet][options]", test::AllBackends) {
  TestType on;
  for (const Kind& kind : kinds) {
    CAPTURE(kind.name);
    const bool is_tcp = kind.type == SOCK_STREAM;
    test::InetSockets calls{on, kind.type, kind.family};
    const auto fd = calls.fresh();
    struct Row {
      int level;
      int name;
      int first;
      std::vector<Set> sets;
    };
    std::vector<Row> rows = {
        {IPPROTO_IP, IP_TOS, 0, {{0x13, 0, is_tcp ? 0x10 : 0x13}, {0x1fc, 0, 0xfc}, {0, 0, 0}}},
        {IPPROTO_IP,
         IP_TTL,
         64,
         {{1, 0, 1}, {255, 0, 255}, {0, EINVAL, 255}, {256, EINVAL, 255}, {-2, EINVAL, 255}, {-1, 0, 64}}},
    };
    if (kind.family == AF_INET6) {
      rows.push_back({IPPROTO_IPV6, IPV6_V6ONLY, 0, {{7, 0, 1}, {0, 0, 0}}});
      rows.push_back({IPPROTO_IPV6,
                      IPV6_UNICAST_HOPS,
                      64,
                      {{0, 0, 0}, {255, 0, 255}, {256, EINVAL, 255}, {-2, EINVAL, 255}, {-1, 0, 64}}});
      rows.push_back({IPPROTO_IPV6,
                      IPV6_TCLASS,
                      0,
                      {{0x13, 0, is_tcp ? 0x10 : 0x13},
                       {256, EINVAL, is_tcp ? 0x10 : 0x13},
                       {-2, EINVAL, is_tcp ? 0x10 : 0x13},
                       {-1, 0, 0}}});
    }
    for (const Row& row : rows) {
      CAPTURE(row.level, row.name);
      CHECK(calls.get(fd, row.level, row.name) == row.first);
      for (const Set& set : row.sets) {
        CAPTURE(set.value);
        CHECK(calls.set(fd, row.level, row.name, set.value).error() == set.error);
        CHECK(calls.get(fd, row.level, row.name) == set.told);
      }
    }
  }
}

TEMPLATE_LIST_TEST_CASE("Inet options: each flag is one of its own", "[inet][options]", test::AllBackends) {
  TestType on;
  test::InetSockets calls{on, SOCK_DGRAM};
  constexpr int flags[] = {SO_DONTROUTE, SO_NO_CHECK, SO_BROADCAST, SO_OOBINLINE};
  for (const int set : flags) {
    const auto fd = calls.fresh();
    REQUIRE(calls.set_option(fd, set, 1).ok());
    for (const int asked : flags) {
      CAPTURE(set, asked);
      CHECK(calls.option(fd, asked) == (asked == set ? 1 : 0));
    }
  }
}

TEMPLATE_LIST_TEST_CASE("Inet options: at IPv4's level a byte will do", "[inet][options]", test::AllBackends) {
  TestType on;
  test::InetSockets calls{on, SOCK_DGRAM};
  const auto fd = calls.fresh();
  const auto set = [&](const void* value, ::socklen_t n) {
    return on.backend.setsockopt(fd.get(), IPPROTO_IP, IP_TTL, value, n);
  };
  const unsigned char bytes[] = {200, 1, 2, 3};
  for (const ::socklen_t n : {1u, 2u, 3u}) {
    REQUIRE(set(bytes, n).ok());
    CHECK(calls.get(fd, IPPROTO_IP, IP_TTL) == 200);
    unsigned char got[] = {9, 9, 9, 9};
    ::socklen_t room = n;
    REQUIRE(on.backend.getsockopt(fd.get(), IPPROTO_IP, IP_TTL, got, &room).ok());
    CHECK(room == 1);
    CHECK(int{got[0]} == 200);
    CHECK(int{got[1]} == 9);
  }
  CHECK(set(bytes, 0) == failed(EINVAL));  // That is 0, which is no such number.
  CHECK(set(test::unmapped(), 1) == failed(EFAULT));
  CHECK(set(test::unmapped(), 4) == failed(EFAULT));
  CHECK(on.backend.setsockopt(fd.get(), IPPROTO_IP, IP_TOS, bytes, 0).ok());
  if constexpr (TestType::is_emulated) {
    CHECK_THROWS_AS(calls.set(fd, IPPROTO_IP, IP_PKTINFO, 1), kernel::NotModelled);
    test::InetSockets six{on, SOCK_DGRAM, AF_INET6};
    CHECK_THROWS_AS(six.set(six.fresh(), IPPROTO_IPV6, IPV6_RECVPKTINFO, 1), kernel::NotModelled);
  }
}

TEMPLATE_LIST_TEST_CASE("Inet options: an IPv6 socket has those of both", "[inet][options]", test::AllBackends) {
  TestType on;
  for (const int type : {SOCK_STREAM, SOCK_DGRAM}) {
    CAPTURE(type);
    test::InetSockets calls{on, type, AF_INET6};
    const auto fd = calls.fresh();
    REQUIRE(calls.set(fd, IPPROTO_IP, IP_TTL, 5).ok());
    REQUIRE(calls.set(fd, IPPROTO_IP, IP_TOS, 0x10).ok());
    CHECK(calls.get(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS) == 64);
    CHECK(calls.get(fd, IPPROTO_IPV6, IPV6_TCLASS) == 0);
    REQUIRE(calls.set(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, 7).ok());
    REQUIRE(calls.set(fd, IPPROTO_IPV6, IPV6_TCLASS, 0x20).ok());
    CHECK(calls.get(fd, IPPROTO_IP, IP_TTL) == 5);
    CHECK(calls.get(fd, IPPROTO_IP, IP_TOS) == 0x10);
    REQUIRE(calls.set(fd, IPPROTO_IPV6, IPV6_TCLASS, 0xff).ok());
    CHECK(calls.get(fd, IPPROTO_IPV6, IPV6_TCLASS) == (type == SOCK_STREAM ? 0xfc : 0xff));
  }
}

TEMPLATE_LIST_TEST_CASE("Inet options: the type of service sets the priority", "[inet][options]", test::AllBackends) {
  TestType on;
  for (const Kind& kind : kinds) {
    CAPTURE(kind.name);
    test::InetSockets calls{on, kind.type, kind.family};
    const auto fd = calls.fresh();
    const auto priority_with = [&](int type_of_service) {
      calls.set(fd, IPPROTO_IP, IP_TOS, type_of_service).value();
      return calls.option(fd, SO_PRIORITY);
    };
    CHECK(priority_with(0x04) == 0);
    CHECK(priority_with(0x08) == 2);
    CHECK(priority_with(0x10) == 6);
    CHECK(priority_with(0xb8) == 4);
    calls.set_option(fd, SO_PRIORITY, 1).value();
    CHECK(priority_with(0xb8) == 1);  // The same changes nothing.
    CHECK(priority_with(0xe0) == 0);
    if (kind.family != AF_INET6) continue;
    calls.set(fd, IPPROTO_IPV6, IPV6_TCLASS, 0x10).value();
    CHECK(calls.option(fd, SO_PRIORITY) == 0);
  }
}

TEMPLATE_LIST_TEST_CASE("Inet options: those of TCP", "[inet][options][tcp]", test::AllBackends) {
  struct Row {
    int name;
    int first;
    std::vector<Set> sets;
  };
  const std::vector<Set> flag = {{1, 0, 1}, {-5, 0, 1}, {0, 0, 0}};
  const Row rows[] = {
      {TCP_NODELAY, 1, flag},  // As our sockets are made.
      {TCP_CORK, 0, flag},
      {TCP_KEEPIDLE, 7200, {{1, 0, 1}, {32767, 0, 32767}, {0, EINVAL, 32767}, {32768, EINVAL, 32767}}},
      {TCP_KEEPINTVL, 75, {{1, 0, 1}, {32767, 0, 32767}, {0, EINVAL, 32767}, {32768, EINVAL, 32767}}},
      {TCP_KEEPCNT, 9, {{1, 0, 1}, {127, 0, 127}, {0, EINVAL, 127}, {128, EINVAL, 127}}},
      {TCP_SYNCNT, 6, {{1, 0, 1}, {127, 0, 127}, {0, EINVAL, 127}, {128, EINVAL, 127}}},
      {TCP_USER_TIMEOUT, 0, {{1, 0, 1}, {INT_MAX, 0, INT_MAX}, {-1, EINVAL, INT_MAX}, {0, 0, 0}}},
  };
  TestType on;
  test::InetSockets calls{on, SOCK_STREAM};
  const auto fd = calls.fresh();
  for (const Row& row : rows) {
    CAPTURE(row.name);
    CHECK(calls.get(fd, IPPROTO_TCP, row.name) == row.first);
    for (const Set& set : row.sets) {
      CAPTURE(set.value);
      CHECK(calls.set(fd, IPPROTO_TCP, row.name, set.value).error() == set.error);
      CHECK(calls.get(fd, IPPROTO_TCP, row.name) == set.told);
    }
  }
  CHECK(calls.set(fd, IPPROTO_TCP, 1000, 1) == failed(ENOPROTOOPT));
  CHECK(calls.get(fd, IPPROTO_TCP, 1000).error() == ENOPROTOOPT);
  REQUIRE(calls.set_option(fd, SO_RCVLOWAT, -1).ok());
  CHECK(calls.option(fd, SO_RCVLOWAT) == 16777216);
  REQUIRE(calls.set_option(fd, SO_RCVBUF, 10000).ok());
  REQUIRE(calls.set_option(fd, SO_RCVLOWAT, 1000000).ok());
  CHECK(calls.option(fd, SO_RCVLOWAT) == 10000);
  const test::InetSockets udp{on, SOCK_DGRAM};
  const auto datagrams = udp.fresh();
  REQUIRE(udp.set_option(datagrams, SO_RCVLOWAT, -1).ok());
  CHECK(udp.option(datagrams, SO_RCVLOWAT) == INT_MAX);
}

TEMPLATE_LIST_TEST_CASE("Inet options: levels that are not known", "[inet][options][errors]", test::AllBackends) {
  TestType on;
  for (const Kind& kind : kinds) {
    CAPTURE(kind.name);
    test::InetSockets calls{on, kind.type, kind.family};
    const auto fd = calls.fresh();
    const bool is_v4 = kind.family == AF_INET;
    std::vector<int> levels = {77, 300, kind.type == SOCK_STREAM ? IPPROTO_UDP : IPPROTO_TCP};
    if (is_v4) levels.push_back(IPPROTO_IPV6);
    for (const int level : levels) {
      CAPTURE(level);
      CHECK(calls.set(fd, level, 1, 1) == failed(ENOPROTOOPT));
      CHECK(calls.get(fd, level, 1).error() == (is_v4 ? EOPNOTSUPP : ENOPROTOOPT));
    }
  }
}

TEMPLATE_LIST_TEST_CASE("Inet options: sizes and pointers", "[inet][options][fault]", test::AllBackends) {
  TestType on;
  test::InetSockets calls{on, SOCK_STREAM};
  const auto fd = calls.fresh();
  const auto set = [&](int level, int name, const void* value, int n) {
    return on.backend.setsockopt(fd.get(), level, name, value, static_cast<::socklen_t>(n)).error();
  };
  const auto get = [&](int name, void* value, int room) {
    ::socklen_t n = static_cast<::socklen_t>(room);
    const auto result = on.backend.getsockopt(fd.get(), SOL_SOCKET, name, value, &n);
    return std::pair{result.error(), static_cast<int>(n)};
  };
  const int one = 1;
  CHECK(set(SOL_SOCKET, SO_KEEPALIVE, &one, 3) == EINVAL);
  CHECK(set(SOL_SOCKET, SO_KEEPALIVE, &one, -1) == EINVAL);
  CHECK(set(SOL_SOCKET, SO_KEEPALIVE, test::unmapped(), 4) == EFAULT);
  CHECK(set(IPPROTO_TCP, TCP_CORK, &one, 3) == EINVAL);
  CHECK(set(IPPROTO_TCP, TCP_CORK, test::unmapped(), 4) == EFAULT);
  int value = -1;
  CHECK(get(SO_TYPE, &value, 100) == std::pair{0, 4});
  CHECK(get(SO_TYPE, &value, 2) == std::pair{0, 2});
  CHECK(get(SO_TYPE, &value, 0) == std::pair{0, 0});
  CHECK(get(SO_TYPE, &value, -1).first == EINVAL);
  CHECK(get(SO_TYPE, test::unmapped(), 4).first == EFAULT);
}

TEMPLATE_LIST_TEST_CASE("Inet options: whether IPv6 alone is decided before there is a port", "[inet][options]",
                        test::AllBackends) {
  TestType on;
  for (const int type : {SOCK_STREAM, SOCK_DGRAM}) {
    CAPTURE(type);
    test::InetSockets calls{on, type, AF_INET6};
    for (const auto& [ip, told] : {std::pair{"::", 0}, {"::1", 1}, {"::ffff:127.0.0.1", 0}}) {
      CAPTURE(ip);
      const auto fd = calls.bound(inet_address(ip, 0));
      CHECK(calls.set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1) == failed(EINVAL));
      CHECK(calls.get(fd, IPPROTO_IPV6, IPV6_V6ONLY) == told);
    }
  }
}

TEMPLATE_LIST_TEST_CASE("Inet options: a time to linger", "[inet][options]", test::AllBackends) {
  TestType on;
  test::InetSockets calls{on, SOCK_STREAM};
  const auto fd = calls.fresh();
  const auto told = [&] {
    ::linger value{-1, -1};
    ::socklen_t n = sizeof value;
    REQUIRE(on.backend.getsockopt(fd.get(), SOL_SOCKET, SO_LINGER, &value, &n).ok());
    return std::pair{value.l_onoff, value.l_linger};
  };
  CHECK(told() == std::pair{0, 0});
  const ::linger on_for_7{5, 7};
  const ::linger off{0, 9};
  CHECK(on.backend.setsockopt(fd.get(), SOL_SOCKET, SO_LINGER, &on_for_7, 7).error() == EINVAL);
  CHECK(on.backend.setsockopt(fd.get(), SOL_SOCKET, SO_LINGER, &on_for_7, sizeof on_for_7).ok());
  CHECK(told() == std::pair{1, 7});
  CHECK(on.backend.setsockopt(fd.get(), SOL_SOCKET, SO_LINGER, &off, sizeof off).ok());
  CHECK(told() == std::pair{0, 7});
}

TEMPLATE_LIST_TEST_CASE("Options: only what promises to deliver lingers when it is closed",
                        "[inet][unix][options][time]", test::AllBackends) {
  TestType on;
  const ::linger five_seconds{1, 5};
  const auto seconds = [&] {
    ::timespec time{};
    REQUIRE(on.backend.clock_gettime(CLOCK_MONOTONIC, &time).ok());
    return time.tv_sec;
  };
  for (const auto& [family, type] : {std::pair{AF_INET, SOCK_DGRAM}, {AF_UNIX, SOCK_DGRAM}, {AF_UNIX, SOCK_STREAM}}) {
    CAPTURE(family, type);
    const int fd = on.backend.socket(family, type, 0).value();
    REQUIRE(on.backend.setsockopt(fd, SOL_SOCKET, SO_LINGER, &five_seconds, sizeof five_seconds).ok());
    const auto before = seconds();
    CHECK(on.backend.close(fd).ok());
    CHECK(seconds() - before < 4);
  }
}

TEST_CASE("Inet options: those of which nothing is modelled say so", "[inet][options][emulated]") {
  test::OnEmulated on;
  test::InetSockets tcp{on, SOCK_STREAM};
  test::InetSockets udp{on, SOCK_DGRAM, AF_INET6};
  const auto stream = tcp.fresh();
  const auto datagrams = udp.fresh();
  using kernel::NotModelled;
  CHECK_THROWS_AS(tcp.get(stream, SOL_SOCKET, SO_TIMESTAMP), NotModelled);
  CHECK_THROWS_AS(tcp.set(stream, SOL_SOCKET, SO_TIMESTAMP, 1), NotModelled);
  CHECK_THROWS_AS(tcp.get(stream, IPPROTO_IP, IP_PKTINFO), NotModelled);
  CHECK_THROWS_AS(tcp.set(stream, IPPROTO_IP, IP_PKTINFO, 1), NotModelled);
  CHECK_THROWS_AS(tcp.get(stream, IPPROTO_TCP, TCP_QUICKACK), NotModelled);
  CHECK_THROWS_AS(tcp.get(stream, IPPROTO_TCP, SO_LINGER), NotModelled);  // The number is another option's there.
  CHECK_THROWS_AS(tcp.set(stream, IPPROTO_TCP, SO_LINGER, 1), NotModelled);
  CHECK_THROWS_AS(tcp.set(stream, IPPROTO_TCP, TCP_DEFER_ACCEPT, 1), NotModelled);
  CHECK(tcp.set(stream, IPPROTO_TCP, TCP_QUICKACK, 1).ok());
  CHECK_THROWS_AS(udp.get(datagrams, IPPROTO_IPV6, IPV6_RECVPKTINFO), NotModelled);
  CHECK_THROWS_AS(udp.set(datagrams, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1), NotModelled);
  CHECK_THROWS_AS(udp.get(datagrams, IPPROTO_UDP, 1), NotModelled);
  CHECK_THROWS_AS(udp.set(datagrams, IPPROTO_UDP, 1, 1), NotModelled);
  int value = 0;
  for (const auto* fd : {&stream, &datagrams}) {
    for (const int request :
         {FIOSETOWN, SIOCSPGRP, FIOGETOWN, SIOCGPGRP, SIOCGSTAMP_OLD, SIOCGIFINDEX, SIOCWANDEV, 0x898f}) {
      CHECK_THROWS_AS(on.backend.ioctl(fd->get(), static_cast<unsigned>(request), &value), NotModelled);
    }
    for (const unsigned long request : {0x8990ul, 0x8999ul}) {
      CHECK(on.backend.ioctl(fd->get(), request, nullptr).error() == EFAULT);
    }
    CHECK(on.backend.ioctl(fd->get(), 0x1234, nullptr).error() == ENOTTY);
  }
  CHECK_THROWS_AS(tcp.send(stream, "x", MSG_FASTOPEN), NotModelled);
}
