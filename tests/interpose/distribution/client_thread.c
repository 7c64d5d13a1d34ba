// A client inside the server's own process. Preloaded into a server program, it starts a thread that connects to a port
// of 127.0.0.1, sends one request, prints the first lines of the answer, and then ends the server with a signal. So an
// unmodified server that only answers requests from outside becomes a test of one process.
//
//   PROGRAM         in which program; others it is loaded into are none of its business
//   CLIENT_PORT     where to connect; nothing happens without it
//   CLIENT_REQUEST  what to send; \r and \n are written as a backslash and a letter
//   CLIENT_REPEAT   how many times, each on a connection of its own; once if unset
//   CLIENT_LINES    how many lines to print of each answer, 1 if unset
//   CLIENT_SIGNAL   the number of the signal that ends the server, SIGTERM if unset
//
// All of it is read before main, as some servers (nginx) clear their environment. The thread blocks every signal, so
// that those meant for the server reach the server's threads.

#include "preloaded.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

enum { tries_max = 500, try_every_ms = 10 };

static struct {
  int port, repeat, lines, signal;
  char request[4096];
  size_t request_size;
} plan;

/// A server that is still starting refuses the connection, so that is tried again for a while.
static int connect_to(int port) {
  const struct sockaddr_in address = {
      .sin_family = AF_INET, .sin_port = htons((unsigned short)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  for (int tries = 0; tries < tries_max; ++tries) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) give_up("socket");
    if (connect(fd, (const struct sockaddr*)&address, sizeof address) == 0) return fd;
    if (errno != ECONNREFUSED) give_up("connect");
    close(fd);
    poll(NULL, 0, try_every_ms);
  }
  give_up("connect");
  return -1;
}

static void send_all(int fd, const char* data, size_t size) {
  while (size > 0) {
    ssize_t count = send(fd, data, size, MSG_NOSIGNAL);
    if (count < 0) give_up("send");
    data += count;
    size -= (size_t)count;
  }
}

/// Prints so many lines of what arrives, then closes its half and reads until the server closed the other: a connection
/// closed with bytes unread would be reset instead. The half-close may end the server, so all is printed before it.
static void print_lines_and_drain(int fd, int lines) {
  for (int half_closed = 0;;) {
    if (lines == 0 && !half_closed) {
      fflush(stdout);
      half_closed = shutdown(fd, SHUT_WR) == 0;
    }
    char bytes[1024];
    ssize_t count = recv(fd, bytes, sizeof bytes, 0);
    if (count < 0) give_up("recv");
    if (count == 0) break;
    for (ssize_t i = 0; i < count && lines > 0; ++i) {
      if (bytes[i] != '\r') fputc(bytes[i], stdout);
      if (bytes[i] == '\n') --lines;
    }
  }
  fflush(stdout);
}

static void* ask_and_end_the_server(void* unused) {
  for (int left = plan.repeat; left > 0; --left) {
    int fd = connect_to(plan.port);
    send_all(fd, plan.request, plan.request_size);
    print_lines_and_drain(fd, plan.lines);
    close(fd);
  }
  kill(getpid(), plan.signal);
  return unused;
}

// -- reading the environment, and the start

static int number_or(const char* name, int otherwise) {
  const char* text = getenv(name);
  return text != NULL ? atoi(text) : otherwise;
}

__attribute__((constructor)) static void start(void) {
  if (!is_in_its_program()) return;
  plan.port = number_or("CLIENT_PORT", 0);
  if (plan.port == 0) return;
  plan.repeat = number_or("CLIENT_REPEAT", 1);
  plan.lines = number_or("CLIENT_LINES", 1);
  plan.signal = number_or("CLIENT_SIGNAL", SIGTERM);
  const char* text = getenv("CLIENT_REQUEST");
  plan.request_size = unescape(text != NULL ? text : "", plan.request, sizeof plan.request);

  start_thread(ask_and_end_the_server);
}
