#include "../support/bare.hpp"
#include "../support/threads.hpp"
#include "../support/unix_names.hpp"
#include "../support/unix_sockets.hpp"
#include "../support/wake_keys.hpp"

using namespace rouse;
using F = EventFlags;
using test::end_of_stream;
using test::failed;
using test::nothing;
using test::text;

namespace {

/// A listener whose accept waits, and clients whose connect does.
template <class On>
struct Waiting {
  using Fd = typename test::UnixSockets<On>::Fd;

  explicit Waiting(int backlog = 5) : listener(calls.listener(address, backlog, 0)) {}

  /// A thread that accepts, known to be asleep. Returns what the first client sent, or an errno.
  auto acceptor() {
    auto worker = on.spawn([this, from = listener.get()] {
      const SysResult<int> fd = on.backend.accept4(from, nullptr, nullptr, 0);
      if (!fd.ok()) return nothing(fd.error());
      return calls.receive(Fd{on.backend, fd.value()});
    });
    on.wait_until_blocked(worker);
    return worker;
  }
  /// A thread that connects `client`, known to be asleep.
  auto connector(const Fd& client) {
    auto worker = on.spawn([this, &client] { return calls.connect(client, address); });
    on.wait_until_blocked(worker);
    return worker;
  }

  On on;
  test::UnixSockets<On> calls{on};
  test::UnixNames<On> names;
  std::string address = names.path_address("listener");
  Fd listener;
};

template <class B>
int next_fd(const B& backend) {
  const int fd = backend.eventfd(0, 0).value();
  backend.close(fd).value();
  return fd;
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("Unix listener: blocked accepts take turns, first come first served",
                        "[unix][listener][threads]", test::AllThreadBackends) {
  Waiting<TestType> w;
  auto first = w.acceptor();
  auto second = w.acceptor();
  auto third = w.acceptor();
  std::vector<typename Waiting<TestType>::Fd> clients;
  const auto connect = [&](const char* bytes) {
    clients.push_back(w.calls.connected(w.address));
    REQUIRE(w.calls.send(clients.back(), bytes).ok());
  };
  connect("first");
  CHECK(first.result() == text("first"));
  connect("second");
  CHECK(second.result() == text("second"));
  connect("third");
  CHECK(third.result() == text("third"));
}

TEMPLATE_LIST_TEST_CASE("Unix listener: a blocked connect goes on at whoever has the name by then",
                        "[unix][listener][threads]", test::AllThreadBackends) {
  Waiting<TestType> w{0};
  const auto before = w.calls.connected(w.address);
  const auto client = w.calls.fresh(0);
  auto connect = w.connector(client);
  REQUIRE(w.on.backend.unlink(w.names.path("listener").c_str()).ok());
  const auto next = w.calls.listener(w.address, 0, 0);
  const auto first_there = w.calls.connected(w.address);
  REQUIRE(w.listener.close().ok());
  w.on.wait_until_blocked(connect);  // That one is full, too.
  const typename Waiting<TestType>::Fd accepted{w.on.backend,
                                                w.on.backend.accept4(next.get(), nullptr, nullptr, 0).value()};
  CHECK(connect.result().ok());
}

TEMPLATE_LIST_TEST_CASE("Unix listener: a blocked accept has its number already", "[unix][listener][threads][limits]",
                        test::AllThreadBackends) {
  Waiting<TestType> w;
  const int before = next_fd(w.on.backend);
  auto accept = w.on.spawn([&] { return w.on.backend.accept4(w.listener.get(), nullptr, nullptr, SOCK_CLOEXEC); });
  w.on.wait_until_blocked(accept);
  // On Linux, whoever looks for sleeping threads opens files meanwhile, so that it may be the number after.
  int next = before;
  while (next < before + 8 && w.on.backend.dup2(w.listener.get(), next) != SysResult<int>::failure(EBUSY)) {
    REQUIRE(w.on.backend.close(next++).ok());
  }
  CHECK(next_fd(w.on.backend) != next);
  // It is nobody's: neither open nor free.
  CHECK(w.on.backend.close(next) == failed(EBADF));
  CHECK(w.on.backend.fcntl(next, F_GETFD, 0) == SysResult<int>::failure(EBADF));
  CHECK(w.on.backend.dup2(w.listener.get(), next) == SysResult<int>::failure(EBUSY));
  CHECK(w.on.backend.dup3(w.listener.get(), next, O_CLOEXEC) == SysResult<int>::failure(EBUSY));
  CHECK(w.on.backend.dup2(-1, next) == SysResult<int>::failure(EBADF));
  const auto client = w.calls.connected(w.address);
  CHECK(accept.result() == SysResult<int>{next});
  CHECK(w.on.backend.fcntl(next, F_GETFD, 0) == SysResult<int>{FD_CLOEXEC});
  CHECK(w.on.backend.close(next).ok());
}

TEMPLATE_LIST_TEST_CASE("Unix listener: the number of an accept that failed is free again",
                        "[unix][listener][threads][limits]", test::AllThreadBackends) {
  Waiting<TestType> w;
  const int next = next_fd(w.on.backend);
  auto accept = w.acceptor();
  REQUIRE(w.calls.shutdown(w.listener, SHUT_RD).ok());
  CHECK(accept.result() == nothing(EINVAL));
  CHECK(next_fd(w.on.backend) == next);
}

TEMPLATE_LIST_TEST_CASE("Unix listener: shutting it for reading ends all blocked accepts, for writing none",
                        "[unix][listener][threads][shutdown]", test::AllThreadBackends) {
  Waiting<TestType> w;
  auto first = w.acceptor();
  auto second = w.acceptor();
  REQUIRE(w.calls.shutdown(w.listener, SHUT_WR).ok());
  w.on.wait_until_blocked(first);
  w.on.wait_until_blocked(second);
  SECTION("reading") { REQUIRE(w.calls.shutdown(w.listener, SHUT_RD).ok()); }
  SECTION("both") { REQUIRE(w.calls.shutdown(w.listener, SHUT_RDWR).ok()); }
  CHECK(first.result() == nothing(EINVAL));
  CHECK(second.result() == nothing(EINVAL));
}

TEMPLATE_LIST_TEST_CASE("Unix listener: closed while an accept waits in it, it serves one more",
                        "[unix][listener][threads]", test::AllThreadBackends) {
  Waiting<TestType> w;
  auto accept = w.acceptor();
  REQUIRE(test::bare(w.on.backend).close(w.listener.release()).ok());
  const auto client = w.calls.connected(w.address);
  REQUIRE(w.calls.send(client, "last").ok());
  CHECK(accept.result() == text("last"));
  const auto late = w.calls.fresh();
  CHECK(w.calls.connect(late, w.address) == failed(ECONNREFUSED));
}

TEMPLATE_LIST_TEST_CASE("Unix listener: blocked connects take turns, first come first served",
                        "[unix][listener][threads]", test::AllThreadBackends) {
  Waiting<TestType> w{0};
  const auto waiting = w.calls.connected(w.address);
  const auto first = w.calls.fresh(0);
  const auto second = w.calls.fresh(0);
  auto first_connect = w.connector(first);
  auto second_connect = w.connector(second);
  CHECK(w.calls.bits(first) == (F::out | F::hup));
  test::WakeKeys<TestType> keys{w.on, w.listener.get()};
  const auto accepted = w.calls.accepted(w.listener);
  CHECK(first_connect.result().ok());
  CHECK(keys.take() == test::data_key);
  w.on.wait_until_blocked(second_connect);
  CHECK(w.calls.bits(second) == (F::out | F::hup));

  REQUIRE(w.calls.send(first, "first").ok());
  const auto next = w.calls.accepted(w.listener);
  CHECK(w.calls.receive(next) == text("first"));
  CHECK(second_connect.result().ok());
  CHECK(w.calls.bits(second) == F::out);
}

TEMPLATE_LIST_TEST_CASE("Unix listener: a longer queue lets blocked connects in", "[unix][listener][threads]",
                        test::AllThreadBackends) {
  Waiting<TestType> w{0};
  const auto waiting = w.calls.connected(w.address);
  const auto first = w.calls.fresh(0);
  const auto second = w.calls.fresh(0);
  auto first_connect = w.connector(first);
  auto second_connect = w.connector(second);
  REQUIRE(w.on.backend.listen(w.listener.get(), 0).ok());
  w.on.wait_until_blocked(first_connect);
  REQUIRE(w.on.backend.listen(w.listener.get(), 2).ok());
  CHECK(first_connect.result().ok());
  CHECK(second_connect.result().ok());
}

TEMPLATE_LIST_TEST_CASE("Unix listener: a blocked connect looks its address up again when it is woken",
                        "[unix][listener][threads][paths]", test::AllThreadBackends) {
  Waiting<TestType> w{0};
  const auto waiting = w.calls.connected(w.address);
  const auto client = w.calls.fresh(0);
  auto connect = w.connector(client);
  SECTION("the path is gone") {
    REQUIRE(w.on.backend.unlink(w.names.path("listener").c_str()).ok());
    w.on.wait_until_blocked(connect);
    const auto accepted = w.calls.accepted(w.listener);
    CHECK(connect.result() == failed(ENOENT));
  }
  SECTION("the path is another's") {
    REQUIRE(w.on.backend.unlink(w.names.path("listener").c_str()).ok());
    const auto other = w.calls.listener(w.address, 5);
    const auto accepted = w.calls.accepted(w.listener);
    CHECK(connect.result().ok());
    CHECK(w.calls.bits(other) == F::in);
  }
  SECTION("the listener is closed") {
    REQUIRE(w.listener.close().ok());
    CHECK(connect.result() == failed(ECONNREFUSED));
    CHECK(w.calls.bits(client) == (F::out | F::hup));
  }
  SECTION("the listener was shut for reading, which wakes nobody") {
    REQUIRE(w.calls.shutdown(w.listener, SHUT_RD).ok());
    w.on.wait_until_blocked(connect);
    const auto accepted = w.calls.accepted(w.listener);
    CHECK(connect.result() == failed(ECONNREFUSED));
  }
}

TEMPLATE_LIST_TEST_CASE("Unix listener: closing it ends all blocked connects, and the reads of who was queued",
                        "[unix][listener][threads][reset]", test::AllThreadBackends) {
  Waiting<TestType> w{0};
  const auto queued = w.calls.connected(w.address, 0);
  const auto first = w.calls.fresh(0);
  const auto second = w.calls.fresh(0);
  auto first_connect = w.connector(first);
  auto second_connect = w.connector(second);
  auto read = w.on.spawn([&] { return w.calls.receive(queued); });
  w.on.wait_until_blocked(read);
  REQUIRE(w.listener.close().ok());
  CHECK(first_connect.result() == failed(ECONNREFUSED));
  CHECK(second_connect.result() == failed(ECONNREFUSED));
  CHECK(read.result() == nothing(ECONNRESET));
  CHECK(w.calls.receive(queued) == end_of_stream());
}
