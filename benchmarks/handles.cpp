// What the handles cost on LinuxBackend: instructions in user space, against the same calls in C as a careful engineer
// writes them: each result is checked, and what fails is dealt with out of line.
#include "rouse/epoll.hpp"
#include "rouse/event_fd.hpp"
#include "rouse/pipe.hpp"
#include "rouse/timer_fd.hpp"
#include "rouse/unix_stream.hpp"
#include "support/program.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

using bench::Meter;
using namespace rouse;

namespace {

constexpr int registrations = 1000;
constexpr int room = 64;  // For events.

[[noreturn, gnu::cold, gnu::noinline]] void fail(const char* call) {
  std::perror(call);
  std::abort();
}

/// The result of a C call that is not to fail.
template <class T>
T checked(T result, const char* call) {
  if (result < 0) [[unlikely]]
    fail(call);
  return result;
}

/// Keeps the compiler from dropping what nobody looks at.
template <class T>
void use(T value) {
  asm volatile("" : : "r"(value));
}

/// A number that the compiler does not know.
template <class T>
T unknown(T value) {
  asm volatile("" : "+r"(value));
  return value;
}

// -- registrations. Both sides get their fds from here; what is compared are the calls on them.

struct Fds {
  explicit Fds(int n) {
    for (int i = 0; i < n; ++i) events.emplace_back(1);
  }
  void add_all() {
    for (const EventFd& event : events) epoll.add(event, EventFlags::in);
  }

  Epoll epoll;
  std::vector<EventFd> events;
};

void c_add(int epfd, int fd) {
  ::epoll_event event{EPOLLIN, {.fd = fd}};
  checked(::epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &event), "epoll_ctl");
}
void c_remove(int epfd, int fd) { checked(::epoll_ctl(epfd, EPOLL_CTL_DEL, fd, nullptr), "epoll_ctl"); }

void add_in_c(Meter& meter) {
  Fds fds{registrations};
  const int epfd = fds.epoll.fd();
  meter.measure(
      registrations, [&](std::size_t i) { c_add(epfd, fds.events[i].fd()); },
      [&](std::size_t i) { c_remove(epfd, fds.events[i].fd()); });
}
void add_by_handle(Meter& meter) {
  Fds fds{registrations};
  meter.measure(
      registrations, [&](std::size_t i) { fds.epoll.add(fds.events[i], EventFlags::in); },
      [&](std::size_t i) { fds.epoll.remove(fds.events[i]); });
}

void remove_in_c(Meter& meter) {
  Fds fds{registrations};
  fds.add_all();
  const int epfd = fds.epoll.fd();
  meter.measure(
      registrations, [&](std::size_t i) { c_remove(epfd, fds.events[i].fd()); },
      [&](std::size_t i) { c_add(epfd, fds.events[i].fd()); });
}
void remove_by_handle(Meter& meter) {
  Fds fds{registrations};
  fds.add_all();
  meter.measure(
      registrations, [&](std::size_t i) { fds.epoll.remove(fds.events[i]); },
      [&](std::size_t i) { fds.epoll.add(fds.events[i], EventFlags::in); });
}

void modify_in_c(Meter& meter) {
  Fds fds{1};
  fds.add_all();
  const int epfd = fds.epoll.fd();
  const int fd = fds.events[0].fd();
  meter.measure([&] {
    ::epoll_event event{EPOLLIN | EPOLLET, {.fd = fd}};
    checked(::epoll_ctl(epfd, EPOLL_CTL_MOD, fd, &event), "epoll_ctl");
  });
}
void modify_by_handle(Meter& meter) {
  Fds fds{1};
  fds.add_all();
  EventFd& event = fds.events[0];
  meter.measure([&] { fds.epoll.modify(event, EventFlags::in | EventFlags::et, event.fd()); });
}

// -- waiting

bench::Contender wait_in_c(int ready, int milliseconds) {
  return {"C", [=](Meter& meter) {
            Fds fds{ready};
            fds.add_all();
            const int epfd = fds.epoll.fd();
            const std::unique_ptr<::epoll_event[]> events{new ::epoll_event[room]};
            const int timeout = unknown(milliseconds);
            meter.measure(
                [&, events = events.get()] { use(checked(::epoll_wait(epfd, events, room, timeout), "epoll_wait")); });
          }};
}
template <class Limit>
bench::Contender wait_by_handle(int ready, Limit limit) {
  return {"rouse", [=](Meter& meter) {
            Fds fds{ready};
            fds.add_all();
            EventVec events(room);
            meter.measure([&] { use(fds.epoll.wait(events, limit())); });
          }};
}

/// What a loop does with each event: something that the compiler cannot look into.
void handle(std::uint32_t flags, std::uint64_t data) { asm volatile("" : : "r"(flags), "r"(data) : "memory"); }

bench::Contender loop_in_c(int ready) {
  return {"C", [=](Meter& meter) {
            Fds fds{ready};
            fds.add_all();
            meter.measure_loop([epfd = fds.epoll.fd()](std::uint64_t times) {
              const std::unique_ptr<::epoll_event[]> owned{new ::epoll_event[room]};
              ::epoll_event* const events = owned.get();
              for (; times > 0; --times) {
                const int n = checked(::epoll_wait(epfd, events, room, -1), "epoll_wait");
                for (int i = 0; i < n; ++i) handle(events[i].events, events[i].data.u64);
              }
            });
          }};
}
bench::Contender loop_by_handle(int ready) {
  return {"rouse", [=](Meter& meter) {
            Fds fds{ready};
            fds.add_all();
            meter.measure_loop([&epoll = fds.epoll](std::uint64_t times) {
              EventVec events(room);
              for (; times > 0; --times) {
                epoll.wait(events);
                for (auto [flags, data] : events) handle(flags.bits, data.u64());
              }
            });
          }};
}

// -- an eventfd

void write_in_c(Meter& meter) {
  const EventFd event;
  const int fd = event.fd();
  meter.measure([&] {
    const std::uint64_t one = 1;
    checked(::write(fd, &one, sizeof one), "write");
  });
}
void write_by_handle(Meter& meter) {
  EventFd event;
  meter.measure([&] { event.write(1); });
}
void notify_in_c(Meter& meter) {
  const EventFd event;
  const int fd = event.fd();
  meter.measure([&] {
    const std::uint64_t one = 1;
    if (::write(fd, &one, sizeof one) < 0 && errno != EAGAIN) [[unlikely]]
      fail("write");
  });
}
void notify_by_handle(Meter& meter) {
  EventFd event;
  meter.measure([&] { event.notify(); });
}

void read_in_c(Meter& meter) {
  const EventFd event{1'000'000, EventFd::default_flags | EventFdFlags::semaphore};
  const int fd = event.fd();
  meter.measure([&] {
    std::uint64_t count = 0;
    checked(::read(fd, &count, sizeof count), "read");
    use(count);
  });
}
void read_by_handle(Meter& meter) {
  EventFd event{1'000'000, EventFd::default_flags | EventFdFlags::semaphore};
  meter.measure([&] { use(event.read()); });
}

/// Takes it if it is there, as a loop does that drains: the count in `count`.
bool c_try_read(int fd, std::uint64_t& count) {
  if (::read(fd, &count, sizeof count) < 0) {
    if (errno == EAGAIN) return false;
    fail("read");
  }
  return true;
}
bench::Contender try_read_in_c(unsigned initial) {
  return {"C", [=](Meter& meter) {
            const EventFd event{initial, EventFd::default_flags | EventFdFlags::semaphore};
            const int fd = event.fd();
            std::uint64_t taken = 0;
            meter.measure([&] {
              std::uint64_t count = 0;
              if (c_try_read(fd, count)) taken += count;
            });
          }};
}
bench::Contender try_read_by_handle(unsigned initial) {
  return {"rouse", [=](Meter& meter) {
            EventFd event{initial, EventFd::default_flags | EventFdFlags::semaphore};
            std::uint64_t taken = 0;
            meter.measure([&] {
              if (auto count = event.try_read()) taken += *count;
            });
          }};
}

// -- bytes, to and fro

/// Of a write or send of which only the first `n` bytes went: goes on with the rest.
[[gnu::cold, gnu::noinline]] void c_write_rest(int fd, const char* bytes, std::size_t size, ::ssize_t n) {
  for (std::size_t done = 0;; n = ::write(fd, bytes + done, size - done)) {
    done += static_cast<std::size_t>(checked(n, "write"));
    if (done == size) return;
  }
}
void c_write(int fd, const char* bytes, std::size_t size) {
  const ::ssize_t n = ::write(fd, bytes, size);
  if (n != static_cast<::ssize_t>(size)) [[unlikely]]
    c_write_rest(fd, bytes, size, n);
}
void c_send(int fd, const char* bytes, std::size_t size) {
  const ::ssize_t n = ::send(fd, bytes, size, MSG_NOSIGNAL);
  if (n != static_cast<::ssize_t>(size)) [[unlikely]]
    c_write_rest(fd, bytes, size, n);
}

// How many fit.
constexpr int pipe_writes = 500;
constexpr int socket_sends = 100;

void pipe_write_in_c(Meter& meter) {
  Pipe pipe;
  const int to = pipe.writer.fd();
  char bytes[64] = {};
  meter.measure(
      pipe_writes, [&](std::size_t) { c_write(to, bytes, sizeof bytes); },
      [&](std::size_t) { pipe.reader.read(bytes); });
}
void pipe_write_by_handle(Meter& meter) {
  Pipe pipe;
  char bytes[64] = {};
  meter.measure(
      pipe_writes, [&](std::size_t) { pipe.writer.write(bytes); }, [&](std::size_t) { pipe.reader.read(bytes); });
}

void pipe_read_in_c(Meter& meter) {
  Pipe pipe;
  const int from = pipe.reader.fd();
  char bytes[64] = {};
  for (int i = 0; i < pipe_writes; ++i) pipe.writer.write(bytes);
  meter.measure(
      pipe_writes, [&](std::size_t) { use(checked(::read(from, bytes, sizeof bytes), "read")); },
      [&](std::size_t) { pipe.writer.write(bytes); });
}
void pipe_read_by_handle(Meter& meter) {
  Pipe pipe;
  char bytes[64] = {};
  for (int i = 0; i < pipe_writes; ++i) pipe.writer.write(bytes);
  meter.measure(
      pipe_writes, [&](std::size_t) { use(pipe.reader.read(bytes)); }, [&](std::size_t) { pipe.writer.write(bytes); });
}

void send_in_c(Meter& meter) {
  auto [ours, theirs] = UnixStream::pair();
  const int to = ours.fd();
  char bytes[64] = {};
  meter.measure(
      socket_sends, [&](std::size_t) { c_send(to, bytes, sizeof bytes); },
      [&, &from = theirs](std::size_t) { from.receive(bytes); });
}
void send_by_handle(Meter& meter) {
  auto [ours, theirs] = UnixStream::pair();
  char bytes[64] = {};
  meter.measure(
      socket_sends, [&, &to = ours](std::size_t) { to.send(bytes); },
      [&, &from = theirs](std::size_t) { from.receive(bytes); });
}

void receive_in_c(Meter& meter) {
  auto [ours, theirs] = UnixStream::pair();
  const int from = theirs.fd();
  char bytes[64] = {};
  for (int i = 0; i < socket_sends; ++i) ours.send(bytes);
  meter.measure(
      socket_sends, [&](std::size_t) { use(checked(::recv(from, bytes, sizeof bytes, 0), "recv")); },
      [&, &to = ours](std::size_t) { to.send(bytes); });
}
void receive_by_handle(Meter& meter) {
  auto [ours, theirs] = UnixStream::pair();
  char bytes[64] = {};
  for (int i = 0; i < socket_sends; ++i) ours.send(bytes);
  meter.measure(
      socket_sends, [&, &from = theirs](std::size_t) { use(from.receive(bytes)); },
      [&, &to = ours](std::size_t) { to.send(bytes); });
}

void timer_in_c(Meter& meter) {
  const TimerFd timer;
  const int fd = timer.fd();
  meter.measure([&] {
    const ::itimerspec setting{{0, 0}, {1, 0}};
    checked(::timerfd_settime(fd, 0, &setting, nullptr), "timerfd_settime");
  });
}
void timer_by_handle(Meter& meter) {
  TimerFd timer;
  meter.measure([&] { timer.set_after(std::chrono::seconds(1)); });
}

void compare(bench::Program& program, const std::string& what, const std::vector<bench::Contender>& contenders) {
  const bench::Comparison& counts = program.count(what, contenders);
  const double in_c = counts.median_of("C");
  program.at_most(what, in_c + std::max(2.0, in_c * 0.02), counts.median_of("rouse"), "instructions");
}

}  // namespace

int main(int argc, char** argv) {
  using std::chrono::milliseconds;
  return bench::run("handles", argc, argv, [](bench::Program& program) {
    compare(program, "Epoll::add", {{"C", add_in_c}, {"rouse", add_by_handle}});
    compare(program, "Epoll::modify", {{"C", modify_in_c}, {"rouse", modify_by_handle}});
    compare(program, "Epoll::remove", {{"C", remove_in_c}, {"rouse", remove_by_handle}});
    compare(program, "Epoll::wait, never", {wait_in_c(1, -1), wait_by_handle(1, [] { return Timeout::never; })});
    compare(program, "Epoll::wait, now", {wait_in_c(1, 0), wait_by_handle(1, [] { return Timeout::now; })});
    compare(program, "Epoll::wait, 5 ms", {wait_in_c(1, 5), wait_by_handle(1, [] { return milliseconds(5); })});
    // No goal: in C the number goes to the kernel as it is. Here it has a unit, which is converted, and may need
    // rounding.
    program.count("Epoll::wait, some ms",
                  {wait_in_c(1, 5), wait_by_handle(1, [n = unknown(5)] { return milliseconds(n); })});
    compare(program, "Epoll::wait and 1 event", {loop_in_c(1), loop_by_handle(1)});
    compare(program, "Epoll::wait and 64 events", {loop_in_c(64), loop_by_handle(64)});
    compare(program, "EventFd::write", {{"C", write_in_c}, {"rouse", write_by_handle}});
    compare(program, "EventFd::notify", {{"C", notify_in_c}, {"rouse", notify_by_handle}});
    compare(program, "EventFd::read", {{"C", read_in_c}, {"rouse", read_by_handle}});
    compare(program, "EventFd::try_read", {try_read_in_c(1'000'000), try_read_by_handle(1'000'000)});
    compare(program, "EventFd::try_read, nothing", {try_read_in_c(0), try_read_by_handle(0)});
    compare(program, "PipeWriter::write", {{"C", pipe_write_in_c}, {"rouse", pipe_write_by_handle}});
    compare(program, "PipeReader::read", {{"C", pipe_read_in_c}, {"rouse", pipe_read_by_handle}});
    compare(program, "UnixStream::send", {{"C", send_in_c}, {"rouse", send_by_handle}});
    compare(program, "UnixStream::receive", {{"C", receive_in_c}, {"rouse", receive_by_handle}});
    compare(program, "TimerFd::set_after", {{"C", timer_in_c}, {"rouse", timer_by_handle}});
  });
}
