#include "../support/bad_pointers.hpp"
#include "../support/unix_names.hpp"
#include "../support/unix_sockets.hpp"

#include <chrono>
#include <climits>
#include <concepts>
#include <sys/time.h>

using namespace rouse;
using namespace std::chrono_literals;
using test::failed;
using test::nothing;
using test::text;
using test::unsent;

namespace {

constexpr int types[] = {SOCK_STREAM, SOCK_SEQPACKET, SOCK_DGRAM};

template <class B, class Fd>
SysResult<void> set_limit(const B& backend, const Fd& fd, int option, long seconds, long microseconds,
                          ::socklen_t n = sizeof(::timeval)) {
  const ::timeval time[] = {{seconds, microseconds}, {}};  // One more, for a length that is too long.
  return backend.setsockopt(fd.get(), SOL_SOCKET, option, time, n);
}
template <class B, class Fd>
::timeval get_limit(const B& backend, const Fd& fd, int option) {
  ::timeval time{-1, -1};
  ::socklen_t n = sizeof time;
  backend.getsockopt(fd.get(), SOL_SOCKET, option, &time, &n).value();
  return time;
}
template <class B, class Fd>
long seconds(const B& backend, const Fd& fd, int option) {
  return get_limit(backend, fd, option).tv_sec;
}
/// In microseconds.
template <class B, class Fd>
long long limit(const B& backend, const Fd& fd, int option) {
  const ::timeval time = get_limit(backend, fd, option);
  return static_cast<long long>(time.tv_sec) * 1'000'000 + time.tv_usec;
}

/// What a call returned, and how long it took: at least, as Linux may take longer.
template <class B, class Call>
auto after(const B& backend, std::chrono::nanoseconds least, Call call) {
  const auto now = [&] {
    ::timespec time{};
    backend.clock_gettime(CLOCK_MONOTONIC, &time).value();
    return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
  };
  const auto start = now();
  const auto result = call();
  CHECK(now() - start >= least);
  if constexpr (std::same_as<B, EmulatedBackend>) CHECK(now() - start == least);
  return result;
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("Unix time limit: what is set is told", "[unix][options][time]", test::AllBackends) {
  TestType on;
  const test::UnixSockets calls{on};
  const auto socket = calls.fresh();
  constexpr int options[] = {SO_RCVTIMEO, SO_SNDTIMEO};
  for (const int option : options) {
    CAPTURE(option);
    const auto set = [&](long seconds, long microseconds, ::socklen_t n = sizeof(::timeval)) {
      return set_limit(on.backend, socket, option, seconds, microseconds, n);
    };
    const auto got = [&] { return limit(on.backend, socket, option); };
    CHECK(got() == 0);
    CHECK(set(2, 500'000).ok());
    CHECK(got() == 2'500'000);
    CHECK(set(1, 1'000'000) == failed(EDOM));
    CHECK(set(1, -1) == failed(EDOM));
    CHECK(set(-1, -1) == failed(EDOM));
    CHECK(set(1, 0, 15) == failed(EINVAL));
    CHECK(set(1, 0, 3) == failed(EINVAL));
    CHECK(on.backend.setsockopt(socket.get(), SOL_SOCKET, option, test::unmapped(), 16) == failed(EFAULT));
    CHECK(got() == 2'500'000);
    CHECK(limit(on.backend, socket, option == SO_RCVTIMEO ? SO_SNDTIMEO : SO_RCVTIMEO) == 0);
    CHECK(set(0, 1).ok());
    CHECK(got() == 4'000);  // The next whole tick.
    CHECK(set(1, 0).ok());
    CHECK(got() == 1'000'000);
    CHECK(set(3, 0, 17).ok());
    CHECK(got() == 3'000'000);
    CHECK(set(-1, 999'999).ok());  // Not to wait at all, which is told as if there were no limit.
    CHECK(got() == 0);
    CHECK(set(LONG_MAX, 0).ok());
    CHECK(got() == 0);
    CHECK(set(1'000'000'000'000, 0).ok());
    CHECK(got() == 1'000'000'000'000'000'000);
    // In ticks, of which there are 250 a second, it would be about the longest that Linux can wait: that is for ever.
    CHECK(set(LONG_MAX / 250 - 1, 0).ok());
    CHECK(got() == 0);
    CHECK(set(LONG_MAX / 250 - 2, 0).ok());
    CHECK(seconds(on.backend, socket, option) == LONG_MAX / 250 - 2);
    CHECK(set(0, 0).ok());
    CHECK(got() == 0);
  }
  char bytes[4] = {};
  ::socklen_t n = 3;
  REQUIRE(set_limit(on.backend, socket, SO_RCVTIMEO, 0x010203, 0).ok());
  CHECK(on.backend.getsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, bytes, &n).ok());
  CHECK(n == 3);
  CHECK(std::string(bytes, 4) == std::string("\3\2\1\0", 4));
}

TEMPLATE_LIST_TEST_CASE("Unix time limit: a datagram socket that reads no more tells it to reads that may wait",
                        "[unix][datagram][time]", test::AllBackends) {
  TestType on;
  const test::UnixSockets calls{on, SOCK_DGRAM};
  const auto pair = calls.pair(0);
  REQUIRE(calls.shutdown(pair[0], SHUT_RD).ok());
  const auto read = [&] {
    char byte = 0;
    return on.backend.read(pair[0].get(), &byte, 1);
  };
  CHECK(read() == std::size_t{0});
  REQUIRE(set_limit(on.backend, pair[0], SO_SNDTIMEO, -1, 0).ok());
  CHECK(read() == std::size_t{0});
  REQUIRE(set_limit(on.backend, pair[0], SO_RCVTIMEO, -1, 0).ok());
  CHECK(read() == unsent(EAGAIN));
  REQUIRE(set_limit(on.backend, pair[0], SO_SNDTIMEO, 0, 0).ok());
  CHECK(read() == unsent(EAGAIN));
  REQUIRE(set_limit(on.backend, pair[0], SO_RCVTIMEO, 1, 0).ok());
  REQUIRE(on.backend.fcntl(pair[0].get(), F_SETFL, O_NONBLOCK).ok());
  CHECK(read() == unsent(EAGAIN));
}

TEMPLATE_LIST_TEST_CASE("Unix time limit: a send that may not wait does not, however long reads may", "[unix][time]",
                        test::AllBackends) {
  TestType on;
  const test::UnixSockets calls{on};
  const auto pair = calls.pair(0);
  while (calls.send(pair[0], "x", MSG_DONTWAIT).ok()) continue;
  REQUIRE(set_limit(on.backend, pair[0], SO_SNDTIMEO, -1, 0).ok());
  CHECK(calls.send(pair[0], "x") == unsent(EAGAIN));
}

TEMPLATE_LIST_TEST_CASE("Unix time limit: connect asks how long writes may take", "[unix][time]", test::AllBackends) {
  TestType on;
  const test::UnixSockets calls{on};
  const test::UnixNames<TestType> names;
  const std::string address = names.abstract_address("a");
  const auto listener = calls.listener(address, 0);
  const auto first = calls.connected(address);
  const auto client = calls.fresh(0);
  const auto connect = [&] { return calls.connect(client, address); };
  REQUIRE(set_limit(on.backend, client, SO_RCVTIMEO, -1, 0).ok());
  REQUIRE(set_limit(on.backend, client, SO_SNDTIMEO, 0, 20'000).ok());
  CHECK(after(on.backend, 20ms, connect) == failed(EAGAIN));
  REQUIRE(set_limit(on.backend, client, SO_RCVTIMEO, 3600, 0).ok());
  REQUIRE(set_limit(on.backend, client, SO_SNDTIMEO, -1, 0).ok());
  CHECK(after(on.backend, 0ms, connect) == failed(EAGAIN));
}

TEST_CASE("Unix time limit: nothing is none", "[unix][time][emulated]") {
  test::OnEmulated on;
  const test::UnixSockets calls{on};
  const auto pair = calls.pair(0);
  REQUIRE(set_limit(on.backend, pair[0], SO_RCVTIMEO, 0, 1).ok());
  CHECK(calls.receive(pair[0]) == nothing(EAGAIN));
  REQUIRE(set_limit(on.backend, pair[0], SO_RCVTIMEO, 0, 0).ok());
  CHECK_THROWS_AS(calls.receive(pair[0]), kernel::Deadlock);
}

TEMPLATE_LIST_TEST_CASE("Unix time limit: accept asks how long reads may take", "[unix][time]", test::AllBackends) {
  TestType on;
  const test::UnixSockets calls{on};
  const test::UnixNames<TestType> names;
  const auto listener = calls.listener(names.abstract_address("a"), 1);
  REQUIRE(on.backend.fcntl(listener.get(), F_SETFL, 0).ok());
  const auto accept = [&] { return on.backend.accept4(listener.get(), nullptr, nullptr, 0); };
  const auto none = SysResult<int>::failure(EAGAIN);
  REQUIRE(set_limit(on.backend, listener, SO_SNDTIMEO, -1, 0).ok());
  REQUIRE(set_limit(on.backend, listener, SO_RCVTIMEO, 0, 20'000).ok());
  CHECK(after(on.backend, 20ms, accept) == none);
  REQUIRE(set_limit(on.backend, listener, SO_SNDTIMEO, 3600, 0).ok());
  REQUIRE(set_limit(on.backend, listener, SO_RCVTIMEO, -1, 0).ok());
  CHECK(after(on.backend, 0ms, accept) == none);
}

TEMPLATE_LIST_TEST_CASE("Unix time limit: a receive waits so long, and no longer", "[unix][time]", test::AllBackends) {
  TestType on;
  for (const int type : types) {
    CAPTURE(type);
    const test::UnixSockets calls{on, type};
    const auto pair = calls.pair(0);
    REQUIRE(set_limit(on.backend, pair[0], SO_RCVTIMEO, 0, 20'000).ok());
    char byte = 0;
    CHECK(after(on.backend, 20ms, [&] { return calls.receive(pair[0]); }) == nothing(EAGAIN));
    CHECK(after(on.backend, 20ms, [&] { return calls.receive(pair[0], 0); }) == nothing(EAGAIN));
    CHECK(after(on.backend, 20ms, [&] { return on.backend.read(pair[0].get(), &byte, 1); }) == unsent(EAGAIN));
    REQUIRE(calls.send(pair[1], "abc").ok());
    if (type == SOCK_STREAM) {
      CHECK(after(on.backend, 20ms, [&] { return calls.receive(pair[0], 9, MSG_WAITALL); }) == text("abc"));
    } else {
      CHECK(calls.receive(pair[0]) == text("abc"));
    }
    REQUIRE(set_limit(on.backend, pair[0], SO_RCVTIMEO, -1, 0).ok());
    CHECK(calls.receive(pair[0]) == nothing(EAGAIN));
    CHECK(on.backend.read(pair[0].get(), &byte, 1) == unsent(EAGAIN));
    // Who will not wait is not told of the end on a datagram socket.
    REQUIRE(calls.shutdown(pair[0], SHUT_RD).ok());
    CHECK(calls.receive(pair[0]) == (type == SOCK_DGRAM ? nothing(EAGAIN) : text("")));
    REQUIRE(set_limit(on.backend, pair[0], SO_RCVTIMEO, 0, 1).ok());
    CHECK(calls.receive(pair[0]) == text(""));
  }
}

TEMPLATE_LIST_TEST_CASE("Unix options: a read of a stream waits for as much as it is told to", "[unix][options][time]",
                        test::AllBackends) {
  TestType on;
  for (const int type : types) {
    CAPTURE(type);
    const test::UnixSockets calls{on, type};
    const auto pair = calls.pair(0);
    CHECK(calls.option(pair[0], SO_RCVLOWAT) == 1);
    CHECK(calls.set_option(pair[0], SO_RCVLOWAT, -1).ok());
    CHECK(calls.option(pair[0], SO_RCVLOWAT) == INT_MAX);
    CHECK(calls.set_option(pair[0], SO_RCVLOWAT, 0).ok());
    CHECK(calls.option(pair[0], SO_RCVLOWAT) == 1);
    CHECK(calls.set_option(pair[0], SO_RCVLOWAT, 5).ok());
    REQUIRE(set_limit(on.backend, pair[0], SO_RCVTIMEO, 0, 20'000).ok());
    REQUIRE(calls.send(pair[1], "abc").ok());
    CHECK(calls.bits(pair[0]) == (EventFlags::in | EventFlags::out));
    CHECK(calls.receive(pair[0], 9, MSG_PEEK | MSG_DONTWAIT) == text("abc"));
    const auto least = type == SOCK_STREAM ? 20ms : 0ms;
    CHECK(after(on.backend, least, [&] { return calls.receive(pair[0], 9); }) == text("abc"));
    REQUIRE(calls.send(pair[1], "abc").ok());
    CHECK(calls.receive(pair[0], 3) == text("abc"));
    REQUIRE(calls.send(pair[1], "abc").ok());
    CHECK(calls.receive(pair[0], 9, MSG_DONTWAIT) == text("abc"));
  }
}

TEMPLATE_LIST_TEST_CASE("Unix time limit: a send waits so long, and no longer", "[unix][time]", test::AllBackends) {
  TestType on;
  for (const int type : types) {
    CAPTURE(type);
    const test::UnixSockets calls{on, type};
    const auto pair = calls.pair(0);
    REQUIRE(set_limit(on.backend, pair[0], SO_RCVTIMEO, -1, 0).ok());  // Which is about receiving.
    REQUIRE(set_limit(on.backend, pair[0], SO_SNDTIMEO, 0, 20'000).ok());
    if (type == SOCK_STREAM) {
      CHECK(after(on.backend, 20ms, [&] { return calls.send(pair[0], std::string(500'000, 'x')); }) ==
            std::size_t{219264});
    } else {
      while (calls.send(pair[0], std::string(10'000, 'x'), MSG_DONTWAIT).ok()) continue;
    }
    CHECK(after(on.backend, 20ms, [&] { return calls.send(pair[0], "x"); }) == unsent(EAGAIN));
    CHECK(after(on.backend, 20ms, [&] { return on.backend.write(pair[0].get(), "x", 1); }) == unsent(EAGAIN));
    REQUIRE(set_limit(on.backend, pair[0], SO_SNDTIMEO, -1, 0).ok());
    CHECK(calls.send(pair[0], "x") == unsent(EAGAIN));
  }
}

TEMPLATE_LIST_TEST_CASE("Unix time limit: a message that waited at a full receiver is given up", "[unix][time]",
                        test::AllBackends) {
  TestType on;
  const test::UnixSockets calls{on, SOCK_DGRAM};
  const test::UnixNames<TestType> names;
  const std::string address = names.abstract_address("full");
  const auto receiver = calls.fresh();
  REQUIRE(calls.bind(receiver, address).ok());
  const auto sender = calls.fresh(0);
  for (int i = 0; i < 11; ++i) REQUIRE(calls.send_to(sender, "x", address).ok());
  REQUIRE(set_limit(on.backend, sender, SO_SNDTIMEO, 0, 20'000).ok());
  const int before = calls.in_flight(sender);
  CHECK(after(on.backend, 20ms, [&] { return calls.send_to(sender, "late", address); }) == unsent(EAGAIN));
  CHECK(calls.in_flight(sender) == before);
  for (int i = 0; i < 11; ++i) CHECK(calls.receive(receiver) == text("x"));
  CHECK(calls.receive(receiver) == nothing(EAGAIN));
}

TEMPLATE_LIST_TEST_CASE("Unix time limit: accept waits as a receive, and connect as a send", "[unix][time]",
                        test::AllBackends) {
  TestType on;
  const test::UnixSockets calls{on};
  const test::UnixNames<TestType> names;
  const std::string address = names.abstract_address("a");
  const auto listener = calls.listener(address, 0, 0);
  REQUIRE(set_limit(on.backend, listener, SO_RCVTIMEO, 0, 20'000).ok());
  const auto accept = [&] { return on.backend.accept4(listener.get(), nullptr, nullptr, 0); };
  CHECK(after(on.backend, 20ms, accept) == SysResult<int>::failure(EAGAIN));
  const auto first = calls.connected(address);
  const auto late = calls.fresh(0);
  REQUIRE(set_limit(on.backend, late, SO_SNDTIMEO, 0, 20'000).ok());
  CHECK(after(on.backend, 20ms, [&] { return calls.connect(late, address); }) == failed(EAGAIN));
  // What was accepted has no limit of its listener's.
  const auto accepted = calls.accepted(listener);
  CHECK(limit(on.backend, accepted, SO_RCVTIMEO) == 0);
}
