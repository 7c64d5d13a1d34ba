// Machines: two machines on the network of an emulated kernel, for cases that say what happens when.
#pragma once

#include "inet_sockets.hpp"

#include <chrono>
#include <utility>

namespace test {

/// Two machines.
struct Machines {
  using Calls = InetSockets<OnEmulated>;
  using Fd = Calls::Fd;

  OnEmulated on;
  rouse::kernel::Network& network = on.kernel.network;
  rouse::kernel::SoloHost& host = static_cast<rouse::kernel::SoloHost&>(on.kernel.host());
  rouse::kernel::NetNamespace& client_net = network.add("client", {"10.0.0.1", "fd00::1"});
  rouse::kernel::NetNamespace& server_net = network.add("server", {"10.0.0.2", "10.0.0.3", "fd00::2"});
  rouse::kernel::Link& link = network.link(client_net, server_net);
  Calls tcp{on, SOCK_STREAM};
  Calls udp{on, SOCK_DGRAM};

  Fd socket(const Calls& calls, rouse::kernel::NetNamespace& net, int flags = SOCK_NONBLOCK) {
    const rouse::kernel::InNamespace in{on.kernel, net};
    return calls.fresh(flags);
  }
  Fd bound(const Calls& calls, rouse::kernel::NetNamespace& net, const char* ip, int port) {
    Fd fd = socket(calls, net);
    calls.bind(fd, inet_address(ip, port)).value();
    return fd;
  }
  Fd listener(int port = 80 + 8000) {
    Fd fd = bound(tcp, server_net, "10.0.0.2", port);
    tcp.listen(fd, 10).value();
    return fd;
  }
  Fd client(const char* ip = "10.0.0.2", int port = 80 + 8000) {
    Fd fd = socket(tcp, client_net);
    REQUIRE(tcp.connect(fd, inet_address(ip, port)) == failed(EINPROGRESS));
    return fd;
  }
  /// Nothing gets through between the two from now on, or everything again.
  void cut(bool is_cut = true) { network.set_partitioned(client_net, server_net, is_cut); }
  /// Asks whether the peer is there after 10 s, and then twice, every 3 s.
  void keep_asking(const Fd& fd) const {
    REQUIRE(tcp.set(fd, IPPROTO_TCP, TCP_KEEPIDLE, 10).ok());
    REQUIRE(tcp.set(fd, IPPROTO_TCP, TCP_KEEPINTVL, 3).ok());
    REQUIRE(tcp.set(fd, IPPROTO_TCP, TCP_KEEPCNT, 2).ok());
    REQUIRE(tcp.set_option(fd, SO_KEEPALIVE, 1).ok());
  }
  [[nodiscard]] std::chrono::nanoseconds now() const { return std::chrono::nanoseconds(host.now()); }
  /// What came, and how long after now.
  using Ended = std::pair<std::chrono::nanoseconds, int>;
  /// Lets time pass until the error comes.
  Ended error_of(const Fd& fd) {
    const std::chrono::nanoseconds before = now();
    ::pollfd entry{fd.get(), 0, 0};
    REQUIRE(on.backend.poll(&entry, 1, 2'000'000'000).ok());
    return {now() - before, tcp.take_error(fd)};
  }
};

/// A connection between two machines.
struct Connection : Machines {
  Fd server = listener();
  Fd end = client();
  Fd accepted = tcp.accepted(server);
};

}  // namespace test
