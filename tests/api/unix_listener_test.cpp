#include "../support/bad_pointers.hpp"
#include "../support/bare.hpp"
#include "../support/file_limit.hpp"
#include "../support/sysctl.hpp"
#include "../support/unix_names.hpp"
#include "../support/unix_sockets.hpp"

#include <vector>

using namespace rouse;
using F = EventFlags;
using test::end_of_stream;
using test::failed;
using test::nothing;
using test::text;
using test::unsent;

namespace {

SysResult<int> no_fd(int error) { return SysResult<int>::failure(error); }

/// A listener with an abstract name, and what the cases do with it.
template <class On>
struct Listening {
  using Fd = typename test::UnixSockets<On>::Fd;

  explicit Listening(int backlog = 5) : listener(calls.listener(address, backlog)) {}

  [[nodiscard]] SysResult<void> connect(const Fd& client) const { return calls.connect(client, address); }
  [[nodiscard]] Fd connected() const { return calls.connected(address); }
  [[nodiscard]] Fd accepted() const { return calls.accepted(listener); }
  [[nodiscard]] SysResult<int> accept_raw(::sockaddr* to = nullptr, ::socklen_t* n = nullptr, int flags = 0) const {
    return test::bare(on.backend).accept4(listener.get(), to, n, flags);
  }
  /// How many connections fit into the queue now.
  [[nodiscard]] std::size_t fill() {
    std::size_t n = 0;
    for (;; ++n) {
      waiting.push_back(calls.fresh());
      const SysResult<void> connected = connect(waiting.back());
      if (connected.ok()) continue;
      CHECK(connected == failed(EAGAIN));
      waiting.pop_back();
      return n;
    }
  }

  On on;
  test::UnixSockets<On> calls{on};
  test::UnixNames<On> names;
  std::string address = names.abstract_address("");
  Fd listener;
  std::vector<Fd> waiting;
};

}  // namespace

TEMPLATE_LIST_TEST_CASE("Unix listener: only a bound socket listens", "[unix][listener][errors]", test::AllBackends) {
  Listening<TestType> l;
  const auto client = l.connected();
  const auto accepted = l.accepted();
  const auto bound = l.calls.fresh();
  const typename test::Handles<TestType>::EventFd event{l.on.backend};
  const auto listen = [&](const auto& fd) { return l.on.backend.listen(fd, 1); };
  CHECK(listen(-1) == failed(EBADF));
  CHECK(listen(event.fd()) == failed(ENOTSOCK));
  CHECK(listen(bound.get()) == failed(EINVAL));
  CHECK(listen(client.get()) == failed(EINVAL));
  CHECK(listen(accepted.get()) == failed(EINVAL));  // Though it has a name.
  REQUIRE(l.calls.bind(client, l.names.abstract_address("client")).ok());
  CHECK(listen(client.get()) == failed(EINVAL));
  REQUIRE(l.calls.bind(bound, l.names.abstract_address("bound")).ok());
  CHECK(l.calls.option(bound, SO_ACCEPTCONN) == 0);
  CHECK(listen(bound.get()).ok());
  CHECK(l.calls.option(bound, SO_ACCEPTCONN) == 1);
  CHECK(listen(bound.get()).ok());
}

TEMPLATE_LIST_TEST_CASE("Unix listener: the queue holds one connection more than asked for", "[unix][listener]",
                        test::AllBackends) {
  for (const int backlog : {0, 1, 3}) {
    CAPTURE(backlog);
    Listening<TestType> l{backlog};
    CHECK(l.fill() == static_cast<std::size_t>(backlog) + 1);
    static_cast<void>(l.accepted());
    CHECK(l.fill() == 1);
  }
}

TEMPLATE_LIST_TEST_CASE("Unix listener: listening again sets another length, for what comes", "[unix][listener]",
                        test::AllBackends) {
  Listening<TestType> l{1};
  CHECK(l.fill() == 2);
  REQUIRE(l.on.backend.listen(l.listener.get(), 3).ok());
  CHECK(l.fill() == 2);
  REQUIRE(l.on.backend.listen(l.listener.get(), 0).ok());
  CHECK(l.fill() == 0);
  for (int i = 0; i < 3; ++i) static_cast<void>(l.accepted());
  CHECK(l.fill() == 0);
  static_cast<void>(l.accepted());
  CHECK(l.fill() == 1);
}

TEMPLATE_LIST_TEST_CASE("Unix listener: the longest queue is somaxconn, also for a negative backlog",
                        "[unix][listener][limits]", test::AllBackends) {
  Listening<TestType> l{0};
  int longest = 0;
  if constexpr (TestType::is_emulated) {
    l.on.kernel.check_every_call(nullptr);  // Thousands of fds take it too long.
    longest = l.on.kernel.limits.somaxconn;
  } else {
    longest = test::sysctl("net/core/somaxconn");
  }
  const auto length = static_cast<std::size_t>(longest) + 1;
  const auto room = test::FileLimit<typename TestType::Backend>::room_for(l.on.backend, length + 10);
  for (const int backlog : {longest, longest + 1, -1}) {
    CAPTURE(backlog);
    REQUIRE(l.on.backend.listen(l.listener.get(), backlog).ok());
    CHECK(l.fill() == length);
    for (std::size_t i = 0; i < length; ++i) static_cast<void>(l.accepted());
    l.waiting.clear();
  }
}

TEMPLATE_LIST_TEST_CASE("Unix listener: it is readable while a connection waits", "[unix][listener][bits]",
                        test::AllBackends) {
  Listening<TestType> l;
  const auto fresh = l.calls.fresh();
  CHECK(l.calls.all_bits(fresh) == (F::out | F::wrnorm | F::wrband | F::hup));
  CHECK(l.calls.all_bits(l.listener) == F{});
  const auto client = l.connected();
  CHECK(l.calls.all_bits(l.listener) == (F::in | F::rdnorm));
  CHECK(l.calls.bits(l.listener, F{}) == F{});
  CHECK(l.calls.all_bits(client) == (F::out | F::wrnorm | F::wrband));
  CHECK(l.calls.receive(client) == nothing(EAGAIN));
  CHECK(l.calls.send(client, "x").ok());
  CHECK(l.calls.in_flight(client) == 768);
  const auto accepted = l.accepted();
  CHECK(l.calls.all_bits(l.listener) == F{});
  CHECK(l.calls.bits(accepted) == (F::in | F::out));
  CHECK(l.calls.receive(accepted) == text("x"));
}

TEMPLATE_LIST_TEST_CASE("Unix listener: connections are accepted in order, with their own flags", "[unix][listener]",
                        test::AllBackends) {
  Listening<TestType> l;
  CHECK(l.accept_raw() == no_fd(EAGAIN));
  const auto first = l.connected();
  const auto second = l.connected();
  REQUIRE(l.calls.send(first, "first").ok());
  REQUIRE(l.calls.send(second, "second").ok());
  REQUIRE(l.calls.set_option(l.listener, SO_SNDBUF, 100000).ok());
  REQUIRE(l.calls.set_option(l.listener, SO_OOBINLINE, 1).ok());
  REQUIRE(l.calls.set_option(l.listener, SO_REUSEADDR, 1).ok());

  const auto blocking = l.calls.accepted(l.listener, 0);
  const auto other = l.calls.accepted(l.listener, SOCK_NONBLOCK | SOCK_CLOEXEC);
  CHECK(l.calls.receive(blocking) == text("first"));
  CHECK(l.calls.receive(other) == text("second"));
  CHECK(l.on.backend.fcntl(blocking.get(), F_GETFL) == SysResult<int>{O_RDWR});
  CHECK(l.on.backend.fcntl(blocking.get(), F_GETFD) == SysResult<int>{0});
  CHECK(l.on.backend.fcntl(other.get(), F_GETFL) == SysResult<int>{O_RDWR | O_NONBLOCK});
  CHECK(l.on.backend.fcntl(other.get(), F_GETFD) == SysResult<int>{FD_CLOEXEC});
  CHECK(l.calls.option(other, SO_SNDBUF) == 212992);
  CHECK(l.calls.option(other, SO_OOBINLINE) == 0);
  CHECK(l.calls.option(other, SO_REUSEADDR) == 0);
}

TEMPLATE_LIST_TEST_CASE("Unix listener: accept refuses in order", "[unix][listener][errors]", test::AllBackends) {
  Listening<TestType> l;
  const auto client = l.connected();
  const auto pair = l.calls.pair();
  const auto fresh = l.calls.fresh();
  const typename test::Handles<TestType>::EventFd event{l.on.backend};
  const auto accept = [&](int fd, int flags = 0) { return l.on.backend.accept4(fd, nullptr, nullptr, flags); };
  CHECK(accept(-1, 1) == no_fd(EBADF));
  CHECK(accept(event.fd(), 1) == no_fd(EINVAL));
  CHECK(accept(event.fd()) == no_fd(ENOTSOCK));
  for (const auto* fd : {&pair[0], &fresh, &client}) CHECK(accept(fd->get()) == no_fd(EINVAL));
  const auto accept_full = [&](int fd, int flags = 0) {
    return test::under_file_limit(l.on.backend, 0, [&] { return accept(fd, flags); });
  };
  CHECK(accept_full(-1, 1) == no_fd(EBADF));
  CHECK(accept_full(l.listener.get(), SOCK_STREAM) == no_fd(EINVAL));
  CHECK(accept_full(event.fd()) == no_fd(EMFILE));
  CHECK(accept_full(fresh.get()) == no_fd(EMFILE));
  CHECK(accept_full(l.listener.get()) == no_fd(EMFILE));
  CHECK(l.calls.bits(l.listener) == F::in);  // The connection still waits.
  static_cast<void>(l.accepted());
  CHECK(accept_full(l.listener.get()) == no_fd(EMFILE));  // Though there is nothing to accept.
}

TEMPLATE_LIST_TEST_CASE("Unix listener: a connection whose address cannot be told is lost", "[unix][listener][fault]",
                        test::AllBackends) {
  Listening<TestType> l;
  ::sockaddr address;
  ::socklen_t n = 0;
  SECTION("nothing is lost while there is nothing") {
    CHECK(l.accept_raw(test::unmapped<::sockaddr>(), nullptr) == no_fd(EAGAIN));
    const auto client = l.connected();
    const SysResult<int> accepted = l.accept_raw(nullptr, test::unmapped<::socklen_t>());
    CHECK(accepted.ok());  // No address wanted, so its length does not matter.
    CHECK(l.on.backend.close(accepted.value()).ok());
  }
  SECTION("a length at a bad address") {
    const auto client = l.connected();
    CHECK(l.accept_raw(&address, nullptr) == no_fd(EFAULT));
    CHECK(l.calls.bits(client) == (F::in | F::out | F::hup | F::rdhup));
    CHECK(l.calls.take_error(client) == 0);
    CHECK(l.calls.receive(client) == end_of_stream());
    CHECK(l.accept_raw() == no_fd(EAGAIN));
  }
  SECTION("a negative length") {
    const auto client = l.connected();
    n = static_cast<::socklen_t>(-1);
    CHECK(l.accept_raw(&address, &n) == no_fd(EINVAL));
    CHECK(l.accept_raw() == no_fd(EAGAIN));
  }
  SECTION("a bad address") {
    const auto client = l.connected();
    n = 110;
    CHECK(l.accept_raw(test::unmapped<::sockaddr>(), &n) == no_fd(EFAULT));
    CHECK(l.accept_raw() == no_fd(EAGAIN));
  }
  SECTION("unless there is no room there anyhow") {
    const auto client = l.connected();
    n = 0;
    const SysResult<int> accepted = l.accept_raw(test::unmapped<::sockaddr>(), &n);
    CHECK(accepted.ok());
    CHECK(n == 2);
    CHECK(l.on.backend.close(accepted.value()).ok());
  }
}

TEMPLATE_LIST_TEST_CASE("Unix listener: connect looks at the address, then at the queue, then at the socket",
                        "[unix][listener][errors]", test::AllBackends) {
  Listening<TestType> l{0};
  const std::string missing = l.names.path_address("missing");
  const std::string nobody = l.names.abstract_address("nobody");
  const std::string bound_name = l.names.path_address("bound");
  const auto bound = l.calls.fresh();
  REQUIRE(l.calls.bind(bound, bound_name).ok());
  const auto client = l.connected();  // The queue is full now.
  const auto fresh = l.calls.fresh();
  auto pair = l.calls.pair();
  using Fds = std::initializer_list<const typename Listening<TestType>::Fd*>;
  for (const auto* fd : Fds{&fresh, &client, &pair[0], &l.listener}) {
    CHECK(l.calls.connect(*fd, missing) == failed(ENOENT));
    CHECK(l.calls.connect(*fd, nobody) == failed(ECONNREFUSED));
    CHECK(l.calls.connect(*fd, bound_name) == failed(ECONNREFUSED));
    CHECK(l.connect(*fd) == failed(EAGAIN));
  }
  CHECK(l.calls.connect(bound, bound_name) == failed(ECONNREFUSED));
  const auto accepted = l.accepted();
  REQUIRE(pair[1].close().ok());
  for (const auto* fd : Fds{&client, &accepted, &pair[0]}) CHECK(l.connect(*fd) == failed(EISCONN));
  CHECK(l.connect(l.listener) == failed(EINVAL));
  CHECK(l.calls.bits(l.listener) == F{});
  CHECK(l.connect(fresh).ok());
}

TEMPLATE_LIST_TEST_CASE("Unix listener: a client may be gone before it is accepted", "[unix][listener]",
                        test::AllBackends) {
  Listening<TestType> l;
  auto client = l.connected();
  SECTION("closed") {
    REQUIRE(l.calls.send(client, "abc").ok());
    REQUIRE(client.close().ok());
    CHECK(l.calls.bits(l.listener) == F::in);
    const auto accepted = l.accepted();
    CHECK(l.calls.bits(accepted) == (F::in | F::out | F::hup | F::rdhup));
    CHECK(l.calls.receive(accepted) == text("abc"));
    CHECK(l.calls.receive(accepted) == end_of_stream());
    CHECK(l.calls.send(accepted, "x") == unsent(EPIPE));
    CHECK(l.calls.take_error(accepted) == 0);
  }
  SECTION("shut for writing") {
    REQUIRE(l.calls.shutdown(client, SHUT_WR).ok());
    const auto accepted = l.accepted();
    CHECK(l.calls.bits(accepted) == (F::in | F::out | F::rdhup));
    CHECK(l.calls.send(accepted, "x").ok());
  }
  SECTION("shut for reading") {
    REQUIRE(l.calls.shutdown(client, SHUT_RD).ok());
    CHECK(l.calls.bits(client) == (F::in | F::out | F::rdhup));
    const auto accepted = l.accepted();
    CHECK(l.calls.bits(accepted) == F::out);
    CHECK(l.calls.send(accepted, "x") == unsent(EPIPE));
  }
}

TEMPLATE_LIST_TEST_CASE("Unix listener: what a client shut down before it connected stays shut at its end only",
                        "[unix][listener]", test::AllBackends) {
  Listening<TestType> l;
  const auto client = l.calls.fresh();
  SECTION("both directions") {
    REQUIRE(l.calls.shutdown(client, SHUT_RDWR).ok());
    REQUIRE(l.connect(client).ok());
    const auto accepted = l.accepted();
    CHECK(l.calls.bits(client) == (F::in | F::out | F::hup | F::rdhup));
    CHECK(l.calls.bits(accepted) == F::out);
    CHECK(l.calls.send(client, "x") == unsent(EPIPE));
    CHECK(l.calls.receive(client) == end_of_stream());
    CHECK(l.calls.receive(accepted) == nothing(EAGAIN));
    // The accepted end finds out as it sends, and after it has looked at the bytes.
    CHECK(l.calls.send(accepted, "x") == unsent(EPIPE));
    CHECK(l.calls.send(accepted, "") == std::size_t{0});
    CHECK(l.on.backend.sendto(accepted.get(), test::unmapped(), 1, MSG_NOSIGNAL, nullptr, 0) == unsent(EFAULT));
  }
  SECTION("writing") {
    REQUIRE(l.calls.shutdown(client, SHUT_WR).ok());
    REQUIRE(l.connect(client).ok());
    const auto accepted = l.accepted();
    CHECK(l.calls.send(accepted, "x").ok());
    CHECK(l.calls.receive(client) == text("x"));
    CHECK(l.calls.receive(accepted) == nothing(EAGAIN));
  }
}

TEMPLATE_LIST_TEST_CASE("Unix listener: closing it resets who waits, and leaves who was accepted",
                        "[unix][listener][reset]", test::AllBackends) {
  Listening<TestType> l;
  const auto served = l.connected();
  const auto accepted = l.accepted();
  const auto silent = l.connected();
  const auto sender = l.connected();
  REQUIRE(l.calls.send(sender, "abc").ok());
  REQUIRE(l.listener.close().ok());
  CHECK(l.calls.send(served, "x").ok());
  CHECK(l.calls.receive(accepted) == text("x"));

  CHECK(l.calls.bits(silent) == (F::in | F::out | F::err | F::hup | F::rdhup));
  CHECK(l.calls.receive(silent) == nothing(ECONNRESET));
  CHECK(l.calls.receive(silent) == end_of_stream());
  CHECK(l.calls.send(sender, "x") == unsent(EPIPE));
  CHECK(l.calls.take_error(sender) == ECONNRESET);
  CHECK(l.calls.in_flight(sender) == 0);

  CHECK(l.connect(silent) == failed(ECONNREFUSED));
  const auto other = l.calls.listener(l.address, 1);
  CHECK(l.connect(silent) == failed(EISCONN));
}
