// InetManoeuvres: TCP connections through their lives, refused and reset ones, queues of listeners, ports that are
// shared or not, and UDP sockets that send to whom they like. Included by manoeuvres.hpp.
#pragma once

#include "manoeuvres_sockets.hpp"

namespace differential {

class InetManoeuvres : public SocketManoeuvres {
 protected:
  using SocketManoeuvres::SocketManoeuvres;

  // Two ends, both watched for edges, and all that can be done to them.
  void connection() {
    const Ends ends = tcp_pair(choices_.one_in(5) ? std::int64_t{0} : std::int64_t{SOCK_NONBLOCK});
    const int ep = epoll();
    add(ep, ends.reader, watched());
    add(ep, ends.writer, watched());
    for (std::size_t n = 3 + choices_.below(10); n > 0; --n) {
      const bool there = choices_.one_in(2);
      do_something(there ? ends.reader : ends.writer, there ? ends.writer : ends.reader);
      if (choices_.one_in(2)) wait(ep, small_max());
    }
    wait(ep, 4);
  }

  // Nobody listens there.
  void refused_connection() {
    const int fd = inet_socket(SOCK_STREAM | (choices_.one_in(4) ? 0 : SOCK_NONBLOCK));
    const int ep = epoll();
    add(ep, fd, watched());
    if (choices_.one_in(3)) g_.call<Bind>({fd, choices_.one_of(values::inet_addresses)});
    g_.call<Connect>({fd, 17});
    for (std::size_t n = 2 + choices_.below(6); n > 0; --n) {
      do_something(fd, fd);
      if (choices_.one_in(2)) wait(ep, small_max());
    }
    wait(ep, 4);
  }

  // More that connect than the queue takes, some that go before they are accepted, and a listener that goes.
  void backlog() {
    const int listener = listen_at(16, static_cast<std::int64_t>(choices_.below(3)));
    const int ep = epoll();
    add(ep, listener, choices_.one_in(2) ? in | et : g_.random_mask());
    std::array<int, 4> clients{-1, -1, -1, -1};
    for (int& client : clients) {
      client = inet_socket(SOCK_STREAM | SOCK_NONBLOCK);
      add(ep, client, watched());
      g_.call<Connect>({client, 16});
      if (choices_.one_in(3)) send_any(client);
      if (choices_.one_in(4)) wait(ep, small_max());
    }
    for (std::size_t n = 2 + choices_.below(6); n > 0; --n) {
      switch (choices_.below(8)) {
        case 0: g_.call<Close>({choices_.one_of(clients)}); break;
        case 1: cut(choices_.one_of(clients)); break;
        case 2: g_.call<Shutdown>({listener, choices_.one_of(values::hows)}); break;
        case 3: g_.call<Listen>({listener, choices_.one_of(values::backlogs)}); break;
        case 4: g_.call<Close>({listener}); break;
        case 5: send_any(choices_.one_of(clients)); break;
        default:
          const auto accepted = static_cast<int>(g_.call<Accept4>({listener, SOCK_NONBLOCK, 128}));
          if (accepted >= 0) do_something(accepted, choices_.one_of(clients));
          break;
      }
      if (choices_.one_in(2)) wait(ep, small_max());
    }
    for (const int client : clients) do_something(client, listener);
    wait(ep, 10);
  }

  // Who may have which port beside whom.
  void share_ports() {
    const std::int64_t type = choices_.one_in(2) ? std::int64_t{SOCK_STREAM} : std::int64_t{SOCK_DGRAM};
    std::array<int, 4> fds{-1, -1, -1, -1};
    for (int& fd : fds) {
      fd = inet_socket(type | SOCK_NONBLOCK);
      if (!choices_.one_in(3)) g_.call<SetSockOpt>({fd, SOL_SOCKET, SO_REUSEADDR, 1, 4});
      if (choices_.one_in(3)) g_.call<SetSockOpt>({fd, SOL_SOCKET, SO_REUSEPORT, 1, 4});
      if (choices_.one_in(4)) g_.call<SetSockOpt>({fd, IPPROTO_IPV6, IPV6_V6ONLY, 1, 4});
      g_.call<Bind>({fd, choices_.one_in(2) ? std::int64_t{16} : choices_.one_of(values::inet_addresses)});
      if (choices_.one_in(2)) g_.call<Listen>({fd, 1});
      if (choices_.one_in(6)) g_.call<GetSockName>({fd, 128});
    }
    if (choices_.one_in(2)) g_.call<Listen>({choices_.one_of(fds), 1});
    const int client = inet_socket(type | SOCK_NONBLOCK);
    g_.call<Connect>({client, choices_.one_of(values::inet_addresses)});
    if (choices_.one_in(2)) send_any(client);
    if (choices_.one_in(2)) g_.call<Close>({choices_.one_of(fds)});
    for (const int fd : fds) {
      if (choices_.one_in(2)) g_.call<Accept4>({fd, SOCK_NONBLOCK, 128});
    }
    g_.call<GetPeerName>({client, 128});
    g_.call<GetSockName>({client, 128});
  }

  // Two that may be bound to one port, of which only one may listen.
  void listen_twice() {
    const int first = listen_at(16, 1);
    const int second = inet_socket(SOCK_STREAM | SOCK_NONBLOCK);
    if (choices_.one_in(2)) g_.call<Close>({first});
    g_.call<SetSockOpt>({second, SOL_SOCKET, SO_REUSEADDR, 1, 4});
    const auto third = static_cast<int>(g_.call<Socket>({AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0}));
    g_.call<SetSockOpt>({third, SOL_SOCKET, SO_REUSEADDR, 1, 4});
    g_.call<Bind>({second, choices_.one_in(2) ? 16 : 25});
    g_.call<Bind>({third, choices_.one_in(2) ? 16 : 18});
    if (choices_.one_in(4)) g_.call<SetSockOpt>({third, SOL_SOCKET, SO_REUSEADDR, 0, 4});
    g_.call<Listen>({second, 1});
    g_.call<Listen>({third, 1});
  }

  // Where nothing gets to, and what nobody may be bound to.
  void out_of_reach() {
    constexpr std::int64_t addresses[] = {27, 28, 29, 30, 30, 36};
    const bool is_udp = !choices_.one_in(3);
    const int fd = inet_socket((is_udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_NONBLOCK);
    if (choices_.one_in(2)) g_.call<Bind>({fd, choices_.one_in(2) ? std::int64_t{19} : choices_.one_of(addresses)});
    for (std::size_t n = 1 + choices_.below(3); n > 0; --n) {
      const std::int64_t to = choices_.one_of(addresses);
      choices_.one_in(3) ? static_cast<void>(g_.call<Connect>({fd, to})) : send_to(fd, to);
    }
  }

  // Reset while whoever connected has not heard yet that it did.
  void reset_unheard() {
    const int listener = listen_at(16, 5);
    const int fd = inet_socket(SOCK_STREAM | SOCK_NONBLOCK);
    g_.call<Connect>({fd, 16});
    const auto accepted = static_cast<int>(g_.call<Accept4>({listener, SOCK_NONBLOCK, 128}));
    if (choices_.one_in(3)) send_any(fd);
    g_.call<Close>({accepted});
    send_any(fd);
    if (choices_.one_in(3)) send_any(fd);
    if (!choices_.one_in(3)) {
      g_.call<Connect>({fd, 32});
      receive_any(fd);
    }
    g_.call<Connect>({fd, 16});
    do_something(fd, listener);
  }

  // Two that share a port, and connect to the same.
  void same_ends() {
    listen_at(16, 5);
    std::array<int, 2> fds{-1, -1};
    for (int& fd : fds) {
      fd = inet_socket(SOCK_STREAM | SOCK_NONBLOCK);
      g_.call<SetSockOpt>({fd, SOL_SOCKET, SO_REUSEADDR, 1, 4});
      g_.call<Bind>({fd, 17});
    }
    for (const int fd : fds) g_.call<Connect>({fd, choices_.one_in(8) ? choices_.one_of(values::inet_addresses) : 16});
    do_something(fds[0], fds[1]);
  }

  // The port of a connection that one side has ended.
  void bind_again() {
    const Ends ends = tcp_pair(SOCK_NONBLOCK);
    const int first = choices_.one_in(2) ? ends.reader : ends.writer;
    const int second = first == ends.reader ? ends.writer : ends.reader;
    if (choices_.one_in(3)) g_.call<Shutdown>({first, SHUT_WR});
    g_.call<Close>({first});
    if (choices_.one_in(2)) g_.call<Close>({second});
    const int listener = g_.find(Wants::listener);
    if (listener >= 0) g_.call<Close>({listener});
    const int again = inet_socket(SOCK_STREAM | SOCK_NONBLOCK);
    if (choices_.one_in(2)) g_.call<SetSockOpt>({again, SOL_SOCKET, SO_REUSEADDR, 1, 4});
    g_.call<Bind>({again, 16});
    g_.call<Listen>({again, 1});
  }

  // Datagrams to whom it may concern.
  void datagrams() {
    const int receiver = inet_socket(SOCK_DGRAM | (choices_.one_in(6) ? 0 : SOCK_NONBLOCK));
    const int sender = inet_socket(SOCK_DGRAM | SOCK_NONBLOCK);
    const std::int64_t name = choices_.one_in(3) ? choices_.one_of(values::inet_addresses) : std::int64_t{16};
    const int ep = epoll();
    add(ep, receiver, watched());
    add(ep, sender, watched());
    if (choices_.one_in(3))
      g_.call<SetSockOpt>({receiver, SOL_SOCKET, SO_RCVBUF, choices_.one_of(values::option_values), 4});
    if (!choices_.one_in(6)) g_.call<Bind>({receiver, name});
    if (choices_.one_in(2)) g_.call<Connect>({sender, name});
    for (std::size_t n = 3 + choices_.below(10); n > 0; --n) {
      switch (choices_.below(14)) {
        case 12: g_.call<SendTo>({sender, 0, 0, name}); break;
        case 13: g_.call<SetSockOpt>({sender, SOL_SOCKET, SO_SNDBUF, choices_.one_of(values::option_values), 4}); break;
        case 0:
          g_.call<Connect>({choices_.one_in(2) ? sender : receiver, choices_.one_of(values::inet_addresses)});
          break;
        case 1: g_.call<Connect>({choices_.one_in(2) ? sender : receiver, 32}); break;
        case 2: g_.call<Shutdown>({choices_.one_in(2) ? sender : receiver, choices_.one_of(values::hows)}); break;
        case 3: g_.call<GetSockOpt>({sender, SOL_SOCKET, SO_ERROR, 4}); break;
        case 4: g_.call<GetSockName>({choices_.one_in(2) ? sender : receiver, 128}); break;
        case 5: send_to(sender, choices_.one_of(values::inet_addresses)); break;
        case 6:
        case 7: receive_any(receiver); break;
        case 8: receive_any(sender); break;
        case 9: send_to(sender, name); break;
        case 10: g_.call<Ioctl>({receiver, FIONREAD}); break;
        default: send_any(sender); break;
      }
      if (choices_.one_in(3)) wait(ep, small_max());
    }
    if (choices_.one_in(2)) g_.call<Close>({receiver});
    send_any(sender);
    receive_any(sender);
    wait(ep, 4);
  }

  // More than a receiver has room for.
  void flood() {
    const int receiver = inet_socket(SOCK_DGRAM | SOCK_NONBLOCK);
    const int sender = inet_socket(SOCK_DGRAM | SOCK_NONBLOCK);
    g_.call<SetSockOpt>({receiver, SOL_SOCKET, SO_RCVBUF, choices_.one_of(values::option_values), 4});
    g_.call<Bind>({receiver, 16});
    g_.call<Connect>({sender, 16});
    const int ep = epoll();
    add(ep, receiver, in | et);
    add(ep, sender, out | et);
    g_.extend(24);
    const std::int64_t n = size();
    for (int i = 0; i < 24 && !g_.is_done(); ++i) {
      if (choices_.one_in(3)) {
        g_.call<RecvFrom>({receiver, 65536, choices_.one_in(4) ? int{MSG_PEEK} : 0, 128});
      } else {
        g_.call<SendTo>({sender, choices_.one_in(3) ? size() : n, 0});
      }
      if (choices_.one_in(4)) wait(ep, 2);
    }
    for (int i = 0; i < 24 && !g_.is_done(); ++i) {
      if (g_.call<RecvFrom>({receiver, 65536, 0, 128}) < 0) break;
    }
  }

 private:
  std::int64_t watched() {
    return choices_.one_in(3) ? g_.random_mask()
                              : in | out | EPOLLRDHUP | (choices_.one_in(3) ? int{EPOLLPRI} : 0) | et;
  }

  void cut(int fd) {
    g_.call<SetSockOpt>({fd, SOL_SOCKET, SO_LINGER, 1, 8});
    g_.call<Close>({fd});
  }

  void do_something(int fd, int other) {
    switch (choices_.below(20)) {
      case 0: g_.call<Shutdown>({fd, choices_.one_of(values::hows)}); break;
      case 1: choices_.one_in(3) ? cut(fd) : static_cast<void>(g_.call<Close>({fd})); break;
      case 2: g_.call<SendTo>({fd, static_cast<std::int64_t>(1 + choices_.below(4)), MSG_OOB}); break;
      case 3: g_.call<RecvFrom>({fd, 8, choices_.one_in(3) ? MSG_OOB | MSG_PEEK : int{MSG_OOB}, 128}); break;
      case 4: g_.call<Ioctl>({fd, SIOCATMARK}); break;
      case 5: g_.call<Ioctl>({fd, FIONREAD}); break;
      case 6: g_.call<GetSockOpt>({fd, SOL_SOCKET, SO_ERROR, 4}); break;
      case 7:
        g_.call<SetSockOpt>({fd, SOL_SOCKET,
                             choices_.one_in(2) ? std::int64_t{SO_OOBINLINE} : std::int64_t{SO_RCVLOWAT},
                             choices_.one_in(2) ? 1 : 5, 4});
        break;
      case 8:
        g_.call<Connect>({fd, choices_.one_in(2) ? std::int64_t{32} : choices_.one_of(values::inet_addresses)});
        break;
      case 9: g_.call<GetPeerName>({fd, 128}); break;
      case 10: g_.call<GetSockName>({fd, 128}); break;
      case 11: g_.call<Listen>({fd, 1}); break;
      case 12:
      case 13: receive_any(fd); break;
      case 14: receive_any(other); break;
      default: send_any(fd); break;
    }
  }
};

}  // namespace differential
