// Calls on files of Linux, for interpose.py: what they cost alone, and under rouse-run, which looks whose file it is.
//
//     real_calls CALL TIMES     prints the nanoseconds that one took
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <map>
#include <poll.h>
#include <string_view>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

namespace {

const int zero = ::open("/dev/zero", O_RDWR);
char bytes[64];

void read_once() { static_cast<void>(::read(zero, bytes, sizeof bytes)); }
void write_once() { static_cast<void>(::write(zero, bytes, sizeof bytes)); }
void readv_once() {
  const ::iovec vector{bytes, sizeof bytes};
  static_cast<void>(::readv(zero, &vector, 1));
}
void lseek_once() { static_cast<void>(::lseek(zero, 0, SEEK_SET)); }
void fstat_once() {
  struct ::stat status {};
  static_cast<void>(::fstat(zero, &status));
}
void fcntl_once() { static_cast<void>(::fcntl(zero, F_GETFL)); }
void ioctl_once() { static_cast<void>(::ioctl(zero, FIONREAD, bytes)); }
void dup_and_close_once() { static_cast<void>(::close(::dup(zero))); }
void poll_once() {
  ::pollfd entry{zero, POLLIN, 0};
  static_cast<void>(::poll(&entry, 1, 0));
}
void recv_once() { static_cast<void>(::recv(zero, bytes, sizeof bytes, 0)); }

const std::map<std::string_view, void (*)()> calls = {
    {"read", read_once},   {"write", write_once}, {"readv", readv_once},
    {"lseek", lseek_once}, {"fstat", fstat_once}, {"fcntl", fcntl_once},
    {"ioctl", ioctl_once}, {"poll", poll_once},   {"dup and close", dup_and_close_once},
    {"recv", recv_once},
};

}  // namespace

int main(int argc, char** argv) {
  const auto call = argc == 3 ? calls.find(argv[1]) : calls.end();
  if (call == calls.end()) {
    std::fputs("usage: real_calls CALL TIMES\n", stderr);
    return 2;
  }
  const long times = std::atol(argv[2]);
  const auto began = std::chrono::steady_clock::now();
  for (long i = 0; i < times; ++i) call->second();
  const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - began;
  std::printf("%.3f\n", took.count() / static_cast<double>(times));
}
