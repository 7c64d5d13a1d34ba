// User code over an emulated kernel with real threads, one case by name: some have a data race of their own, some are
// ordered by the kernel and by nothing else. Built with ThreadSanitizer, which must report the first and be silent on
// the second: the kernel's lock must not hide the user's races, and its own state must raise no alarm.
#include "rouse/backend/emulated.hpp"
#include "rouse/kernel/thread_host.hpp"
#include "rouse/rouse.hpp"

#include <cstdio>
#include <cstring>
#include <string_view>
#include <thread>

using namespace rouse;

namespace {

using Backend = EmulatedBackend;

struct Fixture {
  kernel::ThreadHost host;
  kernel::Kernel kernel{host};
  Backend backend{kernel};
  BasicEventFd<Backend> event{backend};
  BasicPipe<Backend> pipe{backend};
  volatile int shared = 0;
};

/// Two threads call the kernel and write the same memory, unordered.
void unordered(Fixture& f) {
  std::jthread a{[&] {
    f.event.write(1);
    f.shared = 1;
  }};
  std::jthread b{[&] {
    f.event.write(1);
    f.shared = 2;
  }};
}

/// An eventfd write happens before the read that takes it.
void ordered_by_eventfd(Fixture& f) {
  std::jthread a{[&] {
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
  std::jthread a{[&] {
    f.shared = 1;
    f.event.write(1);
  }};
  EventVec events(1);
  epoll.wait(events);
  f.shared = 2;
}

/// Bytes carry the order with them.
void ordered_by_pipe(Fixture& f) {
  std::jthread a{[&] {
    f.shared = 1;
    f.pipe.writer.write(std::string_view("x"));
  }};
  char byte[1];
  f.pipe.reader.read(byte);
  f.shared = 2;
}

void ordered_by_socket(Fixture& f) {
  auto ends = BasicSocket<Backend>::pair(f.backend);
  std::jthread a{[&] {
    f.shared = 1;
    ends.first.send(std::string_view("x"));
  }};
  char byte[1];
  ends.second.receive(byte);
  f.shared = 2;
}

/// What is written after the notification is not covered by it.
void after_the_notification(Fixture& f) {
  std::jthread a{[&] {
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
  std::jthread a{work};
  std::jthread b{work};
}

/// read() writes into the user's buffer while another thread looks at it.
void unordered_buffer(Fixture& f) {
  static char buffer[8];
  f.pipe.writer.write(std::string_view("12345678"));
  std::jthread a{[&] { f.pipe.reader.read(buffer); }};
  std::jthread b{[&] {
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
    {"after_the_notification", after_the_notification},
    {"kernel_only", kernel_only},
    {"unordered_buffer", unordered_buffer},
};

}  // namespace

int main(int, char** argv) {
  for (const Case& one : cases) {
    if (std::strcmp(one.name, argv[1]) != 0) continue;
    Fixture fixture;
    one.run(fixture);
    return 0;
  }
  return std::puts("no such case"), 2;
}
