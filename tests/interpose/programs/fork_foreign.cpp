// Where rouse-run differs from Linux, and says so: a child that was forked has its parent's emulated fds, but not their
// files. What it does with them is refused, with a word on stderr, and its parent does not notice.
#include "show.hpp"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/wait.h>

using namespace programs;

int main() {
  print_by_lines();
  const int event = must("eventfd", ::eventfd(3, 0));
  const int epoll = must("epoll_create1", ::epoll_create1(0));
  int pipe[2], pair[2];
  must("pipe", ::pipe(pipe));
  must("socketpair", ::socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
  ::epoll_event interest{};
  interest.events = EPOLLIN;
  must("epoll_ctl", ::epoll_ctl(epoll, EPOLL_CTL_ADD, event, &interest));

  const ::pid_t child = must("fork", ::fork());
  if (child == 0) {
    char bytes[8];
    ::epoll_event got{};
    ::pollfd entry{event, POLLIN, 0};
    show("read", ::read(event, bytes, sizeof bytes));
    show("write", ::write(pipe[1], "abc", 3));
    show("send", ::send(pair[0], "abc", 3, 0));
    show("recv", ::recv(pair[1], bytes, sizeof bytes, 0));
    show("epoll_wait", ::epoll_wait(epoll, &got, 1, 0));
    show("epoll_ctl", ::epoll_ctl(epoll, EPOLL_CTL_DEL, event, nullptr));
    const int own = show("epoll_create1", ::epoll_create1(0));
    show("epoll_ctl of its own", ::epoll_ctl(own, EPOLL_CTL_ADD, event, &interest));
    const int n = ::poll(&entry, 1, 0);
    say("poll: %s, %#x\n", outcome(n).c_str(), static_cast<unsigned>(entry.revents));
    show("a second read, of which nothing more is said", ::read(event, bytes, sizeof bytes));
    // Its number is the child's to give up.
    show("close-on-exec", ::fcntl(event, F_GETFD));
    show("close", ::close(event));
    const int again = show("eventfd in its place", ::eventfd(7, 0));
    show("read", ::read(again, bytes, sizeof bytes));
    show("dup2 over the other's", ::dup2(again, pipe[0]));
    show("close", ::close(pipe[0]));
    return 5;
  }
  int status = 0;
  must("waitpid", ::waitpid(child, &status, 0));
  say("the child: %d\n", WEXITSTATUS(status));
  ::epoll_event got{};
  show("epoll_wait", ::epoll_wait(epoll, &got, 1, 0));
  std::uint64_t value = 0;
  show("read", ::read(event, &value, sizeof value));
  say("value %lu\n", value);
  show("write", ::write(pipe[1], "abc", 3));
  char bytes[8];
  show("read", ::read(pipe[0], bytes, sizeof bytes));
}
