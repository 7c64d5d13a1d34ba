// eventfd(2) by its raw calls: what they accept, in which order they refuse, what poll says and with which key it
// wakes.
#include "../support/bad_pointers.hpp"
#include "../support/file_limit.hpp"
#include "../support/poll_bits.hpp"
#include "../support/wake_keys.hpp"

#include <array>
#include <sys/ioctl.h>

using namespace rouse;
using test::Handles;

namespace {

using Size = SysResult<std::size_t>;
using Int = SysResult<int>;
using std::uint64_t;

constexpr uint64_t most = 0xfffffffffffffffe;
constexpr uint64_t all_ones = 0xffffffffffffffff;

/// An eventfd by its number, with what reads and writes it.
template <class On>
class Counter {
 public:
  Counter(const On& on, unsigned initial, int flags = EFD_NONBLOCK)
      : backend_(on.backend), fd_(on.backend, on.backend.eventfd(initial, flags).value()) {}

  [[nodiscard]] int fd() const { return fd_.get(); }
  Size write(uint64_t amount) const { return backend_.write(fd(), &amount, sizeof amount); }
  Size read() const {
    uint64_t value = 0;
    const Size got = backend_.read(fd(), &value, sizeof value);
    return got == 8 ? Size{static_cast<std::size_t>(value)} : got;
  }
  /// What a read takes of a count that may not fit into a result.
  uint64_t value() const {
    uint64_t value = 0;
    static_cast<void>(backend_.read(fd(), &value, sizeof value));
    return value;
  }

 private:
  typename On::Backend backend_;
  typename Handles<On>::OwnedFd fd_;
};

constexpr Size would_block() { return Size::failure(EAGAIN); }

}  // namespace

TEMPLATE_LIST_TEST_CASE("eventfd: the initial count has 32 bits", "[eventfd]", test::AllBackends) {
  TestType on;
  for (const unsigned initial : {1u, 2u, 0x7fffffffu, 0x80000000u, 0xffffffffu}) {
    CAPTURE(initial);
    CHECK(Counter{on, initial}.read() == initial);
  }
  CHECK(Counter{on, 0}.read() == would_block());
}

TEMPLATE_LIST_TEST_CASE("eventfd: three flags are known", "[eventfd]", test::AllBackends) {
  TestType on;
  constexpr int known = EFD_SEMAPHORE | EFD_NONBLOCK | EFD_CLOEXEC;
  for (int bit = 0; bit < 32; ++bit) {
    const int flag = static_cast<int>(1u << bit);
    CAPTURE(bit);
    const Int made = on.backend.eventfd(0, flag);
    CHECK(made.error() == ((flag & known) != 0 ? 0 : EINVAL));
    if (!made.ok()) continue;
    const Counter<TestType> counter{on, 0, flag};
    CHECK(on.backend.fcntl(made.value(), F_GETFL) == (O_RDWR | (flag & EFD_NONBLOCK)));
    CHECK(on.backend.fcntl(made.value(), F_GETFD) == (flag == EFD_CLOEXEC ? FD_CLOEXEC : 0));
    CHECK(on.backend.close(made.value()).ok());
  }
  CHECK(on.backend.eventfd(0, known | O_APPEND) == Int::failure(EINVAL));
  CHECK(on.backend.eventfd(0, -1) == Int::failure(EINVAL));
}

TEMPLATE_LIST_TEST_CASE("eventfd: flags are checked before the limit on fds", "[eventfd]", test::AllBackends) {
  TestType on;
  Int bad_flags = 0;
  Int no_room = 0;
  {
    const test::FileLimit limit{on.backend, 0};
    bad_flags = on.backend.eventfd(0, O_APPEND);
    no_room = on.backend.eventfd(0, 0);
  }
  CHECK(bad_flags == Int::failure(EINVAL));
  CHECK(no_room == Int::failure(EMFILE));
}

TEMPLATE_LIST_TEST_CASE("eventfd: a read wants room for eight bytes and fills no more", "[eventfd][read]",
                        test::AllBackends) {
  TestType on;
  const Counter<TestType> counter{on, 0};
  for (const std::size_t size : std::initializer_list<std::size_t>{0, 1, 4, 7, 8, 9, 16, 4096}) {
    CAPTURE(size);
    REQUIRE(counter.write(5) == 8);
    std::array<unsigned char, 4096> bytes;
    bytes.fill(0xcc);
    CHECK(on.backend.read(counter.fd(), bytes.data(), size) == (size < 8 ? Size::failure(EINVAL) : Size{8}));
    CHECK(bytes[0] == (size < 8 ? 0xcc : 5));
    CHECK(bytes[8] == 0xcc);
    CHECK(counter.read() == (size < 8 ? Size{5} : would_block()));
  }
}

TEMPLATE_LIST_TEST_CASE("eventfd: a write wants eight bytes exactly", "[eventfd][write]", test::AllBackends) {
  TestType on;
  const Counter<TestType> counter{on, 0};
  const std::array<uint64_t, 512> ones{1, 1};
  for (const std::size_t size : std::initializer_list<std::size_t>{0, 1, 4, 7, 9, 16, 4096}) {
    CAPTURE(size);
    CHECK(on.backend.write(counter.fd(), ones.data(), size) == Size::failure(EINVAL));
  }
  CHECK(counter.read() == would_block());
  CHECK(on.backend.write(counter.fd(), ones.data(), 8) == 8);
  CHECK(counter.read() == 1);
}

TEMPLATE_LIST_TEST_CASE("eventfd: a read is refused for its size, then for the count, then for the buffer",
                        "[eventfd][read][errors]", test::AllBackends) {
  TestType on;
  const Counter<TestType> counter{on, 0};
  struct Row {
    void* buffer;
    std::size_t size;
    unsigned count;
    int error;
    bool taken;  // Whether the count was.
  };
  for (const Row row : {Row{test::unmapped(), 7, 0, EINVAL, false},
                        {test::unmapped(), 7, 3, EINVAL, false},
                        {test::null(), 0, 3, EINVAL, false},
                        {test::unmapped(), 8, 0, EAGAIN, false},
                        {test::null(), 8, 0, EAGAIN, false},
                        {test::unmapped(), 8, 3, EFAULT, true},
                        {test::null(), 8, 3, EFAULT, true},
                        // Addresses of the kernel are refused by arithmetic, before the file is asked.
                        {test::in_kernel_space(), 8, 3, EFAULT, false},
                        {test::in_kernel_space(), 8, 0, EFAULT, false},
                        {test::in_kernel_space(), 7, 3, EFAULT, false},
                        {test::in_kernel_space(), 0, 3, EFAULT, false}}) {
    CAPTURE(row.buffer, row.size, row.count);
    REQUIRE(counter.write(row.count) == 8);
    CHECK(on.backend.read(counter.fd(), row.buffer, row.size) == Size::failure(row.error));
    CHECK(counter.read() == (row.count == 0 || row.taken ? would_block() : Size{row.count}));
  }
}

TEMPLATE_LIST_TEST_CASE("eventfd: a write is refused for its size, then its buffer, its value, the room",
                        "[eventfd][write][errors]", test::AllBackends) {
  TestType on;
  const Counter<TestType> counter{on, 0};
  REQUIRE(counter.write(most) == 8);
  const void* const value = &all_ones;
  CHECK(on.backend.write(counter.fd(), test::unmapped(), 7) == Size::failure(EINVAL));
  CHECK(on.backend.write(counter.fd(), test::unmapped(), 8) == Size::failure(EFAULT));
  CHECK(on.backend.write(counter.fd(), test::null(), 8) == Size::failure(EFAULT));
  CHECK(on.backend.write(counter.fd(), test::in_kernel_space(), 7) == Size::failure(EFAULT));
  CHECK(on.backend.write(counter.fd(), value, 8) == Size::failure(EINVAL));
  CHECK(counter.write(1) == would_block());
  CHECK(counter.value() == most);
}

TEMPLATE_LIST_TEST_CASE("eventfd: a plain one gives all it has, a semaphore one by one", "[eventfd][semaphore]",
                        test::AllBackends) {
  TestType on;
  const Counter<TestType> plain{on, 2};
  REQUIRE(plain.write(3) == 8);
  CHECK(plain.read() == 5);
  CHECK(plain.read() == would_block());
  const Counter<TestType> semaphore{on, 2, EFD_NONBLOCK | EFD_SEMAPHORE};
  REQUIRE(semaphore.write(1) == 8);
  CHECK(semaphore.read() == 1);
  CHECK(semaphore.read() == 1);
  CHECK(semaphore.read() == 1);
  CHECK(semaphore.read() == would_block());
}

TEMPLATE_LIST_TEST_CASE("eventfd: a write goes in whole or not at all", "[eventfd][write]", test::AllBackends) {
  TestType on;
  struct Row {
    uint64_t count;
    uint64_t amount;
    Size result;
  };
  for (const Row& row : {Row{0, most, 8},
                         {0, all_ones, Size::failure(EINVAL)},
                         {1, most, would_block()},
                         {1, most - 1, 8},
                         {most, 1, would_block()},
                         {most, most, would_block()},
                         {most, 0, 8},
                         {most, all_ones, Size::failure(EINVAL)},
                         {most - 5, 5, 8},
                         {most - 5, 6, would_block()},
                         {uint64_t{1} << 63, uint64_t{1} << 63, would_block()},
                         {uint64_t{1} << 63, (uint64_t{1} << 63) - 2, 8}}) {
    CAPTURE(row.count, row.amount);
    const Counter<TestType> counter{on, 0};
    REQUIRE(counter.write(row.count) == 8);
    CHECK(counter.write(row.amount) == row.result);
    CHECK(counter.value() == row.count + (row.result.ok() ? row.amount : 0));
  }
}

TEMPLATE_LIST_TEST_CASE("eventfd: readv is one read over all vectors", "[eventfd][vectors]", test::AllBackends) {
  TestType on;
  uint64_t value[2] = {};
  char* const bytes = reinterpret_cast<char*>(value);
  struct Row {
    std::vector<::iovec> vectors;
    Size result;
    bool taken;
  };
  const std::vector<Row> rows{{{{bytes, 4}, {bytes + 4, 4}}, 8, true},
                              {{{bytes, 8}, {bytes + 8, 8}}, 8, true},
                              {{{bytes, 0}, {bytes, 8}}, 8, true},
                              {{{bytes, 1}, {bytes + 1, 2}, {bytes + 3, 5}}, 8, true},
                              {{{bytes, 4}, {bytes + 4, 0}, {bytes + 4, 3}}, Size::failure(EINVAL), false},
                              {{{bytes, 4}, {test::unmapped(), 4}}, Size::failure(EFAULT), true},
                              {{{bytes, 0}, {bytes, 0}}, 0, false}};
  for (const Row& row : rows) {
    CAPTURE(row.vectors.size(), row.vectors[0].iov_len);
    const Counter<TestType> counter{on, 0x01020304};
    value[0] = value[1] = 0;
    CHECK(on.backend.readv(counter.fd(), row.vectors.data(), static_cast<int>(row.vectors.size())) == row.result);
    if (row.result == 8) CHECK(value[0] == 0x01020304);
    CHECK(counter.read() == (row.taken ? would_block() : Size{0x01020304}));
  }
}

TEMPLATE_LIST_TEST_CASE("eventfd: writev is one write for each vector, up to the first that fails",
                        "[eventfd][vectors]", test::AllBackends) {
  TestType on;
  uint64_t one = 1;
  uint64_t two = 2;
  uint64_t zero = 0;
  uint64_t full = most;
  uint64_t ones = all_ones;
  struct Row {
    std::vector<::iovec> vectors;
    Size result;
    uint64_t count;
  };
  const std::vector<Row> rows{{{{&one, 8}, {&two, 8}}, 16, 3},
                              {{{&one, 8}, {&two, 8}, {&one, 4}}, 16, 3},
                              {{{&one, 4}, {&one, 4}}, Size::failure(EINVAL), 0},
                              {{{&one, 8}, {test::unmapped(), 8}}, 8, 1},
                              {{{test::unmapped(), 8}, {&one, 8}}, Size::failure(EFAULT), 0},
                              {{{&zero, 8}, {&ones, 8}}, 8, 0},
                              {{{&full, 8}, {&one, 8}}, 8, most},
                              {{{&one, 16}}, Size::failure(EINVAL), 0},
                              // An empty vector is passed over, unless it is the first.
                              {{{&one, 8}, {&one, 0}}, 8, 1},
                              {{{&one, 8}, {&one, 0}, {&two, 8}}, 16, 3},
                              {{{&one, 0}, {&one, 8}}, Size::failure(EINVAL), 0},
                              {{{&one, 0}, {&one, 0}}, 0, 0}};
  for (const Row& row : rows) {
    CAPTURE(row.vectors.size(), row.vectors[0].iov_len, row.count);
    const Counter<TestType> counter{on, 0};
    CHECK(on.backend.writev(counter.fd(), row.vectors.data(), static_cast<int>(row.vectors.size())) == row.result);
    CHECK(test::poll_bits(on.backend, counter.fd()).has(EventFlags::in) == (row.count > 0));
    if (row.count > 0) CHECK(counter.value() == row.count);
  }
}

TEMPLATE_LIST_TEST_CASE("eventfd: it has no position and no unread bytes to ask for", "[eventfd][errors]",
                        test::AllBackends) {
  TestType on;
  const Counter<TestType> counter{on, 1};
  uint64_t value = 0;
  CHECK(on.backend.pread(counter.fd(), &value, 8, 0) == Size::failure(ESPIPE));
  CHECK(on.backend.pwrite(counter.fd(), &value, 8, 0) == Size::failure(ESPIPE));
  for (const std::int64_t offset : {0, 100, -1}) CHECK(on.backend.lseek(counter.fd(), offset, SEEK_SET) == 0);
  CHECK(on.backend.lseek(counter.fd(), 0, SEEK_CUR) == 0);
  int argument = 0;
  CHECK(on.backend.ioctl(counter.fd(), FIONREAD, &argument) == Int::failure(ENOTTY));
  CHECK(on.backend.ioctl(counter.fd(), FIONREAD, test::unmapped()) == Int::failure(ENOTTY));
  CHECK(on.backend.ioctl(counter.fd(), TCGETS, &argument) == Int::failure(ENOTTY));
  CHECK(on.backend.ioctl(counter.fd(), 0x1234, &argument) == Int::failure(ENOTTY));
  CHECK(counter.read() == 1);
}

TEMPLATE_LIST_TEST_CASE("eventfd: FIONBIO and F_SETFL say for all duplicates whether it blocks", "[eventfd][nonblock]",
                        test::AllBackends) {
  TestType on;
  const Counter<TestType> counter{on, 0, 0};
  const typename Handles<TestType>::OwnedFd other{on.backend, on.backend.dup(counter.fd()).value()};
  int yes = 2;
  int no = 0;
  CHECK(on.backend.ioctl(counter.fd(), FIONBIO, &yes) == 0);
  CHECK(on.backend.fcntl(other.get(), F_GETFL) == (O_RDWR | O_NONBLOCK));
  CHECK(counter.read() == would_block());
  CHECK(on.backend.ioctl(other.get(), FIONBIO, &no) == 0);
  CHECK(on.backend.fcntl(counter.fd(), F_GETFL) == O_RDWR);
  CHECK(on.backend.fcntl(other.get(), F_SETFL, O_NONBLOCK) == 0);
  CHECK(on.backend.fcntl(counter.fd(), F_GETFL) == (O_RDWR | O_NONBLOCK));
  CHECK(counter.read() == would_block());
  CHECK(on.backend.ioctl(counter.fd(), FIONBIO, nullptr) == Int::failure(EFAULT));
  CHECK(on.backend.fcntl(counter.fd(), F_GETFL) == (O_RDWR | O_NONBLOCK));
}

TEMPLATE_LIST_TEST_CASE("eventfd: poll says whether a read and a write of 1 would go through", "[eventfd][poll]",
                        test::AllBackends) {
  TestType on;
  struct Row {
    uint64_t count;
    EventFlags bits;
  };
  for (const Row row : {Row{0, EventFlags::out},
                        {1, EventFlags::in | EventFlags::out},
                        {most - 1, EventFlags::in | EventFlags::out},
                        {most, EventFlags::in}}) {
    for (const int flags : {EFD_NONBLOCK + 0, EFD_NONBLOCK | EFD_SEMAPHORE}) {
      CAPTURE(row.count, flags);
      const Counter<TestType> counter{on, 0, flags};
      REQUIRE(counter.write(row.count) == 8);
      CHECK(test::poll_bits(on.backend, counter.fd()) == row.bits);
    }
  }
}

TEMPLATE_LIST_TEST_CASE("eventfd: every write wakes with IN and every read with OUT, refused ones with nothing",
                        "[eventfd][wake]", test::AllBackends) {
  TestType on;
  const Counter<TestType> counter{on, 0};
  const Counter<TestType> semaphore{on, 0, EFD_NONBLOCK | EFD_SEMAPHORE};
  const auto made_by = [](test::WakeKeys<TestType>& keys, auto call) {
    static_cast<void>(call());
    return keys.take();
  };
  test::WakeKeys<TestType> keys{on, counter.fd()};
  CHECK(made_by(keys, [&] { return counter.write(1); }) == EventFlags::in);
  CHECK(made_by(keys, [&] { return counter.write(1); }) == EventFlags::in);
  CHECK(made_by(keys, [&] { return counter.write(0); }) == EventFlags::in);
  CHECK(made_by(keys, [&] { return counter.write(most); }) == EventFlags{});
  CHECK(made_by(keys, [&] { return counter.write(all_ones); }) == EventFlags{});
  CHECK(made_by(keys, [&] { return on.backend.write(counter.fd(), test::null(), 8); }) == EventFlags{});
  CHECK(made_by(keys, [&] { return on.backend.read(counter.fd(), test::null(), 7); }) == EventFlags{});
  CHECK(made_by(keys, [&] { return counter.read(); }) == EventFlags::out);
  CHECK(made_by(keys, [&] { return counter.read(); }) == EventFlags{});
  CHECK(made_by(keys, [&] { return counter.write(0); }) == EventFlags::in);
  REQUIRE(counter.write(1) == 8);
  CHECK(made_by(keys, [&] { return on.backend.read(counter.fd(), test::null(), 8); }) ==
        (EventFlags::in | EventFlags::out));  // The write's and, though the value was lost, the read's.
  CHECK(made_by(keys, [&] { return on.backend.close(on.backend.dup(counter.fd()).value()); }) == EventFlags{});

  test::WakeKeys<TestType> semaphore_keys{on, semaphore.fd()};
  CHECK(made_by(semaphore_keys, [&] { return semaphore.write(2); }) == EventFlags::in);
  CHECK(made_by(semaphore_keys, [&] { return semaphore.read(); }) == EventFlags::out);
  CHECK(made_by(semaphore_keys, [&] { return semaphore.read(); }) == EventFlags::out);
}
