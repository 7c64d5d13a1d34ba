// The handles without exceptions and RTTI: built with -fno-exceptions -fno-rtti, and run. A throwing form that fails
// ends the program with the message that the exception would have had: a child shows it.
#include <rouse/rouse.hpp>

#include <cstdio>
#include <cstring>
#include <sys/wait.h>
#include <unistd.h>

using namespace rouse;

namespace {

bool works() {
  std::error_code ec;
  Epoll epoll = Epoll::create({}, CreateFlags::cloexec, ec);
  EventFd event = EventFd::create({}, 0, EventFd::default_flags, ec);
  Pipe pipe;
  auto [a, b] = Socket::pair();
  epoll.add(event, EventFlags::in, 1, ec);
  epoll.add(pipe.reader, EventFlags::in, 2, ec);
  epoll.add(a, EventFlags::in, 3, ec);
  event.notify();
  pipe.writer.write("x");
  b.send("x");
  EventArray<4> events;
  std::uint64_t sum = 0;
  epoll.wait(events, Timeout::now, ec);
  for (auto [flags, data] : events) sum += data.u64();
  return !ec && sum == 6;
}

bool dies_with_a_message() {
  Pipe report;
  const pid_t child = ::fork();
  if (child == 0) {
    ::dup2(report.writer.fd(), STDERR_FILENO);
    Epoll epoll;
    epoll.add(epoll, EventFlags::in);
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  report.writer.close();
  char text[256] = {};
  report.reader.read(MutableBuffer{text, sizeof text - 1});
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT && std::strstr(text, "epoll_ctl(add, fd ") != nullptr &&
         std::strstr(text, "Invalid argument") != nullptr;
}

}  // namespace

int main() {
  if (!works()) return std::puts("the handles do not work"), 1;
  if (!dies_with_a_message()) return std::puts("a refusal does not end the program with its message"), 1;
}
