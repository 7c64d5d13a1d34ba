// What an end of a TCP connection makes of urgent bytes that are announced early, twice, or too late.
#include "../support/segments.hpp"

using namespace rouse;
using test::nothing;
using test::Segments;
using test::text;

TEST_CASE("TCP segments: an urgent byte is announced once", "[tcp][segment][urgent]") {
  Segments s;
  s.cut();
  const auto segment = s.next();
  segment->urgent_end = segment->sequence + 2;
  s.arrive(*segment);
  char byte = 0;
  const auto urgent = [&] { return s.on.backend.recvfrom(s.accepted.get(), &byte, 1, MSG_OOB, nullptr, nullptr); };
  REQUIRE(s.on.backend.fcntl(s.accepted.get(), F_SETFL, 0).ok());
  CHECK(urgent() == SysResult<std::size_t>::failure(EAGAIN));  // It is still to come, but nobody waits for it.
  REQUIRE(s.on.backend.fcntl(s.accepted.get(), F_SETFL, O_NONBLOCK).ok());
  SECTION("with the bytes before it") {
    s.arrive(*segment, "a");
    CHECK(urgent() == SysResult<std::size_t>::failure(EAGAIN));
    segment->sequence += 1;
    s.arrive(*segment, "!");
    CHECK(urgent() == std::size_t{1});
    CHECK(byte == '!');
    CHECK(s.tcp.receive(s.accepted) == text("a"));
    s.arrive(*segment, "!");
    CHECK(urgent() == SysResult<std::size_t>::failure(EINVAL));
  }
  SECTION("an earlier one is none") {
    segment->urgent_end -= 1;
    s.arrive(*segment, "ab");
    CHECK(urgent() == std::size_t{1});
    CHECK(byte == 'b');
  }
  SECTION("it comes once, however often it is announced and sent") {
    s.arrive(*segment);
    s.arrive(*segment, "ab");
    CHECK(urgent() == std::size_t{1});
    s.arrive(*segment, "abc");
    CHECK(urgent() == SysResult<std::size_t>::failure(EINVAL));
    CHECK(s.tcp.receive(s.accepted) == text("a"));
    CHECK(s.tcp.receive(s.accepted) == text("c"));
  }
  SECTION("two are announced before anything comes") {
    segment->urgent_end += 1;
    s.arrive(*segment);
    s.arrive(*segment, "abc");
    CHECK(urgent() == std::size_t{1});
    CHECK(byte == 'c');
    CHECK(s.tcp.receive(s.accepted) == text("ab"));
  }
  SECTION("another is announced where it is the next byte") {
    s.arrive(*segment, "a");
    CHECK(s.tcp.receive(s.accepted) == text("a"));
    segment->sequence += 1;
    segment->urgent_end += 1;
    s.arrive(*segment, "");
    s.arrive(*segment, "bc");
    CHECK(urgent() == std::size_t{1});
    CHECK(byte == 'c');
    CHECK(s.tcp.receive(s.accepted) == text("b"));
  }
  SECTION("what comes before it can be read") {
    segment->urgent_end += 5;
    s.arrive(*segment, "ab");
    CHECK(s.tcp.readable(s.accepted) == 2);
  }
  SECTION("one that has been read is none") {
    s.arrive(*segment, "ab");
    CHECK(urgent() == std::size_t{1});
    CHECK(s.tcp.receive(s.accepted) == text("a"));
    segment->sequence += 2;
    s.arrive(*segment, "c");
    CHECK(urgent() == SysResult<std::size_t>::failure(EINVAL));
    CHECK(s.tcp.receive(s.accepted) == text("c"));
  }
  SECTION("it never comes") {
    SECTION("as this end takes no more") { REQUIRE(s.tcp.shutdown(s.accepted, SHUT_RD).ok()); }
    SECTION("as the connection is over") {
      segment->urgent_end = 0;
      segment->fin = true;
      s.arrive(*segment);
      REQUIRE(s.tcp.shutdown(s.accepted, SHUT_WR).ok());
    }
    CHECK(urgent() == std::size_t{0});
  }
}

TEST_CASE("TCP segments: a byte that has come already is not urgent any more", "[tcp][segment][urgent]") {
  Segments s;
  const auto segment = s.next();
  s.cut();
  s.arrive(*segment, "ab");
  segment->sequence += 2;
  segment->urgent_end = segment->sequence;
  s.arrive(*segment, "c");
  CHECK(s.tcp.receive(s.accepted, 1, MSG_OOB) == nothing(EINVAL));
  CHECK(s.tcp.receive(s.accepted) == text("abc"));
}
