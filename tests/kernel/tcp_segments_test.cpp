// What an end of a TCP connection makes of segments that do not fit: late, early, doubled, or from somebody who
// guesses.
#include "../support/death.hpp"
#include "../support/segments.hpp"
#include "../support/wake_keys.hpp"

#include <chrono>

using namespace rouse;
using namespace std::chrono_literals;
using kernel::TcpEndpoint;
using kernel::TcpSegment;
using kernel::TcpState;
using test::end_of_stream;
using test::failed;
using test::inet_address;
using test::nothing;
using test::Segments;
using test::text;

TEST_CASE("TCP segments: a reset counts only where the next byte would", "[tcp][segment]") {
  Segments s;
  const auto reset = s.next();
  reset->reset = true;
  SECTION("what was received already") { reset->sequence -= 1; }
  SECTION("within the window") { reset->sequence += 1; }
  SECTION("beyond the window") { reset->sequence += 100'000'000; }
  s.arrive(*reset);
  if (reset->sequence != s.next()->sequence) return s.check_all_is_well();
  CHECK(s.tcp.receive(s.accepted) == nothing(ECONNRESET));
}

TEST_CASE("TCP segments: a reset behind what got lost is asked for again", "[tcp][segment]") {
  Segments s;
  s.cut();
  REQUIRE(s.tcp.send(s.end, "lost").ok());
  s.cut(false);
  s.tcp.set_linger(s.end, 0);
  REQUIRE(s.end.close().ok());
  CHECK(s.tcp.receive(s.accepted) == nothing(ECONNRESET));
}

TEST_CASE("TCP segments: what came already is no reason for a reset", "[tcp][segment]") {
  Segments s;
  REQUIRE(s.tcp.send(s.end, "abc").ok());
  REQUIRE(s.tcp.receive(s.accepted) == text("abc"));
  const auto again = s.next();
  again->sequence -= 3;
  REQUIRE(s.tcp.shutdown(s.accepted, SHUT_RDWR).ok());
  s.arrive(*again, "abc");
  CHECK(s.tcp.take_error(s.end) == 0);
  CHECK(s.tcp.send(s.end, "d").ok());  // That is one.
  CHECK(s.tcp.take_error(s.end) == EPIPE);
}

TEST_CASE("TCP segments: what acknowledges nothing, or what was never sent, is not taken", "[tcp][segment]") {
  Segments s;
  const auto segment = s.next();
  SECTION("nothing") { segment->ack = false; }
  SECTION("what was never sent") { segment->acknowledged += 1; }
  s.arrive(*segment, "x");
  s.check_all_is_well();
}

TEST_CASE("TCP segments: what does not fit is answered, so that a peer that is no more says so", "[tcp][segment]") {
  struct Row {
    const char* name;
    int sequence_off;
    int acknowledged_off;
    bool syn;
    bool ack;
    const char* bytes;
    bool is_answered;
    bool reset = false;
  };
  const Row rows[] = {
      {"a reset of what came before", -1, 0, false, true, "", false, true},
      {"a reset within the window", 1, 0, false, true, "", true, true},
      {"a reset at the end of the window", 1'310'720, 0, false, true, "", true, true},
      {"a reset right behind the window", 1'310'721, 0, false, true, "", false, true},
      {"a reset beyond the window", 100'000'000, 0, false, true, "", false, true},
      {"nothing new", 0, 0, false, true, "", false},
      {"no acknowledgement", 0, 0, false, false, "x", false},
      {"what was never sent", 0, 1, false, true, "", true},
      {"what was never sent, with bytes", 0, 1, false, true, "x", true},
      {"a probe", -1, 0, false, true, "", true},
      {"what came before, and no more", -1, 0, false, true, "x", true},
      {"bytes after others", 1, 0, false, true, "x", true},
      {"the client's first SYN", -1, 0, true, false, "", true},
      {"the client's first SYN, with an acknowledgement", -1, 0, true, true, "", true},
      {"another SYN", 1000, 0, true, false, "", true},
      {"another SYN with an acknowledgement", 1000, 0, true, true, "", true},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    Segments s;
    const auto segment = s.next();
    segment->sequence += static_cast<std::uint64_t>(row.sequence_off);
    segment->acknowledged += static_cast<std::uint64_t>(row.acknowledged_off);
    segment->syn = row.syn;
    segment->ack = row.ack;
    segment->reset = row.reset;
    s.cut();
    s.tcp.set_linger(s.end, 0);
    REQUIRE(s.end.close().ok());  // Its reset gets lost.
    s.cut(false);
    s.arrive(*segment, row.bytes);
    CHECK(s.tcp.take_error(s.accepted) == (row.is_answered ? ECONNRESET : 0));
  }
}

TEST_CASE("TCP segments: of bytes, no more are taken than the peer was told there is room for", "[tcp][segment]") {
  Segments s;
  s.cut();
  constexpr std::size_t room = 1310720;
  const auto segment = s.next();
  test::WakeKeys<test::OnEmulated> keys{s.on, s.accepted.get()};
  s.arrive(*segment, std::string(room + 1, 'x'));
  CHECK(s.tcp.readable(s.accepted) == int{room});
  CHECK(keys.take() == test::data_key);
  segment->sequence += room;
  s.arrive(*segment, "y");
  CHECK(keys.take() == EventFlags{});
  SECTION("an urgent byte is taken, once") {
    segment->urgent_end = segment->sequence + 1;
    s.arrive(*segment, "!");
    CHECK(s.tcp.receive(s.accepted, 1, MSG_OOB) == text("!"));
    s.arrive(*segment, "!");
    CHECK(s.tcp.receive(s.accepted, 1, MSG_OOB) == nothing(EINVAL));
    return;
  }
  segment->sequence -= room;
  CHECK(s.tcp.receive(s.accepted, room + 1).bytes.size() == room);
  segment->sequence += room;
  s.arrive(*segment, "yz");
  CHECK(s.tcp.receive(s.accepted) == text("yz"));
}

TEST_CASE("TCP segments: behind the end nothing comes", "[tcp][segment]") {
  Segments s;
  REQUIRE(s.tcp.shutdown(s.end, SHUT_WR).ok());
  s.cut();
  const auto segment = s.next();
  segment->sequence += 1;
  s.arrive(*segment, "x");
  CHECK(s.tcp.readable(s.accepted) == 0);
}

TEST_CASE("TCP segments: a second SYN changes nothing", "[tcp][segment]") {
  Segments s;
  const auto syn = s.next();
  syn->syn = true;
  SECTION("as the client's first was") { syn->sequence -= 1; }
  SECTION("of a new connection") { syn->sequence += 1000; }
  s.arrive(*syn);
  s.check_all_is_well();
}

TEST_CASE("TCP segments: bytes are taken once, and in order", "[tcp][segment]") {
  Segments s;
  const auto segment = s.next();
  SECTION("not before those in front of them") {
    segment->sequence += 1;
    s.arrive(*segment, "x");
    s.check_all_is_well();
  }
  SECTION("not again") {
    s.cut();
    s.arrive(*segment, "abc");
    CHECK(s.tcp.receive(s.accepted) == text("abc"));
    s.arrive(*segment, "abc");
    CHECK(s.tcp.receive(s.accepted) == nothing(EAGAIN));
    s.arrive(*segment, "abcde");
    CHECK(s.tcp.receive(s.accepted) == text("de"));
  }
  SECTION("an end that is not next is none") {
    segment->sequence += 1;
    segment->fin = true;
    s.arrive(*segment);
    s.check_all_is_well();
  }
  SECTION("nor are bytes behind the end") {
    s.cut();
    segment->fin = true;
    s.arrive(*segment);
    CHECK(s.tcp.receive(s.accepted) == end_of_stream());
    segment->fin = false;
    segment->sequence += 1;
    s.arrive(*segment, "x");
    CHECK(s.tcp.receive(s.accepted) == end_of_stream());
    CHECK(s.tcp.take_error(s.accepted) == 0);
  }
}

TEST_CASE("TCP segments: a listener answers only who wants to connect", "[tcp][segment]") {
  Segments s;
  const auto segment = s.next();
  segment->from.port = 7;  // Nobody there is connected.
  SECTION("a reset") { segment->reset = true; }
  SECTION("an answer to nothing") {}
  SECTION("neither") { segment->ack = false; }
  SECTION("from nobody") { REQUIRE(segment->from.address != s.endpoint(s.end).remote.address); }
  const std::size_t before = s.server_net.connections.size();
  s.cut();
  s.arrive(*segment);
  CHECK(s.server_net.connections.size() == before);
  CHECK(s.endpoint(s.server).pending() == 0);
  s.cut(false);
  s.check_all_is_well();
}

TEST_CASE("TCP segments: who connects takes the right answer only", "[tcp][segment]") {
  Segments s;
  s.cut();
  const auto fd = s.client();
  const TcpEndpoint& client = s.endpoint(fd);
  TcpSegment answer;
  answer.from = client.remote;
  answer.to = client.local;
  answer.window = 1000;
  SECTION("a reset of something else") {
    answer.reset = true;
    answer.ack = true;
    answer.acknowledged = 1;
  }
  SECTION("a reset of nothing") { answer.reset = true; }
  SECTION("no SYN") { answer.bytes = "x"; }
  s.arrive_at(s.client_net, answer);
  CHECK(client.state() == TcpState::syn_sent);
  CHECK(s.tcp.take_error(fd) == 0);
}

TEST_CASE("TCP segments: who was answered takes the right acknowledgement only", "[tcp][segment]") {
  Segments s;
  s.cut();
  const auto fd = s.client();
  const TcpEndpoint& client = s.endpoint(fd);
  TcpSegment segment;
  segment.from = client.local;
  segment.to = client.remote;
  segment.sequence = client.sent() - 1;
  segment.syn = true;
  s.arrive(segment);
  const auto& half = *s.server_net.connections.at({segment.to, segment.from});
  REQUIRE(half.state() == TcpState::syn_received);
  segment.syn = false;
  segment.ack = true;
  segment.sequence = client.sent();
  segment.acknowledged = half.sent();
  SECTION("less") { segment.acknowledged -= 1; }
  SECTION("more") { segment.acknowledged += 1; }
  s.cut(false);
  s.arrive(segment);
  // It is refused, and so is who sent it.
  const bool is_right = segment.acknowledged == half.sent();
  CHECK(half.state() == (is_right ? TcpState::established : TcpState::syn_received));
  CHECK(s.tcp.take_error(fd) == (is_right ? 0 : ECONNREFUSED));
  if (is_right) return;
  segment.fin = true;
  s.arrive(segment);
  CHECK_FALSE(half.is_done);
}

TEST_CASE("TCP segments: what is left of a connection answers, until it is reset", "[tcp][segment]") {
  Segments s;
  REQUIRE(s.tcp.shutdown(s.accepted, SHUT_WR).ok());
  REQUIRE(s.tcp.shutdown(s.end, SHUT_WR).ok());
  s.cut();
  const auto late = s.next();
  const kernel::NetNamespace::Ends ends{late->to, late->from};
  REQUIRE(s.server_net.connections.at(ends)->state() == TcpState::time_wait);
  s.arrive(*late, "x");
  CHECK(s.server_net.connections.at(ends)->state() == TcpState::time_wait);
  late->bytes.clear();
  late->syn = true;  // It would begin a new one if it acknowledged nothing.
  s.arrive(*late);
  REQUIRE(s.server_net.connections.count(ends) == 1);
  CHECK(s.server_net.connections.at(ends)->state() == TcpState::time_wait);
  late->syn = late->ack = false;
  s.arrive(*late);
  CHECK(s.server_net.connections.count(ends) == 1);
  late->ack = late->reset = true;
  late->sequence -= 1;
  s.arrive(*late);
  CHECK(s.server_net.connections.count(ends) == 1);
  late->sequence += 2;  // Behind the client's end.
  s.arrive(*late);
  CHECK(s.server_net.connections.count(ends) == 0);
}

TEST_CASE("TCP segments: what is left of a connection stays for 60 s after the last that came", "[tcp][segment]") {
  Segments s;
  s.link.set_latency(10ms);
  const auto late = s.next();
  REQUIRE(s.tcp.shutdown(s.accepted, SHUT_WR).ok());
  REQUIRE(s.tcp.shutdown(s.end, SHUT_WR).ok());
  s.host.advance(20ms);
  const auto states = [&] {
    std::vector<TcpState> found;
    for (const auto* net : {&s.server_net, &s.client_net}) {
      for (const auto& [ends, endpoint] : net->connections) found.push_back(endpoint->state());
    }
    return found;
  };
  const std::vector<TcpState> both(2, TcpState::time_wait);
  REQUIRE(states() == both);
  SECTION("of before the end") {}
  SECTION("behind the end") { late->sequence += 1; }
  s.host.advance(30s);
  s.arrive(*late, "x");
  s.host.advance(59'999'999'999ns);
  CHECK(states() == both);
  s.host.advance(1ns);
  CHECK(states() == std::vector<TcpState>(1, TcpState::time_wait));
  s.host.advance(10ms);  // The client has heard that it came, and needs not say so in turn.
  CHECK(states().empty());
}

TEST_CASE("TCP segments: numbers that do not fit together break an invariant", "[tcp][segment][invariants]") {
  Segments s;
  auto& end = const_cast<TcpEndpoint&>(s.endpoint(s.end));
  const std::string words = test::last_words([&] {
    end.is_done = true;  // There was no end.
    static_cast<void>(s.tcp.bits(s.end));
  });
  CHECK(words.find("a connection's sequence numbers are out of order") != std::string::npos);
}
