#include "../support/bad_pointers.hpp"
#include "../support/unix_sockets.hpp"

#include <vector>

using namespace rouse;
using F = EventFlags;
using test::end_of_stream;
using test::nothing;
using test::text;
using test::unsent;

namespace {

/// Flags of send and recv that a unix stream takes and does nothing about.
constexpr int ignored_flags[] = {MSG_DONTROUTE, MSG_CTRUNC,   MSG_EOR,   MSG_SYN,   MSG_CONFIRM,
                                 MSG_RST,       MSG_ERRQUEUE, MSG_MORE,  MSG_BATCH, 0x80000,
                                 0x100000,      0x1000000,    0x2000000, 0x8000000, MSG_FASTOPEN};

}  // namespace

TEMPLATE_LIST_TEST_CASE("Unix stream: a look at no bytes is no error", "[unix][flags]", test::AllBackends) {
  TestType on;
  const test::UnixSockets calls{on, SOCK_STREAM};
  const auto pair = calls.pair();
  REQUIRE(calls.send(pair[0], "abc").ok());
  CHECK(calls.receive(pair[1], 0, MSG_PEEK) == test::text(""));
  CHECK(calls.receive(pair[1], 0) == test::text(""));
  CHECK(calls.receive(pair[1], 3, MSG_PEEK) == test::text("abc"));
}

TEMPLATE_LIST_TEST_CASE("Unix stream: a peek takes nothing, and sees across chunks", "[unix][flags]",
                        test::AllBackends) {
  TestType on;
  test::UnixSockets calls{on};
  auto pair = calls.pair();
  CHECK(calls.receive(pair[1], 9, MSG_PEEK) == nothing(EAGAIN));
  REQUIRE(calls.send(pair[0], "abc").ok());
  REQUIRE(calls.send(pair[0], "defg").ok());
  CHECK(calls.receive(pair[1], 9, MSG_PEEK) == text("abcdefg"));
  CHECK(calls.receive(pair[1], 5, MSG_PEEK) == text("abcde"));
  CHECK(calls.receive(pair[1], 9, MSG_PEEK | MSG_WAITALL) == text("abcdefg"));
  CHECK(calls.in_flight(pair[0]) == 2 * 768);
  CHECK(calls.readable(pair[1]) == 7);
  CHECK(calls.receive(pair[1], 2) == text("ab"));
  CHECK(calls.receive(pair[1], 9, MSG_PEEK) == text("cdefg"));
  CHECK(calls.receive(pair[1], 9) == text("cdefg"));
  CHECK(calls.receive(pair[1], 9, MSG_PEEK) == nothing(EAGAIN));
  REQUIRE(pair[0].close().ok());
  CHECK(calls.receive(pair[1], 9, MSG_PEEK) == end_of_stream());
}

TEMPLATE_LIST_TEST_CASE("Unix stream: a peek takes an error all the same", "[unix][flags]", test::AllBackends) {
  TestType on;
  test::UnixSockets calls{on};
  auto pair = calls.pair();
  REQUIRE(calls.send(pair[1], "unread").ok());
  REQUIRE(pair[0].close().ok());
  CHECK(calls.receive(pair[1], 9, MSG_PEEK) == nothing(ECONNRESET));
  CHECK(calls.receive(pair[1], 9, MSG_PEEK) == end_of_stream());
}

TEMPLATE_LIST_TEST_CASE("Unix stream: a stream has nothing to cut, so MSG_TRUNC changes nothing", "[unix][flags]",
                        test::AllBackends) {
  TestType on;
  test::UnixSockets calls{on};
  auto pair = calls.pair();
  REQUIRE(calls.send(pair[0], "abcdef").ok());
  CHECK(on.backend.recvfrom(pair[1].get(), nullptr, 3, MSG_TRUNC, nullptr, nullptr) == unsent(EFAULT));
  CHECK(calls.receive(pair[1], 3, MSG_TRUNC) == text("abc"));
  CHECK(calls.receive(pair[1], 9, MSG_TRUNC) == text("def"));
}

TEMPLATE_LIST_TEST_CASE("Unix stream: MSG_WAITALL does not make a non-blocking call wait", "[unix][flags]",
                        test::AllBackends) {
  TestType on;
  test::UnixSockets calls{on};
  auto pair = calls.pair(0);
  REQUIRE(calls.send(pair[0], "abc").ok());
  CHECK(calls.receive(pair[1], 9, MSG_WAITALL | MSG_DONTWAIT) == text("abc"));
  CHECK(calls.receive(pair[1], 9, MSG_WAITALL | MSG_DONTWAIT) == nothing(EAGAIN));
  REQUIRE(calls.send(pair[0], "abc").ok());
  REQUIRE(calls.send(pair[0], "def").ok());
  CHECK(calls.receive(pair[1], 5, MSG_WAITALL) == text("abcde"));
  REQUIRE(calls.shutdown(pair[0], SHUT_WR).ok());
  CHECK(calls.receive(pair[1], 9, MSG_WAITALL) == text("f"));
}

TEMPLATE_LIST_TEST_CASE("Unix stream: MSG_DONTWAIT keeps one call of a blocking socket from waiting", "[unix][flags]",
                        test::AllBackends) {
  TestType on;
  test::UnixSockets calls{on};
  auto pair = calls.pair(0);
  CHECK(calls.receive(pair[1], 9, MSG_DONTWAIT) == nothing(EAGAIN));
  CHECK(calls.send(pair[0], std::string(500000, 'x'), MSG_DONTWAIT) == std::size_t{219264});
  CHECK(calls.send(pair[0], "x", MSG_DONTWAIT) == unsent(EAGAIN));
  CHECK(on.backend.fcntl(pair[0].get(), F_GETFL) == SysResult<int>{O_RDWR});
}

TEMPLATE_LIST_TEST_CASE("Unix stream: other flags are taken and do nothing", "[unix][flags]", test::AllBackends) {
  TestType on;
  test::UnixSockets calls{on};
  auto pair = calls.pair();
  for (const int flag : ignored_flags) {
    CAPTURE(flag);
    CHECK(calls.send(pair[0], "abc", flag) == std::size_t{3});
    CHECK(calls.receive(pair[1], 2, flag) == text("ab"));
    CHECK(calls.receive(pair[1], 2, flag | MSG_NOSIGNAL) == text("c"));
    CHECK(calls.receive(pair[1], 2, flag) == nothing(EAGAIN));
  }
}

TEMPLATE_LIST_TEST_CASE("Unix stream: moving nothing", "[unix][flags][zero]", test::AllBackends) {
  TestType on;
  test::UnixSockets calls{on};
  auto pair = calls.pair();
  CHECK(calls.send(pair[0], "") == std::size_t{0});
  CHECK(on.backend.write(pair[0].get(), nullptr, 0) == std::size_t{0});
  CHECK(calls.bits(pair[1]) == F::out);

  // A receive of nothing still asks whether there is something; read(2) and readv(2) do not get so far.
  CHECK(calls.receive(pair[1], 0) == nothing(EAGAIN));
  CHECK(calls.receive(pair[1], 0, MSG_PEEK) == nothing(EAGAIN));
  CHECK(on.backend.read(pair[1].get(), nullptr, 0) == std::size_t{0});
  CHECK(on.backend.readv(pair[1].get(), nullptr, 0) == std::size_t{0});
  REQUIRE(calls.send(pair[0], "abc").ok());
  CHECK(calls.receive(pair[1], 0) == text(""));
  CHECK(calls.receive(pair[1], 0, MSG_PEEK) == text(""));
  CHECK(on.backend.read(pair[1].get(), nullptr, 0) == std::size_t{0});
  CHECK(calls.receive(pair[1]) == text("abc"));

  REQUIRE(calls.send(pair[1], "unread").ok());
  REQUIRE(pair[0].close().ok());
  CHECK(on.backend.read(pair[1].get(), nullptr, 0) == std::size_t{0});
  CHECK(on.backend.writev(pair[1].get(), nullptr, 0) == std::size_t{0});
  CHECK(calls.receive(pair[1], 0) == nothing(ECONNRESET));
  CHECK(calls.receive(pair[1], 0) == end_of_stream());
}

TEMPLATE_LIST_TEST_CASE("Unix stream: a bad address moves nothing", "[unix][flags][fault]", test::AllBackends) {
  TestType on;
  test::UnixSockets calls{on};
  auto pair = calls.pair();
  const auto receive = [&](void* to, std::size_t n) {
    return on.backend.recvfrom(pair[1].get(), to, n, 0, nullptr, nullptr);
  };
  const auto send = [&](const void* from, std::size_t n) {
    return on.backend.sendto(pair[0].get(), from, n, MSG_NOSIGNAL, nullptr, 0);
  };
  SECTION("it is noticed when something would be moved") {
    CHECK(receive(test::unmapped(), 3) == unsent(EAGAIN));
    CHECK(send(test::unmapped(), 3) == unsent(EFAULT));
    CHECK(calls.bits(pair[1]) == F::out);
    REQUIRE(calls.send(pair[0], "abc").ok());
    CHECK(receive(test::unmapped(), 3) == unsent(EFAULT));
    CHECK(receive(nullptr, 3) == unsent(EFAULT));
    CHECK(receive(nullptr, 0) == std::size_t{0});
    CHECK(on.backend.read(pair[1].get(), test::unmapped(), 3) == unsent(EFAULT));
    CHECK(calls.receive(pair[1]) == text("abc"));
  }
  SECTION("but after all other reasons not to") {
    REQUIRE(calls.send(pair[0], std::string(500000, 'x')).ok());
    CHECK(send(test::unmapped(), 3) == unsent(EAGAIN));
    REQUIRE(calls.shutdown(pair[0], SHUT_WR).ok());
    CHECK(send(test::unmapped(), 3) == unsent(EPIPE));
    REQUIRE(pair[0].close().ok());
    CHECK(calls.receive(pair[1], 500000).bytes.size() == 219264);
    CHECK(receive(test::unmapped(), 3) == std::size_t{0});
  }
  SECTION("the kernel's half is refused at once") {
    CHECK(receive(test::in_kernel_space(), 3) == unsent(EFAULT));
    CHECK(receive(test::in_kernel_space(), 0) == unsent(EFAULT));
    CHECK(send(test::in_kernel_space(), 3) == unsent(EFAULT));
    CHECK(on.backend.recvfrom(-1, test::in_kernel_space(), 3, 0, nullptr, nullptr) == unsent(EFAULT));
    CHECK(on.backend.sendto(-1, test::in_kernel_space(), 3, 0, nullptr, 0) == unsent(EFAULT));
    CHECK(on.backend.read(-1, test::in_kernel_space(), 3) == unsent(EBADF));
  }
}

TEMPLATE_LIST_TEST_CASE("Unix stream: a chunk that meets a bad address is not moved at all, and those before it are",
                        "[unix][flags][fault]", test::AllBackends) {
  TestType on;
  test::UnixSockets calls{on};
  auto pair = calls.pair();
  SECTION("reading") {
    REQUIRE(calls.send(pair[0], "abc").ok());
    REQUIRE(calls.send(pair[0], "defghij").ok());
    char bytes[6] = {};
    const ::iovec vectors[] = {{bytes, 5}, {test::unmapped(), 5}};
    CHECK(on.backend.readv(pair[1].get(), vectors, 2) == std::size_t{3});
    CHECK(on.backend.readv(pair[1].get(), vectors, 2) == unsent(EFAULT));
    CHECK(calls.readable(pair[1]) == 7);
    CHECK(calls.receive(pair[1]) == text("defghij"));
  }
  SECTION("writing") {
    std::vector<char> bytes(73088 + 100, 'x');
    const ::iovec vectors[] = {{bytes.data(), bytes.size()}, {test::unmapped(), 1000}};
    CHECK(on.backend.writev(pair[0].get(), vectors, 2) == std::size_t{73088});
    CHECK(calls.in_flight(pair[0]) == 2 * 37120);
    const ::iovec small[] = {{bytes.data(), 100}, {test::unmapped(), 1000}};
    CHECK(on.backend.writev(pair[0].get(), small, 2) == unsent(EFAULT));
    CHECK(calls.readable(pair[1]) == 73088);
  }
}

TEMPLATE_LIST_TEST_CASE("Unix stream: a call moves less than 2 GiB, so more room is cut to that", "[unix][flags]",
                        test::AllBackends) {
  TestType on;
  test::UnixSockets calls{on};
  auto pair = calls.pair();
  REQUIRE(calls.send(pair[0], "abc").ok());
  static char bytes[4];  // Not on the stack, which may be too near the end of user space for so much room.
  // Cut first: the end of so much room would not be in user space.
  const volatile std::size_t most = SIZE_MAX;  // More than the compiler knows to be there.
  const volatile std::size_t much = std::size_t{1} << 33;
  CHECK(on.backend.recvfrom(pair[1].get(), bytes, most, 0, nullptr, nullptr) == std::size_t{3});
  CHECK(std::string(bytes) == "abc");
  REQUIRE(calls.send(pair[0], "def").ok());
  CHECK(on.backend.read(pair[1].get(), bytes, most) == unsent(EFAULT));
  CHECK(on.backend.read(pair[1].get(), bytes, much) == std::size_t{3});
}
