// FileKinds: one open fd of each kind there is, for what holds for all or differs from kind to kind.
#pragma once

#include "backends.hpp"
#include "sigpipe.hpp"

#include <netinet/in.h>
#include <string>
#include <vector>

namespace test {

enum class Kind {
  epoll,
  eventfd,
  timerfd,
  signalfd,
  pipe_reader,
  pipe_writer,
  unix_stream,
  unix_datagram,
  unix_seqpacket,
  tcp,
  udp,
  dev_null
};

[[nodiscard]] inline bool is_socket(Kind kind) {
  return kind == Kind::unix_stream || kind == Kind::unix_datagram || kind == Kind::unix_seqpacket ||
         kind == Kind::tcp || kind == Kind::udp;
}

/// True if write says EINVAL before it looks at anything.
[[nodiscard]] inline bool has_no_write(Kind kind) {
  return kind == Kind::epoll || kind == Kind::timerfd || kind == Kind::signalfd;
}

template <class On>
class FileKinds {
 public:
  struct Entry {
    Kind kind;
    std::string name;
    int fd;
  };

  /// All non-blocking.
  explicit FileKinds(const On& on) : backend_(on.backend) {
    add(Kind::epoll, "epoll", backend_.epoll_create1(0).value());
    add(Kind::eventfd, "eventfd", backend_.eventfd(0, EFD_NONBLOCK).value());
    add(Kind::timerfd, "timerfd", backend_.timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK).value());
    const ::sigset_t none = rouse::SignalSet{}.to_sigset();
    add(Kind::signalfd, "signalfd", backend_.signalfd(-1, &none, SFD_NONBLOCK).value());
    int pair[2] = {-1, -1};
    REQUIRE(backend_.pipe2(pair, O_NONBLOCK).ok());
    add(Kind::pipe_reader, "the reading end of a pipe", pair[0]);
    add(Kind::pipe_writer, "the writing end of a pipe", pair[1]);
    add_socket(Kind::unix_stream, SOCK_STREAM, "a unix stream socket");
    add_socket(Kind::unix_datagram, SOCK_DGRAM, "a unix datagram socket");
    add_socket(Kind::unix_seqpacket, SOCK_SEQPACKET, "a unix seqpacket socket");
    const int listener = bound_socket(SOCK_STREAM);
    REQUIRE(backend_.listen(listener, 1).ok());
    add(Kind::tcp, "a tcp socket", connected_to(listener, SOCK_STREAM));
    fds_.emplace_back(backend_, backend_.accept4(listener, nullptr, nullptr, SOCK_NONBLOCK).value());
    add(Kind::udp, "a udp socket", connected_to(bound_socket(SOCK_DGRAM), SOCK_DGRAM));
    add(Kind::dev_null, "/dev/null", backend_.open("/dev/null", O_RDWR | O_NONBLOCK).value());
    REQUIRE(backend_.fcntl(fd(Kind::epoll), F_SETFL, O_NONBLOCK).ok());  // It cannot be made so.
  }

  [[nodiscard]] auto begin() const { return entries_.begin(); }
  [[nodiscard]] auto end() const { return entries_.end(); }
  [[nodiscard]] int fd(Kind kind) const {
    for (const Entry& entry : entries_) {
      if (entry.kind == kind) return entry.fd;
    }
    return -1;
  }

 private:
  void add_socket(Kind kind, int type, std::string name) {
    int pair[2] = {-1, -1};
    REQUIRE(backend_.socketpair(AF_UNIX, type | SOCK_NONBLOCK, 0, pair).ok());
    add(kind, std::move(name), pair[0]);
    fds_.emplace_back(backend_, pair[1]);
  }
  int bound_socket(int type) {
    const int fd = backend_.socket(AF_INET, type | SOCK_NONBLOCK, 0).value();
    fds_.emplace_back(backend_, fd);
    ::sockaddr_in loopback{};
    loopback.sin_family = AF_INET;
    loopback.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(backend_.bind(fd, reinterpret_cast<const ::sockaddr*>(&loopback), sizeof loopback).ok());
    return fd;
  }
  int connected_to(int other, int type) {
    const int fd = backend_.socket(AF_INET, type | SOCK_NONBLOCK, 0).value();
    ::sockaddr_in address{};
    ::socklen_t n = sizeof address;
    REQUIRE(backend_.getsockname(other, reinterpret_cast<::sockaddr*>(&address), &n).ok());
    static_cast<void>(backend_.connect(fd, reinterpret_cast<const ::sockaddr*>(&address), n));
    return fd;
  }
  void add(Kind kind, std::string name, int fd) {
    entries_.push_back({kind, std::move(name), fd});
    fds_.emplace_back(backend_, fd);
  }

  typename On::Backend backend_;
  std::vector<Entry> entries_;
  std::vector<typename Handles<On>::OwnedFd> fds_;
};

}  // namespace test
