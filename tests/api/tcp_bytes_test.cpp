// Bytes over TCP: the flags of receive and send, what waits for more, what ioctl says of them.
#include "../support/bad_pointers.hpp"
#include "../support/guarded.hpp"
#include "../support/inet_sockets.hpp"

#include <sys/uio.h>

using namespace rouse;
using F = EventFlags;
using test::end_of_stream;
using test::nothing;
using test::text;
using test::unsent;

TEMPLATE_LIST_TEST_CASE("TCP bytes: they come in order, whatever they were sent in", "[tcp][bytes]",
                        test::AllBackends) {
  test::TcpEnds<TestType> t;
  CHECK(t.calls.receive(t.accepted) == nothing(EAGAIN));
  CHECK(t.calls.receive(t.accepted, 0) == nothing(EAGAIN));
  CHECK(t.calls.send(t.client, "abc") == std::size_t{3});
  CHECK(t.calls.send(t.client, "") == std::size_t{0});
  CHECK(t.calls.send(t.client, "def") == std::size_t{3});
  CHECK(t.calls.readable(t.accepted) == 6);
  CHECK(t.calls.receive(t.accepted, 0) == text(""));
  CHECK(t.calls.receive(t.accepted, 4) == text("abcd"));
  CHECK(t.on.backend.write(t.client.get(), "gh", 2) == std::size_t{2});
  char bytes[10];
  CHECK(t.on.backend.read(t.accepted.get(), bytes, 10) == std::size_t{4});
  CHECK(std::string_view(bytes, 4) == "efgh");
  CHECK(t.calls.readable(t.accepted) == 0);
  const ::iovec parts[] = {{const_cast<char*>("ab"), 2}, {const_cast<char*>("c"), 1}};
  CHECK(t.on.backend.writev(t.client.get(), parts, 2) == std::size_t{3});
  CHECK(t.calls.receive(t.accepted) == text("abc"));
}

TEMPLATE_LIST_TEST_CASE("TCP bytes: what has no connection has no bytes", "[tcp][bytes][errors]", test::AllBackends) {
  TestType on;
  test::InetSockets calls{on, SOCK_STREAM};
  const auto fresh = calls.fresh();
  CHECK(calls.receive(fresh) == nothing(ENOTCONN));
  CHECK(calls.receive(fresh, 0) == nothing(ENOTCONN));
  CHECK(calls.receive(fresh, 1, MSG_OOB) == nothing(EINVAL));
  CHECK(calls.receive(fresh, 1, MSG_ERRQUEUE) == nothing(EAGAIN));
  CHECK(calls.send(fresh, "x") == unsent(EPIPE));
  CHECK(calls.send(fresh, "") == unsent(EPIPE));
  CHECK(calls.send_to(fresh, "x", calls.here(9)) == unsent(EPIPE));
  CHECK(on.backend.recvfrom(fresh.get(), test::unmapped(), 1, 0, nullptr, nullptr).error() == ENOTCONN);
  CHECK(on.backend.sendto(fresh.get(), test::unmapped(), 1, MSG_NOSIGNAL, nullptr, 0).error() == EPIPE);
  CHECK(calls.readable(fresh) == 0);
  CHECK(calls.in_flight(fresh) == 0);
  CHECK(calls.to_be_sent(fresh) == 0);
  CHECK_FALSE(calls.is_at_mark(fresh));
}

TEMPLATE_LIST_TEST_CASE("TCP bytes: flags of receive", "[tcp][bytes][flags]", test::AllBackends) {
  test::TcpEnds<TestType> t;
  REQUIRE(t.calls.send(t.client, "abcdef").ok());
  const auto receive = [&](std::size_t n, int flags) { return t.calls.receive(t.accepted, n, flags); };
  CHECK(receive(3, MSG_PEEK) == text("abc"));
  CHECK(receive(100, MSG_PEEK) == text("abcdef"));
  CHECK(receive(2, MSG_TRUNC) == test::Received{2, std::string(2, '\0')});
  CHECK(receive(2, MSG_TRUNC | MSG_PEEK) == test::Received{2, std::string(2, '\0')});
  CHECK(receive(1, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) == text("c"));
  CHECK(receive(100, MSG_ERRQUEUE) == nothing(EAGAIN));
  CHECK(receive(100, MSG_WAITALL) == text("def"));
  REQUIRE(t.calls.send(t.client, "ghi").ok());
  CHECK(t.on.backend.recvfrom(t.accepted.get(), nullptr, 3, MSG_TRUNC, nullptr, nullptr) == std::size_t{3});
  CHECK(receive(100, 0) == nothing(EAGAIN));
}

TEMPLATE_LIST_TEST_CASE("TCP bytes: only with MSG_WAITALL does a receive that may wait do so for all",
                        "[tcp][bytes][flags]", test::AllBackends) {
  test::TcpEnds<TestType> t{AF_INET, 0};
  for (const int flags : {0, int{MSG_PEEK}, int{MSG_NOSIGNAL}, int{MSG_CMSG_CLOEXEC}, int{MSG_DONTWAIT}}) {
    CAPTURE(flags);
    REQUIRE(t.calls.send(t.client, "abc").ok());
    CHECK(t.calls.receive(t.accepted, 100, flags) == text("abc"));
    if ((flags & MSG_PEEK) != 0) CHECK(t.calls.receive(t.accepted) == text("abc"));
  }
}

TEMPLATE_LIST_TEST_CASE("TCP bytes: a receive that may wait does not if there is one byte", "[tcp][bytes]",
                        test::AllBackends) {
  test::TcpEnds<TestType> t{AF_INET, 0};
  for (const std::size_t n : {std::size_t{1}, std::size_t{2}, std::size_t{100}}) {
    REQUIRE(t.calls.send(t.client, "x").ok());
    CHECK(t.calls.receive(t.accepted, n) == text("x"));
  }
}

TEMPLATE_LIST_TEST_CASE("TCP bytes: of all that MSG_WAITALL waits for it takes what there will be",
                        "[tcp][bytes][flags]", test::AllBackends) {
  test::TcpEnds<TestType> t{AF_INET, 0};
  REQUIRE(t.calls.send(t.client, "abc").ok());
  int error = 0;
  SECTION("before the end") { REQUIRE(t.client.close().ok()); }
  SECTION("before a reset") {
    t.calls.set_linger(t.client, 0);
    REQUIRE(t.client.close().ok());
    error = ECONNRESET;
  }
  SECTION("when this end takes no more") { REQUIRE(t.calls.shutdown(t.accepted, SHUT_RD).ok()); }
  CHECK(t.calls.receive(t.accepted, 10, MSG_WAITALL | MSG_PEEK) == text("abc"));
  CHECK(t.calls.receive(t.accepted, 10, MSG_WAITALL) == text("abc"));
  CHECK(t.calls.receive(t.accepted, 10, MSG_WAITALL).result.error() == error);
  CHECK(t.calls.receive(t.accepted, 10, MSG_WAITALL) == end_of_stream());
}

TEMPLATE_LIST_TEST_CASE("TCP bytes: a receive tells no address", "[tcp][bytes]", test::AllBackends) {
  test::TcpEnds<TestType> t;
  REQUIRE(t.calls.send(t.client, "abc").ok());
  char bytes[10];
  const auto told = test::told(50, [&](::sockaddr* from, ::socklen_t* n) {
    return t.on.backend.recvfrom(t.accepted.get(), bytes, 10, 0, from, n);
  });
  CHECK(told.result == std::size_t{3});
  CHECK(told.written.empty());
  CHECK(told.length == 0);
}

TEMPLATE_LIST_TEST_CASE("TCP bytes: bad pointers lose nothing", "[tcp][bytes][fault]", test::AllBackends) {
  test::TcpEnds<TestType> t;
  CHECK(t.on.backend.sendto(t.client.get(), test::unmapped(), 3, 0, nullptr, 0).error() == EFAULT);
  CHECK(t.calls.readable(t.accepted) == 0);
  REQUIRE(t.calls.send(t.client, "abc").ok());
  CHECK(t.on.backend.recvfrom(t.accepted.get(), test::unmapped(), 3, 0, nullptr, nullptr).error() == EFAULT);
  CHECK(t.calls.receive(t.accepted) == text("abc"));
  CHECK(t.on.backend.ioctl(t.accepted.get(), FIONREAD, test::unmapped()).error() == EFAULT);
  CHECK(t.on.backend.ioctl(t.accepted.get(), SIOCOUTQ, nullptr).error() == EFAULT);
  CHECK(t.on.backend.ioctl(t.accepted.get(), 0x1234, nullptr).error() == ENOTTY);
}

TEMPLATE_LIST_TEST_CASE("TCP bytes: a send that runs into a bad address says what went before", "[tcp][bytes][fault]",
                        test::AllBackends) {
  test::TcpEnds<TestType> t;
  const test::Guarded memory{12};
  const std::size_t good = 12 * memory.page;
  std::fill(memory.start(), memory.end(), 'x');
  const auto sent = t.on.backend.sendto(t.client.get(), memory.start(), good + 1, MSG_NOSIGNAL, nullptr, 0);
  REQUIRE(sent.ok());
  CHECK(sent.value() > 0);
  CHECK(sent.value() <= good);
  CHECK(t.calls.receive(t.accepted, good + 1).bytes == std::string(sent.value(), 'x'));
}

TEMPLATE_LIST_TEST_CASE("TCP bytes: an address of a send is not looked at, but whether it could be",
                        "[tcp][bytes][flags]", test::AllBackends) {
  test::TcpEnds<TestType> t;
  CHECK(t.calls.send_to(t.client, "a", std::string(5, 'x')) == std::size_t{1});
  CHECK(t.calls.send_to(t.client, "b", t.calls.nobody()) == std::size_t{1});
  const auto send_to = [&](const void* address, int n) {
    return t.on.backend
        .sendto(t.client.get(), "x", 1, 0, static_cast<const ::sockaddr*>(address), static_cast<::socklen_t>(n))
        .error();
  };
  CHECK(send_to(test::unmapped(), 16) == EFAULT);
  CHECK(send_to(test::unmapped(), -1) == EINVAL);
  CHECK(send_to(test::unmapped(), 129) == EINVAL);
  CHECK(t.calls.receive(t.accepted) == text("ab"));
}

TEMPLATE_LIST_TEST_CASE("TCP bytes: a peek, too, ends before the urgent byte, however much it is to be",
                        "[tcp][bytes][urgent]", test::AllBackends) {
  test::TcpEnds<TestType> t;
  REQUIRE(t.calls.send(t.client, "ab!", MSG_OOB).ok());
  REQUIRE(t.on.backend.fcntl(t.accepted.get(), F_SETFL, 0).ok());
  REQUIRE(t.calls.set_option(t.accepted, SO_RCVLOWAT, 3).ok());
  CHECK(t.calls.receive(t.accepted, 3, MSG_PEEK) == text("ab"));
  CHECK(t.calls.receive(t.accepted, 3, MSG_PEEK | MSG_WAITALL) == text("ab"));
  CHECK(t.calls.receive(t.accepted, 3, MSG_WAITALL) == text("ab"));
}

TEMPLATE_LIST_TEST_CASE("TCP bytes: flags of send", "[tcp][bytes][flags]", test::AllBackends) {
  test::TcpEnds<TestType> t;
  CHECK(t.calls.send(t.client, "a", MSG_DONTROUTE | MSG_EOR | MSG_CONFIRM) == std::size_t{1});
  CHECK(t.calls.send(t.accepted, "x", MSG_FASTOPEN) == unsent(EISCONN));
  CHECK(t.calls.receive(t.accepted) == text("a"));
}

TEMPLATE_LIST_TEST_CASE("TCP bytes: with MSG_MORE they wait for more", "[tcp][bytes][flags]", test::AllBackends) {
  test::TcpEnds<TestType> t;
  REQUIRE(t.calls.send(t.client, "abc", MSG_MORE) == std::size_t{3});
  CHECK(t.calls.readable(t.accepted) == 0);
  CHECK(t.calls.to_be_sent(t.client) == 3);
  CHECK(t.calls.in_flight(t.client) == 3);
  SECTION("more") {
    REQUIRE(t.calls.send(t.client, "d").ok());
    CHECK(t.calls.receive(t.accepted) == text("abcd"));
  }
  SECTION("as much as fills a segment") {
    constexpr std::size_t segment = 32741;
    REQUIRE(t.calls.send(t.client, std::string(segment - 4, 'x'), MSG_MORE) == segment - 4);
    CHECK(t.calls.readable(t.accepted) == 0);
    REQUIRE(t.calls.send(t.client, "x", MSG_MORE).ok());
    CHECK(t.calls.readable(t.accepted) == segment);
  }
  SECTION("not other options") {
    REQUIRE(t.calls.set(t.client, IPPROTO_TCP, TCP_CORK, 1).ok());
    CHECK(t.calls.to_be_sent(t.client) == 3);
    REQUIRE(t.calls.set(t.client, IPPROTO_TCP, TCP_NODELAY, 0).ok());
    CHECK(t.calls.to_be_sent(t.client) == 3);
  }
  SECTION("the end") {
    REQUIRE(t.calls.shutdown(t.client, SHUT_WR).ok());
    CHECK(t.calls.receive(t.accepted) == text("abc"));
    CHECK(t.calls.receive(t.accepted) == end_of_stream());
  }
  SECTION("the peer's end") {
    REQUIRE(t.calls.shutdown(t.accepted, SHUT_WR).ok());
    CHECK(t.calls.receive(t.accepted) == text("abc"));
  }
  SECTION("the peer closes, and so resets") {
    REQUIRE(t.accepted.close().ok());
    CHECK(t.calls.bits(t.client) == (F::err | F::hup | F::rdhup | F::in | F::out));
    CHECK(t.calls.take_error(t.client) == EPIPE);
  }
  SECTION("the first that the peer sends") {
    REQUIRE(t.calls.send(t.accepted, "x").ok());
    CHECK(t.calls.receive(t.accepted) == text("abc"));
  }
  SECTION("an urgent byte") {
    REQUIRE(t.calls.send(t.client, "!", MSG_OOB | MSG_MORE).ok());
    CHECK(t.calls.receive(t.accepted) == text("abc"));
    CHECK(t.calls.receive(t.accepted, 1, MSG_OOB) == text("!"));
  }
}

TEMPLATE_LIST_TEST_CASE(
    "TCP bytes: what waits for more goes with the news that others have come, not with any that comes",
    "[tcp][bytes][flags]", test::AllBackends) {
  test::TcpEnds<TestType> t;
  REQUIRE(t.calls.send(t.accepted, "first").ok());
  SECTION("nothing has gone before") {
    REQUIRE(t.calls.send(t.client, "abc", MSG_MORE).ok());
    REQUIRE(t.calls.send(t.accepted, "second").ok());
    CHECK(t.calls.readable(t.accepted) == 0);
    SECTION("more") {
      REQUIRE(t.calls.send(t.client, "d").ok());
      CHECK(t.calls.readable(t.accepted) == 4);
    }
    SECTION("the peer's end") {
      REQUIRE(t.calls.shutdown(t.accepted, SHUT_WR).ok());
      CHECK(t.calls.readable(t.accepted) == 3);
    }
  }
  SECTION("the first of it goes at once, as it fills a segment") {
    REQUIRE(t.calls.send(t.client, std::string(100'000, 'x'), MSG_MORE) == std::size_t{100'000});
    CHECK(t.calls.readable(t.accepted) == 100'000);
  }
}

TEMPLATE_LIST_TEST_CASE("TCP bytes: the end counts among what is on its way", "[tcp][bytes]", test::AllBackends) {
  test::TcpEnds<TestType> t;
  REQUIRE(t.calls.set(t.client, IPPROTO_TCP, TCP_CORK, 1).ok());
  REQUIRE(t.calls.send(t.client, "abc").ok());
  CHECK(t.calls.in_flight(t.client) == 3);
  REQUIRE(t.calls.shutdown(t.client, SHUT_WR).ok());
  CHECK(t.calls.to_be_sent(t.client) == 0);
  REQUIRE(t.calls.receive(t.accepted) == text("abc"));
  REQUIRE(t.calls.send(t.accepted, "x").ok());  // Which acknowledges the end.
  CHECK(t.calls.in_flight(t.client) == 0);
}

TEMPLATE_LIST_TEST_CASE("TCP bytes: a cork holds them until it is drawn", "[tcp][bytes][options]", test::AllBackends) {
  test::TcpEnds<TestType> t;
  REQUIRE(t.calls.set(t.client, IPPROTO_TCP, TCP_NODELAY, 0).ok());
  REQUIRE(t.calls.set(t.client, IPPROTO_TCP, TCP_CORK, 1).ok());
  REQUIRE(t.calls.send(t.client, "abc").ok());
  REQUIRE(t.calls.send(t.client, "def").ok());
  CHECK(t.calls.readable(t.accepted) == 0);
  SECTION("drawn") { REQUIRE(t.calls.set(t.client, IPPROTO_TCP, TCP_CORK, 0).ok()); }
  SECTION("overruled") { REQUIRE(t.calls.set(t.client, IPPROTO_TCP, TCP_NODELAY, 1).ok()); }
  SECTION("the end") { REQUIRE(t.calls.shutdown(t.client, SHUT_WR).ok()); }
  SECTION("pushed aside by an urgent byte") { REQUIRE(t.calls.send(t.client, "!", MSG_OOB).ok()); }
  SECTION("not by the peer's end") {
    REQUIRE(t.calls.shutdown(t.accepted, SHUT_WR).ok());
    CHECK(t.calls.readable(t.accepted) == 0);
    REQUIRE(t.calls.set(t.client, IPPROTO_TCP, TCP_CORK, 0).ok());
  }
  CHECK(t.calls.receive(t.accepted) == text("abcdef"));
}

TEST_CASE("TCP bytes: they wait for more for 200 ms", "[tcp][bytes][flags][emulated]") {
  test::TcpEnds<test::OnEmulated> t;
  auto& host = static_cast<kernel::SoloHost&>(t.on.kernel.host());
  SECTION("MSG_MORE") { REQUIRE(t.calls.send(t.client, "abc", MSG_MORE).ok()); }
  SECTION("a cork") {
    REQUIRE(t.calls.set(t.client, IPPROTO_TCP, TCP_CORK, 1).ok());
    REQUIRE(t.calls.send(t.client, "abc").ok());
  }
  host.advance(std::chrono::milliseconds(199));
  CHECK(t.calls.readable(t.accepted) == 0);
  host.advance(std::chrono::milliseconds(1));
  CHECK(t.calls.readable(t.accepted) == 3);
}

TEMPLATE_LIST_TEST_CASE("TCP bytes: the buffer has room for what is to be there at least, unless its size was set",
                        "[tcp][bytes][options]", test::AllBackends) {
  TestType on;
  const test::InetSockets calls{on, SOCK_STREAM};
  const auto socket = calls.fresh();
  const int before = calls.option(socket, SO_RCVBUF);
  REQUIRE(calls.set_option(socket, SO_RCVLOWAT, before / 2).ok());
  CHECK(calls.option(socket, SO_RCVBUF) == before);
  REQUIRE(calls.set_option(socket, SO_RCVLOWAT, before / 2 + 1000).ok());
  CHECK(calls.option(socket, SO_RCVBUF) == before + 2000);
  REQUIRE(calls.set_option(socket, SO_RCVLOWAT, 1).ok());
  CHECK(calls.option(socket, SO_RCVBUF) == before + 2000);
  REQUIRE(calls.set_option(socket, SO_RCVBUF, 10'000).ok());
  REQUIRE(calls.set_option(socket, SO_RCVLOWAT, 15'000).ok());
  CHECK(calls.option(socket, SO_RCVBUF) == 20'000);
  CHECK(calls.option(socket, SO_RCVLOWAT) == 10'000);
}

TEMPLATE_LIST_TEST_CASE(
    "TCP bytes: what is to be sent has more room once there is a connection, unless its size was set",
    "[tcp][bytes][options]", test::AllBackends) {
  TestType on;
  const test::InetSockets calls{on, SOCK_STREAM};
  const auto listener = calls.listening();
  const auto client = calls.client_of(listener);
  constexpr int tuned = 3939840;
  CHECK(calls.option(client, SO_SNDBUF) == tuned);
  CHECK(calls.option(calls.accepted(listener), SO_SNDBUF) == tuned);
  const auto other = calls.fresh();
  REQUIRE(calls.set_option(other, SO_SNDBUF, 10'000).ok());
  REQUIRE(calls.connect(other, calls.local(listener)) == test::failed(EINPROGRESS));
  CHECK(calls.option(other, SO_SNDBUF) == 20'000);
}
