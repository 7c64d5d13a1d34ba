// read(2), write(2) and their kin on files of every kind: what is refused before the file itself is asked, in order.
#include "../support/bad_pointers.hpp"
#include "../support/events.hpp"
#include "../support/file_kinds.hpp"
#include "../support/poll_bits.hpp"

#include <climits>
#include <memory>
#include <sys/ioctl.h>

using namespace rouse;
using test::FileKinds;
using test::Kind;

namespace {

using Size = SysResult<std::size_t>;
using Offset = SysResult<std::int64_t>;

constexpr std::size_t most_at_once = 0x7ffff000;

// Numbers that no call takes, and that the compiler is not to know, lest it warns.
std::size_t too_many() {
  const volatile std::size_t bytes = SIZE_MAX;
  return bytes;
}
int fewer_than_none() {
  const volatile int vectors = -1;
  return vectors;
}

/// An array of vectors that no call can take as it is.
::iovec* bad_vectors() { return test::unmapped<::iovec>(); }

}  // namespace

TEMPLATE_LIST_TEST_CASE("Read and write: a number that is not open comes before all else", "[read_write][errors]",
                        test::AllWays) {
  TestType on;
  const auto bad = Size::failure(EBADF);
  for (const int fd : {-1, INT_MIN, INT_MAX}) {
    CAPTURE(fd);
    CHECK(on.backend.read(fd, test::in_kernel_space(), too_many()) == bad);
    CHECK(on.backend.read(fd, test::null(), 0) == bad);
    CHECK(on.backend.write(fd, test::in_kernel_space(), too_many()) == bad);
    CHECK(on.backend.write(fd, test::null(), 0) == bad);
    CHECK(on.backend.readv(fd, bad_vectors(), fewer_than_none()) == bad);
    CHECK(on.backend.writev(fd, bad_vectors(), fewer_than_none()) == bad);
    CHECK(on.backend.pread(fd, test::in_kernel_space(), 8, 0) == bad);
    CHECK(on.backend.pwrite(fd, test::in_kernel_space(), 8, 0) == bad);
    CHECK(on.backend.lseek(fd, 0, 9) == Offset::failure(EBADF));
    // A negative offset is refused before that.
    CHECK(on.backend.pread(fd, test::null(), 8, -1) == Size::failure(EINVAL));
    CHECK(on.backend.pwrite(fd, test::null(), 8, INT64_MIN) == Size::failure(EINVAL));
  }
}

TEMPLATE_LIST_TEST_CASE("Read and write: the wrong direction is EBADF, whatever the rest", "[read_write][errors]",
                        test::AllWays) {
  TestType on;
  const FileKinds<TestType> files{on};
  const int reader = files.fd(Kind::pipe_reader);
  const int writer = files.fd(Kind::pipe_writer);
  const auto bad = Size::failure(EBADF);
  CHECK(on.backend.read(writer, test::in_kernel_space(), 0) == bad);
  CHECK(on.backend.readv(writer, bad_vectors(), fewer_than_none()) == bad);
  CHECK(on.backend.write(reader, test::in_kernel_space(), 0) == bad);
  CHECK(on.backend.writev(reader, bad_vectors(), fewer_than_none()) == bad);
}

TEMPLATE_LIST_TEST_CASE("Read and write: an epoll refuses both without looking", "[read_write][errors]",
                        test::AllWays) {
  TestType on;
  const typename test::Handles<TestType>::Epoll epoll{on.backend};
  char byte = 0;
  const ::iovec vector{&byte, 1};
  const auto refused = Size::failure(EINVAL);
  for (const std::size_t n : {std::size_t{0}, std::size_t{1}, too_many()}) {
    CHECK(on.backend.read(epoll.fd(), test::in_kernel_space(), n) == refused);
    CHECK(on.backend.write(epoll.fd(), test::in_kernel_space(), n) == refused);
  }
  for (const int n : {fewer_than_none(), 0, 1, 1025}) {
    CHECK(on.backend.readv(epoll.fd(), bad_vectors(), n) == refused);
    CHECK(on.backend.writev(epoll.fd(), &vector, n) == refused);
  }
  CHECK(on.backend.pread(epoll.fd(), &byte, 1, 0) == Size::failure(ESPIPE));
}

TEMPLATE_LIST_TEST_CASE("Read and write: a range that leaves user space is refused before the file is asked",
                        "[read_write][errors]", test::AllWays) {
  TestType on;
  char byte = 0;
  for (const auto& [kind, name, fd] : FileKinds<TestType>{on}) {
    if (kind == Kind::epoll) continue;
    CAPTURE(name);
    const Size refused = Size::failure(test::has_no_write(kind) ? EINVAL : EFAULT);
    for (const std::size_t n : {std::size_t{SSIZE_MAX}, too_many()}) {
      if (kind != Kind::pipe_writer) CHECK(on.backend.read(fd, &byte, n) == Size::failure(EFAULT));
      if (kind != Kind::pipe_reader) CHECK(on.backend.write(fd, &byte, n) == refused);
    }
    if (kind != Kind::pipe_writer) CHECK(on.backend.read(fd, test::in_kernel_space(), 0) == Size::failure(EFAULT));
    if (kind != Kind::pipe_reader) CHECK(on.backend.write(fd, test::in_kernel_space(), 0) == refused);
  }
}

TEMPLATE_LIST_TEST_CASE("Read and write: vectors are checked in order", "[read_write][vectors][errors]",
                        test::AllWays) {
  TestType on;
  const FileKinds<TestType> files{on};
  char bytes[16] = {};
  struct Row {
    const char* what;
    std::vector<::iovec> vectors;
    int n;
    Size result;
  };
  const auto fault = Size::failure(EFAULT);
  const auto invalid = Size::failure(EINVAL);
  const ::iovec empty{bytes, 0};
  const std::vector<Row> rows{
      {"none", {empty}, 0, 0},
      {"fewer than none", {empty}, -1, invalid},
      {"as many as there may be", std::vector<::iovec>(1024, empty), 1024, 0},
      {"more", std::vector<::iovec>(1025, empty), 1025, invalid},
      {"empty ones", {empty, empty}, 2, 0},
      {"an empty one nowhere", {{test::unmapped(), 0}}, 1, 0},
      {"an empty one in the kernel", {{test::in_kernel_space(), 0}}, 1, fault},
      {"an empty one in the kernel, second", {empty, {test::in_kernel_space(), 0}}, 2, fault},
      {"a negative length", {{bytes, SIZE_MAX}}, 1, invalid},
      {"a negative length in the kernel", {{test::in_kernel_space(), SIZE_MAX}}, 1, invalid},
      {"a negative length after a bad base", {{test::in_kernel_space(), 1}, {bytes, SIZE_MAX}}, 2, invalid},
      {"two that leave user space", {{bytes, SSIZE_MAX}, {bytes, SSIZE_MAX}}, 2, fault}};
  for (const Row& row : rows) {
    CAPTURE(row.what);
    for (const Kind kind : {Kind::eventfd, Kind::pipe_reader, Kind::unix_stream, Kind::dev_null}) {
      CHECK(on.backend.readv(files.fd(kind), row.vectors.data(), row.n) == row.result);
    }
    for (const Kind kind : {Kind::eventfd, Kind::pipe_writer, Kind::unix_stream, Kind::dev_null}) {
      CHECK(on.backend.writev(files.fd(kind), row.vectors.data(), row.n) == row.result);
    }
  }
  CHECK(on.backend.readv(files.fd(Kind::eventfd), bad_vectors(), 0) == 0);
  CHECK(on.backend.readv(files.fd(Kind::eventfd), bad_vectors(), 1025) == invalid);
  CHECK(on.backend.readv(files.fd(Kind::eventfd), bad_vectors(), 1) == fault);
  CHECK(on.backend.writev(files.fd(Kind::eventfd), bad_vectors(), 1) == fault);
}

TEMPLATE_LIST_TEST_CASE("Read and write: one vector alone is cut to what a call can move", "[read_write][vectors]",
                        test::AllWays) {
  TestType on;
  const FileKinds<TestType> files{on};
  const std::uint64_t five = 5;
  REQUIRE(on.backend.write(files.fd(Kind::eventfd), &five, 8) == 8);
  const auto value = std::make_unique<std::uint64_t>(0);  // The stack may lie too near the end of user space.
  const ::iovec vector{value.get(), SSIZE_MAX};
  CHECK(on.backend.readv(files.fd(Kind::eventfd), &vector, 1) == 8);
  CHECK(*value == 5);
  CHECK(on.backend.writev(files.fd(Kind::eventfd), &vector, 1) == Size::failure(EINVAL));
  if (!test::buffers_are_watched) CHECK(on.backend.writev(files.fd(Kind::dev_null), &vector, 1) == most_at_once);
}

TEMPLATE_LIST_TEST_CASE("lseek, pread, pwrite: files without a position say ESPIPE, or nothing at all",
                        "[read_write][errors]", test::AllWays) {
  TestType on;
  for (const auto& [kind, name, fd] : FileKinds<TestType>{on}) {
    CAPTURE(name);
    const bool moves = kind != Kind::pipe_reader && kind != Kind::pipe_writer && !test::is_socket(kind);
    for (const std::int64_t offset : {0, 100, -1}) {
      CHECK(on.backend.lseek(fd, offset, SEEK_SET) == (moves ? Offset{0} : Offset::failure(ESPIPE)));
    }
    CHECK(on.backend.lseek(fd, 0, SEEK_CUR) == (moves ? Offset{0} : Offset::failure(ESPIPE)));
    CHECK(on.backend.lseek(fd, 0, 9) == Offset::failure(EINVAL));
    CHECK(on.backend.lseek(fd, 0, -1) == Offset::failure(EINVAL));
    if (kind == Kind::dev_null) continue;
    char byte = 0;
    for (void* const buffer : {static_cast<void*>(&byte), static_cast<void*>(test::in_kernel_space())}) {
      for (const std::size_t n : std::initializer_list<std::size_t>{0, 1}) {
        CHECK(on.backend.pread(fd, buffer, n, 0) == Size::failure(ESPIPE));
        CHECK(on.backend.pwrite(fd, buffer, n, 0) == Size::failure(ESPIPE));
      }
      CHECK(on.backend.pread(fd, buffer, 1, -1) == Size::failure(EINVAL));
    }
  }
}

TEMPLATE_LIST_TEST_CASE("/dev/null: it is empty, takes all and looks at nothing", "[read_write][dev_null]",
                        test::AllWays) {
  TestType on;
  const int fd = on.backend.open("/dev/null", O_RDWR | O_CLOEXEC).value();
  static char bytes[8];  // The stack may lie too near the end of user space for what is written of it below.
  CHECK(on.backend.read(fd, bytes, 8) == 0);
  CHECK(on.backend.read(fd, test::unmapped(), 8) == 0);
  CHECK(on.backend.write(fd, bytes, 8) == 8);
  CHECK(on.backend.write(fd, bytes, 0) == 0);
  CHECK(on.backend.pread(fd, bytes, 8, 1000) == 0);
  CHECK(on.backend.pwrite(fd, bytes, 8, 1000) == 8);
  CHECK(on.backend.pread(fd, test::in_kernel_space(), 8, 0) == Size::failure(EFAULT));
  CHECK(on.backend.pwrite(fd, bytes, 8, -1) == Size::failure(EINVAL));
  const ::iovec vectors[] = {{bytes, 3}, {test::unmapped(), 4}};
  CHECK(on.backend.readv(fd, vectors, 2) == 0);
  if (!test::buffers_are_watched) {
    CHECK(on.backend.write(fd, test::unmapped(), 8) == 8);
    const volatile std::size_t four_gigabytes = std::size_t{1} << 32;  // More than the compiler knows to be there.
    CHECK(on.backend.write(fd, bytes, four_gigabytes) == most_at_once);
    CHECK(on.backend.writev(fd, vectors, 2) == 7);
  }
  CHECK(on.backend.fcntl(fd, F_GETFD) == FD_CLOEXEC);
  CHECK(on.backend.close(fd).ok());
}

TEMPLATE_LIST_TEST_CASE("/dev/null: it can be opened one way only", "[read_write][dev_null]", test::AllWays) {
  TestType on;
  const int reader = on.backend.open("/dev/null", O_RDONLY | O_CREAT | O_TRUNC | O_NOCTTY).value();
  const int writer = on.backend.open("/dev/null", O_WRONLY | O_APPEND).value();
  char byte = 0;
  CHECK(on.backend.write(reader, &byte, 1) == Size::failure(EBADF));
  CHECK(on.backend.read(writer, &byte, 1) == Size::failure(EBADF));
  CHECK(on.backend.pwrite(reader, &byte, 1, 0) == Size::failure(EBADF));
  CHECK(on.backend.pread(writer, &byte, 1, 0) == Size::failure(EBADF));
  constexpr int shown = O_ACCMODE | O_CREAT | O_TRUNC | O_NOCTTY | O_APPEND;
  CHECK((on.backend.fcntl(reader, F_GETFL).value() & shown) == O_RDONLY);
  CHECK((on.backend.fcntl(writer, F_GETFL).value() & shown) == (O_WRONLY | O_APPEND));
  CHECK(on.backend.close(reader).ok());
  CHECK(on.backend.close(writer).ok());
  CHECK(on.backend.open(test::unmapped<const char>(), O_RDONLY) == SysResult<int>::failure(EFAULT));
}

TEMPLATE_LIST_TEST_CASE("/dev/null: it is always ready, and no epoll takes it", "[read_write][dev_null][epoll]",
                        test::AllWays) {
  TestType on;
  const FileKinds<TestType> files{on};
  const int fd = files.fd(Kind::dev_null);
  CHECK(test::poll_bits(on.backend, fd) ==
        (EventFlags::in | EventFlags::out | EventFlags::rdnorm | EventFlags::wrnorm));
  Event event{EventFlags::in, 1};
  for (const int operation : {EPOLL_CTL_ADD, EPOLL_CTL_MOD, EPOLL_CTL_DEL, 99}) {
    CAPTURE(operation);
    CHECK(on.backend.epoll_ctl(files.fd(Kind::epoll), operation, fd, &event) == SysResult<void>::failure(EPERM));
  }
  CHECK(on.backend.epoll_ctl(fd, EPOLL_CTL_ADD, files.fd(Kind::eventfd), &event) == SysResult<void>::failure(EINVAL));
  CHECK(on.backend.epoll_wait(fd, &event, 1, 0) == SysResult<int>::failure(EINVAL));
}
