// UnixNames: what unix sockets are bound to: paths and abstract names. Paths are emulated: nothing is made on disk, and
// every directory is taken to exist; unless there is a file system to have them (UnixPaths).
#pragma once

#include "../sys_result.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>

namespace rouse::inline v0::kernel {

class UnixSocketFile;

/// A file system that has the paths sockets are bound to.
class UnixPaths {
 public:
  UnixPaths() = default;
  UnixPaths(const UnixPaths&) = delete;
  UnixPaths& operator=(const UnixPaths&) = delete;

  /// What tells the file at `path` from all others that there are; empty if there is none.
  [[nodiscard]] virtual std::string identity(const std::string& path) = 0;
  /// Whether there is a file at `path` that this process may connect to. Errors: those of connect(2).
  [[nodiscard]] virtual SysResult<void> reach(const std::string& path) = 0;
  /// Makes a socket there. Errors: those of bind(2).
  [[nodiscard]] virtual SysResult<void> make(const std::string& path) = 0;

 protected:
  ~UnixPaths() = default;
};

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

  /// From now on paths are those of a file system, whose files others may take away.
  void use(UnixPaths& paths) { paths_ = &paths; }

  [[nodiscard]] bool is_taken(const Key& key) const {
    return is_on_disk(key) ? !paths_->identity(key.name).empty() : owners_.contains(key);
  }
  /// Whether somebody may connect to the name, or send there: ENOENT if it is a path that nobody has taken.
  [[nodiscard]] SysResult<void> reach(const Key& key) const {
    if (is_on_disk(key)) return paths_->reach(key.name);
    return key.type == 0 && !is_taken(key) ? SysResult<void>::failure(ENOENT) : SysResult<void>{};
  }
  /// The socket bound to the name; null if there is none, or only a path that was left behind.
  [[nodiscard]] UnixSocketFile* owner(const Key& key) const {
    const auto found = is_on_disk(key) ? owners_.find(on_disk(key)) : owners_.find(key);
    return found == owners_.end() ? nullptr : found->second;
  }

  /// Precondition: not taken. Errors: those of UnixPaths::make.
  SysResult<void> take(const Key& key, UnixSocketFile& owner) {
    if (!is_on_disk(key)) {
      owners_.emplace(key, &owner);
      return {};
    }
    const SysResult<void> made = paths_->make(key.name);
    if (made.ok()) owners_[on_disk(key)] = &owner;
    return made;
  }
  /// The owner was closed: an abstract name is free again, a path stays. A path may be another's by now.
  void leave(const Key& key, const UnixSocketFile& owner) {
    if (is_on_disk(key)) {
      // Whatever has become of its path meanwhile.
      std::erase_if(owners_, [&owner](const auto& entry) { return entry.second == &owner; });
      return;
    }
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

  [[nodiscard]] bool is_on_disk(const Key& key) const { return paths_ != nullptr && key.type == 0; }
  [[nodiscard]] Key on_disk(const Key& key) const { return {0, paths_->identity(key.name)}; }

  std::map<Key, UnixSocketFile*> owners_;
  UnixPaths* paths_ = nullptr;
  std::uint32_t next_autobind_ = 1;
};

}  // namespace rouse::inline v0::kernel
