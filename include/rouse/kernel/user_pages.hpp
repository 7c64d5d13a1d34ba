// UserPages: which memory of this process a call may touch. Linux is asked, a page at a time, and what was good is
// remembered: a wrong pointer is EFAULT here too, and a right one costs a look into a small table.
//
// Left out: memory that is unmapped or protected again after a call touched it. A call that touches it once more
// faults, as the program itself would.
#pragma once

#include "limits.hpp"

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <sys/mman.h>

namespace rouse::inline v0::kernel {

/// The end of user space on x86-64 and, with 48-bit addresses, on aarch64.
inline constexpr std::uintptr_t user_space_end = 0x7ffffffff000;

/// True if all of the span could be user memory: what Linux checks by arithmetic, before it touches anything.
inline bool is_user_range(std::uintptr_t address, std::size_t n) {
  return n <= user_space_end && address <= user_space_end - n;
}

/// Pages that were good, each at its place in a small table.
class KnownPages {
 public:
  /// Of a range within one page. False if it goes on. Precondition: 0 < n < SIZE_MAX - page_size.
  [[nodiscard]] bool has(std::uintptr_t address, std::size_t n) const {
    return address % page_size + n <= page_size && has_page(address / page_size);
  }
  /// Of the pages from `first` on, up to `end`.
  [[nodiscard]] bool has_pages(std::uintptr_t first, std::uintptr_t end) const {
    while (first < end && has_page(first)) ++first;
    return first == end;
  }
  /// Those that were at their places are forgotten.
  void add_pages(std::uintptr_t first, std::uintptr_t end) {
    for (; first < end; ++first) pages_[first % places] = first;
  }

 private:
  static constexpr std::size_t places = 64;

  [[nodiscard]] bool has_page(std::uintptr_t page) const { return pages_[page % places] == page; }

  // At the start none is at its place: not even page 0 at the first.
  std::uintptr_t pages_[places] = {1};
};

class UserPages {
 public:
  /// True if a range within one page is known to be good: for who has another way if it is not.
  static bool is_readable_for_sure(std::uintptr_t address, std::size_t n) { return readable.has(address, n); }
  static bool is_writable_for_sure(std::uintptr_t address, std::size_t n) { return writable.has(address, n); }
  /// The same of a range over several pages, which costs more. Precondition: it is one.
  [[gnu::noinline]] static bool are_pages_writable_for_sure(std::uintptr_t address, std::size_t n) {
    return writable.has_pages(address / page_size, (address + n - 1) / page_size + 1);
  }

  static bool can_read(std::uintptr_t address, std::size_t n) {
    return (n - 1 < page_size && readable.has(address, n)) || check(readable, populate_read, address, n);
  }
  static bool can_write(std::uintptr_t address, std::size_t n) {
    return (n - 1 < page_size && writable.has(address, n)) || check(writable, populate_write, address, n);
  }

  /// Asks anew about every page, on this thread.
  static void forget() { readable = writable = KnownPages{}; }
  /// The page that ends at `end` stays good until then, so Linux need not be asked. Precondition: it is a page's end.
  static void trust_page_before(const void* end) {
    const std::uintptr_t page = reinterpret_cast<std::uintptr_t>(end) / page_size;
    readable.add_pages(page - 1, page);
    writable.add_pages(page - 1, page);
  }

 private:
  // madvise(2), Linux 5.14: makes pages present as a read or a write would, and changes nothing in them.
  static constexpr int populate_read = 22;
  static constexpr int populate_write = 23;

  [[gnu::noinline, gnu::cold]] static bool check(KnownPages& known, int how, std::uintptr_t address, std::size_t n) {
    if (n == 0) return true;
    if (address == 0 || !is_user_range(address, n)) return false;
    const std::uintptr_t first = address / page_size;
    const std::uintptr_t end = (address + n - 1) / page_size + 1;
    if (known.has_pages(first, end)) return true;
    if (!ask(how, first, end - first)) return false;
    known.add_pages(first, end);
    return true;
  }

  static bool ask(int how, std::uintptr_t page, std::size_t pages) {
    const int before = errno;
    void* const start = reinterpret_cast<void*>(page * page_size);
    // An older kernel cannot say; then all memory is taken to be good.
    const bool good = ::madvise(start, pages * page_size, how) == 0 || !can_ask();
    errno = before;
    return good;
  }
  static bool can_ask() {
    static const bool can = ::madvise(nullptr, 0, populate_write) == 0;  // Of no memory, only the advice is looked at.
    return can;
  }

  static inline constinit thread_local KnownPages readable{};
  static inline constinit thread_local KnownPages writable{};
};

}  // namespace rouse::inline v0::kernel
