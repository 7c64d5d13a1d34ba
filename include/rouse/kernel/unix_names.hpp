// UnixNames: what unix sockets are bound to: paths and abstract names. Paths are emulated: nothing is made on disk, and
// every directory is taken to exist.
#pragma once

#include "socket_file.hpp"

#include <map>
#include <string>
#include <utility>

namespace rouse::inline v0::kernel {

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
    return {name.empty() || name[0] != '\0' ? 0 : type, std::move(name)};
  }

  [[nodiscard]] bool is_taken(const Key& key) const { return owners_.contains(key); }
  /// The socket bound to the name; null if there is none, or only a path that was left behind.
  [[nodiscard]] SocketFile* owner(const Key& key) const {
    const auto found = owners_.find(key);
    return found == owners_.end() ? nullptr : found->second;
  }

  /// Precondition: not taken.
  void take(const Key& key, SocketFile& owner) { owners_.emplace(key, &owner); }
  /// The owner was closed: an abstract name is free again, a path stays. A path may be another's by now.
  void leave(const Key& key, const SocketFile& owner) {
    const auto found = owners_.find(key);
    if (found == owners_.end() || found->second != &owner) return;
    if (key.type == 0) {
      found->second = nullptr;
    } else {
      owners_.erase(found);
    }
  }
  /// unlink(2): false if there is no such path.
  bool unlink(const std::string& path) { return owners_.erase(Key{0, path}) != 0; }

  /// An abstract name nobody has: five hexadecimal digits, as Linux gives on an empty bind.
  [[nodiscard]] std::string unused_abstract(int type) {
    for (;;) {
      constexpr char digits[] = "0123456789abcdef";
      std::string name(1, '\0');
      for (int shift = 16; shift >= 0; shift -= 4) name += digits[next_autobind_ >> shift & 15];
      next_autobind_ = (next_autobind_ + 1) & 0xfffff;
      if (!is_taken(key(type, name))) return name;
    }
  }

 private:
  std::map<Key, SocketFile*> owners_;
  std::uint32_t next_autobind_ = 1;
};

}  // namespace rouse::inline v0::kernel
