// The calls on paths and limits.
#pragma once

#include "blocking.hpp"

#include <fcntl.h>
#include <string>
#include <string_view>
#include <sys/resource.h>

namespace rouse::inline v0::kernel::sys {

namespace detail_system {

/// A path from the caller's memory, which need not reach beyond its end. Errors: EFAULT, ENAMETOOLONG; ENOENT if it is
/// empty.
inline SysResult<void> get_path(std::string& to, const char* from) {
  constexpr std::size_t path_max = 4096;  // With the NUL.
  for (; to.size() < path_max; ++from) {
    char next = '\0';
    if (!get_user(next, from)) return SysResult<void>::failure(EFAULT);
    if (next == '\0') return to.empty() ? SysResult<void>::failure(ENOENT) : SysResult<void>{};
    to += next;
  }
  return SysResult<void>::failure(ENAMETOOLONG);
}

/// The last of a path's names; empty if it ends in a slash.
inline std::string_view last_name(std::string_view path) { return path.substr(path.rfind('/') + 1); }

/// True if one of a path's names is longer than a directory takes.
inline bool has_long_name(std::string_view path) {
  constexpr int name_max = 255;
  int length = 0;
  for (const char each : path) {
    length = each == '/' ? 0 : length + 1;
    if (length > name_max) return true;
  }
  return false;
}

}  // namespace detail_system

/// Only /dev/null, which cannot be waited on; there is no file system. A path that a socket was bound to is refused, as
/// all sockets are.
inline SysResult<int> open(Kernel& kernel, const char* user_path, int flags) {
  return kernel.enter({Call::open}, {user_path, flags}, [=, &kernel]() -> SysResult<int> {
    touch(Object::file(0), Access::read);  // The socket of that name.
    if ((flags & O_TMPFILE) != 0 && (flags & O_DIRECTORY) == 0) return SysResult<int>::failure(EINVAL);
    std::string path;
    const SysResult<void> got = detail_system::get_path(path, user_path);
    if (!got.ok()) return got;
    constexpr int plain = O_ACCMODE | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW;
    if ((flags & ~plain) == 0 && !path.ends_with('/') && kernel.unix_names.is_taken(UnixNames::key(0, path))) {
      return kernel.new_fd() ? SysResult<int>::failure(ENXIO) : SysResult<int>::failure(EMFILE);
    }
    if (path != "/dev/null") throw NotModelled("open of the path " + path);
    if ((flags & (O_PATH | O_DIRECTORY | O_DIRECT | O_EXCL)) != 0) {
      throw NotModelled("open of /dev/null with the flags " + std::to_string(flags));
    }
    return kernel.open_plain_file(path, flags);
  });
}

/// Of the paths that sockets were bound to. All directories on the way to them exist.
inline SysResult<void> unlink(Kernel& kernel, const char* user_path) {
  return kernel.enter({Call::unlink}, {user_path}, [=, &kernel]() -> SysResult<void> {
    touch(Object::file(0), Access::write);  // The socket of that name.
    std::string path;
    const SysResult<void> got = detail_system::get_path(path, user_path);
    if (!got.ok()) return got;
    if (detail_system::has_long_name(path)) return SysResult<void>::failure(ENAMETOOLONG);
    const std::string without_slashes = path.substr(0, path.find_last_not_of('/') + 1);
    const std::string_view last = detail_system::last_name(without_slashes);
    if (last.empty() || last == "." || last == "..") return SysResult<void>::failure(EISDIR);
    const UnixNames::Key key = UnixNames::key(0, without_slashes);
    if (!kernel.unix_names.is_taken(key)) return SysResult<void>::failure(ENOENT);
    if (without_slashes != path) return SysResult<void>::failure(ENOTDIR);
    kernel.unix_names.unlink(key);
    return {};
  });
}

namespace detail_system {

/// 0 if the resource is the one that is modelled, EINVAL if there is no such resource.
inline int check_resource(const char* call, int resource) {
  if (resource < 0 || resource >= RLIM_NLIMITS) return EINVAL;
  if (resource != RLIMIT_NOFILE) throw NotModelled(std::string(call) + " of resource " + std::to_string(resource));
  return 0;
}

}  // namespace detail_system

/// As the C library makes it of prlimit(2): a null pointer asks for nothing.
inline SysResult<void> getrlimit(Kernel& kernel, int resource, ::rlimit* limit) {
  return kernel.enter({Call::getrlimit}, {resource, limit}, [=, &kernel]() -> SysResult<void> {
    const int refused = detail_system::check_resource("getrlimit", resource);
    if (refused != 0) return SysResult<void>::failure(refused);
    if (limit == nullptr) return {};
    const ::rlimit now{kernel.limits.nofile_soft, kernel.limits.nofile_hard};
    return put_user(limit, now) ? SysResult<void>{} : SysResult<void>::failure(EFAULT);
  });
}

/// As the C library makes it of prlimit(2): a null pointer changes nothing.
inline SysResult<void> setrlimit(Kernel& kernel, int resource, const ::rlimit* user_limit) {
  return kernel.enter({Call::setrlimit}, {resource, user_limit}, [=, &kernel]() -> SysResult<void> {
    touch_everything();
    ::rlimit limit{};
    if (user_limit != nullptr && !get_user(limit, user_limit)) return SysResult<void>::failure(EFAULT);
    const int refused = detail_system::check_resource("setrlimit", resource);
    if (refused != 0) return SysResult<void>::failure(refused);
    if (user_limit == nullptr) return {};
    if (limit.rlim_cur > limit.rlim_max) return SysResult<void>::failure(EINVAL);
    if (limit.rlim_max > kernel.limits.nofile_hard) return SysResult<void>::failure(EPERM);
    kernel.limits.nofile_soft = limit.rlim_cur;
    kernel.limits.nofile_hard = limit.rlim_max;
    return {};
  });
}

}  // namespace rouse::inline v0::kernel::sys
