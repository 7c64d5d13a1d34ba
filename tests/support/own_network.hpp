// A network of one's own, so that nobody else uses its ports, and a new one when connections have used them up.
#pragma once

#include <algorithm>
#include <cstring>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace test {

/// Has an end acknowledge what it gets at once even after it answered: Linux takes the first answer for the beginning
/// of a dialogue, and waits for the next. Kernels before 6.7 do not know this setting.
inline void acknowledge_at_once() {
  const int fd = ::open("/proc/sys/net/ipv4/tcp_pingpong_thresh", O_WRONLY | O_CLOEXEC);
  if (fd < 0) return;
  static_cast<void>(::write(fd, "255", 3));
  ::close(fd);
}

/// A network namespace where nobody else is, with its loopback, for the calling thread and those it starts. False
/// without the right to.
inline bool enter_new_network() {
  if (::unshare(CLONE_NEWNET) != 0) return false;
  const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  ::ifreq loopback{};
  std::memcpy(loopback.ifr_name, "lo", sizeof "lo");
  loopback.ifr_flags = IFF_UP | IFF_RUNNING;
  const bool is_up = ::ioctl(fd, SIOCSIFFLAGS, &loopback) == 0;
  ::close(fd);
  acknowledge_at_once();
  return is_up;
}

/// Has the connections among the fds from 3 on be over as soon as they are closed.
inline void cut_connections(int fds_end) {
  constexpr ::linger at_once{1, 0};
  for (int fd = 3; fd < fds_end; ++fd) ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

/// True if anything is left of a connection, as its port is for a minute: each is a line below the first.
inline bool has_connections() {
  for (const char* const path : {"/proc/thread-self/net/tcp", "/proc/thread-self/net/tcp6"}) {
    const int fd = ::open(path, O_RDONLY | O_CLOEXEC);
    char text[512];
    const ::ssize_t n = ::read(fd, text, sizeof text);
    ::close(fd);
    if (n > 0 && std::count(text, text + n, '\n') > 1) return true;
  }
  return false;
}

}  // namespace test
