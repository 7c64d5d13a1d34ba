// poll and select. Where all of the fds are Linux's, Linux does it; where some are, the emulated kernel has them as
// RealFiles meanwhile.
#include "calls.hpp"

#include <algorithm>
#include <csignal>
#include <poll.h>
#include <span>
#include <sys/select.h>

using namespace rouse::interpose;
namespace posix = rouse::posix;

namespace {

template <class ForEach>
bool has_emulated(ForEach for_each) {
  bool any = false;
  for_each([&](int fd) { any = any || !FdStates::is_linux(fd); });
  return any;
}

/// The call, on the emulated kernel if one of the fds is its own.
template <class ForEach, class Mine, class OfLinux>
int on_all(ForEach for_each, Mine mine, OfLinux of_linux) {
  if (!has_emulated(for_each)) return of_linux();
  return emulated([&] {
    ::pthread_testcancel();
    const Adopted adopted{for_each};
    Core::get().hear_of_linux();  // Of epolls among them.
    return mine();
  });
}

/// Whether the program has that memory: if not, there is no fd in it, and Linux says EFAULT, or what comes before that.
bool can_read(const void* from, std::size_t n) {
  if (n == 0) return true;
  KnownMemory::forget_if_changed();
  return rouse::kernel::can_read_user(from, n);
}

/// Of the number of entries, Linux takes the lower 32 bits.
auto each_of(const ::pollfd* fds, ::nfds_t long_n) {
  const auto n = static_cast<unsigned>(long_n);
  const std::span<const ::pollfd> entries{fds, can_read(fds, n * sizeof(::pollfd)) ? n : 0};
  return [entries](auto visit) {
    for (const ::pollfd& entry : entries) {
      if (entry.fd >= 0) visit(entry.fd);
    }
  };
}

/// One of select's sets. It may be longer than an fd_set, so the macros for that, which can be fortified, do not do.
class FdSet {
 public:
  /// Of `n` numbers; or of those in use, as no more are looked at, if the program has no memory for so many.
  FdSet(const ::fd_set* set, int n) : words_(reinterpret_cast<const std::uint64_t*>(set)), n_(n) {
    if (set == nullptr) n_ = 0;
    if (can_read(set, bytes())) return;
    n_ = std::min(n, Core::get().fds_in_use());
    if (!can_read(set, bytes())) n_ = 0;
  }
  [[nodiscard]] bool has(int fd) const { return fd < n_ && (words_[fd / bits] >> (fd % bits) & 1) != 0; }

 private:
  static constexpr int bits = 64;
  [[nodiscard]] std::size_t bytes() const { return static_cast<std::size_t>((n_ + bits - 1) / bits) * 8; }

  const std::uint64_t* words_;
  int n_;
};

auto each_of(int long_n, const ::fd_set* read, const ::fd_set* write, const ::fd_set* except) {
  const int n = std::clamp(long_n, 0, static_cast<int>(fds_max));
  const FdSet sets[] = {{read, n}, {write, n}, {except, n}};
  return [=](auto visit) {
    for (int fd = 0; fd < n; ++fd) {
      if (sets[0].has(fd) || sets[1].has(fd) || sets[2].has(fd)) visit(fd);
    }
  };
}

}  // namespace

bool rouse::interpose::any_emulated(const ::pollfd* fds, ::nfds_t n) { return has_emulated(each_of(fds, n)); }
bool rouse::interpose::any_emulated(int n, const ::fd_set* read, const ::fd_set* write, const ::fd_set* except) {
  return has_emulated(each_of(n, read, write, except));
}

#pragma GCC visibility push(default)
extern "C" {

// Under names of their own, as the C library declares that they only write to their entries: g++ warns of who reads
// them.
int poll_any(::pollfd* fds, ::nfds_t n, int milliseconds) asm("poll");
int ppoll_any(::pollfd* fds, ::nfds_t n, const ::timespec* timeout, const ::sigset_t* mask) asm("ppoll");

int poll_any(::pollfd* fds, ::nfds_t n, int milliseconds) {
  return on_all(
      each_of(fds, n), [=] { return posix::poll(fds, n, milliseconds); },
      [=] { return next<"poll">(::poll, fds, n, milliseconds); });
}
int ppoll_any(::pollfd* fds, ::nfds_t n, const ::timespec* timeout, const ::sigset_t* mask) {
  return on_all(
      each_of(fds, n), [=] { return posix::ppoll(fds, n, timeout, mask); },
      [=] { return next<"ppoll">(::ppoll, fds, n, timeout, mask); });
}
int select(int n, ::fd_set* read, ::fd_set* write, ::fd_set* except, ::timeval* timeout) {
  return on_all(
      each_of(n, read, write, except), [=] { return posix::select(n, read, write, except, timeout); },
      [=] { return next<"select">(::select, n, read, write, except, timeout); });
}
int pselect(int n, ::fd_set* read, ::fd_set* write, ::fd_set* except, const ::timespec* timeout,
            const ::sigset_t* mask) {
  return on_all(
      each_of(n, read, write, except), [=] { return posix::pselect(n, read, write, except, timeout, mask); },
      [=] { return next<"pselect">(::pselect, n, read, write, except, timeout, mask); });
}

[[noreturn]] void __chk_fail();

int __poll_chk(::pollfd* fds, ::nfds_t n, int milliseconds, std::size_t size) {
  if (n > size / sizeof *fds) __chk_fail();
  return poll_any(fds, n, milliseconds);
}
int __ppoll_chk(::pollfd* fds, ::nfds_t n, const ::timespec* timeout, const ::sigset_t* mask, std::size_t size) {
  if (n > size / sizeof *fds) __chk_fail();
  return ppoll_any(fds, n, timeout, mask);
}
int __poll(::pollfd* fds, ::nfds_t n, int milliseconds) { return poll_any(fds, n, milliseconds); }

}  // extern "C"
#pragma GCC visibility pop
