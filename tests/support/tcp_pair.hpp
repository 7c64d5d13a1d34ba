// TcpPair: a listener on the loopback device, a client of it, and the end that was accepted for the client.
#pragma once

#include "backends.hpp"
#include "error_codes.hpp"

#include <string>

namespace test {

/// Whether the machine has IPv6 at all.
template <class On>
bool has_ipv6(const On& on) {
  std::error_code ec;
  static_cast<void>(Handles<On>::UdpSocket::bound_to(on.backend, rouse::Ipv6::loopback(0), {}, ec));
  return !ec;
}

template <class On>
struct TcpPair {
  using Listener = typename Handles<On>::TcpListener;
  using Stream = typename Handles<On>::TcpStream;

  explicit TcpPair(rouse::IpVersion version = rouse::IpVersion::v4)
      : listener(Listener::bind(on.backend, rouse::Ip::loopback(version, 0))) {}

  On on;
  Listener listener;
  Stream client = Stream::connect(on.backend, listener.local_address());
  Stream accepted = listener.accept().stream;
};

/// Where nobody listens: a port that was somebody's a moment ago.
template <class On>
rouse::Ip refusing(const On& on) {
  return Handles<On>::TcpListener::bind(on.backend, rouse::Ipv4::loopback(0)).local_address();
}

/// What a receive returned, as text.
template <class Socket>
std::string bytes_from(Socket& socket) {
  char bytes[200];
  return {bytes, socket.receive(bytes)};
}

}  // namespace test
