#include "../support/bad_pointers.hpp"
#include "../support/events.hpp"
#include "../support/unix_names.hpp"
#include "../support/unix_sockets.hpp"
#include "../support/wake_keys.hpp"

using namespace rouse;
using F = EventFlags;
using test::data_key;
using test::end_of_stream;
using test::Events;
using test::failed;
using test::nothing;
using test::reported;
using test::room_key;
using test::text;
using test::unsent;

namespace {

/// Both ends of a pair, and what wakes them.
template <class On>
struct Watched {
  On on;
  test::UnixSockets<On> calls{on};
  std::array<typename test::UnixSockets<On>::Fd, 2> pair = calls.pair();
  test::WakeKeys<On> first{on, pair[0].get()};
  test::WakeKeys<On> second{on, pair[1].get()};
};

}  // namespace

TEMPLATE_LIST_TEST_CASE("Unix stream: every send wakes the peer, and only the peer", "[unix][edge]",
                        test::AllBackends) {
  Watched<TestType> w;
  for (int i = 0; i < 3; ++i) {
    REQUIRE(w.calls.send(w.pair[0], "x").ok());
    CHECK(w.second.take() == data_key);
    CHECK(w.first.take() == F{});
  }
  CHECK(w.calls.send(w.pair[0], "") == std::size_t{0});
  CHECK(w.second.take() == F{});
  REQUIRE(w.calls.send(w.pair[0], std::string(500000, 'x')).ok());
  CHECK(w.second.take() == data_key);
  CHECK(w.calls.send(w.pair[0], "x") == unsent(EAGAIN));
  CHECK(w.second.take() == F{});
  CHECK(w.first.take() == F{});
}

TEMPLATE_LIST_TEST_CASE("Unix stream: reading the end of a chunk wakes its sender, if it can write then",
                        "[unix][edge]", test::AllBackends) {
  Watched<TestType> w;
  REQUIRE(w.calls.send(w.pair[0], "abc").ok());
  REQUIRE(w.calls.send(w.pair[0], "def").ok());
  CHECK(w.second.take() == data_key);
  CHECK(w.calls.receive(w.pair[1], 2) == text("ab"));
  CHECK(w.first.take() == F{});
  CHECK(w.calls.receive(w.pair[1], 100, MSG_PEEK) == text("cdef"));
  CHECK(w.first.take() == F{});
  CHECK(w.calls.receive(w.pair[1], 1) == text("c"));
  CHECK(w.first.take() == room_key);  // Although it could write all along.
  CHECK(w.calls.receive(w.pair[1], 0) == text(""));
  CHECK(w.first.take() == F{});
  CHECK(w.calls.receive(w.pair[1]) == text("def"));
  CHECK(w.first.take() == room_key);
  CHECK(w.calls.receive(w.pair[1]) == nothing(EAGAIN));
  CHECK(w.first.take() == F{});
  CHECK(w.second.take() == F{});
}

TEMPLATE_LIST_TEST_CASE("Unix stream: a full sender is woken when a quarter is left", "[unix][edge][buffer]",
                        test::AllBackends) {
  Watched<TestType> w;
  while (w.calls.send(w.pair[0], "x").ok()) continue;
  CHECK(w.calls.receive(w.pair[1], 208).result == std::size_t{208});
  CHECK(w.first.take() == F{});
  CHECK(w.calls.receive(w.pair[1], 1) == text("x"));
  CHECK(w.first.take() == room_key);
}

TEMPLATE_LIST_TEST_CASE("Unix stream: a sender may be writable again, just, without having been woken",
                        "[unix][edge][buffer]", test::AllBackends) {
  for (const int size : {3072, 3073, 3074, 3075, 3076, 3077}) {
    CAPTURE(size);
    Watched<TestType> w;
    REQUIRE(w.calls.set_option(w.pair[0], SO_SNDBUF, size).ok());
    for (int i = 0; i < 3; ++i) REQUIRE(w.calls.send(w.pair[0], "x").ok());
    CHECK(w.first.take() == room_key);  // Of setting the size.
    CHECK(w.calls.receive(w.pair[1], 1) == text("x"));
    // 1536 are in use still: OUT takes 4 * 1537 bytes of buffer, being told of it 4 * 1538.
    CHECK(w.calls.bits(w.pair[0]) == (size < 3074 ? F{} : F::out));
    CHECK(w.first.take() == (size < 3076 ? F{} : room_key));
  }
}

TEMPLATE_LIST_TEST_CASE("Unix stream: a send that fails late wakes its own end", "[unix][edge][fault]",
                        test::AllBackends) {
  Watched<TestType> w;
  const auto send_bad = [&](int flags) {
    return w.on.backend.sendto(w.pair[0].get(), test::unmapped(), 1, flags | MSG_NOSIGNAL, nullptr, 0);
  };
  CHECK(send_bad(0) == unsent(EFAULT));
  CHECK(w.first.take() == room_key);
  CHECK(send_bad(MSG_OOB) == unsent(EFAULT));
  CHECK(w.first.take() == room_key);
  CHECK(w.second.take() == F{});
  REQUIRE(w.calls.shutdown(w.pair[1], SHUT_RD).ok());
  CHECK(w.first.take() == w.first.any);
  CHECK(send_bad(0) == unsent(EPIPE));
  CHECK(w.first.take() == F{});
}

TEMPLATE_LIST_TEST_CASE("Unix stream: so does one to a peer that had shut down before it connected",
                        "[unix][edge][listener]", test::AllBackends) {
  TestType on;
  test::UnixSockets calls{on};
  test::UnixNames<TestType> names;
  const auto listener = calls.listener(names.abstract_address(""), 1);
  const auto client = calls.fresh();
  REQUIRE(calls.shutdown(client, SHUT_RD).ok());
  REQUIRE(calls.connect(client, names.abstract_address("")).ok());
  const auto accepted = calls.accepted(listener);
  test::WakeKeys<TestType> keys{on, accepted.get()};
  CHECK(calls.send(accepted, "x") == unsent(EPIPE));
  CHECK(keys.take() == room_key);
}

TEMPLATE_LIST_TEST_CASE("Unix stream: another send buffer wakes whoever can write then", "[unix][edge][options]",
                        test::AllBackends) {
  Watched<TestType> w;
  REQUIRE(w.calls.set_option(w.pair[0], SO_SNDBUF, 200000).ok());
  CHECK(w.first.take() == room_key);
  REQUIRE(w.calls.set_option(w.pair[0], SO_SNDBUF, 20000).ok());
  CHECK(w.first.take() == room_key);
  REQUIRE(w.calls.set_option(w.pair[0], SO_SNDBUF, 20000).ok());
  CHECK(w.first.take() == room_key);
  while (w.calls.send(w.pair[0], "x").ok()) continue;
  REQUIRE(w.calls.set_option(w.pair[0], SO_SNDBUF, 60000).ok());
  CHECK(w.first.take() == F{});  // 40704 in use, and a quarter of 120000 is less.
  REQUIRE(w.calls.set_option(w.pair[0], SO_SNDBUF, 100000).ok());
  CHECK(w.first.take() == room_key);
  REQUIRE(w.calls.set_option(w.pair[0], SO_RCVBUF, 100000).ok());
  CHECK(w.first.take() == F{});
  CHECK(w.second.take() == data_key);
}

TEMPLATE_LIST_TEST_CASE("Unix stream: shutting down wakes both ends, each time", "[unix][edge]", test::AllBackends) {
  for (const int how : {SHUT_RD, SHUT_WR, SHUT_RDWR}) {
    CAPTURE(how);
    Watched<TestType> w;
    for (int i = 0; i < 2; ++i) {
      REQUIRE(w.calls.shutdown(w.pair[0], how).ok());
      CHECK(w.first.take() == w.first.any);
      CHECK(w.second.take() == w.second.any);
    }
    CHECK(w.calls.shutdown(w.pair[0], 3) == failed(EINVAL));
    CHECK(w.first.take() == F{});
    CHECK(w.calls.shutdown(w.pair[1], how).ok());
    CHECK(w.first.take() == w.first.any);
  }
}

TEMPLATE_LIST_TEST_CASE("Unix stream: closing wakes the peer", "[unix][edge]", test::AllBackends) {
  Watched<TestType> w;
  SECTION("with nothing left") {
    REQUIRE(w.pair[1].close().ok());
    CHECK(w.first.take() == w.first.any);
  }
  SECTION("with something thrown away, and then nothing wakes it any more") {
    REQUIRE(w.calls.send(w.pair[0], "unread").ok());
    REQUIRE(w.calls.send(w.pair[1], "abc").ok());
    REQUIRE(w.pair[1].close().ok());
    CHECK(w.first.take() == w.first.any);
    CHECK(w.calls.send(w.pair[0], "x") == unsent(EPIPE));
    CHECK(w.calls.receive(w.pair[0]) == text("abc"));
    CHECK(w.calls.take_error(w.pair[0]) == ECONNRESET);
    CHECK(w.calls.receive(w.pair[0]) == end_of_stream());
    CHECK(w.first.take() == F{});
  }
  SECTION("but not with the first of two descriptors") {
    const typename test::UnixSockets<TestType>::Fd copy{w.on.backend, w.on.backend.dup(w.pair[1].get()).value()};
    REQUIRE(w.pair[1].close().ok());
    CHECK(w.first.take() == F{});
  }
}

TEMPLATE_LIST_TEST_CASE("Unix stream: an edge reports all that holds then", "[unix][edge]", test::AllBackends) {
  TestType on;
  test::UnixSockets calls{on};
  auto pair = calls.pair();
  typename test::Handles<TestType>::Epoll epoll{on.backend};
  const BasicFdRef first{on.backend, pair[0].get()};
  SECTION("data, to one who asks for room, too") {
    epoll.add(first, F::in | F::out | F::et, 1);
    CHECK(reported(epoll) == Events{{F::out, 1}});
    REQUIRE(calls.send(pair[1], "x").ok());
    CHECK(reported(epoll) == Events{{F::in | F::out, 1}});
    CHECK(reported(epoll).empty());
    REQUIRE(calls.send(pair[1], "x").ok());
    CHECK(reported(epoll) == Events{{F::in | F::out, 1}});
  }
  SECTION("data, to one who asks for urgent data and room") {
    epoll.add(first, F::pri | F::out | F::et, 1);
    CHECK(reported(epoll) == Events{{F::out, 1}});
    REQUIRE(calls.send(pair[1], "x").ok());
    CHECK(reported(epoll) == Events{{F::out, 1}});
  }
  SECTION("plain data behind an urgent byte") {
    epoll.add(first, F::pri | F::et, 1);
    REQUIRE(calls.send(pair[1], "X", MSG_OOB).ok());
    CHECK(reported(epoll) == Events{{F::pri, 1}});
    REQUIRE(calls.send(pair[1], "x").ok());
    CHECK(reported(epoll) == Events{{F::pri, 1}});
  }
  SECTION("room, while there is unread data") {
    epoll.add(first, F::in | F::out | F::et, 1);
    REQUIRE(calls.send(pair[0], "x").ok());
    REQUIRE(calls.send(pair[1], "x").ok());
    CHECK(reported(epoll) == Events{{F::in | F::out, 1}});
    CHECK(calls.receive(pair[1]) == text("x"));
    CHECK(reported(epoll) == Events{{F::in | F::out, 1}});
  }
  SECTION("data that is gone again, to one who asks for data") {
    epoll.add(first, F::in | F::et, 1);
    REQUIRE(calls.send(pair[1], "x").ok());
    CHECK(calls.receive(pair[0]) == text("x"));
    CHECK(reported(epoll).empty());
  }
  SECTION("the peer's shutdown for reading is an edge of what was there before") {
    epoll.add(first, F::in | F::out | F::et, 1);
    CHECK(reported(epoll) == Events{{F::out, 1}});
    REQUIRE(calls.shutdown(pair[1], SHUT_RD).ok());
    CHECK(reported(epoll) == Events{{F::out, 1}});
  }
  SECTION("the end, to one who asks for nothing") {
    epoll.add(first, F::et, 1);
    CHECK(reported(epoll).empty());
    REQUIRE(calls.shutdown(pair[1], SHUT_WR).ok());
    CHECK(reported(epoll).empty());
    REQUIRE(calls.send(pair[0], "unread").ok());
    REQUIRE(pair[1].close().ok());
    CHECK(reported(epoll) == Events{{F::hup | F::err, 1}});
    CHECK(reported(epoll).empty());
  }
}

TEMPLATE_LIST_TEST_CASE("Unix stream: closing an end silences its registrations", "[unix][edge]", test::AllBackends) {
  TestType on;
  test::UnixSockets calls{on};
  auto pair = calls.pair();
  typename test::Handles<TestType>::Epoll epoll{on.backend};
  epoll.add(BasicFdRef{on.backend, pair[0].get()}, F::in | F::out, 1);
  epoll.add(BasicFdRef{on.backend, pair[1].get()}, F::in | F::out, 2);
  CHECK(reported(epoll) == Events{{F::out, 1}, {F::out, 2}});
  REQUIRE(pair[0].close().ok());
  CHECK(reported(epoll) == Events{{F::in | F::out | F::hup, 2}});
}

TEMPLATE_LIST_TEST_CASE("Unix listener: each connection wakes it, and taking one does not", "[unix][edge][listener]",
                        test::AllBackends) {
  TestType on;
  test::UnixSockets calls{on};
  test::UnixNames<TestType> names;
  const std::string address = names.abstract_address("");
  const auto listener = calls.fresh();
  test::WakeKeys<TestType> keys{on, listener.get()};
  REQUIRE(calls.bind(listener, address).ok());
  REQUIRE(on.backend.listen(listener.get(), 1).ok());
  REQUIRE(on.backend.listen(listener.get(), 5).ok());
  CHECK(keys.take() == F{});

  auto first = calls.fresh();
  test::WakeKeys<TestType> client_keys{on, first.get()};
  REQUIRE(calls.connect(first, address).ok());
  CHECK(keys.take() == data_key);
  CHECK(client_keys.take() == F{});
  auto second = calls.connected(address);
  CHECK(keys.take() == data_key);
  REQUIRE(calls.send(first, "abc").ok());
  REQUIRE(second.close().ok());
  CHECK(keys.take() == F{});

  const auto accepted = calls.accepted(listener);
  CHECK(keys.take() == F{});
  CHECK(client_keys.take() == F{});
  test::WakeKeys<TestType> accepted_keys{on, accepted.get()};
  CHECK(calls.receive(accepted, 1) == text("a"));
  CHECK(client_keys.take() == F{});
  CHECK(calls.receive(accepted) == text("bc"));
  CHECK(client_keys.take() == room_key);
  REQUIRE(calls.send(first, "d").ok());
  CHECK(accepted_keys.take() == data_key);
}

TEMPLATE_LIST_TEST_CASE("Unix listener: shutting down and closing", "[unix][edge][listener]", test::AllBackends) {
  TestType on;
  test::UnixSockets calls{on};
  test::UnixNames<TestType> names;
  auto listener = calls.listener(names.abstract_address(""), 5);
  test::WakeKeys<TestType> keys{on, listener.get()};
  const auto client = calls.connected(names.abstract_address(""));
  CHECK(keys.take() == data_key);
  test::WakeKeys<TestType> client_keys{on, client.get()};
  for (const int how : {SHUT_WR, SHUT_WR, SHUT_RD, SHUT_RDWR}) {
    REQUIRE(calls.shutdown(listener, how).ok());
    CHECK(keys.take() == keys.any);
    CHECK(client_keys.take() == F{});
  }
  REQUIRE(listener.close().ok());
  CHECK(client_keys.take() == keys.any);

  const auto fresh = calls.fresh();
  test::WakeKeys<TestType> fresh_keys{on, fresh.get()};
  for (const int how : {SHUT_RD, SHUT_WR, SHUT_WR}) {
    REQUIRE(calls.shutdown(fresh, how).ok());
    CHECK(fresh_keys.take() == keys.any);
  }
}
