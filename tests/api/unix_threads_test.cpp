#include "../support/bare.hpp"
#include "../support/threads.hpp"
#include "../support/unix_names.hpp"
#include "../support/unix_sockets.hpp"

#include <algorithm>

using namespace rouse;
using F = EventFlags;
using test::end_of_stream;
using test::nothing;
using test::Received;
using test::text;
using test::unsent;

namespace {

/// A connection whose calls wait.
template <class On>
struct Blocking {
  On on;
  test::UnixSockets<On> calls{on};
  std::array<typename test::UnixSockets<On>::Fd, 2> pair = calls.pair(0);

  /// A thread that receives from the second end, known to be asleep.
  auto receiver(std::size_t n, int flags = 0) {
    auto worker = on.spawn([this, fd = pair[1].get(), n, flags] { return calls.receive(fd, n, flags); });
    on.wait_until_blocked(worker);
    return worker;
  }
  /// A thread that sends into the first end, which is full, known to be asleep.
  auto sender(std::size_t n) {
    auto worker = on.spawn([this, n] { return calls.send(pair[0], std::string(n, 'y')); });
    on.wait_until_blocked(worker);
    return worker;
  }
  /// Sends 1000 bytes at a time until no more goes.
  void fill() {
    while (calls.send(pair[0], std::string(1000, 'x'), MSG_DONTWAIT).ok()) continue;
  }
  void wait_until_in_flight(int cost) {
    while (calls.in_flight(pair[0]) != cost) std::this_thread::yield();
  }
};

template <class... Workers>
std::vector<std::size_t> sorted_lengths(Workers&... workers) {
  std::vector<std::size_t> lengths{workers.result().bytes.size()...};
  std::sort(lengths.begin(), lengths.end());
  return lengths;
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("Unix stream: a blocked receive ends with what ends the wait", "[unix][threads]",
                        test::AllThreadBackends) {
  Blocking<TestType> b;
  SECTION("data") {
    auto receiver = b.receiver(10);
    REQUIRE(b.calls.send(b.pair[0], "abc").ok());
    CHECK(receiver.result() == text("abc"));
  }
  SECTION("the peer shut for writing") {
    auto receiver = b.receiver(10);
    REQUIRE(b.calls.shutdown(b.pair[0], SHUT_WR).ok());
    CHECK(receiver.result() == end_of_stream());
  }
  SECTION("this end shut for reading") {
    auto receiver = b.receiver(10);
    REQUIRE(b.calls.shutdown(b.pair[1], SHUT_RD).ok());
    CHECK(receiver.result() == end_of_stream());
  }
  SECTION("the peer closed") {
    auto receiver = b.receiver(10);
    REQUIRE(b.pair[0].close().ok());
    CHECK(receiver.result() == end_of_stream());
  }
  SECTION("the peer closed, having thrown data away") {
    REQUIRE(b.calls.send(b.pair[1], "unread").ok());
    auto receiver = b.receiver(10);
    REQUIRE(b.pair[0].close().ok());
    CHECK(receiver.result() == nothing(ECONNRESET));
    CHECK(b.calls.take_error(b.pair[1]) == 0);
  }
}

TEMPLATE_LIST_TEST_CASE("Unix stream: a blocked receive sleeps on when it is none of its business", "[unix][threads]",
                        test::AllThreadBackends) {
  Blocking<TestType> b;
  auto receiver = b.receiver(10);
  SECTION("this end shut for writing") { REQUIRE(b.calls.shutdown(b.pair[1], SHUT_WR).ok()); }
  SECTION("the peer shut for reading") { REQUIRE(b.calls.shutdown(b.pair[0], SHUT_RD).ok()); }
  SECTION("an urgent byte, which it throws away") {
    REQUIRE(b.calls.send(b.pair[0], "X", MSG_OOB).ok());
    b.wait_until_in_flight(0);
    CHECK(b.calls.bits(b.pair[1]) == F::out);
  }
  SECTION("its fd is closed") { REQUIRE(test::bare(b.on.backend).close(b.pair[1].release()).ok()); }
  SECTION("its number is another's") {
    const auto other = b.calls.fresh();
    REQUIRE(test::bare(b.on.backend).dup2(other.get(), b.pair[1].get()).ok());
  }
  b.on.wait_until_blocked(receiver);
  REQUIRE(b.calls.send(b.pair[0], "abc").ok());
  CHECK(receiver.result() == text("abc"));
}

TEMPLATE_LIST_TEST_CASE("Unix stream: a blocked receive of nothing waits for data, too", "[unix][threads][zero]",
                        test::AllThreadBackends) {
  Blocking<TestType> b;
  auto receiver = b.receiver(0);
  REQUIRE(b.calls.send(b.pair[0], "abc").ok());
  CHECK(receiver.result() == text(""));
  CHECK(b.calls.receive(b.pair[1]) == text("abc"));
  const SysResult<std::size_t> read = b.on.backend.read(b.pair[1].get(), nullptr, 0);
  CHECK(read == std::size_t{0});  // Which read(2) does not.
}

TEMPLATE_LIST_TEST_CASE("Unix stream: MSG_WAITALL takes data as it comes, until there is enough",
                        "[unix][threads][flags]", test::AllThreadBackends) {
  Blocking<TestType> b;
  auto receiver = b.receiver(6, MSG_WAITALL);
  REQUIRE(b.calls.send(b.pair[0], "abc").ok());
  b.wait_until_in_flight(0);
  b.on.wait_until_blocked(receiver);
  CHECK(b.calls.bits(b.pair[1]) == F::out);
  SECTION("enough") {
    REQUIRE(b.calls.send(b.pair[0], "defg").ok());
    CHECK(receiver.result() == text("abcdef"));
    CHECK(b.calls.receive(b.pair[1], 10) == text("g"));
  }
  SECTION("the peer shut for writing") {
    REQUIRE(b.calls.shutdown(b.pair[0], SHUT_WR).ok());
    CHECK(receiver.result() == text("abc"));
  }
  SECTION("the peer closed, having thrown data away: the error is swallowed") {
    REQUIRE(b.calls.send(b.pair[1], "unread").ok());
    REQUIRE(b.pair[0].close().ok());
    CHECK(receiver.result() == text("abc"));
    CHECK(b.calls.take_error(b.pair[1]) == 0);
    CHECK(b.calls.receive(b.pair[1], 10) == end_of_stream());
  }
  SECTION("an urgent byte, which stays") {
    REQUIRE(b.calls.send(b.pair[0], "X", MSG_OOB).ok());
    CHECK(receiver.result() == text("abc"));
    CHECK(b.calls.receive(b.pair[1], 1, MSG_OOB) == text("X"));
  }
}

TEMPLATE_LIST_TEST_CASE("Unix stream: a peek takes what is there, even if it was to wait for all",
                        "[unix][threads][flags]", test::AllThreadBackends) {
  Blocking<TestType> b;
  auto receiver = b.receiver(10, MSG_WAITALL | MSG_PEEK);
  REQUIRE(b.calls.send(b.pair[0], "abc").ok());
  CHECK(receiver.result() == text("abc"));
  CHECK(b.calls.receive(b.pair[1], 10) == text("abc"));
}

TEMPLATE_LIST_TEST_CASE("Unix stream: one send serves as many blocked receives as it has bytes for", "[unix][threads]",
                        test::AllThreadBackends) {
  Blocking<TestType> b;
  auto first = b.receiver(10);
  auto second = b.receiver(10);
  SECTION("enough for both") {
    REQUIRE(b.calls.send(b.pair[0], std::string(20, 'x')).ok());
    CHECK(sorted_lengths(first, second) == std::vector<std::size_t>{10, 10});
  }
  SECTION("not quite") {
    REQUIRE(b.calls.send(b.pair[0], std::string(15, 'x')).ok());
    CHECK(sorted_lengths(first, second) == std::vector<std::size_t>{5, 10});
  }
  SECTION("enough for one: the other one sleeps on") {
    REQUIRE(b.calls.send(b.pair[0], std::string(10, 'x')).ok());
    b.wait_until_in_flight(0);
    REQUIRE(b.calls.send(b.pair[0], "abc").ok());
    CHECK(sorted_lengths(first, second) == std::vector<std::size_t>{3, 10});
  }
  SECTION("the end is for all") {
    REQUIRE(b.calls.shutdown(b.pair[0], SHUT_WR).ok());
    CHECK(sorted_lengths(first, second) == std::vector<std::size_t>{0, 0});
  }
}

TEMPLATE_LIST_TEST_CASE("Unix stream: blocked sends wait until a quarter is left, and then all go",
                        "[unix][threads][buffer]", test::AllThreadBackends) {
  Blocking<TestType> b;
  b.fill();
  const int full = b.calls.in_flight(b.pair[0]);
  CHECK(full == 93 * 2304);
  auto first = b.sender(1000);
  auto second = b.sender(1000);
  for (int i = 1; i < 70; ++i) {
    REQUIRE(b.calls.receive(b.pair[1], 1000).result == std::size_t{1000});
    REQUIRE(b.calls.in_flight(b.pair[0]) == full - i * 2304);  // There was room long before, and nobody took it.
  }
  REQUIRE(b.calls.receive(b.pair[1], 1000).result == std::size_t{1000});
  CHECK(first.result() == std::size_t{1000});
  CHECK(second.result() == std::size_t{1000});
  CHECK(b.calls.in_flight(b.pair[0]) == full - 68 * 2304);
}

TEMPLATE_LIST_TEST_CASE("Unix stream: a blocked send looks for room at every wakeup, whatever it is for",
                        "[unix][threads][buffer]", test::AllThreadBackends) {
  Blocking<TestType> b;
  b.fill();
  auto sender = b.sender(1000);
  REQUIRE(b.calls.receive(b.pair[1], 2000).result == std::size_t{2000});
  SECTION("data from the peer") { REQUIRE(b.calls.send(b.pair[1], "x").ok()); }
  SECTION("the end of it") { REQUIRE(b.calls.shutdown(b.pair[1], SHUT_WR).ok()); }
  CHECK(sender.result() == std::size_t{1000});
}

TEMPLATE_LIST_TEST_CASE("Unix stream: a larger buffer lets a blocked send in", "[unix][threads][buffer][options]",
                        test::AllThreadBackends) {
  Blocking<TestType> b;
  REQUIRE(b.calls.set_option(b.pair[0], SO_SNDBUF, 20000).ok());
  b.fill();
  auto sender = b.sender(1000);
  REQUIRE(b.calls.set_option(b.pair[0], SO_SNDBUF, 100000).ok());
  CHECK(sender.result() == std::size_t{1000});
}

TEMPLATE_LIST_TEST_CASE("Unix stream: how long a chunk is, is decided before the wait",
                        "[unix][threads][buffer][options]", test::AllThreadBackends) {
  Blocking<TestType> b;
  REQUIRE(b.calls.set_option(b.pair[0], SO_SNDBUF, 2304).ok());
  b.fill();
  const int before = b.calls.in_flight(b.pair[0]);
  auto sender = b.sender(20000);
  REQUIRE(b.calls.set_option(b.pair[0], SO_SNDBUF, 16384).ok());
  CHECK(sender.result() == std::size_t{20000});
  // A chunk of 2240, as the buffer was; then one of 16320, and the rest.
  CHECK(b.calls.in_flight(b.pair[0]) == before + 4352 + 17152 + 2304);
}

TEMPLATE_LIST_TEST_CASE("Unix stream: a blocked send goes on until all of it went", "[unix][threads][buffer]",
                        test::AllThreadBackends) {
  Blocking<TestType> b;
  auto sender = b.sender(1000000);
  CHECK(b.calls.in_flight(b.pair[0]) == 6 * 37120);
  std::size_t taken = 0;
  while (taken < 1000000) taken += b.calls.receive(b.pair[1], 50000).bytes.size();
  CHECK(taken == 1000000);
  CHECK(sender.result() == std::size_t{1000000});
}

TEMPLATE_LIST_TEST_CASE("Unix stream: a blocked send that moved something says how much", "[unix][threads]",
                        test::AllThreadBackends) {
  Blocking<TestType> b;
  auto sender = b.sender(1000000);
  SECTION("this end shut for writing") { REQUIRE(b.calls.shutdown(b.pair[0], SHUT_WR).ok()); }
  SECTION("the peer shut for reading") { REQUIRE(b.calls.shutdown(b.pair[1], SHUT_RD).ok()); }
  SECTION("the peer closed, which is an error that the send swallows") { REQUIRE(b.pair[1].close().ok()); }
  CHECK(sender.result() == std::size_t{219264});
  CHECK(b.calls.take_error(b.pair[0]) == 0);
}

TEMPLATE_LIST_TEST_CASE("Unix stream: a blocked send that moved nothing says why", "[unix][threads]",
                        test::AllThreadBackends) {
  Blocking<TestType> b;
  b.fill();
  auto sender = b.sender(1000);
  SECTION("this end shut for writing") {
    REQUIRE(b.calls.shutdown(b.pair[0], SHUT_WR).ok());
    CHECK(sender.result() == unsent(EPIPE));
  }
  SECTION("the peer shut for reading") {
    REQUIRE(b.calls.shutdown(b.pair[1], SHUT_RD).ok());
    CHECK(sender.result() == unsent(EPIPE));
  }
  SECTION("the peer closed: unlike other sends it takes the error") {
    REQUIRE(b.pair[1].close().ok());
    CHECK(sender.result() == unsent(ECONNRESET));
    CHECK(b.calls.take_error(b.pair[0]) == 0);
    CHECK(b.calls.bits(b.pair[0]) == (F::in | F::out | F::hup | F::rdhup));
  }
}

TEMPLATE_LIST_TEST_CASE("Unix stream: a blocked send of an urgent byte sends the bytes before it first",
                        "[unix][threads][urgent]", test::AllThreadBackends) {
  Blocking<TestType> b;
  REQUIRE(b.calls.set_option(b.pair[0], SO_SNDBUF, 0).ok());
  auto sender = b.on.spawn([&] { return b.calls.send(b.pair[0], std::string(4480, 'x') + 'X', MSG_OOB); });
  b.on.wait_until_blocked(sender);
  CHECK(b.calls.bits(b.pair[1]) == (F::in | F::out));
  CHECK(b.calls.receive(b.pair[1], 4480).bytes == std::string(4480, 'x'));
  CHECK(sender.result() == std::size_t{4481});
  CHECK(b.calls.receive(b.pair[1], 1, MSG_OOB) == text("X"));
}
