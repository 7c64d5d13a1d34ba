// ErrnoRows: how often each errno of each call was met. The table says which there are in what is modelled; one that
// comes up and is not in it has to be added.
#pragma once

#include "kernels.hpp"

#include <algorithm>
#include <cstdio>
#include <map>

namespace differential {

class ErrnoRows {
 public:
  void met(Call call, int error) { ++counts_[{call, error}]; }

  /// Prints all. Returns how many were met less than `least` times, or are not in the table.
  int print(std::uint64_t least) const {
    std::printf("\nThe errnos of each call\n");
    std::map<std::pair<Call, int>, std::uint64_t> all = counts_;
    for (const Row& row : table) {
      for (const int error : row.errors) {
        if (error != 0) all.try_emplace({row.call, error}, 0);
      }
    }
    int wrong = 0;
    for (const auto& [key, count] : all) {
      std::string name;
      append_choice(name, key.second, errno_names);
      const bool known = is_in_table(key.first, key.second);
      const bool enough = count >= least;
      if (!known || !enough) ++wrong;
      std::printf("%10llu  %s: %s%s\n", static_cast<unsigned long long>(count), rouse::kernel::name_of(key.first),
                  name.c_str(),
                  !known   ? ": NOT IN THE TABLE"
                  : enough ? ""
                           : ": TOO FEW");
    }
    return wrong;
  }

 private:
  struct Row {
    Call call;
    std::array<int, 24> errors;
  };

  static bool is_in_table(Call call, int error) {
    return std::any_of(std::begin(table), std::end(table), [&](const Row& row) {
      return row.call == call && std::find(row.errors.begin(), row.errors.end(), error) != row.errors.end();
    });
  }

  // Not among them: ENOSPC of epoll_ctl, as the limit is one of the whole machine; ENFILE and ENOMEM.
  static constexpr Row table[] = {
      {Call::close, {EBADF}},
      {Call::dup, {EBADF, EMFILE}},
      {Call::dup2, {EBADF}},
      {Call::dup3, {EBADF, EINVAL}},
      {Call::fcntl, {EPERM, EBADF, EBUSY, EINVAL, EMFILE}},
      {Call::ioctl, {EBADF, EFAULT, EINVAL, ENOTTY, EOPNOTSUPP}},
      {Call::read, {EPIPE, EINTR, EBADF, EAGAIN, EFAULT, EINVAL, ECONNRESET, ENOTCONN, ECONNREFUSED}},
      {Call::write,
       {EINTR, EBADF, EAGAIN, EFAULT, EINVAL, EPIPE, ENOTCONN, EPERM, EMSGSIZE, ECONNRESET, ECONNREFUSED,
        EDESTADDRREQ}},
      {Call::readv, {EPIPE, EINTR, EBADF, EAGAIN, EFAULT, EINVAL, ECONNRESET, ENOTCONN, ECONNREFUSED}},
      {Call::writev,
       {EINTR, EBADF, EAGAIN, EFAULT, EINVAL, EPIPE, ENOTCONN, EPERM, EMSGSIZE, ECONNRESET, ECONNREFUSED,
        EDESTADDRREQ}},
      {Call::pread, {EBADF, EFAULT, EINVAL, ESPIPE}},
      {Call::pwrite, {EBADF, EFAULT, EINVAL, ESPIPE}},
      {Call::lseek, {EBADF, EINVAL, ESPIPE}},
      {Call::open, {EFAULT, EMFILE}},
      {Call::unlink, {ENOENT, EFAULT}},
      {Call::getrlimit, {EFAULT, EINVAL}},
      {Call::setrlimit, {EFAULT, EINVAL}},
      {Call::poll, {EINTR, EFAULT, EINVAL}},
      {Call::epoll_create, {EINVAL, EMFILE}},
      {Call::epoll_create1, {EINVAL, EMFILE}},
      {Call::epoll_ctl, {EPERM, ENOENT, EBADF, EFAULT, EEXIST, EINVAL, ELOOP}},
      {Call::epoll_wait, {EINTR, EBADF, EFAULT, EINVAL}},
      {Call::epoll_pwait, {EINTR, EBADF, EFAULT, EINVAL}},
      {Call::epoll_pwait2, {EINTR, EBADF, EFAULT, EINVAL}},
      {Call::eventfd, {EINVAL, EMFILE}},
      {Call::pipe2, {EFAULT, EINVAL, EMFILE, ENOPKG}},
      {Call::timerfd_create, {EPERM, EINVAL, EMFILE}},
      {Call::timerfd_settime, {EBADF, EFAULT, EINVAL}},
      {Call::timerfd_gettime, {EBADF, EFAULT, EINVAL}},
      {Call::signalfd4, {EBADF, EFAULT, EINVAL, EMFILE}},
      {Call::socket, {EINVAL, EMFILE, EPROTONOSUPPORT, ESOCKTNOSUPPORT, EAFNOSUPPORT, EACCES}},
      {Call::socketpair, {EFAULT, EINVAL, EMFILE, EPROTONOSUPPORT, ESOCKTNOSUPPORT, EAFNOSUPPORT, EOPNOTSUPP, EACCES}},
      {Call::bind, {EBADF, EFAULT, EINVAL, ENOTSOCK, EADDRINUSE, EACCES, EAFNOSUPPORT, EADDRNOTAVAIL}},
      {Call::listen, {EADDRINUSE, EBADF, EINVAL, ENOTSOCK, EOPNOTSUPP}},
      {Call::accept4, {EINTR, EBADF, EAGAIN, EFAULT, EINVAL, EMFILE, ENOTSOCK, EOPNOTSUPP}},
      {Call::connect, {ENOENT,      EINTR,        EBADF,      EAGAIN,     EFAULT,      EINVAL,       ENOTSOCK,
                       EISCONN,     ECONNREFUSED, EPERM,      EPROTOTYPE, EACCES,      EPIPE,        EAFNOSUPPORT,
                       ENETUNREACH, ECONNABORTED, ECONNRESET, EALREADY,   EINPROGRESS, EADDRNOTAVAIL}},
      {Call::shutdown, {EBADF, EINVAL, ENOTSOCK, ENOTCONN}},
      {Call::getsockname, {EBADF, EFAULT, EINVAL, ENOTSOCK}},
      {Call::getpeername, {EBADF, EFAULT, EINVAL, ENOTSOCK, ENOTCONN}},
      {Call::getsockopt, {EBADF, EFAULT, EINVAL, ENOTSOCK, ENOPROTOOPT, EOPNOTSUPP}},
      {Call::setsockopt, {EBADF, EFAULT, EINVAL, ENOTSOCK, ENOPROTOOPT, EOPNOTSUPP}},
      {Call::sendto, {EACCES,     EINTR,      EBADF,        EAGAIN,       EFAULT,       EPIPE,      ENOTSOCK,
                      EOPNOTSUPP, EISCONN,    ENOTCONN,     EPERM,        ENOENT,       EINVAL,     EMSGSIZE,
                      EPROTOTYPE, ECONNRESET, ECONNREFUSED, EDESTADDRREQ, EAFNOSUPPORT, ENETUNREACH}},
      {Call::recvfrom,
       {EPIPE, EINTR, EBADF, EAGAIN, EFAULT, EINVAL, ENOTSOCK, ECONNRESET, EOPNOTSUPP, ENOTCONN, ECONNREFUSED}},
      {Call::ppoll, {EINTR, EFAULT, EINVAL}},
      {Call::select, {EINTR, EBADF, EFAULT, EINVAL}},
      {Call::pselect6, {EINTR, EBADF, EFAULT, EINVAL}},
      {Call::rt_sigaction, {EINVAL}},
      {Call::rt_sigprocmask, {EINVAL}},
      {Call::rt_sigpending, {EFAULT}},
      {Call::kill, {EINVAL}},
      {Call::tgkill, {EINVAL}},
      {Call::sendmsg, {EACCES,   EPERM,        ENOENT,     EINTR,        EBADF,        EAGAIN,       EFAULT,
                       EINVAL,   EPIPE,        ENOTSOCK,   EMSGSIZE,     EOPNOTSUPP,   ECONNRESET,   EISCONN,
                       ENOTCONN, ECONNREFUSED, EPROTOTYPE, ETOOMANYREFS, EDESTADDRREQ, EAFNOSUPPORT, ENETUNREACH}},
      {Call::recvmsg,
       {EPIPE, EINTR, EBADF, EAGAIN, EFAULT, EINVAL, ENOTSOCK, EOPNOTSUPP, ECONNRESET, ENOTCONN, ECONNREFUSED}},
  };

  std::map<std::pair<Call, int>, std::uint64_t> counts_;
};

}  // namespace differential
