// Arguments at the very bounds: the last that is taken and the first that is refused.
#include "../support/backends.hpp"
#include "../support/bad_pointers.hpp"

#include <array>
#include <fcntl.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

using namespace rouse;
using test::AllBackends;
using test::Handles;
using test::pointer_to;

namespace {

using Int = SysResult<int>;
using Size = SysResult<std::size_t>;
using Offset = SysResult<std::int64_t>;

constexpr std::uintptr_t user_space_end = 0x7ffffffff000;
constexpr std::size_t most_per_call = 0x7ffff000;

}  // namespace

TEMPLATE_LIST_TEST_CASE("Arguments: a call moves 2 GiB less a page at most, and looks no further", "[arguments]",
                        AllBackends) {
  // /dev/null takes everything, and looks at nothing.
  TestType on;
  const typename Handles<TestType>::OwnedFd null{on.backend, on.backend.open("/dev/null", O_RDWR).value()};
  static char byte = 0;  // Not on the stack, which may end less than that from the end of user space.
  if constexpr (!test::buffers_are_watched) {
    CHECK(on.backend.write(null.get(), &byte, most_per_call) == most_per_call);
    CHECK(on.backend.write(null.get(), &byte, most_per_call + 1) == most_per_call);
    CHECK(on.backend.pwrite(null.get(), &byte, most_per_call + 1, 0) == most_per_call);
    const std::array<::iovec, 2> halves{{{&byte, most_per_call / 2 + 1}, {&byte, most_per_call / 2}}};
    CHECK(on.backend.writev(null.get(), halves.data(), 2) == most_per_call);
    const ::iovec whole{&byte, most_per_call + 1};
    CHECK(on.backend.writev(null.get(), &whole, 1) == most_per_call);
  }
  CHECK(on.backend.lseek(null.get(), 5, SEEK_SET) == 0);
}

TEMPLATE_LIST_TEST_CASE("Arguments: a span that ends with user space is taken, one that ends behind it is not",
                        "[arguments][pointers]", AllBackends) {
  TestType on;
  auto ends = Handles<TestType>::Socket::pair(on.backend);
  auto* const last = pointer_to<char>(user_space_end - most_per_call);
  const int fd = ends.first.fd();
  // Cut first, and then asked where it ends.
  CHECK(on.backend.recvfrom(fd, last, most_per_call, MSG_DONTWAIT, nullptr, nullptr) == Size::failure(EAGAIN));
  CHECK(on.backend.recvfrom(fd, last, most_per_call + 1, MSG_DONTWAIT, nullptr, nullptr) == Size::failure(EAGAIN));
  CHECK(on.backend.recvfrom(fd, last + 1, most_per_call, MSG_DONTWAIT, nullptr, nullptr) == Size::failure(EFAULT));
  const ::iovec good{last, most_per_call + 1};
  const ::iovec bad{last + 1, most_per_call};
  CHECK(on.backend.fcntl(fd, F_SETFL, O_NONBLOCK).ok());
  CHECK(on.backend.readv(fd, &good, 1) == Size::failure(EAGAIN));
  CHECK(on.backend.readv(fd, &bad, 1) == Size::failure(EFAULT));
  ends.first.shutdown(ShutdownHow::write);
  CHECK(on.backend.sendto(fd, last, most_per_call + 1, MSG_NOSIGNAL, nullptr, 0) == Size::failure(EPIPE));
  CHECK(on.backend.sendto(fd, last + 1, most_per_call, MSG_NOSIGNAL, nullptr, 0) == Size::failure(EFAULT));
}

TEMPLATE_LIST_TEST_CASE("Arguments: lseek knows five ways to count", "[arguments][lseek]", AllBackends) {
  TestType on;
  typename Handles<TestType>::Pipe pipe{on.backend};
  typename Handles<TestType>::EventFd event{on.backend};
  for (const int whence : {SEEK_SET, SEEK_HOLE}) {
    CHECK(on.backend.lseek(pipe.reader.fd(), 0, whence) == Offset::failure(ESPIPE));
    CHECK(on.backend.lseek(event.fd(), 7, whence) == 0);
  }
  for (const int whence : {-1, SEEK_HOLE + 1}) {
    CHECK(on.backend.lseek(pipe.reader.fd(), 0, whence) == Offset::failure(EINVAL));
  }
}

TEMPLATE_LIST_TEST_CASE("Arguments: what succeeds without a value returns 0", "[arguments]", AllBackends) {
  TestType on;
  typename Handles<TestType>::Pipe pipe{on.backend};
  typename Handles<TestType>::Epoll epoll{on.backend};
  int number = 0;
  BusyPoll parameters;
  CHECK(on.backend.ioctl(pipe.reader.fd(), FIONREAD, &number) == 0);
  CHECK(on.backend.ioctl(pipe.reader.fd(), FIONBIO, &number) == 0);
  CHECK(on.backend.ioctl(pipe.reader.fd(), FIOCLEX, nullptr) == 0);
  CHECK(on.backend.ioctl(epoll.fd(), epiocgparams, &parameters) == 0);
  CHECK(on.backend.ioctl(epoll.fd(), epiocsparams, &parameters) == 0);
  CHECK(on.backend.fcntl(pipe.reader.fd(), F_SETFD, 0) == 0);
  CHECK(on.backend.fcntl(pipe.reader.fd(), F_SETFL, 0) == 0);
}

TEMPLATE_LIST_TEST_CASE("Arguments: an accepted socket closes on exec only if that was asked for", "[arguments][unix]",
                        AllBackends) {
  TestType on;
  for (const int flags : {0, int{SOCK_NONBLOCK}, int{SOCK_CLOEXEC}, SOCK_NONBLOCK | SOCK_CLOEXEC}) {
    CAPTURE(flags);
    const typename Handles<TestType>::OwnedFd listener{on.backend, on.backend.socket(AF_UNIX, SOCK_STREAM, 0).value()};
    const typename Handles<TestType>::OwnedFd client{on.backend, on.backend.socket(AF_UNIX, SOCK_STREAM, 0).value()};
    const ::sa_family_t family = AF_UNIX;
    const auto* const unnamed = reinterpret_cast<const ::sockaddr*>(&family);
    REQUIRE(on.backend.bind(listener.get(), unnamed, sizeof family).ok());
    REQUIRE(on.backend.listen(listener.get(), 1).ok());
    ::sockaddr_storage address{};
    ::socklen_t n = sizeof address;
    REQUIRE(on.backend.getsockname(listener.get(), reinterpret_cast<::sockaddr*>(&address), &n).ok());
    REQUIRE(on.backend.connect(client.get(), reinterpret_cast<::sockaddr*>(&address), n).ok());
    const typename Handles<TestType>::OwnedFd accepted{
        on.backend, on.backend.accept4(listener.get(), nullptr, nullptr, flags).value()};
    CHECK(on.backend.fcntl(accepted.get(), F_GETFD) == ((flags & SOCK_CLOEXEC) != 0 ? FD_CLOEXEC : 0));
    CHECK((on.backend.fcntl(accepted.get(), F_GETFL).value() & O_NONBLOCK) == (flags & SOCK_NONBLOCK));
  }
}

TEMPLATE_LIST_TEST_CASE("Arguments: the last bytes of user space are filled, and nothing that would go beyond them",
                        "[arguments][pointers]", AllBackends) {
  constexpr std::size_t page = 4096;
  void* const memory = ::mmap(pointer_to<void>(user_space_end - page), page, PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
  if (memory == MAP_FAILED) return;  // The stack is there when addresses are not at random.
  {
    TestType on;
    char* const end = static_cast<char*>(memory) + page;
    for (const std::size_t left : {std::size_t{8}, std::size_t{7}, std::size_t{1}}) {
      CAPTURE(left);
      std::memset(end - 8, '-', 8);
      int* const fds = reinterpret_cast<int*>(end - left);
      const SysResult<void> result = on.backend.pipe2(fds, 0);
      CHECK(result.error() == (left == 8 ? 0 : EFAULT));
      if (result.ok()) {
        for (const int i : {0, 1}) CHECK(on.backend.close(fds[i]).ok());
      } else {
        CHECK(std::string(end - 8, 8) == "--------");
      }
    }
  }
  REQUIRE(::munmap(memory, page) == 0);
}

TEMPLATE_LIST_TEST_CASE("Arguments: a poll of nothing still looks where its answers would go", "[arguments][poll]",
                        AllBackends) {
  TestType on;
  CHECK(on.backend.poll(pointer_to<::pollfd>(user_space_end), 0, 0) == 0);
  CHECK(on.backend.poll(pointer_to<::pollfd>(user_space_end + 1), 0, 0) == Int::failure(EFAULT));
}

TEMPLATE_LIST_TEST_CASE("Arguments: write(2) on a full socket says how much went", "[arguments][unix]", AllBackends) {
  TestType on;
  auto ends = Handles<TestType>::Socket::pair(on.backend);
  CHECK(on.backend.fcntl(ends.first.fd(), F_SETFL, O_NONBLOCK).ok());
  const std::string large(500'000, 'x');
  CHECK(on.backend.write(ends.first.fd(), large.data(), large.size()) == 219264u);
  CHECK(on.backend.write(ends.first.fd(), large.data(), large.size()) == Size::failure(EAGAIN));
}

TEMPLATE_LIST_TEST_CASE("Arguments: of a call's flags, only those that mean something to it are looked at",
                        "[arguments][unix]", AllBackends) {
  TestType on;
  auto ends = Handles<TestType>::Socket::pair(on.backend);
  const int here = ends.first.fd();
  const int there = ends.second.fd();
  REQUIRE(on.backend.sendto(here, "abc", 3, MSG_NOSIGNAL, nullptr, 0) == 3u);
  std::string bytes(8, '-');
  // Not MSG_WAITALL: it does not wait for the rest.
  CHECK(on.backend.recvfrom(there, bytes.data(), 8, MSG_NOSIGNAL, nullptr, nullptr) == 3u);
  CHECK(bytes == "abc-----");
  // An urgent byte is one byte, whatever the room.
  REQUIRE(on.backend.sendto(here, "!", 1, MSG_OOB, nullptr, 0) == 1u);
  int at_mark = -1;
  CHECK(on.backend.ioctl(there, SIOCATMARK, &at_mark) == 0);
  CHECK(at_mark == 1);
  CHECK(on.backend.recvfrom(there, bytes.data(), 8, MSG_OOB, nullptr, nullptr) == 1u);
  CHECK(bytes == "!bc-----");
}

TEMPLATE_LIST_TEST_CASE("Arguments: each option of a socket is its own", "[arguments][unix]", AllBackends) {
  TestType on;
  auto ends = Handles<TestType>::Socket::pair(on.backend);
  const std::array<int, 4> names{SO_REUSEADDR, SO_KEEPALIVE, SO_BROADCAST, SO_DONTROUTE};
  const auto set = [&](int name, int value) {
    REQUIRE(on.backend.setsockopt(ends.first.fd(), SOL_SOCKET, name, &value, sizeof value).ok());
  };
  const auto options = [&] {
    std::array<int, 4> values{};
    for (std::size_t i = 0; i < names.size(); ++i) {
      ::socklen_t n = sizeof values[i];
      REQUIRE(on.backend.getsockopt(ends.first.fd(), SOL_SOCKET, names[i], &values[i], &n).ok());
    }
    return values;
  };
  for (const int name : names) set(name, 7);
  CHECK(options() == std::array<int, 4>{1, 1, 1, 1});
  set(SO_KEEPALIVE, 0);
  set(SO_DONTROUTE, 0);
  CHECK(options() == std::array<int, 4>{1, 0, 1, 0});
}
