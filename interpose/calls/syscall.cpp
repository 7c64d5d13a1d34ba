// syscall(2): the same calls by number. Some libraries make all of theirs so.
#include "calls.hpp"

#include <csignal>
#include <cstdarg>
#include <cstdint>
#include <fcntl.h>
#include <optional>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <unistd.h>

using namespace rouse::interpose;

extern "C" int close_range(unsigned first, unsigned last, int flags) noexcept;

namespace {

/// What a call comes to; nothing if it is one of Linux's alone. That stays the very call it is: the C library's
/// function would check more, and be a cancellation point.
using Made = std::optional<long>;

/// The words of a call, each as what the function wants there.
class Words {
 public:
  explicit Words(const long (&words)[6]) : words_(words) {}

  template <class Result, class... Parameters>
  long to(Result (*function)(Parameters...)) const {
    return call(function, std::index_sequence_for<Parameters...>{});
  }
  /// A call on the fd that is the first of them, unless that is Linux's.
  template <class Result, class... Parameters>
  Made on_fd(Result (*function)(Parameters...)) const {
    return is_for_linux() ? Made{} : to(function);
  }
  [[nodiscard]] bool is_for_linux() const { return FdStates::is_linux(get<int>(0)); }
  template <class T>
  [[nodiscard]] T get(std::size_t i) const {
    if constexpr (std::is_pointer_v<T>) {
      return reinterpret_cast<T>(words_[i]);
    } else {
      return static_cast<T>(words_[i]);
    }
  }

 private:
  template <class Result, class... Parameters, std::size_t... i>
  long call(Result (*function)(Parameters...), std::index_sequence<i...>) const {
    return static_cast<long>(function(get<Parameters>(i)...));
  }

  const long (&words_)[6];
};

// The kernel's calls do not say how large a C library's set is, but how much of it they are to look at.
constexpr std::size_t kernel_set_size = 8;

/// sigaction as the kernel has it.
struct KernelAction {
  ::sighandler_t handler;
  unsigned long flags;
  void* restorer;
  std::uint64_t mask;
};

Made set_action(const Words& words) {
  // The C library keeps two signals for its threads, and would refuse them.
  if (words.get<int>(0) == 32 || words.get<int>(0) == 33) return {};
  if (words.get<std::size_t>(3) != kernel_set_size) return errno = EINVAL, -1;
  const auto* const to = words.get<const KernelAction*>(1);
  auto* const before = words.get<KernelAction*>(2);
  using rouse::kernel::can_read_user, rouse::kernel::can_write_user;
  const bool is_memory =
      (to == nullptr || can_read_user(to, sizeof *to)) && (before == nullptr || can_write_user(before, sizeof *before));
  if (!is_memory) return errno = EFAULT, -1;
  struct ::sigaction action {};
  if (to != nullptr) {
    action.sa_handler = to->handler;
    action.sa_flags = static_cast<int>(to->flags);
    action.sa_mask = rouse::SignalSet::of_bits(to->mask).to_sigset();
  }
  struct ::sigaction found {};
  const int signal = words.get<int>(0);
  if (SignalRelay::sigaction(signal, to != nullptr ? &action : nullptr, &found) != 0) return -1;
  if (before != nullptr) {
    *before = {found.sa_handler, static_cast<unsigned long>(found.sa_flags), nullptr,
               rouse::SignalSet::from(found.sa_mask).bits()};
  }
  return 0;
}

/// The sixth argument of pselect6.
struct MaskAndSize {
  const ::sigset_t* mask;
  std::size_t size;
};

bool has_wrong_size(const ::sigset_t* mask, std::size_t size) {
  if (mask == nullptr || size == kernel_set_size) return false;
  errno = EINVAL;
  return true;
}

/// Mask and size stand next to each other at `i`. A mask in the kernel's size is copied to the C library's.
template <class Call>
long with_mask(const Words& words, std::size_t i, Call call) {
  const auto* const mask = words.get<const ::sigset_t*>(i);
  return has_wrong_size(mask, words.get<std::size_t>(i + 1)) ? -1 : static_cast<long>(call(mask));
}

bool polls_linux(const Words& words) { return !any_emulated(words.get<const ::pollfd*>(0), words.get<::nfds_t>(1)); }
bool selects_linux(const Words& words) {
  return !any_emulated(words.get<int>(0), words.get<const ::fd_set*>(1), words.get<const ::fd_set*>(2),
                       words.get<const ::fd_set*>(3));
}

// What is left of the time is the C library's to hide; the kernel's calls say it, and nobody depends on that.
Made make(long number, const Words& words) {
  switch (number) {
    case SYS_read: return words.on_fd(::read);
    case SYS_write: return words.on_fd(::write);
    case SYS_readv: return words.on_fd(::readv);
    case SYS_writev: return words.on_fd(::writev);
    case SYS_pread64: return words.on_fd(::pread);
    case SYS_pwrite64: return words.on_fd(::pwrite);
    case SYS_lseek: return words.on_fd(::lseek);
    case SYS_close: return words.to(::close);
    case SYS_close_range: return words.to(close_range);
    case SYS_dup: return words.to(::dup);
    case SYS_dup3: return words.to(::dup3);
    case SYS_fcntl: return ::fcntl(words.get<int>(0), words.get<int>(1), words.get<long>(2));
    case SYS_ioctl:
      return words.on_fd(+[](int fd, unsigned long request, void* argument) { return ::ioctl(fd, request, argument); });
    case SYS_fstat: return words.on_fd(::fstat);
    case SYS_newfstatat: return words.to(::fstatat);
    case SYS_statx: return words.to(::statx);
    case SYS_sendfile: return words.to(::sendfile);
    case SYS_splice: return words.to(::splice);
    case SYS_tee: return words.to(::tee);
    case SYS_vmsplice: return words.to(::vmsplice);
    case SYS_copy_file_range: return words.to(::copy_file_range);

    case SYS_epoll_create1: return words.to(::epoll_create1);
    case SYS_epoll_ctl: return words.to(::epoll_ctl);
    case SYS_epoll_pwait:
      if (words.is_for_linux()) return {};
      return with_mask(words, 4, [&](const ::sigset_t* mask) {
        return ::epoll_pwait(words.get<int>(0), words.get<::epoll_event*>(1), words.get<int>(2), words.get<int>(3),
                             mask);
      });
    case SYS_epoll_pwait2:
      if (words.is_for_linux()) return {};
      return with_mask(words, 4, [&](const ::sigset_t* mask) {
        return ::epoll_pwait2(words.get<int>(0), words.get<::epoll_event*>(1), words.get<int>(2),
                              words.get<const ::timespec*>(3), mask);
      });
    case SYS_ppoll:
      if (polls_linux(words)) return {};
      return with_mask(words, 3, [&](const ::sigset_t* mask) {
        return ::ppoll(words.get<::pollfd*>(0), words.get<::nfds_t>(1), words.get<const ::timespec*>(2), mask);
      });
    case SYS_pselect6: {
      if (selects_linux(words)) return {};
      const auto* const mask = words.get<const MaskAndSize*>(5);
      if (mask != nullptr && has_wrong_size(mask->mask, mask->size)) return -1;
      return ::pselect(words.get<int>(0), words.get<::fd_set*>(1), words.get<::fd_set*>(2), words.get<::fd_set*>(3),
                       words.get<const ::timespec*>(4), mask != nullptr ? mask->mask : nullptr);
    }

    case SYS_eventfd2: return words.to(::eventfd);
    case SYS_pipe2: return words.to(::pipe2);
    case SYS_timerfd_create: return words.to(::timerfd_create);
    case SYS_timerfd_settime: return words.on_fd(::timerfd_settime);
    case SYS_timerfd_gettime: return words.on_fd(::timerfd_gettime);
    case SYS_signalfd4: {
      const auto* const mask = words.get<const ::sigset_t*>(1);
      if (words.get<std::size_t>(2) != kernel_set_size) return errno = EINVAL, -1;
      return ::signalfd(words.get<int>(0), mask, words.get<int>(3));
    }

    case SYS_socket: return words.to(::socket);
    case SYS_socketpair: return words.to(::socketpair);
    case SYS_bind: return words.on_fd(::bind);
    case SYS_listen: return words.on_fd(::listen);
    case SYS_accept: return words.on_fd(::accept);
    case SYS_accept4: return words.on_fd(::accept4);
    case SYS_connect: return words.on_fd(::connect);
    case SYS_shutdown: return words.on_fd(::shutdown);
    case SYS_getsockname: return words.on_fd(::getsockname);
    case SYS_getpeername: return words.on_fd(::getpeername);
    case SYS_getsockopt: return words.on_fd(::getsockopt);
    case SYS_setsockopt: return words.on_fd(::setsockopt);
    case SYS_sendto: return words.on_fd(::sendto);
    case SYS_recvfrom: return words.on_fd(::recvfrom);
    case SYS_sendmsg: return words.on_fd(::sendmsg);
    case SYS_recvmsg: return words.on_fd(::recvmsg);
    case SYS_sendmmsg: return words.on_fd(::sendmmsg);
    case SYS_recvmmsg: return words.on_fd(::recvmmsg);

    case SYS_prlimit64: return words.to(::prlimit);
    case SYS_tgkill: return words.to(::tgkill);
    case SYS_kill: return words.to(::kill);
    case SYS_rt_sigaction: return set_action(words);
    // It would know nothing of emulated fds. Programs do without where there is none.
    case SYS_io_uring_setup: return errno = ENOSYS, -1;

#if defined(__x86_64__)
    case SYS_dup2: return words.to(::dup2);
    case SYS_pipe: return words.to(::pipe);
    case SYS_eventfd: return ::eventfd(words.get<unsigned>(0), 0);
    case SYS_signalfd:
      if (words.get<std::size_t>(2) != kernel_set_size) return errno = EINVAL, -1;
      return ::signalfd(words.get<int>(0), words.get<const ::sigset_t*>(1), 0);
    case SYS_epoll_create: return words.to(::epoll_create);
    case SYS_epoll_wait: return words.on_fd(::epoll_wait);
    case SYS_poll: return polls_linux(words) ? Made{} : words.to(::poll);
    case SYS_select: return selects_linux(words) ? Made{} : words.to(::select);
    case SYS_fork: return words.to(::fork);
    case SYS_vfork: return words.to(::fork);
#endif
    default: return {};
  }
}

}  // namespace

#pragma GCC visibility push(default)
extern "C" {

long syscall(long number, ...) noexcept {
  long words[6];
  std::va_list list;
  va_start(list, number);
  for (long& word : words) word = va_arg(list, long);
  va_end(list);
  if (const Made made = make(number, Words{words})) return *made;
  // Not to the C library's own, whose name this is: some come here before that can be looked up.
  return raw::as_libc(raw::call_words(number, words[0], words[1], words[2], words[3], words[4], words[5]));
}

}  // extern "C"
#pragma GCC visibility pop
