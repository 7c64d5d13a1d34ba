// Duplicating, closing, flags: the calls in which a number changes hands between Linux and the emulated kernel.
#include "../own_fds.hpp"
#include "calls.hpp"

#include <algorithm>
#include <cstdarg>
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

using namespace rouse::interpose;
namespace posix = rouse::posix;

namespace {

/// Linux has just made `to` a duplicate of `fd`, one of its own, in the place of whatever was there.
int duplicated(int fd, int to) {
  if (to < 0) return to;
  Core::forget(to);
  if (FdStates::of(fd) == FdState::watched) Core::get().duplicated(fd, to);
  if (FdStates::of(fd) == FdState::foreign) {
    FdStates::set(to, FdState::foreign);
    // On its way to another program, which will find nothing there.
    if (to <= STDERR_FILENO) refuse_foreign("dup2 to a standard stream", fd);
  }
  return to;
}

/// Questions about the machine's interfaces, which programs put to any socket: SIOCGIFNAME up to SIOCGIFMAP, and those
/// that came later. The emulated network has no say in it.
bool is_about_interfaces(unsigned long request) {
  return request >= SIOCGIFNAME && request <= SIOCGIFMAP && request != SIOCOUTQNSD;
}

int ioctl_of_emulated(int fd, unsigned long request, void* argument) {
  if (!is_about_interfaces(request)) return posix::ioctl(fd, request, argument);
  return ask_socket_of_linux(AF_INET, SOCK_DGRAM,
                             [=](long socket) { return raw::call(SYS_ioctl, socket, request, argument); });
}

// What the kernel does not know of these, programs ask of any file.
int fcntl_of_emulated(int fd, int command, long argument) {
  switch (command) {
    case F_GETOWN: return 0;
    case F_SETOWN: return 0;  // Of a file that nobody set O_ASYNC for.
    default: return posix::fcntl(fd, command, argument);
  }
}

int any_fcntl(int fd, int command, long argument, auto next_fcntl) {
  const FdState state = FdStates::of(fd);
  if (state == FdState::emulated) {
    return emulated([=] { return fcntl_of_emulated(fd, command, argument); }, EINVAL);
  }
  const bool duplicates = command == F_DUPFD || command == F_DUPFD_CLOEXEC;
  if (state == FdState::foreign && !duplicates && command != F_GETFD && command != F_SETFD && command != F_GETFL) {
    refuse_foreign("fcntl", fd);
    return -1;
  }
  const int result = next_fcntl();
  return duplicates ? duplicated(fd, result) : result;
}

/// Those of a range that cannot be left to Linux, in order.
std::vector<unsigned> numbers_apart(unsigned first, unsigned last) {
  std::vector<unsigned> numbers;
  const auto add = [&](int fd) {
    const auto number = static_cast<unsigned>(fd);
    if (first <= number && number <= last) numbers.push_back(number);
  };
  FdStates::for_each([&](int fd, FdState state) {
    if (state != FdState::linux_file) add(fd);
  });
  OwnFds::for_each(add);
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

}  // namespace

#pragma GCC visibility push(default)
extern "C" {

int close(int fd) {
  if (FdStates::is_emulated(fd)) {
    return emulated([=] {
      ::pthread_testcancel();
      return posix::close(fd);
    });
  }
  Core::forget(fd);
  if (OwnFds::has(fd)) [[unlikely]] {
    errno = EBADF;
    return -1;
  }
  return next<"close">(::close, fd);
}
int __close(int fd) { return close(fd); }

int dup(int fd) noexcept {
  if (FdStates::is_emulated(fd)) return emulated([=] { return posix::dup(fd); });
  return duplicated(fd, next<"dup">(::dup, fd));
}

int dup2(int fd, int to) noexcept {
  if (FdStates::is_emulated(fd)) return emulated([=] { return posix::dup2(fd, to); });
  if (fd == to) return next<"dup2">(::dup2, fd, to);
  return duplicated(fd, next<"dup2">(::dup2, fd, to));
}

int __dup2(int fd, int to) { return dup2(fd, to); }

int dup3(int fd, int to, int flags) noexcept {
  if (FdStates::is_emulated(fd)) return emulated([=] { return posix::dup3(fd, to, flags); });
  return duplicated(fd, next<"dup3">(::dup3, fd, to, flags));
}

int fcntl(int fd, int command, ...) {
  std::va_list list;
  va_start(list, command);
  const long argument = va_arg(list, long);
  va_end(list);
  return any_fcntl(fd, command, argument,
                   [=] { return next<"fcntl">(as<int(int, int, long)>, fd, command, argument); });
}
int __fcntl(int fd, int command, ...) {
  std::va_list list;
  va_start(list, command);
  const long argument = va_arg(list, long);
  va_end(list);
  return fcntl(fd, command, argument);
}
int fcntl64(int fd, int command, ...) {
  std::va_list list;
  va_start(list, command);
  const long argument = va_arg(list, long);
  va_end(list);
  return any_fcntl(fd, command, argument,
                   [=] { return next<"fcntl64">(as<int(int, int, long)>, fd, command, argument); });
}

int ioctl(int fd, unsigned long request, ...) noexcept {
  std::va_list list;
  va_start(list, request);
  void* const argument = va_arg(list, void*);
  va_end(list);
  return dispatch(
      "ioctl", fd, [=] { return ioctl_of_emulated(fd, request, argument); },
      [=] { return next<"ioctl">(as<int(int, unsigned long, void*)>, fd, request, argument); }, ENOTTY);
}

// In ranges between the numbers that are not Linux's alone. The library's own stay open.
int close_range(unsigned first, unsigned last, int flags) noexcept {
  if (first > last || (flags & ~static_cast<int>(CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC)) != 0) {
    errno = EINVAL;
    return -1;
  }
  const bool to_close = (flags & static_cast<int>(CLOSE_RANGE_CLOEXEC)) == 0;
  const auto close_on_linux = [flags](unsigned from, unsigned to) {
    return from > to ? 0 : static_cast<int>(raw::as_libc(raw::call(SYS_close_range, from, to, flags)));
  };
  unsigned from = first;
  for (const unsigned fd : numbers_apart(first, last)) {
    if (fd > from && close_on_linux(from, fd - 1) != 0) return -1;
    from = fd + 1;
    const int number = static_cast<int>(fd);
    if (OwnFds::has(number)) continue;
    if (to_close) {
      close(number);
    } else {
      fcntl(number, F_SETFD, FD_CLOEXEC);
    }
  }
  return close_on_linux(from, last);
}
void closefrom(int lowest) noexcept { close_range(static_cast<unsigned>(std::max(lowest, 0)), ~0u, 0); }

}  // extern "C"
#pragma GCC visibility pop
