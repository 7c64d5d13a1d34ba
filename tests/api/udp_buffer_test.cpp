// What fits into the receive buffer of a UDP socket, and when reading makes room.
#include "../support/inet_sockets.hpp"
#include "../support/wake_keys.hpp"

using namespace rouse;

namespace {

template <class On>
struct Udp {
  explicit Udp(int family = AF_INET) : calls{on, SOCK_DGRAM, family} {}

  /// How many of `n` datagrams of this size get in.
  int taken_of(int n, std::size_t size) {
    const auto to = calls.bound();
    return taken_of(n, size, to);
  }
  int taken_of(int n, std::size_t size, const typename test::InetSockets<On>::Fd& to) {
    const std::string bytes(size, 'x');
    for (int i = 0; i < n; ++i) REQUIRE(calls.send_to(from, bytes, calls.local(to)) == size);
    int taken = 0;
    while (calls.receive(to, 0).result.ok()) ++taken;
    return taken;
  }

  On on;
  test::InetSockets<On> calls;
  typename test::InetSockets<On>::Fd from = calls.bound();
};

}  // namespace

TEMPLATE_LIST_TEST_CASE("UDP buffer: how many datagrams fit", "[udp][buffer]", test::AllBackends) {
  struct Row {
    std::size_t size;
    int cost;
  };
  const Row rows[] = {{1, 832},      {197, 832},     {198, 1280},    {645, 1280},   {646, 2304},
                      {1669, 2304},  {1670, 4352},   {3717, 4352},   {3718, 8448},  {7813, 8448},
                      {7814, 16640}, {16004, 16640}, {16005, 16837}, {65507, 66339}};
  Udp<TestType> udp;
  for (const Row& row : rows) {
    CAPTURE(row.size);
    const auto taken_by = [&](int buffer) {
      const auto to = udp.calls.bound();
      REQUIRE(udp.calls.set_option(to, SO_RCVBUF, buffer / 2).ok());
      return udp.taken_of(6, row.size, to);
    };
    CHECK(taken_by(4 * row.cost) == 4);
    CHECK(taken_by(4 * row.cost - 2) == 3);
  }
}

TEMPLATE_LIST_TEST_CASE("UDP buffer: over IPv6 headers are longer", "[udp][buffer]", test::AllBackends) {
  struct Row {
    std::size_t size;
    int fit;
  };
  const Row rows[] = {{184, 256}, {185, 166}, {632, 166}, {633, 92},  {1656, 92}, {1657, 48},
                      {3704, 48}, {3705, 25}, {7800, 25}, {7801, 12}, {65527, 3}};
  Udp<TestType> udp{AF_INET6};
  for (const Row& row : rows) {
    CAPTURE(row.size);
    CHECK(udp.taken_of(row.fit + 3, row.size) == row.fit);
  }
}

TEMPLATE_LIST_TEST_CASE("UDP buffer: one always fits", "[udp][buffer]", test::AllBackends) {
  Udp<TestType> udp;
  const auto to = udp.calls.bound();
  REQUIRE(udp.calls.set_option(to, SO_RCVBUF, 1).ok());
  CHECK(udp.taken_of(5, 1, to) == 2);
  CHECK(udp.taken_of(5, 1000, to) == 1);
  CHECK(udp.taken_of(5, 65507, to) == 1);
}

TEMPLATE_LIST_TEST_CASE("UDP buffer: what is there to be read is none that is on the way", "[udp][buffer]",
                        test::AllBackends) {
  Udp<TestType> udp;
  const auto to = udp.calls.bound();
  REQUIRE(udp.calls.send_to(udp.from, "abc", udp.calls.local(to)).ok());
  CHECK(udp.calls.readable(to) == 3);
  CHECK(udp.calls.in_flight(to) == 0);
}

TEMPLATE_LIST_TEST_CASE("UDP buffer: reading gives room back late", "[udp][buffer]", test::AllBackends) {
  Udp<TestType> udp;
  const auto to = udp.calls.bound();
  REQUIRE(udp.calls.set_option(to, SO_RCVBUF, 2304).ok());
  const auto send = [&](const char* bytes) { REQUIRE(udp.calls.send_to(udp.from, bytes, udp.calls.local(to)).ok()); };
  const auto receive = [&] { return udp.calls.receive(to); };
  for (const char* bytes : {"1", "2", "3", "4", "5"}) send(bytes);
  send("lost");
  CHECK(receive() == test::text("1"));
  send("lost");
  CHECK(receive() == test::text("2"));
  send("6");
  for (const char* bytes : {"3", "4", "5", "6"}) CHECK(receive() == test::text(bytes));
  CHECK(receive() == test::nothing(EAGAIN));
}

TEMPLATE_LIST_TEST_CASE("UDP buffer: room is given back by the quarter", "[udp][buffer]", test::AllBackends) {
  Udp<TestType> udp;
  const auto makes_room = [&](int buffer, int reads) {
    const auto to = udp.calls.bound();
    REQUIRE(udp.calls.set_option(to, SO_RCVBUF, buffer / 2).ok());
    for (int i = 0; i < 40; ++i) REQUIRE(udp.calls.send_to(udp.from, "x", udp.calls.local(to)).ok());
    for (int i = 0; i < reads; ++i) REQUIRE(udp.calls.receive(to) == test::text("x"));
    REQUIRE(udp.calls.send_to(udp.from, "last", udp.calls.local(to)).ok());
    test::Received got = test::text("x");
    while (got == test::text("x")) got = udp.calls.receive(to);
    return got == test::text("last");
  };
  // A datagram takes up 832 bytes: three of them are a fifth and four a quarter, but no third.
  CHECK_FALSE(makes_room(12288, 3));
  CHECK(makes_room(12288, 4));
  CHECK(makes_room(4 * 4 * 832, 4));  // It need not be more.
}

TEMPLATE_LIST_TEST_CASE("UDP buffer: what was read of an emptied list is given back", "[udp][buffer]",
                        test::AllBackends) {
  Udp<TestType> udp;
  const auto to = udp.calls.bound();
  const auto send = [&](int n) {
    for (int i = 0; i < n; ++i) REQUIRE(udp.calls.send_to(udp.from, "x", udp.calls.local(to)).ok());
  };
  const auto receive = [&](int n) {
    for (int i = 0; i < n; ++i) REQUIRE(udp.calls.receive(to) == test::text("x"));
  };
  SECTION("by reading all of it") {
    send(2);
    receive(2);
    CHECK(udp.taken_of(300, 1, to) == 256);
  }
  SECTION("but not before") {
    send(2);
    receive(1);
    send(1);
    // 1 is left of those that were seen, and 1 more; the room of the first is still taken.
    CHECK(udp.taken_of(300, 1, to) == 2 + 253);
  }
  SECTION("with the last of those that were seen, whatever came since") {
    send(2);
    receive(1);
    send(1);
    receive(1);
    CHECK(udp.taken_of(300, 1, to) == 256);
  }
  SECTION("and whoever gives a quarter back sees what came since") {
    send(65);
    receive(1);
    send(10);
    receive(63);  // A quarter, together; of the first 65 another one is there.
    receive(1);
    CHECK(udp.taken_of(300, 1, to) == 10 + 245);
  }
  SECTION("a look counts as well") {
    send(1);
    CHECK(udp.calls.readable(to) == 1);
    CHECK(udp.taken_of(300, 1, to) == 256);
  }
}

TEMPLATE_LIST_TEST_CASE("UDP buffer: a smaller one loses nothing", "[udp][buffer][options]", test::AllBackends) {
  Udp<TestType> udp;
  const auto to = udp.calls.bound();
  for (int i = 0; i < 5; ++i) REQUIRE(udp.calls.send_to(udp.from, "x", udp.calls.local(to)).ok());
  REQUIRE(udp.calls.set_option(to, SO_RCVBUF, 1).ok());
  CHECK(udp.taken_of(1, 1, to) == 5);
}

TEMPLATE_LIST_TEST_CASE("UDP buffer: the sender's does not matter", "[udp][buffer]", test::AllBackends) {
  Udp<TestType> udp;
  REQUIRE(udp.calls.set_option(udp.from, SO_SNDBUF, 1).ok());
  CHECK(udp.taken_of(1, 4000) == 1);
}

TEMPLATE_LIST_TEST_CASE("UDP edges: whom a call wakes", "[udp][edge]", test::AllBackends) {
  Udp<TestType> udp;
  const auto to = udp.calls.bound();
  const std::string address = udp.calls.local(to);
  test::WakeKeys<TestType> own{udp.on, udp.from.get()};
  test::WakeKeys<TestType> peer{udp.on, to.get()};
  const auto took = [&](EventFlags of_own, EventFlags of_peer) {
    CHECK(own.take() == of_own);
    CHECK(peer.take() == of_peer);
  };
  const EventFlags none;
  REQUIRE(udp.calls.send_to(udp.from, "x", address).ok());
  took(test::room_key, test::data_key);
  REQUIRE(udp.calls.send_to(udp.from, "", address).ok());
  took(test::room_key, test::data_key);
  CHECK(udp.calls.send(udp.from, "x") == test::unsent(EDESTADDRREQ));
  took(none, none);
  REQUIRE(udp.calls.receive(to, 1, MSG_PEEK).result.ok());
  REQUIRE(udp.calls.receive(to).result.ok());
  took(none, none);
  REQUIRE(udp.calls.connect(udp.from, address).ok());
  took(none, none);
  REQUIRE(udp.calls.set_option(udp.from, SO_RCVBUF, 20000).ok());
  took(none, none);
  REQUIRE(udp.calls.set_option(udp.from, SO_SNDBUF, 20000).ok());
  took(test::room_key, none);
  REQUIRE(udp.calls.set_option(to, SO_RCVBUF, 1).ok());
  REQUIRE(udp.calls.send(udp.from, std::string(2000, 'x')).ok());  // It is dropped.
  took(test::room_key, none);
  for (const int how : {SHUT_RD, SHUT_WR, SHUT_RDWR, SHUT_RDWR}) {
    REQUIRE(udp.calls.shutdown(udp.from, how).ok());
    took(own.any, none);
  }
  REQUIRE(udp.calls.connect(udp.from, test::unspecified()).ok());
  took(none, none);
}
