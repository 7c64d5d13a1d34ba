// NetNamespace: a machine, as its network sees it: addresses, ports, TCP's connections. Network has them all.
#pragma once

#include "port_table.hpp"

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace rouse::inline v0::kernel {

class Network;
class TcpEndpoint;

class NetNamespace {
 public:
  NetNamespace(Network& network, std::size_t index, std::string name, std::vector<IpAddress> addresses)
      : network_(network), index_(index), name_(std::move(name)), addresses_(std::move(addresses)) {}
  NetNamespace(const NetNamespace&) = delete;
  NetNamespace& operator=(const NetNamespace&) = delete;
  [[nodiscard]] Network& network() const { return network_; }
  /// Its place among all of the network.
  [[nodiscard]] std::size_t index() const { return index_; }
  [[nodiscard]] const std::string& name() const { return name_; }
  /// Those beside the loopback.
  [[nodiscard]] const std::vector<IpAddress>& addresses() const { return addresses_; }

  /// True if packets to this address stay here.
  [[nodiscard]] bool has(const IpAddress& address) const {
    return address.is_loopback() || std::find(addresses_.begin(), addresses_.end(), address) != addresses_.end();
  }
  /// The address that packets to `to` come from, unless their socket has another one; nothing if there is no way.
  [[nodiscard]] std::optional<IpAddress> source_for(const IpAddress& to) const {
    if (to.is_loopback()) return IpAddress::loopback(to.family());
    if (has(to)) return to;
    for (const IpAddress& address : addresses_) {
      if (address.is_v4() == to.is_v4()) return address;
    }
    return std::nullopt;
  }

  /// The namespace that packets to `to` get to: this one, or another; null if nobody has the address.
  [[nodiscard]] NetNamespace* find(const IpAddress& to) const;  // In network.hpp.

  /// Both ends of a connection, seen from here.
  struct Ends {
    IpEndpoint local;
    IpEndpoint remote;
    friend auto operator<=>(const Ends&, const Ends&) = default;
  };

  PortTable tcp_ports{PortTable::Of::tcp};
  PortTable udp_ports{PortTable::Of::udp};
  std::map<Ends, std::shared_ptr<TcpEndpoint>> connections;

 private:
  Network& network_;
  const std::size_t index_;
  const std::string name_;
  const std::vector<IpAddress> addresses_;
};

}  // namespace rouse::inline v0::kernel
