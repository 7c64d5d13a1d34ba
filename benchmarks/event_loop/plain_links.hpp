// Links of plain C calls: what raw epoll and the peers pass tokens with. Each result is checked as the handles check
// it: nothing there yet, an error, the end of the stream.
#pragma once

#include "chain.hpp"

#include <cerrno>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

namespace event_loop {

class PlainSocketPair {
 public:
  static constexpr std::size_t token_size = 1;

  PlainSocketPair() {
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds_) != 0) fail("socketpair");
  }
  PlainSocketPair(const PlainSocketPair&) = delete;
  PlainSocketPair& operator=(const PlainSocketPair&) = delete;
  ~PlainSocketPair() {
    for (const int fd : fds_) ::close(fd);
  }

  /// The one to wait on.
  [[nodiscard]] int fd() const { return fds_[0]; }

  /// False if there is no token.
  bool take() {
    char byte;
    const ::ssize_t got = ::recv(fds_[0], &byte, 1, MSG_DONTWAIT);
    if (got < 0) [[unlikely]] {
      if (errno == EAGAIN) return false;
      fail("recv");
    }
    if (got == 0) [[unlikely]]
      fail("the end of the stream");
    return true;
  }
  void put() {
    const char byte = 1;
    if (::send(fds_[1], &byte, 1, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) [[unlikely]]
      fail("send");
  }

 private:
  int fds_[2];
};

class PlainEventFd {
 public:
  static constexpr std::size_t token_size = sizeof(std::uint64_t);

  PlainEventFd() : fd_(::eventfd(0, EFD_SEMAPHORE | EFD_NONBLOCK | EFD_CLOEXEC)) {
    if (fd_ < 0) fail("eventfd");
  }
  PlainEventFd(const PlainEventFd&) = delete;
  PlainEventFd& operator=(const PlainEventFd&) = delete;
  ~PlainEventFd() { ::close(fd_); }

  [[nodiscard]] int fd() const { return fd_; }

  bool take() {
    std::uint64_t count;
    if (::read(fd_, &count, sizeof count) < 0) [[unlikely]] {
      if (errno == EAGAIN) return false;
      fail("read");
    }
    return true;
  }
  void put() {
    const std::uint64_t one = 1;
    // A counter that is full is readable as well.
    if (::write(fd_, &one, sizeof one) < 0 && errno != EAGAIN) [[unlikely]]
      fail("write");
  }

 private:
  int fd_;
};

}  // namespace event_loop
