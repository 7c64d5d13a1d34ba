// The urgent byte of TCP: how it is read, and what it does to reads of the others.
#include "../support/bad_pointers.hpp"
#include "../support/inet_sockets.hpp"
#include "../support/messages.hpp"

using namespace rouse;
using F = EventFlags;
using test::nothing;
using test::text;
using test::unsent;

namespace {

/// The client has sent "ab!" with an urgent "!", and then "cd".
template <class On>
struct Marked : test::TcpEnds<On> {
  Marked() {
    REQUIRE(this->calls.send(this->client, "ab!", MSG_OOB).ok());
    REQUIRE(this->calls.send(this->client, "cd").ok());
  }
  test::Received receive(std::size_t n = 100, int flags = 0) { return this->calls.receive(this->accepted, n, flags); }
};

}  // namespace

TEMPLATE_LIST_TEST_CASE("TCP urgent: without one there is none", "[tcp][urgent]", test::AllBackends) {
  test::TcpEnds<TestType> t;
  CHECK(t.calls.receive(t.accepted, 1, MSG_OOB) == nothing(EINVAL));
  REQUIRE(t.calls.send(t.client, "abc").ok());
  CHECK(t.calls.receive(t.accepted, 1, MSG_OOB) == nothing(EINVAL));
  CHECK(t.calls.send(t.client, "", MSG_OOB) == std::size_t{0});
  CHECK(t.calls.bits(t.accepted) == (F::in | F::out));
  CHECK_FALSE(t.calls.is_at_mark(t.accepted));
}

TEMPLATE_LIST_TEST_CASE("TCP urgent: it is read by itself, once", "[tcp][urgent]", test::AllBackends) {
  Marked<TestType> t;
  CHECK(t.receive(100, MSG_OOB | MSG_PEEK) == text("!"));
  SECTION("read") { CHECK(t.receive(100, MSG_OOB) == text("!")); }
  SECTION("read into nothing") { CHECK(t.receive(0, MSG_OOB) == text("")); }
  SECTION("thrown away") {
    CHECK(t.on.backend.recvfrom(t.accepted.get(), nullptr, 1, MSG_OOB | MSG_TRUNC, nullptr, nullptr) == std::size_t{1});
  }
  CHECK(t.receive(1, MSG_OOB) == nothing(EINVAL));
  CHECK(t.calls.bits(t.accepted) == (F::in | F::out));
  CHECK(t.receive() == text("ab"));
  CHECK(t.receive() == text("cd"));
}

TEMPLATE_LIST_TEST_CASE("TCP urgent: a receive stops before it, and the next one passes it", "[tcp][urgent]",
                        test::AllBackends) {
  Marked<TestType> t;
  CHECK(t.calls.readable(t.accepted) == 2);
  CHECK(t.receive(100, MSG_PEEK) == text("ab"));
  CHECK(t.receive(100, MSG_WAITALL) == text("ab"));
  CHECK(t.calls.is_at_mark(t.accepted));
  CHECK(t.calls.readable(t.accepted) == 0);
  CHECK(t.calls.bits(t.accepted) == (F::in | F::out | F::pri));
  CHECK(t.receive(100, MSG_PEEK) == text("cd"));
  CHECK(t.calls.is_at_mark(t.accepted));
  CHECK(t.receive(1) == text("c"));
  CHECK_FALSE(t.calls.is_at_mark(t.accepted));
  CHECK(t.calls.bits(t.accepted) == (F::in | F::out));
  CHECK(t.receive(1, MSG_OOB) == nothing(EINVAL));
  CHECK(t.receive() == text("d"));
}

TEMPLATE_LIST_TEST_CASE("TCP urgent: alone it is nothing to read, and lost to who tries", "[tcp][urgent]",
                        test::AllBackends) {
  test::TcpEnds<TestType> t;
  REQUIRE(t.calls.send(t.client, "!", MSG_OOB).ok());
  CHECK(t.calls.bits(t.accepted) == (F::out | F::pri));
  CHECK(t.calls.is_at_mark(t.accepted));
  CHECK(t.calls.readable(t.accepted) == 0);
  CHECK(t.calls.receive(t.accepted) == nothing(EAGAIN));
  CHECK(t.calls.bits(t.accepted) == F::out);
  CHECK(t.calls.receive(t.accepted, 1, MSG_OOB) == nothing(EINVAL));
}

TEMPLATE_LIST_TEST_CASE("TCP urgent: at a bad address it is lost", "[tcp][urgent][fault]", test::AllBackends) {
  Marked<TestType> t;
  const auto receive_badly = [&](int flags) {
    return t.on.backend.recvfrom(t.accepted.get(), test::unmapped(), 1, flags | MSG_OOB, nullptr, nullptr).error();
  };
  CHECK(receive_badly(MSG_PEEK) == EFAULT);
  CHECK(receive_badly(0) == EFAULT);
  CHECK(t.receive(1, MSG_OOB) == nothing(EINVAL));
  REQUIRE(t.receive(2) == text("ab"));
  CHECK(t.calls.asked(t.accepted, SIOCATMARK) == 1);
}

TEMPLATE_LIST_TEST_CASE("TCP urgent: the last one is", "[tcp][urgent]", test::AllBackends) {
  test::TcpEnds<TestType> t;
  REQUIRE(t.calls.send(t.client, "ab!", MSG_OOB).ok());
  SECTION("one replaces another") {}
  SECTION("also one that was read") { CHECK(t.calls.receive(t.accepted, 1, MSG_OOB) == text("!")); }
  REQUIRE(t.calls.send(t.client, "cd?", MSG_OOB).ok());
  CHECK(t.calls.receive(t.accepted, 1, MSG_OOB) == text("?"));
  CHECK(t.calls.receive(t.accepted) == text("ab!cd"));
  CHECK(t.calls.is_at_mark(t.accepted));
}

TEMPLATE_LIST_TEST_CASE("TCP urgent: one that is the next to be read goes when another one comes", "[tcp][urgent]",
                        test::AllBackends) {
  test::TcpEnds<TestType> t;
  REQUIRE(t.calls.send(t.client, "!", MSG_OOB).ok());
  REQUIRE(t.calls.send(t.client, "cd?", MSG_OOB).ok());
  CHECK(t.calls.receive(t.accepted) == text("cd"));
  CHECK(t.calls.receive(t.accepted, 1, MSG_OOB) == text("?"));
}

TEMPLATE_LIST_TEST_CASE("TCP urgent: those behind one that is the next to be read stay", "[tcp][urgent]",
                        test::AllBackends) {
  test::TcpEnds<TestType> t;
  REQUIRE(t.calls.send(t.client, "!", MSG_OOB).ok());
  CHECK(t.calls.bits(t.accepted) == (F::out | F::pri));
  REQUIRE(t.calls.send(t.client, "b").ok());
  CHECK(t.calls.bits(t.accepted) == (F::in | F::out | F::pri));
  REQUIRE(t.calls.send(t.client, "?", MSG_OOB).ok());
  CHECK(t.calls.readable(t.accepted) == 1);
  CHECK(t.calls.receive(t.accepted) == text("b"));
  CHECK(t.calls.receive(t.accepted, 1, MSG_OOB) == text("?"));
}

TEMPLATE_LIST_TEST_CASE("TCP urgent: one that is read among the others stays when another one comes", "[tcp][urgent]",
                        test::AllBackends) {
  test::TcpEnds<TestType> t;
  REQUIRE(t.calls.set_option(t.accepted, SO_OOBINLINE, 1).ok());
  REQUIRE(t.calls.send(t.client, "!", MSG_OOB).ok());
  REQUIRE(t.calls.send(t.client, "b?", MSG_OOB).ok());
  CHECK(t.calls.receive(t.accepted) == text("!b"));
  CHECK(t.calls.receive(t.accepted) == text("?"));
}

TEMPLATE_LIST_TEST_CASE("TCP urgent: among the others if asked for", "[tcp][urgent][options]", test::AllBackends) {
  Marked<TestType> t;
  REQUIRE(t.calls.set_option(t.accepted, SO_OOBINLINE, 1).ok());
  CHECK(t.receive(1, MSG_OOB) == nothing(EINVAL));
  CHECK(t.calls.readable(t.accepted) == 5);
  CHECK(t.receive() == text("ab"));
  CHECK(t.calls.is_at_mark(t.accepted));
  CHECK(t.calls.bits(t.accepted) == (F::in | F::out | F::pri));
  CHECK(t.receive() == text("!cd"));
  CHECK(t.calls.bits(t.accepted) == F::out);
}

TEMPLATE_LIST_TEST_CASE("TCP urgent: a message says that it is, and whether there was room", "[tcp][urgent]",
                        test::AllBackends) {
  Marked<TestType> t;
  const auto receive = [&](std::size_t n, int flags) {
    return test::receive_message(t.on.backend, t.accepted.get(), n, 0, flags | MSG_OOB);
  };
  CHECK(receive(9, MSG_PEEK) == test::GotMessage{1, "!", MSG_OOB, 0, {}});
  CHECK(receive(0, MSG_PEEK) == test::GotMessage{0, "", MSG_OOB | MSG_TRUNC, 0, {}});
  CHECK(receive(1, 0) == test::GotMessage{1, "!", MSG_OOB, 0, {}});
  CHECK(receive(1, 0).result == unsent(EINVAL));
}

TEMPLATE_LIST_TEST_CASE("TCP urgent: of a connection that is over it can be read after the end, not after a reset",
                        "[tcp][urgent][reset]", test::AllBackends) {
  Marked<TestType> t;
  SECTION("the end") {
    REQUIRE(t.client.close().ok());
    CHECK(t.receive(1, MSG_OOB) == text("!"));
    CHECK(t.receive(1, MSG_OOB) == nothing(EINVAL));
  }
  SECTION("of both") {
    REQUIRE(t.client.close().ok());
    REQUIRE(t.calls.shutdown(t.accepted, SHUT_WR).ok());
    CHECK(t.receive(1, MSG_OOB) == text("!"));
  }
  SECTION("a reset") {
    t.calls.set_linger(t.client, 0);
    REQUIRE(t.client.close().ok());
    CHECK(t.receive(1, MSG_OOB) == nothing(ENOTCONN));
    CHECK(t.calls.take_error(t.accepted) == ECONNRESET);
    CHECK(t.receive(1, MSG_OOB) == nothing(ENOTCONN));
  }
}

TEMPLATE_LIST_TEST_CASE("TCP urgent: a receive that fails passes it, and the next peek forgets it",
                        "[tcp][urgent][fault]", test::AllBackends) {
  Marked<TestType> t;
  REQUIRE(t.receive() == text("ab"));
  CHECK(t.on.backend.recvfrom(t.accepted.get(), test::unmapped(), 3, 0, nullptr, nullptr).error() == EFAULT);
  CHECK(t.receive(1, MSG_OOB | MSG_PEEK) == text("!"));
  CHECK(t.receive(1, MSG_PEEK) == text("c"));
  CHECK(t.receive(1, MSG_OOB | MSG_PEEK) == nothing(EINVAL));
  CHECK(t.receive() == text("cd"));
}

TEMPLATE_LIST_TEST_CASE("TCP urgent: of a send that had no room for all, the last byte that it had room for is",
                        "[tcp][urgent][buffer]", test::AllBackends) {
  test::TcpEnds<TestType> t;
  const auto sent = t.calls.send(t.client, std::string(10'000'000, 'x'), MSG_OOB);
  REQUIRE(sent.ok());
  REQUIRE(sent.value() < 10'000'000);
  std::size_t taken = 0;
  while (taken < sent.value() - 1) {
    ::pollfd entry{t.accepted.get(), POLLIN, 0};
    REQUIRE(t.on.backend.poll(&entry, 1, 10'000) == 1);
    taken += t.calls.receive(t.accepted, 10'000'000).bytes.size();
  }
  CHECK(t.calls.is_at_mark(t.accepted));
  CHECK(t.calls.receive(t.accepted, 1, MSG_OOB) == text("x"));
}
