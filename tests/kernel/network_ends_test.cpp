// How connections of two machines begin and end: what there is of them, where, and for how long. At exact times.
#include "../support/guarded.hpp"
#include "../support/machines.hpp"
#include "../support/wake_keys.hpp"

#include <chrono>
#include <deque>

using namespace rouse;
using namespace std::chrono_literals;
using F = EventFlags;
using kernel::PortTable;
using test::Connection;
using test::failed;
using test::inet_address;
using test::Machines;
using Fd = Machines::Fd;

namespace {

/// A connection to a server that takes 10,000 bytes, and no more until they are read.
struct Narrow : Machines {
  Fd server = listener();
  SysResult<void> is_narrow = tcp.set_option(server, SO_RCVBUF, 10'000);
  Fd end = client();
  Fd accepted = tcp.accepted(server);
};

}  // namespace

TEST_CASE("Network ends: what is left of a connection keeps its place, unless it was of one machine",
          "[network][tcp]") {
  Machines m;
  const Fd server = m.listener();
  const auto shared = [&](int port) {
    Fd fd = m.socket(m.tcp, m.client_net);
    REQUIRE(m.tcp.set_option(fd, SO_REUSEADDR, 1).ok());
    REQUIRE(m.tcp.bind(fd, inet_address("10.0.0.1", port)).ok());
    return fd;
  };
  Fd first = shared(0);
  const int port = m.tcp.port(first);
  REQUIRE(m.tcp.connect(first, m.tcp.local(server)) == failed(EINPROGRESS));
  Fd accepted = m.tcp.accepted(server);
  REQUIRE(first.close().ok());
  REQUIRE(accepted.close().ok());
  const Fd again = shared(port);
  CHECK(m.tcp.connect(again, m.tcp.local(server)) == failed(EADDRNOTAVAIL));
  m.host.advance(60s);
  CHECK(m.tcp.connect(again, m.tcp.local(server)) == failed(EINPROGRESS));
  CHECK(m.tcp.bits(again) == F::out);
}

TEST_CASE("Network ends: when all ports have gone, a connect finds none", "[network][tcp]") {
  Machines m;
  const Fd server = m.listener();
  const Fd another = m.listener(8081);
  PortTable& ports = m.client_net.tcp_ports;
  std::deque<kernel::PortUser> users;
  constexpr int left = 40'000;
  for (int port = PortTable::ephemeral_first; port <= PortTable::ephemeral_last; ++port) {
    if (port == left) continue;
    users.emplace_back().local = {kernel::IpAddress::any(AF_INET), static_cast<std::uint16_t>(port)};
    ports.take(users.back());
  }
  const Fd first = m.client();
  CHECK(m.tcp.port(first) == left);
  const Fd second = m.socket(m.tcp, m.client_net);
  CHECK(m.tcp.connect(second, m.tcp.local(server)) == failed(EADDRNOTAVAIL));
  CHECK(m.tcp.bits(second) == (F::out | F::hup));
  CHECK(m.tcp.port(second) == 0);
  CHECK(m.tcp.connect(second, m.tcp.local(another)) == failed(EINPROGRESS));
  CHECK(m.tcp.port(second) == left);
  const Fd third = m.socket(m.tcp, m.client_net);
  CHECK(m.tcp.listen(third, 1) == failed(EADDRINUSE));
  CHECK(m.tcp.option(third, SO_ACCEPTCONN) == 0);
  for (kernel::PortUser& user : users) ports.remove(user);
}

TEST_CASE("Network ends: who closes while it connects says so only to who answers", "[network][tcp]") {
  Machines m;
  const Fd server = m.listener();
  m.link.set_latency(10ms);
  Fd client = m.client();
  m.host.advance(12ms);
  REQUIRE(client.close().ok());
  m.host.advance(17ms);
  CHECK(m.server_net.connections.size() == 1);
  m.host.advance(1ms);  // The answer to its answer.
  CHECK(m.server_net.connections.empty());
}

TEST_CASE("Network ends: one that was shut while both connected to each other is not told that it is connected",
          "[network][tcp][shutdown]") {
  Machines m;
  m.link.set_latency(10ms);
  Fd a = m.bound(m.tcp, m.client_net, "10.0.0.1", 7001);
  const Fd b = m.bound(m.tcp, m.server_net, "10.0.0.2", 7002);
  REQUIRE(m.tcp.connect(a, m.tcp.local(b)) == failed(EINPROGRESS));
  REQUIRE(m.tcp.connect(b, m.tcp.local(a)) == failed(EINPROGRESS));
  m.host.advance(15ms);
  SECTION("for reading") {
    REQUIRE(m.tcp.shutdown(a, SHUT_RD).ok());
    m.host.advance(100ms);
    CHECK(m.tcp.bits(a) == (F::in | F::out | F::rdhup));
    CHECK(m.tcp.bits(b) == F::out);
  }
  SECTION("for writing, which the peer hears when it is") {
    REQUIRE(m.tcp.shutdown(a, SHUT_WR).ok());
    m.host.advance(100ms);
    CHECK(m.tcp.bits(a) == F::out);
    CHECK(m.tcp.bits(b) == (F::in | F::out | F::rdhup));
  }
  SECTION("for both, and closed") {
    REQUIRE(a.close().ok());
    m.host.advance(100ms);
    CHECK(m.tcp.bits(b) == (F::in | F::out | F::rdhup));
    CHECK(m.tcp.receive(b) == test::end_of_stream());
    return;
  }
  SECTION("not at all, but reset, of which the peer hears at once") {
    m.tcp.set_linger(a, 0);
    REQUIRE(a.close().ok());
    m.host.advance(9ms);
    CHECK(m.tcp.take_error(b) == 0);
    m.host.advance(1ms);
    CHECK(m.tcp.take_error(b) == ECONNRESET);
    return;
  }
  CHECK(m.tcp.connect(a, m.tcp.local(b)) == failed(EINVAL));
  CHECK(m.tcp.connect(b, m.tcp.local(a)).ok());
  CHECK(m.tcp.connect(b, m.tcp.local(a)) == failed(EISCONN));
}

TEST_CASE("Network ends: keepalive asks nobody where there is no connection", "[network][options]") {
  Connection c;
  REQUIRE(c.tcp.send(c.end, "abc").ok());
  c.cut();
  REQUIRE(c.tcp.send(c.end, "lost").ok());
  c.network.reset_connections(c.client_net, c.server_net);
  REQUIRE(c.tcp.take_error(c.end) == ECONNRESET);
  Fd fresh = c.socket(c.tcp, c.client_net);
  for (const Fd* each : {&c.end, &c.server, &fresh}) {
    const F before = c.tcp.bits(*each);
    REQUIRE(c.tcp.set_option(*each, SO_KEEPALIVE, 1).ok());
    c.host.advance(24h);
    CHECK(c.tcp.take_error(*each) == 0);
    CHECK(c.tcp.bits(*each) == before);
  }
}

TEST_CASE("Network ends: nothing is awaited of a connection that rests", "[network][tcp]") {
  Connection c;
  CHECK(c.on.kernel.timers.next_deadline() == kernel::time_never);
  REQUIRE(c.tcp.send(c.end, "abc").ok());
  CHECK(c.on.kernel.timers.next_deadline() == kernel::time_never);
  c.cut();
  CHECK(c.on.kernel.timers.next_deadline() == kernel::time_never);
  c.cut(false);
  // Nor of one that is over, though it was about to acknowledge the end of the peer.
  REQUIRE(c.tcp.shutdown(c.accepted, SHUT_WR).ok());
  CHECK(c.on.kernel.timers.next_deadline() != kernel::time_never);
  c.tcp.set_linger(c.accepted, 0);
  REQUIRE(c.accepted.close().ok());
  CHECK(c.on.kernel.timers.next_deadline() == kernel::time_never);
}

TEST_CASE("Network ends: half a connection stays while somebody has it", "[network][tcp]") {
  Connection c;
  REQUIRE(c.tcp.shutdown(c.end, SHUT_WR).ok());
  c.host.advance(1h);
  REQUIRE(c.tcp.send(c.accepted, "abc").ok());
  CHECK(c.tcp.receive(c.end) == test::text("abc"));
}

TEST_CASE("Network ends: who ends last is told when that was heard", "[network][tcp]") {
  Connection c;
  REQUIRE(c.tcp.shutdown(c.end, SHUT_WR).ok());
  c.link.set_latency(10ms);
  BasicEpoll<EmulatedBackend> epoll{c.on.backend};
  epoll.add(BasicFdRef{c.on.backend, c.accepted.get()}, F::in | F::et, 1);
  REQUIRE(c.tcp.shutdown(c.accepted, SHUT_WR).ok());
  EventArray<1> events;
  CHECK(epoll.wait(events, Timeout::now) == 1);
  c.host.advance(19ms);
  CHECK(epoll.wait(events, Timeout::now) == 0);
  c.host.advance(1ms);
  CHECK(epoll.wait(events, Timeout::now) == 1);
}

TEST_CASE("Network ends: who breaks off when only the last word is missing says nothing", "[network][reset]") {
  Connection c;
  int expected = 0;
  SECTION("the peer has ended before") {
    REQUIRE(c.tcp.shutdown(c.end, SHUT_WR).ok());
    c.host.advance(1s);
    c.cut();
    REQUIRE(c.tcp.shutdown(c.accepted, SHUT_WR).ok());
    c.cut(false);
  }
  SECTION("both have ended at once") {
    c.link.set_latency(10ms);
    REQUIRE(c.tcp.shutdown(c.end, SHUT_WR).ok());
    REQUIRE(c.tcp.shutdown(c.accepted, SHUT_WR).ok());
    c.cut();
    c.host.advance(10ms);
    c.cut(false);
    c.link.set_latency(0ms);
  }
  SECTION("but not if some is to be sent") {
    const std::string much(100'000, 'x');
    while (c.tcp.send(c.accepted, much).ok()) continue;
    REQUIRE(c.tcp.shutdown(c.end, SHUT_WR).ok());
    REQUIRE(c.tcp.shutdown(c.accepted, SHUT_WR).ok());
    expected = ECONNRESET;
  }
  REQUIRE(c.tcp.connect(c.accepted, test::unspecified()).ok());
  CHECK(c.tcp.take_error(c.end) == expected);
}

TEST_CASE("Network ends: what is in flight counts on behind a gap when all is over", "[network][reset]") {
  Connection m;
  REQUIRE(m.tcp.send(m.end, "abc").ok());
  m.cut();
  REQUIRE(m.tcp.send(m.end, "lost").ok());
  REQUIRE(m.tcp.connect(m.end, test::unspecified()).ok());
  CHECK(m.tcp.in_flight(m.end) == 4 + 2);
}

TEST_CASE("Network ends: who no longer lingers does not wait", "[network][options]") {
  Connection c;
  for (const ::linger& linger : {::linger{1, 7}, ::linger{0, 0}}) {
    REQUIRE(c.on.backend.setsockopt(c.end.get(), SOL_SOCKET, SO_LINGER, &linger, sizeof linger).ok());
  }
  c.cut();
  REQUIRE(c.tcp.send(c.end, "lost").ok());
  const kernel::Time before = c.host.now();
  REQUIRE(c.end.close().ok());
  CHECK(c.host.now() == before);
}

TEST_CASE("Network ends: what was not acknowledged in time is not when all is over", "[network][reset]") {
  Connection c;
  REQUIRE(c.tcp.shutdown(c.end, SHUT_WR).ok());
  c.cut();
  c.tcp.set_linger(c.accepted, 0);
  REQUIRE(c.accepted.close().ok());
  c.cut(false);
  c.host.advance(100ms);
  CHECK(c.tcp.in_flight(c.end) == 1);
  CHECK(c.tcp.take_error(c.end) == 0);
  c.host.advance(1s);
  CHECK(c.tcp.take_error(c.end) == ECONNRESET);
}

TEST_CASE("Network ends: nothing comes of a connection that was cut", "[network][reset]") {
  Connection c;
  c.cut();
  REQUIRE(c.tcp.send(c.end, "lost").ok());
  c.network.reset_connections(c.client_net, c.server_net);
  REQUIRE(c.tcp.take_error(c.end) == ECONNRESET);
  c.host.advance(24h);
  CHECK(c.tcp.take_error(c.end) == 0);
}

TEST_CASE("Network ends: a read takes what is there, not what comes as it made room", "[network][buffer]") {
  Narrow c;
  REQUIRE(c.tcp.send(c.end, std::string(30'000, 'x')) == std::size_t{30'000});
  CHECK(c.tcp.receive(c.accepted, 30'000).bytes.size() == 10'000);
  // Unless it is to wait for so many. Then it says how many there were before a bad address.
  const test::Guarded memory{3};
  CHECK(c.on.backend.recvfrom(c.accepted.get(), memory.last(10'000), 20'000, MSG_WAITALL, nullptr, nullptr) ==
        std::size_t{10'000});
}

TEST_CASE("Network ends: nor does one that wants so much that there is just as much", "[network][buffer]") {
  Narrow c;
  REQUIRE(c.tcp.set_option(c.accepted, SO_RCVLOWAT, 10'000).ok());
  REQUIRE(c.tcp.send(c.end, std::string(30'000, 'x')) == std::size_t{30'000});
  CHECK(c.tcp.receive(c.accepted, 30'000).bytes.size() == 10'000);
}

TEST_CASE("Network ends: a sender that waits for room is told once, when there is much", "[network][buffer]") {
  Narrow c;
  REQUIRE(c.tcp.set_option(c.end, SO_SNDBUF, 15'000).ok());
  while (c.tcp.send(c.end, std::string(1'000, 'x')).ok()) continue;
  test::WakeKeys<test::OnEmulated> keys{c.on, c.end.get()};
  CHECK(c.tcp.bits(c.end) == F{});
  REQUIRE(c.tcp.receive(c.accepted, 3'000).bytes.size() == 3'000);
  CHECK(keys.take() == F{});
  while (c.tcp.receive(c.accepted, 10'000).result.ok()) continue;
  CHECK(keys.take() == test::room_key);
  REQUIRE(c.tcp.send(c.end, "x").ok());
  CHECK(keys.take() == F{});
}

TEST_CASE("Network ends: of those who connect at once, a listener takes as many as it has places", "[network][tcp]") {
  Machines m;
  m.link.set_latency(10ms);
  const Fd server = m.bound(m.tcp, m.server_net, "10.0.0.2", 8080);
  REQUIRE(m.tcp.listen(server, 0).ok());
  const Fd first = m.client();
  const Fd second = m.client();
  m.host.advance(1s);
  CHECK(m.tcp.bits(first) == F::out);
  CHECK(m.tcp.bits(second) == F::out);  // It has heard nothing else.
  REQUIRE(m.tcp.send(second, "abc").ok());
  m.host.advance(1s);
  CHECK(m.tcp.in_flight(second) == 3);  // Nor has anybody heard of it.
  const Fd accepted = m.tcp.accepted(server);
  CHECK(m.tcp.accept_error(server) == EAGAIN);
  m.host.advance(1s);
  CHECK(m.tcp.receive(m.tcp.accepted(server)) == test::text("abc"));
  CHECK(m.tcp.in_flight(second) == 0);
}

TEST_CASE("Network ends: of an end that comes before its connection has a place, nobody has heard", "[network][tcp]") {
  Machines m;
  m.link.set_latency(10ms);
  Fd server = m.bound(m.tcp, m.server_net, "10.0.0.2", 8080);
  REQUIRE(m.tcp.listen(server, 0).ok());
  Fd first = m.client();
  const Fd second = m.client();
  m.host.advance(1s);
  REQUIRE(m.tcp.shutdown(second, SHUT_WR).ok());
  m.host.advance(1s);
  Fd accepted = m.tcp.accepted(server);
  REQUIRE(first.close().ok());
  m.host.advance(1s);
  Fd late = m.tcp.accepted(server);
  CHECK(m.tcp.receive(late) == test::end_of_stream());
  // Who ends last keeps no place.
  for (Fd* const fd : {&accepted, &late, &server}) REQUIRE(fd->close().ok());
  m.host.advance(1s);
  const Fd next = m.socket(m.tcp, m.server_net);
  CHECK(m.tcp.bind(next, inet_address("10.0.0.2", 8080)).ok());
}

TEST_CASE("Network ends: what acknowledges nothing new puts off no second try", "[network][partition]") {
  Connection c;
  c.link.set_latency(100ms);
  REQUIRE(c.tcp.send(c.accepted, "x").ok());
  c.host.advance(50ms);
  c.cut();
  REQUIRE(c.tcp.send(c.end, "abc").ok());
  c.cut(false);
  c.host.advance(299ms);
  CHECK(c.tcp.receive(c.end) == test::text("x"));
  CHECK(c.tcp.receive(c.accepted) == test::nothing(EAGAIN));
  c.host.advance(1ms);
  CHECK(c.tcp.receive(c.accepted) == test::text("abc"));
}

TEST_CASE("Network ends: a sender has room again when what is free is half of what is used", "[network][buffer]") {
  Connection c;
  REQUIRE(c.tcp.set_option(c.end, SO_SNDBUF, 15'000).ok());
  REQUIRE(c.tcp.option(c.end, SO_SNDBUF) == 30'000);
  c.cut();
  REQUIRE(c.tcp.send(c.end, std::string(20'000, 'x')) == std::size_t{20'000});
  CHECK(c.tcp.bits(c.end) == F::out);
  REQUIRE(c.tcp.send(c.end, "x").ok());
  CHECK(c.tcp.bits(c.end) == F{});
}

TEST_CASE("Network ends: what fills a packet of the link waits for no more", "[network][flags]") {
  constexpr std::size_t segment = 1448;
  Connection c;
  REQUIRE(c.tcp.send(c.end, std::string(segment - 1, 'x'), MSG_MORE) == segment - 1);
  CHECK(c.tcp.readable(c.accepted) == 0);
  REQUIRE(c.tcp.send(c.end, "x", MSG_MORE).ok());
  CHECK(c.tcp.readable(c.accepted) == segment);
  CHECK(c.on.kernel.timers.next_deadline() == kernel::time_never);
  REQUIRE(c.tcp.set(c.end, IPPROTO_TCP, TCP_CORK, 1).ok());
  REQUIRE(c.tcp.send(c.end, std::string(segment, 'x')) == segment);
  CHECK(c.tcp.readable(c.accepted) == 2 * segment);
  CHECK(c.on.kernel.timers.next_deadline() == kernel::time_never);
}

TEST_CASE("Network ends: what fills the window waits for no more", "[network][flags]") {
  Narrow c;
  c.link.set_latency(GENERATE(0ms, 10ms));
  REQUIRE(c.tcp.send(c.end, std::string(10'500, 'x'), MSG_MORE) == std::size_t{10'500});
  c.host.advance(10ms);
  CHECK(c.tcp.readable(c.accepted) == 10'000);
}

TEST_CASE("Network ends: to read makes no room worth telling, in a window that stays shut or behind the end",
          "[network][buffer]") {
  Narrow c;
  c.keep_asking(c.end);
  std::chrono::nanoseconds heard{};
  SECTION("shut") {
    REQUIRE(c.tcp.send(c.end, std::string(10'000, 'x')) == std::size_t{10'000});
    c.host.advance(5s);
    REQUIRE(c.tcp.receive(c.accepted, 1447).bytes.size() == 1447);
  }
  SECTION("until a packet has room there") {
    REQUIRE(c.tcp.send(c.end, std::string(10'000, 'x')) == std::size_t{10'000});
    c.host.advance(5s);
    REQUIRE(c.tcp.receive(c.accepted, 1448).bytes.size() == 1448);
    heard = 5s;
  }
  SECTION("behind the end") {
    REQUIRE(c.tcp.send(c.end, std::string(9'990, 'x')) == std::size_t{9'990});
    REQUIRE(c.tcp.shutdown(c.end, SHUT_WR).ok());
    c.host.advance(5s);
    REQUIRE(c.tcp.receive(c.accepted, 10'000).bytes.size() == 9'990);
    heard = 40ms;
  }
  c.host.advance(1s);
  c.cut();
  CHECK(c.error_of(c.end) == Machines::Ended{heard + 10s, ETIMEDOUT});
}

TEST_CASE("Network ends: an end that was acknowledged with bytes is not once more", "[network][options]") {
  Connection c;
  c.keep_asking(c.end);
  REQUIRE(c.tcp.shutdown(c.end, SHUT_WR).ok());
  const bool answers = GENERATE(true, false);
  if (answers) REQUIRE(c.tcp.send(c.accepted, "x").ok());
  c.host.advance(1s);
  c.cut();
  // It was heard of last at the beginning, or 40 ms later.
  CHECK(c.error_of(c.end) == Machines::Ended{answers ? 15'000ms : 15'040ms, ETIMEDOUT});
}

TEST_CASE("Network ends: to read makes room, of which the peer hears when it is twice what it knows of",
          "[network][buffer]") {
  for (const auto& [n, may] : {std::pair{3999u, 4000}, std::pair{4000u, 8000}}) {
    CAPTURE(n);
    Machines m;
    const Fd server = m.listener();
    REQUIRE(m.tcp.set_option(server, SO_RCVBUF, 10'000).ok());
    const Fd end = m.client();
    const Fd accepted = m.tcp.accepted(server);
    REQUIRE(m.tcp.send(end, std::string(6000, 'x')) == std::size_t{6000});
    REQUIRE(m.tcp.readable(accepted) == 6000);
    REQUIRE(m.tcp.receive(accepted, n).bytes.size() == n);
    m.cut();
    REQUIRE(m.tcp.send(end, std::string(10'000, 'x')) == std::size_t{10'000});
    CHECK(m.tcp.to_be_sent(end) == 10'000 - may);
  }
}
