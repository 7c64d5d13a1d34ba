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
int access_mode(Kind kind) {
  constexpr int shown_large_file = 0100000;  // As the kernel defines it; the C library's is 0.
  switch (kind) {
    case Kind::pipe_reader: return O_RDONLY;
    case Kind::pipe_writer: return O_WRONLY;
    case Kind::dev_null: return O_RDWR | shown_large_file;
    default: return O_RDWR;
  }
}

bool is_pipe(Kind kind) { return kind == Kind::pipe_reader || kind == Kind::pipe_writer; }
bool has_owner(Kind kind) { return is_pipe(kind) || kind == Kind::unix_stream; }

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
    const bool counts = is_pipe(kind) || kind == Kind::unix_stream;
    CHECK(on.backend.ioctl(fd, FIONREAD, &value) == (counts ? Int{0} : refused));
    CHECK(on.backend.ioctl(fd, FIONREAD, test::unmapped()) == (counts ? Int::failure(EFAULT) : refused));
  }
  CHECK(on.backend.ioctl(-1, TCGETS, nullptr) == Int::failure(EBADF));
}
