// The handle Socket, over unix sockets. SIGPIPE is left as it is: that the handle never raises it is part of the test.
#include "../support/death.hpp"
#include "../support/events.hpp"
#include "../support/served.hpp"
#include "../support/thrown.hpp"

#include <type_traits>

using namespace rouse;
using namespace std::string_view_literals;
using test::Handles;
using test::received;
using test::Served;
using test::thrown_by;

namespace {

/// An error_code that a call has to clear or to set.
std::error_code stale() { return {EIO, std::system_category()}; }
std::error_code system_error(int error) { return {error, std::system_category()}; }

/// Asks two idle ends of a connection for what they have not.
template <class Socket>
void expect_nothing_to_do(Socket& a, Socket& b) {
  char bytes[10];
  std::error_code ec = stale();
  CHECK(a.try_receive(bytes) == std::nullopt);
  CHECK(a.try_receive(bytes, {}, ec) == std::nullopt);
  CHECK_FALSE(ec);
  const std::string much(500000, 'x');
  CHECK(a.try_send(much) == 219264);
  CHECK(a.try_send(much) == std::nullopt);
  ec = stale();
  CHECK(a.try_send(much, {}, ec) == std::nullopt);
  CHECK_FALSE(ec);
  ec = stale();
  CHECK(b.try_receive(bytes, {}, ec) == 10);
  CHECK_FALSE(ec);
  ec = stale();
  CHECK(b.try_send("abc"sv, {}, ec) == 3);
  CHECK_FALSE(ec);
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("Socket: it is made non-blocking and close-on-exec", "[socket]", test::AllBackends) {
  TestType on;
  using SocketHere = typename Handles<TestType>::Socket;
  STATIC_REQUIRE_FALSE(std::is_copy_constructible_v<SocketHere>);
  STATIC_REQUIRE(std::is_nothrow_move_constructible_v<SocketHere>);
  const auto flags_of = [&](const SocketHere& socket) {
    return std::pair{on.backend.fcntl(socket.fd(), F_GETFL).value(), on.backend.fcntl(socket.fd(), F_GETFD).value()};
  };
  const std::pair by_default{O_RDWR | O_NONBLOCK, FD_CLOEXEC};
  const std::pair plain{O_RDWR, 0};
  SocketHere socket{on.backend, AF_UNIX, SocketType::stream};
  CHECK(socket.is_open());
  CHECK(socket.backend() == on.backend);
  CHECK(flags_of(socket) == by_default);
  CHECK(flags_of(SocketHere{on.backend, AF_UNIX, SocketType::stream, SocketFlags{}}) == plain);
  auto [a, b] = SocketHere::pair(on.backend);
  CHECK(flags_of(a) == by_default);
  CHECK(flags_of(b) == by_default);
  auto [c, d] = SocketHere::pair(on.backend, SocketType::stream, SocketFlags{});
  CHECK(flags_of(c) == plain);
  CHECK(flags_of(d) == plain);
}

TEMPLATE_LIST_TEST_CASE("Socket: bytes go both ways through a pair", "[socket]", test::AllBackends) {
  TestType on;
  auto [a, b] = Handles<TestType>::Socket::pair(on.backend);
  char bytes[10];
  CHECK(a.send("abc"sv) == 3);
  CHECK(b.receive(bytes) == 3);
  CHECK(std::string(bytes, 3) == "abc");
  CHECK(a.send(""sv) == 0);
  CHECK(received(b) == std::nullopt);
  std::error_code ec = stale();
  CHECK(b.send("de"sv, ec) == 2);
  CHECK_FALSE(ec);
  ec = stale();
  CHECK(a.receive(bytes, ec) == 2);
  CHECK_FALSE(ec);
  ec = stale();
  CHECK(b.try_send("fg"sv, ec) == 2);
  CHECK_FALSE(ec);
  ec = stale();
  CHECK(a.try_receive(bytes, ec) == 2);
  CHECK_FALSE(ec);
}

TEMPLATE_LIST_TEST_CASE("Socket: the try_ forms find nothing, or no room, without an error", "[socket]",
                        test::AllBackends) {
  TestType on;
  using SocketHere = typename Handles<TestType>::Socket;
  SECTION("of a non-blocking socket") {
    auto [a, b] = SocketHere::pair(on.backend);
    expect_nothing_to_do(a, b);
  }
  SECTION("of a blocking one") {
    auto [a, b] = SocketHere::pair(on.backend, SocketType::stream, SocketFlags{});
    expect_nothing_to_do(a, b);
  }
}

TEMPLATE_LIST_TEST_CASE("Socket: the end of the stream is zero bytes", "[socket]", test::AllBackends) {
  TestType on;
  auto [a, b] = Handles<TestType>::Socket::pair(on.backend);
  char bytes[10];
  a.send("x"sv);
  SECTION("the peer shut down") { a.shutdown(ShutdownHow::write); }
  SECTION("the peer closed") { a.close(); }
  CHECK(b.receive(bytes) == 1);
  CHECK(b.receive(bytes) == 0);
  CHECK(received(b) == "");
}

TEMPLATE_LIST_TEST_CASE("Socket: flags of a message", "[socket]", test::AllBackends) {
  TestType on;
  auto [a, b] = Handles<TestType>::Socket::pair(on.backend);
  a.send("ab"sv);
  CHECK(received(b, MessageFlags::peek) == "ab");
  CHECK(received(b) == "ab");
  a.send("cX"sv, MessageFlags::oob);
  CHECK(received(b, MessageFlags::oob) == "X");
  CHECK(received(b) == "c");
  a.send("d"sv, MessageFlags::nosignal | MessageFlags::dontwait);
  CHECK(received(b, MessageFlags::waitall) == "d");
}

TEMPLATE_LIST_TEST_CASE("Socket: each direction can be shut down, or both", "[socket]", test::AllBackends) {
  TestType on;
  using SocketHere = typename Handles<TestType>::Socket;
  auto [a, b] = SocketHere::pair(on.backend);
  std::error_code ec = stale();
  a.shutdown(ShutdownHow::read, ec);
  CHECK_FALSE(ec);
  CHECK(received(a) == "");
  CHECK(a.send("x"sv) == 1);
  CHECK(received(b) == "x");
  CHECK(thrown_by([&] { b.send("x"sv); }) == "send(fd " + std::to_string(b.fd()) + "): Broken pipe");
  b.shutdown(ShutdownHow::both);
  CHECK(received(b) == "");
  const std::string fd = std::to_string(b.fd());
  CHECK(thrown_by([&] { b.shutdown(static_cast<ShutdownHow>(7)); }) == "shutdown(fd " + fd + "): Invalid argument");
  b.shutdown(static_cast<ShutdownHow>(7), ec);
  CHECK(ec == system_error(EINVAL));
}

TEMPLATE_LIST_TEST_CASE("Socket: a listener hands out connections", "[socket][listener]", test::AllBackends) {
  Served<TestType> s;
  CHECK(s.client.send("question"sv) == 8);
  CHECK(received(s.accepted) == "question");
  CHECK(s.accepted.send("answer"sv) == 6);
  CHECK(received(s.client) == "answer");
  CHECK(s.on.backend.fcntl(s.accepted.fd(), F_GETFL) == SysResult<int>{O_RDWR | O_NONBLOCK});
  CHECK(s.on.backend.fcntl(s.accepted.fd(), F_GETFD) == SysResult<int>{FD_CLOEXEC});
}

TEMPLATE_LIST_TEST_CASE("Socket: try_accept finds nobody without an error", "[socket][listener]", test::AllBackends) {
  Served<TestType> s;
  CHECK_FALSE(s.listener.try_accept());
  std::error_code ec = stale();
  CHECK_FALSE(s.listener.try_accept(ec));
  CHECK_FALSE(ec);
  const auto second = Served<TestType>::Socket::connect_to(s.on.backend, s.address);
  const auto third = Served<TestType>::Socket::connect_to(s.on.backend, s.address);
  const auto plain = s.listener.try_accept(SocketFlags{});
  REQUIRE(plain);
  CHECK(s.on.backend.fcntl(plain->fd(), F_GETFL) == SysResult<int>{O_RDWR});
  ec = stale();
  CHECK(s.listener.try_accept(ec));
  CHECK_FALSE(ec);
}

TEMPLATE_LIST_TEST_CASE("Socket: it tells its addresses", "[socket]", test::AllBackends) {
  Served<TestType> s;
  const SocketAddress client_name = *SocketAddress::unix_abstract(s.names.path("client"));
  CHECK(s.listener.local_address() == s.address);
  CHECK(s.client.peer_address() == s.address);
  CHECK(s.accepted.local_address() == s.address);
  CHECK(to_string(s.client.local_address()) == "unnamed");
  CHECK(s.accepted.peer_address() == s.client.local_address());
  s.client.bind(client_name);
  CHECK(s.accepted.peer_address() == client_name);
  CHECK(to_string(s.accepted.peer_address()) == '@' + s.names.path("client"));
  CHECK(thrown_by([&] { static_cast<void>(s.listener.peer_address()); }) ==
        "getpeername(fd " + std::to_string(s.listener.fd()) + "): Transport endpoint is not connected");
}

TEMPLATE_LIST_TEST_CASE("Socket: options are integers", "[socket][options]", test::AllBackends) {
  TestType on;
  auto [a, b] = Handles<TestType>::Socket::pair(on.backend);
  CHECK(a.option(SOL_SOCKET, SO_TYPE) == SOCK_STREAM);
  a.set_option(SOL_SOCKET, SO_SNDBUF, 100000);
  CHECK(a.option(SOL_SOCKET, SO_SNDBUF) == 200000);
  const std::string fd = std::to_string(a.fd());
  CHECK(thrown_by([&] { static_cast<void>(a.option(IPPROTO_TCP, TCP_NODELAY)); }) ==
        "getsockopt(fd " + fd + "): Operation not supported");
  CHECK(thrown_by([&] { a.set_option(SOL_SOCKET, SO_TYPE, 1); }) ==
        "setsockopt(fd " + fd + "): Protocol not available");
}

TEMPLATE_LIST_TEST_CASE("Socket: an epoll watches it", "[socket][epoll]", test::AllBackends) {
  Served<TestType> s;
  typename Handles<TestType>::Epoll epoll{s.on.backend};
  epoll.add(s.listener, EventFlags::in, 1);
  epoll.add(s.accepted, EventFlags::in | EventFlags::rdhup, 2);
  CHECK(test::reported(epoll).empty());
  s.client.send("x"sv);
  const auto second = Served<TestType>::Socket::connect_to(s.on.backend, s.address);
  s.client.shutdown(ShutdownHow::write);
  CHECK(test::reported(epoll) == test::Events{{EventFlags::in | EventFlags::rdhup, 2}, {EventFlags::in, 1}});
}

TEMPLATE_LIST_TEST_CASE("Socket: an fd from elsewhere keeps its mode, and so do duplicates", "[socket]",
                        test::AllBackends) {
  TestType on;
  using SocketHere = typename Handles<TestType>::Socket;
  auto [a, b] = SocketHere::pair(on.backend);
  SocketHere copy = a.duplicate();
  CHECK(copy.fd() != a.fd());
  a.close();
  CHECK(copy.send("x"sv) == 1);
  SocketHere taken{copy.release()};
  CHECK_FALSE(copy.is_open());
  CHECK(taken.send("y"sv) == 1);
  CHECK(received(b) == "xy");
  SocketHere moved = std::move(taken);
  CHECK_FALSE(taken.is_open());
  b.close();
  CHECK(received(moved) == "");
}

TEMPLATE_LIST_TEST_CASE("Socket: misuse says what is wrong", "[socket][death]", test::AllBackends) {
  if (!test::assertions_are_on) return;
  TestType on;
  using SocketHere = typename Handles<TestType>::Socket;
  auto [a, b] = SocketHere::pair(on.backend);
  a.close();
  const std::string closed = "Socket: used while closed or after being moved from";
  char bytes[1];
  CHECK(test::last_words([&] { a.send("x"sv); }).find(closed) != std::string::npos);
  CHECK(test::last_words([&] { static_cast<void>(a.try_receive(bytes)); }).find(closed) != std::string::npos);
  CHECK(test::last_words([&] { a.shutdown(ShutdownHow::both); }).find(closed) != std::string::npos);
  CHECK(test::last_words([&] { static_cast<void>(a.local_address()); }).find(closed) != std::string::npos);

  SocketHere blocking{on.backend, AF_UNIX, SocketType::stream, SocketFlags{}};
  const std::string waits = "on a handle that was made blocking";
  CHECK(test::last_words([&] { static_cast<void>(blocking.try_accept()); }).find(waits) != std::string::npos);
  SocketHere taken{blocking.release()};
  CHECK(test::last_words([&] { static_cast<void>(taken.try_accept()); }).find(waits) != std::string::npos);
}
