// What becomes of TCP connections that are cut, lose what they send, or end: at exact times.
#include "../support/machines.hpp"
#include "rouse/kernel/thread_host.hpp"

#include <chrono>
#include <thread>

using namespace rouse;
using namespace std::chrono_literals;
using F = EventFlags;
using kernel::InNamespace;
using kernel::NetNamespace;
using kernel::SoloHost;
using test::failed;
using test::inet_address;
using test::nothing;
using test::OnEmulated;
using test::text;
using test::unsent;

namespace {

using test::Connection;
using test::Machines;
using Calls = Machines::Calls;
using Fd = Machines::Fd;

}  // namespace

TEST_CASE("Network: through a partition, a connect gives up after 131 s", "[network][partition]") {
  Machines m;
  const Fd server = m.listener();
  m.cut();
  CHECK(m.link.is_partitioned());
  const Fd client = m.client();
  SECTION("for good") { CHECK(m.error_of(client) == Machines::Ended{131s, ETIMEDOUT}); }
  SECTION("with fewer tries") {
    REQUIRE(m.tcp.set(client, IPPROTO_TCP, TCP_SYNCNT, 1).ok());
    CHECK(m.error_of(client) == Machines::Ended{3s, ETIMEDOUT});
  }
  SECTION("mended meanwhile: the next try comes through") {
    std::chrono::nanoseconds now{};
    for (const std::chrono::nanoseconds next : {1s, 2s, 3s, 4s, 5s, 7s, 11s, 19s, 35s, 67s}) {
      CAPTURE(next.count());
      Machines other;
      const Fd listening = other.listener();
      other.cut();
      const Fd late = other.client();
      other.host.advance((now + next) / 2);
      other.cut(false);
      ::pollfd entry{late.get(), POLLOUT, 0};
      REQUIRE(other.on.backend.poll(&entry, 1, -1) == 1);
      CHECK(other.now() == next);
      CHECK(other.tcp.bits(late) == F::out);
      now = next;
    }
  }
}

TEST_CASE("Network: through a partition, what was sent is sent again", "[network][partition]") {
  Connection c;
  REQUIRE(c.tcp.send(c.accepted, "x").ok());
  c.cut();
  REQUIRE(c.tcp.send(c.end, "abc").ok());
  SECTION("until it comes through, after 0.2 s, 0.4 s, 0.8 s ...") {
    c.host.advance(250ms);
    c.cut(false);
    c.host.advance(149ms);
    CHECK(c.tcp.receive(c.accepted) == nothing(EAGAIN));
    c.host.advance(1ms);
    CHECK(c.tcp.receive(c.accepted) == text("abc"));
    CHECK(c.tcp.in_flight(c.end) == 0);
    REQUIRE(c.tcp.send(c.accepted, "back").ok());
    CHECK(c.tcp.receive(c.end) == text("xback"));
  }
  SECTION("until it is given up") {
    CHECK(c.error_of(c.end).second == ETIMEDOUT);
    c.cut(false);
    REQUIRE(c.end.close().ok());
    CHECK(c.tcp.bits(c.accepted) == F::out);  // The other end knows nothing, nor is it told.
  }
}

TEST_CASE("Network: what comes before what it follows is sent again, too", "[network][partition]") {
  Connection c;
  c.cut();
  REQUIRE(c.tcp.send(c.end, "abc").ok());
  c.cut(false);
  REQUIRE(c.tcp.send(c.end, "def").ok());
  CHECK(c.tcp.receive(c.accepted) == nothing(EAGAIN));
  c.host.advance(199ms);
  CHECK(c.tcp.receive(c.accepted) == nothing(EAGAIN));
  c.host.advance(1ms);
  CHECK(c.tcp.receive(c.accepted) == text("abcdef"));
  CHECK(c.tcp.in_flight(c.end) == 0);
}

TEST_CASE("Network: an urgent byte that got lost is not announced by what comes after it", "[network][partition]") {
  Connection c;
  c.cut();
  REQUIRE(c.tcp.send(c.end, "!", MSG_OOB).ok());
  c.cut(false);
  REQUIRE(c.tcp.send(c.end, "abc").ok());
  CHECK(c.tcp.receive(c.accepted, 1, MSG_OOB) == nothing(EINVAL));
  c.host.advance(200ms);
  CHECK(c.tcp.receive(c.accepted, 1, MSG_OOB) == text("!"));
  CHECK(c.tcp.receive(c.accepted) == text("abc"));
}

TEST_CASE("Network: who connects anew from the same port puts an end to what the peer still has",
          "[network][partition]") {
  Connection c;
  const std::string from = c.tcp.local(c.end);
  REQUIRE(c.tcp.send(c.accepted, "unread").ok());
  c.cut();
  REQUIRE(c.end.close().ok());  // Its reset gets lost.
  c.cut(false);
  CHECK(c.tcp.bits(c.accepted) == F::out);
  const Fd again = c.socket(c.tcp, c.client_net);
  REQUIRE(c.tcp.bind(again, from).ok());
  REQUIRE(c.tcp.connect(again, c.tcp.local(c.server)) == failed(EINPROGRESS));
  CHECK(c.tcp.bits(again) == F{});
  CHECK(c.tcp.take_error(c.accepted) == ECONNRESET);
  c.host.advance(1s);
  CHECK(c.tcp.bits(again) == F::out);
  CHECK(c.tcp.accept_error(c.server) == 0);
}

TEST_CASE("Network: what came through before a partition is acknowledged after it", "[network][partition]") {
  Connection c;
  c.link.set_latency(10ms);
  REQUIRE(c.tcp.send(c.end, "abc").ok());
  c.host.advance(10ms);
  c.cut();
  CHECK(c.tcp.receive(c.accepted) == text("abc"));
  c.host.advance(1s);
  c.cut(false);
  c.host.advance(5s);
  CHECK(c.tcp.in_flight(c.end) == 0);
  CHECK(c.tcp.receive(c.accepted) == nothing(EAGAIN));  // It came twice, and counts once.
}

TEST_CASE("Network: keepalive finds out that a peer is cut off", "[network][partition]") {
  Connection c;
  REQUIRE(c.tcp.set(c.end, IPPROTO_TCP, TCP_KEEPIDLE, 10).ok());
  REQUIRE(c.tcp.set(c.end, IPPROTO_TCP, TCP_KEEPINTVL, 3).ok());
  REQUIRE(c.tcp.set(c.end, IPPROTO_TCP, TCP_KEEPCNT, 2).ok());
  const bool before = GENERATE(true, false);
  if (before) REQUIRE(c.tcp.set_option(c.end, SO_KEEPALIVE, 1).ok());
  c.host.advance(4s);
  c.cut();
  if (!before) REQUIRE(c.tcp.set_option(c.end, SO_KEEPALIVE, 1).ok());
  SECTION("10 s after it was heard last, then 3 s and 3 s") {
    CHECK(c.error_of(c.end) == Machines::Ended{12s, ETIMEDOUT});
  }
  SECTION("unless the cut is mended") {
    c.host.advance(8s);
    c.cut(false);
    c.host.advance(std::chrono::hours(3));
    CHECK(c.tcp.bits(c.end) == F::out);
    CHECK(c.tcp.bits(c.accepted) == F::out);
  }
  SECTION("without it nobody does") {
    REQUIRE(c.tcp.set_option(c.end, SO_KEEPALIVE, 0).ok());
    c.host.advance(std::chrono::hours(24));
    CHECK(c.tcp.bits(c.end) == F::out);
  }
}

TEST_CASE("Network: a window that is shut is asked for again, if the word of it got lost", "[network][partition]") {
  Machines c;
  const Fd server = c.listener();
  REQUIRE(c.tcp.set_option(server, SO_RCVBUF, 4000).ok());
  const Fd end = c.client();
  const Fd accepted = c.tcp.accepted(server);
  const std::string much(80000, 'x');
  REQUIRE(c.tcp.send(end, much) == much.size());
  const int there = c.tcp.readable(accepted);
  CHECK(there > 0);
  CHECK(there < 80000);
  c.cut();
  std::size_t taken = c.tcp.receive(accepted, 80000).bytes.size();
  c.host.advance(1s);
  SECTION("mended") {
    c.cut(false);
    while (taken < much.size()) {
      ::pollfd entry{accepted.get(), POLLIN, 0};
      REQUIRE(c.on.backend.poll(&entry, 1, 60000) == 1);
      taken += c.tcp.receive(accepted, 80000).bytes.size();
    }
    CHECK(taken == much.size());
  }
  SECTION("never") { CHECK(c.error_of(end).second == ETIMEDOUT); }
}

TEST_CASE("Network: connections that are cut are reset at both ends", "[network]") {
  Connection c;
  const Fd other = c.listener(8081);
  NetNamespace& third = c.network.add("third", {"10.0.0.9"});
  const Fd unconcerned = c.socket(c.tcp, third);
  REQUIRE(c.tcp.connect(unconcerned, inet_address("10.0.0.2", 8081)) == failed(EINPROGRESS));
  REQUIRE(c.tcp.send(c.end, "abc").ok());
  c.network.reset_connections(c.server_net, c.client_net);
  for (const Fd* end : {&c.end, &c.accepted}) {
    CHECK(c.tcp.bits(*end) == (F::in | F::out | F::err | F::hup | F::rdhup));
  }
  CHECK(c.tcp.receive(c.accepted) == text("abc"));
  CHECK(c.tcp.receive(c.accepted) == nothing(ECONNRESET));
  CHECK(c.tcp.send(c.end, "x") == unsent(ECONNRESET));
  CHECK(c.tcp.bits(unconcerned) == F::out);
  CHECK(c.tcp.bits(c.server) == F{});
  const Fd again = c.client();
  CHECK(c.tcp.bits(again) == F::out);
}

TEST_CASE("Network: connections of one machine can be cut, too", "[network]") {
  test::TcpEnds<OnEmulated> t;
  kernel::Network& network = t.on.kernel.network;
  network.reset_connections(network.initial(), network.initial());
  CHECK(t.calls.take_error(t.client) == ECONNRESET);
  CHECK(t.calls.take_error(t.accepted) == ECONNRESET);
}

TEST_CASE("Network: who closed first keeps the port for 60 s", "[network][tcp]") {
  Connection c;
  const std::string address = c.tcp.local(c.server);
  REQUIRE(c.accepted.close().ok());
  REQUIRE(c.server.close().ok());
  REQUIRE(c.end.close().ok());
  const auto bind_again = [&] { return c.tcp.bind(c.socket(c.tcp, c.server_net), address).error(); };
  CHECK(bind_again() == EADDRINUSE);
  CHECK(c.server_net.connections.size() == 1);
  CHECK(c.client_net.connections.empty());
  c.host.advance(59'999ms);
  CHECK(bind_again() == EADDRINUSE);
  c.host.advance(1ms);
  CHECK(bind_again() == 0);
  CHECK(c.server_net.connections.empty());
}

TEST_CASE("Network: a new connection takes the place of what is left of an old one", "[network][tcp]") {
  Connection c;
  const std::string from = c.tcp.local(c.end);
  const bool client_first = GENERATE(true, false);
  (client_first ? c.end : c.accepted).close().value();
  (client_first ? c.accepted : c.end).close().value();
  const Fd again = c.socket(c.tcp, c.client_net);
  REQUIRE(c.tcp.set_option(again, SO_REUSEADDR, 1).ok());
  const int bound = c.tcp.bind(again, from).error();
  if (client_first) {
    CHECK(bound == EADDRINUSE);  // Without SO_REUSEADDR of the first.
    return;
  }
  CHECK(bound == 0);
  CHECK(c.tcp.connect(again, c.tcp.local(c.server)) == failed(EINPROGRESS));
  CHECK(c.tcp.bits(again) == F::out);
  CHECK(c.tcp.accept_error(c.server) == 0);
}

TEST_CASE("Network: a closed socket whose peer never ends is forgotten after 60 s", "[network][tcp]") {
  Connection c;
  const bool was_shut_before = GENERATE(false, true);
  if (was_shut_before) {
    REQUIRE(c.tcp.shutdown(c.end, SHUT_WR).ok());
    c.host.advance(10s);
  }
  REQUIRE(c.end.close().ok());
  if (!was_shut_before) c.host.advance(40ms);  // Its end is acknowledged.
  c.host.advance(59'999'999'999ns);
  CHECK(c.client_net.connections.size() == 1);
  c.host.advance(1ns);
  CHECK(c.client_net.connections.empty());
  CHECK(c.tcp.bits(c.accepted) == (F::in | F::out | F::rdhup));
  REQUIRE(c.tcp.send(c.accepted, "x").ok());
  CHECK(c.tcp.take_error(c.accepted) == EPIPE);
}

TEST_CASE("Network: both ends may close at once", "[network][tcp]") {
  Connection c;
  c.link.set_latency(10ms);
  REQUIRE(c.tcp.shutdown(c.end, SHUT_WR).ok());
  REQUIRE(c.tcp.shutdown(c.accepted, SHUT_WR).ok());
  c.host.advance(100ms);
  for (const Fd* end : {&c.end, &c.accepted}) {
    CHECK(c.tcp.bits(*end) == (F::in | F::out | F::hup | F::rdhup));
    CHECK(c.tcp.receive(*end) == test::end_of_stream());
  }
  CHECK(c.client_net.connections.size() == 1);
  CHECK(c.server_net.connections.size() == 1);
  c.host.advance(60s);
  CHECK(c.client_net.connections.empty());
  CHECK(c.server_net.connections.empty());
}

TEST_CASE("Network: both may connect to each other at once", "[network][tcp]") {
  Machines m;
  m.link.set_latency(10ms);
  const Fd a = m.bound(m.tcp, m.client_net, "10.0.0.1", 7001);
  const Fd b = m.bound(m.tcp, m.server_net, "10.0.0.2", 7002);
  REQUIRE(m.tcp.connect(a, m.tcp.local(b)) == failed(EINPROGRESS));
  REQUIRE(m.tcp.connect(b, m.tcp.local(a)) == failed(EINPROGRESS));
  m.host.advance(30ms);
  CHECK(m.tcp.bits(a) == F::out);
  CHECK(m.tcp.bits(b) == F::out);
  REQUIRE(m.tcp.send(a, "abc").ok());
  m.host.advance(10ms);
  CHECK(m.tcp.receive(b) == text("abc"));
}

TEST_CASE("Network: who connects takes the peer's SYN for an answer, and answers it", "[network][partition]") {
  Machines m;
  m.link.set_latency(10ms);
  const Fd a = m.bound(m.tcp, m.client_net, "10.0.0.1", 7001);
  const Fd b = m.bound(m.tcp, m.server_net, "10.0.0.2", 7002);
  m.cut();
  REQUIRE(m.tcp.connect(a, m.tcp.local(b)) == failed(EINPROGRESS));  // Its SYN gets lost.
  m.cut(false);
  REQUIRE(m.tcp.connect(b, m.tcp.local(a)) == failed(EINPROGRESS));
  m.host.advance(20ms);
  CHECK(m.tcp.bits(a) == F{});
  CHECK(m.tcp.bits(b) == F::out);
  m.host.advance(10ms);
  CHECK(m.tcp.bits(a) == F::out);
}

TEST_CASE("Network: an end that got lost is sent again", "[network][partition]") {
  Connection c;
  c.cut();
  REQUIRE(c.tcp.send(c.end, "abc").ok());
  REQUIRE(c.end.close().ok());
  c.host.advance(1s);
  c.cut(false);
  c.host.advance(2s);
  CHECK(c.tcp.receive(c.accepted) == text("abc"));
  CHECK(c.tcp.receive(c.accepted) == test::end_of_stream());
}

TEST_CASE("Network: a reset that got lost leaves half a connection", "[network][partition]") {
  Connection c;
  c.cut();
  c.tcp.set_linger(c.end, 0);
  REQUIRE(c.end.close().ok());
  c.cut(false);
  CHECK(c.tcp.bits(c.accepted) == F::out);
  REQUIRE(c.tcp.send(c.accepted, "x").ok());
  CHECK(c.tcp.take_error(c.accepted) == ECONNRESET);
}

TEST_CASE("Network: a server that lost its answer says it again, and then gives up", "[network][partition]") {
  Machines m;
  const Fd server = m.listener();
  m.link.set_latency(10ms);
  Fd client = m.client();
  m.host.advance(10ms);  // The SYN is there, the answer on its way.
  m.cut();
  CHECK(m.server_net.connections.size() == 1);
  SECTION("gives up") {
    m.host.advance(10ms);
    CHECK(m.tcp.bits(client) == F::out);  // What was under way arrives, but the third part does not.
    m.host.advance(std::chrono::hours(1));
    CHECK(m.server_net.connections.empty());
    CHECK(m.tcp.bits(server) == F{});
  }
  SECTION("is heard") {
    m.host.advance(500ms);
    m.cut(false);
    m.host.advance(2s);
    CHECK(m.tcp.bits(client) == F::out);
    CHECK(m.tcp.bits(server) == F::in);
  }
}

TEST_CASE("Network: the connections of a machine with itself are reset without others", "[network][reset]") {
  Connection c;
  const Fd here = c.bound(c.tcp, c.server_net, "127.0.0.1", 8081);
  REQUIRE(c.tcp.listen(here, 1).ok());
  const Fd end = c.socket(c.tcp, c.server_net);
  REQUIRE(c.tcp.connect(end, inet_address("127.0.0.1", 8081)) == failed(EINPROGRESS));
  const Fd other_end = c.tcp.accepted(here);
  REQUIRE(c.tcp.shutdown(end, SHUT_WR).ok());
  c.network.reset_connections(c.server_net, c.server_net);
  CHECK(c.tcp.take_error(end) == ECONNRESET);
  CHECK(c.tcp.take_error(other_end) == ECONNRESET);
  CHECK(c.tcp.take_error(other_end) == 0);
  CHECK(c.tcp.send(c.end, "abc") == std::size_t{3});
  CHECK(c.tcp.receive(c.accepted) == text("abc"));
  CHECK(c.tcp.take_error(c.end) == 0);
}

TEST_CASE("Network: it is changed while threads are in calls", "[network][threads]") {
  kernel::ThreadHost host{kernel::ThreadHost::Clock::by_hand};
  kernel::Kernel kernel{host};
  const EmulatedBackend backend{kernel};
  auto& server_net = kernel.network.add("server", {"10.0.0.2"});
  auto& client_net = kernel.network.add("client", {"10.0.0.1"});
  const auto in = [&](NetNamespace& net, auto make) {
    const kernel::InNamespace here{kernel, net};
    return make();
  };
  auto listener = in(server_net, [&] {
    return BasicTcpListener{BasicTcpListener<EmulatedBackend>::bind(backend, Ipv4{{10, 0, 0, 2}, 8080})};
  });
  auto client = in(client_net, [&] {
    return BasicTcpStream<EmulatedBackend>::connect(backend, Ipv4{{10, 0, 0, 2}, 8080});
  });
  auto [accepted, peer] = listener.accept();
  int error = 0;
  std::thread reader{[&, &stream = accepted] {
    char byte = 0;
    std::error_code ec;
    stream.receive({&byte, 1}, ec);
    error = ec.value();
  }};
  host.wait_until_blocked(1);
  kernel.network.set_partitioned(client_net, server_net, true);
  client.send(std::string_view{"x"});
  kernel.set_realtime(std::chrono::hours(24 * 365 * 50));
  CHECK(host.blocked() == 1);
  kernel.network.reset_connections(client_net, server_net);
  reader.join();
  CHECK(error == ECONNRESET);
}
