// What programs ask of an fd before they use it: fstat in all its forms, and whether it is a terminal.
#include "calls.hpp"
#include <rouse/kernel/pipe_file.hpp>
#include <rouse/kernel/socket_file.hpp>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <fcntl.h>
#include <string>
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

/// What Linux shows of an emulated fd in /proc; empty if it is none.
std::string link_of(std::string_view path) {
  const int fd = fd_in_path(path);
  if (!FdStates::is_emulated(fd)) return {};
  struct ::stat found {};
  if (emulated_stat(fd, &found) != 0) return {};
  const std::string inode = ":[" + std::to_string(found.st_ino) + "]";
  if (S_ISFIFO(found.st_mode)) return "pipe" + inode;
  if (S_ISSOCK(found.st_mode)) return "socket" + inode;
  const Core::Locked locked{Core::get()};
  const rouse::kernel::File* const file = Core::get().kernel().fds.file(fd);
  if (file == nullptr) return {};
  const std::string_view kind = file->kind().name;
  return "anon_inode:[" + std::string(kind == "epoll" ? "eventpoll" : kind) + "]";
}

/// Like readlink(2), if the path is an emulated fd's.
template <class OfLinux>
::ssize_t read_link(const char* path, char* to, std::size_t n, OfLinux of_linux) {
  const ::ssize_t result = of_linux();
  const std::string link = result >= 0 ? link_of(path) : "";  // Afterwards, when the path is known to be one.
  if (link.empty()) return result;
  n = std::min(n, link.size());
  std::memcpy(to, link.data(), n);
  return static_cast<::ssize_t>(n);
}

}  // namespace

int rouse::interpose::fd_in_path(std::string_view path) {
  const std::string own = "/proc/" + std::to_string(::getpid()) + "/fd/";
  for (const std::string_view folder : {std::string_view{"/proc/self/fd/"}, std::string_view{"/dev/fd/"},
                                        std::string_view{"/proc/thread-self/fd/"}, std::string_view{own}}) {
    if (!path.starts_with(folder) || path.size() == folder.size()) continue;
    int fd = 0;
    const auto [end, error] = std::from_chars(path.data() + folder.size(), path.data() + path.size(), fd);
    if (error == std::errc{} && end == path.data() + path.size()) return fd;
  }
  return -1;
}

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

::ssize_t readlink(const char* path, char* to, std::size_t n) noexcept {
  return read_link(path, to, n, [=] { return next<"readlink">(::readlink, path, to, n); });
}
::ssize_t readlinkat(int folder, const char* path, char* to, std::size_t n) noexcept {
  return read_link(path, to, n, [=] { return next<"readlinkat">(::readlinkat, folder, path, to, n); });
}
[[noreturn]] void __chk_fail();
::ssize_t __readlink_chk(const char* path, char* to, std::size_t n, std::size_t size) noexcept {
  if (n > size) __chk_fail();
  return readlink(path, to, n);
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
