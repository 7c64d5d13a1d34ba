// What misuse says: assertions end the program, so a child process dies in the test's stead.
#pragma once

#include "rouse/detail/assert.hpp"

#include <csignal>
#include <string>
#include <sys/wait.h>
#include <unistd.h>

namespace test {

#ifdef NDEBUG
inline constexpr bool assertions_are_on = false;
#else
inline constexpr bool assertions_are_on = true;
#endif

/// Calls `misuse` in a child process; returns what that wrote to stderr if it was aborted, else "alive".
/// Precondition: the process has one thread.
template <class Misuse>
std::string last_words(Misuse misuse) {
  int ends[2];
  if (::pipe(ends) != 0) return "no pipe";
  const ::pid_t child = ::fork();
  if (child == 0) {
    std::signal(SIGABRT, SIG_DFL);  // The test framework's handler would report the case as failed.
    ::dup2(ends[1], STDERR_FILENO);
    misuse();
    ::_exit(0);
  }
  ::close(ends[1]);
  std::string text;
  char part[512];
  for (::ssize_t n = 0; (n = ::read(ends[0], part, sizeof part)) > 0;) text.append(part, static_cast<std::size_t>(n));
  ::close(ends[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT ? text : "alive";
}

}  // namespace test
