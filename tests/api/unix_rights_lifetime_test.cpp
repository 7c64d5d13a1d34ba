#include "../support/events.hpp"
#include "../support/passing.hpp"
#include "../support/unix_names.hpp"

using namespace rouse;
using F = EventFlags;
using test::GotMessage;
using test::Passing;
using test::rights;
using test::some_room;
using test::text;

namespace {

constexpr int types[] = {SOCK_STREAM, SOCK_SEQPACKET, SOCK_DGRAM};

}  // namespace

TEMPLATE_LIST_TEST_CASE("Unix rights: a file stays open in a message, and so do its registrations",
                        "[unix][rights][lifetime]", test::AllBackends) {
  Passing<TestType> p;
  typename test::Handles<TestType>::Epoll epoll{p.on.backend};
  epoll.add(p.reader, F::in, 7);
  REQUIRE(p.send("x", {p.reader.get()}).ok());
  const int number = p.reader.get();
  REQUIRE(p.reader.close().ok());
  CHECK(test::reported(epoll).empty());
  REQUIRE(p.on.backend.write(p.witness.get(), "x", 1).ok());
  CHECK(test::reported(epoll) == test::Events{{F::in, std::uint64_t{7}}});
  SECTION("until nobody can receive it any more") {
    REQUIRE(p.pair[1].close().ok());
    CHECK(test::reported(epoll).empty());
    CHECK(!p.is_readable_by_somebody());
  }
  SECTION("until what arrived is closed, under whatever number") {
    const typename Passing<TestType>::Fd other{p.on.backend, p.on.backend.eventfd(0, 0).value()};
    CHECK(other.get() == number);
    const GotMessage got = p.receive(1);
    CHECK(got.fds != std::vector<int>{number});
    CHECK(test::reported(epoll) == test::Events{{F::in, std::uint64_t{7}}});
    p.came.clear();
    CHECK(test::reported(epoll).empty());
  }
}

TEMPLATE_LIST_TEST_CASE("Unix rights: an epoll that is inside a message goes on collecting", "[unix][rights][lifetime]",
                        test::AllBackends) {
  Passing<TestType> p;
  {
    typename test::Handles<TestType>::Epoll epoll{p.on.backend};
    epoll.add(p.reader, F::in | F::et, 7);
    REQUIRE(p.send("x", {epoll.fd()}).ok());
  }
  REQUIRE(p.on.backend.write(p.witness.get(), "x", 1).ok());
  const GotMessage got = p.receive(1);
  REQUIRE(got.fds.size() == 1);
  Event event;
  CHECK(p.on.backend.epoll_wait(got.fds[0], &event, 1, 0) == SysResult<int>{1});
  CHECK(event == Event{F::in, std::uint64_t{7}});
}

TEMPLATE_LIST_TEST_CASE("Unix rights: plain reads and closing let them go", "[unix][rights][lifetime]",
                        test::AllBackends) {
  for (const int type : types) {
    CAPTURE(type);
    for (const char* way : {"read", "recv", "close", "nothing of a stream"}) {
      CAPTURE(way);
      Passing<TestType> p{type};
      const bool is_nothing = std::string_view(way) == "nothing of a stream";
      REQUIRE(p.send(is_nothing ? "" : "x", {p.reader.get()}).ok());
      REQUIRE(p.reader.close().ok());
      if (is_nothing) {
        CHECK(p.is_readable_by_somebody() == (type != SOCK_STREAM));
        continue;
      }
      CHECK(p.is_readable_by_somebody());
      char byte = 0;
      if (std::string_view(way) == "read") CHECK(p.on.backend.read(p.pair[1].get(), &byte, 1) == std::size_t{1});
      if (std::string_view(way) == "recv") CHECK(p.calls.receive(p.pair[1], 1) == text("x"));
      if (std::string_view(way) == "close") CHECK(p.pair[1].close().ok());
      if constexpr (TestType::is_emulated) CHECK(p.on.kernel.unix_in_flight.count() == 0);
      CHECK(!p.is_readable_by_somebody());
    }
  }
}

TEMPLATE_LIST_TEST_CASE("Unix rights: sockets that only hold each other go when any is closed",
                        "[unix][rights][lifetime][ring]", test::AllBackends) {
  const int type = GENERATE(SOCK_STREAM, SOCK_SEQPACKET, SOCK_DGRAM);
  CAPTURE(type);
  Passing<TestType> p{type};
  const int fd = p.reader.get();
  SECTION("one that was sent to itself") { REQUIRE(p.send("x", {p.pair[1].get(), fd}).ok()); }
  SECTION("two that were sent to each other's ends") {
    const auto other = p.calls.pair();
    REQUIRE(p.send("x", {other[1].get(), fd}).ok());
    REQUIRE(test::send_message(p.on.backend, other[0].get(), "x", rights({p.pair[1].get()})).ok());
  }
  SECTION("both ends of one") {
    REQUIRE(p.send("x", {p.pair[1].get(), fd}).ok());
    REQUIRE(test::send_message(p.on.backend, p.pair[1].get(), "x", rights({p.pair[0].get()})).ok());
    REQUIRE(p.pair[0].close().ok());
  }
  SECTION("one that was sent twice") { REQUIRE(p.send("x", {p.pair[1].get(), fd, p.pair[1].get()}).ok()); }
  SECTION("one that had been sent before, and received") {
    REQUIRE(p.send("x", {p.pair[1].get()}).ok());
    REQUIRE(p.receive(1).fds.size() == 1);
    p.came.clear();
    REQUIRE(p.send("x", {p.pair[1].get(), fd}).ok());
  }
  SECTION("one of whose two messages was received") {
    const auto other = p.calls.pair();
    REQUIRE(test::send_message(p.on.backend, other[0].get(), "x", rights({p.pair[1].get()})).ok());
    REQUIRE(p.send("x", {p.pair[1].get(), fd}).ok());
    const GotMessage got = test::receive_message(p.on.backend, other[1].get(), 1, some_room);
    REQUIRE(got.fds.size() == 1);
    REQUIRE(p.on.backend.close(got.fds[0]).ok());
  }
  SECTION("three, each sent to the next one's end") {
    const auto second = p.calls.pair();
    const auto third = p.calls.pair();
    REQUIRE(p.send("x", {second[1].get(), fd}).ok());
    REQUIRE(test::send_message(p.on.backend, second[0].get(), "x", rights({third[1].get()})).ok());
    REQUIRE(test::send_message(p.on.backend, third[0].get(), "x", rights({p.pair[1].get()})).ok());
  }
  SECTION("a listener in a connection that nobody accepted") {
    if (type == SOCK_DGRAM) return;  // Which has no connections.
    const test::UnixNames<TestType> names;
    auto listener = p.calls.listener(names.abstract_address("a"), 1);
    const auto client = p.calls.connected(names.abstract_address("a"));
    REQUIRE(test::send_message(p.on.backend, client.get(), "x", rights({listener.get(), fd})).ok());
  }
  REQUIRE(p.pair[1].close().ok());
  REQUIRE(p.reader.close().ok());
  REQUIRE(p.calls.fresh().close().ok());
  // Linux does it soon after; the emulated kernel, in that close.
  ::pollfd entry{p.witness.get(), 0, 0};
  CHECK(p.on.backend.poll(&entry, 1, 60000) == SysResult<int>{1});
  CHECK(entry.revents == POLLERR);
}

TEMPLATE_LIST_TEST_CASE("Unix rights: the peer of a ring sees an end and no reset; what hung on the ring, as usual",
                        "[unix][rights][lifetime][ring]", test::AllBackends) {
  Passing<TestType> p;
  auto other = p.calls.pair();
  REQUIRE(p.calls.send(other[0], "unread").ok());
  REQUIRE(p.send("x", {p.pair[1].get(), other[1].get()}).ok());
  REQUIRE(other[1].close().ok());
  REQUIRE(p.pair[1].close().ok());
  REQUIRE(p.calls.fresh().close().ok());
  for (const auto* fd : {&p.pair[0], &other[0]}) {
    ::pollfd entry{fd->get(), 0, 0};
    CHECK(p.on.backend.poll(&entry, 1, 60000) == SysResult<int>{1});
  }
  CHECK(p.calls.bits(p.pair[0]) == (F::in | F::out | F::hup | F::rdhup));
  CHECK(p.calls.bits(other[0]) == (F::in | F::out | F::hup | F::rdhup | F::err));
}

TEMPLATE_LIST_TEST_CASE("Unix rights: a ring that can still be reached stays", "[unix][rights][lifetime][ring]",
                        test::AllBackends) {
  Passing<TestType> p;
  REQUIRE(p.send("x", {p.pair[1].get(), p.reader.get()}).ok());
  REQUIRE(p.reader.close().ok());
  const typename Passing<TestType>::Fd copy{p.on.backend, p.on.backend.dup(p.pair[1].get()).value()};
  REQUIRE(p.pair[1].close().ok());
  REQUIRE(p.calls.fresh().close().ok());
  const GotMessage got = test::receive_message(p.on.backend, copy.get(), 1, some_room);
  CHECK(got.fds.size() == 2);
  CHECK(p.is_readable_by_somebody());
  for (const int fd : got.fds) CHECK(p.on.backend.close(fd).ok());
  CHECK(!p.is_readable_by_somebody());
}

TEMPLATE_LIST_TEST_CASE("Unix rights: a long chain of sockets in each other's messages goes at once",
                        "[unix][rights][lifetime]", test::AllBackends) {
  Passing<TestType> p;
  auto last = p.calls.pair();
  REQUIRE(test::send_message(p.on.backend, last[0].get(), "x", rights({p.reader.get()})).ok());
  REQUIRE(p.reader.close().ok());
  for (int i = 0; i < 200; ++i) {
    auto next = p.calls.pair();
    REQUIRE(test::send_message(p.on.backend, next[0].get(), "x", rights({last[1].get()})).ok());
    last = std::move(next);
  }
  CHECK(p.is_readable_by_somebody());
  REQUIRE(last[1].close().ok());
  ::pollfd entry{p.witness.get(), 0, 0};
  CHECK(p.on.backend.poll(&entry, 1, 60000) == SysResult<int>{1});
}
