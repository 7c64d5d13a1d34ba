// The handle UnixStream. SIGPIPE is left as it is: that the handle never raises it is part of the test.
#include "../support/death.hpp"
#include "../support/events.hpp"
#include "../support/tcp_pair.hpp"
#include "../support/thrown.hpp"
#include "../support/unix_names.hpp"

#include <type_traits>

using namespace rouse;
using namespace std::string_view_literals;
using test::bytes_from;
using test::Handles;
using test::stale;
using test::system_error;
using test::thrown_by;

TEMPLATE_LIST_TEST_CASE("UnixStream: a pair carries bytes both ways", "[unix_stream]", test::AllBackends) {
  TestType on;
  using Stream = typename Handles<TestType>::UnixStream;
  STATIC_REQUIRE_FALSE(std::is_copy_constructible_v<Stream>);
  STATIC_REQUIRE(std::is_nothrow_move_constructible_v<Stream>);
  auto [a, b] = Stream::pair(on.backend);
  CHECK(on.backend.fcntl(a.fd(), F_GETFL) == SysResult<int>{O_RDWR | O_NONBLOCK});
  CHECK(on.backend.fcntl(b.fd(), F_GETFD) == SysResult<int>{FD_CLOEXEC});
  char bytes[10];
  std::error_code ec = stale();
  CHECK(b.try_receive(bytes) == std::nullopt);
  CHECK(b.try_receive(bytes, ec) == std::nullopt);
  CHECK_FALSE(ec);
  CHECK(a.send("abc"sv) == 3);
  CHECK(bytes_from(b) == "abc");
  ec = stale();
  CHECK(b.send("de"sv, ec) == 2);
  CHECK_FALSE(ec);
  CHECK(a.unread() == 2);
  CHECK(b.unsent() > 2);
  CHECK(bytes_from(a) == "de");
  CHECK(b.unsent() == 0);
  CHECK(a.local_address().is_unnamed());
  CHECK(a.peer_address() == UnixAddress{});
  a.shutdown(ShutdownHow::write);
  CHECK(bytes_from(b) == "");
  auto [c, d] = Stream::pair(on.backend, SocketFlags{}, ec);
  CHECK_FALSE(ec);
  CHECK(on.backend.fcntl(c.fd(), F_GETFL) == SysResult<int>{O_RDWR});
  CHECK(Stream{d.release()}.send("x"sv) == 1);
  CHECK(bytes_from(c) == "x");
}

TEST_CASE("UnixStream: Linux needs no backend to be named", "[unix_stream][real]") {
  STATIC_REQUIRE(sizeof(UnixStream) == 2 * sizeof(int));
  UnixListener listener = UnixListener::bind(UnixAddress{});
  CHECK(listener.local_address().abstract());
  const UnixStream client = UnixStream::connect(listener.local_address());
  CHECK(listener.accept().peer.is_unnamed());
  auto [a, b] = UnixStream::pair();
  auto [c, d] = UnixDatagram::pair();
  const UnixDatagram named = UnixDatagram::bound_to(UnixAddress{});
  CHECK(named.local_address().abstract());
  CHECK(UnixStream{}.is_open());
  CHECK(UnixDatagram{}.is_open());
}

TEMPLATE_LIST_TEST_CASE("UnixStream: sending to nobody is EPIPE, and no signal", "[unix_stream][errors]",
                        test::AllBackends) {
  TestType on;
  auto [a, b] = Handles<TestType>::UnixStream::pair(on.backend);
  b.close();
  const std::string fd = std::to_string(a.fd());
  const ConstBuffer parts[] = {"a"sv, "b"sv};
  std::error_code ec;
  CHECK(thrown_by([&] { a.send("x"sv); }) == "send(fd " + fd + "): Broken pipe");
  CHECK(thrown_by([&] { a.send(parts); }) == "sendmsg(fd " + fd + "): Broken pipe");
  CHECK(thrown_by([&] { static_cast<void>(a.try_send(parts)); }) == "sendmsg(fd " + fd + "): Broken pipe");
  CHECK(thrown_by([&] { a.send_with("x"sv, a); }) == "sendmsg(fd " + fd + "): Broken pipe");
  CHECK(a.send(parts, ec) == 0);
  CHECK(ec == system_error(EPIPE));
  CHECK(bytes_from(a) == "");
}

TEMPLATE_LIST_TEST_CASE("UnixStream: it connects, and may have a name of its own", "[unix_stream][listener]",
                        test::AllBackends) {
  TestType on;
  test::UnixNames<TestType> names;
  using Stream = typename Handles<TestType>::UnixStream;
  const UnixAddress address = UnixPath{names.path("server")};
  const UnixAddress own = UnixAbstract{names.path("client")};
  std::error_code ec;
  CHECK_FALSE(Stream::connect(on.backend, address, default_socket_flags, ec).is_open());
  CHECK(ec == system_error(ENOENT));
  CHECK(thrown_by([&] {
          static_cast<void>(Stream::connect(on.backend, address));
        }).find("): No such file or directory") != std::string::npos);
  auto listener = Handles<TestType>::UnixListener::bind(on.backend, address);
  const Stream client = Stream::connect(on.backend, address, default_socket_flags, ec);
  CHECK_FALSE(ec);
  CHECK(client.peer_address() == address);
  CHECK(listener.accept().peer.is_unnamed());
  Stream named{on.backend};
  named.bind(own);
  CHECK(named.try_connect(address));
  CHECK(listener.accept().peer == own);
  CHECK(thrown_by([&] { named.bind(own); }) == "bind(fd " + std::to_string(named.fd()) + "): Invalid argument");
  named.bind(own, ec);
  CHECK(ec == system_error(EINVAL));
  CHECK_FALSE(named.try_connect(address, ec));
  CHECK(ec == system_error(EISCONN));
  CHECK(thrown_by([&] { static_cast<void>(named.try_connect(address)); }) ==
        "connect(fd " + std::to_string(named.fd()) + "): Transport endpoint is already connected");
  listener.close();
  CHECK_FALSE(Stream::connect(on.backend, address, default_socket_flags, ec).is_open());
  CHECK(ec == system_error(ECONNREFUSED));
}

TEMPLATE_LIST_TEST_CASE("UnixStream: a full backlog is no error to try_connect", "[unix_stream][listener]",
                        test::AllBackends) {
  TestType on;
  test::UnixNames<TestType> names;
  using Stream = typename Handles<TestType>::UnixStream;
  const UnixAddress address = UnixAbstract{names.path("full")};
  auto listener = Handles<TestType>::UnixListener::bind(on.backend, address, {.backlog = 0});
  const Stream first = Stream::connect(on.backend, address);
  Stream second{on.backend};
  std::error_code ec = stale();
  CHECK_FALSE(second.try_connect(address));
  CHECK_FALSE(second.try_connect(address, ec));
  CHECK_FALSE(ec);
  CHECK(listener.try_accept());
  ec = stale();
  CHECK(second.try_connect(address, ec));
  CHECK_FALSE(ec);
}

TEMPLATE_LIST_TEST_CASE("UnixStream: options have types", "[unix_stream][options]", test::AllBackends) {
  TestType on;
  auto [a, b] = Handles<TestType>::UnixStream::pair(on.backend);
  CHECK(a.get(option::type) == SocketType::stream);
  CHECK(a.get(option::domain) == SocketDomain::local);
  CHECK(a.get(option::protocol) == 0);
  CHECK_FALSE(a.get(option::accepting));
  a.set(option::send_buffer, 10000);
  CHECK(a.get(option::send_buffer) == 20000);
  a.set(option::receive_buffer, 10000);
  CHECK(a.get(option::receive_buffer) == 20000);
  a.set(option::receive_least, 5);
  CHECK(a.get(option::receive_least) == 5);
  a.set(option::keep_alive, true);
  CHECK(a.get(option::keep_alive));
  a.set(option::urgent_inline, true);
  CHECK(a.get(option::urgent_inline));
  a.set(option::reuse_address, true);
  CHECK(a.get(option::reuse_address));
  std::error_code ec = stale();
  a.set(option::send_buffer, 1, ec);
  CHECK_FALSE(ec);
  CHECK(a.get(option::send_buffer, ec) == 4608);
  CHECK(a.take_error() == 0);
}

TEMPLATE_LIST_TEST_CASE("UnixStream: an epoll watches it", "[unix_stream][epoll]", test::AllBackends) {
  TestType on;
  auto [a, b] = Handles<TestType>::UnixStream::pair(on.backend);
  typename Handles<TestType>::Epoll epoll{on.backend};
  epoll.add(b, EventFlags::in | EventFlags::rdhup, 1);
  CHECK(test::reported(epoll).empty());
  a.send("x"sv);
  CHECK(test::reported(epoll) == test::Events{{EventFlags::in, 1}});
  a.shutdown(ShutdownHow::write);
  CHECK(test::reported(epoll) == test::Events{{EventFlags::in | EventFlags::rdhup, 1}});
}

TEMPLATE_LIST_TEST_CASE("UnixStream: misuse says what is wrong", "[unix_stream][death]", test::AllBackends) {
  if (!test::assertions_are_on) return;
  TestType on;
  using Stream = typename Handles<TestType>::UnixStream;
  auto [a, b] = Stream::pair(on.backend);
  const Stream moved = std::move(a);
  const std::string closed = "UnixStream: used while closed or after being moved from";
  const auto dies_with = [](const std::string& words, auto misuse) {
    return test::last_words(misuse).find(words) != std::string::npos;
  };
  CHECK(dies_with(closed, [&] { a.send("x"sv); }));
  CHECK(dies_with(closed, [&] { a.send_with("x"sv, b); }));
  CHECK(dies_with(closed, [&] { static_cast<void>(a.local_address()); }));
  CHECK(dies_with("send_with: fds without a byte to go along with", [&] { b.send_with(""sv, b); }));
  TestType other;
  if constexpr (TestType::is_emulated) {
    const typename Handles<TestType>::EventFd event{other.backend};
    CHECK(dies_with("send_with: an fd of another kernel", [&] { b.send_with("x"sv, event); }));
  }
}
