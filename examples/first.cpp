// An eventfd and a pipe in one epoll.
#include <rouse/rouse.hpp>

#include <cstdio>
#include <string_view>

using namespace std::string_view_literals;

int main() {
  rouse::Epoll epoll;
  rouse::EventFd wakeup;
  rouse::Pipe pipe;
  epoll.add(wakeup, rouse::EventFlags::in);
  epoll.add(pipe.reader, rouse::EventFlags::in | rouse::EventFlags::et);

  wakeup.notify();
  pipe.writer.write("hello"sv);

  rouse::EventVec events(16);
  epoll.wait(events);
  for (auto [flags, data] : events) {
    std::printf("%s is ready: %s\n", data.fd() == wakeup.fd() ? "wakeup" : "pipe", to_string(flags).c_str());
  }
}
