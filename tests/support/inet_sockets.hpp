// InetSockets: raw calls on IPv4 and IPv6 sockets of one type, on the loopback device. Ports are the kernel's choice,
// so that cases run side by side.
#pragma once

#include "raw_sockets.hpp"
#include "told_address.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string>

namespace test {

/// An address as bytes: "127.0.0.1" and the like, or with colons.
[[nodiscard]] inline std::string inet_address(const std::string& ip, int port) {
  const auto bytes_of = [](const auto& address) {
    return std::string(reinterpret_cast<const char*>(&address), sizeof address);
  };
  ::sockaddr_in four{};
  four.sin_family = AF_INET;
  four.sin_port = htons(static_cast<std::uint16_t>(port));
  if (::inet_pton(AF_INET, ip.c_str(), &four.sin_addr) == 1) return bytes_of(four);
  ::sockaddr_in6 six{};
  six.sin6_family = AF_INET6;
  six.sin6_port = htons(static_cast<std::uint16_t>(port));
  REQUIRE(::inet_pton(AF_INET6, ip.c_str(), &six.sin6_addr) == 1);
  return bytes_of(six);
}

/// The address of no family.
[[nodiscard]] inline std::string unspecified() { return std::string(sizeof(::sockaddr_in), '\0'); }

[[nodiscard]] inline int port_in(const std::string& address) {
  ::sockaddr_in from{};  // The port is at the same place in both families.
  std::memcpy(&from, address.data(), std::min(address.size(), sizeof from));
  return ntohs(from.sin_port);
}
/// "127.0.0.1", or "::1"; "" of no address.
[[nodiscard]] inline std::string ip_in(const std::string& address) {
  char text[INET6_ADDRSTRLEN] = "";
  if (address.size() == sizeof(::sockaddr_in)) {
    ::sockaddr_in from{};
    std::memcpy(&from, address.data(), sizeof from);
    ::inet_ntop(AF_INET, &from.sin_addr, text, sizeof text);
  } else if (address.size() == sizeof(::sockaddr_in6)) {
    ::sockaddr_in6 from{};
    std::memcpy(&from, address.data(), sizeof from);
    ::inet_ntop(AF_INET6, &from.sin6_addr, text, sizeof text);
  }
  return text;
}

template <class On>
class InetSockets : public RawSockets<On> {
  using Base = RawSockets<On>;

 public:
  using Fd = typename Base::Fd;

  InetSockets(const On& on, int type, int family = AF_INET) : Base(on, family, type) {}

  /// What is sent goes at once: of a stream, Linux would else wait for an answer to what was sent before.
  [[nodiscard]] Fd fresh(int flags = SOCK_NONBLOCK) const {
    Fd socket = Base::fresh(flags);
    const int on = 1;
    if (this->type_ == SOCK_STREAM) set(socket, IPPROTO_TCP, TCP_NODELAY, on).value();
    return socket;
  }
  [[nodiscard]] std::string loopback() const { return this->family_ == AF_INET ? "127.0.0.1" : "::1"; }
  [[nodiscard]] std::string any() const { return this->family_ == AF_INET ? "0.0.0.0" : "::"; }
  [[nodiscard]] std::string here(int port) const { return inet_address(loopback(), port); }
  [[nodiscard]] Fd bound(const std::string& address, int flags = SOCK_NONBLOCK) const {
    Fd socket = fresh(flags);
    this->bind(socket, address).value();
    return socket;
  }
  /// At a port of the kernel's choice.
  [[nodiscard]] Fd bound(int flags = SOCK_NONBLOCK) const { return bound(here(0), flags); }
  [[nodiscard]] Fd listening(int backlog = 10, int flags = SOCK_NONBLOCK) const {
    Fd socket = bound(flags);
    this->backend_.listen(socket.get(), backlog).value();
    return socket;
  }
  /// Connected, or waiting for it.
  [[nodiscard]] Fd client_of(const std::string& address) const {
    Fd socket = fresh();
    const auto result = this->connect(socket, address);
    REQUIRE((result.ok() || result.error() == EINPROGRESS));
    return socket;
  }
  [[nodiscard]] Fd client_of(const Fd& server) const { return client_of(local(server)); }

  /// The local address, as bytes.
  [[nodiscard]] static std::string local(const Fd& fd) { return local_name(fd).written; }
  [[nodiscard]] static int port(const Fd& fd) { return port_in(local(fd)); }
  [[nodiscard]] static std::string local_ip(const Fd& fd) { return ip_in(local(fd)); }
  /// "" if there is none.
  [[nodiscard]] static std::string peer(const Fd& fd) {
    const ToldName name = peer_name(fd);
    return name.result.ok() ? name.written : "";
  }
  /// A port that was somebody's a moment ago, and is nobody's now.
  [[nodiscard]] std::string nobody() const { return local(bound()); }

  rouse::SysResult<void> listen(const Fd& fd, int backlog) const { return this->backend_.listen(fd.get(), backlog); }
  /// 0, or the errno.
  [[nodiscard]] int accept_error(const Fd& fd) const {
    const auto result = this->backend_.accept4(fd.get(), nullptr, nullptr, SOCK_NONBLOCK);
    if (result.ok()) static_cast<void>(Fd{this->backend_, result.value()});
    return result.error();
  }

  [[nodiscard]] rouse::SysResult<int> get(const Fd& fd, int level, int name) const {
    int value = 0;
    ::socklen_t n = sizeof value;
    const auto result = this->backend_.getsockopt(fd.get(), level, name, &value, &n);
    return result.ok() ? rouse::SysResult<int>{value} : rouse::SysResult<int>::failure(result.error());
  }
  rouse::SysResult<void> set(const Fd& fd, int level, int name, int value) const {
    return this->backend_.setsockopt(fd.get(), level, name, &value, sizeof value);
  }
  void set_linger(const Fd& fd, int seconds) const {
    const ::linger value{1, seconds};
    this->backend_.setsockopt(fd.get(), SOL_SOCKET, SO_LINGER, &value, sizeof value).value();
  }
};

/// A listener, a client of it, and the end that was accepted for it. Non-blocking, unless told otherwise.
template <class On>
struct TcpEnds {
  using Fd = typename InetSockets<On>::Fd;

  explicit TcpEnds(int family = AF_INET, int flags = SOCK_NONBLOCK)
      : calls{on, SOCK_STREAM, family},
        listener{calls.listening()},
        client{calls.client_of(listener)},
        accepted{calls.accepted(listener, flags)} {
    REQUIRE(on.backend.fcntl(client.get(), F_SETFL, flags != 0 ? O_NONBLOCK : 0).ok());
  }

  On on;
  InetSockets<On> calls;
  Fd listener;
  Fd client;
  Fd accepted;
};

}  // namespace test
