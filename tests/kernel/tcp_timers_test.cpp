// When an end of a TCP connection tries again, and when it gives up.
#include "../support/machines.hpp"

#include <chrono>

using namespace rouse;
using namespace std::chrono_literals;
using F = EventFlags;
using test::Connection;
using test::Machines;
using test::nothing;
using test::text;
using Fd = Machines::Fd;

namespace {

template <class Condition>
std::chrono::nanoseconds time_until(Machines& m, std::chrono::nanoseconds step, Condition condition) {
  std::chrono::nanoseconds time{};
  while (!condition()) {
    m.host.advance(step);
    time += step;
    REQUIRE(time < 24h);
  }
  return time;
}

}  // namespace

TEST_CASE("TCP timers: how long a connect tries", "[tcp][timer]") {
  struct Row {
    int syn_retries;   ///< TCP_SYNCNT; 0 for what it is by default.
    int user_timeout;  ///< TCP_USER_TIMEOUT, in milliseconds; 0 for none.
    int milliseconds;
  };
  // The first four tries do not double their time. Without a limit it counts how long it would take if they did.
  const Row rows[] = {{0, 0, 131'000},  {1, 0, 3'000},        {2, 0, 7'000},     {3, 0, 19'000},
                      {7, 0, 251'000},  {127, 0, 14'651'000}, {0, 500, 1'000},   {0, 1500, 1'500},
                      {0, 2500, 2'500}, {0, 6500, 6'500},     {1, 60'000, 7'000}};
  for (const Row& row : rows) {
    CAPTURE(row.syn_retries, row.user_timeout);
    Machines m;
    m.host.advance(10s);
    const Fd server = m.listener();
    m.cut();
    const Fd client = m.socket(m.tcp, m.client_net);
    if (row.syn_retries != 0) REQUIRE(m.tcp.set(client, IPPROTO_TCP, TCP_SYNCNT, row.syn_retries).ok());
    REQUIRE(m.tcp.set(client, IPPROTO_TCP, TCP_USER_TIMEOUT, row.user_timeout).ok());
    REQUIRE(m.tcp.connect(client, m.tcp.local(server)) == test::failed(EINPROGRESS));
    CHECK(m.error_of(client) == Machines::Ended{std::chrono::milliseconds(row.milliseconds), ETIMEDOUT});
  }
}

TEST_CASE("TCP timers: how long bytes are sent again", "[tcp][timer]") {
  for (const auto& [user_timeout, milliseconds] :
       {std::pair{0, 924'800}, std::pair{1, 401}, std::pair{5000, 5'400}, std::pair{2'000'000, 2'000'400}}) {
    CAPTURE(user_timeout);
    Connection c;
    c.host.advance(10s);
    c.cut();
    REQUIRE(c.tcp.send(c.end, "abc").ok());
    REQUIRE(c.tcp.set(c.end, IPPROTO_TCP, TCP_USER_TIMEOUT, user_timeout).ok());
    CHECK(c.error_of(c.end) == Machines::Ended{std::chrono::milliseconds(milliseconds), ETIMEDOUT});
    c.host.advance(1h);
    CHECK(c.tcp.take_error(c.end) == 0);
  }
}

TEST_CASE("TCP timers: a limit is no reason to try less often before it", "[tcp][timer]") {
  Connection c;
  c.cut();
  REQUIRE(c.tcp.set(c.end, IPPROTO_TCP, TCP_USER_TIMEOUT, 5000).ok());
  REQUIRE(c.tcp.send(c.end, "abc").ok());
  c.host.advance(1s);
  c.cut(false);
  c.host.advance(599ms);
  CHECK(c.tcp.receive(c.accepted) == nothing(EAGAIN));
  c.host.advance(1ms);
  CHECK(c.tcp.receive(c.accepted) == text("abc"));
}

TEST_CASE("TCP timers: what has come through begins anew", "[tcp][timer]") {
  Connection c;
  for (int i = 0; i < 2; ++i) {
    c.cut();
    REQUIRE(c.tcp.send(c.end, "abc").ok());
    c.host.advance(1599ms);
    c.cut(false);
    CHECK(c.tcp.receive(c.accepted) == nothing(EAGAIN));
    c.host.advance(1ms);
    CHECK(c.tcp.receive(c.accepted) == text("abc"));
  }
}

TEST_CASE("TCP timers: how long a window is asked for", "[tcp][timer]") {
  for (const auto& [user_timeout, milliseconds] :
       {std::pair{0, 924'600}, std::pair{2000, 2'200}, std::pair{2'000'000, 924'600}}) {
    CAPTURE(user_timeout);
    Machines m;
    const Fd server = m.listener();
    REQUIRE(m.tcp.set_option(server, SO_RCVBUF, 4000).ok());
    const Fd end = m.client();
    const Fd accepted = m.tcp.accepted(server);
    REQUIRE(m.tcp.send(end, std::string(8000, 'x')) == std::size_t{8000});
    CHECK(m.on.kernel.timers.next_deadline() == kernel::time_never);  // It will be told.
    m.host.advance(10s);
    REQUIRE(m.tcp.set(end, IPPROTO_TCP, TCP_USER_TIMEOUT, user_timeout).ok());
    m.cut();
    CHECK(m.error_of(end) == Machines::Ended{std::chrono::milliseconds(milliseconds), ETIMEDOUT});
  }
}

TEST_CASE("TCP timers: how long a peer is asked whether it is there", "[tcp][timer]") {
  for (const auto& [user_timeout, milliseconds] :
       {std::pair{0, 37'000}, std::pair{5000, 13'000}, std::pair{14'000, 16'000}, std::pair{15'500, 16'000},
        std::pair{60'000, 61'000}}) {
    CAPTURE(user_timeout);
    Connection c;
    REQUIRE(c.tcp.set(c.end, IPPROTO_TCP, TCP_KEEPIDLE, 10).ok());
    REQUIRE(c.tcp.set(c.end, IPPROTO_TCP, TCP_KEEPINTVL, 3).ok());
    REQUIRE(c.tcp.set(c.end, IPPROTO_TCP, TCP_USER_TIMEOUT, user_timeout).ok());
    REQUIRE(c.tcp.set_option(c.end, SO_KEEPALIVE, 1).ok());
    c.host.advance(100s);
    REQUIRE(c.tcp.send(c.end, "x").ok());  // Heard of last.
    c.host.advance(1s);
    c.cut();
    CHECK(c.error_of(c.end) == Machines::Ended{std::chrono::milliseconds(milliseconds - 1000), ETIMEDOUT});
  }
}

TEST_CASE("TCP timers: how long what nobody has any more stays", "[tcp][timer]") {
  Connection c;
  const auto is_gone = [&c] { return c.client_net.connections.empty(); };
  SECTION("with bytes to be sent") {
    c.cut();
    REQUIRE(c.tcp.send(c.end, "abc").ok());
    REQUIRE(c.end.close().ok());
    CHECK(time_until(c, 100ms, is_gone) == 102400ms);
  }
  SECTION("whose peer does not end, and says something") {
    Machines m;
    const Fd server = m.listener();
    REQUIRE(m.tcp.set_option(server, SO_RCVBUF, 10'000).ok());
    Fd end = m.client();
    const Fd accepted = m.tcp.accepted(server);
    REQUIRE(m.tcp.send(end, std::string(9'000, 'x')).ok());
    REQUIRE(end.close().ok());
    m.host.advance(10s);
    REQUIRE(m.tcp.receive(accepted, 9'000).result.ok());
    m.cut();
    m.cut(false);
    m.host.advance(50'039'999'999ns);
    CHECK_FALSE(m.client_net.connections.empty());
    m.host.advance(1ns);
    CHECK(m.client_net.connections.empty());
  }
  SECTION("of which both have ended") {
    REQUIRE(c.end.close().ok());
    REQUIRE(c.accepted.close().ok());
    REQUIRE(c.client_net.connections.size() == 1);
    c.host.advance(10s);
    c.cut();
    CHECK(time_until(c, 10ms, is_gone) == 50s);
  }
}

TEST_CASE("TCP timers: how long a server says its answer again", "[tcp][timer]") {
  Machines m;
  const Fd server = m.listener();
  m.link.set_latency(10ms);
  const Fd client = m.client();
  m.host.advance(10ms);  // The SYN is there, the answer on its way.
  m.cut();
  m.host.advance(63s - 1ns);
  CHECK(m.server_net.connections.size() == 1);
  m.host.advance(1ns);
  CHECK(m.server_net.connections.empty());
}
