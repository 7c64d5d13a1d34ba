// Many messages at a time, and files to sockets: what Linux has calls for, done by the emulated kernel's plainer ones.
#include "calls.hpp"

#include <algorithm>
#include <array>
#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

using namespace rouse::interpose;
namespace posix = rouse::posix;

namespace {

/// As many as `one` gets through, which returns false at the first failure: that is the call's only if it was the
/// first.
template <class One>
int each_message(int fd, ::mmsghdr* messages, unsigned n, One one) {
  int type = 0;
  ::socklen_t size = sizeof type;
  if (posix::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) != 0) return -1;
  constexpr unsigned iov_max = 1024;  // UIO_MAXIOV, of which Linux takes no more.
  unsigned done = 0;
  while (done < std::min(n, iov_max) && one(messages[done])) ++done;
  return done > 0 || n == 0 ? static_cast<int>(done) : -1;
}

bool take(::mmsghdr& message, ::ssize_t moved) {
  if (moved < 0) return false;
  message.msg_len = static_cast<unsigned>(moved);
  return true;
}

/// Looks at the time when a message has come, as Linux does: the time does not end the wait for one. What is left of it
/// is written back then.
int receive_many(int fd, ::mmsghdr* messages, unsigned n, int flags, ::timespec* span) {
  using rouse::kernel::Time;
  constexpr Time second = 1'000'000'000;
  const auto now = [] { return Core::get().kernel().host().now(); };
  if (span != nullptr && (span->tv_sec < 0 || span->tv_nsec < 0 || span->tv_nsec >= second)) return errno = EINVAL, -1;
  const Time end = span != nullptr ? now() + span->tv_sec * second + span->tv_nsec : 0;
  bool is_over = false;
  return each_message(fd, messages, n, [&](::mmsghdr& message) {
    if (is_over || !take(message, posix::recvmsg(fd, &message.msg_hdr, flags & ~MSG_WAITFORONE))) return false;
    if ((flags & MSG_WAITFORONE) != 0) flags |= MSG_DONTWAIT;
    if (span == nullptr) return true;
    const Time left = std::max<Time>(end - now(), 0);
    *span = {left / second, left % second};
    is_over = left == 0;
    return true;
  });
}

/// Bytes of a file of Linux to an emulated fd. Those that did not go are not taken from the file.
::ssize_t send_file(int to, int from, ::off_t* offset, std::size_t n) {
  const auto pread_next = [from](void* bytes, std::size_t room, ::off_t at) {
    return next<"pread">(::pread, from, bytes, room, at);
  };
  if (FdStates::is_emulated(from)) return errno = EINVAL, -1;  // Linux maps the file, which only regular ones allow.
  ::off_t at = offset != nullptr ? *offset : next<"lseek">(::lseek, from, ::off_t{0}, SEEK_CUR);
  if (at < 0) return errno = offset != nullptr ? EINVAL : errno == ESPIPE ? EINVAL : errno, -1;
  std::array<char, 65536> bytes;
  std::size_t sent = 0;
  while (sent < n) {
    const ::ssize_t got = pread_next(bytes.data(), std::min(bytes.size(), n - sent), at);
    if (got < 0 && sent == 0) return -1;
    if (got <= 0) break;
    const ::ssize_t gone = posix::write(to, bytes.data(), static_cast<std::size_t>(got));
    if (gone < 0 && sent == 0) return -1;
    if (gone <= 0) break;
    sent += static_cast<std::size_t>(gone);
    at += gone;
    if (gone < got) break;
  }
  if (offset != nullptr) {
    *offset = at;
  } else {
    next<"lseek">(::lseek, from, at, SEEK_SET);
  }
  return static_cast<::ssize_t>(sent);
}

::ssize_t refuse_to_splice() {
  errno = EINVAL;  // What Linux says of files that it cannot do this with: programs copy then.
  return -1;
}

}  // namespace

#pragma GCC visibility push(default)
extern "C" {

int sendmmsg(int fd, ::mmsghdr* messages, unsigned n, int flags) {
  return dispatch_cancellable(
      "sendmmsg", fd,
      [=] {
        return each_message(fd, messages, n, [=](::mmsghdr& message) {
          return take(message, send_message(fd, &message.msg_hdr, flags));
        });
      },
      [=] { return next<"sendmmsg">(::sendmmsg, fd, messages, n, flags); });
}
int recvmmsg(int fd, ::mmsghdr* messages, unsigned n, int flags, ::timespec* span) {
  return dispatch_cancellable(
      "recvmmsg", fd, [=] { return receive_many(fd, messages, n, flags, span); },
      [=] { return next<"recvmmsg">(::recvmmsg, fd, messages, n, flags, span); });
}

::ssize_t sendfile(int to, int from, ::off_t* offset, std::size_t n) noexcept {
  if (FdStates::is_linux(to) && !FdStates::is_linux(from)) return refuse_to_splice();
  return dispatch(
      "sendfile", to, [=] { return send_file(to, from, offset, n); },
      [=] { return next<"sendfile">(::sendfile, to, from, offset, n); });
}
::ssize_t sendfile64(int to, int from, ::off64_t* offset, std::size_t n) noexcept {
  return sendfile(to, from, offset, n);
}

::ssize_t splice(int from, ::off64_t* from_offset, int to, ::off64_t* to_offset, std::size_t n, unsigned flags) {
  if (!FdStates::is_linux(from) || !FdStates::is_linux(to)) return refuse_to_splice();
  return next<"splice">(::splice, from, from_offset, to, to_offset, n, flags);
}
::ssize_t tee(int from, int to, std::size_t n, unsigned flags) {
  if (!FdStates::is_linux(from) || !FdStates::is_linux(to)) return refuse_to_splice();
  return next<"tee">(::tee, from, to, n, flags);
}
::ssize_t vmsplice(int to, const ::iovec* vectors, std::size_t n, unsigned flags) {
  if (!FdStates::is_linux(to)) return refuse_to_splice();
  return next<"vmsplice">(::vmsplice, to, vectors, n, flags);
}
::ssize_t copy_file_range(int from, ::off64_t* from_offset, int to, ::off64_t* to_offset, std::size_t n,
                          unsigned flags) {
  if (!FdStates::is_linux(from) || !FdStates::is_linux(to)) return refuse_to_splice();
  return next<"copy_file_range">(::copy_file_range, from, from_offset, to, to_offset, n, flags);
}

}  // extern "C"
#pragma GCC visibility pop
