// Resets of TCP: which error they leave, who takes it, and when SIGPIPE comes.
#include "../support/inet_sockets.hpp"
#include "../support/signals.hpp"

#include <functional>

using namespace rouse;
using F = EventFlags;
using test::end_of_stream;
using test::failed;
using test::nothing;
using test::text;
using test::unsent;

namespace {

constexpr F over = F::in | F::out | F::hup | F::rdhup;
constexpr F broken = over | F::err;

}  // namespace

TEMPLATE_LIST_TEST_CASE("TCP reset: which error it leaves", "[tcp][reset]", test::AllBackends) {
  using Ends = test::TcpEnds<TestType>;
  struct Row {
    const char* name;
    std::function<void(Ends&)> resets;
    int error;
  };
  const auto unread = [](Ends& t) { REQUIRE(t.calls.send(t.accepted, "unread").ok()); };
  const auto closes = [](Ends& t) { REQUIRE(t.client.close().ok()); };
  const auto shut = [](Ends& t, bool client, int how) {
    REQUIRE(t.calls.shutdown(client ? t.client : t.accepted, how).ok());
  };
  const Row rows[] = {
      {"closed with unread data",
       [&](Ends& t) {
         unread(t);
         closes(t);
       },
       ECONNRESET},
      {"closed with partly read data",
       [&](Ends& t) {
         unread(t);
         REQUIRE(t.calls.receive(t.client, 2) == text("un"));
         closes(t);
       },
       ECONNRESET},
      {"closed with an urgent byte, be it read",
       [&](Ends& t) {
         REQUIRE(t.calls.send(t.accepted, "!", MSG_OOB).ok());
         REQUIRE(t.calls.receive(t.client, 1, MSG_OOB) == text("!"));
         closes(t);
       },
       ECONNRESET},
      {"no time to linger",
       [&](Ends& t) {
         t.calls.set_linger(t.client, 0);
         closes(t);
       },
       ECONNRESET},
      {"closed with unread data, by one who heard the end",
       [&](Ends& t) {
         unread(t);
         shut(t, false, SHUT_WR);
         closes(t);
       },
       ECONNRESET},
      {"closed with unread data, after it wrote no more",
       [&](Ends& t) {
         unread(t);
         shut(t, true, SHUT_WR);
         closes(t);
       },
       EPIPE},
      {"sent to who closed",
       [&](Ends& t) {
         closes(t);
         REQUIRE(t.calls.send(t.accepted, "x").ok());
       },
       EPIPE},
      {"sent to who shut for both",
       [&](Ends& t) {
         shut(t, true, SHUT_RDWR);
         REQUIRE(t.calls.send(t.accepted, "x").ok());
       },
       EPIPE},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    Ends t;
    row.resets(t);
    CHECK(t.calls.bits(t.accepted) == broken);
    CHECK(t.calls.peer(t.accepted).empty());
    CHECK(t.calls.take_error(t.accepted) == row.error);
    CHECK(t.calls.take_error(t.accepted) == 0);
    CHECK(t.calls.bits(t.accepted) == over);
    CHECK(t.calls.receive(t.accepted) == end_of_stream());
    CHECK(t.calls.send(t.accepted, "x") == unsent(EPIPE));
    CHECK(t.calls.connect(t.accepted, t.calls.local(t.listener)) == failed(EISCONN));
    CHECK(t.calls.shutdown(t.accepted, SHUT_RDWR) == failed(ENOTCONN));
  }
}

TEMPLATE_LIST_TEST_CASE("TCP reset: an end that was not read is no unread data", "[tcp][reset]", test::AllBackends) {
  test::TcpEnds<TestType> t;
  REQUIRE(t.calls.shutdown(t.accepted, SHUT_WR).ok());
  REQUIRE(t.client.close().ok());
  CHECK(t.calls.bits(t.accepted) == over);
  CHECK(t.calls.take_error(t.accepted) == 0);
}

TEMPLATE_LIST_TEST_CASE("TCP reset: a receive takes what came before, then the error, then the end", "[tcp][reset]",
                        test::AllBackends) {
  test::TcpEnds<TestType> t;
  REQUIRE(t.calls.send(t.client, "abc").ok());
  t.calls.set_linger(t.client, 0);
  REQUIRE(t.client.close().ok());
  CHECK(t.calls.readable(t.accepted) == 3);
  SECTION("receives") {
    CHECK(t.calls.receive(t.accepted, 1, MSG_PEEK) == text("a"));
    CHECK(t.calls.receive(t.accepted) == text("abc"));
    CHECK(t.calls.receive(t.accepted, 1, MSG_PEEK) == nothing(ECONNRESET));
  }
  SECTION("a send is first") {
    CHECK(t.calls.send(t.accepted, "x") == unsent(ECONNRESET));
    CHECK(t.calls.send(t.accepted, "x") == unsent(EPIPE));
    CHECK(t.calls.receive(t.accepted) == text("abc"));
  }
  CHECK(t.calls.receive(t.accepted) == end_of_stream());
  CHECK(t.calls.bits(t.accepted) == over);
}

TEMPLATE_LIST_TEST_CASE("TCP reset: after the end there is no error for a receive", "[tcp][reset]", test::AllBackends) {
  test::TcpEnds<TestType> t;
  REQUIRE(t.calls.send(t.client, "abc").ok());
  REQUIRE(t.client.close().ok());
  REQUIRE(t.calls.send(t.accepted, "x") == std::size_t{1});
  CHECK(t.calls.receive(t.accepted) == text("abc"));
  CHECK(t.calls.receive(t.accepted) == end_of_stream());
  CHECK(t.calls.bits(t.accepted) == broken);
  CHECK(t.calls.send(t.accepted, "x") == unsent(EPIPE));
  CHECK(t.calls.bits(t.accepted) == over);
}

TEMPLATE_LIST_TEST_CASE("TCP reset: a send hears of one that it provokes at its end, or when it has sent very much",
                        "[tcp][reset][buffer]", test::AllBackends) {
  test::TcpEnds<TestType> t;
  REQUIRE(t.accepted.close().ok());
  SECTION("at its end") { CHECK(t.calls.send(t.client, std::string(300'000, 'x')) == std::size_t{300'000}); }
  SECTION("before") {
    const auto sent = t.calls.send(t.client, std::string(2'000'000, 'x'));
    REQUIRE(sent.ok());
    CHECK(sent.value() >= 300'000);
    CHECK(sent.value() < 2'000'000);
    if (TestType::is_emulated) CHECK(sent.value() == 16 * 32768);
  }
  CHECK(t.calls.bits(t.client) == broken);
  CHECK(t.calls.take_error(t.client) == EPIPE);
}

TEMPLATE_LIST_TEST_CASE("TCP reset: it comes after what this end shut", "[tcp][reset]", test::AllBackends) {
  test::TcpEnds<TestType> t;
  REQUIRE(t.calls.shutdown(t.accepted, SHUT_WR).ok());
  t.calls.set_linger(t.client, 0);
  REQUIRE(t.client.close().ok());
  CHECK(t.calls.send(t.accepted, "x") == unsent(ECONNRESET));
  CHECK(t.calls.send(t.accepted, "x") == unsent(EPIPE));
  CHECK(t.calls.receive(t.accepted) == end_of_stream());
}

TEMPLATE_LIST_TEST_CASE("TCP reset: one that both ends have shut is reset for what is left of it only", "[tcp][reset]",
                        test::AllBackends) {
  test::TcpEnds<TestType> t;
  SECTION("what was not sent") {
    const std::string much(1'000'000, 'x');
    while (t.calls.send(t.client, much).ok()) {
    }
    REQUIRE(t.calls.shutdown(t.client, SHUT_WR).ok());
    REQUIRE(t.calls.shutdown(t.accepted, SHUT_WR).ok());
    t.calls.set_linger(t.client, 0);
    REQUIRE(t.client.close().ok());
    CHECK(t.calls.take_error(t.accepted) == ECONNRESET);
  }
  SECTION("what was not read") {
    REQUIRE(t.calls.send(t.accepted, "abc").ok());
    REQUIRE(t.calls.shutdown(t.client, SHUT_WR).ok());
    SECTION("yet") {}
    SECTION("after the end of the other") { REQUIRE(t.calls.shutdown(t.accepted, SHUT_WR).ok()); }
    const bool is_over = t.calls.bits(t.accepted).has(F::hup);
    REQUIRE(t.client.close().ok());
    CHECK(t.calls.take_error(t.accepted) == (is_over ? 0 : EPIPE));
  }
  SECTION("nothing") {
    REQUIRE(t.calls.shutdown(t.client, SHUT_WR).ok());
    t.calls.set_linger(t.client, 0);
    REQUIRE(t.calls.shutdown(t.accepted, SHUT_WR).ok());
    REQUIRE(t.client.close().ok());
    CHECK(t.calls.take_error(t.accepted) == 0);
  }
}

TEMPLATE_LIST_TEST_CASE("TCP reset: one that was accepted gives its port back, though somebody has it", "[tcp][reset]",
                        test::AllBackends) {
  test::TcpEnds<TestType> t;
  const std::string at = t.calls.local(t.listener);
  REQUIRE(t.listener.close().ok());
  t.calls.set_linger(t.client, 0);
  REQUIRE(t.client.close().ok());
  const auto next = t.calls.fresh();
  CHECK(t.calls.bind(next, at).ok());
}

TEMPLATE_LIST_TEST_CASE("TCP reset: SIGPIPE goes with EPIPE, and with nothing else", "[tcp][reset][signals]",
                        test::AllBackends) {
  test::TcpEnds<TestType> t;
  test::Handlers handlers{t.on.backend};
  handlers.handle(SIGPIPE);
  const auto send = [&](const auto& fd, int flags) {
    return t.on.backend.sendto(fd.get(), "x", 1, flags, nullptr, 0).error();
  };
  const auto fresh = t.calls.fresh();
  CHECK(send(fresh, MSG_NOSIGNAL) == EPIPE);
  CHECK(handlers.take().empty());
  CHECK(send(fresh, 0) == EPIPE);
  CHECK(handlers.take() == handlers.seen("13(13)"));
  CHECK(send(t.listener, 0) == EPIPE);
  CHECK(handlers.take() == handlers.seen("13(13)"));
  t.calls.set_linger(t.client, 0);
  REQUIRE(t.client.close().ok());
  CHECK(send(t.accepted, 0) == ECONNRESET);
  CHECK(handlers.take().empty());
  CHECK(send(t.accepted, 0) == EPIPE);
  CHECK(handlers.take() == handlers.seen("13(13)"));
  CHECK(t.on.backend.write(t.accepted.get(), "x", 1).error() == EPIPE);
  CHECK(handlers.take() == handlers.seen("13(13)"));
}

TEST_CASE("TCP reset: what was received stays, what was not is lost", "[tcp][reset][emulated]") {
  test::TcpEnds<test::OnEmulated> t;
  REQUIRE(t.calls.set_option(t.accepted, SO_RCVBUF, 3000).ok());
  REQUIRE(t.calls.send(t.client, std::string(2000000, 'x')) == std::size_t{2000000});
  const int there = t.calls.readable(t.accepted);
  CHECK(there > 0);
  CHECK(there < 2000000);
  t.calls.set_linger(t.client, 0);
  REQUIRE(t.client.close().ok());
  CHECK(t.calls.receive(t.accepted, 2000000).bytes.size() == static_cast<std::size_t>(there));
  CHECK(t.calls.receive(t.accepted) == nothing(ECONNRESET));
}
