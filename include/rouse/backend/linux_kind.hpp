// What kind of file is behind an fd of Linux, by the names of the emulated kernel: so a fault plan that speaks of a
// kind means the same on both.
#pragma once

#include "linux.hpp"

#include <charconv>
#include <string_view>
#include <sys/stat.h>

namespace rouse::inline v0 {

namespace detail {

/// Epoll and its kin are files without an inode of their own: /proc tells them apart, and nothing else does.
inline std::string_view anonymous_kind(int fd) noexcept {
  struct Name {
    std::string_view target;
    std::string_view kind;
  };
  constexpr Name names[] = {
      {"anon_inode:[eventpoll]", "epoll"},
      {"anon_inode:[eventfd]", "eventfd"},
      {"anon_inode:[timerfd]", "timerfd"},
      {"anon_inode:[signalfd]", "signalfd"},
  };
  char path[32] = "/proc/self/fd/";
  constexpr std::size_t prefix = sizeof "/proc/self/fd/" - 1;
  *std::to_chars(path + prefix, path + sizeof path - 1, fd).ptr = '\0';
  char target[64];
  const ::ssize_t n = ::readlink(path, target, sizeof target);
  if (n < 0) return {};
  for (const Name& name : names) {
    if (name.target == std::string_view{target, static_cast<std::size_t>(n)}) return name.kind;
  }
  return {};
}

inline std::string_view socket_kind(int fd) noexcept {
  int domain = 0;
  int type = 0;
  ::socklen_t size = sizeof domain;
  if (::getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) != 0) return {};
  size = sizeof type;
  if (::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) != 0) return {};
  if (domain == AF_INET || domain == AF_INET6) {
    if (type == SOCK_STREAM) return "tcp socket";
    if (type == SOCK_DGRAM) return "udp socket";
  }
  if (domain == AF_UNIX) {
    if (type == SOCK_STREAM) return "unix stream socket";
    if (type == SOCK_DGRAM) return "unix datagram socket";
    if (type == SOCK_SEQPACKET) return "unix seqpacket socket";
  }
  return {};
}

}  // namespace detail

/// Empty if it is not open, of another kind, or one that only /proc would tell and that is not mounted. A directory and
/// /dev/null are `plain file`s, as they are emulated. Costs a syscall or two.
[[nodiscard]] inline std::string_view kind_of(const LinuxBackend&, int fd) noexcept {
  if (const std::string_view anonymous = detail::anonymous_kind(fd); !anonymous.empty()) return anonymous;
  struct ::stat status {};
  if (::fstat(fd, &status) != 0) return {};
  switch (status.st_mode & S_IFMT) {
    case S_IFSOCK: return detail::socket_kind(fd);
    case S_IFIFO: return "pipe";
    case S_IFREG:
    case S_IFDIR:
    case S_IFCHR: return "plain file";
    default: return {};
  }
}

}  // namespace rouse::inline v0
