// Signals and threads that sleep in calls: which calls end, which start again, and which thread takes a signal.
#include "../support/bare.hpp"
#include "../support/sleeper.hpp"

#include <functional>

using namespace rouse;
using namespace std::literals;
using test::Handlers;
using test::set_of;
using test::Sleeper;

namespace {

/// A call that sleeps, and what lets it through.
struct SleepingCall {
  const char* name;
  bool restarts;  ///< If the handler says so.
  std::function<std::int64_t()> call;
  std::function<void()> let_through;
  std::int64_t result;
};

template <class On>
struct Fixture {
  explicit Fixture(On& on) : backend(on.backend) {
    epoll = backend.epoll_create1(0).value();
    empty = backend.eventfd(0, 0).value();
    full = backend.eventfd(0, 0).value();
    const std::uint64_t most = 0xfffffffffffffffe;
    REQUIRE(backend.write(full, &most, sizeof most).ok());
    REQUIRE(backend.pipe2(pipe, 0).ok());
    REQUIRE(backend.pipe2(full_pipe, O_NONBLOCK).ok());
    static const char bytes[65536] = {};
    REQUIRE(backend.write(full_pipe[1], bytes, sizeof bytes).ok());
    REQUIRE(backend.fcntl(full_pipe[1], F_SETFL, 0).ok());
    REQUIRE(backend.socketpair(AF_UNIX, SOCK_STREAM, 0, pair).ok());
    REQUIRE(backend.socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, full_pair).ok());
    while (backend.write(full_pair[0], bytes, sizeof bytes).ok()) {
    }
    REQUIRE(backend.fcntl(full_pair[0], F_SETFL, 0).ok());
    const Event event{EventFlags::in, std::uint64_t{1}};
    REQUIRE(backend.epoll_ctl(epoll, EPOLL_CTL_ADD, empty, &event).ok());
  }
  Fixture(const Fixture&) = delete;
  Fixture& operator=(const Fixture&) = delete;
  ~Fixture() {
    for (const int fd : {epoll, empty, full, pipe[0], pipe[1], full_pipe[0], full_pipe[1], pair[0], pair[1],
                         full_pair[0], full_pair[1]}) {
      static_cast<void>(backend.close(fd));
    }
  }

  void fill_empty() const {
    const std::uint64_t one = 1;
    REQUIRE(backend.write(empty, &one, sizeof one).ok());
  }

  std::vector<SleepingCall> calls() {
    const auto let_in = [this] { fill_empty(); };
    return {
        {"epoll_wait", false,
         [=, this] {
           Event event;
           return backend.epoll_wait(epoll, &event, 1, -1).word();
         },
         let_in, 1},
        {"epoll_pwait2", false,
         [=, this] {
           Event event;
           const ::timespec hour{3600, 0};
           return backend.epoll_pwait2(epoll, &event, 1, &hour, nullptr).word();
         },
         let_in, 1},
        {"poll", false,
         [this] {
           ::pollfd entry{empty, POLLIN, 0};
           return backend.poll(&entry, 1, 3'600'000).word();
         },
         let_in, 1},
        {"ppoll", false,
         [this] {
           ::pollfd entry{empty, POLLIN, 0};
           return backend.ppoll(&entry, 1, nullptr, nullptr).word();
         },
         let_in, 1},
        {"select", false,
         [this] {
           ::fd_set set;
           FD_ZERO(&set);
           FD_SET(empty, &set);
           ::timeval hour{3600, 0};
           return backend.select(empty + 1, &set, nullptr, nullptr, &hour).word();
         },
         let_in, 1},
        {"read of an eventfd", true,
         [this] {
           std::uint64_t count = 0;
           return backend.read(empty, &count, sizeof count).word();
         },
         let_in, 8},
        {"write to an eventfd", true,
         [this] {
           const std::uint64_t one = 1;
           return backend.write(full, &one, sizeof one).word();
         },
         [this] {
           std::uint64_t count = 0;
           REQUIRE(backend.read(full, &count, sizeof count).ok());
         },
         8},
        {"read of a pipe", true,
         [this] {
           char byte = 0;
           return backend.read(pipe[0], &byte, 1).word();
         },
         [this] { REQUIRE(backend.write(pipe[1], "x", 1).ok()); }, 1},
        {"write to a pipe", true, [this] { return backend.write(full_pipe[1], "x", 1).word(); },
         [this] {
           static char page[4096];
           REQUIRE(backend.read(full_pipe[0], page, sizeof page).ok());
         },
         1},
        {"recv of a unix stream", true,
         [this] {
           char byte = 0;
           return backend.recvfrom(pair[0], &byte, 1, 0, nullptr, nullptr).word();
         },
         [this] { REQUIRE(backend.write(pair[1], "x", 1).ok()); }, 1},
        {"send to a unix stream", true, [this] { return backend.sendto(full_pair[0], "x", 1, 0, nullptr, 0).word(); },
         [this] {
           static char bytes[65536];
           while (backend.read(full_pair[1], bytes, sizeof bytes).ok()) {
           }
         },
         1},
    };
  }

  const typename On::Backend& backend;
  int epoll = -1;
  int empty = -1;
  int full = -1;
  int pipe[2] = {};
  int full_pipe[2] = {};
  int pair[2] = {};
  int full_pair[2] = {};
};

constexpr int call_count = 11;

}  // namespace

TEMPLATE_LIST_TEST_CASE("Signals: a handler that does not restart ends every call", "[signal][threads]",
                        test::AllThreadBackends) {
  const int index = GENERATE(range(0, call_count));
  TestType on;
  Fixture fixture{on};
  Handlers handlers{on.backend};
  handlers.handle(SIGUSR1);
  const SleepingCall call = fixture.calls().at(static_cast<std::size_t>(index));
  CAPTURE(call.name);
  Sleeper sleeper{on, call.call};
  sleeper.interrupt(SIGUSR1);
  CHECK(sleeper.result() == -EINTR);
  CHECK(handlers.count() == 1);
}

TEMPLATE_LIST_TEST_CASE("Signals: a handler that restarts starts some calls again", "[signal][threads]",
                        test::AllThreadBackends) {
  const int index = GENERATE(range(0, call_count));
  TestType on;
  Fixture fixture{on};
  Handlers handlers{on.backend};
  handlers.handle(SIGUSR1, SA_RESTART);
  const SleepingCall call = fixture.calls().at(static_cast<std::size_t>(index));
  CAPTURE(call.name);
  Sleeper sleeper{on, call.call};
  sleeper.interrupt(SIGUSR1);
  if (!call.restarts) {
    CHECK(sleeper.result() == -EINTR);
    CHECK(handlers.count() == 1);
    return;
  }
  while (handlers.count() == 0) std::this_thread::yield();
  sleeper.wait_until_blocked();
  call.let_through();
  CHECK(sleeper.result() == call.result);
  CHECK(handlers.count() == 1);
}

TEMPLATE_LIST_TEST_CASE("Signals: a call that starts again looks its fd up again", "[signal][threads]",
                        test::AllThreadBackends) {
  TestType on;
  Fixture fixture{on};
  Handlers handlers{on.backend};
  handlers.handle(SIGUSR1, SA_RESTART);
  const auto backend = test::bare(on.backend);
  Sleeper sleeper{on, [&] {
                    char byte = 0;
                    return backend.read(fixture.pipe[0], &byte, 1).word();
                  }};
  REQUIRE(backend.close(fixture.pipe[0]).ok());
  sleeper.interrupt(SIGUSR1);
  CHECK(sleeper.result() == -EBADF);
}

TEMPLATE_LIST_TEST_CASE("Signals: what was moved before a signal is not lost", "[signal][threads][pipe]",
                        test::AllThreadBackends) {
  const int flags = GENERATE(0, SA_RESTART);
  CAPTURE(flags);
  TestType on;
  Fixture fixture{on};
  Handlers handlers{on.backend};
  handlers.handle(SIGUSR1, flags);
  static const char bytes[300'000] = {};
  Sleeper writer{on, [&] { return on.backend.write(fixture.pipe[1], bytes, 100'000).word(); }};
  writer.interrupt(SIGUSR1);
  CHECK(writer.result() == 65536);
  Sleeper sender{on, [&] { return on.backend.write(fixture.pair[1], bytes, sizeof bytes).word(); }};
  sender.interrupt(SIGUSR1);
  CHECK(sender.result() == 219264);
  static char received[300'000];
  Sleeper receiver{
      on,
      [&] { return on.backend.recvfrom(fixture.pair[0], received, 250'000, MSG_WAITALL, nullptr, nullptr).word(); }};
  receiver.interrupt(SIGUSR1);
  CHECK(receiver.result() == 219264);
  CHECK(handlers.count() == 3);
}

TEMPLATE_LIST_TEST_CASE("Signals: a pipe write that one ends is an edge for the reader", "[signal][threads][pipe]",
                        test::AllThreadBackends) {
  TestType on;
  Fixture fixture{on};
  Handlers handlers{on.backend};
  handlers.handle(SIGUSR1);
  const Event edge{EventFlags::in | EventFlags::et, std::uint64_t{2}};
  REQUIRE(on.backend.epoll_ctl(fixture.epoll, EPOLL_CTL_ADD, fixture.full_pipe[0], &edge).ok());
  Event event;
  REQUIRE(on.backend.epoll_wait(fixture.epoll, &event, 1, 0) == SysResult<int>{1});
  Sleeper writer{on, [&] { return on.backend.write(fixture.full_pipe[1], "x", 1).word(); }};
  CHECK(on.backend.epoll_wait(fixture.epoll, &event, 1, 0) == SysResult<int>{0});
  writer.interrupt(SIGUSR1);
  CHECK(writer.result() == -EINTR);
  CHECK(on.backend.epoll_wait(fixture.epoll, &event, 1, 0) == SysResult<int>{1});
}

TEMPLATE_LIST_TEST_CASE("Signals: a reader that goes while a write sleeps raises SIGPIPE", "[signal][threads][pipe]",
                        test::AllThreadBackends) {
  TestType on;
  Fixture fixture{on};
  Handlers handlers{on.backend};
  handlers.handle(SIGPIPE);
  static const char bytes[300'000] = {};
  Sleeper writer{on, [&] { return on.backend.write(fixture.pipe[1], bytes, 100'000).word(); }};
  REQUIRE(on.backend.close(fixture.pipe[0]).ok());
  CHECK(writer.result() == 65536);
  CHECK(handlers.count() == 1);
  Sleeper sender{on, [&] { return on.backend.write(fixture.pair[1], bytes, sizeof bytes).word(); }};
  REQUIRE(on.backend.close(fixture.pair[0]).ok());
  CHECK(sender.result() == 219264);
  CHECK(handlers.count() == 1);
}

TEMPLATE_LIST_TEST_CASE("Signals: a single byte that a write has moved is its result, too", "[signal][threads][pipe]",
                        test::AllThreadBackends) {
  TestType on;
  Fixture fixture{on};
  Handlers handlers{on.backend};
  handlers.handle(SIGPIPE);
  static const char bytes[4097] = {};
  REQUIRE(on.backend.fcntl(fixture.pipe[1], F_SETPIPE_SZ, 4096) == SysResult<int>{4096});
  REQUIRE(on.backend.write(fixture.pipe[1], bytes, 4095) == std::size_t{4095});
  // What is beyond whole pages is put behind what is there.
  Sleeper writer{on, [&] { return on.backend.write(fixture.pipe[1], bytes, sizeof bytes).word(); }};
  REQUIRE(on.backend.close(fixture.pipe[0]).ok());
  CHECK(writer.result() == 1);
  CHECK(handlers.count() == 1);
}

TEMPLATE_LIST_TEST_CASE("Signals: a write to a pipe that does not block any more would block",
                        "[signal][threads][pipe]", test::AllThreadBackends) {
  TestType on;
  Fixture fixture{on};
  Handlers handlers{on.backend};
  handlers.handle(SIGUSR1);
  Sleeper writer{on, [&] { return on.backend.write(fixture.full_pipe[1], "x", 1).word(); }};
  Sleeper reader{on, [&] {
                   char byte = 0;
                   return on.backend.read(fixture.pipe[0], &byte, 1).word();
                 }};
  for (const int fd : {fixture.full_pipe[1], fixture.pipe[0]}) REQUIRE(on.backend.fcntl(fd, F_SETFL, O_NONBLOCK).ok());
  writer.interrupt(SIGUSR1);
  CHECK(writer.result() == -EAGAIN);  // Before the next: handlers of two threads at once would write into each other.
  reader.interrupt(SIGUSR1);
  CHECK(reader.result() == -EINTR);
}

TEMPLATE_LIST_TEST_CASE("Signals: a blocked or ignored one does not disturb a sleeper", "[signal][threads]",
                        test::AllThreadBackends) {
  TestType on;
  Fixture fixture{on};
  Handlers handlers{on.backend};
  handlers.handle(SIGUSR1);
  handlers.set(SIGUSR2, SIG_IGN);
  const ::sigset_t mask = set_of({SIGUSR1});
  Sleeper sleeper{on, [&] {
                    Event event;
                    return on.backend.epoll_pwait(fixture.epoll, &event, 1, -1, &mask).word() * 10 + handlers.count();
                  }};
  sleeper.interrupt(SIGUSR1);
  sleeper.interrupt(SIGUSR2);
  sleeper.wait_until_blocked();
  CHECK(handlers.count() == 0);
  fixture.fill_empty();
  // It is delivered when the mask is gone, before the call returns.
  CHECK(sleeper.result() == 11);
}

TEMPLATE_LIST_TEST_CASE("Signals: of the process, goes to the first thread unless it blocks it", "[signal][threads]",
                        test::AllThreadBackends) {
  TestType on;
  Fixture fixture{on};
  Handlers handlers{on.backend};
  handlers.handle(SIGUSR1);
  const int pid = on.backend.getpid().value();
  REQUIRE(on.backend.gettid().value() == pid);
  const auto wait = [&] {
    Event event;
    return on.backend.epoll_wait(fixture.epoll, &event, 1, -1).word();
  };
  Sleeper sleeper{on, wait};
  REQUIRE(on.backend.kill(pid, SIGUSR1).ok());
  CHECK(handlers.count() == 1);
  sleeper.wait_until_blocked();
  handlers.block({SIGUSR1});
  REQUIRE(on.backend.kill(pid, SIGUSR1).ok());
  CHECK(sleeper.result() == -EINTR);
  CHECK(handlers.count() == 2);
}

TEMPLATE_LIST_TEST_CASE("Signals: of the process, goes to the main thread though only others have called before",
                        "[signal][threads]", test::AllThreadBackends) {
  TestType on;
  Handlers handlers{on.backend};
  handlers.handle(SIGUSR1);
  int pipe[2];
  REQUIRE(on.backend.pipe2(pipe, 0).ok());
  auto reader = on.spawn([&] {
    const ::sigset_t blocked = set_of({SIGUSR1});
    on.backend.sigprocmask(SIG_BLOCK, &blocked, nullptr).value();
    char byte = 0;
    return on.backend.read(pipe[0], &byte, 1).word();
  });
  on.wait_until_blocked(reader);
  SECTION("sent by itself") {
    REQUIRE(on.backend.kill(on.backend.getpid().value(), SIGUSR1).ok());
    CHECK(handlers.count() == 1);
    REQUIRE(on.backend.write(pipe[1], "x", 1).ok());
  }
  SECTION("sent by another") {
    auto sender = on.spawn([&] {
      const ::sigset_t blocked = set_of({SIGUSR1});
      on.backend.sigprocmask(SIG_BLOCK, &blocked, nullptr).value();
      return on.backend.kill(on.backend.getpid().value(), SIGUSR1).word();
    });
    CHECK(sender.result() == 0);
    REQUIRE(on.backend.write(pipe[1], "x", 1).ok());
    CHECK(handlers.count() == 1);
  }
  CHECK(reader.result() == 1);
  for (const int fd : pipe) REQUIRE(on.backend.close(fd).ok());
}

TEMPLATE_LIST_TEST_CASE("Signals: what another thread is told of is not pending for one that lets it in",
                        "[signal][threads]", test::AllThreadBackends) {
  static std::atomic<std::thread::id> handled_by;
  handled_by = std::thread::id{};
  TestType on;
  Handlers handlers{on.backend};
  handlers.set(SIGUSR1, [](int) { handled_by = std::this_thread::get_id(), ++decltype(handlers)::count(); });
  auto sender = on.spawn([&] {
    on.backend.kill(on.backend.getpid().value(), SIGUSR1).value();
    ::sigset_t pending;
    ::sigemptyset(&pending);
    on.backend.sigpending(&pending).value();
    return ::sigismember(&pending, SIGUSR1);
  });
  CHECK(sender.result() == 0);
  static_cast<void>(on.backend.gettid());
  CHECK(handlers.count() == 1);
  CHECK(handled_by.load() == std::this_thread::get_id());
}

TEMPLATE_LIST_TEST_CASE("Signals: one that came between two calls is handled before the second", "[signal][threads]",
                        test::AllThreadBackends) {
  static const TestType* on = nullptr;
  static int pipe[2];
  TestType these;
  on = &these;
  REQUIRE(on->backend.pipe2(pipe, O_NONBLOCK).ok());
  Handlers handlers{on->backend};
  struct ::sigaction action {};
  action.sa_handler = [](int) { static_cast<void>(on->backend.write(pipe[1], "x", 1)); };
  REQUIRE(on->backend.sigaction(SIGUSR1, &action, nullptr).ok());
  const int pid = on->backend.getpid().value();
  const int tid = on->backend.gettid().value();
  auto sender = these.spawn([&] { return on->backend.tgkill(pid, tid, SIGUSR1).ok(); });
  CHECK(sender.result());
  char byte = 0;
  CHECK(on->backend.read(pipe[0], &byte, 1) == std::size_t{1});
  for (const int fd : pipe) REQUIRE(on->backend.close(fd).ok());
}

TEMPLATE_LIST_TEST_CASE("Signals: what all others block, a thread handles that sends it by its first call",
                        "[signal][threads]", test::AllThreadBackends) {
  TestType on;
  Handlers handlers{on.backend};
  handlers.handle(SIGUSR1);
  const int pid = on.backend.getpid().value();
  std::promise<void> all_block;
  auto sender = on.spawn([&] {
    all_block.get_future().wait();
    static_cast<void>(on.backend.kill(pid, SIGUSR1));
    return handlers.count().load();
  });
  handlers.block({SIGUSR1});
  all_block.set_value();
  CHECK(sender.result() == 1);
}

TEMPLATE_LIST_TEST_CASE("Signals: one that everybody blocks goes to whoever lets it in first", "[signal][threads]",
                        test::AllThreadBackends) {
  TestType on;
  Fixture fixture{on};
  Handlers handlers{on.backend};
  handlers.handle(SIGUSR1);
  handlers.block({SIGUSR1});
  REQUIRE(on.backend.kill(on.backend.getpid().value(), SIGUSR1).ok());
  CHECK(test::pending_now(on.backend) == "10");
  auto other = on.spawn([&] {
    const ::sigset_t none = set_of({});
    static_cast<void>(on.backend.sigprocmask(SIG_SETMASK, &none, nullptr));
    return handlers.count().load();
  });
  CHECK(other.result() == 1);
  CHECK(test::pending_now(on.backend).empty());
}
