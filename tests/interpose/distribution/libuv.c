// Everything libuv does with file descriptors, one loop and two helper threads: TCP and unix sockets, a timer, a
// wake-up from another thread, a signal, polling a descriptor of our own, and a regular file read by the thread pool.
// Each part runs the loop until nothing is left and prints what it got; the output is the same on every run.

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

static uv_loop_t* loop;
static char scratch[64];  // what any read of the drivers' one line goes into

static void require(int result, const char* what) {
  if (result >= 0) return;
  fprintf(stderr, "libuv: %s: %s\n", what, uv_strerror(result));
  exit(1);
}

static void run(void) { require(uv_run(loop, UV_RUN_DEFAULT), "uv_run"); }

static void close_it(void* handle) { uv_close(handle, NULL); }

static void lend_scratch(uv_handle_t* handle, size_t suggested, uv_buf_t* buffer) {
  (void)handle;
  (void)suggested;
  *buffer = uv_buf_init(scratch, sizeof scratch);
}

// -- streams: one server, one accepted end and one client, of one of two kinds; the names are the same for both

static union {
  uv_stream_t stream;
  uv_tcp_t tcp;
  uv_pipe_t pipe;
} server, accepted, client;
static int (*init_stream)(void);
static uv_write_t client_write, server_write;
static uv_connect_t connecting;

static void server_reads(uv_stream_t* self, ssize_t count, const uv_buf_t* buffer) {
  if (count == UV_EOF) {
    puts("server: end of file");
    close_it(self);
    close_it(&server);
    return;
  }
  require((int)count, "reading on the server");
  uv_buf_t same = uv_buf_init(buffer->base, (unsigned)count);
  require(uv_write(&server_write, self, &same, 1, NULL), "uv_write");
}

static void client_reads(uv_stream_t* self, ssize_t count, const uv_buf_t* buffer) {
  require((int)count, "reading on the client");
  printf("client got: %.*s\n", (int)count, buffer->base);
  close_it(self);
}

static void server_accepts(uv_stream_t* self, int status) {
  require(status, "listening");
  require(init_stream(), "initialising the accepted end");
  require(uv_accept(self, &accepted.stream), "uv_accept");
  require(uv_read_start(&accepted.stream, lend_scratch, server_reads), "uv_read_start");
}

static void client_connected(uv_connect_t* request, int status) {
  require(status, "connecting");
  char* text = request->data;
  uv_buf_t buffer = uv_buf_init(text, (unsigned)strlen(text));
  require(uv_write(&client_write, &client.stream, &buffer, 1, NULL), "uv_write");
  require(uv_read_start(&client.stream, lend_scratch, client_reads), "uv_read_start");
}

static int init_accepted_tcp(void) { return uv_tcp_init(loop, &accepted.tcp); }
static int init_accepted_pipe(void) { return uv_pipe_init(loop, &accepted.pipe, 0); }

static void echo_over_tcp(void) {
  struct sockaddr_storage address;
  int size = sizeof address;
  init_stream = init_accepted_tcp;
  require(uv_ip4_addr("127.0.0.1", 0, (struct sockaddr_in*)&address), "uv_ip4_addr");
  require(uv_tcp_init(loop, &server.tcp), "uv_tcp_init");
  require(uv_tcp_bind(&server.tcp, (struct sockaddr*)&address, 0), "uv_tcp_bind");
  require(uv_listen(&server.stream, 8, server_accepts), "uv_listen");
  require(uv_tcp_getsockname(&server.tcp, (struct sockaddr*)&address, &size), "uv_tcp_getsockname");
  require(uv_tcp_init(loop, &client.tcp), "uv_tcp_init");
  require(uv_tcp_nodelay(&client.tcp, 1), "uv_tcp_nodelay");
  require(uv_tcp_keepalive(&client.tcp, 1, 60), "uv_tcp_keepalive");
  connecting.data = "over TCP";
  require(uv_tcp_connect(&connecting, &client.tcp, (struct sockaddr*)&address, client_connected), "uv_tcp_connect");
  run();
}

static void echo_over_a_unix_socket(const char* path) {
  init_stream = init_accepted_pipe;
  require(uv_pipe_init(loop, &server.pipe, 0), "uv_pipe_init");
  require(uv_pipe_bind(&server.pipe, path), "uv_pipe_bind");
  require(uv_listen(&server.stream, 8, server_accepts), "uv_listen");
  require(uv_pipe_init(loop, &client.pipe, 0), "uv_pipe_init");
  connecting.data = "over a unix socket";
  uv_pipe_connect(&connecting, &client.pipe, path, client_connected);
  run();
}

// -- UDP: a socket that sends to itself

static void datagram_arrives(uv_udp_t* self, ssize_t count, const uv_buf_t* buffer, const struct sockaddr* from,
                             unsigned flags) {
  (void)flags;
  if (count == 0 && from == NULL) return;
  require((int)count, "receiving a datagram");
  printf("datagram: %.*s\n", (int)count, buffer->base);
  close_it(self);
}

static void send_a_datagram(void) {
  static uv_udp_t socket;
  static uv_udp_send_t sending;
  struct sockaddr_in address;
  int size = sizeof address;
  require(uv_ip4_addr("127.0.0.1", 0, &address), "uv_ip4_addr");
  require(uv_udp_init(loop, &socket), "uv_udp_init");
  require(uv_udp_bind(&socket, (struct sockaddr*)&address, 0), "uv_udp_bind");
  require(uv_udp_getsockname(&socket, (struct sockaddr*)&address, &size), "uv_udp_getsockname");
  require(uv_udp_recv_start(&socket, lend_scratch, datagram_arrives), "uv_udp_recv_start");
  uv_buf_t buffer = uv_buf_init("to itself", 9);
  require(uv_udp_send(&sending, &socket, &buffer, 1, (struct sockaddr*)&address, NULL), "uv_udp_send");
  run();
}

// -- timer, wake-up, signal, poll

static void tick(uv_timer_t* self) {
  static int ticks;
  printf("timer: tick %d\n", ++ticks);
  if (ticks == 3) close_it(self);
}

static void woken(uv_async_t* self) {
  puts("async: woken by another thread");
  close_it(self);
}

static void wake_the_loop(void* async) { require(uv_async_send(async), "uv_async_send"); }

static void signalled(uv_signal_t* self, int number) {
  printf("signal: %s\n", number == SIGUSR1 ? "SIGUSR1" : "another");
  close_it(self);
}

static void readable(uv_poll_t* self, int status, int events) {
  require(status, "uv_poll");
  char byte;
  ssize_t count = read(*(int*)self->data, &byte, 1);
  printf("poll: events %d, read %zd\n", events, count);
  if (count == 0) close_it(self);
}

static void wait_for_timer_wakeup_and_signal(void) {
  uv_timer_t timer;
  require(uv_timer_init(loop, &timer), "uv_timer_init");
  require(uv_timer_start(&timer, tick, 5, 10), "uv_timer_start");
  run();

  uv_async_t async;
  uv_thread_t thread;
  require(uv_async_init(loop, &async, woken), "uv_async_init");
  require(uv_thread_create(&thread, wake_the_loop, &async), "uv_thread_create");
  run();
  require(uv_thread_join(&thread), "uv_thread_join");

  uv_signal_t signal_watch;
  require(uv_signal_init(loop, &signal_watch), "uv_signal_init");
  require(uv_signal_start(&signal_watch, signalled, SIGUSR1), "uv_signal_start");
  raise(SIGUSR1);
  run();
}

static void poll_a_socketpair(void) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) require(UV_EIO, "socketpair");
  uv_poll_t poll;
  require(uv_poll_init(loop, &poll, ends[0]), "uv_poll_init");
  poll.data = &ends[0];
  require(uv_poll_start(&poll, UV_READABLE | UV_DISCONNECT, readable), "uv_poll_start");
  if (write(ends[1], "x", 1) != 1) require(UV_EIO, "write");
  close(ends[1]);
  run();
  close(ends[0]);
}

// -- a regular file, opened, written, read and removed by the thread pool

static uv_file file;
static uv_buf_t whole_scratch;

static void file_closed(uv_fs_t* request) { uv_fs_req_cleanup(request); }

static void file_read(uv_fs_t* request) {
  require((int)request->result, "uv_fs_read");
  printf("file: %.*s\n", (int)request->result, scratch);
  uv_fs_req_cleanup(request);
  require(uv_fs_close(loop, request, file, file_closed), "uv_fs_close");
}

static void file_written(uv_fs_t* request) {
  require((int)request->result, "uv_fs_write");
  uv_fs_req_cleanup(request);
  whole_scratch = uv_buf_init(scratch, sizeof scratch);
  require(uv_fs_read(loop, request, file, &whole_scratch, 1, 0, file_read), "uv_fs_read");
}

static void file_opened(uv_fs_t* request) {
  require((int)request->result, "uv_fs_open");
  file = (uv_file)request->result;
  uv_fs_req_cleanup(request);
  uv_buf_t text = uv_buf_init("written and read by the pool", 28);
  require(uv_fs_write(loop, request, file, &text, 1, -1, file_written), "uv_fs_write");
}

static void read_a_file(const char* path) {
  static uv_fs_t request;
  require(uv_fs_open(loop, &request, path, UV_FS_O_RDWR | UV_FS_O_CREAT, 0600, file_opened), "uv_fs_open");
  run();
  require(uv_fs_unlink(loop, &request, path, NULL), "uv_fs_unlink");
  uv_fs_req_cleanup(&request);
}

int main(void) {
  char folder[] = "folder.XXXXXX";
  if (mkdtemp(folder) == NULL) require(UV_EIO, "mkdtemp");
  char socket_path[64], file_path[64];
  snprintf(socket_path, sizeof socket_path, "%s/socket", folder);
  snprintf(file_path, sizeof file_path, "%s/file", folder);

  loop = uv_default_loop();
  echo_over_tcp();
  echo_over_a_unix_socket(socket_path);
  send_a_datagram();
  wait_for_timer_wakeup_and_signal();
  poll_a_socketpair();
  read_a_file(file_path);
  require(uv_loop_close(loop), "uv_loop_close");
  uv_library_shutdown();
  if (rmdir(folder) != 0) require(UV_EIO, "rmdir");
  return 0;
}
