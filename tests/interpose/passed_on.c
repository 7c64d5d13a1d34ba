// Preloaded behind the interposing library, it counts the calls that make files of an emulated kind and that reach it:
// without that library all that a program makes by these names, with it those that were passed on to Linux. run_both.py
// wants some in the first case, and none in the second.
//
//   PASSED_ON_COUNTS   a file of one counter of eight bytes for each name, in the order below; shared by all processes

#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum name { epoll_call, eventfd_call, pipe_call, timerfd_call, signalfd_call, unix_call, inet_call, names };

static _Atomic uint64_t none[names];
static _Atomic uint64_t* counts = none;

__attribute__((constructor)) static void start(void) {
  const char* path = getenv("PASSED_ON_COUNTS");
  int fd = path != NULL ? open(path, O_RDWR | O_CLOEXEC) : -1;
  if (fd < 0) return;
  void* memory = mmap(NULL, sizeof none, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (memory != MAP_FAILED) counts = memory;
  close(fd);
}

#define NEXT(function) ((__typeof__(&function))dlsym(RTLD_NEXT, #function))

int epoll_create(int size) {
  ++counts[epoll_call];
  return NEXT(epoll_create)(size);
}
int epoll_create1(int flags) {
  ++counts[epoll_call];
  return NEXT(epoll_create1)(flags);
}
int eventfd(unsigned initial, int flags) {
  ++counts[eventfd_call];
  return NEXT(eventfd)(initial, flags);
}
int pipe(int fds[2]) {
  ++counts[pipe_call];
  return NEXT(pipe)(fds);
}
int pipe2(int fds[2], int flags) {
  ++counts[pipe_call];
  return NEXT(pipe2)(fds, flags);
}
int timerfd_create(int clock, int flags) {
  ++counts[timerfd_call];
  return NEXT(timerfd_create)(clock, flags);
}
int signalfd(int fd, const sigset_t* mask, int flags) {
  if (fd == -1) ++counts[signalfd_call];
  return NEXT(signalfd)(fd, mask, flags);
}

static void count_number(long number) {
  if (number == SYS_epoll_create1) ++counts[epoll_call];
  if (number == SYS_eventfd2) ++counts[eventfd_call];
  if (number == SYS_pipe2) ++counts[pipe_call];
  if (number == SYS_timerfd_create) ++counts[timerfd_call];
}

/// Some libraries make their calls so, and so does a test of ours.
long syscall(long number, ...) {
  long words[6];
  va_list list;
  va_start(list, number);
  for (int i = 0; i < 6; ++i) words[i] = va_arg(list, long);
  va_end(list);
  count_number(number);
  return NEXT(syscall)(number, words[0], words[1], words[2], words[3], words[4], words[5]);
}
static void count_socket(int domain) {
  if (domain == AF_UNIX) ++counts[unix_call];
  if (domain == AF_INET || domain == AF_INET6) ++counts[inet_call];
}
int socket(int domain, int type, int protocol) {
  count_socket(domain);
  return NEXT(socket)(domain, type, protocol);
}
int socketpair(int domain, int type, int protocol, int fds[2]) {
  count_socket(domain);
  return NEXT(socketpair)(domain, type, protocol, fds);
}
