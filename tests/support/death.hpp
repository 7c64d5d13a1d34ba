// What misuse says: assertions end the program, so a child process dies in the test's stead.
#pragma once

#include "rouse/detail/assert.hpp"

#include <csignal>
#include <cstdio>
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
  std::FILE* const file = std::tmpfile();  // Not a pipe, which under rouse-run is this process's own.
  if (file == nullptr) return "no file";
  const ::pid_t child = ::fork();
  if (child == 0) {
    std::signal(SIGABRT, SIG_DFL);  // The test framework's handler would report the case as failed.
    ::dup2(::fileno(file), STDERR_FILENO);
    misuse();
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  std::string text;
  char part[512];
  std::rewind(file);
  for (std::size_t n = 0; (n = std::fread(part, 1, sizeof part, file)) > 0;) text.append(part, n);
  std::fclose(file);
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT ? text : "alive";
}

}  // namespace test
