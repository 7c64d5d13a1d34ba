// FakeFile: a file whose bits a case sets and whose wakeups it makes, with keys that no modelled kind of file has yet.
#pragma once

#include "rouse/kernel/kernel.hpp"

#include <string>

namespace test {

class FakeFile final : public rouse::kernel::File {
  using Size = rouse::SysResult<std::size_t>;

 public:
  static constexpr rouse::kernel::FileKind file_kind{.name = "fake file"};

  explicit FakeFile(std::uint64_t id, bool* is_gone = nullptr) : File(file_kind, id, O_RDWR), is_gone_(is_gone) {}

  [[nodiscard]] rouse::EventFlags readiness(rouse::EventFlags) override { return bits; }
  [[nodiscard]] std::string describe() const override { return "fake"; }

  /// Takes as many bytes as there is room for in one write; EINVAL if there never was any.
  Size write(rouse::kernel::UserInput& from) override {
    if (room == 0) return File::write(from);
    std::string bytes(std::min(from.left(), room), '\0');
    from.get(bytes.data(), bytes.size());
    taken += bytes;
    return bytes.size();
  }

  rouse::EventFlags bits;
  std::size_t room = 0;
  std::string taken;

 private:
  ~FakeFile() override {
    if (is_gone_ != nullptr) *is_gone_ = true;
  }

  bool* is_gone_;
};

/// Opens one; returns its fd.
inline int open_fake(rouse::kernel::Kernel& kernel, FakeFile*& file) {
  rouse::kernel::NewFd fd = kernel.new_fd();
  file = new FakeFile{kernel.file_ids.next()};
  return fd.install(rouse::kernel::FileRef{file}, false);
}

}  // namespace test
