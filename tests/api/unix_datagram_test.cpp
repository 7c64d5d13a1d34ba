#include "../support/bad_pointers.hpp"
#include "../support/events.hpp"
#include "../support/told_address.hpp"
#include "../support/unix_names.hpp"
#include "../support/unix_sockets.hpp"
#include "../support/wake_keys.hpp"

using namespace rouse;
using F = EventFlags;
using test::failed;
using test::nothing;
using test::text;
using test::unsent;

namespace {

constexpr std::size_t queue_max = 11;  // What a receiver takes from others than its peer.

/// Datagram sockets, two of them with names.
template <class On>
struct Named {
  On on;
  test::UnixSockets<On> calls{on, SOCK_DGRAM};
  test::UnixNames<On> names;
  std::string a = names.abstract_address("a");
  std::string b = names.abstract_address("b");
  using Fd = typename test::UnixSockets<On>::Fd;

  Fd bound(const std::string& address) {
    Fd socket = calls.fresh();
    calls.bind(socket, address).value();
    return socket;
  }
  test::ToldAddress<SysResult<std::size_t>> receive_from(const Fd& fd) {
    char byte = 0;
    return test::told(
        150, [&](::sockaddr* from, ::socklen_t* n) { return on.backend.recvfrom(fd.get(), &byte, 1, 0, from, n); });
  }
};

const std::string no_address = test::raw_address(AF_UNSPEC, "");

}  // namespace

TEMPLATE_LIST_TEST_CASE("Unix datagram: a message goes to the address given, and says who sent it", "[unix][datagram]",
                        test::AllBackends) {
  Named<TestType> n;
  const auto receiver = n.bound(n.a);
  const auto named = n.bound(n.b);
  const auto unnamed = n.calls.fresh();
  CHECK(n.calls.send_to(named, "x", n.a) == std::size_t{1});
  CHECK(n.calls.send_to(unnamed, "y", n.a) == std::size_t{1});
  CHECK(n.receive_from(receiver).written == n.b);
  const auto told = n.receive_from(receiver);
  CHECK(told.written.empty());
  CHECK(told.length == 0);
}

TEMPLATE_LIST_TEST_CASE("Unix datagram: the sender's name is told as it is when it is asked", "[unix][datagram]",
                        test::AllBackends) {
  Named<TestType> n;
  const auto receiver = n.bound(n.a);
  auto sender = n.calls.fresh();
  REQUIRE(n.calls.send_to(sender, "x", n.a).ok());
  REQUIRE(n.calls.bind(sender, n.b).ok());
  REQUIRE(sender.close().ok());
  CHECK(n.receive_from(receiver).written == n.b);
}

TEMPLATE_LIST_TEST_CASE("Unix datagram: the names that cannot be sent to are refused", "[unix][datagram][errors]",
                        test::AllBackends) {
  Named<TestType> n;
  const auto sender = n.calls.fresh();
  const auto left_behind = n.names.path_address("left");
  n.bound(left_behind);
  test::UnixSockets streams{n.on};
  const auto stream = streams.listener(n.names.path_address("stream"), 1);
  struct Row {
    const char* what;
    std::string address;
    int error;
  };
  const Row rows[] = {
      {"no such path", n.names.path_address("none"), ENOENT},
      {"a path left behind", left_behind, ECONNREFUSED},
      {"no such abstract name", n.names.abstract_address("none"), ECONNREFUSED},
      {"a stream's path", n.names.path_address("stream"), EPROTOTYPE},
      {"no name", test::unnamed_address(), EINVAL},
      {"another family", test::raw_address(AF_INET, "abc"), EINVAL},
      {"no family", no_address, EINVAL},
      {"too long a name", test::raw_address(AF_UNIX, std::string(109, 'x')), EINVAL},
  };
  for (const Row& row : rows) {
    CAPTURE(row.what);
    CHECK(n.calls.send_to(sender, "x", row.address) == unsent(row.error));
    if (row.address != no_address) CHECK(n.calls.connect(sender, row.address) == failed(row.error));
  }
  // What is no address is so before anybody looks at the message.
  CHECK(n.calls.send_to(sender, std::string(300'000, 'x'), test::unnamed_address()) == unsent(EINVAL));
  CHECK(n.calls.send_to(sender, std::string(300'000, 'x'), n.names.path_address("none")) == unsent(EMSGSIZE));
  CHECK(n.calls.send(sender, "x") == unsent(ENOTCONN));
}

TEMPLATE_LIST_TEST_CASE("Unix datagram: it neither listens nor accepts", "[unix][datagram][errors]",
                        test::AllBackends) {
  Named<TestType> n;
  const auto socket = n.bound(n.a);
  CHECK(n.on.backend.listen(socket.get(), 1) == failed(EOPNOTSUPP));
  CHECK(n.on.backend.accept4(socket.get(), nullptr, nullptr, 0) == SysResult<int>::failure(EOPNOTSUPP));
  CHECK(n.calls.bits(socket) == F::out);
}

TEMPLATE_LIST_TEST_CASE("Unix datagram: SOCK_RAW is the same", "[unix][datagram]", test::AllBackends) {
  Named<TestType> n;
  const test::UnixSockets raws{n.on, SOCK_RAW};
  const auto receiver = n.bound(n.a);
  const auto raw = raws.fresh();
  CHECK(raws.option(raw, SO_TYPE) == SOCK_DGRAM);
  CHECK(raws.send_to(raw, "x", n.a) == std::size_t{1});
  CHECK(n.calls.receive(receiver) == text("x"));
}

TEMPLATE_LIST_TEST_CASE("Unix datagram: connecting says who to send to, and who may send", "[unix][datagram][connect]",
                        test::AllBackends) {
  Named<TestType> n;
  const auto a = n.bound(n.a);
  const auto b = n.bound(n.b);
  const auto other = n.calls.fresh();
  REQUIRE(n.calls.connect(a, n.b).ok());
  CHECK(test::peer_name(a) == test::name(n.b));
  CHECK(n.calls.send(a, "x") == std::size_t{1});
  CHECK(n.calls.send_to(b, "y", n.a) == std::size_t{1});
  CHECK(n.calls.send_to(other, "z", n.a) == unsent(EPERM));
  CHECK(n.calls.connect(other, n.a) == failed(EPERM));
  CHECK(n.calls.connect(a, n.a) == failed(EPERM));
  CHECK(n.calls.connect(a, no_address.substr(0, 1)) == failed(EINVAL));
  CHECK(n.calls.connect(a, no_address).ok());
  CHECK(test::peer_name(a) == test::no_name(ENOTCONN));
  CHECK(n.calls.send(a, "x") == unsent(ENOTCONN));
  CHECK(n.calls.connect(a, n.a).ok());
  CHECK(n.calls.send(a, "self") == std::size_t{4});
  CHECK(n.calls.receive(a) == text("self"));
}

TEMPLATE_LIST_TEST_CASE("Unix datagram: another peer costs the messages that wait, and the old one an error",
                        "[unix][datagram][connect]", test::AllBackends) {
  Named<TestType> n;
  const auto third = n.bound(n.a);
  const auto pair = n.calls.pair();
  test::WakeKeys keys{n.on, pair[1].get()};
  SECTION("if any wait") {
    REQUIRE(n.calls.send(pair[1], "lost").ok());
    REQUIRE(n.calls.connect(pair[0], n.a).ok());
    CHECK(keys.take() == test::WakeKeys<TestType>::any);  // An error concerns every mask.
    CHECK(n.calls.bits(pair[0]) == F::out);
    CHECK(n.calls.in_flight(pair[1]) == 0);
    CHECK(n.calls.bits(pair[1]) == (F::out | F::err));
    CHECK(n.calls.receive(pair[1]) == nothing(ECONNRESET));
    CHECK(n.calls.receive(pair[1]) == nothing(EAGAIN));
  }
  SECTION("and not if none do") {
    REQUIRE(n.calls.connect(pair[0], no_address).ok());
    CHECK(keys.take() == F{});
    CHECK(n.calls.bits(pair[1]) == F::out);
    CHECK(n.calls.send(pair[1], "x") == std::size_t{1});
  }
}

TEMPLATE_LIST_TEST_CASE("Unix datagram: a closed peer refuses once, and is forgotten", "[unix][datagram][close]",
                        test::AllBackends) {
  Named<TestType> n;
  auto pair = n.calls.pair();
  test::WakeKeys keys{n.on, pair[0].get()};
  REQUIRE(n.calls.send(pair[0], "unread").ok());
  REQUIRE(n.calls.send(pair[1], "left").ok());
  static_cast<void>(keys.take());
  REQUIRE(pair[1].close().ok());
  CHECK(keys.take() == test::room_key);  // What was unread there is freed.
  CHECK(n.calls.bits(pair[0]) == (F::in | F::out));
  CHECK(test::peer_name(pair[0]) == test::name(test::unnamed_address()));
  CHECK(n.calls.send(pair[0], "x") == unsent(ECONNREFUSED));
  CHECK(keys.take() == test::room_key);
  CHECK(n.calls.receive(pair[0]) == nothing(EAGAIN));  // What waited went with the peer.
  CHECK(n.calls.send(pair[0], "x") == unsent(ENOTCONN));
  CHECK(test::peer_name(pair[0]) == test::no_name(ENOTCONN));
  CHECK(n.calls.take_error(pair[0]) == 0);
}

TEMPLATE_LIST_TEST_CASE("Unix datagram: a queue is full for all but the peer and oneself", "[unix][datagram][queue]",
                        test::AllBackends) {
  Named<TestType> n;
  const auto receiver = n.bound(n.a);
  const auto sender = n.bound(n.b);
  for (std::size_t i = 0; i < queue_max; ++i) REQUIRE(n.calls.send_to(sender, "x", n.a).ok());
  CHECK(n.calls.send_to(sender, "x", n.a) == unsent(EAGAIN));
  CHECK(n.calls.send_to(n.calls.fresh(), "x", n.a) == unsent(EAGAIN));
  CHECK(n.calls.send_to(receiver, "x", n.a) == std::size_t{1});
  CHECK(n.calls.bits(sender) == F::out);  // It is connected to nobody.
  REQUIRE(n.calls.connect(sender, n.a).ok());
  CHECK(n.calls.bits(sender) == F{});
  CHECK(n.calls.send(sender, "x") == unsent(EAGAIN));
  REQUIRE(n.calls.connect(receiver, n.b).ok());
  CHECK(n.calls.bits(sender) == F::out);
  CHECK(n.calls.send(sender, "x") == std::size_t{1});
}

TEMPLATE_LIST_TEST_CASE("Unix datagram: who asked a full peer for room is told of the next message read there",
                        "[unix][datagram][queue][edge]", test::AllBackends) {
  Named<TestType> n;
  const auto receiver = n.bound(n.a);
  const auto filler = n.calls.fresh();
  const auto sender = n.calls.fresh();
  REQUIRE(n.calls.connect(sender, n.a).ok());
  for (std::size_t i = 0; i < queue_max; ++i) REQUIRE(n.calls.send_to(filler, "x", n.a).ok());
  test::WakeKeys keys{n.on, sender.get()};
  SECTION("by watching for room") {
    CHECK(n.calls.receive(receiver) == text("x"));
    CHECK(keys.take() == test::room_key);
    CHECK(n.calls.receive(receiver) == text("x"));
    CHECK(keys.take() == F{});  // Once for each time.
  }
  SECTION("by being refused") {
    CHECK(n.calls.receive(receiver) == text("x"));
    CHECK(keys.take() == test::room_key);
    REQUIRE(n.calls.send(sender, "x").ok());
    CHECK(n.calls.send(sender, "x") == unsent(EAGAIN));
    CHECK(keys.take() == test::room_key);  // Of the message that was made and did not go.
    CHECK(n.calls.receive(receiver) == text("x"));
    CHECK(keys.take() == test::room_key);
  }
  SECTION("not by watching for data") {
    CHECK(n.calls.receive(receiver) == text("x"));
    static_cast<void>(keys.take());
    REQUIRE(n.calls.send_to(filler, "x", n.a).ok());
    CHECK(n.calls.bits(sender, F::in) == F{});
    CHECK(n.calls.receive(receiver) == text("x"));
    CHECK(keys.take() == F{});
  }
  SECTION("not while its own buffer is full") {
    const auto elsewhere = n.bound(n.b);
    CHECK(n.calls.receive(receiver) == text("x"));
    static_cast<void>(keys.take());
    REQUIRE(n.calls.send_to(filler, "x", n.a).ok());
    while (n.calls.send_to(sender, std::string(20000, 'x'), n.b).ok()) {
    }
    static_cast<void>(keys.take());
    CHECK(n.calls.bits(sender) == F{});
    CHECK(n.calls.receive(receiver) == text("x"));
    CHECK(keys.take() == F{});
  }
  SECTION("a look is enough for the message") {
    CHECK(n.calls.receive(receiver, 1, MSG_PEEK) == text("x"));
    CHECK(keys.take() == test::room_key);
  }
  SECTION("of the end, too") {
    typename Named<TestType>::Fd gone{n.on.backend, n.on.backend.dup(receiver.get()).value()};
    CHECK(gone.close().ok());
    CHECK(keys.take() == F{});
  }
}

TEMPLATE_LIST_TEST_CASE("Unix datagram: who asked one full peer for room and then another is told of the other",
                        "[unix][datagram][queue][edge]", test::AllBackends) {
  Named<TestType> n;
  const auto first = n.bound(n.a);
  const auto second = n.bound(n.b);
  const auto filler = n.calls.fresh();
  const auto sender = n.calls.fresh();
  for (std::size_t i = 0; i < queue_max; ++i) {
    REQUIRE(n.calls.send_to(filler, "x", n.a).ok());
    REQUIRE(n.calls.send_to(filler, "x", n.b).ok());
  }
  REQUIRE(n.calls.connect(sender, n.a).ok());
  test::WakeKeys keys{n.on, sender.get()};
  CHECK(n.calls.bits(sender) == F{});
  REQUIRE(n.calls.connect(sender, n.b).ok());
  static_cast<void>(keys.take());
  CHECK(n.calls.bits(sender) == F{});
  CHECK(n.calls.receive(first) == text("x"));
  CHECK(keys.take() == F{});
  CHECK(n.calls.receive(second) == text("x"));
  CHECK(keys.take() == test::room_key);
}

TEMPLATE_LIST_TEST_CASE("Unix datagram: the end of a full peer is told to whoever waits for room there",
                        "[unix][datagram][queue][edge]", test::AllBackends) {
  Named<TestType> n;
  auto receiver = n.bound(n.a);
  const auto filler = n.calls.fresh();
  const auto sender = n.calls.fresh();
  REQUIRE(n.calls.connect(sender, n.a).ok());
  for (std::size_t i = 0; i < queue_max; ++i) REQUIRE(n.calls.send_to(filler, "x", n.a).ok());
  test::WakeKeys keys{n.on, sender.get()};
  REQUIRE(receiver.close().ok());
  CHECK(keys.take() == test::WakeKeys<TestType>::any);
  CHECK(n.calls.bits(sender) == F::out);
}

TEMPLATE_LIST_TEST_CASE("Unix packets: the longest that can be made", "[unix][datagram][seqpacket][limits]",
                        test::AllBackends) {
  const int type = GENERATE(SOCK_DGRAM, SOCK_SEQPACKET);
  CAPTURE(type);
  TestType on;
  const test::UnixSockets calls{on, type};
  const auto pair = calls.pair();
  REQUIRE(calls.set_option(pair[0], SO_SNDBUF, 4 << 20).ok());
  constexpr std::size_t longest = 4263616;
  const std::string bytes(longest + 1, 'x');
  CHECK(calls.send(pair[0], bytes) == unsent(ENOBUFS));
  CHECK(calls.in_flight(pair[0]) == 0);
  CHECK(calls.send(pair[0], bytes.substr(1)) == longest);
  CHECK(calls.send(pair[0], std::string((8 << 20) - 31, 'x')) == unsent(EMSGSIZE));
}

TEMPLATE_LIST_TEST_CASE("Unix datagram: what is unread at the end is given back in order", "[unix][datagram][edge]",
                        test::AllBackends) {
  Named<TestType> n;
  auto receiver = n.bound(n.a);
  const std::array<typename Named<TestType>::Fd, 3> senders{n.calls.fresh(), n.calls.fresh(), n.calls.fresh()};
  typename test::Handles<TestType>::Epoll epoll{n.on.backend};
  for (std::uint64_t i = 0; i < 3; ++i) epoll.add(senders[i], F::out | F::et, i);
  for (const std::size_t i : {1u, 2u, 0u}) REQUIRE(n.calls.send_to(senders[i], "x", n.a).ok());
  const auto reports = [](std::uint64_t first, std::uint64_t second, std::uint64_t third) {
    return test::Events{{F::out, first}, {F::out, second}, {F::out, third}};
  };
  CHECK(test::reported(epoll) == reports(0, 1, 2));
  REQUIRE(receiver.close().ok());
  CHECK(test::reported(epoll) == reports(1, 2, 0));
}

TEMPLATE_LIST_TEST_CASE("Unix datagram: messages are taken whole or cut, and never merged", "[unix][datagram]",
                        test::AllBackends) {
  TestType on;
  for (const int type : {SOCK_DGRAM, SOCK_SEQPACKET}) {
    CAPTURE(type);
    const test::UnixSockets calls{on, type};
    const auto pair = calls.pair();
    for (const char* message : {"abc", "", "defg"}) REQUIRE(calls.send(pair[0], message).ok());
    CHECK(calls.readable(pair[1]) == (type == SOCK_DGRAM ? 3 : 7));
    CHECK(calls.receive(pair[1], 9, MSG_PEEK) == text("abc"));
    CHECK(calls.receive(pair[1], 2, MSG_PEEK | MSG_TRUNC).result == std::size_t{3});
    CHECK(calls.receive(pair[1], 2, MSG_TRUNC) == test::Received{std::size_t{3}, "ab"});
    CHECK(calls.receive(pair[1]) == text(""));
    CHECK(calls.bits(pair[1]) == (F::in | F::out));
    CHECK(calls.receive(pair[1], 0) == text(""));  // A message all the same.
    CHECK(calls.receive(pair[1]) == nothing(EAGAIN));
    CHECK(calls.receive(pair[1], 0) == nothing(EAGAIN));
    CHECK(on.backend.read(pair[1].get(), nullptr, 0) == std::size_t{0});
    CHECK(calls.receive(pair[1], 1, MSG_OOB) == nothing(EOPNOTSUPP));
    CHECK(calls.send(pair[1], "x", MSG_OOB) == unsent(EOPNOTSUPP));
  }
}

TEMPLATE_LIST_TEST_CASE("Unix datagram: a vector is one message", "[unix][datagram]", test::AllBackends) {
  TestType on;
  for (const int type : {SOCK_DGRAM, SOCK_SEQPACKET}) {
    CAPTURE(type);
    const test::UnixSockets calls{on, type};
    const auto pair = calls.pair();
    char bytes[] = "abcdef";
    const ::iovec parts[] = {{bytes, 2}, {bytes + 2, 0}, {bytes + 2, 4}};
    CHECK(on.backend.writev(pair[0].get(), parts, 3) == std::size_t{6});
    CHECK(on.backend.writev(pair[0].get(), parts + 1, 1) == std::size_t{0});  // No vector with bytes: no message.
    char got[6] = {};
    const ::iovec room[] = {{got, 1}, {got + 1, 3}};
    CHECK(on.backend.readv(pair[1].get(), room, 2) == std::size_t{4});
    CHECK(std::string(got, 6) == std::string("abcd\0\0", 6));
    CHECK(calls.receive(pair[1]) == nothing(EAGAIN));
  }
}

TEMPLATE_LIST_TEST_CASE("Unix datagram: a bad address costs a reader the message", "[unix][datagram][fault]",
                        test::AllBackends) {
  TestType on;
  for (const int type : {SOCK_DGRAM, SOCK_SEQPACKET}) {
    CAPTURE(type);
    const test::UnixSockets calls{on, type};
    const auto pair = calls.pair();
    REQUIRE(calls.send(pair[0], "lost").ok());
    CHECK(on.backend.recvfrom(pair[1].get(), test::unmapped(), 4, MSG_PEEK, nullptr, nullptr) == unsent(EFAULT));
    CHECK(on.backend.recvfrom(pair[1].get(), test::unmapped(), 4, 0, nullptr, nullptr) == unsent(EFAULT));
    CHECK(calls.receive(pair[1]) == nothing(EAGAIN));
    CHECK(calls.in_flight(pair[0]) == 0);
    CHECK(on.backend.write(pair[0].get(), test::unmapped(), 4) == unsent(EFAULT));
    CHECK(calls.receive(pair[1]) == nothing(EAGAIN));
  }
}

TEMPLATE_LIST_TEST_CASE("Unix datagram: shutting down concerns one's own end only", "[unix][datagram][shutdown]",
                        test::AllBackends) {
  Named<TestType> n;
  struct Row {
    int how;
    F own;
    int send_error, peer_send_error;
  };
  const Row rows[] = {
      {SHUT_RD, F::in | F::out | F::rdhup, 0, EPIPE},
      {SHUT_WR, F::out, EPIPE, 0},
      {SHUT_RDWR, F::in | F::out | F::hup | F::rdhup, EPIPE, EPIPE},
  };
  for (const Row& row : rows) {
    CAPTURE(row.how);
    const auto pair = n.calls.pair();
    test::WakeKeys keys{n.on, pair[0].get()};
    test::WakeKeys peer_keys{n.on, pair[1].get()};
    CHECK(n.calls.shutdown(pair[0], row.how).ok());
    CHECK(keys.take() == test::WakeKeys<TestType>::any);
    CHECK(peer_keys.take() == F{});
    CHECK(n.calls.bits(pair[0]) == row.own);
    CHECK(n.calls.bits(pair[1]) == F::out);
    CHECK(n.calls.send(pair[0], "x").error() == row.send_error);
    CHECK(n.calls.send(pair[1], "x").error() == row.peer_send_error);
    CHECK(n.calls.receive(pair[0]).result.error() == (row.how == SHUT_WR ? 0 : EAGAIN));
  }
  CHECK(n.calls.shutdown(n.calls.fresh(), 3) == failed(EINVAL));
}

TEMPLATE_LIST_TEST_CASE("Unix datagram: what a message costs, and what is too long", "[unix][datagram][buffer]",
                        test::AllBackends) {
  TestType on;
  struct Row {
    std::size_t n;
    int cost;
  };
  constexpr Row rows[] = {{0, 768},       {1, 768},        {192, 768},       {193, 1280},
                          {704, 1280},    {705, 2304},     {3776, 4352},     {3777, 8448},
                          {16064, 16640}, {16065, 20736},  {20160, 20736},   {65536, 69888},
                          {85696, 86272}, {85697, 102656}, {100000, 102656}, {212960, 0}};
  for (const int type : {SOCK_DGRAM, SOCK_SEQPACKET}) {
    const test::UnixSockets calls{on, type};
    const auto pair = calls.pair();
    for (const Row& row : rows) {
      CAPTURE(type, row.n);
      CHECK(calls.send(pair[0], std::string(row.n, 'x')) == row.n);
      if (row.cost != 0) CHECK(calls.in_flight(pair[0]) == row.cost);
      CHECK(calls.receive(pair[1], row.n).result == row.n);
      CHECK(calls.in_flight(pair[0]) == 0);
    }
    CHECK(calls.send(pair[0], std::string(212961, 'x')) == unsent(EMSGSIZE));
    CHECK(calls.set_option(pair[0], SO_SNDBUF, 0).ok());
    CHECK(calls.send(pair[0], std::string(4609 - 32, 'x')) == unsent(EMSGSIZE));
    CHECK(calls.send(pair[0], std::string(4608 - 32, 'x')).ok());
    CHECK(calls.send(pair[0], "x") == unsent(EAGAIN));
    CHECK(calls.bits(pair[0]) == F{});
  }
}
