// Place: where a socket of a script is found: at a port of the loopback if it has one, else under its name.
#pragma once

#include "shared.hpp"

#include <arpa/inet.h>
#include <cstring>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace threaded {

/// How a script names a type of socket: stream, dgram, seqpacket, tcp or udp; stream if it says nothing.
class SocketType {
 public:
  SocketType(const Words& words, std::size_t at) : name_(words.size() > at ? words[at] : "stream") {}

  [[nodiscard]] int family() const { return name_ == "tcp" || name_ == "udp" ? AF_INET : AF_UNIX; }
  [[nodiscard]] int type() const {
    if (name_ == "dgram" || name_ == "udp") return SOCK_DGRAM;
    return name_ == "seqpacket" ? SOCK_SEQPACKET : SOCK_STREAM;
  }

 private:
  std::string name_;
};

class Place {
 public:
  /// Of the abstract namespace.
  explicit Place(const std::string& name) {
    const std::string path = '\0' + std::string("rouse-threaded-") + std::to_string(::getpid()) + '-' + name;
    unix_.sun_family = AF_UNIX;
    std::memcpy(unix_.sun_path, path.data(), path.size());
    size_ = static_cast<::socklen_t>(offsetof(::sockaddr_un, sun_path) + path.size());
  }
  /// Port 0 is any that is free.
  explicit Place(std::uint16_t port) {
    inet_.sin_family = AF_INET;
    inet_.sin_port = htons(port);
    inet_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    size_ = sizeof inet_;
  }

  [[nodiscard]] const ::sockaddr* data() const {
    return reinterpret_cast<const ::sockaddr*>(inet_.sin_family == AF_INET ? static_cast<const void*>(&inet_) : &unix_);
  }
  [[nodiscard]] ::socklen_t size() const { return size_; }

 private:
  ::sockaddr_un unix_{};
  ::sockaddr_in inet_{};
  ::socklen_t size_ = 0;
};

/// The port that a socket was given; 0 if it has none.
template <class Backend>
std::uint16_t port_of(const Backend& backend, int fd) {
  ::sockaddr_in own{};
  ::socklen_t size = sizeof own;
  const auto result = backend.getsockname(fd, reinterpret_cast<::sockaddr*>(&own), &size);
  return result.ok() && own.sin_family == AF_INET ? ntohs(own.sin_port) : std::uint16_t{0};
}

/// A socket that sends at once what it is given: else what is sent may wait for an answer to what was sent before, and
/// when that comes, is Linux's own business.
template <class Backend>
rouse::SysResult<int> prompt_socket(const Backend& backend, int family, int type) {
  const rouse::SysResult<int> made = backend.socket(family, type, 0);
  constexpr int on = 1;
  const bool is_tcp = made.ok() && family == AF_INET && type == SOCK_STREAM;
  if (is_tcp) static_cast<void>(backend.setsockopt(made.value(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on));
  return made;
}

/// Two sockets of the loopback that are connected to each other. No call of these waits there.
template <class Backend>
rouse::SysResult<void> inet_pair(const Backend& backend, int type, int* two) {
  const Place anywhere{std::uint16_t{0}};
  const int first = prompt_socket(backend, AF_INET, type).value();
  static_cast<void>(backend.bind(first, anywhere.data(), anywhere.size()));
  if (type == SOCK_STREAM) static_cast<void>(backend.listen(first, 1));
  const int second = prompt_socket(backend, AF_INET, type).value();
  const Place of_first{port_of(backend, first)};
  const auto connected = backend.connect(second, of_first.data(), of_first.size());
  if (!connected.ok()) return connected;
  two[0] = first;
  two[1] = second;
  if (type == SOCK_DGRAM) {
    const Place of_second{port_of(backend, second)};
    return backend.connect(first, of_second.data(), of_second.size());
  }
  two[0] = backend.accept4(first, nullptr, nullptr, 0).value();
  return backend.close(first);
}

}  // namespace threaded
