// What sockets can do with messages: flags of receiving, several vectors, fds sent along, many at a time, files sent.
#include "show.hpp"

#include <algorithm>
#include <array>
#include <netinet/in.h>
#include <sys/eventfd.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <thread>
#include <vector>

using namespace programs;

namespace {

struct Pair {
  int ends[2];
  explicit Pair(int type) { must("socketpair", ::socketpair(AF_UNIX, type, 0, ends)); }
  Pair(const Pair&) = delete;
  Pair& operator=(const Pair&) = delete;
  ~Pair() {
    for (const int fd : ends) ::close(fd);
  }
};

void got(const char* what, long n, const char* bytes, std::size_t room) {
  say("%s: %s", what, outcome(n).c_str());
  if (n > 0) say(", \"%.*s\"", static_cast<int>(std::min(room, static_cast<std::size_t>(n))), bytes);
  say("\n");
}

void flags() {
  say("-- flags\n");
  for (const int type : {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET}) {
    say("type %d\n", type);
    const Pair pair{type};
    char bytes[8] = {};
    const auto receive = [&](const char* what, std::size_t n, int flag) {
      got(what, ::recv(pair.ends[0], bytes, n, flag), bytes, n);
    };
    receive("MSG_DONTWAIT", 8, MSG_DONTWAIT);
    show("send", ::send(pair.ends[1], "abcdef", 6, 0));
    show("send", ::send(pair.ends[1], "ghi", 3, MSG_NOSIGNAL));
    receive("MSG_PEEK", 4, MSG_PEEK);
    receive("MSG_PEEK again", 8, MSG_PEEK);
    receive("MSG_TRUNC and MSG_PEEK", 2, MSG_PEEK | MSG_TRUNC);
    receive("recv", 4, 0);
    receive("recv", 4, MSG_TRUNC);
    receive("the rest", 8, MSG_DONTWAIT);
    receive("nothing left", 8, MSG_DONTWAIT);
  }
  const Pair pair{SOCK_STREAM};
  char bytes[8] = {};
  const ::pid_t id = this_thread_id();
  std::thread other([&] {
    for (const char* part : {"ab", "cd", "ef", "gh"}) {
      until_asleep(id);
      must("send", ::send(pair.ends[1], part, 2, 0));
    }
  });
  const long n = ::recv(pair.ends[0], bytes, sizeof bytes, MSG_WAITALL);
  got("MSG_WAITALL", n, bytes, sizeof bytes);
  other.join();
  must("send", ::send(pair.ends[1], "end", 3, 0));
  ::shutdown(pair.ends[1], SHUT_WR);
  got("MSG_WAITALL at the end", ::recv(pair.ends[0], bytes, sizeof bytes, MSG_WAITALL), bytes, sizeof bytes);
  got("and after it", ::recv(pair.ends[0], bytes, sizeof bytes, MSG_WAITALL), bytes, sizeof bytes);
}

struct Parts {
  char first[3] = {}, second[4] = {}, third[16] = {};
  ::iovec vectors[3] = {{first, sizeof first}, {second, sizeof second}, {third, sizeof third}};

  void print(const char* what, long n) const {
    say("%s: %s, \"%.3s\" \"%.4s\" \"%.16s\"\n", what, outcome(n).c_str(), first, second, third);
  }
};

void vectors() {
  say("-- vectors\n");
  ::iovec from[3] = {{const_cast<char*>("one "), 4}, {nullptr, 0}, {const_cast<char*>("two three"), 9}};
  for (const int type : {SOCK_STREAM, SOCK_DGRAM}) {
    const Pair pair{type};
    ::msghdr message{};
    message.msg_iov = from;
    message.msg_iovlen = 3;
    show("sendmsg", ::sendmsg(pair.ends[0], &message, 0));
    show("writev", ::writev(pair.ends[0], from, 3));
    Parts parts;
    ::msghdr to{};
    to.msg_iov = parts.vectors;
    to.msg_iovlen = 2;
    to.msg_flags = -1;
    parts.print("recvmsg", ::recvmsg(pair.ends[1], &to, 0));
    say("flags %#x, name %u, control %zu\n", static_cast<unsigned>(to.msg_flags), to.msg_namelen, to.msg_controllen);
    Parts more;
    more.print("readv", ::readv(pair.ends[1], more.vectors, 3));
    message.msg_iovlen = 1025;
    show("too many vectors", ::sendmsg(pair.ends[0], &message, 0));
    const volatile int too_many = 1025;  // Compilers know better than to let us.
    show("writev of too many", ::writev(pair.ends[0], from, too_many));
    message.msg_iovlen = 0;
    if (type == SOCK_DGRAM) show("no vectors", ::sendmsg(pair.ends[0], &message, 0));
  }
}

long by_sendmsg(int socket, const ::msghdr& message) { return ::sendmsg(socket, &message, 0); }
long by_sendmmsg(int socket, const ::msghdr& message) {
  ::mmsghdr one{message, 0};
  return ::sendmmsg(socket, &one, 1, 0);
}

/// Sends fds, and what the receiver gets of them.
long send_fds(int socket, const std::vector<int>& fds, decltype(by_sendmsg)* send = by_sendmsg) {
  alignas(::cmsghdr) std::array<char, CMSG_SPACE(8 * sizeof(int))> control{};
  ::iovec vector{const_cast<char*>("fds"), 3};
  ::msghdr message{};
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = CMSG_SPACE(fds.size() * sizeof(int));
  ::cmsghdr* const header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(fds.size() * sizeof(int));
  std::memcpy(CMSG_DATA(header), fds.data(), fds.size() * sizeof(int));
  return send(socket, message);
}
std::vector<int> receive_fds(int socket, int flags, std::size_t room) {
  alignas(::cmsghdr) std::array<char, CMSG_SPACE(8 * sizeof(int))> control{};
  char bytes[8];
  ::iovec vector{bytes, sizeof bytes};
  ::msghdr message{};
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = CMSG_LEN(room * sizeof(int));
  show("recvmsg", ::recvmsg(socket, &message, flags));
  std::vector<int> fds;
  for (::cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr; header = CMSG_NXTHDR(&message, header)) {
    const std::size_t n = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    say("level %d, type %d, %zu fds:", header->cmsg_level, header->cmsg_type, n);
    for (std::size_t i = 0; i < n; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(header) + i * sizeof fd, sizeof fd);
      fds.push_back(fd);
      say(" %d (close-on-exec %d)", fd, ::fcntl(fd, F_GETFD));
    }
    say("\n");
  }
  say("flags %#x\n", static_cast<unsigned>(message.msg_flags));
  return fds;
}

void fds_sent() {
  say("-- fds sent along\n");
  for (const int type : {SOCK_STREAM, SOCK_DGRAM}) {
    const Pair pair{type};
    const int event = ::eventfd(1, 0);
    int pipe[2];
    must("pipe", ::pipe(pipe));
    show("sendmsg", send_fds(pair.ends[0], {event, pipe[0]}));
    ::close(pipe[0]);
    const std::vector<int> fds = receive_fds(pair.ends[1], MSG_CMSG_CLOEXEC, 8);
    if (fds.size() != 2) return;
    must("eventfd_write", ::eventfd_write(event, 41));
    std::uint64_t value = 0;
    show("read", ::read(fds[0], &value, sizeof value));
    say("value %lu\n", value);
    show("write", ::write(pipe[1], "abc", 3));
    char bytes[8];
    show("read", ::read(fds[1], bytes, sizeof bytes));
    show("sendmsg of what is closed", send_fds(pair.ends[0], {99}));
    // Room for one of two: the other is closed.
    show("sendmsg", send_fds(pair.ends[0], {pipe[1], fds[1]}));
    const std::vector<int> one = receive_fds(pair.ends[1], 0, 1);
    // A socket in its own queue, which is dropped unread.
    show("sendmsg of itself", send_fds(pair.ends[0], {pair.ends[1]}));
    for (const int fd : {event, pipe[1], fds[0], fds[1]}) ::close(fd);
    for (const int fd : one) ::close(fd);
  }
}

/// Which outlive the number that they were sent as, and are what they were.
void files_of_linux_sent() {
  say("-- files of Linux sent along\n");
  for (const auto send : {by_sendmsg, by_sendmmsg}) {
    const Pair pair{SOCK_DGRAM};
    const int file = must("open", ::open("/dev/zero", O_RDONLY));
    show("sent", send_fds(pair.ends[0], {file}, send));
    ::close(file);
    const std::vector<int> fds = receive_fds(pair.ends[1], 0, 8);
    if (fds.size() != 1) return;
    char bytes[4];
    show("read", ::read(fds[0], bytes, sizeof bytes));
    show("close", ::close(fds[0]));
    show("read of what is closed", ::read(fds[0], bytes, sizeof bytes));
  }
}

void many_at_a_time() {
  say("-- many at a time\n");
  const Pair pair{SOCK_DGRAM};
  std::array<::iovec, 4> vectors{};
  std::array<::mmsghdr, 4> messages{};
  const char* const texts[] = {"a", "bb", "ccc", "dddd"};
  for (std::size_t i = 0; i < 4; ++i) {
    vectors[i] = {const_cast<char*>(texts[i]), i + 1};
    messages[i].msg_hdr.msg_iov = &vectors[i];
    messages[i].msg_hdr.msg_iovlen = 1;
  }
  show("sendmmsg", ::sendmmsg(pair.ends[0], messages.data(), 4, 0));
  say("lengths %u %u %u %u\n", messages[0].msg_len, messages[1].msg_len, messages[2].msg_len, messages[3].msg_len);
  show("sendmmsg of none", ::sendmmsg(pair.ends[0], nullptr, 0, 0));
  std::array<std::array<char, 8>, 8> rooms{};
  std::array<::iovec, 8> to{};
  std::array<::mmsghdr, 8> received{};
  for (std::size_t i = 0; i < 8; ++i) {
    to[i] = {rooms[i].data(), rooms[i].size()};
    received[i].msg_hdr.msg_iov = &to[i];
    received[i].msg_hdr.msg_iovlen = 1;
  }
  show("recvmmsg of two", ::recvmmsg(pair.ends[1], received.data(), 2, 0, nullptr));
  say("%u %.8s, %u %.8s\n", received[0].msg_len, rooms[0].data(), received[1].msg_len, rooms[1].data());
  show("recvmmsg, waiting for one", ::recvmmsg(pair.ends[1], received.data(), 8, MSG_WAITFORONE, nullptr));
  say("%u %.8s, %u %.8s\n", received[0].msg_len, rooms[0].data(), received[1].msg_len, rooms[1].data());
  show("recvmmsg of nothing", ::recvmmsg(pair.ends[1], received.data(), 8, MSG_DONTWAIT, nullptr));
  ::timespec wrong{0, -1};
  show("recvmmsg for a wrong time", ::recvmmsg(pair.ends[1], received.data(), 8, MSG_DONTWAIT, &wrong));
  show("sendmmsg on a pipe", ::sendmmsg(::eventfd(0, 0), messages.data(), 1, 0));
}

void files_sent() {
  say("-- files sent\n");
  const int file = must("open", ::open("file", O_RDWR | O_CREAT, 0600));
  std::string text;
  for (int i = 0; i < 100; ++i) text += "0123456789";
  must("write", ::write(file, text.data(), text.size()));
  const Pair pair{SOCK_STREAM};
  char bytes[2000];
  show("lseek", ::lseek(file, 990, SEEK_SET));
  show("sendfile", ::sendfile(pair.ends[0], file, nullptr, 100));
  got("recv", ::recv(pair.ends[1], bytes, sizeof bytes, 0), bytes, 20);
  show("where it is", ::lseek(file, 0, SEEK_CUR));
  ::off_t offset = 5;
  show("sendfile from an offset", ::sendfile(pair.ends[0], file, &offset, 10));
  say("offset %ld\n", static_cast<long>(offset));
  got("recv", ::recv(pair.ends[1], bytes, sizeof bytes, 0), bytes, 20);
  show("where it is", ::lseek(file, 0, SEEK_CUR));
  offset = -1;
  show("from a negative offset", ::sendfile(pair.ends[0], file, &offset, 10));
  offset = 5000;
  show("from behind the end", ::sendfile(pair.ends[0], file, &offset, 10));
  int pipe[2];
  must("pipe", ::pipe(pipe));
  offset = 0;
  show("to a pipe", ::sendfile(pipe[1], file, &offset, 7));
  got("read", ::read(pipe[0], bytes, sizeof bytes), bytes, 20);
  show("from a socket", ::sendfile(file, pair.ends[1], nullptr, 10));
  show("to what is closed", ::sendfile(99, file, nullptr, 10));
  show("from what is closed", ::sendfile(pair.ends[0], 99, nullptr, 10));
  ::fcntl(pair.ends[0], F_SETFL, O_NONBLOCK);
  while (::send(pair.ends[0], bytes, sizeof bytes, 0) > 0) continue;
  while (::send(pair.ends[0], bytes, 1, 0) > 0) continue;
  offset = 3;
  show("when there is no room", ::sendfile(pair.ends[0], file, &offset, 10));
  say("offset %ld\n", static_cast<long>(offset));
}

}  // namespace

int main() {
  print_by_lines();
  flags();
  vectors();
  fds_sent();
  files_of_linux_sent();
  many_at_a_time();
  files_sent();
}
