// The plain forms of the typed sockets wait.
#include "../support/sleeper.hpp"
#include "../support/tcp_pair.hpp"
#include "../support/unix_names.hpp"

using namespace rouse;
using namespace std::string_view_literals;
using test::bytes_from;
using test::Handles;

namespace {

constexpr SocketFlags both_modes[] = {default_socket_flags, SocketFlags{}};

}  // namespace

TEMPLATE_LIST_TEST_CASE("TcpListener: accept waits for a connection", "[tcp][threads]", test::AllThreadBackends) {
  for (const SocketFlags flags : both_modes) {
    CAPTURE(flags);
    TestType on;
    auto listener = Handles<TestType>::TcpListener::bind(on.backend, Ipv4::loopback(0), {.flags = flags});
    auto server = on.spawn([&] { return listener.accept().peer; });
    on.wait_until_blocked(server);
    const auto client = Handles<TestType>::TcpStream::connect(on.backend, listener.local_address(), flags);
    CHECK(server.result() == client.local_address());
  }
}

TEMPLATE_LIST_TEST_CASE("TcpListener: accept ends when the listener is shut down", "[tcp][threads]",
                        test::AllThreadBackends) {
  for (const SocketFlags flags : both_modes) {
    CAPTURE(flags);
    TestType on;
    auto listener = Handles<TestType>::TcpListener::bind(on.backend, Ipv4::loopback(0), {.flags = flags});
    auto server = on.spawn([&] {
      std::error_code ec;
      static_cast<void>(listener.accept(ec));
      return ec.value();
    });
    on.wait_until_blocked(server);
    listener.shutdown(ShutdownHow::read);
    CHECK(server.result() == EINVAL);
  }
}

TEMPLATE_LIST_TEST_CASE("UdpSocket: receive_from waits for a datagram", "[udp][threads]", test::AllThreadBackends) {
  for (const SocketFlags flags : both_modes) {
    CAPTURE(flags);
    TestType on;
    using SocketHere = typename Handles<TestType>::UdpSocket;
    SocketHere to = SocketHere::bound_to(on.backend, Ipv4::loopback(0), {.flags = flags});
    SocketHere from = SocketHere::bound_to(on.backend, Ipv4::loopback(0));
    auto receiver = on.spawn([&] {
      char bytes[10];
      return to.receive_from(bytes);
    });
    on.wait_until_blocked(receiver);
    from.send_to(to.local_address(), "abc"sv);
    CHECK(receiver.result() == Received<Ip>{3, from.local_address(), 3});
  }
}

TEMPLATE_LIST_TEST_CASE("TcpStream: a signal does not end a connect", "[tcp][threads][signals]",
                        test::AllThreadBackends) {
  using Stream = typename Handles<TestType>::TcpStream;
  for (const SocketFlags flags : both_modes) {
    CAPTURE(flags);
    TestType on;
    test::Handlers handlers{on.backend};
    handlers.handle(SIGUSR1);
    // What asks for more than the queue holds is dropped and asks again after a second: long enough to be interrupted.
    auto listener = Handles<TestType>::TcpListener::bind(on.backend, Ipv4::loopback(0), {.backlog = 0});
    const Stream first = Stream::connect(on.backend, listener.local_address());
    test::Sleeper second{on, [&]() -> std::int64_t {
                           std::error_code ec;
                           static_cast<void>(Stream::connect(on.backend, listener.local_address(), flags, ec));
                           return ec.value();
                         }};
    second.interrupt(SIGUSR1);
    second.wait_until_blocked();
    CHECK(listener.accept().peer == first.local_address());
    CHECK(second.result() == 0);
  }
}

TEMPLATE_LIST_TEST_CASE("UnixListener: accept waits for a connection", "[unix_listener][threads]",
                        test::AllThreadBackends) {
  for (const SocketFlags flags : both_modes) {
    CAPTURE(flags);
    TestType on;
    test::UnixNames<TestType> names;
    const UnixPath path{names.path("server")};
    auto listener = Handles<TestType>::UnixListener::bind(on.backend, path, {.flags = flags});
    auto server = on.spawn([&] {
      auto [stream, peer] = listener.accept();
      return bytes_from(stream);
    });
    on.wait_until_blocked(server);
    auto client = Handles<TestType>::UnixStream::connect(on.backend, path);
    client.send("abc"sv);
    CHECK(server.result() == "abc");
  }
}

TEMPLATE_LIST_TEST_CASE("UnixStream: connect waits for room in the backlog, and is non-blocking after that",
                        "[unix_stream][threads]", test::AllThreadBackends) {
  for (const SocketFlags flags : both_modes) {
    CAPTURE(flags);
    TestType on;
    test::UnixNames<TestType> names;
    using Stream = typename Handles<TestType>::UnixStream;
    const UnixPath path{names.path("server")};
    auto listener = Handles<TestType>::UnixListener::bind(on.backend, path, {.backlog = 0});
    const Stream first = Stream::connect(on.backend, path);
    auto second = on.spawn([&] {
      const Stream stream = Stream::connect(on.backend, path, flags);
      return std::pair{stream.peer_address(), on.backend.fcntl(stream.fd(), F_GETFL).value()};
    });
    on.wait_until_blocked(second);
    CHECK(listener.try_accept());
    const int mode = O_RDWR | (flags.has(SocketFlags::nonblock) ? O_NONBLOCK : 0);
    CHECK(second.result() == std::pair{UnixAddress{path}, mode});
  }
}

TEMPLATE_LIST_TEST_CASE("UnixDatagram: send_to waits for room of its own", "[unix_datagram][threads]",
                        test::AllThreadBackends) {
  TestType on;
  test::UnixNames<TestType> names;
  using SocketHere = typename Handles<TestType>::UnixDatagram;
  const UnixPath path{names.path("receiver")};
  SocketHere to = SocketHere::bound_to(on.backend, path);
  SocketHere from{on.backend};
  from.set(option::send_buffer, 1);
  const std::string much(2000, 'x');
  auto sender = on.spawn([&] {
    std::size_t sent = 0;
    for (int i = 0; i < 5; ++i) sent += from.send_to(path, much);
    return sent;
  });
  on.wait_until_blocked(sender);
  std::string bytes(much.size(), '\0');
  for (int i = 0; i < 5; ++i) CHECK(to.receive(bytes) == much.size());
  CHECK(sender.result() == 5 * much.size());
}

TEMPLATE_LIST_TEST_CASE("UnixDatagram: a blocking send_to waits for the receiver", "[unix_datagram][threads]",
                        test::AllThreadBackends) {
  TestType on;
  test::UnixNames<TestType> names;
  using SocketHere = typename Handles<TestType>::UnixDatagram;
  const UnixPath path{names.path("receiver")};
  SocketHere to = SocketHere::bound_to(on.backend, path);
  SocketHere from{on.backend, SocketFlags{}};
  while (from.try_send_to(path, "x"sv)) continue;
  auto sender = on.spawn([&] { return from.send_to(path, "y"sv); });
  on.wait_until_blocked(sender);
  char bytes[10];
  CHECK(to.receive(bytes) == 1);
  CHECK(sender.result() == 1);
}

TEMPLATE_LIST_TEST_CASE("UnixStream: receive_with waits for bytes, send_with for room", "[fd_passing][threads]",
                        test::AllThreadBackends) {
  TestType on;
  auto ends = Handles<TestType>::UnixStream::pair(on.backend);
  std::vector<typename Handles<TestType>::OwnedFd> fds;
  std::string bytes(1000000, '\0');
  auto receiver = on.spawn([&] { return ends.second.receive_with(bytes, fds); });
  on.wait_until_blocked(receiver);
  ends.first.send_with("abc"sv, ends.first);
  CHECK(receiver.result() == ReceivedWithFds{3, 1, false, false});
  auto sender = on.spawn([&] { return ends.first.send_with(bytes, ends.first); });
  on.wait_until_blocked(sender);
  std::size_t got = 0;
  while (got < bytes.size()) got += ends.second.receive_with(bytes, fds).size;
  CHECK(got == bytes.size());
  CHECK(sender.result() == bytes.size());
  CHECK(fds.size() == 2);  // Once, with the first bytes.
}
