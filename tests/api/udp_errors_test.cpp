// What cannot be sent by UDP, and what comes back of what was.
#include "../support/bad_pointers.hpp"
#include "../support/inet_sockets.hpp"
#include "../support/messages.hpp"
#include "../support/wake_keys.hpp"

using namespace rouse;
using F = EventFlags;
using test::failed;
using test::inet_address;
using test::nothing;
using test::text;
using test::unsent;

namespace {

template <class On>
struct Udp {
  explicit Udp(int family = AF_INET) : calls{on, SOCK_DGRAM, family} {}

  On on;
  test::InetSockets<On> calls;
};

/// A socket that is connected to nobody's port.
template <class On>
struct ToNobody : Udp<On> {
  std::string nobody = this->calls.nobody();
  typename test::InetSockets<On>::Fd fd = this->calls.fresh();
  ToNobody() { REQUIRE(this->calls.connect(fd, nobody).ok()); }
};

}  // namespace

TEMPLATE_LIST_TEST_CASE("UDP errors: where it cannot go", "[udp][errors]", test::AllBackends) {
  Udp<TestType> t;
  const auto fd = t.calls.fresh();
  const std::string much(65508, 'x');
  struct Row {
    const char* name;
    std::string address;
    std::size_t size;
    int flags;
    int error;
  };
  const std::string good = t.calls.nobody();
  const Row rows[] = {
      {"an address without bytes", "", 1, 0, EINVAL},
      {"too short an address", good.substr(0, 15), 1, 0, EINVAL},
      {"another family", inet_address("::1", 9), 1, 0, EAFNOSUPPORT},
      {"port 0", t.calls.here(0), 1, 0, EINVAL},
      {"the broadcast", inet_address("127.255.255.255", 9), 1, 0, EACCES},
      {"too much", good, 65508, 0, EMSGSIZE},
      {"too much for anybody", inet_address("::1", 9), 65536, 0, EMSGSIZE},
      {"too much for anybody, urgently", good, 65536, MSG_OOB, EMSGSIZE},
      {"too much, urgently", good, 65535, MSG_OOB, EOPNOTSUPP},
      {"urgently", good.substr(0, 3), 1, MSG_OOB, EOPNOTSUPP},
      {"as much as there may be", good, 65507, 0, 0},
      {"no family is IPv4's", std::string(2, '\0') + good.substr(2), 1, 0, 0},
      {"no address in particular", inet_address("0.0.0.0", 9), 1, 0, 0},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    CHECK(t.calls.send_to(fd, std::string(row.size, 'x'), row.address, row.flags).error() == row.error);
  }
  const auto send = [&](const void* bytes, std::size_t n, const void* address, int length) {
    return t.on.backend
        .sendto(fd.get(), bytes, n, 0, static_cast<const ::sockaddr*>(address), static_cast<::socklen_t>(length))
        .error();
  };
  CHECK(send("x", 1, test::unmapped(), 16) == EFAULT);
  CHECK(send("x", 1, good.data(), -1) == EINVAL);
  CHECK(send("x", 1, good.data(), 129) == EINVAL);
  CHECK(send("x", 1, nullptr, 16) == EDESTADDRREQ);
  CHECK(send(test::unmapped(), 1, good.data(), 16) == EFAULT);
}

TEMPLATE_LIST_TEST_CASE("UDP errors: where IPv6 cannot go", "[udp][errors]", test::AllBackends) {
  Udp<TestType> t{AF_INET6};
  const auto fd = t.calls.fresh();
  const auto only = t.calls.fresh();
  REQUIRE(t.calls.set(only, IPPROTO_IPV6, IPV6_V6ONLY, 1).ok());
  const std::string good = t.calls.nobody();
  CHECK(t.calls.send_to(fd, "x", "") == unsent(EINVAL));
  CHECK(t.calls.send_to(fd, "x", "a") == unsent(EINVAL));
  CHECK(t.calls.send_to(fd, "x", std::string(1, '\0')) == unsent(EINVAL));
  CHECK(t.calls.send_to(only, "x", inet_address("127.0.0.1", 9), MSG_OOB) == unsent(ENETUNREACH));
  CHECK(t.calls.send_to(fd, "x", inet_address("::ffff:127.0.0.1", 0)) == unsent(EINVAL));
  CHECK(t.calls.send_to(fd, "x", inet_address("ff02::1", 0)) == unsent(EINVAL));
  CHECK(t.calls.send_to(fd, "x", good.substr(0, 23)) == unsent(EINVAL));
  CHECK(t.calls.send_to(fd, "x", std::string(28, '\0')) == unsent(EDESTADDRREQ));
  CHECK(t.calls.send_to(fd, "x", std::string(28, '\1')) == unsent(EINVAL));
  CHECK(t.calls.send_to(fd, "x", inet_address("::1", 0)) == unsent(EINVAL));
  const auto mapped = t.calls.fresh();
  REQUIRE(t.calls.connect(mapped, inet_address("::ffff:127.0.0.1", 9)).ok());
  CHECK(t.calls.send(mapped, "x", MSG_OOB) == unsent(EOPNOTSUPP));
  // From an address of IPv6 there is no way to IPv4's, be it everybody's.
  const auto bound = t.calls.bound();
  CHECK(t.calls.send_to(bound, "x", inet_address("::ffff:127.0.0.1", 9)) == unsent(ENETUNREACH));
  CHECK(t.calls.send_to(bound, "x", inet_address("::ffff:255.255.255.255", 9)) == unsent(ENETUNREACH));
  // Linux may have a way.
  if constexpr (TestType::is_emulated) {
    CHECK(t.calls.send_to(fd, "x", inet_address("fe80::1", 9)) == unsent(ENETUNREACH));
    // An address that is none hides that the peer is IPv4's, which knows no urgent bytes.
    CHECK(t.calls.send_to(mapped, "x", std::string(28, '\0'), MSG_OOB) == unsent(ENETUNREACH));
  }
  CHECK(t.calls.connect(fd, inet_address("fe80::1", 9)) == failed(EINVAL));
  CHECK(t.calls.send_to(fd, std::string(65508, 'x'), inet_address("::ffff:127.0.0.1", 9)) == unsent(EMSGSIZE));
  CHECK(t.calls.send_to(fd, "x", inet_address("::ffff:127.0.0.1", 9), MSG_OOB) == unsent(EOPNOTSUPP));
  CHECK(t.calls.send_to(fd, "x", good, MSG_OOB) == std::size_t{1});
  CHECK(t.calls.send_to(fd, std::string(65528, 'x'), good) == unsent(EMSGSIZE));
  CHECK(t.calls.send_to(fd, std::string(65527, 'x'), good) == std::size_t{65527});
  CHECK(t.calls.send_to(only, "x", inet_address("127.0.0.1", 9)) == unsent(ENETUNREACH));
  CHECK(t.calls.send_to(only, "x", inet_address("::ffff:127.0.0.1", 9)) == unsent(ENETUNREACH));
  CHECK(t.calls.connect(only, inet_address("127.0.0.1", 9)) == failed(EAFNOSUPPORT));
  CHECK(t.calls.connect(fd, "x") == failed(EINVAL));
  CHECK(t.calls.connect(fd, good.substr(0, 20)) == failed(EINVAL));
  REQUIRE(t.calls.connect(fd, inet_address("127.0.0.1", 9)).ok());
  // An address of no family means the peer, but as IPv6, which this one is not. Linux may have a way to it all the
  // same. Control messages come first.
  const auto send_to_none = [&](const std::string& control) {
    return test::send_message(t.on.backend, fd.get(), "x", control, 0, std::string(28, '\0'));
  };
  if constexpr (TestType::is_emulated) CHECK(send_to_none("") == unsent(ENETUNREACH));
  CHECK(send_to_none(std::string(16, '\0')) == unsent(EINVAL));
}

TEMPLATE_LIST_TEST_CASE("UDP errors: connect", "[udp][errors][connect]", test::AllBackends) {
  Udp<TestType> t;
  const auto fd = t.calls.fresh();
  CHECK(t.calls.connect(fd, "x") == failed(EINVAL));
  CHECK(t.calls.port(fd) == 0);
  CHECK(t.calls.connect(fd, t.calls.here(9).substr(0, 15)) == failed(EINVAL));
  CHECK(t.calls.port(fd) != 0);
  CHECK(t.calls.connect(fd, inet_address("::1", 9)) == failed(EAFNOSUPPORT));
  CHECK(t.calls.connect(fd, inet_address("127.255.255.255", 9)) == failed(EACCES));
  CHECK(t.calls.peer(fd).empty());
  CHECK(t.calls.listen(fd, 1) == failed(EOPNOTSUPP));
  CHECK(t.calls.accept_error(fd) == EOPNOTSUPP);
  CHECK(t.calls.connect(fd, t.calls.here(0)).ok());
  CHECK(t.calls.peer(fd).empty());
  CHECK(t.calls.asked(fd, SIOCATMARK) == -1);
}

TEMPLATE_LIST_TEST_CASE("UDP errors: the device to broadcast by goes with the address", "[udp][errors][connect]",
                        test::AllBackends) {
  const int family = GENERATE(AF_INET, AF_INET6);
  const bool is_bound = GENERATE(false, true);
  CAPTURE(family, is_bound);
  Udp<TestType> t{family};
  const auto fd = t.calls.fresh();
  const char* const own = family == AF_INET ? "127.0.0.1" : "::ffff:127.0.0.1";
  if (is_bound) REQUIRE(t.calls.bind(fd, inet_address(own, 0)).ok());
  const std::string everybody = inet_address("255.255.255.255", 9);
  // A machine with a way out knows a device for that without an address.
  const auto at_first = t.calls.connect(fd, everybody);
  if (TestType::is_emulated || is_bound) CHECK(at_first == failed(is_bound ? EACCES : ENETUNREACH));
  REQUIRE(t.calls.connect(fd, inet_address("127.0.0.2", 9)).ok());
  CHECK(t.calls.connect(fd, everybody) == failed(EACCES));
  const std::string none(sizeof(::sockaddr), '\0');
  REQUIRE(t.calls.connect(fd, none).ok());
  CHECK(t.calls.connect(fd, everybody) == at_first);
}

// Linux looks for a route to the peer anew, and then takes it to the address that it failed to connect to.
TEMPLATE_LIST_TEST_CASE("UDP errors: after a connect that failed, the peer gets one message more",
                        "[udp][errors][connect]", test::AllBackends) {
  Udp<TestType> t;
  const auto peer = t.calls.bound();
  const auto fd = t.calls.fresh();
  const std::string broadcast = inet_address("127.255.255.255", 9);
  const std::string there = t.calls.local(peer);
  REQUIRE(t.calls.connect(fd, there).ok());
  REQUIRE(t.calls.connect(fd, broadcast) == failed(EACCES));
  CHECK(t.calls.peer(fd) == there);
  const auto arrives = [&](int flags = 0) {
    CHECK(t.calls.send(fd, "x", flags) == std::size_t{1});
    return t.calls.receive(peer) == text("x");
  };
  SECTION("by every route that is asked for") {
    CHECK(arrives());
    CHECK_FALSE(arrives());
    CHECK(arrives(MSG_DONTROUTE));
    CHECK_FALSE(arrives());
    t.calls.set(fd, IPPROTO_IP, IP_TOS, 0x10).value();
    CHECK(arrives());
    CHECK_FALSE(arrives());
    t.calls.set(fd, IPPROTO_IP, IP_TOS, 0x10).value();
    CHECK_FALSE(arrives());
    t.calls.set(fd, SOL_SOCKET, SO_DONTROUTE, 1).value();
    CHECK(arrives());
    CHECK(arrives());
  }
  SECTION("but for what comes with control") {
    CHECK(arrives());
    for (int i = 0; i < 2; ++i) {
      CHECK(test::send_message(t.on.backend, fd.get(), "x", test::rights({fd.get()})) == std::size_t{1});
      CHECK(t.calls.receive(peer) == text("x"));
    }
    CHECK_FALSE(arrives());
  }
  SECTION("but for what is sent to it by name") {
    CHECK(arrives());
    CHECK(t.calls.send_to(fd, "yz", there) == std::size_t{2});
    CHECK(t.calls.receive(peer) == text("yz"));
    CHECK_FALSE(arrives());
  }
  SECTION("and after each such connect") {
    CHECK(t.calls.connect(fd, inet_address("::1", 9)) == failed(EAFNOSUPPORT));
    CHECK(arrives());
    CHECK_FALSE(arrives());
    CHECK(t.calls.connect(fd, broadcast) == failed(EACCES));
    CHECK(arrives());
    CHECK_FALSE(arrives());
  }
  SECTION("until one succeeds") {
    REQUIRE(t.calls.connect(fd, there).ok());
    CHECK(arrives());
    CHECK(arrives());
  }
}

TEMPLATE_LIST_TEST_CASE("UDP errors: a peer that is not there is told by whoever asks first", "[udp][errors]",
                        test::AllBackends) {
  ToNobody<TestType> t;
  test::WakeKeys<TestType> keys{t.on, t.fd.get()};
  CHECK(t.calls.send(t.fd, "x") == std::size_t{1});
  CHECK(keys.take() == keys.any);
  CHECK(t.calls.bits(t.fd) == (F::out | F::err));
  SECTION("send, which is not sent") { CHECK(t.calls.send(t.fd, "x") == unsent(ECONNREFUSED)); }
  SECTION("receive") { CHECK(t.calls.receive(t.fd, 0, MSG_PEEK) == nothing(ECONNREFUSED)); }
  SECTION("SO_ERROR") { CHECK(t.calls.take_error(t.fd) == ECONNREFUSED); }
  SECTION("not by who asks for something else") {
    CHECK(t.calls.send_to(t.fd, "x", "short") == unsent(EINVAL));
    CHECK(t.calls.send_to(t.fd, std::string(65508, 'x'), t.nobody) == unsent(EMSGSIZE));
    CHECK(t.calls.receive(t.fd, 1, MSG_ERRQUEUE) == nothing(EAGAIN));
    CHECK(t.calls.readable(t.fd) == 0);
    REQUIRE(t.calls.connect(t.fd, test::unspecified()).ok());
    CHECK(t.calls.take_error(t.fd) == ECONNREFUSED);
  }
  CHECK(t.calls.bits(t.fd) == F::out);
  CHECK(t.calls.receive(t.fd) == nothing(EAGAIN));
}

TEMPLATE_LIST_TEST_CASE("UDP errors: they come before data, and before being shut", "[udp][errors]",
                        test::AllBackends) {
  Udp<TestType> t;
  auto peer = t.calls.bound();
  const auto fd = t.calls.bound();
  REQUIRE(t.calls.connect(fd, t.calls.local(peer)).ok());
  REQUIRE(t.calls.send_to(peer, "early", t.calls.local(fd)).ok());
  REQUIRE(peer.close().ok());
  REQUIRE(t.calls.send(fd, "x").ok());
  REQUIRE(t.calls.shutdown(fd, SHUT_WR).ok());
  CHECK(t.calls.bits(fd) == (F::in | F::out | F::err));
  SECTION("data") {
    CHECK(t.calls.receive(fd) == nothing(ECONNREFUSED));
    CHECK(t.calls.receive(fd) == text("early"));
  }
  SECTION("shut") {
    CHECK(t.calls.send(fd, "x") == unsent(ECONNREFUSED));
    CHECK(t.calls.send(fd, "x") == unsent(EPIPE));
  }
}

TEMPLATE_LIST_TEST_CASE("UDP errors: who is not connected, or elsewhere, hears of none", "[udp][errors]",
                        test::AllBackends) {
  Udp<TestType> t;
  const std::string nobody = t.calls.nobody();
  const auto fd = t.calls.bound();
  REQUIRE(t.calls.send_to(fd, "x", nobody).ok());
  CHECK(t.calls.bits(fd) == F::out);
  const auto peer = t.calls.bound();
  REQUIRE(t.calls.connect(fd, t.calls.local(peer)).ok());
  REQUIRE(t.calls.send_to(fd, "x", nobody).ok());
  CHECK(t.calls.bits(fd) == F::out);
  const auto third = t.calls.bound();
  REQUIRE(t.calls.connect(peer, t.calls.local(third)).ok());
  REQUIRE(t.calls.send(fd, "x").ok());  // The peer takes nothing from here any more.
  CHECK(t.calls.take_error(fd) == ECONNREFUSED);
}

TEMPLATE_LIST_TEST_CASE("UDP errors: a receive that fails has lost the datagram", "[udp][errors][fault]",
                        test::AllBackends) {
  Udp<TestType> t;
  const auto from = t.calls.bound();
  const auto to = t.calls.bound();
  REQUIRE(t.calls.send_to(from, "abc", t.calls.local(to)).ok());
  const auto receive = [&](void* bytes, int flags, ::sockaddr* address, ::socklen_t* n) {
    return t.on.backend.recvfrom(to.get(), bytes, 3, flags, address, n).error();
  };
  CHECK(receive(test::unmapped(), MSG_PEEK, nullptr, nullptr) == EFAULT);
  CHECK(t.calls.readable(to) == 3);
  char bytes[3];
  ::sockaddr address{};
  ::socklen_t n = sizeof address;
  SECTION("bytes") { CHECK(receive(test::unmapped(), 0, nullptr, nullptr) == EFAULT); }
  SECTION("address") { CHECK(receive(bytes, 0, test::unmapped<::sockaddr>(), &n) == EFAULT); }
  SECTION("length") { CHECK(receive(bytes, 0, &address, test::unmapped<::socklen_t>()) == EFAULT); }
  SECTION("negative length") {
    n = static_cast<::socklen_t>(-1);
    CHECK(receive(bytes, 0, &address, &n) == EINVAL);
  }
  CHECK(t.calls.receive(to) == nothing(EAGAIN));
}

TEMPLATE_LIST_TEST_CASE("UDP errors: a send that fails late wakes its own socket", "[udp][edge][fault]",
                        test::AllBackends) {
  ToNobody<TestType> t;
  test::WakeKeys<TestType> keys{t.on, t.fd.get()};
  CHECK(t.on.backend.sendto(t.fd.get(), test::unmapped(), 1, 0, nullptr, 0).error() == EFAULT);
  CHECK(keys.take() == test::room_key);
}

TEMPLATE_LIST_TEST_CASE("Inet messages: what control messages there may be", "[inet][message]", test::AllBackends) {
  TestType on;
  test::InetSockets udp{on, SOCK_DGRAM};
  const auto from = udp.bound();
  const auto to = udp.bound();
  REQUIRE(udp.connect(from, udp.local(to)).ok());
  test::TcpEnds<TestType> tcp;
  const auto control = [](int level, int type, std::size_t length) {
    std::string bytes(24, '\0');
    ::cmsghdr header{};
    header.cmsg_level = level;
    header.cmsg_type = type;
    header.cmsg_len = length;
    std::memcpy(bytes.data(), &header, sizeof header);
    return bytes;
  };
  struct Row {
    std::string control;
    int error;
  };
  const Row rows[] = {{control(SOL_SOCKET, SCM_RIGHTS, 20), 0},
                      {control(SOL_SOCKET, SCM_CREDENTIALS, 24), 0},
                      {control(SOL_SOCKET, 99, 20), EINVAL},
                      {control(300, 1, 20), 0},
                      {control(300, 99, 20), 0},
                      {control(SOL_SOCKET, SCM_RIGHTS, 20) + control(300, 99, 25), EINVAL},
                      {control(SOL_SOCKET, SCM_RIGHTS, 16), 0},
                      {control(SOL_SOCKET, SCM_RIGHTS, 20) + control(300, 1, 24), 0},
                      {control(SOL_SOCKET, SCM_RIGHTS, 20) + control(SOL_SOCKET, 99, 20), EINVAL},
                      {control(SOL_SOCKET, SCM_RIGHTS, 15), EINVAL},
                      {control(SOL_SOCKET, SCM_RIGHTS, 25), EINVAL},
                      {control(SOL_SOCKET, SCM_RIGHTS, 20).substr(0, 12), 0}};
  const test::InetSockets udp6{on, SOCK_DGRAM, AF_INET6};
  const auto from6 = udp6.bound();
  REQUIRE(udp6.connect(from6, udp6.local(from6)).ok());
  CHECK(test::send_message(on.backend, from.get(), "x", control(IPPROTO_IPV6, IPV6_TCLASS, 20)).ok());
  CHECK(test::send_message(on.backend, from6.get(), "x", control(300, 1, 20)).ok());
  CHECK(test::send_message(on.backend, from6.get(), "x", control(SOL_SOCKET, SCM_RIGHTS, 20)).ok());
  int i = 0;
  for (const Row& row : rows) {
    CAPTURE(i++);
    CHECK(test::send_message(on.backend, from.get(), "x", row.control).error() == row.error);
    CHECK(test::send_message(tcp.on.backend, tcp.client.get(), "x", row.control).error() == row.error);
  }
  if constexpr (TestType::is_emulated) {
    const auto is_not_modelled = [&](int fd, const std::string& message) {
      CHECK_THROWS_AS(test::send_message(on.backend, fd, "x", message), kernel::NotModelled);
    };
    is_not_modelled(from.get(), control(IPPROTO_IP, IP_TTL, 20));
    is_not_modelled(from.get(), control(SOL_SOCKET, SO_MARK, 20));
    is_not_modelled(from6.get(), control(IPPROTO_IP, IP_TTL, 20));
    is_not_modelled(from6.get(), control(IPPROTO_IPV6, IPV6_TCLASS, 20));
    REQUIRE(udp.set_option(from, SO_BROADCAST, 1).ok());
    CHECK_THROWS_AS(udp.send_to(from, "x", inet_address("127.255.255.255", 9)), kernel::NotModelled);
    CHECK_THROWS_AS(udp.send(from, "x", MSG_MORE), kernel::NotModelled);
  }
}

TEMPLATE_LIST_TEST_CASE("UDP errors: with MSG_PROBE nothing is sent, and little asked", "[udp][errors][flags]",
                        test::AllBackends) {
  constexpr int probe = 0x10;  // MSG_PROBE, of <linux/socket.h>.
  for (const char* const ip : {"127.0.0.1", "::1", "::ffff:127.0.0.1"}) {
    CAPTURE(ip);
    Udp<TestType> t{ip[0] == ':' ? AF_INET6 : AF_INET};
    const auto to = t.calls.bound(inet_address(ip, 0));
    const auto fd = t.calls.fresh();
    for (const bool is_shut : {false, true}) {
      if (is_shut) REQUIRE(t.calls.shutdown(fd, SHUT_WR) == failed(ENOTCONN));
      for (const std::size_t n : {std::size_t{0}, std::size_t{1}, std::size_t{65508}}) {
        CHECK(t.calls.send_to(fd, std::string(n, 'x'), t.calls.local(to), probe) == n);
      }
    }
    CHECK(t.calls.receive(to) == nothing(EAGAIN));
    CHECK(t.calls.send_to(fd, "x", inet_address(ip, 0), probe) == unsent(EINVAL));
  }
}

TEMPLATE_LIST_TEST_CASE("UDP errors: of its peer, an IPv6 socket asks what IPv4 would", "[udp][errors]",
                        test::AllBackends) {
  Udp<TestType> t{AF_INET6};
  const auto fd = t.calls.fresh();
  REQUIRE(t.calls.connect(fd, inet_address("::ffff:127.0.0.1", 9)).ok());
  CHECK(t.calls.send(fd, "x", MSG_OOB) == unsent(EOPNOTSUPP));
  CHECK(t.calls.send(fd, std::string(65536, 'x')) == unsent(EMSGSIZE));
  REQUIRE(t.calls.connect(fd, inet_address("::ffff:127.0.0.1", 0)).ok());
  CHECK(t.calls.send(fd, "x") == unsent(EINVAL));
  const auto other = t.calls.fresh();
  REQUIRE(t.calls.connect(other, inet_address("::1", 9)).ok());
  CHECK(t.calls.send(other, "x", MSG_OOB) == std::size_t{1});
}

TEMPLATE_LIST_TEST_CASE("UDP errors: after a connect that failed, an IPv6 socket goes on sending to its peer",
                        "[udp][errors][connect]", test::AllBackends) {
  Udp<TestType> t{AF_INET6};
  const auto peer = t.calls.bound(inet_address("::ffff:127.0.0.1", 0));
  const auto fd = t.calls.fresh();
  REQUIRE(t.calls.connect(fd, t.calls.local(peer)).ok());
  REQUIRE(t.calls.connect(fd, inet_address("::ffff:127.255.255.255", 9)) == failed(EACCES));
  for (int i = 0; i < 3; ++i) {
    REQUIRE(t.calls.send(fd, "x").ok());
    CHECK(t.calls.receive(peer) == text("x"));
  }
}

TEST_CASE("UDP errors: without a way for all, many are reached by a device, which one has by an address",
          "[udp][errors][emulated]") {
  Udp<test::OnEmulated> t;
  const auto at_many = t.calls.bound(inet_address("224.0.0.1", 0));
  const std::string all = inet_address("255.255.255.255", 9);
  CHECK(t.calls.send_to(at_many, "x", all) == unsent(ENETUNREACH));
  const auto here = t.calls.bound();
  CHECK(t.calls.send_to(here, "x", all) == unsent(EACCES));
  CHECK_THROWS_AS(t.calls.send_to(here, "x", inet_address("224.0.0.1", 9)), kernel::NotModelled);
}
