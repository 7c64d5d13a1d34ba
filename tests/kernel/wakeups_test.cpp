// Which steps wake one exclusive waiter and which wake all: two stand in the queue of a file and count.
#include "../support/backends.hpp"
#include "../support/told.hpp"

#include <functional>
#include <sys/socket.h>

using namespace rouse;
using test::Told;

namespace {

using Pair = std::pair<int, int>;

constexpr Pair nobody{0, 0};
constexpr Pair one{1, 0};
constexpr Pair everybody{1, 1};

class Watched {
 public:
  explicit Watched(kernel::File* file) {
    file->queue.add_tail(first_);
    file->queue.add_tail(second_);
  }
  /// How often each of the two was woken since the last time.
  Pair woken() { return {first_.take(), second_.take()}; }

 private:
  Told first_{true};
  Told second_{true};
};

struct Machine {
  kernel::Kernel kernel;
  EmulatedBackend backend{kernel};

  [[nodiscard]] Watched watch(int fd) const { return Watched{kernel.file(fd)}; }
  void send(int fd, std::size_t n) const {
    const std::string bytes(n, 'x');
    REQUIRE(backend.write(fd, bytes.data(), n) == n);
  }
  void take(int fd, std::size_t n) const {
    std::string bytes(n, '-');
    REQUIRE(backend.read(fd, bytes.data(), n) == n);
  }
};

}  // namespace

TEST_CASE("Wakeups: an eventfd tells one", "[wakeups]") {
  const Machine on;
  const int fd = on.backend.eventfd(0, EFD_NONBLOCK).value();
  Watched queue = on.watch(fd);
  std::uint64_t value = 1;
  REQUIRE(on.backend.write(fd, &value, 8).ok());
  CHECK(queue.woken() == one);
  REQUIRE(on.backend.read(fd, &value, 8).ok());
  CHECK(queue.woken() == one);
  CHECK(on.backend.read(fd, &value, 8) == SysResult<std::size_t>::failure(EAGAIN));
  CHECK(queue.woken() == nobody);
}

TEST_CASE("Wakeups: a pipe tells one, and everybody when an end goes", "[wakeups]") {
  const Machine on;
  int pipe[2];
  REQUIRE(on.backend.pipe2(pipe, O_NONBLOCK).ok());
  Watched reader = on.watch(pipe[0]);
  Watched writer = on.watch(pipe[1]);
  on.send(pipe[1], 65536);
  CHECK(reader.woken() == one);
  CHECK(writer.woken() == nobody);
  // Whether it was told of what is there already, matters once somebody has polled.
  CHECK(on.backend.write(pipe[1], "x", 1) == SysResult<std::size_t>::failure(EAGAIN));
  CHECK(reader.woken() == nobody);
  ::pollfd polled{pipe[0], POLLIN, 0};
  REQUIRE(on.backend.poll(&polled, 1, 0) == 1);
  CHECK(on.backend.write(pipe[1], "x", 1) == SysResult<std::size_t>::failure(EAGAIN));
  CHECK(reader.woken() == one);
  on.take(pipe[0], 4095);
  CHECK(writer.woken() == nobody);
  on.take(pipe[0], 1);
  CHECK(writer.woken() == one);
  on.take(pipe[0], 4096);
  CHECK(writer.woken() == nobody);
  CHECK(on.backend.fcntl(pipe[0], F_SETPIPE_SZ, 1 << 17).ok());
  CHECK(writer.woken() == one);
  CHECK(reader.woken() == nobody);
  SECTION("the reader") {
    REQUIRE(on.backend.close(pipe[0]).ok());
    CHECK(writer.woken() == everybody);
  }
  SECTION("the writer") {
    REQUIRE(on.backend.close(pipe[1]).ok());
    CHECK(reader.woken() == everybody);
    CHECK(on.backend.fcntl(pipe[0], F_SETPIPE_SZ, 1 << 18).ok());
    CHECK(reader.woken() == nobody);
  }
}

TEST_CASE("Wakeups: a unix stream tells one of bytes and room, and everybody of shutdowns and the end", "[wakeups]") {
  const Machine on;
  int pair[2];
  REQUIRE(on.backend.socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair).ok());
  Watched here = on.watch(pair[0]);
  Watched there = on.watch(pair[1]);
  on.send(pair[0], 100);
  CHECK(there.woken() == one);
  CHECK(here.woken() == nobody);
  on.take(pair[1], 99);
  CHECK(here.woken() == nobody);
  on.take(pair[1], 1);
  CHECK(here.woken() == one);
  const int size = 300'000;
  REQUIRE(on.backend.setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof size).ok());
  CHECK(here.woken() == one);
  CHECK(there.woken() == nobody);
  SECTION("a shutdown") {
    for (const int how : {SHUT_RD, SHUT_WR, SHUT_RDWR}) {
      REQUIRE(on.backend.shutdown(pair[0], how).ok());
      CHECK(here.woken() == everybody);
      CHECK(there.woken() == everybody);
    }
  }
  SECTION("a close") {
    REQUIRE(on.backend.close(pair[1]).ok());
    CHECK(here.woken() == everybody);
  }
}

TEST_CASE("Wakeups: a listener tells one of each connection", "[wakeups]") {
  const Machine on;
  const auto make = [&] { return on.backend.socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0).value(); };
  const SocketAddress name = *SocketAddress::unix_abstract("listener");
  const int listener = make();
  REQUIRE(on.backend.bind(listener, name.data(), name.size()).ok());
  REQUIRE(on.backend.listen(listener, 1).ok());
  Watched queue = on.watch(listener);
  for (int i = 0; i < 2; ++i) {
    REQUIRE(on.backend.connect(make(), name.data(), name.size()).ok());
    CHECK(queue.woken() == one);
  }
  REQUIRE(on.backend.accept4(listener, nullptr, nullptr, 0).ok());
  CHECK(queue.woken() == nobody);
  REQUIRE(on.backend.shutdown(listener, SHUT_RD).ok());
  CHECK(queue.woken() == everybody);
}
