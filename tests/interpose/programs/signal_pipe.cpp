// SIGPIPE: it kills whoever does not expect it, writes say EPIPE to all others, and MSG_NOSIGNAL keeps it from coming.
#include "loopback.hpp"

#include <csignal>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>

using namespace programs;

namespace {

volatile std::sig_atomic_t handled;
void on_signal(int) { handled = handled + 1; }

int broken_pipe() {
  int ends[2];
  must("pipe", ::pipe(ends));
  ::close(ends[0]);
  return ends[1];
}
int broken_socket(int type) {
  int pair[2];
  must("socketpair", ::socketpair(AF_UNIX, type, 0, pair));
  ::close(pair[0]);
  return pair[1];
}
int broken_tcp() {
  ::sockaddr_in address{};
  listen_on_loopback(address, 1);
  const int client = connect_to(address);
  ::shutdown(client, SHUT_WR);
  return client;
}

void all_writes() {
  ::iovec vector{const_cast<char*>("abc"), 3};
  ::msghdr message{};
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  const auto done = [](const char* what, long result) {
    say("%s: %s, handled %d\n", what, outcome(result).c_str(), static_cast<int>(handled));
    handled = 0;
  };
  const int pipe = broken_pipe();
  done("write to a pipe", ::write(pipe, "abc", 3));
  done("writev to a pipe", ::writev(pipe, &vector, 1));
  done("write of nothing", ::write(pipe, "abc", 0));
  for (const int fd : {broken_socket(SOCK_STREAM), broken_socket(SOCK_SEQPACKET), broken_tcp()}) {
    done("write", ::write(fd, "abc", 3));
    done("send", ::send(fd, "abc", 3, 0));
    done("send with MSG_NOSIGNAL", ::send(fd, "abc", 3, MSG_NOSIGNAL));
    done("sendto with MSG_NOSIGNAL", ::sendto(fd, "abc", 3, MSG_NOSIGNAL, nullptr, 0));
    done("sendmsg", ::sendmsg(fd, &message, 0));
    done("sendmsg with MSG_NOSIGNAL", ::sendmsg(fd, &message, MSG_NOSIGNAL));
  }
  done("a datagram", ::send(broken_socket(SOCK_DGRAM), "abc", 3, 0));
}

/// A child of its own emulated kernel, and how it ended.
template <class Body>
void in_child(const char* what, Body body) {
  const ::pid_t child = must("fork", ::fork());
  if (child == 0) {
    body();
    std::fflush(stdout);
    ::_exit(7);
  }
  int status = 0;
  must("waitpid", ::waitpid(child, &status, 0));
  if (WIFSIGNALED(status)) say("%s: ended by %s\n", what, sigabbrev_np(WTERMSIG(status)));
  if (WIFEXITED(status)) say("%s: exit status %d\n", what, WEXITSTATUS(status));
}

}  // namespace

int main(int argc, char**) {
  print_by_lines();
  if (argc > 1) {
    say("about to write\n");
    show("write", ::write(broken_pipe(), "abc", 3));
    return 1;
  }
  const auto write_to = [](int fd) { show("write", ::write(fd, "abc", 3)); };
  in_child("pipe", [&] { write_to(broken_pipe()); });
  in_child("socket", [&] { write_to(broken_socket(SOCK_STREAM)); });
  in_child("TCP", [&] { write_to(broken_tcp()); });
  in_child("MSG_NOSIGNAL", [&] { show("send", ::send(broken_socket(SOCK_STREAM), "abc", 3, MSG_NOSIGNAL)); });
  in_child("blocked", [&] {
    ::sigset_t set;
    ::sigemptyset(&set);
    ::sigaddset(&set, SIGPIPE);
    ::sigprocmask(SIG_BLOCK, &set, nullptr);
    write_to(broken_pipe());
    ::sigset_t pending;
    ::sigpending(&pending);
    say("pending: %d\n", ::sigismember(&pending, SIGPIPE));
    ::sigprocmask(SIG_UNBLOCK, &set, nullptr);
  });
  ::signal(SIGPIPE, on_signal);
  say("-- handled\n");
  all_writes();
  ::signal(SIGPIPE, SIG_IGN);
  say("-- ignored\n");
  all_writes();
}
