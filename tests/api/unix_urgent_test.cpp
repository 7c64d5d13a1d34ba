#include "../support/bad_pointers.hpp"
#include "../support/guarded.hpp"
#include "../support/unix_sockets.hpp"
#include "../support/wake_keys.hpp"

using namespace rouse;
using F = EventFlags;
using test::end_of_stream;
using test::nothing;
using test::text;
using test::unsent;

TEMPLATE_LIST_TEST_CASE("Urgent byte: it is the last one sent, and shows as PRI", "[unix][urgent]", test::AllBackends) {
  TestType on;
  test::UnixSockets calls{on};
  auto pair = calls.pair();
  CHECK(calls.send(pair[0], "abX", MSG_OOB) == std::size_t{3});
  CHECK(calls.bits(pair[1]) == (F::in | F::pri | F::out));
  CHECK(calls.in_flight(pair[0]) == 2 * 768);
  CHECK(calls.readable(pair[1]) == 3);
  CHECK_FALSE(calls.is_at_mark(pair[1]));
  CHECK(calls.receive(pair[1], 1, MSG_OOB | MSG_PEEK) == text("X"));
  CHECK(calls.bits(pair[1]) == (F::in | F::pri | F::out));
  CHECK(calls.receive(pair[1], 1, MSG_OOB) == text("X"));
  CHECK(calls.bits(pair[1]) == (F::in | F::out));
  CHECK(calls.receive(pair[1], 1, MSG_OOB) == nothing(EINVAL));
  CHECK(calls.receive(pair[1]) == text("ab"));
}

TEMPLATE_LIST_TEST_CASE("Urgent byte: a plain read stops before it, and the next one throws it away", "[unix][urgent]",
                        test::AllBackends) {
  TestType on;
  test::UnixSockets calls{on};
  auto pair = calls.pair();
  REQUIRE(calls.send(pair[0], "abc").ok());
  REQUIRE(calls.send(pair[0], "X", MSG_OOB).ok());
  REQUIRE(calls.send(pair[0], "def").ok());
  CHECK(calls.receive(pair[1], 100, MSG_PEEK) == text("abc"));
  CHECK_FALSE(calls.is_at_mark(pair[1]));
  CHECK(calls.receive(pair[1]) == text("abc"));
  CHECK(calls.is_at_mark(pair[1]));
  CHECK(calls.receive(pair[1], 100, MSG_PEEK) == text("def"));
  CHECK(calls.bits(pair[1]) == (F::in | F::pri | F::out));
  CHECK(calls.receive(pair[1]) == text("def"));
  CHECK(calls.bits(pair[1]) == F::out);
  CHECK(calls.receive(pair[1], 1, MSG_OOB) == nothing(EINVAL));
}

TEMPLATE_LIST_TEST_CASE("Urgent byte: fetched in time, it leaves its place as a boundary", "[unix][urgent]",
                        test::AllBackends) {
  TestType on;
  test::UnixSockets calls{on};
  auto pair = calls.pair();
  REQUIRE(calls.send(pair[0], "abcX", MSG_OOB).ok());
  REQUIRE(calls.send(pair[0], "def").ok());
  CHECK(calls.receive(pair[1], 1, MSG_OOB) == text("X"));
  CHECK_FALSE(calls.is_at_mark(pair[1]));
  CHECK(calls.receive(pair[1], 100, MSG_WAITALL) == text("abc"));
  CHECK(calls.is_at_mark(pair[1]));
  CHECK(calls.receive(pair[1]) == text("def"));
  CHECK_FALSE(calls.is_at_mark(pair[1]));
}

TEMPLATE_LIST_TEST_CASE("Urgent byte: that place is no boundary any more once another is pending", "[unix][urgent]",
                        test::AllBackends) {
  TestType on;
  test::UnixSockets calls{on};
  auto pair = calls.pair();
  REQUIRE(calls.send(pair[0], "abcX", MSG_OOB).ok());
  CHECK(calls.receive(pair[1], 1, MSG_OOB) == text("X"));
  REQUIRE(calls.send(pair[0], "defY", MSG_OOB).ok());
  CHECK(calls.receive(pair[1], 100, MSG_PEEK) == text("abcdef"));
  CHECK(calls.receive(pair[1]) == text("abcdef"));
  CHECK(calls.in_flight(pair[0]) == 768);
  CHECK(calls.is_at_mark(pair[1]));
}

TEMPLATE_LIST_TEST_CASE("Urgent byte: what went before it counts if it cannot be read", "[unix][urgent][fault]",
                        test::AllBackends) {
  TestType on;
  test::UnixSockets calls{on};
  const auto pair = calls.pair();
  const test::Guarded memory;
  *memory.last(1) = 'a';
  CHECK(on.backend.sendto(pair[0].get(), memory.last(1), 2, MSG_OOB, nullptr, 0) == std::size_t{1});
  CHECK(calls.receive(pair[1]) == text("a"));
  CHECK(calls.receive(pair[1], 1, MSG_OOB) == nothing(EINVAL));
}

TEMPLATE_LIST_TEST_CASE("Urgent byte: the places of several that were fetched", "[unix][urgent]", test::AllBackends) {
  TestType on;
  test::UnixSockets calls{on};
  auto pair = calls.pair();
  for (const char* byte : {"X", "Y", "Z"}) {
    REQUIRE(calls.send(pair[0], byte, MSG_OOB).ok());
    CHECK(calls.receive(pair[1], 1, MSG_OOB) == text(byte));
  }
  REQUIRE(calls.send(pair[0], "abc").ok());
  CHECK(calls.in_flight(pair[0]) == 1536);
  CHECK(calls.receive(pair[1], 2) == text("ab"));
  CHECK(calls.in_flight(pair[0]) == 768);
  CHECK(calls.receive(pair[1], 2) == text("c"));
  CHECK(calls.in_flight(pair[0]) == 0);
  REQUIRE(calls.send(pair[0], "de").ok());
  CHECK(calls.receive(pair[1]) == text("de"));
  CHECK(calls.receive(pair[1]) == nothing(EAGAIN));
}

TEMPLATE_LIST_TEST_CASE("Urgent byte: alone, it looks readable and is not, and a plain read loses it", "[unix][urgent]",
                        test::AllBackends) {
  TestType on;
  test::UnixSockets calls{on};
  auto pair = calls.pair();
  REQUIRE(calls.send(pair[0], "X", MSG_OOB).ok());
  CHECK(calls.bits(pair[1]) == (F::in | F::pri | F::out));
  CHECK(calls.is_at_mark(pair[1]));
  SECTION("a plain read") { CHECK(calls.receive(pair[1]) == nothing(EAGAIN)); }
  SECTION("a read of nothing") { CHECK(calls.receive(pair[1], 0) == nothing(EAGAIN)); }
  CHECK(calls.bits(pair[1]) == F::out);
  CHECK(calls.in_flight(pair[0]) == 0);
  // Linux forgets to count it out, now and for ever after.
  CHECK(calls.readable(pair[1]) == 1);
  REQUIRE(calls.send(pair[0], "abc").ok());
  CHECK(calls.readable(pair[1]) == 4);
  CHECK(calls.receive(pair[1]) == text("abc"));
  CHECK(calls.readable(pair[1]) == 1);
}

TEMPLATE_LIST_TEST_CASE("Urgent byte: fetched alone, its empty place still looks readable", "[unix][urgent]",
                        test::AllBackends) {
  TestType on;
  test::UnixSockets calls{on};
  auto pair = calls.pair();
  REQUIRE(calls.send(pair[0], "X", MSG_OOB).ok());
  CHECK(calls.receive(pair[1], 1, MSG_OOB) == text("X"));
  CHECK(calls.bits(pair[1]) == (F::in | F::out));
  CHECK(calls.readable(pair[1]) == 0);
  CHECK(calls.in_flight(pair[0]) == 768);
  SECTION("until a read finds nothing there") {
    CHECK(calls.receive(pair[1]) == nothing(EAGAIN));
    CHECK(calls.bits(pair[1]) == F::out);
    CHECK(calls.in_flight(pair[0]) == 0);
  }
  SECTION("or the next one was fetched behind it") {
    CHECK(calls.is_at_mark(pair[1]));
    REQUIRE(calls.send(pair[0], "Y", MSG_OOB).ok());
    CHECK(calls.is_at_mark(pair[1]));  // Of both: there is nothing in between.
    CHECK(calls.in_flight(pair[0]) == 2 * 768);
    CHECK(calls.receive(pair[1], 1, MSG_OOB) == text("Y"));
    CHECK(calls.in_flight(pair[0]) == 768);
  }
  SECTION("and is nothing that a close throws away") {
    REQUIRE(pair[1].close().ok());
    CHECK(calls.take_error(pair[0]) == 0);
    CHECK(calls.in_flight(pair[0]) == 0);
  }
}

TEMPLATE_LIST_TEST_CASE("Urgent byte: closing before it was fetched throws it away", "[unix][urgent][reset]",
                        test::AllBackends) {
  TestType on;
  test::UnixSockets calls{on};
  auto pair = calls.pair();
  REQUIRE(calls.send(pair[0], "X", MSG_OOB).ok());
  REQUIRE(pair[1].close().ok());
  CHECK(calls.take_error(pair[0]) == ECONNRESET);
}

TEMPLATE_LIST_TEST_CASE("Urgent byte: the next one makes it an ordinary byte", "[unix][urgent]", test::AllBackends) {
  TestType on;
  test::UnixSockets calls{on};
  auto pair = calls.pair();
  REQUIRE(calls.send(pair[0], "aX", MSG_OOB).ok());
  REQUIRE(calls.send(pair[0], "bY", MSG_OOB).ok());
  CHECK(calls.receive(pair[1]) == text("aXb"));
  CHECK(calls.is_at_mark(pair[1]));
  CHECK(calls.receive(pair[1], 1, MSG_OOB) == text("Y"));
}

TEMPLATE_LIST_TEST_CASE("Urgent byte: inline, it is read in its place, after the mark", "[unix][urgent][options]",
                        test::AllBackends) {
  TestType on;
  test::UnixSockets calls{on};
  auto pair = calls.pair();
  REQUIRE(calls.set_option(pair[0], SO_OOBINLINE, 1).ok());  // Only the receiver's counts.
  REQUIRE(calls.send(pair[0], "X", MSG_OOB).ok());
  CHECK(calls.receive(pair[1]) == nothing(EAGAIN));

  REQUIRE(calls.set_option(pair[1], SO_OOBINLINE, 1).ok());
  CHECK(calls.option(pair[1], SO_OOBINLINE) == 1);
  REQUIRE(calls.send(pair[0], "abcX", MSG_OOB).ok());
  REQUIRE(calls.send(pair[0], "def").ok());
  CHECK(calls.receive(pair[1], 1, MSG_OOB) == nothing(EINVAL));
  CHECK(calls.receive(pair[1]) == text("abc"));
  CHECK(calls.is_at_mark(pair[1]));
  CHECK(calls.bits(pair[1]) == (F::in | F::pri | F::out));
  CHECK(calls.receive(pair[1], 100, MSG_PEEK) == text("Xdef"));
  CHECK(calls.receive(pair[1], 2) == text("Xd"));
  CHECK(calls.bits(pair[1]) == (F::in | F::out));
  CHECK(calls.receive(pair[1]) == text("ef"));
  CHECK(calls.readable(pair[1]) == 1);  // The first one, from before.
}

TEMPLATE_LIST_TEST_CASE("Urgent byte: the end of the stream comes after it was thrown away", "[unix][urgent]",
                        test::AllBackends) {
  TestType on;
  test::UnixSockets calls{on};
  auto pair = calls.pair();
  REQUIRE(calls.send(pair[0], "abcX", MSG_OOB).ok());
  REQUIRE(pair[0].close().ok());
  CHECK(calls.bits(pair[1]) == (F::in | F::pri | F::out | F::hup | F::rdhup));
  CHECK(calls.receive(pair[1]) == text("abc"));
  SECTION("by a read") {
    CHECK(calls.receive(pair[1]) == end_of_stream());
    CHECK(calls.bits(pair[1]) == (F::in | F::out | F::hup | F::rdhup));
  }
  SECTION("or fetched") {
    CHECK(calls.receive(pair[1], 1, MSG_OOB) == text("X"));
    CHECK(calls.receive(pair[1], 1, MSG_OOB) == nothing(EINVAL));
    CHECK(calls.receive(pair[1]) == end_of_stream());
  }
}

TEMPLATE_LIST_TEST_CASE("Urgent byte: fetching is one byte, whatever room there is", "[unix][urgent][zero]",
                        test::AllBackends) {
  TestType on;
  test::UnixSockets calls{on};
  auto pair = calls.pair();
  REQUIRE(calls.send(pair[0], "X", MSG_OOB).ok());
  SECTION("much") { CHECK(calls.receive(pair[1], 100, MSG_OOB) == text("X")); }
  SECTION("none") { CHECK(calls.receive(pair[1], 0, MSG_OOB).result == std::size_t{1}); }
  SECTION("at a bad address, where it is lost") {
    CHECK(on.backend.recvfrom(pair[1].get(), test::unmapped(), 1, MSG_OOB, nullptr, nullptr) == unsent(EFAULT));
  }
  SECTION("never waiting") {
    CHECK(calls.receive(pair[1], 1, MSG_OOB) == text("X"));
    REQUIRE(on.backend.fcntl(pair[1].get(), F_SETFL, 0).ok());
  }
  CHECK(calls.receive(pair[1], 1, MSG_OOB) == nothing(EINVAL));
}

TEMPLATE_LIST_TEST_CASE("Urgent byte: sending one", "[unix][urgent][errors]", test::AllBackends) {
  TestType on;
  test::UnixSockets calls{on};
  auto pair = calls.pair();
  SECTION("needs a byte") {
    CHECK(calls.send(pair[0], "", MSG_OOB) == unsent(EOPNOTSUPP));
    CHECK(calls.bits(pair[1]) == F::out);
  }
  SECTION("needs room, else only the bytes before it go") {
    REQUIRE(calls.set_option(pair[0], SO_SNDBUF, 0).ok());
    CHECK(calls.send(pair[0], std::string(4481, 'x'), MSG_OOB) == std::size_t{4480});
    CHECK(calls.bits(pair[1]) == (F::in | F::out));
    CHECK(calls.send(pair[0], "X", MSG_OOB) == unsent(EAGAIN));
  }
  SECTION("needs a good address") {
    CHECK(on.backend.sendto(pair[0].get(), test::unmapped(), 1, MSG_OOB, nullptr, 0) == unsent(EFAULT));
    CHECK(on.backend.sendto(pair[0].get(), test::unmapped(), 3, MSG_OOB, nullptr, 0) == unsent(EFAULT));
    CHECK(calls.bits(pair[1]) == F::out);
  }
}

TEMPLATE_LIST_TEST_CASE("Urgent byte: what wakes whom", "[unix][urgent][edge]", test::AllBackends) {
  TestType on;
  test::UnixSockets calls{on};
  auto pair = calls.pair();
  test::WakeKeys<TestType> sender{on, pair[0].get()};
  test::WakeKeys<TestType> receiver{on, pair[1].get()};
  REQUIRE(calls.send(pair[0], "abX", MSG_OOB).ok());
  CHECK(receiver.take() == test::data_key);
  CHECK(calls.receive(pair[1], 1, MSG_OOB) == text("X"));
  CHECK(sender.take() == F{});  // Its place is still in the queue.
  CHECK(calls.receive(pair[1]) == text("ab"));
  CHECK(sender.take() == test::room_key);
  CHECK(calls.receive(pair[1]) == nothing(EAGAIN));
  CHECK(sender.take() == test::room_key);

  REQUIRE(calls.send(pair[0], "X", MSG_OOB).ok());
  CHECK(calls.receive(pair[1]) == nothing(EAGAIN));
  CHECK(sender.take() == test::room_key);  // Thrown away.
  CHECK(receiver.take() == test::data_key);
}
