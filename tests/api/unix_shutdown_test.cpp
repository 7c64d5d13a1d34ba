#include "../support/unix_names.hpp"
#include "../support/unix_sockets.hpp"

using namespace rouse;
using F = EventFlags;
using test::failed;
using test::nothing;
using test::text;
using test::unsent;

TEMPLATE_LIST_TEST_CASE("Unix shutdown: a socket without a peer takes it, and shows it", "[unix][shutdown]",
                        test::AllBackends) {
  struct Row {
    int how;
    F bits;
  };
  constexpr Row rows[] = {
      {SHUT_RD, F::in | F::out | F::hup | F::rdhup},
      {SHUT_WR, F::out | F::hup},
      {SHUT_RDWR, F::in | F::out | F::hup | F::rdhup},
  };
  for (const Row& row : rows) {
    CAPTURE(row.how);
    TestType on;
    test::UnixSockets calls{on};
    const auto socket = calls.fresh();
    CHECK(calls.shutdown(socket, row.how).ok());
    CHECK(calls.shutdown(socket, row.how).ok());
    CHECK(calls.bits(socket) == row.bits);
    CHECK(calls.receive(socket) == nothing(EINVAL));
    CHECK(calls.send(socket, "x") == unsent(ENOTCONN));
    CHECK(calls.shutdown(socket, 3) == failed(EINVAL));
  }
}

TEMPLATE_LIST_TEST_CASE("Unix shutdown: of a listener", "[unix][shutdown][listener]", test::AllBackends) {
  struct Row {
    int how;
    F empty, pending;
    bool refuses;
  };
  constexpr Row rows[] = {
      {SHUT_RD, F::in | F::rdhup, F::in | F::rdhup, true},
      {SHUT_WR, F{}, F::in, false},
      {SHUT_RDWR, F::in | F::hup | F::rdhup, F::in | F::hup | F::rdhup, true},
  };
  for (const Row& row : rows) {
    CAPTURE(row.how);
    TestType on;
    test::UnixSockets calls{on};
    test::UnixNames<TestType> names;
    const std::string address = names.abstract_address("");
    const auto listener = calls.listener(address, 5);
    const auto client = calls.connected(address);
    REQUIRE(calls.shutdown(listener, row.how).ok());
    CHECK(calls.bits(listener) == row.pending);
    // Who waits in the queue notices nothing.
    CHECK(calls.bits(client) == F::out);
    CHECK(calls.send(client, "x").ok());
    const auto accepted = calls.accepted(listener);
    CHECK(calls.bits(accepted) == (F::in | F::out));
    CHECK(calls.bits(listener) == row.empty);
    CHECK(on.backend.accept4(listener.get(), nullptr, nullptr, 0) == SysResult<int>::failure(EAGAIN));
    const auto late = calls.fresh();
    const SysResult<void> connected = calls.connect(late, address);
    CHECK(connected == (row.refuses ? failed(ECONNREFUSED) : SysResult<void>{}));
    CHECK(calls.option(listener, SO_ACCEPTCONN) == 1);

    // Listening again undoes nothing.
    CHECK(on.backend.listen(listener.get(), 5).ok());
    CHECK(calls.bits(listener) == (row.refuses ? row.empty : row.pending));
  }
}

TEMPLATE_LIST_TEST_CASE("Unix shutdown: it survives becoming a listener", "[unix][shutdown][listener]",
                        test::AllBackends) {
  TestType on;
  test::UnixSockets calls{on};
  test::UnixNames<TestType> names;
  const auto socket = calls.fresh();
  REQUIRE(calls.shutdown(socket, SHUT_RD).ok());
  REQUIRE(calls.bind(socket, names.abstract_address("")).ok());
  CHECK(calls.bits(socket) == (F::in | F::out | F::hup | F::rdhup));
  REQUIRE(on.backend.listen(socket.get(), 1).ok());
  CHECK(calls.bits(socket) == (F::in | F::rdhup));
  CHECK(calls.connect(calls.fresh(), names.abstract_address("")) == failed(ECONNREFUSED));
}

TEMPLATE_LIST_TEST_CASE("Unix shutdown: a blocking accept on a listener that is shut for reading does not wait",
                        "[unix][shutdown][listener]", test::AllBackends) {
  TestType on;
  test::UnixSockets calls{on};
  test::UnixNames<TestType> names;
  const auto listener = calls.listener(names.abstract_address(""), 1, 0);
  REQUIRE(calls.shutdown(listener, SHUT_RD).ok());
  const SysResult<int> accepted = on.backend.accept4(listener.get(), nullptr, nullptr, 0);
  CHECK(accepted == SysResult<int>::failure(EINVAL));
}
