// The C library's streams on pipes and sockets, printing to fds, and its eventfd functions. Built fortified, too, and
// with and without large files.
#include "show.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <thread>

using namespace programs;

namespace {

void pipe_streams() {
  say("-- a pipe\n");
  int ends[2];
  must("pipe", ::pipe(ends));
  std::FILE* const in = ::fdopen(ends[0], "r");
  std::FILE* const out = ::fdopen(ends[1], "w");
  say("fileno %d %d\n", ::fileno(in) == ends[0], ::fileno(out) == ends[1]);
  show("fprintf", std::fprintf(out, "%s %d\n", "line", 1));
  show("fputs", std::fputs("line 2\n12 abc\nrest", out) >= 0);
  show("fflush", std::fflush(out));
  char line[32] = {};
  say("fgets: %s", std::fgets(line, sizeof line, in));
  show("fgetc", std::fgetc(in));
  show("ungetc", std::ungetc('L', in));
  say("fgets: %s", std::fgets(line, sizeof line, in));
  int number = 0;
  show("fscanf", std::fscanf(in, "%d %31s", &number, line));
  say("read %d and %s\n", number, line);
  show("fclose", std::fclose(out));
  show("fread", static_cast<long>(std::fread(line, 1, sizeof line, in)));
  say("end %d, error %d\n", std::feof(in) != 0, std::ferror(in) != 0);
  show("fseek", std::fseek(in, 0, SEEK_SET));
  show("fclose", std::fclose(in));
  show("close of what was closed", ::close(ends[0]));
}

void socket_streams() {
  say("-- a socket\n");
  int pair[2];
  must("socketpair", ::socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
  std::thread other([end = pair[1]] {
    std::FILE* const stream = ::fdopen(::dup(end), "r");
    std::FILE* const answers = ::fdopen(end, "w");
    ::setvbuf(answers, nullptr, _IOLBF, 0);
    char line[64];
    for (int n = 1; std::fgets(line, sizeof line, stream) != nullptr; ++n) std::fprintf(answers, "%d: %s", n, line);
    std::fclose(answers);
    std::fclose(stream);
  });
  std::FILE* const to = ::fdopen(::dup(pair[0]), "w");
  std::FILE* const from = ::fdopen(pair[0], "r");
  char line[64];
  for (const char* word : {"one", "two", "three"}) {
    std::fprintf(to, "%s\n", word);
    std::fflush(to);
    say("answer %s", std::fgets(line, sizeof line, from));
  }
  ::shutdown(::fileno(to), SHUT_WR);
  say("the end: %d\n", std::fgets(line, sizeof line, from) == nullptr);
  std::fclose(to);
  std::fclose(from);
  other.join();
}

void printing_to_fds() {
  say("-- dprintf\n");
  int ends[2];
  must("pipe", ::pipe(ends));
  show("dprintf", ::dprintf(ends[1], "%d and %s", 42, "text"));
  char bytes[32] = {};
  show("read", ::read(ends[0], bytes, sizeof bytes - 1));
  say("\"%s\"\n", bytes);
  show("dprintf to the end for reading", ::dprintf(ends[0], "%d", 1));
  show("dprintf to what is closed", ::dprintf(99, "%d", 1));
  show("fdopen of what is closed", ::fdopen(99, "r") != nullptr);
}

void eventfds() {
  say("-- eventfds\n");
  const int event = ::eventfd(0, EFD_NONBLOCK);
  ::eventfd_t value = 0;
  show("eventfd_read", ::eventfd_read(event, &value));
  show("eventfd_write", ::eventfd_write(event, 4));
  show("eventfd_write", ::eventfd_write(event, 5));
  show("eventfd_read", ::eventfd_read(event, &value));
  say("value %lu\n", value);
  show("eventfd_write of too much", ::eventfd_write(event, ~std::uint64_t{0}));
  show("eventfd_read of what is closed", ::eventfd_read(99, &value));
}

/// With sizes that the compiler does not know, fortified builds call other functions.
void unknown_sizes(std::size_t n) {
  say("-- sizes\n");
  char bytes[64];
  int pair[2];
  must("socketpair", ::socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
  for (int i = 0; i < 4; ++i) must("send", ::send(pair[1], "abcdef", 6, 0));
  show("read", ::read(pair[0], bytes, n));
  show("recv", ::recv(pair[0], bytes, n, 0));
  show("recvfrom", ::recvfrom(pair[0], bytes, n, 0, nullptr, nullptr));
  show("pread", ::pread(pair[0], bytes, n, 0));
  ::pollfd entries[4] = {{pair[0], POLLIN, 0}, {-1, 0, 0}, {-1, 0, 0}, {-1, 0, 0}};
  show("poll", ::poll(entries, n, 0));
  const ::timespec none{};
  show("ppoll", ::ppoll(entries, n, &none, nullptr));
  ::fd_set in;
  FD_ZERO(&in);
  FD_SET(pair[static_cast<std::size_t>(n - 4)], &in);
  ::timeval no_time{};
  show("select", ::select(64, &in, nullptr, nullptr, &no_time));
  struct ::stat found {};
  show("fstat", ::fstat(pair[0], &found));
  say("a socket %d, off_t of %zu bytes\n", S_ISSOCK(found.st_mode), sizeof(::off_t));
  show("lseek", ::lseek(pair[0], 0, SEEK_SET));
  show("fcntl", (::fcntl(pair[0], F_GETFL) & O_ACCMODE) == O_RDWR);
}

}  // namespace

int main(int argc, char**) {
  print_by_lines();
  pipe_streams();
  socket_streams();
  printing_to_fds();
  eventfds();
  unknown_sizes(3 + static_cast<std::size_t>(argc));
}
