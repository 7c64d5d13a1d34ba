// The untyped Socket over TCP, on the loopback device.
#include "../support/events.hpp"
#include "../support/thrown.hpp"

#include <type_traits>

using namespace rouse;
using namespace std::string_view_literals;
using test::Events;
using test::Handles;
using test::reported;
using test::thrown_by;

namespace {

std::error_code system_error(int error) { return {error, std::system_category()}; }

template <class SocketHere>
std::string received(SocketHere& socket) {
  char bytes[100];
  return {bytes, socket.receive(bytes)};
}

/// Where nobody listens: a port that was somebody's a moment ago.
template <class On>
SocketAddress nobody_at(const On& on) {
  return Handles<On>::Socket::listen_on(on.backend, SocketAddress::ipv4_loopback(0)).local_address();
}

}  // namespace

TEST_CASE("Socket over TCP: Linux needs no backend to be named", "[socket][tcp]") {
  STATIC_REQUIRE(std::is_same_v<Socket, BasicSocket<LinuxBackend>>);
  const auto [a, b] = Socket::pair();
  CHECK(a.backend() == b.backend());
  CHECK(Socket(AF_UNIX, SocketType::datagram).option(SOL_SOCKET, SO_TYPE) == SOCK_DGRAM);
}

TEMPLATE_LIST_TEST_CASE("Socket over TCP: a connection carries bytes and knows its addresses", "[socket][tcp]",
                        test::AllBackends) {
  TestType on;
  using SocketHere = typename Handles<TestType>::Socket;
  SocketHere listener = SocketHere::listen_on(on.backend, SocketAddress::ipv4_loopback(0));
  const SocketAddress address = listener.local_address();
  CHECK(address.port() != 0);
  CHECK(listener.option(SOL_SOCKET, SO_REUSEADDR) == 1);
  SocketHere client = SocketHere::connect_to(on.backend, address);
  SocketHere accepted = listener.accept();
  CHECK(client.peer_address() == address);
  CHECK(accepted.local_address() == address);
  CHECK(accepted.peer_address() == client.local_address());
  client.set_option(IPPROTO_TCP, TCP_NODELAY, 1);
  CHECK(client.option(IPPROTO_TCP, TCP_NODELAY) == 1);
  client.send("abc"sv);
  CHECK(received(accepted) == "abc");
  accepted.send("de"sv);
  accepted.shutdown(ShutdownHow::write);
  CHECK(received(client) == "de");
  CHECK(received(client) == "");
}

TEMPLATE_LIST_TEST_CASE("Socket over TCP: a port may be listened on again at once", "[socket][tcp]",
                        test::AllBackends) {
  TestType on;
  using SocketHere = typename Handles<TestType>::Socket;
  SocketHere listener = SocketHere::listen_on(on.backend, SocketAddress::ipv4_loopback(0));
  const SocketAddress address = listener.local_address();
  SocketHere client = SocketHere::connect_to(on.backend, address);
  SocketHere accepted = listener.accept();
  accepted.close();  // First, so that it is this side that lingers.
  CHECK(received(client) == "");
  client.close();
  listener.close();
  CHECK(SocketHere::listen_on(on.backend, address).local_address() == address);
  SocketHere without{on.backend, AF_INET, SocketType::stream};
  CHECK(thrown_by([&] { without.bind(address); }) ==
        "bind(fd " + std::to_string(without.fd()) + "): Address already in use");
}

TEMPLATE_LIST_TEST_CASE("Socket over TCP: IPv6", "[socket][tcp]", test::AllBackends) {
  TestType on;
  using SocketHere = typename Handles<TestType>::Socket;
  std::error_code ec;
  SocketHere listener = SocketHere::create(on.backend, AF_INET6, SocketType::stream, default_socket_flags, ec);
  if (ec) return;  // A machine without it.
  try {
    listener.bind(*SocketAddress::ipv6("::1", 0));
  } catch (const std::system_error&) {
    return;  // Or with it turned off.
  }
  listener.listen();
  SocketHere client = SocketHere::connect_to(on.backend, listener.local_address());
  SocketHere accepted = listener.accept();
  CHECK(to_string(accepted.peer_address()).substr(0, 6) == "[::1]:");
  client.send("abc"sv);
  CHECK(received(accepted) == "abc");
}

TEMPLATE_LIST_TEST_CASE("Socket over TCP: a connect in progress is decided when OUT is reported", "[socket][tcp]",
                        test::AllBackends) {
  TestType on;
  using SocketHere = typename Handles<TestType>::Socket;
  SocketHere listener = SocketHere::listen_on(on.backend, SocketAddress::ipv4_loopback(0));
  SocketHere client{on.backend, AF_INET, SocketType::stream};
  std::error_code ec{EIO, std::system_category()};
  const bool connected = client.try_connect(listener.local_address(), ec);
  CHECK_FALSE(connected);
  CHECK_FALSE(ec);
  typename Handles<TestType>::Epoll epoll{on.backend};
  epoll.add(client, EventFlags::out, 1);
  EventVec events{1};
  CHECK(epoll.wait(events) == 1);
  CHECK(events[0] == Event{EventFlags::out, 1});
  CHECK(client.take_error() == 0);
  CHECK(client.peer_address() == listener.local_address());
}

TEMPLATE_LIST_TEST_CASE("Socket over TCP: a refused connect", "[socket][tcp][errors]", test::AllBackends) {
  TestType on;
  using SocketHere = typename Handles<TestType>::Socket;
  const SocketAddress nobody = nobody_at(on);
  SocketHere client{on.backend, AF_INET, SocketType::stream};
  const std::string text = "connect(fd " + std::to_string(client.fd()) + "): Connection refused";
  SECTION("waiting for it") {
    CHECK(thrown_by([&] { client.connect(nobody); }) == text);
  }
  SECTION("waiting for it, on a blocking socket") {
    client = SocketHere{on.backend, AF_INET, SocketType::stream, SocketFlags{}};
    const std::string blocking_text = "connect(fd " + std::to_string(client.fd()) + "): Connection refused";
    CHECK(thrown_by([&] { client.connect(nobody); }) == blocking_text);
  }
  SECTION("starting it") {
    const bool connected = client.try_connect(nobody);
    CHECK_FALSE(connected);
    typename Handles<TestType>::Epoll epoll{on.backend};
    epoll.add(client, EventFlags::out, 1);
    EventVec events{1};
    CHECK(epoll.wait(events) == 1);
    CHECK(events[0] == Event{EventFlags::out | EventFlags::err | EventFlags::hup, 1});
    CHECK(client.take_error() == ECONNREFUSED);
    CHECK(client.take_error() == 0);
  }
  SECTION("from nothing") {
    CHECK(thrown_by([&] {
            static_cast<void>(SocketHere::connect_to(on.backend, nobody));
          }).find("Connection refused") != std::string::npos);
  }
}

TEMPLATE_LIST_TEST_CASE("Socket over TCP: what is connected does not connect, and what is not does not shut down",
                        "[socket][tcp][errors]", test::AllBackends) {
  TestType on;
  using SocketHere = typename Handles<TestType>::Socket;
  SocketHere listener = SocketHere::listen_on(on.backend, SocketAddress::ipv4_loopback(0));
  SocketHere client = SocketHere::connect_to(on.backend, listener.local_address(), SocketFlags{});
  const std::string fd = std::to_string(client.fd());
  std::error_code ec;
  CHECK_FALSE(client.try_connect(listener.local_address(), ec));
  CHECK(ec == system_error(EISCONN));
  CHECK(thrown_by([&] { static_cast<void>(client.try_connect(listener.local_address())); }) ==
        "connect(fd " + fd + "): Transport endpoint is already connected");
  SocketHere fresh{on.backend, AF_INET, SocketType::stream};
  CHECK(thrown_by([&] { fresh.shutdown(ShutdownHow::both); }) ==
        "shutdown(fd " + std::to_string(fresh.fd()) + "): Transport endpoint is not connected");
}

TEMPLATE_LIST_TEST_CASE("Socket over TCP: a listener reports each connection as an edge", "[socket][tcp][edge]",
                        test::AllBackends) {
  TestType on;
  using SocketHere = typename Handles<TestType>::Socket;
  SocketHere listener = SocketHere::listen_on(on.backend, SocketAddress::ipv4_loopback(0));
  typename Handles<TestType>::Epoll epoll{on.backend};
  epoll.add(listener, EventFlags::in | EventFlags::et, 1);
  CHECK(reported(epoll).empty());
  const SocketHere first = SocketHere::connect_to(on.backend, listener.local_address());
  CHECK(reported(epoll) == Events{{EventFlags::in, 1}});
  const SocketHere second = SocketHere::connect_to(on.backend, listener.local_address());
  CHECK(reported(epoll) == Events{{EventFlags::in, 1}});
  CHECK(listener.try_accept());
  CHECK(listener.try_accept());
  CHECK_FALSE(listener.try_accept());
}
