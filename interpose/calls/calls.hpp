// What all interposed calls have in common: whose file it is, and the two ways on: the emulated kernel's, by
// rouse::posix, and the next definition's, which is Linux.
#pragma once

#include "../core.hpp"
#include "../next.hpp"
#include <rouse/posix.hpp>

#include <poll.h>
#include <pthread.h>
#include <string_view>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/syscall.h>

namespace rouse::interpose {

/// A call on `fd`: `mine` if the emulated kernel has it, else `linux_call`. What is another process's is refused.
template <class Mine, class OfLinux>
[[gnu::always_inline]] inline auto dispatch(const char* call, int fd, Mine mine, OfLinux of_linux, int refusal = ENOSYS)
    -> decltype(mine()) {
  const FdState state = FdStates::of(fd);
  if (state == FdState::linux_file || state == FdState::watched) [[likely]]
    return of_linux();
  if (state == FdState::emulated) return emulated(mine, refusal);
  refuse_foreign(call, fd);
  return static_cast<decltype(mine())>(-1);
}

/// The same of a cancellation point, which it is even if there is nothing to wait for.
template <class Mine, class OfLinux>
[[gnu::always_inline]] inline auto dispatch_cancellable(const char* call, int fd, Mine mine, OfLinux of_linux)
    -> decltype(mine()) {
  return dispatch(
      call, fd,
      [=] {
        ::pthread_testcancel();
        return mine();
      },
      of_linux);
}

/// While the files of Linux among some fds are known to the emulated kernel; those that are watched or on their way by
/// then, stay so. `for_each(visit)` visits the fds, emulated ones too.
template <class ForEach>
class Adopted {
 public:
  explicit Adopted(ForEach for_each, bool (Core::*adopt)(int) = &Core::adopt) : for_each_(for_each) {
    for_each_([=](int fd) { static_cast<void>((Core::get().*adopt)(fd)); });
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

/// Asks a socket of Linux that is made for the question, and returns as the C library does: `ask(socket)`, a raw call.
template <class Ask>
int ask_socket_of_linux(int domain, int type, Ask ask) {
  const long made = raw::call(SYS_socket, domain, type | SOCK_CLOEXEC, 0);
  const long result = made < 0 ? made : ask(made);
  if (made >= 0) raw::call(SYS_close, made);
  return static_cast<int>(raw::as_libc(result));
}

/// sendmsg(2) to an emulated socket, of files of Linux, too.
::ssize_t send_message(int fd, const ::msghdr* message, int flags);

/// The fd that a path of /proc or /dev/fd names; -1 if it is another path.
[[nodiscard]] int fd_in_path(std::string_view path);

/// True if an emulated fd is among those that poll or select are given.
[[nodiscard]] bool any_emulated(const ::pollfd* fds, ::nfds_t n);
[[nodiscard]] bool any_emulated(int n, const ::fd_set* read, const ::fd_set* write, const ::fd_set* except);

[[nodiscard]] inline bool is_real(Family family) { return Core::get().options().is_real(family); }

}  // namespace rouse::interpose
