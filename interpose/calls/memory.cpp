// Memory that goes: calls must not take it to be good any more. What the C library's allocator gives back by itself is
// not seen; a program that has calls write there has freed it.
#include "calls.hpp"

#include <cstdarg>
#include <sys/mman.h>
#include <sys/shm.h>

using namespace rouse::interpose;

#pragma GCC visibility push(default)
extern "C" {

int munmap(void* address, std::size_t n) noexcept {
  KnownMemory::note_change();
  return next<"munmap">(::munmap, address, n);
}
int mprotect(void* address, std::size_t n, int protection) noexcept {
  KnownMemory::note_change();
  return next<"mprotect">(::mprotect, address, n, protection);
}
void* mremap(void* address, std::size_t n, std::size_t new_n, int flags, ...) noexcept {
  std::va_list list;
  va_start(list, flags);
  void* const new_address = va_arg(list, void*);
  va_end(list);
  KnownMemory::note_change();
  return next<"mremap">(as<void*(void*, std::size_t, std::size_t, int, void*)>, address, n, new_n, flags, new_address);
}
// In place of something else. None of the emulated files can be mapped.
void* mmap(void* address, std::size_t n, int protection, int flags, int fd, ::off_t offset) noexcept {
  if ((flags & MAP_ANONYMOUS) == 0 && FdStates::is_emulated(fd)) return errno = ENODEV, MAP_FAILED;
  if ((flags & MAP_FIXED) != 0) KnownMemory::note_change();
  return next<"mmap">(::mmap, address, n, protection, flags, fd, offset);
}
void* mmap64(void* address, std::size_t n, int protection, int flags, int fd, ::off64_t offset) noexcept {
  return mmap(address, n, protection, flags, fd, offset);
}
int shmdt(const void* address) noexcept {
  KnownMemory::note_change();
  return next<"shmdt">(::shmdt, address);
}

}  // extern "C"
#pragma GCC visibility pop
