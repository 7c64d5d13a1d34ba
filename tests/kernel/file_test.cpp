// File and FileRef: what a file does that overrides nothing, and when it goes.
#include "rouse/kernel/file.hpp"

#include "../support/backends.hpp"
#include "../support/fake_file.hpp"

using namespace rouse;
using kernel::Direction;
using kernel::FileRef;

TEST_CASE("File: what a kind does not say is refused", "[file]") {
  kernel::Kernel kernel;
  test::FakeFile* file = nullptr;
  const int fd = test::open_fake(kernel, file);
  const EmulatedBackend backend{kernel};
  char byte = 0;
  CHECK(backend.read(fd, &byte, 1) == SysResult<std::size_t>::failure(EINVAL));
  CHECK(backend.write(fd, &byte, 1) == SysResult<std::size_t>::failure(EINVAL));
  CHECK(backend.ioctl(fd, 1, nullptr) == SysResult<int>::failure(ENOTTY));
}

TEST_CASE("File: who waits for a direction is told of it, and of errors and hang-ups", "[file]") {
  kernel::Kernel kernel;
  test::FakeFile* file = nullptr;
  test::open_fake(kernel, file);
  const kernel::WaitStyle reading = file->wait_style(Direction::read);
  CHECK(reading.key == (EventFlags::in | EventFlags::err | EventFlags::hup));
  CHECK_FALSE(reading.exclusive);
  CHECK_FALSE(reading.at_head);
  CHECK(file->wait_style(Direction::write).key == (EventFlags::out | EventFlags::err | EventFlags::hup));
}

TEST_CASE("File: of sockets, only those of the unix family are taken for unix sockets", "[file]") {
  kernel::Kernel kernel;
  const EmulatedBackend backend{kernel};
  const auto is_unix_socket = [&](SysResult<int> fd) {
    return kernel::unix_socket_cast(kernel.file(fd.value())) != nullptr;
  };
  for (const int type : {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET}) {
    CAPTURE(type);
    CHECK(is_unix_socket(backend.socket(AF_UNIX, type, 0)));
  }
  for (const int type : {SOCK_STREAM, SOCK_DGRAM}) {
    CAPTURE(type);
    CHECK_FALSE(is_unix_socket(backend.socket(AF_INET, type, 0)));
    CHECK_FALSE(is_unix_socket(backend.socket(AF_INET6, type, 0)));
  }
  CHECK_FALSE(is_unix_socket(backend.eventfd(0, 0)));
}

TEST_CASE("FileRef: the file goes with the last reference", "[file]") {
  bool is_gone = false;
  FileRef first{new test::FakeFile{1, &is_gone}};
  FileRef second = first;
  FileRef third = std::move(first);
  CHECK_FALSE(first);
  CHECK(second.get() == third.get());
  second = FileRef{};
  CHECK_FALSE(is_gone);
  third = second;  // A copy of none is none.
  CHECK_FALSE(third);
  CHECK(is_gone);
}
