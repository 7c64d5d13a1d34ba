// One class, two kernels: the same cases on Linux and on the emulated kernel, over unix sockets and TCP.
#include "echo_server.hpp"

#include "../tests/support/backends.hpp"
#include "rouse/kernel/thread_host.hpp"

#include <filesystem>
#include <stdlib.h>
#include <thread>

using namespace rouse;
using namespace std::string_view_literals;

namespace {

/// A unix address that nobody has, and a way to forget it: Linux makes a socket file for it.
class UnixAddressToHave {
 public:
  UnixAddressToHave() {
    directory_ = std::filesystem::temp_directory_path() / "rouse-echo-XXXXXX";
    REQUIRE(::mkdtemp(directory_.data()) != nullptr);
  }
  UnixAddressToHave(const UnixAddressToHave&) = delete;
  UnixAddressToHave& operator=(const UnixAddressToHave&) = delete;
  ~UnixAddressToHave() { std::filesystem::remove_all(directory_); }

  [[nodiscard]] SocketAddress get() const { return *SocketAddress::unix_path(directory_ + "/socket"); }

 private:
  std::string directory_;
};

struct TcpAddressToHave {
  [[nodiscard]] SocketAddress get() const { return SocketAddress::ipv4_loopback(0); }
};

/// A kernel, and what the server listens on. Not Linux with TCP: there, what was sent may still be on its way when the
/// call returns.
template <class On, class AddressToHave>
struct Ground {
  using Kernel = On;
  using Address = AddressToHave;
};
using AllGrounds = std::tuple<Ground<test::OnLinux, UnixAddressToHave>, Ground<test::OnEmulated, UnixAddressToHave>,
                              Ground<test::OnEmulated, TcpAddressToHave>>;

/// Lowers RLIMIT_NOFILE so that no number is free, and raises it again.
template <class Backend>
class NoMoreFds {
 public:
  explicit NoMoreFds(Backend backend) : backend_(backend) {
    REQUIRE(backend_.getrlimit(RLIMIT_NOFILE, &before_).ok());
    const int lowest_free = backend_.eventfd(0, 0).value();
    REQUIRE(backend_.close(lowest_free).ok());
    const ::rlimit none{static_cast<::rlim_t>(lowest_free), before_.rlim_max};
    REQUIRE(backend_.setrlimit(RLIMIT_NOFILE, &none).ok());
  }
  NoMoreFds(const NoMoreFds&) = delete;
  NoMoreFds& operator=(const NoMoreFds&) = delete;
  ~NoMoreFds() { static_cast<void>(backend_.setrlimit(RLIMIT_NOFILE, &before_)); }

 private:
  Backend backend_;
  ::rlimit before_{};
};

template <class Backend>
std::int64_t now(Backend backend) {
  ::timespec time{};
  REQUIRE(backend.clock_gettime(CLOCK_MONOTONIC, &time).ok());
  return time.tv_sec * std::int64_t{1'000'000'000} + time.tv_nsec;
}

template <class On>
struct Fixture {
  using Backend = typename On::Kernel::Backend;
  using Client = BasicSocket<Backend>;

  Fixture() { bound = server.listen(address.get()); }

  Client client() { return Client::connect_to(on.backend, bound); }
  /// Lets the server do all that it can do now.
  void settle() {
    for (int i = 0; i < 100; ++i) server.step(Timeout::now);
  }
  /// All that has come back so far.
  static std::string received(Client& client) {
    std::string all;
    char buffer[64 * 1024];
    for (;;) {
      const auto n = client.try_receive(buffer);
      if (!n || *n == 0) return all;
      all.append(buffer, *n);
    }
  }

  typename On::Kernel on;
  typename On::Address address;
  example::EchoServer<Backend> server{on.backend};
  SocketAddress bound;
};

}  // namespace

TEMPLATE_LIST_TEST_CASE("EchoServer: answers several clients", "[example][echo]", AllGrounds) {
  Fixture<TestType> f;
  auto a = f.client();
  auto b = f.client();
  a.send("from a"sv);
  b.send("from b"sv);
  f.settle();
  CHECK(f.received(a) == "from a");
  CHECK(f.received(b) == "from b");
  CHECK(f.server.connections() == 2);
  CHECK(f.server.served() == 2);
}

TEMPLATE_LIST_TEST_CASE("EchoServer: answers a client that sends no more", "[example][echo]", AllGrounds) {
  Fixture<TestType> f;
  auto client = f.client();
  client.send("last words"sv);
  client.shutdown(ShutdownHow::write);
  f.settle();
  CHECK(f.received(client) == "last words");
  char byte[1];
  CHECK(client.receive(byte) == 0);
  CHECK(f.server.connections() == 0);
}

TEMPLATE_LIST_TEST_CASE("EchoServer: sends the rest when a slow client reads on", "[example][echo]", AllGrounds) {
  Fixture<TestType> f;
  auto client = f.client();
  const std::string sent(1'000'000, 'x');
  std::string back;
  for (std::size_t done = 0; done < sent.size() || back.size() < sent.size();) {
    const auto n = client.try_send(std::string_view(sent).substr(done));
    done += n.value_or(0);
    f.settle();
    // Reads only when nothing more can be sent: both directions are full then.
    if (!n || done == sent.size()) back += f.received(client);
  }
  CHECK(back == sent);
}

TEMPLATE_LIST_TEST_CASE("EchoServer: drops a client that resets, and serves on", "[example][echo]", AllGrounds) {
  Fixture<TestType> f;
  {
    auto rude = f.client();
    rude.send("never read"sv);
    f.settle();
  }
  f.settle();
  CHECK(f.server.connections() == 0);
  auto client = f.client();
  client.send("hello"sv);
  f.settle();
  CHECK(f.received(client) == "hello");
}

TEMPLATE_LIST_TEST_CASE("EchoServer: a stop ends run()", "[example][echo]", AllGrounds) {
  Fixture<TestType> f;
  f.server.stop();
  f.server.run();
  CHECK(f.server.is_stopped());
}

TEMPLATE_LIST_TEST_CASE("EchoServer: out of fds it does not spin, and accepts again once one is free",
                        "[example][echo]", AllGrounds) {
  Fixture<TestType> f;
  auto first = f.client();
  f.settle();
  auto second = f.client();
  {
    const NoMoreFds limit{f.on.backend};
    f.settle();
    CHECK_FALSE(f.server.is_accepting());
    CHECK(f.server.served() == 1);
    // It sleeps, though the listener is ready all the while.
    const auto before = now(f.on.backend);
    f.server.step(Timeout::of_nanoseconds(50'000'000));
    CHECK(now(f.on.backend) - before >= 50'000'000);
    CHECK_FALSE(f.server.is_accepting());
  }
  first.close();
  second.send("waited"sv);
  f.settle();
  CHECK(f.server.is_accepting());
  CHECK(f.received(second) == "waited");
}

TEST_CASE("EchoServer: tries to accept again after a while even if nothing was closed", "[example][echo][emulated]") {
  Fixture<Ground<test::OnEmulated, TcpAddressToHave>> f;
  auto client = f.client();
  f.on.kernel.limits.nofile_soft = 3;
  f.settle();
  f.on.kernel.limits.nofile_soft = 1024;
  f.server.step();
  f.settle();
  CHECK(f.server.served() == 1);
  CHECK(f.on.kernel.host().now() == 100'000'000);
}

TEST_CASE("EchoServer: serves clients on threads of their own", "[example][echo][emulated]") {
  kernel::ThreadHost host;
  kernel::Kernel kernel{host};
  const EmulatedBackend backend{kernel};
  example::EchoServer<EmulatedBackend> server{backend};
  const SocketAddress address = *SocketAddress::unix_abstract("echo");
  server.listen(address);
  std::thread serving{[&] { server.run(); }};
  std::vector<std::string> answers(4);
  {
    std::vector<std::jthread> clients;
    for (std::size_t i = 0; i < answers.size(); ++i) {
      clients.emplace_back([&, i] {
        auto socket = BasicSocket<EmulatedBackend>::connect_to(backend, address);
        socket.send(std::string(i + 1, 'a'));
        char buffer[16];
        answers[i].assign(buffer, socket.receive(buffer));
      });
    }
  }
  server.stop();
  serving.join();
  CHECK(answers == std::vector<std::string>{"a", "aa", "aaa", "aaaa"});
  CHECK(server.served() == 4);
}

TEST_CASE("EchoServer: serves TCP, and drops a client that resets", "[example][echo][real]") {
  example::EchoServer<LinuxBackend> server{LinuxBackend{}};
  const SocketAddress address = server.listen(SocketAddress::ipv4_loopback(0));
  std::thread serving{[&] { server.run(); }};
  {
    auto rude = Socket::connect_to(address);
    const ::linger at_once{1, 0};
    REQUIRE(rude.backend().setsockopt(rude.fd(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once).ok());
    rude.send("never read"sv);
  }
  auto client = Socket::connect_to(address);
  client.send("hello"sv);
  char buffer[16];
  const std::size_t n = client.receive(buffer);
  server.stop();
  serving.join();
  CHECK(std::string(buffer, n) == "hello");
  CHECK(server.served() == 2);
}
