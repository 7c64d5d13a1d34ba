// The handle TcpStream, over the loopback device. SIGPIPE is left as it is: that the handle never raises it is part of
// the test.
#include "../support/death.hpp"
#include "../support/events.hpp"
#include "../support/tcp_pair.hpp"
#include "../support/thrown.hpp"

#include <type_traits>

using namespace rouse;
using namespace std::string_view_literals;
using test::bytes_from;
using test::Handles;
using test::refusing;
using test::stale;
using test::system_error;
using test::TcpPair;
using test::thrown_by;

namespace {

template <class Handle>
std::string text(const char* call, const Handle& handle, const char* error) {
  return std::string(call) + "(fd " + std::to_string(handle.fd()) + "): " + error;
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("TcpStream: it is made non-blocking and close-on-exec", "[tcp]", test::AllBackends) {
  TestType on;
  using Stream = typename Handles<TestType>::TcpStream;
  STATIC_REQUIRE_FALSE(std::is_copy_constructible_v<Stream>);
  STATIC_REQUIRE(std::is_nothrow_move_constructible_v<Stream>);
  const auto flags_of = [&](const Stream& stream) {
    return std::pair{on.backend.fcntl(stream.fd(), F_GETFL).value(), on.backend.fcntl(stream.fd(), F_GETFD).value()};
  };
  CHECK(flags_of(Stream{on.backend, IpVersion::v4}) == std::pair{O_RDWR | O_NONBLOCK, FD_CLOEXEC});
  CHECK(flags_of(Stream{on.backend, IpVersion::v4, SocketFlags{}}) == std::pair{O_RDWR, 0});
  std::error_code ec = stale();
  CHECK(flags_of(Stream::create(on.backend, IpVersion::v4, SocketFlags{}, ec)) == std::pair{O_RDWR, 0});
  CHECK_FALSE(ec);
  CHECK_FALSE(Stream::create(on.backend, static_cast<IpVersion>(999), SocketFlags{}, ec).is_open());
  CHECK(ec == system_error(EAFNOSUPPORT));
  CHECK(thrown_by([&] { Stream(on.backend, static_cast<IpVersion>(999)); }) ==
        "socket(): Address family not supported by protocol");
}

TEST_CASE("TcpStream: Linux needs no backend to be named", "[tcp][real]") {
  STATIC_REQUIRE(std::is_same_v<TcpStream, BasicTcpStream<LinuxBackend>>);
  STATIC_REQUIRE(sizeof(TcpStream) == 2 * sizeof(int));
  TcpListener listener = TcpListener::bind(Ipv4::loopback(0));
  TcpStream client = TcpStream::connect(listener.local_address());
  TcpStream started = TcpStream::start_connect(listener.local_address());
  started.finish_connect();
  CHECK(TcpStream(IpVersion::v4).is_open());
  auto [stream, peer] = listener.accept();
  CHECK(peer == client.local_address());
  CHECK(stream.peer_address() == peer);
}

TEMPLATE_LIST_TEST_CASE("TcpStream: a connection carries bytes and knows its addresses", "[tcp]", test::AllBackends) {
  for (const IpVersion either : {IpVersion::v4, IpVersion::v6}) {
    if (either == IpVersion::v6 && !test::has_ipv6(TestType{})) continue;
    TcpPair<TestType> s{either};
    const Ip address = s.listener.local_address();
    CAPTURE(address);
    CHECK(address.version() == either);
    CHECK(address.port() != 0);
    CHECK(s.client.peer_address() == address);
    CHECK(s.accepted.local_address() == address);
    CHECK(s.accepted.peer_address() == s.client.local_address());
    std::error_code ec = stale();
    CHECK(s.client.peer_address(ec) == address);
    CHECK_FALSE(ec);
    s.client.send("abc"sv);
    CHECK(bytes_from(s.accepted) == "abc");
    s.accepted.send("de"sv);
    s.accepted.shutdown(ShutdownHow::write);
    CHECK(bytes_from(s.client) == "de");
    CHECK(bytes_from(s.client) == "");
  }
}

TEMPLATE_LIST_TEST_CASE("TcpStream: what is not there yet is nothing, and no error", "[tcp]", test::AllBackends) {
  TcpPair<TestType> s;
  char bytes[10];
  std::error_code ec = stale();
  CHECK(s.client.try_receive(bytes) == std::nullopt);
  CHECK(s.client.try_receive(bytes, ec) == std::nullopt);
  CHECK_FALSE(ec);
  const std::string much(100000, 'x');
  while (s.client.try_send(much)) continue;
  CHECK(s.client.try_send(much, ec) == std::nullopt);
  CHECK_FALSE(ec);
}

TEMPLATE_LIST_TEST_CASE("TcpStream: it can be bound before it connects", "[tcp]", test::AllBackends) {
  TcpPair<TestType> s;
  typename TcpPair<TestType>::Stream stream{s.on.backend, IpVersion::v4};
  stream.bind(Ipv4{Ipv4Address{127, 0, 0, 2}, 0});
  const Ip from = stream.local_address();
  CHECK(from.v4()->address() == Ipv4Address{127, 0, 0, 2});
  if (!stream.try_connect(s.listener.local_address())) stream.finish_connect();
  CHECK(stream.local_address() == from);
  CHECK(s.listener.accept().peer == from);
  std::error_code ec;
  stream.bind(from, ec);
  CHECK(ec == system_error(EINVAL));
  CHECK(thrown_by([&] { stream.bind(from); }) == text("bind", stream, "Invalid argument"));
}

TEMPLATE_LIST_TEST_CASE("TcpStream: a connect in progress is decided when OUT is reported", "[tcp][connect]",
                        test::AllBackends) {
  TcpPair<TestType> s;
  using Stream = typename TcpPair<TestType>::Stream;
  std::error_code ec = stale();
  Stream stream = Stream::start_connect(s.on.backend, s.listener.local_address(), default_socket_flags, ec);
  CHECK_FALSE(ec);
  typename Handles<TestType>::Epoll epoll{s.on.backend};
  epoll.add(stream, EventFlags::out, 1);
  EventVec events{1};
  CHECK(epoll.wait(events) == 1);
  CHECK(events[0] == Event{EventFlags::out, 1});
  CHECK(stream.try_finish_connect());
  ec = stale();
  CHECK(stream.try_finish_connect(ec));
  CHECK_FALSE(ec);
  CHECK(stream.peer_address() == s.listener.local_address());
  // Linux says once more that it is connected to who asks by connecting.
  CHECK(stream.try_connect(s.listener.local_address()));
  CHECK_FALSE(stream.try_connect(s.listener.local_address(), ec));
  CHECK(ec == system_error(EISCONN));
  CHECK(thrown_by([&] { static_cast<void>(stream.try_connect(s.listener.local_address())); }) ==
        text("connect", stream, "Transport endpoint is already connected"));
}

TEMPLATE_LIST_TEST_CASE("TcpStream: a connect that nobody answers stays in progress", "[tcp][connect]",
                        test::AllBackends) {
  TestType on;
  using Stream = typename Handles<TestType>::TcpStream;
  // A listener whose queue is full drops what asks for more; the kernel will ask again much later.
  const auto listener = Handles<TestType>::TcpListener::bind(on.backend, Ipv4::loopback(0), {.backlog = 0});
  const Stream first = Stream::connect(on.backend, listener.local_address());
  Stream second = Stream::start_connect(on.backend, listener.local_address());
  CHECK_FALSE(second.try_finish_connect());
  std::error_code ec = stale();
  CHECK_FALSE(second.try_finish_connect(ec));
  CHECK_FALSE(ec);
  CHECK_FALSE(second.try_connect(listener.local_address(), ec));
  CHECK(ec == system_error(EALREADY));
}

TEMPLATE_LIST_TEST_CASE("TcpStream: a refused connect", "[tcp][connect][errors]", test::AllBackends) {
  TestType on;
  using Stream = typename Handles<TestType>::TcpStream;
  const Ip nobody = refusing(on);
  std::error_code ec;
  SECTION("waiting for it") {
    for (const SocketFlags flags : {default_socket_flags, SocketFlags{}}) {
      CHECK(thrown_by([&] {
              static_cast<void>(Stream::connect(on.backend, nobody, flags));
            }).find("): Connection refused") != std::string::npos);
      CHECK_FALSE(Stream::connect(on.backend, nobody, flags, ec).is_open());
      CHECK(ec == system_error(ECONNREFUSED));
    }
  }
  SECTION("finishing it") {
    Stream stream = Stream::start_connect(on.backend, nobody);
    CHECK(thrown_by([&] { stream.finish_connect(); }) == text("connect", stream, "Connection refused"));
    // The error is told once. Nothing is connected for all that.
    stream.finish_connect(ec);
    CHECK(ec == system_error(ENOTCONN));
  }
  SECTION("finishing it without waiting") {
    Stream stream = Stream::start_connect(on.backend, nobody);
    typename Handles<TestType>::Epoll epoll{on.backend};
    epoll.add(stream, EventFlags::out, 1);
    EventVec events{1};
    CHECK(epoll.wait(events) == 1);
    CHECK_FALSE(stream.try_finish_connect(ec));
    CHECK(ec == system_error(ECONNREFUSED));
    CHECK(thrown_by([&] { static_cast<void>(stream.try_finish_connect()); }) ==
          text("connect", stream, "Transport endpoint is not connected"));
  }
  SECTION("at once, for want of a way there") {
    const Ip nowhere = Ipv4{Ipv4Address::broadcast(), 80};
    CHECK_FALSE(Stream::start_connect(on.backend, nowhere, default_socket_flags, ec).is_open());
    CHECK(ec);
    CHECK(thrown_by([&] { static_cast<void>(Stream::start_connect(on.backend, nowhere)); }).find("connect(fd ") == 0);
  }
  SECTION("that was never started") {
    Stream stream{on.backend, IpVersion::v4};
    stream.finish_connect(ec);
    CHECK(ec == system_error(ENOTCONN));
  }
}

TEMPLATE_LIST_TEST_CASE("TcpStream: sending to nobody is an error, and no signal", "[tcp][errors]", test::AllBackends) {
  TcpPair<TestType> s;
  s.accepted.set(option::linger, Linger{true, 0});
  s.accepted.close();  // A reset, as nothing lingers.
  std::error_code ec;
  CHECK(s.client.send("x"sv, ec) == 0);
  CHECK(ec == system_error(ECONNRESET));
  CHECK(thrown_by([&] { s.client.send("x"sv); }) == text("send", s.client, "Broken pipe"));
  const ConstBuffer parts[] = {"a"sv, "b"sv};
  CHECK(thrown_by([&] { s.client.send(parts); }) == text("sendmsg", s.client, "Broken pipe"));
  CHECK(s.client.try_send(parts, ec) == std::nullopt);
  CHECK(ec == system_error(EPIPE));
  CHECK(s.client.take_error() == 0);
}

TEMPLATE_LIST_TEST_CASE("TcpStream: options have types", "[tcp][options]", test::AllBackends) {
  TcpPair<TestType> s;
  auto& stream = s.client;
  CHECK_FALSE(stream.get(option::no_delay));
  stream.set(option::no_delay, true);
  CHECK(stream.get(option::no_delay));
  stream.set(option::keep_alive, true);
  CHECK(stream.get(option::keep_alive));
  stream.set(option::keep_alive_idle_seconds, 30);
  stream.set(option::keep_alive_interval_seconds, 5);
  stream.set(option::keep_alive_probes, 3);
  CHECK(stream.get(option::keep_alive_idle_seconds) == 30);
  CHECK(stream.get(option::keep_alive_interval_seconds) == 5);
  CHECK(stream.get(option::keep_alive_probes) == 3);
  stream.set(option::user_timeout_milliseconds, 1500);
  CHECK(stream.get(option::user_timeout_milliseconds) == 1500);
  stream.set(option::cork, true);
  CHECK(stream.get(option::cork));
  stream.set(option::quick_ack, true);
  // Linux turns it off by itself when data goes to and fro: what it is then, is not modelled.
  if constexpr (!TestType::is_emulated) CHECK(stream.get(option::quick_ack));
  CHECK(stream.get(option::linger) == Linger{});
  stream.set(option::linger, {true, 7});
  CHECK(stream.get(option::linger) == Linger{true, 7});
  stream.set(option::receive_buffer, 20000);
  CHECK(stream.get(option::receive_buffer) == 40000);
  stream.set(option::send_buffer, 20000);
  CHECK(stream.get(option::send_buffer) == 40000);
  CHECK(stream.get(option::type) == SocketType::stream);
  CHECK(stream.get(option::domain) == SocketDomain::ipv4);
  CHECK(stream.get(option::protocol) == IPPROTO_TCP);
  CHECK_FALSE(stream.get(option::accepting));
  CHECK(s.listener.get(option::accepting));
  CHECK(s.listener.get(option::reuse_address));
  CHECK_FALSE(s.listener.get(option::reuse_port));
  std::error_code ec;
  CHECK_FALSE(stream.get(option::v6_only, ec));
  CHECK(ec == system_error(EOPNOTSUPP));
  stream.set(option::keep_alive_probes, 1000, ec);
  CHECK(ec == system_error(EINVAL));
  CHECK(thrown_by([&] { stream.set(option::keep_alive_probes, 1000); }) ==
        text("setsockopt", stream, "Invalid argument"));
  CHECK(stream.get(option::keep_alive_probes, ec) == 3);
  CHECK_FALSE(ec);
  CHECK(stream.take_error(ec) == 0);
  CHECK_FALSE(ec);
}

TEMPLATE_LIST_TEST_CASE("TcpStream: it tells what is unread and unsent", "[tcp]", test::AllBackends) {
  TcpPair<TestType> s;
  CHECK(s.client.unread() == 0);
  CHECK(s.client.unsent() == 0);
  s.accepted.send("abcde"sv);
  ::pollfd entry{s.client.fd(), POLLIN, 0};
  CHECK(s.on.backend.poll(&entry, 1, -1) == SysResult<int>{1});
  CHECK(s.client.unread() == 5);
  std::error_code ec = stale();
  CHECK(s.client.unread(ec) == 5);
  CHECK_FALSE(ec);
  const std::string much(100000, 'x');
  while (s.client.try_send(much)) continue;
  CHECK(s.client.unsent() > 0);
  CHECK(thrown_by([&] { static_cast<void>(s.listener.unread()); }) ==
        "ioctl(fionread, fd " + std::to_string(s.listener.fd()) + "): Invalid argument");
  CHECK(s.listener.unsent(ec) == 0);
  CHECK(ec == system_error(EINVAL));
}

TEMPLATE_LIST_TEST_CASE("TcpStream: misuse says what is wrong", "[tcp][death]", test::AllBackends) {
  if (!test::assertions_are_on) return;
  TestType on;
  using Stream = typename Handles<TestType>::TcpStream;
  Stream stream{on.backend, IpVersion::v4};
  const Stream moved = std::move(stream);
  const std::string closed = "TcpStream: used while closed or after being moved from";
  const auto dies_with = [](const std::string& words, auto misuse) {
    return test::last_words(misuse).find(words) != std::string::npos;
  };
  CHECK(dies_with(closed, [&] { stream.send("x"sv); }));
  CHECK(dies_with(closed, [&] { stream.finish_connect(); }));
  CHECK(dies_with(closed, [&] { static_cast<void>(stream.get(option::no_delay)); }));
  CHECK(dies_with(closed, [&] { static_cast<void>(stream.peer_address()); }));
  CHECK(dies_with(closed, [&] { static_cast<void>(stream.unread()); }));
  Stream blocking{on.backend, IpVersion::v4, SocketFlags{}};
  CHECK(dies_with("on a handle that was made blocking",
                  [&] { static_cast<void>(blocking.try_connect(Ipv4::loopback(1))); }));
}
