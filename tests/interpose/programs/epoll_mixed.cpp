// epoll over fds of both kinds: files, a terminal, a pipe made by popen, inotify, an inherited stdin, beside the
// emulated ones; level, edge and one-shot; the order of errors; nested epolls.
#include "show.hpp"

#include <algorithm>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <termios.h>

using namespace programs;

namespace {

int control(int epoll, int operation, int fd, std::uint32_t events = 0, int data = 0) {
  ::epoll_event event{};
  event.events = events;
  event.data.u64 = static_cast<std::uint64_t>(data);
  return ::epoll_ctl(epoll, operation, fd, &event);
}
void add(int epoll, int fd, std::uint32_t events, int data) {
  must("EPOLL_CTL_ADD", control(epoll, EPOLL_CTL_ADD, fd, events, data));
}

/// Whom it reports, in order of who they are: which comes first is no promise where Linux tells of some itself.
void wait(const char* when, int epoll, int milliseconds = 0) {
  ::epoll_event events[16];
  const int n = ::epoll_wait(epoll, events, 16, milliseconds);
  if (n < 0) {
    show(when, n);
    return;
  }
  std::sort(events, events + n, [](const auto& a, const auto& b) { return a.data.u64 < b.data.u64; });
  say("%s:", when);
  for (int i = 0; i < n; ++i) say(" %d is %#x", static_cast<int>(events[i].data.u64), +events[i].events);
  say(n == 0 ? " nothing\n" : "\n");
}

void files() {
  say("-- files\n");
  const int epoll = ::epoll_create1(0);
  const int file = must("open", ::open("file", O_RDWR | O_CREAT, 0600));
  const int directory = must("open", ::open(".", O_RDONLY));
  const int null = must("open", ::open("/dev/null", O_RDWR));
  const int path = must("open", ::open("file", O_PATH));
  show("add a file", control(epoll, EPOLL_CTL_ADD, file, EPOLLIN));
  show("add a directory", control(epoll, EPOLL_CTL_ADD, directory, EPOLLIN));
  show("add /dev/null", control(epoll, EPOLL_CTL_ADD, null, EPOLLIN));
  show("add a path", control(epoll, EPOLL_CTL_ADD, path, EPOLLIN));
  show("modify a file", control(epoll, EPOLL_CTL_MOD, file, EPOLLIN));
  show("remove a file", control(epoll, EPOLL_CTL_DEL, file));
  wait("none were added", epoll);
  for (const int fd : {epoll, file, directory, null, path}) ::close(fd);
}

void terminal() {
  say("-- a terminal\n");
  const int master = must("posix_openpt", ::posix_openpt(O_RDWR | O_NOCTTY));
  must("grantpt", ::grantpt(master));
  must("unlockpt", ::unlockpt(master));
  const int slave = must("open", ::open(::ptsname(master), O_RDWR | O_NOCTTY));
  const int event = ::eventfd(0, 0);
  say("isatty: %d, %d, %d\n", ::isatty(master), ::isatty(slave), ::isatty(event));
  const int epoll = ::epoll_create1(0);
  add(epoll, slave, EPOLLIN, 1);
  add(epoll, event, EPOLLIN, 2);
  show("add again", control(epoll, EPOLL_CTL_ADD, slave, EPOLLIN));
  wait("at first", epoll);
  show("write", ::write(master, "line\n", 5));
  wait("when a line was typed", epoll, -1);
  const std::uint64_t one = 1;
  show("write", ::write(event, &one, sizeof one));
  wait("and the eventfd", epoll, -1);
  char bytes[16];
  show("read", ::read(slave, bytes, sizeof bytes));
  wait("when it was read", epoll);
  show("modify", control(epoll, EPOLL_CTL_MOD, slave, EPOLLIN | EPOLLOUT, 1));
  wait("asked for output", epoll);
  show("remove", control(epoll, EPOLL_CTL_DEL, slave));
  show("remove again", control(epoll, EPOLL_CTL_DEL, slave));
  wait("when it was removed", epoll);
  for (const int fd : {master, slave, event, epoll}) ::close(fd);
}

/// Lets the child go on. Each fifo serves once: a child might open it again before it is closed here.
void go_on(const char* path) {
  std::FILE* const fifo = std::fopen(path, "w");
  std::fputs("go\n", fifo);
  std::fclose(fifo);
}

void child_output() {
  say("-- a pipe of Linux\n");
  std::FILE* const stream = ::popen("echo one; read -r line < first; echo two; read -r line < second", "r");
  const int fd = ::fileno(stream);
  const int epoll = ::epoll_create1(0);
  add(epoll, fd, EPOLLIN | EPOLLET, 1);
  wait("edge: the first line", epoll, -1);
  char bytes[16];
  show("read", ::read(fd, bytes, sizeof bytes));
  go_on("first");
  wait("edge: the second", epoll, -1);
  show("read", ::read(fd, bytes, sizeof bytes));
  go_on("second");
  show("modify to one-shot", control(epoll, EPOLL_CTL_MOD, fd, EPOLLIN | EPOLLONESHOT, 1));
  wait("one-shot: the end", epoll, -1);
  wait("one-shot: disarmed", epoll);
  show("rearm", control(epoll, EPOLL_CTL_MOD, fd, EPOLLIN, 1));
  wait("level: the end", epoll, -1);
  show("read", ::read(fd, bytes, sizeof bytes));
  show("remove", control(epoll, EPOLL_CTL_DEL, fd));
  show("pclose", ::pclose(stream));
  ::close(epoll);
}

void input() {
  say("-- stdin\n");
  const int epoll = ::epoll_create1(0);
  const int added = show("add stdin", control(epoll, EPOLL_CTL_ADD, STDIN_FILENO, EPOLLIN, 1));
  if (added == 0) wait("stdin", epoll, -1);
  char bytes[16];
  show("read", ::read(STDIN_FILENO, bytes, sizeof bytes));
  if (added == 0) wait("read", epoll, -1);
  ::close(epoll);
}

void changes_of_files() {
  say("-- inotify\n");
  const int inotify = must("inotify_init1", ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  must("inotify_add_watch", ::inotify_add_watch(inotify, ".", IN_CREATE));
  const int epoll = ::epoll_create1(0);
  add(epoll, inotify, EPOLLIN, 1);
  wait("at first", epoll);
  ::close(must("open", ::open("another", O_CREAT | O_RDWR, 0600)));
  wait("a file was made", epoll, -1);
  char bytes[512];
  show("read", ::read(inotify, bytes, sizeof bytes));
  wait("read", epoll);
  ::close(inotify);
  ::close(epoll);
}

void triggers() {
  say("-- level, edge, one-shot\n");
  int pair[2];
  must("socketpair", ::socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
  for (const std::uint32_t mode : {0u, std::uint32_t{EPOLLET}, std::uint32_t{EPOLLONESHOT}}) {
    const int epoll = ::epoll_create1(0);
    add(epoll, pair[0], EPOLLIN | EPOLLRDHUP | mode, 1);
    show("write", ::write(pair[1], "a", 1));
    wait("first", epoll);
    wait("again", epoll);
    show("write", ::write(pair[1], "b", 1));
    wait("more came", epoll);
    show("modify", control(epoll, EPOLL_CTL_MOD, pair[0], EPOLLIN | EPOLLRDHUP | mode, 1));
    wait("modified", epoll);
    char bytes[8];
    show("read", ::read(pair[0], bytes, sizeof bytes));
    wait("drained", epoll);
    ::close(epoll);
  }
  const int epoll = ::epoll_create1(0);
  add(epoll, pair[0], EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, 1);
  wait("edge, all", epoll);
  ::shutdown(pair[1], SHUT_WR);
  wait("half closed", epoll);
  ::close(pair[1]);
  wait("closed", epoll);
  wait("told already", epoll);
  ::close(pair[0]);
  ::close(epoll);
}

void errors() {
  say("-- the order of errors\n");
  const int epoll = ::epoll_create1(0);
  const int event = ::eventfd(0, 0);
  const int file = must("open", ::open("file", O_RDWR | O_CREAT, 0600));
  const int closed = 99;
  ::epoll_event events[2];
  show("epoll_create of 0", ::epoll_create(0));
  show("epoll_create1 with a flag that is none", ::epoll_create1(1));
  show("no epoll, no target", control(closed, EPOLL_CTL_ADD, closed));
  show("no epoll", control(closed, EPOLL_CTL_ADD, event));
  show("no target", control(epoll, EPOLL_CTL_ADD, closed));
  show("an eventfd as epoll", control(event, EPOLL_CTL_ADD, epoll));
  show("an eventfd as epoll, no target", control(event, EPOLL_CTL_ADD, closed));
  show("a file as epoll", control(file, EPOLL_CTL_ADD, event, EPOLLIN));
  show("a file as epoll, a file as target", control(file, EPOLL_CTL_ADD, file, EPOLLIN));
  show("itself", control(epoll, EPOLL_CTL_ADD, epoll, EPOLLIN));
  show("operation 9", control(epoll, 9, event));
  show("operation 9 on a file", control(epoll, 9, file));
  show("add", control(epoll, EPOLL_CTL_ADD, event, EPOLLIN));
  show("add again", control(epoll, EPOLL_CTL_ADD, event, EPOLLIN));
  show("no event to add", ::epoll_ctl(epoll, EPOLL_CTL_ADD, event, nullptr));
  show("remove without one", ::epoll_ctl(epoll, EPOLL_CTL_DEL, event, nullptr));
  show("remove again", control(epoll, EPOLL_CTL_DEL, event));
  show("modify what is not there", control(epoll, EPOLL_CTL_MOD, event));
  show("exclusive one-shot", control(epoll, EPOLL_CTL_ADD, event, EPOLLIN | EPOLLEXCLUSIVE | EPOLLONESHOT));
  show("wait for none", ::epoll_wait(epoll, events, 0, 0));
  const volatile int minus_one = -1;  // Compilers know better than to let us.
  ::epoll_event* const volatile nowhere = nullptr;
  show("wait for minus one", ::epoll_wait(epoll, events, minus_one, 0));
  show("wait on an eventfd", ::epoll_wait(event, events, 1, 0));
  show("wait on a file", ::epoll_wait(file, events, 1, 0));
  show("wait on nothing", ::epoll_wait(closed, events, 1, 0));
  show("wait into nowhere", ::epoll_wait(epoll, nowhere, 1, 0));
  const ::timespec wrong{0, 1'000'000'000};
  show("wait for a wrong time", ::epoll_pwait2(epoll, events, 1, &wrong, nullptr));
  const ::timespec none{};
  show("wait for no time", ::epoll_pwait2(epoll, events, 1, &none, nullptr));
  for (const int fd : {epoll, event, file}) ::close(fd);
}

void nested() {
  say("-- nested\n");
  const int inner = ::epoll_create1(0);
  const int outer = ::epoll_create1(0);
  const int event = ::eventfd(0, 0);
  add(inner, event, EPOLLIN, 1);
  add(outer, inner, EPOLLIN, 2);
  show("a circle", control(inner, EPOLL_CTL_ADD, outer, EPOLLIN));
  wait("outer, at first", outer);
  const std::uint64_t one = 1;
  show("write", ::write(event, &one, sizeof one));
  wait("outer", outer);
  wait("inner", inner);
  std::uint64_t value = 0;
  show("read", ::read(event, &value, sizeof value));
  wait("outer, drained", outer);
  int chain[8];
  chain[0] = ::epoll_create1(0);
  for (int i = 1; i < 8; ++i) {
    chain[i] = ::epoll_create1(0);
    say("level %d: %s\n", i, outcome(control(chain[i], EPOLL_CTL_ADD, chain[i - 1], EPOLLIN)).c_str());
  }
}

}  // namespace

int main() {
  print_by_lines();
  must("mkfifo", ::system("mkfifo first second"));
  files();
  terminal();
  child_output();
  input();
  changes_of_files();
  triggers();
  errors();
  nested();
}
