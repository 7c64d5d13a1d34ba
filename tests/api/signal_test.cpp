// Signals of one thread: actions, masks, what is pending, the order in which handlers run.
#include "../support/bad_pointers.hpp"
#include "../support/bare.hpp"
#include "../support/signals.hpp"

#include <sys/un.h>

using namespace rouse;
using test::blocked_now;
using test::Handlers;
using test::Handles;
using test::pending_now;
using test::raise;
using test::set_of;

namespace {

using Refused = SysResult<void>;

constexpr int queued = 34;  // The first that queues, of those the C library leaves.

}  // namespace

TEMPLATE_LIST_TEST_CASE("Signals: the last handler to start is the first to run", "[signal]", test::AllBackends) {
  TestType on;
  Handlers handlers{on.backend};
  handlers.handle(SIGUSR1);
  handlers.handle(SIGUSR2);
  const auto both_at_once = [&](int first, int second) {
    handlers.block({SIGUSR1, SIGUSR2});
    raise(on.backend, first);
    raise(on.backend, second);
    CHECK(handlers.take().empty());
    handlers.block({});
    return handlers.take();
  };
  CHECK(both_at_once(SIGUSR1, SIGUSR2) == handlers.seen("12(10 12) 10(10)"));
  CHECK(both_at_once(SIGUSR2, SIGUSR1) == handlers.seen("12(10 12) 10(10)"));
  CHECK(blocked_now(on.backend).empty());
  // Unless the first one blocks the second.
  handlers.handle(SIGUSR1, 0, {SIGUSR2});
  CHECK(both_at_once(SIGUSR2, SIGUSR1) == handlers.seen("10(10 12) 12(12)"));
  CHECK(pending_now(on.backend).empty());
}

TEMPLATE_LIST_TEST_CASE("Signals: a fault is delivered before lower numbers", "[signal]", test::AllBackends) {
  TestType on;
  Handlers handlers{on.backend};
  handlers.handle(SIGSEGV);
  handlers.handle(SIGUSR1);
  handlers.block({SIGSEGV, SIGUSR1});
  raise(on.backend, SIGUSR1);
  raise(on.backend, SIGSEGV);
  handlers.block({});
  CHECK(handlers.take() == handlers.seen("10(10 11) 11(11)"));
}

TEMPLATE_LIST_TEST_CASE("Signals: flags say what is blocked meanwhile and whether the handler stays", "[signal]",
                        test::AllBackends) {
  TestType on;
  Handlers handlers{on.backend};
  handlers.handle(SIGUSR1, SA_NODEFER);
  raise(on.backend, SIGUSR1);
  CHECK(handlers.take() == handlers.seen("10()"));
  handlers.handle(SIGUSR1, SA_NODEFER, {SIGUSR1, SIGKILL});
  raise(on.backend, SIGUSR1);
  CHECK(handlers.take() == handlers.seen("10(10)"));
  handlers.handle(SIGUSR1, static_cast<int>(SA_RESETHAND));
  raise(on.backend, SIGUSR1);
  CHECK(handlers.take() == handlers.seen("10(10)"));
  struct ::sigaction now {};
  REQUIRE(on.backend.sigaction(SIGUSR1, nullptr, &now).ok());
  CHECK(now.sa_handler == SIG_DFL);
  CHECK((static_cast<unsigned>(now.sa_flags) & SA_RESETHAND) != 0);
}

TEMPLATE_LIST_TEST_CASE("Signals: a handler may ask for the details", "[signal]", test::AllBackends) {
  static std::string seen;
  TestType on;
  Handlers handlers{on.backend};
  handlers.handle(SIGUSR1);
  struct ::sigaction action {};
  action.sa_flags = SA_SIGINFO;
  action.sa_sigaction = [](int signal, ::siginfo_t* info, void* context) {
    seen += std::to_string(signal) + ' ' + std::to_string(info->si_signo) + ' ' + std::to_string(info->si_code) + ' ' +
            std::to_string(info->si_pid) + (context != nullptr ? "; " : " without context; ");
  };
  REQUIRE(on.backend.sigaction(SIGUSR1, &action, nullptr).ok());
  seen.clear();
  const std::string pid = std::to_string(on.backend.getpid().value());
  REQUIRE(on.backend.kill(on.backend.getpid().value(), SIGUSR1).ok());
  raise(on.backend, SIGUSR1);
  CHECK(seen == "10 10 0 " + pid + "; 10 10 -6 " + pid + "; ");
}

TEMPLATE_LIST_TEST_CASE("Signals: what an action is, can be read back", "[signal]", test::AllBackends) {
  TestType on;
  Handlers handlers{on.backend};
  handlers.handle(SIGUSR1);
  struct ::sigaction action {};
  action.sa_handler = SIG_IGN;
  action.sa_flags = 0x40000000 | 0x1234;
  action.sa_mask = set_of({SIGKILL, SIGSTOP, SIGHUP, queued});
  REQUIRE(on.backend.sigaction(SIGUSR1, &action, nullptr).ok());
  struct ::sigaction read_back {};
  for (int i = 0; i < 2; ++i) REQUIRE(on.backend.sigaction(SIGUSR1, nullptr, &read_back).ok());
  CHECK(read_back.sa_handler == SIG_IGN);
#if defined(__x86_64__)
  CHECK(read_back.sa_flags == 0x44000004);
#endif
  CHECK(test::numbers_in(read_back.sa_mask) == "1 34");
  REQUIRE(on.backend.sigaction(SIGKILL, nullptr, &read_back).ok());
  CHECK(read_back.sa_handler == SIG_DFL);
}

TEMPLATE_LIST_TEST_CASE("Signals: flags that there are not are forgotten", "[signal]", test::AllBackends) {
  if constexpr (detail::tsan_is_on && !TestType::is_emulated) return;  // Its handlers have flags of their own.
  TestType on;
  Handlers handlers{on.backend};
#if defined(__x86_64__)
  constexpr unsigned restorer = 0x04000000;  // Which the C library adds.
#else
  constexpr unsigned restorer = 0;
#endif
  constexpr unsigned known = SA_NOCLDSTOP | SA_NOCLDWAIT | SA_SIGINFO | 0x800 | SA_ONSTACK | SA_RESTART | SA_NODEFER |
                             static_cast<unsigned>(SA_RESETHAND) | restorer;
  for (unsigned bit = 1; bit != 0; bit <<= 1) {
    CAPTURE(bit);
    handlers.handle(SIGUSR1, static_cast<int>(bit));
    struct ::sigaction got {};
    REQUIRE(on.backend.sigaction(SIGUSR1, nullptr, &got).ok());
    CHECK(static_cast<unsigned>(got.sa_flags) == ((bit & known) | restorer));
  }
}

TEMPLATE_LIST_TEST_CASE("Signals: numbers and ids are checked", "[signal][errors]", test::AllBackends) {
  TestType on;
  const auto backend = test::bare(on.backend);
  const auto invalid = Refused::failure(EINVAL);
  const auto nobody = Refused::failure(ESRCH);
  const int pid = backend.getpid().value();
  const int tid = backend.gettid().value();
  CHECK(tid == pid);
  struct ::sigaction action {};
  for (const int signal : {-1, 0, 32, 33, 65}) {
    CHECK(backend.sigaction(signal, nullptr, &action) == invalid);
    CHECK(backend.sigaction(signal, nullptr, nullptr) == invalid);
  }
  CHECK(backend.sigaction(1, nullptr, &action).ok());
  CHECK(backend.sigaction(64, nullptr, &action).ok());
  CHECK(backend.sigaction(SIGKILL, &action, nullptr) == invalid);
  CHECK(backend.sigaction(SIGSTOP, &action, nullptr) == invalid);

  CHECK(backend.kill(pid, 0).ok());
  CHECK(backend.kill(pid, -1) == invalid);
  CHECK(backend.kill(pid, 65) == invalid);
  CHECK(backend.kill(99999999, 0) == nobody);
  CHECK(backend.kill(99999999, 65) == nobody);
  CHECK(backend.tgkill(pid, tid, 0).ok());
  CHECK(backend.tgkill(pid, tid, 65) == invalid);
  CHECK(backend.tgkill(pid, 0, SIGUSR1) == invalid);
  CHECK(backend.tgkill(pid, 1, 0) == nobody);
  CHECK(backend.tgkill(0, tid, SIGUSR1) == invalid);
  CHECK(backend.tgkill(-1, tid, SIGUSR1) == invalid);
  CHECK(backend.tgkill(pid, -1, SIGUSR1) == invalid);
  CHECK(backend.tgkill(pid, 99999999, SIGUSR1) == nobody);
  CHECK(backend.tgkill(pid, 99999999, 65) == nobody);
  CHECK(backend.tgkill(99999999, tid, SIGUSR1) == nobody);
}

TEMPLATE_LIST_TEST_CASE("Signals: a mask is set, added to and taken from", "[signal]", test::AllBackends) {
  TestType on;
  Handlers handlers{on.backend};
  handlers.block({SIGUSR1});
  const ::sigset_t two = set_of({SIGUSR2, SIGHUP});
  ::sigset_t before = set_of({});
  CHECK(on.backend.sigprocmask(SIG_BLOCK, &two, &before).ok());
  CHECK(test::numbers_in(before) == "10");
  CHECK(blocked_now(on.backend) == "1 10 12");
  CHECK(on.backend.sigprocmask(SIG_UNBLOCK, &two, &before).ok());
  CHECK(test::numbers_in(before) == "1 10 12");
  CHECK(blocked_now(on.backend) == "10");
  CHECK(on.backend.sigprocmask(SIG_SETMASK, &two, nullptr).ok());
  CHECK(blocked_now(on.backend) == "1 12");
  // How, is looked at only if there is a set.
  CHECK(on.backend.sigprocmask(3, &two, nullptr) == Refused::failure(EINVAL));
  CHECK(on.backend.sigprocmask(-1, &two, nullptr) == Refused::failure(EINVAL));
  CHECK(on.backend.sigprocmask(7, nullptr, &before).ok());
  CHECK(blocked_now(on.backend) == "1 12");
  // Nobody blocks these, nor what the C library keeps.
  ::sigset_t all;
  ::sigfillset(&all);
  all.__val[0] = ~0ul;
  CHECK(on.backend.sigprocmask(SIG_SETMASK, &all, nullptr).ok());
  CHECK(on.backend.sigprocmask(SIG_BLOCK, nullptr, &before).ok());
  for (int signal = 1; signal <= 64; ++signal) {
    const bool never = signal == SIGKILL || signal == SIGSTOP || signal == 32 || signal == 33;
    CHECK(((before.__val[0] >> (signal - 1)) & 1) == (never ? 0u : 1u));
  }
}

TEMPLATE_LIST_TEST_CASE("Signals: standard ones are pending once, queued ones each", "[signal]", test::AllBackends) {
  TestType on;
  Handlers handlers{on.backend};
  handlers.handle(SIGUSR1);
  handlers.handle(queued);
  handlers.block({SIGUSR1, queued});
  const int pid = on.backend.getpid().value();
  for (int i = 0; i < 2; ++i) {
    raise(on.backend, SIGUSR1);
    raise(on.backend, queued);
    REQUIRE(on.backend.kill(pid, SIGUSR1).ok());
    REQUIRE(on.backend.kill(pid, queued).ok());
  }
  CHECK(pending_now(on.backend) == "10 34");
  handlers.block({});
  // Of each, one of the thread starts first and blocks the others; it is the last one to end, so they come after it.
  CHECK(handlers.take() == handlers.seen("34(10 34) 34(10 34) 34(10 34) 34(10 34) 10(10) 10(10)"));
  CHECK(pending_now(on.backend).empty());
}

TEMPLATE_LIST_TEST_CASE("Signals: what is ignored is forgotten, unless it is blocked", "[signal]", test::AllBackends) {
  TestType on;
  Handlers handlers{on.backend};
  handlers.set(SIGTERM, SIG_IGN);
  handlers.set(SIGCHLD, SIG_DFL);
  handlers.block({});
  raise(on.backend, SIGTERM);
  raise(on.backend, SIGCHLD);
  REQUIRE(on.backend.kill(on.backend.getpid().value(), SIGURG).ok());
  handlers.block({SIGTERM, SIGCHLD});
  CHECK(pending_now(on.backend).empty());
  raise(on.backend, SIGTERM);
  REQUIRE(on.backend.kill(on.backend.getpid().value(), SIGCHLD).ok());
  CHECK(pending_now(on.backend) == "15 17");
  // Ignoring it again forgets it, wherever it is pending; handling it does not.
  raise(on.backend, SIGCHLD);
  handlers.set(SIGCHLD, SIG_IGN);
  handlers.handle(SIGTERM);
  CHECK(pending_now(on.backend) == "15");
  handlers.block({});
  CHECK(handlers.take() == handlers.seen("15(15)"));
}

TEMPLATE_LIST_TEST_CASE("Signals: what would be ignored is handled by who wants to know", "[signal]",
                        test::AllBackends) {
  TestType on;
  Handlers handlers{on.backend};
  for (const int signal : {SIGCHLD, SIGCONT, SIGURG, SIGWINCH}) {
    CAPTURE(signal);
    handlers.handle(signal);
    raise(on.backend, signal);
    CHECK(handlers.take() == handlers.seen(std::to_string(signal) + "(" + std::to_string(signal) + ")"));
    handlers.set(signal, SIG_DFL);
    raise(on.backend, signal);
    CHECK(handlers.take().empty());
  }
}

TEMPLATE_LIST_TEST_CASE("Signals: a write that nobody can read raises SIGPIPE", "[signal][pipe][unix]",
                        test::AllBackends) {
  TestType on;
  const auto& backend = on.backend;
  Handlers handlers{backend};
  handlers.handle(SIGPIPE);
  int fds[2] = {};
  REQUIRE(backend.pipe2(fds, 0).ok());
  REQUIRE(backend.close(fds[0]).ok());
  const auto broken = SysResult<std::size_t>::failure(EPIPE);
  CHECK(backend.write(fds[1], "x", 0) == SysResult<std::size_t>{0});
  CHECK(handlers.take().empty());
  CHECK(backend.write(fds[1], "x", 1) == broken);
  CHECK(handlers.take() == handlers.seen("13(13)"));
  char byte = 'x';
  const ::iovec vectors[2] = {{&byte, 1}, {&byte, 1}};
  CHECK(backend.writev(fds[1], vectors, 2) == broken);
  CHECK(handlers.take() == handlers.seen("13(13)"));
  handlers.block({SIGPIPE});
  CHECK(backend.write(fds[1], "x", 1) == broken);
  CHECK(handlers.take().empty());
  handlers.block({});
  CHECK(handlers.take() == handlers.seen("13(13)"));
  REQUIRE(backend.close(fds[1]).ok());

  REQUIRE(backend.socketpair(AF_UNIX, SOCK_STREAM, 0, fds).ok());
  REQUIRE(backend.shutdown(fds[1], SHUT_WR).ok());
  CHECK(backend.write(fds[1], "x", 1) == broken);
  CHECK(handlers.take() == handlers.seen("13(13)"));
  REQUIRE(backend.close(fds[0]).ok());
  CHECK(backend.sendto(fds[1], "x", 1, 0, nullptr, 0) == broken);
  CHECK(handlers.take() == handlers.seen("13(13)"));
  CHECK(backend.sendto(fds[1], "x", 0, 0, nullptr, 0) == broken);
  CHECK(handlers.take() == handlers.seen("13(13)"));
  CHECK(backend.sendto(fds[1], "x", 1, MSG_NOSIGNAL, nullptr, 0) == broken);
  CHECK(handlers.take().empty());
  CHECK(backend.sendto(fds[1], "x", 1, MSG_DONTWAIT, nullptr, 0) == broken);
  CHECK(handlers.take() == handlers.seen("13(13)"));
  REQUIRE(backend.close(fds[1]).ok());
}

TEMPLATE_LIST_TEST_CASE("Signals: a SIGPIPE comes as if from the process", "[signal][pipe]", test::AllBackends) {
  static int code = 0;
  TestType on;
  Handlers handlers{on.backend};
  struct ::sigaction action {};
  action.sa_flags = SA_SIGINFO;
  action.sa_sigaction = [](int, ::siginfo_t* info, void*) { code = info->si_code; };
  REQUIRE(on.backend.sigaction(SIGPIPE, &action, nullptr).ok());
  int fds[2] = {};
  REQUIRE(on.backend.pipe2(fds, 0).ok());
  REQUIRE(on.backend.close(fds[0]).ok());
  code = -1;
  CHECK(!on.backend.write(fds[1], "x", 1).ok());
  CHECK(code == SI_USER);
  REQUIRE(on.backend.close(fds[1]).ok());
}

TEMPLATE_LIST_TEST_CASE("Signals: stopping and continuing undo each other while they wait", "[signal]",
                        test::AllBackends) {
  TestType on;
  Handlers handlers{on.backend};
  const auto send = [&](int signal) { REQUIRE(on.backend.kill(on.backend.getpid().value(), signal).ok()); };
  handlers.block({SIGCONT, SIGTSTP, SIGTTIN, SIGTTOU});
  for (const int signal : {SIGCONT, SIGTSTP, SIGTTIN}) handlers.handle(signal);
  send(SIGCONT);
  CHECK(pending_now(on.backend) == "18");
  send(SIGTSTP);
  CHECK(pending_now(on.backend) == "20");
  raise(on.backend, SIGTTIN);
  CHECK(pending_now(on.backend) == "20 21");
  send(SIGCONT);
  CHECK(pending_now(on.backend) == "18");
  raise(on.backend, SIGTSTP);
  CHECK(pending_now(on.backend) == "20");
  raise(on.backend, SIGCONT);
  CHECK(pending_now(on.backend) == "18");
  // Even if it is ignored itself, as SIGCONT is by default.
  handlers.set(SIGTSTP, SIG_IGN);
  send(SIGTSTP);
  CHECK(!pending_now(on.backend).starts_with("18"));
  handlers.set(SIGCONT, SIG_DFL);
  handlers.set(SIGTSTP, SIG_DFL);
  handlers.block({SIGTSTP});
  send(SIGTSTP);
  send(SIGCONT);
  CHECK(pending_now(on.backend).empty());
  handlers.set(SIGTTIN, SIG_DFL);
  // Other signals have nothing to do with it.
  handlers.handle(SIGCONT);
  handlers.block({SIGCONT, SIGUSR1});
  handlers.handle(SIGUSR1);
  send(SIGCONT);
  send(SIGUSR1);
  CHECK(pending_now(on.backend) == "10 18");
}

TEMPLATE_LIST_TEST_CASE("Signals: so does a send to one that read no more before it was connected", "[signal][unix]",
                        test::AllBackends) {
  TestType on;
  const auto& backend = on.backend;
  Handlers handlers{backend};
  handlers.handle(SIGPIPE);
  const int listener = backend.socket(AF_UNIX, SOCK_STREAM, 0).value();
  const int client = backend.socket(AF_UNIX, SOCK_STREAM, 0).value();
  ::sockaddr_un name{};
  name.sun_family = AF_UNIX;
  ::socklen_t n = sizeof name;
  auto* const address = reinterpret_cast<::sockaddr*>(&name);
  REQUIRE(backend.bind(listener, address, sizeof name.sun_family).ok());
  REQUIRE(backend.getsockname(listener, address, &n).ok());
  REQUIRE(backend.listen(listener, 1).ok());
  REQUIRE(backend.shutdown(client, SHUT_RD).ok());
  REQUIRE(backend.connect(client, address, n).ok());
  const int accepted = backend.accept4(listener, nullptr, nullptr, 0).value();
  CHECK(backend.write(accepted, "x", 1) == SysResult<std::size_t>::failure(EPIPE));
  CHECK(handlers.take() == handlers.seen("13(13)"));
  CHECK(backend.sendto(accepted, test::unmapped(), 1, 0, nullptr, 0) == SysResult<std::size_t>::failure(EFAULT));
  CHECK(handlers.take().empty());
  // But not of an urgent byte.
  CHECK(backend.sendto(accepted, "x", 1, MSG_OOB, nullptr, 0) == SysResult<std::size_t>::failure(EPIPE));
  CHECK(handlers.take().empty());
  CHECK(backend.sendto(accepted, "xy", 2, MSG_OOB, nullptr, 0) == SysResult<std::size_t>::failure(EPIPE));
  CHECK(handlers.take() == handlers.seen("13(13)"));
  for (const int fd : {listener, client, accepted}) REQUIRE(backend.close(fd).ok());
}

TEMPLATE_LIST_TEST_CASE("Signals: a handler may make calls", "[signal]", test::AllBackends) {
  static typename TestType::Backend* backend;
  static int wakeup;
  TestType on;
  Handlers handlers{on.backend};
  typename Handles<TestType>::EventFd event{on.backend};
  backend = &on.backend;
  wakeup = event.fd();
  handlers.set(SIGUSR1, [](int) {
    const std::uint64_t one = 1;
    static_cast<void>(backend->write(wakeup, &one, sizeof one));
  });
  raise(on.backend, SIGUSR1);
  CHECK(event.try_read() == 1u);
}

TEST_CASE("Signals: one that nobody handles says that the program would have ended", "[signal][emulated]") {
  test::OnEmulated on;
  const int pid = on.backend.getpid().value();
  try {
    static_cast<void>(on.backend.kill(pid, SIGTERM));
    FAIL("it was not delivered");
  } catch (const kernel::Killed& killed) {
    CHECK(killed.signal() == SIGTERM);
    CHECK(std::string(killed.what()) ==
          "rouse: signal 15 would have ended the program: it is neither handled nor ignored");
  }
  CHECK_THROWS_AS(static_cast<void>(on.backend.kill(pid, SIGKILL)), kernel::Killed);
  CHECK_THROWS_AS(static_cast<void>(on.backend.kill(pid, SIGTSTP)), kernel::NotModelled);
  CHECK(on.backend.kill(pid, SIGCONT).ok());
}

TEMPLATE_LIST_TEST_CASE("Signal: the last one is 64", "[signal][errors]", test::AllBackends) {
  TestType on;
  Handlers handlers{on.backend};
  handlers.set(64, SIG_IGN);
  const int pid = on.backend.getpid().value();
  const int tid = on.backend.gettid().value();
  CHECK(on.backend.kill(pid, 64).ok());
  CHECK(on.backend.tgkill(pid, tid, 64).ok());
  CHECK(on.backend.kill(pid, 65) == Refused::failure(EINVAL));
  CHECK(on.backend.tgkill(pid, tid, 65) == Refused::failure(EINVAL));
}
