// The same calls by number: syscall(2), as some libraries make all of theirs.
#include "show.hpp"

#include <csignal>
#include <netinet/in.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/un.h>

using namespace programs;

namespace {

constexpr std::size_t kernel_set_size = 8;

void event_files() {
  say("-- eventfd, epoll, timerfd, signalfd\n");
  const int event = static_cast<int>(show("eventfd2", ::syscall(SYS_eventfd2, 3, EFD_NONBLOCK)));
  const int epoll = static_cast<int>(show("epoll_create1", ::syscall(SYS_epoll_create1, EPOLL_CLOEXEC)));
  ::epoll_event interest{};
  interest.events = EPOLLIN;
  interest.data.u64 = 17;
  show("epoll_ctl", ::syscall(SYS_epoll_ctl, epoll, EPOLL_CTL_ADD, event, &interest));
  show("epoll_ctl again", ::syscall(SYS_epoll_ctl, epoll, EPOLL_CTL_ADD, event, &interest));
  ::epoll_event got{};
  show("epoll_pwait", ::syscall(SYS_epoll_pwait, epoll, &got, 1, 0, nullptr, kernel_set_size));
  say("data %lu\n", static_cast<unsigned long>(got.data.u64));
  const ::timespec none{};
  show("epoll_pwait2", ::syscall(SYS_epoll_pwait2, epoll, &got, 1, &none, nullptr, kernel_set_size));
  const std::uint64_t mask = 0;
  show("epoll_pwait with a mask of another size", ::syscall(SYS_epoll_pwait, epoll, &got, 1, 0, &mask, 4));
  std::uint64_t value = 0;
  show("read", ::syscall(SYS_read, event, &value, sizeof value));
  show("read again", ::syscall(SYS_read, event, &value, sizeof value));
  show("write", ::syscall(SYS_write, event, &value, sizeof value));
  show("dup", ::syscall(SYS_dup, event));
  show("dup3", ::syscall(SYS_dup3, event, 40, O_CLOEXEC));
  show("fcntl", ::syscall(SYS_fcntl, 40, F_GETFD));
  show("fcntl", ::syscall(SYS_fcntl, event, F_DUPFD_CLOEXEC, 41));
  show("close", ::syscall(SYS_close, 40));
  show("close again", ::syscall(SYS_close, 40));
  show("close_range", ::syscall(SYS_close_range, 41, 60, 0));
  const int timer = static_cast<int>(show("timerfd_create", ::syscall(SYS_timerfd_create, CLOCK_MONOTONIC, 0)));
  const ::itimerspec soon{{0, 0}, {0, 1}};
  show("timerfd_settime", ::syscall(SYS_timerfd_settime, timer, 0, &soon, nullptr));
  show("read", ::syscall(SYS_read, timer, &value, sizeof value));
  ::itimerspec left{};
  show("timerfd_gettime", ::syscall(SYS_timerfd_gettime, timer, &left));
  std::uint64_t usr1 = 1 << (SIGUSR1 - 1);
  show("rt_sigprocmask", ::syscall(SYS_rt_sigprocmask, SIG_BLOCK, &usr1, nullptr, kernel_set_size));
  const int signals = static_cast<int>(show("signalfd4", ::syscall(SYS_signalfd4, -1, &usr1, kernel_set_size, 0)));
  show("kill", ::syscall(SYS_kill, ::getpid(), SIGUSR1));
  ::signalfd_siginfo info{};
  show("read", ::syscall(SYS_read, signals, &info, sizeof info));
  show("tgkill", ::syscall(SYS_tgkill, ::getpid(), this_thread_id(), SIGUSR1));
  show("read", ::syscall(SYS_read, signals, &info, sizeof info));
  show("no such call", ::syscall(9999));
}

void pipes() {
  say("-- pipe, poll, select\n");
  int ends[2];
  show("pipe2", ::syscall(SYS_pipe2, ends, O_NONBLOCK));
  ::iovec vector{const_cast<char*>("abc"), 3};
  show("writev", ::syscall(SYS_writev, ends[1], &vector, 1));
  char bytes[8];
  ::iovec to{bytes, sizeof bytes};
  ::pollfd entry{ends[0], POLLIN, 0};
  const ::timespec none{};
  show("ppoll", ::syscall(SYS_ppoll, &entry, 1, &none, nullptr, kernel_set_size));
  ::fd_set in;
  FD_ZERO(&in);
  FD_SET(ends[0], &in);
  const struct {
    const void* mask;
    std::size_t size;
  } mask{nullptr, kernel_set_size};
  ::timespec no_time{};
  show("pselect6", ::syscall(SYS_pselect6, ends[0] + 1, &in, nullptr, nullptr, &no_time, &mask));
  show("readv", ::syscall(SYS_readv, ends[0], &to, 1));
  show("read", ::syscall(SYS_read, ends[0], bytes, sizeof bytes));
  show("lseek", ::syscall(SYS_lseek, ends[0], 0, SEEK_SET));
  int available = -1;
  show("ioctl", ::syscall(SYS_ioctl, ends[0], 0x541b /* FIONREAD */, &available));
  struct ::stat found {};
  show("fstat", ::syscall(SYS_fstat, ends[0], &found));
  say("available %d, a pipe %d\n", available, S_ISFIFO(found.st_mode));
}

void sockets() {
  say("-- sockets\n");
  int pair[2];
  char bytes[8];
  show("socketpair", ::syscall(SYS_socketpair, AF_UNIX, SOCK_DGRAM, 0, pair));
  show("sendto", ::syscall(SYS_sendto, pair[0], "abc", 3, 0, nullptr, 0));
  show("recvfrom", ::syscall(SYS_recvfrom, pair[1], bytes, sizeof bytes, 0, nullptr, nullptr));
  ::iovec vector{bytes, 3};
  ::mmsghdr message{};
  message.msg_hdr.msg_iov = &vector;
  message.msg_hdr.msg_iovlen = 1;
  show("sendmsg", ::syscall(SYS_sendmsg, pair[0], &message.msg_hdr, 0));
  show("recvmsg", ::syscall(SYS_recvmsg, pair[1], &message.msg_hdr, 0));
  show("sendmmsg", ::syscall(SYS_sendmmsg, pair[0], &message, 1, 0));
  show("recvmmsg", ::syscall(SYS_recvmmsg, pair[1], &message, 1, 0, nullptr));
  show("sendmmsg of none", ::syscall(SYS_sendmmsg, pair[0], nullptr, 0, 0));

  const int listener = static_cast<int>(show("socket", ::syscall(SYS_socket, AF_INET, SOCK_STREAM, 0)));
  ::sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
  ::socklen_t n = sizeof address;
  const int one = 1;
  show("setsockopt", ::syscall(SYS_setsockopt, listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one));
  show("bind", ::syscall(SYS_bind, listener, &address, n));
  show("listen", ::syscall(SYS_listen, listener, 2));
  show("getsockname", ::syscall(SYS_getsockname, listener, &address, &n));
  const int client = static_cast<int>(show("socket", ::syscall(SYS_socket, AF_INET, SOCK_STREAM, 0)));
  show("connect", ::syscall(SYS_connect, client, &address, n));
  const int server =
      static_cast<int>(show("accept4", ::syscall(SYS_accept4, listener, nullptr, nullptr, SOCK_NONBLOCK)));
  show("recvfrom", ::syscall(SYS_recvfrom, server, bytes, sizeof bytes, 0, nullptr, nullptr));
  show("getpeername", ::syscall(SYS_getpeername, client, &address, &n));
  int error = -1;
  ::socklen_t error_n = sizeof error;
  show("getsockopt", ::syscall(SYS_getsockopt, client, SOL_SOCKET, SO_ERROR, &error, &error_n));
  const int file = must("open", ::open("file", O_RDWR | O_CREAT, 0600));
  must("write", ::write(file, "abc", 3));
  ::off_t offset = 0;
  show("sendfile", ::syscall(SYS_sendfile, client, file, &offset, 3));
  show("shutdown", ::syscall(SYS_shutdown, client, SHUT_WR));
  show("accept", ::syscall(SYS_accept, client, nullptr, nullptr));
}

#if defined(__x86_64__)
void old_calls() {
  say("-- the older ones\n");
  int ends[2];
  show("pipe", ::syscall(SYS_pipe, ends));
  show("dup2", ::syscall(SYS_dup2, ends[0], 50));
  show("eventfd", ::syscall(SYS_eventfd, 1));
  show("epoll_create", ::syscall(SYS_epoll_create, 1));
  ::pollfd entry{ends[1], POLLOUT, 0};
  show("poll", ::syscall(SYS_poll, &entry, 1, -1));
  ::timeval none{};
  ::fd_set out;
  FD_ZERO(&out);
  FD_SET(ends[1], &out);
  show("select", ::syscall(SYS_select, ends[1] + 1, nullptr, &out, nullptr, &none));
  ::epoll_event got{};
  show("epoll_wait on a pipe", ::syscall(SYS_epoll_wait, ends[0], &got, 1, 0));
}
#else
void old_calls() {}
#endif

void limits() {
  say("-- limits\n");
  ::rlimit limit{};
  show("prlimit64", ::syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, nullptr, &limit));
  limit.rlim_cur = 3;
  show("prlimit64", ::syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, &limit, nullptr));
  show("eventfd2", ::syscall(SYS_eventfd2, 0, 0));
}

}  // namespace

int main() {
  print_by_lines();
  event_files();
  pipes();
  sockets();
  old_calls();
  limits();
}
