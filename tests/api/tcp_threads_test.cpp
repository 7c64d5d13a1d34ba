// Threads that sleep in calls on TCP sockets: who is woken by what, and what they return.
#include "../support/bare.hpp"
#include "../support/inet_sockets.hpp"
#include "../support/sleeper.hpp"

#include <algorithm>

using namespace rouse;
using test::end_of_stream;
using test::failed;
using test::nothing;
using test::text;
using test::unsent;

namespace {

/// A connection whose calls wait.
template <class On>
struct Blocking : test::TcpEnds<On> {
  Blocking() : test::TcpEnds<On>(AF_INET, 0) {}

  /// A thread that receives from the accepted end, known to be asleep.
  auto receiver(std::size_t n, int flags = 0) {
    auto worker =
        this->on.spawn([this, fd = this->accepted.get(), n, flags] { return this->calls.receive(fd, n, flags); });
    this->on.wait_until_blocked(worker);
    return worker;
  }
  /// A thread that sends from the client, whose buffer is full.
  auto sender(std::size_t n) {
    auto worker = this->on.spawn([this, n] { return this->calls.send(this->client, std::string(n, 'y')); });
    this->on.wait_until_blocked(worker);
    return worker;
  }
  void fill() {
    const auto send_all = [this] {
      bool any = false;
      while (this->calls.send(this->client, std::string(65536, 'x'), MSG_DONTWAIT).ok()) any = true;
      return any;
    };
    // Linux takes a little more when what it sent was acknowledged, which may take 0.2 s.
    ::pollfd nothing{this->client.get(), POLLPRI, 0};
    while (send_all() && !On::is_emulated) static_cast<void>(this->on.backend.poll(&nothing, 1, 300));
  }
};

template <class On>
struct Listening {
  On on;
  test::InetSockets<On> calls{on, SOCK_STREAM};
  typename test::InetSockets<On>::Fd listener = calls.listening(10, 0);

  /// A thread that accepts, known to be asleep: returns the address of the peer, or "" and an errno.
  auto acceptor() {
    auto worker = on.spawn([this, fd = listener.get()] {
      ::sockaddr_in from{};
      ::socklen_t n = sizeof from;
      const auto result = on.backend.accept4(fd, reinterpret_cast<::sockaddr*>(&from), &n, 0);
      if (result.ok()) static_cast<void>(on.backend.close(result.value()));
      return result.ok() ? static_cast<int>(ntohs(from.sin_port)) : -result.error();
    });
    on.wait_until_blocked(worker);
    return worker;
  }
};

}  // namespace

TEMPLATE_LIST_TEST_CASE("TCP threads: who accepts takes turns", "[tcp][threads]", test::AllThreadBackends) {
  Listening<TestType> t;
  auto first = t.acceptor();
  auto second = t.acceptor();
  auto third = t.acceptor();
  for (auto* worker : {&first, &second, &third}) {
    const auto client = t.calls.client_of(t.listener);
    CHECK(worker->result() == t.calls.port(client));
  }
}

TEMPLATE_LIST_TEST_CASE("TCP threads: who accepts is told by a disconnect of the listener", "[tcp][threads]",
                        test::AllThreadBackends) {
  Listening<TestType> t;
  auto acceptor = t.acceptor();
  REQUIRE(t.calls.connect(t.listener, test::unspecified()).ok());
  CHECK(acceptor.result() == -EINVAL);
}

TEMPLATE_LIST_TEST_CASE("TCP threads: who connects sleeps on when somebody makes room", "[tcp][threads]",
                        test::AllThreadBackends) {
  TestType on;
  const test::InetSockets calls{on, SOCK_STREAM};
  const auto listener = calls.listening(0);
  const auto first = calls.client_of(listener);
  const auto second = calls.fresh(0);
  auto worker = on.spawn([&] { return calls.connect(second, calls.local(listener)); });
  on.wait_until_blocked(worker);
  REQUIRE(calls.set_option(second, SO_SNDBUF, 100'000).ok());
  on.wait_until_blocked(worker);
  REQUIRE(calls.shutdown(second, SHUT_RDWR).ok());
  CHECK(worker.result() == failed(ECONNRESET));
}

TEMPLATE_LIST_TEST_CASE("TCP threads: a listener that ends wakes all, one that is closed nobody", "[tcp][threads]",
                        test::AllThreadBackends) {
  Listening<TestType> t;
  auto first = t.acceptor();
  auto second = t.acceptor();
  SECTION("shut") {
    REQUIRE(t.calls.shutdown(t.listener, SHUT_RD).ok());
    CHECK(first.result() == -EINVAL);
    CHECK(second.result() == -EINVAL);
  }
  SECTION("closed") {
    const std::string address = t.calls.local(t.listener);
    REQUIRE(test::bare(t.on.backend).close(t.listener.release()).ok());
    t.on.wait_until_blocked(first);
    for (auto* worker : {&first, &second}) {
      const auto client = t.calls.client_of(address);
      CHECK(worker->result() == t.calls.port(client));
    }
  }
}

TEMPLATE_LIST_TEST_CASE("TCP threads: a blocked receive ends with what ends the wait", "[tcp][threads]",
                        test::AllThreadBackends) {
  Blocking<TestType> t;
  auto receiver = t.receiver(10);
  SECTION("data") {
    REQUIRE(t.calls.send(t.client, "abc").ok());
    CHECK(receiver.result() == text("abc"));
  }
  SECTION("the peer's end") {
    REQUIRE(t.calls.shutdown(t.client, SHUT_WR).ok());
    CHECK(receiver.result() == end_of_stream());
  }
  SECTION("this end shut for reading") {
    REQUIRE(t.calls.shutdown(t.accepted, SHUT_RD).ok());
    CHECK(receiver.result() == end_of_stream());
  }
  SECTION("a reset") {
    t.calls.set_linger(t.client, 0);
    REQUIRE(t.client.close().ok());
    CHECK(receiver.result() == nothing(ECONNRESET));
  }
  SECTION("this end disconnected") {
    REQUIRE(t.calls.connect(t.accepted, test::unspecified()).ok());
    CHECK(receiver.result() == nothing(EPIPE));
    CHECK(t.calls.take_error(t.accepted) == ECONNRESET);
  }
}

TEMPLATE_LIST_TEST_CASE("TCP threads: a blocked receive sleeps on when it is none of its business", "[tcp][threads]",
                        test::AllThreadBackends) {
  Blocking<TestType> t;
  auto receiver = t.receiver(10);
  SECTION("this end shut for writing") { REQUIRE(t.calls.shutdown(t.accepted, SHUT_WR).ok()); }
  SECTION("the peer shut for reading") { REQUIRE(t.calls.shutdown(t.client, SHUT_RD).ok()); }
  SECTION("its fd is closed") { REQUIRE(test::bare(t.on.backend).close(t.accepted.release()).ok()); }
  t.on.wait_until_blocked(receiver);
  REQUIRE(t.calls.send(t.client, "abc").ok());
  CHECK(receiver.result() == text("abc"));
}

TEMPLATE_LIST_TEST_CASE("TCP threads: the end is for all who receive", "[tcp][threads]", test::AllThreadBackends) {
  Blocking<TestType> t;
  auto first = t.receiver(10);
  auto second = t.receiver(10);
  SECTION("the peer's end") {
    REQUIRE(t.calls.shutdown(t.client, SHUT_WR).ok());
    CHECK(first.result() == end_of_stream());
    CHECK(second.result() == end_of_stream());
  }
  SECTION("enough data for both") {
    REQUIRE(t.calls.send(t.client, std::string(20, 'x')).ok());
    CHECK(first.result() == text(std::string(10, 'x')));
    CHECK(second.result() == text(std::string(10, 'x')));
  }
  SECTION("a reset is told once") {
    t.calls.set_linger(t.client, 0);
    REQUIRE(t.client.close().ok());
    const bool first_knows = first.result() == nothing(ECONNRESET);
    CHECK(second.result() == (first_knows ? end_of_stream() : nothing(ECONNRESET)));
  }
}

TEMPLATE_LIST_TEST_CASE("TCP threads: receiving nothing waits for data, and MSG_WAITALL for all of it",
                        "[tcp][threads][flags]", test::AllThreadBackends) {
  Blocking<TestType> t;
  SECTION("nothing, for some time") {
    const ::timeval limit{0, 2000};
    REQUIRE(t.on.backend.setsockopt(t.accepted.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit).ok());
    CHECK(t.calls.receive(t.accepted, 0) == text(""));
    CHECK(t.calls.receive(t.accepted, 0, MSG_DONTWAIT) == nothing(EAGAIN));
  }
  SECTION("nothing") {
    auto receiver = t.receiver(0);
    REQUIRE(t.calls.send(t.client, "abc").ok());
    CHECK(receiver.result() == text(""));
    CHECK(t.calls.receive(t.accepted) == text("abc"));
  }
  SECTION("nothing, whatever ends the wait") {
    auto receiver = t.receiver(0);
    SECTION("a reset, which stays to be told") {
      t.calls.set_linger(t.client, 0);
      REQUIRE(t.client.close().ok());
      CHECK(receiver.result() == text(""));
    }
    SECTION("but for a disconnect") {
      REQUIRE(t.calls.connect(t.accepted, test::unspecified()).ok());
      CHECK(receiver.result() == nothing(EPIPE));
    }
    CHECK(t.calls.take_error(t.accepted) == ECONNRESET);
  }
  SECTION("all") {
    auto receiver = t.receiver(6, MSG_WAITALL);
    REQUIRE(t.calls.send(t.client, "abc").ok());
    while (t.calls.readable(t.accepted) != 0) std::this_thread::yield();
    t.on.wait_until_blocked(receiver);
    SECTION("there is enough") {
      REQUIRE(t.calls.send(t.client, "defg").ok());
      CHECK(receiver.result() == text("abcdef"));
    }
    SECTION("the end") {
      REQUIRE(t.calls.shutdown(t.client, SHUT_WR).ok());
      CHECK(receiver.result() == text("abc"));
    }
    SECTION("an urgent byte") {
      REQUIRE(t.calls.send(t.client, "d!", MSG_OOB).ok());
      CHECK(receiver.result() == text("abcd"));
    }
  }
  SECTION("at least") {
    REQUIRE(t.calls.set_option(t.accepted, SO_RCVLOWAT, 5).ok());
    auto receiver = t.receiver(100);
    REQUIRE(t.calls.send(t.client, "abc").ok());
    t.on.wait_until_blocked(receiver);
    REQUIRE(t.calls.send(t.client, "def").ok());
    CHECK(receiver.result() == text("abcdef"));
  }
}

TEMPLATE_LIST_TEST_CASE("TCP threads: what a peek that waits for more has seen, another may read",
                        "[tcp][threads][flags]", test::AllThreadBackends) {
  Blocking<TestType> t;
  auto peeker = t.receiver(9, MSG_PEEK | MSG_WAITALL);
  const auto send_and_wait = [&](const char* bytes) {
    REQUIRE(t.calls.send(t.client, bytes).ok());
    t.on.wait_until_blocked(peeker);
  };
  send_and_wait("abc");
  SECTION("it begins again with what is there, and from then on at each wakeup") {
    CHECK(t.calls.receive(t.accepted, 2, MSG_DONTWAIT) == text("ab"));
    send_and_wait("d");
    send_and_wait("e");
    REQUIRE(t.calls.send(t.client, "f").ok());
    CHECK(peeker.result() == text("abccdcdec"));
    CHECK(t.calls.receive(t.accepted, 10, MSG_DONTWAIT) == text("cdef"));
  }
  SECTION("it goes on where it was if nobody read") {
    send_and_wait("d");
    REQUIRE(t.calls.send(t.client, "efghi").ok());
    CHECK(peeker.result() == text("abcdefghi"));
  }
}

TEMPLATE_LIST_TEST_CASE("TCP threads: one who sends much and one who waits for all of it see it through",
                        "[tcp][threads][buffer]", test::AllThreadBackends) {
  Blocking<TestType> t;
  constexpr std::size_t much = 8'000'000;  // More than both buffers hold.
  auto receiver = t.receiver(much, MSG_WAITALL);
  auto sender = t.on.spawn([&t] { return t.calls.send(t.client, std::string(much, 'y')); });
  CHECK(sender.result().value() == much);
  CHECK(receiver.result().bytes == std::string(much, 'y'));
}

TEMPLATE_LIST_TEST_CASE("TCP threads: a blocked send waits for much room, or for the end", "[tcp][threads][buffer]",
                        test::AllThreadBackends) {
  Blocking<TestType> t;
  t.fill();
  auto sender = t.sender(1000);
  SECTION("room") {
    while (!sender.is_done()) static_cast<void>(t.calls.receive(t.accepted, 1000000, MSG_DONTWAIT));
    CHECK(sender.result() == std::size_t{1000});
  }
  SECTION("this end shut for writing") {
    REQUIRE(t.calls.shutdown(t.client, SHUT_WR).ok());
    CHECK(sender.result() == unsent(EPIPE));
  }
  SECTION("a reset") {
    REQUIRE(t.accepted.close().ok());
    CHECK(sender.result() == unsent(ECONNRESET));
  }
}

TEMPLATE_LIST_TEST_CASE("TCP threads: a blocked send says what went, if some did", "[tcp][threads][buffer]",
                        test::AllThreadBackends) {
  Blocking<TestType> t;
  auto sender = t.sender(20'000'000);
  REQUIRE(t.accepted.close().ok());
  const auto sent = sender.result();
  REQUIRE(sent.ok());
  CHECK(sent.value() > 0);
  CHECK(sent.value() < 20'000'000);
  CHECK(t.calls.take_error(t.client) == ECONNRESET);
}

TEMPLATE_LIST_TEST_CASE("TCP threads: a blocked connect ends when it is made, or given up", "[tcp][threads][connect]",
                        test::AllThreadBackends) {
  TestType on;
  test::InetSockets calls{on, SOCK_STREAM};
  const auto listener = calls.listening(0);
  const auto first = calls.client_of(listener);
  const auto client = calls.fresh(0);
  const std::string address = calls.local(listener);
  const auto connect = [&] { return calls.connect(client, address); };
  auto worker = on.spawn(connect);
  on.wait_until_blocked(worker);
  SECTION("made") {
    auto another = on.spawn(connect);
    on.wait_until_blocked(another);
    REQUIRE(calls.accept_error(listener) == 0);
    CHECK(worker.result().ok());
    CHECK(another.result().ok());
    CHECK(connect() == failed(EISCONN));
  }
  SECTION("shut") {
    REQUIRE(calls.shutdown(client, SHUT_WR).ok());
    CHECK(worker.result() == failed(ECONNRESET));
    CHECK(calls.take_error(client) == 0);
  }
  SECTION("disconnected") {
    REQUIRE(calls.connect(client, test::unspecified()).ok());
    CHECK(worker.result() == failed(EPIPE));
    CHECK(calls.take_error(client) == ECONNRESET);
  }
}

TEMPLATE_LIST_TEST_CASE("TCP threads: signals interrupt, or the call starts again", "[tcp][threads][signals]",
                        test::AllThreadBackends) {
  for (const bool restarts : {false, true}) {
    CAPTURE(restarts);
    Blocking<TestType> t;
    test::Handlers handlers{t.on.backend};
    handlers.handle(SIGUSR1, restarts ? SA_RESTART : 0);
    test::Sleeper receiver{t.on, [&]() -> std::int64_t {
                             const test::Received got = t.calls.receive(t.accepted);
                             return got.result.ok() ? static_cast<int>(got.bytes.size()) : -got.result.error();
                           }};
    receiver.interrupt(SIGUSR1);
    if (restarts) receiver.wait_until_blocked();
    if (restarts) REQUIRE(t.calls.send(t.client, "abc").ok());
    CHECK(receiver.result() == (restarts ? 3 : -EINTR));
    test::Sleeper asks_for_nothing{t.on, [&]() -> std::int64_t {
                                     const test::Received got = t.calls.receive(t.accepted, 0);
                                     return got.result.ok() ? 0 : -got.result.error();
                                   }};
    asks_for_nothing.interrupt(SIGUSR1);
    CHECK(asks_for_nothing.result() == 0);
  }
}
