// Stack: memory for a fiber's stack, with a page below it that nobody may touch.
#pragma once

#include <cerrno>
#include <cstddef>
#include <new>
#include <sys/mman.h>
#include <unistd.h>
#include <utility>

namespace rouse::inline v0::sim {

/// Owns the mapping. Pages are taken from the system as they are first touched, so a large stack costs only addresses.
/// Running over its end is SIGSEGV, which sanitizers call a stack overflow.
class Stack {
 public:
  /// A stack of at least `size` bytes. Throws std::bad_alloc if there is no room: mmap(2).
  explicit Stack(std::size_t size) {
    const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    mapped_ = (size + page - 1) / page * page + page;
    const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE;
    base_ = ::mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, flags, -1, 0);
    if (base_ == MAP_FAILED) throw std::bad_alloc();
    guard_ = page;
    if (::mprotect(base_, guard_, PROT_NONE) != 0) {  // It may split the mapping once too often.
      ::munmap(base_, mapped_);
      throw std::bad_alloc();
    }
  }
  Stack(const Stack&) = delete;
  Stack& operator=(const Stack&) = delete;
  ~Stack() { ::munmap(base_, mapped_); }  // Of a mapping that is there, and ours: cannot fail.

  [[nodiscard]] void* bottom() const { return static_cast<char*>(base_) + guard_; }
  [[nodiscard]] std::size_t size() const { return mapped_ - guard_; }
  /// Where it begins to grow down.
  [[nodiscard]] void* top() const { return static_cast<char*>(base_) + mapped_; }

 private:
  void* base_ = nullptr;
  std::size_t mapped_ = 0;
  std::size_t guard_ = 0;
};

}  // namespace rouse::inline v0::sim
