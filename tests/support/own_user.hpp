// A user of one's own, for what Linux counts by user: fds on their way in messages, pages of pipes, queued signals and
// registrations. Else what other programs have of these counts against the limits that a script meets.
#pragma once

#include <unistd.h>

namespace test {

/// The process keeps its rights, which go by the effective user. Nothing changes without the right to.
inline void become_own_user() {
  constexpr ::uid_t nobodys = 1'000'000'000;
  static_cast<void>(
      ::setresuid(nobodys + static_cast<::uid_t>(::getpid()), static_cast<::uid_t>(-1), static_cast<::uid_t>(-1)));
}

}  // namespace test
