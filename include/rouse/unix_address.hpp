// UnixAddress: where a unix socket is bound or connected to: a path, an abstract name, or nowhere. unix(7).
#pragma once

#include "error.hpp"
#include "socket_address.hpp"

#include <compare>

namespace rouse::inline v0 {

/// The longest path or abstract name, in bytes.
inline constexpr std::size_t unix_name_max = sizeof(::sockaddr_un::sun_path) - 1;

namespace detail {

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
class UnixPath {
 public:
  /// Throws std::system_error: ENAMETOOLONG for one that is too long, EINVAL for an empty one or one with a NUL in it.
  explicit UnixPath(std::string_view path) {
    if (path.size() > unix_name_max) detail::throw_errno(ENAMETOOLONG, "UnixPath", -1, "more than 107 bytes");
    if (!is_sound(path)) detail::throw_errno(EINVAL, "UnixPath", -1, path.empty() ? "empty" : "a NUL in it");
    bytes_ = detail::UnixBytes{path};
  }

  /// Nothing for what the constructor refuses.
  [[nodiscard]] static constexpr std::optional<UnixPath> parse(std::string_view path) {
    if (path.size() > unix_name_max || !is_sound(path)) return std::nullopt;
    return UnixPath{detail::UnixBytes{path}};
  }

  [[nodiscard]] constexpr std::string_view view() const { return bytes_.view(); }
  [[nodiscard]] constexpr const char* c_str() const { return bytes_.view().data(); }

  friend constexpr auto operator<=>(const UnixPath&, const UnixPath&) = default;

  operator SocketAddress() const;
  [[nodiscard]] static std::optional<UnixPath> from_raw(const ::sockaddr* data, ::socklen_t size);

  friend std::string to_string(const UnixPath& path) { return std::string(path.view()); }
  template <class Char, class Traits>
  friend std::basic_ostream<Char, Traits>& operator<<(std::basic_ostream<Char, Traits>& out, const UnixPath& path) {
    return out << to_string(path).c_str();
  }

 private:
  constexpr explicit UnixPath(const detail::UnixBytes& bytes) : bytes_(bytes) {}
  static constexpr bool is_sound(std::string_view path) { return !path.empty() && path.find('\0') == path.npos; }

  detail::UnixBytes bytes_;
};

/// A name in Linux's abstract namespace: any bytes, at most unix_name_max, the empty one included. It goes when the
/// socket is closed.
class UnixAbstract {
 public:
  /// Throws std::system_error, ENAMETOOLONG, for one that is too long.
  explicit UnixAbstract(std::string_view name) {
    if (name.size() > unix_name_max) detail::throw_errno(ENAMETOOLONG, "UnixAbstract", -1, "more than 107 bytes");
    bytes_ = detail::UnixBytes{name};
  }

  /// Nothing if it is too long. `name` is without the `@` that it is printed with.
  [[nodiscard]] static constexpr std::optional<UnixAbstract> parse(std::string_view name) {
    if (name.size() > unix_name_max) return std::nullopt;
    return UnixAbstract{detail::UnixBytes{name}};
  }

  [[nodiscard]] constexpr std::string_view view() const { return bytes_.view(); }

  friend constexpr auto operator<=>(const UnixAbstract&, const UnixAbstract&) = default;

  operator SocketAddress() const;
  [[nodiscard]] static std::optional<UnixAbstract> from_raw(const ::sockaddr* data, ::socklen_t size);

  /// `@name`, as /proc/net/unix has it: each NUL is an `@`.
  friend std::string to_string(const UnixAbstract& name) {
    std::string printed{'@'};
    printed += name.view();
    for (char& byte : printed) byte = byte == '\0' ? '@' : byte;
    return printed;
  }
  template <class Char, class Traits>
  friend std::basic_ostream<Char, Traits>& operator<<(std::basic_ostream<Char, Traits>& out, const UnixAbstract& name) {
    return out << to_string(name).c_str();
  }

 private:
  constexpr explicit UnixAbstract(const detail::UnixBytes& bytes) : bytes_(bytes) {}

  detail::UnixBytes bytes_;
};

/// Any of the two, or none: what unix handles take and tell. Both convert to it.
class UnixAddress {
 public:
  // The byte more is for the end that getsockname(2) adds to the longest path that bind(2) takes.
  struct Bytes {
    ::sockaddr_un address;
    char end;
  };
  using Raw = detail::RawAddress<Bytes>;

  /// Unnamed: what a socket is before it is bound. Binding to it asks the kernel for an abstract name.
  constexpr UnixAddress() = default;
  constexpr UnixAddress(const UnixPath& path) : kind_(Kind::path), bytes_(path.view()) {}
  constexpr UnixAddress(const UnixAbstract& name) : kind_(Kind::abstract), bytes_(name.view()) {}

  /// A path, or with `@` before it an abstract name. Nothing if it is empty or too long, or has a NUL in a path.
  [[nodiscard]] static constexpr std::optional<UnixAddress> parse(std::string_view text) {
    if (text.starts_with('@')) {
      const auto name = UnixAbstract::parse(text.substr(1));
      return name ? std::optional<UnixAddress>{*name} : std::nullopt;
    }
    const auto path = UnixPath::parse(text);
    return path ? std::optional<UnixAddress>{*path} : std::nullopt;
  }

  [[nodiscard]] constexpr bool is_unnamed() const { return kind_ == Kind::unnamed; }
  /// Nothing if it is no path, or one that somebody made longer than a UnixPath.
  [[nodiscard]] constexpr std::optional<UnixPath> path() const {
    return kind_ == Kind::path ? UnixPath::parse(bytes_.view()) : std::nullopt;
  }
  /// Nothing if it is no abstract name.
  [[nodiscard]] constexpr std::optional<UnixAbstract> abstract() const {
    return kind_ == Kind::abstract ? UnixAbstract::parse(bytes_.view()) : std::nullopt;
  }

  friend constexpr auto operator<=>(const UnixAddress&, const UnixAddress&) = default;

  operator SocketAddress() const {
    const Raw bytes = raw();
    return *SocketAddress::from_raw(bytes.data(), bytes.size());
  }

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
  /// Nothing if the bytes are no unix address.
  [[nodiscard]] static std::optional<UnixAddress> from_raw(const ::sockaddr* data, ::socklen_t size) {
    if (size < before_name || data->sa_family != AF_UNIX) return std::nullopt;
    const std::string_view name{reinterpret_cast<const char*>(data) + before_name, size - before_name};
    if (name.empty()) return UnixAddress{};
    if (name[0] == '\0') return of(Kind::abstract, name.substr(1));
    return of(Kind::path, name.substr(0, name.find('\0')));
  }

  /// The path, `@name`, or `unnamed`.
  friend std::string to_string(const UnixAddress& address) {
    if (address.kind_ == Kind::unnamed) return "unnamed";
    if (address.kind_ == Kind::path) return std::string(address.bytes_.view());
    return to_string(*address.abstract());
  }
  template <class Char, class Traits>
  friend std::basic_ostream<Char, Traits>& operator<<(std::basic_ostream<Char, Traits>& out, const UnixAddress& a) {
    return out << to_string(a).c_str();
  }

 private:
  enum class Kind : std::uint8_t { unnamed, path, abstract };
  static constexpr std::size_t before_name = offsetof(::sockaddr_un, sun_path);

  static std::optional<UnixAddress> of(Kind kind, std::string_view name) {
    if (name.size() > (kind == Kind::path ? unix_name_max + 1 : unix_name_max)) return std::nullopt;
    UnixAddress address;
    address.kind_ = kind;
    address.bytes_ = detail::UnixBytes{name};
    return address;
  }

  Kind kind_ = Kind::unnamed;
  detail::UnixBytes bytes_;
};

inline UnixPath::operator SocketAddress() const { return UnixAddress{*this}; }
inline UnixAbstract::operator SocketAddress() const { return UnixAddress{*this}; }

inline std::optional<UnixPath> UnixPath::from_raw(const ::sockaddr* data, ::socklen_t size) {
  const auto address = UnixAddress::from_raw(data, size);
  return address ? address->path() : std::nullopt;
}
inline std::optional<UnixAbstract> UnixAbstract::from_raw(const ::sockaddr* data, ::socklen_t size) {
  const auto address = UnixAddress::from_raw(data, size);
  return address ? address->abstract() : std::nullopt;
}

}  // namespace rouse::inline v0
