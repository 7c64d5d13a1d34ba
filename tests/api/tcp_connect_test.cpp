// connect(2) of TCP: to whom, from where, and what it says in each state.
#include "../support/bad_pointers.hpp"
#include "../support/inet_sockets.hpp"
#include "../support/wake_keys.hpp"

using namespace rouse;
using F = EventFlags;
using test::end_of_stream;
using test::failed;
using test::inet_address;
using test::nothing;
using test::port_in;
using test::unsent;

namespace {

constexpr F refused_bits = F::in | F::out | F::err | F::hup | F::rdhup;
constexpr F over_bits = F::in | F::out | F::hup | F::rdhup;

template <class On>
struct Tcp {
  On on;
  test::InetSockets<On> calls{on, SOCK_STREAM};
};

/// A client whose connect nobody has answered: the listener has no room for it.
template <class On>
struct Waiting : Tcp<On> {
  typename test::InetSockets<On>::Fd listener = this->calls.listening(0);
  typename test::InetSockets<On>::Fd first = this->calls.client_of(listener);
  typename test::InetSockets<On>::Fd client = this->calls.client_of(listener);
};

}  // namespace

TEMPLATE_LIST_TEST_CASE("TCP connect: it is in progress, then made, then told once, then there", "[tcp][connect]",
                        test::AllBackends) {
  Tcp<TestType> t;
  const auto listener = t.calls.listening();
  const auto client = t.calls.fresh();
  test::WakeKeys<TestType> keys{t.on, client.get()};
  CHECK(t.calls.bits(client) == (F::out | F::hup));
  CHECK(t.calls.connect(client, t.calls.local(listener)) == failed(EINPROGRESS));
  CHECK(keys.take() == keys.any);
  CHECK(t.calls.bits(client) == F::out);
  CHECK(t.calls.peer(client) == t.calls.local(listener));
  CHECK(t.calls.connect(client, t.calls.local(listener)).ok());
  CHECK(t.calls.connect(client, t.calls.local(listener)) == failed(EISCONN));
  CHECK(t.calls.connect(client, "x") == failed(EINVAL));
  CHECK(t.calls.connect(client, std::string(2, 'x')) == failed(EISCONN));
  CHECK(t.calls.take_error(client) == 0);
  CHECK(keys.take() == F{});
}

TEMPLATE_LIST_TEST_CASE("TCP connect: a blocking one returns when it is made", "[tcp][connect]", test::AllBackends) {
  Tcp<TestType> t;
  const auto listener = t.calls.listening();
  const auto client = t.calls.fresh(0);
  CHECK(t.calls.connect(client, t.calls.local(listener)).ok());
  CHECK(t.calls.local_ip(client) == "127.0.0.1");
  CHECK(t.calls.peer(t.calls.accepted(listener)) == t.calls.local(client));
  const auto refused = t.calls.fresh(0);
  CHECK(t.calls.connect(refused, t.calls.nobody()) == failed(ECONNREFUSED));
  CHECK(t.calls.take_error(refused) == 0);
  CHECK(t.calls.bits(refused) == (F::out | F::hup));
  CHECK(t.calls.local_ip(refused) == "0.0.0.0");
  CHECK(t.calls.port(refused) != 0);
  CHECK(t.calls.connect(refused, t.calls.local(listener)).ok());
}

TEMPLATE_LIST_TEST_CASE("TCP connect: what is refused in the arguments comes in Linux's order", "[tcp][connect]",
                        test::AllBackends) {
  Tcp<TestType> t;
  const auto client = t.calls.fresh();
  const std::string good = t.calls.here(9);
  const auto connect = [&](int fd, const void* address, int n) {
    return t.on.backend.connect(fd, static_cast<const ::sockaddr*>(address), static_cast<::socklen_t>(n)).error();
  };
  const typename test::Handles<TestType>::EventFd no_socket{t.on.backend};
  CHECK(connect(-1, test::unmapped(), 16) == EBADF);
  CHECK(connect(no_socket.fd(), good.data(), 16) == ENOTSOCK);
  CHECK(connect(client.get(), test::unmapped(), 129) == EINVAL);
  CHECK(connect(client.get(), test::unmapped(), -1) == EINVAL);
  CHECK(connect(client.get(), test::unmapped(), 16) == EFAULT);
  CHECK(connect(client.get(), good.data(), 0) == EINVAL);
  CHECK(connect(client.get(), good.data(), 1) == EINVAL);
  CHECK(connect(client.get(), good.data(), 15) == EINVAL);
  CHECK(t.calls.connect(client, inet_address("::1", 9)) == failed(EAFNOSUPPORT));
  CHECK(t.calls.local(client) == inet_address("0.0.0.0", 0));
}

TEMPLATE_LIST_TEST_CASE("TCP connect: where there is no way it says so at once", "[tcp][connect]", test::AllBackends) {
  Tcp<TestType> t;
  const auto client = t.calls.fresh();
  for (const char* ip : {"127.255.255.255", "224.0.0.1", "255.255.255.255"}) {
    CAPTURE(ip);
    CHECK(t.calls.connect(client, inet_address(ip, 9)) == failed(ENETUNREACH));
    CHECK(t.calls.bits(client) == (F::out | F::hup));
  }
  test::InetSockets calls6{t.on, SOCK_STREAM, AF_INET6};
  const auto client6 = calls6.fresh();
  CHECK(calls6.connect(client6, inet_address("fe80::1", 9)) == failed(EINVAL));
  CHECK(calls6.connect(client6, inet_address("ff02::1", 9)) == failed(ENETUNREACH));
  REQUIRE(calls6.set(client6, IPPROTO_IPV6, IPV6_V6ONLY, 1).ok());
  CHECK(calls6.connect(client6, inet_address("::ffff:127.0.0.1", 9)) == failed(ENETUNREACH));
  CHECK(calls6.connect(client6, inet_address("127.0.0.1", 9)) == failed(EINVAL));  // Too short.
}

TEMPLATE_LIST_TEST_CASE("TCP connect: to an address that stands for another one", "[tcp][connect]", test::AllBackends) {
  struct Row {
    int family;
    const char* listens_at;
    const char* to;
    const char* peer;
    const char* local;
    const char* accepted;  ///< As the listener tells its end's.
  };
  const Row rows[] = {
      {AF_INET, "0.0.0.0", "0.0.0.0", "127.0.0.1", "127.0.0.1", "127.0.0.1"},
      {AF_INET, "0.0.0.0", "127.0.0.9", "127.0.0.9", "127.0.0.1", "127.0.0.9"},
      {AF_INET6, "::", "::", "::1", "::1", "::1"},
      {AF_INET6, "::", "::ffff:0.0.0.0", "::ffff:127.0.0.1", "::ffff:127.0.0.1", "::ffff:127.0.0.1"},
      {AF_INET6, "::", "::ffff:127.0.0.9", "::ffff:127.0.0.9", "::ffff:127.0.0.1", "::ffff:127.0.0.9"},
      {AF_INET, "::", "127.0.0.1", "127.0.0.1", "127.0.0.1", "::ffff:127.0.0.1"},
      {AF_INET6, "0.0.0.0", "::ffff:127.0.0.1", "::ffff:127.0.0.1", "::ffff:127.0.0.1", "127.0.0.1"},
  };
  TestType on;
  for (const Row& row : rows) {
    CAPTURE(row.family, row.listens_at, row.to);
    const bool at_v6 = std::string(row.listens_at).find(':') != std::string::npos;
    test::InetSockets server_calls{on, SOCK_STREAM, at_v6 ? AF_INET6 : AF_INET};
    test::InetSockets calls{on, SOCK_STREAM, row.family};
    const auto listener = server_calls.bound(inet_address(row.listens_at, 0));
    REQUIRE(server_calls.listen(listener, 5).ok());
    const auto client = calls.client_of(inet_address(row.to, server_calls.port(listener)));
    CHECK(test::ip_in(calls.peer(client)) == row.peer);
    CHECK(calls.local_ip(client) == row.local);
    const auto accepted = server_calls.accepted(listener);
    CHECK(server_calls.local_ip(accepted) == row.accepted);
    CHECK(server_calls.port(accepted) == server_calls.port(listener));
  }
}

TEMPLATE_LIST_TEST_CASE("TCP connect: IPv6 bound to one family does not go to the other", "[tcp][connect]",
                        test::AllBackends) {
  TestType on;
  test::InetSockets calls{on, SOCK_STREAM, AF_INET6};
  const auto six = calls.bound(inet_address("::1", 0));
  CHECK(calls.connect(six, inet_address("::ffff:127.0.0.1", 9)) == failed(ENETUNREACH));
  const auto four = calls.bound(inet_address("::ffff:127.0.0.1", 0));
  CHECK(calls.connect(four, inet_address("::1", 9)) == failed(EAFNOSUPPORT));
}

TEMPLATE_LIST_TEST_CASE("TCP connect: it keeps an address that it was bound to", "[tcp][connect]", test::AllBackends) {
  Tcp<TestType> t;
  const auto listener = t.calls.listening();
  for (const auto& [ip, then] : {std::pair{"127.0.0.5", "127.0.0.5"},
                                 {"0.0.0.0", "127.0.0.1"},
                                 {"255.255.255.255", "127.0.0.1"},
                                 {"224.0.0.1", "127.0.0.1"}}) {
    CAPTURE(ip);
    const auto client = t.calls.bound(inet_address(ip, 0));
    const int port = t.calls.port(client);
    REQUIRE(t.calls.connect(client, t.calls.local(listener)) == failed(EINPROGRESS));
    CHECK(t.calls.local(client) == inet_address(then, port));
    CHECK(t.calls.peer(t.calls.accepted(listener)) == t.calls.local(client));
  }
}

TEMPLATE_LIST_TEST_CASE("TCP connect: a socket connects to itself", "[tcp][connect]", test::AllBackends) {
  Tcp<TestType> t;
  const auto self = t.calls.bound();
  CHECK(t.calls.connect(self, t.calls.local(self)) == failed(EINPROGRESS));
  CHECK(t.calls.bits(self) == F::out);
  CHECK(t.calls.peer(self) == t.calls.local(self));
  CHECK(t.calls.send(self, "abc") == std::size_t{3});
  CHECK(t.calls.bits(self) == (F::in | F::out));
  CHECK(t.calls.receive(self) == test::text("abc"));
  CHECK(t.calls.shutdown(self, SHUT_WR).ok());
  CHECK(t.calls.bits(self) == over_bits);
  CHECK(t.calls.receive(self) == end_of_stream());
}

TEMPLATE_LIST_TEST_CASE("TCP connect: refused, it is told by whoever asks first", "[tcp][connect][errors]",
                        test::AllBackends) {
  Tcp<TestType> t;
  const std::string nobody = t.calls.nobody();
  const auto client = t.calls.fresh();
  test::WakeKeys<TestType> keys{t.on, client.get()};
  REQUIRE(t.calls.connect(client, nobody) == failed(EINPROGRESS));
  CHECK(keys.take() == keys.any);
  CHECK(t.calls.bits(client) == refused_bits);
  CHECK(t.calls.local_ip(client) == "127.0.0.1");
  CHECK(t.calls.peer(client).empty());
  CHECK(t.calls.listen(client, 1) == failed(EINVAL));
  CHECK(t.calls.accept_error(client) == EINVAL);
  SECTION("receive") {
    CHECK(t.calls.receive(client, 0) == nothing(ECONNREFUSED));
    CHECK(t.calls.receive(client) == end_of_stream());
  }
  SECTION("receive, looking only") { CHECK(t.calls.receive(client, 1, MSG_PEEK) == nothing(ECONNREFUSED)); }
  SECTION("send") {
    CHECK(t.calls.send(client, "") == unsent(ECONNREFUSED));
    CHECK(t.calls.send(client, "") == unsent(EPIPE));
  }
  SECTION("SO_ERROR") {
    CHECK(t.calls.take_error(client) == ECONNREFUSED);
    CHECK(t.calls.take_error(client) == 0);
  }
  CHECK(t.calls.bits(client) == over_bits);
  CHECK(t.calls.connect(client, nobody) == failed(ECONNABORTED));
  CHECK(t.calls.bits(client) == (F::out | F::hup));
  CHECK(t.calls.connect(client, nobody) == failed(EINPROGRESS));
  CHECK(t.calls.connect(client, nobody) == failed(ECONNREFUSED));
  CHECK(t.calls.bits(client) == (F::out | F::hup));
}

TEMPLATE_LIST_TEST_CASE("TCP connect: refused, and shut, it never connects again", "[tcp][connect][errors]",
                        test::AllBackends) {
  Tcp<TestType> t;
  const std::string nobody = t.calls.nobody();
  const auto client = t.calls.client_of(nobody);
  test::WakeKeys<TestType> keys{t.on, client.get()};
  CHECK(t.calls.shutdown(client, SHUT_RDWR) == failed(ENOTCONN));
  CHECK(keys.take() == keys.any);
  CHECK(t.calls.bits(client) == refused_bits);
  CHECK(t.calls.take_error(client) == ECONNREFUSED);
  CHECK(t.calls.connect(client, nobody) == failed(EINVAL));
  CHECK(t.calls.bits(client) == over_bits);
}

TEMPLATE_LIST_TEST_CASE("TCP connect: refused, the port is free, and what was bound stays so", "[tcp][connect]",
                        test::AllBackends) {
  Tcp<TestType> t;
  const std::string nobody = t.calls.nobody();
  const auto client = t.calls.fresh();
  REQUIRE(t.calls.connect(client, nobody) == failed(EINPROGRESS));
  CHECK(t.calls.bind(t.calls.fresh(), t.calls.local(client)).ok());
  CHECK(t.calls.bind(client, t.calls.here(0)).ok());

  const int port = port_in(t.calls.nobody());
  const auto bound = t.calls.bound(inet_address("127.0.0.1", port));
  REQUIRE(t.calls.connect(bound, nobody) == failed(EINPROGRESS));
  CHECK(t.calls.bind(bound, t.calls.here(0)) == failed(EINVAL));
  CHECK(t.calls.bind(t.calls.fresh(), t.calls.local(bound)) == failed(EADDRINUSE));
  CHECK(t.calls.connect(bound, nobody) == failed(ECONNREFUSED));
  CHECK(t.calls.local(bound) == inet_address("127.0.0.1", port));
}

TEMPLATE_LIST_TEST_CASE("TCP connect: a listening socket does not connect, unless to nobody", "[tcp][connect]",
                        test::AllBackends) {
  Tcp<TestType> t;
  const auto listener = t.calls.listening();
  const auto client = t.calls.client_of(listener);
  CHECK(t.calls.connect(listener, t.calls.nobody()) == failed(EISCONN));
  CHECK(t.calls.connect(listener, test::unspecified()).ok());
  CHECK(t.calls.bits(listener) == (F::out | F::hup));
  CHECK(t.calls.accept_error(listener) == EINVAL);
  CHECK(t.calls.bits(client) == refused_bits);
  CHECK(t.calls.receive(client) == nothing(ECONNRESET));
  CHECK(t.calls.listen(listener, 1).ok());
}

TEMPLATE_LIST_TEST_CASE("TCP connect: to AF_UNSPEC ends a connection, on both sides", "[tcp][connect]",
                        test::AllBackends) {
  test::TcpEnds<TestType> t;
  test::WakeKeys<TestType> keys{t.on, t.client.get()};
  const int port = t.calls.port(t.client);
  CHECK(t.calls.connect(t.client, test::unspecified()).ok());
  CHECK(keys.take() == keys.any);
  CHECK(t.calls.bits(t.client) == (F::out | F::err | F::hup));
  CHECK(t.calls.local(t.client) == inet_address("0.0.0.0", port));
  CHECK(t.calls.peer(t.client).empty());
  CHECK(t.calls.bits(t.accepted) == refused_bits);
  CHECK(t.calls.receive(t.accepted) == nothing(ECONNRESET));
  CHECK(t.calls.take_error(t.client) == ECONNRESET);
  CHECK(t.calls.connect(t.client, t.calls.local(t.listener)) == failed(EINPROGRESS));
  CHECK(t.calls.bits(t.client) == F::out);

  const auto fresh = t.calls.fresh();
  CHECK(t.calls.connect(fresh, std::string(2, '\0')).ok());
  CHECK(t.calls.bits(fresh) == (F::out | F::hup));
}

TEMPLATE_LIST_TEST_CASE("TCP connect: to AF_UNSPEC leaves what bind gave", "[tcp][connect]", test::AllBackends) {
  struct Row {
    const char* ip;
    bool port_is_given;
    const char* ip_after;
    int bind_again;
  };
  const Row rows[] = {{"127.0.0.1", true, "127.0.0.1", EINVAL},
                      {"127.0.0.1", false, "127.0.0.1", 0},
                      {"0.0.0.0", true, "0.0.0.0", EINVAL},
                      {"0.0.0.0", false, "0.0.0.0", 0}};
  Tcp<TestType> t;
  const auto listener = t.calls.listening();
  for (const Row& row : rows) {
    CAPTURE(row.ip, row.port_is_given);
    const auto client = t.calls.bound(inet_address(row.ip, row.port_is_given ? port_in(t.calls.nobody()) : 0));
    const int port = t.calls.port(client);
    REQUIRE(t.calls.connect(client, t.calls.local(listener)) == failed(EINPROGRESS));
    REQUIRE(t.calls.connect(client, test::unspecified()).ok());
    CHECK(t.calls.local(client) == inet_address(row.ip_after, port));
    CHECK(t.calls.bind(client, t.calls.here(0)).error() == row.bind_again);
  }
}

TEMPLATE_LIST_TEST_CASE("TCP connect: two connections do not have the same ends", "[tcp][connect]", test::AllBackends) {
  Tcp<TestType> t;
  const auto listener = t.calls.listening();
  const auto other = t.calls.listening();
  const auto first = t.calls.fresh();
  const auto second = t.calls.fresh();
  for (const auto* socket : {&first, &second}) REQUIRE(t.calls.set_option(*socket, SO_REUSEADDR, 1).ok());
  REQUIRE(t.calls.bind(first, t.calls.here(0)).ok());
  REQUIRE(t.calls.bind(second, t.calls.local(first)).ok());
  REQUIRE(t.calls.connect(first, t.calls.local(listener)) == failed(EINPROGRESS));
  CHECK(t.calls.connect(second, t.calls.local(listener)) == failed(EADDRNOTAVAIL));
  CHECK(t.calls.bits(second) == (F::out | F::hup));
  CHECK(t.calls.connect(second, t.calls.local(other)) == failed(EINPROGRESS));
  CHECK(t.calls.bits(second) == F::out);
}

TEMPLATE_LIST_TEST_CASE("TCP connect: what is left of a connection gives its place to a new one", "[tcp][connect]",
                        test::AllBackends) {
  Tcp<TestType> t;
  const auto listener = t.calls.listening();
  const auto shared = [&](const std::string& address) {
    auto fd = t.calls.fresh();
    REQUIRE(t.calls.set_option(fd, SO_REUSEADDR, 1).ok());
    REQUIRE(t.calls.bind(fd, address).ok());
    return fd;
  };
  auto first = shared(t.calls.here(0));
  const std::string address = t.calls.local(first);
  REQUIRE(t.calls.connect(first, t.calls.local(listener)) == failed(EINPROGRESS));
  auto accepted = t.calls.accepted(listener);
  REQUIRE(first.close().ok());
  REQUIRE(accepted.close().ok());
  const auto second = shared(address);
  CHECK(t.calls.connect(second, t.calls.local(listener)) == failed(EINPROGRESS));
  CHECK(t.calls.bits(second) == F::out);
  CHECK(t.calls.peer(t.calls.accepted(listener)) == address);
}

TEMPLATE_LIST_TEST_CASE("TCP connect: while nobody answers, there is nothing", "[tcp][connect][errors]",
                        test::AllBackends) {
  Waiting<TestType> t;
  CHECK(t.calls.bits(t.client) == F{});
  CHECK(t.calls.local_ip(t.client) == "127.0.0.1");
  CHECK(t.calls.peer(t.client).empty());
  CHECK(t.calls.connect(t.client, "") == failed(EINVAL));
  CHECK(t.calls.connect(t.client, std::string(2, 'x')) == failed(EALREADY));
  CHECK(t.calls.bind(t.client, t.calls.here(0)) == failed(EINVAL));
  CHECK(t.calls.listen(t.client, 1) == failed(EINVAL));
  CHECK(t.calls.accept_error(t.client) == EINVAL);
  CHECK(t.calls.receive(t.client) == nothing(EAGAIN));
  CHECK(t.calls.receive(t.client, 0, MSG_PEEK) == nothing(EAGAIN));
  CHECK(t.calls.receive(t.client, 1, MSG_OOB) == nothing(EINVAL));
  CHECK(t.calls.send(t.client, "x") == unsent(EAGAIN));
  CHECK(t.calls.readable(t.client) == 0);
  CHECK(t.calls.in_flight(t.client) == 0);
  CHECK(t.calls.shutdown(t.client, 3) == failed(EINVAL));
}

TEMPLATE_LIST_TEST_CASE("TCP connect: one in progress is given up by shutdown or by AF_UNSPEC", "[tcp][connect]",
                        test::AllBackends) {
  Waiting<TestType> t;
  test::WakeKeys<TestType> keys{t.on, t.client.get()};
  SECTION("read") { CHECK(t.calls.shutdown(t.client, SHUT_RD).ok()); }
  SECTION("write") { CHECK(t.calls.shutdown(t.client, SHUT_WR).ok()); }
  SECTION("both") { CHECK(t.calls.shutdown(t.client, SHUT_RDWR).ok()); }
  SECTION("AF_UNSPEC") { CHECK(t.calls.connect(t.client, test::unspecified()).ok()); }
  CHECK(keys.take() == keys.any);
  CHECK(t.calls.bits(t.client) == (F::out | F::err | F::hup));
  CHECK(t.calls.take_error(t.client) == ECONNRESET);
  CHECK(t.calls.connect(t.client, t.calls.nobody()) == failed(EINPROGRESS));
}

TEMPLATE_LIST_TEST_CASE("TCP connect: what was shut before stays shut", "[tcp][connect]", test::AllBackends) {
  struct Row {
    int how;
    F bits;
    int receive;
    int send;
  };
  const Row rows[] = {
      {SHUT_RD, F::in | F::out | F::rdhup, 0, 0}, {SHUT_WR, F::out, EAGAIN, EPIPE}, {SHUT_RDWR, over_bits, 0, EPIPE}};
  for (const Row& row : rows) {
    CAPTURE(row.how);
    Tcp<TestType> t;
    const auto listener = t.calls.listening();
    const auto client = t.calls.fresh();
    CHECK(t.calls.shutdown(client, row.how) == failed(ENOTCONN));
    REQUIRE(t.calls.connect(client, t.calls.local(listener)) == failed(EINPROGRESS));
    CHECK(t.calls.bits(client) == row.bits);
    CHECK(t.calls.receive(client).result.error() == row.receive);
    CHECK(t.calls.send(client, "x").error() == row.send);
    CHECK((t.calls.bits(t.calls.accepted(listener)) & F::rdhup) == F{});  // No end was sent.
  }
}

TEST_CASE("TCP connect: a SYN for which there was no room is sent again after a second", "[tcp][connect][emulated]") {
  Waiting<test::OnEmulated> t;
  auto& host = static_cast<kernel::SoloHost&>(t.on.kernel.host());
  const auto accepted = t.calls.accepted(t.listener);
  CHECK(t.calls.bits(t.client) == F{});
  host.advance(std::chrono::milliseconds(999));
  CHECK(t.calls.bits(t.client) == F{});
  host.advance(std::chrono::milliseconds(1));
  CHECK(t.calls.bits(t.client) == F::out);
  CHECK(t.calls.peer(t.calls.accepted(t.listener)) == t.calls.local(t.client));
}

TEST_CASE("TCP connect: that the listener is gone is noticed with the next SYN", "[tcp][connect][emulated]") {
  Waiting<test::OnEmulated> t;
  auto& host = static_cast<kernel::SoloHost&>(t.on.kernel.host());
  REQUIRE(t.listener.close().ok());
  CHECK(t.calls.bits(t.client) == F{});
  host.advance(std::chrono::seconds(1));
  CHECK(t.calls.bits(t.client) == refused_bits);
  CHECK(t.calls.take_error(t.client) == ECONNREFUSED);
}

TEST_CASE("TCP connect: a blocking one waits for room, or for its limit", "[tcp][connect][emulated]") {
  Waiting<test::OnEmulated> t;
  auto& host = static_cast<kernel::SoloHost&>(t.on.kernel.host());
  const auto client = t.calls.fresh(0);
  const ::timeval limit{0, 300'000};
  REQUIRE(t.on.backend.setsockopt(client.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit).ok());
  CHECK(t.calls.connect(client, t.calls.local(t.listener)) == failed(EINPROGRESS));
  CHECK(host.now() == 300'000'000);
  CHECK(t.calls.connect(client, t.calls.local(t.listener)) == failed(EALREADY));
  CHECK(host.now() == 600'000'000);
  const auto accepted = t.calls.accepted(t.listener);
  const auto other = t.calls.fresh(0);
  CHECK(t.calls.connect(other, t.calls.local(t.listener)).ok());  // First come, first served.
  CHECK(host.now() == 600'000'000);
}
