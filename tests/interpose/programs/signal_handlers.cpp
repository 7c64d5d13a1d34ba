// What sigaction(2) and its relatives say was set, and how handlers run: once, deferred or not, with what was sent
// along, on a stack of their own.
#include "show.hpp"

#include <csignal>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <vector>

using namespace programs;

namespace {

int event;  // Handlers write to it: that is a call of the emulated kernel in each.

void write_event() {
  const std::uint64_t one = 1;
  const int error = errno;
  if (::write(event, &one, sizeof one) != 8) std::abort();
  errno = error;
}
std::uint64_t read_event() {
  std::uint64_t value = 0;
  return ::read(event, &value, sizeof value) == 8 ? value : 0;
}

void on_signal(int) { write_event(); }
void on_other(int) { write_event(); }

int depth, depth_max, nested_left;
void on_nested(int signal) {
  ++depth;
  depth_max = depth > depth_max ? depth : depth_max;
  write_event();
  if (nested_left-- > 0) ::raise(signal);
  --depth;
}

int info_signal, info_code, info_value;
::pid_t info_pid;
void on_info(int signal, ::siginfo_t* info, void* context) {
  write_event();
  info_signal = signal == info->si_signo ? signal : -1;
  info_code = info->si_code;
  info_value = info->si_value.sival_int;
  info_pid = info->si_pid;
  if (context == nullptr) std::abort();
}

char* alternate;
std::size_t alternate_size;
bool was_on_alternate;
void on_stack(int) {
  char here = 0;
  char* const volatile address = &here;
  was_on_alternate = address >= alternate && address < alternate + alternate_size;
  write_event();
}

constexpr int restorer = 0x04000000;  // The C library's own.

void show_action(const char* what, int signal) {
  struct ::sigaction action {};
  must("sigaction", ::sigaction(signal, nullptr, &action));
  const bool with_info = (action.sa_flags & SA_SIGINFO) != 0;
  const char* handler = "another";
  if (with_info && action.sa_sigaction == on_info) handler = "on_info";
  if (!with_info && action.sa_handler == on_signal) handler = "on_signal";
  if (!with_info && action.sa_handler == on_other) handler = "on_other";
  if (!with_info && action.sa_handler == SIG_DFL) handler = "SIG_DFL";
  if (!with_info && action.sa_handler == SIG_IGN) handler = "SIG_IGN";
  say("%s: %s, flags %#x, mask has", what, handler, static_cast<unsigned>(action.sa_flags & ~restorer));
  for (int each = 1; each <= 31; ++each) {
    if (::sigismember(&action.sa_mask, each) == 1) say(" %d", each);
  }
  say("\n");
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
int set_interrupting(int signal, int on) { return ::siginterrupt(signal, on); }
#pragma GCC diagnostic pop

void what_was_set() {
  say("-- what was set\n");
  show_action("at first", SIGUSR1);
  struct ::sigaction action {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART | SA_NODEFER;
  ::sigaddset(&action.sa_mask, SIGTERM);
  struct ::sigaction before {};
  show("sigaction", ::sigaction(SIGUSR1, &action, &before));
  say("before it was the default: %d\n", before.sa_handler == SIG_DFL);
  show_action("set", SIGUSR1);
  action.sa_sigaction = on_info;
  action.sa_flags = static_cast<int>(SA_SIGINFO | SA_RESETHAND | SA_ONSTACK);
  show("sigaction", ::sigaction(SIGUSR1, &action, &before));
  say("before it was on_signal: %d, flags %#x\n", before.sa_handler == on_signal,
      static_cast<unsigned>(before.sa_flags & ~restorer));
  show_action("set again", SIGUSR1);
  say("signal: was on_info: %d\n",
      ::signal(SIGUSR1, on_other) == reinterpret_cast<::sighandler_t>(reinterpret_cast<void*>(on_info)));
  show_action("signal", SIGUSR1);
  show("siginterrupt", set_interrupting(SIGUSR1, 1));
  show_action("siginterrupt", SIGUSR1);
  say("signal: was on_other: %d\n", ::signal(SIGUSR1, on_signal) == on_other);
  show_action("signal after it", SIGUSR1);
  show("siginterrupt", set_interrupting(SIGUSR1, 0));
  show_action("siginterrupt off", SIGUSR1);
  say("signal: was on_signal: %d\n", ::signal(SIGUSR1, SIG_IGN) == on_signal);
  show_action("ignored", SIGUSR1);
  ::raise(SIGUSR1);
  say("signal: was ignored: %d\n", ::signal(SIGUSR1, SIG_DFL) == SIG_IGN);
  show_action("default", SIGUSR1);
  show("sigaction of SIGKILL", ::sigaction(SIGKILL, &action, nullptr));
  show("asking of SIGKILL", ::sigaction(SIGKILL, nullptr, &action));
  show("sigaction of 0", ::sigaction(0, &action, nullptr));
  show("sigaction of 65", ::sigaction(65, &action, nullptr));
  show("sigaction of 32", ::sigaction(32, &action, nullptr));
  say("signal of 65: %s\n", ::signal(65, on_signal) == SIG_ERR ? strerrorname_np(errno) : "set");
}

void how_they_run() {
  say("-- how they run\n");
  struct ::sigaction action {};
  action.sa_handler = on_signal;
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  must("sigaction", ::sigaction(SIGUSR1, &action, nullptr));
  errno = 77;
  ::raise(SIGUSR1);
  say("SA_RESETHAND: handled %lu, errno %d\n", read_event(), errno);
  show_action("after it", SIGUSR1);

  action.sa_handler = on_nested;
  action.sa_flags = 0;
  must("sigaction", ::sigaction(SIGUSR1, &action, nullptr));
  nested_left = 3;
  ::raise(SIGUSR1);
  say("deferred in its handler: handled %lu, %d deep\n", read_event(), depth_max);
  action.sa_flags = SA_NODEFER;
  must("sigaction", ::sigaction(SIGUSR1, &action, nullptr));
  depth_max = 0;
  nested_left = 3;
  ::raise(SIGUSR1);
  say("SA_NODEFER: handled %lu, %d deep\n", read_event(), depth_max);

  action.sa_sigaction = on_info;
  action.sa_flags = SA_SIGINFO;
  must("sigaction", ::sigaction(SIGUSR1, &action, nullptr));
  ::sigval value{};
  value.sival_int = 4711;
  show("sigqueue", ::sigqueue(::getpid(), SIGUSR1, value));
  say("SA_SIGINFO: handled %lu, signal %d, code %d, value %d, from here %d\n", read_event(), info_signal, info_code,
      info_value, info_pid == ::getpid());
  ::kill(::getpid(), SIGUSR1);
  say("kill: handled %lu, signal %d, code %d, from here %d\n", read_event(), info_signal, info_code,
      info_pid == ::getpid());
  ::raise(SIGUSR1);
  say("raise: handled %lu, code %d\n", read_event(), info_code);
  // Of real-time signals none is lost, and they come in the order they were sent.
  must("sigaction", ::sigaction(SIGRTMIN + 1, &action, nullptr));
  ::sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGRTMIN + 1);
  ::sigprocmask(SIG_BLOCK, &set, nullptr);
  for (value.sival_int = 1; value.sival_int <= 5; ++value.sival_int) ::sigqueue(::getpid(), SIGRTMIN + 1, value);
  ::sigprocmask(SIG_UNBLOCK, &set, nullptr);
  say("real-time: handled %lu, the last value %d\n", read_event(), info_value);

  std::vector<char> stack(1 << 16);
  alternate = stack.data();
  alternate_size = stack.size();
  ::stack_t on{};
  on.ss_sp = alternate;
  on.ss_size = alternate_size;
  show("sigaltstack", ::sigaltstack(&on, nullptr));
  action.sa_handler = on_stack;
  action.sa_flags = SA_ONSTACK;
  must("sigaction", ::sigaction(SIGUSR1, &action, nullptr));
  ::raise(SIGUSR1);
  say("SA_ONSTACK: handled %lu, on the stack given: %d\n", read_event(), was_on_alternate);
  ::stack_t off{};
  off.ss_flags = SS_DISABLE;
  show("sigaltstack off", ::sigaltstack(&off, nullptr));
  ::raise(SIGUSR1);
  say("without: handled %lu, on the stack given: %d\n", read_event(), was_on_alternate);
}

/// exec keeps what is ignored, and sets the rest back.
void across_exec() {
  say("-- exec\n");
  ::signal(SIGUSR1, on_signal);
  ::signal(SIGUSR2, SIG_IGN);
  show("a shell", WEXITSTATUS(::system("kill -USR2 $$; kill -USR1 $$; exit 3")));
  const int status = ::system("kill -USR1 $$");
  say("it ended by SIGUSR1: %d\n", WIFSIGNALED(status) && WTERMSIG(status) == SIGUSR1);
}

}  // namespace

int main() {
  print_by_lines();
  event = must("eventfd", ::eventfd(0, EFD_NONBLOCK));
  what_was_set();
  how_they_run();
  across_exec();
}
