// Placeholders: each emulated fd has its number in the real process, too, so that Linux gives out the numbers that it
// would: the lowest free one, up to RLIMIT_NOFILE, closed on exec or not. Behind a placeholder is a file that nothing
// can be done with (O_PATH): a call that reaches Linux after all says EBADF.
#pragma once

#include <rouse/kernel/fd_table.hpp>

namespace rouse::interpose {

class Placeholders final : public kernel::FdNumbers {
 public:
  Placeholders();

  [[nodiscard]] int take(std::size_t from) override;
  [[nodiscard]] SysResult<void> take_over(int fd) override;
  void install(int fd, const kernel::File& file) override;
  void set_close_on_exec(int fd, bool on) override;
  void give_back(int fd) override;

  /// Marks those that this process was started with: their files are in the emulated kernel of another one.
  static void find_foreign();

 private:
  const int origin_;  // All placeholders are duplicates of it.
};

}  // namespace rouse::interpose
