// IpAddress and IpEndpoint: how the sockets of ip(7) and ipv6(7) name each other. One form for both families: an IPv4
// address is kept as the IPv6 one that it is mapped to, so that sockets of either family meet in one table.
//
// Left out: scopes. Link-local addresses belong to no namespace here.
#pragma once

#include <arpa/inet.h>
#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <netinet/in.h>
#include <optional>
#include <string>
#include <string_view>

namespace rouse::inline v0::kernel {

class IpAddress {
 public:
  /// `::`.
  constexpr IpAddress() = default;
  /// The four bytes as one number, the first of them the highest.
  [[nodiscard]] static constexpr IpAddress v4(std::uint32_t number) {
    IpAddress address;
    address.bytes_[10] = address.bytes_[11] = 0xff;
    for (std::size_t i = 0; i < 4; ++i) address.bytes_[12 + i] = static_cast<std::uint8_t>(number >> (24 - 8 * i));
    return address;
  }
  [[nodiscard]] static IpAddress v6(const ::in6_addr& from) {
    IpAddress address;
    std::memcpy(address.bytes_.data(), &from, sizeof from);
    return address;
  }
  /// What no socket was told: `0.0.0.0` or `::`.
  [[nodiscard]] static constexpr IpAddress any(int family) { return family == AF_INET ? v4(INADDR_ANY) : IpAddress{}; }
  [[nodiscard]] static constexpr IpAddress loopback(int family) {
    if (family == AF_INET) return v4(INADDR_LOOPBACK);
    IpAddress address;
    address.bytes_[15] = 1;
    return address;
  }
  /// By inet_pton(3). Nothing if it is neither.
  [[nodiscard]] static std::optional<IpAddress> parse(const char* text) {
    ::in_addr four{};
    ::in6_addr six{};
    if (::inet_pton(AF_INET, text, &four) == 1) return v4(ntohl(four.s_addr));
    if (::inet_pton(AF_INET6, text, &six) == 1) return v6(six);
    return std::nullopt;
  }

  /// True if it is IPv4's, mapped.
  [[nodiscard]] constexpr bool is_v4() const {
    for (std::size_t i = 0; i < 10; ++i) {
      if (bytes_[i] != 0) return false;
    }
    return bytes_[10] == 0xff && bytes_[11] == 0xff;
  }
  [[nodiscard]] constexpr int family() const { return is_v4() ? AF_INET : AF_INET6; }
  /// Of an IPv4 address.
  [[nodiscard]] constexpr std::uint32_t number() const {
    std::uint32_t number = 0;
    for (std::size_t i = 12; i < 16; ++i) number = number << 8 | bytes_[i];
    return number;
  }
  [[nodiscard]] constexpr bool is_any() const { return *this == any(family()); }
  [[nodiscard]] constexpr bool is_loopback() const { return is_v4() ? bytes_[12] == 127 : *this == loopback(AF_INET6); }
  [[nodiscard]] constexpr bool is_multicast() const { return is_v4() ? bytes_[12] >> 4 == 0xe : bytes_[0] == 0xff; }
  /// Everybody on the network, or on that of the loopback.
  [[nodiscard]] constexpr bool is_broadcast() const {
    return is_v4() && (number() == INADDR_BROADCAST || number() == (INADDR_LOOPBACK | 0xffffff));
  }
  [[nodiscard]] constexpr bool is_link_local() const {
    return !is_v4() && bytes_[0] == 0xfe && (bytes_[1] & 0xc0) == 0x80;
  }
  [[nodiscard]] ::in6_addr in6() const {
    ::in6_addr address{};
    std::memcpy(&address, bytes_.data(), sizeof address);
    return address;
  }

  friend constexpr auto operator<=>(const IpAddress&, const IpAddress&) = default;
  friend std::string to_string(const IpAddress& address) {
    char text[INET6_ADDRSTRLEN] = "";
    if (address.is_v4()) {
      const ::in_addr four{htonl(address.number())};
      ::inet_ntop(AF_INET, &four, text, sizeof text);
    } else {
      const ::in6_addr six = address.in6();
      ::inet_ntop(AF_INET6, &six, text, sizeof text);
    }
    return text;
  }

 private:
  std::array<std::uint8_t, 16> bytes_{};
};

struct IpEndpoint {
  IpAddress address;
  std::uint16_t port = 0;

  friend constexpr auto operator<=>(const IpEndpoint&, const IpEndpoint&) = default;
  friend std::string to_string(const IpEndpoint& endpoint) {
    const std::string text = to_string(endpoint.address);
    return (endpoint.address.is_v4() ? text : '[' + text + ']') + ':' + std::to_string(endpoint.port);
  }
};

/// The family that an address says it has. Precondition: it is long enough to say.
[[nodiscard]] inline int family_of(std::string_view address) {
  ::sa_family_t family = AF_UNSPEC;
  std::memcpy(&family, address.data(), sizeof family);
  return family;
}

/// The shortest address of a family: of IPv6's, the scope may be missing.
[[nodiscard]] constexpr std::size_t shortest_address(int family) {
  return family == AF_INET ? sizeof(::sockaddr_in) : offsetof(::sockaddr_in6, sin6_scope_id);
}

/// What a sockaddr of `family` says. Precondition: it is long enough.
[[nodiscard]] inline IpEndpoint read_endpoint(int family, std::string_view bytes) {
  if (family == AF_INET) {
    ::sockaddr_in from{};
    std::memcpy(&from, bytes.data(), sizeof from);
    return {IpAddress::v4(ntohl(from.sin_addr.s_addr)), ntohs(from.sin_port)};
  }
  ::sockaddr_in6 from{};
  std::memcpy(&from, bytes.data(), std::min(bytes.size(), sizeof from));
  return {IpAddress::v6(from.sin6_addr), ntohs(from.sin6_port)};
}

/// As a socket of `family` is told it.
[[nodiscard]] inline std::string address_bytes(int family, const IpEndpoint& endpoint) {
  const auto as_bytes = [](const auto& address) {
    return std::string(reinterpret_cast<const char*>(&address), sizeof address);
  };
  if (family == AF_INET) {
    ::sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(endpoint.port);
    to.sin_addr.s_addr = htonl(endpoint.address.number());
    return as_bytes(to);
  }
  ::sockaddr_in6 to{};
  to.sin6_family = AF_INET6;
  to.sin6_port = htons(endpoint.port);
  to.sin6_addr = endpoint.address.in6();
  return as_bytes(to);
}

}  // namespace rouse::inline v0::kernel
