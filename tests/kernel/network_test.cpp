// The network of the emulated kernel: namespaces, and what links between them do to UDP and TCP, at exact times.
#include "rouse/kernel/network.hpp"

#include "../support/machines.hpp"
#include "../support/scripted_host.hpp"

#include <chrono>

using namespace rouse;
using namespace std::chrono_literals;
using F = EventFlags;
using kernel::InNamespace;
using kernel::NetNamespace;
using kernel::SoloHost;
using test::failed;
using test::inet_address;
using test::nothing;
using test::OnEmulated;
using test::text;
using test::unsent;

namespace {

using test::Connection;
using test::Machines;
using Calls = Machines::Calls;
using Fd = Machines::Fd;

}  // namespace

TEST_CASE("Network: each namespace has addresses and ports of its own", "[network]") {
  Machines m;
  CHECK(m.network.initial().name() == "initial");
  CHECK(m.server_net.name() == "server");
  CHECK(m.server_net.index() == 2);
  CHECK(m.server_net.addresses().size() == 3);
  CHECK(m.network.owner(*kernel::IpAddress::parse("10.0.0.2")) == &m.server_net);
  CHECK(m.network.owner(kernel::IpAddress::loopback(AF_INET)) == nullptr);  // Everybody has it.
  const Fd here = m.bound(m.udp, m.client_net, "127.0.0.1", 5000);
  const Fd there = m.bound(m.udp, m.server_net, "127.0.0.1", 5000);
  const Fd elsewhere = m.bound(m.udp, m.network.initial(), "127.0.0.1", 5000);
  CHECK(m.udp.bind(m.socket(m.udp, m.client_net), inet_address("127.0.0.1", 5000)) == failed(EADDRINUSE));
  CHECK(m.udp.bind(m.socket(m.udp, m.client_net), inet_address("10.0.0.2", 0)) == failed(EADDRNOTAVAIL));
  CHECK(m.udp.bind(m.socket(m.udp, m.client_net), inet_address("10.0.0.1", 0)).ok());
  REQUIRE(m.udp.send_to(here, "x", inet_address("127.0.0.1", 5000)).ok());
  CHECK(m.udp.receive(here) == text("x"));
  CHECK(m.udp.receive(there) == nothing(EAGAIN));
}

TEST_CASE("Network: who is in a namespace is back where it was when the scope ends", "[network]") {
  Machines m;
  const auto net_of_new = [&] {
    const Fd fd = m.udp.fresh();
    return m.udp.bind(fd, inet_address("10.0.0.1", 0)).ok() ? "client" : "another";
  };
  CHECK(net_of_new() == std::string("another"));
  {
    const InNamespace outer{m.on.kernel, m.client_net};
    CHECK(net_of_new() == std::string("client"));
    {
      const InNamespace inner{m.on.kernel, m.server_net};
      CHECK(net_of_new() == std::string("another"));
    }
    CHECK(net_of_new() == std::string("client"));
  }
  CHECK(net_of_new() == std::string("another"));
}

TEST_CASE("Network: a datagram goes from one machine to another, and back", "[network][udp]") {
  Machines m;
  const Fd server = m.bound(m.udp, m.server_net, "0.0.0.0", 5353);
  const Fd client = m.socket(m.udp, m.client_net);
  REQUIRE(m.udp.send_to(client, "question", inet_address("10.0.0.3", 5353)).ok());
  char bytes[20];
  const auto told = test::told(50, [&](::sockaddr* from, ::socklen_t* n) {
    return m.on.backend.recvfrom(server.get(), bytes, sizeof bytes, 0, from, n);
  });
  CHECK(told.result == std::size_t{8});
  CHECK(test::ip_in(told.written) == "10.0.0.1");
  REQUIRE(m.udp.send_to(server, "answer", told.written).ok());
  CHECK(m.udp.receive(client) == text("answer"));
}

TEST_CASE("Network: there is no way from the loopback, or to another family's addresses", "[network]") {
  Machines m;
  const Fd nowhere = m.udp.fresh();  // In the initial namespace, which has no address but the loopback's.
  CHECK(m.udp.send_to(nowhere, "x", inet_address("10.0.0.2", 5353)) == unsent(ENETUNREACH));
  const Fd local = m.bound(m.udp, m.client_net, "127.0.0.1", 0);
  CHECK(m.udp.send_to(local, "x", inet_address("10.0.0.2", 5353)) == unsent(EINVAL));
  const Fd stream = m.bound(m.tcp, m.client_net, "127.0.0.1", 0);
  CHECK(m.tcp.connect(stream, inet_address("10.0.0.2", 5353)) == failed(EINVAL));
  NetNamespace& four = m.network.add("four", {"10.0.0.4"});
  const Calls udp6{m.on, SOCK_DGRAM, AF_INET6};
  CHECK(udp6.send_to(m.socket(udp6, four), "x", inet_address("fd00::1", 5353)) == unsent(ENETUNREACH));
  CHECK(udp6.send_to(m.socket(udp6, m.server_net), "x", inet_address("fd00::1", 5353)).ok());
}

TEST_CASE("Network: a machine reaches itself by its address", "[network][tcp]") {
  Machines m;
  const Fd server = m.listener();
  const Fd client = m.socket(m.tcp, m.server_net);
  REQUIRE(m.tcp.connect(client, inet_address("10.0.0.2", 8080)) == failed(EINPROGRESS));
  CHECK(m.tcp.bits(client) == F::out);
  CHECK(m.tcp.local_ip(client) == "10.0.0.2");
  const Fd second = m.socket(m.udp, m.server_net);
  REQUIRE(m.udp.connect(second, inet_address("10.0.0.3", 8080)).ok());
  CHECK(m.udp.local_ip(second) == "10.0.0.3");
}

TEST_CASE("Network: a connection between two machines", "[network][tcp]") {
  for (const bool is_v6 : {false, true}) {
    Machines m;
    const Calls calls{m.on, SOCK_STREAM, is_v6 ? AF_INET6 : AF_INET};
    const std::string at = inet_address(is_v6 ? "fd00::2" : "10.0.0.2", 8080);
    const Fd server = m.socket(calls, m.server_net);
    REQUIRE(calls.bind(server, at).ok());
    REQUIRE(calls.listen(server, 5).ok());
    const Fd client = m.socket(calls, m.client_net);
    REQUIRE(calls.connect(client, at) == failed(EINPROGRESS));
    const Fd accepted = calls.accepted(server);
    CHECK(calls.local_ip(client) == (is_v6 ? "fd00::1" : "10.0.0.1"));
    CHECK(calls.peer(accepted) == calls.local(client));
    REQUIRE(calls.send(client, "abc").ok());
    CHECK(calls.receive(accepted) == text("abc"));
    REQUIRE(calls.send(accepted, std::string(50000, 'x')).ok());
    CHECK(calls.receive(client, 100000).bytes.size() == 50000);
    CHECK(calls.option(client, SO_SNDBUF) == 87040);
  }
}

TEST_CASE("Network: nobody at a port of another machine", "[network]") {
  Machines m;
  const Fd stream = m.client();
  CHECK(m.tcp.take_error(stream) == ECONNREFUSED);
  const Fd datagrams = m.socket(m.udp, m.client_net);
  REQUIRE(m.udp.connect(datagrams, inet_address("10.0.0.2", 5353)).ok());
  REQUIRE(m.udp.send(datagrams, "x").ok());
  CHECK(m.udp.take_error(datagrams) == ECONNREFUSED);
}

TEST_CASE("Network: an address that nobody has is found out after 3 s", "[network]") {
  Machines m;
  const Fd stream = m.client("10.0.0.77");
  CHECK(m.error_of(stream) == Machines::Ended{3s, EHOSTUNREACH});
  const Fd datagrams = m.socket(m.udp, m.client_net);
  CHECK(m.udp.send_to(datagrams, "x", inet_address("10.0.0.77", 5353)).ok());
}

TEST_CASE("Network: latency, each way", "[network][link]") {
  Machines m;
  m.link.set_latency(30ms);
  SECTION("of datagrams, which keep their order") {
    const Fd server = m.bound(m.udp, m.server_net, "10.0.0.2", 5353);
    const Fd client = m.socket(m.udp, m.client_net);
    REQUIRE(m.udp.send_to(client, "first", inet_address("10.0.0.2", 5353)).ok());
    m.link.set_latency(10ms);
    REQUIRE(m.udp.send_to(client, "second", inet_address("10.0.0.2", 5353)).ok());
    m.host.advance(29ms);
    CHECK(m.udp.receive(server) == nothing(EAGAIN));
    m.host.advance(1ms);
    CHECK(m.udp.receive(server) == text("first"));
    CHECK(m.udp.receive(server) == text("second"));
  }
  SECTION("of an error") {
    const Fd client = m.socket(m.udp, m.client_net);
    REQUIRE(m.udp.connect(client, inet_address("10.0.0.2", 5353)).ok());
    REQUIRE(m.udp.send(client, "x").ok());
    CHECK(m.error_of(client) == Machines::Ended{60ms, ECONNREFUSED});
  }
  SECTION("of a connection") {
    const Fd server = m.listener();
    const Fd client = m.client();
    CHECK(m.tcp.bits(client) == F{});
    m.host.advance(59ms);
    CHECK(m.tcp.bits(client) == F{});
    CHECK(m.tcp.bits(server) == F{});
    m.host.advance(1ms);
    CHECK(m.tcp.bits(client) == F::out);
    CHECK(m.tcp.bits(server) == F{});
    m.host.advance(30ms);
    CHECK(m.tcp.bits(server) == F::in);
    const Fd accepted = m.tcp.accepted(server);
    REQUIRE(m.tcp.send(client, "abc").ok());
    CHECK(m.tcp.in_flight(client) == 3);
    m.host.advance(30ms);
    CHECK(m.tcp.receive(accepted) == text("abc"));
    CHECK(m.tcp.in_flight(client) == 3);
    m.host.advance(30ms);
    CHECK(m.tcp.in_flight(client) == 0);
  }
  SECTION("not of the loopback") {
    const Fd a = m.bound(m.udp, m.client_net, "127.0.0.1", 5000);
    REQUIRE(m.udp.send_to(a, "x", inet_address("127.0.0.1", 5000)).ok());
    CHECK(m.udp.receive(a) == text("x"));
  }
}

TEST_CASE("Network: what answers a late packet at once arrives with it", "[network][link]") {
  Connection c;
  kernel::Link& link = c.network.link(c.client_net, c.server_net);
  link.set_latency(10ms);
  REQUIRE(c.tcp.send(c.end, "abc").ok());
  link.set_latency(0ms);
  c.host.advance(10ms);
  CHECK(c.tcp.in_flight(c.end) == 0);
}

TEST_CASE("Network: the loopback has a link, too", "[network][link]") {
  Machines m;
  m.network.link(m.client_net, m.client_net).set_latency(5ms);
  const Fd a = m.bound(m.udp, m.client_net, "127.0.0.1", 5000);
  REQUIRE(m.udp.send_to(a, "x", inet_address("127.0.0.1", 5000)).ok());
  CHECK(m.udp.receive(a) == nothing(EAGAIN));
  m.host.advance(5ms);
  CHECK(m.udp.receive(a) == text("x"));
}

TEST_CASE("Network: bandwidth", "[network][link]") {
  Machines m;
  m.link.set_bandwidth(1000);
  const Fd server = m.bound(m.udp, m.server_net, "10.0.0.2", 5353);
  const Fd client = m.socket(m.udp, m.client_net);
  const std::string datagram(72, 'x');  // 100 bytes with headers.
  for (int i = 0; i < 2; ++i) REQUIRE(m.udp.send_to(client, datagram, inet_address("10.0.0.2", 5353)).ok());
  m.host.advance(99ms);
  CHECK(m.udp.receive(server) == nothing(EAGAIN));
  m.host.advance(1ms);
  CHECK(m.udp.receive(server).bytes == datagram);
  m.host.advance(99ms);
  CHECK(m.udp.receive(server) == nothing(EAGAIN));
  m.host.advance(1ms);
  CHECK(m.udp.receive(server).bytes == datagram);
}

TEST_CASE("Network: the segments of TCP take bandwidth by their headers", "[network][link][tcp]") {
  Machines m;
  const Calls tcp6{m.on, SOCK_STREAM, AF_INET6};
  const bool is_v6 = GENERATE(false, true);
  const Calls& calls = is_v6 ? tcp6 : m.tcp;
  const std::string at = inet_address(is_v6 ? "fd00::2" : "10.0.0.2", 8080);
  const Fd server = m.socket(calls, m.server_net);
  REQUIRE(calls.bind(server, at).ok());
  REQUIRE(calls.listen(server, 1).ok());
  m.link.set_bandwidth(1000);
  const Fd client = m.socket(calls, m.client_net);
  REQUIRE(calls.connect(client, at) == failed(EINPROGRESS));
  ::pollfd entry{client.get(), POLLOUT, 0};
  REQUIRE(m.on.backend.poll(&entry, 1, -1) == 1);
  CHECK(m.now() == (is_v6 ? 144ms : 104ms));  // There and back.
}

TEST_CASE("Network: IPv6 and the answers to nobody take bandwidth by their headers", "[network][link]") {
  Machines m;
  const Calls udp6{m.on, SOCK_DGRAM, AF_INET6};
  const bool is_v6 = GENERATE(false, true);
  const Calls& calls = is_v6 ? udp6 : m.udp;
  const Fd client = m.socket(calls, m.client_net);
  REQUIRE(calls.connect(client, inet_address(is_v6 ? "fd00::2" : "10.0.0.2", 9)).ok());
  m.link.set_bandwidth(1000);
  // As many bytes as make 100 with their headers, and 56 of the answer.
  REQUIRE(calls.send(client, std::string(is_v6 ? 52 : 72, 'x')).ok());
  SECTION("and are on their way for so long") {
    m.host.advance(155ms);
    CHECK(calls.take_error(client) == 0);
    m.host.advance(1ms);
    CHECK(calls.take_error(client) == ECONNREFUSED);
  }
  SECTION("and get lost") {
    m.host.advance(1ms);
    m.link.set_loss({1, 1});
    m.host.advance(200ms);
    CHECK(calls.take_error(client) == 0);
  }
}

TEST_CASE("Network: what is sent comes from the address that the socket is bound to", "[network][udp]") {
  Machines m;
  NetNamespace& other = m.network.add("other", {"10.0.0.8", "10.0.0.9", "fd00::8", "fd00::9"});
  struct Row {
    int family;
    const char* own;
    const char* from;
    const char* to;
  };
  const Row rows[] = {{AF_INET, "10.0.0.9", "10.0.0.9", "10.0.0.2"},
                      {AF_INET, "0.0.0.0", "10.0.0.8", "10.0.0.2"},
                      {AF_INET6, "fd00::9", "fd00::9", "fd00::2"},
                      {AF_INET6, "::", "fd00::8", "fd00::2"}};
  for (const Row& row : rows) {
    CAPTURE(row.own);
    const Calls calls{m.on, SOCK_DGRAM, row.family};
    const Fd server = m.bound(calls, m.server_net, row.to, 5353);
    const Fd client = m.bound(calls, other, row.own, 4000);
    REQUIRE(calls.send_to(client, "x", inet_address(row.to, 5353)).ok());
    char byte;
    const auto told = test::told(100, [&](::sockaddr* from, ::socklen_t* n) {
      return m.on.backend.recvfrom(server.get(), &byte, 1, 0, from, n);
    });
    CHECK(told.written == inet_address(row.from, 4000));
  }
}

TEST_CASE("Network: loss, by a seed", "[network][link]") {
  const auto arrived = [](std::uint64_t seed) {
    Machines m;
    m.host.seed(seed);
    m.link.set_loss({1, 4});
    const Fd server = m.bound(m.udp, m.server_net, "10.0.0.2", 5353);
    const Fd client = m.socket(m.udp, m.client_net);
    std::string log;
    for (int i = 0; i < 200; ++i) {
      REQUIRE(m.udp.send_to(client, "x", inet_address("10.0.0.2", 5353)).ok());
      log += m.udp.receive(server).result.ok() ? '1' : '0';
    }
    return log;
  };
  const std::string first = arrived(7);
  CHECK(arrived(7) == first);
  CHECK(arrived(8) != first);
  const auto lost = std::count(first.begin(), first.end(), '0');
  CHECK(lost > 30);
  CHECK(lost < 70);

  Connection c;
  c.link.set_loss({1, 1});  // TCP's packets are not lost: they would only be sent again.
  REQUIRE(c.tcp.send(c.end, "abc").ok());
  CHECK(c.tcp.receive(c.accepted) == text("abc"));
}

TEST_CASE("Network: what is under way when the kernel ends goes with it", "[network]") {
  class Sent final : public kernel::Packet {
   public:
    explicit Sent(bool& is_gone) : is_gone_(is_gone) {}
    ~Sent() override { is_gone_ = true; }

   private:
    void arrive(NetNamespace&) override { FAIL("it arrived"); }
    [[nodiscard]] std::size_t size() const override { return 1; }
    bool& is_gone_;
  };
  bool is_gone = false;
  {
    Machines m;
    m.link.set_latency(1h);
    m.network.send(m.client_net, m.server_net.addresses().front(), std::make_unique<Sent>(is_gone));
    const Fd client = m.socket(m.udp, m.client_net);
    REQUIRE(m.udp.send_to(client, "x", inet_address("10.0.0.2", 5353)).ok());
    const Fd stream = m.client();
    CHECK_FALSE(is_gone);
  }
  CHECK(is_gone);
}

TEST_CASE("Network: who changes it, or the clock, from outside holds the kernel's lock meanwhile, if there is one",
          "[network]") {
  for (const unsigned needs : {kernel::needs_nothing, kernel::needs_schedule_points, kernel::needs_locking}) {
    test::ScriptedHost host{needs};
    kernel::Kernel kernel{host};
    NetNamespace& here = kernel.network.add("here", {"10.0.0.1"});
    NetNamespace& there = kernel.network.add("there", {"10.0.0.2"});
    const int each = needs == kernel::needs_locking ? 1 : 0;
    kernel.network.set_partitioned(here, there, true);
    CHECK(host.locks == each);
    CHECK(host.unlocks == each);
    kernel.network.reset_connections(here, there);
    CHECK(host.locks == 2 * each);
    CHECK(host.unlocks == 2 * each);
    kernel.set_realtime(1h);
    CHECK(host.locks == 3 * each);
    CHECK(host.unlocks == 3 * each);
    CHECK_FALSE(host.is_locked);
  }
}

TEST_CASE("Network: a blocking call lets time pass until a packet comes", "[network]") {
  Machines m;
  m.link.set_latency(30ms);
  const Fd server = m.listener();
  const Fd client = m.socket(m.tcp, m.client_net, 0);
  CHECK(m.tcp.connect(client, inet_address("10.0.0.2", 8080)).ok());
  CHECK(m.now() == 60ms);
}
