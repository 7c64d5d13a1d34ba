// Each call with each of its allocations failing in turn: ENOMEM, and everything as it was.
#include "../support/backends.hpp"

#include <cstdlib>
#include <functional>
#include <new>

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
// Not inlined, or g++ would see memory of operator new go to free() and warn.
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

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
    while (backend.dup(event).value() < 63) {
    }
  }

  /// What must not change when a call fails.
  [[nodiscard]] std::string state() const { return dump(kernel); }

  kernel::Kernel kernel;
  EmulatedBackend backend{kernel};
  const SocketAddress address = *SocketAddress::unix_path("/run/listener");
  const int event = backend.eventfd(0, EFD_NONBLOCK).value();
  const int epoll = backend.epoll_create1(0).value();
  const int listener = backend.socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0).value();
  const int client = backend.socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0).value();
  const int fresh = backend.socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0).value();
  int pipe[2];
  int pair[2];
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

TEST_CASE("Kernel: a write that ran out of memory half-way says how much it wrote", "[kernel][emulated]") {
  Fixture f;
  const std::string large(40'000, 'x');
  allocations_left = 5;
  const SysResult<std::size_t> wrote = f.backend.write(f.pipe[1], large.data(), large.size());
  allocations_left = no_limit;
  REQUIRE(wrote.ok());
  CHECK(wrote.value() > 0);
  CHECK(wrote.value() < large.size());
  std::string back(large.size(), '\0');
  CHECK(f.backend.read(f.pipe[0], back.data(), back.size()) == wrote);
  check_invariants(f.kernel);
}
