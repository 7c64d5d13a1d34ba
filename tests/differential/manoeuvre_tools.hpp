// ManoeuvreTools: what manoeuvres are made of: finding or making files, and the calls they make most.
// Included by manoeuvres.hpp.
#pragma once

#include "generator.hpp"

namespace differential {

class ManoeuvreTools {
 protected:
  explicit ManoeuvreTools(Generator& generator) : g_(generator), choices_(generator.choices()) {}

  struct Ends {
    int reader = -1;
    int writer = -1;
  };

  // -- what there is, or is made

  int epoll(bool fresh = false) {
    const int found = fresh || choices_.one_in(4) ? -1 : g_.find(Wants::epoll);
    if (found >= 0) return found;
    return static_cast<int>(g_.call<EpollCreate1>({0}));
  }
  Ends pipe(std::int64_t flags = O_NONBLOCK) {
    if (g_.call<Pipe2>({flags}) < 0) return {};
    return {g_.first_fd(), g_.second_fd()};
  }
  std::int64_t socket_type() {
    constexpr std::int64_t types[] = {SOCK_STREAM, SOCK_STREAM, SOCK_SEQPACKET, SOCK_DGRAM};
    return choices_.one_of(types);
  }
  Ends pair(std::int64_t flags = SOCK_NONBLOCK) { return pair_of(socket_type(), flags); }
  Ends pair_of(std::int64_t type, std::int64_t flags = SOCK_NONBLOCK) {
    if (g_.call<SocketPair>({AF_UNIX, type | flags, 0}) < 0) return {};
    return {g_.first_fd(), g_.second_fd()};
  }
  /// Something that can be written at one end and read at the other.
  Ends channel() {
    switch (choices_.below(7)) {
      case 0:
      case 1: return pipe();
      case 2:
      case 3: return pair();
      case 4: return tcp_pair();
      default:
        const auto fd =
            static_cast<int>(g_.call<EventFd>({0, EFD_NONBLOCK | (choices_.one_in(4) ? EFD_SEMAPHORE : 0)}));
        return {fd, fd};
    }
  }
  std::int64_t inet_family() { return choices_.one_in(3) ? AF_INET6 : AF_INET; }
  int listen_at(std::int64_t address, std::int64_t backlog, std::int64_t flags = SOCK_NONBLOCK) {
    const auto listener = static_cast<int>(g_.call<Socket>({AF_INET, SOCK_STREAM | flags, 0}));
    g_.call<SetSockOpt>({listener, SOL_SOCKET, SO_REUSEADDR, 1, 4});
    g_.call<Bind>({listener, address});
    g_.call<Listen>({listener, backlog});
    return listener;
  }
  /// A connection: the one that connects reads. The listener stays.
  Ends tcp_pair(std::int64_t flags = SOCK_NONBLOCK) {
    const int listener = listen_at(16, 5);
    const auto client = static_cast<int>(g_.call<Socket>({inet_family(), SOCK_STREAM | flags, 0}));
    g_.call<Connect>({client, choices_.one_in(4) ? 25 : 16});
    return {client, static_cast<int>(g_.call<Accept4>({listener, flags, 128}))};
  }
  int something() {
    const int found = choices_.one_in(3) ? -1 : g_.find(Wants::pollable);
    return found >= 0 ? found : channel().reader;
  }

  std::int64_t add(int epfd, int fd, std::int64_t mask) {
    return g_.call<EpollCtl>({epfd, EPOLL_CTL_ADD, fd, mask, g_.fresh_data()});
  }
  std::int64_t wait(int epfd, std::int64_t max) { return g_.call<EpollWait>({epfd, max, 0}); }
  // Now and then nothing is written, or read.
  std::int64_t write(int fd, std::int64_t n) {
    const bool nothing = choices_.one_in(24);
    if (is_eventfd(fd)) return g_.call<Write>({fd, 8, nothing ? 0 : 1});
    return g_.call<Write>({fd, nothing ? 0 : n});
  }
  std::int64_t read(int fd, std::int64_t n) {
    if (is_eventfd(fd)) return g_.call<Read>({fd, 8});
    return g_.call<Read>({fd, choices_.one_in(24) ? 0 : n});
  }
  bool is_eventfd(int fd) { return kernel::file_cast<kernel::EventFdFile>(g_.kernel().file(fd)) != nullptr; }
  std::int64_t small_max() { return static_cast<std::int64_t>(1 + choices_.below(4)); }
  std::int64_t size() { return choices_.one_of(values::lengths); }

  static constexpr std::int64_t in = EPOLLIN;
  static constexpr std::int64_t out = EPOLLOUT;
  static constexpr std::int64_t et = values::et;
  static constexpr auto bad = static_cast<std::int64_t>(Pointer::bad);

  void fill(int fd) {
    const std::int64_t n = choices_.one_in(3) ? size() : std::int64_t{65536};
    for (int i = 0; i < 24 && !g_.is_done(); ++i) {
      if (write(fd, n) < 0) return;
    }
  }
  void drain(int fd) {
    const std::int64_t n = choices_.one_of(values::rooms);
    for (int i = 0; i < 24 && !g_.is_done(); ++i) {
      if (read(fd, n) <= 0) return;
    }
  }

  Generator& g_;
  Choices& choices_;
};

}  // namespace differential
