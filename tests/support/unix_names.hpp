// UnixNames: addresses of unix sockets that no other test program uses, as the calls take them: family first.
#pragma once

#include "backends.hpp"

#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <string>
#include <string_view>
#include <sys/un.h>
#include <unistd.h>

namespace test {

[[nodiscard]] inline std::string raw_address(int family, std::string_view bytes) {
  const auto word = static_cast<::sa_family_t>(family);
  std::string address(reinterpret_cast<const char*>(&word), sizeof word);
  return address.append(bytes);
}
/// Of a socket without a name; given to bind, it asks for one.
[[nodiscard]] inline std::string unnamed_address() { return raw_address(AF_UNIX, ""); }
[[nodiscard]] inline std::string path_address(std::string_view path) {
  return raw_address(AF_UNIX, path).append(1, '\0');
}

/// On Linux the paths are in a fresh directory, which goes at the end. The emulated kernel makes nothing on disk, and
/// its directory does not exist there.
template <class On>
class UnixNames {
 public:
  UnixNames() {
    if constexpr (!On::is_emulated) REQUIRE(::mkdtemp(directory_.data()) != nullptr);
  }
  UnixNames(const UnixNames&) = delete;
  UnixNames& operator=(const UnixNames&) = delete;
  ~UnixNames() {
    std::error_code ec;
    if constexpr (!On::is_emulated) std::filesystem::remove_all(directory_, ec);
  }

  [[nodiscard]] std::string path(std::string_view name) const {
    return std::string(directory_).append("/").append(name);
  }
  [[nodiscard]] std::string path_address(std::string_view name) const { return test::path_address(path(name)); }
  [[nodiscard]] std::string abstract_address(std::string_view name) const {
    return raw_address(AF_UNIX, std::string_view{"\0", 1}).append(directory_).append(name);
  }

  /// One of four names, for random scripts: two paths and two abstract names.
  [[nodiscard]] std::string address(std::size_t n) const {
    const std::string_view name = n % 2 == 0 ? "a" : "b";
    return n % 4 < 2 ? path_address(name) : abstract_address(name);
  }
  /// An address as a call told it (ToldAddress), without what is another one in each run: the directory, and the name
  /// if the kernel chose it.
  template <class Told>
  [[nodiscard]] std::string shown(const Told& told) const {
    std::string name = told.written;
    const std::size_t at = name.find(directory_);
    if (at != std::string::npos) name.erase(at, directory_.size());
    if (name.size() == 8 && name[2] == '\0') name = "chosen";
    std::ostringstream out;
    out << Told{told.result, name, told.length};
    return out.str();
  }

 private:
  std::string directory_ = "/tmp/rouse-XXXXXX";
};

}  // namespace test
