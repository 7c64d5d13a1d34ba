// What an operation on one end of a TCP connection shows to edge-triggered epolls at both ends.
#include "../support/inet_sockets.hpp"
#include "../support/wake_keys.hpp"

#include <functional>

using namespace rouse;
using F = EventFlags;

namespace {

/// An edge-triggered epoll for each thing that one can ask for.
template <class On>
class EdgeMasks {
 public:
  /// What take() returns if each of them reported, those that ask for nothing too.
  static constexpr F any =
      F::in | F::pri | F::out | F::rdnorm | F::rdband | F::wrnorm | F::wrband | F::msg | F::rdhup | F::err;

  EdgeMasks(On& on, int fd) {
    const BasicFdRef<typename On::Backend> file{on.backend, fd};
    for (const F mask : masks) {
      epolls_.emplace_back(on.backend);
      epolls_.back().add(file, mask | F::et, 0);
    }
    static_cast<void>(take());
  }

  /// The masks that got something since the last time.
  F take() {
    F reported;
    for (std::size_t i = 0; i < std::size(masks); ++i) {
      EventArray<2> events;
      if (epolls_[i].wait(events, Timeout::now) > 0) reported |= masks[i] == F{} ? F::err : masks[i];
    }
    return reported;
  }

 private:
  static constexpr F masks[] = {F::in,     F::pri,    F::out, F::rdnorm, F::rdband,
                                F::wrnorm, F::wrband, F::msg, F::rdhup,  F{}};
  std::vector<typename test::Handles<On>::Epoll> epolls_;
};

constexpr F none{};
constexpr F any = EdgeMasks<test::OnLinux>::any;
constexpr F data = F::in | F::rdnorm;
constexpr F room = F::out | F::wrnorm;
constexpr F end = F::in | F::out | F::rdnorm | F::wrnorm | F::rdhup;
constexpr F read_end = F::in | F::out | F::rdhup;
constexpr F both_ends = read_end | F::hup;
constexpr F broken = both_ends | F::err;

/// What both ends show after an operation, and which edges it made.
struct Shown {
  F client_bits;
  F client_edges;
  F accepted_bits;
  F accepted_edges;
  friend bool operator==(const Shown&, const Shown&) = default;
  friend std::ostream& operator<<(std::ostream& out, const Shown& s) {
    return out << s.client_bits << " edges " << s.client_edges << " / " << s.accepted_bits << " edges "
               << s.accepted_edges;
  }
};

template <class On>
class Edges {
 public:
  using Ends = test::TcpEnds<On>;
  using Act = std::function<void(Ends&)>;

  /// Prepares two ends, and looks at what an operation makes of them. A closed end shows nothing.
  static Shown shown(const Act& prepare, const Act& act) {
    Ends ends;
    prepare(ends);
    EdgeMasks<On> client{ends.on, ends.client.get()};
    EdgeMasks<On> accepted{ends.on, ends.accepted.get()};
    act(ends);
    Shown shown;
    shown.client_bits = ends.client.is_open() ? ends.calls.bits(ends.client) : none;
    shown.client_edges = client.take();
    shown.accepted_bits = ends.accepted.is_open() ? ends.calls.bits(ends.accepted) : none;
    shown.accepted_edges = accepted.take();
    return shown;
  }
};

struct Shuts {
  bool by_client;
  int how;
};

}  // namespace

TEMPLATE_LIST_TEST_CASE("TCP edges: sending and receiving", "[tcp][edge]", test::AllBackends) {
  using Ends = test::TcpEnds<TestType>;
  const auto nothing = [](Ends&) {};
  const auto sends = [](Ends& e) { REQUIRE(e.calls.send(e.client, "hello").ok()); };
  const auto sends_urgent = [](Ends& e) { REQUIRE(e.calls.send(e.client, "!", MSG_OOB).ok()); };
  const auto receives = [](std::size_t n, int flags) {
    return [n, flags](Ends& e) { REQUIRE(e.calls.receive(e.accepted, n, flags).result.ok()); };
  };
  const auto inline_urgent = [](Ends& e) { REQUIRE(e.calls.set_option(e.accepted, SO_OOBINLINE, 1).ok()); };
  const auto waits_for_more = [](Ends& e) { REQUIRE(e.calls.set_option(e.accepted, SO_RCVLOWAT, 4).ok()); };
  struct Row {
    const char* name;
    typename Edges<TestType>::Act prepare;
    typename Edges<TestType>::Act act;
    F accepted_bits;
    F accepted_edges;
  };
  const Row rows[] = {
      {"sends", nothing, sends, F::in | F::out, data},
      {"sends again", sends, sends, F::in | F::out, data},
      {"a part is read", sends, receives(2, 0), F::in | F::out, none},
      {"all is read", sends, receives(100, 0), F::out, none},
      {"peeked at", sends, receives(100, MSG_PEEK), F::in | F::out, none},
      {"nothing is sent", nothing, [](Ends& e) { REQUIRE(e.calls.send(e.client, "").ok()); }, F::out, none},
      {"an urgent byte", nothing, sends_urgent, F::pri | F::out, F::pri},
      {"the last of three is urgent", nothing, [](Ends& e) { REQUIRE(e.calls.send(e.client, "ab!", MSG_OOB).ok()); },
       F::in | F::pri | F::out, data | F::pri},
      {"an urgent byte again", sends_urgent, sends_urgent, F::pri | F::out, F::pri},
      {"data after an urgent byte", sends_urgent, sends, F::in | F::pri | F::out, data | F::pri},
      {"the urgent byte is read", sends_urgent, receives(1, MSG_OOB), F::out, none},
      {"an urgent byte, while more is waited for", waits_for_more, sends_urgent, F::pri | F::out, F::pri},
      {"an urgent byte among the others", inline_urgent, sends_urgent, F::in | F::pri | F::out, data | F::pri},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    CHECK(Edges<TestType>::shown(row.prepare, row.act) == Shown{F::out, none, row.accepted_bits, row.accepted_edges});
  }
}

TEMPLATE_LIST_TEST_CASE("TCP edges: shutting down, after what was shut before", "[tcp][edge][shutdown]",
                        test::AllBackends) {
  using Ends = test::TcpEnds<TestType>;
  constexpr Shuts client_rd{true, SHUT_RD};
  constexpr Shuts client_wr{true, SHUT_WR};
  constexpr Shuts client_both{true, SHUT_RDWR};
  constexpr Shuts accepted_wr{false, SHUT_WR};
  struct Row {
    const char* name;
    std::vector<Shuts> before;
    Shuts act;
    Shown shown;
    int error = 0;
  };
  const Row rows[] = {
      {"write", {}, client_wr, {F::out, room, read_end, end}},
      {"read", {}, client_rd, {read_end, end, F::out, none}},
      {"both", {}, client_both, {both_ends, any, read_end, end}},
      {"write, twice", {client_wr}, client_wr, {F::out, room, read_end, none}},
      {"read, twice", {client_rd}, client_rd, {read_end, end, F::out, none}},
      {"write, after the peer", {accepted_wr}, client_wr, {both_ends, any, both_ends, any}},
      {"read, after the peer", {accepted_wr}, client_rd, {read_end, end, F::out, none}},
      {"both, after the peer", {accepted_wr}, client_both, {both_ends, any, both_ends, any}},
      {"read, after write", {client_wr}, client_rd, {both_ends, any, read_end, none}},
      {"write, after read", {client_rd}, client_wr, {both_ends, any, read_end, end}},
      {"the peer writes no more, either", {client_wr}, accepted_wr, {both_ends, any, both_ends, any}},
      {"read, after both wrote no more",
       {client_wr, accepted_wr},
       client_rd,
       {both_ends, any, both_ends, none},
       ENOTCONN},
      {"write, of the last to do so",
       {client_wr, accepted_wr},
       accepted_wr,
       {both_ends, none, both_ends, any},
       ENOTCONN},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    const auto shut = [&](Ends& e, const Shuts& s) {
      return e.calls.shutdown(s.by_client ? e.client : e.accepted, s.how);
    };
    const Shown shown = Edges<TestType>::shown(
        [&](Ends& e) {
          for (const Shuts& each : row.before) REQUIRE(shut(e, each).ok());
          // Linux may take 40 ms to acknowledge an end, and that is an edge of its own.
          while (e.calls.in_flight(e.client) + e.calls.in_flight(e.accepted) > 0) {
            REQUIRE(e.on.backend.poll(nullptr, 0, 1).ok());
          }
        },
        [&](Ends& e) { CHECK(shut(e, row.act).error() == row.error); });
    CHECK(shown == row.shown);
  }
}

TEMPLATE_LIST_TEST_CASE("TCP edges: closing, and sending to who does not listen any more", "[tcp][edge][reset]",
                        test::AllBackends) {
  using Ends = test::TcpEnds<TestType>;
  const auto nothing = [](Ends&) {};
  const auto shut = [](bool client, int how) {
    return [client, how](Ends& e) { REQUIRE(e.calls.shutdown(client ? e.client : e.accepted, how).ok()); };
  };
  const auto both_shut = [&](bool client_first) {
    return [=](Ends& e) {
      shut(client_first, SHUT_WR)(e);
      shut(!client_first, SHUT_WR)(e);
      e.calls.set_linger(e.client, 0);
    };
  };
  const auto closes = [](Ends& e) { REQUIRE(e.client.close().ok()); };
  const auto accepted_closes = [](Ends& e) { REQUIRE(e.accepted.close().ok()); };
  const auto unread = [](Ends& e) { REQUIRE(e.calls.send(e.accepted, "unread").ok()); };
  const auto sends = [](Ends& e) { REQUIRE(e.calls.send(e.client, "late").ok()); };
  const auto accepted_sends = [](Ends& e) { REQUIRE(e.calls.send(e.accepted, "late").ok()); };
  struct Row {
    const char* name;
    typename Edges<TestType>::Act prepare;
    typename Edges<TestType>::Act act;
    Shown shown;
  };
  const Row rows[] = {
      {"closes", nothing, closes, {none, none, read_end, end}},
      {"the peer closes after write was shut", shut(true, SHUT_WR), accepted_closes, {both_ends, any, none, none}},
      {"the peer closes after read was shut", shut(true, SHUT_RD), accepted_closes, {read_end, end, none, none}},
      {"the peer closes after both were shut", shut(true, SHUT_RDWR), accepted_closes, {both_ends, any, none, none}},
      {"sends to who shut for reading", shut(false, SHUT_RD), sends, {F::out, none, read_end, data}},
      {"sends to who shut for both", shut(false, SHUT_RDWR), sends, {broken, any, broken, any}},
      {"write, of who sends to who shut for reading",
       shut(false, SHUT_RD),
       shut(true, SHUT_WR),
       {F::out, room, read_end, end}},
      {"closes with unread data", unread, closes, {none, none, broken, any}},
      {"closes with unread data of both",
       [&](Ends& e) {
         unread(e);
         sends(e);
       },
       closes,
       {none, none, broken, any}},
      {"closes with no time to linger",
       [](Ends& e) { e.calls.set_linger(e.client, 0); },
       closes,
       {none, none, broken, any}},
      {"the same, after write was shut",
       [&](Ends& e) {
         shut(true, SHUT_WR)(e);
         e.calls.set_linger(e.client, 0);
       },
       closes,
       {none, none, broken, any}},
      {"the same, after both ends were shut", both_shut(true), closes, {none, none, both_ends, none}},
      {"the same, the other one first", both_shut(false), closes, {none, none, both_ends, none}},
      {"the peer sends to who shut for reading", shut(true, SHUT_RD), accepted_sends, {read_end, data, F::out, none}},
      {"the peer sends to who shut for both", shut(true, SHUT_RDWR), accepted_sends, {broken, any, broken, any}},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    CHECK(Edges<TestType>::shown(row.prepare, row.act) == row.shown);
  }
}

TEMPLATE_LIST_TEST_CASE("TCP edges: after the peer closed", "[tcp][edge][reset]", test::AllBackends) {
  test::TcpEnds<TestType> e;
  EdgeMasks<TestType> edges{e.on, e.accepted.get()};
  REQUIRE(e.client.close().ok());
  CHECK(edges.take() == end);
  SECTION("a send provokes a reset") {
    CHECK(e.calls.send(e.accepted, "x") == std::size_t{1});
    CHECK(e.calls.bits(e.accepted) == broken);
    CHECK(edges.take() == any);
    CHECK(e.calls.send(e.accepted, "x") == test::unsent(EPIPE));
    CHECK(e.calls.bits(e.accepted) == both_ends);
    CHECK(edges.take() == none);
  }
  SECTION("the end of the other direction") {
    CHECK(e.calls.shutdown(e.accepted, SHUT_WR).ok());
    CHECK(e.calls.bits(e.accepted) == both_ends);
    CHECK(edges.take() == any);
  }
}

TEMPLATE_LIST_TEST_CASE("TCP edges: a full sender is told when there is much room", "[tcp][edge][buffer]",
                        test::AllBackends) {
  test::TcpEnds<TestType> e;
  test::WakeKeys<TestType> keys{e.on, e.client.get()};
  const std::string much(65536, 'x');
  while (e.calls.send(e.client, much).ok()) continue;
  static_cast<void>(keys.take());
  CHECK((e.calls.bits(e.client) & F::out) == F{});
  REQUIRE(e.calls.receive(e.accepted, 1000).result.ok());
  CHECK(e.calls.bits(e.client) == F{});
  CHECK(keys.take() == F{});
  while (e.calls.receive(e.accepted, 1000000).result.ok()) continue;
  if constexpr (TestType::is_emulated) {
    CHECK(e.calls.bits(e.client) == F::out);
    CHECK(keys.take() == test::room_key);
  }
}

TEMPLATE_LIST_TEST_CASE("TCP edges: who has seen that there is little room is told when there is more",
                        "[tcp][edge][buffer]", test::AllBackends) {
  test::TcpEnds<TestType> e;
  const std::string some(65536, 'x');
  while (e.calls.bits(e.client).has(F::out)) REQUIRE(e.calls.send(e.client, some) == some.size());
  typename test::Handles<TestType>::Epoll epoll{e.on.backend};
  epoll.add(BasicFdRef{e.on.backend, e.client.get()}, F::out | F::et, 1);
  EventArray<1> events;
  REQUIRE(epoll.wait(events, Timeout::now) == 0);
  // Linux tells when it has heard that what was read had come.
  do {
    while (e.calls.receive(e.accepted, 1'000'000).result.ok()) continue;
  } while (epoll.wait(events, Timeout::now) == 0 && !TestType::is_emulated);
  REQUIRE(events.size() == 1);
  CHECK(events[0] == Event{F::out, 1});
}

TEMPLATE_LIST_TEST_CASE("TCP edges: a buffer of another size is room, if it has any, whoever waits",
                        "[tcp][edge][buffer][options]", test::AllBackends) {
  test::TcpEnds<TestType> e;
  const auto fresh = e.calls.fresh();
  const auto refused = e.calls.client_of(e.calls.nobody());
  for (const auto* each : {&fresh, &refused, &std::as_const(e.listener), &std::as_const(e.client)}) {
    test::WakeKeys<TestType> keys{e.on, each->get()};
    REQUIRE(e.calls.set_option(*each, SO_SNDBUF, 10'000).ok());
    CHECK(keys.take() == test::room_key);
  }
  test::WakeKeys<TestType> keys{e.on, e.client.get()};
  const std::string much(65536, 'x');
  while (e.calls.send(e.client, much).ok()) continue;
  static_cast<void>(keys.take());
  CHECK(e.calls.bits(e.client) == F{});
  REQUIRE(e.calls.set_option(e.client, SO_SNDBUF, 100'000).ok());
  CHECK(keys.take() == test::room_key);
  CHECK(e.calls.bits(e.client) == F::out);
}

TEMPLATE_LIST_TEST_CASE("TCP edges: options that somebody may be waiting for", "[tcp][edge][options]",
                        test::AllBackends) {
  test::TcpEnds<TestType> e;
  test::WakeKeys<TestType> keys{e.on, e.accepted.get()};
  REQUIRE(e.calls.set_option(e.accepted, SO_RCVLOWAT, 4).ok());
  CHECK(keys.take() == F{});
  REQUIRE(e.calls.send(e.client, "abc").ok());
  CHECK(keys.take() == F{});
  CHECK(e.calls.bits(e.accepted) == F::out);
  REQUIRE(e.calls.set_option(e.accepted, SO_RCVLOWAT, 3).ok());
  CHECK(keys.take() == test::data_key);
  CHECK(e.calls.bits(e.accepted) == (F::in | F::out));
  REQUIRE(e.calls.set_option(e.accepted, SO_RCVLOWAT, 3).ok());
  CHECK(keys.take() == test::data_key);
  REQUIRE(e.calls.set_option(e.accepted, SO_RCVLOWAT, 5).ok());
  CHECK(keys.take() == F{});
  CHECK(e.calls.bits(e.accepted) == F::out);
  CHECK(e.calls.receive(e.accepted) == test::text("abc"));  // Without waiting, it takes what is there.
  REQUIRE(e.calls.send(e.client, "12345").ok());
  CHECK(keys.take() == test::data_key);
  // At the end there is as much as there will be.
  REQUIRE(e.calls.shutdown(e.client, SHUT_WR).ok());
  static_cast<void>(keys.take());
  REQUIRE(e.calls.set_option(e.accepted, SO_RCVLOWAT, 6).ok());
  CHECK(keys.take() == test::data_key);
}
