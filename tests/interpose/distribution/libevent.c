// Everything libevent does with file descriptors, in one thread and one loop after another: a socketpair between two
// bufferevents, a TCP listener with a client, a timer, a signal, and an HTTP server with its own client.
// Each part prints what it got; the output is the same on every run.

#include <arpa/inet.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static void require(int holds, const char* what) {
  if (holds) return;
  fprintf(stderr, "libevent: %s failed\n", what);
  exit(1);
}

static void print_line(const char* who, struct evbuffer* input) {
  char* line = evbuffer_readln(input, NULL, EVBUFFER_EOL_LF);
  if (line != NULL) printf("%s: %s\n", who, line);
  free(line);
}

// -- the two roles of the echo parts; the context of both is the loop

static void echo_back(struct bufferevent* self, void* context) {
  (void)context;
  bufferevent_write_buffer(self, bufferevent_get_input(self));
}

static void print_and_leave(struct bufferevent* self, void* context) {
  struct evbuffer* input = bufferevent_get_input(self);
  if (evbuffer_search_eol(input, NULL, NULL, EVBUFFER_EOL_LF).pos < 0) return;
  print_line("client got", input);
  event_base_loopexit(context, NULL);
}

static void echo_over_a_socketpair(struct event_base* loop) {
  struct bufferevent* pair[2];
  evutil_socket_t ends[2];
  require(evutil_socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0, "evutil_socketpair");
  for (int i = 0; i < 2; ++i) {
    require(evutil_make_socket_nonblocking(ends[i]) == 0, "evutil_make_socket_nonblocking");
    pair[i] = bufferevent_socket_new(loop, ends[i], BEV_OPT_CLOSE_ON_FREE);
    require(pair[i] != NULL, "bufferevent_socket_new");
  }
  bufferevent_setcb(pair[0], echo_back, NULL, NULL, NULL);
  bufferevent_setcb(pair[1], print_and_leave, NULL, NULL, loop);
  bufferevent_enable(pair[0], EV_READ | EV_WRITE);
  bufferevent_enable(pair[1], EV_READ | EV_WRITE);
  evbuffer_add_printf(bufferevent_get_output(pair[1]), "over a socketpair\n");
  event_base_dispatch(loop);
  bufferevent_free(pair[0]);
  bufferevent_free(pair[1]);
}

// -- TCP: the server closes after the client did, so both ends see the other's end of file

static struct bufferevent* accepted;

static void server_sees_the_end(struct bufferevent* self, short what, void* context) {
  printf("server: %s\n", (what & BEV_EVENT_EOF) ? "end of file" : "error");
  bufferevent_free(self);
  accepted = NULL;
  event_base_loopexit(context, NULL);
}

static void accept_one(struct evconnlistener* listener, evutil_socket_t fd, struct sockaddr* peer, int peer_size,
                       void* context) {
  (void)peer_size;
  char text[INET_ADDRSTRLEN];
  const struct sockaddr_in* from = (const struct sockaddr_in*)peer;
  printf("server: accepted from %s\n", evutil_inet_ntop(AF_INET, &from->sin_addr, text, sizeof text));
  accepted = bufferevent_socket_new(evconnlistener_get_base(listener), fd, BEV_OPT_CLOSE_ON_FREE);
  bufferevent_setcb(accepted, echo_back, NULL, server_sees_the_end, context);
  bufferevent_enable(accepted, EV_READ | EV_WRITE);
}

static void client_sees_the_connection(struct bufferevent* self, short what, void* context) {
  (void)context;
  require((what & BEV_EVENT_CONNECTED) != 0, "connecting");
  evbuffer_add_printf(bufferevent_get_output(self), "over TCP\n");
}

static void echo_over_tcp(struct event_base* loop) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  struct evconnlistener* listener =
      evconnlistener_new_bind(loop, accept_one, loop, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_REUSEABLE,
                              16, (struct sockaddr*)&address, sizeof address);
  require(listener != NULL, "evconnlistener_new_bind");
  socklen_t size = sizeof address;
  require(getsockname(evconnlistener_get_fd(listener), (struct sockaddr*)&address, &size) == 0, "getsockname");

  struct bufferevent* client = bufferevent_socket_new(loop, -1, BEV_OPT_CLOSE_ON_FREE);
  bufferevent_setcb(client, print_and_leave, NULL, client_sees_the_connection, loop);
  bufferevent_enable(client, EV_READ | EV_WRITE);
  require(bufferevent_socket_connect(client, (struct sockaddr*)&address, sizeof address) == 0, "connect");
  event_base_dispatch(loop);
  bufferevent_free(client);
  event_base_dispatch(loop);
  evconnlistener_free(listener);
}

// -- a timer and a signal

static void count_to_three(evutil_socket_t fd, short what, void* context) {
  (void)fd;
  (void)what;
  static int ticks;
  printf("timer: tick %d\n", ++ticks);
  if (ticks == 3) event_base_loopexit(context, NULL);
}

static void print_signal(evutil_socket_t number, short what, void* context) {
  (void)what;
  printf("signal: %s\n", number == SIGUSR1 ? "SIGUSR1" : "another");
  event_base_loopexit(context, NULL);
}

static void wait_for_timer_and_signal(struct event_base* loop) {
  const struct timeval period = {.tv_usec = 10 * 1000};
  struct event* timer = event_new(loop, -1, EV_PERSIST, count_to_three, loop);
  require(event_add(timer, &period) == 0, "event_add of a timer");
  event_base_dispatch(loop);
  event_free(timer);

  struct event* on_signal = evsignal_new(loop, SIGUSR1, print_signal, loop);
  require(event_add(on_signal, NULL) == 0, "event_add of a signal");
  raise(SIGUSR1);
  event_base_dispatch(loop);
  event_free(on_signal);
}

// -- HTTP

static void answer(struct evhttp_request* request, void* context) {
  (void)context;
  struct evbuffer* body = evbuffer_new();
  evbuffer_add_printf(body, "you asked for %s\n", evhttp_request_get_uri(request));
  evhttp_send_reply(request, HTTP_OK, "OK", body);
  evbuffer_free(body);
}

static void print_answer(struct evhttp_request* request, void* context) {
  require(request != NULL, "the HTTP request");
  printf("http: status %d\n", evhttp_request_get_response_code(request));
  print_line("http", evhttp_request_get_input_buffer(request));
  event_base_loopexit(context, NULL);
}

static void ask_over_http(struct event_base* loop) {
  struct evhttp* server = evhttp_new(loop);
  evhttp_set_gencb(server, answer, NULL);
  struct evhttp_bound_socket* bound = evhttp_bind_socket_with_handle(server, "127.0.0.1", 0);
  require(bound != NULL, "evhttp_bind_socket_with_handle");
  struct sockaddr_in address;
  socklen_t size = sizeof address;
  require(getsockname(evhttp_bound_socket_get_fd(bound), (struct sockaddr*)&address, &size) == 0, "getsockname");

  struct evhttp_connection* client = evhttp_connection_base_new(loop, NULL, "127.0.0.1", ntohs(address.sin_port));
  struct evhttp_request* request = evhttp_request_new(print_answer, loop);
  evhttp_add_header(evhttp_request_get_output_headers(request), "Host", "127.0.0.1");
  require(evhttp_make_request(client, request, EVHTTP_REQ_GET, "/a/page") == 0, "evhttp_make_request");
  event_base_dispatch(loop);
  evhttp_connection_free(client);
  evhttp_free(server);
}

int main(void) {
  struct event_base* loop = event_base_new();
  require(loop != NULL, "event_base_new");
  printf("method: %s\n", event_base_get_method(loop));
  echo_over_a_socketpair(loop);
  echo_over_tcp(loop);
  wait_for_timer_and_signal(loop);
  ask_over_http(loop);
  event_base_free(loop);
  libevent_global_shutdown();
  return 0;
}
