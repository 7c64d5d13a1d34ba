// Which blocking calls a signal handler ends with EINTR, and which go on if it was set with SA_RESTART, as signal(7)
// says.
#include "loopback.hpp"

#include <atomic>
#include <csignal>
#include <functional>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <thread>
#include <vector>

using namespace programs;

namespace {

std::atomic<int> handled = 0;
void on_signal(int) { ++handled; }

void set_handler(int flags) {
  struct ::sigaction action {};
  action.sa_handler = on_signal;
  action.sa_flags = flags;
  must("sigaction", ::sigaction(SIGUSR1, &action, nullptr));
}

struct Blocking {
  const char* name;
  std::function<long()> call;
  std::function<void()> end;  ///< Makes it return, if a signal has not.
};

/// A thread in such a call, asleep by now.
class Sleeper {
 public:
  explicit Sleeper(const Blocking& blocking)
      : thread_([this, &blocking] {
          id_ = this_thread_id();
          outcome_ = outcome(blocking.call());
          is_over_ = true;
        }) {
    while (id_ == 0) ::sched_yield();
    until_asleep();
  }

  void until_asleep() { programs::until_asleep(id_); }
  void interrupt() { ::pthread_kill(thread_.native_handle(), SIGUSR1); }
  [[nodiscard]] bool is_over() const { return is_over_; }
  /// Waits for the call to return.
  [[nodiscard]] const char* result() {
    thread_.join();
    return outcome_.c_str();
  }

 private:
  std::atomic<bool> is_over_ = false;
  std::string outcome_;
  std::atomic<::pid_t> id_ = 0;
  std::thread thread_;
};

/// Signals come until it has returned, as the first may have come before it slept.
void interrupt(const Blocking& blocking) {
  set_handler(0);
  Sleeper sleeper{blocking};
  while (!sleeper.is_over()) {
    sleeper.interrupt();
    ::sched_yield();
  }
  say("%s, interrupted: %s\n", blocking.name, sleeper.result());
}

/// One signal, and when its handler has run, what the call waits for: a call that restarts returns that.
void restart(const Blocking& blocking, bool restarts) {
  set_handler(SA_RESTART);
  Sleeper sleeper{blocking};
  for (int i = 0; restarts ? i < 3 : !sleeper.is_over(); ++i) {
    const int before = handled;
    sleeper.interrupt();
    while (handled == before && !sleeper.is_over()) ::sched_yield();
    if (restarts) sleeper.until_asleep();
  }
  if (restarts) blocking.end();
  say("%s, with SA_RESTART: %s\n", blocking.name, sleeper.result());
}

void put(int fd) { must("write", ::write(fd, "12345678", 8)); }

void fill(int fd) {
  char bytes[4096] = {};
  ::fcntl(fd, F_SETFL, O_NONBLOCK);
  while (::write(fd, bytes, sizeof bytes) > 0) continue;
  while (::write(fd, bytes, 1) > 0) continue;
  ::fcntl(fd, F_SETFL, 0);
}
void drain(int fd) {
  std::vector<char> bytes(1 << 20);
  must("read", ::read(fd, bytes.data(), bytes.size()));
}

}  // namespace

int main() {
  print_by_lines();
  static char bytes[64];
  static ::epoll_event events[4];
  static ::signalfd_siginfo info;
  int pipe[2], full[2], stream[2], packets[2];
  must("pipe", ::pipe(pipe));
  must("pipe", ::pipe(full));
  must("socketpair", ::socketpair(AF_UNIX, SOCK_STREAM, 0, stream));
  must("socketpair", ::socketpair(AF_UNIX, SOCK_DGRAM, 0, packets));
  fill(full[1]);
  const int event = ::eventfd(0, 0);
  const int full_event = ::eventfd(0, 0);
  const int semaphore = ::eventfd(0, EFD_SEMAPHORE);
  must("eventfd_write", ::eventfd_write(full_event, ~std::uint64_t{0} - 1));
  const int timer = ::timerfd_create(CLOCK_MONOTONIC, 0);
  ::sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGUSR2);
  must("pthread_sigmask", -::pthread_sigmask(SIG_BLOCK, &set, nullptr));
  const int signals = ::signalfd(-1, &set, 0);
  const int epoll = ::epoll_create1(0);
  ::epoll_event interest{};
  interest.events = EPOLLIN;
  must("epoll_ctl", ::epoll_ctl(epoll, EPOLL_CTL_ADD, event, &interest));
  ::sockaddr_in address{};
  const int listener = listen_on_loopback(address, 4);
  const auto connect = [&] {
    const int client = ::socket(AF_INET, SOCK_STREAM, 0);
    must("connect", ::connect(client, reinterpret_cast<::sockaddr*>(&address), sizeof address));
  };
  ::iovec vector{bytes, sizeof bytes};
  ::msghdr message{};
  message.msg_iov = &vector;
  message.msg_iovlen = 1;

  const std::vector<Blocking> restartable = {
      {"read of a pipe", [&] { return ::read(pipe[0], bytes, 64); }, [&] { put(pipe[1]); }},
      {"readv of a pipe", [&] { return ::readv(pipe[0], &vector, 1); }, [&] { put(pipe[1]); }},
      {"write to a full pipe", [&] { return ::write(full[1], bytes, 1); }, [&] { drain(full[0]); }},
      {"read of an eventfd", [&] { return ::read(event, bytes, 8); }, [&] { ::eventfd_write(event, 1); }},
      {"write to a full eventfd", [&] { return ::eventfd_write(full_event, 1); },
       [&] { must("read", ::read(full_event, bytes, 8)); }},
      {"read of a semaphore", [&] { return ::read(semaphore, bytes, 8); }, [&] { ::eventfd_write(semaphore, 1); }},
      {"read of a timerfd", [&] { return ::read(timer, bytes, 8); },
       [&] {
         const ::itimerspec soon{{0, 0}, {0, 1}};
         must("timerfd_settime", ::timerfd_settime(timer, 0, &soon, nullptr));
       }},
      {"read of a signalfd", [&] { return ::read(signals, &info, sizeof info); }, [] { ::kill(::getpid(), SIGUSR2); }},
      {"read of a socket", [&] { return ::read(stream[0], bytes, 64); }, [&] { put(stream[1]); }},
      {"recv", [&] { return ::recv(stream[0], bytes, 64, 0); }, [&] { put(stream[1]); }},
      {"recvfrom", [&] { return ::recvfrom(packets[0], bytes, 64, 0, nullptr, nullptr); }, [&] { put(packets[1]); }},
      {"recvmsg", [&] { return ::recvmsg(stream[0], &message, 0); }, [&] { put(stream[1]); }},
      {"accept", [&] { return ::accept(listener, nullptr, nullptr) > 0; }, connect},
      {"accept4", [&] { return ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC) > 0; }, connect},
  };
  for (const Blocking& each : restartable) {
    interrupt(each);
    restart(each, true);
  }

  // With a time limit on the socket, recv and accept never restart.
  const ::timeval long_time{1000, 0};
  must("setsockopt", ::setsockopt(stream[0], SOL_SOCKET, SO_RCVTIMEO, &long_time, sizeof long_time));
  must("setsockopt", ::setsockopt(listener, SOL_SOCKET, SO_RCVTIMEO, &long_time, sizeof long_time));
  const Blocking limited{"recv with SO_RCVTIMEO", [&] { return ::recv(stream[0], bytes, 64, 0); }, [] {}};
  const Blocking accept_limited{"accept with SO_RCVTIMEO", [&] { return ::accept(listener, nullptr, nullptr); }, [] {}};

  ::pollfd entry{event, POLLIN, 0};
  const ::timespec time{1000, 0};
  const std::vector<Blocking> never_restarting = {
      limited,
      accept_limited,
      {"epoll_wait", [&] { return ::epoll_wait(epoll, events, 4, -1); }, [] {}},
      {"epoll_wait with a limit", [&] { return ::epoll_wait(epoll, events, 4, 1'000'000); }, [] {}},
      {"epoll_pwait", [&] { return ::epoll_pwait(epoll, events, 4, -1, nullptr); }, [] {}},
      {"epoll_pwait2", [&] { return ::epoll_pwait2(epoll, events, 4, &time, nullptr); }, [] {}},
      {"poll", [&] { return ::poll(&entry, 1, -1); }, [] {}},
      {"ppoll", [&] { return ::ppoll(&entry, 1, &time, nullptr); }, [] {}},
      {"select",
       [&] {
         ::fd_set in;
         FD_ZERO(&in);
         FD_SET(event, &in);
         return ::select(event + 1, &in, nullptr, nullptr, nullptr);
       },
       [] {}},
      {"pselect",
       [&] {
         ::fd_set in;
         FD_ZERO(&in);
         FD_SET(event, &in);
         return ::pselect(event + 1, &in, nullptr, nullptr, &time, nullptr);
       },
       [] {}},
  };
  for (const Blocking& each : never_restarting) {
    interrupt(each);
    restart(each, false);
  }
}
