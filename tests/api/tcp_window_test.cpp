// What a receiver of TCP says it has room for, as the sender sees it, and what is on its way there.
#include "../support/inet_sockets.hpp"

using namespace rouse;
using test::failed;

namespace {

/// SIOCOUTQ and SIOCOUTQNSD.
template <class Calls, class Fd>
std::pair<int, int> on_its_way(const Calls& calls, const Fd& fd) {
  return {calls.in_flight(fd), calls.to_be_sent(fd)};
}

using Bytes = std::pair<int, int>;

}  // namespace

TEMPLATE_LIST_TEST_CASE("TCP window: one that was shut does not open for a little", "[tcp][buffer]",
                        test::AllBackends) {
  TestType on;
  const test::InetSockets calls{on, SOCK_STREAM};
  const auto listener = calls.fresh();
  REQUIRE(calls.set_option(listener, SO_RCVBUF, 20'000).ok());
  REQUIRE(calls.listen(listener, 5).ok());
  const auto client = calls.fresh();
  REQUIRE(calls.connect(client, calls.local(listener)) == test::failed(EINPROGRESS));
  const auto accepted = calls.accepted(listener);
  REQUIRE(calls.send(client, std::string(100'000, 'x')) == std::size_t{100'000});
  const int before = calls.readable(accepted);
  CHECK(before < 100'000);
  REQUIRE(calls.receive(accepted, 10).bytes.size() == 10);
  CHECK(calls.readable(accepted) == before - 10);
  // All of it is much.
  REQUIRE(calls.receive(accepted, 100'000).result.ok());
  CHECK(calls.readable(accepted) > 0);
}

TEMPLATE_LIST_TEST_CASE("TCP window: a buffer that is full has enough to read, however much is asked for",
                        "[tcp][buffer][options]", test::AllBackends) {
  TestType on;
  const test::InetSockets calls{on, SOCK_STREAM};
  const auto listener = calls.fresh();
  constexpr int least = 100'000;
  REQUIRE(calls.set_option(listener, SO_RCVLOWAT, least).ok());
  REQUIRE(calls.set_option(listener, SO_RCVBUF, 5'000).ok());
  REQUIRE(calls.listen(listener, 5).ok());
  const auto client = calls.client_of(listener);
  const auto accepted = calls.accepted(listener);
  REQUIRE(calls.send(client, "x").ok());
  CHECK(calls.bits(accepted) == EventFlags::out);
  REQUIRE(calls.send(client, std::string(50'000, 'x')).ok());
  CHECK(calls.readable(accepted) < least);
  CHECK(calls.bits(accepted) == (EventFlags::in | EventFlags::out));
}

TEMPLATE_LIST_TEST_CASE("TCP window: an urgent byte that was acknowledged takes nothing along", "[tcp][urgent][flags]",
                        test::AllBackends) {
  test::TcpEnds<TestType> t;
  REQUIRE(t.calls.send(t.client, "!", MSG_OOB).ok());
  REQUIRE(t.calls.receive(t.accepted, 1, MSG_OOB) == test::text("!"));
  REQUIRE(t.calls.in_flight(t.client) == 0);
  REQUIRE(t.calls.send(t.client, "abc", MSG_MORE).ok());
  CHECK(t.calls.in_flight(t.client) == 3);
}

TEMPLATE_LIST_TEST_CASE("TCP on its way: the end is a byte, and what comes to nothing stays", "[tcp][buffer]",
                        test::AllBackends) {
  test::TcpEnds<TestType> t;
  SECTION("behind what there is no room for") {
    while (t.calls.send(t.client, std::string(1'000'000, 'x')).ok()) continue;
    const Bytes before = on_its_way(t.calls, t.client);
    REQUIRE(t.calls.shutdown(t.client, SHUT_WR).ok());
    CHECK(on_its_way(t.calls, t.client) == Bytes{before.first + 1, before.second + 1});
    CHECK(t.calls.bits(t.client) == EventFlags::out);  // Whoever sends hears at once that it may not.
  }
  SECTION("to who has closed") {
    REQUIRE(t.accepted.close().ok());
    REQUIRE(t.calls.send(t.client, "abc").ok());
    REQUIRE(t.calls.take_error(t.client) == EPIPE);
    CHECK(on_its_way(t.calls, t.client) == Bytes{3, 0});
  }
}

TEMPLATE_LIST_TEST_CASE("TCP on its way: a connection that is not made, and the gap behind each", "[tcp][buffer]",
                        test::AllBackends) {
  TestType on;
  const test::InetSockets calls{on, SOCK_STREAM};
  const auto fd = calls.fresh();
  CHECK(on_its_way(calls, fd) == Bytes{0, 0});
  SECTION("refused") {
    const std::string nobody = calls.nobody();
    REQUIRE(calls.connect(fd, nobody) == failed(EINPROGRESS));
    CHECK(on_its_way(calls, fd) == Bytes{1, 0});
    REQUIRE(calls.connect(fd, nobody) == failed(ECONNREFUSED));
    CHECK(on_its_way(calls, fd) == Bytes{3, 2});
    REQUIRE(calls.set(fd, IPPROTO_TCP, TCP_NODELAY, 1).ok());  // They are none to be sent.
    CHECK(on_its_way(calls, fd) == Bytes{3, 2});
    REQUIRE(calls.connect(fd, nobody) == failed(EINPROGRESS));
    CHECK(on_its_way(calls, fd) == Bytes{1, 0});
  }
  SECTION("not answered") {
    const auto listener = calls.listening(0);
    const auto first = calls.client_of(listener);
    REQUIRE(calls.connect(fd, calls.local(listener)) == failed(EINPROGRESS));
    REQUIRE(calls.bits(fd) == EventFlags{});
    CHECK(on_its_way(calls, fd) == Bytes{0, 0});
    REQUIRE(calls.connect(fd, test::unspecified()).ok());
    CHECK(on_its_way(calls, fd) == Bytes{3, 2});
  }
  SECTION("none") {
    for (const int n : {2, 4}) {
      REQUIRE(calls.connect(fd, test::unspecified()).ok());
      CHECK(on_its_way(calls, fd) == Bytes{n, n});
    }
  }
}
