// What programs ask of an fd before they use it: fstat in all its forms, and whether it is a terminal.
#include "calls.hpp"

#include <rouse/kernel/pipe_file.hpp>
#include <rouse/kernel/socket_file.hpp>

#include <fcntl.h>
#include <string_view>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <termios.h>
#include <unistd.h>

using namespace rouse::interpose;

namespace {

using rouse::kernel::PipeEnd;

/// What Linux says of a file of that kind: one is made to be looked at.
int look_at_one_of_linux(const rouse::kernel::FileKind& kind, struct ::stat& found) {
  int fds[2] = {-1, -1};
  if (&kind == &PipeEnd::file_kind) {
    raw::call(SYS_pipe2, fds, O_CLOEXEC);
  } else if (kind.is_socket) {
    fds[0] = static_cast<int>(raw::call(SYS_socket, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  } else {
    fds[0] = static_cast<int>(raw::call(SYS_epoll_create1, EPOLL_CLOEXEC));  // All others share one inode.
  }
  const int result = fds[0] < 0 ? -1 : next<"fstat">(::fstat, fds[0], &found);
  for (const int fd : fds) {
    if (fd >= 0) raw::call(SYS_close, fd);
  }
  return result;
}

int stat_emulated(int fd, struct ::stat* to) {
  const rouse::kernel::FileKind* kind = nullptr;
  std::uint64_t inode = 0;
  {
    const Core::Locked locked{Core::get()};
    rouse::kernel::File* const file = Core::get().kernel().fds.file(fd);
    if (file == nullptr) return errno = EBADF, -1;
    kind = &file->kind();
    const auto* const pipe = rouse::kernel::file_cast<PipeEnd>(file);
    inode = pipe != nullptr ? pipe->pipe_id() : file->id();
  }
  struct ::stat found {};
  if (look_at_one_of_linux(*kind, found) != 0) return -1;
  if ((found.st_mode & S_IFMT) != 0) found.st_ino = inode;
  *to = found;
  return 0;
}

int emulated_stat(int fd, struct ::stat* to) {
  return emulated([=] { return stat_emulated(fd, to); });
}

bool is_about_fd(int fd, const char* path, int flags) {
  return (flags & AT_EMPTY_PATH) != 0 && path != nullptr && *path == '\0' && FdStates::is_emulated(fd);
}

void fill(struct ::statx& to, const struct ::stat& from) {
  to = {};
  to.stx_mask = STATX_BASIC_STATS;
  to.stx_blksize = static_cast<std::uint32_t>(from.st_blksize);
  to.stx_nlink = static_cast<std::uint32_t>(from.st_nlink);
  to.stx_uid = from.st_uid;
  to.stx_gid = from.st_gid;
  to.stx_mode = static_cast<std::uint16_t>(from.st_mode);
  to.stx_ino = from.st_ino;
  to.stx_dev_major = gnu_dev_major(from.st_dev);
  to.stx_dev_minor = gnu_dev_minor(from.st_dev);
  to.stx_atime = {from.st_atim.tv_sec, static_cast<std::uint32_t>(from.st_atim.tv_nsec), {}};
  to.stx_mtime = {from.st_mtim.tv_sec, static_cast<std::uint32_t>(from.st_mtim.tv_nsec), {}};
  to.stx_ctime = {from.st_ctim.tv_sec, static_cast<std::uint32_t>(from.st_ctim.tv_nsec), {}};
}

}  // namespace

#pragma GCC visibility push(default)
extern "C" {

int fstat(int fd, struct ::stat* to) noexcept {
  if (FdStates::is_emulated(fd)) return emulated_stat(fd, to);
  return next<"fstat">(::fstat, fd, to);
}
int fstat64(int fd, struct ::stat64* to) noexcept { return fstat(fd, reinterpret_cast<struct ::stat*>(to)); }
int __fxstat(int version, int fd, struct ::stat* to) noexcept {
  if (FdStates::is_emulated(fd)) return emulated_stat(fd, to);
  return next<"__fxstat">(as<int(int, int, struct ::stat*)>, version, fd, to);
}
int __fxstat64(int version, int fd, struct ::stat64* to) noexcept {
  return __fxstat(version, fd, reinterpret_cast<struct ::stat*>(to));
}
int fstatat(int fd, const char* path, struct ::stat* to, int flags) noexcept {
  if (is_about_fd(fd, path, flags)) return emulated_stat(fd, to);
  return next<"fstatat">(::fstatat, fd, path, to, flags);
}
int fstatat64(int fd, const char* path, struct ::stat64* to, int flags) noexcept {
  return fstatat(fd, path, reinterpret_cast<struct ::stat*>(to), flags);
}
int statx(int fd, const char* path, int flags, unsigned mask, struct ::statx* to) noexcept {
  if (!is_about_fd(fd, path, flags)) return next<"statx">(::statx, fd, path, flags, mask, to);
  struct ::stat found {};
  if (emulated_stat(fd, &found) != 0) return -1;
  fill(*to, found);
  return 0;
}

int isatty(int fd) noexcept {
  if (!FdStates::is_emulated(fd)) return next<"isatty">(::isatty, fd);
  errno = ENOTTY;
  return 0;
}
int tcgetattr(int fd, ::termios* to) noexcept {
  if (!FdStates::is_emulated(fd)) return next<"tcgetattr">(::tcgetattr, fd, to);
  errno = ENOTTY;
  return -1;
}

}  // extern "C"
#pragma GCC visibility pop
