// What stands in memory after a call met a bad address: what was put before it stays there, as on Linux. And results
// that have nowhere to go.
#include "../support/bare.hpp"
#include "../support/guarded.hpp"
#include "../support/messages.hpp"
#include "../support/unix_sockets.hpp"

#include <cstring>
#include <sys/time.h>

using namespace rouse;
using test::Guarded;
using test::Handles;

namespace {

using Size = SysResult<std::size_t>;
using Count = SysResult<int>;
using Void = SysResult<void>;

/// The calls without the C library in between: sanitizers look at all of a buffer.
struct Raw : test::BareLinux {
  Size read(int fd, void* buffer, std::size_t n) const { return Size::from_libc(::syscall(SYS_read, fd, buffer, n)); }
  Size readv(int fd, const ::iovec* vectors, int n) const {
    return Size::from_libc(::syscall(SYS_readv, fd, vectors, n));
  }
  Size writev(int fd, const ::iovec* vectors, int n) const {
    return Size::from_libc(::syscall(SYS_writev, fd, vectors, n));
  }
  Size recvfrom(int fd, void* data, std::size_t n, int flags, ::sockaddr* from, ::socklen_t* from_n) const {
    return Size::from_libc(::syscall(SYS_recvfrom, fd, data, n, flags, from, from_n));
  }
  Size recvmsg(int fd, ::msghdr* message, int flags) const {
    return Size::from_libc(::syscall(SYS_recvmsg, fd, message, flags));
  }
  Count epoll_wait(int epfd, Event* events, int n, int milliseconds) const {
    return Count::from_libc(::syscall(SYS_epoll_pwait, epfd, events, n, milliseconds, nullptr, std::size_t{8}));
  }
  Void pipe2(int* fds, int flags) const { return Void::from_libc(::syscall(SYS_pipe2, fds, flags)); }
  Void socketpair(int family, int type, int protocol, int* fds) const {
    return Void::from_libc(::syscall(SYS_socketpair, family, type, protocol, fds));
  }
  Void getsockname(int fd, ::sockaddr* address, ::socklen_t* n) const {
    return Void::from_libc(::syscall(SYS_getsockname, fd, address, n));
  }
  Void getsockopt(int fd, int level, int name, void* value, ::socklen_t* n) const {
    return Void::from_libc(::syscall(SYS_getsockopt, fd, level, name, value, n));
  }
};

Raw raw(LinuxBackend) { return {}; }
EmulatedBackend raw(EmulatedBackend backend) { return backend; }

const Void fault = Void::failure(EFAULT);

/// The last bytes in front of the bad page, as text; those untouched as dots.
struct Edge {
  explicit Edge(std::size_t n) : size(n) { std::memset(at(), '.', n); }
  [[nodiscard]] char* at() const { return memory.last(size); }
  template <class T>
  [[nodiscard]] T* as() const {
    return reinterpret_cast<T*>(at());
  }
  [[nodiscard]] std::string text() const { return {at(), size}; }

  Guarded memory;
  std::size_t size;
};

std::string bytes_of(const void* from, std::size_t n) { return {static_cast<const char*>(from), n}; }

}  // namespace

TEMPLATE_LIST_TEST_CASE("Fault results: bytes in front of a bad address are there, and are not counted", "[fault]",
                        test::AllWays) {
  TestType on;
  const auto backend = raw(on.backend);
  const Edge edge{4};
  SECTION("a pipe") {
    typename Handles<TestType>::Pipe pipe{on.backend};
    REQUIRE(on.backend.write(pipe.writer.fd(), "abcdefgh", 8) == std::size_t{8});
    CHECK(backend.read(pipe.reader.fd(), edge.at(), 8) == Size::failure(EFAULT));
    CHECK(edge.text() == "abcd");
    const Edge one{1};
    CHECK(backend.read(pipe.reader.fd(), one.at(), 8) == Size::failure(EFAULT));
    CHECK(one.text() == "a");
    char again[8];
    CHECK(backend.read(pipe.reader.fd(), again, 8) == std::size_t{8});
  }
  SECTION("a stream") {
    auto [a, b] = Handles<TestType>::Socket::pair(on.backend);
    REQUIRE(on.backend.write(a.fd(), "abcdefgh", 8) == std::size_t{8});
    CHECK(backend.recvfrom(b.fd(), edge.at(), 8, 0, nullptr, nullptr) == Size::failure(EFAULT));
    CHECK(edge.text() == "abcd");
  }
  SECTION("an eventfd, whose number is gone") {
    typename Handles<TestType>::EventFd event{on.backend, 0x64636261};
    CHECK(backend.read(event.fd(), edge.at(), 8) == Size::failure(EFAULT));
    CHECK(edge.text() == "abcd");
    CHECK(!event.try_read());
  }
  SECTION("an epoll's bits go before its data") {
    typename Handles<TestType>::Epoll epoll{on.backend};
    typename Handles<TestType>::EventFd event{on.backend, 1};
    epoll.add(event, EventFlags::in, 7);
    CHECK(backend.epoll_wait(epoll.fd(), edge.as<Event>(), 1, 0) == Count::failure(EFAULT));
    CHECK(edge.text() == std::string("\1\0\0\0", 4));
  }
  SECTION("the first of two numbers, which is none") {
    const int next = on.backend.eventfd(0, 0).value();
    REQUIRE(on.backend.close(next).ok());
    CHECK(backend.pipe2(edge.as<int>(), 0) == fault);
    CHECK(edge.text() == bytes_of(&next, sizeof next));
    std::memset(edge.at(), '.', 4);
    CHECK(backend.socketpair(AF_UNIX, SOCK_STREAM, 0, edge.as<int>()) == fault);
    CHECK(edge.text() == bytes_of(&next, sizeof next));
    CHECK(on.backend.fcntl(next, F_GETFD, 0) == Count::failure(EBADF));
  }
  SECTION("half an option") {
    auto [a, b] = Handles<TestType>::Socket::pair(on.backend);
    const ::timeval limit{0x64636261, 0};
    REQUIRE(on.backend.setsockopt(a.fd(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit).ok());
    ::socklen_t n = sizeof limit;
    CHECK(backend.getsockopt(a.fd(), SOL_SOCKET, SO_RCVTIMEO, edge.at(), &n) == fault);
    CHECK(edge.text() == "abcd");
  }
  SECTION("poll's answers up to the first that cannot be put") {
    typename Handles<TestType>::EventFd event{on.backend, 1};
    Guarded memory{2};
    auto* const entries = reinterpret_cast<::pollfd*>(memory.start() + Guarded::page) - 1;
    for (int i = 0; i < 2; ++i) entries[i] = {event.fd(), POLLIN, 99};
    memory.make_read_only(1);
    CHECK(backend.poll(entries, 2, 0) == Count::failure(EFAULT));
    CHECK(entries[0].revents == POLLIN);
    CHECK(entries[1].revents == 99);
  }
}

TEMPLATE_LIST_TEST_CASE("Fault results: what cannot be told is EFAULT, and has happened", "[fault]", test::AllWays) {
  TestType on;
  const auto backend = raw(on.backend);
  const test::UnixSockets calls{on, SOCK_DGRAM};
  const auto pair = calls.pair();
  Guarded memory;
  char bytes[100] = {};
  auto* const address = reinterpret_cast<::sockaddr*>(bytes);
  auto* const length = reinterpret_cast<::socklen_t*>(memory.last(sizeof(::socklen_t)));
  *length = 100;
  auto* const set = reinterpret_cast<::fd_set*>(memory.last(8 + sizeof(::fd_set)));
  FD_ZERO(set);
  auto* const message = reinterpret_cast<::msghdr*>(memory.start());
  ::iovec vector{bytes, 1};
  *message = {};
  message->msg_iov = &vector;
  message->msg_iovlen = 1;
  memory.make_read_only();

  ::timeval now{};
  CHECK(backend.select(10, set, nullptr, nullptr, &now) == Count::failure(EFAULT));
  CHECK(backend.select(0, set, nullptr, nullptr, &now) == Count{0});
  CHECK(backend.getsockname(pair[0].get(), address, length) == fault);
  CHECK(bytes[0] == 0);
  CHECK(backend.getsockopt(pair[0].get(), SOL_SOCKET, SO_TYPE, bytes, length) == fault);
  CHECK(bytes[0] == SOCK_DGRAM);
  REQUIRE(calls.send(pair[1], "a").ok());
  CHECK(backend.recvfrom(pair[0].get(), bytes, 1, 0, address, length) == Size::failure(EFAULT));
  REQUIRE(calls.send(pair[1], "b").ok());
  CHECK(backend.recvmsg(pair[0].get(), message, 0) == Size::failure(EFAULT));
  CHECK(bytes[0] == 'b');
  CHECK(calls.receive(pair[0]) == test::nothing(EAGAIN));
}

TEMPLATE_LIST_TEST_CASE("Fault results: files that came are open, though it is not told where", "[fault][rights]",
                        test::AllWays) {
  TestType on;
  const auto backend = raw(on.backend);
  const test::UnixSockets calls{on};
  const auto pair = calls.pair();
  Guarded memory{2};
  const int next = on.backend.eventfd(0, 0).value();
  REQUIRE(test::send_message(on.backend, pair[0].get(), "x", test::rights({next})).ok());
  REQUIRE(on.backend.close(next).ok());
  char byte = 0;
  ::iovec vector{&byte, 1};
  ::msghdr message{};
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  // The length of the header is on a page that cannot be written, the rest on one that can.
  message.msg_control = memory.start() + Guarded::page - 8;
  message.msg_controllen = 100;
  memory.make_read_only(0, 1);
  CHECK(backend.recvmsg(pair[1].get(), &message, 0) == std::size_t{1});
  CHECK(message.msg_controllen == 0);
  CHECK(message.msg_flags == 0);
  int told[3];
  std::memcpy(told, memory.start() + Guarded::page, sizeof told);
  CHECK(told[0] == SOL_SOCKET);
  CHECK(told[1] == SCM_RIGHTS);
  CHECK(told[2] == next);
  CHECK(on.backend.close(next).ok());
}

TEMPLATE_LIST_TEST_CASE("Vectors: they are looked at once, in order", "[vectors][fault]", test::AllWays) {
  TestType on;
  const auto backend = raw(on.backend);
  typename Handles<TestType>::Pipe pipe{on.backend};
  SECTION("what a read puts over them changes nothing") {
    struct {
      ::iovec vectors[2];
    } own;
    char rest[4] = {};
    own.vectors[0] = {&own.vectors[1], sizeof own.vectors[1]};
    own.vectors[1] = {rest, 3};
    REQUIRE(on.backend.write(pipe.writer.fd(), "0123456789abcdefXYZ", 19) == std::size_t{19});
    CHECK(backend.readv(pipe.reader.fd(), own.vectors, 2) == std::size_t{19});
    CHECK(std::string(rest) == "XYZ");
  }
  SECTION("a length that is none goes before a vector that cannot be read") {
    const Edge edge{sizeof(::iovec)};
    auto* const vectors = edge.as<::iovec>();
    *vectors = {nullptr, SIZE_MAX};
    CHECK(backend.readv(pipe.reader.fd(), vectors, 2) == Size::failure(EINVAL));
    CHECK(backend.writev(pipe.writer.fd(), vectors, 2) == Size::failure(EINVAL));
    *vectors = {nullptr, 0};
    CHECK(backend.writev(pipe.writer.fd(), vectors, 2) == Size::failure(EFAULT));
  }
  SECTION("so are more than a few") {
    char bytes[20] = {};
    std::vector<::iovec> vectors;
    for (char& byte : bytes) vectors.push_back({&byte, 1});
    REQUIRE(on.backend.write(pipe.writer.fd(), "0123456789abcdefXYZ", 19) == std::size_t{19});
    CHECK(backend.readv(pipe.reader.fd(), vectors.data(), 20) == std::size_t{19});
    CHECK(std::string(bytes) == "0123456789abcdefXYZ");
  }
}
