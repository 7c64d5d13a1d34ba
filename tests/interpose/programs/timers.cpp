// timerfds: once, again and again, at a time of either clock, and in an epoll. Real time has lower bounds only.
#include "show.hpp"

#include <ctime>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>

using namespace programs;

namespace {

constexpr long millisecond = 1'000'000;
constexpr long second = 1000 * millisecond;

long now(::clockid_t clock) {
  ::timespec time{};
  must("clock_gettime", ::clock_gettime(clock, &time));
  return time.tv_sec * second + time.tv_nsec;
}
::timespec time_of(long nanoseconds) { return {nanoseconds / second, nanoseconds % second}; }

int set(int fd, int flags, long first, long interval = 0) {
  const ::itimerspec to{time_of(interval), time_of(first)};
  return ::timerfd_settime(fd, flags, &to, nullptr);
}
std::uint64_t expirations(int fd) {
  std::uint64_t n = 0;
  const ::ssize_t result = ::read(fd, &n, sizeof n);
  if (result != sizeof n) show("read", result);
  return n;
}

void once(::clockid_t clock) {
  const int fd = must("timerfd_create", ::timerfd_create(clock, 0));
  const long start = now(clock);
  show("once", set(fd, 0, 20 * millisecond));
  ::itimerspec left{};
  show("timerfd_gettime", ::timerfd_gettime(fd, &left));
  say("some is left %d, no interval %d\n", left.it_value.tv_nsec > 0 && left.it_value.tv_nsec <= 20 * millisecond,
      left.it_interval.tv_nsec == 0);
  say("expired %lu\n", expirations(fd));
  say("took as long as that: %d\n", now(clock) - start >= 20 * millisecond);
  show("timerfd_gettime", ::timerfd_gettime(fd, &left));
  say("left %ld\n", left.it_value.tv_nsec);

  const long at = now(clock) + 20 * millisecond;
  show("at a time", set(fd, TFD_TIMER_ABSTIME, at));
  say("expired %lu, and it is that time: %d\n", expirations(fd), now(clock) >= at);
  show("at a time that is past", set(fd, TFD_TIMER_ABSTIME, at - second));
  say("expired %lu\n", expirations(fd));

  show("far off", set(fd, 0, 1000 * second));
  ::itimerspec before{};
  const ::itimerspec off{};
  show("off", ::timerfd_settime(fd, 0, &off, &before));
  say("before: some was left %d\n", before.it_value.tv_sec >= 900);
  ::fcntl(fd, F_SETFL, O_NONBLOCK);
  expirations(fd);
  ::close(fd);
}

void periodic(::clockid_t clock) {
  const int fd = must("timerfd_create", ::timerfd_create(clock, TFD_NONBLOCK | TFD_CLOEXEC));
  const int epoll = ::epoll_create1(0);
  ::epoll_event event{};
  event.events = EPOLLIN | EPOLLET;
  must("epoll_ctl", ::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event));
  const long start = now(clock);
  show("periodic", set(fd, 0, 5 * millisecond, 5 * millisecond));
  std::uint64_t n = 0;
  while (n < 6) {
    must("epoll_wait", ::epoll_wait(epoll, &event, 1, -1));
    n += expirations(fd);
  }
  say("expired often enough, and not too often: %d\n", now(clock) - start >= 30 * millisecond);
  ::itimerspec left{};
  show("timerfd_gettime", ::timerfd_gettime(fd, &left));
  say("interval %ld\n", left.it_interval.tv_nsec);
  // What nobody read adds up.
  const ::timespec twenty = time_of(20 * millisecond);
  must("ppoll", ::ppoll(nullptr, 0, &twenty, nullptr));
  say("several at once: %d\n", expirations(fd) >= 3);
  show("off", set(fd, 0, 0));
  show("epoll_wait", ::epoll_wait(epoll, &event, 1, 10));
  ::close(epoll);
  ::close(fd);
}

void errors() {
  say("-- what is wrong\n");
  show("no such clock", ::timerfd_create(77, 0));
  show("a clock of the processor", ::timerfd_create(CLOCK_PROCESS_CPUTIME_ID, 0));
  show("flags that are none", ::timerfd_create(CLOCK_MONOTONIC, 1));
  const int fd = must("timerfd_create", ::timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK));
  show("too many nanoseconds", [fd] {
    const ::itimerspec to{{0, 0}, {0, second}};
    return ::timerfd_settime(fd, 0, &to, nullptr);
  }());
  show("a negative time", set(fd, 0, -1));
  show("flags that are none", set(fd, 8, 1));
  ::itimerspec* const volatile nowhere = nullptr;
  show("from nowhere", ::timerfd_settime(fd, 0, nowhere, nullptr));
  show("on a file", set(0, 0, 1));
  show("on what is closed", set(99, 0, 1));
  char small[4];
  show("read into too little", ::read(fd, small, sizeof small));
  show("write", ::write(fd, "12345678", 8));
  // Only the clock of the day can be changed.
  const int clock = must("timerfd_create", ::timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK));
  show("told of changes", set(clock, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, now(CLOCK_REALTIME) + 1000 * second));
  expirations(clock);
}

}  // namespace

int main() {
  print_by_lines();
  for (const ::clockid_t clock : {CLOCK_MONOTONIC, CLOCK_REALTIME}) {
    say("-- %s\n", clock == CLOCK_MONOTONIC ? "CLOCK_MONOTONIC" : "CLOCK_REALTIME");
    once(clock);
    periodic(clock);
  }
  errors();
}
