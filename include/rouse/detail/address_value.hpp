// AddressValue and EndpointValue: what the addresses of all families have in common, over a few primitives of each.
//
// They are class templates for a compiler's sake as well: what they have is instantiated where it is used, while each
// std::optional that is returned in a header would be instantiated in every unit, and be most of what the header costs,
// unless it is one of a template's parameter.
#pragma once

#include "../socket_address.hpp"

#include <compare>

namespace rouse::inline v0::detail {

/// What an address can do as a text. `Value` is derived from it, prints by to_string, and has this as a friend that
/// default-constructs it and calls its
///
///     bool read_text(std::string_view);  // Sets it; false for what is no such text.
template <class Value>
class AddressValue {
 public:
  [[nodiscard]] static constexpr std::optional<Value> parse(std::string_view text) {
    Value value;
    if (!value.read_text(text)) return std::nullopt;
    return value;
  }

  template <class Char, class Traits>
  friend std::basic_ostream<Char, Traits>& operator<<(std::basic_ostream<Char, Traits>& out, const Value& value) {
    return out << to_string(value).c_str();
  }

  friend constexpr auto operator<=>(const AddressValue&, const AddressValue&) = default;
};

/// The same of what a socket can be bound or connected to. `Value` also has
///
///     Raw raw() const;                                // For the syscalls: a RawAddress.
///     bool read_raw(const ::sockaddr*, ::socklen_t);  // As read_text.
template <class Value>
class EndpointValue : public AddressValue<Value> {
 public:
  /// Nothing if the bytes are no such address.
  [[nodiscard]] static std::optional<Value> from_raw(const ::sockaddr* data, ::socklen_t size) {
    Value value;
    if (!value.read_raw(data, size)) return std::nullopt;
    return value;
  }

  operator SocketAddress() const {
    const auto bytes = static_cast<const Value&>(*this).raw();
    return *SocketAddress::from_raw(bytes.data(), bytes.size());
  }

  friend constexpr auto operator<=>(const EndpointValue&, const EndpointValue&) = default;
};

/// What the syscalls are given or fill of an address whose family is known: no longer than it has to be. `Bytes` is a
/// sockaddr_in or the like.
template <class Bytes>
class RawAddress {
 public:
  RawAddress() = default;
  explicit RawAddress(const Bytes& bytes, ::socklen_t size = sizeof(Bytes)) : bytes_(bytes), size_(size) {}

  [[nodiscard]] const ::sockaddr* data() const { return reinterpret_cast<const ::sockaddr*>(&bytes_); }
  [[nodiscard]] ::sockaddr* data() { return reinterpret_cast<::sockaddr*>(&bytes_); }
  [[nodiscard]] ::socklen_t size() const { return size_; }
  [[nodiscard]] static constexpr ::socklen_t capacity() { return sizeof(Bytes); }
  void set_size(::socklen_t size) { size_ = size; }

 private:
  Bytes bytes_{};
  ::socklen_t size_ = 0;
};

}  // namespace rouse::inline v0::detail
