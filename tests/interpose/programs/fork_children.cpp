// fork and its relatives: a child has an emulated kernel of its own, its parent's goes on; programs that are started
// run as ever.
#include "show.hpp"

#include <atomic>
#include <csignal>
#include <pthread.h>
#include <spawn.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <thread>

using namespace programs;

extern char** environ;

namespace {

int wait_for(::pid_t child) {
  int status = 0;
  must("waitpid", ::waitpid(child, &status, 0));
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/// Epoll, eventfd, pipe, sockets, a timer and a thread, all of this process's own.
void use_everything(const char* who) {
  const int epoll = ::epoll_create1(0);
  const int event = ::eventfd(0, 0);
  const int timer = ::timerfd_create(CLOCK_MONOTONIC, 0);
  int pipe[2], pair[2];
  must("pipe", ::pipe(pipe));
  must("socketpair", ::socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
  say("%s has %d %d %d %d %d %d %d\n", who, epoll, event, timer, pipe[0], pipe[1], pair[0], pair[1]);
  const ::itimerspec soon{{0, 0}, {0, 1}};
  for (const int fd : {event, timer, pipe[0], pair[0]}) {
    ::epoll_event interest{};
    interest.events = EPOLLIN | EPOLLONESHOT;
    must("epoll_ctl", ::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &interest));
  }
  std::thread other([&] {
    must("eventfd_write", ::eventfd_write(event, 1));
    must("write", ::write(pipe[1], "a", 1));
    must("write", ::write(pair[1], "b", 1));
    must("timerfd_settime", ::timerfd_settime(timer, 0, &soon, nullptr));
  });
  int reported = 0;
  ::epoll_event events[4];
  while (reported < 4) reported += must("epoll_wait", ::epoll_wait(epoll, events, 4, -1));
  other.join();
  say("%s was told of %d\n", who, reported);
  for (const int fd : {epoll, event, timer, pipe[0], pipe[1], pair[0], pair[1]}) ::close(fd);
}

void fork_and_use() {
  say("-- fork\n");
  const int event = ::eventfd(5, 0);  // The parent's; the child leaves it alone, but its number is taken there, too.
  int pair[2];
  must("socketpair", ::socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
  must("write", ::write(pair[0], "before", 6));
  const ::pid_t child = must("fork", ::fork());
  if (child == 0) {
    use_everything("the child");
    const ::pid_t grandchild = must("fork", ::fork());
    if (grandchild == 0) {
      use_everything("the grandchild");
      std::exit(4);
    }
    say("the grandchild: %d\n", wait_for(grandchild));
    // Closing its numbers closes nothing of the parent's.
    show("close in the child", ::close(event));
    show("close again", ::close(event));
    show("eventfd in the child", ::eventfd(0, 0));
    show("close_range in the child", ::close_range(3, ~0u, 0));
    std::exit(3);
  }
  say("the child: %d\n", wait_for(child));
  std::uint64_t value = 0;
  show("read in the parent", ::read(event, &value, sizeof value));
  say("value %lu\n", value);
  char bytes[16];
  show("write in the parent", ::write(pair[0], " after", 6));
  show("read in the parent", ::read(pair[1], bytes, sizeof bytes));
  use_everything("the parent");
  for (const int fd : {event, pair[0], pair[1]}) ::close(fd);
}

/// With threads that sleep in calls meanwhile.
void fork_among_threads() {
  say("-- fork while threads wait\n");
  int pipe[2];
  must("pipe", ::pipe(pipe));
  std::atomic<::pid_t> id = 0;
  char byte = 0;
  std::thread reader([&] {
    id = this_thread_id();
    must("read", ::read(pipe[0], &byte, 1));
  });
  while (id == 0) ::sched_yield();
  until_asleep(id);
  for (int i = 0; i < 5; ++i) {
    const ::pid_t child = must("fork", ::fork());
    if (child == 0) {
      const int event = ::eventfd(1, 0);
      std::uint64_t value = 0;
      ::_exit(::read(event, &value, sizeof value) == 8 ? static_cast<int>(value) : 99);
    }
    say("a child: %d\n", wait_for(child));
  }
  must("write", ::write(pipe[1], "z", 1));
  reader.join();
  say("the reader got %c\n", byte);
  for (const int fd : pipe) ::close(fd);
}

void programs_started() {
  say("-- other programs\n");
  const int event = ::eventfd(0, EFD_CLOEXEC);
  const int kept = must("open", ::open("kept", O_RDWR | O_CREAT, 0600));
  show("system", WEXITSTATUS(::system("echo from a shell; exit 6")));
  std::FILE* const stream = ::popen("cat; echo end >&2", "w");
  std::fputs("through popen\n", stream);
  show("pclose", ::pclose(stream));
  std::FILE* const from = ::popen("echo line", "r");
  char line[16] = {};
  say("popen: %s", std::fgets(line, sizeof line, from));
  show("pclose", ::pclose(from));

  const char* const arguments[] = {"sh", "-c", "ls /proc/self/fd | tr '\\n' ' '; echo spawned >&3", nullptr};
  char* const* const command = const_cast<char* const*>(arguments);
  ::posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, kept, 3);
  ::pid_t child = 0;
  const int spawned = ::posix_spawnp(&child, "sh", &actions, nullptr, command, environ);
  const int ended = wait_for(child);
  say("\nposix_spawnp: %d, it ended with %d\n", spawned, ended);
  ::posix_spawn_file_actions_destroy(&actions);
  show("what it wrote", ::lseek(kept, 0, SEEK_END));

  child = ::vfork();
  if (child == 0) {
    ::execlp("sh", "sh", "-c", "echo after vfork; exit 9", nullptr);
    ::_exit(1);
  }
  say("vfork and exec: %d\n", wait_for(child));
  child = ::vfork();
  if (child == 0) ::_exit(2);
  say("vfork and _exit: %d\n", wait_for(child));
  child = ::fork();
  if (child == 0) {
    ::execlp("no such program", "no", nullptr);
    use_everything("after a failed exec");
    ::_exit(8);
  }
  say("fork and a failed exec: %d\n", wait_for(child));
  show("the eventfd is there", ::eventfd_write(event, 1));
  use_everything("the parent");
}

/// pthread_atfork's handlers, of which the library has one, too.
void handlers() {
  say("-- handlers of fork\n");
  // What the parent prints would come before or after what the child does.
  ::pthread_atfork([] { say("prepare\n"); }, nullptr, [] { say("child\n"); });
  const ::pid_t child = must("fork", ::fork());
  if (child == 0) {
    use_everything("the child");
    ::_exit(0);
  }
  say("%d\n", wait_for(child));
}

}  // namespace

int main() {
  print_by_lines();
  fork_and_use();
  fork_among_threads();
  programs_started();
  handlers();
}
