// What the handle Socket makes of refusals. SIGPIPE is left as it is: that the handle never raises it is part of the
// test.
#include "../support/file_limit.hpp"
#include "../support/served.hpp"
#include "../support/thrown.hpp"

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

}  // namespace

TEMPLATE_LIST_TEST_CASE("Socket: what cannot be made is an exception, or a code and a closed handle",
                        "[socket][errors]", test::AllBackends) {
  TestType on;
  using SocketHere = typename Handles<TestType>::Socket;
  std::error_code ec;
  CHECK(thrown_by([&] { SocketHere(on.backend, 999, SocketType::stream); }) ==
        "socket(): Address family not supported by protocol");
  CHECK_FALSE(SocketHere::create(on.backend, 999, SocketType::stream, default_socket_flags, ec).is_open());
  CHECK(ec == system_error(EAFNOSUPPORT));
  ec = stale();
  CHECK(SocketHere::create(on.backend, AF_UNIX, SocketType::stream, default_socket_flags, ec).is_open());
  CHECK_FALSE(ec);
  const auto thrown_when_full = [&](auto make) {
    return test::under_file_limit(on.backend, 0, [&] { return thrown_by(make); });
  };
  CHECK(thrown_when_full([&] { SocketHere(on.backend, AF_UNIX, SocketType::stream); }) ==
        "socket(): Too many open files");
  CHECK(thrown_when_full([&] { static_cast<void>(SocketHere::pair(on.backend)); }) ==
        "socketpair(): Too many open files");
}

TEMPLATE_LIST_TEST_CASE("Socket: a pair that was not made is two closed handles", "[socket][errors]",
                        test::AllBackends) {
  TestType on;
  using SocketHere = typename Handles<TestType>::Socket;
  const auto make = [&](SocketType type, std::error_code& ec) {
    return SocketHere::pair(on.backend, type, default_socket_flags, ec);
  };
  std::error_code ec;
  {
    // The kernel gives two numbers before it finds that there is no such type.
    auto [a, b] = make(static_cast<SocketType>(SOCK_RDM), ec);
    CHECK(ec == system_error(ESOCKTNOSUPPORT));
    CHECK_FALSE(a.is_open());
    CHECK_FALSE(b.is_open());
  }
  {
    auto [a, b] = test::under_file_limit(on.backend, 0, [&] { return make(SocketType::stream, ec); });
    CHECK(ec == system_error(EMFILE));
    CHECK_FALSE(a.is_open());
    CHECK_FALSE(b.is_open());
  }
  ec = stale();
  auto [a, b] = make(SocketType::stream, ec);
  CHECK_FALSE(ec);
  CHECK(a.send("x"sv) == 1);
  CHECK(received(b) == "x");
}

TEMPLATE_LIST_TEST_CASE("Socket: sending to nobody is EPIPE, and no signal", "[socket][errors]", test::AllBackends) {
  TestType on;
  auto [a, b] = Handles<TestType>::Socket::pair(on.backend);
  b.close();
  const std::string text = "send(fd " + std::to_string(a.fd()) + "): Broken pipe";
  CHECK(thrown_by([&] { a.send("x"sv); }) == text);
  CHECK(thrown_by([&] { static_cast<void>(a.try_send("x"sv)); }) == text);
  std::error_code ec;
  CHECK(a.send("x"sv, {}, ec) == 0);
  CHECK(ec == system_error(EPIPE));
  ec = stale();
  CHECK(a.try_send("x"sv, {}, ec) == std::nullopt);
  CHECK(ec == system_error(EPIPE));
}

TEMPLATE_LIST_TEST_CASE("Socket: a reset is an error once", "[socket][errors]", test::AllBackends) {
  TestType on;
  auto [a, b] = Handles<TestType>::Socket::pair(on.backend);
  a.send("unread"sv);
  b.close();
  char bytes[10];
  std::error_code ec;
  SECTION("of a receive") {
    CHECK(thrown_by([&] { a.receive(bytes); }) == "recv(fd " + std::to_string(a.fd()) + "): Connection reset by peer");
  }
  SECTION("of a receive with a code") {
    CHECK(a.receive(bytes, {}, ec) == 0);
    CHECK(ec == system_error(ECONNRESET));
  }
  SECTION("of a try_receive") {
    CHECK(thrown_by([&] { static_cast<void>(a.try_receive(bytes)); }) ==
          "recv(fd " + std::to_string(a.fd()) + "): Connection reset by peer");
  }
  SECTION("of a try_receive with a code") {
    CHECK(a.try_receive(bytes, {}, ec) == std::nullopt);
    CHECK(ec == system_error(ECONNRESET));
  }
  SECTION("taken away by asking") { CHECK(a.take_error() == ECONNRESET); }
  CHECK(a.take_error() == 0);
  CHECK(received(a) == "");
}

TEMPLATE_LIST_TEST_CASE("Socket: without a free fd a connection stays queued", "[socket][listener][errors]",
                        test::AllBackends) {
  Served<TestType> s;
  const auto second = Served<TestType>::Socket::connect_to(s.on.backend, s.address);
  const auto when_full = [&](auto call) { return test::under_file_limit(s.on.backend, 0, call); };
  const auto accept = [&] { static_cast<void>(s.listener.accept()); };
  const auto try_accept = [&] { static_cast<void>(s.listener.try_accept()); };
  const std::string text = "accept4(fd " + std::to_string(s.listener.fd()) + "): Too many open files";
  CHECK(when_full([&] { return thrown_by(accept); }) == text);
  CHECK(when_full([&] { return thrown_by(try_accept); }) == text);
  std::error_code ec;
  CHECK_FALSE(when_full([&] { return s.listener.try_accept(ec); }));
  CHECK(ec == system_error(EMFILE));
  ec.clear();
  CHECK_FALSE(when_full([&] { return s.listener.accept(default_socket_flags, ec); }).is_open());
  CHECK(ec == system_error(EMFILE));
  CHECK(s.listener.accept(SocketFlags{}, ec).is_open());
  CHECK_FALSE(ec);
}

TEMPLATE_LIST_TEST_CASE("Socket: listening where somebody is, or connecting where nobody is", "[socket][errors]",
                        test::AllBackends) {
  Served<TestType> s;
  using SocketHere = typename Served<TestType>::Socket;
  const auto text = [](const char* call, int fd, const char* error) {
    return std::string(call) + "(fd " + std::to_string(fd) + "): " + error;
  };
  SocketHere socket{s.on.backend, AF_UNIX, SocketType::stream};
  const int next = socket.fd();
  CHECK(thrown_by([&] { socket.bind(s.address); }) == text("bind", next, "Address already in use"));
  CHECK(thrown_by([&] { socket.listen(); }) == text("listen", next, "Invalid argument"));
  const SocketAddress nobody = *SocketAddress::unix_path(s.names.path("nobody"));
  CHECK(thrown_by([&] { socket.connect(nobody); }) == text("connect", next, "No such file or directory"));
  CHECK(thrown_by([&] { static_cast<void>(socket.try_connect(nobody)); }) ==
        text("connect", next, "No such file or directory"));
  std::error_code ec;
  CHECK_FALSE(socket.try_connect(nobody, ec));
  CHECK(ec == system_error(ENOENT));
  socket.bind(s.address, ec);
  CHECK(ec == system_error(EADDRINUSE));
  socket.listen(1, ec);
  CHECK(ec == system_error(EINVAL));
  socket.connect(nobody, ec);
  CHECK(ec == system_error(ENOENT));
  socket.connect(s.address, ec);
  CHECK_FALSE(ec);
  socket.close();
  // What a factory could not finish, it closes.
  CHECK(thrown_by([&] { static_cast<void>(SocketHere::listen_on(s.on.backend, s.address)); }) ==
        text("bind", next, "Address already in use"));
  CHECK(thrown_by([&] { static_cast<void>(SocketHere::connect_to(s.on.backend, nobody)); }) ==
        text("connect", next, "No such file or directory"));
  CHECK_FALSE(SocketHere::listen_on(s.on.backend, s.address, 1, default_socket_flags, ec).is_open());
  CHECK(ec == system_error(EADDRINUSE));
  CHECK_FALSE(SocketHere::connect_to(s.on.backend, nobody, default_socket_flags, ec).is_open());
  CHECK(ec == system_error(ENOENT));
  CHECK_FALSE(SocketHere::connect_to(s.on.backend, SocketAddress{}, default_socket_flags, ec).is_open());
  CHECK(ec == system_error(EAFNOSUPPORT));
  CHECK(SocketHere{s.on.backend, AF_UNIX, SocketType::stream}.fd() == next);

  const SocketHere listener = SocketHere::listen_on(s.on.backend, nobody, 1, default_socket_flags, ec);
  CHECK_FALSE(ec);
  CHECK(SocketHere::connect_to(s.on.backend, nobody, default_socket_flags, ec).peer_address() == nobody);
  CHECK_FALSE(ec);
}

TEMPLATE_LIST_TEST_CASE("Socket: a full backlog is EAGAIN to a non-blocking connect", "[socket][listener][errors]",
                        test::AllBackends) {
  TestType on;
  test::UnixNames<TestType> names;
  using SocketHere = typename Handles<TestType>::Socket;
  const SocketAddress address = *SocketAddress::unix_abstract(names.path("full"));
  SocketHere listener = SocketHere::listen_on(on.backend, address, 0);
  const SocketHere first = SocketHere::connect_to(on.backend, address);
  SocketHere second{on.backend, AF_UNIX, SocketType::stream};
  std::error_code ec;
  CHECK_FALSE(second.try_connect(address, ec));
  CHECK(ec == system_error(EAGAIN));
  CHECK(thrown_by([&] { second.connect(address); }) ==
        "connect(fd " + std::to_string(second.fd()) + "): Resource temporarily unavailable");
  CHECK(listener.try_accept());
  CHECK(second.try_connect(address, ec));
  CHECK_FALSE(ec);
  CHECK(listener.try_accept());
  CHECK(thrown_by([&] { second.connect(address); }) ==
        "connect(fd " + std::to_string(second.fd()) + "): Transport endpoint is already connected");
}

TEMPLATE_LIST_TEST_CASE("Socket: what a socket does not tell is an error code, too", "[socket][errors]",
                        test::AllBackends) {
  Served<TestType> s;
  std::error_code ec;
  CHECK(s.listener.peer_address(ec) == SocketAddress{});
  CHECK(ec == system_error(ENOTCONN));
  CHECK(s.client.peer_address(ec) == s.address);
  CHECK_FALSE(ec);
  ec = stale();
  CHECK(s.listener.local_address(ec) == s.address);
  CHECK_FALSE(ec);
  ec = stale();
  s.client.set_option(SOL_SOCKET, SO_KEEPALIVE, 1, ec);
  CHECK_FALSE(ec);
  CHECK(s.client.option(SOL_SOCKET, SO_KEEPALIVE, ec) == 1);
  CHECK_FALSE(ec);
  s.client.set_option(SOL_SOCKET, SO_TYPE, 1, ec);
  CHECK(ec == system_error(ENOPROTOOPT));
  CHECK(s.client.option(IPPROTO_TCP, TCP_NODELAY, ec) == 0);
  CHECK(ec == system_error(EOPNOTSUPP));
  // A pipe's end stands in for a socket.
  typename Handles<TestType>::Pipe pipe{s.on.backend};
  const typename Handles<TestType>::Socket none{pipe.reader.release()};
  CHECK(none.local_address(ec) == SocketAddress{});
  CHECK(ec == system_error(ENOTSOCK));
}
