#include "../support/threads.hpp"
#include "../support/unix_names.hpp"
#include "../support/unix_sockets.hpp"
#include "../support/wake_keys.hpp"

#include <set>

using namespace rouse;
using F = EventFlags;
using test::nothing;
using test::text;
using test::unsent;

namespace {

constexpr std::size_t queue_max = 11;  // What a receiver takes from others than its peer.

/// Sockets whose calls wait.
template <class On>
struct Blocking {
  using Fd = typename test::UnixSockets<On>::Fd;

  explicit Blocking(int type) : calls(on, type), pair(calls.pair(0)) {}

  auto receiver(const Fd& fd, std::size_t n = 100, int flags = 0) {
    auto worker = on.spawn([this, fd = fd.get(), n, flags] { return calls.receive(fd, n, flags); });
    on.wait_until_blocked(worker);
    return worker;
  }
  auto sender(const Fd& fd, std::string bytes) {
    auto worker = on.spawn([this, &fd, bytes] { return calls.send(fd, bytes); });
    on.wait_until_blocked(worker);
    return worker;
  }
  auto sender_to(const Fd& fd, std::string bytes, std::string address) {
    auto worker = on.spawn([this, &fd, bytes, address] { return calls.send_to(fd, bytes, address); });
    on.wait_until_blocked(worker);
    return worker;
  }
  /// Fills the buffer of `fd` with messages of 1000 bytes; returns how many.
  std::size_t fill(const Fd& fd) {
    std::size_t n = 0;
    while (calls.send(fd, std::string(1000, 'x'), MSG_DONTWAIT).ok()) ++n;
    return n;
  }
  template <class Result>
  [[nodiscard]] bool is_asleep(test::Worker<Result>& worker) {
    on.wait_until_blocked(worker);
    return !worker.is_done();
  }

  On on;
  test::UnixSockets<On> calls;
  std::array<Fd, 2> pair;
};

/// A datagram socket with a name whose queue is full.
template <class On>
struct FullReceiver : Blocking<On> {
  using Fd = typename Blocking<On>::Fd;

  FullReceiver() : Blocking<On>(SOCK_DGRAM), receiver_fd(this->calls.fresh(0)), filler(this->calls.fresh(0)) {
    this->calls.bind(receiver_fd, address).value();
    for (std::size_t i = 0; i < queue_max; ++i) REQUIRE(this->calls.send_to(filler, "x", address).ok());
  }
  Fd connected() {
    Fd socket = this->calls.fresh(0);
    this->calls.connect(socket, address).value();
    return socket;
  }
  /// Reads until the message of a sender comes.
  std::string first_new() {
    for (;;) {
      const test::Received got = this->calls.receive(receiver_fd);
      if (got.bytes != "x") return got.bytes;
    }
  }

  test::UnixNames<On> names;
  std::string address = names.abstract_address("full");
  Fd receiver_fd;
  Fd filler;
};

}  // namespace

TEMPLATE_LIST_TEST_CASE("Unix packets: each message wakes one receiver, first come first served",
                        "[unix][datagram][seqpacket][threads]", test::AllThreadBackends) {
  for (const int type : {SOCK_DGRAM, SOCK_SEQPACKET}) {
    CAPTURE(type);
    Blocking<TestType> b{type};
    auto first = b.receiver(b.pair[1]);
    auto second = b.receiver(b.pair[1]);
    auto third = b.receiver(b.pair[1]);
    CHECK(b.calls.send(b.pair[0], "a").ok());
    CHECK(first.result() == text("a"));
    CHECK(b.is_asleep(second));
    CHECK(b.calls.send(b.pair[0], "b").ok());
    CHECK(second.result() == text("b"));
    CHECK(b.is_asleep(third));
    CHECK(b.calls.send(b.pair[0], "").ok());
    CHECK(third.result() == text(""));
  }
}

TEMPLATE_LIST_TEST_CASE("Unix packets: a blocked receive tells how long a message is that has no room",
                        "[unix][datagram][seqpacket][threads]", test::AllThreadBackends) {
  for (const int type : {SOCK_DGRAM, SOCK_SEQPACKET}) {
    CAPTURE(type);
    Blocking<TestType> b{type};
    auto receiver = b.receiver(b.pair[1], 2, MSG_TRUNC);
    CHECK(b.calls.send(b.pair[0], "abc").ok());
    CHECK(receiver.result() == test::Received{std::size_t{3}, "ab"});
  }
}

TEMPLATE_LIST_TEST_CASE("Unix packets: a shutdown ends every blocked receive", "[unix][datagram][seqpacket][threads]",
                        test::AllThreadBackends) {
  for (const int type : {SOCK_DGRAM, SOCK_SEQPACKET}) {
    CAPTURE(type);
    Blocking<TestType> b{type};
    auto first = b.receiver(b.pair[1]);
    auto second = b.receiver(b.pair[1]);
    CHECK(b.calls.shutdown(b.pair[1], SHUT_RD).ok());
    CHECK(first.result() == text(""));
    CHECK(second.result() == text(""));
    // Who need not wait is told nothing on a datagram socket.
    CHECK(b.calls.receive(b.pair[1]) == text(""));
    CHECK(b.calls.receive(b.pair[1], 1, MSG_DONTWAIT) == (type == SOCK_DGRAM ? nothing(EAGAIN) : text("")));
    char byte = 0;
    CHECK(b.on.backend.read(b.pair[1].get(), &byte, 1) == std::size_t{0});
  }
}

TEMPLATE_LIST_TEST_CASE("Unix packets: the end of the peer ends a blocked receive of a seqpacket, and of no datagram",
                        "[unix][datagram][seqpacket][threads]", test::AllThreadBackends) {
  {
    Blocking<TestType> b{SOCK_SEQPACKET};
    auto receiver = b.receiver(b.pair[1]);
    CHECK(b.pair[0].close().ok());
    CHECK(receiver.result() == text(""));
  }
  {
    Blocking<TestType> b{SOCK_SEQPACKET};
    CHECK(b.calls.send(b.pair[1], "unread").ok());
    auto receiver = b.receiver(b.pair[1]);
    CHECK(b.pair[0].close().ok());
    CHECK(receiver.result() == nothing(ECONNRESET));
  }
  Blocking<TestType> b{SOCK_DGRAM};
  auto receiver = b.receiver(b.pair[1]);
  CHECK(b.calls.shutdown(b.pair[0], SHUT_RDWR).ok());
  CHECK(b.pair[0].close().ok());
  CHECK(b.is_asleep(receiver));
  CHECK(b.calls.shutdown(b.pair[1], SHUT_RD).ok());
  CHECK(receiver.result() == text(""));
}

TEMPLATE_LIST_TEST_CASE("Unix datagram: of those who asked a full peer for room, the last is told first",
                        "[unix][datagram][queue][order]", test::AllThreadBackends) {
  FullReceiver<TestType> t;
  typename test::Handles<TestType>::Epoll epoll{t.on.backend};
  const auto first = t.connected();
  const auto second = t.connected();
  std::uint64_t number = 0;
  for (const auto* sender : {&first, &second}) {
    REQUIRE(t.calls.send(*sender, "x", MSG_DONTWAIT) == unsent(EAGAIN));
    epoll.add(BasicFdRef{t.on.backend, sender->get()}, F::out | F::et, ++number);
  }
  EventArray<2> events;
  REQUIRE(epoll.wait(events, Timeout::now) == 0);
  REQUIRE(t.calls.receive(t.receiver_fd) == text("x"));
  REQUIRE(epoll.wait(events, Timeout::now) == 2);
  CHECK(events[0].data().u64() == 2);
  CHECK(events[1].data().u64() == 1);
}

TEMPLATE_LIST_TEST_CASE(
    "Unix datagram: all who wait at a receiver are told when it turns away and throws away what it had",
    "[unix][datagram][threads][queue]", test::AllThreadBackends) {
  FullReceiver<TestType> t;
  const auto first_fd = t.calls.fresh(0);
  const auto second_fd = t.calls.fresh(0);
  auto first = t.sender_to(first_fd, "1", t.address);
  auto second = t.sender_to(second_fd, "2", t.address);
  const auto other = t.calls.fresh(0);
  const std::string there = t.names.abstract_address("other");
  REQUIRE(t.calls.bind(other, there).ok());
  REQUIRE(t.calls.connect(t.receiver_fd, there).ok());
  REQUIRE(t.calls.connect(t.receiver_fd, test::raw_address(AF_UNSPEC, "")).ok());
  CHECK(first.result() == std::size_t{1});
  CHECK(second.result() == std::size_t{1});
}

TEMPLATE_LIST_TEST_CASE("Unix datagram: that the peer has turned to another ends a blocked receive",
                        "[unix][datagram][threads]", test::AllThreadBackends) {
  Blocking<TestType> b{SOCK_DGRAM};
  REQUIRE(b.calls.send(b.pair[0], "unread").ok());
  auto first = b.receiver(b.pair[0]);
  auto second = b.receiver(b.pair[0]);
  REQUIRE(b.calls.connect(b.pair[1], test::raw_address(AF_UNSPEC, "")).ok());
  CHECK(first.result() == nothing(ECONNRESET));
  CHECK(b.is_asleep(second));  // One is told, and takes the error.
  CHECK(b.calls.bits(b.pair[0]) == F::out);
  REQUIRE(b.calls.shutdown(b.pair[0], SHUT_RD).ok());
  CHECK(second.result() == text(""));
}

TEMPLATE_LIST_TEST_CASE("Unix packets: a blocked send waits until a quarter is left",
                        "[unix][datagram][seqpacket][threads][buffer]", test::AllThreadBackends) {
  for (const int type : {SOCK_DGRAM, SOCK_SEQPACKET}) {
    CAPTURE(type);
    Blocking<TestType> b{type};
    std::size_t left = b.fill(b.pair[0]);
    auto sender = b.sender(b.pair[0], "new");
    constexpr std::size_t quarter = 212992 / 4 / 2304;  // Messages, at what each costs.
    for (; left > quarter + 1; --left) REQUIRE(b.calls.receive(b.pair[1], 1) == text("x"));
    CHECK(b.is_asleep(sender));
    REQUIRE(b.calls.receive(b.pair[1], 1) == text("x"));
    --left;
    CHECK(sender.result() == std::size_t{3});
    for (; left > 0; --left) REQUIRE(b.calls.receive(b.pair[1], 1) == text("x"));
    CHECK(b.calls.receive(b.pair[1]) == text("new"));
  }
}

TEMPLATE_LIST_TEST_CASE("Unix packets: a blocked send ends when it cannot go any more",
                        "[unix][datagram][seqpacket][threads]", test::AllThreadBackends) {
  for (const int type : {SOCK_DGRAM, SOCK_SEQPACKET}) {
    CAPTURE(type);
    {
      Blocking<TestType> b{type};
      b.fill(b.pair[0]);
      auto sender = b.sender(b.pair[0], "new");
      CHECK(b.calls.shutdown(b.pair[0], SHUT_WR).ok());
      CHECK(sender.result() == unsent(EPIPE));
    }
    Blocking<TestType> b{type};
    b.fill(b.pair[0]);
    auto sender = b.sender(b.pair[0], "new");
    CHECK(b.pair[1].close().ok());
    CHECK(sender.result() == unsent(type == SOCK_DGRAM ? ECONNREFUSED : ECONNRESET));
  }
}

TEMPLATE_LIST_TEST_CASE("Unix datagram: senders wait at a full receiver, and take turns there",
                        "[unix][datagram][threads][queue]", test::AllThreadBackends) {
  FullReceiver<TestType> r;
  const auto one = r.connected();
  const auto two = r.calls.fresh(0);
  auto first = r.sender(one, "first");
  auto second = r.sender_to(two, "second", r.address);
  // A message that waits counts in its sender's buffer.
  CHECK(r.calls.in_flight(one) == 768);
  CHECK(r.calls.receive(r.receiver_fd) == text("x"));
  CHECK(first.result() == std::size_t{5});
  CHECK(r.is_asleep(second));
  CHECK(r.calls.receive(r.receiver_fd) == text("x"));
  CHECK(second.result() == std::size_t{6});
  CHECK(r.first_new() == "first");
  CHECK(r.first_new() == "second");
}

TEMPLATE_LIST_TEST_CASE("Unix datagram: write(2) waits at a full receiver, too", "[unix][datagram][threads][queue]",
                        test::AllThreadBackends) {
  FullReceiver<TestType> r;
  const auto socket = r.connected();
  test::WakeKeys keys{r.on, socket.get()};
  auto writer = r.on.spawn([&] { return r.on.backend.write(socket.get(), "new", 3); });
  r.on.wait_until_blocked(writer);
  CHECK(keys.take() == EventFlags{});  // It has made its message once, and keeps it.
  CHECK(r.calls.in_flight(socket) == 768);
  CHECK(r.calls.receive(r.receiver_fd) == text("x"));
  CHECK(writer.result() == std::size_t{3});
  CHECK(r.first_new() == "new");
}

TEMPLATE_LIST_TEST_CASE("Unix datagram: a look at the first message lets a sender look, and no more",
                        "[unix][datagram][threads][queue]", test::AllThreadBackends) {
  FullReceiver<TestType> r;
  const auto socket = r.connected();
  auto sender = r.sender(socket, "new");
  CHECK(r.calls.receive(r.receiver_fd, 1, MSG_PEEK) == text("x"));
  CHECK(r.is_asleep(sender));
  CHECK(r.calls.receive(r.receiver_fd) == text("x"));
  CHECK(sender.result() == std::size_t{3});
}

TEMPLATE_LIST_TEST_CASE("Unix datagram: a sender that waits at a receiver is told of its end",
                        "[unix][datagram][threads][queue]", test::AllThreadBackends) {
  FullReceiver<TestType> r;
  const auto connected = r.connected();
  const auto free = r.calls.fresh(0);
  auto first = r.sender(connected, "new");
  auto second = r.sender_to(free, "new", r.address);
  CHECK(r.receiver_fd.close().ok());
  CHECK(first.result() == unsent(ECONNREFUSED));
  CHECK(second.result() == unsent(ECONNREFUSED));
  CHECK(r.calls.in_flight(connected) == 0);
  CHECK(r.calls.send(connected, "x") == unsent(ENOTCONN));
}

TEMPLATE_LIST_TEST_CASE("Unix datagram: of several senders only one meets the end of its peer",
                        "[unix][datagram][threads][queue]", test::AllThreadBackends) {
  FullReceiver<TestType> r;
  const auto socket = r.connected();
  SECTION("the other has none by then") {
    auto one = r.sender(socket, "new");
    auto two = r.sender(socket, "new");
    CHECK(r.receiver_fd.close().ok());
    CHECK(std::set{one.result().error(), two.result().error()} == std::set{ECONNREFUSED, ECONNRESET});
  }
  SECTION("also if it was sent to by name") {
    auto by_name = r.sender_to(socket, "new", r.address);
    CHECK(r.receiver_fd.close().ok());
    CHECK(by_name.result() == unsent(ECONNREFUSED));
    CHECK(r.calls.send(socket, "x") == unsent(ENOTCONN));
  }
  SECTION("and a peer of another time is no help") {
    auto sender = r.sender(socket, "new");
    const auto other = r.calls.fresh();
    const std::string address = r.names.abstract_address("other");
    r.calls.bind(other, address).value();
    r.calls.connect(socket, address).value();
    CHECK(r.is_asleep(sender));
    CHECK(r.receiver_fd.close().ok());
    CHECK(sender.result() == unsent(ECONNRESET));
    CHECK(r.calls.receive(other) == nothing(EAGAIN));
  }
}

TEMPLATE_LIST_TEST_CASE("Unix datagram: a sender that waits at a receiver sleeps through shutdowns",
                        "[unix][datagram][threads][queue]", test::AllThreadBackends) {
  FullReceiver<TestType> r;
  const auto socket = r.connected();
  auto sender = r.sender(socket, "new");
  CHECK(r.calls.shutdown(socket, SHUT_WR).ok());
  CHECK(r.is_asleep(sender));
  CHECK(r.calls.shutdown(r.receiver_fd, SHUT_RD).ok());
  CHECK(r.is_asleep(sender));
  CHECK(r.calls.receive(r.receiver_fd) == text("x"));
  CHECK(sender.result() == unsent(EPIPE));
}

TEMPLATE_LIST_TEST_CASE("Unix datagram: what the name means changes nothing for a sender that waits already",
                        "[unix][datagram][threads][queue]", test::AllThreadBackends) {
  FullReceiver<TestType> r;
  const std::string path = r.names.path_address("p");
  auto bound = r.calls.fresh(0);
  REQUIRE(r.calls.bind(bound, path).ok());
  for (std::size_t i = 0; i < queue_max; ++i) REQUIRE(r.calls.send_to(r.filler, "x", path).ok());
  const auto free = r.calls.fresh(0);
  auto sender = r.sender_to(free, "new", path);
  REQUIRE(r.on.backend.unlink(r.names.path("p").c_str()).ok());
  const auto other = r.calls.fresh();
  REQUIRE(r.calls.bind(other, path).ok());
  SECTION("as long as the receiver is there") {
    CHECK(r.calls.receive(bound) == text("x"));
    CHECK(sender.result() == std::size_t{3});
    CHECK(r.calls.receive(other) == nothing(EAGAIN));
  }
  SECTION("and then it is looked up again") {
    CHECK(bound.close().ok());
    CHECK(sender.result() == std::size_t{3});
    CHECK(r.calls.receive(other) == text("new"));
  }
}

TEMPLATE_LIST_TEST_CASE("Unix seqpacket: accept takes turns, and connect waits for room", "[unix][seqpacket][threads]",
                        test::AllThreadBackends) {
  TestType on;
  const test::UnixSockets calls{on, SOCK_SEQPACKET};
  const test::UnixNames<TestType> names;
  const std::string address = names.abstract_address("listener");
  const auto listener = calls.listener(address, 0, 0);
  const auto first = calls.connected(address);
  const auto late = calls.fresh(0);
  auto connecting = on.spawn([&] { return calls.connect(late, address); });
  on.wait_until_blocked(connecting);
  const auto accepted = calls.accepted(listener);
  CHECK(connecting.result().ok());
  CHECK(calls.send(first, "abc").ok());
  CHECK(calls.receive(accepted) == text("abc"));
}
