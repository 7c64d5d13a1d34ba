#include "../support/sysctl.hpp"
#include "../support/unix_sockets.hpp"

#include <algorithm>

using namespace rouse;
using F = EventFlags;
using test::failed;
using test::nothing;
using test::text;
using test::unsent;

namespace {

constexpr int default_size = 212992;

/// Sends one byte at a time while that works; returns how often it did.
template <class Calls, class Fd>
int fill_by_bytes(const Calls& calls, const Fd& fd) {
  int sent = 0;
  while (calls.send(fd, "x").ok()) ++sent;
  return sent;
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("Unix stream: a chunk costs what is allocated for it", "[unix][buffer]", test::AllBackends) {
  TestType on;
  test::UnixSockets calls{on};
  struct Row {
    std::size_t bytes;
    int cost;
  };
  constexpr Row rows[] = {
      {1, 768},     {192, 768},   {193, 1280},    {200, 1280},    {704, 1280},    {705, 2304},    {1000, 2304},
      {1728, 2304}, {1729, 4352}, {3776, 4352},   {3777, 4864},   {4000, 4864},   {7872, 8448},   {7873, 8960},
      {8064, 8960}, {8065, 8960}, {36544, 37120}, {36545, 37888}, {65536, 67072}, {73088, 74240}, {100000, 103168},
  };
  for (const Row& row : rows) {
    CAPTURE(row.bytes);
    auto pair = calls.pair();
    CHECK(calls.send(pair[0], std::string(row.bytes, 'x')) == row.bytes);
    CHECK(calls.in_flight(pair[0]) == row.cost);
    CHECK(calls.readable(pair[1]) == static_cast<int>(row.bytes));
    CHECK(calls.receive(pair[1], row.bytes - 1).bytes.size() == row.bytes - 1);
    CHECK(calls.in_flight(pair[0]) > 0);
    CHECK(calls.receive(pair[1], 10) == text("x"));
    CHECK(calls.in_flight(pair[0]) == 0);
  }
}

TEMPLATE_LIST_TEST_CASE("Unix stream: room is counted in cost, and a quarter of it has to be free for OUT",
                        "[unix][buffer][bits]", test::AllBackends) {
  TestType on;
  test::UnixSockets calls{on};
  auto pair = calls.pair();
  int sent = 0;
  for (; calls.bits(pair[0]) == F::out; ++sent) REQUIRE(calls.send(pair[0], "x").ok());
  CHECK(sent == 70);
  CHECK(calls.in_flight(pair[0]) == 70 * 768);
  sent += fill_by_bytes(calls, pair[0]);
  CHECK(sent == 278);
  CHECK(calls.send(pair[0], "x") == unsent(EAGAIN));
  CHECK(calls.in_flight(pair[0]) == 213504);
  CHECK(calls.readable(pair[1]) == 278);
  CHECK(calls.bits(pair[1]) == (F::in | F::out));

  SECTION("one read lets a send through, but OUT stays away") {
    CHECK(calls.receive(pair[1], 1) == text("x"));
    CHECK(calls.bits(pair[0]) == F{});
    CHECK(calls.send(pair[0], "y").ok());
    CHECK(calls.send(pair[0], "y") == unsent(EAGAIN));
  }
  SECTION("OUT is back below a quarter") {
    int taken = 0;
    for (; calls.bits(pair[0]) == F{}; ++taken) CHECK(calls.receive(pair[1], 1) == text("x"));
    CHECK(taken == 209);
    CHECK(calls.in_flight(pair[0]) == 69 * 768);
  }
}

TEMPLATE_LIST_TEST_CASE("Unix stream: a send takes what fits, in whole chunks, the last one too many", "[unix][buffer]",
                        test::AllBackends) {
  TestType on;
  test::UnixSockets calls{on};
  auto pair = calls.pair();
  CHECK(calls.send(pair[0], std::string(500000, 'x')) == std::size_t{219264});
  CHECK(calls.in_flight(pair[0]) == 6 * 37120);
  CHECK(calls.send(pair[0], "x") == unsent(EAGAIN));
  CHECK(calls.send(pair[0], "") == std::size_t{0});

  // Most of a chunk frees nothing.
  CHECK(calls.receive(pair[1], 36543).result == std::size_t{36543});
  CHECK(calls.in_flight(pair[0]) == 6 * 37120);
  CHECK(calls.readable(pair[1]) == 219264 - 36543);
  CHECK(calls.send(pair[0], "x") == unsent(EAGAIN));
  CHECK(calls.receive(pair[1], 1) == text("x"));
  CHECK(calls.send(pair[0], std::string(100000, 'y')) == std::size_t{36544});
}

TEMPLATE_LIST_TEST_CASE("Unix stream: a full socket does not show that the peer will not read any more",
                        "[unix][buffer][bits]", test::AllBackends) {
  TestType on;
  test::UnixSockets calls{on};
  auto pair = calls.pair();
  REQUIRE(calls.send(pair[0], std::string(500000, 'x')).ok());
  REQUIRE(calls.shutdown(pair[1], SHUT_RD).ok());
  CHECK(calls.all_bits(pair[0]) == F{});
  CHECK(calls.send(pair[0], "x") == unsent(EPIPE));
  REQUIRE(calls.shutdown(pair[1], SHUT_WR).ok());
  CHECK(calls.bits(pair[0]) == (F::in | F::hup | F::rdhup));
}

TEMPLATE_LIST_TEST_CASE("Unix stream: one read takes from many chunks", "[unix][buffer]", test::AllBackends) {
  TestType on;
  test::UnixSockets calls{on};
  auto pair = calls.pair();
  for (const char* part : {"one,", "two,", "three"}) REQUIRE(calls.send(pair[0], part).ok());
  CHECK(calls.in_flight(pair[0]) == 3 * 768);
  CHECK(calls.receive(pair[1], 6) == text("one,tw"));
  CHECK(calls.in_flight(pair[0]) == 2 * 768);
  CHECK(calls.readable(pair[1]) == 7);
  CHECK(calls.receive(pair[1]) == text("o,three"));
  CHECK(calls.in_flight(pair[0]) == 0);
}

TEMPLATE_LIST_TEST_CASE("Unix stream: a gathered write is one chunk", "[unix][buffer]", test::AllBackends) {
  TestType on;
  test::UnixSockets calls{on};
  auto pair = calls.pair();
  char bytes[] = "abcd";
  const ::iovec vectors[] = {{bytes, 2}, {nullptr, 0}, {bytes + 2, 2}};
  CHECK(on.backend.writev(pair[0].get(), vectors, 3) == std::size_t{4});
  CHECK(calls.in_flight(pair[0]) == 768);
  char first = 0;
  char rest[5] = {};
  const ::iovec into[] = {{&first, 1}, {rest, 4}};
  CHECK(on.backend.readv(pair[1].get(), into, 2) == std::size_t{4});
  CHECK(first == 'a');
  CHECK(std::string(rest) == "bcd");
}

TEMPLATE_LIST_TEST_CASE("Unix stream: only the sender's buffer counts", "[unix][buffer][options]", test::AllBackends) {
  TestType on;
  test::UnixSockets calls{on};
  auto pair = calls.pair();
  REQUIRE(calls.set_option(pair[1], SO_RCVBUF, 1).ok());
  REQUIRE(calls.set_option(pair[1], SO_SNDBUF, 1).ok());
  CHECK(fill_by_bytes(calls, pair[0]) == 278);
  CHECK(fill_by_bytes(calls, pair[1]) == 6);
}

TEMPLATE_LIST_TEST_CASE("Unix stream: a buffer's size is doubled, and kept within bounds", "[unix][buffer][options]",
                        test::AllBackends) {
  TestType on;
  test::UnixSockets calls{on};
  const auto socket = calls.fresh();
  CHECK(calls.option(socket, SO_SNDBUF) == default_size);
  CHECK(calls.option(socket, SO_RCVBUF) == default_size);
  int most_sent = 0;  // Before doubling.
  int most_received = 0;
  if constexpr (TestType::is_emulated) {
    most_sent = on.kernel.limits.wmem_max;
    most_received = on.kernel.limits.rmem_max;
  } else {
    most_sent = test::sysctl("net/core/wmem_max");
    most_received = test::sysctl("net/core/rmem_max");
  }
  struct Row {
    int asked, send_buffer, receive_buffer;
  };
  const Row rows[] = {
      {0, 4608, 2304},
      {1, 4608, 2304},
      {1152, 4608, 2304},
      {1153, 4608, 2306},
      {2304, 4608, 4608},
      {2305, 4610, 4610},
      {100000, 200000, 200000},
      {most_sent, 2 * most_sent, 2 * std::min(most_sent, most_received)},
      {2147483647, 2 * most_sent, 2 * most_received},
      {-1, 2 * most_sent, 2 * most_received},
      {-2147483647, 2 * most_sent, 2 * most_received},
  };
  for (const Row& row : rows) {
    CAPTURE(row.asked);
    CHECK(calls.set_option(socket, SO_SNDBUF, row.asked).ok());
    CHECK(calls.option(socket, SO_SNDBUF) == row.send_buffer);
    CHECK(calls.set_option(socket, SO_RCVBUF, row.asked).ok());
    CHECK(calls.option(socket, SO_RCVBUF) == row.receive_buffer);
  }
}

TEMPLATE_LIST_TEST_CASE("Unix stream: a small buffer makes small chunks", "[unix][buffer][options]",
                        test::AllBackends) {
  TestType on;
  test::UnixSockets calls{on};
  auto pair = calls.pair();
  REQUIRE(calls.set_option(pair[0], SO_SNDBUF, 0).ok());
  // 4608 / 2 - 64 bytes each, at a cost of 4352; the second may still be started.
  CHECK(calls.send(pair[0], std::string(10000, 'x')) == std::size_t{2 * 2240});
  CHECK(calls.in_flight(pair[0]) == 2 * 4352);
  CHECK(calls.bits(pair[0]) == F{});
  CHECK(calls.send(pair[0], "x") == unsent(EAGAIN));

  // Made larger, it has room at once; made smaller, it is over-full.
  REQUIRE(calls.set_option(pair[0], SO_SNDBUF, 20000).ok());
  CHECK(calls.bits(pair[0]) == F::out);
  CHECK(calls.send(pair[0], "x").ok());
  REQUIRE(calls.set_option(pair[0], SO_SNDBUF, 4000).ok());
  CHECK(calls.send(pair[0], "x") == unsent(EAGAIN));
  CHECK(calls.receive(pair[1], 2240).result == std::size_t{2240});
  CHECK(calls.send(pair[0], "x").ok());
}

TEMPLATE_LIST_TEST_CASE("Unix stream: OUT wants strictly less than a quarter in use", "[unix][buffer][bits]",
                        test::AllBackends) {
  TestType on;
  test::UnixSockets calls{on};
  auto pair = calls.pair();
  REQUIRE(calls.send(pair[0], "x").ok());  // 768 in use.
  REQUIRE(calls.set_option(pair[0], SO_SNDBUF, 0).ok());
  CHECK(calls.bits(pair[0]) == F::out);  // Of 4608, a quarter is 1152.
  REQUIRE(calls.send(pair[0], "x").ok());
  CHECK(calls.bits(pair[0]) == F{});
  REQUIRE(calls.set_option(pair[0], SO_SNDBUF, 3072).ok());
  CHECK(calls.bits(pair[0]) == F{});  // 1536 of 6144: a quarter.
  REQUIRE(calls.set_option(pair[0], SO_SNDBUF, 3073).ok());
  CHECK(calls.bits(pair[0]) == F{});
  REQUIRE(calls.set_option(pair[0], SO_SNDBUF, 3074).ok());
  CHECK(calls.bits(pair[0]) == F::out);  // 4 * (1536 + 1) = 6148.
}

TEMPLATE_LIST_TEST_CASE("Unix stream: what is in flight is freed when the peer is closed, not when it shuts down",
                        "[unix][buffer]", test::AllBackends) {
  TestType on;
  test::UnixSockets calls{on};
  auto pair = calls.pair();
  REQUIRE(calls.send(pair[0], "abc").ok());
  REQUIRE(calls.shutdown(pair[1], SHUT_RDWR).ok());
  CHECK(calls.in_flight(pair[0]) == 768);
  CHECK(calls.readable(pair[1]) == 3);
  CHECK(calls.receive(pair[1], 1) == text("a"));
  REQUIRE(pair[1].close().ok());
  CHECK(calls.in_flight(pair[0]) == 0);
}

TEMPLATE_LIST_TEST_CASE("Unix stream: what a closed end sent stays readable", "[unix][buffer]", test::AllBackends) {
  TestType on;
  test::UnixSockets calls{on};
  auto pair = calls.pair();
  REQUIRE(calls.send(pair[0], std::string(500000, 'x')).value() == 219264);
  REQUIRE(pair[0].close().ok());
  CHECK(calls.readable(pair[1]) == 219264);
  CHECK(calls.in_flight(pair[1]) == 0);
  CHECK(calls.receive(pair[1], 500000).bytes == std::string(219264, 'x'));
}

TEMPLATE_LIST_TEST_CASE("Unix stream: each direction has its own room", "[unix][buffer]", test::AllBackends) {
  TestType on;
  test::UnixSockets calls{on};
  auto pair = calls.pair();
  CHECK(fill_by_bytes(calls, pair[0]) == 278);
  CHECK(calls.bits(pair[1]) == (F::in | F::out));
  CHECK(fill_by_bytes(calls, pair[1]) == 278);
  CHECK(calls.bits(pair[0]) == F::in);
  CHECK(calls.receive(pair[0], 300).bytes == std::string(278, 'x'));
  CHECK(calls.bits(pair[1]) == (F::in | F::out));
  CHECK(calls.bits(pair[0]) == F{});
}
