// Signals and threads that sleep in calls on unix sockets: in their own queue, or in another socket's.
#include "../support/sleeper.hpp"

#include <sys/un.h>

using namespace rouse;
using test::Handlers;
using test::Sleeper;

namespace {

/// A name that the kernel chose for a unix socket.
struct Address {
  template <class B>
  Address(const B& backend, int socket) {
    name.sun_family = AF_UNIX;
    REQUIRE(backend.bind(socket, raw(), sizeof name.sun_family).ok());
    REQUIRE(backend.getsockname(socket, raw(), &n).ok());
  }
  ::sockaddr* raw() { return reinterpret_cast<::sockaddr*>(&name); }

  ::sockaddr_un name{};
  ::socklen_t n = sizeof name;
};

}  // namespace

TEMPLATE_LIST_TEST_CASE("Signals: accept and connect are interrupted or start again", "[signal][threads][unix]",
                        test::AllThreadBackends) {
  const bool restarts = GENERATE(false, true);
  CAPTURE(restarts);
  TestType on;
  const auto& backend = on.backend;
  Handlers handlers{backend};
  handlers.handle(SIGUSR1, restarts ? SA_RESTART : 0);
  const int listener = backend.socket(AF_UNIX, SOCK_STREAM, 0).value();
  Address to{backend, listener};
  REQUIRE(backend.listen(listener, 0).ok());
  std::vector<int> clients;
  for (int i = 0; i < 3; ++i) clients.push_back(backend.socket(AF_UNIX, SOCK_STREAM, 0).value());

  Sleeper acceptor{on, [&] { return backend.accept4(listener, nullptr, nullptr, 0).word(); }};
  acceptor.interrupt(SIGUSR1);
  if (restarts) {
    while (handlers.count() == 0) std::this_thread::yield();
    acceptor.wait_until_blocked();
    REQUIRE(backend.connect(clients[0], to.raw(), to.n).ok());
    const std::int64_t accepted = acceptor.result();
    CHECK(accepted >= 0);
    REQUIRE(backend.close(static_cast<int>(accepted)).ok());
  } else {
    CHECK(acceptor.result() == -EINTR);
  }
  CHECK(handlers.count() == 1);

  REQUIRE(backend.connect(clients[1], to.raw(), to.n).ok());
  Sleeper connector{on, [&] { return backend.connect(clients[2], to.raw(), to.n).word(); }};
  connector.interrupt(SIGUSR1);
  if (restarts) {
    while (handlers.count() == 1) std::this_thread::yield();
    connector.wait_until_blocked();
    const int accepted = backend.accept4(listener, nullptr, nullptr, 0).value();
    CHECK(connector.result() == 0);
    REQUIRE(backend.close(accepted).ok());
  } else {
    CHECK(connector.result() == -EINTR);
  }
  CHECK(handlers.count() == 2);
  for (const int client : clients) REQUIRE(backend.close(client).ok());
  REQUIRE(backend.close(listener).ok());
}

TEMPLATE_LIST_TEST_CASE("Signals: a socket that waits for so long and no longer does not start again",
                        "[signal][threads][unix]", test::AllThreadBackends) {
  TestType on;
  const auto& backend = on.backend;
  Handlers handlers{backend};
  handlers.handle(SIGUSR1, SA_RESTART);
  const int type = GENERATE(SOCK_STREAM, SOCK_SEQPACKET, SOCK_DGRAM);
  CAPTURE(type);
  int pair[2];
  REQUIRE(backend.socketpair(AF_UNIX, type, 0, pair).ok());
  const ::timeval hour{3600, 0};
  for (const int option : {SO_RCVTIMEO, SO_SNDTIMEO}) {
    REQUIRE(backend.setsockopt(pair[0], SOL_SOCKET, option, &hour, sizeof hour).ok());
  }
  char bytes[1000] = {};
  Sleeper receiver{on, [&] { return backend.recvfrom(pair[0], bytes, 1, 0, nullptr, nullptr).word(); }};
  receiver.interrupt(SIGUSR1);
  CHECK(receiver.result() == -EINTR);
  while (backend.sendto(pair[0], bytes, sizeof bytes, MSG_DONTWAIT, nullptr, 0).ok()) {
  }
  Sleeper sender{on, [&] { return backend.sendto(pair[0], bytes, sizeof bytes, 0, nullptr, 0).word(); }};
  sender.interrupt(SIGUSR1);
  CHECK(sender.result() == -EINTR);
  CHECK(handlers.count() == 2);
  for (const int fd : pair) REQUIRE(backend.close(fd).ok());
}

TEMPLATE_LIST_TEST_CASE("Signals: a call that waits at another socket is interrupted before it looks",
                        "[signal][threads][unix]", test::AllThreadBackends) {
  TestType on;
  const auto& backend = on.backend;
  Handlers handlers{backend};
  handlers.handle(SIGUSR1);
  const int type = GENERATE(SOCK_STREAM, SOCK_DGRAM);
  CAPTURE(type);
  const int receiver = backend.socket(AF_UNIX, type, 0).value();
  const int sender = backend.socket(AF_UNIX, type, 0).value();
  const int other = backend.socket(AF_UNIX, type, 0).value();
  Address to{backend, receiver};
  if (type == SOCK_STREAM) {
    REQUIRE(backend.listen(receiver, 0).ok());
    REQUIRE(backend.connect(other, to.raw(), to.n).ok());
  } else {
    while (backend.sendto(other, "x", 1, MSG_DONTWAIT, to.raw(), to.n).ok()) {
    }
  }
  const auto call = [&]() -> std::int64_t {
    return type == SOCK_STREAM ? backend.connect(sender, to.raw(), to.n).word()
                               : backend.sendto(sender, "y", 1, 0, to.raw(), to.n).word();
  };
  {
    Sleeper sleeper{on, call};
    // What is found there now would end the call. It tells no one who waits already.
    REQUIRE(backend.shutdown(receiver, SHUT_RD).ok());
    sleeper.wait_until_blocked();
    sleeper.interrupt(SIGUSR1);
    CHECK(sleeper.result() == -EINTR);
    CHECK(handlers.count() == 1);
  }
  CHECK(call() == (type == SOCK_STREAM ? -ECONNREFUSED : -EPIPE));
  for (const int fd : {receiver, sender, other}) REQUIRE(backend.close(fd).ok());
}

TEMPLATE_LIST_TEST_CASE("Signals: a sleeper that one has woken does not use up the turn that comes then",
                        "[signal][threads][unix]", test::AllThreadBackends) {
  TestType on;
  const auto& backend = on.backend;
  Handlers handlers{backend};
  handlers.handle(SIGUSR1);
  const int listener = backend.socket(AF_UNIX, SOCK_STREAM, 0).value();
  Address to{backend, listener};
  REQUIRE(backend.listen(listener, 0).ok());
  std::vector<int> fds{listener};
  for (int i = 0; i < 3; ++i) fds.push_back(backend.socket(AF_UNIX, SOCK_STREAM, 0).value());
  REQUIRE(backend.connect(fds[1], to.raw(), to.n).ok());
  {
    Sleeper first{on, [&] { return backend.connect(fds[2], to.raw(), to.n).word(); }};
    Sleeper second{on, [&] { return backend.connect(fds[3], to.raw(), to.n).word(); }};
    first.interrupt(SIGUSR1);
    const int accepted = backend.accept4(listener, nullptr, nullptr, 0).value();
    CHECK(first.result() == -EINTR);
    CHECK(second.result() == 0);
    REQUIRE(backend.close(accepted).ok());
  }
  for (const int fd : fds) REQUIRE(backend.close(fd).ok());
}

TEMPLATE_LIST_TEST_CASE("Signals: a receive that one has woken leaves what comes then to others",
                        "[signal][threads][unix]", test::AllThreadBackends) {
  TestType on;
  const auto& backend = on.backend;
  Handlers handlers{backend};
  handlers.handle(SIGUSR1);
  int pair[2] = {};
  REQUIRE(backend.socketpair(AF_UNIX, SOCK_STREAM, 0, pair).ok());
  char byte = 0;
  Sleeper sleeper{on, [&] { return backend.recvfrom(pair[0], &byte, 1, 0, nullptr, nullptr).word(); }};
  sleeper.interrupt(SIGUSR1);
  REQUIRE(backend.write(pair[1], "x", 1).ok());
  CHECK(sleeper.result() == -EINTR);
  CHECK(backend.read(pair[0], &byte, 1) == std::size_t{1});
  for (const int fd : pair) REQUIRE(backend.close(fd).ok());
}
