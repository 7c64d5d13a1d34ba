#include "unix_paths.hpp"

#include "raw.hpp"

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace rouse::interpose {

std::string UnixPathsOnDisk::identity(const std::string& path) {
  struct ::statx found {};
  if (raw::call(SYS_statx, AT_FDCWD, path.c_str(), 0, STATX_INO, &found) < 0) return {};
  return std::to_string(found.stx_dev_major) + ':' + std::to_string(found.stx_dev_minor) + ':' +
         std::to_string(found.stx_ino);
}

// Who connects has to have the right to write there.
SysResult<void> UnixPathsOnDisk::reach(const std::string& path) {
  long reached = raw::call(SYS_faccessat2, AT_FDCWD, path.c_str(), W_OK, AT_EACCESS);
  if (reached == -ENOSYS) reached = raw::call(SYS_faccessat, AT_FDCWD, path.c_str(), W_OK);  // Before Linux 5.8.
  return reached < 0 ? SysResult<void>::failure(static_cast<int>(-reached)) : SysResult<void>{};
}

// A socket's node needs no socket; Linux takes the umask off.
SysResult<void> UnixPathsOnDisk::make(const std::string& path) {
  const long made = raw::call(SYS_mknodat, AT_FDCWD, path.c_str(), S_IFSOCK | 0777, 0);
  if (made == -EEXIST) return SysResult<void>::failure(EADDRINUSE);
  return made < 0 ? SysResult<void>::failure(static_cast<int>(-made)) : SysResult<void>{};
}

}  // namespace rouse::interpose
