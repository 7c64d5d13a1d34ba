// Pipes in packet mode (O_DIRECT): one write is one read, and a short read drops the rest.
#include "../support/bad_pointers.hpp"
#include "../support/raw_pipe.hpp"
#include "../support/wake_keys.hpp"

#include <vector>

using namespace rouse;
using test::RawPipe;

namespace {

using Size = SysResult<std::size_t>;
using Sizes = std::vector<std::size_t>;

constexpr int packets = O_NONBLOCK | O_DIRECT;

/// How long the reads of up to `n` bytes are, until nothing is left.
template <class On>
Sizes lengths(const RawPipe<On>& pipe, std::size_t n) {
  Sizes all;
  for (Size got = pipe.read(n); got.ok(); got = pipe.read(n)) all.push_back(got.value());
  return all;
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("Packet pipe: a read returns one packet, however much it asks for", "[pipe][packets]",
                        test::AllWays) {
  TestType on;
  RawPipe<TestType> pipe{on, packets};
  REQUIRE(pipe.write("abcde") == 5);
  REQUIRE(pipe.write("fgh") == 3);
  CHECK(pipe.queued() == 8);
  CHECK(pipe.take(100) == "abcde");
  CHECK(pipe.take(100) == "fgh");
  CHECK(pipe.read(100) == Size::failure(EAGAIN));
}

TEMPLATE_LIST_TEST_CASE("Packet pipe: a short read drops the rest and frees the slot", "[pipe][packets]",
                        test::AllWays) {
  TestType on;
  RawPipe<TestType> pipe{on, packets};
  for (int i = 0; i < 16; ++i) REQUIRE(pipe.write(10) == 10);
  CHECK(pipe.is_full());
  test::WakeKeys<TestType> keys{on, pipe.writer()};
  CHECK(pipe.read(4) == 4);
  CHECK(pipe.queued() == 150);
  CHECK(keys.take() == (EventFlags::out | EventFlags::wrnorm));
  CHECK_FALSE(pipe.is_full());
}

TEMPLATE_LIST_TEST_CASE("Packet pipe: a long write is cut into packets of a page", "[pipe][packets]", test::AllWays) {
  TestType on;
  struct Row {
    std::size_t size;
    Sizes packets;
  };
  for (const Row& row : {Row{4096, {4096}}, {4097, {4096, 1}}, {10000, {4096, 4096, 1808}}}) {
    CAPTURE(row.size);
    RawPipe<TestType> pipe{on, packets};
    REQUIRE(pipe.write(row.size) == row.size);
    CHECK(lengths(pipe, 20000) == row.packets);
  }
  RawPipe<TestType> pipe{on, packets};
  CHECK(pipe.write(70000) == 65536);
  CHECK(lengths(pipe, 70000) == Sizes(16, 4096));
}

TEMPLATE_LIST_TEST_CASE("Packet pipe: each packet takes a slot, be it one byte", "[pipe][packets]", test::AllWays) {
  TestType on;
  RawPipe<TestType> pipe{on, packets};
  int written = 0;
  while (pipe.write(1).ok()) ++written;
  CHECK(written == 16);
  CHECK(pipe.queued() == 16);
}

TEMPLATE_LIST_TEST_CASE("Packet pipe: there is no empty packet, and an empty read takes none", "[pipe][packets]",
                        test::AllWays) {
  TestType on;
  RawPipe<TestType> pipe{on, packets};
  CHECK(pipe.write("") == 0);
  CHECK(pipe.read(10) == Size::failure(EAGAIN));
  REQUIRE(pipe.write("abcde") == 5);
  CHECK(pipe.read(0) == 0);
  CHECK(on.backend.read(pipe.reader(), test::unmapped(), 5) == Size::failure(EFAULT));
  CHECK(pipe.take(100) == "abcde");
}

TEMPLATE_LIST_TEST_CASE("Packet pipe: vectors are one packet", "[pipe][packets][vectors]", test::AllWays) {
  TestType on;
  RawPipe<TestType> pipe{on, packets};
  char memory[6000] = "abcdefghi";
  const ::iovec small[] = {{memory, 2}, {memory + 2, 3}, {memory + 5, 4}};
  CHECK(on.backend.writev(pipe.writer(), small, 3) == 9);
  CHECK(pipe.take(100) == "abcdefghi");
  const ::iovec large[] = {{memory, 3000}, {memory + 3000, 3000}};
  CHECK(on.backend.writev(pipe.writer(), large, 2) == 6000);
  CHECK(lengths(pipe, 10000) == Sizes{4096, 1904});
  char got[100] = {};
  const ::iovec wide[] = {{got, 3}, {got + 3, 4}, {got + 7, 90}};
  const ::iovec narrow[] = {{got, 2}, {got + 2, 1}};
  for (int i = 0; i < 2; ++i) REQUIRE(pipe.write(5 + static_cast<std::size_t>(i)) == 5 + i);
  CHECK(on.backend.readv(pipe.reader(), wide, 3) == 5);
  CHECK(on.backend.readv(pipe.reader(), narrow, 2) == 3);
  CHECK(pipe.queued() == 0);
}

TEMPLATE_LIST_TEST_CASE("Packet pipe: the mode of the writer when it writes is what counts", "[pipe][packets]",
                        test::AllWays) {
  TestType on;
  const auto set_direct = [&](int fd, bool is_on) {
    CHECK(on.backend.fcntl(fd, F_SETFL, is_on ? packets : O_NONBLOCK) == 0);
  };
  SECTION("the reader's mode has no effect") {
    RawPipe<TestType> pipe{on};
    set_direct(pipe.reader(), true);
    REQUIRE(pipe.write(5) == 5);
    REQUIRE(pipe.write(6) == 6);
    CHECK(lengths(pipe, 100) == Sizes{11});
  }
  SECTION("packets stay packets") {
    RawPipe<TestType> pipe{on, packets};
    REQUIRE(pipe.write(5) == 5);
    REQUIRE(pipe.write(6) == 6);
    set_direct(pipe.writer(), false);
    CHECK(pipe.read(3) == 3);
    CHECK(lengths(pipe, 100) == Sizes{6});
  }
  SECTION("a packet is not topped up") {
    RawPipe<TestType> pipe{on, packets};
    REQUIRE(pipe.write(5) == 5);
    set_direct(pipe.writer(), false);
    REQUIRE(pipe.write(6) == 6);
    REQUIRE(pipe.write(7) == 7);
    CHECK(lengths(pipe, 100) == Sizes{5, 13});
  }
  SECTION("a packet tops up a plain slot, and is none then") {
    RawPipe<TestType> pipe{on};
    REQUIRE(pipe.write(5) == 5);
    set_direct(pipe.writer(), true);
    REQUIRE(pipe.write(6) == 6);
    REQUIRE(pipe.write(7) == 7);
    set_direct(pipe.writer(), false);
    REQUIRE(pipe.write(8) == 8);
    CHECK(lengths(pipe, 100) == Sizes{26});
  }
  SECTION("a part of a packet may top up a plain slot") {
    RawPipe<TestType> pipe{on};
    REQUIRE(pipe.write(100) == 100);
    set_direct(pipe.writer(), true);
    REQUIRE(pipe.write(4146) == 4146);
    CHECK(lengths(pipe, 100) == Sizes{100, 100});  // Of the 150, and of the packet, whose rest is dropped.
  }
  SECTION("a packet too long for the plain slot is one of its own") {
    RawPipe<TestType> pipe{on};
    REQUIRE(pipe.write(100) == 100);
    set_direct(pipe.writer(), true);
    REQUIRE(pipe.write(4090) == 4090);
    CHECK(pipe.read(150) == 150);
    CHECK(pipe.queued() == 0);
  }
  SECTION("a read goes through plain slots and ends with a packet") {
    RawPipe<TestType> pipe{on};
    REQUIRE(pipe.write(4096) == 4096);
    set_direct(pipe.writer(), true);
    REQUIRE(pipe.write(6) == 6);
    REQUIRE(pipe.write(7) == 7);
    CHECK(lengths(pipe, 10000) == Sizes{4102, 7});
  }
}
