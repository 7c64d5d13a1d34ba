// The calls on any fd: reading, writing, duplicating, closing, flags. Each checks its arguments in Linux's order of
// errors and then makes one call on a File.
#pragma once

#include "blocking.hpp"
#include "pipe_file.hpp"

#include <climits>
#include <fcntl.h>
#include <span>
#include <sys/ioctl.h>
#include <unistd.h>

namespace rouse::inline v0::kernel::sys {

namespace detail_fd {

/// Reads or writes, waiting if the file is made for that.
template <class Spans, class Attempt>
SysResult<std::size_t> move(Kernel& kernel, File& file, Direction direction, const Op& op, Spans& spans,
                            Attempt attempt) {
  const SysResult<std::size_t> result = attempt();
  if (!result.would_block()) [[likely]]
    return result;
  if (!file.is_nonblocking()) return wait_to_move(kernel, file, direction, op, spans, attempt);
  return spans.moved() > 0 ? SysResult<std::size_t>{spans.moved()} : result;
}

inline SysResult<std::size_t> read(Kernel& kernel, File& file, const Op& op, UserOutput& to) {
  return move(kernel, file, Direction::read, op, to, [&] { return file.read(to); });
}
inline SysResult<std::size_t> write(Kernel& kernel, File& file, const Op& op, UserInput& from) {
  return move(kernel, file, Direction::write, op, from, [&] { return file.write(from); });
}

/// What Linux asks before it looks at the file: 0 or an errno.
inline int check(const File* file, bool allowed, const void* buffer, std::size_t n) {
  if (file == nullptr || !allowed) return EBADF;
  if (!file->kind().moves_bytes) return EINVAL;
  return is_user_range(buffer, n) ? 0 : EFAULT;
}

/// The vectors of readv and writev: their total, or EINVAL or EFAULT.
inline SysResult<std::size_t> total(const ::iovec* vectors, int n) {
  using Size = SysResult<std::size_t>;
  if (n < 0 || n > iov_max) return Size::failure(EINVAL);
  if (!is_user_memory(vectors, static_cast<std::size_t>(n) * sizeof *vectors)) return Size::failure(EFAULT);
  const std::span all{vectors, static_cast<std::size_t>(n)};
  for (const ::iovec& vector : all) {
    if (vector.iov_len > SSIZE_MAX) return Size::failure(EINVAL);
  }
  std::size_t sum = 0;
  for (const ::iovec& vector : all) {
    // One vector alone is cut to what a call moves before it is asked where it ends.
    const std::size_t size = n == 1 ? std::min(vector.iov_len, rw_count_max) : vector.iov_len;
    if (!is_user_range(vector.iov_base, size)) return Size::failure(EFAULT);
    sum = std::min(sum + size, rw_count_max);
  }
  return sum;
}

}  // namespace detail_fd

inline SysResult<std::size_t> read(Kernel& kernel, int fd, void* buffer, std::size_t n) {
  const Op op{Call::read, fd};
  return kernel.enter(op, [&]() -> SysResult<std::size_t> {
    File* const file = kernel.file(fd);
    const int refused = detail_fd::check(file, file != nullptr && file->is_readable(), buffer, n);
    if (refused != 0) [[unlikely]]
      return SysResult<std::size_t>::failure(refused);
    if (n == 0 && file->kind().is_socket) return 0;
    UserOutput to{buffer, std::min(n, rw_count_max)};
    return detail_fd::read(kernel, *file, op, to);
  });
}

inline SysResult<std::size_t> write(Kernel& kernel, int fd, const void* buffer, std::size_t n) {
  const Op op{Call::write, fd};
  return kernel.enter(op, [&]() -> SysResult<std::size_t> {
    File* const file = kernel.file(fd);
    const int refused = detail_fd::check(file, file != nullptr && file->is_writable(), buffer, n);
    if (refused != 0) [[unlikely]]
      return SysResult<std::size_t>::failure(refused);
    UserInput from{buffer, std::min(n, rw_count_max)};
    return detail_fd::write(kernel, *file, op, from);
  });
}

inline SysResult<std::size_t> readv(Kernel& kernel, int fd, const ::iovec* vectors, int n) {
  const Op op{Call::readv, fd};
  return kernel.enter(op, [&]() -> SysResult<std::size_t> {
    File* const file = kernel.file(fd);
    const int refused = detail_fd::check(file, file != nullptr && file->is_readable(), nullptr, 0);
    if (refused != 0) return SysResult<std::size_t>::failure(refused);
    const SysResult<std::size_t> size = detail_fd::total(vectors, n);
    if (!size.ok()) return size;
    if (size.value() == 0) return 0;
    UserOutput to{vectors, n, size.value()};
    return detail_fd::read(kernel, *file, op, to);
  });
}

inline SysResult<std::size_t> writev(Kernel& kernel, int fd, const ::iovec* vectors, int n) {
  const Op op{Call::writev, fd};
  return kernel.enter(op, [&]() -> SysResult<std::size_t> {
    File* const file = kernel.file(fd);
    const int refused = detail_fd::check(file, file != nullptr && file->is_writable(), nullptr, 0);
    if (refused != 0) return SysResult<std::size_t>::failure(refused);
    const SysResult<std::size_t> size = detail_fd::total(vectors, n);
    if (!size.ok()) return size;
    if (size.value() == 0) return 0;
    if (file->kind().gathers_writes) {
      UserInput from{vectors, n, size.value()};
      return detail_fd::write(kernel, *file, op, from);
    }
    // A file that knows only single writes gets one for each vector, until one falls short. Empty vectors are passed
    // over, but not the first: there the walk starts.
    std::size_t done = 0;
    for (int i = 0; done < size.value(); ++i) {
      if (vectors[i].iov_len == 0 && i > 0) continue;
      const std::size_t part = std::min(vectors[i].iov_len, size.value() - done);
      UserInput from{vectors[i].iov_base, part};
      const SysResult<std::size_t> wrote = detail_fd::write(kernel, *file, op, from);
      if (!wrote.ok()) return done > 0 ? SysResult<std::size_t>{done} : wrote;
      done += wrote.value();
      if (wrote.value() < part) break;
    }
    return done;
  });
}

namespace detail_fd {

/// What pread and pwrite ask before they look at the buffer. Only what cannot be polled has a position.
inline int check_position(const File* file, std::int64_t offset) {
  if (offset < 0) return EINVAL;
  if (file == nullptr) return EBADF;
  return file->kind().is_pollable ? ESPIPE : 0;
}

}  // namespace detail_fd

inline SysResult<std::size_t> pread(Kernel& kernel, int fd, void* buffer, std::size_t n, std::int64_t offset) {
  return kernel.enter({Call::pread, fd}, [&]() -> SysResult<std::size_t> {
    File* const file = kernel.file(fd);
    int refused = detail_fd::check_position(file, offset);
    if (refused == 0) refused = detail_fd::check(file, file->is_readable(), buffer, n);
    if (refused != 0) return SysResult<std::size_t>::failure(refused);
    UserOutput to{buffer, std::min(n, rw_count_max)};
    return file->read(to);
  });
}

inline SysResult<std::size_t> pwrite(Kernel& kernel, int fd, const void* buffer, std::size_t n, std::int64_t offset) {
  return kernel.enter({Call::pwrite, fd}, [&]() -> SysResult<std::size_t> {
    File* const file = kernel.file(fd);
    int refused = detail_fd::check_position(file, offset);
    if (refused == 0) refused = detail_fd::check(file, file->is_writable(), buffer, n);
    if (refused != 0) return SysResult<std::size_t>::failure(refused);
    UserInput from{buffer, std::min(n, rw_count_max)};
    return file->write(from);
  });
}

/// Says 0 wherever it succeeds: no file that is modelled moves.
inline SysResult<std::int64_t> lseek(Kernel& kernel, int fd, std::int64_t, int whence) {
  return kernel.enter({Call::lseek, fd}, [&]() -> SysResult<std::int64_t> {
    File* const file = kernel.file(fd);
    if (file == nullptr) return SysResult<std::int64_t>::failure(EBADF);
    if (whence < SEEK_SET || whence > SEEK_HOLE) return SysResult<std::int64_t>::failure(EINVAL);
    if (!file->kind().is_seekable) return SysResult<std::int64_t>::failure(ESPIPE);
    if (const auto* const plain = file_cast<PlainFile>(file)) plain->assert_modelled("lseek");
    return 0;
  });
}

inline SysResult<void> close(Kernel& kernel, int fd) {
  return kernel.enter({Call::close, fd}, [&]() -> SysResult<void> {
    if (!kernel.fds.is_open(fd)) return SysResult<void>::failure(EBADF);
    static_cast<void>(kernel.fds.remove(fd));
    return {};
  });
}

namespace detail_fd {

inline SysResult<int> duplicate(Kernel& kernel, int fd, std::size_t from, bool close_on_exec) {
  NewFd to = kernel.new_fd(from);
  if (!to) return SysResult<int>::failure(EMFILE);
  return to.install(FileRef{kernel.file(fd)}, close_on_exec);
}

inline SysResult<int> duplicate_onto(Kernel& kernel, int fd, int to, bool close_on_exec) {
  if (to < 0 || static_cast<std::uint64_t>(to) >= kernel.limits.nofile_soft || !kernel.fds.is_open(fd)) {
    return SysResult<int>::failure(EBADF);
  }
  if (kernel.fds.is_reserved(to)) return SysResult<int>::failure(EBUSY);  // By a call that will install a file there.
  FileRef replaced;
  if (kernel.fds.is_open(to)) replaced = kernel.fds.remove(to);
  kernel.fds.install(to, FileRef{kernel.file(fd)}, close_on_exec);
  return to;
}

/// F_DUPFD_QUERY, Linux 6.10: are these two the same open file description?
inline constexpr int f_dupfd_query = 1024 + 3;

inline SysResult<int> set_status_flags(File& file, int flags) {
  if ((flags & O_DIRECT) != 0 && !file.kind().takes_direct) return SysResult<int>::failure(EINVAL);
  int taken = O_APPEND | O_NONBLOCK | O_NOATIME | O_DIRECT;
  if (file.kind().takes_async) taken |= O_ASYNC;
  file.set_status_flags((file.status_flags() & ~taken) | (flags & taken));
  return 0;
}

}  // namespace detail_fd

inline SysResult<int> dup(Kernel& kernel, int fd) {
  return kernel.enter({Call::dup, fd}, [&]() -> SysResult<int> {
    if (!kernel.fds.is_open(fd)) return SysResult<int>::failure(EBADF);
    return detail_fd::duplicate(kernel, fd, 0, false);
  });
}

inline SysResult<int> dup2(Kernel& kernel, int fd, int to) {
  return kernel.enter({Call::dup2, fd}, [&]() -> SysResult<int> {
    if (fd == to && kernel.fds.is_open(fd)) return to;
    return detail_fd::duplicate_onto(kernel, fd, to, false);
  });
}

inline SysResult<int> dup3(Kernel& kernel, int fd, int to, int flags) {
  return kernel.enter({Call::dup3, fd}, [&]() -> SysResult<int> {
    if ((flags & ~O_CLOEXEC) != 0 || fd == to) return SysResult<int>::failure(EINVAL);
    return detail_fd::duplicate_onto(kernel, fd, to, flags != 0);
  });
}

inline SysResult<int> fcntl(Kernel& kernel, int fd, int command, long argument) {
  return kernel.enter({Call::fcntl, fd}, [&]() -> SysResult<int> {
    File* const file = kernel.file(fd);
    if (file == nullptr) return SysResult<int>::failure(EBADF);
    const auto number = static_cast<unsigned>(argument);  // Of the argument, these take the lower 32 bits.
    switch (command) {
      case F_DUPFD:
      case F_DUPFD_CLOEXEC:
        if (number >= kernel.limits.nofile_soft) return SysResult<int>::failure(EINVAL);
        return detail_fd::duplicate(kernel, fd, number, command == F_DUPFD_CLOEXEC);
      case F_GETFD: return kernel.fds.close_on_exec(fd) ? FD_CLOEXEC : 0;
      case F_SETFD: kernel.fds.set_close_on_exec(fd, (number & FD_CLOEXEC) != 0); return 0;
      case F_GETFL: return file->status_flags();
      case F_SETFL: return detail_fd::set_status_flags(*file, static_cast<int>(number));
      case F_GETPIPE_SZ:
      case F_SETPIPE_SZ: {
        auto* const pipe = file_cast<PipeEnd>(file);
        if (pipe == nullptr) return SysResult<int>::failure(EBADF);
        return command == F_GETPIPE_SZ ? SysResult<int>{pipe->capacity()} : pipe->set_capacity(number);
      }
      case detail_fd::f_dupfd_query: {
        const File* const other = kernel.file(static_cast<int>(number));
        if (other == nullptr) return SysResult<int>::failure(EBADF);
        return file == other ? 1 : 0;
      }
      case F_GETLK:
      case F_SETLK:
      case F_SETLKW:
      case F_OFD_GETLK:
      case F_OFD_SETLK:
      case F_OFD_SETLKW:
      case F_GETOWN:
      case F_SETOWN:
      case F_GETSIG:
      case F_SETSIG:
      case F_GETOWN_EX:
      case F_SETOWN_EX:
      case F_SETLEASE:
      case F_GETLEASE:
      case F_NOTIFY:
      case F_ADD_SEALS:
      case F_GET_SEALS:
      case F_GET_RW_HINT:
      case F_SET_RW_HINT:
      case F_GET_FILE_RW_HINT:
      case F_SET_FILE_RW_HINT:
        throw NotModelled("fcntl command " + std::to_string(command) + " on a " + file->kind().name);
      default: return SysResult<int>::failure(EINVAL);
    }
  });
}

inline SysResult<int> ioctl(Kernel& kernel, int fd, unsigned long request, void* argument) {
  return kernel.enter({Call::ioctl, fd}, [&]() -> SysResult<int> {
    File* const file = kernel.file(fd);
    if (file == nullptr) return SysResult<int>::failure(EBADF);
    switch (request) {
      case FIOCLEX:
      case FIONCLEX: kernel.fds.set_close_on_exec(fd, request == FIOCLEX); return 0;
      case FIONBIO:
      case FIOASYNC: {
        int on = 0;
        if (!get_user(on, argument)) return SysResult<int>::failure(EFAULT);
        const int flag = request == FIONBIO ? O_NONBLOCK : O_ASYNC;
        const int flags = on != 0 ? file->status_flags() | flag : file->status_flags() & ~flag;
        if ((flags & O_ASYNC) != 0 && !file->kind().takes_async) return SysResult<int>::failure(ENOTTY);
        file->set_status_flags(flags);
        return 0;
      }
      default: return file->ioctl(request, argument);
    }
  });
}

}  // namespace rouse::inline v0::kernel::sys
