// UnixAddress: where a unix socket is bound or connected to: a path, an abstract name, or nowhere. unix(7).
#pragma once

#include "detail/address_value.hpp"
#include "error.hpp"

namespace rouse::inline v0 {

class UnixAddress;

/// The longest path or abstract name, in bytes.
inline constexpr std::size_t unix_name_max = sizeof(::sockaddr_un::sun_path) - 1;

namespace detail {

inline std::string abstract_text(std::string_view name) {
  std::string printed{'@'};
  printed += name;
  for (char& byte : printed) byte = byte == '\0' ? '@' : byte;
  return printed;
}

/// The byte more is for the end that getsockname(2) adds to the longest path that bind(2) takes.
struct UnixAddressBytes {
  ::sockaddr_un address;
  char end;
};
using RawUnixAddress = RawAddress<UnixAddressBytes>;

/// Up to 108 bytes by value: a path that somebody else bound may lack its end.
class UnixBytes {
 public:
  constexpr UnixBytes() = default;
  /// Precondition: no longer than that.
  constexpr explicit UnixBytes(std::string_view bytes) : size_(static_cast<std::uint8_t>(bytes.size())) {
    bytes.copy(bytes_, bytes.size());
  }
  [[nodiscard]] constexpr std::string_view view() const { return {bytes_, std::size_t{size_}}; }

  friend constexpr bool operator==(const UnixBytes& a, const UnixBytes& b) { return a.view() == b.view(); }
  friend constexpr auto operator<=>(const UnixBytes& a, const UnixBytes& b) { return a.view() <=> b.view(); }

 private:
  char bytes_[sizeof(::sockaddr_un::sun_path)] = {};
  std::uint8_t size_ = 0;
};

}  // namespace detail

/// A path in the file system: not empty, no NUL, at most unix_name_max bytes.
class UnixPath : public detail::EndpointValue<UnixPath> {
 public:
  /// Throws std::system_error: ENAMETOOLONG for one that is too long, EINVAL for an empty one or one with a NUL in it.
  explicit UnixPath(std::string_view path) {
    if (path.size() > unix_name_max) detail::throw_errno(ENAMETOOLONG, "UnixPath", -1, "more than 107 bytes");
    if (!is_sound(path)) detail::throw_errno(EINVAL, "UnixPath", -1, path.empty() ? "empty" : "a NUL in it");
    bytes_ = detail::UnixBytes{path};
  }

  /// Nothing for what the constructor refuses.
  using AddressValue::parse;

  [[nodiscard]] constexpr std::string_view view() const { return bytes_.view(); }
  [[nodiscard]] constexpr const char* c_str() const { return bytes_.view().data(); }

  friend constexpr auto operator<=>(const UnixPath&, const UnixPath&) = default;

  friend std::string to_string(const UnixPath& path) { return std::string(path.view()); }

 private:
  friend AddressValue;
  friend EndpointValue;
  friend UnixAddress;

  constexpr UnixPath() = default;
  constexpr bool read_text(std::string_view path) {
    if (path.size() > unix_name_max || !is_sound(path)) return false;
    bytes_ = detail::UnixBytes{path};
    return true;
  }
  [[nodiscard]] detail::RawUnixAddress raw() const;
  bool read_raw(const ::sockaddr* data, ::socklen_t size);
  static constexpr bool is_sound(std::string_view path) { return !path.empty() && path.find('\0') == path.npos; }

  detail::UnixBytes bytes_;
};

/// A name in Linux's abstract namespace: any bytes, at most unix_name_max, the empty one included. It goes when the
/// socket is closed.
class UnixAbstract : public detail::EndpointValue<UnixAbstract> {
 public:
  /// Throws std::system_error, ENAMETOOLONG, for one that is too long.
  explicit UnixAbstract(std::string_view name) {
    if (name.size() > unix_name_max) detail::throw_errno(ENAMETOOLONG, "UnixAbstract", -1, "more than 107 bytes");
    bytes_ = detail::UnixBytes{name};
  }

  /// Nothing if it is too long. `name` is without the `@` that it is printed with.
  using AddressValue::parse;

  [[nodiscard]] constexpr std::string_view view() const { return bytes_.view(); }

  friend constexpr auto operator<=>(const UnixAbstract&, const UnixAbstract&) = default;

  /// `@name`, as /proc/net/unix has it: each NUL is an `@`.
  friend std::string to_string(const UnixAbstract& name) { return detail::abstract_text(name.view()); }

 private:
  friend AddressValue;
  friend EndpointValue;
  friend UnixAddress;

  constexpr UnixAbstract() = default;
  constexpr bool read_text(std::string_view name) {
    if (name.size() > unix_name_max) return false;
    bytes_ = detail::UnixBytes{name};
    return true;
  }
  [[nodiscard]] detail::RawUnixAddress raw() const;
  bool read_raw(const ::sockaddr* data, ::socklen_t size);

  detail::UnixBytes bytes_;
};

namespace detail {

/// A template, with the types of its optionals as parameters, for the reason that address_value.hpp tells.
template <class Address, class Path, class Abstract>
class EitherUnix : public EndpointValue<Address> {
 public:
  /// Nothing if it is no path, or one that somebody made longer than a UnixPath.
  [[nodiscard]] constexpr std::optional<Path> path() const {
    return self().kind_ == Address::Kind::path ? Path::parse(self().bytes_.view()) : std::nullopt;
  }
  /// Nothing if it is no abstract name.
  [[nodiscard]] constexpr std::optional<Abstract> abstract() const {
    return self().kind_ == Address::Kind::abstract ? Abstract::parse(self().bytes_.view()) : std::nullopt;
  }

  friend constexpr auto operator<=>(const EitherUnix&, const EitherUnix&) = default;

 private:
  [[nodiscard]] constexpr const Address& self() const { return static_cast<const Address&>(*this); }
};

}  // namespace detail

/// Any of the two, or none: what unix handles take and tell. Both convert to it.
class UnixAddress : public detail::EitherUnix<UnixAddress, UnixPath, UnixAbstract> {
 public:
  using Bytes = detail::UnixAddressBytes;
  using Raw = detail::RawUnixAddress;

  /// Unnamed: what a socket is before it is bound. Binding to it asks the kernel for an abstract name.
  constexpr UnixAddress() = default;
  constexpr UnixAddress(const UnixPath& path) : kind_(Kind::path), bytes_(path.view()) {}
  constexpr UnixAddress(const UnixAbstract& name) : kind_(Kind::abstract), bytes_(name.view()) {}

  /// A path, or with `@` before it an abstract name. Nothing if it is empty or too long, or has a NUL in a path.
  using AddressValue::parse;

  [[nodiscard]] constexpr bool is_unnamed() const { return kind_ == Kind::unnamed; }

  friend constexpr auto operator<=>(const UnixAddress&, const UnixAddress&) = default;

  /// For the syscalls.
  [[nodiscard]] Raw raw() const {
    const std::string_view name = bytes_.view();
    const std::size_t at = kind_ == Kind::abstract ? 1 : 0;
    Bytes bytes{};
    bytes.address.sun_family = AF_UNIX;
    name.copy(bytes.address.sun_path + at, name.size());
    const std::size_t ended = name.size() > unix_name_max ? name.size() : name.size() + 1;
    const std::size_t counted = kind_ == Kind::path ? ended : at + name.size();
    return Raw{bytes, static_cast<::socklen_t>(before_name + counted)};
  }

  /// The path, `@name`, or `unnamed`.
  friend std::string to_string(const UnixAddress& address) {
    if (address.kind_ == Kind::unnamed) return "unnamed";
    if (address.kind_ == Kind::path) return std::string(address.bytes_.view());
    return detail::abstract_text(address.bytes_.view());
  }

 private:
  friend AddressValue;
  friend EndpointValue;
  friend EitherUnix;
  friend UnixPath;
  friend UnixAbstract;

  enum class Kind : std::uint8_t { unnamed, path, abstract };
  static constexpr std::size_t before_name = offsetof(::sockaddr_un, sun_path);

  constexpr bool read_text(std::string_view text) {
    UnixAbstract name;
    UnixPath path;
    if (text.starts_with('@')) return name.read_text(text.substr(1)) && (*this = name, true);
    return path.read_text(text) && (*this = path, true);
  }
  bool read_raw(const ::sockaddr* data, ::socklen_t size) {
    if (size < before_name || data->sa_family != AF_UNIX) return false;
    const std::string_view name{reinterpret_cast<const char*>(data) + before_name, size - before_name};
    if (name.empty()) return *this = {}, true;
    if (name[0] == '\0') return set(Kind::abstract, name.substr(1));
    return set(Kind::path, name.substr(0, name.find('\0')));
  }
  bool set(Kind kind, std::string_view name) {
    if (name.size() > (kind == Kind::path ? unix_name_max + 1 : unix_name_max)) return false;
    kind_ = kind;
    bytes_ = detail::UnixBytes{name};
    return true;
  }

  Kind kind_ = Kind::unnamed;
  detail::UnixBytes bytes_;
};

inline detail::RawUnixAddress UnixPath::raw() const { return UnixAddress{*this}.raw(); }
inline detail::RawUnixAddress UnixAbstract::raw() const { return UnixAddress{*this}.raw(); }

inline bool UnixPath::read_raw(const ::sockaddr* data, ::socklen_t size) {
  UnixAddress address;
  return address.read_raw(data, size) && address.kind_ == UnixAddress::Kind::path && read_text(address.bytes_.view());
}
inline bool UnixAbstract::read_raw(const ::sockaddr* data, ::socklen_t size) {
  UnixAddress address;
  return address.read_raw(data, size) && address.kind_ == UnixAddress::Kind::abstract &&
         read_text(address.bytes_.view());
}

}  // namespace rouse::inline v0
