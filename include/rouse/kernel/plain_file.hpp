// PlainFile: stands in for what cannot be waited on: a regular file, a directory, /dev/null. epoll_ctl says EPERM; poll
// says that everything is possible. Contents are not modelled, but for /dev/null, which has none.
#pragma once

#include "file.hpp"
#include "not_modelled.hpp"

namespace rouse::inline v0::kernel {

/// What F_GETFL shows of every opened path, and <fcntl.h> defines as 0 on 64-bit machines.
#if defined(__aarch64__) || defined(__arm__)
inline constexpr int shown_large_file = 0400000;
#else
inline constexpr int shown_large_file = 0100000;
#endif

class PlainFile final : public File {
 public:
  static constexpr FileKind file_kind{
      .name = "plain file", .is_pollable = false, .is_seekable = true, .gathers_writes = true};

  PlainFile(std::uint64_t id, int open_flags, std::string path)
      : File(file_kind, id, shown(open_flags)), path_(std::move(path)) {}

  [[nodiscard]] EventFlags readiness(EventFlags) override {
    return EventFlags::in | EventFlags::out | EventFlags::rdnorm | EventFlags::wrnorm;
  }

  SysResult<std::size_t> read(UserOutput&) override {
    assert_modelled("read");
    return 0;
  }
  SysResult<std::size_t> write(UserInput& from) override {
    assert_modelled("write");
    return from.left();
  }
  SysResult<int> ioctl(unsigned long, void*) override {
    assert_modelled("ioctl");
    return SysResult<int>::failure(ENOTTY);
  }

  /// Throws NotModelled if the call would need contents.
  void assert_modelled(const char* call) const {
    if (path_ != "/dev/null") throw NotModelled(std::string(call) + " on the plain file " + path_);
  }

  [[nodiscard]] std::string describe() const override { return path_; }

 private:
  ~PlainFile() override = default;

  /// What F_GETFL shows of the flags: not those that are only for opening, nor those that there are not.
  static constexpr int shown(int open_flags) {
    constexpr int kept = O_ACCMODE | O_APPEND | O_NONBLOCK | O_SYNC | O_ASYNC | O_NOFOLLOW | O_NOATIME;
    const int data_too = (open_flags & O_SYNC) != 0 ? O_DSYNC : 0;
    return (open_flags & kept) | data_too | shown_large_file;
  }

  const std::string path_;
};

}  // namespace rouse::inline v0::kernel
