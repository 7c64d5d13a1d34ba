// pthread_cancel of threads that sleep in a call: their cleanup handlers run, and the file is as usable as before.
#include "loopback.hpp"

#include <atomic>
#include <functional>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <vector>

using namespace programs;

namespace {

struct Sleeper {
  std::function<void()> call;
  std::atomic<::pid_t> id = 0;
  std::atomic<int> cleaned = 0;
  bool is_destroyed = false;
};

void clean_up(void* sleeper) { ++static_cast<Sleeper*>(sleeper)->cleaned; }

/// Cancelled threads unwind: destructors run, too.
struct Noting {
  Sleeper& sleeper;
  ~Noting() { sleeper.is_destroyed = true; }
};

void* body(void* argument) {
  Sleeper& sleeper = *static_cast<Sleeper*>(argument);
  sleeper.id = this_thread_id();
  const Noting noting{sleeper};
  pthread_cleanup_push(clean_up, argument);
  for (;;) sleeper.call();
  pthread_cleanup_pop(0);
  return nullptr;
}

void cancel(const char* name, const std::function<void()>& call, const std::function<void()>& use) {
  Sleeper sleeper;
  sleeper.call = call;
  ::pthread_t thread;
  must("pthread_create", -::pthread_create(&thread, nullptr, body, &sleeper));
  while (sleeper.id == 0) ::sched_yield();
  until_asleep(sleeper.id);
  must("pthread_cancel", -::pthread_cancel(thread));
  void* result = nullptr;
  must("pthread_join", -::pthread_join(thread, &result));
  say("%s: cancelled %d, cleaned up %d, unwound %d\n", name, result == PTHREAD_CANCELED, sleeper.cleaned.load(),
      sleeper.is_destroyed);
  use();
}

}  // namespace

int main() {
  print_by_lines();
  static char bytes[64];
  static ::epoll_event event;
  int pipe[2], full[2], pair[2];
  must("pipe", ::pipe(pipe));
  must("pipe", ::pipe(full));
  must("socketpair", ::socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
  ::fcntl(full[1], F_SETFL, O_NONBLOCK);
  while (::write(full[1], bytes, sizeof bytes) > 0) continue;
  ::fcntl(full[1], F_SETFL, 0);
  const int counter = ::eventfd(0, 0);
  const int epoll = ::epoll_create1(0);
  event.events = EPOLLIN;
  must("epoll_ctl", ::epoll_ctl(epoll, EPOLL_CTL_ADD, counter, &event));
  ::sockaddr_in address{};
  const int listener = listen_on_loopback(address, 4);
  const int udp = ::socket(AF_INET, SOCK_DGRAM, 0);
  must("bind", ::bind(udp, reinterpret_cast<::sockaddr*>(&address), sizeof address));
  ::pollfd entry{counter, POLLIN, 0};
  ::iovec vector{bytes, sizeof bytes};
  ::msghdr message{};
  message.msg_iov = &vector;
  message.msg_iovlen = 1;

  const auto pipe_works = [&] {
    show("  write", ::write(pipe[1], "abc", 3));
    show("  read", ::read(pipe[0], bytes, sizeof bytes));
  };
  const auto pair_works = [&] {
    show("  send", ::send(pair[1], "abc", 3, 0));
    show("  recv", ::recv(pair[0], bytes, sizeof bytes, 0));
  };
  const auto epoll_works = [&] {
    show("  eventfd_write", ::eventfd_write(counter, 1));
    show("  epoll_wait", ::epoll_wait(epoll, &event, 1, -1));
    std::uint64_t value = 0;
    show("  read", ::read(counter, &value, sizeof value));
  };
  cancel(
      "read", [&] { static_cast<void>(::read(pipe[0], bytes, sizeof bytes)); }, pipe_works);
  cancel(
      "readv", [&] { static_cast<void>(::readv(pipe[0], &vector, 1)); }, pipe_works);
  cancel(
      "write", [&] { static_cast<void>(::write(full[1], bytes, sizeof bytes)); },
      [&] { show("  read", ::read(full[0], bytes, sizeof bytes)); });
  cancel(
      "read of an eventfd", [&] { static_cast<void>(::read(counter, bytes, 8)); }, epoll_works);
  cancel(
      "recv", [&] { ::recv(pair[0], bytes, sizeof bytes, 0); }, pair_works);
  cancel(
      "recvmsg", [&] { ::recvmsg(pair[0], &message, 0); }, pair_works);
  cancel(
      "recvfrom", [&] { ::recvfrom(udp, bytes, sizeof bytes, 0, nullptr, nullptr); },
      [&] {
        show("  sendto", ::sendto(udp, "abc", 3, 0, reinterpret_cast<::sockaddr*>(&address), sizeof address));
        show("  recv", ::recv(udp, bytes, sizeof bytes, 0));
      });
  cancel(
      "accept", [&] { ::accept(listener, nullptr, nullptr); },
      [&] {
        const int client = ::socket(AF_INET, SOCK_STREAM, 0);
        show("  connect", ::connect(client, reinterpret_cast<::sockaddr*>(&address), sizeof address));
        show("  accept", ::accept(listener, nullptr, nullptr) > 0);
      });
  cancel(
      "epoll_wait", [&] { ::epoll_wait(epoll, &event, 1, -1); }, epoll_works);
  cancel(
      "epoll_pwait", [&] { ::epoll_pwait(epoll, &event, 1, 1'000'000, nullptr); }, epoll_works);
  cancel(
      "poll", [&] { ::poll(&entry, 1, -1); }, epoll_works);
  cancel(
      "ppoll", [&] { ::ppoll(&entry, 1, nullptr, nullptr); }, epoll_works);
  cancel(
      "select",
      [&] {
        ::fd_set in;
        FD_ZERO(&in);
        FD_SET(counter, &in);
        ::select(counter + 1, &in, nullptr, nullptr, nullptr);
      },
      epoll_works);

  // One that was cancelled before ends in its first call; with cancellation off, in none.
  say("-- cancellation off\n");
  std::atomic<bool> is_read = false;
  cancel(
      "read",
      [&] {
        if (!is_read) {
          ::pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, nullptr);
          must("write", ::write(pipe[1], "abc", 3));
          must("read", ::read(pipe[0], bytes, sizeof bytes));
          is_read = true;
          ::pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, nullptr);
        }
        static_cast<void>(::read(pipe[0], bytes, sizeof bytes));
      },
      pipe_works);
}
