// The options of InetSocketFile at SOL_SOCKET, IPPROTO_IP and IPPROTO_IPV6. Included by its header.
#pragma once

#include "inet_socket_file.hpp"

namespace rouse::inline v0::kernel {

inline int InetSocketFile::check_level(Direction direction, int level) const {
  const bool is_ip = level == IPPROTO_IP || (level == IPPROTO_IPV6 && family_ == AF_INET6);
  if (level == SOL_SOCKET || level == protocol_ || is_ip) return 0;
  return direction == Direction::read && family_ == AF_INET ? EOPNOTSUPP : ENOPROTOOPT;
}

inline SysResult<int> InetSocketFile::option(int level, int name) {
  if (level == SOL_SOCKET) return socket_option(name);
  if (level == IPPROTO_IP || level == IPPROTO_IPV6) return ip_option(level, name);
  return protocol_option(level, name);
}

inline SysResult<void> InetSocketFile::set_option(int level, int name, int value) {
  if (level == SOL_SOCKET) return set_socket_option(name, value);
  if (level == IPPROTO_IP || level == IPPROTO_IPV6) return set_ip_option(level, name, value);
  return set_protocol_option(level, name, value);
}

inline SysResult<int> InetSocketFile::socket_option(int name) {
  const auto flag = [](bool on) { return SysResult<int>{on ? 1 : 0}; };
  const InetOptions& with = options();
  switch (name) {
    case SO_TYPE: return int{type_};
    case SO_DOMAIN: return int{family_};
    case SO_PROTOCOL: return int{protocol_};
    case SO_ACCEPTCONN: return flag(listens());
    case SO_ERROR: return take_error();
    case SO_REUSEADDR: return flag(user().reuse_address);
    case SO_REUSEPORT: return flag(user().reuse_port);
    case SO_SNDBUF: return int{with.send_buffer};
    case SO_RCVBUF: return int{with.receive_buffer};
    case SO_SNDLOWAT: return 1;
    case SO_RCVLOWAT: return static_cast<int>(with.receive_least);
    case SO_KEEPALIVE: return flag(with.keepalive);
    case SO_OOBINLINE: return flag(with.inline_urgent);
    case SO_BROADCAST: return flag(with.broadcast);
    case SO_DONTROUTE:
    case SO_NO_CHECK: return flag(with.has_boolean(name));
    case SO_PRIORITY: return int{with.priority};
    case SO_DEBUG:
    case SO_BSDCOMPAT:
    case SO_MARK: return 0;
    case SO_PASSCRED:
    case SO_PASSSEC: return SysResult<int>::failure(EOPNOTSUPP);
    default: return no_option("getsockopt", SOL_SOCKET, name);
  }
}

inline SysResult<void> InetSocketFile::set_socket_option(int name, int value) {
  InetOptions& with = options();
  const Limits& limits = net_.network().limits();
  const bool on = value != 0;
  switch (name) {
    case SO_REUSEADDR: user().reuse_address = on; return {};
    case SO_REUSEPORT: user().reuse_port = on; return {};
    case SO_SNDBUF:
      with.send_buffer = buffer_size(value, 4608, limits.wmem_max);
      with.send_buffer_is_set = true;
      send_buffer_changed();
      return {};
    case SO_RCVBUF:
      with.receive_buffer = buffer_size(value, 2304, limits.rmem_max);
      with.receive_buffer_is_set = true;
      return {};
    case SO_RCVLOWAT:
      with.receive_least = std::min(static_cast<std::size_t>(value < 0 ? INT32_MAX : std::max(value, 1)), least_max());
      receive_least_changed();
      return {};
    case SO_KEEPALIVE:
      with.keepalive = on;
      keepalive_changed();
      return {};
    case SO_OOBINLINE: with.inline_urgent = on; return {};
    case SO_BROADCAST: with.broadcast = on; return {};
    case SO_PRIORITY:
      // Beyond, only with a capability that we do not have.
      if (value < 0 || value > 6) return SysResult<void>::failure(EPERM);
      with.priority = value;
      return {};
    case SO_DONTROUTE:
    case SO_NO_CHECK:
      with.booleans &= ~(1u << name);
      if (on) with.booleans |= 1u << name;
      return {};
    case SO_BSDCOMPAT: return {};
    case SO_DEBUG: return on ? SysResult<void>::failure(EACCES) : SysResult<void>{};
    case SO_PASSCRED:
    case SO_PASSSEC: return SysResult<void>::failure(EOPNOTSUPP);
    case SO_SNDBUFFORCE:
    case SO_RCVBUFFORCE:
    case SO_MARK: return SysResult<void>::failure(EPERM);
    case SO_PEERCRED:
    case SO_PEERNAME:
    case SO_TYPE:
    case SO_DOMAIN:
    case SO_PROTOCOL:
    case SO_ACCEPTCONN:
    case SO_ERROR:
    case SO_SNDLOWAT: return SysResult<void>::failure(ENOPROTOOPT);
    default: return no_option("setsockopt", SOL_SOCKET, name);
  }
}

inline SysResult<int> InetSocketFile::ip_option(int level, int name) {
  const InetOptions& with = options();
  if (level == IPPROTO_IP) {
    switch (name) {
      case IP_TOS: return int{with.type_of_service};
      case IP_TTL: return int{with.time_to_live};
      default: return no_option("getsockopt", level, name);
    }
  }
  switch (name) {
    case IPV6_V6ONLY: return with.v6_only ? 1 : 0;
    case IPV6_UNICAST_HOPS: return int{with.hops};
    case IPV6_TCLASS: return int{with.traffic_class};
    default: return no_option("getsockopt", level, name);
  }
}

inline SysResult<void> InetSocketFile::set_ip_option(int level, int name, int value) {
  using Result = SysResult<void>;
  InetOptions& with = options();
  constexpr int hops_max = 255;
  constexpr int hops_default = 64;
  if (level == IPPROTO_IP) {
    switch (name) {
      case IP_TOS:
        if (std::exchange(with.type_of_service, value & tos_mask()) == with.type_of_service) return {};
        with.priority = detail_inet::priority_of(with.type_of_service);
        type_of_service_changed();
        return {};
      case IP_TTL:
        if (value != -1 && (value < 1 || value > hops_max)) return Result::failure(EINVAL);
        with.time_to_live = value == -1 ? hops_default : value;
        return {};
      default: return no_option("setsockopt", level, name);
    }
  }
  switch (name) {
    case IPV6_V6ONLY:
      if (user().is_linked()) return Result::failure(EINVAL);
      with.v6_only = user().v6_only = value != 0;
      return {};
    case IPV6_UNICAST_HOPS:
      if (value < -1 || value > hops_max) return Result::failure(EINVAL);
      with.hops = value == -1 ? hops_default : value;
      return {};
    case IPV6_TCLASS:
      if (value < -1 || value > 0xff) return Result::failure(EINVAL);
      with.traffic_class = value == -1 ? 0 : value & tos_mask();
      return {};
    default: return no_option("setsockopt", level, name);
  }
}

}  // namespace rouse::inline v0::kernel
