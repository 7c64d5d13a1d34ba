#include "placeholders.hpp"

#include "fd_states.hpp"
#include "own_fds.hpp"
#include "raw.hpp"
#include "real_file.hpp"

#include <cerrno>
#include <cstdlib>
#include <dirent.h>
#include <fcntl.h>
#include <string_view>
#include <sys/mman.h>
#include <sys/syscall.h>

namespace rouse::interpose {
namespace {

constexpr char name[] = "rouse:emulated";
constexpr std::string_view link_to_it = "/memfd:rouse:emulated (deleted)";

std::string path_of(int fd) { return "/proc/self/fd/" + std::to_string(fd); }

bool is_placeholder(int fd) {
  char target[64];
  const long n = raw::call(SYS_readlinkat, AT_FDCWD, path_of(fd).c_str(), target, sizeof target);
  return n >= 0 && std::string_view(target, static_cast<std::size_t>(n)) == link_to_it;
}

int open_origin() {
  const long file = raw::call(SYS_memfd_create, name, MFD_CLOEXEC);
  long origin = raw::call(SYS_openat, AT_FDCWD, path_of(static_cast<int>(file)).c_str(), O_PATH | O_CLOEXEC);
  // Without /proc any directory will do; only nobody sees then what it is.
  if (origin < 0) origin = raw::call(SYS_openat, AT_FDCWD, "/", O_PATH | O_CLOEXEC);
  raw::call(SYS_close, file);
  return OwnFds::keep(origin);
}

}  // namespace

Placeholders::Placeholders() : origin_(open_origin()) {}

int Placeholders::take(std::size_t from) {
  const long fd = raw::call(SYS_fcntl, origin_, F_DUPFD_CLOEXEC, from);
  if (fd < 0) return -1;
  if (static_cast<std::size_t>(fd) >= fds_max) {
    raw::call(SYS_close, fd);
    return -1;
  }
  FdStates::set(static_cast<int>(fd), FdState::emulated);
  return static_cast<int>(fd);
}

SysResult<void> Placeholders::take_over(int fd) {
  const long taken = static_cast<std::size_t>(fd) < fds_max ? raw::call(SYS_dup3, origin_, fd, O_CLOEXEC) : -EBADF;
  if (taken < 0) return SysResult<void>::failure(static_cast<int>(-taken));
  FdStates::set(fd, FdState::emulated);
  return {};
}

// One of Linux that was passed in a message is Linux's again where it arrives.
void Placeholders::install(int fd, const kernel::File& file) {
  const RealFile* const real = RealFile::cast(file);
  if (real == nullptr || raw::call(SYS_dup3, real->fd(), fd, O_CLOEXEC) < 0) return;
  FdStates::set(fd, FdState::watched);
}

void Placeholders::set_close_on_exec(int fd, bool on) { raw::call(SYS_fcntl, fd, F_SETFD, on ? FD_CLOEXEC : 0); }

void Placeholders::give_back(int fd) {
  const FdState state = FdStates::of(fd);
  if (state != FdState::emulated && state != FdState::watched) return;
  // First, as the number may be another's as soon as it is free.
  FdStates::set(fd, FdState::linux_file);
  if (state == FdState::emulated) raw::call(SYS_close, fd);
}

void Placeholders::find_foreign() {
  ::DIR* const directory = ::opendir("/proc/self/fd");
  if (directory == nullptr) return;
  while (const ::dirent* const entry = ::readdir(directory)) {
    const int fd = std::atoi(entry->d_name);
    if (fd < 0 || static_cast<std::size_t>(fd) >= fds_max || !is_placeholder(fd)) continue;
    // Other libraries' constructors may have made some of this process's.
    if (FdStates::of(fd) == FdState::linux_file) FdStates::set(fd, FdState::foreign);
  }
  ::closedir(directory);
}

}  // namespace rouse::interpose
