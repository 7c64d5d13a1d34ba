// Ipv6: an address, the interface it is meant on, and a port of ipv6(7), as a value. The flow label is left out: it is
// sent as 0, and dropped when the kernel tells one.
#pragma once

#include "ipv4.hpp"

namespace rouse::inline v0 {

namespace detail {

/// A template, with the type of its optional as a parameter, for the reason that address_value.hpp tells.
template <class Address, class V4>
class MaybeMapped : public AddressValue<Address> {
 public:
  /// The IPv4 address inside `::ffff:a.b.c.d`; nothing of another address.
  [[nodiscard]] constexpr std::optional<V4> unmapped() const {
    const auto& bytes = static_cast<const Address&>(*this).bytes();
    const V4 inside{bytes[12], bytes[13], bytes[14], bytes[15]};
    if (bytes != Address::mapped(inside).bytes()) return std::nullopt;
    return inside;
  }

  friend constexpr auto operator<=>(const MaybeMapped&, const MaybeMapped&) = default;
};

}  // namespace detail

/// Sixteen bytes, the first one first, and a scope: the number of the interface that a link-local address is meant on,
/// else 0. Ordered by the bytes, then the scope.
class Ipv6Address : public detail::MaybeMapped<Ipv6Address, Ipv4Address> {
 public:
  using Bytes = std::array<std::uint8_t, 16>;

  /// `::`.
  constexpr Ipv6Address() = default;
  constexpr explicit Ipv6Address(const Bytes& bytes, std::uint32_t scope = 0) : bytes_(bytes), scope_(scope) {}

  /// Every address of the machine, to bind to: `::`.
  [[nodiscard]] static constexpr Ipv6Address any() { return {}; }
  /// `::1`.
  [[nodiscard]] static constexpr Ipv6Address loopback() {
    return Ipv6Address{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}};
  }
  /// `::ffff:a.b.c.d`: how an IPv6 socket names its IPv4 peers.
  [[nodiscard]] static constexpr Ipv6Address mapped(const Ipv4Address& from) {
    const auto& b = from.bytes();
    return Ipv6Address{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, b[0], b[1], b[2], b[3]}};
  }

  /// Such as `fe80::1%eth0` or `::1`. Nothing if inet_pton(3) does not take what comes before the `%`, or if what
  /// follows is neither an interface that if_nametoindex(3) knows on this machine nor a number.
  using AddressValue::parse;

  [[nodiscard]] constexpr const Bytes& bytes() const { return bytes_; }
  /// The interface's number; 0 for none.
  [[nodiscard]] constexpr std::uint32_t scope() const { return scope_; }
  [[nodiscard]] constexpr Ipv6Address with_scope(std::uint32_t scope) const { return Ipv6Address{bytes_, scope}; }

  [[nodiscard]] constexpr bool is_any() const { return bytes_ == Bytes{}; }
  [[nodiscard]] constexpr bool is_loopback() const { return bytes_ == loopback().bytes_; }
  /// ff00::/8.
  [[nodiscard]] constexpr bool is_multicast() const { return bytes_[0] == 0xff; }
  /// fe80::/10: of use only with a scope.
  [[nodiscard]] constexpr bool is_link_local() const { return bytes_[0] == 0xfe && bytes_[1] >> 6 == 2; }

  friend constexpr auto operator<=>(const Ipv6Address&, const Ipv6Address&) = default;

  /// As inet_ntop(3) prints it, with `%` and the interface's name, or its number if there is no such interface now.
  friend std::string to_string(const Ipv6Address& address) {
    char digits[INET6_ADDRSTRLEN] = {};
    ::inet_ntop(AF_INET6, address.bytes_.data(), digits, sizeof digits);
    return digits + detail::scope_text(address.scope_);
  }

 private:
  friend AddressValue;
  friend class Ipv6;

  bool read_text(std::string_view text) {
    const std::size_t percent = text.find('%');
    const std::string_view digits = text.substr(0, percent);
    char terminated[INET6_ADDRSTRLEN] = {};
    if (digits.size() >= sizeof terminated || digits.find('\0') != digits.npos) return false;
    digits.copy(terminated, digits.size());
    if (::inet_pton(AF_INET6, terminated, bytes_.data()) != 1) return false;
    return percent == text.npos || read_scope(text.substr(percent + 1), scope_);
  }
  static bool read_scope(std::string_view text, std::uint32_t& scope) {
    char name[IF_NAMESIZE] = {};
    if (!text.empty() && text.size() < sizeof name && text.find('\0') == text.npos) {
      text.copy(name, text.size());
      scope = ::if_nametoindex(name);
      if (scope != 0) return true;
    }
    return detail::read_number(text, 10, scope);
  }

  Bytes bytes_{};
  std::uint32_t scope_ = 0;
};

/// An IPv6 address and a port: what TCP and UDP sockets are bound and connected to.
class Ipv6 : public detail::EndpointValue<Ipv6> {
 public:
  using Raw = detail::RawAddress<::sockaddr_in6>;

  /// `[::]:0`.
  constexpr Ipv6() = default;
  constexpr Ipv6(const Ipv6Address& address, std::uint16_t port) : address_(address), port_(port) {}

  /// Every address of the machine; IPv4 ones too, unless `option::v6_only` is set. Port 0 lets the kernel choose one
  /// when binding.
  [[nodiscard]] static constexpr Ipv6 any(std::uint16_t port) { return {Ipv6Address::any(), port}; }
  [[nodiscard]] static constexpr Ipv6 loopback(std::uint16_t port) { return {Ipv6Address::loopback(), port}; }

  /// Such as `[::1]:80` or `[fe80::1%eth0]:80`: what to_string prints. Nothing if it is anything else.
  using AddressValue::parse;

  [[nodiscard]] constexpr const Ipv6Address& address() const { return address_; }
  [[nodiscard]] constexpr std::uint16_t port() const { return port_; }
  [[nodiscard]] constexpr Ipv6 with_port(std::uint16_t port) const { return {address_, port}; }

  friend constexpr auto operator<=>(const Ipv6&, const Ipv6&) = default;

  /// For the syscalls.
  [[nodiscard]] Raw raw() const {
    ::sockaddr_in6 bytes{};
    bytes.sin6_family = AF_INET6;
    bytes.sin6_port = htons(port_);
    bytes.sin6_scope_id = address_.scope();
    std::memcpy(&bytes.sin6_addr, address_.bytes().data(), sizeof bytes.sin6_addr);
    return Raw{bytes};
  }

  /// `[::1]:80`.
  friend std::string to_string(const Ipv6& endpoint) {
    return '[' + to_string(endpoint.address_) + "]:" + std::to_string(endpoint.port_);
  }

 private:
  friend AddressValue;
  friend EndpointValue;
  friend class Ip;

  bool read_text(std::string_view text) {
    const std::size_t closing = text.rfind("]:");
    return closing != text.npos && text[0] == '[' && address_.read_text(text.substr(1, closing - 1)) &&
           detail::read_number(text.substr(closing + 2), 10, port_);
  }
  bool read_raw(const ::sockaddr* data, ::socklen_t size) {
    ::sockaddr_in6 bytes;
    if (size < sizeof bytes) return false;
    std::memcpy(&bytes, data, sizeof bytes);
    if (bytes.sin6_family != AF_INET6) return false;
    std::memcpy(address_.bytes_.data(), &bytes.sin6_addr, sizeof bytes.sin6_addr);
    address_.scope_ = bytes.sin6_scope_id;
    port_ = ntohs(bytes.sin6_port);
    return true;
  }

  Ipv6Address address_;
  std::uint16_t port_ = 0;
};

}  // namespace rouse::inline v0
