// Opening an fd of one's own by its path. Linux would open the placeholder, and give an empty file for a full pipe.
#include "calls.hpp"

#include <cstdarg>
#include <cstring>
#include <fcntl.h>

using namespace rouse::interpose;

namespace {

/// What Linux has opened, unless it is a placeholder: then ENXIO, as Linux says of sockets and of what has no inode of
/// its own; of a pipe, it would open one more end. Asked afterwards, when the path is known to be one.
int unless_emulated(const char* path, int opened) {
  if (opened < 0 || std::strstr(path, "/fd/") == nullptr || !FdStates::is_emulated(fd_in_path(path))) return opened;
  raw::call(SYS_close, opened);
  report("rouse-run: open of " + std::string(path) + " is refused: the file is emulated");
  return errno = ENXIO, -1;
}

::mode_t mode_of(std::va_list list, int flags) {
  const bool has_mode = (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE;
  return has_mode ? va_arg(list, ::mode_t) : 0;
}

}  // namespace

#pragma GCC visibility push(default)
extern "C" {

int open(const char* path, int flags, ...) {
  std::va_list list;
  va_start(list, flags);
  const ::mode_t mode = mode_of(list, flags);
  va_end(list);
  return unless_emulated(path, next<"open">(as<int(const char*, int, ::mode_t)>, path, flags, mode));
}
int open64(const char* path, int flags, ...) {
  std::va_list list;
  va_start(list, flags);
  const ::mode_t mode = mode_of(list, flags);
  va_end(list);
  return unless_emulated(path, next<"open64">(as<int(const char*, int, ::mode_t)>, path, flags, mode));
}
int openat(int folder, const char* path, int flags, ...) {
  std::va_list list;
  va_start(list, flags);
  const ::mode_t mode = mode_of(list, flags);
  va_end(list);
  return unless_emulated(path, next<"openat">(as<int(int, const char*, int, ::mode_t)>, folder, path, flags, mode));
}
int openat64(int folder, const char* path, int flags, ...) {
  std::va_list list;
  va_start(list, flags);
  const ::mode_t mode = mode_of(list, flags);
  va_end(list);
  return unless_emulated(path, next<"openat64">(as<int(int, const char*, int, ::mode_t)>, folder, path, flags, mode));
}
int __open_2(const char* path, int flags) {
  return unless_emulated(path, next<"__open_2">(as<int(const char*, int)>, path, flags));
}
int __open64_2(const char* path, int flags) {
  return unless_emulated(path, next<"__open64_2">(as<int(const char*, int)>, path, flags));
}

}  // extern "C"
#pragma GCC visibility pop
