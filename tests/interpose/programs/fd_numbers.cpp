// fd numbers: the lowest free one, whoever owns its neighbours; duplicates of any kind onto any; what closes on exec;
// what /proc/self/fd lists; closing ranges; standard streams.
#include "show.hpp"

#include <algorithm>
#include <dirent.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <vector>

using namespace programs;

namespace {

int open_null() { return must("open", ::open("/dev/null", O_RDWR)); }

std::string open_numbers() {
  std::vector<int> numbers;
  ::DIR* const directory = ::opendir("/proc/self/fd");
  while (const ::dirent* const entry = ::readdir(directory)) {
    const int fd = std::atoi(entry->d_name);
    if (entry->d_name[0] != '.' && fd != ::dirfd(directory)) numbers.push_back(fd);
  }
  ::closedir(directory);
  std::sort(numbers.begin(), numbers.end());
  std::string text;
  for (const int number : numbers) {
    if (number < 100) text += ' ' + std::to_string(number);  // Those of rouse-run itself are far above.
  }
  return text;
}

void mixed_numbers() {
  say("-- the lowest free number\n");
  show("eventfd", ::eventfd(0, 0));
  show("open", open_null());
  show("epoll_create1", ::epoll_create1(0));
  int ends[2];
  show("pipe", ::pipe(ends));
  say("ends: %d %d\n", ends[0], ends[1]);
  show("dup of a file", ::dup(4));
  show("dup of an eventfd", ::dup(3));
  show("close 4", ::close(4));
  show("close 6", ::close(6));
  show("socket", ::socket(AF_INET, SOCK_STREAM, 0));
  show("open", open_null());
  show("close 3", ::close(3));
  show("socketpair", ::socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
  say("ends: %d %d\n", ends[0], ends[1]);
  say("open:%s\n", open_numbers().c_str());
  show("close again", ::close(42));
  show("close -1", ::close(-1));
}

void duplicates() {
  say("-- duplicates\n");
  const int real = open_null();
  const int emulated = ::eventfd(5, EFD_NONBLOCK);
  const auto kind = [](int fd) {
    std::uint64_t value = 0;
    return ::read(fd, &value, sizeof value) == 0 ? "the file"
           : errno == EAGAIN || value > 0        ? "the eventfd"
                                                 : "neither";
  };
  // Each kind onto a free number, onto the same kind, and onto the other.
  show("dup2 emulated to free", ::dup2(emulated, 50));
  say("50 is %s\n", kind(50));
  show("dup2 real to free", ::dup2(real, 51));
  say("51 is %s\n", kind(51));
  show("dup2 real onto emulated", ::dup2(real, 50));
  say("50 is %s\n", kind(50));
  show("dup2 emulated onto real", ::dup2(emulated, 51));
  say("51 is %s\n", kind(51));
  show("dup2 emulated onto emulated", ::dup2(::eventfd(0, EFD_NONBLOCK), 51));
  say("51 is %s\n", kind(51));
  show("dup2 real onto real", ::dup2(open_null(), 50));
  say("50 is %s\n", kind(50));
  show("dup3 emulated onto real", ::dup3(emulated, 50, O_CLOEXEC));
  say("50 is %s, close-on-exec %d\n", kind(50), ::fcntl(50, F_GETFD));
  show("dup3 real onto emulated", ::dup3(real, 50, O_CLOEXEC));
  say("50 is %s, close-on-exec %d\n", kind(50), ::fcntl(50, F_GETFD));
  show("dup3 emulated to free", ::dup3(emulated, 52, 0));
  show("dup2 emulated onto itself", ::dup2(emulated, emulated));
  show("dup2 real onto itself", ::dup2(real, real));
  show("dup3 emulated onto itself", ::dup3(emulated, emulated, 0));
  show("dup3 real onto itself", ::dup3(real, real, 0));
  show("dup3 with a flag that is none", ::dup3(emulated, 60, 1));
  show("dup2 of nothing", ::dup2(77, 60));
  show("dup2 of nothing onto emulated", ::dup2(77, emulated));
  say("it is still %s\n", kind(emulated));
  show("dup2 to a negative number", ::dup2(emulated, -1));
  show("dup2 past the limit", ::dup2(emulated, 1 << 30));

  show("F_DUPFD", ::fcntl(emulated, F_DUPFD, 60));
  show("F_DUPFD again", ::fcntl(emulated, F_DUPFD, 60));
  show("F_DUPFD of a file", ::fcntl(real, F_DUPFD, 60));
  show("F_DUPFD_CLOEXEC", ::fcntl(emulated, F_DUPFD_CLOEXEC, 60));
  say("close-on-exec %d %d\n", ::fcntl(60, F_GETFD), ::fcntl(63, F_GETFD));
  show("F_DUPFD from a negative number", ::fcntl(emulated, F_DUPFD, -1));
  show("F_DUPFD past the limit", ::fcntl(emulated, F_DUPFD, 1 << 30));

  // One description: what is done through one number is seen through the others.
  int ends[2];
  must("pipe", ::pipe(ends));
  const int other = ::dup(ends[1]);
  ::close(ends[1]);
  show("write through a duplicate", ::write(other, "abc", 3));
  ::fcntl(other, F_SETFL, O_NONBLOCK);
  const int third = ::dup(other);
  say("O_NONBLOCK is the description's: %d\n", (::fcntl(third, F_GETFL) & O_NONBLOCK) != 0);
  ::close(other);
  ::close(third);
  char bytes[8];
  show("read", ::read(ends[0], bytes, sizeof bytes));
  show("read at the end", ::read(ends[0], bytes, sizeof bytes));
  say("open:%s\n", open_numbers().c_str());
}

void close_on_exec() {
  say("-- close-on-exec\n");
  int ends[2];
  const auto flags = [](const char* what, int fd) {
    say("%s: %d, then", what, ::fcntl(fd, F_GETFD));
    ::fcntl(fd, F_SETFD, ::fcntl(fd, F_GETFD) ^ FD_CLOEXEC);
    say(" %d, duplicate %d\n", ::fcntl(fd, F_GETFD), ::fcntl(::dup(fd), F_GETFD));
  };
  flags("eventfd", ::eventfd(0, EFD_CLOEXEC));
  flags("epoll", ::epoll_create1(EPOLL_CLOEXEC));
  flags("plain epoll", ::epoll_create(1));
  flags("socket", ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  must("pipe2", ::pipe2(ends, O_CLOEXEC));
  flags("pipe", ends[0]);
  must("pipe", ::pipe(ends));
  flags("plain pipe", ends[1]);
}

void ranges() {
  say("-- ranges\n");
  ::closefrom(3);
  say("open:%s\n", open_numbers().c_str());
  for (int i = 0; i < 4; ++i) {
    must("eventfd", ::eventfd(0, 0));
    open_null();
  }
  show("close_range", ::close_range(4, 7, 0));
  say("open:%s\n", open_numbers().c_str());
  show("close_range marking", ::close_range(8, 9, CLOSE_RANGE_CLOEXEC));
  say("close-on-exec %d %d %d %d\n", ::fcntl(3, F_GETFD), ::fcntl(8, F_GETFD), ::fcntl(9, F_GETFD),
      ::fcntl(10, F_GETFD));
  show("close_range backwards", ::close_range(9, 8, 0));
  show("close_range with a flag that is none", ::close_range(3, 4, 1 << 10));
  show("close_range past the last", ::close_range(10, ~0u, 0));
  say("open:%s\n", open_numbers().c_str());
  show("eventfd", ::eventfd(0, 0));
  ::closefrom(8);
  ::closefrom(3);
  say("open:%s\n", open_numbers().c_str());
  show("eventfd", ::eventfd(0, 0));
  show("close", ::close(3));
}

/// Last, as it takes the streams away: the result goes through a duplicate.
void standard_streams() {
  const int out = must("dup", ::fcntl(1, F_DUPFD, 90));
  std::fflush(stdout);
  std::string text;
  const auto note = [&text](const char* what, long result) {
    text += std::string{what} + ": " + outcome(result) + '\n';
  };
  ::close(0);
  note("eventfd in the place of stdin", ::eventfd(7, 0));
  std::uint64_t value = 0;
  note("read of stdin", ::read(0, &value, sizeof value));
  note("value", static_cast<long>(value));
  int ends[2];
  note("pipe", ::pipe(ends));
  note("dup2 to stdout", ::dup2(ends[1], 1));
  std::printf("through a pipe\n");
  note("flush", std::fflush(stdout));
  ::fcntl(ends[0], F_SETFL, O_NONBLOCK);
  char bytes[64];
  note("read of the pipe", ::read(ends[0], bytes, sizeof bytes));
  note("write to stdout", ::write(1, "more", 4));
  note("read of the pipe", ::read(ends[0], bytes, sizeof bytes));
  ::write(out, text.data(), text.size());
}

}  // namespace

int main(int argc, char**) {
  print_by_lines();
  mixed_numbers();
  duplicates();
  close_on_exec();
  ranges();
  if (argc > 1) standard_streams();
}
