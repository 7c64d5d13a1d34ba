#include "hosts.hpp"
#include "parts.hpp"
#include "rouse/tcp_listener.hpp"
#include "rouse/tcp_stream.hpp"

#include <algorithm>

namespace bench {

namespace {

struct AddAndRemove {
  template <class B>
  void operator()(B backend, Meter& meter) const {
    BasicEpoll<B> epoll{backend};
    BasicEventFd<B> event{backend};
    meter.measure([&] {
      epoll.add(event, EventFlags::in);
      epoll.remove(event);
    });
  }
};

struct Modify {
  template <class B>
  void operator()(B backend, Meter& meter) const {
    BasicEpoll<B> epoll{backend};
    BasicEventFd<B> event{backend};
    epoll.add(event, EventFlags::in);
    meter.measure([&] { epoll.modify(event, EventFlags::in, 1); });
  }
};

/// epoll_wait(0) with so many ready, level-triggered: they are all reported each time.
struct Wait {
  std::size_t ready;

  template <class B>
  void operator()(B backend, Meter& meter) const {
    BasicEpoll<B> epoll{backend};
    std::vector<BasicEventFd<B>> all;
    for (std::size_t i = 0; i < std::max<std::size_t>(ready, 1); ++i) {
      all.emplace_back(backend, ready == 0 ? 0 : 1);
      epoll.add(all.back(), EventFlags::in);
    }
    EventVec events(64);
    meter.measure([&] { expect(epoll.wait(events, Timeout::now) == ready); });
  }
};

struct Poll {
  template <class B>
  void operator()(B backend, Meter& meter) const {
    const BasicEventFd<B> event{backend, 1};
    meter.measure([&] {
      ::pollfd entry{event.fd(), POLLIN, 0};
      expect(backend.poll(&entry, 1, 0).value() == 1);
    });
  }
};

struct EventFdWriteAndRead {
  template <class B>
  void operator()(B backend, Meter& meter) const {
    BasicEventFd<B> event{backend};
    meter.measure([&] {
      event.write(1);
      expect(event.read() == 1);
    });
  }
};

struct SetTimer {
  template <class B>
  void operator()(B backend, Meter& meter) const {
    const int fd = backend.timerfd_create(CLOCK_MONOTONIC, 0).value();
    const ::itimerspec hour{{0, 0}, {3600, 0}};
    meter.measure([&] { expect(backend.timerfd_settime(fd, 0, &hour, nullptr).ok()); });
    expect(backend.close(fd).ok());
  }
};

/// `make(backend, fds)` says how many it made.
template <class Make>
struct MakeAndClose {
  Make make;

  template <class B>
  void operator()(B backend, Meter& meter) const {
    meter.measure([&] {
      int fds[2];
      for (int n = make(backend, fds); n > 0; --n) expect(backend.close(fds[n - 1]).ok());
    });
  }
};
template <class Make>
MakeAndClose(Make) -> MakeAndClose<Make>;

constexpr auto make_eventfd = [](auto backend, int* fds) { return fds[0] = backend.eventfd(0, 0).value(), 1; };
constexpr auto make_epoll = [](auto backend, int* fds) { return fds[0] = backend.epoll_create1(0).value(), 1; };
constexpr auto make_timerfd = [](auto backend, int* fds) {
  return fds[0] = backend.timerfd_create(CLOCK_MONOTONIC, 0).value(), 1;
};
constexpr auto make_pipe = [](auto backend, int* fds) { return backend.pipe2(fds, 0).value(), 2; };
constexpr auto make_unix_pair = [](auto backend, int* fds) {
  return backend.socketpair(AF_UNIX, SOCK_STREAM, 0, fds).value(), 2;
};
constexpr auto make_tcp_socket = [](auto backend, int* fds) {
  return fds[0] = backend.socket(AF_INET, SOCK_STREAM, 0).value(), 1;
};

/// 64 bytes into the one end, and out of the other.
template <class B>
void round_trip(B backend, int from, int to, Meter& meter) {
  char bytes[64] = {};
  meter.measure([&] {
    expect(backend.write(from, bytes, sizeof bytes).value() == sizeof bytes);
    expect(backend.read(to, bytes, sizeof bytes).value() == sizeof bytes);
  });
}

struct PipeRoundTrip {
  template <class B>
  void operator()(B backend, Meter& meter) const {
    const BasicPipe<B> pipe{backend, PipeFlags{}};
    round_trip(backend, pipe.writer.fd(), pipe.reader.fd(), meter);
  }
};

struct UnixRoundTrip {
  template <class B>
  void operator()(B backend, Meter& meter) const {
    int fds[2];
    make_unix_pair(backend, fds);
    round_trip(backend, fds[0], fds[1], meter);
    for (const int fd : fds) expect(backend.close(fd).ok());
  }
};

struct TcpRoundTrip {
  template <class B>
  void operator()(B backend, Meter& meter) const {
    auto listener = BasicTcpListener<B>::bind(backend, Ipv4::loopback(0));
    const auto client = BasicTcpStream<B>::connect(backend, listener.local_address());
    const auto [server, peer] = listener.accept();
    round_trip(backend, client.fd(), server.fd(), meter);
  }
};

template <class Body>
void compare(Program& program, const std::string& name, Body body) {
  program.count(name, on_all_hosts(body));
  const Comparison& times = program.time(name, on_all_hosts(body)).cpu;
  program.at_least(name + ", SoloHost", 20, 1 / times.ratio_of("SoloHost"), "times as fast as Linux");
}

}  // namespace

void compare_calls(Program& program) {
  compare(program, "eventfd: write, read", EventFdWriteAndRead{});
  compare(program, "epoll_ctl: ADD, DEL", AddAndRemove{});
  compare(program, "epoll_ctl: MOD", Modify{});
  compare(program, "epoll_wait: nothing ready", Wait{0});
  compare(program, "epoll_wait: 1 ready", Wait{1});
  compare(program, "epoll_wait: 64 ready", Wait{64});
  compare(program, "poll: 1 ready", Poll{});
  compare(program, "timerfd_settime", SetTimer{});
  compare(program, "eventfd, close", MakeAndClose{make_eventfd});
  compare(program, "epoll_create1, close", MakeAndClose{make_epoll});
  compare(program, "timerfd_create, close", MakeAndClose{make_timerfd});
  compare(program, "pipe2, close both", MakeAndClose{make_pipe});
  compare(program, "socketpair(AF_UNIX), close both", MakeAndClose{make_unix_pair});
  compare(program, "socket(AF_INET), close", MakeAndClose{make_tcp_socket});
  compare(program, "pipe: 64 bytes", PipeRoundTrip{});
  compare(program, "unix stream: 64 bytes", UnixRoundTrip{});
  compare(program, "TCP: 64 bytes", TcpRoundTrip{});
}

}  // namespace bench
