// Kernel: what a fresh one has, that two do not know of each other, and that what is not modelled says so.
#include "rouse/kernel/kernel.hpp"

#include "../support/backends.hpp"
#include "../support/fake_file.hpp"
#include "../support/messages.hpp"
#include "../support/scripted_host.hpp"

#include <csignal>
#include <sys/ioctl.h>

using namespace rouse;
using kernel::Kernel;
using kernel::NotModelled;

namespace {

/// What the NotModelled of `call` says; nothing if there is none.
template <class Call>
std::string not_modelled_by(Call call) {
  try {
    static_cast<void>(call());
  } catch (const NotModelled& error) {
    const std::string text = error.what();
    const std::string start = "rouse: the emulated kernel does not model ";
    return text.rfind(start, 0) == 0 ? text.substr(start.size()) : "in other words: " + text;
  }
  return "";
}

/// One task, whose clock goes on while it is busy.
class BusyHost final : public kernel::Host {
 public:
  BusyHost() { tasks_.push_back(main_); }

  [[nodiscard]] unsigned needs() const override { return kernel::needs_nothing; }
  [[nodiscard]] kernel::Task& current() override { return main_; }
  [[nodiscard]] kernel::Time now() override { return time; }
  [[nodiscard]] bool block(kernel::Task&, kernel::Time) override { return false; }
  void wake(kernel::Task&) override {}

  kernel::Time time = 0;

 private:
  kernel::Task main_{1, "main"};
};

int calls = 0;

}  // namespace

TEST_CASE("Kernel: a fresh one has 0, 1 and 2 open, and gives out 3", "[kernel]") {
  Kernel kernel;
  const EmulatedBackend backend{kernel};
  for (const int fd : {0, 1, 2}) CHECK(backend.fcntl(fd, F_GETFD) == 0);
  CHECK(backend.fcntl(3, F_GETFD) == SysResult<int>::failure(EBADF));
  CHECK(backend.eventfd(0, 0) == 3);
  CHECK(backend.eventfd(0, 0) == 4);
}

TEST_CASE("Kernel: two of them do not know of each other", "[kernel]") {
  Kernel first;
  Kernel second;
  const EmulatedBackend here{first};
  const EmulatedBackend there{second};
  CHECK_FALSE(here == there);
  BasicEventFd<EmulatedBackend> event{here, 1};
  BasicEventFd<EmulatedBackend> other{there};
  BasicEpoll<EmulatedBackend> epoll{here};
  BasicEpoll<EmulatedBackend> other_epoll{there};
  CHECK(event.fd() == other.fd());
  epoll.add(event, EventFlags::in);
  other_epoll.add(other, EventFlags::in);
  EventArray<4> events;
  CHECK(epoll.wait(events, Timeout::now) == 1);
  CHECK(other_epoll.wait(events, Timeout::now) == 0);
  first.limits.nofile_soft = 3;
  CHECK(here.eventfd(0, 0) == SysResult<int>::failure(EMFILE));
  CHECK(there.eventfd(0, 0).ok());
  CHECK(other_epoll.wait(events, std::chrono::milliseconds(5)) == 0);
  CHECK(first.host().now() == 0);
  CHECK(second.host().now() == 5'000'000);
  CHECK(first.epoll_watches.count == 1);
}

TEST_CASE("Kernel: what is still open is closed with it", "[kernel]") {
  // The sanitizers and the invariants would say what is left.
  Kernel kernel;
  const EmulatedBackend backend{kernel};
  int pipe[2];
  REQUIRE(backend.pipe2(pipe, 0).ok());
  const int epfd = backend.epoll_create1(0).value();
  const int outer = backend.epoll_create1(0).value();
  const Event event{EventFlags::in, 1};
  REQUIRE(backend.epoll_ctl(epfd, EPOLL_CTL_ADD, pipe[0], &event).ok());
  REQUIRE(backend.epoll_ctl(outer, EPOLL_CTL_ADD, epfd, &event).ok());
  REQUIRE(backend.dup(pipe[0]).ok());
  kernel.fds.clear();
  CHECK(kernel.epoll_watches.count == 0);
}

TEST_CASE("Kernel: sockets that hold each other are closed with it, too", "[kernel]") {
  bool is_gone = false;
  {
    Kernel kernel;
    const EmulatedBackend backend{kernel};
    kernel::NewFd fd = kernel.new_fd();
    const int fake = fd.install(kernel::FileRef{new test::FakeFile{kernel.file_ids.next(), &is_gone}}, false);
    int pair[2];
    REQUIRE(backend.socketpair(AF_UNIX, SOCK_STREAM, 0, pair).ok());
    REQUIRE(test::send_message(backend, pair[0], "x", test::rights({pair[1], fake})).ok());
    REQUIRE(test::send_message(backend, pair[1], "x", test::rights({pair[0]})).ok());
  }
  CHECK(is_gone);
}

TEST_CASE("Kernel: file ids are not used twice", "[kernel]") {
  Kernel kernel;
  const EmulatedBackend backend{kernel};
  std::uint64_t last = 0;
  for (int i = 0; i < 5; ++i) {
    const int fd = backend.eventfd(0, 0).value();
    CHECK(kernel.file(fd)->id() > last);
    last = kernel.file(fd)->id();
    REQUIRE(backend.close(fd).ok());
  }
}

TEST_CASE("Kernel: the check is made after every call, until it is taken away", "[kernel]") {
  Kernel kernel;
  const EmulatedBackend backend{kernel};
  calls = 0;
  kernel.check_every_call([](const Kernel&) { ++calls; });
  const int fd = backend.eventfd(0, 0).value();
  static_cast<void>(backend.read(fd, nullptr, 0));
  static_cast<void>(backend.close(-1));
  CHECK(calls == 3);
  kernel.check_every_call(nullptr);
  CHECK(backend.close(fd).ok());
  CHECK(calls == 3);
}

TEST_CASE("Kernel: a host is asked for what it needs, and for nothing else", "[kernel]") {
  for (const unsigned needs : {0u, 1u, 2u, 3u}) {
    CAPTURE(needs);
    test::ScriptedHost host{needs};
    Kernel kernel{host};
    const EmulatedBackend backend{kernel};
    const bool points = (needs & kernel::needs_schedule_points) != 0;
    const bool locks = (needs & kernel::needs_locking) != 0;
    for (const bool checks : {false, true, false}) {
      // With the lock held, where there is one.
      calls = 0;
      constexpr auto check = [](const Kernel& checked) {
        const auto& its_host = static_cast<const test::ScriptedHost&>(checked.host());
        if (its_host.is_locked == ((its_host.needs() & kernel::needs_locking) != 0)) ++calls;
      };
      kernel.check_every_call(checks ? +check : nullptr);
      host.points.clear();
      host.unlocks = 0;
      CHECK(backend.close(-1) == SysResult<void>::failure(EBADF));
      CHECK(calls == (checks ? 1 : 0));
      CHECK(host.points == (points ? std::vector<std::string>{"close"} : std::vector<std::string>{}));
      CHECK(host.unlocks == (locks ? 1 : 0));
      CHECK_FALSE(host.is_locked);
    }
  }
}

TEST_CASE("Kernel: a handler runs with the kernel unlocked, and the call goes on with it locked", "[kernel][signal]") {
  static test::ScriptedHost* host = nullptr;
  test::ScriptedHost its_host{kernel::needs_locking};
  host = &its_host;
  Kernel kernel{its_host};
  const EmulatedBackend backend{kernel};
  struct ::sigaction action {};
  action.sa_handler = [](int) { calls += host->is_locked ? 100 : 1; };
  REQUIRE(backend.sigaction(SIGUSR1, &action, nullptr).ok());
  calls = 0;
  kernel.check_every_call([](const Kernel&) { calls += host->is_locked ? 10 : 100; });
  REQUIRE(backend.kill(backend.getpid().value(), SIGUSR1).ok());
  CHECK(calls == 21);
}

TEST_CASE("Kernel: its limits and its clock begin as documented", "[kernel]") {
  const Kernel kernel;
  const kernel::Limits& limits = kernel.limits;
  CHECK(limits.nofile_soft == 1024);
  CHECK(limits.nofile_hard == 1024 * 1024);
  CHECK(limits.max_user_watches == 5'000'000);
  CHECK(limits.pipe_max_size == 1024 * 1024);
  CHECK(limits.somaxconn == 4096);
  CHECK(limits.wmem_default == 212992);
  CHECK(limits.rmem_default == 212992);
  CHECK(limits.wmem_max == 4 * 1024 * 1024);
  CHECK(limits.rmem_max == 4 * 1024 * 1024);
  CHECK(kernel.realtime.offset() == kernel::Time{946684800} * 1'000'000'000);
  CHECK(kernel.epoll_watches.count == 0);
}

TEST_CASE("Kernel: a call that is not modelled is named, with the kind of file", "[kernel][not_modelled]") {
  Kernel kernel;
  const EmulatedBackend backend{kernel};
  const int event = backend.eventfd(0, 0).value();
  const int file = kernel.open_plain_file("/etc/motd");
  char byte = 0;
  ::rlimit limit{};
  ::timespec time{};
  CHECK(not_modelled_by([&] { return backend.fcntl(event, F_GETOWN); }) == "fcntl command 9 on a eventfd");
  CHECK(not_modelled_by([&] { return backend.fcntl(event, F_SETLK); }) == "fcntl command 6 on a eventfd");
  CHECK(not_modelled_by([&] { return backend.open("/etc/motd", O_RDONLY); }) == "open of the path /etc/motd");
  CHECK(not_modelled_by([&] { return backend.open("/dev/null", O_PATH); }) ==
        "open of /dev/null with the flags " + std::to_string(O_PATH));
  CHECK(not_modelled_by([&] { return backend.read(file, &byte, 1); }) == "read on the plain file /etc/motd");
  CHECK(not_modelled_by([&] { return backend.write(1, &byte, 1); }) == "write on the plain file stdout");
  CHECK(not_modelled_by([&] { return backend.pread(file, &byte, 1, 0); }) == "read on the plain file /etc/motd");
  CHECK(not_modelled_by([&] { return backend.lseek(file, 0, SEEK_SET); }) == "lseek on the plain file /etc/motd");
  CHECK(not_modelled_by([&] { return backend.ioctl(file, FIONREAD, &byte); }) == "ioctl on the plain file /etc/motd");
  CHECK(not_modelled_by([&] { return backend.getrlimit(RLIMIT_CORE, &limit); }) ==
        "getrlimit of resource " + std::to_string(RLIMIT_CORE));
  CHECK(not_modelled_by([&] { return backend.setrlimit(RLIMIT_CORE, &limit); }) ==
        "setrlimit of resource " + std::to_string(RLIMIT_CORE));
  CHECK(not_modelled_by([&] { return backend.clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time); }) ==
        "clock_gettime of clock " + std::to_string(CLOCK_THREAD_CPUTIME_ID));
  CHECK(not_modelled_by([&] { return backend.eventfd(0, 0); }).empty());
}

TEST_CASE("Kernel: a stand-in for a file takes flags as open does, and cannot be watched", "[kernel]") {
  Kernel kernel;
  const EmulatedBackend backend{kernel};
  const int fd = kernel.open_plain_file("/etc/motd");
  CHECK(fd == 3);
  CHECK((backend.fcntl(fd, F_GETFL).value() & O_ACCMODE) == O_RDWR);
  CHECK(kernel.open_plain_file("/etc/motd", O_WRONLY | O_CLOEXEC) == 4);
  CHECK(backend.fcntl(4, F_GETFD) == FD_CLOEXEC);
  BasicEpoll<EmulatedBackend> epoll{backend};
  std::error_code ec;
  epoll.add({backend, fd}, EventFlags::in, ec);
  CHECK(ec == std::errc::operation_not_permitted);
  kernel.limits.nofile_soft = 4;
  CHECK(kernel.open_plain_file("/etc/motd", O_RDONLY) == SysResult<int>::failure(EMFILE));
}

TEST_CASE("Kernel: what is due has happened when the next call looks", "[kernel][timers]") {
  BusyHost host;
  Kernel kernel{host};
  const EmulatedBackend backend{kernel};
  const int fd = backend.timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK).value();
  const ::itimerspec setting{{0, 0}, {0, 5}};
  REQUIRE(backend.timerfd_settime(fd, 0, &setting, nullptr).ok());
  std::uint64_t count = 0;
  host.time = 4;
  CHECK(backend.read(fd, &count, sizeof count) == SysResult<std::size_t>::failure(EAGAIN));
  host.time = 5;
  CHECK(backend.read(fd, &count, sizeof count) == sizeof count);
  CHECK(count == 1);
}
