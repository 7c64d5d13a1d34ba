// What the programs here have in common: they print what each call gave, in words that are the same on every run and on
// every kernel, and never wait by the clock.
#pragma once

#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <sched.h>
#include <string>
#include <sys/syscall.h>
#include <unistd.h>

namespace programs {

/// Precondition: nothing was printed yet. A child that is forked must not inherit half a line.
inline void print_by_lines() { std::setvbuf(stdout, nullptr, _IOLBF, 4096); }

[[gnu::format(printf, 1, 2)]] inline void say(const char* format, ...) {
  const int error = errno;
  std::va_list arguments;
  va_start(arguments, format);
  std::vprintf(format, arguments);
  va_end(arguments);
  errno = error;
}

/// The name of what `result` says, as calls return it: a number or -1 and errno.
inline std::string outcome(long result) { return result == -1 ? strerrorname_np(errno) : std::to_string(result); }

/// Prints and passes on.
template <class Result>
Result show(const char* what, Result result) {
  say("%s: %s\n", what, outcome(static_cast<long>(result)).c_str());
  return result;
}

/// What the test itself needs, and not what it is about.
template <class Result>
Result must(const char* what, Result result) {
  if (result >= 0) return result;
  std::fprintf(stderr, "%s: %s\n", what, std::strerror(errno));
  std::abort();
}

inline ::pid_t this_thread_id() { return static_cast<::pid_t>(::syscall(SYS_gettid)); }

/// Until Linux says that the thread sleeps. It may sleep for a moment for another reason: results must not depend on
/// it.
inline void until_asleep(::pid_t thread) {
  const std::string path = "/proc/self/task/" + std::to_string(thread) + "/stat";
  for (;;) {
    std::FILE* const file = std::fopen(path.c_str(), "re");
    if (file == nullptr) return;
    char state = '?';
    const bool is_read = std::fscanf(file, "%*d (%*[^)]) %c", &state) == 1;
    std::fclose(file);
    if (!is_read || state == 'S' || state == 'Z') return;
    ::sched_yield();
  }
}

}  // namespace programs
