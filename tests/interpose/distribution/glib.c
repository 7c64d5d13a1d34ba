// GLib's main loop, which waits with poll(2) and wakes itself by an eventfd: a pipe, a timer, a call from another
// thread, a unix signal, and GIO's socket service with its client. The output is the same on every run.

#include <gio/gio.h>
#include <glib-unix.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static GMainLoop* loop;

static void require(gboolean holds, const char* what) {
  if (holds) return;
  fprintf(stderr, "glib: %s failed\n", what);
  exit(1);
}

static gboolean on_readable(gint fd, GIOCondition condition, gpointer unused) {
  (void)unused;
  char bytes[16];
  ssize_t count = read(fd, bytes, sizeof bytes);
  printf("pipe: condition %d, %zd bytes\n", (int)condition, count);
  if (count > 0) return G_SOURCE_CONTINUE;
  g_main_loop_quit(loop);
  return G_SOURCE_REMOVE;
}

static void read_a_pipe(void) {
  gint ends[2];
  require(g_unix_open_pipe(ends, FD_CLOEXEC, NULL), "g_unix_open_pipe");
  require(g_unix_set_fd_nonblocking(ends[0], TRUE, NULL), "g_unix_set_fd_nonblocking");
  g_unix_fd_add(ends[0], G_IO_IN | G_IO_HUP, on_readable, NULL);
  require(write(ends[1], "four", 4) == 4, "write");
  close(ends[1]);
  g_main_loop_run(loop);
  close(ends[0]);
}

static gboolean say_and_quit(gpointer text) {
  puts(text);
  g_main_loop_quit(loop);
  return G_SOURCE_REMOVE;
}

static gpointer call_into_the_loop(gpointer unused) {
  g_idle_add(say_and_quit, "idle: called from another thread");
  return unused;
}

static void wait_for_timer_thread_and_signal(void) {
  g_timeout_add(10, say_and_quit, "timer: fired");
  g_main_loop_run(loop);

  GThread* thread = g_thread_new("caller", call_into_the_loop, NULL);
  g_main_loop_run(loop);
  g_thread_join(thread);

  g_unix_signal_add(SIGUSR1, say_and_quit, "signal: SIGUSR1");
  raise(SIGUSR1);
  g_main_loop_run(loop);
}

// -- sockets: the server answers a line with the same line

static gboolean answer(GSocketService* service, GSocketConnection* connection, GObject* source, gpointer unused) {
  (void)service;
  (void)source;
  (void)unused;
  char line[64];
  gssize count =
      g_input_stream_read(g_io_stream_get_input_stream(G_IO_STREAM(connection)), line, sizeof line, NULL, NULL);
  require(count > 0, "reading on the server");
  require(g_output_stream_write_all(g_io_stream_get_output_stream(G_IO_STREAM(connection)), line, (gsize)count, NULL,
                                    NULL, NULL),
          "writing on the server");
  return TRUE;
}

static void on_answer(GObject* stream, GAsyncResult* result, gpointer line) {
  gssize count = g_input_stream_read_finish(G_INPUT_STREAM(stream), result, NULL);
  require(count > 0, "reading on the client");
  printf("client got: %.*s\n", (int)count, (char*)line);
  g_main_loop_quit(loop);
}

static void on_connected(GObject* client, GAsyncResult* result, gpointer place) {
  static char line[64];
  GSocketConnection* connection = g_socket_client_connect_finish(G_SOCKET_CLIENT(client), result, NULL);
  require(connection != NULL, "connecting");
  *(GSocketConnection**)place = connection;
  GOutputStream* output = g_io_stream_get_output_stream(G_IO_STREAM(connection));
  require(g_output_stream_write_all(output, "over TCP", 8, NULL, NULL, NULL), "writing on the client");
  g_input_stream_read_async(g_io_stream_get_input_stream(G_IO_STREAM(connection)), line, sizeof line,
                            G_PRIORITY_DEFAULT, NULL, on_answer, line);
}

static void echo_over_tcp(void) {
  GSocketService* service = g_threaded_socket_service_new(2);
  g_signal_connect(service, "run", G_CALLBACK(answer), NULL);
  GSocketAddress* any = g_inet_socket_address_new_from_string("127.0.0.1", 0);
  GSocketAddress* bound = NULL;
  require(g_socket_listener_add_address(G_SOCKET_LISTENER(service), any, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP,
                                        NULL, &bound, NULL),
          "g_socket_listener_add_address");
  GSocketClient* client = g_socket_client_new();
  GSocketConnection* connection = NULL;
  g_socket_client_set_enable_proxy(client, FALSE);
  g_socket_client_connect_async(client, G_SOCKET_CONNECTABLE(bound), NULL, on_connected, &connection);
  g_main_loop_run(loop);
  g_object_unref(connection);
  g_object_unref(client);
  g_object_unref(bound);
  g_object_unref(any);
  g_socket_service_stop(service);
  g_object_unref(service);
}

int main(void) {
  loop = g_main_loop_new(NULL, FALSE);
  read_a_pipe();
  wait_for_timer_thread_and_signal();
  echo_over_tcp();
  g_main_loop_unref(loop);
  return 0;
}
