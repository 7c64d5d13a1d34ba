// TCP on 127.0.0.1, for programs that are about something else.
#pragma once

#include "show.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

namespace programs {

/// On a port that the kernel chooses: where, stands in `address` then.
inline int listen_on_loopback(::sockaddr_in& address, int backlog) {
  const int listener = must("socket", ::socket(AF_INET, SOCK_STREAM, 0));
  address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
  ::socklen_t n = sizeof address;
  must("bind", ::bind(listener, reinterpret_cast<::sockaddr*>(&address), n));
  must("listen", ::listen(listener, backlog));
  must("getsockname", ::getsockname(listener, reinterpret_cast<::sockaddr*>(&address), &n));
  return listener;
}

inline int connect_to(const ::sockaddr_in& address) {
  const int client = must("socket", ::socket(AF_INET, SOCK_STREAM, 0));
  must("connect", ::connect(client, reinterpret_cast<const ::sockaddr*>(&address), sizeof address));
  return client;
}

}  // namespace programs
