// InetSocketFile: what TCP and UDP sockets have in common: families, ports and addresses, options.
//
// Left out, by name: raw sockets, multicast, time stamps, and the rarer options.
#pragma once

#include "inet_options.hpp"
#include "network.hpp"
#include "socket_file.hpp"

#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>

namespace rouse::inline v0::kernel {

class InetSocketFile : public SocketFile {
 public:
  inline SysResult<void> bind(std::string_view address) override;
  [[nodiscard]] AddressBytes local_address() const override {
    // A port that is nobody's any more is still told.
    return address_bytes(family_, user().local);
  }
  [[nodiscard]] inline int check_level(Direction direction, int level) const override;
  inline SysResult<int> option(int level, int name) override;
  inline SysResult<void> set_option(int level, int name, int value) override;
  [[nodiscard]] ::linger linger() const override { return options().linger; }
  void set_linger(::linger to) override { options().linger = to; }

  [[nodiscard]] NetNamespace& net() const { return net_; }
  [[nodiscard]] virtual const PortUser& user() const = 0;
  [[nodiscard]] virtual const InetOptions& options() const = 0;

 protected:
  InetSocketFile(const FileKind& kind, std::uint64_t id, NetNamespace& net, int family, int type, int protocol,
                 int status_flags)
      : SocketFile(kind, id, O_RDWR | status_flags), net_(net), family_(family), type_(type), protocol_(protocol) {}
  ~InetSocketFile() override = default;

  [[nodiscard]] PortUser& user() { return const_cast<PortUser&>(std::as_const(*this).user()); }
  [[nodiscard]] InetOptions& options() { return const_cast<InetOptions&>(std::as_const(*this).options()); }
  [[nodiscard]] virtual PortTable& ports() const = 0;
  [[nodiscard]] virtual PortTable::Parity bind_parity() const = 0;
  [[nodiscard]] virtual bool may_bind() const { return !user().is_linked(); }
  virtual int take_error() = 0;
  /// Options that somebody may be waiting for have changed.
  virtual void send_buffer_changed() = 0;
  virtual void receive_least_changed() {}
  virtual void keepalive_changed() {}
  virtual void type_of_service_changed() {}
  /// Options of its own level.
  virtual SysResult<int> protocol_option(int level, int name) { return no_option("getsockopt", level, name); }
  virtual SysResult<void> set_protocol_option(int level, int name, int) { return no_option("setsockopt", level, name); }

  /// Takes a port of its own for an address: the one that was asked for or, if that is 0, an unused one. Errors:
  /// EADDRINUSE.
  SysResult<void> take_port(const IpEndpoint& at, PortTable::Parity parity);
  /// Lets go the address, and the port unless bind(2) named it. Its number is told as before.
  void leave_address() {
    if (!address_is_bound_) user().local.address = IpAddress::any(family_);
    if (user().is_implicit) ports().remove(user());
  }
  /// An address to connect or send to, as bytes of a family. Errors: EINVAL, EAFNOSUPPORT, ENETUNREACH.
  enum class Purpose { to_connect, to_send };
  [[nodiscard]] SysResult<void> parse_target(std::string_view address, IpEndpoint& target, int family,
                                             Purpose purpose = Purpose::to_connect) const;
  /// Where packets to `target` come from. Errors: ENETUNREACH, EINVAL.
  [[nodiscard]] SysResult<void> find_source(const IpEndpoint& target, IpAddress& source) const;

 private:
  SysResult<int> socket_option(int name);
  SysResult<void> set_socket_option(int name, int value);
  SysResult<int> ip_option(int level, int name);
  SysResult<void> set_ip_option(int level, int name, int value);
  /// Of a stream, the two lowest bits are the protocol's own.
  [[nodiscard]] int tos_mask() const { return type_ == SOCK_STREAM ? 0xfc : 0xff; }
  [[nodiscard]] std::size_t least_max() const {
    constexpr std::size_t half_of_the_largest_buffer = 16777216;
    if (type_ != SOCK_STREAM) return SIZE_MAX;
    const InetOptions& with = options();
    return with.receive_buffer_is_set ? static_cast<std::size_t>(with.receive_buffer) / 2 : half_of_the_largest_buffer;
  }

 protected:
  NetNamespace& net_;
  const int family_;
  const int type_;
  const int protocol_;
  bool address_is_bound_ = false;  // By bind(2): it stays when a connection goes.
};

namespace detail_inet {

/// What scope an IPv6 address comes with; 0 if it is too short to say.
[[nodiscard]] inline std::uint32_t scope_of(std::string_view bytes) {
  ::sockaddr_in6 from{};
  std::memcpy(&from, bytes.data(), std::min(bytes.size(), sizeof from));
  return from.sin6_scope_id;
}

/// What an IPv4 or IPv6 socket makes of control messages: those for files are overlooked. Errors: EINVAL.
[[nodiscard]] inline SysResult<void> check_control(std::string_view control, int family) {
  using Result = SysResult<void>;
  for (std::size_t at = 0; at + sizeof(::cmsghdr) <= control.size();) {
    ::cmsghdr part{};
    std::memcpy(&part, control.data() + at, sizeof part);
    if (part.cmsg_len < sizeof part || part.cmsg_len > control.size() - at) return Result::failure(EINVAL);
    const bool is_of_ip = part.cmsg_level == IPPROTO_IP || (part.cmsg_level == IPPROTO_IPV6 && family == AF_INET6);
    if (is_of_ip) throw NotModelled("control message of level " + std::to_string(part.cmsg_level));
    if (part.cmsg_level == SOL_SOCKET && part.cmsg_type != SCM_RIGHTS && part.cmsg_type != SCM_CREDENTIALS) {
      for (const int known : {SO_PRIORITY, SO_MARK, SO_TIMESTAMPING_OLD, SO_TIMESTAMPING_NEW, SO_TXTIME}) {
        if (part.cmsg_type == known) throw NotModelled("control message of type " + std::to_string(known));
      }
      return Result::failure(EINVAL);
    }
    at += CMSG_ALIGN(part.cmsg_len);
  }
  return {};
}

/// What a socket's priority becomes by its type of service.
[[nodiscard]] constexpr int priority_of(int type_of_service) {
  constexpr int best_effort = 0;
  constexpr int bulk = 2;
  constexpr int interactive = 6;
  constexpr int interactive_bulk = 4;
  const bool is_low_delay = (type_of_service & 0x10) != 0;   // IPTOS_LOWDELAY. Its header defines too much.
  const bool is_throughput = (type_of_service & 0x08) != 0;  // IPTOS_THROUGHPUT.
  if (is_low_delay) return is_throughput ? interactive_bulk : interactive;
  return is_throughput ? bulk : best_effort;
}

/// True for addresses that stand for many: of these, IPv4's may be bound to.
[[nodiscard]] constexpr bool is_of_many(const IpAddress& address) {
  return address.is_multicast() || address.is_broadcast();
}

}  // namespace detail_inet

inline SysResult<void> InetSocketFile::bind(std::string_view bytes) {
  using Result = SysResult<void>;
  using namespace detail_inet;
  if (bytes.size() < shortest_address(family_)) return Result::failure(EINVAL);
  const IpEndpoint at = read_endpoint(family_, bytes);
  const bool is_unspecified = family_of(bytes) == AF_UNSPEC && family_ == AF_INET && at.address.is_any();
  if (family_of(bytes) != family_ && !is_unspecified) return Result::failure(EAFNOSUPPORT);
  const bool is_local = at.address.is_any() || net_.has(at.address) || is_of_many(at.address);
  if (family_ == AF_INET && !is_local) return Result::failure(EADDRNOTAVAIL);
  if (at.port != 0 && at.port < net_.network().limits().ip_unprivileged_port_start) return Result::failure(EACCES);
  if (!may_bind()) return Result::failure(EINVAL);
  // All of this is IPv6's.
  if (at.address.is_v4() && options().v6_only) return Result::failure(EINVAL);
  const bool is_scoped = at.address.is_link_local() || (!at.address.is_v4() && at.address.is_multicast());
  constexpr std::uint32_t loopback_scope = 1;
  if (is_scoped && (scope_of(bytes) == 0 || (at.address.is_multicast() && type_ == SOCK_STREAM))) {
    return Result::failure(EINVAL);
  }
  if (is_scoped && scope_of(bytes) != loopback_scope) return Result::failure(ENODEV);
  if (!is_local) return Result::failure(EADDRNOTAVAIL);
  // From then on it is one for IPv6 alone, if it is not one for IPv4 alone.
  const bool is_bound = at.address != IpAddress::any(family_);
  const bool v6_only_before = user().v6_only;
  if (is_bound && !at.address.is_v4()) user().v6_only = true;
  const SysResult<void> taken = take_port(at, bind_parity());
  if (!taken.ok()) {
    user().v6_only = v6_only_before;
    user().local.address = IpAddress::any(family_);  // One that it had before is lost.
    return taken;
  }
  address_is_bound_ = is_bound;
  options().v6_only = user().v6_only;
  user().is_implicit = at.port == 0;
  return {};
}

inline SysResult<void> InetSocketFile::take_port(const IpEndpoint& at, PortTable::Parity parity) {
  const IpEndpoint before = std::exchange(user().local, at);
  const bool is_asked_for = at.port != 0;
  const auto may_be_given = [&](std::uint16_t port) {
    user().local.port = port;
    return ports().may_be_given(user());
  };
  if (!is_asked_for) user().local.port = ports().unused(parity, may_be_given);
  if (user().local.port == 0 || !ports().may_have(user())) {
    user().local = before;
    return SysResult<void>::failure(EADDRINUSE);
  }
  try {
    ports().take(user());
  } catch (const std::bad_alloc&) {
    user().local = before;
    throw;
  }
  return {};
}

inline SysResult<void> InetSocketFile::parse_target(std::string_view bytes, IpEndpoint& target, int family,
                                                    Purpose purpose) const {
  using Result = SysResult<void>;
  if (bytes.size() < shortest_address(family)) return Result::failure(EINVAL);
  // AF_UNSPEC, if it comes here, is taken for IPv4.
  if (family_of(bytes) != family && family_of(bytes) != AF_UNSPEC) return Result::failure(EAFNOSUPPORT);
  target = read_endpoint(family, bytes);
  // To send is to find no way there; to connect, no device.
  const bool lacks_scope = target.address.is_link_local() && detail_inet::scope_of(bytes) == 0;
  if (lacks_scope) return Result::failure(purpose == Purpose::to_send ? ENETUNREACH : EINVAL);
  if (!target.address.is_any()) return {};
  // The any address stands for the socket's own, of IPv4, else for the loopback: of IPv4 also if the socket is.
  const IpAddress& own = user().local.address;
  if (target.address.is_v4() && own.is_v4() && !own.is_any() && !detail_inet::is_of_many(own)) {
    target.address = own;
  } else {
    target.address = IpAddress::loopback(own.is_v4() ? AF_INET : target.address.family());
  }
  return {};
}

inline SysResult<void> InetSocketFile::find_source(const IpEndpoint& target, IpAddress& source) const {
  using Result = SysResult<void>;
  const IpAddress& own = user().local.address;
  const std::optional<IpAddress> usual = net_.source_for(target.address);
  const bool is_barred = target.address.is_v4() && options().v6_only;
  if (!usual || is_barred) return Result::failure(ENETUNREACH);
  if (!target.address.is_v4() && own.is_v4()) return Result::failure(EAFNOSUPPORT);
  // An IPv6 address that a connection left it with is of no use to IPv4.
  const bool is_of_use = own.is_v4() || !target.address.is_v4();
  const bool keeps_own = is_of_use && !own.is_any() && !detail_inet::is_of_many(own);
  source = keeps_own ? own : *usual;
  if (source.is_loopback() && !net_.has(target.address)) return Result::failure(EINVAL);
  return {};
}

}  // namespace rouse::inline v0::kernel

#include "inet_socket_options.hpp"
