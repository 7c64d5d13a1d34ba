// ByteManoeuvres: full pipes and sockets, merges, ends that go, connections, limits, and calls that are wrong.
// Included by manoeuvres_sockets.hpp.
#pragma once

#include "manoeuvre_tools.hpp"

namespace differential {

class ByteManoeuvres : public ManoeuvreTools {
 protected:
  using ManoeuvreTools::ManoeuvreTools;

  void fill_and_drain() {
    const Ends ends = choices_.one_in(2) ? pipe() : pair();
    const int ep = epoll();
    if (ends.writer != ends.reader && choices_.one_in(2)) {
      // Small, so that its limits are met soon.
      if (kernel::file_cast<kernel::PipeEnd>(g_.kernel().file(ends.writer)) != nullptr) {
        g_.call<FcntlSetPipeSize>({ends.writer, choices_.one_of(values::pipe_sizes)});
      } else {
        constexpr std::int64_t buffers[] = {0, 2304, 2560, 4096, 10000, 10240};
        g_.call<SetSockOpt>({ends.writer, SOL_SOCKET, SO_SNDBUF, choices_.one_of(buffers), 4});
      }
    }
    add(ep, ends.writer, out | (choices_.one_in(4) ? 0 : et));
    if (choices_.one_in(2)) add(ep, ends.reader, in | (choices_.one_in(4) ? 0 : et));
    fill(ends.writer);
    if (choices_.one_in(4)) g_.call<FcntlSetPipeSize>({ends.writer, 131072});
    wait(ep, 10);
    // Slowly, as it is a matter of single bytes when there is room again.
    for (std::size_t n = 2 + choices_.below(6); n > 0; --n) {
      read(ends.reader, choices_.one_of(values::rooms));
      if (choices_.one_in(2)) wait(ep, small_max());
      if (choices_.one_in(4)) write(ends.writer, size());
    }
    if (choices_.one_in(2)) drain(ends.reader);
    wait(ep, 10);
  }

  // Calls that wait for ever, some after they moved a part.
  void interrupt() {
    const Ends ends = choices_.one_in(2) ? pipe(0) : pair(0);
    const int ep = epoll();
    if (choices_.one_in(2)) add(ep, ends.reader, in | et);
    if (choices_.one_in(2)) add(ep, ends.writer, out | et);
    switch (choices_.below(6)) {
      case 0: g_.call<Read>({ends.reader, size()}); break;
      case 1: g_.call<Write>({ends.writer, 300000}); break;
      case 2: g_.call<Writev>({ends.writer}, {{0, 200000}, {0, 100000}}); break;
      case 3: g_.call<SendTo>({ends.writer, 300000, 0}); break;
      case 4: {
        const auto fd = static_cast<int>(g_.call<EventFd>({0, 0}));
        add(ep, fd, in | out | et);
        g_.call<Write>({fd, 8, -2});
        g_.call<Write>({fd, 8, 1});
        g_.call<Read>({fd, 8});
        break;
      }
      default: {
        const auto listener = static_cast<int>(g_.call<Socket>({AF_UNIX, SOCK_STREAM, 0}));
        g_.call<Bind>({listener, 4});
        g_.call<Listen>({listener, 0});
        if (choices_.one_in(2)) g_.call<Accept4>({listener, 0, 128});
        for (int i = 0; i < 2; ++i) {
          const auto client = static_cast<int>(g_.call<Socket>({AF_UNIX, SOCK_STREAM, 0}));
          g_.call<Connect>({client, 4});
        }
        break;
      }
    }
    wait(ep, 4);
    switch (choices_.below(4)) {
      case 0: g_.call<Write>({ends.writer, size()}); break;
      case 1: g_.call<Writev>({ends.writer}, {{0, size()}, {0, 1}}); break;
      case 2: g_.call<SendTo>({ends.writer, size(), 0}); break;
      default: g_.call<RecvFrom>({ends.reader, size(), MSG_WAITALL, 128}); break;
    }
    wait(ep, 4);
  }

  // A socket whose buffer is just about a quarter full, which is when it is writable again.
  void quarter() {
    const Ends ends = pair();
    const int ep = epoll();
    constexpr std::int64_t buffers[] = {2560, 3072, 4096, 5120, 6144};
    constexpr std::int64_t chunks[] = {1, 1, 193, 705, 1700};
    g_.call<SetSockOpt>({ends.writer, SOL_SOCKET, SO_SNDBUF, choices_.one_of(buffers), 4});
    add(ep, ends.writer, out | (choices_.one_in(3) ? 0 : et));
    for (std::size_t n = 3 + choices_.below(6); n > 0; --n) write(ends.writer, choices_.one_of(chunks));
    for (std::size_t n = 3 + choices_.below(5); n > 0; --n) {
      wait(ep, 4);
      read(ends.reader, choices_.one_of(chunks));
      if (choices_.one_in(4)) write(ends.writer, choices_.one_of(chunks));
    }
    wait(ep, 4);
  }

  // What tops up a pipe's last slot, and what does not.
  void merge() {
    const Ends ends = pipe(choices_.one_in(5) ? O_NONBLOCK | O_DIRECT : O_NONBLOCK);
    if (choices_.one_in(2)) g_.call<FcntlSetPipeSize>({ends.writer, choices_.one_of(values::pipe_sizes)});
    const int ep = epoll();
    add(ep, ends.writer, out | et);
    for (std::size_t n = 4 + choices_.below(8); n > 0; --n) {
      constexpr std::int64_t sizes[] = {1, 200, 2048, 2049, 4000, 4095, 4096, 4192, 4193, 5000, 8191, 12288, 61440};
      write(ends.writer, choices_.one_of(sizes));
      if (choices_.one_in(3)) read(ends.reader, choices_.one_of(sizes));
      if (choices_.one_in(6)) wait(ep, 4);
    }
    g_.call<Ioctl>({ends.reader, FIONREAD});
    drain(ends.reader);
    wait(ep, 4);
  }

  void hang_up() {
    const Ends ends = choices_.one_in(2) ? pipe() : pair();
    const int ep = epoll();
    add(ep, ends.reader, g_.random_mask());
    add(ep, ends.writer, g_.random_mask());
    if (choices_.one_in(2)) write(ends.writer, size());
    if (choices_.one_in(3)) write(ends.reader, size());
    if (choices_.one_in(3)) fill(ends.writer);
    const bool reader_goes = choices_.one_in(2);
    const int gone = reader_goes ? ends.reader : ends.writer;
    const int left = reader_goes ? ends.writer : ends.reader;
    if (choices_.one_in(4)) g_.call<Dup>({gone});
    g_.call<Close>({gone});
    wait(ep, small_max());
    for (std::size_t n = 1 + choices_.below(4); n > 0; --n) {
      switch (choices_.below(4)) {
        case 0: read(left, choices_.one_of(values::rooms)); break;
        case 1: write(left, size()); break;
        case 2: g_.call<GetSockOpt>({left, SOL_SOCKET, SO_ERROR, 4}); break;
        default: wait(ep, small_max()); break;
      }
    }
  }

  void serve() {
    const std::int64_t name = choices_.one_of(values::addresses);
    const std::int64_t type = choices_.one_in(3) ? SOCK_SEQPACKET : SOCK_STREAM;
    const auto listener = static_cast<int>(g_.call<Socket>({AF_UNIX, type | SOCK_NONBLOCK, 0}));
    const int ep = epoll();
    if (choices_.one_in(2)) add(ep, listener, g_.random_mask());
    g_.call<Bind>({listener, name});
    g_.call<Listen>({listener, choices_.one_of(values::backlogs)});
    add(ep, listener, in | (choices_.one_in(2) ? et : 0));
    int client = -1;
    for (std::size_t n = 1 + choices_.below(4); n > 0; --n) {
      const std::int64_t its_type = choices_.one_in(10) ? socket_type() : type;
      client = static_cast<int>(g_.call<Socket>({AF_UNIX, its_type | SOCK_NONBLOCK, 0}));
      if (choices_.one_in(3)) add(ep, client, g_.random_mask());
      if (choices_.one_in(5)) g_.call<Bind>({client, choices_.one_of(values::addresses)});
      g_.call<Connect>({client, name});
      if (choices_.one_in(2)) write(client, size());
      if (choices_.one_in(3)) wait(ep, small_max());
      if (choices_.one_in(6)) g_.call<Connect>({client, name});
      if (choices_.one_in(12)) g_.call<Accept4>({listener, 0, 128, bad});
      if (choices_.one_in(2)) {
        const auto served = static_cast<int>(g_.call<Accept4>({listener, SOCK_NONBLOCK, 128}));
        if (served >= 0) read(served, 65536);
        if (served >= 0 && choices_.one_in(2)) g_.call<GetPeerName>({served, 128});
      }
    }
    if (choices_.one_in(4)) g_.call<Shutdown>({listener, choices_.one_of(values::hows)});
    if (choices_.one_in(3)) g_.call<Close>({choices_.one_in(2) ? listener : client});
    if (choices_.one_in(3)) g_.call<Unlink>({2});
    wait(ep, 10);
  }

  // Fds on their way: closed at the one end, with their registrations alive, until they come out at the other.
  void pass_fds() {
    const Ends ends = pair();
    const int ep = epoll();
    const Ends passed = channel();
    add(ep, passed.reader, g_.random_mask());
    if (choices_.one_in(2)) add(ep, ends.reader, in | et);
    const std::int64_t also = choices_.one_in(3) ? passed.writer : no_fd;
    g_.call<SendMsg>({ends.writer, 0, 0, passed.reader, also, values::no_value}, {{0, size()}});
    if (choices_.one_in(3)) g_.call<SendMsg>({ends.writer, 0, 0, ep, no_fd, values::no_value}, {{0, 1}});
    if (!choices_.one_in(4)) g_.call<Close>({passed.reader});
    if (passed.writer != passed.reader) write(passed.writer, size());
    wait(ep, small_max());
    switch (choices_.below(5)) {
      case 0: read(ends.reader, 65536); break;  // Which throws the fds away.
      case 1: g_.call<Close>({ends.reader}); break;
      case 2: g_.call<RecvMsg>({ends.reader, MSG_PEEK, 64, 128}, {{0, 100}}); break;
      default: g_.call<RecvMsg>({ends.reader, choices_.one_in(3) ? MSG_CMSG_CLOEXEC : 0, 64, 128}, {{0, 65536}}); break;
    }
    wait(ep, small_max());
    g_.call<RecvMsg>({ends.reader, MSG_DONTWAIT, choices_.one_of(values::control_rooms), 128}, {{0, 100}});
    wait(ep, 4);
  }

  // Datagram sockets that send to each other by name, until one is full.
  void send_around() {
    const std::int64_t flags = SOCK_DGRAM | SOCK_NONBLOCK;
    const std::int64_t name = choices_.one_of(values::addresses);
    const auto receiver = static_cast<int>(g_.call<Socket>({AF_UNIX, flags, 0}));
    const auto sender = static_cast<int>(g_.call<Socket>({AF_UNIX, flags, 0}));
    const auto other = static_cast<int>(g_.call<Socket>({AF_UNIX, flags, 0}));
    const int ep = epoll();
    g_.call<Bind>({receiver, name});
    if (choices_.one_in(3)) g_.call<Bind>({sender, choices_.one_of(values::addresses)});
    g_.call<Connect>({sender, name});
    add(ep, sender, out | (choices_.one_in(3) ? 0 : et));
    if (choices_.one_in(2)) add(ep, receiver, in | et);
    const std::size_t many = choices_.one_in(2) ? 12 : choices_.below(4);  // A queue takes eleven.
    for (std::size_t n = many; n > 0 && !g_.is_done(); --n) {
      if (choices_.one_in(8)) g_.call<SendTo>({other, 1, 0, name});
      g_.call<SendTo>({sender, 1 + static_cast<std::int64_t>(choices_.below(3)), 0});
    }
    wait(ep, 4);
    for (std::size_t n = 2 + choices_.below(4); n > 0; --n) {
      switch (choices_.below(6)) {
        case 0: g_.call<SendTo>({other, size(), 0, name}); break;
        case 1: g_.call<Connect>({receiver, choices_.one_of(values::addresses)}); break;
        case 2: g_.call<Shutdown>({choices_.one_in(2) ? receiver : sender, choices_.one_of(values::hows)}); break;
        case 3: g_.call<RecvFrom>({receiver, 2, choices_.one_in(3) ? MSG_PEEK : 0, 128}); break;
        default: g_.call<RecvFrom>({receiver, 100, choices_.one_in(3) ? MSG_TRUNC : 0, 128}); break;
      }
      if (choices_.one_in(2)) wait(ep, 4);
    }
    if (choices_.one_in(3)) g_.call<Close>({receiver});
    write(sender, 1);
    write(sender, 1);
    wait(ep, 4);
  }

  // Signals that are blocked, pending, and let in by a wait.
  void signals() {
    const std::int64_t signal = choices_.one_of(values::signals);
    const std::int64_t all = 7;
    const int ep = epoll();
    const Ends ends = channel();
    add(ep, ends.reader, in);
    g_.call<SigProcMask>({SIG_BLOCK, choices_.one_of(values::signal_sets)});
    for (std::size_t n = 1 + choices_.below(3); n > 0; --n) {
      if (choices_.one_in(2)) {
        g_.call<Tgkill>({signal});
      } else {
        g_.call<Kill>({choices_.one_of(values::signals)});
      }
    }
    g_.call<SigPending>({});
    if (choices_.one_in(3)) write(ends.writer, size());
    const std::int64_t time = choices_.one_in(8) ? -1 : 0;
    switch (choices_.below(4)) {
      case 0: g_.call<EpollPwait>({ep, 4, time, choices_.one_in(2) ? 0 : all}); break;
      case 1: g_.call<EpollPwait2>({ep, 4, 0, time == 0 ? 0 : 300000, choices_.one_in(2) ? 0 : all}); break;
      case 2: g_.call<Ppoll>({0, time == 0 ? 0 : 300000, choices_.one_in(2) ? 0 : all}, {{ends.reader, POLLIN}}); break;
      default: g_.call<Pselect>({64, 0, time == 0 ? 0 : 300000, choices_.one_in(2) ? 0 : all}, {{ends.reader, POLLIN}});
    }
    if (!choices_.one_in(4)) g_.call<SigProcMask>({SIG_UNBLOCK, all});
  }

  // Timers that expire, are read and asked, under edge-triggered watch.
  void timers() {
    const auto timer = static_cast<int>(g_.call<TimerFdCreate>({choices_.one_of(values::clocks), O_NONBLOCK}));
    const int ep = epoll();
    add(ep, timer, choices_.one_in(3) ? in : in | et);
    for (std::size_t n = 3 + choices_.below(6); n > 0; --n) {
      switch (choices_.below(8)) {
        case 0:
        case 1:
        case 2:
          g_.call<TimerFdSetTime>({timer, choices_.one_of(values::timer_flags), choices_.one_of(values::timer_values),
                                   choices_.one_of(values::timer_intervals)});
          break;
        case 3: g_.call<Read>({timer, 8}); break;
        case 4: g_.call<TimerFdGetTime>({timer}); break;
        case 5:
          g_.call<Ioctl>(
              {timer, static_cast<std::int64_t>(rouse::kernel::tfd_ioc_set_ticks), choices_.one_in(4) ? 0 : 3});
          break;
        default: wait(ep, small_max()); break;
      }
    }
    wait(ep, 10);
  }

  // Signals that are blocked and come, for one signalfd or several.
  void signalfds() {
    const std::int64_t all = 7;
    if (!choices_.one_in(6)) g_.call<SigProcMask>({SIG_BLOCK, all});
    const int ep = epoll();
    std::array<int, 3> fds{-1, -1, -1};
    const std::size_t n = 1 + choices_.below(fds.size());
    for (std::size_t i = 0; i < n; ++i) {
      fds[i] = static_cast<int>(g_.call<SignalFd>({choices_.one_of(values::signal_sets), O_NONBLOCK}));
      add(ep, fds[i], choices_.one_in(3) ? in : in | et);
    }
    for (std::size_t k = 4 + choices_.below(8); k > 0; --k) {
      const int fd = fds[choices_.below(n)];
      switch (choices_.below(7)) {
        case 0:
        case 1: g_.call<Kill>({choices_.one_of(values::signals)}); break;
        case 2: g_.call<Tgkill>({choices_.one_of(values::signals)}); break;
        case 3: g_.call<Read>({fd, choices_.one_of(values::record_rooms)}); break;
        case 4: g_.call<SignalFdMask>({fd, choices_.one_of(values::signal_sets), 0}); break;
        default: wait(ep, small_max()); break;
      }
    }
    wait(ep, 10);
    if (!choices_.one_in(4)) g_.call<SigProcMask>({SIG_UNBLOCK, all});
  }

  void urgent() {
    const Ends ends = pair_of(SOCK_STREAM);
    const int ep = epoll();
    add(ep, ends.reader, choices_.one_in(2) ? EPOLLPRI | et : EPOLLPRI | in | et);
    if (choices_.one_in(4)) g_.call<SetSockOpt>({ends.reader, SOL_SOCKET, SO_OOBINLINE, 1, 4});
    for (std::size_t n = 3 + choices_.below(5); n > 0; --n) {
      constexpr std::int64_t few[] = {1, 2, 3, 5};
      constexpr std::int64_t how[] = {0, 0, MSG_PEEK, MSG_OOB, MSG_OOB | MSG_PEEK};
      switch (choices_.below(5)) {
        case 0: g_.call<SendTo>({ends.writer, choices_.one_of(few), MSG_OOB}); break;
        case 1: g_.call<SendTo>({ends.writer, choices_.one_of(few), 0}); break;
        case 2:
        case 3: g_.call<RecvFrom>({ends.reader, choices_.one_of(few), choices_.one_of(how), 128}); break;
        default: g_.call<Ioctl>({ends.reader, choices_.one_in(2) ? SIOCATMARK : FIONREAD}); break;
      }
    }
    wait(ep, 4);
  }

  // An eventfd that holds all it can.
  void saturate() {
    const auto fd = static_cast<int>(g_.call<EventFd>({1, EFD_NONBLOCK | (choices_.one_in(2) ? EFD_SEMAPHORE : 0)}));
    const int ep = epoll();
    add(ep, fd, in | out | et);
    g_.call<Write>({fd, 8, -3});
    g_.call<Write>({fd, 8, INT64_MAX});
    g_.call<Write>({fd, 8, INT64_MAX - 1});
    wait(ep, 4);
    for (std::size_t n = 1 + choices_.below(4); n > 0; --n) {
      g_.call<Write>({fd, 8, static_cast<std::int64_t>(choices_.below(3))});
      if (choices_.one_in(2)) wait(ep, 4);
    }
    read(fd, 8);
    wait(ep, 4);
  }

  void half_close() {
    const Ends ends = pair(choices_.one_in(3) ? SOCK_CLOEXEC | SOCK_NONBLOCK : SOCK_NONBLOCK);
    const int ep = epoll();
    add(ep, ends.reader, in | EPOLLRDHUP | et);
    add(ep, ends.writer, in | out | EPOLLRDHUP | (choices_.one_in(2) ? et : 0));
    for (std::size_t n = 2 + choices_.below(5); n > 0; --n) {
      const int fd = choices_.one_in(2) ? ends.reader : ends.writer;
      switch (choices_.below(5)) {
        case 0: g_.call<Shutdown>({fd, choices_.one_of(values::hows)}); break;
        case 1: write(fd, size()); break;
        case 2: read(fd, choices_.one_of(values::rooms)); break;
        case 3: g_.call<RecvFrom>({fd, 100, MSG_PEEK, 128}); break;
        default: wait(ep, small_max()); break;
      }
    }
    wait(ep, 4);
  }

  void exhaust_fds() {
    const int top = g_.fds().empty() ? 3 : g_.fds().back().fd;
    g_.call<SetRlimit>({top + static_cast<std::int64_t>(choices_.below(3))});
    if (choices_.one_in(4)) {
      // The limit is also one on how many entries poll takes.
      g_.call<SetRlimit>({static_cast<std::int64_t>(choices_.below(5))});
      g_.call<Poll>({0}, {{3, POLLIN}, {4, POLLOUT}, {5, POLLIN}});
    }
    for (std::size_t n = 3 + choices_.below(5); n > 0; --n) {
      switch (choices_.below(8)) {
        case 0: g_.call<EventFd>({0, EFD_NONBLOCK}); break;
        case 1: g_.call<Pipe2>({O_NONBLOCK}); break;
        case 2: g_.call<SocketPair>({AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0}); break;
        case 3: g_.call<EpollCreate1>({0}); break;
        case 4: g_.call<Dup>({g_.find(Wants::any)}); break;
        case 5: g_.call<FcntlDupFd>({g_.find(Wants::any), top}); break;
        case 6: g_.call<Accept4>({g_.find(choices_.one_in(3) ? Wants::any : Wants::socket), SOCK_NONBLOCK, 128}); break;
        default: g_.call<Socket>({AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0}); break;
      }
    }
    if (!choices_.one_in(6)) g_.call<SetRlimit>({1024});
  }

  // Calls with several things wrong at once, on files of all sorts.
  void blunder() {
    if (g_.find(Wants::unpollable) < 0) g_.call<OpenNull>({O_RDWR});
    epoll();
    for (std::size_t n = 3 + choices_.below(6); n > 0 && !g_.is_done(); --n) {
      constexpr std::size_t fussy[] = {index_of<EpollCtl>,    index_of<EpollCtl>,    index_of<Pread>,
                                       index_of<Pread>,       index_of<Pwrite>,      index_of<Pwrite>,
                                       index_of<GetSockName>, index_of<GetPeerName>, index_of<GetSockOpt>};
      choices_.one_in(2) ? g_.careless_call(choices_.one_of(fussy)) : g_.careless_call();
    }
  }
};

}  // namespace differential
