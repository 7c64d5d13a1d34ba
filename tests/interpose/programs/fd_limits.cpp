// RLIMIT_NOFILE: lowered and reached, each call that makes an fd says EMFILE, and leaves nothing behind.
#include "show.hpp"

#include <csignal>
#include <functional>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <vector>

using namespace programs;

namespace {

void set_limit(::rlim_t to) {
  ::rlimit limit{};
  must("getrlimit", ::getrlimit(RLIMIT_NOFILE, &limit));
  limit.rlim_cur = to;
  must("setrlimit", ::setrlimit(RLIMIT_NOFILE, &limit));
}

/// Takes all numbers that are left, alternately for files of both kinds.
int fill() {
  int n = 0;
  while ((n % 2 == 0 ? ::eventfd(0, 0) : ::open("/dev/null", O_RDONLY)) >= 0) ++n;
  say("full after %d: %s\n", n, strerrorname_np(errno));
  return n;
}

}  // namespace

int main() {
  print_by_lines();
  set_limit(20);
  // A connection that waits to be accepted, and a message with an fd in it.
  const int listener = must("socket", ::socket(AF_UNIX, SOCK_STREAM, 0));
  ::sockaddr_un address{};
  address.sun_family = AF_UNIX;
  must("bind", ::bind(listener, reinterpret_cast<::sockaddr*>(&address), sizeof(::sa_family_t)));  // Named by Linux.
  must("listen", ::listen(listener, 4));
  ::socklen_t n = sizeof address;
  must("getsockname", ::getsockname(listener, reinterpret_cast<::sockaddr*>(&address), &n));
  const int client = must("socket", ::socket(AF_UNIX, SOCK_STREAM, 0));
  must("connect", ::connect(client, reinterpret_cast<::sockaddr*>(&address), n));
  const int event = must("eventfd", ::eventfd(0, 0));
  fill();

  ::sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGUSR1);
  int ends[2] = {-7, -7};
  struct Creating {
    const char* name;
    int takes;
    std::function<int()> call;
  };
  const std::vector<Creating> creating = {
      {"eventfd", 1, [] { return ::eventfd(0, 0); }},
      {"epoll_create", 1, [] { return ::epoll_create(1); }},
      {"epoll_create1", 1, [] { return ::epoll_create1(0); }},
      {"timerfd_create", 1, [] { return ::timerfd_create(CLOCK_MONOTONIC, 0); }},
      {"signalfd", 1, [&] { return ::signalfd(-1, &set, 0); }},
      {"pipe", 2, [&] { return ::pipe(ends); }},
      {"pipe2", 2, [&] { return ::pipe2(ends, O_CLOEXEC); }},
      {"socketpair", 2, [&] { return ::socketpair(AF_UNIX, SOCK_DGRAM, 0, ends); }},
      {"unix socket", 1, [] { return ::socket(AF_UNIX, SOCK_STREAM, 0); }},
      {"tcp socket", 1, [] { return ::socket(AF_INET, SOCK_STREAM, 0); }},
      {"udp socket", 1, [] { return ::socket(AF_INET6, SOCK_DGRAM, 0); }},
      {"dup", 1, [&] { return ::dup(event); }},
      {"F_DUPFD", 1, [&] { return ::fcntl(event, F_DUPFD, 3); }},
      {"open", 1, [] { return ::open("/dev/null", O_RDONLY); }},
  };
  for (const Creating& each : creating) {
    for (int fd = 20 - each.takes + 1; fd < 20; ++fd) ::close(fd);  // One too few.
    show(each.name, each.call());
    if (each.takes == 2) say("ends: %d %d\n", ends[0], ends[1]);
    const int left = fill();
    if (left != each.takes - 1) say("%s left something behind\n", each.name);
  }
  show("accept", ::accept(listener, nullptr, nullptr));
  show("dup2 at the limit", ::dup2(event, 20));
  show("dup2 of a file at the limit", ::dup2(0, 20));
  show("F_DUPFD at the limit", ::fcntl(event, F_DUPFD, 20));

  // The connection is still there.
  ::close(19);
  show("accept", ::accept(listener, nullptr, nullptr));
  set_limit(64);
  show("eventfd", ::eventfd(0, 0));
  set_limit(10);
  show("eventfd under a lower limit", ::eventfd(0, 0));
  show("what is above it works", ::fcntl(19, F_GETFD));
  ::close(5);
  show("eventfd in a gap", ::eventfd(0, 0));
}
