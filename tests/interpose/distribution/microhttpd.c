// libmicrohttpd as server, in each of its ways to wait, and libcurl as its client in the same process. One page comes
// from memory and one from a regular file, which the server sends with sendfile(2). The output is the same on every
// run.

#include <arpa/inet.h>
#include <curl/curl.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { file_size = 100 * 1000 };

static char path[] = "file.XXXXXX";

static void require(int holds, const char* what) {
  if (holds) return;
  fprintf(stderr, "microhttpd: %s failed\n", what);
  exit(1);
}

static enum MHD_Result answer(void* unused, struct MHD_Connection* connection, const char* url, const char* method,
                              const char* version, const char* upload, size_t* upload_size, void** request) {
  (void)unused;
  (void)method;
  (void)version;
  (void)upload;
  (void)upload_size;
  (void)request;
  struct MHD_Response* response;
  if (strcmp(url, "/file") == 0) {
    FILE* file = fopen(path, "r");
    require(file != NULL, "fopen");
    response = MHD_create_response_from_fd(file_size, dup(fileno(file)));
    fclose(file);
  } else {
    static char page[] = "a page";
    response = MHD_create_response_from_buffer(sizeof page - 1, page, MHD_RESPMEM_PERSISTENT);
  }
  enum MHD_Result result = MHD_queue_response(connection, MHD_HTTP_OK, response);
  MHD_destroy_response(response);
  return result;
}

static size_t count_bytes(char* data, size_t unit, size_t count, void* sum) {
  (void)data;
  *(size_t*)sum += unit * count;
  return unit * count;
}

static void ask(CURL* client, int port, const char* page) {
  char url[64];
  size_t sum = 0;
  snprintf(url, sizeof url, "http://127.0.0.1:%d/%s", port, page);
  curl_easy_setopt(client, CURLOPT_URL, url);
  curl_easy_setopt(client, CURLOPT_NOPROXY, "*");
  curl_easy_setopt(client, CURLOPT_TIMEOUT_MS, 10000L);
  curl_easy_setopt(client, CURLOPT_WRITEFUNCTION, count_bytes);
  curl_easy_setopt(client, CURLOPT_WRITEDATA, &sum);
  require(curl_easy_perform(client) == CURLE_OK, "curl_easy_perform");
  printf("  %s: %zu bytes\n", page, sum);
}

static void serve_and_ask(const char* name, unsigned flags) {
  puts(name);
  const struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  struct MHD_Daemon* server = MHD_start_daemon(flags | MHD_USE_ERROR_LOG, 0, NULL, NULL, answer, NULL,
                                               MHD_OPTION_SOCK_ADDR, &address, MHD_OPTION_END);
  require(server != NULL, "MHD_start_daemon");
  int port = MHD_get_daemon_info(server, MHD_DAEMON_INFO_BIND_PORT)->port;
  CURL* client = curl_easy_init();
  ask(client, port, "page");
  ask(client, port, "file");
  curl_easy_cleanup(client);
  MHD_stop_daemon(server);
}

int main(void) {
  int fd = mkstemp(path);
  require(fd >= 0 && ftruncate(fd, file_size) == 0, "making the file");
  curl_global_init(CURL_GLOBAL_DEFAULT);
  serve_and_ask("epoll:", MHD_USE_EPOLL_INTERNAL_THREAD);
  serve_and_ask("epoll, turbo:", MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_TURBO);
  serve_and_ask("poll:", MHD_USE_POLL_INTERNAL_THREAD);
  serve_and_ask("select:", MHD_USE_SELECT_INTERNALLY);
  serve_and_ask("a thread for each connection:", MHD_USE_POLL_INTERNAL_THREAD | MHD_USE_THREAD_PER_CONNECTION);
  curl_global_cleanup();
  close(fd);
  unlink(path);
  return 0;
}
