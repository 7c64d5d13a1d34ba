// Threads that block for real, side by side: ping-pong through each kind of file, and crowds that wait for the same
// one.
#include "loopback.hpp"

#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <netinet/in.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <thread>
#include <vector>

using namespace programs;

namespace {

constexpr int rounds = 300;

/// Two directions, each with an end to read and one to write.
struct Lines {
  int read[2];
  int write[2];
};

Lines pipes() {
  int there[2], back[2];
  must("pipe", ::pipe(there));
  must("pipe", ::pipe(back));
  return {{there[0], back[0]}, {back[1], there[1]}};
}
Lines eventfds() {
  const int there = ::eventfd(0, 0), back = ::eventfd(0, 0);
  return {{there, back}, {back, there}};
}
Lines pair_of(int type) {
  int pair[2];
  must("socketpair", ::socketpair(AF_UNIX, type, 0, pair));
  return {{pair[0], pair[1]}, {pair[0], pair[1]}};
}
Lines tcp() {
  ::sockaddr_in address{};
  const int listener = listen_on_loopback(address, 1);
  const int client = connect_to(address);
  const int server = must("accept", ::accept(listener, nullptr, nullptr));
  ::close(listener);
  return {{client, server}, {client, server}};
}

/// Sends a number to and fro; says the sum of what arrived.
std::uint64_t play(const Lines& lines, int side, int begins) {
  std::uint64_t sum = 0;
  for (std::uint64_t i = 1; i <= rounds; ++i) {
    std::uint64_t value = i;
    if (side == begins) must("write", ::write(lines.write[side], &value, sizeof value));
    must("read", ::read(lines.read[side], &value, sizeof value));
    sum += value;
    if (side != begins) must("write", ::write(lines.write[side], &value, sizeof value));
  }
  return sum;
}

void ping_pong() {
  const std::array<std::function<Lines()>, 4> make = {pipes, eventfds, [] { return pair_of(SOCK_STREAM); },
                                                      [] { return pair_of(SOCK_SEQPACKET); }};
  std::vector<std::thread> threads;
  std::array<std::uint64_t, 10> sums{};
  for (std::size_t i = 0; i < 5; ++i) {
    const Lines lines = i < 4 ? make[i]() : tcp();
    for (const int side : {0, 1}) {
      std::uint64_t& sum = sums[2 * i + static_cast<std::size_t>(side)];
      threads.emplace_back([&sum, lines, side] { sum = play(lines, side, 0); });
    }
  }
  for (std::thread& thread : threads) thread.join();
  for (const std::uint64_t sum : sums) say("sum %lu\n", sum);
}

/// Eight threads with an epoll each, and a token that goes round.
void ring() {
  constexpr std::size_t members = 8;
  std::array<int, members> reads{}, writes{};
  for (std::size_t i = 0; i < members; ++i) {
    int ends[2];
    must("pipe2", ::pipe2(ends, O_NONBLOCK));
    reads[i] = ends[0];
    writes[i] = ends[1];
  }
  std::array<long, members> passed{};
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < members; ++i) {
    threads.emplace_back([&, i] {
      const int epoll = ::epoll_create1(0);
      ::epoll_event event{};
      event.events = EPOLLIN | (i % 2 == 0 ? std::uint32_t{EPOLLET} : 0);
      must("epoll_ctl", ::epoll_ctl(epoll, EPOLL_CTL_ADD, reads[i], &event));
      for (;;) {
        must("epoll_wait", ::epoll_wait(epoll, &event, 1, -1));
        int token = 0;
        must("read", ::read(reads[i], &token, sizeof token));
        passed[i] += 1;
        --token;
        if (token > -static_cast<int>(members)) must("write", ::write(writes[(i + 1) % members], &token, sizeof token));
        if (token <= 0) break;  // Once more round, so that all end.
      }
      ::close(epoll);
    });
  }
  const int token = 1000;
  must("write", ::write(writes[0], &token, sizeof token));
  for (std::thread& thread : threads) thread.join();
  for (const long each : passed) say("passed %ld\n", each);
}

/// Connections from several threads at once, each answered.
void crowd_of_clients() {
  const int listener = must("socket", ::socket(AF_UNIX, SOCK_STREAM, 0));
  ::sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strcpy(address.sun_path, "crowd");
  must("bind", ::bind(listener, reinterpret_cast<::sockaddr*>(&address), sizeof address));
  must("listen", ::listen(listener, 4));
  std::atomic<int> answered = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      for (int j = 0; j < 10; ++j) {
        const int fd = must("socket", ::socket(AF_UNIX, SOCK_STREAM, 0));
        must("connect", ::connect(fd, reinterpret_cast<const ::sockaddr*>(&address), sizeof address));
        must("send", ::send(fd, "ask", 3, 0));
        char bytes[8];
        answered += must("recv", ::recv(fd, bytes, sizeof bytes, MSG_WAITALL)) == 6;
        ::close(fd);
      }
    });
  }
  for (int i = 0; i < 80; ++i) {
    const int fd = must("accept", ::accept(listener, nullptr, nullptr));
    char bytes[8];
    must("recv", ::recv(fd, bytes, 3, MSG_WAITALL));
    must("send", ::send(fd, "answer", 6, 0));
    ::close(fd);
  }
  for (std::thread& thread : threads) thread.join();
  say("answered %d\n", answered.load());
}

/// Several threads, each with an epoll of its own on the same eventfd: one event wakes one of them if they are
/// exclusive, and all if they are not.
void herd(bool is_exclusive) {
  constexpr int members = 4;
  const int event = ::eventfd(0, EFD_SEMAPHORE | EFD_NONBLOCK);
  std::atomic<int> woken = 0;
  std::array<std::atomic<::pid_t>, members> ids{};
  std::vector<std::thread> threads;
  for (int i = 0; i < members; ++i) {
    threads.emplace_back([&, i] {
      const int epoll = ::epoll_create1(0);
      ::epoll_event interest{};
      interest.events = EPOLLIN | EPOLLET | (is_exclusive ? std::uint32_t{EPOLLEXCLUSIVE} : 0);
      must("epoll_ctl", ::epoll_ctl(epoll, EPOLL_CTL_ADD, event, &interest));
      ids[static_cast<std::size_t>(i)] = this_thread_id();
      must("epoll_wait", ::epoll_wait(epoll, &interest, 1, -1));
      ++woken;
      ::close(epoll);
    });
  }
  for (const std::atomic<::pid_t>& id : ids) {
    while (id == 0) ::sched_yield();
    until_asleep(id);
  }
  int writes = 0;
  while (woken < members) {
    const int before = woken;
    must("eventfd_write", ::eventfd_write(event, 1));
    ++writes;
    const int expected = is_exclusive ? before + 1 : members;
    while (woken < expected) ::sched_yield();
  }
  for (std::thread& thread : threads) thread.join();
  say("%s: %d writes for %d threads\n", is_exclusive ? "exclusive" : "all", writes, members);
}

}  // namespace

int main() {
  print_by_lines();
  ping_pong();
  ring();
  crowd_of_clients();
  herd(true);
  herd(false);
}
