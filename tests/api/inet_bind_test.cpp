// bind(2) of TCP and UDP sockets: which addresses there are, and who may have the same port.
#include "../support/bad_pointers.hpp"
#include "../support/inet_sockets.hpp"
#include "../support/wake_keys.hpp"

#include <set>

using namespace rouse;
using test::failed;
using test::inet_address;
using test::port_in;

namespace {

/// An IPv6 address with a scope.
std::string scoped(const char* ip, unsigned scope) {
  std::string bytes = inet_address(ip, 0);
  std::memcpy(bytes.data() + offsetof(::sockaddr_in6, sin6_scope_id), &scope, sizeof scope);
  return bytes;
}

int family_of(const std::string& ip) { return ip.find(':') == std::string::npos ? AF_INET : AF_INET6; }

/// How a socket is to share its port.
enum Share { alone, address, port };

/// Another program may have the port where a case wants to bind: so it tries a few.
template <class Bind>
int after_others(int expected, Bind bind) {
  int error = bind();
  for (int i = 0; i < 10 && error == EADDRINUSE && expected == 0; ++i) error = bind();
  return error;
}

template <class On>
struct Sharing {
  using Fd = typename test::InetSockets<On>::Fd;

  On on;
  int type;

  Fd fresh(int family, Share share, bool v6_only = false) const {
    const test::InetSockets<On> calls{on, type, family};
    Fd fd = calls.fresh();
    if (share != alone) REQUIRE(calls.set_option(fd, share == address ? SO_REUSEADDR : SO_REUSEPORT, 1).ok());
    if (v6_only) REQUIRE(calls.set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1).ok());
    return fd;
  }
  int bind(const Fd& fd, const std::string& ip, int at) const {
    return test::InetSockets<On>{on, type}.bind(fd, inet_address(ip, at)).error();
  }
};

}  // namespace

TEMPLATE_LIST_TEST_CASE("Inet bind: addresses", "[inet][bind]", test::AllBackends) {
  struct Row {
    const char* ip;
    int error;
  };
  const Row rows[] = {{"127.0.0.1", 0},
                      {"127.0.0.0", 0},
                      {"127.255.255.255", 0},
                      {"127.9.8.7", 0},
                      {"0.0.0.0", 0},
                      {"255.255.255.255", 0},
                      {"224.0.0.1", 0},
                      {"0.0.0.1", EADDRNOTAVAIL},
                      {"192.0.2.1", EADDRNOTAVAIL},
                      {"2001:db8::ffff:ffff", EADDRNOTAVAIL},
                      {"::1", 0},
                      {"::", 0},
                      {"::ffff:127.0.0.5", 0},
                      {"::ffff:0.0.0.0", 0},
                      {"::ffff:224.0.0.1", 0},
                      {"::ffff:255.255.255.255", 0},
                      {"::2", EADDRNOTAVAIL},
                      {"::1:ffff:7f00:1", EADDRNOTAVAIL},
                      {"::127.0.0.1", EADDRNOTAVAIL},
                      {"2001:db8::1", EADDRNOTAVAIL},
                      {"::ffff:192.0.2.1", EADDRNOTAVAIL},
                      {"fe80::1", EINVAL},
                      {"ff02::1", EINVAL}};
  TestType on;
  for (const int type : {SOCK_STREAM, SOCK_DGRAM}) {
    for (const Row& row : rows) {
      CAPTURE(type, row.ip);
      test::InetSockets calls{on, type, family_of(row.ip)};
      const auto fd = calls.fresh();
      test::WakeKeys<TestType> keys{on, fd.get()};
      CHECK(calls.bind(fd, inet_address(row.ip, 0)).error() == row.error);
      CHECK(keys.take() == EventFlags{});
      if (row.error != 0) {
        CHECK(calls.local(fd) == inet_address(calls.any(), 0));
        continue;
      }
      CHECK(calls.local(fd) == inet_address(row.ip, calls.port(fd)));
      CHECK(calls.port(fd) >= 32768);
      if (type == SOCK_STREAM) CHECK(calls.port(fd) % 2 == 1);
    }
  }
}

TEMPLATE_LIST_TEST_CASE("Inet bind: scopes", "[inet][bind]", test::AllBackends) {
  TestType on;
  const unsigned nowhere = 100000;
  for (const int type : {SOCK_STREAM, SOCK_DGRAM}) {
    CAPTURE(type);
    test::InetSockets calls{on, type, AF_INET6};
    CHECK(calls.bind(calls.fresh(), scoped("fe80::1", 1)) == failed(EADDRNOTAVAIL));
    CHECK(calls.bind(calls.fresh(), scoped("fe80::1", nowhere)) == failed(ENODEV));
    CHECK(calls.connect(calls.fresh(), scoped("fe80::1", 1)) == failed(ENETUNREACH));
    CHECK(calls.bind(calls.fresh(), scoped("fe80::1", 1) + std::string(100, 'x')) == failed(EADDRNOTAVAIL));
    CHECK(calls.bind(calls.fresh(), scoped("ff02::1", nowhere)) == failed(type == SOCK_STREAM ? EINVAL : ENODEV));
    if (type == SOCK_STREAM) CHECK(calls.bind(calls.fresh(), scoped("ff02::1", 1)) == failed(EINVAL));
    const auto fd = calls.fresh();
    CHECK(calls.bind(fd, scoped("::1", 7)).ok());
    CHECK(calls.local(fd) == inet_address("::1", calls.port(fd)));
  }
}

TEMPLATE_LIST_TEST_CASE("Inet bind: errors, in Linux's order", "[inet][bind][errors]", test::AllBackends) {
  TestType on;
  for (const int type : {SOCK_STREAM, SOCK_DGRAM}) {
    CAPTURE(type);
    test::InetSockets calls{on, type};
    const auto fd = calls.fresh();
    const std::string good = calls.here(0);
    const auto bind = [&](int number, const void* bytes, int n) {
      return on.backend.bind(number, static_cast<const ::sockaddr*>(bytes), static_cast<::socklen_t>(n)).error();
    };
    const typename test::Handles<TestType>::EventFd no_socket{on.backend};
    CHECK(bind(-1, test::unmapped(), -1) == EBADF);
    CHECK(bind(no_socket.fd(), test::unmapped(), -1) == ENOTSOCK);
    CHECK(bind(fd.get(), test::unmapped(), -1) == EINVAL);
    CHECK(bind(fd.get(), test::unmapped(), 129) == EINVAL);
    CHECK(bind(fd.get(), test::unmapped(), 16) == EFAULT);
    CHECK(bind(fd.get(), good.data(), 0) == EINVAL);
    CHECK(bind(fd.get(), good.data(), 15) == EINVAL);
    CHECK(calls.bind(fd, inet_address("::1", 0)) == failed(EAFNOSUPPORT));
    std::string unspecified = test::unspecified();
    unspecified[7] = 1;  // 0.0.0.1
    CHECK(calls.bind(fd, unspecified) == failed(EAFNOSUPPORT));
    CHECK(calls.bind(fd, test::unspecified()).ok());
    CHECK(calls.bind(fd, good) == failed(EINVAL));
    CHECK(calls.bind(fd, inet_address("192.0.2.1", 0)) == failed(EADDRNOTAVAIL));
    std::string longer = good + std::string(112, 'x');
    CHECK(bind(calls.fresh().get(), longer.data(), 128) == 0);

    test::InetSockets six{on, type, AF_INET6};
    const auto fd6 = six.fresh();
    const std::string loopback = inet_address("::1", 0);
    CHECK(bind(fd6.get(), loopback.data(), 23) == EINVAL);
    CHECK(six.bind(fd6, inet_address("127.0.0.1", 0)) == failed(EINVAL));
    CHECK(six.bind(fd6, std::string(28, '\0')) == failed(EAFNOSUPPORT));
    REQUIRE(six.set(fd6, IPPROTO_IPV6, IPV6_V6ONLY, 1).ok());
    CHECK(six.bind(fd6, inet_address("::ffff:127.0.0.1", 0)) == failed(EINVAL));
    CHECK(bind(fd6.get(), loopback.data(), 24) == 0);
    CHECK(six.bind(six.fresh(), loopback + std::string(100, 'x')).ok());
    CHECK(six.bind(fd6, loopback) == failed(EINVAL));
  }
}

TEST_CASE("Inet bind: a port below 1024 is for the privileged", "[inet][bind][emulated]") {
  test::OnEmulated on;
  for (const int type : {SOCK_STREAM, SOCK_DGRAM}) {
    test::InetSockets calls{on, type};
    CHECK(calls.bind(calls.fresh(), calls.here(1)) == failed(EACCES));
    CHECK(calls.bind(calls.fresh(), calls.here(1023)) == failed(EACCES));
    CHECK(calls.bind(calls.fresh(), calls.here(1024)).ok());
    CHECK(calls.bind(calls.fresh(), calls.here(65535)).ok());
  }
  on.kernel.limits.ip_unprivileged_port_start = 443;
  test::InetSockets calls{on, SOCK_STREAM};
  CHECK(calls.bind(calls.fresh(), calls.here(442)) == failed(EACCES));
  CHECK(calls.bind(calls.fresh(), calls.here(443)).ok());
}

TEST_CASE("Inet bind: a port is given back with the last fd", "[inet][bind][emulated]") {
  test::OnEmulated on;
  const kernel::NetNamespace& net = on.kernel.network.initial();
  for (const int type : {SOCK_STREAM, SOCK_DGRAM}) {
    CAPTURE(type);
    const test::InetSockets calls{on, type};
    const kernel::PortTable& ports = type == SOCK_STREAM ? net.tcp_ports : net.udp_ports;
    auto fd = calls.bound();
    const auto port = static_cast<std::uint16_t>(calls.port(fd));
    CHECK(ports.is_used(port));
    CHECK(fd.close().ok());
    CHECK_FALSE(ports.is_used(port));
  }
}

TEST_CASE("Inet bind: there are only so many ports", "[inet][bind][emulated]") {
  test::OnEmulated on;
  on.kernel.check_every_call(nullptr);  // Which would take as long as there are sockets.
  on.kernel.limits.nofile_soft = on.kernel.limits.nofile_hard = 40000;
  const int type = GENERATE(SOCK_STREAM, SOCK_DGRAM);
  const bool shares = GENERATE(false, true);
  CAPTURE(type, shares);
  const test::InetSockets calls{on, type};
  std::vector<decltype(calls.fresh())> all;
  const auto bind_one = [&](const char* ip, int port = 0) {
    all.push_back(calls.fresh());
    if (shares) REQUIRE(calls.set_option(all.back(), SO_REUSEADDR, 1).ok());
    return calls.bind(all.back(), inet_address(ip, port));
  };
  const int rest = 60998;
  for (int port = 32768; port < rest; ++port) REQUIRE(bind_one("127.0.0.1", port).ok());
  std::set<int> last;
  for (const int port : {rest, rest + 1}) {
    CAPTURE(port);
    CHECK(bind_one("127.0.0.1").ok());
    last.insert(calls.port(all.back()));
  }
  const bool may_share = type == SOCK_DGRAM && shares;
  if (!may_share) CHECK(last == std::set{rest, rest + 1});
  CHECK(bind_one("127.0.0.1").error() == (may_share ? 0 : EADDRINUSE));
  if (!may_share) CHECK(calls.local(all.back()) == inet_address("0.0.0.0", 0));
  CHECK(bind_one("0.0.0.0").error() == (may_share ? 0 : EADDRINUSE));
  CHECK(bind_one("127.0.0.2").ok());
  if (type == SOCK_DGRAM) {
    if (shares) return;
    const auto unbound = calls.fresh();
    CHECK(calls.send_to(unbound, "x", inet_address("127.0.0.1", 9)) == test::unsent(EAGAIN));
    CHECK(calls.connect(unbound, inet_address("127.0.0.1", 9)) == failed(EAGAIN));
    return;
  }
  // connect(2) takes no port that somebody was bound to.
  CHECK(calls.connect(calls.fresh(), inet_address("127.0.0.1", 9)) == failed(EADDRNOTAVAIL));
  const int given_back = calls.port(all[9]);
  CHECK(all[9].close().ok());
  const auto client = calls.fresh();
  CHECK(calls.connect(client, inet_address("127.0.0.1", 9)) == failed(EINPROGRESS));
  CHECK(calls.port(client) == given_back);
}

TEMPLATE_LIST_TEST_CASE("Inet bind: an IPv6 address that a connection chose is in the way of IPv4's any address",
                        "[inet][bind]", test::AllBackends) {
  TestType on;
  for (const int type : {SOCK_STREAM, SOCK_DGRAM}) {
    CAPTURE(type);
    test::InetSockets six{on, type, AF_INET6};
    test::InetSockets four{on, type};
    const auto server = six.bound();
    if (type == SOCK_STREAM) REQUIRE(six.listen(server, 1).ok());
    const auto client = six.bound(inet_address("::", 0));
    const int port = six.port(client);
    REQUIRE(six.connect(client, six.local(server)).error() == (type == SOCK_STREAM ? EINPROGRESS : 0));
    CHECK(four.bind(four.fresh(), inet_address("0.0.0.0", port)) == failed(EADDRINUSE));
    CHECK(four.bind(four.fresh(), inet_address("127.0.0.1", port)).ok());
  }
}

TEMPLATE_LIST_TEST_CASE("Inet bind: who overlaps", "[inet][bind]", test::AllBackends) {
  struct Row {
    const char* first;
    const char* second;
    int error;
    bool first_is_v6_only = false;
    bool second_is_v6_only = false;
  };
  const Row rows[] = {{"127.0.0.1", "127.0.0.1", EADDRINUSE},
                      {"127.0.0.1", "127.0.0.2", 0},
                      {"127.0.0.1", "0.0.0.0", EADDRINUSE},
                      {"0.0.0.0", "127.0.0.1", EADDRINUSE},
                      {"127.0.0.1", "::ffff:127.0.0.1", EADDRINUSE},
                      {"::ffff:0.0.0.0", "127.0.0.1", EADDRINUSE},
                      {"::ffff:127.0.0.2", "127.0.0.1", 0},
                      {"::1", "::1", EADDRINUSE},
                      {"::1", "127.0.0.1", 0},
                      {"::1", "0.0.0.0", 0},
                      {"0.0.0.0", "::1", 0},
                      {"::", "::1", EADDRINUSE},
                      {"::1", "::", EADDRINUSE},
                      {"::", "127.0.0.1", EADDRINUSE},
                      {"127.0.0.1", "::", EADDRINUSE},
                      {"::", "0.0.0.0", EADDRINUSE},
                      {"::", "0.0.0.0", 0, true},
                      {"::", "127.0.0.1", 0, true},
                      {"127.0.0.1", "::", 0, false, true},
                      {"::ffff:127.0.0.1", "::", 0, false, true},
                      {"::", "::1", EADDRINUSE, true},
                      {"::1", "::", EADDRINUSE, false, true},
                      {"::", "::", EADDRINUSE, true, true}};
  for (const int type : {SOCK_STREAM, SOCK_DGRAM}) {
    Sharing<TestType> s{{}, type};
    for (const Row& row : rows) {
      CAPTURE(type, row.first, row.second, row.first_is_v6_only, row.second_is_v6_only);
      const auto second_error = [&] {
        const auto first = s.fresh(family_of(row.first), alone, row.first_is_v6_only);
        const auto second = s.fresh(family_of(row.second), alone, row.second_is_v6_only);
        REQUIRE(s.bind(first, row.first, 0) == 0);
        return s.bind(second, row.second, port_in(test::local_name(first).written));
      };
      CHECK(after_others(row.error, second_error) == row.error);
    }
  }
}

TEMPLATE_LIST_TEST_CASE("Inet bind: TCP and UDP have ports of their own", "[inet][bind]", test::AllBackends) {
  TestType on;
  test::InetSockets tcp{on, SOCK_STREAM};
  test::InetSockets udp{on, SOCK_DGRAM};
  const auto bind_both = [&] {
    const auto first = tcp.bound();
    return udp.bind(udp.fresh(), tcp.local(first)).error();
  };
  CHECK(after_others(0, bind_both) == 0);
}

TEMPLATE_LIST_TEST_CASE("Inet bind: who shares", "[inet][bind][options]", test::AllBackends) {
  struct Row {
    Share first;
    Share second;
    int error;
  };
  const Row rows[] = {{alone, address, EADDRINUSE}, {address, alone, EADDRINUSE},
                      {address, address, 0},        {port, port, 0},
                      {alone, port, EADDRINUSE},    {port, alone, EADDRINUSE},
                      {address, port, EADDRINUSE},  {port, address, EADDRINUSE}};
  for (const int type : {SOCK_STREAM, SOCK_DGRAM}) {
    Sharing<TestType> s{{}, type};
    for (const Row& row : rows) {
      CAPTURE(type, row.first, row.second);
      const auto first = s.fresh(AF_INET, row.first);
      const auto second = s.fresh(AF_INET, row.second);
      REQUIRE(s.bind(first, "127.0.0.1", 0) == 0);
      CHECK(s.bind(second, "127.0.0.1", port_in(test::local_name(first).written)) == row.error);
      CHECK(port_in(test::local_name(second).written) ==
            (row.error == 0 ? port_in(test::local_name(first).written) : 0));
    }
  }
}

TEMPLATE_LIST_TEST_CASE("Inet bind: options count as they are when it is asked", "[inet][bind][options]",
                        test::AllBackends) {
  TestType on;
  test::InetSockets calls{on, SOCK_STREAM};
  const auto first = calls.bound();
  const auto second = calls.fresh();
  REQUIRE(calls.set_option(second, SO_REUSEADDR, 1).ok());
  CHECK(calls.bind(second, calls.local(first)) == failed(EADDRINUSE));
  REQUIRE(calls.set_option(first, SO_REUSEADDR, 1).ok());
  CHECK(calls.bind(second, calls.local(first)).ok());
  REQUIRE(calls.set_option(first, SO_REUSEADDR, 0).ok());
  CHECK(calls.listen(first, 1) == failed(EADDRINUSE));
  CHECK(calls.listen(second, 1) == failed(EADDRINUSE));
  CHECK(calls.local(first) == calls.local(second));
  REQUIRE(calls.set_option(first, SO_REUSEADDR, 1).ok());
  CHECK(calls.listen(first, 1).ok());
  CHECK(calls.listen(second, 1) == failed(EADDRINUSE));
  const auto third = calls.fresh();
  REQUIRE(calls.set_option(third, SO_REUSEADDR, 1).ok());
  CHECK(calls.bind(third, calls.local(first)) == failed(EADDRINUSE));
}

TEMPLATE_LIST_TEST_CASE("Inet bind: TCP remembers the first who shared, not those whom it let in by that",
                        "[inet][bind][options]", test::AllBackends) {
  Sharing<TestType> s{{}, SOCK_STREAM};
  const auto first = s.fresh(AF_INET, port);
  REQUIRE(s.bind(first, "0.0.0.0", 0) == 0);
  const int at = port_in(test::local_name(first).written);
  const auto second = s.fresh(AF_INET, port);
  REQUIRE(s.bind(second, "127.0.0.1", at) == 0);
  REQUIRE(test::InetSockets{s.on, s.type}.set_option(first, SO_REUSEPORT, 0).ok());
  const auto third = s.fresh(AF_INET, port);
  CHECK(s.bind(third, "127.0.0.2", at) == 0);
}

TEMPLATE_LIST_TEST_CASE("Inet bind: what is left of connections has a port", "[inet][bind]", test::AllBackends) {
  for (const bool shares : {false, true}) {
    CAPTURE(shares);
    TestType on;
    test::InetSockets calls{on, SOCK_STREAM};
    auto listener = calls.fresh();
    REQUIRE(calls.set_option(listener, SO_REUSEADDR, shares ? 1 : 0).ok());
    REQUIRE(calls.bind(listener, calls.here(0)).ok());
    REQUIRE(calls.listen(listener, 1).ok());
    const std::string address = calls.local(listener);
    auto client = calls.client_of(listener);
    auto accepted = calls.accepted(listener);
    REQUIRE(listener.close().ok());
    const auto bind_again = [&](bool with) {
      const auto fd = calls.fresh();
      REQUIRE(calls.set_option(fd, SO_REUSEADDR, with ? 1 : 0).ok());
      return calls.bind(fd, address).error();
    };
    const int with = shares ? 0 : EADDRINUSE;
    CHECK(bind_again(false) == EADDRINUSE);
    CHECK(bind_again(true) == with);
    CHECK(calls.bind(calls.fresh(), inet_address("127.0.0.2", port_in(address))).ok());
    SECTION("whoever closes first") {
      REQUIRE(accepted.close().ok());
      REQUIRE(client.close().ok());
      CHECK(bind_again(false) == EADDRINUSE);
      CHECK(bind_again(true) == with);
    }
    SECTION("but not the other one") {
      REQUIRE(client.close().ok());
      REQUIRE(accepted.close().ok());
      CHECK(bind_again(false) == 0);
    }
  }
}

TEMPLATE_LIST_TEST_CASE("Inet bind: one that fails leaves a socket no address, and IPv4 as it was",
                        "[inet][bind][errors]", test::AllBackends) {
  TestType on;
  const test::InetSockets four{on, SOCK_DGRAM};
  const test::InetSockets six{on, SOCK_DGRAM, AF_INET6};
  const auto taken = six.bound();
  const auto fd = six.fresh();
  REQUIRE(six.bind(fd, six.local(taken)) == failed(EADDRINUSE));
  CHECK(six.get(fd, IPPROTO_IPV6, IPV6_V6ONLY) == 0);
  REQUIRE(six.bind(fd, inet_address("::", 0)).ok());
  CHECK(four.bind(four.fresh(), inet_address("0.0.0.0", six.port(fd))) == failed(EADDRINUSE));
  const auto other = four.bound();
  REQUIRE(four.connect(other, four.here(9)).ok());
  REQUIRE(four.connect(other, test::unspecified()).ok());
  CHECK(four.local(other) == four.here(0));
  const auto taken4 = four.bound();
  CHECK(four.bind(other, four.local(taken4)) == failed(EADDRINUSE));
  CHECK(four.local(other) == inet_address("0.0.0.0", 0));
}
