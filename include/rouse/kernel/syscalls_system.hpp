// The calls on paths, limits and the clock.
#pragma once

#include "kernel.hpp"

#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <sys/resource.h>

namespace rouse::inline v0::kernel::sys {

/// Only /dev/null, which cannot be waited on; there is no file system.
inline SysResult<int> open(Kernel& kernel, const char* path, int flags) {
  return kernel.enter({Call::open}, [&]() -> SysResult<int> {
    if (!is_user_memory(path, 1)) return SysResult<int>::failure(EFAULT);
    if (std::strcmp(path, "/dev/null") != 0) throw NotModelled(std::string("open of the path ") + path);
    if ((flags & (O_PATH | O_DIRECTORY | O_DIRECT | O_EXCL)) != 0) {
      throw NotModelled("open of /dev/null with the flags " + std::to_string(flags));
    }
    return kernel.open_plain_file(path, flags);
  });
}

/// Of the paths that sockets were bound to.
inline SysResult<void> unlink(Kernel& kernel, const char* path) {
  return kernel.enter({Call::unlink}, [&]() -> SysResult<void> {
    if (!is_user_memory(path, 1)) return SysResult<void>::failure(EFAULT);
    return kernel.unix_names.unlink(path) ? SysResult<void>{} : SysResult<void>::failure(ENOENT);
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

inline SysResult<void> getrlimit(Kernel& kernel, int resource, ::rlimit* limit) {
  return kernel.enter({Call::getrlimit}, [&]() -> SysResult<void> {
    const int refused = detail_system::check_resource("getrlimit", resource);
    if (refused != 0) return SysResult<void>::failure(refused);
    const ::rlimit now{kernel.limits.nofile_soft, kernel.limits.nofile_hard};
    return put_user(limit, now) ? SysResult<void>{} : SysResult<void>::failure(EFAULT);
  });
}

inline SysResult<void> setrlimit(Kernel& kernel, int resource, const ::rlimit* user_limit) {
  return kernel.enter({Call::setrlimit}, [&]() -> SysResult<void> {
    ::rlimit limit{};
    if (!get_user(limit, user_limit)) return SysResult<void>::failure(EFAULT);
    const int refused = detail_system::check_resource("setrlimit", resource);
    if (refused != 0) return SysResult<void>::failure(refused);
    if (limit.rlim_cur > limit.rlim_max) return SysResult<void>::failure(EINVAL);
    if (limit.rlim_max > kernel.limits.nofile_hard) return SysResult<void>::failure(EPERM);
    kernel.limits.nofile_soft = limit.rlim_cur;
    kernel.limits.nofile_hard = limit.rlim_max;
    return {};
  });
}

/// CLOCK_MONOTONIC is the host's clock; CLOCK_REALTIME runs beside it.
inline SysResult<void> clock_gettime(Kernel& kernel, ::clockid_t clock, ::timespec* time) {
  return kernel.enter({Call::clock_gettime}, [&]() -> SysResult<void> {
    if (clock != CLOCK_MONOTONIC && clock != CLOCK_REALTIME && clock != CLOCK_BOOTTIME) {
      throw NotModelled("clock_gettime of clock " + std::to_string(clock));
    }
    const Time now = kernel.host().now() + (clock == CLOCK_REALTIME ? kernel.realtime_offset : 0);
    constexpr Time second = 1'000'000'000;
    const ::timespec value{static_cast<std::time_t>(now / second), static_cast<long>(now % second)};
    return put_user(time, value) ? SysResult<void>{} : SysResult<void>::failure(EFAULT);
  });
}

}  // namespace rouse::inline v0::kernel::sys
