// The plain forms of Socket wait: in poll(2) if the descriptor is non-blocking, in the call itself if it is not.
#include "../support/threads.hpp"
#include "../support/unix_names.hpp"

using namespace rouse;
using namespace std::string_view_literals;
using test::Handles;

namespace {

constexpr SocketFlags both_modes[] = {default_socket_flags, SocketFlags{}};

template <class Socket>
std::string received(Socket& socket, MessageFlags flags = {}) {
  char bytes[100];
  return {bytes, socket.receive(bytes, flags)};
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("Socket: receive waits for the first bytes, or the end", "[socket][threads]",
                        test::AllThreadBackends) {
  for (const SocketFlags flags : both_modes) {
    CAPTURE(flags);
    TestType on;
    auto ends = Handles<TestType>::Socket::pair(on.backend, SocketType::stream, flags);
    for (int i = 0; i < 2; ++i) {
      auto receiver = on.spawn([&] { return received(ends.second); });
      on.wait_until_blocked(receiver);
      ends.first.send("abc"sv);
      CHECK(receiver.result() == "abc");
    }
    auto receiver = on.spawn([&] { return received(ends.second); });
    on.wait_until_blocked(receiver);
    ends.first.shutdown(ShutdownHow::write);
    CHECK(receiver.result() == "");
  }
}

TEMPLATE_LIST_TEST_CASE("Socket: receive waits for all only if the descriptor blocks", "[socket][threads]",
                        test::AllThreadBackends) {
  TestType on;
  using SocketHere = typename Handles<TestType>::Socket;
  const auto receive_all = [&](SocketHere& socket) {
    return on.spawn([&] {
      char bytes[6];
      return std::string(bytes, socket.receive(bytes, MessageFlags::waitall));
    });
  };
  SECTION("it does") {
    auto ends = SocketHere::pair(on.backend, SocketType::stream, SocketFlags{});
    auto receiver = receive_all(ends.second);
    on.wait_until_blocked(receiver);
    ends.first.send("abc"sv);
    ends.first.send("def"sv);
    CHECK(receiver.result() == "abcdef");
  }
  SECTION("it does not") {
    auto ends = SocketHere::pair(on.backend);
    auto receiver = receive_all(ends.second);
    on.wait_until_blocked(receiver);
    ends.first.send("abc"sv);
    CHECK(receiver.result() == "abc");
  }
}

TEMPLATE_LIST_TEST_CASE("Socket: send waits for room until all went", "[socket][threads]", test::AllThreadBackends) {
  for (const SocketFlags flags : both_modes) {
    CAPTURE(flags);
    TestType on;
    auto ends = Handles<TestType>::Socket::pair(on.backend, SocketType::stream, flags);
    const std::string much(1000000, 'x');
    auto sender = on.spawn([&] { return ends.first.send(much); });
    on.wait_until_blocked(sender);
    std::vector<char> bytes(50000);
    std::size_t taken = 0;
    while (taken < much.size()) taken += ends.second.receive(bytes);
    CHECK(taken == much.size());
    CHECK(sender.result() == much.size());
  }
}

TEMPLATE_LIST_TEST_CASE("Socket: a send that is cut short says how much went, if it does not throw",
                        "[socket][threads][errors]", test::AllThreadBackends) {
  TestType on;
  auto ends = Handles<TestType>::Socket::pair(on.backend);
  const std::string much(1000000, 'x');
  std::error_code ec;
  auto sender = on.spawn([&] { return ends.first.send(much, ec); });
  on.wait_until_blocked(sender);
  ends.second.close();
  CHECK(sender.result() == 219264);
  CHECK(ec == std::error_code(EPIPE, std::system_category()));
}

TEMPLATE_LIST_TEST_CASE("Socket: accept waits for a connection", "[socket][threads][listener]",
                        test::AllThreadBackends) {
  for (const SocketFlags flags : both_modes) {
    CAPTURE(flags);
    TestType on;
    test::UnixNames<TestType> names;
    using SocketHere = typename Handles<TestType>::Socket;
    const SocketAddress address = *SocketAddress::unix_path(names.path("server"));
    SocketHere listener = SocketHere::listen_on(on.backend, address, 5, flags);
    auto server = on.spawn([&] {
      SocketHere accepted = listener.accept();
      return received(accepted);
    });
    on.wait_until_blocked(server);
    SocketHere client = SocketHere::connect_to(on.backend, address, flags);
    client.send("hello"sv);
    CHECK(server.result() == "hello");
  }
}

TEMPLATE_LIST_TEST_CASE("Socket: accept ends when the listener is shut down", "[socket][threads][listener]",
                        test::AllThreadBackends) {
  for (const SocketFlags flags : both_modes) {
    CAPTURE(flags);
    TestType on;
    test::UnixNames<TestType> names;
    using SocketHere = typename Handles<TestType>::Socket;
    const SocketAddress address = *SocketAddress::unix_path(names.path("server"));
    SocketHere listener = SocketHere::listen_on(on.backend, address, 5, flags);
    const auto accept = [&] {
      std::error_code ec;
      const SocketHere accepted = listener.accept(SocketFlags{}, ec);
      return ec.value();
    };
    auto server = on.spawn(accept);
    on.wait_until_blocked(server);
    listener.shutdown(ShutdownHow::read);
    CHECK(server.result() == EINVAL);
    const int without_waiting = accept();
    CHECK(without_waiting == EINVAL);
  }
}

TEMPLATE_LIST_TEST_CASE("Socket: what waits in a listener that was shut down is accepted still",
                        "[socket][threads][listener]", test::AllThreadBackends) {
  for (const SocketFlags flags : both_modes) {
    CAPTURE(flags);
    TestType on;
    test::UnixNames<TestType> names;
    using SocketHere = typename Handles<TestType>::Socket;
    const SocketAddress address = *SocketAddress::unix_path(names.path("server"));
    SocketHere listener = SocketHere::listen_on(on.backend, address, 5, flags);
    SocketHere client = SocketHere::connect_to(on.backend, address);
    listener.shutdown(ShutdownHow::both);
    SocketHere accepted = listener.accept();
    client.send("abc"sv);
    CHECK(received(accepted) == "abc");
  }
}

TEMPLATE_LIST_TEST_CASE("Socket: connect waits for room in the backlog if the descriptor blocks",
                        "[socket][threads][listener]", test::AllThreadBackends) {
  TestType on;
  test::UnixNames<TestType> names;
  using SocketHere = typename Handles<TestType>::Socket;
  const SocketAddress address = *SocketAddress::unix_path(names.path("server"));
  SocketHere listener = SocketHere::listen_on(on.backend, address, 0);
  const SocketHere first = SocketHere::connect_to(on.backend, address);
  auto second = on.spawn([&] { return SocketHere::connect_to(on.backend, address, SocketFlags{}).peer_address(); });
  on.wait_until_blocked(second);
  CHECK(listener.try_accept());
  CHECK(second.result() == address);
}
