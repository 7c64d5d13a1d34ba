// File: an open file description. It never blocks and never calls out in the middle of a change: it changes, then wakes
// its queue with a key. What makes a call wait is blocking.hpp; what checks arguments is syscalls_*.hpp.
//
// Files count references: one per descriptor, one per call that is blocked in them, and what other files hold. With the
// last one go first the registrations on the file, then its own state (last_close), then the object.
#pragma once

#include "../sys_result.hpp"
#include "interest.hpp"
#include "observer.hpp"
#include "user_memory.hpp"
#include "wait_queue.hpp"

#include <cstdint>
#include <fcntl.h>
#include <string>
#include <utility>

namespace rouse::inline v0::kernel {

class Registration;
struct WatchedByFile;

/// What all files of a kind have in common. Compared by address, never ordered by it.
struct FileKind {
  const char* name;             ///< As messages and dumps call it.
  bool is_pollable = true;      ///< False: epoll_ctl says EPERM, and poll that everything is possible.
  bool is_seekable = false;     ///< True: lseek says 0, as for files that ignore their position. Else ESPIPE.
  bool gathers_writes = false;  ///< True: writev is one write. Else it is one write per vector.
  bool is_socket = false;       ///< True: the file is a SocketFile.
  bool is_inet = false;         ///< True: it is an InetSocketFile.
  bool has_read = true;         ///< False: read says EINVAL before it looks at anything else.
  bool has_write = true;        ///< False: so does write.
  bool takes_direct = false;    ///< F_SETFL accepts O_DIRECT.
  bool takes_async = false;     ///< F_SETFL keeps O_ASYNC.
};

enum class Direction { read, write };

/// Numbers for files, never used twice.
class FileIds {
 public:
  std::uint64_t next() { return next_++; }

 private:
  std::uint64_t next_ = 1;
};

/// How a task waits in a file's queue.
struct WaitStyle {
  EventFlags key;              ///< Wakeups that concern it.
  bool exclusive = false;      ///< One at a time.
  bool at_head = false;        ///< Last come, first told.
  bool signals_first = false;  ///< A signal ends the call even if what it waits for has come.
};

class File : public SyncPoint {
 public:
  File(const FileKind& kind, std::uint64_t id, int status_flags)
      : kind_(kind),
        id_(id),
        status_flags_(status_flags),
        can_be_read_(is_readable() && kind.has_read),
        can_be_written_(is_writable() && kind.has_write) {}
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  [[nodiscard]] const FileKind& kind() const { return kind_; }
  /// Never used again within a kernel: what is ordered, is ordered by this.
  [[nodiscard]] std::uint64_t id() const { return id_; }

  /// What F_GETFL shows: access mode, O_NONBLOCK and the like. Shared by all descriptors.
  [[nodiscard]] int status_flags() const { return status_flags_; }
  /// Precondition: the access mode is that of before.
  void set_status_flags(int flags) { status_flags_ = flags; }
  /// How many descriptors, blocked calls, messages and other files hold it.
  [[nodiscard]] std::uint32_t references() const { return references_; }
  [[nodiscard]] bool is_nonblocking() const { return (status_flags_ & O_NONBLOCK) != 0; }
  /// An access mode of neither kind is for ioctl(2) alone.
  [[nodiscard]] bool is_readable() const { return access_mode() == O_RDONLY || access_mode() == O_RDWR; }
  [[nodiscard]] bool is_writable() const { return access_mode() == O_WRONLY || access_mode() == O_RDWR; }

  /// Whether read(2) and write(2) come as far as the file. The access mode never changes.
  [[nodiscard]] bool can_be_read() const { return can_be_read_; }
  [[nodiscard]] bool can_be_written() const { return can_be_written_; }

  /// The bits that hold now, as poll(2) would show them; not only those asked for. Has no side effects but where it
  /// says so: see EpollFile and UnixDatagramFile.
  [[nodiscard]] virtual EventFlags readiness(EventFlags asked) = 0;

  /// Moves bytes. EAGAIN means that the call would wait, be it for the first byte or for the rest of a write: what was
  /// moved so far stands in the span. What O_NONBLOCK makes of it is the caller's business.
  virtual SysResult<std::size_t> read(UserOutput&) { return SysResult<std::size_t>::failure(EINVAL); }
  virtual SysResult<std::size_t> write(UserInput&) { return SysResult<std::size_t>::failure(EINVAL); }
  virtual SysResult<int> ioctl(unsigned long, void*) { return SysResult<int>::failure(ENOTTY); }

  /// How a task waits for `direction`, and what is done when one that slept for it got through.
  [[nodiscard]] virtual WaitStyle wait_style(Direction direction) const {
    return {direction == Direction::read ? EventFlags::in | EventFlags::hup | EventFlags::err
                                         : EventFlags::out | EventFlags::hup | EventFlags::err};
  }
  virtual void hand_on(Direction) {}
  /// What is done, before that, when a signal ended its sleep; returns what the call comes to.
  virtual int give_up(Direction, int interrupted) { return interrupted; }

  /// What it is in a footprint: the same for files that have state in common. And what being asked for its bits is.
  [[nodiscard]] virtual Object object() const { return Object::file(id_); }
  [[nodiscard]] virtual Access asking() const { return Access::read; }
  /// Says so, to who observes.
  void touch(Access access) const {
    if (observer != nullptr) [[unlikely]]
      tell(access);
  }
  void touch_by_asking() const {
    if (observer != nullptr) [[unlikely]]
      tell_of_asking();
  }

  /// One line for dumps: what the file holds.
  [[nodiscard]] virtual std::string describe() const = 0;

  /// Where tasks and epolls wait for this file: its own queue, but for kinds that share one.
  [[nodiscard]] virtual WaitQueue& wait_queue() { return queue; }

  /// Its own, which it wakes.
  WaitQueue queue;
  /// The registrations on this file, in any epoll, oldest first.
  detail::IntrusiveList<Registration, WatchedByFile> watchers;

 protected:
  virtual ~File() = default;

 private:
  friend class FileRef;

  [[nodiscard]] int access_mode() const { return status_flags_ & O_ACCMODE; }

  /// The last reference went: tells the peers, gives back what the file held.
  virtual void last_close() {}

  void release();
  // Out of line, as each wakeup would pay for them.
  [[gnu::noinline, gnu::cold]] void tell(Access access) const { observer->touched(object(), access); }
  [[gnu::noinline, gnu::cold]] void tell_of_asking() const { tell(asking()); }

  const FileKind& kind_;
  const std::uint64_t id_;
  int status_flags_;
  const bool can_be_read_;
  const bool can_be_written_;
  std::uint32_t references_ = 0;
};

/// A counted reference to a file, or none.
class FileRef {
 public:
  FileRef() = default;
  explicit FileRef(File* file) : file_(file) {
    if (file_ != nullptr) ++file_->references_;
  }
  FileRef(const FileRef& from) : FileRef(from.file_) {}
  FileRef(FileRef&& from) noexcept : file_(std::exchange(from.file_, nullptr)) {}
  FileRef& operator=(FileRef from) noexcept {
    std::swap(file_, from.file_);
    return *this;
  }
  ~FileRef() {
    if (file_ != nullptr) file_->release();
  }

  [[nodiscard]] File* get() const { return file_; }
  [[nodiscard]] File* operator->() const { return file_; }
  [[nodiscard]] File& operator*() const { return *file_; }
  explicit operator bool() const { return file_ != nullptr; }

 private:
  File* file_ = nullptr;
};

/// The file as a `T`, or null if it is of another kind.
template <class T>
[[nodiscard]] T* file_cast(File* file) {
  return file != nullptr && &file->kind() == &T::file_kind ? static_cast<T*>(file) : nullptr;
}

}  // namespace rouse::inline v0::kernel
