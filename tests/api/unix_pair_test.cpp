#include "../support/file_limit.hpp"
#include "../support/unix_names.hpp"
#include "../support/unix_sockets.hpp"

using namespace rouse;
using F = EventFlags;
using test::end_of_stream;
using test::failed;
using test::nothing;
using test::text;
using test::unsent;

namespace {

/// The number that the next fd will get.
template <class B>
int next_fd(const B& backend) {
  const int fd = backend.eventfd(0, 0).value();
  backend.close(fd).value();
  return fd;
}

constexpr F no_longer_both = F::in | F::out | F::hup | F::rdhup;

}  // namespace

TEMPLATE_LIST_TEST_CASE("Socket pair: what cannot be made is refused in order", "[unix][pair]", test::AllBackends) {
  TestType on;
  const auto& backend = on.backend;
  struct Row {
    const char* what;
    int family, type, protocol, error;
  };
  constexpr Row rows[] = {
      {"an unknown bit in the type", AF_UNIX, SOCK_STREAM | 0x10, 0, EINVAL},
      {"an unknown bit, and an unknown family", 999, SOCK_STREAM | 0x10, 0, EINVAL},
      {"a family that there cannot be", 999, SOCK_STREAM, 0, EAFNOSUPPORT},
      {"a negative family", -1, SOCK_STREAM, 0, EAFNOSUPPORT},
      {"such a family, and no type", 999, 11, 0, EAFNOSUPPORT},
      {"no family", AF_UNSPEC, SOCK_STREAM, 0, EAFNOSUPPORT},
      {"no family, and no type", AF_UNSPEC, 11, 0, EINVAL},
      {"a type that there cannot be", AF_UNIX, 11, 0, EINVAL},
      {"the last of them", AF_UNIX, 15, 0, EINVAL},
      {"a type that unix has not", AF_UNIX, 0, 0, ESOCKTNOSUPPORT},
      {"reliable messages", AF_UNIX, SOCK_RDM, 0, ESOCKTNOSUPPORT},
      {"a protocol that unix has not", AF_UNIX, SOCK_STREAM, 2, EPROTONOSUPPORT},
      {"a negative protocol", AF_UNIX, SOCK_STREAM, -1, EPROTONOSUPPORT},
      {"neither protocol nor type", AF_UNIX, SOCK_RDM, 2, EPROTONOSUPPORT},
      {"a family without pairs", AF_INET, SOCK_STREAM, 0, EOPNOTSUPP},
      {"such a family, and no type", AF_INET, 11, 0, EINVAL},
  };
  const int next = next_fd(backend);
  for (const Row& row : rows) {
    CAPTURE(row.what);
    int fds[2] = {-1, -1};
    CHECK(backend.socketpair(row.family, row.type, row.protocol, fds) == failed(row.error));
    CHECK(next_fd(backend) == next);
    // The numbers are told before the family is looked at.
    CHECK(fds[0] == ((row.type & 0x10) != 0 ? -1 : next));
  }
}

TEMPLATE_LIST_TEST_CASE("Socket pair: the limit on fds comes after the type's bits and before all else",
                        "[unix][pair][limits]", test::AllBackends) {
  TestType on;
  const auto& backend = on.backend;
  const int next = next_fd(backend);
  int fds[2] = {-1, -1};
  const auto limited = [&](int room, int family, int type, int* to) {
    const auto limit = static_cast<::rlim_t>(next + room);
    return test::under_file_limit(backend, limit, [&] { return backend.socketpair(family, type, 0, to); });
  };
  CHECK(limited(0, AF_UNIX, SOCK_STREAM, fds) == failed(EMFILE));
  CHECK(limited(0, 999, 11, nullptr) == failed(EMFILE));
  CHECK(limited(0, AF_UNIX, SOCK_STREAM | 0x10, fds) == failed(EINVAL));
  CHECK(limited(1, AF_UNIX, SOCK_STREAM, fds) == failed(EMFILE));
  CHECK(backend.socketpair(AF_UNIX, SOCK_STREAM, 0, nullptr) == failed(EFAULT));
  CHECK(backend.socketpair(999, SOCK_STREAM, 0, nullptr) == failed(EFAULT));
  CHECK(next_fd(backend) == next);
  CHECK(fds[0] == -1);
}

TEMPLATE_LIST_TEST_CASE("Socket pair: the ends take the two lowest numbers, and each has its own flags", "[unix][pair]",
                        test::AllBackends) {
  TestType on;
  const auto& backend = on.backend;
  const int next = next_fd(backend);
  int fds[2];
  REQUIRE(backend.socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, PF_UNIX, fds).ok());
  CHECK(fds[0] == next);
  CHECK(fds[1] > fds[0]);
  for (const int fd : fds) {
    CHECK(backend.fcntl(fd, F_GETFL) == SysResult<int>{O_RDWR | O_NONBLOCK});
    CHECK(backend.fcntl(fd, F_GETFD) == SysResult<int>{FD_CLOEXEC});
  }
  REQUIRE(backend.fcntl(fds[0], F_SETFL, 0).ok());
  CHECK(backend.fcntl(fds[0], F_GETFL) == SysResult<int>{O_RDWR});
  CHECK(backend.fcntl(fds[1], F_GETFL) == SysResult<int>{O_RDWR | O_NONBLOCK});
  for (const int fd : fds) REQUIRE(backend.close(fd).ok());

  REQUIRE(backend.socketpair(AF_UNIX, SOCK_STREAM, 0, fds).ok());
  for (const int fd : fds) {
    CHECK(backend.fcntl(fd, F_GETFL) == SysResult<int>{O_RDWR});
    CHECK(backend.fcntl(fd, F_GETFD) == SysResult<int>{0});
    REQUIRE(backend.close(fd).ok());
  }
}

TEMPLATE_LIST_TEST_CASE("Socket pair: an end neither listens nor connects again", "[unix][pair]", test::AllBackends) {
  TestType on;
  test::UnixSockets calls{on};
  test::UnixNames<TestType> names;
  const auto pair = calls.pair();
  const auto listener = calls.listener(names.abstract_address(""), 1);
  CHECK(on.backend.listen(pair[0].get(), 1) == failed(EINVAL));
  CHECK(on.backend.accept4(pair[0].get(), nullptr, nullptr, 0) == SysResult<int>::failure(EINVAL));
  CHECK(calls.connect(pair[0], names.abstract_address("")) == failed(EISCONN));
  CHECK(calls.bind(pair[0], names.abstract_address("end")).ok());
  CHECK(on.backend.listen(pair[0].get(), 1) == failed(EINVAL));
  CHECK(calls.bits(listener) == F{});
}

TEMPLATE_LIST_TEST_CASE("Socket pair: every state shows its bits", "[unix][pair][bits]", test::AllBackends) {
  using Calls = test::UnixSockets<TestType>;
  using Pair = std::array<typename Calls::Fd, 2>;
  struct Row {
    const char* what;
    void (*act)(const Calls&, Pair&);
    F first, second;
  };
  const Row rows[] = {
      {"fresh", [](const Calls&, Pair&) {}, F::out, F::out},
      {"data on the way", [](const Calls& c, Pair& p) { CHECK(c.send(p[0], "x").ok()); }, F::out, F::in | F::out},
      {"shut for reading", [](const Calls& c, Pair& p) { CHECK(c.shutdown(p[0], SHUT_RD).ok()); },
       F::in | F::out | F::rdhup, F::out},
      {"shut for writing", [](const Calls& c, Pair& p) { CHECK(c.shutdown(p[0], SHUT_WR).ok()); }, F::out,
       F::in | F::out | F::rdhup},
      {"shut for both", [](const Calls& c, Pair& p) { CHECK(c.shutdown(p[0], SHUT_RDWR).ok()); }, no_longer_both,
       no_longer_both},
      {"shut for writing, then for reading",
       [](const Calls& c, Pair& p) {
         CHECK(c.shutdown(p[0], SHUT_WR).ok());
         CHECK(c.shutdown(p[0], SHUT_RD).ok());
       },
       no_longer_both, no_longer_both},
      {"both shut for writing",
       [](const Calls& c, Pair& p) {
         for (auto& end : p) CHECK(c.shutdown(end, SHUT_WR).ok());
       },
       no_longer_both, no_longer_both},
      {"both shut for reading",
       [](const Calls& c, Pair& p) {
         for (auto& end : p) CHECK(c.shutdown(end, SHUT_RD).ok());
       },
       no_longer_both, no_longer_both},
      {"shut for writing, with data on the way",
       [](const Calls& c, Pair& p) {
         CHECK(c.send(p[0], "x").ok());
         CHECK(c.shutdown(p[0], SHUT_WR).ok());
       },
       F::out, F::in | F::out | F::rdhup},
  };
  for (const Row& row : rows) {
    CAPTURE(row.what);
    TestType on;
    const Calls calls{on};
    auto pair = calls.pair();
    row.act(calls, pair);
    CHECK(calls.bits(pair[0]) == row.first);
    CHECK(calls.bits(pair[1]) == row.second);
  }
}

TEMPLATE_LIST_TEST_CASE("Socket pair: a closed peer shows, and more so if it had not read all", "[unix][pair][bits]",
                        test::AllBackends) {
  TestType on;
  test::UnixSockets calls{on};
  SECTION("it had read all") {
    auto pair = calls.pair();
    REQUIRE(calls.send(pair[1], "left").ok());
    REQUIRE(pair[1].close().ok());
    CHECK(calls.bits(pair[0]) == no_longer_both);
    CHECK(calls.take_error(pair[0]) == 0);
  }
  SECTION("it had not") {
    auto pair = calls.pair();
    REQUIRE(calls.send(pair[0], "x").ok());
    REQUIRE(pair[1].close().ok());
    CHECK(calls.bits(pair[0]) == (no_longer_both | F::err));
  }
  SECTION("it has a second descriptor") {
    auto pair = calls.pair();
    const typename test::UnixSockets<TestType>::Fd copy{on.backend, on.backend.dup(pair[1].get()).value()};
    REQUIRE(calls.send(pair[0], "x").ok());
    REQUIRE(pair[1].close().ok());
    CHECK(calls.bits(pair[0]) == F::out);
    CHECK(calls.receive(copy) == text("x"));
  }
  SECTION("every bit there is") {
    auto pair = calls.pair();
    CHECK(calls.all_bits(pair[0]) == (F::out | F::wrnorm | F::wrband));
    REQUIRE(calls.send(pair[1], "x").ok());
    CHECK(calls.all_bits(pair[0]) == (F::out | F::wrnorm | F::wrband | F::in | F::rdnorm));
    REQUIRE(calls.send(pair[0], "x").ok());
    REQUIRE(pair[1].close().ok());
    CHECK(calls.all_bits(pair[0]) == (F::out | F::wrnorm | F::wrband | F::in | F::rdnorm | F::rdhup | F::hup | F::err));
  }
}

TEMPLATE_LIST_TEST_CASE("Socket pair: closing the peer makes room again", "[unix][pair][bits]", test::AllBackends) {
  TestType on;
  test::UnixSockets calls{on};
  auto pair = calls.pair();
  REQUIRE(calls.send(pair[0], std::string(100000, 'x')).ok());
  CHECK(calls.bits(pair[0]) == F{});
  REQUIRE(calls.shutdown(pair[0], SHUT_WR).ok());
  CHECK(calls.bits(pair[0]) == F{});  // It does not matter that nothing can be written anyhow.
  REQUIRE(pair[1].close().ok());
  CHECK(calls.bits(pair[0]) == (no_longer_both | F::err));
  CHECK(calls.in_flight(pair[0]) == 0);
}

TEMPLATE_LIST_TEST_CASE("Socket pair: what was sent before the end is read before it", "[unix][pair]",
                        test::AllBackends) {
  TestType on;
  test::UnixSockets calls{on};
  auto pair = calls.pair();
  CHECK(calls.receive(pair[0]) == nothing(EAGAIN));
  REQUIRE(calls.send(pair[1], "abc").ok());
  SECTION("the peer shuts for writing") { REQUIRE(calls.shutdown(pair[1], SHUT_WR).ok()); }
  SECTION("the peer is closed") { REQUIRE(pair[1].close().ok()); }
  SECTION("this end shuts for reading") { REQUIRE(calls.shutdown(pair[0], SHUT_RD).ok()); }
  CHECK(calls.receive(pair[0], 2) == text("ab"));
  CHECK(calls.receive(pair[0]) == text("c"));
  CHECK(calls.receive(pair[0]) == end_of_stream());
  CHECK(calls.receive(pair[0]) == end_of_stream());
}

TEMPLATE_LIST_TEST_CASE("Socket pair: writing fails once nobody will read", "[unix][pair]", test::AllBackends) {
  TestType on;
  test::UnixSockets calls{on};
  auto pair = calls.pair();
  SECTION("this end shut for writing") { REQUIRE(calls.shutdown(pair[0], SHUT_WR).ok()); }
  SECTION("the peer shut for reading") { REQUIRE(calls.shutdown(pair[1], SHUT_RD).ok()); }
  SECTION("the peer shut for both") { REQUIRE(calls.shutdown(pair[1], SHUT_RDWR).ok()); }
  SECTION("the peer is closed") { REQUIRE(pair[1].close().ok()); }
  CHECK(calls.send(pair[0], "x") == unsent(EPIPE));
  CHECK(calls.send(pair[0], "x", MSG_DONTWAIT) == unsent(EPIPE));
  CHECK(calls.send(pair[0], "x", MSG_OOB) == unsent(EPIPE));
  CHECK(calls.send(pair[0], "") == unsent(EPIPE));
  CHECK(on.backend.write(pair[0].get(), "x", 1) == unsent(EPIPE));
  CHECK(on.backend.write(pair[0].get(), "x", 0) == unsent(EPIPE));
  CHECK(calls.take_error(pair[0]) == 0);
}

TEMPLATE_LIST_TEST_CASE("Socket pair: the other direction still works", "[unix][pair]", test::AllBackends) {
  TestType on;
  test::UnixSockets calls{on};
  auto pair = calls.pair();
  SECTION("this end shut for writing") { REQUIRE(calls.shutdown(pair[0], SHUT_WR).ok()); }
  SECTION("the peer shut for reading") { REQUIRE(calls.shutdown(pair[1], SHUT_RD).ok()); }
  CHECK(calls.send(pair[1], "abc").ok());
  CHECK(calls.receive(pair[0]) == text("abc"));
}

TEMPLATE_LIST_TEST_CASE("Socket pair: a peer that threw data away leaves an error, once", "[unix][pair][reset]",
                        test::AllBackends) {
  TestType on;
  test::UnixSockets calls{on};
  auto pair = calls.pair();
  REQUIRE(calls.send(pair[0], "unread").ok());
  SECTION("a read returns what was queued before it fails") {
    REQUIRE(calls.send(pair[1], "abc").ok());
    REQUIRE(pair[1].close().ok());
    CHECK(calls.receive(pair[0], 2) == text("ab"));
    CHECK(calls.receive(pair[0]) == text("c"));
    CHECK(calls.bits(pair[0]) == (no_longer_both | F::err));
    CHECK(calls.receive(pair[0]) == nothing(ECONNRESET));
    CHECK(calls.bits(pair[0]) == no_longer_both);
    CHECK(calls.receive(pair[0]) == end_of_stream());
  }
  SECTION("a read that wants more than was queued swallows it") {
    REQUIRE(calls.send(pair[1], "abc").ok());
    REQUIRE(pair[1].close().ok());
    CHECK(calls.receive(pair[0], 10, MSG_WAITALL) == text("abc"));
    CHECK(calls.bits(pair[0]) == no_longer_both);
    CHECK(calls.receive(pair[0]) == end_of_stream());
  }
  SECTION("a write does not take it") {
    REQUIRE(pair[1].close().ok());
    CHECK(calls.send(pair[0], "x") == unsent(EPIPE));
    CHECK(calls.send(pair[0], "x") == unsent(EPIPE));
    CHECK(calls.bits(pair[0]) == (no_longer_both | F::err));
    CHECK(calls.receive(pair[0]) == nothing(ECONNRESET));
  }
  SECTION("asking for it takes it") {
    REQUIRE(pair[1].close().ok());
    CHECK(calls.take_error(pair[0]) == ECONNRESET);
    CHECK(calls.bits(pair[0]) == no_longer_both);
    CHECK(calls.take_error(pair[0]) == 0);
    CHECK(calls.receive(pair[0]) == end_of_stream());
  }
  SECTION("asking with a bad address takes it, too") {
    REQUIRE(pair[1].close().ok());
    ::socklen_t n = sizeof(int);
    CHECK(on.backend.getsockopt(pair[0].get(), SOL_SOCKET, SO_ERROR, nullptr, &n) == failed(EFAULT));
    CHECK(calls.take_error(pair[0]) == 0);
  }
  SECTION("a partly read chunk is unread") {
    CHECK(calls.receive(pair[1], 3) == text("unr"));
    REQUIRE(pair[1].close().ok());
    CHECK(calls.take_error(pair[0]) == ECONNRESET);
  }
  SECTION("so is one that was peeked at") {
    CHECK(calls.receive(pair[1], 100, MSG_PEEK) == text("unread"));
    REQUIRE(pair[1].close().ok());
    CHECK(calls.take_error(pair[0]) == ECONNRESET);
  }
  SECTION("shutting down throws nothing away") {
    REQUIRE(calls.shutdown(pair[1], SHUT_RDWR).ok());
    CHECK(calls.take_error(pair[0]) == 0);
    REQUIRE(pair[1].close().ok());
    CHECK(calls.take_error(pair[0]) == ECONNRESET);
  }
}

TEMPLATE_LIST_TEST_CASE("Socket pair: shutting down needs a direction that there is", "[unix][pair][errors]",
                        test::AllBackends) {
  TestType on;
  test::UnixSockets calls{on};
  auto pair = calls.pair();
  for (const int how : {-1, 3, 100}) CHECK(calls.shutdown(pair[0], how) == failed(EINVAL));
  CHECK(calls.bits(pair[0]) == F::out);
  CHECK(calls.shutdown(pair[0], SHUT_WR).ok());
  CHECK(calls.shutdown(pair[0], SHUT_WR).ok());
  REQUIRE(pair[1].close().ok());
  CHECK(calls.shutdown(pair[0], SHUT_RDWR).ok());
}
