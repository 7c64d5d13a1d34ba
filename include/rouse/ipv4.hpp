// Ipv4: an address and a port of ip(7), as a value.
#pragma once

#include "socket_address.hpp"

#include <array>
#include <compare>

namespace rouse::inline v0 {

/// Four bytes, the first one first. Ordered as numbers are.
class Ipv4Address {
 public:
  /// 0.0.0.0.
  constexpr Ipv4Address() = default;
  constexpr explicit Ipv4Address(const std::array<std::uint8_t, 4>& bytes) : bytes_(bytes) {}
  constexpr Ipv4Address(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d) : bytes_{a, b, c, d} {}

  /// Every address of the machine, to bind to: 0.0.0.0.
  [[nodiscard]] static constexpr Ipv4Address any() { return {}; }
  /// 127.0.0.1.
  [[nodiscard]] static constexpr Ipv4Address loopback() { return {127, 0, 0, 1}; }
  /// 255.255.255.255.
  [[nodiscard]] static constexpr Ipv4Address broadcast() { return {255, 255, 255, 255}; }

  /// Four decimals, such as `127.0.0.1`. Nothing if inet_pton(3) does not take it.
  [[nodiscard]] static std::optional<Ipv4Address> parse(std::string_view text) {
    char terminated[INET_ADDRSTRLEN] = {};
    if (text.size() >= sizeof terminated || text.find('\0') != text.npos) return std::nullopt;
    text.copy(terminated, text.size());
    std::array<std::uint8_t, 4> bytes;
    if (::inet_pton(AF_INET, terminated, bytes.data()) != 1) return std::nullopt;
    return Ipv4Address{bytes};
  }

  [[nodiscard]] constexpr const std::array<std::uint8_t, 4>& bytes() const { return bytes_; }
  [[nodiscard]] constexpr bool is_any() const { return *this == any(); }
  /// 127.0.0.0/8.
  [[nodiscard]] constexpr bool is_loopback() const { return bytes_[0] == 127; }
  /// 224.0.0.0/4.
  [[nodiscard]] constexpr bool is_multicast() const { return bytes_[0] >> 4 == 14; }

  friend constexpr auto operator<=>(const Ipv4Address&, const Ipv4Address&) = default;

  /// As inet_ntop(3) prints it.
  friend std::string to_string(const Ipv4Address& address) {
    char text[INET_ADDRSTRLEN] = {};
    ::inet_ntop(AF_INET, address.bytes_.data(), text, sizeof text);
    return text;
  }
  template <class Char, class Traits>
  friend std::basic_ostream<Char, Traits>& operator<<(std::basic_ostream<Char, Traits>& out, const Ipv4Address& a) {
    return out << to_string(a).c_str();
  }

 private:
  std::array<std::uint8_t, 4> bytes_{};
};

/// An IPv4 address and a port: what TCP and UDP sockets are bound and connected to.
class Ipv4 {
 public:
  using Raw = detail::RawAddress<::sockaddr_in>;

  /// 0.0.0.0:0.
  constexpr Ipv4() = default;
  constexpr Ipv4(Ipv4Address address, std::uint16_t port) : address_(address), port_(port) {}

  /// Every address of the machine. Port 0 lets the kernel choose one when binding.
  [[nodiscard]] static constexpr Ipv4 any(std::uint16_t port) { return {Ipv4Address::any(), port}; }
  [[nodiscard]] static constexpr Ipv4 loopback(std::uint16_t port) { return {Ipv4Address::loopback(), port}; }

  /// Such as `127.0.0.1:80`: what to_string prints. Nothing if it is anything else.
  [[nodiscard]] static std::optional<Ipv4> parse(std::string_view text) {
    const std::size_t colon = text.rfind(':');
    if (colon == text.npos) return std::nullopt;
    const auto address = Ipv4Address::parse(text.substr(0, colon));
    std::uint16_t port = 0;
    if (!address || !detail::read_number(text.substr(colon + 1), 10, port)) return std::nullopt;
    return Ipv4{*address, port};
  }

  [[nodiscard]] constexpr const Ipv4Address& address() const { return address_; }
  [[nodiscard]] constexpr std::uint16_t port() const { return port_; }
  [[nodiscard]] constexpr Ipv4 with_port(std::uint16_t port) const { return {address_, port}; }

  friend constexpr auto operator<=>(const Ipv4&, const Ipv4&) = default;

  operator SocketAddress() const {
    const Raw bytes = raw();
    return *SocketAddress::from_raw(bytes.data(), bytes.size());
  }

  /// For the syscalls.
  [[nodiscard]] Raw raw() const {
    ::sockaddr_in bytes{};
    bytes.sin_family = AF_INET;
    bytes.sin_port = htons(port_);
    std::memcpy(&bytes.sin_addr, address_.bytes().data(), sizeof bytes.sin_addr);
    return Raw{bytes};
  }
  /// Nothing if the bytes are no IPv4 address.
  [[nodiscard]] static std::optional<Ipv4> from_raw(const ::sockaddr* data, ::socklen_t size) {
    if (size < sizeof(::sockaddr_in)) return std::nullopt;
    ::sockaddr_in bytes;
    std::memcpy(&bytes, data, sizeof bytes);
    if (bytes.sin_family != AF_INET) return std::nullopt;
    std::array<std::uint8_t, 4> address;
    std::memcpy(address.data(), &bytes.sin_addr, sizeof address);
    return Ipv4{Ipv4Address{address}, ntohs(bytes.sin_port)};
  }

  /// `127.0.0.1:80`.
  friend std::string to_string(const Ipv4& endpoint) {
    return to_string(endpoint.address_) + ':' + std::to_string(endpoint.port_);
  }
  template <class Char, class Traits>
  friend std::basic_ostream<Char, Traits>& operator<<(std::basic_ostream<Char, Traits>& out, const Ipv4& endpoint) {
    return out << to_string(endpoint).c_str();
  }

 private:
  Ipv4Address address_;
  std::uint16_t port_ = 0;
};

}  // namespace rouse::inline v0
