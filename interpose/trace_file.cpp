#include "trace_file.hpp"

#include "core.hpp"
#include "own_fds.hpp"
#include "raw.hpp"

#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace rouse::interpose {

TraceFile::TraceFile(const Options& options) {
  const std::string path = options.trace_path(raw::call(SYS_getpid));
  const int flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | (begins_anew_ ? O_TRUNC : 0);
  // Opened by their names, those would have a place of their own in a file, and the two would write over each other.
  const int there = path == "/dev/stdout" ? STDOUT_FILENO : path == "/dev/stderr" ? STDERR_FILENO : -1;
  fd_ = OwnFds::keep(there >= 0 ? raw::call(SYS_fcntl, there, F_DUPFD_CLOEXEC, 0)
                                : raw::call(SYS_openat, AT_FDCWD, path.c_str(), flags, 0666));
  if (fd_ < 0) report("rouse-run: the trace cannot be written to " + path + ": " + ::strerrordesc_np(-fd_));
}

bool TraceFile::is_empty() const {
  struct ::stat found {};
  return raw::call(SYS_fstat, fd_, &found) < 0 || found.st_size == 0;
}

void TraceFile::write(std::string_view text) const {
  while (!text.empty()) {
    const long n = raw::call(SYS_write, fd_, text.data(), text.size());
    if (n < 0 && n != -EINTR) return;
    if (n > 0) text.remove_prefix(static_cast<std::size_t>(n));
  }
}

}  // namespace rouse::interpose
