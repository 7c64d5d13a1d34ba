// PortTable: which sockets have which ports of a namespace, and who may have the same. One for TCP, one for UDP.
#pragma once

#include "../detail/assert.hpp"
#include "../detail/intrusive_list.hpp"
#include "ip_address.hpp"

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

namespace rouse::inline v0::kernel {

/// A socket with a port, or what TCP keeps of one.
class PortUser : public detail::ListLink<PortUser> {
 public:
  IpEndpoint local;
  int family = AF_INET;        ///< Of the socket.
  bool v6_only = false;        ///< Its `::` is not IPv4's any address, too.
  bool reuse_address = false;  ///< SO_REUSEADDR.
  bool reuse_port = false;     ///< SO_REUSEPORT.
  bool listens = false;        ///< Takes connections: shares with nobody by SO_REUSEADDR.
  bool is_implicit = false;    ///< The kernel chose it: it goes with the address or the connection.

  /// Shares its port on the terms of `other`: what the socket says later of itself changes nothing here.
  void share_as(const PortUser& other) {
    family = other.family;
    v6_only = other.v6_only;
    reuse_address = other.reuse_address;
    reuse_port = other.reuse_port;
  }
  /// True if the address is one that it receives for.
  [[nodiscard]] bool covers(const IpAddress& address) const {
    if (local.address == address) return true;
    if (!local.address.is_any()) return false;
    if (local.address.is_v4() || v6_only) return local.address.is_v4() == address.is_v4();
    return true;
  }
  [[nodiscard]] bool overlaps(const PortUser& other) const {
    // To IPv4's any address, an IPv6 one that a connection has chosen, not bind(2), is in the way.
    const bool asks_for_any = family == AF_INET && local.address.is_any();
    return covers(other.local.address) || other.covers(local.address) || (asks_for_any && !other.v6_only);
  }
  /// True if it may have the port beside `other`, at an address of both. Of TCP.
  [[nodiscard]] bool may_share(const PortUser& other) const {
    if (reuse_port && other.reuse_port) return true;
    return reuse_address && other.reuse_address && !other.listens;
  }
};

/// Which of several users with SO_REUSEPORT gets what comes: always the same one for the same peer.
[[nodiscard]] inline std::size_t spread(const IpEndpoint& remote, std::size_t n) {
  std::uint32_t hash = 2166136261;
  const auto mix = [&hash](std::uint32_t part) { hash = (hash ^ part) * 16777619; };
  const ::in6_addr bytes = remote.address.in6();
  for (const std::uint8_t byte : bytes.s6_addr) mix(byte);
  mix(remote.port);
  return (hash ^ hash >> 16) % n;
}

class PortTable {
 public:
  static constexpr std::uint16_t ephemeral_first = 32768;  ///< net.ipv4.ip_local_port_range.
  static constexpr std::uint16_t ephemeral_last = 60999;

  /// TCP asks all who have a port. UDP asks the last one first, and nobody else once one shares it by SO_REUSEPORT; of
  /// IPv6, those who share so come behind all others.
  enum class Of { tcp, udp };
  explicit PortTable(Of protocol) : protocol_(protocol) {}

  /// True if `user` may be at its port beside those who are. It may be one of them.
  [[nodiscard]] bool may_have(const PortUser& user) const {
    const auto found = ports_.find(user.local.port);
    if (found == ports_.end()) return true;
    if (protocol_ == Of::tcp && found->second.lets_in(user)) return true;
    bool may = true;
    bool is_decided = false;
    found->second.users.for_each([&](const PortUser& other) {
      if (&other == &user || is_decided || !user.overlaps(other)) return;
      if (protocol_ == Of::tcp) {
        may = may && user.may_share(other);
      } else if (!user.reuse_address || !other.reuse_address) {
        may = user.reuse_port && other.reuse_port;
        is_decided = true;
      }
    });
    return may;
  }
  /// True if the kernel may choose this port for `user`'s bind(2). TCP shares no address of its own accord.
  [[nodiscard]] bool may_be_given(const PortUser& user) const {
    if (protocol_ == Of::udp) return may_have(user);
    bool is_apart = true;
    for_each(user.local.port, [&](const PortUser& other) { is_apart = is_apart && !user.overlaps(other); });
    return is_apart;
  }
  /// Takes a port by bind(2). Preconditions: it is not 0, and the user has none.
  void take(PortUser& user) {
    note(user);
    Port& port = ports_[user.local.port];
    port.is_bound = true;
    const bool comes_last = protocol_ == Of::tcp || (user.family == AF_INET6 && user.reuse_port);
    comes_last ? port.users.push_back(user) : port.users.push_front(user);
  }
  /// Has a port without asking: of a connection.
  void join(PortUser& user) { ports_[user.local.port].users.push_back(user); }
  /// The port learns how this one shares it.
  void note(const PortUser& user) {
    Port& port = ports_[user.local.port];
    if (!user.reuse_port) {
      port.has_last = false;
    } else if (!port.lets_in(user)) {
      port.has_last = true;
      port.last.local = user.local;
      port.last.share_as(user);
    }
  }
  void remove(PortUser& user) {
    if (!user.is_linked()) return;
    user.unlink();
    const auto found = ports_.find(user.local.port);
    ROUSE_ASSERT(found != ports_.end(), "PortTable::remove: nobody has this port");
    if (found->second.users.empty()) ports_.erase(found);
  }

  /// What check_invariants asks: no port is kept that nobody has.
  [[nodiscard]] bool is_consistent() const {
    return std::all_of(ports_.begin(), ports_.end(), [](const auto& port) { return !port.second.users.empty(); });
  }

  /// The next ephemeral port that nobody has, or for which `may_share` says yes; 0 if there is none. Linux draws lots;
  /// here they are in turn. TCP's bind begins with the odd ones, its connect with the even ones.
  enum class Parity { odd, even, any };
  template <class MayShare>
  [[nodiscard]] std::uint16_t unused(Parity parity, MayShare may_share) {
    const std::uint16_t port = unused_of(parity, may_share);
    return port != 0 ? port : unused_of(parity == Parity::odd ? Parity::even : Parity::odd, may_share);
  }

  /// Those at a port, in the order they are asked.
  template <class Visit>
  void for_each(std::uint16_t port, Visit visit) const {
    const auto found = ports_.find(port);
    if (found != ports_.end()) found->second.users.for_each(visit);
  }
  /// Those of them that fit best, in that order. `fit` says how well a user does, as an optional of what can be
  /// compared: nothing if it does not.
  template <class Fit>
  [[nodiscard]] std::vector<PortUser*> best_at(std::uint16_t port, Fit fit) const {
    std::vector<PortUser*> best;
    decltype(fit(std::declval<PortUser&>())) best_fit;
    for_each(port, [&](PortUser& user) {
      const auto its_fit = fit(user);
      if (!its_fit || its_fit < best_fit) return;
      if (its_fit > best_fit) best.clear();
      best_fit = its_fit;
      best.push_back(&user);
    });
    return best;
  }
  [[nodiscard]] bool is_used(std::uint16_t port) const { return ports_.contains(port); }
  /// True if somebody has come to it by bind(2): connect(2) does not choose it.
  [[nodiscard]] bool is_bound(std::uint16_t port) const {
    const auto found = ports_.find(port);
    return found != ports_.end() && found->second.is_bound;
  }

 private:
  struct Port {
    detail::IntrusiveList<PortUser> users;
    bool is_bound = false;
    // What TCP remembers of who took it with SO_REUSEPORT last and had to ask, so as not to ask them all; whatever they
    // say by now. For an IPv4 socket, an IPv6 one that takes both is one of IPv4's any address.
    bool has_last = false;
    PortUser last;

    [[nodiscard]] bool lets_in(const PortUser& user) const {
      if (!user.reuse_port || !has_last) return false;
      const bool takes_ipv4 = last.local.address.is_any() || last.local.address == user.local.address;
      return last.family == AF_INET ? !user.v6_only && takes_ipv4 : last.covers(user.local.address);
    }
  };

  template <class MayShare>
  [[nodiscard]] std::uint16_t unused_of(Parity parity, MayShare may_share) {
    const std::uint32_t step = parity == Parity::any ? 1 : 2;
    const std::uint32_t first = ephemeral_first + (parity == Parity::odd ? 1u : 0u);
    const std::uint32_t n = (ephemeral_last - first) / step + 1;
    std::uint32_t& next = next_[static_cast<std::size_t>(parity)];
    for (std::uint32_t i = 0; i < n; ++i) {
      const std::uint32_t at = (next + i) % n;
      const auto port = static_cast<std::uint16_t>(first + at * step);
      if (ports_.contains(port) && !may_share(port)) continue;
      next = (at + 1) % n;
      return port;
    }
    return 0;
  }

  const Of protocol_;
  std::map<std::uint16_t, Port> ports_;
  std::uint32_t next_[3] = {};
};

}  // namespace rouse::inline v0::kernel
