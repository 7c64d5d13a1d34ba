// The calls on any fd: reading, writing, duplicating, closing, flags. Each checks its arguments in Linux's order of
// errors and then makes one call on a File.
#pragma once

#include "blocking.hpp"
#include "faults.hpp"
#include "io_vectors.hpp"
#include "pipe_file.hpp"
#include "socket_waiting.hpp"

#include <climits>
#include <fcntl.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace rouse::inline v0::kernel::sys {

namespace detail_fd {

/// As read and write, once they would block. A socket waits where its message is to go, and as long as it is set to.
[[gnu::noinline, gnu::cold]] inline SysResult<std::size_t> read_later(Kernel& kernel, File& file, const Op& op,
                                                                      UserOutput& to) {
  Incoming message;
  if (file.kind().is_socket) return receive(kernel, static_cast<SocketFile&>(file), op, to, message);
  return wait_to_move(kernel, file, Direction::read, op, to, [&] { return file.read(to); });
}
[[gnu::noinline, gnu::cold]] inline SysResult<std::size_t> write_later(Kernel& kernel, File& file, const Op& op,
                                                                       UserInput& from) {
  Outgoing message;
  if (file.kind().is_socket) return send(kernel, static_cast<SocketFile&>(file), op, from, message);
  return wait_to_move(kernel, file, Direction::write, op, from, [&] { return file.write(from); });
}

/// Reads or writes, waiting if the file is made for that.
inline SysResult<std::size_t> read(Kernel& kernel, File& file, const Op& op, UserOutput& to) {
  const SysResult<std::size_t> result = file.read(to);
  if (!result.would_block()) [[likely]]
    return result;
  return file.is_nonblocking() ? moved_or(to, result) : read_later(kernel, file, op, to);
}
inline SysResult<std::size_t> write(Kernel& kernel, File& file, const Op& op, UserInput& from) {
  SysResult<std::size_t> result = file.write(from);
  if (result.would_block()) [[unlikely]]
    result = file.is_nonblocking() ? moved_or(from, result) : write_later(kernel, file, op, from);
  if (from.is_broken()) [[unlikely]]
    kernel.signals.send_sigpipe();
  return result;
}

/// How many of `size` bytes a call moves at most, when a fault cuts it to `most`.
[[nodiscard]] inline std::size_t cut(const File& file, Call call, std::size_t size, std::size_t most) {
  if (most >= size) [[likely]]
    return size;
  return may_be_cut(call, file.kind().name, file.status_flags(), size) ? most : size;
}

/// What Linux asks before it looks at the file: 0 or an errno.
inline int check_read(const File* file) {
  if (file == nullptr || !file->is_readable()) return EBADF;
  return file->kind().has_read ? 0 : EINVAL;
}
inline int check_write(const File* file) {
  if (file == nullptr || !file->is_writable()) return EBADF;
  return file->kind().has_write ? 0 : EINVAL;
}
inline int check_read(const File* file, const void* buffer, std::size_t n) {
  const int refused = check_read(file);
  return refused != 0 || is_user_range(buffer, n) ? refused : EFAULT;
}
inline int check_write(const File* file, const void* buffer, std::size_t n) {
  const int refused = check_write(file);
  return refused != 0 || is_user_range(buffer, n) ? refused : EFAULT;
}

}  // namespace detail_fd

inline SysResult<std::size_t> read(Kernel& kernel, int fd, void* buffer, std::size_t n) {
  const Op op{Call::read, fd};
  return kernel.enter(op, {buffer, n}, [&](std::size_t most) -> SysResult<std::size_t> {
    File* const file = kernel.file(fd);
    const int refused = detail_fd::check_read(file, buffer, n);
    if (refused != 0) [[unlikely]]
      return SysResult<std::size_t>::failure(refused);
    if (n == 0 && file->kind().is_socket) return 0;
    // Linux moves rw_count_max at most; nothing here holds that much.
    UserOutput to{buffer, detail_fd::cut(*file, Call::read, n, most)};
    return detail_fd::read(kernel, *file, op, to);
  });
}

inline SysResult<std::size_t> write(Kernel& kernel, int fd, const void* buffer, std::size_t n) {
  const Op op{Call::write, fd};
  return kernel.enter(op, {buffer, n}, [&](std::size_t most) -> SysResult<std::size_t> {
    File* const file = kernel.file(fd);
    const int refused = detail_fd::check_write(file, buffer, n);
    if (refused != 0) [[unlikely]]
      return SysResult<std::size_t>::failure(refused);
    UserInput from{buffer, detail_fd::cut(*file, Call::write, std::min(n, rw_count_max), most)};
    return detail_fd::write(kernel, *file, op, from);
  });
}

inline SysResult<std::size_t> readv(Kernel& kernel, int fd, const ::iovec* user_vectors, int n) {
  const Op op{Call::readv, fd};
  return kernel.enter(op, {user_vectors, n}, [&](std::size_t most) -> SysResult<std::size_t> {
    File* const file = kernel.file(fd);
    const int refused = detail_fd::check_read(file);
    if (refused != 0) return SysResult<std::size_t>::failure(refused);
    IoVectors vectors;
    const SysResult<std::size_t> size = vectors.get(user_vectors, n);
    if (!size.ok()) return size;
    if (size.value() == 0) return 0;
    UserOutput to{vectors.all(), detail_fd::cut(*file, Call::readv, size.value(), most)};
    return detail_fd::read(kernel, *file, op, to);
  });
}

inline SysResult<std::size_t> writev(Kernel& kernel, int fd, const ::iovec* user_vectors, int n) {
  const Op op{Call::writev, fd};
  return kernel.enter(op, {user_vectors, n}, [&](std::size_t most) -> SysResult<std::size_t> {
    File* const file = kernel.file(fd);
    const int refused = detail_fd::check_write(file);
    if (refused != 0) return SysResult<std::size_t>::failure(refused);
    IoVectors vectors;
    const SysResult<std::size_t> size = vectors.get(user_vectors, n);
    if (!size.ok()) return size;
    if (size.value() == 0) return 0;
    if (file->kind().gathers_writes) {
      UserInput from{vectors.all(), detail_fd::cut(*file, Call::writev, size.value(), most)};
      return detail_fd::write(kernel, *file, op, from);
    }
    // A file that knows only single writes gets one for each vector, until one falls short. Empty vectors are passed
    // over, but not the first: there the walk starts.
    std::size_t done = 0;
    for (std::size_t i = 0; done < size.value(); ++i) {
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
/// And after that. Preconditions: a range of user space, offset >= 0.
inline int check_end(std::int64_t offset, std::size_t n) {
  return offset > INT64_MAX - static_cast<std::int64_t>(n) ? EINVAL : 0;
}

}  // namespace detail_fd

inline SysResult<std::size_t> pread(Kernel& kernel, int fd, void* buffer, std::size_t n, std::int64_t offset) {
  return kernel.enter({Call::pread, fd}, {buffer, n, offset}, [&](std::size_t most) -> SysResult<std::size_t> {
    File* const file = kernel.file(fd);
    int refused = detail_fd::check_position(file, offset);
    if (refused == 0) refused = detail_fd::check_read(file, buffer, n);
    if (refused == 0) refused = detail_fd::check_end(offset, n);
    if (refused != 0) return SysResult<std::size_t>::failure(refused);
    UserOutput to{buffer, detail_fd::cut(*file, Call::pread, n, most)};
    return file->read(to);
  });
}

inline SysResult<std::size_t> pwrite(Kernel& kernel, int fd, const void* buffer, std::size_t n, std::int64_t offset) {
  return kernel.enter({Call::pwrite, fd}, {buffer, n, offset}, [&](std::size_t most) -> SysResult<std::size_t> {
    File* const file = kernel.file(fd);
    int refused = detail_fd::check_position(file, offset);
    if (refused == 0) refused = detail_fd::check_write(file, buffer, n);
    if (refused == 0) refused = detail_fd::check_end(offset, n);
    if (refused != 0) return SysResult<std::size_t>::failure(refused);
    UserInput from{buffer, detail_fd::cut(*file, Call::pwrite, std::min(n, rw_count_max), most)};
    return file->write(from);
  });
}

/// Says 0 wherever it succeeds: no file that is modelled moves.
inline SysResult<std::int64_t> lseek(Kernel& kernel, int fd, std::int64_t offset, int whence) {
  return kernel.enter({Call::lseek, fd}, {offset, whence}, [&]() -> SysResult<std::int64_t> {
    File* const file = kernel.file(fd);
    if (file == nullptr) return SysResult<std::int64_t>::failure(EBADF);
    if (whence < SEEK_SET || whence > SEEK_HOLE) return SysResult<std::int64_t>::failure(EINVAL);
    if (!file->kind().is_seekable) return SysResult<std::int64_t>::failure(ESPIPE);
    if (const auto* const plain = file_cast<PlainFile>(file)) plain->assert_modelled("lseek");
    return 0;
  });
}

namespace detail_fd {

/// Waits until what a socket has sent has arrived, its end included, or as long as SO_LINGER says; a signal ends it,
/// too.
[[gnu::noinline, gnu::cold]] inline void linger(Kernel& kernel, const Op& op, SocketFile& socket) {
  constexpr Time second = 1'000'000'000;
  const Time span = socket.linger().l_linger * second;
  const WaitPlace place{&socket.queue, {any_key}, time_after(kernel.host().now(), span)};
  static_cast<void>(wait_in(kernel, place, op, socket, EINTR, [&](WaitPlace&) {
    return socket.has_left() ? SysResult<void>{} : SysResult<void>::failure(EAGAIN);
  }));
}

/// An fd of a file is gone. With the last one, the file goes.
inline void let_go(Kernel& kernel, const Op& op, FileRef file) {
  SocketFile* const socket = socket_cast(file.get());
  if (socket == nullptr || file->references() > 1 || socket->linger().l_onoff == 0) return;
  if (socket->begins_to_leave()) linger(kernel, op, *socket);
}

}  // namespace detail_fd

inline SysResult<void> close(Kernel& kernel, int fd) {
  const Op op{Call::close, fd};
  return kernel.enter(op, {}, [&]() -> SysResult<void> {
    if (!kernel.fds.is_open(fd)) return SysResult<void>::failure(EBADF);
    detail_fd::let_go(kernel, op, kernel.fds.remove(fd));
    return {};
  });
}

namespace detail_fd {

inline SysResult<int> duplicate(Kernel& kernel, int fd, std::size_t from, bool close_on_exec) {
  NewFd to = kernel.new_fd(from);
  if (!to) return SysResult<int>::failure(EMFILE);
  return to.install(FileRef{kernel.file(fd)}, close_on_exec);
}

inline SysResult<int> duplicate_onto(Kernel& kernel, const Op& op, int to, bool close_on_exec) {
  const int fd = op.fd;
  // A negative number is a very large one.
  if (static_cast<std::uint64_t>(to) >= kernel.limits.nofile_soft) return SysResult<int>::failure(EBADF);
  touch(Object::fd_table(), Access::write);
  if (const File* const there = kernel.other_file(to)) there->touch(Access::write);
  kernel.fds.make_room(to);
  if (!kernel.fds.is_open(fd)) return SysResult<int>::failure(EBADF);
  if (kernel.fds.is_reserved(to)) return SysResult<int>::failure(EBUSY);  // By a call that will install a file there.
  FileRef replaced = kernel.fds.remove(to);
  kernel.fds.install(to, FileRef{kernel.file(fd)}, close_on_exec);
  let_go(kernel, op, std::move(replaced));
  return to;
}

/// F_DUPFD_QUERY, Linux 6.10: are these two the same open file description?
inline constexpr int f_dupfd_query = 1024 + 3;
/// F_CREATED_QUERY, Linux 6.12: was it this opening that made the file?
inline constexpr int f_created_query = 1024 + 4;
inline constexpr int f_getowner_uids = 17;

inline SysResult<int> set_status_flags(File& file, int flags) {
  if ((flags & O_DIRECT) != 0 && !file.kind().takes_direct) return SysResult<int>::failure(EINVAL);
  int taken = O_APPEND | O_NONBLOCK | O_NOATIME | O_DIRECT;
  if (file.kind().takes_async) taken |= O_ASYNC;
  file.set_status_flags((file.status_flags() & ~taken) | (flags & taken));
  return 0;
}

}  // namespace detail_fd

inline SysResult<int> dup(Kernel& kernel, int fd) {
  return kernel.enter({Call::dup, fd}, {}, [&]() -> SysResult<int> {
    if (!kernel.fds.is_open(fd)) return SysResult<int>::failure(EBADF);
    return detail_fd::duplicate(kernel, fd, 0, false);
  });
}

inline SysResult<int> dup2(Kernel& kernel, int fd, int to) {
  const Op op{Call::dup2, fd};
  return kernel.enter(op, {to}, [&]() -> SysResult<int> {
    if (fd == to && kernel.fds.is_open(fd)) return to;
    return detail_fd::duplicate_onto(kernel, op, to, false);
  });
}

inline SysResult<int> dup3(Kernel& kernel, int fd, int to, int flags) {
  const Op op{Call::dup3, fd};
  return kernel.enter(op, {to, flags}, [&]() -> SysResult<int> {
    if ((flags & ~O_CLOEXEC) != 0 || fd == to) return SysResult<int>::failure(EINVAL);
    return detail_fd::duplicate_onto(kernel, op, to, flags != 0);
  });
}

inline SysResult<int> fcntl(Kernel& kernel, int fd, int command, long argument) {
  return kernel.enter({Call::fcntl, fd}, {command, argument}, [&]() -> SysResult<int> {
    File* const file = kernel.file(fd);
    if (file == nullptr) return SysResult<int>::failure(EBADF);
    const auto number = static_cast<unsigned>(argument);  // Of the argument, these take the lower 32 bits.
    if (const int error = kernel.age_heeded().fcntl_error(command); error != 0) return SysResult<int>::failure(error);
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
        const File* const other = kernel.other_file(static_cast<int>(number));
        if (other == nullptr) return SysResult<int>::failure(EBADF);
        return file == other ? 1 : 0;
      }
      case detail_fd::f_created_query: return 0;
      case detail_fd::f_getowner_uids:
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

namespace detail_fd {

/// Those of <linux/fs.h> that older headers do not have.
inline constexpr unsigned fs_ioc_getfsuuid = 0x80111500;
inline constexpr unsigned fs_ioc_getfssysfspath = 0x80811501;

}  // namespace detail_fd

/// Of the request, Linux takes the lower 32 bits.
inline SysResult<int> ioctl(Kernel& kernel, int fd, unsigned long long_request, void* argument) {
  return kernel.enter({Call::ioctl, fd}, {long_request, argument}, [&]() -> SysResult<int> {
    File* const file = kernel.file(fd);
    if (file == nullptr) return SysResult<int>::failure(EBADF);
    const auto request = static_cast<unsigned>(long_request);
    if (const int error = kernel.age_heeded().ioctl_error(request); error != 0) return SysResult<int>::failure(error);
    switch (request) {
      case FIOCLEX:
      case FIONCLEX: kernel.fds.set_close_on_exec(fd, request == FIOCLEX); return 0;
      case FIONBIO:
      case FIOASYNC: {
        int on = 0;
        if (!get_user(on, argument)) return SysResult<int>::failure(EFAULT);
        const int flag = request == FIONBIO ? O_NONBLOCK : O_ASYNC;
        const int flags = on != 0 ? file->status_flags() | flag : file->status_flags() & ~flag;
        const bool changes_async = ((flags ^ file->status_flags()) & O_ASYNC) != 0;
        if (changes_async && !file->kind().takes_async) return SysResult<int>::failure(ENOTTY);
        file->set_status_flags(flags);
        return 0;
      }
      case FIGETBSZ:
      case FIOQSIZE:
      case FIFREEZE:
      case FITHAW:
      case FS_IOC_FIEMAP:
      case FICLONE:
      case FICLONERANGE:
      case FIDEDUPERANGE:
      case detail_fd::fs_ioc_getfsuuid:
      case detail_fd::fs_ioc_getfssysfspath:
        throw NotModelled("ioctl request " + std::to_string(request) + " on a " + file->kind().name);
      default: return file->ioctl(request, argument);
    }
  });
}

}  // namespace rouse::inline v0::kernel::sys
