// fcntl(2) and the part of ioctl(2) that all files share: flags of the description and of the number.
#include "../support/bad_pointers.hpp"
#include "../support/file_kinds.hpp"

#include <algorithm>
#include <sys/ioctl.h>

using namespace rouse;
using test::FileKinds;
using test::Kind;

namespace {

using Int = SysResult<int>;

constexpr int f_dupfd_query = 1024 + 3;

/// What F_GETFL shows beside O_NONBLOCK.
constexpr int shown_large_file = 0100000;  // As the kernel defines it; the C library's is 0.

int access_mode(Kind kind) {
  switch (kind) {
    case Kind::pipe_reader: return O_RDONLY;
    case Kind::pipe_writer: return O_WRONLY;
    case Kind::dev_null: return O_RDWR | shown_large_file;
    default: return O_RDWR;
  }
}

bool is_pipe(Kind kind) { return kind == Kind::pipe_reader || kind == Kind::pipe_writer; }
bool has_owner(Kind kind) { return is_pipe(kind) || test::is_socket(kind); }

}  // namespace

TEMPLATE_LIST_TEST_CASE("fcntl: F_GETFL shows how a file was opened", "[fcntl]", test::AllBackends) {
  TestType on;
  for (const auto& [kind, name, fd] : FileKinds<TestType>{on}) {
    CAPTURE(name);
    CHECK(on.backend.fcntl(fd, F_GETFL) == (access_mode(kind) | O_NONBLOCK));
  }
}

TEMPLATE_LIST_TEST_CASE("fcntl: F_SETFL takes some flags, ignores some and refuses O_DIRECT but on pipes", "[fcntl]",
                        test::AllBackends) {
  TestType on;
  for (const auto& [kind, name, fd] : FileKinds<TestType>{on}) {
    CAPTURE(name);
    const int mode = access_mode(kind);
    struct Row {
      int flags;
      Int result;
      int stored;
    };
    for (const Row row : {Row{0, 0, 0},
                          {O_NONBLOCK, 0, O_NONBLOCK},
                          {O_APPEND, 0, O_APPEND},
                          {O_APPEND | O_NONBLOCK, 0, O_APPEND | O_NONBLOCK},
                          {O_WRONLY, 0, 0},
                          {O_RDWR | O_WRONLY, 0, 0},
                          {O_CREAT | O_EXCL | O_TRUNC | O_SYNC | O_CLOEXEC, 0, 0},
                          {O_ASYNC, 0, has_owner(kind) ? O_ASYNC : 0},
                          {O_NONBLOCK, 0, O_NONBLOCK}}) {
      CAPTURE(row.flags);
      CHECK(on.backend.fcntl(fd, F_SETFL, row.flags) == row.result);
      CHECK(on.backend.fcntl(fd, F_GETFL) == (mode | row.stored));
    }
    CHECK(on.backend.fcntl(fd, F_SETFL, O_DIRECT | O_APPEND) == (is_pipe(kind) ? Int{0} : Int::failure(EINVAL)));
    CHECK(on.backend.fcntl(fd, F_GETFL) == (mode | (is_pipe(kind) ? O_DIRECT | O_APPEND : O_NONBLOCK)));
    if (!has_owner(kind)) continue;  // The others belong to root, who alone may set this.
    CHECK(on.backend.fcntl(fd, F_SETFL, O_NOATIME) == 0);
    CHECK(on.backend.fcntl(fd, F_GETFL) == (mode | O_NOATIME));
  }
}

TEMPLATE_LIST_TEST_CASE("fcntl: status flags are shared by duplicates, close-on-exec is not", "[fcntl][dup]",
                        test::AllBackends) {
  TestType on;
  for (const auto& [kind, name, fd] : FileKinds<TestType>{on}) {
    CAPTURE(name);
    const typename test::Handles<TestType>::OwnedFd other{on.backend, on.backend.dup(fd).value()};
    CHECK(on.backend.fcntl(other.get(), F_SETFL, O_APPEND) == 0);
    CHECK(on.backend.fcntl(fd, F_GETFL) == (access_mode(kind) | O_APPEND));
    int yes = 1;
    CHECK(on.backend.ioctl(fd, FIONBIO, &yes) == 0);
    CHECK(on.backend.fcntl(other.get(), F_GETFL) == (access_mode(kind) | O_APPEND | O_NONBLOCK));
    CHECK(on.backend.fcntl(other.get(), F_SETFD, FD_CLOEXEC) == 0);
    CHECK(on.backend.fcntl(fd, F_GETFD) == 0);
    CHECK(on.backend.fcntl(other.get(), F_GETFD) == FD_CLOEXEC);
  }
}

TEMPLATE_LIST_TEST_CASE("fcntl: F_SETFD looks at one bit", "[fcntl]", test::AllBackends) {
  TestType on;
  const int fd = on.backend.eventfd(0, 0).value();
  for (const long argument : {1L, 0L, -1L, 0xfffeL, 3L, (1L << 32) + 1, 1L << 32}) {
    CAPTURE(argument);
    CHECK(on.backend.fcntl(fd, F_SETFD, argument) == 0);
    CHECK(on.backend.fcntl(fd, F_GETFD) == static_cast<int>(argument & 1));
  }
  CHECK(on.backend.close(fd).ok());
}

TEMPLATE_LIST_TEST_CASE("fcntl: the number is checked before the command, the command before the kind",
                        "[fcntl][errors]", test::AllBackends) {
  TestType on;
  for (const int command : {F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_DUPFD, F_GETPIPE_SZ, f_dupfd_query, 12345, -1}) {
    CAPTURE(command);
    CHECK(on.backend.fcntl(-1, command, 0) == Int::failure(EBADF));
  }
  for (const auto& [kind, name, fd] : FileKinds<TestType>{on}) {
    CAPTURE(name);
    CHECK(on.backend.fcntl(fd, 12345, 0) == Int::failure(EINVAL));
    CHECK(on.backend.fcntl(fd, -1, 0) == Int::failure(EINVAL));
    CHECK(on.backend.fcntl(fd, F_GETPIPE_SZ, 0) == (is_pipe(kind) ? Int{65536} : Int::failure(EBADF)));
    CHECK(on.backend.fcntl(fd, F_SETPIPE_SZ, 65536) == (is_pipe(kind) ? Int{65536} : Int::failure(EBADF)));
  }
}

TEMPLATE_LIST_TEST_CASE("fcntl: F_DUPFD_QUERY tells duplicates from others", "[fcntl]", test::AllBackends) {
  TestType on;
  const FileKinds<TestType> files{on};
  const int fd = files.fd(Kind::eventfd);
  const typename test::Handles<TestType>::OwnedFd other{on.backend, on.backend.dup(fd).value()};
  const Int asked = on.backend.fcntl(fd, f_dupfd_query, other.get());
  if (asked == Int::failure(EINVAL)) return;  // Before Linux 6.10.
  CHECK(asked == 1);
  CHECK(on.backend.fcntl(fd, f_dupfd_query, fd) == 1);
  CHECK(on.backend.fcntl(fd, f_dupfd_query, files.fd(Kind::epoll)) == 0);
  CHECK(on.backend.fcntl(fd, f_dupfd_query, -1) == Int::failure(EBADF));
}

TEMPLATE_LIST_TEST_CASE("ioctl: of the request, the lower half counts", "[ioctl]", test::AllBackends) {
  TestType on;
  typename test::Handles<TestType>::Pipe pipe{on.backend};
  constexpr unsigned long upper = std::uint64_t{1} << 32;
  REQUIRE(on.backend.write(pipe.writer.fd(), "abc", 3).ok());
  int value = 0;
  CHECK(on.backend.ioctl(pipe.reader.fd(), upper | FIONREAD, &value) == 0);
  CHECK(value == 3);
  value = 0;
  CHECK(on.backend.ioctl(pipe.reader.fd(), ~(upper - 1) | FIONBIO, &value) == 0);
  CHECK(on.backend.fcntl(pipe.reader.fd(), F_GETFL) == O_RDONLY);
}

TEMPLATE_LIST_TEST_CASE("open: which flags are kept, and what they allow", "[fcntl][open]", test::AllBackends) {
  TestType on;
  const auto opened = [&](int flags) { return on.backend.open("/dev/null", flags); };
  const auto shown = [&](int flags) {
    const int fd = opened(flags).value();
    const Int got = on.backend.fcntl(fd, F_GETFL);
    REQUIRE(on.backend.close(fd).ok());
    return got;
  };
  CHECK(shown(O_RDWR | 4 | 8 | 0x20 | 0x800000 | 0x1000000) == (O_RDWR | shown_large_file));
  CHECK(shown(O_RDONLY | static_cast<int>(0x80000000)) == (O_RDONLY | shown_large_file));
  CHECK(shown(O_WRONLY | O_APPEND | O_NONBLOCK | O_NOFOLLOW) ==
        (O_WRONLY | O_APPEND | O_NONBLOCK | O_NOFOLLOW | shown_large_file));
  CHECK(shown(O_RDWR | (O_SYNC & ~O_DSYNC)) == (O_RDWR | O_SYNC | shown_large_file));
  if (::geteuid() == 0) {  // Who does not own the file, may not ask for this.
    CHECK(shown(O_RDONLY | O_NOATIME) == (O_RDONLY | O_NOATIME | shown_large_file));
  }
  CHECK(shown(O_RDWR | O_DSYNC) == (O_RDWR | O_DSYNC | shown_large_file));
  CHECK(shown(O_RDWR | O_CREAT | O_TRUNC | O_NOCTTY | O_CLOEXEC) == (O_RDWR | shown_large_file));
  CHECK(opened(O_RDWR | (O_TMPFILE & ~O_DIRECTORY)) == Int::failure(EINVAL));
  // An access mode of neither kind lets through neither.
  const int neither = opened(O_ACCMODE).value();
  char byte = 0;
  CHECK(on.backend.read(neither, &byte, 0) == SysResult<std::size_t>::failure(EBADF));
  CHECK(on.backend.write(neither, &byte, 0) == SysResult<std::size_t>::failure(EBADF));
  REQUIRE(on.backend.close(neither).ok());
  // What open kept cannot be taken away where there is no owner.
  const int async = opened(O_RDWR | O_ASYNC).value();
  int value = 1;
  CHECK(on.backend.ioctl(async, FIOASYNC, &value) == 0);
  value = 0;
  CHECK(on.backend.ioctl(async, FIOASYNC, &value) == Int::failure(ENOTTY));
  CHECK(on.backend.fcntl(async, F_GETFL) == (O_RDWR | O_ASYNC | shown_large_file));
  REQUIRE(on.backend.close(async).ok());
}

TEMPLATE_LIST_TEST_CASE("pread, pwrite: a range ends within what an offset can say", "[read_write][errors]",
                        test::AllBackends) {
  TestType on;
  const int null = on.backend.open("/dev/null", O_RDWR).value();
  char bytes[10] = {};
  CHECK(on.backend.pread(null, bytes, 10, INT64_MAX - 10) == std::size_t{0});
  CHECK(on.backend.pread(null, bytes, 10, INT64_MAX - 9) == SysResult<std::size_t>::failure(EINVAL));
  CHECK(on.backend.pwrite(null, bytes, 10, INT64_MAX - 10) == std::size_t{10});
  CHECK(on.backend.pwrite(null, bytes, 1, INT64_MAX) == SysResult<std::size_t>::failure(EINVAL));
  REQUIRE(on.backend.close(null).ok());
}

TEMPLATE_LIST_TEST_CASE("ioctl: FIONBIO works on all files, FIOASYNC where there can be an owner", "[ioctl]",
                        test::AllBackends) {
  TestType on;
  int yes = 7;
  int no = 0;
  for (const auto& [kind, name, fd] : FileKinds<TestType>{on}) {
    CAPTURE(name);
    const auto flags = [&, fd = fd] { return on.backend.fcntl(fd, F_GETFL).value(); };
    CHECK(on.backend.ioctl(fd, FIONBIO, &no) == 0);
    CHECK(flags() == access_mode(kind));
    CHECK(on.backend.ioctl(fd, FIONBIO, &yes) == 0);
    CHECK(flags() == (access_mode(kind) | O_NONBLOCK));
    CHECK(on.backend.ioctl(fd, FIONBIO, test::unmapped()) == Int::failure(EFAULT));
    CHECK(on.backend.ioctl(fd, FIONBIO, nullptr) == Int::failure(EFAULT));
    CHECK(on.backend.ioctl(fd, FIOASYNC, &no) == 0);
    CHECK(on.backend.ioctl(fd, FIOASYNC, &yes) == (has_owner(kind) ? Int{0} : Int::failure(ENOTTY)));
    CHECK(flags() == (access_mode(kind) | O_NONBLOCK | (has_owner(kind) ? O_ASYNC : 0)));
    CHECK(on.backend.ioctl(fd, FIOASYNC, nullptr) == Int::failure(EFAULT));
  }
  CHECK(on.backend.ioctl(-1, FIONBIO, nullptr) == Int::failure(EBADF));
}

TEMPLATE_LIST_TEST_CASE("ioctl: FIOCLEX and FIONCLEX set close-on-exec", "[ioctl]", test::AllBackends) {
  TestType on;
  for (const auto& [kind, name, fd] : FileKinds<TestType>{on}) {
    CAPTURE(name);
    CHECK(on.backend.ioctl(fd, FIOCLEX, nullptr) == 0);
    CHECK(on.backend.fcntl(fd, F_GETFD) == FD_CLOEXEC);
    CHECK(on.backend.ioctl(fd, FIONCLEX, nullptr) == 0);
    CHECK(on.backend.fcntl(fd, F_GETFD) == 0);
  }
}

TEMPLATE_LIST_TEST_CASE("ioctl: a request that a file does not know is ENOTTY, but EINVAL for an epoll",
                        "[ioctl][errors]", test::AllBackends) {
  TestType on;
  int value = 0;
  for (const auto& [kind, name, fd] : FileKinds<TestType>{on}) {
    CAPTURE(name);
    const Int refused = Int::failure(kind == Kind::epoll ? EINVAL : ENOTTY);
    CHECK(on.backend.ioctl(fd, TCGETS, &value) == refused);
    CHECK(on.backend.ioctl(fd, 0x1234, nullptr) == refused);
    const bool counts = is_pipe(kind) || test::is_socket(kind);
    CHECK(on.backend.ioctl(fd, FIONREAD, &value) == (counts ? Int{0} : refused));
    CHECK(on.backend.ioctl(fd, FIONREAD, test::unmapped()) == (counts ? Int::failure(EFAULT) : refused));
  }
  CHECK(on.backend.ioctl(-1, TCGETS, nullptr) == Int::failure(EBADF));
}
