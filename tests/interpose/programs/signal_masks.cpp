// Calls with a signal mask of their own: what was pending before is handled once, at once, and the mask is what it was.
#include "show.hpp"

#include <csignal>
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <thread>

using namespace programs;

namespace {

volatile std::sig_atomic_t handled[65];
volatile std::sig_atomic_t blocked_in_handler;

bool is_blocked(int signal) {
  ::sigset_t now;
  ::pthread_sigmask(SIG_SETMASK, nullptr, &now);
  return ::sigismember(&now, signal) == 1;
}
void on_signal(int signal) {
  handled[signal] = handled[signal] + 1;
  blocked_in_handler = is_blocked(signal);
}
void forget() {
  handled[SIGUSR1] = 0;
  handled[SIGUSR2] = 0;
}
void state() {
  say("  handled %d and %d; blocked then: %d; blocked now: %d %d\n", static_cast<int>(handled[SIGUSR1]),
      static_cast<int>(handled[SIGUSR2]), static_cast<int>(blocked_in_handler), is_blocked(SIGUSR1),
      is_blocked(SIGUSR2));
}

template <class Call>
void try_out(const char* name, Call call) {
  ::sigset_t none, usr2;
  ::sigemptyset(&none);
  ::sigemptyset(&usr2);
  ::sigaddset(&usr2, SIGUSR2);
  forget();
  say("%s\n", name);
  // Blocked, sent, and let through by the call.
  ::raise(SIGUSR1);
  state();
  say("  SIGUSR1 is pending: %s\n", outcome(call(&none)).c_str());
  state();
  ::raise(SIGUSR1);
  ::raise(SIGUSR2);
  say("  both are, one is let through: %s\n", outcome(call(&usr2)).c_str());
  state();
  say("  the other: %s\n", outcome(call(&none)).c_str());
  state();
  // While it sleeps, from another thread.
  const ::pthread_t waiting = ::pthread_self();
  const ::pid_t id = this_thread_id();
  std::thread other([=] {
    until_asleep(id);
    ::pthread_kill(waiting, SIGUSR1);
  });
  say("  sent while it sleeps: %s\n", outcome(call(&none)).c_str());
  other.join();
  state();
}

}  // namespace

int main() {
  print_by_lines();
  struct ::sigaction action {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;
  for (const int signal : {SIGUSR1, SIGUSR2}) must("sigaction", ::sigaction(signal, &action, nullptr));
  ::sigset_t both;
  ::sigemptyset(&both);
  ::sigaddset(&both, SIGUSR1);
  ::sigaddset(&both, SIGUSR2);
  must("pthread_sigmask", -::pthread_sigmask(SIG_BLOCK, &both, nullptr));

  const int event = ::eventfd(0, 0);
  const int epoll = ::epoll_create1(0);
  ::epoll_event interest{};
  interest.events = EPOLLIN;
  must("epoll_ctl", ::epoll_ctl(epoll, EPOLL_CTL_ADD, event, &interest));
  ::epoll_event events[1];
  ::pollfd entry{event, POLLIN, 0};

  try_out("epoll_pwait", [&](const ::sigset_t* mask) { return ::epoll_pwait(epoll, events, 1, -1, mask); });
  try_out("epoll_pwait2", [&](const ::sigset_t* mask) { return ::epoll_pwait2(epoll, events, 1, nullptr, mask); });
  try_out("ppoll", [&](const ::sigset_t* mask) { return ::ppoll(&entry, 1, nullptr, mask); });
  try_out("pselect", [&](const ::sigset_t* mask) {
    ::fd_set in;
    FD_ZERO(&in);
    FD_SET(event, &in);
    return ::pselect(event + 1, &in, nullptr, nullptr, nullptr, mask);
  });

  // What is ready goes before what is pending, and then the handler does not run.
  say("ready and pending\n");
  forget();
  must("eventfd_write", ::eventfd_write(event, 1));
  ::sigset_t none;
  ::sigemptyset(&none);
  ::raise(SIGUSR1);
  show("  epoll_pwait", ::epoll_pwait(epoll, events, 1, -1, &none));
  state();
  show("  ppoll", ::ppoll(&entry, 1, nullptr, &none));
  state();
  // And with no time.
  std::uint64_t value = 0;
  must("read", ::read(event, &value, sizeof value));
  ::raise(SIGUSR1);
  show("  epoll_pwait, no time", ::epoll_pwait(epoll, events, 1, 0, &none));
  state();
  ::sigset_t all_but;
  ::sigfillset(&all_but);
  show("  all blocked meanwhile", ::epoll_pwait(epoll, events, 1, 1, &all_but));
  state();
}
