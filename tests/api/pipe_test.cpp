// pipe2(2) and the raw calls on its ends: what they accept, in which order they refuse, what poll says, with which keys
// they wake.
#include "../support/bad_pointers.hpp"
#include "../support/events.hpp"
#include "../support/file_limit.hpp"
#include "../support/poll_bits.hpp"
#include "../support/raw_pipe.hpp"
#include "../support/wake_keys.hpp"

using namespace rouse;
using test::Handles;
using test::RawPipe;

namespace {

using Size = SysResult<std::size_t>;
using Int = SysResult<int>;

constexpr Size would_block() { return Size::failure(EAGAIN); }

constexpr EventFlags readable = EventFlags::in | EventFlags::rdnorm;
constexpr EventFlags writable = EventFlags::out | EventFlags::wrnorm;

/// What pipe2 says of `flags`; the ends are closed again.
template <class B>
int error_of_pipe2(const B& backend, int flags) {
  int fds[2] = {-1, -1};
  const SysResult<void> made = backend.pipe2(fds, flags);
  for (const int fd : fds) static_cast<void>(backend.close(fd));
  return made.error();
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("pipe2: three flags are known, and one that needs a build option", "[pipe][create]",
                        test::AllWays) {
  TestType on;
  constexpr int known = O_CLOEXEC | O_NONBLOCK | O_DIRECT;
  for (int bit = 0; bit < 32; ++bit) {
    const auto flag = static_cast<int>(1u << bit);
    CAPTURE(bit);
    CHECK(error_of_pipe2(on.backend, flag) == ((flag & known) != 0 ? 0 : flag == O_EXCL ? ENOPKG : EINVAL));
  }
  CHECK(error_of_pipe2(on.backend, known) == 0);
  CHECK(error_of_pipe2(on.backend, known | O_EXCL) == ENOPKG);
  CHECK(error_of_pipe2(on.backend, O_EXCL | O_APPEND) == EINVAL);
  CHECK(error_of_pipe2(on.backend, O_RDWR) == EINVAL);
  CHECK(error_of_pipe2(on.backend, -1) == EINVAL);
}

TEMPLATE_LIST_TEST_CASE("pipe2: flags are checked before the limit on fds, that before the pointer", "[pipe][create]",
                        test::AllWays) {
  TestType on;
  const int lowest = on.backend.dup(0).value();
  CHECK(on.backend.close(lowest).ok());
  CHECK(on.backend.pipe2(nullptr, O_APPEND) == SysResult<void>::failure(EINVAL));
  CHECK(on.backend.pipe2(nullptr, O_EXCL) == SysResult<void>::failure(ENOPKG));
  CHECK(on.backend.pipe2(nullptr, 0) == SysResult<void>::failure(EFAULT));
  CHECK(on.backend.pipe2(test::in_kernel_space<int>(), 0) == SysResult<void>::failure(EFAULT));
  int errors[4];
  int one_slot = 0;
  {
    const test::FileLimit limit{on.backend, 0};
    errors[0] = error_of_pipe2(on.backend, O_APPEND);
    errors[1] = error_of_pipe2(on.backend, O_EXCL);
    errors[2] = error_of_pipe2(on.backend, 0);
    errors[3] = on.backend.pipe2(nullptr, 0).error();
  }
  {
    const test::FileLimit limit{on.backend, static_cast<::rlim_t>(lowest) + 1};
    one_slot = error_of_pipe2(on.backend, 0);
  }
  CHECK(errors[0] == EINVAL);
  CHECK(errors[1] == ENOPKG);
  CHECK(errors[2] == EMFILE);
  CHECK(errors[3] == EMFILE);
  CHECK(one_slot == EMFILE);
  // Nothing of all this has left an fd behind.
  const int lowest_now = on.backend.dup(0).value();
  CHECK(lowest_now == lowest);
  CHECK(on.backend.close(lowest_now).ok());
}

TEMPLATE_LIST_TEST_CASE("pipe2: the reading end gets the lower number, each end its own flags", "[pipe][create]",
                        test::AllWays) {
  TestType on;
  const RawPipe<TestType> pipe{on, O_NONBLOCK | O_CLOEXEC | O_DIRECT};
  CHECK(pipe.reader() < pipe.writer());
  CHECK(on.backend.fcntl(pipe.reader(), F_GETFD) == FD_CLOEXEC);
  CHECK(on.backend.fcntl(pipe.writer(), F_GETFD) == FD_CLOEXEC);
  CHECK(on.backend.fcntl(pipe.reader(), F_GETFL) == (O_RDONLY | O_NONBLOCK));
  CHECK(on.backend.fcntl(pipe.writer(), F_GETFL) == (O_WRONLY | O_NONBLOCK | O_DIRECT));
  CHECK(on.backend.fcntl(pipe.reader(), F_SETFL, 0) == 0);
  CHECK(on.backend.fcntl(pipe.reader(), F_GETFL) == O_RDONLY);
  CHECK(on.backend.fcntl(pipe.writer(), F_GETFL) == (O_WRONLY | O_NONBLOCK | O_DIRECT));
}

TEMPLATE_LIST_TEST_CASE("Pipe: bytes come out as they went in, however they are cut", "[pipe]", test::AllWays) {
  TestType on;
  const RawPipe<TestType> pipe{on};
  CHECK(pipe.write("abc") == 3);
  CHECK(pipe.write("defgh") == 5);
  CHECK(pipe.take(2) == "ab");
  CHECK(pipe.take(4) == "cdef");
  CHECK(pipe.take(100) == "gh");
  CHECK(pipe.read(1) == would_block());
  RawPipe<TestType> large{on};
  CHECK(large.write(65536) == 65536);
  CHECK(large.write(1) == would_block());
  CHECK(large.read(70000) == 65536);
  CHECK(large.write(10000) == 10000);
  CHECK(large.drained_since(65536));
}

TEMPLATE_LIST_TEST_CASE("Pipe: a vector is written and read as one", "[pipe][vectors]", test::AllWays) {
  TestType on;
  const RawPipe<TestType> pipe{on};
  char text[] = "abcdefgh";
  const ::iovec out[] = {{text, 2}, {text, 0}, {text + 2, 3}};
  CHECK(on.backend.writev(pipe.writer(), out, 3) == 5);
  char got[8] = {};
  const ::iovec in[] = {{got + 4, 3}, {got, 4}};
  CHECK(on.backend.readv(pipe.reader(), in, 2) == 5);
  CHECK(std::string(got, 2) == "de");
  CHECK(std::string(got + 4, 3) == "abc");
}

TEMPLATE_LIST_TEST_CASE("Pipe: an empty read and an empty write do nothing at all", "[pipe]", test::AllWays) {
  TestType on;
  RawPipe<TestType> pipe{on};
  test::WakeKeys<TestType> reader_keys{on, pipe.reader()};
  test::WakeKeys<TestType> writer_keys{on, pipe.writer()};
  CHECK(pipe.read(0) == 0);
  CHECK(pipe.write("") == 0);
  CHECK(on.backend.read(pipe.reader(), test::null(), 0) == 0);
  CHECK(on.backend.write(pipe.writer(), test::null(), 0) == 0);
  pipe.fill();
  static_cast<void>(reader_keys.take());
  CHECK(pipe.read(0) == 0);
  CHECK(pipe.write("") == 0);
  CHECK(reader_keys.take() == EventFlags{});
  CHECK(writer_keys.take() == EventFlags{});
  pipe.close_reader();
  CHECK(pipe.write("") == 0);
}

TEMPLATE_LIST_TEST_CASE("Pipe: a call is refused for its direction, then for the state, then for the buffer",
                        "[pipe][errors]", test::AllWays) {
  TestType on;
  RawPipe<TestType> pipe{on};
  const auto read = [&](int fd, void* buffer, std::size_t n) { return on.backend.read(fd, buffer, n); };
  const auto write = [&](int fd, const void* buffer, std::size_t n) { return on.backend.write(fd, buffer, n); };
  char byte = 0;
  CHECK(read(pipe.writer(), &byte, 1) == Size::failure(EBADF));
  CHECK(read(pipe.writer(), test::in_kernel_space(), 1) == Size::failure(EBADF));
  CHECK(read(pipe.writer(), &byte, 0) == Size::failure(EBADF));
  CHECK(write(pipe.reader(), &byte, 1) == Size::failure(EBADF));
  CHECK(write(pipe.reader(), test::in_kernel_space(), 0) == Size::failure(EBADF));
  CHECK(read(pipe.reader(), test::unmapped(), 1) == would_block());
  CHECK(read(pipe.reader(), test::in_kernel_space(), 1) == Size::failure(EFAULT));
  CHECK(write(pipe.writer(), test::unmapped(), 1) == Size::failure(EFAULT));
  CHECK(write(pipe.writer(), test::in_kernel_space(), 0) == Size::failure(EFAULT));
  CHECK(pipe.queued() == 0);
  pipe.fill();
  CHECK(write(pipe.writer(), test::unmapped(), 1) == would_block());
  CHECK(read(pipe.reader(), test::unmapped(), 1) == Size::failure(EFAULT));
  CHECK(pipe.queued() == 65536);
  pipe.close_reader();
  CHECK(write(pipe.writer(), test::unmapped(), 1) == Size::failure(EPIPE));
}

TEMPLATE_LIST_TEST_CASE("Pipe: of a long write, as much goes as there is room for, be it one byte", "[pipe]",
                        test::AllWays) {
  constexpr std::size_t page = 4096;
  TestType on;
  RawPipe<TestType> pipe{on};
  REQUIRE(pipe.write(15 * page + 100) == 15 * page + 100);
  CHECK(pipe.write(page + 1) == 1);
  CHECK(pipe.write(page + 1) == 1);
  CHECK(pipe.write(2 * page) == would_block());
  CHECK(pipe.queued() == 15 * page + 102);
}

TEMPLATE_LIST_TEST_CASE("Pipe: what faults half-way is written and read by whole slots", "[pipe][errors]",
                        test::AllWays) {
  TestType on;
  RawPipe<TestType> pipe{on};
  std::string memory(8192, 'x');
  const auto vectors = [&](std::size_t good, std::size_t bad) {
    return std::vector<::iovec>{{memory.data(), good}, {test::unmapped(), bad}};
  };
  const auto writev = [&](std::size_t good, std::size_t bad) {
    return on.backend.writev(pipe.writer(), vectors(good, bad).data(), 2);
  };
  const auto readv = [&](std::size_t good, std::size_t bad) {
    return on.backend.readv(pipe.reader(), vectors(good, bad).data(), 2);
  };
  CHECK(writev(8192, 4096) == 8192);
  CHECK(writev(8092, 4196) == 4096);
  CHECK(writev(100, 3996) == Size::failure(EFAULT));
  CHECK(pipe.queued() == 12288);
  CHECK(readv(8192, 4096) == 8192);
  CHECK(readv(100, 4096) == Size::failure(EFAULT));
  CHECK(pipe.queued() == 4096);
  CHECK(pipe.read(10000) == 4096);
  // What is to top up the last slot counts as one part, too.
  CHECK(pipe.write("abc") == 3);
  CHECK(writev(5, 5) == Size::failure(EFAULT));
  CHECK(pipe.queued() == 3);
  CHECK(writev(10, 4096) == 10);
  CHECK(pipe.queued() == 13);
  CHECK(readv(2, 11) == Size::failure(EFAULT));
  CHECK(pipe.take(100) == "abcxxxxxxxxxx");
}

TEMPLATE_LIST_TEST_CASE("Pipe: it has no position", "[pipe][errors]", test::AllWays) {
  TestType on;
  const RawPipe<TestType> pipe{on};
  char byte = 0;
  for (const int fd : {pipe.reader(), pipe.writer()}) {
    CHECK(on.backend.pread(fd, &byte, 1, 0) == Size::failure(ESPIPE));
    CHECK(on.backend.pwrite(fd, &byte, 1, 0) == Size::failure(ESPIPE));
    CHECK(on.backend.lseek(fd, 0, SEEK_CUR) == SysResult<std::int64_t>::failure(ESPIPE));
  }
}

TEMPLATE_LIST_TEST_CASE("Pipe: FIONREAD says at either end how much is queued, also when the other is closed",
                        "[pipe][ioctl]", test::AllWays) {
  TestType on;
  RawPipe<TestType> pipe{on};
  const auto queued_at = [&](int fd) {
    int n = -1;
    CHECK(on.backend.ioctl(fd, FIONREAD, &n) == 0);
    return n;
  };
  CHECK(queued_at(pipe.reader()) == 0);
  REQUIRE(pipe.write(5000) == 5000);
  REQUIRE(pipe.read(100) == 100);
  CHECK(queued_at(pipe.reader()) == 4900);
  CHECK(queued_at(pipe.writer()) == 4900);
  CHECK(on.backend.ioctl(pipe.reader(), FIONREAD, nullptr) == Int::failure(EFAULT));
  CHECK(on.backend.ioctl(pipe.writer(), TCGETS, nullptr) == Int::failure(ENOTTY));
  pipe.close_reader();
  CHECK(queued_at(pipe.writer()) == 4900);
  RawPipe<TestType> other{on};
  REQUIRE(other.write(7) == 7);
  other.close_writer();
  CHECK(queued_at(other.reader()) == 7);
}

TEMPLATE_LIST_TEST_CASE("Pipe: what was written before the last writer closed is read, then the end", "[pipe][close]",
                        test::AllWays) {
  TestType on;
  RawPipe<TestType> pipe{on};
  typename Handles<TestType>::OwnedFd second{on.backend, on.backend.dup(pipe.writer()).value()};
  REQUIRE(pipe.write("abc") == 3);
  pipe.close_writer();
  CHECK(pipe.take(2) == "ab");
  CHECK(pipe.take(2) == "c");
  CHECK(pipe.read(1) == would_block());
  REQUIRE(second.close().ok());
  CHECK(pipe.read(1) == 0);
  CHECK(pipe.read(1) == 0);
}

TEMPLATE_LIST_TEST_CASE("Pipe: a write that nobody can read is EPIPE", "[pipe][close]", test::AllWays) {
  TestType on;
  RawPipe<TestType> pipe{on};
  typename Handles<TestType>::OwnedFd second{on.backend, on.backend.dup(pipe.reader()).value()};
  pipe.close_reader();
  CHECK(pipe.write("abc") == 3);
  REQUIRE(second.close().ok());
  CHECK(pipe.write("abc") == Size::failure(EPIPE));
  CHECK(pipe.write("abc") == Size::failure(EPIPE));
}

TEMPLATE_LIST_TEST_CASE("Pipe: poll shows bytes, free slots and what is closed", "[pipe][poll]", test::AllWays) {
  TestType on;
  {
    RawPipe<TestType> pipe{on};
    const auto reader = [&] { return test::poll_bits(on.backend, pipe.reader()); };
    CHECK(reader() == EventFlags{});
    REQUIRE(pipe.write("abc") == 3);
    CHECK(reader() == readable);
    pipe.close_writer();
    CHECK(reader() == (readable | EventFlags::hup));
    REQUIRE(pipe.read(3) == 3);
    CHECK(reader() == EventFlags::hup);
    REQUIRE(pipe.read(3) == 0);
    CHECK(reader() == EventFlags::hup);
  }
  for (const bool is_full : {false, true}) {
    RawPipe<TestType> pipe{on};
    const auto writer = [&] { return test::poll_bits(on.backend, pipe.writer()); };
    CHECK(writer() == writable);
    pipe.fill(15);
    CHECK(writer() == writable);
    if (is_full) REQUIRE(pipe.write("x") == 1);
    CHECK(writer() == (is_full ? EventFlags{} : writable));
    pipe.close_reader();
    CHECK(writer() == (is_full ? EventFlags::err : writable | EventFlags::err));
  }
}

TEMPLATE_LIST_TEST_CASE("Pipe: every write wakes the reading end", "[pipe][wake]", test::AllWays) {
  TestType on;
  RawPipe<TestType> pipe{on};
  test::WakeKeys<TestType> keys{on, pipe.reader()};
  CHECK(pipe.write("abc") == 3);
  CHECK(keys.take() == readable);
  CHECK(pipe.write("abc") == 3);
  CHECK(keys.take() == readable);
  CHECK(pipe.read(1) == 1);
  CHECK(pipe.read(100) == 5);
  CHECK(pipe.read(1) == would_block());
  CHECK(keys.take() == EventFlags{});
  pipe.fill();
  CHECK(keys.take() == readable);
  CHECK(on.backend.read(pipe.reader(), test::null(), 1) == Size::failure(EFAULT));
  CHECK(keys.take() == EventFlags{});
  CHECK(on.backend.close(on.backend.dup(pipe.writer()).value()).ok());
  CHECK(keys.take() == EventFlags{});
  pipe.close_writer();
  CHECK(keys.take() == test::WakeKeys<TestType>::any);
}

TEMPLATE_LIST_TEST_CASE("Pipe: a failed write is an edge for the reader", "[pipe][wake]", test::AllWays) {
  TestType on;
  RawPipe<TestType> pipe{on};
  test::WakeKeys<TestType> keys{on, pipe.reader()};
  CHECK(on.backend.write(pipe.writer(), test::null(), 1) == Size::failure(EFAULT));
  CHECK(keys.take() == readable);
  pipe.fill();
  typename Handles<TestType>::Epoll epoll{on.backend};
  epoll.add({on.backend, pipe.reader()}, EventFlags::in | EventFlags::et, 1);
  CHECK(test::reported(epoll) == test::Events{{EventFlags::in, 1}});
  static_cast<void>(keys.take());
  CHECK(pipe.write("abc") == would_block());
  CHECK(keys.take() == readable);
  CHECK(test::reported(epoll) == test::Events{{EventFlags::in, 1}});
}

TEMPLATE_LIST_TEST_CASE("Pipe: a read wakes the writing end if it frees a slot while all are in use", "[pipe][wake]",
                        test::AllWays) {
  TestType on;
  RawPipe<TestType> pipe{on};
  test::WakeKeys<TestType> keys{on, pipe.writer()};
  const auto made_by_read = [&](std::size_t n) {
    CHECK(pipe.read(n) == n);
    return keys.take();
  };
  pipe.fill();
  CHECK(pipe.write("x") == would_block());
  CHECK(keys.take() == EventFlags{});
  CHECK(made_by_read(4095) == EventFlags{});
  CHECK(pipe.is_full());
  CHECK(made_by_read(1) == writable);
  CHECK_FALSE(pipe.is_full());
  CHECK(made_by_read(4096) == EventFlags{});
  pipe.fill();
  CHECK(made_by_read(10000) == writable);
  CHECK(on.backend.close(on.backend.dup(pipe.reader()).value()).ok());
  CHECK(keys.take() == EventFlags{});
  pipe.close_reader();
  CHECK(keys.take() == test::WakeKeys<TestType>::any);
  CHECK(pipe.write("x") == Size::failure(EPIPE));
  CHECK(keys.take() == EventFlags{});
}

TEMPLATE_LIST_TEST_CASE("Pipe: closing an end is an edge at the other, whatever that asked for", "[pipe][wake]",
                        test::AllWays) {
  TestType on;
  struct Row {
    EventFlags asked;
    bool with_data;
    EventFlags reported;
  };
  for (const Row row : {Row{EventFlags::in, true, EventFlags::in | EventFlags::hup},
                        {EventFlags::in, false, EventFlags::hup},
                        {EventFlags::out, true, EventFlags::hup},
                        {EventFlags{}, true, EventFlags::hup}}) {
    CAPTURE(row.asked, row.with_data);
    RawPipe<TestType> pipe{on};
    if (row.with_data) REQUIRE(pipe.write("abc") == 3);
    typename Handles<TestType>::Epoll epoll{on.backend};
    epoll.add({on.backend, pipe.reader()}, row.asked | EventFlags::et, 1);
    static_cast<void>(test::reported(epoll));
    pipe.close_writer();
    CHECK(test::reported(epoll) == test::Events{{row.reported, 1}});
    CHECK(test::reported(epoll).empty());
  }
  for (const Row row : {Row{EventFlags::out, false, EventFlags::out | EventFlags::err},
                        {EventFlags::out, true, EventFlags::err},
                        {EventFlags{}, false, EventFlags::err}}) {
    CAPTURE(row.asked, row.with_data);
    RawPipe<TestType> pipe{on};
    if (row.with_data) pipe.fill();
    typename Handles<TestType>::Epoll epoll{on.backend};
    epoll.add({on.backend, pipe.writer()}, row.asked | EventFlags::et, 1);
    static_cast<void>(test::reported(epoll));
    pipe.close_reader();
    CHECK(test::reported(epoll) == test::Events{{row.reported, 1}});
    CHECK(test::reported(epoll).empty());
  }
}
