// What a receiver of TCP says it has room for, as the sender sees it.
#include "../support/inet_sockets.hpp"

using namespace rouse;

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

TEMPLATE_LIST_TEST_CASE("TCP window: an urgent byte that was acknowledged takes nothing along", "[tcp][urgent][flags]",
                        test::AllBackends) {
  test::TcpEnds<TestType> t;
  REQUIRE(t.calls.send(t.client, "!", MSG_OOB).ok());
  REQUIRE(t.calls.receive(t.accepted, 1, MSG_OOB) == test::text("!"));
  REQUIRE(t.calls.in_flight(t.client) == 0);
  REQUIRE(t.calls.send(t.client, "abc", MSG_MORE).ok());
  CHECK(t.calls.in_flight(t.client) == 3);
}
