// InetOptions: what getsockopt and setsockopt know of an IPv4 or IPv6 socket. An accepted one has those of its
// listener.
#pragma once

#include "limits.hpp"

#include <cstddef>
#include <cstdint>
#include <sys/socket.h>

namespace rouse::inline v0::kernel {

struct InetOptions {
  int send_buffer = 0;
  int receive_buffer = 0;
  bool send_buffer_is_set = false;  // SOCK_SNDBUF_LOCK: not tuned any more.
  bool receive_buffer_is_set = false;
  std::size_t receive_least = 1;  // SO_RCVLOWAT.
  ::linger linger{0, 0};
  bool keepalive = false;
  bool inline_urgent = false;
  bool broadcast = false;
  bool v6_only = false;
  int priority = 0;
  int type_of_service = 0;     // IP_TOS,
  int traffic_class = 0;       // and IPV6_TCLASS: an IPv6 socket has both.
  int time_to_live = 64;       // IP_TTL,
  int hops = 64;               // and IPV6_UNICAST_HOPS.
  std::uint32_t booleans = 0;  // SO_*: those that are kept, and mean little here.

  // TCP.
  bool no_delay = false;
  bool cork = false;
  int keep_idle = 7200;
  int keep_interval = 75;
  int keep_count = 9;
  unsigned user_timeout = 0;  // Milliseconds; 0 for what the retries come to.
  int syn_retries = 0;        // 0 for net.ipv4.tcp_syn_retries.

  [[nodiscard]] bool has_boolean(int name) const { return (booleans >> name & 1) != 0; }
};

}  // namespace rouse::inline v0::kernel
