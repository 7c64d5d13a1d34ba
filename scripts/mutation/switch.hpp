// The switch between a kernel and its mutants. Every mutated header includes it: scripts/mutate puts it beside them.
//
// ROUSE_MUTANT       the number of the mutant to be; none if unset
// ROUSE_REACHED      a file, a byte per mutant, where those are marked that were asked for
#pragma once

#include <cstdlib>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <type_traits>
#include <unistd.h>

namespace rouse_mutants {

inline int active = -1;
inline unsigned char* reached = nullptr;

// Before any other static object is made, for those may ask, too. Once for each unit, which does no harm.
[[gnu::constructor(101)]] inline void read_environment() {
  if (const char* const number = std::getenv("ROUSE_MUTANT")) active = std::atoi(number);
  const char* const path = std::getenv("ROUSE_REACHED");
  if (path == nullptr || reached != nullptr) return;
  const int fd = ::open(path, O_RDWR);
  struct ::stat status {};
  if (fd < 0 || ::fstat(fd, &status) != 0) std::abort();
  // Shared, so that what a child reached counts, and what was reached before an abort.
  void* const bytes = ::mmap(nullptr, static_cast<std::size_t>(status.st_size), PROT_WRITE, MAP_SHARED, fd, 0);
  ::close(fd);
  if (bytes == MAP_FAILED) std::abort();
  reached = static_cast<unsigned char*>(bytes);
}

inline bool is_active(int number) {
  if (reached != nullptr) [[unlikely]]
    reached[number] = 1;
  return number == active;
}

/// What is computed by the compiler stays as it was.
constexpr bool is(int number) {
  if (std::is_constant_evaluated()) return false;
  return is_active(number);
}

}  // namespace rouse_mutants
