// What SO_LINGER makes of close: how long it waits, and for what. At exact times, and once on both kernels.
#include "../support/machines.hpp"

#include <chrono>
#include <string>

using namespace rouse;
using namespace std::chrono_literals;
using F = EventFlags;
using test::Connection;
using test::text;

namespace {

struct Lingering : Connection {
  Lingering() { linger(5); }

  void linger(int seconds) {
    const ::linger with{1, seconds};
    REQUIRE(on.backend.setsockopt(end.get(), SOL_SOCKET, SO_LINGER, &with, sizeof with).ok());
  }
  /// Closes the end, and says how many milliseconds that took.
  double closed_after() {
    const kernel::Time before = host.now();
    REQUIRE(on.backend.close(end.release()).ok());
    return static_cast<double>(host.now() - before) / 1e6;
  }
};

}  // namespace

TEST_CASE("Linger: a close waits until its end is acknowledged", "[network][linger]") {
  Lingering c;
  SECTION("which the peer puts off for 40 ms") { CHECK(c.closed_after() == 40.0); }
  SECTION("over a link with latency, both ways") {
    c.link.set_latency(10ms);
    SECTION("and nothing was sent") {}
    SECTION("and what was sent before is acknowledged earlier") { REQUIRE(c.tcp.send(c.end, "abc").ok()); }
    CHECK(c.closed_after() == 60.0);
  }
  SECTION("not only until there is room again for what was too much before it") {
    c.link.set_latency(10ms);
    REQUIRE(c.tcp.send(c.end, std::string(1'000'000, 'x')).value() < 1'000'000);
    CHECK(c.closed_after() == 60.0);
  }
  SECTION("with the peer's, if that ends as well") {
    REQUIRE(c.on.backend.shutdown(c.accepted.get(), SHUT_WR).ok());
    CHECK(c.closed_after() == 0.0);
  }
  SECTION("whether it is non-blocking or not") {
    REQUIRE(c.on.backend.fcntl(c.end.get(), F_SETFL, 0).ok());
    CHECK(c.closed_after() == 40.0);
  }
}

TEST_CASE("Linger: a close waits also if the peer has ended, or ends meanwhile", "[network][linger]") {
  Lingering c;
  SECTION("has ended") {
    REQUIRE(c.tcp.shutdown(c.accepted, SHUT_WR).ok());
    c.host.advance(1s);
    c.link.set_latency(10ms);
  }
  SECTION("ends at the same time") {
    c.link.set_latency(10ms);
    REQUIRE(c.tcp.shutdown(c.accepted, SHUT_WR).ok());
  }
  CHECK(c.closed_after() == 20.0);
}

TEST_CASE("Linger: what the peer still sends is of no use to anybody", "[network][linger]") {
  Lingering c;
  c.link.set_latency(10ms);
  REQUIRE(c.tcp.send(c.accepted, "x").ok());
  CHECK(c.closed_after() == 10.0);
  c.host.advance(1s);  // When it is sent again: the first reset came behind the end.
  CHECK(c.tcp.take_error(c.accepted) == EPIPE);
}

TEST_CASE("Linger: what the peer has no room for keeps a close waiting, for as long as was said", "[network][linger]") {
  Lingering c;
  const std::string much(3'000'000, 'x');
  const std::size_t sent = c.on.backend.write(c.end.get(), much.data(), much.size()).value();
  CHECK(c.closed_after() == 5000.0);
  // It goes on in the background.
  std::size_t got = 0;
  std::string room(1'000'000, ' ');
  for (;;) {
    const SysResult<std::size_t> n = c.on.backend.read(c.accepted.get(), room.data(), room.size());
    if (!n.ok() || n.value() == 0) break;
    got += n.value();
  }
  CHECK(got == sent);
  CHECK(c.tcp.bits(c.accepted).has(F::rdhup));
}

TEST_CASE("Linger: through a partition, a close waits for as long as was said", "[network][linger]") {
  Lingering c;
  c.linger(2);
  c.cut();
  CHECK(c.closed_after() == 2000.0);
}

TEST_CASE("Linger: a close does not wait", "[network][linger]") {
  Lingering c;
  SECTION("if it is not the last one") {
    const test::Machines::Fd other{c.on.backend, c.on.backend.dup(c.end.get()).value()};
    CHECK(c.closed_after() == 0.0);
    CHECK(c.tcp.bits(c.accepted) == F::out);
  }
  SECTION("if there is something unread, which is a reset") {
    REQUIRE(c.tcp.send(c.accepted, "abc").ok());
    CHECK(c.closed_after() == 0.0);
    CHECK(c.tcp.take_error(c.accepted) == ECONNRESET);
  }
  SECTION("for no time, which is a reset") {
    c.linger(0);
    CHECK(c.closed_after() == 0.0);
    CHECK(c.tcp.take_error(c.accepted) == ECONNRESET);
  }
  SECTION("if the connection is over") {
    REQUIRE(c.on.backend.shutdown(c.end.get(), SHUT_RDWR).ok());
    c.host.advance(40ms);
    CHECK(c.closed_after() == 0.0);
  }
  SECTION("if it is a listener") {
    const ::linger with{1, 5};
    REQUIRE(c.on.backend.setsockopt(c.server.get(), SOL_SOCKET, SO_LINGER, &with, sizeof with).ok());
    const kernel::Time before = c.host.now();
    REQUIRE(c.on.backend.close(c.server.release()).ok());
    CHECK(c.host.now() == before);
  }
}

TEST_CASE("Linger: dup2 over the last fd waits as a close does", "[network][linger]") {
  Lingering c;
  const kernel::Time before = c.host.now();
  REQUIRE(c.on.backend.dup2(c.server.get(), c.end.get()).ok());
  CHECK(c.host.now() - before == 40'000'000);
}
