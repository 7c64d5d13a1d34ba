// InetAddresses: the addresses of IPv4 and IPv6 that scripts give to sockets, as bytes, and those that come back as
// text.
#pragma once

#include "names.hpp"

#include <arpa/inet.h>
#include <cstring>

namespace differential {

class InetAddresses {
 public:
  /// Of one of address_names from first_inet_address on, which is its text.
  [[nodiscard]] static std::string bytes(std::int64_t which) {
    std::string name;
    append_choice(name, which, address_names);
    if (name == "unspec4") return as_bytes(::sockaddr_in{});
    if (name == "unspec_tiny") return std::string(2, '\0');
    if (name == "short4") return bytes_of("127.0.0.1", 5001).substr(0, 15);
    if (name == "short6") return bytes_of("::1", 5001).substr(0, 23);
    const std::size_t colon = name.rfind(':');
    std::string address = name.substr(0, colon);
    if (address[0] == '[') address = address.substr(1, address.size() - 2);
    return bytes_of(address, static_cast<std::uint16_t>(std::atoi(name.c_str() + colon + 1)));
  }

  /// An address with a port of the kernel's own choice: only that it is one. False if it is none.
  static bool append_ephemeral(std::string& to, std::string_view address) {
    ::sa_family_t family = AF_UNSPEC;
    if (address.size() < sizeof family) return false;
    std::memcpy(&family, address.data(), sizeof family);
    char text[INET6_ADDRSTRLEN] = "";
    std::uint16_t port = 0;
    if (family != AF_INET && family != AF_INET6) return false;
    const std::size_t whole = family == AF_INET ? sizeof(::sockaddr_in) : sizeof(::sockaddr_in6);
    if (address.size() < whole) {
      append_number(to += family == AF_INET ? "v4 cut to " : "v6 cut to ", static_cast<std::int64_t>(address.size()));
      return true;
    }
    if (family == AF_INET && address.size() == sizeof(::sockaddr_in)) {
      ::sockaddr_in from{};
      std::memcpy(&from, address.data(), sizeof from);
      ::inet_ntop(AF_INET, &from.sin_addr, text, sizeof text);
      port = ntohs(from.sin_port);
    } else if (family == AF_INET6 && address.size() == sizeof(::sockaddr_in6)) {
      ::sockaddr_in6 from{};
      std::memcpy(&from, address.data(), sizeof from);
      ::inet_ntop(AF_INET6, &from.sin6_addr, text, sizeof text);
      port = ntohs(from.sin6_port);
    } else {
      return false;
    }
    to.append(family == AF_INET ? "v4 " : "v6 ").append(text);
    if (port >= first_ephemeral) {
      to += ":ephemeral";
    } else {
      append_number(to += ':', port);
    }
    return true;
  }

 private:
  static constexpr std::uint16_t first_ephemeral = 32768;

  template <class T>
  static std::string as_bytes(const T& address) {
    return std::string(reinterpret_cast<const char*>(&address), sizeof address);
  }
  static std::string bytes_of(const std::string& address, std::uint16_t port) {
    ::sockaddr_in four{};
    four.sin_family = AF_INET;
    four.sin_port = htons(port);
    if (::inet_pton(AF_INET, address.c_str(), &four.sin_addr) == 1) return as_bytes(four);
    ::sockaddr_in6 six{};
    six.sin6_family = AF_INET6;
    six.sin6_port = htons(port);
    ::inet_pton(AF_INET6, address.c_str(), &six.sin6_addr);
    return as_bytes(six);
  }
};

}  // namespace differential
