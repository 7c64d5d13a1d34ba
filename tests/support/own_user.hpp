// A user of one's own, for what Linux counts by user: fds on their way in messages, pages of pipes, queued signals and
// registrations. Else what other programs have of these counts against the limits that a script meets.
#pragma once

#include <linux/securebits.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <unistd.h>

namespace test {

/// The process keeps its capabilities and its rights to files. Nothing changes without the right to.
inline void become_own_user() {
  const ::uid_t own = 1'000'000'000 + static_cast<::uid_t>(::getpid());
  const ::uid_t before = ::geteuid();
  if (::prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP) != 0) return;
  // All three: a process of several users is not its own to trace, which LeakSanitizer does, nor is one that changed.
  if (::setresuid(own, own, own) == 0) {
    ::setfsuid(before);
    ::prctl(PR_SET_DUMPABLE, 1);
  }
  ::prctl(PR_SET_SECUREBITS, 0);
}

}  // namespace test
