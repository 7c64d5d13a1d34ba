// The calls on signals, and who the process and its tasks are.
#pragma once

#include "blocking.hpp"
#include "signalfd_file.hpp"

namespace rouse::inline v0::kernel::sys {

/// The one process there is.
inline SysResult<int> getpid(Kernel& kernel) {
  return kernel.enter({Call::getpid}, {}, []() -> SysResult<int> { return process_id; });
}

namespace detail_signal {

inline int id_of(const Task& task) { return process_id + static_cast<int>(task.id()) - 1; }

/// The C library keeps two signals for its threads and speaks of neither.
constexpr bool is_known(int signal) { return signal >= 1 && signal <= signals_max && signal != 32 && signal != 33; }
inline constexpr SignalSet of_c_library = SignalSet::of(32, 33);

}  // namespace detail_signal

inline SysResult<int> gettid(Kernel& kernel) {
  return kernel.enter({Call::gettid}, {},
                      [=, &kernel]() -> SysResult<int> { return detail_signal::id_of(kernel.host().current()); });
}

inline SysResult<void> sigaction(Kernel& kernel, int signal, const struct ::sigaction* user_action,
                                 struct ::sigaction* user_before) {
  return kernel.enter({Call::rt_sigaction}, {signal, user_action, user_before}, [=, &kernel]() -> SysResult<void> {
    if (!detail_signal::is_known(signal)) return SysResult<void>::failure(EINVAL);
    struct ::sigaction action {};
    if (user_action != nullptr && !get_user(action, user_action)) return SysResult<void>::failure(EFAULT);
    if (user_action != nullptr && unblockable_signals.has(signal)) return SysResult<void>::failure(EINVAL);
    const struct ::sigaction before = kernel.signals.action(signal);
    if (user_action != nullptr) {
      constexpr unsigned known = SA_NOCLDSTOP | SA_NOCLDWAIT | SA_SIGINFO | SA_ONSTACK | SA_RESTART | SA_NODEFER |
                                 static_cast<unsigned>(SA_RESETHAND) | 0x800;  // SA_EXPOSE_TAGBITS
#if defined(__x86_64__)
      constexpr unsigned added = 0x04000000;  // SA_RESTORER: the C library brings a way back out of the handler.
#else
      constexpr unsigned added = 0;
#endif
      action.sa_flags = static_cast<int>((static_cast<unsigned>(action.sa_flags) & known) | added);
      action.sa_mask = sigset(signal_set(action.sa_mask));
      kernel.signals.set_action(signal, action);
    }
    const bool put = user_before == nullptr || put_user(user_before, before);
    return put ? SysResult<void>{} : SysResult<void>::failure(EFAULT);
  });
}

/// Of the calling task. `how` means nothing without a set.
inline SysResult<void> sigprocmask(Kernel& kernel, int how, const ::sigset_t* set, ::sigset_t* user_before) {
  return kernel.enter({Call::rt_sigprocmask}, {how, set, user_before}, [=, &kernel]() -> SysResult<void> {
    Task& task = kernel.host().current();
    const SignalSet before = task.signals.mask;
    if (set != nullptr) {
      SignalSet given;
      if (!get_user(given, set)) return SysResult<void>::failure(EFAULT);
      given = given - detail_signal::of_c_library;
      switch (how) {
        case SIG_BLOCK: given = before | given; break;
        case SIG_UNBLOCK: given = before - given; break;
        case SIG_SETMASK: break;
        default: return SysResult<void>::failure(EINVAL);
      }
      kernel.signals.set_mask(task, given);
    }
    const bool put = user_before == nullptr || put_user(user_before, before);
    return put ? SysResult<void>{} : SysResult<void>::failure(EFAULT);
  });
}

/// What is pending and blocked, of the calling task and of the process.
inline SysResult<void> sigpending(Kernel& kernel, ::sigset_t* set) {
  return kernel.enter({Call::rt_sigpending}, {set}, [=, &kernel]() -> SysResult<void> {
    touch_everything();
    const SignalSet pending = kernel.signals.pending_for(kernel.host().current());
    return put_user(set, pending) ? SysResult<void>{} : SysResult<void>::failure(EFAULT);
  });
}

/// Sends a signal to the process: there is no other one. A handler has run when the call returns, if the caller is the
/// one that takes it. Signal 0 only asks whether there is such a process.
inline SysResult<void> kill(Kernel& kernel, int pid, int signal) {
  return kernel.enter({Call::kill}, {pid, signal}, [=, &kernel]() -> SysResult<void> {
    if (pid != process_id && pid != 0 && pid != -process_id) return SysResult<void>::failure(ESRCH);
    if (signal < 0 || signal > signals_max) return SysResult<void>::failure(EINVAL);
    static_cast<void>(kernel.host().current());  // It may be new.
    if (signal != 0) kernel.signals.send_to_process(signal);
    return {};
  });
}

/// Sends a signal to one thread.
inline SysResult<void> tgkill(Kernel& kernel, int pid, int tid, int signal) {
  return kernel.enter({Call::tgkill}, {pid, tid, signal}, [=, &kernel]() -> SysResult<void> {
    if (pid <= 0 || tid <= 0) return SysResult<void>::failure(EINVAL);
    Task* target = nullptr;
    kernel.host().forget_ended_tasks();
    kernel.host().tasks().for_each([&](Task& task) {
      if (detail_signal::id_of(task) == tid) target = &task;
    });
    if (pid != process_id || target == nullptr) return SysResult<void>::failure(ESRCH);
    if (signal < 0 || signal > signals_max) return SysResult<void>::failure(EINVAL);
    if (signal != 0) kernel.signals.send_to_task(*target, signal);
    return {};
  });
}

/// Makes a signalfd, or gives one that there is, `fd`, another mask; then the flags are checked and mean nothing.
/// The mask is the C library's, of which the kernel takes the first eight bytes.
inline SysResult<int> signalfd(Kernel& kernel, int fd, const ::sigset_t* user_mask, int flags) {
  return kernel.enter({Call::signalfd4, fd}, {user_mask, flags}, [=, &kernel]() -> SysResult<int> {
    SignalSet mask;
    if (!get_user(mask, user_mask)) return SysResult<int>::failure(EFAULT);
    if ((flags & ~(SFD_NONBLOCK | SFD_CLOEXEC)) != 0) return SysResult<int>::failure(EINVAL);
    if (fd == -1) {
      NewFd made = kernel.new_fd();
      if (!made) return SysResult<int>::failure(EMFILE);
      const FileRef file{
          new SignalFdFile{kernel.file_ids.next(), O_RDWR | (flags & SFD_NONBLOCK), mask, kernel.signals}};
      return made.install(file, (flags & SFD_CLOEXEC) != 0);
    }
    File* const file = kernel.file(fd);
    if (file == nullptr) return SysResult<int>::failure(EBADF);
    auto* const signals = file_cast<SignalFdFile>(file);
    if (signals == nullptr) return SysResult<int>::failure(EINVAL);
    signals->set_mask(mask);
    return fd;
  });
}

}  // namespace rouse::inline v0::kernel::sys
