// SocketAddress: where a socket is bound or connected to: unix(7), ip(7), ipv6(7).
#pragma once

#include "detail/assert.hpp"
#include "detail/digits.hpp"

#include <arpa/inet.h>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iosfwd>
#include <net/if.h>
#include <netinet/in.h>
#include <optional>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <sys/un.h>

namespace rouse::inline v0 {

namespace detail {

/// `%` and the name of the interface that an IPv6 address is meant on, or its number if there is no such interface now;
/// empty for none.
inline std::string scope_text(std::uint32_t scope) {
  if (scope == 0) return {};
  char name[IF_NAMESIZE] = {};
  return '%' + (::if_indextoname(scope, name) != nullptr ? std::string(name) : std::to_string(scope));
}

/// The ways to make a SocketAddress that may come to nothing. A template for the reason that address_value.hpp tells.
template <class Address>
class SocketAddressMaker {
 public:
  /// A path in the file system. Nothing if it is empty, longer than 107 bytes, or has a NUL in it.
  [[nodiscard]] static std::optional<Address> unix_path(std::string_view path) {
    if (path.empty() || path.size() >= sizeof(::sockaddr_un::sun_path) || path.find('\0') != path.npos) return {};
    return local(path, path.size() + 1);
  }
  /// A name in Linux's abstract namespace, which may hold any bytes and goes when the socket is closed. Nothing if it
  /// is longer than 107 bytes.
  [[nodiscard]] static std::optional<Address> unix_abstract(std::string_view name) {
    if (name.size() >= sizeof(::sockaddr_un::sun_path)) return {};
    return local(std::string(1, '\0').append(name), name.size() + 1);
  }

  /// Dotted decimals, such as `127.0.0.1`. Nothing if inet_pton(3) does not take it.
  [[nodiscard]] static std::optional<Address> ipv4(const char* host, std::uint16_t port) {
    ::sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    if (::inet_pton(AF_INET, host, &address.sin_addr) != 1) return {};
    return copy_of(&address, sizeof address);
  }
  /// Such as `::1`. Nothing if inet_pton(3) does not take it.
  [[nodiscard]] static std::optional<Address> ipv6(const char* host, std::uint16_t port) {
    ::sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    address.sin6_port = htons(port);
    if (::inet_pton(AF_INET6, host, &address.sin6_addr) != 1) return {};
    return copy_of(&address, sizeof address);
  }

  /// The bytes of an address of any kind. Nothing if they are longer than any address.
  [[nodiscard]] static std::optional<Address> from_raw(const ::sockaddr* data, ::socklen_t size) {
    if (size > Address::capacity()) return std::nullopt;
    return copy_of(data, size);
  }

 protected:
  static Address copy_of(const void* bytes, ::socklen_t size) {
    Address result;
    std::memcpy(result.data(), bytes, size);
    result.set_size(size);
    return result;
  }

 private:
  static Address local(std::string_view bytes, std::size_t counted) {
    ::sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, bytes.data(), bytes.size());
    return copy_of(&address, static_cast<::socklen_t>(offsetof(::sockaddr_un, sun_path) + counted));
  }
};

}  // namespace detail

/// An address of any family, with its length as the kernel counts it. A value; comparing compares the bytes.
/// Ipv4, Ipv6, Ip and UnixAddress convert to it, and `as` converts back.
class SocketAddress : public detail::SocketAddressMaker<SocketAddress> {
 public:
  using Raw = SocketAddress;

  /// No address: family AF_UNSPEC, length 0.
  SocketAddress() = default;

  /// 127.0.0.1; port 0 lets the kernel choose one when binding.
  [[nodiscard]] static SocketAddress ipv4_loopback(std::uint16_t port) {
    ::sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return copy_of(&address, sizeof address);
  }

  [[nodiscard]] const SocketAddress& raw() const { return *this; }

  /// The same as an Ipv4, Ipv6, Ip, UnixPath …; nothing if it is none.
  template <class Address>
  [[nodiscard]] std::optional<Address> as() const {
    return Address::from_raw(data(), size());
  }

  [[nodiscard]] int family() const { return size_ == 0 ? AF_UNSPEC : storage_.ss_family; }
  /// The port of an IPv4 or IPv6 address, else 0.
  [[nodiscard]] std::uint16_t port() const {
    if (family() == AF_INET) return ntohs(in<::sockaddr_in>().sin_port);
    if (family() == AF_INET6) return ntohs(in<::sockaddr_in6>().sin6_port);
    return 0;
  }

  /// For the syscalls: the bytes and how many of them count.
  [[nodiscard]] const ::sockaddr* data() const { return reinterpret_cast<const ::sockaddr*>(&storage_); }
  [[nodiscard]] ::sockaddr* data() { return reinterpret_cast<::sockaddr*>(&storage_); }
  [[nodiscard]] ::socklen_t size() const { return size_; }
  [[nodiscard]] static constexpr ::socklen_t capacity() { return sizeof(::sockaddr_storage); }
  /// Says how many bytes a syscall wrote. Precondition: size <= capacity().
  void set_size(::socklen_t size) {
    ROUSE_ASSERT(size <= capacity(), "SocketAddress: longer than any address");
    size_ = size;
  }

  friend bool operator==(const SocketAddress& a, const SocketAddress& b) {
    return a.size_ == b.size_ && std::memcmp(&a.storage_, &b.storage_, a.size_) == 0;
  }

  /// `127.0.0.1:80`, `[::1]:80`, a path, `@name` for an abstract one (as /proc/net/unix has it: each NUL is an `@`),
  /// `unnamed` for a unix socket without a name.
  friend std::string to_string(const SocketAddress& address) {
    char text[INET6_ADDRSTRLEN] = {};
    switch (address.family()) {
      case AF_INET: {
        const auto ip = address.in<::sockaddr_in>();
        ::inet_ntop(AF_INET, &ip.sin_addr, text, sizeof text);
        return std::string(text) + ':' + std::to_string(address.port());
      }
      case AF_INET6: {
        const auto ip = address.in<::sockaddr_in6>();
        ::inet_ntop(AF_INET6, &ip.sin6_addr, text, sizeof text);
        return '[' + std::string(text) + detail::scope_text(ip.sin6_scope_id) + "]:" + std::to_string(address.port());
      }
      case AF_UNIX: {
        const std::string_view name = address.unix_name();
        if (name.empty()) return "unnamed";
        if (name[0] == '\0') {
          std::string printed{name};
          for (char& byte : printed) byte = byte == '\0' ? '@' : byte;
          return printed;
        }
        return std::string(name.substr(0, name.find('\0')));
      }
      default: return "family " + std::to_string(address.family());
    }
  }

  template <class Char, class Traits>
  friend std::basic_ostream<Char, Traits>& operator<<(std::basic_ostream<Char, Traits>& out, const SocketAddress& a) {
    return out << to_string(a).c_str();
  }

 private:
  template <class Bytes>
  [[nodiscard]] Bytes in() const {
    Bytes bytes;
    std::memcpy(&bytes, &storage_, sizeof bytes);
    return bytes;
  }

  [[nodiscard]] std::string_view unix_name() const {
    constexpr std::size_t before = offsetof(::sockaddr_un, sun_path);
    if (size_ <= before) return {};
    return {reinterpret_cast<const char*>(&storage_) + before, size_ - before};
  }

  ::sockaddr_storage storage_{};
  ::socklen_t size_ = 0;
};

}  // namespace rouse::inline v0
