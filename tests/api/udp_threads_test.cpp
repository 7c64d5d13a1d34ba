// Threads that sleep in calls on UDP sockets: who is woken by what, and what they return.
#include "../support/bare.hpp"
#include "../support/inet_sockets.hpp"
#include "../support/sleeper.hpp"

using namespace rouse;
using test::end_of_stream;
using test::failed;
using test::nothing;
using test::text;

namespace {

template <class On>
struct Blocking {
  On on;
  test::InetSockets<On> calls{on, SOCK_DGRAM};
  typename test::InetSockets<On>::Fd to = calls.bound(0);
  typename test::InetSockets<On>::Fd from = calls.bound();
  std::string address = calls.local(to);

  /// A thread that receives, known to be asleep.
  auto receiver(std::size_t n = 10) {
    auto worker = on.spawn([this, fd = to.get(), n] { return calls.receive(fd, n, 0); });
    on.wait_until_blocked(worker);
    return worker;
  }
};

}  // namespace

TEMPLATE_LIST_TEST_CASE("UDP threads: who receives takes turns", "[udp][threads]", test::AllThreadBackends) {
  Blocking<TestType> t;
  auto first = t.receiver();
  auto second = t.receiver(0);
  auto third = t.receiver();
  REQUIRE(t.calls.send_to(t.from, "a", t.address).ok());
  CHECK(first.result() == text("a"));
  REQUIRE(t.calls.send_to(t.from, "b", t.address).ok());
  CHECK(second.result() == text(""));
  REQUIRE(t.calls.send_to(t.from, "", t.address).ok());
  CHECK(third.result() == text(""));
}

TEMPLATE_LIST_TEST_CASE("UDP threads: shut for reading, all return, even if it says that it failed", "[udp][threads]",
                        test::AllThreadBackends) {
  Blocking<TestType> t;
  auto first = t.receiver();
  auto second = t.receiver();
  CHECK(t.calls.shutdown(t.to, SHUT_WR) == failed(ENOTCONN));
  t.on.wait_until_blocked(first);
  t.on.wait_until_blocked(second);
  CHECK(t.calls.shutdown(t.to, SHUT_RD) == failed(ENOTCONN));
  CHECK(first.result() == end_of_stream());
  CHECK(second.result() == end_of_stream());
}

TEMPLATE_LIST_TEST_CASE("UDP threads: an error is for the first, the others sleep on", "[udp][threads]",
                        test::AllThreadBackends) {
  Blocking<TestType> t;
  REQUIRE(t.calls.connect(t.to, t.calls.nobody()).ok());
  auto first = t.receiver();
  auto second = t.receiver();
  REQUIRE(t.calls.send(t.to, "x").ok());
  CHECK(first.result() == nothing(ECONNREFUSED));
  t.on.wait_until_blocked(second);
  REQUIRE(t.calls.send(t.to, "x").ok());
  CHECK(second.result() == nothing(ECONNREFUSED));
}

TEMPLATE_LIST_TEST_CASE("UDP threads: closing the fd wakes nobody", "[udp][threads]", test::AllThreadBackends) {
  Blocking<TestType> t;
  auto receiver = t.receiver();
  REQUIRE(test::bare(t.on.backend).close(t.to.release()).ok());
  t.on.wait_until_blocked(receiver);
  REQUIRE(t.calls.send_to(t.from, "abc", t.address).ok());
  CHECK(receiver.result() == text("abc"));
}

TEMPLATE_LIST_TEST_CASE("UDP threads: signals interrupt, or the call starts again", "[udp][threads][signals]",
                        test::AllThreadBackends) {
  for (const auto& [flags, has_limit] : {std::pair{0, false}, {SA_RESTART, false}, {SA_RESTART, true}}) {
    CAPTURE(flags, has_limit);
    Blocking<TestType> t;
    const ::timeval limit{has_limit ? 1000 : 0, 0};
    REQUIRE(t.on.backend.setsockopt(t.to.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit).ok());
    test::Handlers handlers{t.on.backend};
    handlers.handle(SIGUSR1, flags);
    test::Sleeper receiver{t.on, [&]() -> std::int64_t {
                             const test::Received got = t.calls.receive(t.to);
                             return got.result.ok() ? static_cast<int>(got.bytes.size()) : -got.result.error();
                           }};
    receiver.interrupt(SIGUSR1);
    const bool restarts = flags != 0 && !has_limit;
    if (restarts) receiver.wait_until_blocked();
    if (restarts) REQUIRE(t.calls.send_to(t.from, "abc", t.address).ok());
    CHECK(receiver.result() == (restarts ? 3 : -EINTR));
  }
}

TEST_CASE("UDP: a receive waits for as long as it may", "[udp][emulated]") {
  test::OnEmulated on;
  test::InetSockets calls{on, SOCK_DGRAM};
  const auto fd = calls.bound(0);
  const ::timeval limit{0, 250'000};
  REQUIRE(on.backend.setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit).ok());
  CHECK(calls.receive(fd) == nothing(EAGAIN));
  CHECK(on.kernel.host().now() == 252'000'000);  // In ticks of 4 ms.
}
