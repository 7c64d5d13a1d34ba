// listen(2) and accept(2) of TCP: the backlog, its order, and what becomes of those who wait in it.
#include "../support/bad_pointers.hpp"
#include "../support/inet_sockets.hpp"
#include "../support/wake_keys.hpp"

using namespace rouse;
using F = EventFlags;
using test::data_key;
using test::end_of_stream;
using test::failed;
using test::inet_address;
using test::nothing;
using test::text;
using test::unsent;

namespace {

constexpr F reset_bits = F::in | F::out | F::err | F::hup | F::rdhup;

template <class On>
struct Tcp {
  using Fd = typename test::InetSockets<On>::Fd;

  /// So many of `n` clients got a connection.
  int connected_of(int n, const Fd& listener) {
    int connected = 0;
    for (int i = 0; i < n; ++i) {
      clients.push_back(calls.client_of(listener));
      connected += calls.bits(clients.back()) == F::out ? 1 : 0;
    }
    return connected;
  }

  On on;
  test::InetSockets<On> calls{on, SOCK_STREAM};
  std::vector<Fd> clients;
};

}  // namespace

TEMPLATE_LIST_TEST_CASE("TCP listen: a port that listening chose goes when it ends", "[tcp][listen]",
                        test::AllBackends) {
  TestType on;
  test::InetSockets calls{on, SOCK_STREAM};
  const auto fd = calls.fresh();
  SECTION("chosen") {
    REQUIRE(calls.listen(fd, 1).ok());
    const int port = calls.port(fd);
    CHECK(calls.bind(calls.fresh(), calls.here(port)) == test::failed(EADDRINUSE));
    REQUIRE(calls.shutdown(fd, SHUT_RD).ok());
    CHECK(calls.bind(calls.fresh(), calls.here(port)).ok());
  }
  SECTION("chosen by bind, and not used") {
    REQUIRE(calls.bind(fd, calls.here(0)).ok());
    const int port = calls.port(fd);
    REQUIRE(calls.connect(fd, test::unspecified()).ok());
    CHECK(calls.port(fd) == port);
    CHECK(calls.bind(fd, calls.here(0)) == test::failed(EINVAL));
  }
  SECTION("bound to") {
    REQUIRE(calls.bind(fd, calls.here(0)).ok());
    const int port = calls.port(fd);
    REQUIRE(calls.bind(fd, calls.here(port)) == test::failed(EINVAL));
    REQUIRE(calls.listen(fd, 1).ok());
    REQUIRE(calls.shutdown(fd, SHUT_RD).ok());
    CHECK(calls.port(fd) == port);
  }
}

TEMPLATE_LIST_TEST_CASE("TCP listen: a port of the kernel's choice is none of IPv6's if the listener is IPv4's",
                        "[tcp][listen]", test::AllBackends) {
  TestType on;
  const test::InetSockets calls{on, SOCK_STREAM};
  const test::InetSockets calls6{on, SOCK_STREAM, AF_INET6};
  const auto server = calls.fresh();
  REQUIRE(calls.listen(server, 1).ok());
  const auto client = calls6.fresh();
  REQUIRE(calls6.connect(client, test::inet_address("::1", calls.port(server))) == test::failed(EINPROGRESS));
  CHECK(calls6.take_error(client) == ECONNREFUSED);
}

TEMPLATE_LIST_TEST_CASE("TCP listen: how it shares its port is learned anew", "[tcp][listen][bind]",
                        test::AllBackends) {
  TestType on;
  const test::InetSockets calls{on, SOCK_STREAM};
  const auto first = calls.fresh();
  REQUIRE(calls.set_option(first, SO_REUSEPORT, 1).ok());
  REQUIRE(calls.bind(first, calls.here(0)).ok());
  REQUIRE(calls.set_option(first, SO_REUSEPORT, 0).ok());
  const bool listens = GENERATE(true, false);
  if (listens) REQUIRE(calls.listen(first, 1).ok());
  const auto second = calls.fresh();
  REQUIRE(calls.set_option(second, SO_REUSEPORT, 1).ok());
  CHECK(calls.bind(second, calls.local(first)).error() == (listens ? EADDRINUSE : 0));
}

TEMPLATE_LIST_TEST_CASE("TCP listen: a connect waits by the limit for sending, not that for receiving",
                        "[tcp][listen][connect]", test::AllBackends) {
  TestType on;
  const test::InetSockets calls{on, SOCK_STREAM};
  const auto server = calls.listening();
  const ::timeval none{-1, 0};  // Not at all.
  for (const auto& [option, error] : {std::pair{SO_RCVTIMEO, 0}, std::pair{SO_SNDTIMEO, EINPROGRESS}}) {
    const auto client = calls.fresh(0);
    REQUIRE(on.backend.setsockopt(client.get(), SOL_SOCKET, option, &none, sizeof none).ok());
    CHECK(calls.connect(client, calls.local(server)).error() == error);
  }
}

TEMPLATE_LIST_TEST_CASE("TCP listen: an accepted socket has the time limits of its listener", "[tcp][listen]",
                        test::AllBackends) {
  TestType on;
  test::InetSockets calls{on, SOCK_STREAM};
  const auto server = calls.listening();
  constexpr int options[] = {SO_RCVTIMEO, SO_SNDTIMEO};
  ::timeval limit{3, 0};
  for (const int option : options) {
    ++limit.tv_sec;
    REQUIRE(on.backend.setsockopt(server.get(), SOL_SOCKET, option, &limit, sizeof limit).ok());
  }
  const auto client = calls.client_of(server);
  const auto accepted = calls.accepted(server);
  ::time_t expected = 3;
  for (const int option : options) {
    ::socklen_t n = sizeof limit;
    REQUIRE(on.backend.getsockopt(accepted.get(), SOL_SOCKET, option, &limit, &n).ok());
    CHECK(limit.tv_sec == ++expected);
  }
}

TEMPLATE_LIST_TEST_CASE("TCP listen: what is bound and what is not", "[tcp][listener]", test::AllBackends) {
  Tcp<TestType> t;
  const auto fresh = t.calls.fresh();
  test::WakeKeys<TestType> keys{t.on, fresh.get()};
  CHECK(t.calls.option(fresh, SO_ACCEPTCONN) == 0);
  CHECK(t.calls.listen(fresh, 1).ok());
  CHECK(keys.take() == F{});
  CHECK(t.calls.local_ip(fresh) == "0.0.0.0");
  CHECK(t.calls.port(fresh) % 2 == 1);
  CHECK(t.calls.bits(fresh) == F{});
  CHECK(t.calls.option(fresh, SO_ACCEPTCONN) == 1);
  CHECK(t.calls.accept_error(fresh) == EAGAIN);
  CHECK(t.calls.listen(fresh, 1).ok());
  CHECK(t.calls.receive(fresh) == nothing(ENOTCONN));
  CHECK(t.calls.receive(fresh, 1, MSG_OOB) == nothing(ENOTCONN));
  CHECK(t.calls.send(fresh, "x") == unsent(EPIPE));
  CHECK(t.calls.bind(fresh, t.calls.here(0)) == failed(EINVAL));
  int value = 0;
  for (const unsigned long request :
       {static_cast<unsigned long>(FIONREAD), static_cast<unsigned long>(SIOCOUTQ), 0x894bul}) {
    CHECK(t.on.backend.ioctl(fresh.get(), request, &value).error() == EINVAL);
  }
  CHECK_FALSE(t.calls.is_at_mark(fresh));
  CHECK(t.calls.peer(fresh).empty());
}

TEMPLATE_LIST_TEST_CASE("TCP listen: what does not listen", "[tcp][listener][errors]", test::AllBackends) {
  test::TcpEnds<TestType> t;
  CHECK(t.on.backend.listen(-1, 1).error() == EBADF);
  const typename test::Handles<TestType>::EventFd no_socket{t.on.backend};
  CHECK(t.on.backend.listen(no_socket.fd(), 1).error() == ENOTSOCK);
  CHECK(t.calls.listen(t.client, 1) == failed(EINVAL));
  REQUIRE(t.calls.shutdown(t.client, SHUT_WR).ok());
  CHECK(t.calls.listen(t.client, 1) == failed(EINVAL));
  REQUIRE(t.calls.shutdown(t.accepted, SHUT_WR).ok());
  CHECK(t.calls.listen(t.client, 1) == failed(EINVAL));
  const auto refused = t.calls.fresh();
  REQUIRE(t.calls.connect(refused, t.calls.nobody()) == failed(EINPROGRESS));
  CHECK(t.calls.listen(refused, 1) == failed(EINVAL));
  CHECK(t.calls.take_error(refused) == ECONNREFUSED);
  CHECK(t.calls.listen(refused, 1) == failed(EINVAL));
}

TEMPLATE_LIST_TEST_CASE("TCP listen: one connection more than the backlog says", "[tcp][listener]", test::AllBackends) {
  for (const int backlog : {0, 1, 5}) {
    CAPTURE(backlog);
    Tcp<TestType> t;
    const auto listener = t.calls.listening(backlog);
    CHECK(t.connected_of(backlog + 2, listener) == backlog + 1);
    CHECK(t.calls.bits(t.clients.back()) == F{});
  }
  Tcp<TestType> t;
  const auto listener = t.calls.listening(-1);
  CHECK(t.connected_of(20, listener) == 20);
}

TEMPLATE_LIST_TEST_CASE("TCP listen: another backlog counts at once", "[tcp][listener]", test::AllBackends) {
  Tcp<TestType> t;
  const auto listener = t.calls.listening(0);
  CHECK(t.connected_of(2, listener) == 1);
  REQUIRE(t.calls.listen(listener, 2).ok());
  CHECK(t.connected_of(2, listener) == 2);
  REQUIRE(t.calls.listen(listener, 0).ok());
  REQUIRE(t.calls.accept_error(listener) == 0);
  CHECK(t.connected_of(1, listener) == 0);
}

TEMPLATE_LIST_TEST_CASE("TCP accept: in the order of the connections, each of which wakes", "[tcp][listener][edge]",
                        test::AllBackends) {
  Tcp<TestType> t;
  const auto listener = t.calls.listening(5);
  test::WakeKeys<TestType> keys{t.on, listener.get()};
  for (int i = 0; i < 3; ++i) {
    CHECK(t.connected_of(1, listener) == 1);
    CHECK(keys.take() == data_key);
    CHECK(t.calls.bits(listener) == F::in);
  }
  REQUIRE(t.calls.send(t.clients[0], "abc").ok());
  CHECK(keys.take() == F{});
  for (int i = 0; i < 3; ++i) {
    const auto accepted = t.calls.accepted(listener);
    CHECK(t.calls.peer(accepted) == t.calls.local(t.clients[static_cast<std::size_t>(i)]));
    CHECK(t.calls.local(accepted) == t.calls.local(listener));
    CHECK(t.calls.bits(accepted) == (i == 0 ? F::in | F::out : F::out));
    CHECK(keys.take() == F{});
  }
  CHECK(t.calls.bits(listener) == F{});
  CHECK(t.calls.accept_error(listener) == EAGAIN);
}

TEMPLATE_LIST_TEST_CASE("TCP accept: errors, in Linux's order", "[tcp][listener][errors]", test::AllBackends) {
  test::TcpEnds<TestType> t;
  const auto accept = [&](int fd, int flags) { return t.on.backend.accept4(fd, nullptr, nullptr, flags).error(); };
  CHECK(accept(-1, 1 << 30) == EBADF);
  CHECK(accept(t.client.get(), 1 << 30) == EINVAL);
  CHECK(accept(t.client.get(), 0) == EINVAL);
  test::InetSockets datagrams{t.on, SOCK_DGRAM};
  CHECK(accept(datagrams.fresh().get(), 0) == EOPNOTSUPP);
  CHECK(accept(t.listener.get(), SOCK_CLOEXEC) == EAGAIN);
}

TEMPLATE_LIST_TEST_CASE("TCP accept: it tells who came, as far as there is room", "[tcp][listener]",
                        test::AllBackends) {
  Tcp<TestType> t;
  const auto listener = t.calls.listening();
  for (const ::socklen_t room : {::socklen_t{100}, ::socklen_t{16}, ::socklen_t{5}, ::socklen_t{0}}) {
    CAPTURE(room);
    const auto client = t.calls.client_of(listener);
    const auto told = test::told(
        room, [&](::sockaddr* to, ::socklen_t* n) { return t.on.backend.accept4(listener.get(), to, n, 0); });
    const typename Tcp<TestType>::Fd accepted{t.on.backend, told.result.value()};
    CHECK(told.written == t.calls.local(client).substr(0, room).substr(0, told.written.size()));
    CHECK(told.length == 16);
    CHECK((t.on.backend.fcntl(accepted.get(), F_GETFL, 0).value() & O_NONBLOCK) == 0);
  }
}

TEMPLATE_LIST_TEST_CASE("TCP accept: to a bad address, the connection is lost", "[tcp][listener][fault]",
                        test::AllBackends) {
  Tcp<TestType> t;
  const auto listener = t.calls.listening();
  const auto client = t.calls.client_of(listener);
  SECTION("bad address") {
    ::socklen_t n = 16;
    CHECK(t.on.backend.accept4(listener.get(), test::unmapped<::sockaddr>(), &n, 0).error() == EFAULT);
  }
  SECTION("bad length") {
    ::sockaddr address{};
    ::socklen_t n = static_cast<::socklen_t>(-1);
    CHECK(t.on.backend.accept4(listener.get(), &address, &n, 0).error() == EINVAL);
  }
  CHECK(t.calls.bits(client) == (F::in | F::out | F::rdhup));
  CHECK(t.calls.bits(listener) == F{});
}

TEMPLATE_LIST_TEST_CASE("TCP accept: what happened to a connection before shows after", "[tcp][listener]",
                        test::AllBackends) {
  Tcp<TestType> t;
  const auto listener = t.calls.listening();
  auto client = t.calls.client_of(listener);
  const std::string address = t.calls.local(client);
  test::WakeKeys<TestType> keys{t.on, listener.get()};
  REQUIRE(t.calls.send(client, "abc").ok());
  SECTION("the client closed") {
    REQUIRE(client.close().ok());
    const auto accepted = t.calls.accepted(listener);
    CHECK(t.calls.bits(accepted) == (F::in | F::out | F::rdhup));
    CHECK(t.calls.peer(accepted) == address);
    CHECK(t.calls.receive(accepted) == text("abc"));
    CHECK(t.calls.receive(accepted) == end_of_stream());
  }
  SECTION("the client was reset") {
    t.calls.set_linger(client, 0);
    REQUIRE(client.close().ok());
    CHECK(keys.take() == F{});
    CHECK(t.calls.bits(listener) == F::in);
    const auto told = test::told(100, [&](::sockaddr* to, ::socklen_t* n) {
      client =
          typename Tcp<TestType>::Fd{t.on.backend, t.on.backend.accept4(listener.get(), to, n, SOCK_NONBLOCK).value()};
      return SysResult<void>{};
    });
    CHECK(told.length == 16);
    CHECK(t.calls.bits(client) == reset_bits);
    CHECK(t.calls.peer(client).empty());
    CHECK(t.calls.readable(client) == 3);
    CHECK(t.calls.receive(client) == text("abc"));
    CHECK(t.calls.receive(client) == nothing(ECONNRESET));
    CHECK(t.calls.receive(client) == end_of_stream());
    CHECK(t.calls.send(client, "x") == unsent(EPIPE));
  }
}

TEMPLATE_LIST_TEST_CASE("TCP listen: whoever waits in a backlog that goes is reset", "[tcp][listener]",
                        test::AllBackends) {
  Tcp<TestType> t;
  auto listener = t.calls.listening();
  const auto client = t.calls.client_of(listener);
  test::WakeKeys<TestType> keys{t.on, client.get()};
  test::WakeKeys<TestType> listener_keys{t.on, listener.get()};
  SECTION("closed") { REQUIRE(listener.close().ok()); }
  SECTION("shut for reading") {
    CHECK(t.calls.shutdown(listener, SHUT_RD).ok());
    CHECK(listener_keys.take() == listener_keys.any);
    CHECK(t.calls.bits(listener) == (F::out | F::hup));
    CHECK(t.calls.accept_error(listener) == EINVAL);
    CHECK(t.calls.listen(listener, 1).ok());
    CHECK(t.calls.bits(listener) == F{});
  }
  SECTION("shut for both") { CHECK(t.calls.shutdown(listener, SHUT_RDWR).ok()); }
  CHECK(keys.take() == keys.any);
  CHECK(t.calls.bits(client) == reset_bits);
  CHECK(t.calls.receive(client) == nothing(ECONNRESET));
  CHECK(t.calls.receive(client) == end_of_stream());
  CHECK(t.calls.send(client, "x") == unsent(EPIPE));
}

TEMPLATE_LIST_TEST_CASE("TCP listen: shut for writing, a listener goes on", "[tcp][listener]", test::AllBackends) {
  Tcp<TestType> t;
  const auto listener = t.calls.listening();
  test::WakeKeys<TestType> keys{t.on, listener.get()};
  CHECK(t.calls.shutdown(listener, SHUT_WR).ok());
  CHECK(keys.take() == keys.any);
  CHECK(t.calls.bits(listener) == F{});
  const auto client = t.calls.client_of(listener);
  const auto accepted = t.calls.accepted(listener);
  CHECK(t.calls.bits(accepted) == F::out);
  CHECK(t.calls.send(accepted, "x").ok());
  CHECK(t.calls.shutdown(listener, 3) == failed(EINVAL));
}

TEMPLATE_LIST_TEST_CASE("TCP listen: what was shut before it listened, its connections are", "[tcp][listener]",
                        test::AllBackends) {
  for (const auto& [how, accepted_bits, client_bits] : {std::tuple{SHUT_RD, F::in | F::out | F::rdhup, F::out},
                                                        std::tuple{SHUT_WR, F::out, F::in | F::out | F::rdhup}}) {
    CAPTURE(how);
    Tcp<TestType> t;
    const auto listener = t.calls.bound();
    CHECK(t.calls.shutdown(listener, how) == failed(ENOTCONN));
    REQUIRE(t.calls.listen(listener, 5).ok());
    CHECK(t.calls.bits(listener) == F{});
    const auto client = t.calls.client_of(listener);
    CHECK(t.calls.bits(client) == client_bits);
    CHECK(t.calls.bits(t.calls.accepted(listener)) == accepted_bits);
  }
}

TEMPLATE_LIST_TEST_CASE("TCP accept: a connection has the options of its listener", "[tcp][listener][options]",
                        test::AllBackends) {
  struct Row {
    int level;
    int name;
    int value;
    int accepted;
  };
  const Row rows[] = {
      {SOL_SOCKET, SO_REUSEADDR, 1, 1}, {SOL_SOCKET, SO_REUSEPORT, 1, 1},        {SOL_SOCKET, SO_KEEPALIVE, 1, 1},
      {SOL_SOCKET, SO_OOBINLINE, 1, 1}, {SOL_SOCKET, SO_SNDBUF, 30000, 60000},   {SOL_SOCKET, SO_RCVBUF, 30000, 60000},
      {SOL_SOCKET, SO_RCVLOWAT, 7, 7},  {SOL_SOCKET, SO_BROADCAST, 1, 1},        {SOL_SOCKET, SO_PRIORITY, 3, 0},
      {IPPROTO_TCP, TCP_NODELAY, 1, 1}, {IPPROTO_TCP, TCP_KEEPIDLE, 9, 9},       {IPPROTO_TCP, TCP_KEEPINTVL, 8, 8},
      {IPPROTO_TCP, TCP_KEEPCNT, 7, 7}, {IPPROTO_TCP, TCP_USER_TIMEOUT, 77, 77}, {IPPROTO_IP, IP_TOS, 0x10, 0x10},
      {IPPROTO_IP, IP_TTL, 9, 9}};
  Tcp<TestType> t;
  const auto listener = t.calls.listening();
  t.calls.set_linger(listener, 5);
  for (const Row& row : rows) REQUIRE(t.calls.set(listener, row.level, row.name, row.value).ok());
  const auto client = t.calls.client_of(listener);
  const auto accepted = t.calls.accepted(listener);
  for (const Row& row : rows) {
    CAPTURE(row.level, row.name);
    CHECK(t.calls.get(accepted, row.level, row.name) == row.accepted);
  }
  ::linger value{};
  ::socklen_t n = sizeof value;
  REQUIRE(t.on.backend.getsockopt(accepted.get(), SOL_SOCKET, SO_LINGER, &value, &n).ok());
  CHECK(value.l_onoff == 1);
  CHECK(value.l_linger == 5);
}

TEMPLATE_LIST_TEST_CASE("TCP listen: of several at a port, one takes each connection", "[tcp][listener]",
                        test::AllBackends) {
  Tcp<TestType> t;
  const auto shared = [&](const std::string& address) {
    auto socket = t.calls.fresh();
    REQUIRE(t.calls.set_option(socket, SO_REUSEPORT, 1).ok());
    REQUIRE(t.calls.bind(socket, address).ok());
    REQUIRE(t.calls.listen(socket, 50).ok());
    return socket;
  };
  SECTION("the one at just this address") {
    const bool any_first = GENERATE(true, false);
    auto first = shared(inet_address(any_first ? "0.0.0.0" : "127.0.0.1", 0));
    auto second = shared(inet_address(any_first ? "127.0.0.1" : "0.0.0.0", t.calls.port(first)));
    const auto& any = any_first ? first : second;
    const auto& exact = any_first ? second : first;
    const auto client = t.calls.client_of(exact);
    CHECK(t.calls.bits(exact) == F::in);
    CHECK(t.calls.bits(any) == F{});
    const auto elsewhere = t.calls.client_of(inet_address("127.0.0.2", t.calls.port(any)));
    CHECK(t.calls.bits(any) == F::in);
  }
  SECTION("or any of equals") {
    const auto first = shared(t.calls.here(0));
    const auto any = shared(inet_address("0.0.0.0", t.calls.port(first)));
    const auto elsewhere = shared(inet_address("127.0.0.2", t.calls.port(first)));
    const auto silent = t.calls.fresh();  // It does not listen.
    REQUIRE(t.calls.set_option(silent, SO_REUSEPORT, 1).ok());
    REQUIRE(t.calls.bind(silent, t.calls.local(first)).ok());
    const auto second = shared(t.calls.local(first));
    CHECK(t.connected_of(40, first) == 40);
    for (const auto* other : {&any, &elsewhere}) CHECK(t.calls.bits(*other) == F{});
    int accepted = 0;
    for (const auto* listener : {&first, &second}) {
      CHECK(t.calls.bits(*listener) == F::in);
      while (t.calls.accept_error(*listener) == 0) ++accepted;
    }
    CHECK(accepted == 40);
  }
}

TEST_CASE("TCP listen: it takes no more than the kernel allows", "[tcp][listener][emulated]") {
  test::OnEmulated on;
  on.kernel.limits.somaxconn = 3;
  test::InetSockets calls{on, SOCK_STREAM};
  const auto listener = calls.listening(1000);
  std::vector<test::InetSockets<test::OnEmulated>::Fd> clients;
  for (int i = 0; i < 5; ++i) clients.push_back(calls.client_of(listener));
  CHECK(calls.bits(clients[3]) == F::out);
  CHECK(calls.bits(clients[4]) == F{});
}
