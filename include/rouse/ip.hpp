// Ip: an Ipv4 or an Ipv6, whichever it is: what TCP and UDP handles take and tell.
#pragma once

#include "ipv6.hpp"

namespace rouse::inline v0 {

/// Which of the two.
enum class IpVersion : int { v4 = AF_INET, v6 = AF_INET6 };

namespace detail {

/// A template, with the types of its optionals as parameters, for the reason that address_value.hpp tells.
template <class Endpoint, class V4, class V6>
class EitherIp : public EndpointValue<Endpoint> {
 public:
  /// Nothing if it is the other one.
  [[nodiscard]] constexpr std::optional<V4> v4() const {
    if (self().version_ != IpVersion::v4) return std::nullopt;
    return self().v4_;
  }
  [[nodiscard]] constexpr std::optional<V6> v6() const {
    if (self().version_ != IpVersion::v6) return std::nullopt;
    return self().v6_;
  }

  friend constexpr auto operator<=>(const EitherIp&, const EitherIp&) = default;

 private:
  [[nodiscard]] constexpr const Endpoint& self() const { return static_cast<const Endpoint&>(*this); }
};

}  // namespace detail

/// An endpoint of either version. Ipv4 and Ipv6 convert to it. Ordered by version first; an IPv4 address never equals
/// its mapped form.
class Ip : public detail::EitherIp<Ip, Ipv4, Ipv6> {
 public:
  union Bytes {
    ::sockaddr_in6 v6;
    ::sockaddr_in v4;
  };
  using Raw = detail::RawAddress<Bytes>;

  /// 0.0.0.0:0.
  constexpr Ip() = default;
  constexpr Ip(const Ipv4& endpoint) : version_(IpVersion::v4), v4_(endpoint) {}
  constexpr Ip(const Ipv6& endpoint) : version_(IpVersion::v6), v6_(endpoint) {}

  /// Every address of the machine, or the loopback one. Port 0 lets the kernel choose one when binding.
  [[nodiscard]] static constexpr Ip any(IpVersion which, std::uint16_t port) {
    return which == IpVersion::v4 ? Ip{Ipv4::any(port)} : Ip{Ipv6::any(port)};
  }
  [[nodiscard]] static constexpr Ip loopback(IpVersion which, std::uint16_t port) {
    return which == IpVersion::v4 ? Ip{Ipv4::loopback(port)} : Ip{Ipv6::loopback(port)};
  }

  /// `127.0.0.1:80` or `[::1]:80`. Nothing if it is anything else; names of hosts are not looked up.
  using AddressValue::parse;

  [[nodiscard]] constexpr IpVersion version() const { return version_; }
  [[nodiscard]] constexpr std::uint16_t port() const { return version_ == IpVersion::v4 ? v4_.port() : v6_.port(); }
  [[nodiscard]] constexpr Ip with_port(std::uint16_t port) const {
    return version_ == IpVersion::v4 ? Ip{v4_.with_port(port)} : Ip{v6_.with_port(port)};
  }

  friend constexpr auto operator<=>(const Ip&, const Ip&) = default;

  /// For the syscalls.
  [[nodiscard]] Raw raw() const { return version_ == IpVersion::v4 ? raw_of(v4_.raw()) : raw_of(v6_.raw()); }

  /// As the one that it is.
  friend std::string to_string(const Ip& endpoint) {
    return endpoint.version_ == IpVersion::v4 ? to_string(endpoint.v4_) : to_string(endpoint.v6_);
  }

 private:
  friend AddressValue;
  friend EndpointValue;
  friend EitherIp;

  bool read_text(std::string_view text) {
    Ipv4 v4;
    Ipv6 v6;
    if (v4.read_text(text)) return *this = v4, true;
    if (v6.read_text(text)) return *this = v6, true;
    return false;
  }
  bool read_raw(const ::sockaddr* data, ::socklen_t size) {
    Ipv4 v4;
    Ipv6 v6;
    if (v4.read_raw(data, size)) return *this = v4, true;
    if (v6.read_raw(data, size)) return *this = v6, true;
    return false;
  }

  template <class One>
  static Raw raw_of(const One& one) {
    Raw bytes;
    std::memcpy(bytes.data(), one.data(), one.size());
    bytes.set_size(one.size());
    return bytes;
  }

  // The other one stays as it is by default, so that comparing is comparing the members.
  IpVersion version_ = IpVersion::v4;
  Ipv4 v4_;
  Ipv6 v6_;
};

}  // namespace rouse::inline v0
