#include "call_stats.hpp"

#include "own_fds.hpp"
#include "raw.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace rouse::interpose {
namespace {

/// Text that grows in place, and is written when it is complete.
class Page {
 public:
  [[gnu::format(printf, 2, 3)]] void add(const char* format, ...) {
    std::va_list arguments;
    va_start(arguments, format);
    const int n = std::vsnprintf(text_ + size_, sizeof text_ - size_, format, arguments);
    va_end(arguments);
    size_ = std::min(size_ + static_cast<std::size_t>(std::max(n, 0)), sizeof text_ - 1);
  }
  void write(int fd) const { raw::call(SYS_write, fd, text_, size_); }

 private:
  char text_[16'384];
  std::size_t size_ = 0;
};

int process() { return static_cast<int>(raw::call(SYS_getpid)); }

}  // namespace

CallStats::CallStats() : to_(OwnFds::keep(raw::call(SYS_fcntl, STDERR_FILENO, F_DUPFD_CLOEXEC, 0))) {}

void CallStats::ended(const kernel::Op& op, kernel::CallEnd end, bool has_slept) {
  Count& count = counts_[static_cast<std::size_t>(op.call)];
  if (has_slept) ++count.slept;
  if (end.kind == kernel::CallEnd::Kind::restarts) return;
  ++count.made;
  if (end.kind != kernel::CallEnd::Kind::returned || end.word >= 0) return;
  ++count.failed;
  ++count.errors[std::min(static_cast<std::size_t>(-end.word), errors_max - 1)];
}

void CallStats::print(std::uint64_t faults) {
  if (is_printed_.exchange(true)) return;
  Page page;
  page.add("rouse-run: calls of %s (process %d) on emulated files\n", ::program_invocation_short_name, process());
  page.add("%-16s%10s%10s%10s\n", "call", "made", "slept", "failed");
  for (std::size_t i = 0; i < call_count; ++i) {
    const Count& count = counts_[i];
    if (count.made == 0) continue;
    page.add("%-16s%10lu%10lu%10lu", name_of(static_cast<Call>(i)), count.made.load(), count.slept.load(),
             count.failed.load());
    const char* before = "  ";
    for (std::size_t error = 1; error < errors_max; ++error) {
      if (count.errors[error] == 0) continue;
      const char* const name = ::strerrorname_np(static_cast<int>(error));
      page.add("%s%s %lu", before, name != nullptr ? name : "others", count.errors[error].load());
      before = ", ";
    }
    page.add("\n");
  }
  page.add("%lu %s struck\n", faults, faults == 1 ? "fault" : "faults");
  page.write(to_);
}

void CallStats::print_none() {
  Page page;
  page.add("rouse-run: %s (process %d) has made no calls on emulated files\n", ::program_invocation_short_name,
           process());
  page.write(STDERR_FILENO);
}

}  // namespace rouse::interpose
