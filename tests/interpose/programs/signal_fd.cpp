// signalfd: signals for the process and for a thread, sent by itself and by others, before and while somebody waits.
#include "show.hpp"

#include <atomic>
#include <csignal>
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/time.h>
#include <thread>

using namespace programs;

namespace {

void read_one(const char* what, int fd) {
  ::signalfd_siginfo info{};
  const ::ssize_t n = ::read(fd, &info, sizeof info);
  if (n < 0) {
    show(what, n);
    return;
  }
  say("%s: %s, code %d, value %d, status %d, from here %d, from this user %d\n", what,
      sigabbrev_np(static_cast<int>(info.ssi_signo)), info.ssi_code, info.ssi_int, info.ssi_status,
      info.ssi_pid == static_cast<unsigned>(::getpid()), info.ssi_uid == ::getuid());
}

::sigset_t set_of(std::initializer_list<int> signals) {
  ::sigset_t set;
  ::sigemptyset(&set);
  for (const int signal : signals) ::sigaddset(&set, signal);
  return set;
}

int ready(int fd) {
  ::pollfd entry{fd, POLLIN, 0};
  return ::poll(&entry, 1, 0);
}

void plain(int fd) {
  say("-- one after the other\n");
  read_one("nothing yet", fd);
  say("ready: %d\n", ready(fd));
  ::kill(::getpid(), SIGUSR1);
  say("ready: %d\n", ready(fd));
  read_one("kill", fd);
  ::raise(SIGUSR2);
  read_one("raise", fd);
  ::pthread_kill(::pthread_self(), SIGUSR1);
  read_one("pthread_kill", fd);
  ::sigval value{};
  value.sival_int = 42;
  ::sigqueue(::getpid(), SIGUSR1, value);
  read_one("sigqueue", fd);
  ::raise(SIGUSR2);
  ::raise(SIGUSR1);
  ::raise(SIGUSR1);
  read_one("the lower first", fd);
  read_one("then the other", fd);
  read_one("twice is once", fd);

  char small[16];
  ::raise(SIGUSR1);
  show("read into too little", ::read(fd, small, sizeof small));
  ::signalfd_siginfo infos[3];
  ::raise(SIGUSR2);
  show("read of several", ::read(fd, infos, sizeof infos));
  show("write", ::write(fd, infos, sizeof infos));

  // Whoever takes it first has it.
  ::raise(SIGUSR1);
  const ::sigset_t set = set_of({SIGUSR1});
  show("sigwaitinfo", ::sigwaitinfo(&set, nullptr));
  read_one("taken already", fd);
}

void changed_mask(int fd) {
  say("-- another mask\n");
  const ::sigset_t one = set_of({SIGUSR2});
  ::raise(SIGUSR1);
  say("same number: %d\n", ::signalfd(fd, &one, 0) == fd);
  read_one("not in it any more", fd);
  const ::sigset_t both = set_of({SIGUSR1, SIGUSR2});
  say("same number: %d\n", ::signalfd(fd, &both, 0) == fd);
  read_one("in it again", fd);
  show("of what is none", ::signalfd(0, &both, 0));
  show("of what is closed", ::signalfd(99, &both, 0));
  show("flags that are none", ::signalfd(-1, &both, 1));
}

/// While it sleeps in epoll_wait; sent by another thread.
void asleep(int fd) {
  say("-- while somebody waits\n");
  const int epoll = ::epoll_create1(0);
  ::epoll_event interest{};
  interest.events = EPOLLIN;
  must("epoll_ctl", ::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &interest));
  const ::pid_t id = this_thread_id();
  const ::pthread_t self = ::pthread_self();
  const auto wait_for = [&](const char* what, auto send) {
    std::thread other([=] {
      until_asleep(id);
      send();
    });
    ::epoll_event events[2];
    show(what, ::epoll_wait(epoll, events, 2, -1));
    other.join();
    read_one(what, fd);
  };
  wait_for("kill", [] { ::kill(::getpid(), SIGUSR1); });
  wait_for("pthread_kill", [self] { ::pthread_kill(self, SIGUSR2); });
  wait_for("sigqueue", [] {
    ::sigval value{};
    value.sival_int = 7;
    ::sigqueue(::getpid(), SIGUSR1, value);
  });
  wait_for("a timer", [] {
    ::itimerval soon{{0, 0}, {0, 1000}};
    ::setitimer(ITIMER_REAL, &soon, nullptr);
  });
  wait_for("a child's", [] {
    if (::fork() == 0) ::_exit(5);
  });
  ::close(epoll);

  say("-- in a blocking read\n");
  ::fcntl(fd, F_SETFL, 0);
  std::thread other([id] {
    until_asleep(id);
    ::kill(::getpid(), SIGUSR1);
  });
  read_one("kill", fd);
  other.join();
}

/// A signal for one thread is not shown to another.
void threads(int fd) {
  say("-- for one thread alone\n");
  ::fcntl(fd, F_SETFL, O_NONBLOCK);
  std::atomic<int> step = 0;
  std::thread other([&] {
    ::raise(SIGUSR1);
    say("ready to the one it is for: %d\n", ready(fd));
    step = 1;
    while (step != 2) ::sched_yield();
    read_one("to the one it is for", fd);
  });
  while (step != 1) ::sched_yield();
  say("ready to another: %d\n", ready(fd));
  read_one("to another", fd);
  step = 2;
  other.join();
}

}  // namespace

int main() {
  print_by_lines();
  const ::sigset_t set = set_of({SIGUSR1, SIGUSR2, SIGALRM, SIGCHLD});
  must("pthread_sigmask", -::pthread_sigmask(SIG_BLOCK, &set, nullptr));
  const int fd = must("signalfd", ::signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC));
  plain(fd);
  asleep(fd);
  threads(fd);
  changed_mask(fd);
}
