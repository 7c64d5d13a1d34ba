// Network: the namespaces of one kernel and the links between them. What is sent without delay arrives at the end of
// the call that sends it, in the order it was sent; else when its time has come, by the kernel's timers.
//
// A namespace is what it is on Linux (network_namespaces(7)): addresses, ports and connections of their own. With
// several, one process tests a client and a server on different machines: see InNamespace.
#pragma once

#include "../detail/tsan.hpp"
#include "file.hpp"
#include "host.hpp"
#include "link.hpp"
#include "net_namespace.hpp"
#include "timers.hpp"

#include <initializer_list>
#include <map>
#include <memory>
#include <new>
#include <string>
#include <utility>
#include <vector>

namespace rouse::inline v0::kernel {

/// Something on its way to a namespace.
class Packet : public SyncPoint {
 public:
  Packet() = default;
  Packet(const Packet&) = delete;
  Packet& operator=(const Packet&) = delete;
  virtual ~Packet() = default;

  virtual void arrive(NetNamespace& at) = 0;
  /// Bytes on the wire, headers included.
  [[nodiscard]] virtual std::size_t size() const = 0;
  /// True if a link that loses packets may lose this one.
  [[nodiscard]] virtual bool may_get_lost() const { return false; }
};

class Network {
 public:
  Network(Host& host, Timers& timers, FileIds& file_ids, const Limits& limits)
      : host_(host), timers_(timers), file_ids_(file_ids), limits_(limits) {}
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;
  ~Network();

  /// Where tasks are that were put nowhere else. It has its loopback and no other address.
  [[nodiscard]] NetNamespace& initial() { return initial_; }
  /// A new one with these addresses beside its loopback. It reaches every other one at their addresses. Preconditions:
  /// they are addresses, and nobody has them.
  NetNamespace& add(std::string name, std::initializer_list<const char*> addresses);
  template <class Visit>
  void for_each(Visit visit) const {
    visit(initial_);
    for (const auto& each : added_) visit(*each);
  }
  /// The link between two, or the loopback of one.
  [[nodiscard]] Link& link(const NetNamespace& a, const NetNamespace& b);
  /// Sets whether nothing gets through. TCP goes on trying; what it sent meanwhile comes late, or is ETIMEDOUT.
  void set_partitioned(NetNamespace& a, NetNamespace& b, bool partitioned);  // In tcp_endpoint.hpp.
  /// Ends every connection between the two, as a firewall does that forgets them: ECONNRESET at both ends.
  void reset_connections(NetNamespace& a, NetNamespace& b);  // In tcp_endpoint.hpp.

  // -- for sockets

  /// The namespace that has the address; null if none has.
  [[nodiscard]] NetNamespace* owner(const IpAddress& address) const;
  /// Sends a packet off. It may get lost, for want of memory, too, or as nobody has the address.
  void send(NetNamespace& from, const IpAddress& to, std::unique_ptr<Packet> packet) noexcept;
  /// Lets arrive what takes no time. Called at the end of whatever may have sent.
  void settle() noexcept;

  [[nodiscard]] Timers& timers() const { return timers_; }
  [[nodiscard]] FileIds& file_ids() const { return file_ids_; }
  [[nodiscard]] const Limits& limits() const { return limits_; }
  /// A number to begin a connection with: far from all others.
  [[nodiscard]] std::uint64_t next_sequence() { return next_sequence_ += std::uint64_t{1} << 40; }

 private:
  struct UnderWay;
  struct Arrival {
    NetNamespace* at;
    std::unique_ptr<Packet> packet;
  };
  using Pair = std::pair<std::size_t, std::size_t>;  // Of namespaces, the lower index first.

  [[nodiscard]] bool gets_lost(Ratio ratio) { return ratio.part != 0 && host_.choose(ratio.whole) < ratio.part; }

  /// The user changes something, outside of any call of the kernel.
  class FromOutside {
   public:
    explicit FromOutside(Host& host) : host_((host.needs() & needs_locking) != 0 ? &host : nullptr) {
      if (host_ != nullptr) host_->lock();
    }
    FromOutside(const FromOutside&) = delete;
    FromOutside& operator=(const FromOutside&) = delete;
    ~FromOutside() {
      if (host_ != nullptr) host_->unlock();
    }

   private:
    const detail::Hidden hidden_from_tsan_;
    Host* const host_;
  };

  void arrive(Arrival& arrival) noexcept;

  Host& host_;
  Timers& timers_;
  FileIds& file_ids_;
  const Limits& limits_;
  NetNamespace initial_{*this, 0, "initial", {}};
  std::vector<std::unique_ptr<NetNamespace>> added_;
  std::map<Pair, Link> links_;
  std::vector<Arrival> arrivals_;
  std::size_t arrived_ = 0;  // So many of them: they are cleared when all have.
  detail::IntrusiveList<UnderWay> under_way_;
  std::uint64_t next_sequence_ = 0;
};

struct Network::UnderWay final : Timer, detail::ListLink<UnderWay> {
  UnderWay(Network& network, NetNamespace& at, std::unique_ptr<Packet> packet)
      : Timer(network.timers_), network_(network), arrival_{&at, std::move(packet)} {}

 private:
  void on_due(Time) override {
    const std::unique_ptr<UnderWay> self{this};
    network_.arrive(arrival_);
    network_.settle();
  }

  Network& network_;
  Arrival arrival_;
};

inline Network::~Network() {
  while (UnderWay* const packet = under_way_.front()) delete packet;
}

inline NetNamespace& Network::add(std::string name, std::initializer_list<const char*> addresses) {
  std::vector<IpAddress> parsed;
  for (const char* const text : addresses) {
    const std::optional<IpAddress> address = IpAddress::parse(text);
    ROUSE_ASSERT(address && !address->is_any() && !address->is_loopback(), "Network::add: this is no address to have");
    ROUSE_ASSERT(owner(*address) == nullptr, "Network::add: another namespace has this address");
    parsed.push_back(*address);
  }
  added_.push_back(std::make_unique<NetNamespace>(*this, added_.size() + 1, std::move(name), std::move(parsed)));
  return *added_.back();
}

inline Link& Network::link(const NetNamespace& a, const NetNamespace& b) {
  return links_[std::minmax({a.index(), b.index()})];
}

inline NetNamespace* Network::owner(const IpAddress& address) const {
  // Those that were added are the ones with addresses, and everybody has the loopback.
  for (const auto& each : added_) {
    if (!address.is_loopback() && each->has(address)) return each.get();
  }
  return nullptr;
}

inline NetNamespace* NetNamespace::find(const IpAddress& to) const {
  return has(to) ? const_cast<NetNamespace*>(this) : network_.owner(to);
}

inline void Network::send(NetNamespace& from, const IpAddress& to, std::unique_ptr<Packet> packet) noexcept {
  NetNamespace* const at = from.find(to);
  if (at == nullptr) return;
  try {
    Link& way = link(from, *at);
    if (way.is_partitioned() || (packet->may_get_lost() && gets_lost(way.loss()))) return;
    const Time now = host_.now();
    const Time arrival =
        way.arrival(from.index() > at->index() ? Link::Way::back : Link::Way::there, now, packet->size());
    release_edge(*packet);
    if (arrival <= now) {
      arrivals_.push_back({at, std::move(packet)});
      return;
    }
    auto under_way = std::make_unique<UnderWay>(*this, *at, std::move(packet));
    under_way_.push_back(*under_way);
    timers_.schedule(*under_way.release(), arrival);
  } catch (const std::bad_alloc&) {
    // There was no room for it anywhere on the way.
  }
}

inline void Network::settle() noexcept {
  while (arrived_ < arrivals_.size()) {
    Arrival next = std::move(arrivals_[arrived_++]);
    arrive(next);  // What it sends in turn comes here as well: nobody but a call or a timer lets packets arrive.
  }
  arrivals_.clear();
  arrived_ = 0;
}

inline void Network::arrive(Arrival& arrival) noexcept {
  acquire_edge(*arrival.packet);
  try {
    arrival.packet->arrive(*arrival.at);
  } catch (const std::bad_alloc&) {
    // As if it had got lost.
  }
}

}  // namespace rouse::inline v0::kernel
