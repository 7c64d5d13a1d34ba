// The calls that move bytes through any fd. Each checks its arguments in Linux's order of errors and then makes one
// call on a File.
#pragma once

#include "blocking.hpp"
#include "eventfd_file.hpp"
#include "faults.hpp"
#include "io_vectors.hpp"
#include "pipe_file.hpp"
#include "socket_waiting.hpp"

#include <algorithm>
#include <sys/uio.h>
#include <unistd.h>

namespace rouse::inline v0::kernel::sys {

namespace detail_io {

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
  if (file != nullptr && file->can_be_read()) [[likely]]
    return 0;
  return file == nullptr || !file->is_readable() ? EBADF : EINVAL;
}
inline int check_write(const File* file) {
  if (file != nullptr && file->can_be_written()) [[likely]]
    return 0;
  return file == nullptr || !file->is_writable() ? EBADF : EINVAL;
}
inline int check_read(const File* file, const void* buffer, std::size_t n) {
  const int refused = check_read(file);
  return refused != 0 || is_user_range(buffer, n) ? refused : EFAULT;
}
inline int check_write(const File* file, const void* buffer, std::size_t n) {
  const int refused = check_write(file);
  return refused != 0 || is_user_range(buffer, n) ? refused : EFAULT;
}

}  // namespace detail_io

// What tests and event loops do most, by far, is to read and write eventfds. With nothing in the way this is done on
// the spot, in a third of the instructions: what is moved is a number rather than bytes, and nothing has to be kept for
// later. If nobody watches, the call is not even entered. Pipes have the same of their own, once it is entered.

namespace detail_io {

/// True if the call was a read of an eventfd, and is done; else nothing is.
[[gnu::always_inline]] inline bool read_at_once(const Kernel& kernel, int fd, void* buffer, std::size_t n,
                                                Watched watched) {
  constexpr std::size_t size = sizeof(std::uint64_t);
  if (n != size || !is_writable_for_sure(buffer, size)) return false;
  auto* const event = file_cast<EventFdFile>(kernel.file(fd));
  if (event == nullptr || event->count() == 0) return false;
  if (watched == Watched::yes) acquire_edge(*event);
  const std::uint64_t value = event->take();
  detail::copy_to_user(buffer, &value, size);
  return true;
}
/// Likewise a write.
[[gnu::always_inline]] inline bool write_at_once(const Kernel& kernel, int fd, const void* buffer, std::size_t n,
                                                 Watched watched) {
  std::uint64_t amount = 0;
  if (n != sizeof amount || !is_readable_for_sure(buffer, sizeof amount)) return false;
  auto* const event = file_cast<EventFdFile>(kernel.file(fd));
  if (event == nullptr) return false;
  detail::copy_from_user(&amount, buffer, sizeof amount);
  if (!event->has_room_for(amount)) return false;
  if (watched == Watched::yes) release_edge(*event);
  event->add(amount);
  return true;
}

[[gnu::noinline]] inline SysResult<std::size_t> read_any(Kernel& kernel, int fd, void* buffer, std::size_t n,
                                                         std::size_t most) {
  File* const file = kernel.file(fd);
  const int refused = check_read(file, buffer, n);
  if (refused != 0) [[unlikely]]
    return SysResult<std::size_t>::failure(refused);
  if (n == 0 && file->kind().is_socket) return 0;
  // Linux moves rw_count_max at most; nothing here holds that much.
  const std::size_t size = cut(*file, Call::read, n, most);
  if (auto* const pipe = file_cast<PipeEnd>(file)) {
    const std::size_t moved = pipe->read_at_once(buffer, size);
    if (moved > 0) return moved;
  }
  UserOutput to{buffer, size};
  return read(kernel, *file, {Call::read, fd}, to);
}
[[gnu::noinline]] inline SysResult<std::size_t> write_any(Kernel& kernel, int fd, const void* buffer, std::size_t n,
                                                          std::size_t most) {
  File* const file = kernel.file(fd);
  const int refused = check_write(file, buffer, n);
  if (refused != 0) [[unlikely]]
    return SysResult<std::size_t>::failure(refused);
  const std::size_t size = cut(*file, Call::write, std::min(n, rw_count_max), most);
  if (auto* const pipe = file_cast<PipeEnd>(file)) {
    if (pipe->write_at_once(buffer, size)) return size;
  }
  UserInput from{buffer, size};
  return write(kernel, *file, {Call::write, fd}, from);
}

[[gnu::noinline]] inline SysResult<std::size_t> read_unwatched(Kernel& kernel, int fd, void* buffer, std::size_t n) {
  return kernel.enter_unwatched([=, &kernel](std::size_t most) { return read_any(kernel, fd, buffer, n, most); });
}
[[gnu::noinline]] inline SysResult<std::size_t> write_unwatched(Kernel& kernel, int fd, const void* buffer,
                                                                std::size_t n) {
  return kernel.enter_unwatched([=, &kernel](std::size_t most) { return write_any(kernel, fd, buffer, n, most); });
}

/// A read where somebody watches, and its own body (Kernel::enter_watched).
struct WatchedRead {
  Kernel& kernel;
  int fd;
  void* buffer;
  std::size_t n;

  [[nodiscard]] Op op() const { return {Call::read, fd}; }
  [[nodiscard]] CallArguments arguments() const { return {buffer, n}; }
  [[nodiscard]] const WatchedRead& body() const { return *this; }
  [[gnu::always_inline]] SysResult<std::size_t> operator()(std::size_t most) const {
    if (read_at_once(kernel, fd, buffer, n, Watched::yes)) return sizeof(std::uint64_t);
    return read_any(kernel, fd, buffer, n, most);
  }
};
struct WatchedWrite {
  Kernel& kernel;
  int fd;
  const void* buffer;
  std::size_t n;

  [[nodiscard]] Op op() const { return {Call::write, fd}; }
  [[nodiscard]] CallArguments arguments() const { return {buffer, n}; }
  [[nodiscard]] const WatchedWrite& body() const { return *this; }
  [[gnu::always_inline]] SysResult<std::size_t> operator()(std::size_t most) const {
    if (write_at_once(kernel, fd, buffer, n, Watched::yes)) return n;
    return write_any(kernel, fd, buffer, n, most);
  }
};

[[gnu::noinline]] inline SysResult<std::size_t> read_watched(Kernel& kernel, int fd, void* buffer, std::size_t n) {
  return kernel.enter_watched(WatchedRead{kernel, fd, buffer, n});
}
[[gnu::noinline]] inline SysResult<std::size_t> write_watched(Kernel& kernel, int fd, const void* buffer,
                                                              std::size_t n) {
  return kernel.enter_watched(WatchedWrite{kernel, fd, buffer, n});
}

// Out of line, as is what it calls: the functions below are to be small enough to be inlined.
[[gnu::noinline]] inline SysResult<std::size_t> read_entered(Kernel& kernel, int fd, void* buffer, std::size_t n) {
  return kernel.is_unwatched() ? read_unwatched(kernel, fd, buffer, n) : read_watched(kernel, fd, buffer, n);
}
[[gnu::noinline]] inline SysResult<std::size_t> write_entered(Kernel& kernel, int fd, const void* buffer,
                                                              std::size_t n) {
  return kernel.is_unwatched() ? write_unwatched(kernel, fd, buffer, n) : write_watched(kernel, fd, buffer, n);
}

}  // namespace detail_io

inline SysResult<std::size_t> read(Kernel& kernel, int fd, void* buffer, std::size_t n) {
  using namespace detail_io;
  if (kernel.is_unwatched() && read_at_once(kernel, fd, buffer, n, Watched::no)) return sizeof(std::uint64_t);
  return read_entered(kernel, fd, buffer, n);
}

inline SysResult<std::size_t> write(Kernel& kernel, int fd, const void* buffer, std::size_t n) {
  using namespace detail_io;
  if (kernel.is_unwatched() && write_at_once(kernel, fd, buffer, n, Watched::no)) return n;
  return write_entered(kernel, fd, buffer, n);
}

inline SysResult<std::size_t> readv(Kernel& kernel, int fd, const ::iovec* user_vectors, int n) {
  const Op op{Call::readv, fd};
  return kernel.enter(op, {user_vectors, n}, [=, &kernel](std::size_t most) -> SysResult<std::size_t> {
    File* const file = kernel.file(fd);
    const int refused = detail_io::check_read(file);
    if (refused != 0) return SysResult<std::size_t>::failure(refused);
    IoVectors vectors;
    const SysResult<std::size_t> size = vectors.get(user_vectors, n);
    if (!size.ok()) return size;
    if (size.value() == 0) return 0;
    UserOutput to{vectors.all(), detail_io::cut(*file, Call::readv, size.value(), most)};
    return detail_io::read(kernel, *file, op, to);
  });
}

inline SysResult<std::size_t> writev(Kernel& kernel, int fd, const ::iovec* user_vectors, int n) {
  const Op op{Call::writev, fd};
  return kernel.enter(op, {user_vectors, n}, [=, &kernel](std::size_t most) -> SysResult<std::size_t> {
    File* const file = kernel.file(fd);
    const int refused = detail_io::check_write(file);
    if (refused != 0) return SysResult<std::size_t>::failure(refused);
    IoVectors vectors;
    const SysResult<std::size_t> size = vectors.get(user_vectors, n);
    if (!size.ok()) return size;
    if (size.value() == 0) return 0;
    if (file->kind().gathers_writes) {
      UserInput from{vectors.all(), detail_io::cut(*file, Call::writev, size.value(), most)};
      return detail_io::write(kernel, *file, op, from);
    }
    // A file that knows only single writes gets one for each vector, until one falls short. Empty vectors are passed
    // over, but not the first: there the walk starts.
    std::size_t done = 0;
    for (std::size_t i = 0; done < size.value(); ++i) {
      if (vectors[i].iov_len == 0 && i > 0) continue;
      const std::size_t part = std::min(vectors[i].iov_len, size.value() - done);
      UserInput from{vectors[i].iov_base, part};
      const SysResult<std::size_t> wrote = detail_io::write(kernel, *file, op, from);
      if (!wrote.ok()) return done > 0 ? SysResult<std::size_t>{done} : wrote;
      done += wrote.value();
      if (wrote.value() < part) break;
    }
    return done;
  });
}

namespace detail_io {

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

}  // namespace detail_io

inline SysResult<std::size_t> pread(Kernel& kernel, int fd, void* buffer, std::size_t n, std::int64_t offset) {
  return kernel.enter({Call::pread, fd}, {buffer, n, offset}, [=, &kernel](std::size_t most) -> SysResult<std::size_t> {
    File* const file = kernel.file(fd);
    int refused = detail_io::check_position(file, offset);
    if (refused == 0) refused = detail_io::check_read(file, buffer, n);
    if (refused == 0) refused = detail_io::check_end(offset, n);
    if (refused != 0) return SysResult<std::size_t>::failure(refused);
    UserOutput to{buffer, detail_io::cut(*file, Call::pread, n, most)};
    return file->read(to);
  });
}

inline SysResult<std::size_t> pwrite(Kernel& kernel, int fd, const void* buffer, std::size_t n, std::int64_t offset) {
  return kernel.enter({Call::pwrite, fd}, {buffer, n, offset},
                      [=, &kernel](std::size_t most) -> SysResult<std::size_t> {
                        File* const file = kernel.file(fd);
                        int refused = detail_io::check_position(file, offset);
                        if (refused == 0) refused = detail_io::check_write(file, buffer, n);
                        if (refused == 0) refused = detail_io::check_end(offset, n);
                        if (refused != 0) return SysResult<std::size_t>::failure(refused);
                        UserInput from{buffer, detail_io::cut(*file, Call::pwrite, std::min(n, rw_count_max), most)};
                        return file->write(from);
                      });
}

/// Says 0 wherever it succeeds: no file that is modelled moves.
inline SysResult<std::int64_t> lseek(Kernel& kernel, int fd, std::int64_t offset, int whence) {
  return kernel.enter({Call::lseek, fd}, {offset, whence}, [=, &kernel]() -> SysResult<std::int64_t> {
    File* const file = kernel.file(fd);
    if (file == nullptr) return SysResult<std::int64_t>::failure(EBADF);
    if (whence < SEEK_SET || whence > SEEK_HOLE) return SysResult<std::int64_t>::failure(EINVAL);
    if (!file->kind().is_seekable) return SysResult<std::int64_t>::failure(ESPIPE);
    if (const auto* const plain = file_cast<PlainFile>(file)) plain->assert_modelled("lseek");
    return 0;
  });
}

}  // namespace rouse::inline v0::kernel::sys
