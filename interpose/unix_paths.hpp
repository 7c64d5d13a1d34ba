// UnixPathsOnDisk: the paths that unix sockets are bound to, as files that the program can see, and unlink.
#pragma once

#include <rouse/kernel/unix_names.hpp>

namespace rouse::interpose {

class UnixPathsOnDisk final : public kernel::UnixPaths {
 public:
  [[nodiscard]] std::string identity(const std::string& path) override;
  [[nodiscard]] SysResult<void> reach(const std::string& path) override;
  [[nodiscard]] SysResult<void> make(const std::string& path) override;
};

}  // namespace rouse::interpose
