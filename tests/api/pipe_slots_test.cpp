// How a pipe is filled: in slots of a page, the last of which may be topped up. Room is counted in slots, not bytes.
#include "../support/raw_pipe.hpp"
#include "../support/wake_keys.hpp"

#include <vector>

using namespace rouse;
using test::RawPipe;

namespace {

using Size = SysResult<std::size_t>;
using Int = SysResult<int>;

constexpr Size would_block() { return Size::failure(EAGAIN); }

/// How many slots are in use: fills the others, with pages, which are never merged.
template <class On>
int slots_in_use(RawPipe<On>& pipe, const On& on) {
  return on.backend.fcntl(pipe.writer(), F_GETPIPE_SZ).value() / 4096 - pipe.fill();
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("Pipe: sixteen slots of 4096 bytes", "[pipe][slots]", test::AllWays) {
  TestType on;
  RawPipe<TestType> pipe{on};
  CHECK(on.backend.fcntl(pipe.reader(), F_GETPIPE_SZ) == 65536);
  CHECK(on.backend.fcntl(pipe.writer(), F_GETPIPE_SZ) == 65536);
  CHECK(pipe.fill() == 16);
  CHECK(pipe.queued() == 65536);
}

TEMPLATE_LIST_TEST_CASE("Pipe: it is full when all slots are used, though bytes still fit by merging", "[pipe][slots]",
                        test::AllWays) {
  TestType on;
  RawPipe<TestType> pipe{on};
  for (int i = 0; i < 61440; ++i) REQUIRE(pipe.write(1) == 1);
  CHECK_FALSE(pipe.is_full());
  CHECK(pipe.write(1) == 1);
  CHECK(pipe.is_full());
  int more = 0;
  while (pipe.write(1).ok()) ++more;
  CHECK(more == 4095);
  CHECK(pipe.write(1) == would_block());
  CHECK(pipe.drained_since(0));
}

TEMPLATE_LIST_TEST_CASE("Pipe: a write tops up the last slot with what is beyond whole pages, if all of that fits",
                        "[pipe][slots]", test::AllWays) {
  TestType on;
  struct Row {
    std::vector<std::size_t> writes;
    int slots;
  };
  const std::vector<Row> rows{{{1}, 1},
                              {{4096}, 1},
                              {{4097}, 2},
                              {{1, 1}, 1},
                              {{4095, 1}, 1},
                              {{4096, 1}, 2},
                              {{1, 4096}, 2},
                              {{4000, 96}, 1},
                              {{4000, 97}, 2},
                              {{4000, 200}, 2},
                              {{4000, 4192}, 2},
                              {{4000, 4193}, 3},
                              {{4000, 4096}, 2},
                              {{5000, 3000}, 2},
                              {{5000, 3193}, 3},
                              {{5000, 3192}, 2},
                              {{5000, 3192 + 8192}, 4},
                              {{100, 4096, 100}, 3}};
  for (const Row& row : rows) {
    CAPTURE(row.writes.front(), row.writes.back());
    RawPipe<TestType> pipe{on};
    for (const std::size_t n : row.writes) REQUIRE(pipe.write(n) == n);
    CHECK(slots_in_use(pipe, on) == row.slots);
  }
}

TEMPLATE_LIST_TEST_CASE("Pipe: equal writes until none fits", "[pipe][slots]", test::AllWays) {
  TestType on;
  struct Row {
    std::size_t size;
    int writes;
    std::size_t last;  // What the last of them wrote.
    int queued;
  };
  for (const Row row : {Row{2048, 32, 2048, 65536},
                        {2049, 16, 2049, 32784},
                        {4095, 16, 4095, 65520},
                        {4096, 16, 4096, 65536},
                        {5000, 11, 4096, 54096},
                        {8192, 8, 8192, 65536},
                        {65535, 1, 65535, 65535},
                        {70000, 1, 65536, 65536}}) {
    CAPTURE(row.size);
    RawPipe<TestType> pipe{on};
    int writes = 0;
    std::size_t last = 0;
    for (Size wrote = pipe.write(row.size); wrote.ok() && writes < row.writes; wrote = pipe.write(row.size)) {
      last = wrote.value();
      ++writes;
    }
    CHECK(writes == row.writes);
    CHECK(last == row.last);
    CHECK(pipe.queued() == row.queued);
    CHECK(pipe.drained_since(0));
  }
}

TEMPLATE_LIST_TEST_CASE("Pipe: bytes that were read still take their room in the slot", "[pipe][slots]",
                        test::AllWays) {
  TestType on;
  RawPipe<TestType> pipe{on};
  pipe.fill(15);
  REQUIRE(pipe.write(4000) == 4000);
  REQUIRE(pipe.read(61440 + 3999) == 61440 + 3999);
  REQUIRE(pipe.fill(15) == 15);
  CHECK(pipe.is_full());
  CHECK(pipe.write(97) == would_block());
  RawPipe<TestType> last{on};
  REQUIRE(last.write(4000) == 4000);
  REQUIRE(last.read(3999) == 3999);
  REQUIRE(last.write(96) == 96);
  REQUIRE(last.write(1) == 1);
  CHECK(slots_in_use(last, on) == 2);
}

TEMPLATE_LIST_TEST_CASE("Pipe: with all slots used, a write may still be a part of itself", "[pipe][slots]",
                        test::AllWays) {
  TestType on;
  RawPipe<TestType> pipe{on};
  pipe.fill(15);
  REQUIRE(pipe.write(1) == 1);
  CHECK(pipe.write(4096) == would_block());  // Nothing beyond whole pages, nothing to merge.
  CHECK(pipe.write(8192) == would_block());
  CHECK(pipe.write(5000) == 904);
  CHECK(pipe.write(4096 + 3191) == 3191);
  CHECK(pipe.write(1) == would_block());
  CHECK(pipe.drained_since(0));
}

TEMPLATE_LIST_TEST_CASE("Pipe: up to 4096 bytes go in whole or not at all", "[pipe][slots]", test::AllWays) {
  TestType on;
  for (const std::size_t size : std::initializer_list<std::size_t>{1, 100, 4095, 4096}) {
    CAPTURE(size);
    RawPipe<TestType> pipe{on};
    pipe.fill(15);
    CHECK(pipe.write(size) == size);
    RawPipe<TestType> full{on};
    full.fill();
    CHECK(full.write(size) == would_block());
  }
}

TEMPLATE_LIST_TEST_CASE("Pipe: a slot is free once its last byte was read", "[pipe][slots]", test::AllWays) {
  TestType on;
  RawPipe<TestType> pipe{on};
  pipe.fill();
  REQUIRE(pipe.read(4095) == 4095);
  CHECK(pipe.is_full());
  CHECK(pipe.write(1) == would_block());
  REQUIRE(pipe.read(1) == 1);
  CHECK_FALSE(pipe.is_full());
  CHECK(pipe.write(100) == 100);
  CHECK(pipe.is_full());
  CHECK(pipe.drained_since(4096));
}

TEMPLATE_LIST_TEST_CASE("Pipe: sizes are rounded up to a power of two of pages", "[pipe][resize]", test::AllWays) {
  TestType on;
  struct Row {
    long bytes;
    Int size;
  };
  RawPipe<TestType> pipe{on};
  for (const Row row : {Row{0, 4096},
                        {1, 4096},
                        {4096, 4096},
                        {4097, 8192},
                        {8193, 16384},
                        {12289, 16384},
                        {65536, 65536},
                        {1 << 20, 1 << 20},
                        // The kernel looks at the lower 32 bits.
                        {long{1} << 40, 4096},
                        {(long{1} << 31) + 1, Int::failure(EINVAL)},
                        {-1, Int::failure(EINVAL)}}) {
    CAPTURE(row.bytes);
    const int before = on.backend.fcntl(pipe.writer(), F_GETPIPE_SZ).value();
    CHECK(pipe.resize(row.bytes) == row.size);
    CHECK(on.backend.fcntl(pipe.reader(), F_GETPIPE_SZ) == (row.size.ok() ? row.size : Int{before}));
  }
  CHECK(on.backend.fcntl(pipe.reader(), F_SETPIPE_SZ, 8192) == 8192);
  CHECK(on.backend.fcntl(pipe.writer(), F_GETPIPE_SZ) == 8192);
}

TEMPLATE_LIST_TEST_CASE("Pipe: it cannot be made smaller than what is in use", "[pipe][resize]", test::AllWays) {
  TestType on;
  RawPipe<TestType> pipe{on};
  pipe.fill(5);
  CHECK(pipe.resize(16384) == Int::failure(EBUSY));
  CHECK(pipe.resize(20480) == 32768);
  CHECK_FALSE(pipe.is_full());
  pipe.fill();
  CHECK(pipe.queued() == 32768);
  CHECK(pipe.resize(32768) == 32768);
  CHECK(pipe.is_full());
  CHECK(pipe.resize(65536) == 65536);
  CHECK_FALSE(pipe.is_full());
  CHECK(pipe.fill() == 8);
  CHECK(pipe.drained_since(0));
}

TEMPLATE_LIST_TEST_CASE("Pipe: shrinking to what is in use makes it full", "[pipe][resize]", test::AllWays) {
  TestType on;
  RawPipe<TestType> pipe{on};
  pipe.fill(8);
  CHECK_FALSE(pipe.is_full());
  CHECK(pipe.resize(32768) == 32768);
  CHECK(pipe.is_full());
  CHECK(pipe.write(1) == would_block());
}

TEMPLATE_LIST_TEST_CASE("Pipe: its size can be changed when one end is closed", "[pipe][resize]", test::AllWays) {
  TestType on;
  RawPipe<TestType> no_reader{on};
  no_reader.close_reader();
  CHECK(no_reader.resize(8192) == 8192);
  RawPipe<TestType> no_writer{on};
  no_writer.close_writer();
  CHECK(on.backend.fcntl(no_writer.reader(), F_SETPIPE_SZ, 8192) == 8192);
}

TEMPLATE_LIST_TEST_CASE("Pipe: a new size wakes whoever wants to write, whatever it is", "[pipe][resize][wake]",
                        test::AllWays) {
  TestType on;
  RawPipe<TestType> pipe{on};
  test::WakeKeys<TestType> reader_keys{on, pipe.reader()};
  test::WakeKeys<TestType> writer_keys{on, pipe.writer()};
  const auto any = test::WakeKeys<TestType>::any;
  CHECK(pipe.resize(4096) == 4096);
  CHECK(writer_keys.take() == any);
  CHECK(on.backend.fcntl(pipe.reader(), F_SETPIPE_SZ, 4096) == 4096);
  CHECK(writer_keys.take() == any);
  REQUIRE(pipe.write(1) == 1);
  static_cast<void>(reader_keys.take());
  CHECK(pipe.resize(4096) == 4096);  // Full before and after.
  CHECK(writer_keys.take() == any);
  CHECK(pipe.resize(65536) == 65536);
  CHECK(writer_keys.take() == any);
  REQUIRE(pipe.fill(3) == 3);
  static_cast<void>(reader_keys.take());
  CHECK(pipe.resize(8192) == Int::failure(EBUSY));
  CHECK(pipe.resize(-1) == Int::failure(EINVAL));
  CHECK(writer_keys.take() == EventFlags{});
  CHECK(reader_keys.take() == EventFlags{});
}

TEMPLATE_LIST_TEST_CASE("Pipe: a write that does not wait and only tops up says so, be it by one byte", "[pipe][slots]",
                        test::AllWays) {
  TestType on;
  RawPipe<TestType> pipe{on};
  for (int i = 0; i < 15; ++i) REQUIRE(pipe.write(4096) == 4096);
  REQUIRE(pipe.write(4095) == 4095);
  CHECK(pipe.write(4098) == would_block());
  CHECK(pipe.write(4097) == 1);
  CHECK(pipe.write(4097) == would_block());
}
