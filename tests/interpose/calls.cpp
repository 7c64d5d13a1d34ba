// A small program for rouse-run to run: each argument is one thing to do. What it prints is Linux's.
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace {

const char* said(long result) { return result < 0 ? std::strerror(errno) : "ok"; }

// An epoll hears of an eventfd that another thread writes to once this one sleeps, or before.
void waits() {
  const int epoll = ::epoll_create1(0), event_fd = ::eventfd(0, EFD_NONBLOCK);
  ::epoll_event wanted{};
  wanted.events = EPOLLIN;
  wanted.data.fd = event_fd;
  ::epoll_ctl(epoll, EPOLL_CTL_ADD, event_fd, &wanted);
  std::thread writer{[=] { ::eventfd_write(event_fd, 1); }};
  ::epoll_event event{};
  std::printf("epoll_wait: %d\n", ::epoll_wait(epoll, &event, 1, -1));
  writer.join();
  ::close(event_fd);
  ::close(epoll);
}

void makes() {
  const int fd = ::eventfd(0, 0);
  std::printf("eventfd: %s\n", said(fd));
  if (fd >= 0) ::close(fd);
}

void forks() {
  const ::pid_t child = ::fork();
  if (child == 0) {
    makes();
    std::fflush(stdout);
    ::_exit(0);
  }
  ::waitpid(child, nullptr, 0);
}

}  // namespace

int main(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view what = argv[i];
    if (what == "waits") waits();
    if (what == "makes") makes();
    if (what == "forks") forks();
    if (what == "clears") ::clearenv();
    if (what == "is killed") std::raise(SIGTERM);
    if (what == "leaves") {
      std::fflush(stdout);
      ::_exit(3);
    }
    if (what == "old") {
      ::epoll_event event{};
      const int epoll = ::epoll_create1(0);
      std::printf("epoll_pwait2: %s\n", said(::epoll_pwait2(epoll, &event, 1, nullptr, nullptr)));
    }
    if (what == "fails") return 7;
    std::fflush(stdout);
  }
}
