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

/// While the files of Linux among some fds are known to the emulated kernel. Those that it need not know any more, it
/// forgets.
template <class ForEach>
class Adopted {
 public:
  explicit Adopted(ForEach for_each) : for_each_(for_each) {
    for_each_([](int fd) {
      if (FdStates::of(fd) == FdState::linux_file) Core::get().adopt(fd);
    });
  }
  Adopted(const Adopted&) = delete;
  Adopted& operator=(const Adopted&) = delete;
  ~Adopted() {
    const int error = errno;
    for_each_([](int fd) { Core::get().drop_if_idle(fd); });
    errno = error;
  }

 private:
  ForEach for_each_;
};

/// The call, on the emulated kernel if one of the fds is its own.
template <class ForEach, class Mine, class OfLinux>
int on_all(ForEach for_each, Mine mine, OfLinux of_linux) {
  bool any_emulated = false;
  for_each([&](int fd) { any_emulated = any_emulated || !FdStates::is_linux(fd); });
  if (!any_emulated) return of_linux();
  return emulated([&] {
    const Adopted adopted{for_each};
    return mine();
  });
}

auto each_of(const ::pollfd* fds, ::nfds_t n) {
  return [=](auto visit) {
    for (const ::pollfd& entry : std::span(fds, n)) {
      if (entry.fd >= 0) visit(entry.fd);
    }
  };
}

auto each_of(int n, const ::fd_set* read, const ::fd_set* write, const ::fd_set* except) {
  return [=](auto visit) {
    for (int fd = 0; fd < n; ++fd) {
      // The sets may be longer than fd_set, so its macros, which can be fortified, do not do.
      const auto has = [fd](const ::fd_set* set) {
        constexpr int bits = 64;
        return set != nullptr && (reinterpret_cast<const std::uint64_t*>(set)[fd / bits] >> (fd % bits) & 1) != 0;
      };
      if (has(read) || has(write) || has(except)) visit(fd);
    }
  };
}

}  // namespace

#pragma GCC visibility push(default)
extern "C" {

int poll(::pollfd* fds, ::nfds_t n, int milliseconds) {
  return on_all(each_of(fds, n), [=] { return posix::poll(fds, n, milliseconds); },
                [=] { return next<"poll">(::poll, fds, n, milliseconds); });
}
int ppoll(::pollfd* fds, ::nfds_t n, const ::timespec* timeout, const ::sigset_t* mask) {
  return on_all(each_of(fds, n), [=] { return posix::ppoll(fds, n, timeout, mask); },
                [=] { return next<"ppoll">(::ppoll, fds, n, timeout, mask); });
}
int select(int n, ::fd_set* read, ::fd_set* write, ::fd_set* except, ::timeval* timeout) {
  return on_all(each_of(n, read, write, except), [=] { return posix::select(n, read, write, except, timeout); },
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
  return poll(fds, n, milliseconds);
}
int __ppoll_chk(::pollfd* fds, ::nfds_t n, const ::timespec* timeout, const ::sigset_t* mask, std::size_t size) {
  if (n > size / sizeof *fds) __chk_fail();
  return ppoll(fds, n, timeout, mask);
}
int __poll(::pollfd* fds, ::nfds_t n, int milliseconds) { return poll(fds, n, milliseconds); }

}  // extern "C"
#pragma GCC visibility pop
