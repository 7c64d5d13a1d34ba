// Guarded: a page of memory with nothing behind it, for calls that run into a bad address half-way.
#pragma once

#include "catch.hpp"

#include <cstddef>
#include <sys/mman.h>

namespace test {

class Guarded {
 public:
  static constexpr std::size_t page = 4096;

  /// With pages in front of the end, and one behind it that cannot be touched.
  explicit Guarded(std::size_t pages = 1) : pages_(pages + 1) {
    void* const memory = ::mmap(nullptr, size(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    REQUIRE(memory != MAP_FAILED);
    start_ = static_cast<char*>(memory);
    REQUIRE(::mprotect(end(), page, PROT_NONE) == 0);
  }
  Guarded(const Guarded&) = delete;
  Guarded& operator=(const Guarded&) = delete;
  ~Guarded() { ::munmap(start_, size()); }

  /// The first bad address.
  [[nodiscard]] char* end() const { return start_ + size() - page; }
  /// The last `n` good bytes.
  [[nodiscard]] char* last(std::size_t n) const { return end() - n; }
  [[nodiscard]] char* start() const { return start_; }
  void make_read_only() const { make_read_only(0, pages_ - 1); }
  /// The pages from `first` on, up to `end`.
  void make_read_only(std::size_t first, std::size_t end) const {
    REQUIRE(::mprotect(start_ + first * page, (end - first) * page, PROT_READ) == 0);
  }
  void make_read_only(std::size_t first) const { make_read_only(first, pages_ - 1); }

 private:
  [[nodiscard]] std::size_t size() const { return pages_ * page; }

  std::size_t pages_;
  char* start_;
};

}  // namespace test
