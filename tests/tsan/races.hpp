// User code over an emulated kernel, one case by name: some have a data race of their own, some are ordered by the
// kernel and by nothing else. Built with ThreadSanitizer, which must report the first and be silent on the second: what
// the kernel does must not hide the user's races, and its own state must raise no alarm.
//
// On threads and on fibers: whoever includes this has defined Fixture and Thread.
#pragma once

#include "rouse/backend/emulated.hpp"
#include "rouse/rouse.hpp"

#include <cstring>
#include <string_view>

namespace {

using namespace rouse;
using Backend = EmulatedBackend;

/// Two threads call the kernel and write the same memory, unordered.
void unordered(Fixture& f) {
  Thread a{[&] {
    f.event.write(1);
    f.shared = 1;
  }};
  Thread b{[&] {
    f.event.write(1);
    f.shared = 2;
  }};
}

/// An eventfd write happens before the read that takes it.
void ordered_by_eventfd(Fixture& f) {
  Thread a{[&] {
    f.shared = 1;
    f.event.write(1);
  }};
  f.event.read();
  f.shared = 2;
}

/// The write happens before the event that reports it, without any read.
void ordered_by_event(Fixture& f) {
  BasicEpoll<Backend> epoll{f.backend};
  epoll.add(f.event, EventFlags::in);
  Thread a{[&] {
    f.shared = 1;
    f.event.write(1);
  }};
  EventVec events(1);
  epoll.wait(events);
  f.shared = 2;
}

/// Bytes carry the order with them.
void ordered_by_pipe(Fixture& f) {
  Thread a{[&] {
    f.shared = 1;
    f.pipe.writer.write(std::string_view("x"));
  }};
  char byte[1];
  f.pipe.reader.read(byte);
  f.shared = 2;
}

void ordered_by_socket(Fixture& f) {
  auto ends = BasicSocket<Backend>::pair(f.backend);
  Thread a{[&] {
    f.shared = 1;
    ends.first.send(std::string_view("x"));
  }};
  char byte[1];
  ends.second.receive(byte);
  f.shared = 2;
}

/// A message carries the order with it, even an empty one.
void ordered_by_datagram(Fixture& f) {
  int pair[2];
  static_cast<void>(f.backend.socketpair(AF_UNIX, SOCK_DGRAM, 0, pair));
  const BasicOwnedFd<Backend> owners[] = {{f.backend, pair[0]}, {f.backend, pair[1]}};
  Thread a{[&] {
    f.shared = 1;
    static_cast<void>(f.backend.write(pair[0], "", 0));
  }};
  static_cast<void>(f.backend.recvfrom(pair[1], nullptr, 0, 0, nullptr, nullptr));
  f.shared = 2;
}

BasicTcpListener<Backend> listener_of(Fixture& f) {
  return BasicTcpListener<Backend>::bind(f.backend, Ipv4::loopback(0));
}

void ordered_by_tcp(Fixture& f) {
  auto listener = listener_of(f);
  auto client = BasicTcpStream<Backend>::connect(f.backend, listener.local_address());
  auto accepted = listener.accept().stream;
  Thread a{[&] {
    f.shared = 1;
    client.send(std::string_view("x"));
  }};
  char byte[1];
  accepted.receive(byte);
  f.shared = 2;
}
/// Connecting happens before the accept that takes the connection, and the end of a stream before it is read.
void ordered_by_accept(Fixture& f) {
  auto listener = listener_of(f);
  Thread a{[&] {
    f.shared = 1;
    const auto client = BasicTcpStream<Backend>::connect(f.backend, listener.local_address());
  }};
  const auto accepted = listener.accept();
  f.shared = 2;
}
void ordered_by_end_of_tcp(Fixture& f) {
  auto listener = listener_of(f);
  auto client = BasicTcpStream<Backend>::connect(f.backend, listener.local_address());
  auto accepted = listener.accept().stream;
  Thread a{[&] {
    f.shared = 1;
    client.shutdown(ShutdownHow::write);
  }};
  char byte[1];
  accepted.receive(byte);
  f.shared = 2;
}
void after_the_send_by_tcp(Fixture& f) {
  auto listener = listener_of(f);
  auto client = BasicTcpStream<Backend>::connect(f.backend, listener.local_address());
  auto accepted = listener.accept().stream;
  Thread a{[&] {
    client.send(std::string_view("x"));
    f.shared = 1;
  }};
  char byte[1];
  accepted.receive(byte);
  f.shared = 2;
}
void ordered_by_udp(Fixture& f) {
  auto to = BasicUdpSocket<Backend>::bound_to(f.backend, Ipv4::loopback(0));
  Thread a{[&] {
    f.shared = 1;
    auto from = BasicUdpSocket<Backend>::bound_to(f.backend, Ipv4::loopback(0));
    from.send_to(to.local_address(), std::string_view("x"));
  }};
  char byte[1];
  to.receive_from(byte);
  f.shared = 2;
}

/// A signal happens before its handler.
void ordered_by_signal(Fixture& f) {
  static volatile int* shared;
  shared = &f.shared;
  struct ::sigaction action {};
  action.sa_handler = [](int) { *shared = 2; };
  static_cast<void>(f.backend.sigaction(SIGUSR1, &action, nullptr));
  const int first = f.backend.gettid().value();
  Thread a{[&] {
    ::pollfd entry{f.event.fd(), POLLIN, 0};
    static_cast<void>(f.backend.poll(&entry, 1, -1));
  }};
  f.wait_until_the_other_sleeps();
  f.shared = 1;
  static_cast<void>(f.backend.tgkill(kernel::process_id, first + 1, SIGUSR1));
}

/// Setting a timer happens before its expiration, for who reads it and for who is told of it.
void ordered_by_timer(Fixture& f) {
  const BasicOwnedFd<Backend> timer{f.backend, f.backend.timerfd_create(CLOCK_MONOTONIC, 0).value()};
  Thread a{[&] {
    f.shared = 1;
    const ::itimerspec soon{{0, 0}, {0, 1'000'000}};
    static_cast<void>(f.backend.timerfd_settime(timer.get(), 0, &soon, nullptr));
  }};
  std::uint64_t count = 0;
  static_cast<void>(f.backend.read(timer.get(), &count, sizeof count));
  f.shared = 2;
}
void ordered_by_event_of_timer(Fixture& f) {
  const BasicOwnedFd<Backend> timer{f.backend, f.backend.timerfd_create(CLOCK_MONOTONIC, 0).value()};
  BasicEpoll<Backend> epoll{f.backend};
  epoll.add(timer, EventFlags::in);
  Thread a{[&] {
    f.shared = 1;
    const ::itimerspec soon{{0, 0}, {0, 1'000'000}};
    static_cast<void>(f.backend.timerfd_settime(timer.get(), 0, &soon, nullptr));
  }};
  EventVec events(1);
  epoll.wait(events);
  f.shared = 2;
}
/// What is written after the timer was set is not covered by it.
void after_the_timer_was_set(Fixture& f) {
  const BasicOwnedFd<Backend> timer{f.backend, f.backend.timerfd_create(CLOCK_MONOTONIC, 0).value()};
  Thread a{[&] {
    const ::itimerspec soon{{0, 0}, {0, 1'000'000}};
    static_cast<void>(f.backend.timerfd_settime(timer.get(), 0, &soon, nullptr));
    f.shared = 1;
  }};
  std::uint64_t count = 0;
  static_cast<void>(f.backend.read(timer.get(), &count, sizeof count));
  f.shared = 2;
}

/// A signal happens before it is read.
void ordered_by_signalfd(Fixture& f) {
  const SignalSet set = SignalSet::of(SIGUSR1);
  const BasicSignalBlock<Backend> block{f.backend, set};
  BasicSignalFd<Backend> signals{f.backend, set};
  Thread a{[&] {
    const ::sigset_t blocked = set.to_sigset();
    static_cast<void>(f.backend.sigprocmask(SIG_BLOCK, &blocked, nullptr));
    f.shared = 1;
    static_cast<void>(f.backend.kill(kernel::process_id, SIGUSR1));
  }};
  signals.read();
  f.shared = 2;
}

/// What is written after the notification is not covered by it.
void after_the_notification(Fixture& f) {
  Thread a{[&] {
    f.event.write(1);
    f.shared = 1;
  }};
  f.event.read();
  f.shared = 2;
}

/// Many calls on the same objects, and nothing of the user's shared.
void kernel_only(Fixture& f) {
  BasicEpoll<Backend> epoll{f.backend};
  epoll.add(f.event, EventFlags::in | EventFlags::et);
  const auto work = [&] {
    EventVec events(4);
    for (int i = 0; i < 500; ++i) {
      f.event.write(1);
      epoll.wait(events, Timeout::now);
      f.event.drain();
      BasicEventFd<Backend> another{f.backend};
      epoll.add(another, EventFlags::in);
      static_cast<void>(f.pipe.writer.try_write(std::string_view("x")));
      char byte[1];
      static_cast<void>(f.pipe.reader.try_read(byte));
    }
  };
  Thread a{work};
  Thread b{work};
}

/// read() writes into the user's buffer while another thread looks at it.
void unordered_buffer(Fixture& f) {
  static char buffer[8];
  f.pipe.writer.write(std::string_view("12345678"));
  Thread a{[&] { f.pipe.reader.read(buffer); }};
  Thread b{[&] {
    f.event.write(1);
    f.shared = static_cast<volatile char*>(buffer)[0];
  }};
}

struct Case {
  const char* name;
  void (*run)(Fixture&);
};

constexpr Case cases[] = {
    {"unordered", unordered},
    {"ordered_by_eventfd", ordered_by_eventfd},
    {"ordered_by_event", ordered_by_event},
    {"ordered_by_pipe", ordered_by_pipe},
    {"ordered_by_socket", ordered_by_socket},
    {"ordered_by_datagram", ordered_by_datagram},
    {"ordered_by_tcp", ordered_by_tcp},
    {"ordered_by_accept", ordered_by_accept},
    {"ordered_by_end_of_tcp", ordered_by_end_of_tcp},
    {"after_the_send_by_tcp", after_the_send_by_tcp},
    {"ordered_by_udp", ordered_by_udp},
    {"ordered_by_signal", ordered_by_signal},
    {"ordered_by_timer", ordered_by_timer},
    {"ordered_by_event_of_timer", ordered_by_event_of_timer},
    {"ordered_by_signalfd", ordered_by_signalfd},
    {"after_the_timer_was_set", after_the_timer_was_set},
    {"after_the_notification", after_the_notification},
    {"kernel_only", kernel_only},
    {"unordered_buffer", unordered_buffer},
};

/// The case of that name; null if there is none.
const Case* find_case(const char* name) {
  for (const Case& one : cases) {
    if (std::strcmp(one.name, name) == 0) return &one;
  }
  return nullptr;
}

}  // namespace
