// UnixNames: what unix sockets are bound to: paths and abstract names. Paths are emulated: nothing is made on disk, and
// every directory is taken to exist.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>

namespace rouse::inline v0::kernel {

class UnixSocketFile;

/// Who owns which name. A path outlives its socket, as a file does, until unlink(2); an abstract name does not.
class UnixNames {
 public:
  /// The name part of an address: a path, or a NUL and an abstract name. Abstract names are per type of socket.
  struct Key {
    int type;  ///< 0 for paths, which all types share.
    std::string name;
    friend auto operator<=>(const Key&, const Key&) = default;
  };

  [[nodiscard]] static Key key(int type, std::string name) {
    if (name.empty() || name[0] != '\0') return {0, plain_path(name)};
    return {type, std::move(name)};
  }

  [[nodiscard]] bool is_taken(const Key& key) const { return owners_.contains(key); }
  /// The socket bound to the name; null if there is none, or only a path that was left behind.
  [[nodiscard]] UnixSocketFile* owner(const Key& key) const {
    const auto found = owners_.find(key);
    return found == owners_.end() ? nullptr : found->second;
  }

  /// Precondition: not taken.
  void take(const Key& key, UnixSocketFile& owner) { owners_.emplace(key, &owner); }
  /// The owner was closed: an abstract name is free again, a path stays. A path may be another's by now.
  void leave(const Key& key, const UnixSocketFile& owner) {
    if (this->owner(key) != &owner) return;
    if (key.type == 0) {
      owners_[key] = nullptr;
    } else {
      owners_.erase(key);
    }
  }
  /// Takes a path away, whoever has it.
  void unlink(const Key& path) { owners_.erase(path); }

  /// An abstract name nobody has: five hexadecimal digits, as Linux gives on an empty bind.
  [[nodiscard]] std::string unused_abstract(int type) {
    for (;;) {
      constexpr char digits[] = "0123456789abcdef";
      std::string name(1, '\0');
      for (int shift = 16; shift >= 0; shift -= 4) name += digits[next_autobind_ >> shift & 15];
      ++next_autobind_;
      if (!is_taken(key(type, name))) return name;
    }
  }

 private:
  /// The same path without what means nothing: "./a" and "b//./c" are "a" and "b/c".
  static std::string plain_path(std::string_view path) {
    std::string plain;
    for (std::size_t at = 0; at < path.size();) {
      const std::size_t end = std::min(path.find('/', at), path.size());
      const std::string_view name = path.substr(at, end - at);
      const bool has_slash = end < path.size();
      if (name.empty() ? at == 0 : name != ".") plain.append(name).append(has_slash ? "/" : "");
      at = end + 1;
    }
    return plain;
  }

  std::map<Key, UnixSocketFile*> owners_;
  std::uint32_t next_autobind_ = 1;
};

}  // namespace rouse::inline v0::kernel
