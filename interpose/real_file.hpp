// RealFile: a file of Linux in the emulated kernel's table, so that an emulated epoll, poll or select can watch it.
// What is ready, Linux is asked, each time; that something changed, RealWatch tells.
#pragma once

#include "own_fds.hpp"
#include "raw.hpp"
#include "real_watch.hpp"
#include <rouse/kernel/file.hpp>

#include <poll.h>
#include <sys/syscall.h>

namespace rouse::interpose {

class RealFile final : public kernel::File {
 public:
  // Linux says of both what epoll and poll are to make of them.
  static constexpr kernel::FileKind file_kind{.name = "file of Linux"};
  static constexpr kernel::FileKind plain_kind{.name = "plain file of Linux", .is_pollable = false};

  RealFile(std::uint64_t id, int fd, bool is_pollable, RealWatch& watch)
      : File(is_pollable ? file_kind : plain_kind, id, O_RDWR), fd_(fd), watch_(watch) {}

  /// Null if it is another kind of file.
  [[nodiscard]] static const RealFile* cast(const File& file) {
    return &file.kind() == &file_kind || &file.kind() == &plain_kind ? static_cast<const RealFile*>(&file) : nullptr;
  }

  [[nodiscard]] int fd() const { return fd_; }
  /// Holds the file by an fd of its own from now on, as it is to outlive the one it was found at: in a message, or
  /// under another number. False if there is none to be had.
  bool hold() {
    if (holds_) return true;
    const long own = OwnFds::duplicate(fd_);
    if (own < 0) return false;
    watch_.remove(*this, fd_);
    fd_ = static_cast<int>(own);
    holds_ = true;
    if (kind().is_pollable) static_cast<void>(watch_.add(*this, fd_));
    return true;
  }

  [[nodiscard]] EventFlags readiness(EventFlags) override {
    constexpr auto all = static_cast<short>(0x3ff | POLLRDHUP);
    ::pollfd entry{fd_, all, 0};
    const ::timespec now{};
    raw::call(SYS_ppoll, &entry, 1, &now, nullptr, 0);
    return EventFlags{static_cast<std::uint32_t>(static_cast<std::uint16_t>(entry.revents))} - nval;
  }

  [[nodiscard]] std::string describe() const override { return "served by Linux"; }

 private:
  static constexpr EventFlags nval{POLLNVAL};

  ~RealFile() override = default;
  void last_close() override {
    watch_.remove(*this, fd_);
    if (holds_) raw::call(SYS_close, fd_);
  }

  int fd_;
  bool holds_ = false;
  RealWatch& watch_;
};

}  // namespace rouse::interpose
