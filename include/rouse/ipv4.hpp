// Ipv4: an address and a port of ip(7), as a value.
#pragma once

#include "detail/address_value.hpp"

#include <array>

namespace rouse::inline v0 {

/// Four bytes, the first one first. Ordered as numbers are.
class Ipv4Address : public detail::AddressValue<Ipv4Address> {
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
  using AddressValue::parse;

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

 private:
  friend AddressValue;
  friend class Ipv4;

  bool read_text(std::string_view text) {
    char terminated[INET_ADDRSTRLEN] = {};
    if (text.size() >= sizeof terminated || text.find('\0') != text.npos) return false;
    text.copy(terminated, text.size());
    return ::inet_pton(AF_INET, terminated, bytes_.data()) == 1;
  }

  std::array<std::uint8_t, 4> bytes_{};
};

/// An IPv4 address and a port: what TCP and UDP sockets are bound and connected to.
class Ipv4 : public detail::EndpointValue<Ipv4> {
 public:
  using Raw = detail::RawAddress<::sockaddr_in>;

  /// 0.0.0.0:0.
  constexpr Ipv4() = default;
  constexpr Ipv4(Ipv4Address address, std::uint16_t port) : address_(address), port_(port) {}

  /// Every address of the machine. Port 0 lets the kernel choose one when binding.
  [[nodiscard]] static constexpr Ipv4 any(std::uint16_t port) { return {Ipv4Address::any(), port}; }
  [[nodiscard]] static constexpr Ipv4 loopback(std::uint16_t port) { return {Ipv4Address::loopback(), port}; }

  /// Such as `127.0.0.1:80`: what to_string prints. Nothing if it is anything else.
  using AddressValue::parse;

  [[nodiscard]] constexpr const Ipv4Address& address() const { return address_; }
  [[nodiscard]] constexpr std::uint16_t port() const { return port_; }
  [[nodiscard]] constexpr Ipv4 with_port(std::uint16_t port) const { return {address_, port}; }

  friend constexpr auto operator<=>(const Ipv4&, const Ipv4&) = default;

  /// For the syscalls.
  [[nodiscard]] Raw raw() const {
    ::sockaddr_in bytes{};
    bytes.sin_family = AF_INET;
    bytes.sin_port = htons(port_);
    std::memcpy(&bytes.sin_addr, address_.bytes().data(), sizeof bytes.sin_addr);
    return Raw{bytes};
  }

  /// `127.0.0.1:80`.
  friend std::string to_string(const Ipv4& endpoint) {
    return to_string(endpoint.address_) + ':' + std::to_string(endpoint.port_);
  }

 private:
  friend AddressValue;
  friend EndpointValue;
  friend class Ip;

  bool read_text(std::string_view text) {
    const std::size_t colon = text.rfind(':');
    return colon != text.npos && address_.read_text(text.substr(0, colon)) &&
           detail::read_number(text.substr(colon + 1), 10, port_);
  }
  bool read_raw(const ::sockaddr* data, ::socklen_t size) {
    ::sockaddr_in bytes;
    if (size < sizeof bytes) return false;
    std::memcpy(&bytes, data, sizeof bytes);
    if (bytes.sin_family != AF_INET) return false;
    std::memcpy(address_.bytes_.data(), &bytes.sin_addr, sizeof bytes.sin_addr);
    port_ = ntohs(bytes.sin_port);
    return true;
  }

  Ipv4Address address_;
  std::uint16_t port_ = 0;
};

}  // namespace rouse::inline v0
