// PlainFile: stands in for what cannot be waited on: a regular file, a directory, /dev/null. epoll_ctl says EPERM; poll
// says that everything is possible. Contents are not modelled, but for /dev/null, which has none.
#pragma once

#include "file.hpp"
#include "not_modelled.hpp"

namespace rouse::inline v0::kernel {

class PlainFile final : public File {
 public:
  static constexpr FileKind file_kind{
      .name = "plain file", .is_pollable = false, .is_seekable = true, .gathers_writes = true};

  PlainFile(std::uint64_t id, int status_flags, std::string path)
      : File(file_kind, id, status_flags), path_(std::move(path)) {}

  [[nodiscard]] EventFlags readiness() override {
    return EventFlags::in | EventFlags::out | EventFlags::rdnorm | EventFlags::wrnorm;
  }

  SysResult<std::size_t> read(UserOutput&) override {
    if (path_ != "/dev/null") throw NotModelled("read of the plain file " + path_);
    return 0;
  }
  SysResult<std::size_t> write(UserInput& from) override {
    if (path_ != "/dev/null") throw NotModelled("write to the plain file " + path_);
    return from.left();
  }

  [[nodiscard]] std::string describe() const override { return path_; }

 private:
  ~PlainFile() override = default;

  const std::string path_;
};

}  // namespace rouse::inline v0::kernel
