// What calls touch, as an observer is told: sleep sets rest on it.
#include "rouse/kernel/footprint.hpp"

#include "../support/catch.hpp"
#include "rouse/backend/emulated.hpp"
#include "rouse/rouse.hpp"

#include <array>
#include <csignal>
#include <vector>

using namespace rouse;
using kernel::Access;
using kernel::Footprint;
using kernel::Object;

namespace {

Footprint footprint(std::initializer_list<std::pair<Object, Access>> touches) {
  Footprint made;
  for (const auto& [object, access] : touches) made.add(object, access);
  return made;
}

/// Notes what the calls touch while it lives.
class Noted final : public kernel::Observer {
 public:
  Noted() { kernel::observer = this; }
  Noted(const Noted&) = delete;
  Noted& operator=(const Noted&) = delete;
  ~Noted() { kernel::observer = nullptr; }

  [[nodiscard]] bool depends_on(Object object, Access access) const {
    return all_.depends_on(footprint({{object, access}}));
  }
  [[nodiscard]] bool reads(Object object) const { return depends_on(object, Access::write); }
  [[nodiscard]] bool writes(Object object) const { return depends_on(object, Access::read); }
  [[nodiscard]] bool is_everything() const { return depends_on(Object::shared(1'000'000), Access::read); }

  void touched(Object object, Access access) override { all_.add(object, access); }
  void released(const kernel::SyncPoint&) override {}
  void acquired(const kernel::SyncPoint&) override {}
  void forgotten(const kernel::SyncPoint&) override {}
  void reported(const kernel::Registration&) override {}

 private:
  Footprint all_;
};

struct Machine {
  // Calls are only looked at closely if somebody wants that.
  Machine() {
    kernel.check_every_call([](const kernel::Kernel&) {});
  }

  kernel::Kernel kernel;
  EmulatedBackend backend{kernel};
  int event = backend.eventfd(1, EFD_NONBLOCK).value();
  int other = backend.eventfd(0, EFD_NONBLOCK).value();
  int epoll = backend.epoll_create1(0).value();
  std::uint64_t count = 1;

  [[nodiscard]] Object file(int fd) const { return kernel.fds.file(fd)->object(); }
  void watch(int by, int fd) {
    const Event in{EventFlags::in, fd};
    REQUIRE(backend.epoll_ctl(by, EPOLL_CTL_ADD, fd, &in).ok());
  }
};

}  // namespace

TEST_CASE("Footprint: steps depend on each other by what one of them writes") {
  const Object a = Object::file(1), b = Object::file(2);
  const Footprint nothing, reads = footprint({{a, Access::read}}), writes = footprint({{a, Access::write}});
  CHECK_FALSE(nothing.depends_on(writes));
  CHECK_FALSE(reads.depends_on(reads));
  CHECK(reads.depends_on(writes));
  CHECK(writes.depends_on(reads));
  CHECK(writes.depends_on(writes));
  CHECK_FALSE(writes.depends_on(footprint({{b, Access::write}})));
  CHECK_FALSE(footprint({{Object::fd(1), Access::write}}).depends_on(writes));
  // First read, then written: written.
  CHECK(footprint({{b, Access::read}, {a, Access::read}, {a, Access::write}}).depends_on(reads));
  const Footprint everything = footprint({{Object::everything(), Access::write}});
  CHECK(everything.depends_on(nothing));
  CHECK(everything.depends_on(reads));
  CHECK(reads.depends_on(everything));
  Footprint sum = reads;
  sum.add(footprint({{b, Access::write}}));
  CHECK(sum.depends_on(footprint({{b, Access::read}})));
  sum.clear();
  CHECK_FALSE(sum.depends_on(writes));
}

TEST_CASE("Footprints: a call looks its fd up, also in vain, and changes the file") {
  Machine m;
  {
    const Noted noted;
    REQUIRE(m.backend.write(m.event, &m.count, sizeof m.count).ok());
    CHECK(noted.reads(Object::fd(m.event)));
    CHECK_FALSE(noted.writes(Object::fd(m.event)));
    CHECK(noted.writes(m.file(m.event)));
    CHECK_FALSE(noted.reads(m.file(m.other)));
    CHECK_FALSE(noted.reads(Object::fd_table()));
    CHECK_FALSE(noted.is_everything());
  }
  const Noted noted;
  CHECK(m.backend.write(99, &m.count, sizeof m.count).error() == EBADF);
  CHECK(noted.reads(Object::fd(99)));
  CHECK_FALSE(noted.writes(Object::fd(99)));
}

TEST_CASE("Footprints: opening and closing change a number and the table") {
  Machine m;
  const Noted noted;
  SECTION("open") {
    const int fd = m.backend.eventfd(0, 0).value();
    CHECK(noted.writes(Object::fd(fd)));
    CHECK(noted.writes(Object::fd_table()));
  }
  SECTION("close") {
    REQUIRE(m.backend.close(m.other).ok());
    CHECK(noted.writes(Object::fd(m.other)));
    CHECK(noted.writes(Object::fd_table()));
  }
  SECTION("dup2 onto another") {
    const Object replaced = m.file(m.other);
    REQUIRE(m.backend.dup2(m.event, m.other).ok());
    CHECK(noted.writes(Object::fd(m.other)));
    CHECK(noted.writes(replaced));
    CHECK(noted.writes(m.file(m.event)));
  }
}

TEST_CASE("Footprints: a wakeup changes the epolls that it reaches, and a wait asks the files") {
  Machine m;
  const int outer = m.backend.epoll_create1(0).value();
  m.watch(m.epoll, m.event);
  m.watch(outer, m.epoll);
  {
    const Noted noted;
    REQUIRE(m.backend.write(m.event, &m.count, sizeof m.count).ok());
    CHECK(noted.writes(m.file(m.epoll)));
    CHECK(noted.writes(m.file(outer)));
  }
  {
    const Noted noted;  // Reading is a key that nobody asked for.
    REQUIRE(m.backend.read(m.event, &m.count, sizeof m.count).ok());
    CHECK_FALSE(noted.reads(m.file(m.epoll)));
  }
  REQUIRE(m.backend.write(m.event, &m.count, sizeof m.count).ok());
  const Noted noted;
  Event event;
  REQUIRE(m.backend.epoll_wait(m.epoll, &event, 1, 0).value() == 1);
  CHECK(noted.writes(m.file(m.epoll)));
  CHECK(noted.reads(m.file(m.event)));
  CHECK_FALSE(noted.writes(m.file(m.event)));
}

TEST_CASE("Footprints: control of an epoll changes both; of a nested one, who can tell") {
  Machine m;
  {
    const Noted noted;
    m.watch(m.epoll, m.event);
    CHECK(noted.writes(m.file(m.epoll)));
    CHECK(noted.writes(m.file(m.event)));
    CHECK_FALSE(noted.is_everything());
    CHECK_FALSE(noted.reads(Object::watches()));
  }
  {
    m.kernel.limits.max_user_watches = 100;  // Close to it, it matters who comes first.
    const Noted noted;
    m.watch(m.epoll, m.other);
    CHECK(noted.writes(Object::watches()));
  }
  const int outer = m.backend.epoll_create1(0).value();
  const Noted noted;
  m.watch(outer, m.epoll);
  CHECK(noted.is_everything());
}

TEST_CASE("Footprints: both ends of a pipe are one object, all sockets are, and who polls asks") {
  Machine m;
  std::array<int, 2> pipe{}, pair{};
  REQUIRE(m.backend.pipe2(pipe.data(), 0).ok());
  REQUIRE(m.backend.socketpair(AF_UNIX, SOCK_STREAM, 0, pair.data()).ok());
  const int socket = m.backend.socket(AF_INET, SOCK_DGRAM, 0).value();
  CHECK(m.file(pipe[0]) == m.file(pipe[1]));
  CHECK(m.file(pair[0]) == m.file(socket));
  CHECK(m.file(pipe[0]) != m.file(socket));
  std::array<::pollfd, 3> entries = {{{pipe[0], POLLIN, 0}, {m.event, POLLIN, 0}, {socket, POLLIN, 0}}};
  {
    const Noted noted;  // A pipe remembers that it was asked; the second time that changes nothing.
    REQUIRE(m.backend.poll(entries.data(), 3, 0).ok());
    CHECK(noted.writes(m.file(pipe[0])));
    CHECK(noted.reads(m.file(m.event)));
    CHECK_FALSE(noted.writes(m.file(m.event)));
    CHECK(noted.writes(m.file(socket)));
  }
  const Noted noted;
  REQUIRE(m.backend.poll(entries.data(), 3, 0).ok());
  CHECK(noted.reads(m.file(pipe[0])));
  CHECK_FALSE(noted.writes(m.file(pipe[0])));
}

TEST_CASE("Footprints: signals and limits may concern everybody, and timers each other") {
  Machine m;
  const Noted noted;
  struct ::sigaction nothing {};
  nothing.sa_handler = SIG_IGN;
  ::sigset_t signals{}, pending{};
  ::sigaddset(&signals, SIGUSR1);
  SECTION("what a signal does") { REQUIRE(m.backend.sigaction(SIGUSR1, &nothing, nullptr).ok()); }
  SECTION("a mask") { REQUIRE(m.backend.sigprocmask(SIG_BLOCK, &signals, nullptr).ok()); }
  SECTION("to the process") { REQUIRE(m.backend.kill(kernel::process_id, SIGURG).ok()); }
  SECTION("to a thread") { REQUIRE(m.backend.tgkill(kernel::process_id, kernel::process_id, SIGURG).ok()); }
  SECTION("what is pending") { REQUIRE(m.backend.sigpending(&pending).ok()); }
  SECTION("limits") {
    const ::rlimit limit{100, 100};
    REQUIRE(m.backend.setrlimit(RLIMIT_NOFILE, &limit).ok());
  }
  CHECK(noted.is_everything());
}

TEST_CASE("Footprints: of two timers for one moment, the first that was set comes first") {
  Machine m;
  const int timer = m.backend.timerfd_create(CLOCK_MONOTONIC, 0).value();
  const Noted noted;
  const ::itimerspec later{{0, 0}, {1, 0}};
  REQUIRE(m.backend.timerfd_settime(timer, 0, &later, nullptr).ok());
  CHECK(noted.writes(Object::timers()));
  CHECK_FALSE(noted.is_everything());
}
