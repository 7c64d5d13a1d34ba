// SocketManoeuvres: every call that sends or receives, on sockets that refuse: unconnected ones, receivers that turned
// to somebody else or are full, peers that went and left messages unread. Included by manoeuvres.hpp.
#pragma once

#include "manoeuvres_bytes.hpp"

namespace differential {

class SocketManoeuvres : public ByteManoeuvres {
 protected:
  using ByteManoeuvres::ByteManoeuvres;

  void unconnected() {
    const std::int64_t type = choices_.one_in(2) ? std::int64_t{SOCK_SEQPACKET} : socket_type();
    const int fd = socket(type | (choices_.one_in(4) ? 0 : SOCK_NONBLOCK));
    if (choices_.one_in(4)) g_.call<Bind>({fd, choices_.one_of(values::addresses)});
    if (choices_.one_in(6)) g_.call<Listen>({fd, 1});
    for (std::size_t n = 2 + choices_.below(4); n > 0; --n) choices_.one_in(2) ? send_any(fd) : receive_any(fd);
  }

  // A datagram socket whose peer has another peer, is closed, or is of another type.
  void refused() {
    const std::int64_t name = choices_.one_of(values::addresses);
    const std::int64_t others_name = name == 2 ? 3 : 2;
    const int receiver = socket(SOCK_DGRAM | SOCK_NONBLOCK);
    const int sender = socket(SOCK_DGRAM | SOCK_NONBLOCK);
    g_.call<Bind>({receiver, name});
    g_.call<Connect>({sender, name});
    const int ep = epoll();
    if (choices_.one_in(2)) add(ep, sender, in | out | et);
    if (choices_.one_in(2)) send_any(sender);
    if (choices_.one_in(3)) {
      g_.call<Close>({receiver});
    } else {
      const int other = socket(choices_.one_in(4) ? SOCK_STREAM | SOCK_NONBLOCK : SOCK_DGRAM | SOCK_NONBLOCK);
      g_.call<Bind>({other, others_name});
      g_.call<Connect>({receiver, others_name});
    }
    for (std::size_t n = 2 + choices_.below(3); n > 0; --n) {
      switch (choices_.below(6)) {
        case 0: send_to(sender, name); break;
        case 1: send_to(sender, others_name); break;
        case 2: receive_any(sender); break;
        default: send_any(sender); break;
      }
    }
    wait(ep, 4);
  }

  // Names of sockets that messages of another type cannot be sent to.
  void wrong_type() {
    const std::int64_t name = choices_.one_of(values::addresses);
    const int named = socket(choices_.one_in(2) ? SOCK_STREAM : SOCK_SEQPACKET);
    g_.call<Bind>({named, name});
    if (choices_.one_in(2)) g_.call<Listen>({named, 1});
    const int sender = socket(SOCK_DGRAM | SOCK_NONBLOCK);
    for (std::size_t n = 1 + choices_.below(2); n > 0; --n) send_to(sender, name);
    if (choices_.one_in(3)) g_.call<Connect>({sender, name});
  }

  // A peer that goes, and what it had not read with it.
  void reset() {
    const Ends ends = pair_of(choices_.one_in(3) ? SOCK_STREAM : SOCK_SEQPACKET,
                              choices_.one_in(4) ? std::int64_t{0} : std::int64_t{SOCK_NONBLOCK});
    const int ep = epoll();
    if (choices_.one_in(2)) add(ep, ends.writer, in | out | EPOLLRDHUP | et);
    for (std::size_t n = 1 + choices_.below(3); n > 0; --n) send_any(ends.writer);
    if (choices_.one_in(2)) send_any(ends.reader);
    g_.call<Close>({ends.reader});
    if (choices_.one_in(4)) wait(ep, 4);
    for (std::size_t n = 1 + choices_.below(4); n > 0; --n) {
      choices_.one_in(2) ? send_any(ends.writer) : receive_any(ends.writer);
    }
    wait(ep, 4);
  }

  // Messages between two, watched for edges at both ends.
  void pass_messages() {
    const bool is_datagram = choices_.one_in(2);
    const Ends ends = pair_of(is_datagram ? SOCK_DGRAM : SOCK_SEQPACKET);
    const int ep = epoll();
    add(ep, ends.writer, choices_.one_in(2) ? out | et : out | et | EPOLLRDHUP);
    add(ep, ends.reader, in | et);
    if (choices_.one_in(2)) g_.call<SetSockOpt>({ends.writer, SOL_SOCKET, SO_SNDBUF, 10000, 4});
    if (is_datagram) {
      const int named = socket(SOCK_DGRAM | SOCK_NONBLOCK);
      g_.call<Bind>({named, 2});
    }
    for (std::size_t n = 3 + choices_.below(6); n > 0; --n) {
      switch (choices_.below(12)) {
        case 0: g_.call<SendTo>({ends.writer, 0, 0}); break;
        case 1:
        case 10: g_.call<RecvFrom>({ends.reader, choices_.one_in(4) ? 1 : 0, 0, 128}); break;
        case 2: receive_any(ends.reader); break;
        case 3:
          g_.call<SetSockOpt>({ends.writer, SOL_SOCKET, SO_SNDBUF, choices_.one_of(values::option_values), 4});
          break;
        case 4: g_.call<GetSockOpt>({ends.writer, SOL_SOCKET, SO_ERROR, 4}); break;
        case 5: wait(ep, small_max()); break;
        case 6:
          if (is_datagram) g_.call<Connect>({choices_.one_in(3) ? ends.writer : ends.reader, 2});
          break;
        case 7:
          g_.call<Shutdown>({choices_.one_in(2) ? ends.reader : ends.writer, choices_.one_of(values::hows)});
          break;
        default: send_any(ends.writer); break;
      }
    }
    if (choices_.one_in(2)) g_.call<Close>({choices_.one_in(2) ? ends.reader : ends.writer});
    receive_any(ends.reader);
    send_any(ends.writer);
    wait(ep, 4);
  }

  // Buffers that end where memory does, before what there is to be moved does.
  void cut_short() {
    const Ends ends = channel();
    const int ep = epoll();
    add(ep, ends.reader, choices_.one_in(2) ? in | et : g_.random_mask());
    add(ep, ends.writer, g_.random_mask());
    for (std::size_t n = 3 + choices_.below(6); n > 0; --n) {
      const std::int64_t buffer = short_pointer + choices_.one_of(values::short_sizes);
      const std::int64_t n_bytes = is_eventfd(ends.reader) ? 8 : choices_.one_in(2) ? std::int64_t{65536} : size();
      const std::int64_t flags = choices_.one_in(4) ? MSG_PEEK : 0;
      switch (choices_.below(10)) {
        case 0:
        case 1: g_.call<Write>({ends.writer, n_bytes, values::no_value, buffer}); break;
        case 2: g_.call<Read>({ends.reader, n_bytes, buffer}); break;
        case 3: g_.call<Writev>({ends.writer, values::no_value}, {{0, size()}, {buffer, n_bytes}}); break;
        case 4: g_.call<Readv>({ends.reader}, {{buffer, size()}, {0, n_bytes}}); break;
        case 5: g_.call<SendTo>({ends.writer, n_bytes, 0, 0, buffer}); break;
        case 6: g_.call<RecvFrom>({ends.reader, n_bytes, flags, 128, buffer}); break;
        case 7: g_.call<RecvMsg>({ends.reader, flags, 64, 128}, {{0, size()}, {buffer, n_bytes}}); break;
        case 8: g_.call<EpollWait>({ep, 4, 0, buffer}); break;
        default: write(ends.writer, size()); break;
      }
    }
    g_.call<EpollWait>({ep, 4, 0, short_pointer + 12 + static_cast<std::int64_t>(choices_.below(13))});
    wait(ep, 10);
  }

  // A socket that sends until it has to wait, for ever, and one that waits for what nobody sends.
  void blocked() {
    int sender = -1;
    int receiver = -1;
    const int ep = epoll();
    if (choices_.one_in(2)) {
      const std::int64_t name = choices_.one_of(values::addresses);
      receiver = socket(SOCK_DGRAM);
      sender = socket(SOCK_DGRAM | SOCK_NONBLOCK);
      g_.call<Bind>({receiver, name});
      g_.call<Connect>({sender, name});
      g_.extend(8);
      for (int i = 0; i < 12 && !g_.is_done(); ++i) g_.call<SendTo>({sender, 1, 0});  // A queue takes eleven.
    } else {
      const Ends ends = pair(SOCK_NONBLOCK);
      sender = ends.writer;
      receiver = ends.reader;
      g_.call<SetSockOpt>({sender, SOL_SOCKET, SO_SNDBUF, 2304, 4});
      for (int i = 0; i < 4 && !g_.is_done(); ++i) g_.call<SendTo>({sender, 2304, 0});
    }
    if (choices_.one_in(3)) add(ep, sender, out | et);
    g_.call<FcntlSetFl>({sender, 0});
    if (choices_.one_in(4)) g_.call<FcntlSetFl>({receiver, 0});
    send_any(sender);
    if (choices_.one_in(3)) receive_any(sender);
    for (std::size_t n = choices_.below(3); n > 0; --n) receive_any(receiver);
    send_any(sender);
    wait(ep, 4);
  }

  // More files in messages than may be open. Linux counts those of all that the user runs, so that what is still
  // allowed is better not asked.
  void too_many_passed() {
    const Ends ends = pair();
    const Ends passed = pipe();
    std::int64_t n = 0;
    for (std::size_t k = 1 + choices_.below(3); k > 0; --k) {
      const std::int64_t also = choices_.one_in(3) ? passed.writer : no_fd;
      if (g_.call<SendMsg>({ends.writer, 0, 0, passed.reader, also, values::no_value}, {{0, 1}}) < 0) return;
      n += also == no_fd ? 1 : 2;
    }
    g_.call<SetRlimit>({choices_.one_in(2) ? 0 : n - 1});
    g_.call<SendMsg>({ends.writer, 0, 0, passed.reader, no_fd, values::no_value}, {{0, 1}});
    g_.call<SendMsg>({ends.writer, 0, 0, no_fd, no_fd, values::no_value}, {{0, 1}});
    g_.call<SetRlimit>({1024});
  }

 protected:
  int inet_socket(std::int64_t type) { return static_cast<int>(g_.call<Socket>({inet_family(), type, 0})); }
  int socket(std::int64_t type) { return static_cast<int>(g_.call<Socket>({AF_UNIX, type, 0})); }

  void send_any(int fd) {
    constexpr std::int64_t sizes[] = {1, 1, 2, 8, 192, 193, 1000};
    const std::int64_t n = choices_.one_of(sizes);
    switch (choices_.below(4)) {
      case 0: g_.call<Write>({fd, n}); break;
      case 1: g_.call<Writev>({fd}, {{0, n}, {0, 1}}); break;
      case 2: g_.call<SendTo>({fd, n, choices_.one_of(values::send_flags)}); break;
      default: g_.call<SendMsg>({fd, choices_.one_of(values::send_flags), 0, no_fd, no_fd, values::no_value}, {{0, n}});
    }
  }
  void send_to(int fd, std::int64_t name) {
    if (choices_.one_in(2)) {
      g_.call<SendTo>({fd, size(), 0, name});
    } else {
      g_.call<SendMsg>({fd, 0, name, no_fd, no_fd, values::no_value}, {{0, size()}});
    }
  }
  void receive_any(int fd) {
    const std::int64_t n = choices_.one_of(values::rooms);
    const std::int64_t flags = choices_.one_of(values::receive_flags);
    switch (choices_.below(4)) {
      case 0: g_.call<Read>({fd, n}); break;
      case 1: g_.call<Readv>({fd}, {{0, 1}, {0, n}}); break;
      case 2: g_.call<RecvFrom>({fd, n, flags, 128}); break;
      default: g_.call<RecvMsg>({fd, flags, 64, 128}, {{0, n}}); break;
    }
  }
};

}  // namespace differential
