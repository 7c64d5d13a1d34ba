// poll, ppoll, select and pselect over fds of both kinds, with time limits.
#include "show.hpp"

#include <chrono>
#include <csignal>
#include <iterator>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <thread>

using namespace programs;

namespace {

/// Says whether a call took at least as long as it was asked to; there is no upper bound on real time.
class AtLeast {
 public:
  explicit AtLeast(int milliseconds) : milliseconds_(milliseconds) {}
  ~AtLeast() {
    const auto took = std::chrono::steady_clock::now() - start_;
    if (took < std::chrono::milliseconds(milliseconds_)) say("it did not take %d ms\n", milliseconds_);
  }

 private:
  const int milliseconds_;
  const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

struct Fds {
  int file = must("open", ::open("file", O_RDWR | O_CREAT, 0600));
  int null = must("open", ::open("/dev/null", O_RDWR));
  int event = must("eventfd", ::eventfd(0, 0));
  int pipe[2];
  int pair[2];
  int epoll = must("epoll_create1", ::epoll_create1(0));
  std::FILE* stream = ::popen("read -r line < fifo; echo $line", "r");
  int real_pipe = ::fileno(stream);

  Fds() {
    must("pipe", ::pipe(pipe));
    must("socketpair", ::socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    ::epoll_event interest{};
    interest.events = EPOLLIN;
    must("epoll_ctl", ::epoll_ctl(epoll, EPOLL_CTL_ADD, event, &interest));
  }
};

void poll_all(const char* when, const Fds& fds, int milliseconds) {
  constexpr short all = POLLIN | POLLOUT | POLLPRI | POLLRDHUP;
  constexpr short in = POLLIN;
  ::pollfd entries[] = {{fds.file, all, 0},     {fds.null, all, 0},    {fds.event, all, 0},  {fds.pipe[0], all, 0},
                        {fds.pipe[1], all, 0},  {fds.pair[0], all, 0}, {fds.pair[1], in, 0}, {fds.epoll, all, 0},
                        {fds.real_pipe, in, 0}, {-1, all, 7},          {98, all, 0}};
  const int n = ::poll(entries, std::size(entries), milliseconds);
  say("%s: %s of", when, outcome(n).c_str());
  for (const ::pollfd& entry : entries) say(" %#x", static_cast<unsigned>(static_cast<unsigned short>(entry.revents)));
  say("\n");
}

void select_all(const char* when, const Fds& fds) {
  ::fd_set in, out, except;
  const auto fill = [&fds](::fd_set& set) {
    FD_ZERO(&set);
    for (const int fd : {fds.file, fds.null, fds.event, fds.pipe[0], fds.pipe[1], fds.pair[0], fds.pair[1], fds.epoll,
                         fds.real_pipe}) {
      FD_SET(fd, &set);
    }
  };
  fill(in);
  fill(out);
  fill(except);
  ::timeval none{};
  say("%s: %s of", when, outcome(::select(64, &in, &out, &except, &none)).c_str());
  for (int fd = 0; fd < 64; ++fd) {
    if (FD_ISSET(fd, &in) || FD_ISSET(fd, &out) || FD_ISSET(fd, &except)) {
      say(" %d:%s%s%s", fd, FD_ISSET(fd, &in) ? "i" : "", FD_ISSET(fd, &out) ? "o" : "",
          FD_ISSET(fd, &except) ? "e" : "");
    }
  }
  say("\n");
}

void states(Fds& fds) {
  poll_all("at first", fds, 0);
  select_all("select at first", fds);
  const std::uint64_t one = 1;
  show("write", ::write(fds.event, &one, sizeof one));
  show("write", ::write(fds.pipe[1], "x", 1));
  show("write", ::write(fds.pair[1], "x", 1));
  poll_all("written", fds, 0);
  select_all("select written", fds);
  ::close(fds.pipe[0]);
  ::close(fds.pair[1]);
  fds.pipe[0] = ::dup(fds.null);
  fds.pair[1] = ::dup(fds.null);
  poll_all("the others' ends gone", fds, 0);
  select_all("select the others' ends gone", fds);
}

void limits(const Fds& fds) {
  say("-- time limits\n");
  const int quiet = ::eventfd(0, 0);
  ::pollfd two[] = {{quiet, POLLIN, 0}, {fds.real_pipe, POLLIN, 0}};
  const ::timespec little{0, 20'000'000};
  {
    const AtLeast at_least{20};
    show("poll", ::poll(two, 2, 20));
  }
  {
    const AtLeast at_least{20};
    show("ppoll", ::ppoll(two, 2, &little, nullptr));
    say("the time is as it was: %ld\n", little.tv_nsec);
  }
  ::fd_set in;
  const auto fill = [&] {
    FD_ZERO(&in);
    FD_SET(quiet, &in);
    FD_SET(fds.real_pipe, &in);
  };
  {
    const AtLeast at_least{20};
    fill();
    ::timeval time{0, 20'000};
    show("select", ::select(64, &in, nullptr, nullptr, &time));
    say("nothing is left: %ld, %ld; sets are empty: %d\n", time.tv_sec, time.tv_usec, !FD_ISSET(quiet, &in));
  }
  {
    const AtLeast at_least{20};
    fill();
    show("pselect", ::pselect(64, &in, nullptr, nullptr, &little, nullptr));
  }
  ::timeval wrong{0, -1};
  show("select for a wrong time", ::select(64, nullptr, nullptr, nullptr, &wrong));
  const ::timespec wrong_too{-1, 0};
  show("ppoll for a wrong time", ::ppoll(two, 2, &wrong_too, nullptr));
  fill();
  FD_SET(97, &in);
  ::timeval none{};
  show("select of what is closed", ::select(98, &in, nullptr, nullptr, &none));
  show("select of minus one", ::select(-1, &in, nullptr, nullptr, &none));
}

/// A wait that has no limit, for both kinds; whichever comes ends it.
void wakes(Fds& fds) {
  say("-- what ends a wait\n");
  const int quiet = ::eventfd(0, 0);
  for (const bool by_linux : {false, true}) {
    const ::pid_t waiting = this_thread_id();
    std::thread other([&] {
      until_asleep(waiting);
      const std::uint64_t one = 1;
      if (by_linux) {
        std::FILE* const go = std::fopen("fifo", "w");
        std::fputs("go\n", go);
        std::fclose(go);
      } else {
        must("write", ::write(quiet, &one, sizeof one));
      }
    });
    ::pollfd two[] = {{quiet, POLLIN, 0}, {fds.real_pipe, POLLIN, 0}};
    show("poll", ::poll(two, 2, -1));
    say("ready: %#x %#x\n", +two[0].revents, two[1].revents & POLLIN);
    std::uint64_t value = 0;
    if (!by_linux) must("read", ::read(quiet, &value, sizeof value));
    other.join();
  }
  char line[8];
  show("read", ::read(fds.real_pipe, line, sizeof line));
  show("pclose", ::pclose(fds.stream));
}

}  // namespace

int main() {
  print_by_lines();
  must("mkfifo", ::system("mkfifo fifo"));
  Fds fds;
  states(fds);
  limits(fds);
  wakes(fds);
}
