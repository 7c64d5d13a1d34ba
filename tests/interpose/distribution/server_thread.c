// A server inside the client's own process. Preloaded into a client program, it listens on a port of 127.0.0.1 before
// main and starts a thread that gives every connection the same answer: so curl or nc becomes a test of one process.
//
//   PROGRAM         in which program; others it is loaded into are none of its business
//   SERVER_PORT     where to listen; nothing happens without it
//   SERVER_ANSWER   what to answer once the peer's text ended in an empty line or its half was closed; \r and \n are
//                   written as a backslash and a letter. Without it the peer's own bytes are sent back.
//
// The thread never ends and blocks every signal; the program's own exit ends it.

#include "preloaded.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

static struct {
  int listener, echoes;
  char answer[4096];
  size_t answer_size;
} plan;

static int send_all(int fd, const char* data, size_t size) {
  while (size > 0) {
    ssize_t count = send(fd, data, size, MSG_NOSIGNAL);
    if (count < 0) return -1;
    data += count;
    size -= (size_t)count;
  }
  return 0;
}

static void echo(int fd) {
  char bytes[4096];
  ssize_t count;
  while ((count = recv(fd, bytes, sizeof bytes, 0)) > 0) {
    if (send_all(fd, bytes, (size_t)count) != 0) return;
  }
}

static void answer_once(int fd) {
  char request[8192];
  size_t size = 0;
  ssize_t count;
  while ((count = recv(fd, request + size, sizeof request - 1 - size, 0)) > 0) {
    size += (size_t)count;
    request[size] = '\0';
    if (strstr(request, "\r\n\r\n") != NULL) break;
  }
  send_all(fd, plan.answer, plan.answer_size);
  shutdown(fd, SHUT_WR);
  while (recv(fd, request, sizeof request, 0) > 0) {
  }
}

static void* serve(void* unused) {
  for (;;) {
    int fd = accept4(plan.listener, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0) return unused;
    plan.echoes ? echo(fd) : answer_once(fd);
    close(fd);
  }
}

__attribute__((constructor)) static void start(void) {
  const char* port = getenv("SERVER_PORT");
  if (!is_in_its_program() || port == NULL) return;
  const char* text = getenv("SERVER_ANSWER");
  plan.echoes = text == NULL;
  if (text != NULL) plan.answer_size = unescape(text, plan.answer, sizeof plan.answer);

  const struct sockaddr_in address = {
      .sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(port)), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int yes = 1;
  plan.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (plan.listener < 0) give_up("socket");
  setsockopt(plan.listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  if (bind(plan.listener, (const struct sockaddr*)&address, sizeof address) != 0) give_up("bind");
  if (listen(plan.listener, 8) != 0) give_up("listen");

  start_thread(serve);
}
