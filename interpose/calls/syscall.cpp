// syscall(2): the same calls by number. Some libraries make all of theirs so.
#include "calls.hpp"

#include <csignal>
#include <cstdarg>
#include <cstdint>
#include <fcntl.h>
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

/// The words of a call, each as what the function wants there.
class Words {
 public:
  explicit Words(const long (&words)[6]) : words_(words) {}

  template <class Result, class... Parameters>
  long to(Result (*function)(Parameters...)) const {
    return call(function, std::index_sequence_for<Parameters...>{});
  }
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

long set_action(const Words& words) {
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

/// True of a call on files of Linux alone. That stays the very call it is: the C library's function would check more,
/// and be a cancellation point.
bool is_for_linux(long number, const Words& words) {
  switch (number) {
#if defined(__x86_64__)
    case SYS_poll:
#endif
    case SYS_ppoll: return !any_emulated(words.get<const ::pollfd*>(0), words.get<::nfds_t>(1));
#if defined(__x86_64__)
    case SYS_select:
#endif
    case SYS_pselect6:
      return !any_emulated(words.get<int>(0), words.get<const ::fd_set*>(1), words.get<const ::fd_set*>(2),
                           words.get<const ::fd_set*>(3));
    case SYS_read:
    case SYS_write:
    case SYS_readv:
    case SYS_writev:
    case SYS_pread64:
    case SYS_pwrite64:
    case SYS_lseek:
    case SYS_ioctl:
    case SYS_fstat:
    case SYS_bind:
    case SYS_listen:
    case SYS_accept:
    case SYS_accept4:
    case SYS_connect:
    case SYS_shutdown:
    case SYS_getsockname:
    case SYS_getpeername:
    case SYS_getsockopt:
    case SYS_setsockopt:
    case SYS_sendto:
    case SYS_recvfrom:
    case SYS_sendmsg:
    case SYS_recvmsg:
    case SYS_sendmmsg:
    case SYS_recvmmsg:
    case SYS_timerfd_settime:
    case SYS_timerfd_gettime:
#if defined(__x86_64__)
    case SYS_epoll_wait:
#endif
    case SYS_epoll_pwait:
    case SYS_epoll_pwait2: return FdStates::is_linux(words.get<int>(0));
    // The C library keeps two signals for its threads, and would refuse them.
    case SYS_rt_sigaction: return words.get<int>(0) == 32 || words.get<int>(0) == 33;
    default: return false;
  }
}

// What is left of the time is the C library's to hide; the kernel's calls say it, and nobody depends on that.
long make(long number, const Words& words, bool& is_known) {
  switch (number) {
    case SYS_read: return words.to(::read);
    case SYS_write: return words.to(::write);
    case SYS_readv: return words.to(::readv);
    case SYS_writev: return words.to(::writev);
    case SYS_pread64: return words.to(::pread);
    case SYS_pwrite64: return words.to(::pwrite);
    case SYS_lseek: return words.to(::lseek);
    case SYS_close: return words.to(::close);
    case SYS_close_range: return words.to(close_range);
    case SYS_dup: return words.to(::dup);
    case SYS_dup3: return words.to(::dup3);
    case SYS_fcntl: return ::fcntl(words.get<int>(0), words.get<int>(1), words.get<long>(2));
    case SYS_ioctl: return ::ioctl(words.get<int>(0), words.get<unsigned long>(1), words.get<void*>(2));
    case SYS_fstat: return words.to(::fstat);
    case SYS_statx: return words.to(::statx);
    case SYS_sendfile: return words.to(::sendfile);
    case SYS_splice: return words.to(::splice);
    case SYS_tee: return words.to(::tee);
    case SYS_vmsplice: return words.to(::vmsplice);
    case SYS_copy_file_range: return words.to(::copy_file_range);

    case SYS_epoll_create1: return words.to(::epoll_create1);
    case SYS_epoll_ctl: return words.to(::epoll_ctl);
    case SYS_epoll_pwait:
      return with_mask(words, 4, [&](const ::sigset_t* mask) {
        return ::epoll_pwait(words.get<int>(0), words.get<::epoll_event*>(1), words.get<int>(2), words.get<int>(3),
                             mask);
      });
    case SYS_epoll_pwait2:
      return with_mask(words, 4, [&](const ::sigset_t* mask) {
        return ::epoll_pwait2(words.get<int>(0), words.get<::epoll_event*>(1), words.get<int>(2),
                              words.get<const ::timespec*>(3), mask);
      });
    case SYS_ppoll:
      return with_mask(words, 3, [&](const ::sigset_t* mask) {
        return ::ppoll(words.get<::pollfd*>(0), words.get<::nfds_t>(1), words.get<const ::timespec*>(2), mask);
      });
    case SYS_pselect6: {
      const auto* const mask = words.get<const MaskAndSize*>(5);
      if (mask != nullptr && has_wrong_size(mask->mask, mask->size)) return -1;
      return ::pselect(words.get<int>(0), words.get<::fd_set*>(1), words.get<::fd_set*>(2), words.get<::fd_set*>(3),
                       words.get<const ::timespec*>(4), mask != nullptr ? mask->mask : nullptr);
    }

    case SYS_eventfd2: return words.to(::eventfd);
    case SYS_pipe2: return words.to(::pipe2);
    case SYS_timerfd_create: return words.to(::timerfd_create);
    case SYS_timerfd_settime: return words.to(::timerfd_settime);
    case SYS_timerfd_gettime: return words.to(::timerfd_gettime);
    case SYS_signalfd4: {
      const auto* const mask = words.get<const ::sigset_t*>(1);
      if (words.get<std::size_t>(2) != kernel_set_size) return errno = EINVAL, -1;
      return ::signalfd(words.get<int>(0), mask, words.get<int>(3));
    }

    case SYS_socket: return words.to(::socket);
    case SYS_socketpair: return words.to(::socketpair);
    case SYS_bind: return words.to(::bind);
    case SYS_listen: return words.to(::listen);
    case SYS_accept: return words.to(::accept);
    case SYS_accept4: return words.to(::accept4);
    case SYS_connect: return words.to(::connect);
    case SYS_shutdown: return words.to(::shutdown);
    case SYS_getsockname: return words.to(::getsockname);
    case SYS_getpeername: return words.to(::getpeername);
    case SYS_getsockopt: return words.to(::getsockopt);
    case SYS_setsockopt: return words.to(::setsockopt);
    case SYS_sendto: return words.to(::sendto);
    case SYS_recvfrom: return words.to(::recvfrom);
    case SYS_sendmsg: return words.to(::sendmsg);
    case SYS_recvmsg: return words.to(::recvmsg);
    case SYS_sendmmsg: return words.to(::sendmmsg);
    case SYS_recvmmsg: return words.to(::recvmmsg);

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
    case SYS_epoll_wait: return words.to(::epoll_wait);
    case SYS_poll: return words.to(::poll);
    case SYS_select: return words.to(::select);
    case SYS_newfstatat: return words.to(::fstatat);
    case SYS_fork: return words.to(::fork);
    case SYS_vfork: return words.to(::fork);
#else
    case SYS_newfstatat: return words.to(::fstatat);
#endif
    default: is_known = false; return -1;
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
  bool is_known = !is_for_linux(number, Words{words});
  if (is_known) {
    const long result = make(number, Words{words}, is_known);
    if (is_known) return result;
  }
  // Not to the C library's own, whose name this is: some come here before that can be looked up.
  const long made = raw::call_words(number, words[0], words[1], words[2], words[3], words[4], words[5]);
  constexpr long errnos = 4096;
  if (made >= 0 || made <= -errnos) return made;
  errno = static_cast<int>(-made);
  return -1;
}

}  // extern "C"
#pragma GCC visibility pop
