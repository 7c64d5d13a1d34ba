#include "../support/bad_pointers.hpp"
#include "../support/file_limit.hpp"
#include "../support/guarded.hpp"
#include "../support/unix_names.hpp"
#include "../support/unix_sockets.hpp"

#include <net/if.h>
#include <netinet/in.h>

using namespace rouse;
using F = EventFlags;
using rouse::kernel::NotModelled;
using test::failed;
using test::nothing;
using test::unsent;

namespace {

SysResult<int> no_fd(int error) { return SysResult<int>::failure(error); }

}  // namespace

TEMPLATE_LIST_TEST_CASE("Unix socket: what cannot be made is refused in order", "[unix][errors]", test::AllBackends) {
  TestType on;
  struct Row {
    const char* what;
    int family, type, protocol, error;
  };
  constexpr Row rows[] = {
      {"an unknown bit in the type", AF_UNIX, SOCK_STREAM | 0x10, 0, EINVAL},
      {"an unknown bit, and an unknown family", 999, SOCK_STREAM | 0x10, 0, EINVAL},
      {"a family that there cannot be", 999, SOCK_STREAM, 0, EAFNOSUPPORT},
      {"a negative family", -1, SOCK_STREAM, 0, EAFNOSUPPORT},
      {"such a family, and no type", 999, 11, 0, EAFNOSUPPORT},
      {"no family", AF_UNSPEC, SOCK_STREAM, 0, EAFNOSUPPORT},
      {"no family, and no type", AF_UNSPEC, 11, 0, EINVAL},
      {"a type that there cannot be", AF_UNIX, 11, 0, EINVAL},
      {"the last of them, and no protocol", AF_UNIX, 15, 7, EINVAL},
      {"a type that unix has not", AF_UNIX, 0, 0, ESOCKTNOSUPPORT},
      {"another", AF_UNIX, 10, 0, ESOCKTNOSUPPORT},
      {"reliable messages", AF_UNIX, SOCK_RDM, 0, ESOCKTNOSUPPORT},
      {"a protocol that unix has not", AF_UNIX, SOCK_STREAM, 2, EPROTONOSUPPORT},
      {"a negative protocol", AF_UNIX, SOCK_STREAM, -1, EPROTONOSUPPORT},
      {"neither protocol nor type", AF_UNIX, SOCK_RDM, 2, EPROTONOSUPPORT},
  };
  for (const Row& row : rows) {
    CAPTURE(row.what);
    const auto make = [&] { return on.backend.socket(row.family, row.type, row.protocol); };
    CHECK(make() == no_fd(row.error));
    CHECK(test::under_file_limit(on.backend, 0, make) == no_fd(row.error));
  }
  const auto make_good = [&] { return on.backend.socket(AF_UNIX, SOCK_STREAM, 0); };
  CHECK(test::under_file_limit(on.backend, 0, make_good) == no_fd(EMFILE));  // After all of them.
  const SysResult<int> with_protocol = on.backend.socket(AF_UNIX, SOCK_STREAM, PF_UNIX);
  CHECK(with_protocol.ok());
  CHECK(on.backend.close(with_protocol.value()).ok());
}

TEMPLATE_LIST_TEST_CASE("Unix socket: without a peer nothing can be moved", "[unix][errors]", test::AllBackends) {
  TestType on;
  test::UnixSockets calls{on};
  test::UnixNames<TestType> names;
  const auto fresh = calls.fresh();
  const auto bound = calls.fresh();
  REQUIRE(calls.bind(bound, names.abstract_address("bound")).ok());
  const auto listener = calls.listener(names.abstract_address(""), 1);
  for (const auto* fd : {&fresh, &bound, &listener}) {
    constexpr int all_flags[] = {0, MSG_PEEK, MSG_OOB, MSG_DONTWAIT};
    for (const int flags : all_flags) {
      CAPTURE(flags);
      CHECK(calls.receive(*fd, 9, flags) == nothing(EINVAL));
      CHECK(calls.receive(*fd, 0, flags) == nothing(EINVAL));
      CHECK(calls.send(*fd, "x", flags) == unsent(ENOTCONN));
    }
    CHECK(calls.send(*fd, "") == unsent(ENOTCONN));
    CHECK(calls.send(*fd, "", MSG_OOB) == unsent(EOPNOTSUPP));
    CHECK(on.backend.write(fd->get(), "x", 0) == unsent(ENOTCONN));
    CHECK(on.backend.read(fd->get(), nullptr, 0) == std::size_t{0});
    CHECK(on.backend.write(fd->get(), test::unmapped(), 1) == unsent(ENOTCONN));
    CHECK(on.backend.read(fd->get(), test::unmapped(), 1) == unsent(EINVAL));
    CHECK(on.backend.read(fd->get(), test::in_kernel_space(), 1) == unsent(EFAULT));
  }
}

TEMPLATE_LIST_TEST_CASE("Unix socket: the socket calls want a socket", "[unix][errors]", test::AllBackends) {
  TestType on;
  const typename test::Handles<TestType>::EventFd event{on.backend};
  const auto& backend = on.backend;
  char byte = 0;
  int value = 0;
  ::socklen_t n = sizeof value;
  for (const auto& [fd, error] : {std::pair{-1, EBADF}, std::pair{event.fd(), ENOTSOCK}}) {
    CAPTURE(error);
    CHECK(backend.shutdown(fd, 77) == failed(error));
    CHECK(backend.listen(fd, 1) == failed(error));
    CHECK(backend.sendto(fd, &byte, 1, 0, nullptr, 0) == unsent(error));
    CHECK(backend.recvfrom(fd, &byte, 1, 0, nullptr, nullptr) == unsent(error));
    CHECK(backend.sendto(fd, &byte, 1, 0, test::unmapped<::sockaddr>(), 200) == unsent(error));
    CHECK(backend.getsockopt(fd, 77, SO_TYPE, &value, nullptr) == failed(error));
    CHECK(backend.setsockopt(fd, 77, SO_TYPE, nullptr, static_cast<::socklen_t>(-1)) == failed(error));
    CHECK(backend.getsockopt(fd, SOL_SOCKET, SO_TYPE, &value, &n) == failed(error));
  }
}

TEMPLATE_LIST_TEST_CASE("Unix socket: it is no file with a position", "[unix][errors]", test::AllBackends) {
  TestType on;
  test::UnixSockets calls{on};
  const auto pair = calls.pair();
  const int fd = pair[0].get();
  char byte = 0;
  CHECK(on.backend.lseek(fd, 0, SEEK_CUR) == SysResult<std::int64_t>::failure(ESPIPE));
  CHECK(on.backend.lseek(fd, 0, 9) == SysResult<std::int64_t>::failure(EINVAL));
  CHECK(on.backend.pread(fd, &byte, 1, 0) == unsent(ESPIPE));
  CHECK(on.backend.pwrite(fd, &byte, 1, 0) == unsent(ESPIPE));
  CHECK(on.backend.pread(fd, &byte, 1, -1) == unsent(EINVAL));
  CHECK(on.backend.fcntl(fd, F_GETPIPE_SZ, 0) == no_fd(EBADF));
  CHECK(on.backend.fcntl(fd, F_SETFL, O_DIRECT) == no_fd(EINVAL));
  CHECK(on.backend.fcntl(fd, F_SETFL, O_APPEND | O_ASYNC) == SysResult<int>{0});
  CHECK(on.backend.fcntl(fd, F_GETFL, 0) == SysResult<int>{O_RDWR | O_APPEND | O_ASYNC});
}

TEMPLATE_LIST_TEST_CASE("Unix socket: what ioctl tells", "[unix][errors][ioctl]", test::AllBackends) {
  TestType on;
  test::UnixSockets calls{on};
  test::UnixNames<TestType> names;
  const auto fresh = calls.fresh();
  const auto listener = calls.listener(names.abstract_address(""), 1);
  const auto client = calls.connected(names.abstract_address(""));
  const auto ask = [&](const auto& fd, unsigned long request, void* to) {
    return on.backend.ioctl(fd.get(), request, to);
  };
  const test::Guarded memory;
  int value = -1;
  CHECK(ask(listener, FIONREAD, &value) == no_fd(EINVAL));
  CHECK(ask(listener, FIONREAD, nullptr) == no_fd(EINVAL));
  CHECK(ask(fresh, FIONREAD, nullptr) == no_fd(EFAULT));
  CHECK(value == -1);
  CHECK(calls.readable(fresh) == 0);
  for (const auto* fd : {&fresh, &listener, &client}) {
    CHECK(calls.in_flight(*fd) == 0);
    CHECK(calls.is_at_mark(*fd) == (fd == &listener));  // A waiting connection looks like a mark.
    CHECK(ask(*fd, SIOCOUTQ, nullptr) == no_fd(EFAULT));
    CHECK(ask(*fd, SIOCATMARK, nullptr) == no_fd(EFAULT));
    CHECK(ask(*fd, 0x1234, &value) == no_fd(ENOTTY));
    CHECK(ask(*fd, TCGETS, nullptr) == no_fd(ENOTTY));
    CHECK(ask(*fd, 0x89fe, nullptr) == no_fd(EFAULT));  // Linux looks whether it is one for a device.
    CHECK(ask(*fd, 0x4004'89fe, nullptr) == no_fd(EFAULT));
    CHECK(ask(*fd, 0x4004'88fe, nullptr) == no_fd(ENOTTY));
    CHECK(ask(*fd, 0x4004'89fe, memory.end() - sizeof(::ifreq)) == no_fd(ENOTTY));
    CHECK(ask(*fd, 0x4004'89fe, memory.end() - sizeof(::ifreq) + 1) == no_fd(EFAULT));
    int on_flag = 0;
    CHECK(ask(*fd, FIONBIO, &on_flag) == SysResult<int>{0});
    CHECK(on.backend.fcntl(fd->get(), F_GETFL, 0) == SysResult<int>{O_RDWR});
  }
}

TEMPLATE_LIST_TEST_CASE("Unix options: getsockopt refuses in order", "[unix][options][errors]", test::AllBackends) {
  TestType on;
  test::UnixSockets calls{on};
  const auto socket = calls.fresh();
  const auto get = [&](int level, int option, void* value, ::socklen_t* n) {
    return on.backend.getsockopt(socket.get(), level, option, value, n);
  };
  int value = 0;
  ::socklen_t n = static_cast<::socklen_t>(-1);
  CHECK(get(IPPROTO_TCP, SO_TYPE, &value, nullptr) == failed(EOPNOTSUPP));
  CHECK(get(SOL_SOCKET, 9999, &value, nullptr) == failed(EFAULT));
  CHECK(get(SOL_SOCKET, 9999, nullptr, &n) == failed(EINVAL));
  n = sizeof value;
  CHECK(get(SOL_SOCKET, 9999, nullptr, &n) == failed(ENOPROTOOPT));
  CHECK(get(SOL_SOCKET, SO_TYPE, nullptr, &n) == failed(EFAULT));
}

TEMPLATE_LIST_TEST_CASE("Unix options: a value is cut to the room for it", "[unix][options]", test::AllBackends) {
  TestType on;
  test::UnixSockets calls{on};
  const auto socket = calls.fresh();
  struct Row {
    ::socklen_t room;
    int value;
    ::socklen_t told;
  };
  for (const Row& row : {Row{0, -1, 0}, {1, -256, 1}, {2, -65535 - 1 + 0x4000, 2}, {4, 212992, 4}, {8, 212992, 4}}) {
    CAPTURE(row.room);
    int value = -1;
    ::socklen_t n = row.room;
    CHECK(on.backend.getsockopt(socket.get(), SOL_SOCKET, SO_SNDBUF, &value, &n).ok());
    CHECK(value == row.value);
    CHECK(n == row.told);
  }
  ::socklen_t none = 0;
  CHECK(on.backend.getsockopt(socket.get(), SOL_SOCKET, SO_SNDBUF, nullptr, &none).ok());
}

TEMPLATE_LIST_TEST_CASE("Unix options: setsockopt refuses in order", "[unix][options][errors]", test::AllBackends) {
  TestType on;
  test::UnixSockets calls{on};
  const auto socket = calls.fresh();
  const auto set = [&](int level, int option, const void* value, int n) {
    return on.backend.setsockopt(socket.get(), level, option, value, static_cast<::socklen_t>(n));
  };
  const int values[2] = {100000, 0};
  CHECK(set(IPPROTO_TCP, SO_SNDBUF, nullptr, -1) == failed(EINVAL));
  CHECK(set(IPPROTO_TCP, SO_SNDBUF, nullptr, 3) == failed(EOPNOTSUPP));
  CHECK(set(SOL_SOCKET, 9999, nullptr, 3) == failed(EINVAL));
  CHECK(set(SOL_SOCKET, 9999, nullptr, 4) == failed(EFAULT));
  CHECK(set(SOL_SOCKET, 9999, values, 4) == failed(ENOPROTOOPT));
  CHECK(set(SOL_SOCKET, SO_SNDBUF, values, 3) == failed(EINVAL));
  CHECK(calls.option(socket, SO_SNDBUF) == 212992);
  CHECK(set(SOL_SOCKET, SO_SNDBUF, values, 8).ok());
  CHECK(calls.option(socket, SO_SNDBUF) == 200000);
}

TEMPLATE_LIST_TEST_CASE("Unix options: what a socket is, is told and cannot be set", "[unix][options]",
                        test::AllBackends) {
  TestType on;
  test::UnixSockets calls{on};
  const auto socket = calls.fresh();
  struct Row {
    int option, value;
  };
  for (const Row& row : {Row{SO_TYPE, SOCK_STREAM},
                         {SO_DOMAIN, AF_UNIX},
                         {SO_PROTOCOL, 0},
                         {SO_ACCEPTCONN, 0},
                         {SO_ERROR, 0},
                         {SO_SNDLOWAT, 1}}) {
    CAPTURE(row.option);
    CHECK(calls.option(socket, row.option) == row.value);
    CHECK(calls.set_option(socket, row.option, 7) == failed(ENOPROTOOPT));
    CHECK(calls.option(socket, row.option) == row.value);
  }
}

TEMPLATE_LIST_TEST_CASE("Unix options: a switch is on or off", "[unix][options]", test::AllBackends) {
  TestType on;
  test::UnixSockets calls{on};
  const auto socket = calls.fresh();
  constexpr int switches[] = {SO_REUSEADDR, SO_KEEPALIVE, SO_BROADCAST, SO_DONTROUTE, SO_OOBINLINE};
  for (const int option : switches) {
    CAPTURE(option);
    CHECK(calls.option(socket, option) == 0);
    for (const int value : {5, -1, 1}) {
      CHECK(calls.set_option(socket, option, value).ok());
      CHECK(calls.option(socket, option) == 1);
    }
    for (const int other : switches) CHECK(calls.option(socket, other) == (other == option ? 1 : 0));
    CHECK(calls.set_option(socket, option, 0).ok());
    CHECK(calls.option(socket, option) == 0);
  }
}

// Linux knows all of these; the emulated kernel says so and does nothing.
TEST_CASE("Unix socket: what is not modelled fails by name, and leaves nothing behind", "[unix][errors][emulated]") {
  test::OnEmulated on;
  test::UnixSockets calls{on};
  const auto pair = calls.pair();
  const auto text_of = [](auto call) -> std::string {
    try {
      static_cast<void>(call());
    } catch (const NotModelled& refusal) {
      return refusal.what();
    }
    return "modelled";
  };
  int fds[2];
  struct Row {
    std::string said, wanted;
  };
  const Row rows[] = {
      {text_of([&] { return on.backend.socket(AF_NETLINK, SOCK_RAW, 0); }), "socket of address family 16"},
      {text_of([&] { return on.backend.socket(AF_PACKET, SOCK_DGRAM, 0); }), "socket of address family 17"},
      {text_of([&] { return on.backend.socketpair(AF_NETLINK, SOCK_RAW, 0, fds); }), "socketpair of address family 16"},
      {text_of([&] { return calls.option(pair[0], SO_PEERCRED); }), "getsockopt(level 1, option 17) on a unix"},
      {text_of([&] { return calls.set_option(pair[0], SO_PASSCRED, 1); }), "setsockopt(level 1, option 16) on a unix"},
      {text_of([&] { return calls.set_option(pair[0], SO_PEEK_OFF, 1); }), "setsockopt(level 1, option 42) on a unix"},
  };
  for (const Row& row : rows) {
    INFO(row.said);
    CHECK(row.said.find(row.wanted) != std::string::npos);
  }
  CHECK(on.backend.eventfd(0, 0) == SysResult<int>{5});  // Behind the pair: no number was lost.
  CHECK(calls.send(pair[0], "x").ok());
  CHECK(calls.receive(pair[1]) == test::text("x"));
}

// Linux would wait for ever.
TEST_CASE("Unix socket: a wait that nothing can end is a deadlock, after which all goes on",
          "[unix][errors][emulated]") {
  test::OnEmulated on;
  test::UnixSockets calls{on};
  test::UnixNames<test::OnEmulated> names;
  const std::string address = names.abstract_address("");
  const auto listener = calls.listener(address, 0, 0);
  const auto pair = calls.pair(0);
  const int next = calls.fresh().get();
  using rouse::kernel::Deadlock;
  CHECK_THROWS_AS(static_cast<void>(on.backend.accept4(listener.get(), nullptr, nullptr, 0)), Deadlock);
  CHECK(calls.fresh().get() == next);
  CHECK_THROWS_AS(static_cast<void>(calls.receive(pair[0])), Deadlock);
  CHECK(calls.send(pair[1], std::string(100000, 'x')).ok());
  CHECK_THROWS_AS(static_cast<void>(calls.send(pair[1], std::string(1000000, 'x'))), Deadlock);
  CHECK(calls.receive(pair[0], 1).result == std::size_t{1});

  const auto client = calls.connected(address);
  const auto late = calls.fresh(0);
  CHECK_THROWS_AS(static_cast<void>(calls.connect(late, address)), Deadlock);
  const auto accepted = calls.accepted(listener);
  CHECK(calls.connect(late, address).ok());
}
