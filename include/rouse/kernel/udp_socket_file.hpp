// UdpSocketFile: a datagram socket of udp(7), over IPv4 or IPv6: messages that come whole, cut, or not at all.
#pragma once

#include "inet_socket_file.hpp"

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

namespace rouse::inline v0::kernel {

class UdpSocketFile;

/// What a datagram of `n` bytes costs its receiver's buffer: what Linux allocates for it.
[[nodiscard]] constexpr std::size_t udp_cost(std::size_t n, bool is_v4) {
  struct Step {
    std::size_t most;
    std::size_t cost;
  };
  constexpr Step steps[] = {{197, 832}, {645, 1280}, {1669, 2304}, {3717, 4352}, {7813, 8448}, {16004, 16640}};
  constexpr std::size_t longer_header = 13;
  for (const Step& step : steps) {
    if (n <= step.most - (is_v4 ? 0 : longer_header)) return step.cost;
  }
  return n + steps[0].cost;
}

/// What goes from one UDP socket to another.
struct Datagram final : Packet {
  IpEndpoint from;
  IpEndpoint to;
  std::string bytes;

  [[nodiscard]] std::size_t size() const override {
    constexpr std::size_t headers_v4 = 28;
    constexpr std::size_t headers_v6 = 48;
    return bytes.size() + (to.address.is_v4() ? headers_v4 : headers_v6);
  }
  [[nodiscard]] bool may_get_lost() const override { return true; }
  inline void arrive(NetNamespace& at) override;
};

/// The answer of a machine where nobody has the port.
struct PortUnreachable final : Packet {
  IpEndpoint sender;
  IpEndpoint target;

  [[nodiscard]] std::size_t size() const override { return 56; }
  [[nodiscard]] bool may_get_lost() const override { return true; }
  inline void arrive(NetNamespace& at) override;
};

class UdpSocketFile final : public InetSocketFile {
 public:
  static constexpr FileKind file_kind{
      .name = "udp socket", .gathers_writes = true, .is_socket = true, .is_inet = true, .takes_async = true};

  UdpSocketFile(std::uint64_t id, NetNamespace& net, int family, int status_flags)
      : InetSocketFile(file_kind, id, net, family, SOCK_DGRAM, IPPROTO_UDP, status_flags), port_(*this) {
    port_.local.address = IpAddress::any(family);
    port_.family = family;
    options_.send_buffer = net.network().limits().wmem_default;
    options_.receive_buffer = net.network().limits().rmem_default;
  }

  [[nodiscard]] inline EventFlags readiness(EventFlags asked) override;
  [[nodiscard]] inline WaitStyle wait_style(Direction direction) const override;
  [[nodiscard]] inline std::string describe() const override;

  SysResult<void> listen(int) override { return SysResult<void>::failure(EOPNOTSUPP); }
  SysResult<void> accept(IfEmpty, FileRef&) override { return SysResult<void>::failure(EOPNOTSUPP); }
  inline SysResult<void> connect(std::string_view address, WaitQueue*& full) override;
  inline SysResult<void> shutdown(int how) override;
  [[nodiscard]] AddressBytes peer_address() const override {
    return is_connected_ && remote_.port != 0 ? address_bytes(family_, remote_) : AddressBytes{};
  }
  inline SysResult<std::size_t> receive(UserOutput& to, Incoming& message) override;
  inline SysResult<std::size_t> send(UserInput& from, Outgoing& message) override;
  inline SysResult<int> ioctl(unsigned long request, void* argument) override;

  [[nodiscard]] const PortUser& user() const override { return port_; }
  [[nodiscard]] const InetOptions& options() const override { return options_; }
  [[nodiscard]] std::size_t queued() const { return datagrams_.size(); }
  /// FIONREAD: bytes of the first datagram; 0 if there is none.
  [[nodiscard]] std::size_t first_size() const { return datagrams_.empty() ? 0 : datagrams_.front().bytes.size(); }
  /// What check_invariants asks: the buffer is used by what is queued, and by what was read and not given back.
  [[nodiscard]] bool is_consistent() const {
    std::size_t cost = read_;
    for (const Queued& datagram : datagrams_) cost += datagram.cost;
    return cost == used_ && looked_at_ <= datagrams_.size();
  }

  /// True if it is connected to this one. A peer without a port stands for all of its machine.
  [[nodiscard]] bool is_peer(const IpEndpoint& other) const {
    return remote_.address == other.address && (remote_.port == 0 || remote_.port == other.port);
  }
  /// How well it fits what comes from `from` for `to`, by what counts first: that it is at just this address, has this
  /// peer, had it, is of IPv4. None if it does not take it at all.
  using Fit = std::tuple<bool, bool, bool, bool>;
  [[nodiscard]] std::optional<Fit> fit(const IpEndpoint& from, const IpEndpoint& to) const;
  /// A datagram came for it. What there is no room for is lost.
  void take(Datagram& datagram);
  /// What it sent to its peer found nobody there.
  void refused_by(const IpEndpoint& target);

  /// Its place in the table of ports.
  struct Port final : PortUser {
    explicit Port(UdpSocketFile& owner) : file(owner) {}
    UdpSocketFile& file;
  };

 private:
  struct Queued {
    IpEndpoint from;
    std::string bytes;
    std::size_t cost;
  };

  ~UdpSocketFile() override = default;
  void last_close() override { ports().remove(port_); }

  [[nodiscard]] PortTable& ports() const override { return net_.udp_ports; }
  [[nodiscard]] PortTable::Parity bind_parity() const override { return PortTable::Parity::any; }
  int take_error() override { return std::exchange(error_, 0); }
  void send_buffer_changed() override { queue.wake(room_key); }
  void type_of_service_changed() override { has_route_ = false; }

  /// Where a message of `n` bytes goes, by its address or the peer's. Errors: EMSGSIZE, EOPNOTSUPP, EINVAL,
  /// EAFNOSUPPORT, ENETUNREACH, EDESTADDRREQ.
  SysResult<void> find_target(const Outgoing& message, std::size_t n, IpEndpoint& target) const;
  /// An address that is none hides from an IPv6 socket that its peer is IPv4's. Precondition: there is a peer.
  [[nodiscard]] bool hides_peer(const Outgoing& message) const {
    const bool has_none = message.address.size() >= sizeof(::sa_family_t) && family_of(message.address) == AF_UNSPEC;
    return has_none && family_ == AF_INET6 && remote_.address.is_v4();
  }
  /// As find_source, with what is refused of those that stand for many. Errors: EACCES besides.
  SysResult<void> find_way(const IpEndpoint& target, IpAddress& source) const;
  /// True if a message to the peer takes the route that Linux keeps for it, and that leads elsewhere. The first that
  /// goes to the peer looks for it.
  [[nodiscard]] bool is_misled(const Outgoing& message);
  /// Takes an unused port, if it has none.
  SysResult<void> take_any_port();
  /// A datagram was read, and is about to go. Linux gives the room back when many were read, or all that were there
  /// when it did so last, or somebody found none left of those.
  void give_back(std::size_t cost) {
    read_ += cost;
    const auto quarter = static_cast<std::size_t>(options_.receive_buffer) / 4;
    if (read_ < quarter && looked_at_ > 0) return;
    used_ -= std::exchange(read_, 0);
    looked_at_ = datagrams_.size() - 1;
  }

  Port port_;
  InetOptions options_;
  bool is_connected_ = false;
  IpEndpoint remote_;
  IpAddress source_;  // Where it sent from to its last peer: what counts if its own address stands for many.
  // A connect that finds no way leaves an IPv4 socket its peer, but the other address in the notes that go with its
  // route.
  bool has_other_target_ = false;
  bool has_route_ = false;
  bool read_shut_ = false;
  bool write_shut_ = false;
  int error_ = 0;
  std::deque<Queued> datagrams_;
  std::size_t used_ = 0;       // Of the receive buffer.
  std::size_t read_ = 0;       // Of this, what was read and not given back.
  std::size_t looked_at_ = 0;  // How many datagrams were there when a read last found none left of those before.
};

inline EventFlags UdpSocketFile::readiness(EventFlags) {
  EventFlags bits = room_key;
  if (error_ != 0) bits |= EventFlags::err;
  if (read_shut_) bits |= EventFlags::rdhup | EventFlags::in | EventFlags::rdnorm;
  if (read_shut_ && write_shut_) bits |= EventFlags::hup;
  if (!datagrams_.empty()) bits |= EventFlags::in | EventFlags::rdnorm;
  return bits;
}

inline WaitStyle UdpSocketFile::wait_style(Direction) const { return {EventFlags::in | EventFlags::err, true, false}; }

inline std::optional<UdpSocketFile::Fit> UdpSocketFile::fit(const IpEndpoint& from, const IpEndpoint& to) const {
  if (!port_.covers(to.address)) return std::nullopt;
  if (is_connected_ && !is_peer(from)) return std::nullopt;
  // To IPv6, the address of a peer that it no longer has still counts.
  const bool has_had_peer = !from.address.is_v4() && !remote_.address.is_any();
  if (has_had_peer && remote_.address != from.address) return std::nullopt;
  return Fit{port_.local.address == to.address, is_connected_, has_had_peer, family_ == AF_INET};
}

inline void UdpSocketFile::take(Datagram& datagram) {
  const std::size_t cost = udp_cost(datagram.bytes.size(), datagram.to.address.is_v4());
  if (used_ != 0 && used_ + cost > static_cast<std::size_t>(options_.receive_buffer)) return;
  release_edge(*this);
  datagrams_.push_back({datagram.from, std::move(datagram.bytes), cost});
  used_ += cost;
  queue.wake(data_key);
}

inline void UdpSocketFile::refused_by(const IpEndpoint& target) {
  if (!is_connected_ || !is_peer(target)) return;
  error_ = ECONNREFUSED;
  queue.wake(EventFlags::err);
}

inline void Datagram::arrive(NetNamespace& at) {
  const auto file_of = [](PortUser& user) -> UdpSocketFile& { return static_cast<UdpSocketFile::Port&>(user).file; };
  std::vector<PortUser*> best =
      at.udp_ports.best_at(to.port, [&](PortUser& user) { return file_of(user).fit(from, to); });
  // Among equals, the first that is asked; those that share the port by SO_REUSEPORT share what comes as well.
  if (!best.empty() && best.front()->reuse_port) {
    std::erase_if(best, [](const PortUser* user) { return !user->reuse_port; });
    std::swap(best.front(), best[spread(from, best.size())]);
  }
  if (!best.empty()) return file_of(*best.front()).take(*this);
  auto answer = std::make_unique<PortUnreachable>();
  answer->sender = from;
  answer->target = to;
  at.network().send(at, from.address, std::move(answer));
}

inline void PortUnreachable::arrive(NetNamespace& at) {
  at.udp_ports.for_each(sender.port, [&](PortUser& user) {
    UdpSocketFile& file = static_cast<UdpSocketFile::Port&>(user).file;
    if (user.covers(sender.address)) file.refused_by(target);
  });
}

inline SysResult<void> UdpSocketFile::take_any_port() {
  if (port_.is_linked()) return {};
  const SysResult<void> taken = take_port({port_.local.address, 0}, PortTable::Parity::any);
  if (!taken.ok()) return SysResult<void>::failure(EAGAIN);
  port_.is_implicit = true;
  return {};
}

inline SysResult<void> UdpSocketFile::connect(std::string_view address, WaitQueue*&) {
  using Result = SysResult<void>;
  if (address.size() < sizeof(::sa_family_t)) return Result::failure(EINVAL);
  if (family_of(address) == AF_UNSPEC) {
    is_connected_ = false;
    leave_address();
    if (!port_.is_linked()) port_.local.port = 0;
    return {};
  }
  const SysResult<void> taken = take_any_port();
  if (!taken.ok()) return taken;
  IpEndpoint target;
  const bool is_v4 = family_of(address) == AF_INET;
  if (is_v4 && options_.v6_only) return Result::failure(EAFNOSUPPORT);
  const SysResult<void> parsed = parse_target(address, target, is_v4 ? AF_INET : family_);
  if (!parsed.ok()) return parsed;
  IpAddress source;
  const SysResult<void> found = find_way(target, source);
  has_other_target_ = !found.ok();
  has_route_ = found.ok();
  if (!found.ok()) return found;
  // An address that it has, it keeps; be it of the other family, or one that stands for many.
  if (port_.local.address.is_any()) port_.local.address = source;
  source_ = source;
  remote_ = target;
  is_connected_ = true;
  return {};
}

inline SysResult<void> UdpSocketFile::shutdown(int how) {
  if (how < SHUT_RD || how > SHUT_RDWR) return SysResult<void>::failure(EINVAL);
  read_shut_ = read_shut_ || how != SHUT_WR;
  write_shut_ = write_shut_ || how != SHUT_RD;
  release_edge(*this);
  queue.wake_all();
  return is_connected_ ? SysResult<void>{} : SysResult<void>::failure(ENOTCONN);
}

inline SysResult<std::size_t> UdpSocketFile::receive(UserOutput& to, Incoming& message) {
  using Size = SysResult<std::size_t>;
  if ((message.flags & MSG_ERRQUEUE) != 0) return message.nothing_to_wait_for();
  if (error_ != 0) return Size::failure(take_error());
  if (looked_at_ == 0) looked_at_ = datagrams_.size();
  if (datagrams_.empty()) {
    if (read_shut_ && message.if_empty == IfEmpty::will_wait) return 0;
    return Size::failure(EAGAIN);
  }
  acquire_edge(*this);
  Queued& first = datagrams_.front();
  const std::size_t size = first.bytes.size();
  const std::size_t n = std::min(to.left(), size);
  if (n < size) message.message_flags |= MSG_TRUNC;
  message.sender = address_bytes(family_, first.from);
  const bool is_good = to.put(first.bytes.data(), n) == n;
  const bool peeks = (message.flags & MSG_PEEK) != 0;
  if (!peeks) {
    --looked_at_;
    give_back(first.cost);
    datagrams_.pop_front();
  }
  if (!is_good) return Size::failure(EFAULT);
  return (message.flags & MSG_TRUNC) != 0 ? size : n;
}

// IPv4 looks at the message before the address, IPv6 looks at the address only; and hands over to IPv4 when it knows
// that the target is one of its.
inline SysResult<void> UdpSocketFile::find_target(const Outgoing& message, std::size_t n, IpEndpoint& target) const {
  using Result = SysResult<void>;
  const auto check_message = [&]() -> Result {
    constexpr std::size_t length_max = 0xffff;
    if (n > length_max) return Result::failure(EMSGSIZE);
    return (message.flags & MSG_OOB) != 0 ? Result::failure(EOPNOTSUPP) : Result{};
  };
  const std::string_view address = message.address;
  bool has_address = message.has_address();
  int family = family_;
  if (family_ == AF_INET6 && has_address) {
    if (address.size() < sizeof(::sa_family_t)) return Result::failure(EINVAL);
    family = family_of(address);
    if (family == AF_INET && options_.v6_only) return Result::failure(ENETUNREACH);
    if (family == AF_UNSPEC) has_address = false;
    if (family != AF_INET && family != AF_INET6 && family != AF_UNSPEC) return Result::failure(EINVAL);
  }
  if (family == AF_INET) {
    const Result checked = check_message();
    if (!checked.ok()) return checked;
  }
  if (!has_address) {
    if (!is_connected_) return Result::failure(EDESTADDRREQ);
    target = remote_;
    if (hides_peer(message)) return {};
  } else {
    const Result parsed = parse_target(address, target, family, Purpose::to_send);
    if (!parsed.ok()) return parsed;
  }
  if (target.address.is_v4()) {
    const Result checked = check_message();
    if (!checked.ok()) return checked;
  }
  // Of a peer, only an IPv6 socket that sends to IPv4 is asked for the port once more.
  const bool is_asked = has_address || (family_ == AF_INET6 && target.address.is_v4());
  return is_asked && target.port == 0 ? Result::failure(EINVAL) : Result{};
}

inline SysResult<void> UdpSocketFile::find_way(const IpEndpoint& target, IpAddress& source) const {
  using Result = SysResult<void>;
  // What it sends from to IPv4 is what it sent from last, if its own address is none for that.
  const IpAddress& local = port_.local.address;
  const IpAddress& own = detail_inet::is_of_many(local) ? source_ : local;
  constexpr IpAddress loopback_broadcast = IpAddress::v4(0x7fffffff);
  const bool is_to_loopback = target.address == loopback_broadcast;
  // Without an address of its own, it does not know by which device.
  const bool has_own = own.is_v4() && !own.is_any();
  const bool is_to_device = has_own && detail_inet::is_of_many(target.address);
  if (is_to_loopback || is_to_device) {
    if (!target.address.is_multicast() && !options_.broadcast) return Result::failure(EACCES);
    throw NotModelled("sending to many at once by a udp socket");
  }
  return find_source(target, source);
}

inline bool UdpSocketFile::is_misled(const Outgoing& message) {
  const bool has_control = message.control.size() >= sizeof(::cmsghdr);  // Less has no message in it.
  const bool stays_near = (message.flags & MSG_DONTROUTE) != 0 || options_.has_boolean(SO_DONTROUTE);
  if (family_ != AF_INET || message.has_address() || has_control || stays_near) return false;
  return std::exchange(has_route_, true) && has_other_target_;
}

inline SysResult<std::size_t> UdpSocketFile::send(UserInput& from, Outgoing& message) {
  using Size = SysResult<std::size_t>;
  const std::size_t n = from.left();
  const SysResult<void> taken = take_any_port();
  if (!taken.ok()) return taken;
  IpEndpoint target;
  const SysResult<void> found = find_target(message, n, target);
  if (!found.ok()) return found;
  const SysResult<void> checked = detail_inet::check_control(message.control, family_);
  if (!checked.ok()) return checked;
  if (hides_peer(message)) return Size::failure(ENETUNREACH);
  IpAddress source;
  const SysResult<void> routed = find_way(target, source);
  if (!routed.ok()) return routed;
  const bool gets_lost = is_misled(message);
  if ((message.flags & MSG_MORE) != 0) throw NotModelled("MSG_MORE on a udp socket");
  // MSG_PROBE, which libc's headers leave out: only the way there is to be found.
  if ((message.flags & 0x10) != 0) return n;
  constexpr std::size_t most_v4 = 65507;
  constexpr std::size_t most_v6 = 65527;
  if (n > (target.address.is_v4() ? most_v4 : most_v6)) return Size::failure(EMSGSIZE);
  if (error_ != 0) return Size::failure(take_error());
  if (write_shut_) return Size::failure(EPIPE);
  auto datagram = std::make_unique<Datagram>();
  datagram->bytes.resize(n);
  if (!from.peek(datagram->bytes.data(), n)) {
    queue.wake(room_key);  // There was a message, and it is gone.
    return Size::failure(EFAULT);
  }
  datagram->from = {source, port_.local.port};
  datagram->to = target;
  queue.wake(room_key);  // It has left the sender's buffer before it arrives.
  if (!gets_lost) net_.network().send(net_, target.address, std::move(datagram));
  net_.network().settle();
  return n;
}

inline SysResult<int> UdpSocketFile::ioctl(unsigned long request, void* argument) {
  if (request != FIONREAD && request != SIOCOUTQ) return other_request(request, argument);
  const std::size_t value = request == FIONREAD ? first_size() : 0;
  return put_user(argument, static_cast<int>(value)) ? SysResult<int>{0} : SysResult<int>::failure(EFAULT);
}

inline std::string UdpSocketFile::describe() const {
  std::string text = port_.is_linked() ? "at " + to_string(port_.local) : "unbound";
  if (is_connected_) text += ", peer " + to_string(remote_);
  text += ", " + std::to_string(datagrams_.size()) + " datagrams to read";
  if (read_shut_) text += ", read shut";
  if (write_shut_) text += ", write shut";
  return text;
}

}  // namespace rouse::inline v0::kernel
