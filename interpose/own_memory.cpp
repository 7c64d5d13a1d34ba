// The library's own memory: a signal handler may come in the midst of the program's malloc, and a call that it makes of
// the emulated kernel must not wait for that. Here no handler comes in the midst of anything: while a thread is in the
// library, signals wait (this_thread.hpp).
//
// These are operator new and delete of this library alone: its symbols are local, its standard library is linked into
// it.
#include "raw.hpp"
#include "this_thread.hpp"

#include <cstddef>
#include <memory_resource>
#include <mutex>
#include <new>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/syscall.h>

namespace rouse::interpose {
namespace {

/// Whole pages of Linux's.
class Pages final : public std::pmr::memory_resource {
  void* do_allocate(std::size_t n, std::size_t) override {
    const long mapped = raw::call(SYS_mmap, nullptr, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapped < 0 && mapped > -4096) throw std::bad_alloc();
    return reinterpret_cast<void*>(mapped);
  }
  void do_deallocate(void* at, std::size_t n, std::size_t) override { raw::call(SYS_munmap, at, n); }
  [[nodiscard]] bool do_is_equal(const memory_resource& other) const noexcept override { return this == &other; }
};

class OwnMemory {
 public:
  /// Made at its first use, and never destroyed: threads may call until the process has ended.
  static OwnMemory& get() {
    alignas(OwnMemory) static std::byte place[sizeof(OwnMemory)];
    static auto* const memory = new (place) OwnMemory;
    return *memory;
  }

  void* allocate(std::size_t n) {
    if (n > SIZE_MAX - header) throw std::bad_alloc();
    const Inside inside;
    const std::lock_guard lock{mutex_};
    auto* const block = static_cast<std::byte*>(pool_.allocate(n + header, header));
    new (block) std::size_t{n};
    return block + header;
  }
  void deallocate(void* at) {
    if (at == nullptr) return;
    const Inside inside;
    const std::lock_guard lock{mutex_};
    std::byte* const block = static_cast<std::byte*>(at) - header;
    pool_.deallocate(block, *std::launder(reinterpret_cast<std::size_t*>(block)) + header, header);
  }

  // A child has the lock as it was: not in another thread's hands.
  void before_fork() { mutex_.lock(); }
  void after_fork() { mutex_.unlock(); }

 private:
  static constexpr std::size_t header = 16;  // How large it is, and the alignment that operator new promises.

  std::mutex mutex_;
  Pages pages_;
  std::pmr::unsynchronized_pool_resource pool_{&pages_};
};

[[gnu::constructor]] void prepare_forks() {
  ::pthread_atfork([] { OwnMemory::get().before_fork(); }, [] { OwnMemory::get().after_fork(); },
                   [] { OwnMemory::get().after_fork(); });
}

}  // namespace
}  // namespace rouse::interpose

using rouse::interpose::OwnMemory;

void* operator new(std::size_t n) { return OwnMemory::get().allocate(n); }
void operator delete(void* at) noexcept { OwnMemory::get().deallocate(at); }
void operator delete(void* at, std::size_t) noexcept { OwnMemory::get().deallocate(at); }
