// The calls on any fd but those that move bytes: duplicating, closing, flags. Each checks its arguments in Linux's
// order of errors and then makes one call on a File.
#pragma once

#include "blocking.hpp"
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
  return kernel.enter(op, {}, [=, &kernel]() -> SysResult<void> {
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
  FileRef file{kernel.file(fd)};
  const SysResult<void> installed = kernel.fds.replace(to, file, close_on_exec);
  if (!installed.ok()) return installed;
  let_go(kernel, op, std::move(file));
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
  return kernel.enter({Call::dup, fd}, {}, [=, &kernel]() -> SysResult<int> {
    if (!kernel.fds.is_open(fd)) return SysResult<int>::failure(EBADF);
    return detail_fd::duplicate(kernel, fd, 0, false);
  });
}

inline SysResult<int> dup2(Kernel& kernel, int fd, int to) {
  const Op op{Call::dup2, fd};
  return kernel.enter(op, {to}, [=, &kernel]() -> SysResult<int> {
    if (fd == to && kernel.fds.is_open(fd)) return to;
    return detail_fd::duplicate_onto(kernel, op, to, false);
  });
}

inline SysResult<int> dup3(Kernel& kernel, int fd, int to, int flags) {
  const Op op{Call::dup3, fd};
  return kernel.enter(op, {to, flags}, [=, &kernel]() -> SysResult<int> {
    if ((flags & ~O_CLOEXEC) != 0 || fd == to) return SysResult<int>::failure(EINVAL);
    return detail_fd::duplicate_onto(kernel, op, to, flags != 0);
  });
}

inline SysResult<int> fcntl(Kernel& kernel, int fd, int command, long argument) {
  return kernel.enter({Call::fcntl, fd}, {command, argument}, [=, &kernel]() -> SysResult<int> {
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
  return kernel.enter({Call::ioctl, fd}, {long_request, argument}, [=, &kernel]() -> SysResult<int> {
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
