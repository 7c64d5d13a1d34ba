// The self-pipe trick under load: handlers write to a pipe and to an eventfd while the thread they interrupt is in
// calls of its own, and none of what they wrote is lost.
#include "show.hpp"

#include <atomic>
#include <csignal>
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <thread>

using namespace programs;

namespace {

constexpr int signals = 4000;
int pipe_ends[2], pair[2], event;
std::atomic<long> handled = 0, written = 0;

void on_signal(int) {
  const int error = errno;
  const std::uint64_t one = 1;
  if (::write(event, &one, sizeof one) != sizeof one) std::abort();
  if (::write(pipe_ends[1], "x", 1) == 1) written += 1;
  if (::send(pair[1], "y", 1, MSG_DONTWAIT) == 1) written += 1;
  handled += 1;
  errno = error;
}

}  // namespace

int main() {
  print_by_lines();
  must("pipe2", ::pipe2(pipe_ends, O_NONBLOCK));
  must("socketpair", ::socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, pair));
  event = must("eventfd", ::eventfd(0, EFD_NONBLOCK));
  struct ::sigaction action {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;
  must("sigaction", ::sigaction(SIGUSR1, &action, nullptr));
  const int epoll = ::epoll_create1(0);
  for (const int fd : {pipe_ends[0], pair[0], event}) {
    ::epoll_event interest{};
    interest.events = EPOLLIN;
    interest.data.fd = fd;
    must("epoll_ctl", ::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &interest));
  }

  const ::pthread_t receiver = ::pthread_self();
  std::atomic<bool> all_sent = false;
  std::thread sender([&] {
    ::sigset_t set;
    ::sigemptyset(&set);
    ::sigaddset(&set, SIGUSR1);
    ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
    for (int i = 0; i < signals; ++i) {
      // Each is handled before the next, else Linux would take several for one.
      ::pthread_kill(receiver, SIGUSR1);
      while (handled <= i) ::sched_yield();
    }
    all_sent = true;
    ::pthread_kill(receiver, SIGUSR1);  // So that a last wait ends.
  });

  std::uint64_t counted = 0;
  long bytes = 0;
  int other_errors = 0;
  const auto drain = [&](int fd) {
    char buffer[4096];
    std::uint64_t value = 0;
    if (fd == event) {
      if (::read(event, &value, sizeof value) > 0) counted += value;
      return;
    }
    const ::ssize_t n = ::read(fd, buffer, sizeof buffer);
    if (n > 0) bytes += n;
    if (n < 0 && errno != EAGAIN && errno != EINTR) ++other_errors;
  };
  while (!all_sent || handled <= signals) {
    ::epoll_event events[4];
    const int n = ::epoll_wait(epoll, events, 4, -1);
    if (n < 0 && errno != EINTR) ++other_errors;
    for (int i = 0; i < n; ++i) drain(events[i].data.fd);
  }
  sender.join();
  for (int i = 0; i < 2 * signals; ++i) {
    for (const int fd : {pipe_ends[0], pair[0], event}) drain(fd);
  }
  say("handled %ld, the eventfd counted %lu, errors %d\n", handled.load(), counted, other_errors);
  say("bytes that were written and did not come: %ld\n", written - bytes);
}
