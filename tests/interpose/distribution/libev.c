// libev's own kinds of descriptor in one loop: a signalfd, a timerfd that watches for jumps of the clock, an inotify
// descriptor behind a file watcher, and an eventfd by which another thread wakes the loop; plus a pipe of our own.
// The output is the same on every run.

#include <ev.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void require(int holds, const char* what) {
  if (holds) return;
  fprintf(stderr, "libev: %s failed\n", what);
  exit(1);
}

static void on_readable(struct ev_loop* loop, ev_io* self, int events) {
  char bytes[16];
  ssize_t count = read(self->fd, bytes, sizeof bytes);
  printf("pipe: events %d, %zd bytes\n", events, count);
  if (count == 0) ev_io_stop(loop, self);
}

static void read_a_pipe(struct ev_loop* loop) {
  int ends[2];
  ev_io watch;
  require(pipe(ends) == 0, "pipe");
  ev_io_init(&watch, on_readable, ends[0], EV_READ);
  ev_io_start(loop, &watch);
  require(write(ends[1], "four", 4) == 4, "write");
  close(ends[1]);
  ev_run(loop, 0);
  close(ends[0]);
}

static void on_signal(struct ev_loop* loop, ev_signal* self, int events) {
  (void)events;
  printf("signal: %s\n", self->signum == SIGUSR1 ? "SIGUSR1" : "another");
  ev_signal_stop(loop, self);
}

static void wait_for_a_signal(struct ev_loop* loop) {
  ev_signal watch;
  ev_signal_init(&watch, on_signal, SIGUSR1);
  ev_signal_start(loop, &watch);
  raise(SIGUSR1);
  ev_run(loop, 0);
}

static void on_timer(struct ev_loop* loop, ev_timer* self, int events) {
  (void)events;
  static int ticks;
  printf("timer: tick %d\n", ++ticks);
  if (ticks == 3) ev_timer_stop(loop, self);
}

static void on_time_of_day(struct ev_loop* loop, ev_periodic* self, int events) {
  (void)events;
  puts("periodic: once");
  ev_periodic_stop(loop, self);
}

static void wait_for_timers(struct ev_loop* loop) {
  ev_timer timer;
  ev_timer_init(&timer, on_timer, 0.005, 0.005);
  ev_timer_start(loop, &timer);
  ev_run(loop, 0);

  ev_periodic periodic;
  ev_periodic_init(&periodic, on_time_of_day, ev_now(loop) + 0.01, 0, NULL);
  ev_periodic_start(loop, &periodic);
  ev_run(loop, 0);
}

static void on_wake(struct ev_loop* loop, ev_async* self, int events) {
  (void)events;
  puts("async: woken by another thread");
  ev_async_stop(loop, self);
}

static struct ev_loop* woken_loop;

static void* wake(void* async) {
  ev_async_send(woken_loop, async);
  return NULL;
}

static void wait_for_a_thread(struct ev_loop* loop) {
  ev_async async;
  pthread_t thread;
  woken_loop = loop;
  ev_async_init(&async, on_wake);
  ev_async_start(loop, &async);
  require(pthread_create(&thread, NULL, wake, &async) == 0, "pthread_create");
  ev_run(loop, 0);
  pthread_join(thread, NULL);
}

static void on_change(struct ev_loop* loop, ev_stat* self, int events) {
  (void)events;
  printf("file: %ld bytes, before %ld\n", (long)self->attr.st_size, (long)self->prev.st_size);
  ev_stat_stop(loop, self);
}

static void watch_a_file(struct ev_loop* loop) {
  char path[] = "file.XXXXXX";
  ev_stat watch;
  int fd = mkstemp(path);
  require(fd >= 0, "mkstemp");
  ev_stat_init(&watch, on_change, path, 0);
  ev_stat_start(loop, &watch);
  require(write(fd, "changed", 7) == 7, "write");
  ev_run(loop, 0);
  close(fd);
  unlink(path);
}

int main(void) {
  struct ev_loop* loop = ev_loop_new(EVBACKEND_EPOLL | EVFLAG_SIGNALFD);
  require(loop != NULL && ev_backend(loop) == EVBACKEND_EPOLL, "ev_loop_new");
  read_a_pipe(loop);
  wait_for_a_signal(loop);
  wait_for_timers(loop);
  wait_for_a_thread(loop);
  watch_a_file(loop);
  ev_loop_destroy(loop);
  return 0;
}
