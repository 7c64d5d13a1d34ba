// What poll(2) says of a TCP socket in each state, asked for everything.
#include "../support/inet_sockets.hpp"

using namespace rouse;
using F = EventFlags;
using test::failed;
using test::inet_address;

namespace {

constexpr F out = F::out | F::wrnorm;
constexpr F in = F::in | F::rdnorm;
constexpr F read_end = in | out | F::rdhup;
constexpr F over = read_end | F::hup;
constexpr F broken = over | F::err;

template <class On>
struct Tcp {
  On on;
  test::InetSockets<On> calls{on, SOCK_STREAM};
};

}  // namespace

TEMPLATE_LIST_TEST_CASE("TCP bits: fresh, bound, listening", "[tcp][bits]", test::AllBackends) {
  Tcp<TestType> t;
  CHECK(t.calls.all_bits(t.calls.fresh()) == (out | F::hup));
  const auto socket = t.calls.bound();
  CHECK(t.calls.all_bits(socket) == (out | F::hup));
  REQUIRE(t.calls.listen(socket, 1).ok());
  CHECK(t.calls.all_bits(socket) == F{});
  const auto client = t.calls.client_of(socket);
  CHECK(t.calls.all_bits(socket) == in);
  CHECK(t.calls.accept_error(socket) == 0);
  CHECK(t.calls.all_bits(socket) == F{});
  REQUIRE(t.calls.shutdown(socket, SHUT_RD).ok());
  CHECK(t.calls.all_bits(socket) == (out | F::hup));
}

TEMPLATE_LIST_TEST_CASE("TCP bits: shut before it was connected", "[tcp][bits][shutdown]", test::AllBackends) {
  Tcp<TestType> t;
  for (const auto& [how, bits] : {std::pair{SHUT_RD, over}, std::pair{SHUT_WR, out | F::hup}, {SHUT_RDWR, over}}) {
    CAPTURE(how);
    for (const bool is_bound : {false, true}) {
      const auto socket = is_bound ? t.calls.bound() : t.calls.fresh();
      CHECK(t.calls.shutdown(socket, how) == failed(ENOTCONN));
      CHECK(t.calls.all_bits(socket) == bits);
    }
  }
}

TEMPLATE_LIST_TEST_CASE("TCP bits: connecting, connected, refused", "[tcp][bits]", test::AllBackends) {
  Tcp<TestType> t;
  const auto listener = t.calls.listening(0);
  const auto first = t.calls.client_of(listener);
  CHECK(t.calls.all_bits(first) == out);
  const auto second = t.calls.client_of(listener);
  CHECK(t.calls.all_bits(second) == F{});
  const auto refused = t.calls.client_of(t.calls.nobody());
  CHECK(t.calls.all_bits(refused) == broken);
  CHECK(t.calls.take_error(refused) == ECONNREFUSED);
  CHECK(t.calls.all_bits(refused) == over);
}

TEMPLATE_LIST_TEST_CASE("TCP bits: a connection, from data to its end", "[tcp][bits]", test::AllBackends) {
  for (const int family : {AF_INET, AF_INET6}) {
    CAPTURE(family);
    test::TcpEnds<TestType> t{family};
    REQUIRE(t.calls.send(t.client, "a").ok());
    CHECK(t.calls.all_bits(t.client) == out);
    CHECK(t.calls.all_bits(t.accepted) == (in | out));
    REQUIRE(t.calls.send(t.client, "!", MSG_OOB).ok());
    CHECK(t.calls.all_bits(t.accepted) == (in | out | F::pri));
    REQUIRE(t.calls.receive(t.accepted).result.ok());
    CHECK(t.calls.all_bits(t.accepted) == (out | F::pri));
    REQUIRE(t.calls.receive(t.accepted, 1, MSG_OOB).result.ok());
    CHECK(t.calls.all_bits(t.accepted) == out);
    CHECK(t.calls.receive(t.accepted) == test::nothing(EAGAIN));  // Its place was unread still.
    REQUIRE(t.calls.shutdown(t.client, SHUT_WR).ok());
    CHECK(t.calls.all_bits(t.client) == out);
    CHECK(t.calls.all_bits(t.accepted) == read_end);
    REQUIRE(t.accepted.close().ok());
    CHECK(t.calls.all_bits(t.client) == over);
  }
}

TEMPLATE_LIST_TEST_CASE("TCP bits: epoll shows what poll shows", "[tcp][bits]", test::AllBackends) {
  test::TcpEnds<TestType> t;
  typename test::Handles<TestType>::Epoll epoll{t.on.backend};
  constexpr F asked = F::in | F::out | F::pri | F::rdhup;
  epoll.add(BasicFdRef{t.on.backend, t.client.get()}, asked, 1);
  EventArray<2> events;
  epoll.wait(events, Timeout::now);
  REQUIRE(events.size() == 1);
  CHECK(events[0] == Event{F::out, 1});
  REQUIRE(t.calls.send(t.client, "unread").ok());
  REQUIRE(t.accepted.close().ok());
  epoll.wait(events, Timeout::now);
  REQUIRE(events.size() == 1);
  CHECK(events[0] == Event{F::in | F::out | F::err | F::hup | F::rdhup, 1});
}
