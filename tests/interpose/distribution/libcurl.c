// libcurl as client, easy and multi interface, of an HTTP server in another thread of the same process. The server is
// written with blocking sockets and closes every connection except the first, so libcurl connects, reuses, and sees an
// end. The output is the same on every run.

#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { easy_requests = 2, multi_requests = 3 };

static void require(int holds, const char* what) {
  if (holds) return;
  fprintf(stderr, "libcurl: %s failed\n", what);
  exit(1);
}

// -- the server

static int listener;

/// Reads one request up to its empty line; says how many bytes that were, 0 at the end of the stream.
static size_t read_request(int fd, char* text, size_t room) {
  size_t size = 0;
  for (;;) {
    ssize_t count = recv(fd, text + size, room - 1 - size, 0);
    if (count <= 0) return 0;
    size += (size_t)count;
    text[size] = '\0';
    if (strstr(text, "\r\n\r\n") != NULL) return size;
  }
}

static void send_answer(int fd, const char* request, int keep) {
  char path[64], body[128], answer[256];
  require(sscanf(request, "%*s %63s", path) == 1, "parsing the request");
  int body_size = snprintf(body, sizeof body, "you asked for %s", path);
  int size = snprintf(answer, sizeof answer, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: %s\r\n\r\n%s",
                      body_size, keep ? "keep-alive" : "close", body);
  require(send(fd, answer, (size_t)size, MSG_NOSIGNAL) == size, "send");
}

static void* serve(void* unused) {
  char request[4096];
  for (int left = easy_requests + multi_requests; left > 0;) {
    int fd = accept(listener, NULL, NULL);
    require(fd >= 0, "accept");
    while (left > 0 && read_request(fd, request, sizeof request) > 0) {
      --left;
      int keep = strstr(request, "/keep") != NULL;
      send_answer(fd, request, keep);
      if (!keep) break;
    }
    close(fd);
  }
  return unused;
}

// -- the client

struct answer {
  char text[128];
  size_t size;
};

static size_t store(char* data, size_t unit, size_t count, void* context) {
  struct answer* answer = context;
  size_t size = unit * count;
  if (size > sizeof answer->text - answer->size) return 0;
  memcpy(answer->text + answer->size, data, size);
  answer->size += size;
  return size;
}

static void prepare(CURL* request, int port, const char* path, struct answer* answer) {
  char url[128];
  snprintf(url, sizeof url, "http://127.0.0.1:%d%s", port, path);
  answer->size = 0;
  curl_easy_setopt(request, CURLOPT_URL, url);
  curl_easy_setopt(request, CURLOPT_WRITEFUNCTION, store);
  curl_easy_setopt(request, CURLOPT_WRITEDATA, answer);
  curl_easy_setopt(request, CURLOPT_TCP_KEEPALIVE, 1L);
  curl_easy_setopt(request, CURLOPT_TIMEOUT_MS, 10000L);
  curl_easy_setopt(request, CURLOPT_NOPROXY, "*");
}

static void print_answer(const char* who, const struct answer* answer) {
  printf("%s: %.*s\n", who, (int)answer->size, answer->text);
}

/// One handle asks twice; the server keeps the connection of the first, so the second reuses it.
static void ask_one_by_one(int port) {
  static const char* const paths[easy_requests] = {"/keep", "/close"};
  CURL* request = curl_easy_init();
  for (int i = 0; i < easy_requests; ++i) {
    struct answer answer;
    long connects = -1;
    prepare(request, port, paths[i], &answer);
    require(curl_easy_perform(request) == CURLE_OK, "curl_easy_perform");
    curl_easy_getinfo(request, CURLINFO_NUM_CONNECTS, &connects);
    print_answer("easy", &answer);
    printf("easy: %ld new connections\n", connects);
  }
  curl_easy_cleanup(request);
}

/// The answers may come in any order, so they are printed when all are there.
static void ask_all_at_once(int port) {
  struct answer answers[multi_requests];
  CURL* requests[multi_requests];
  CURLM* all = curl_multi_init();
  for (int i = 0; i < multi_requests; ++i) {
    char path[24];
    snprintf(path, sizeof path, "/page%d", i);
    requests[i] = curl_easy_init();
    prepare(requests[i], port, path, &answers[i]);
    curl_multi_add_handle(all, requests[i]);
  }
  for (int running = 1; running > 0;) {
    require(curl_multi_perform(all, &running) == CURLM_OK, "curl_multi_perform");
    if (running > 0) require(curl_multi_poll(all, NULL, 0, 1000, NULL) == CURLM_OK, "curl_multi_poll");
  }
  for (int i = 0; i < multi_requests; ++i) {
    print_answer("multi", &answers[i]);
    curl_multi_remove_handle(all, requests[i]);
    curl_easy_cleanup(requests[i]);
  }
  curl_multi_cleanup(all);
}

int main(void) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof address;
  listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  require(bind(listener, (struct sockaddr*)&address, size) == 0 && listen(listener, 8) == 0, "listen");
  require(getsockname(listener, (struct sockaddr*)&address, &size) == 0, "getsockname");
  pthread_t server;
  require(pthread_create(&server, NULL, serve, NULL) == 0, "pthread_create");

  curl_global_init(CURL_GLOBAL_DEFAULT);
  ask_one_by_one(ntohs(address.sin_port));
  ask_all_at_once(ntohs(address.sin_port));
  curl_global_cleanup();
  pthread_join(server, NULL);
  close(listener);
  return 0;
}
