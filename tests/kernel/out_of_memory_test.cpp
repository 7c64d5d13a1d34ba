// Each call with each of its allocations failing in turn: ENOMEM, and everything as it was.
#include "../support/backends.hpp"
#include "../support/messages.hpp"

#include <chrono>
#include <cstdlib>
#include <functional>
#include <netinet/in.h>
#include <new>
#include <tuple>

namespace {

constexpr std::size_t no_limit = ~std::size_t{0};
std::size_t allocations_left = no_limit;

}  // namespace

void* operator new(std::size_t size) {
  if (allocations_left == 0) throw std::bad_alloc();
  if (allocations_left != no_limit) --allocations_left;
  if (void* const memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return std::malloc(size); }
// As the library's own does; a sanitizer's does not.
void* operator new[](std::size_t size) { return operator new(size); }
// Not inlined, or g++ would see memory of operator new go to free() and warn.
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete[](void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }

using namespace rouse;

namespace {

/// A kernel with one of everything, in which every number below 64 is open, so that the next fd grows the table.
struct Fixture {
  Fixture() {
    REQUIRE(backend.bind(listener, address.data(), address.size()).ok());
    REQUIRE(backend.listen(listener, 8).ok());
    REQUIRE(backend.connect(client, address.data(), address.size()).ok());
    REQUIRE(backend.pipe2(pipe, O_NONBLOCK).ok());
    REQUIRE(backend.socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair).ok());
    REQUIRE(backend.socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, messages).ok());
    REQUIRE(backend.bind(packet_listener, packets.data(), packets.size()).ok());
    REQUIRE(backend.listen(packet_listener, 8).ok());
    REQUIRE(test::send_message(backend, messages[1], "xy", two_files).ok());
    REQUIRE(bind(tcp_listener, 5001) == 0);
    REQUIRE(bind(bound_tcp, 5002) == 0);
    REQUIRE(bind(bound_too, 5003) == 0);
    REQUIRE(bind(udp, 5001) == 0);
    REQUIRE(backend.listen(tcp_listener, 8).ok());
    REQUIRE(connect(tcp_client, 5001) == 0);
    REQUIRE(connect(bound_tcp, 5001) == 0);
    tcp_accepted = backend.accept4(tcp_listener, nullptr, nullptr, SOCK_NONBLOCK).value();
    while (backend.dup(event).value() < 63) {
    }
  }

  /// What must not change when a call fails.
  [[nodiscard]] std::string state() const {
    std::string text = dump(kernel);
    for (const int fd : {fresh_tcp, fresh_udp}) text += ' ' + std::to_string(port(fd));
    return text;
  }
  /// What a socket is bound to, whether anybody else sees that or not.
  [[nodiscard]] int port(int fd) const {
    ::sockaddr_in at{};
    ::socklen_t length = sizeof at;
    REQUIRE(backend.getsockname(fd, reinterpret_cast<::sockaddr*>(&at), &length).ok());
    return ntohs(at.sin_port);
  }

  /// At the loopback. Allocates nothing.
  struct At {
    explicit At(std::uint16_t port) {
      in.sin_family = AF_INET;
      in.sin_port = htons(port);
      in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    }
    [[nodiscard]] const ::sockaddr* get() const { return reinterpret_cast<const ::sockaddr*>(&in); }
    ::sockaddr_in in{};
  };
  int bind(int fd, std::uint16_t port) { return backend.bind(fd, At{port}.get(), sizeof(At)).error(); }
  /// 0 also if it goes on.
  int connect(int fd, std::uint16_t port) {
    const int error = backend.connect(fd, At{port}.get(), sizeof(At)).error();
    return error == EINPROGRESS ? 0 : error;
  }

  kernel::Kernel kernel;
  EmulatedBackend backend{kernel};
  const SocketAddress address = *SocketAddress::unix_path("/run/listener");
  const int event = backend.eventfd(0, EFD_NONBLOCK).value();
  const int epoll = backend.epoll_create1(0).value();
  const int listener = backend.socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0).value();
  const int client = backend.socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0).value();
  const int fresh = backend.socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0).value();
  const SocketAddress packets = *SocketAddress::unix_path("/run/packets");
  const int packet_listener = backend.socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0).value();
  const int fresh_packets = backend.socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0).value();
  const int tcp_listener = backend.socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0).value();
  const int bound_tcp = backend.socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0).value();
  const int bound_too = backend.socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0).value();
  const int tcp_client = backend.socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0).value();
  const int fresh_tcp = backend.socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0).value();
  const int udp = backend.socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0).value();
  const int fresh_udp = backend.socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0).value();
  int tcp_accepted = -1;
  const std::string two_files = test::rights({event, epoll});
  int pipe[2];
  int pair[2];
  int messages[2];
};

/// The errno of a call, or 0.
using Call = std::function<int(Fixture&)>;

struct Row {
  const char* name;
  Call call;
};

const std::vector<Row>& rows() {
  static const std::string large(100'000, 'x');
  static const SocketAddress path = *SocketAddress::unix_path("/a/path/long/enough/to/be/allocated");
  static const SocketAddress name = *SocketAddress::unix_abstract("a name that is long enough to be allocated");
  static const std::vector<Row> all = {
      {"eventfd", [](Fixture& f) { return f.backend.eventfd(0, 0).error(); }},
      {"epoll_create1", [](Fixture& f) { return f.backend.epoll_create1(0).error(); }},
      {"timerfd_create", [](Fixture& f) { return f.backend.timerfd_create(CLOCK_MONOTONIC, 0).error(); }},
      {"signalfd",
       [](Fixture& f) {
         const ::sigset_t none = SignalSet{}.to_sigset();
         return f.backend.signalfd(-1, &none, 0).error();
       }},
      {"pipe2",
       [](Fixture& f) {
         int fds[2];
         return f.backend.pipe2(fds, 0).error();
       }},
      {"socket", [](Fixture& f) { return f.backend.socket(AF_UNIX, SOCK_STREAM, 0).error(); }},
      {"socketpair",
       [](Fixture& f) {
         int fds[2];
         return f.backend.socketpair(AF_UNIX, SOCK_STREAM, 0, fds).error();
       }},
      {"open", [](Fixture& f) { return f.backend.open("/dev/null", O_RDWR).error(); }},
      {"dup", [](Fixture& f) { return f.backend.dup(f.event).error(); }},
      {"dup2", [](Fixture& f) { return f.backend.dup2(f.event, 900).error(); }},
      {"epoll_ctl(add)",
       [](Fixture& f) {
         const Event event{EventFlags::in, 1};
         return f.backend.epoll_ctl(f.epoll, EPOLL_CTL_ADD, f.event, &event).error();
       }},
      {"bind to a path", [](Fixture& f) { return f.backend.bind(f.fresh, path.data(), path.size()).error(); }},
      {"bind to a name", [](Fixture& f) { return f.backend.bind(f.fresh, name.data(), name.size()).error(); }},
      {"connect", [](Fixture& f) { return f.backend.connect(f.fresh, f.address.data(), f.address.size()).error(); }},
      {"accept4", [](Fixture& f) { return f.backend.accept4(f.listener, nullptr, nullptr, 0).error(); }},
      {"write to a pipe", [](Fixture& f) { return f.backend.write(f.pipe[1], large.data(), 4000).error(); }},
      {"socketpair of messages",
       [](Fixture& f) {
         int fds[2];
         return f.backend.socketpair(AF_UNIX, SOCK_DGRAM, 0, fds).error();
       }},
      {"connect of messages",
       [](Fixture& f) { return f.backend.connect(f.fresh_packets, f.packets.data(), f.packets.size()).error(); }},
      {"send of a message",
       [](Fixture& f) { return f.backend.sendto(f.messages[0], large.data(), 4000, 0, nullptr, 0).error(); }},
      {"sendmsg of files",
       [](Fixture& f) { return test::send_message(f.backend, f.pair[0], large, f.two_files).error(); }},
      {"sendmsg of a message with files",
       [](Fixture& f) { return test::send_message(f.backend, f.messages[0], "xy", f.two_files).error(); }},
      {"peek at a message with files",
       [](Fixture& f) {
         char byte = 0;
         return f.backend.recvfrom(f.messages[0], &byte, 1, MSG_PEEK, nullptr, nullptr).error();
       }},
      {"socket of tcp", [](Fixture& f) { return f.backend.socket(AF_INET, SOCK_STREAM, 0).error(); }},
      {"socket of udp", [](Fixture& f) { return f.backend.socket(AF_INET6, SOCK_DGRAM, 0).error(); }},
      {"bind of tcp", [](Fixture& f) { return f.bind(f.fresh_tcp, 6000); }},
      {"bind of tcp to an unused port", [](Fixture& f) { return f.bind(f.fresh_tcp, 0); }},
      {"connect of tcp that is bound", [](Fixture& f) { return f.connect(f.bound_too, 5001); }},
      {"bind of udp", [](Fixture& f) { return f.bind(f.fresh_udp, 6000); }},
      {"listen of tcp", [](Fixture& f) { return f.backend.listen(f.fresh_tcp, 1).error(); }},
      {"connect of tcp", [](Fixture& f) { return f.connect(f.fresh_tcp, 5001); }},
      {"connect of tcp to nobody", [](Fixture& f) { return f.connect(f.fresh_tcp, 7000); }},
      {"disconnect of tcp",
       [](Fixture& f) {
         const ::sockaddr none{};
         return f.backend.connect(f.bound_tcp, &none, sizeof none).error();
       }},
      {"connect of udp", [](Fixture& f) { return f.connect(f.fresh_udp, 5001); }},
      {"accept4 of tcp", [](Fixture& f) { return f.backend.accept4(f.tcp_listener, nullptr, nullptr, 0).error(); }},
      {"send by tcp",
       [](Fixture& f) { return f.backend.sendto(f.tcp_client, large.data(), 4000, 0, nullptr, 0).error(); }},
      {"send by udp",
       [](Fixture& f) {
         return f.backend.sendto(f.udp, large.data(), 4000, 0, Fixture::At{5001}.get(), sizeof(Fixture::At)).error();
       }},
      {"send", [](Fixture& f) { return f.backend.sendto(f.pair[0], large.data(), 4000, 0, nullptr, 0).error(); }},
  };
  return all;
}

}  // namespace

TEST_CASE("Kernel: out of memory is ENOMEM, and nothing has happened", "[kernel][emulated]") {
  for (const Row& row : rows()) {
    INFO(row.name);
    int failures = 0;
    for (std::size_t allowed = 0;; ++allowed) {
      Fixture f;
      const std::string before = f.state();
      allocations_left = allowed;
      const int error = row.call(f);
      allocations_left = no_limit;
      check_invariants(f.kernel);
      if (error == 0) break;
      ++failures;
      CHECK(error == ENOMEM);
      CHECK(f.state() == before);
      // It works once there is memory again.
      CHECK(row.call(f) == 0);
    }
    CHECK(failures > 0);
  }
}

TEST_CASE("Kernel: out of memory is ENOMEM also where every call is looked at", "[kernel][emulated]") {
  Fixture f;
  f.kernel.check_every_call([](const kernel::Kernel&) {});
  allocations_left = 0;
  const SysResult<int> made = f.backend.eventfd(0, 0);
  allocations_left = no_limit;
  CHECK(made == SysResult<int>::failure(ENOMEM));
}

TEST_CASE("Kernel: a write that ran out of memory half-way says how much it wrote", "[kernel][emulated]") {
  Fixture f;
  const std::string large(100'000, 'x');
  // A pipe takes a page at a time, a socket nine of them.
  for (const auto& [from, to, allowed] : {std::tuple{f.pipe[1], f.pipe[0], 5u}, {f.pair[0], f.pair[1], 2u}}) {
    allocations_left = allowed;
    const SysResult<std::size_t> wrote = f.backend.write(from, large.data(), large.size());
    allocations_left = no_limit;
    REQUIRE(wrote.ok());
    CHECK(wrote.value() > 0);
    CHECK(wrote.value() < large.size());
    std::string back(large.size(), '\0');
    CHECK(f.backend.read(to, back.data(), back.size()) == wrote);
    check_invariants(f.kernel);
  }
}

TEST_CASE("Kernel: packets that get lost for want of memory are sent again", "[kernel][emulated][tcp]") {
  // The calls that send, with so many allocations left; and what the peer has in the end.
  const std::string bytes(5000, 'x');
  for (std::size_t allowed = 0; allowed < 12; ++allowed) {
    CAPTURE(allowed);
    Fixture f;
    auto& host = static_cast<kernel::SoloHost&>(f.kernel.host());
    allocations_left = allowed;
    const auto sent = f.backend.write(f.tcp_client, bytes.data(), bytes.size());
    const bool connects = f.connect(f.fresh_tcp, 5001) == 0;
    const auto shut = f.backend.shutdown(f.tcp_client, SHUT_WR);
    allocations_left = no_limit;
    CHECK(shut.ok());
    check_invariants(f.kernel);
    host.advance(std::chrono::seconds(30));
    check_invariants(f.kernel);
    std::string got(10000, '\0');
    const auto received = f.backend.read(f.tcp_accepted, got.data(), got.size());
    CHECK(received == (sent.ok() ? sent.value() : 0));
    if (connects) CHECK(f.backend.accept4(f.tcp_listener, nullptr, nullptr, 0).ok());
    REQUIRE(f.backend.close(f.tcp_client).ok());
    REQUIRE(f.backend.close(f.tcp_accepted).ok());
    host.advance(std::chrono::seconds(120));
    check_invariants(f.kernel);
  }
}

TEST_CASE("Kernel: a connection that is over is, with or without memory to remember it", "[kernel][emulated][tcp]") {
  int forgotten = 0;
  for (std::size_t allowed = 0; allowed < 12; ++allowed) {
    CAPTURE(allowed);
    Fixture f;
    auto& host = static_cast<kernel::SoloHost&>(f.kernel.host());
    REQUIRE(f.backend.shutdown(f.tcp_client, SHUT_WR).ok());
    allocations_left = allowed;
    const auto shut = f.backend.shutdown(f.tcp_accepted, SHUT_WR);
    allocations_left = no_limit;
    CHECK(shut.ok());
    host.advance(std::chrono::seconds(30));
    ::pollfd entry{f.tcp_client, POLLIN, 0};
    REQUIRE(f.backend.poll(&entry, 1, 0).ok());
    CHECK(entry.revents == (POLLIN | POLLHUP));
    check_invariants(f.kernel);
    const int port = f.port(f.tcp_client);
    REQUIRE(f.backend.close(f.tcp_client).ok());
    if (f.bind(f.fresh_tcp, static_cast<std::uint16_t>(port)) == 0) ++forgotten;
  }
  // Without it, its port is free at once.
  CHECK(forgotten > 0);
}

TEST_CASE("Kernel: a timer that there is needs no memory to be set", "[kernel][emulated]") {
  Fixture f;
  std::vector<int> timers;
  for (int i = 0; i < 100; ++i) timers.push_back(f.backend.timerfd_create(CLOCK_MONOTONIC, 0).value());
  const ::itimerspec hour{{0, 0}, {3600, 0}};
  allocations_left = 0;
  std::size_t set = 0;
  for (const int timer : timers) set += f.backend.timerfd_settime(timer, 0, &hour, nullptr).ok() ? 1 : 0;
  allocations_left = no_limit;
  CHECK(set == timers.size());
}
