// stdio on emulated fds: the C library's streams call Linux from within, so such a stream is one with functions of
// ours.
#include "calls.hpp"

#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <memory>
#include <unistd.h>

using namespace rouse::interpose;

namespace {

int fd_of(void* cookie) { return static_cast<int>(reinterpret_cast<std::intptr_t>(cookie)); }

::FILE* open_stream(int fd, const char* mode) {
  const ::cookie_io_functions_t functions{
      [](void* cookie, char* bytes, std::size_t n) -> ::ssize_t { return ::read(fd_of(cookie), bytes, n); },
      [](void* cookie, const char* bytes, std::size_t n) -> ::ssize_t {
        const ::ssize_t written = ::write(fd_of(cookie), bytes, n);
        return written < 0 ? 0 : written;  // What the C library asks for.
      },
      [](void*, ::off64_t*, int) { return errno = ESPIPE, -1; }, [](void* cookie) { return ::close(fd_of(cookie)); }};
  ::FILE* const stream = ::fopencookie(reinterpret_cast<void*>(static_cast<std::intptr_t>(fd)), mode, functions);
  if (stream != nullptr) stream->_fileno = fd;  // For fileno(3); such a stream does not look at it itself.
  return stream;
}

/// Whether the file was opened for what the mode asks: as the C library asks of any.
bool is_open_for(int fd, const char* mode) {
  const int access = ::fcntl(fd, F_GETFL) & O_ACCMODE;
  if (std::strchr(mode, '+') != nullptr) return access == O_RDWR;
  return access == O_RDWR || access == (*mode == 'r' ? O_RDONLY : O_WRONLY);
}

int print(int fd, const char* format, std::va_list arguments) {
  char* text = nullptr;
  const int n = ::vasprintf(&text, format, arguments);
  if (n < 0) return -1;
  const std::unique_ptr<char, decltype(&std::free)> owned{text, std::free};
  for (int at = 0; at < n;) {
    const ::ssize_t written = ::write(fd, text + at, static_cast<std::size_t>(n - at));
    if (written < 0) return -1;
    at += static_cast<int>(written);
  }
  return n;
}

}  // namespace

#pragma GCC visibility push(default)
extern "C" {

::FILE* fdopen(int fd, const char* mode) noexcept {
  if (!FdStates::is_emulated(fd)) return next<"fdopen">(::fdopen, fd, mode);
  if (!is_open_for(fd, mode)) return errno = EINVAL, nullptr;
  return open_stream(fd, mode);
}

// A stream with functions of ours cannot become one of the C library's.
::FILE* freopen(const char* path, const char* mode, ::FILE* stream) {
  if (!FdStates::is_emulated(::fileno(stream))) return next<"freopen">(::freopen, path, mode, stream);
  report("rouse-run: freopen of a stream on an emulated file is refused");
  return errno = EBADF, nullptr;
}
::FILE* freopen64(const char* path, const char* mode, ::FILE* stream) { return freopen(path, mode, stream); }

int vdprintf(int fd, const char* format, std::va_list arguments) {
  if (FdStates::is_emulated(fd)) return print(fd, format, arguments);
  return next<"vdprintf">(::vdprintf, fd, format, arguments);
}
int dprintf(int fd, const char* format, ...) {
  std::va_list arguments;
  va_start(arguments, format);
  const int n = vdprintf(fd, format, arguments);
  va_end(arguments);
  return n;
}
int __vdprintf_chk(int fd, int flag, const char* format, std::va_list arguments) {
  if (FdStates::is_emulated(fd)) return print(fd, format, arguments);
  return next<"__vdprintf_chk">(as<int(int, int, const char*, std::va_list)>, fd, flag, format, arguments);
}
int __dprintf_chk(int fd, int flag, const char* format, ...) {
  std::va_list arguments;
  va_start(arguments, format);
  const int n = __vdprintf_chk(fd, flag, format, arguments);
  va_end(arguments);
  return n;
}

}  // extern "C"
#pragma GCC visibility pop
