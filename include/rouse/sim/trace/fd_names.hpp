// FdNames: how fds are called in what a person reads: by kind and number, and by the name the test gave them.
#pragma once

#include "../../call_set.hpp"
#include "../../kernel/kernel.hpp"

#include <cstdint>
#include <fcntl.h>
#include <string>
#include <utility>
#include <vector>

namespace rouse::inline v0::sim {

/// True if what the call returns is an fd. pipe2 and socketpair put theirs elsewhere.
[[nodiscard]] inline bool returns_fd(const kernel::Op& op, const kernel::CallArguments& given) {
  if (op.call == Call::fcntl) return given.number(0) == F_DUPFD || given.number(0) == F_DUPFD_CLOEXEC;
  return CallSet::creates.has(op.call) && op.call != Call::pipe2 && op.call != Call::socketpair;
}

class FdNames {
 public:
  /// Names the file that is behind `fd` now, whatever numbers it has or gets.
  void name(const kernel::Kernel& kernel, int fd, std::string name) {
    if (const kernel::File* const file = kernel.fds.file(fd)) names_.emplace_back(file->id(), std::move(name));
  }

  /// `eventfd 3`, `eventfd 3 "stop"`; `fd 3` if nothing is open there.
  [[nodiscard]] std::string text(const kernel::Kernel& kernel, int fd) const {
    const kernel::File* const file = kernel.fds.file(fd);
    return file != nullptr ? text(*file, fd) : "fd " + std::to_string(fd);
  }
  /// Of a file that was at this number once, if it is not any more.
  [[nodiscard]] std::string text(const kernel::File& file, int fd) const {
    std::string text = std::string{file.kind().name} + ' ' + std::to_string(fd);
    for (auto named = names_.rbegin(); named != names_.rend(); ++named) {
      if (named->first == file.id()) return text.append(" \"").append(named->second).append("\"");
    }
    return text;
  }

 private:
  std::vector<std::pair<std::uint64_t, std::string>> names_;  // By file. The last one holds.
};

}  // namespace rouse::inline v0::sim
