// shutdown(2) of TCP, and what the calls of both ends say after it.
#include "../support/inet_sockets.hpp"

using namespace rouse;
using F = EventFlags;
using test::end_of_stream;
using test::failed;
using test::nothing;
using test::text;
using test::unsent;

namespace {

constexpr F read_end = F::in | F::out | F::rdhup;
constexpr F over = read_end | F::hup;
constexpr F broken = over | F::err;

}  // namespace

TEMPLATE_LIST_TEST_CASE("TCP shutdown: of what is not connected", "[tcp][shutdown]", test::AllBackends) {
  TestType on;
  test::InetSockets calls{on, SOCK_STREAM};
  const auto fresh = calls.fresh();
  CHECK(on.backend.shutdown(-1, 3).error() == EBADF);
  CHECK(calls.shutdown(fresh, 3) == failed(EINVAL));
  CHECK(calls.shutdown(fresh, -1) == failed(EINVAL));
  CHECK(calls.receive(fresh) == nothing(ENOTCONN));
  CHECK(calls.shutdown(fresh, SHUT_RD) == failed(ENOTCONN));
  CHECK(calls.receive(fresh) == end_of_stream());
  CHECK(calls.send(fresh, "x") == unsent(EPIPE));
}

TEMPLATE_LIST_TEST_CASE("TCP shutdown: for writing, both ends", "[tcp][shutdown]", test::AllBackends) {
  test::TcpEnds<TestType> t;
  REQUIRE(t.calls.send(t.client, "abc").ok());
  REQUIRE(t.calls.shutdown(t.client, SHUT_WR).ok());
  CHECK(t.calls.send(t.client, "") == unsent(EPIPE));
  CHECK(t.calls.send(t.client, "x") == unsent(EPIPE));
  CHECK(t.calls.receive(t.client) == nothing(EAGAIN));
  CHECK(t.calls.receive(t.accepted) == text("abc"));
  CHECK(t.calls.receive(t.accepted) == end_of_stream());
  CHECK(t.calls.receive(t.accepted, 0) == end_of_stream());
  CHECK(t.calls.send(t.accepted, "back") == std::size_t{4});
  CHECK(t.calls.receive(t.client) == text("back"));
  CHECK(t.calls.peer(t.client) == t.calls.local(t.listener));
  CHECK(t.calls.peer(t.accepted) == t.calls.local(t.client));

  REQUIRE(t.calls.shutdown(t.accepted, SHUT_WR).ok());
  for (const auto* end : {&t.client, &t.accepted}) {
    CHECK(t.calls.bits(*end) == over);
    CHECK(t.calls.receive(*end) == end_of_stream());
    CHECK(t.calls.send(*end, "x") == unsent(EPIPE));
    CHECK(t.calls.peer(*end).empty());
    CHECK(t.calls.local_ip(*end) == "127.0.0.1");
    CHECK(t.calls.connect(*end, t.calls.local(t.listener)) == failed(EISCONN));
    for (const int how : {SHUT_RD, SHUT_WR, SHUT_RDWR}) CHECK(t.calls.shutdown(*end, how) == failed(ENOTCONN));
    CHECK(t.calls.shutdown(*end, 3) == failed(EINVAL));
  }
}

TEMPLATE_LIST_TEST_CASE("TCP shutdown: for reading, what comes can still be read", "[tcp][shutdown]",
                        test::AllBackends) {
  test::TcpEnds<TestType> t;
  REQUIRE(t.calls.send(t.client, "early").ok());
  REQUIRE(t.calls.shutdown(t.accepted, SHUT_RD).ok());
  CHECK(t.calls.receive(t.accepted) == text("early"));
  CHECK(t.calls.receive(t.accepted) == end_of_stream());
  CHECK(t.calls.bits(t.client) == F::out);
  CHECK(t.calls.send(t.client, "late") == std::size_t{4});
  CHECK(t.calls.bits(t.accepted) == read_end);
  CHECK(t.calls.receive(t.accepted) == text("late"));
  CHECK(t.calls.receive(t.accepted) == end_of_stream());
  CHECK(t.calls.send(t.accepted, "x") == std::size_t{1});
}

TEMPLATE_LIST_TEST_CASE("TCP shutdown: for both, what was there can be read, and more is a reset", "[tcp][shutdown]",
                        test::AllBackends) {
  test::TcpEnds<TestType> t;
  REQUIRE(t.calls.send(t.client, "early").ok());
  REQUIRE(t.calls.shutdown(t.accepted, SHUT_RDWR).ok());
  SECTION("what was there") {
    CHECK(t.calls.receive(t.accepted) == text("early"));
    CHECK(t.calls.receive(t.accepted) == end_of_stream());
    CHECK(t.calls.bits(t.accepted) == over);
  }
  SECTION("more") {
    CHECK(t.calls.send(t.client, "late") == std::size_t{4});
    CHECK(t.calls.bits(t.client) == broken);
    CHECK(t.calls.bits(t.accepted) == broken);
    CHECK(t.calls.take_error(t.client) == EPIPE);
    CHECK(t.calls.take_error(t.accepted) == ECONNRESET);
    CHECK(t.calls.receive(t.accepted) == text("early"));
    CHECK(t.calls.receive(t.accepted) == end_of_stream());
  }
}

TEMPLATE_LIST_TEST_CASE("TCP shutdown: what was sent goes before the end", "[tcp][shutdown][buffer]",
                        test::AllBackends) {
  test::TcpEnds<TestType> t;
  const std::string much(500000, 'x');
  REQUIRE(t.calls.send(t.client, much) == much.size());
  REQUIRE(t.calls.shutdown(t.client, SHUT_WR).ok());
  std::size_t taken = 0;
  typename test::Handles<TestType>::Epoll epoll{t.on.backend};
  epoll.add(BasicFdRef{t.on.backend, t.accepted.get()}, F::in, 1);
  EventArray<1> events;
  for (;;) {
    epoll.wait(events);
    const auto got = t.calls.receive(t.accepted, 50000);
    if (got == end_of_stream()) break;
    REQUIRE(got.result.ok());
    taken += got.bytes.size();
  }
  CHECK(taken == much.size());
}

TEMPLATE_LIST_TEST_CASE("TCP shutdown: who waits for room to say so, still takes what comes", "[tcp][shutdown][buffer]",
                        test::AllBackends) {
  test::TcpEnds<TestType> t;
  const std::string much(1'000'000, 'x');
  while (t.calls.send(t.client, much).ok()) continue;
  REQUIRE(t.calls.shutdown(t.client, SHUT_WR).ok());
  // More than there is room for: so the peer hears of more, too.
  std::size_t sent = 0;
  std::size_t taken = 0;
  for (bool goes_on = true; goes_on;) {
    const auto n = t.calls.send(t.accepted, much);
    if (n.ok()) sent += n.value();
    const auto got = t.calls.receive(t.client, 2'000'000);
    if (TestType::is_emulated) REQUIRE(got.result.ok());
    taken += got.bytes.size();
    goes_on = sent < 5'000'000 || taken < sent;
  }
  CHECK(taken == sent);
  CHECK(t.calls.receive(t.client) == nothing(EAGAIN));
}

TEST_CASE("TCP shutdown: the end is acknowledged within 40 ms", "[tcp][shutdown][emulated]") {
  test::TcpEnds<test::OnEmulated> t;
  auto& host = static_cast<kernel::SoloHost&>(t.on.kernel.host());
  REQUIRE(t.calls.shutdown(t.client, SHUT_WR).ok());
  SECTION("by itself") {
    host.advance(std::chrono::milliseconds(39));
    CHECK(dump(t.on.kernel).find("fin wait 1") != std::string::npos);
    host.advance(std::chrono::milliseconds(1));
  }
  SECTION("or with what is sent") {
    REQUIRE(t.calls.send(t.accepted, "x").ok());
    CHECK(host.now() == 0);
  }
  CHECK(dump(t.on.kernel).find("fin wait 1") == std::string::npos);
  CHECK(dump(t.on.kernel).find("fin wait 2") != std::string::npos);
}
