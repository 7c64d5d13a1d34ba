// Rest: whether threads of this process are asleep in their calls on Linux, for certain, told from /proc.
//
// A thread is at rest if it is off the processor, in a sleep that a wakeup ends, and nobody has woken it. No single
// file says all that of one moment: `syscall` speaks of a thread that is off the processor, but also of one that was
// just woken; `stat` says whether a thread was woken, but calls one asleep that is only about to be. So there are two
// looks. The first reads how often the thread has run (schedstat) and waits until it is off the processor (syscall).
// The second wants it asleep still (stat) and to have run no more often. Then it slept from the one look to the other:
// if all threads pass, they slept at the same moment, the one between the looks, and from then on only an outsider
// wakes them.
#pragma once

#include <array>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <string>
#include <string_view>
#include <unistd.h>

namespace threaded {

class ThreadFiles {
 public:
  explicit ThreadFiles(int thread_id)
      : stat_(open(thread_id, "stat")), syscall_(open(thread_id, "syscall")), runs_(open(thread_id, "schedstat")) {}
  ThreadFiles(const ThreadFiles&) = delete;
  ThreadFiles& operator=(const ThreadFiles&) = delete;
  ~ThreadFiles() {
    for (const int fd : {stat_, syscall_, runs_}) ::close(fd);
  }

  /// The first look. False if the thread runs, or may.
  bool look_first() {
    runs_before_ = number_of_runs();
    const std::string_view line = read(syscall_);
    return !line.empty() && line[0] >= '0' && line[0] <= '9';
  }
  /// The second look: true if it slept all the time since the first.
  bool look_again() {
    const std::string_view line = read(stat_);  // "id (name) state …"
    const std::size_t name_end = line.rfind(") ");
    const bool asleep = name_end != std::string_view::npos && line[name_end + 2] == 'S';
    return asleep && number_of_runs() == runs_before_;
  }

  /// Numbers from here on are the tester's own: a script's are low.
  static constexpr int own_fds = 1000;

 private:
  static int open(int thread_id, const char* name) {
    const std::string path = "/proc/self/task/" + std::to_string(thread_id) + '/' + name;
    const int low = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    const int fd = ::fcntl(low, F_DUPFD_CLOEXEC, own_fds);
    if (fd < 0) {
      std::fprintf(stderr, "cannot open %s above %d\n", path.c_str(), own_fds);
      std::abort();
    }
    ::close(low);
    return fd;
  }
  std::string_view read(int fd) {
    const ::ssize_t n = ::pread(fd, buffer_.data(), buffer_.size(), 0);
    return {buffer_.data(), n > 0 ? static_cast<std::size_t>(n) : 0};
  }
  // "time waited runs": the last is how often it was given the processor.
  long number_of_runs() {
    const std::string_view line = read(runs_);
    const std::size_t last = line.rfind(' ');
    return last == std::string_view::npos ? -1 : std::atol(line.data() + last);
  }

  const int stat_;
  const int syscall_;
  const int runs_;
  long runs_before_ = 0;
  std::array<char, 1024> buffer_{};
};

}  // namespace threaded
