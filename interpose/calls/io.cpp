// Reading and writing.
#include "calls.hpp"

#include <cstdarg>
#include <sys/uio.h>
#include <unistd.h>

using namespace rouse::interpose;
namespace posix = rouse::posix;

namespace {

// None of the emulated files has one that could be given.
::ssize_t no_position() {
  errno = ESPIPE;
  return -1;
}

}  // namespace

#pragma GCC visibility push(default)
extern "C" {

::ssize_t read(int fd, void* buffer, std::size_t n) {
  return dispatch_cancellable(
      "read", fd, [=] { return posix::read(fd, buffer, n); }, [=] { return next<"read">(::read, fd, buffer, n); });
}

::ssize_t write(int fd, const void* buffer, std::size_t n) {
  return dispatch_cancellable(
      "write", fd, [=] { return posix::write(fd, buffer, n); }, [=] { return next<"write">(::write, fd, buffer, n); });
}

::ssize_t readv(int fd, const ::iovec* vectors, int n) {
  return dispatch_cancellable(
      "readv", fd, [=] { return posix::readv(fd, vectors, n); },
      [=] { return next<"readv">(::readv, fd, vectors, n); });
}

::ssize_t writev(int fd, const ::iovec* vectors, int n) {
  return dispatch_cancellable(
      "writev", fd, [=] { return posix::writev(fd, vectors, n); },
      [=] { return next<"writev">(::writev, fd, vectors, n); });
}

::ssize_t pread(int fd, void* buffer, std::size_t n, ::off_t offset) {
  return dispatch_cancellable(
      "pread", fd, [=] { return posix::pread(fd, buffer, n, offset); },
      [=] { return next<"pread">(::pread, fd, buffer, n, offset); });
}
::ssize_t pread64(int fd, void* buffer, std::size_t n, ::off64_t offset) { return pread(fd, buffer, n, offset); }

::ssize_t pwrite(int fd, const void* buffer, std::size_t n, ::off_t offset) {
  return dispatch_cancellable(
      "pwrite", fd, [=] { return posix::pwrite(fd, buffer, n, offset); },
      [=] { return next<"pwrite">(::pwrite, fd, buffer, n, offset); });
}
::ssize_t pwrite64(int fd, const void* buffer, std::size_t n, ::off64_t offset) {
  return pwrite(fd, buffer, n, offset);
}

::off_t lseek(int fd, ::off_t offset, int whence) noexcept {
  return dispatch(
      "lseek", fd, [=] { return posix::lseek(fd, offset, whence); },
      [=] { return next<"lseek">(::lseek, fd, offset, whence); });
}
::off64_t lseek64(int fd, ::off64_t offset, int whence) noexcept { return lseek(fd, offset, whence); }

// Fortified forms: the program's own check of its buffer first.

[[noreturn]] void __chk_fail();

::ssize_t __read_chk(int fd, void* buffer, std::size_t n, std::size_t size) {
  if (n > size) __chk_fail();
  return read(fd, buffer, n);
}
::ssize_t __pread_chk(int fd, void* buffer, std::size_t n, ::off_t offset, std::size_t size) {
  if (n > size) __chk_fail();
  return pread(fd, buffer, n, offset);
}
::ssize_t __pread64_chk(int fd, void* buffer, std::size_t n, ::off64_t offset, std::size_t size) {
  return __pread_chk(fd, buffer, n, offset, size);
}

// The C library's other names.
::ssize_t __read(int fd, void* buffer, std::size_t n) { return read(fd, buffer, n); }
::ssize_t __write(int fd, const void* buffer, std::size_t n) { return write(fd, buffer, n); }
::ssize_t __pread64(int fd, void* buffer, std::size_t n, ::off64_t offset) { return pread(fd, buffer, n, offset); }
::ssize_t __pwrite64(int fd, const void* buffer, std::size_t n, ::off64_t offset) {
  return pwrite(fd, buffer, n, offset);
}
::off_t __lseek(int fd, ::off_t offset, int whence) { return lseek(fd, offset, whence); }

::ssize_t preadv(int fd, const ::iovec* vectors, int n, ::off_t offset) {
  return dispatch_cancellable(
      "preadv", fd, [] { return no_position(); }, [=] { return next<"preadv">(::preadv, fd, vectors, n, offset); });
}
::ssize_t preadv64(int fd, const ::iovec* vectors, int n, ::off64_t offset) { return preadv(fd, vectors, n, offset); }

::ssize_t pwritev(int fd, const ::iovec* vectors, int n, ::off_t offset) {
  return dispatch_cancellable(
      "pwritev", fd, [] { return no_position(); }, [=] { return next<"pwritev">(::pwritev, fd, vectors, n, offset); });
}
::ssize_t pwritev64(int fd, const ::iovec* vectors, int n, ::off64_t offset) { return pwritev(fd, vectors, n, offset); }

// For a position of -1 they are readv and writev. Flags are those of regular files.
::ssize_t preadv2(int fd, const ::iovec* vectors, int n, ::off_t offset, int flags) {
  return dispatch_cancellable(
      "preadv2", fd,
      [=] {
        if (flags != 0) return errno = EOPNOTSUPP, ::ssize_t{-1};
        return offset == -1 ? posix::readv(fd, vectors, n) : no_position();
      },
      [=] { return next<"preadv2">(::preadv2, fd, vectors, n, offset, flags); });
}
::ssize_t preadv64v2(int fd, const ::iovec* vectors, int n, ::off64_t offset, int flags) {
  return preadv2(fd, vectors, n, offset, flags);
}
::ssize_t pwritev2(int fd, const ::iovec* vectors, int n, ::off_t offset, int flags) {
  return dispatch_cancellable(
      "pwritev2", fd,
      [=] {
        if (flags != 0) return errno = EOPNOTSUPP, ::ssize_t{-1};
        return offset == -1 ? posix::writev(fd, vectors, n) : no_position();
      },
      [=] { return next<"pwritev2">(::pwritev2, fd, vectors, n, offset, flags); });
}
::ssize_t pwritev64v2(int fd, const ::iovec* vectors, int n, ::off64_t offset, int flags) {
  return pwritev2(fd, vectors, n, offset, flags);
}

// Of regular files; what others say, Linux does without looking any further.

int fsync(int fd) {
  return dispatch_cancellable(
      "fsync", fd, [] { return errno = EINVAL, -1; }, [=] { return next<"fsync">(::fsync, fd); });
}
int fdatasync(int fd) {
  return dispatch_cancellable(
      "fdatasync", fd, [] { return errno = EINVAL, -1; }, [=] { return next<"fdatasync">(::fdatasync, fd); });
}
int ftruncate(int fd, ::off_t length) noexcept {
  return dispatch(
      "ftruncate", fd, [] { return errno = EINVAL, -1; }, [=] { return next<"ftruncate">(::ftruncate, fd, length); });
}
int ftruncate64(int fd, ::off64_t length) noexcept { return ftruncate(fd, length); }

}  // extern "C"
#pragma GCC visibility pop
