#include "system_limits.hpp"

#include "fd_states.hpp"
#include "raw.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <fcntl.h>
#include <linux/capability.h>
#include <optional>
#include <string>
#include <sys/resource.h>
#include <sys/syscall.h>

namespace rouse::interpose {
namespace {

/// The nth number in a file of /proc/sys.
std::optional<long> number_in(const char* name, int nth) {
  const std::string path = "/proc/sys/" + std::string(name);
  const long fd = raw::call(SYS_openat, AT_FDCWD, path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return std::nullopt;
  std::array<char, 128> text{};
  const long n = raw::call(SYS_read, fd, text.data(), text.size() - 1);
  raw::call(SYS_close, fd);
  if (n <= 0) return std::nullopt;
  char* at = text.data();
  long number = 0;
  for (int i = 0; i <= nth; ++i) {
    char* const begin = at;
    number = std::strtol(begin, &at, 10);
    if (at == begin) return std::nullopt;
  }
  return number;
}

template <class T>
void read(T& limit, const char* name, int nth = 0) {
  if (const std::optional<long> number = number_in(name, nth)) limit = static_cast<T>(*number);
}

bool may_bind_any_port() {
  ::__user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  ::__user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3]{};
  if (raw::call(SYS_capget, &header, sets) < 0) return false;
  return (sets[0].effective >> CAP_NET_BIND_SERVICE & 1) != 0;
}

}  // namespace

void read_system_limits(kernel::Limits& limits) {
  read(limits.max_user_watches, "fs/epoll/max_user_watches");
  read(limits.pipe_max_size, "fs/pipe-max-size");
  read(limits.somaxconn, "net/core/somaxconn");
  read(limits.wmem_default, "net/core/wmem_default");
  read(limits.rmem_default, "net/core/rmem_default");
  read(limits.wmem_max, "net/core/wmem_max");
  read(limits.rmem_max, "net/core/rmem_max");
  read(limits.optmem_max, "net/core/optmem_max");
  read(limits.tcp_wmem_default, "net/ipv4/tcp_wmem", 1);
  read(limits.tcp_rmem_default, "net/ipv4/tcp_rmem", 1);
  read(limits.ip_unprivileged_port_start, "net/ipv4/ip_unprivileged_port_start");
  read(limits.max_dgram_qlen, "net/unix/max_dgram_qlen");
  if (may_bind_any_port()) limits.ip_unprivileged_port_start = 0;
}

void read_open_files_limit(kernel::Limits& limits) {
  ::rlimit limit{};
  raw::call(SYS_prlimit64, 0, RLIMIT_NOFILE, nullptr, &limit);
  limits.nofile_soft = std::min<std::uint64_t>(limit.rlim_cur, fds_max);
  limits.nofile_hard = limit.rlim_max;
}

}  // namespace rouse::interpose
